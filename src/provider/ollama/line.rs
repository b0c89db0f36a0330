//! One object of Ollama's answer: a line of a stream, or the whole of an unstreamed one.
//!
//! Implements `ChatResponse` of Ollama's `api/types.go`, as far as a caller can be told of it. What
//! is only carried stays as the JSON text that Ollama wrote.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

use crate::openai::json::Object;
use crate::openai::{Finish, Usage};
use crate::provider::completion::{Called, Ending};
use crate::provider::ollama::fault;
use crate::provider::{Fault, Origin};
use crate::reason::Reason;

/// An object of the answer.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Line<'a> {
    #[serde(borrow, default)]
    pub(super) model: Option<Text<'a>>,
    #[serde(borrow, default)]
    message: Option<Said<'a>>,
    /// Where it comes from, if the server asked another.
    #[serde(borrow, default)]
    remote_host: Option<Text<'a>>,
    #[serde(borrow, default)]
    remote_model: Option<Text<'a>>,
    #[serde(default)]
    done: Option<bool>,
    #[serde(borrow, default)]
    done_reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    logprobs: Option<Vec<Object<'a>>>,
    #[serde(default)]
    prompt_eval_count: Option<u64>,
    #[serde(default)]
    eval_count: Option<u64>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// What the model says.
#[derive(Debug, serde::Deserialize)]
struct Said<'a> {
    #[serde(borrow, default)]
    content: Option<Text<'a>>,
    #[serde(borrow, default)]
    thinking: Option<Text<'a>>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<Call<'a>>>,
}

/// A tool call, always whole.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Call<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) function: Function<'a>,
}

/// The function that a tool call calls.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Function<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) arguments: Option<&'a RawValue>,
}

/// The JSON text of a string, quotes and escapes included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a>(&'a str);

impl<'a> Line<'a> {
    /// Reads an object, which may turn out to be an error, or another's answer than is wanted.
    pub(super) fn parse(bytes: &'a [u8], origin: Origin) -> Result<Self, Fault> {
        let line: Self =
            serde_json::from_slice(bytes).map_err(|_| Fault::known(Reason::NotAnApi))?;
        if origin == Origin::Target && line.is_anothers() {
            return Err(Fault::known(Reason::LeftHome));
        }
        if let Some(error) = line.error {
            return Err(fault::inside(error.get()));
        }
        if line.message.is_none() && line.done.is_none() {
            return Err(Fault::known(Reason::NotAnApi));
        }
        Ok(line)
    }

    /// Whether the server says that another answered.
    fn is_anothers(&self) -> bool {
        let told = [self.remote_host, self.remote_model];
        told.into_iter()
            .flatten()
            .any(|text| text.spoken().is_some())
    }

    /// Whether this is the last object: the answer is whole.
    pub(super) fn is_done(&self) -> bool {
        self.done == Some(true)
    }

    /// Whether the model says something here.
    pub(super) fn speaks(&self) -> bool {
        self.content().is_some() || self.thinking().is_some() || !self.calls().is_empty()
    }

    /// The text of the answer as JSON, unless there is none or it is empty.
    pub(super) fn content(&self) -> Option<&'a str> {
        self.message.as_ref()?.content?.spoken()
    }

    /// What the model thinks as JSON, unless there is none or it is empty.
    pub(super) fn thinking(&self) -> Option<&'a str> {
        self.message.as_ref()?.thinking?.spoken()
    }

    /// The tool calls, if any.
    pub(super) fn calls(&self) -> &[Call<'a>] {
        self.message
            .as_ref()
            .and_then(|said| said.tool_calls.as_deref())
            .unwrap_or_default()
    }

    /// How likely the tokens were, where that was asked for.
    pub(super) fn logprobs(&self) -> &[Object<'a>] {
        self.logprobs.as_deref().unwrap_or_default()
    }

    /// Why the answer ended, `called` telling whether tool calls were part of it.
    ///
    /// Ollama has no word for tool calls and says `stop` after them. A missing reason stays
    /// missing: up to v0.24 it meant that the engine's client had gone
    /// (`DoneReasonConnectionClosed`, `llm/server.go`), the first versions had no reasons at all,
    /// not even for a token limit, and later ones never leave it out. To fill in `stop` could pass
    /// a cut answer off as whole.
    pub(super) fn ending(&self, called: Called) -> Option<Ending<'a>> {
        Some(match (self.done_reason.and_then(Text::spoken)?, called) {
            ("\"stop\"", Called::Nothing) => Ending::Known(Finish::Stop),
            ("\"stop\"", Called::Tools) => Ending::Known(Finish::ToolCalls),
            ("\"length\"", _) => Ending::Known(Finish::Length),
            (word, _) => Ending::Other(word),
        })
    }

    /// What the answer used.
    ///
    /// Go leaves zeros out, so a missing count of answer tokens is none of them. A missing count of
    /// prompt tokens is not: before v0.30 it was missing when the prompt was cached. Then nothing
    /// is told, because a zero would be believed.
    pub(super) fn usage(&self) -> Option<Usage> {
        let usage = Usage {
            prompt_tokens: self.prompt_eval_count?,
            completion_tokens: self.eval_count.unwrap_or(0),
            ..Usage::default()
        };
        usage.credible()
    }

    /// Whether the engine counted any token, of the prompt or of the answer.
    pub(super) fn counts(&self) -> bool {
        self.prompt_eval_count.is_some() || self.eval_count.is_some()
    }
}

impl<'a> Text<'a> {
    /// The JSON text, unless the string is empty.
    pub(super) fn spoken(self) -> Option<&'a str> {
        Some(self.0).filter(|text| *text != "\"\"")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        if raw.get().starts_with('"') {
            Ok(Self(raw.get()))
        } else {
            Err(D::Error::custom("not a string"))
        }
    }
}
