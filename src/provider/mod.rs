//! The seam to upstreams: one folder per dialect, pure and stateless, and one table of them.
//!
//! A dialect writes a request, reads a whole answer, decodes a stream and reads an error. It never
//! sends anything and never decides anything: what an error means is `policy::classify`'s, and
//! whether to try again is `gateway`'s. A company that speaks a known dialect is a row of
//! [`company`], not a file.

use std::borrow::Cow;
use std::fmt::Debug;

use crate::models::Abilities;
use crate::openai::json::Object;
use crate::openai::{ChatRequest, Delivery, Finish, Message, Usage, UsageChunk};

pub mod anthropic;
pub mod company;
pub mod completion;
pub mod ollama;
pub mod openai;
pub mod portable;
pub mod responses;
pub mod watched;

pub use company::Company;
pub use portable::{NameRule, Names};
pub use watched::{WatchUrls, Watched};

pub use crate::reason::Fault;
pub use crate::stream::event::{Bearable, Carries, Chunk, Decoder, Event, Garbage};

/// Every dialect; the config's `provider` is one of their names.
pub static PROVIDERS: &[&dyn Provider] = &[
    &anthropic::Anthropic,
    &ollama::Ollama,
    &openai::OpenAi,
    &responses::Responses,
];

/// A dialect.
pub trait Provider: Debug + Sync {
    /// The name in the config.
    fn name(&self) -> &'static str;

    /// The full address that chat requests are posted to.
    fn url(&self, base_url: &str) -> String;

    /// The paths of all that is asked of a server that is reached by a binding, from its root; the
    /// first is what chat requests are posted to. Nothing else goes through a binding.
    fn paths(&self) -> &'static [&'static str];

    /// The window in tokens of a target whose config names none; `None` when it is the upstream's own
    /// affair.
    fn default_context(&self) -> Option<u32> {
        None
    }

    /// The company at a host, whose rules hold there.
    fn company(&self, host: &str) -> &'static Company {
        Company::for_host(host)
    }

    /// The headers that carry a key, and what else each request needs: names in lower case, and values.
    fn headers(&self, key: Option<&str>) -> Vec<(&'static str, String)> {
        let bearer = key.map(|key| ("authorization", format!("Bearer {key}")));
        bearer.into_iter().collect()
    }

    /// How it is best asked for an answer that the caller wants in one body.
    fn wholes(&self) -> Delivery {
        Delivery::Whole
    }

    /// What names of tools may look like there; `None` where any will do.
    fn tool_names(&self, _company: &Company) -> Option<NameRule> {
        None
    }

    /// Writes the upstream request from an allow-list of fields.
    ///
    /// # Errors
    ///
    /// [`Unsupported`] when the target could not serve the request faithfully.
    fn write(&self, ask: &Ask<'_>) -> Result<UpstreamRequest, Unsupported>;

    /// Reads a whole answer (status 200) into OpenAI's completion object.
    ///
    /// # Errors
    ///
    /// The fault, when the body is an error, is empty or is not of this dialect.
    fn read(&self, body: &[u8], ask: &Reading<'_>) -> Result<Completion, Fault>;

    /// A decoder for one streamed answer (status 200).
    fn decoder(&self, ask: &Reading<'_>) -> Box<dyn Decoder>;

    /// Where the upstream at `url` tells which models it has in memory; `None` where it does not.
    fn presence_url(&self, _url: &str) -> Option<String> {
        None
    }

    /// Reads what lies there.
    fn presence(&self, _body: &[u8], _model: &str) -> Presence {
        Presence::Unknown
    }

    /// The dialect as one whose servers tell of themselves; `None` where they do not.
    fn watched(&self) -> Option<&dyn Watched> {
        None
    }

    /// Reads an error answer (status other than 200).
    fn fault(&self, status: u16, body: &[u8]) -> Fault;
}

/// Whether a model is in the upstream's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is not: while a request for it waits, it is being loaded.
    Absent,
    /// It is.
    Loaded,
    /// That cannot be told.
    Unknown,
}

/// A request as one target is to be asked: everything a dialect needs to write it.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// What the caller sent.
    pub request: &'a ChatRequest<'a>,
    /// The conversation, fitted to the target's window.
    pub messages: &'a [Message<'a>],
    /// Whether a stream is wanted, which the caller need not have asked for.
    pub delivery: Delivery,
    /// Whether a stream has to tell what it used.
    pub usage_chunk: UsageChunk,
    /// What the conversation ends with.
    pub ending: Ending,
    /// The model's name at the target.
    pub model: &'a str,
    /// Which of the dialect's companies this is.
    pub company: &'static Company,
    /// The target's window in tokens, where it is known.
    pub context: Option<u32>,
    /// Who chose it.
    pub window: Window,
    /// The most tokens that the answer may have, where the caller or the config says so; never more
    /// than `max_output`.
    pub max_tokens: Option<u32>,
    /// The most that the model can write, where that is known.
    pub max_output: Option<u32>,
    /// What the model can do.
    pub abilities: Abilities,
    /// The caller's fields that are left out, whatever the dialect: the model does not take them.
    pub left_out: &'a [Cow<'static, str>],
    /// How much the model shall think (a word of `reasoning_effort`), where it is told.
    pub effort: Option<&'a str>,
    /// How long a home box keeps the model loaded, as the config has it.
    pub keep_alive: Option<&'a str>,
}

/// A request as it goes to the upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamRequest {
    /// The JSON text.
    pub body: Vec<u8>,
    /// The caller's fields that are not in it, by their paths (`user`, `messages.name`). None of them
    /// changes what the answer means.
    pub dropped: Vec<Cow<'static, str>>,
}

impl UpstreamRequest {
    /// One that says all that the caller said.
    pub fn whole(body: Vec<u8>) -> Self {
        Self {
            body,
            dropped: Vec::new(),
        }
    }

    /// Notes a field that is not in it, once. Callers make names up, and these travel in headers and
    /// stand in logs: so a name that is none is told as `other`.
    pub fn drop(&mut self, field: &str) {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let is_plain = field.len() <= 64 && field.chars().all(is_name) && self.dropped.len() < 32;
        let field = if is_plain { field } else { "other" };
        if !self.dropped.iter().any(|known| known == field) {
            self.dropped.push(Cow::Owned(field.to_owned()));
        }
    }
}

impl<'a> Ask<'a> {
    /// The caller's fields, without those that the model does not take.
    pub fn fields(&self) -> Object<'a> {
        let mut fields = self.request.fields.clone();
        fields.0.retain(|(name, _)| !self.leaves_out(name));
        fields
    }

    /// About how many bytes the request takes when it is written.
    pub fn capacity(&self) -> usize {
        let contents = self.messages.iter().filter_map(|it| it.content.as_ref());
        let text: usize = contents
            .map(|content| content.get().len().saturating_add(64))
            .sum();
        let tools = self.request.tools().map_or(0, |tools| tools.get().len());
        text.saturating_add(tools).saturating_add(1024)
    }

    /// Whether a field of the caller's is left out.
    pub fn leaves_out(&self, name: &str) -> bool {
        self.left_out.iter().any(|left| left == name)
    }

    /// The window that the upstream is told to have.
    pub fn told_context(&self) -> Option<u32> {
        match self.window {
            Window::Found => None,
            Window::Told => self.context,
        }
    }
}

/// Who chose a target's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The upstream, so it is not told: another value would make it load the model anew.
    Found,
    /// The config, so the upstream is told where there are words for it.
    Told,
}

/// What a conversation ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A message of the assistant's, which the model is to go on with.
    Prefill,
    /// Whatever a conversation ends with.
    Usual,
}

/// The request's field that says how much the model shall think.
pub const REASONING_EFFORT: &str = "reasoning_effort";

/// What a reader of answers must know of the request.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The model's name at the target.
    pub model: &'a str,
    /// The id for answers whose dialect has none of its own.
    pub request_id: &'a str,
    /// Seconds since 1970, for answers whose dialect has no such number.
    pub created: u64,
    /// How many choices were asked for.
    pub choices: u32,
    /// Whether the caller wants a chunk with usage at a stream's end.
    pub usage_chunk: UsageChunk,
    /// Whose answer it may be.
    pub origin: Origin,
    /// Whose answer it is.
    pub company: &'static Company,
    /// The tools that the company knows by other names than the caller.
    pub names: &'a Names,
}

/// Whose answer is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Anybody's.
    Any,
    /// The target's own. One that says that it comes from elsewhere is a fault, `Reason::LeftHome`.
    Target,
}

/// A field that the target cannot serve: the request's path of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported(pub &'static str);

/// A whole answer as OpenAI's completion object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The JSON text of the object.
    pub json: Vec<u8>,
    /// Why the first choice ended.
    pub finish: Option<Finish>,
    /// What it used, where told.
    pub usage: Option<Usage>,
}
