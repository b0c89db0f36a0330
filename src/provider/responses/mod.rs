//! The `responses` dialect: OpenAI's other chat API, `POST /v1/responses`.
//!
//! # Why a second dialect of one company
//!
//! The models from GPT-5.4 on call no tools on chat completions unless they are told not to think. Here
//! they do both.
//!
//! # Why nothing is kept there
//!
//! The caller's history is the only state: a response that the company stores could not be gone on with
//! anywhere else. So `store` is always false, no response is named as the one before, and what a model
//! thought travels sealed (`encrypted_content`) through the caller.
//!
//! Implements <https://platform.openai.com/docs/api-reference/responses> as in OpenAI's Python SDK
//! 3.52 (`types/responses`).

mod answer;
mod calls;
mod decode;
mod detail;
mod heard;
mod input;
mod item;
mod piece;
mod progress;
mod response;
mod tools;
mod write;

use crate::provider::openai::fault;
use crate::provider::{
    Ask, Company, Completion, Decoder, Fault, NameRule, Provider, REASONING_EFFORT, Reading,
    Unsupported, UpstreamRequest,
};

/// What names of tools may look like.
const NAMES: NameRule = NameRule::OPENAI;

/// The dialect.
#[derive(Debug)]
pub struct Responses;

impl Provider for Responses {
    fn name(&self) -> &'static str {
        "responses"
    }

    fn url(&self, base_url: &str) -> String {
        format!("{}/responses", base_url.trim_end_matches('/'))
    }

    fn paths(&self) -> &'static [&'static str] {
        &["/v1/responses"]
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
        in_callers_words(fault::read(status, body))
    }
}

/// A fault that blames the caller's field where the upstream blames what was made of it.
fn in_callers_words(fault: Fault) -> Fault {
    let param = fault.param.map(|param| match param.as_str() {
        "max_output_tokens" => "max_tokens".to_owned(),
        "reasoning.effort" => REASONING_EFFORT.to_owned(),
        "text.format" => "response_format".to_owned(),
        "text.verbosity" => "verbosity".to_owned(),
        _ => param,
    });
    Fault { param, ..fault }
}
