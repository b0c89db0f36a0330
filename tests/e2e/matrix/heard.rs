//! What a caller heard, be it a stream or a body, as what the matrix compares.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::caller::{Answer, Streamed, attempts};
use crate::http::Ended;

/// An answer or an error.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) status: u16,
    pub(super) text: String,
    pub(super) calls: Vec<Call>,
    /// Every finish reason.
    pub(super) finishes: Vec<String>,
    /// Every role that was told.
    pub(super) roles: Vec<String>,
    pub(super) ids: BTreeSet<String>,
    pub(super) models: BTreeSet<String>,
    pub(super) usage: Option<Value>,
    pub(super) error: Option<Value>,
    /// Whether it ended as a whole answer does.
    pub(super) ended: bool,
    /// `target:outcome`, where that was told.
    pub(super) attempts: Option<Vec<String>>,
}

/// A tool call, put together.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
    /// In how many pieces it came.
    pub(super) pieces: usize,
}

impl Heard {
    pub(super) fn stream(stream: Streamed) -> Self {
        let error = stream.error().cloned();
        let told = stream.disclosure().or(stream.chunks.last());
        let attempts = told.filter(|told| tells_attempts(told)).map(attempts);
        let mut heard = Self {
            status: stream.status,
            text: stream.text(),
            calls: Vec::new(),
            finishes: Vec::new(),
            roles: Vec::new(),
            ids: BTreeSet::new(),
            models: BTreeSet::new(),
            usage: stream.usage().cloned(),
            ended: stream.done && stream.ended == Ended::InOrder,
            attempts,
            error,
        };
        assert_eq!(stream.ended, Ended::InOrder, "the caller's connection");
        for chunk in stream.chunks {
            if chunk.get("error").is_none() {
                heard.object(&chunk, "delta");
            }
        }
        heard
    }

    pub(super) fn body(answer: &Answer) -> Self {
        let body = answer.json();
        let error = body.get("error").cloned();
        let message = &body["choices"][0]["message"];
        let mut heard = Self {
            status: answer.status,
            text: message["content"].as_str().unwrap_or_default().to_owned(),
            calls: Vec::new(),
            finishes: Vec::new(),
            roles: Vec::new(),
            ids: BTreeSet::new(),
            models: BTreeSet::new(),
            usage: body.get("usage").cloned(),
            ended: error.is_none(),
            attempts: tells_attempts(&body).then(|| attempts(&body)),
            error,
        };
        if heard.error.is_none() {
            heard.object(&body, "message");
        }
        heard
    }

    /// A chunk, whose choice has a `delta`, or a completion, whose choice has a `message`.
    fn object(&mut self, object: &Value, what: &str) {
        let word = |value: &Value| value.as_str().unwrap_or("(none)").to_owned();
        self.ids.insert(word(&object["id"]));
        self.models.insert(word(&object["model"]));
        let choices = object["choices"].as_array();
        for choice in choices.into_iter().flatten() {
            assert_eq!(choice["index"], 0, "the only choice: {object}");
            let role = choice[what].get("role").filter(|role| !role.is_null());
            self.roles.extend(role.map(word));
            let finish = Some(&choice["finish_reason"]).filter(|finish| !finish.is_null());
            self.finishes.extend(finish.map(word));
            let calls = choice[what]["tool_calls"].as_array();
            for (at, call) in calls.into_iter().flatten().enumerate() {
                let index = call["index"].as_u64().map(usize::try_from);
                self.call(index.map_or(at, Result::unwrap), call);
            }
        }
    }

    fn call(&mut self, at: usize, piece: &Value) {
        if self.calls.len() <= at {
            self.calls.resize_with(at + 1, Call::default);
        }
        let call = &mut self.calls[at];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        call.id += &text(&piece["id"]);
        call.name += &text(&piece["function"]["name"]);
        call.arguments += &text(&piece["function"]["arguments"]);
        call.pieces += 1;
    }
}

fn tells_attempts(json: &Value) -> bool {
    let told = json.get("error").unwrap_or(json);
    told["pilotlight"]["attempts"].is_array()
}
