//! What the model answers in the shapes of chat completions: the completion, and what it shares with
//! chunks.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::openai::Finish;
use crate::openai::json::{self, Object, Writer, write_list};
use crate::provider::openai::fault;
use crate::provider::responses::detail;
use crate::provider::responses::item::{Call, Extent, Item, Said, Thought, list, spoken};
use crate::provider::responses::response::{Called, Ending, Response};
use crate::provider::{Completion, Fault, Reading};
use crate::reason::Reason;

/// Between two pieces of what a model thinks: an empty line, as it stands in a JSON string.
pub(super) const EMPTY_LINE: &str = "\\n\\n";

/// Reads a whole answer into OpenAI's completion object.
pub(super) fn completion(body: &[u8], ask: &Reading<'_>) -> Result<Completion, Fault> {
    let text = std::str::from_utf8(body).map_err(|_| fault::not_an_answer(body))?;
    let object = Object::parse(text).map_err(|_| fault::not_an_answer(body))?;
    let is_response = object.text("object").is_some_and(|kind| kind == "response");
    if !is_response && object.raw("output").is_none() {
        return Err(fault::not_an_answer(body));
    }
    let status = object.text("status").unwrap_or_default();
    let response = Response(object);
    let answer = Answer::of(response.items());
    let ending = response.ending(&status, Called::after(answer.calls.len()))?;
    let usage = response.usage();
    let wrote = usage.is_some_and(|usage| usage.completion_tokens > 0);
    if !answer.speaks() && !wrote && ending.finish() == Some(Finish::Stop) {
        return Err(Fault::known(Reason::Empty));
    }
    let mut letterhead = Letterhead::new(ask);
    letterhead.note(&response.0);
    let mut json = Vec::with_capacity(body.len().saturating_add(256));
    let mut object = letterhead.open(&mut json, "chat.completion");
    write_choice(
        object.name("choices"),
        &answer.said.logprobs,
        Some(ending),
        |choice| {
            let mut message = Writer::new(choice.name("message"));
            message.raw("role", "\"assistant\"");
            answer.write(&mut message, ask);
            message.end();
        },
    );
    if let Some(usage) = usage {
        usage.write(object.name("usage"));
    }
    object.end();
    Ok(Completion {
        json,
        finish: ending.finish(),
        usage,
    })
}

/// All that a model answered.
#[derive(Debug, Default)]
struct Answer<'a> {
    said: Said<'a>,
    thoughts: Vec<Thought<'a>>,
    calls: Vec<Call<'a>>,
}

impl<'a> Answer<'a> {
    fn of(items: Vec<Item<'a>>) -> Self {
        let mut answer = Self::default();
        for item in items {
            match item {
                Item::Call(call) => answer.calls.push(call),
                Item::Message(said) => {
                    answer.said.texts.extend(said.texts);
                    answer.said.refusals.extend(said.refusals);
                    answer.said.logprobs.extend(said.logprobs);
                }
                Item::Other => {}
                Item::Reasoning(thought) => answer.thoughts.push(thought),
            }
        }
        answer
    }

    fn speaks(&self) -> bool {
        let says = !self.said.texts.is_empty() || !self.said.refusals.is_empty();
        says || !self.calls.is_empty() || self.aloud().next().is_some()
    }

    fn aloud(&self) -> impl Iterator<Item = &'a str> {
        self.thoughts.iter().flat_map(Thought::aloud)
    }

    fn write(&self, message: &mut Writer<'_>, ask: &Reading<'_>) {
        let content = joined(self.said.texts.iter().copied(), "");
        let refusal = joined(self.said.refusals.iter().copied(), "");
        let silent = if self.calls.is_empty() && refusal.is_none() {
            "\"\""
        } else {
            "null"
        };
        message
            .raw("content", content.as_deref().unwrap_or(silent))
            .raw("refusal", refusal.as_deref().unwrap_or("null"));
        if let Some(thought) = joined(self.aloud(), EMPTY_LINE) {
            message.raw("reasoning", &thought);
        }
        let mut entries = Vec::new();
        let mut taken = 0;
        for thought in &self.thoughts {
            if taken > 0 && thought.sealed.is_some() {
                entries.push(b',');
            }
            taken = detail::write_entries(&mut entries, thought, taken);
        }
        if taken > 0 {
            let list = message.name("reasoning_details");
            list.push(b'[');
            list.extend(entries);
            list.push(b']');
        }
        if !self.calls.is_empty() {
            let calls: Vec<_> = self.calls.iter().enumerate().collect();
            write_list(message.name("tool_calls"), &calls, |out, (at, call)| {
                write_call(
                    out,
                    &call_id(call, ask.request_id, *at),
                    ask.names.callers(&call.name),
                    arguments(call),
                );
            });
        }
    }
}

/// The texts end to end, as the JSON text of a string; `None` when there are none.
fn joined<'a>(texts: impl Iterator<Item = &'a str>, between: &str) -> Option<String> {
    let inner: Vec<&str> = texts
        .filter_map(|text| text.strip_prefix('"')?.strip_suffix('"'))
        .collect();
    (!inner.is_empty()).then(|| format!("\"{}\"", inner.join(between)))
}

/// The JSON text of the id that a call's output names it by. A server that gives none gets one.
pub(super) fn call_id<'a>(call: &Call<'a>, request_id: &str, at: usize) -> Cow<'a, str> {
    call.id.map_or_else(
        || {
            let mut id = Vec::new();
            json::write_string(&mut id, &format!("call_{request_id}_{at}"));
            Cow::Owned(String::from_utf8_lossy(&id).into_owned())
        },
        Cow::Borrowed,
    )
}

/// The JSON text of a call's arguments. A model that calls a tool without any may have written nothing,
/// and callers read what there is as JSON.
pub(super) fn arguments<'a>(call: &Call<'a>) -> &'a str {
    match (call.arguments, call.extent) {
        (Some(arguments), _) => arguments,
        (None, Extent::Whole) => "\"{}\"",
        (None, Extent::Cut) => "\"\"",
    }
}

/// Writes a call into the object that `object` has opened. `id` and `arguments` are JSON.
pub(super) fn write_call(object: &mut Writer<'_>, id: &str, name: &str, arguments: &str) {
    object.raw("id", id).raw("type", "\"function\"");
    let mut function = Writer::new(object.name("function"));
    function.text("name", name).raw("arguments", arguments);
    function.end();
}

/// What the objects of one answer say alike: JSON texts.
#[derive(Debug)]
pub(super) struct Letterhead {
    id: String,
    created: u64,
    model: String,
    service_tier: Option<String>,
}

impl Letterhead {
    pub(super) fn new(ask: &Reading<'_>) -> Self {
        let spelled = |text: &str| {
            let mut out = Vec::new();
            json::write_string(&mut out, text);
            String::from_utf8_lossy(&out).into_owned()
        };
        Self {
            id: spelled(&format!("chatcmpl-{}", ask.request_id)),
            created: ask.created,
            model: spelled(ask.model),
            service_tier: None,
        }
    }

    /// Takes over what a response tells of itself.
    pub(super) fn note(&mut self, response: &Object<'_>) {
        if let Some(id) = spoken(response, "id") {
            id.clone_into(&mut self.id);
        }
        if let Some(model) = spoken(response, "model") {
            model.clone_into(&mut self.model);
        }
        if let Some(tier) = spoken(response, "service_tier") {
            self.service_tier = Some(tier.to_owned());
        }
        // Some servers count in fractions of a second.
        let created = response.raw("created_at").map(RawValue::get);
        let seconds = created.and_then(|text| text.split('.').next()?.parse().ok());
        self.created = seconds.unwrap_or(self.created);
    }

    /// Opens an object of the answer.
    pub(super) fn open<'b>(&self, out: &'b mut Vec<u8>, object: &str) -> Writer<'b> {
        let mut writer = Writer::new(out);
        writer
            .raw("id", &self.id)
            .text("object", object)
            .number("created", self.created)
            .raw("model", &self.model);
        if let Some(tier) = &self.service_tier {
            writer.raw("service_tier", tier);
        }
        writer
    }
}

/// Writes the one choice of an answer, as a list. `write_said` adds its message or delta.
pub(super) fn write_choice(
    out: &mut Vec<u8>,
    tokens: &[Object<'_>],
    ending: Option<Ending<'_>>,
    write_said: impl FnOnce(&mut Writer<'_>),
) {
    out.push(b'[');
    let mut choice = Writer::new(out);
    choice.number("index", 0);
    write_said(&mut choice);
    if tokens.is_empty() {
        choice.raw("logprobs", "null");
    } else {
        let mut logprobs = Writer::new(choice.name("logprobs"));
        write_list(logprobs.name("content"), tokens, |object, token| {
            write_token(object, token);
            let top = list(token, "top_logprobs");
            write_list(object.name("top_logprobs"), &top, write_token);
        });
        logprobs.raw("refusal", "null");
        logprobs.end();
    }
    match ending {
        Some(Ending::Known(finish)) => choice.text("finish_reason", finish.as_str()),
        Some(Ending::Other(word)) => choice.raw("finish_reason", word),
        None => choice.raw("finish_reason", "null"),
    };
    choice.end();
    out.push(b']');
}

fn write_token(object: &mut Writer<'_>, token: &Object<'_>) {
    for (name, untold) in [("token", "\"\""), ("logprob", "null"), ("bytes", "null")] {
        object.raw(name, token.raw(name).map_or(untold, RawValue::get));
    }
}
