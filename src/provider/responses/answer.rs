//! What the model answers in the shape of a chat completion.

use crate::openai::Finish;
use crate::openai::json::{Object, Writer, joined, write_list};
use crate::provider::completion::{Called, Letterhead, write_call, write_choice};
use crate::provider::openai::fault;
use crate::provider::responses::detail;
use crate::provider::responses::item::{Call, Extent, Item, Said, Thought};
use crate::provider::responses::response::Response;
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
    response.sign(&mut letterhead);
    let mut json = Vec::with_capacity(body.len().saturating_add(256));
    let mut object = letterhead.open(&mut json, "chat.completion");
    write_choice(
        object.name("choices"),
        &answer.said.logprobs,
        Some(ending),
        |choice| {
            let mut message = Writer::new(choice.name("message"));
            message.raw("role", "\"assistant\"");
            answer.write(&mut message, &letterhead, ask);
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

    fn write(&self, message: &mut Writer<'_>, letterhead: &Letterhead, ask: &Reading<'_>) {
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
                let id = call
                    .id
                    .map_or_else(|| letterhead.call_id(*at), str::to_owned);
                write_call(out, &id, ask.names.callers(&call.name), arguments(call));
            });
        }
    }
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
