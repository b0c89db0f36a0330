//! What goes back to the caller: status, headers, body, and the disclosure in all of them.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::error::ErrorAnswer;
use crate::gateway::account::{Part, Reckoning};
use crate::gateway::attempt::{Attempt, Staged};
use crate::gateway::spent::{Bill, Spent};
use crate::openai::json::Writer;
use crate::policy::fit::Truncated;
use crate::policy::privacy::Ground;

/// An answer to the caller. `S` is the platform's stream.
#[derive(Debug)]
pub struct Answer<S> {
    /// The HTTP status.
    pub status: u16,
    /// The headers; all values are visible ASCII.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: AnswerBody<S>,
}

/// The body of an answer.
#[derive(Debug)]
pub enum AnswerBody<S> {
    /// These bytes.
    Bytes(Vec<u8>),
    /// None.
    Empty,
    /// What comes.
    Stream(S),
}

impl<S> Answer<S> {
    /// A JSON answer.
    pub fn json(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: AnswerBody::Bytes(body),
        }
    }

    /// An error answer. An error is told in full by its body, and no cache may keep it.
    pub fn error(error: &ErrorAnswer) -> Self {
        let mut answer = Self::json(error.status, error.to_json());
        answer.header("cache-control", "no-store");
        answer
    }

    /// Adds a header; what a header cannot carry is left out of its value.
    pub fn header(&mut self, name: &'static str, value: impl AsRef<str>) {
        let value = value
            .as_ref()
            .chars()
            .filter(|c| c.is_ascii_graphic() || *c == ' ')
            .collect();
        self.headers.push((name, value));
    }
}

/// Who answered, what was tried and what was left out.
#[derive(Clone, Copy, Debug)]
pub struct Disclosure<'a> {
    /// The request's id.
    pub request_id: &'a str,
    /// The target that answered and its model; `None` when none did.
    pub answered: Option<(&'a str, &'a str)>,
    /// Every attempt, in order.
    pub attempts: &'a [Attempt],
    /// What of the request the target did not get.
    pub omitted: &'a Omitted,
    /// Who wrote which part, where it was more than one.
    pub parts: &'a [Part],
    /// Why the request stayed at home, where it did.
    pub private: Option<Ground>,
    /// The drill that it was part of.
    pub drill: Option<&'a str>,
    /// Whether all usage was counted by upstreams.
    pub usage: Reckoning,
    /// What each attempt used and cost, as far as that can be told by now.
    pub spent: &'a [Spent],
}

/// What of a request the answering target did not get.
#[derive(Clone, Debug, Default)]
pub struct Omitted {
    /// What was cut from the conversation.
    pub truncated: Option<Truncated>,
    /// Fields that were left out, because the target cannot serve them and answers as well without.
    pub dropped: Vec<Cow<'static, str>>,
}

impl Omitted {
    /// This, and these fields.
    #[must_use]
    pub fn with(&self, dropped: Vec<Cow<'static, str>>) -> Self {
        let mut omitted = self.clone();
        for field in dropped {
            if !omitted.dropped.contains(&field) {
                omitted.dropped.push(field);
            }
        }
        omitted
    }
}

impl Disclosure<'_> {
    /// The `pilotlight` object.
    pub fn to_json(self) -> String {
        let mut out = Vec::with_capacity(256);
        let mut object = Writer::new(&mut out);
        if let Some((target, model)) = self.answered {
            object.text("target", target).text("model", model);
        }
        object.text("request_id", self.request_id);
        attempts_json(object.name("attempts"), self.attempts);
        if let Some(ground) = self.private {
            object.text("private", &ground.to_string());
        }
        if let Some(drill) = self.drill {
            object.text("drill", drill);
        }
        if let Some(truncated) = self.omitted.truncated {
            let mut cut = Writer::new(object.name("truncated"));
            cut.number("messages", truncated.messages.into())
                .number("tokens", truncated.tokens.into());
            cut.end();
        }
        if !self.omitted.dropped.is_empty() {
            let names = serde_json::to_string(&self.omitted.dropped).unwrap_or_default();
            object.raw("dropped", &names);
        }
        if !self.parts.is_empty() {
            parts_json(object.name("parts"), self.parts);
        }
        match self.usage {
            Reckoning::Counted => {}
            Reckoning::Estimated => {
                object.raw("usage_estimated", "true");
            }
        }
        if let Some(cost) = Bill::of(self.spent).to_json() {
            object.raw("cost_usd", &cost);
        }
        object.end();
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Puts what it cost on a whole answer, where that is known.
    pub fn put_cost<S>(self, answer: &mut Answer<S>) {
        match Bill::of(self.spent) {
            Bill::Known(money) => answer.header("x-pilotlight-cost-usd", money.to_string()),
            Bill::Nothing | Bill::Unknown => {}
        }
    }

    /// Puts the headers on an answer.
    pub fn put_headers<S>(self, answer: &mut Answer<S>) {
        if let Some((target, model)) = self.answered {
            answer.header("x-pilotlight-target", target);
            answer.header("x-pilotlight-model", model);
        }
        if !self.attempts.is_empty() {
            let tried: Vec<String> = self.attempts.iter().map(Attempt::summary).collect();
            answer.header("x-pilotlight-attempts", tried.join(","));
        }
        if let Some(ground) = self.private {
            answer.header("x-pilotlight-private", ground.to_string());
        }
        if !self.omitted.dropped.is_empty() {
            answer.header("x-pilotlight-dropped", self.omitted.dropped.join(","));
        }
        if let Some(truncated) = self.omitted.truncated {
            let mut text = String::new();
            let _ = write!(
                text,
                "messages={};tokens={}",
                truncated.messages, truncated.tokens
            );
            answer.header("x-pilotlight-truncated", text);
        }
    }
}

/// Writes the list of parts.
pub fn parts_json(out: &mut Vec<u8>, parts: &[Part]) {
    let mut separator = b'[';
    for part in parts {
        out.push(separator);
        separator = b',';
        let mut object = Writer::new(out);
        object
            .text("target", &part.target)
            .text("model", &part.model)
            .number("characters", part.characters);
        object.end();
    }
    out.push(b']');
}

/// Writes the list of attempts.
pub fn attempts_json(out: &mut Vec<u8>, attempts: &[Attempt]) {
    let mut separator = b'[';
    for attempt in attempts {
        out.push(separator);
        separator = b',';
        let mut object = Writer::new(out);
        object
            .text("target", &attempt.target)
            .text("outcome", attempt.outcome());
        if let Some(status) = attempt.status {
            object.number("status", status.into());
        }
        if let Some(field) = attempt.field {
            object.text("field", field);
        }
        object.number("ms", attempt.ms);
        match attempt.staged {
            Staged::No => {}
            Staged::Yes => {
                object.raw("drill", "true");
            }
        }
        object.end();
    }
    if separator == b'[' {
        out.push(b'[');
    }
    out.push(b']');
}
