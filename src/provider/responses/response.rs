//! The response object: what it is made of, how it ended, and what it used.

use serde_json::value::RawValue;

use crate::openai::json::{Object, Writer};
use crate::openai::{Finish, Usage};
use crate::provider::Fault;
use crate::provider::completion::{Called, Ending, Letterhead};
use crate::provider::openai::fault;
use crate::provider::responses::in_callers_words;
use crate::provider::responses::item::Item;
use crate::reason::Reason;

/// A response.
#[derive(Debug, Default)]
pub(super) struct Response<'a>(pub(super) Object<'a>);

impl<'a> Response<'a> {
    /// What the model answered.
    pub(super) fn items(&self) -> Vec<Item<'a>> {
        self.0.objects("output").iter().map(Item::read).collect()
    }

    /// Takes over what it tells of itself.
    pub(super) fn sign(&self, letterhead: &mut Letterhead) {
        letterhead.sign(self.0.spoken("id"), self.0.spoken("model"));
        if let Some(tier) = self.0.spoken("service_tier") {
            letterhead.class(tier);
        }
        // Some servers count in fractions of a second.
        let created = self.0.raw("created_at").map(RawValue::get);
        let seconds = created.and_then(|text| text.split('.').next()?.parse().ok());
        if let Some(seconds) = seconds {
            letterhead.date(seconds);
        }
    }

    /// Why a response with this status ended.
    pub(super) fn ending(&self, status: &str, called: Called) -> Result<Ending<'a>, Fault> {
        match (status, called) {
            ("completed", Called::Nothing) => Ok(Ending::Known(Finish::Stop)),
            ("completed", Called::Tools) => Ok(Ending::Known(Finish::ToolCalls)),
            ("incomplete", _) => self.cut_short(),
            ("failed", _) => Err(self.failure()),
            ("cancelled", _) => Err(Fault::known(Reason::InStreamError)),
            _ => Err(Fault::known(Reason::StreamCut)),
        }
    }

    /// Why it is not whole. Where that is not told, it is a broken one.
    fn cut_short(&self) -> Result<Ending<'a>, Fault> {
        let details = self.0.object("incomplete_details").unwrap_or_default();
        match details.spoken("reason") {
            Some("\"max_output_tokens\"") => Ok(Ending::Known(Finish::Length)),
            Some("\"content_filter\"") => Ok(Ending::Known(Finish::ContentFilter)),
            Some(word) => Ok(Ending::Other(word)),
            None => Err(Fault::known(Reason::StreamCut)),
        }
    }

    fn failure(&self) -> Fault {
        match self.0.present("error") {
            Some(error) => in_callers_words(fault::inside(error.get())),
            None => Fault::known(Reason::InStreamError),
        }
    }

    /// What it used, where told. Tokens that the model thought with are among those that it wrote.
    pub(super) fn usage(&self) -> Option<Usage> {
        let usage = self.0.object("usage")?;
        let detail = |list: &str, name| {
            let list = usage.object(list);
            list.and_then(|list| list.number(name)).unwrap_or(0)
        };
        let usage = Usage {
            prompt_tokens: usage.number("input_tokens")?,
            completion_tokens: usage.number("output_tokens")?,
            cached_tokens: detail("input_tokens_details", "cached_tokens"),
            cache_write_tokens: detail("input_tokens_details", "cache_write_tokens"),
            reasoning_tokens: detail("output_tokens_details", "reasoning_tokens"),
        };
        usage.credible()
    }
}

/// Reads an `error` event: plain, or with the error as a member.
pub(super) fn told_error(event: &Object<'_>) -> Fault {
    if let Some(error) = event.present("error") {
        return in_callers_words(fault::inside(error.get()));
    }
    let mut error = Vec::new();
    let mut object = Writer::new(&mut error);
    for name in ["code", "message", "param"] {
        if let Some(value) = event.present(name) {
            object.raw(name, value.get());
        }
    }
    object.end();
    in_callers_words(fault::inside(&String::from_utf8_lossy(&error)))
}
