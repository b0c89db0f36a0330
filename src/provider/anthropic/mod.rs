//! The `anthropic` dialect: Anthropic's own Messages API, `POST /v1/messages`.
//!
//! # Why not Anthropic's OpenAI front
//!
//! It ignores `response_format`, `reasoning_effort` and the cache marks of a prompt, hoists every system
//! message to the top, and tells neither thoughts nor their signatures
//! (<https://platform.claude.com/docs/en/api/openai-sdk>). A gateway that must tell what was dropped cannot
//! use what drops in silence.
//!
//! # Why always streamed
//!
//! A long answer in one body is minutes of silence, which cannot be told from a dead connection; the
//! official SDKs refuse to ask for one above 21,333 tokens.
//!
//! Implements <https://platform.claude.com/docs/en/api/messages> as the types of the Python SDK 2.11 spell it.

mod answer;
mod aside;
mod block;
mod chunks;
mod conversation;
mod decode;
mod event;
mod fault;
mod marks;
mod place;
mod schema;
mod thinking;
mod thought;
mod tokens;
mod tools;
mod write;

use crate::openai::Delivery;
use crate::provider::company::{self, Company};
use crate::provider::portable::{Alphabet, First, IdRule};
use crate::provider::{
    Ask, Completion, Decoder, Fault, NameRule, Provider, Reading, Unsupported, UpstreamRequest,
};

/// The version of the API that is spoken.
const VERSION: &str = "2023-06-01";

/// What names of tools look like.
const NAMES: NameRule = NameRule {
    longest: 128,
    first: First::Any,
};

/// What ids of tool calls look like.
const IDS: IdRule = IdRule {
    alphabet: Alphabet::Words,
    shortest: 1,
    longest: usize::MAX,
};

/// What `reasoning_details` are called that this dialect gave and takes back; it begins as
/// [`TOLD_HERE`](crate::provider::portable::TOLD_HERE) says.
const FORMAT: &str = "pilotlight.anthropic-v1";

/// The dialect.
#[derive(Debug)]
pub struct Anthropic;

impl Provider for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn url(&self, base_url: &str) -> String {
        let base = base_url.trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base);
        format!("{base}/v1/messages")
    }

    fn paths(&self) -> &'static [&'static str] {
        &["/v1/messages"]
    }

    fn company(&self, _host: &str) -> &'static Company {
        company::anthropic()
    }

    fn headers(&self, key: Option<&str>) -> Vec<(&'static str, String)> {
        let key = key.map(|key| ("x-api-key", key.to_owned()));
        let version = ("anthropic-version", VERSION.to_owned());
        key.into_iter().chain([version]).collect()
    }

    fn wholes(&self) -> Delivery {
        Delivery::Streamed
    }

    fn tool_names(&self, _company: &Company) -> Option<NameRule> {
        Some(NAMES)
    }

    fn write(&self, ask: &Ask<'_>) -> Result<UpstreamRequest, Unsupported> {
        write::request(ask)
    }

    fn read(&self, body: &[u8], ask: &Reading<'_>) -> Result<Completion, Fault> {
        answer::completion(body, ask)
    }

    fn decoder(&self, ask: &Reading<'_>) -> Box<dyn Decoder> {
        Box::new(decode::EventDecoder::new(ask))
    }

    fn fault(&self, status: u16, body: &[u8]) -> Fault {
        fault::read(status, body)
    }
}

/// Reads an error answer, for the tests of what errors mean.
#[cfg(test)]
pub(crate) fn fault(status: u16, body: &[u8]) -> Fault {
    fault::read(status, body)
}

/// Reads an error event's `error`, for the tests of what errors mean.
#[cfg(test)]
pub(crate) fn inside(error: &serde_json::Value) -> Fault {
    fault::inside(error)
}
