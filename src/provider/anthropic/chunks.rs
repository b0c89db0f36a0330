//! The pieces of an Anthropic stream, and the chunk that tells each.

use crate::openai::Usage;
use crate::openai::json::Writer;
use crate::provider::anthropic::answer::{Thoughts, write_thoughts};
use crate::provider::anthropic::event::{Message, ending};
use crate::provider::completion::{self, write_arguments, write_beginning};
use crate::provider::{Carries, Event, Names, Reading};

/// The chunks of one answer.
#[derive(Debug)]
pub(super) struct Chunks {
    chunks: completion::Chunks,
    names: Names,
}

impl Chunks {
    /// Those of an answer that begins.
    pub(super) fn new(ask: &Reading<'_>) -> Self {
        Self {
            chunks: completion::Chunks::new(ask),
            names: ask.names.clone(),
        }
    }

    /// Takes the id and the model of the answer's head.
    pub(super) fn sign(&mut self, message: &Message<'_>) {
        self.chunks.letterhead.sign(message.id, message.model);
    }

    /// Tells text of the answer.
    pub(super) fn text(&mut self, text: Option<&str>, emit: &mut dyn FnMut(Event<'_>)) {
        if let Some(json) = text {
            self.chunks.say(Carries::Text, text, &[], emit, |delta| {
                delta.raw("content", json);
            });
        }
    }

    /// Tells thoughts, by their number.
    pub(super) fn thoughts(
        &mut self,
        number: usize,
        it: Thoughts<'_>,
        emit: &mut dyn FnMut(Event<'_>),
    ) {
        let text = match it {
            Thoughts::Open {
                text: None,
                signature: None,
            } => return,
            Thoughts::Open { text, .. } => text,
            Thoughts::Sealed(_) => None,
        };
        self.say(Carries::Thought, emit, |delta| {
            if let Some(text) = text {
                delta.raw("reasoning", text);
            }
            let details = delta.name("reasoning_details");
            details.push(b'[');
            let mut entry = Writer::new(details);
            write_thoughts(&mut entry, number, it);
            entry.end();
            details.push(b']');
        });
    }

    /// Tells that a call begins, by its number.
    pub(super) fn call(
        &mut self,
        number: usize,
        id: Option<&str>,
        name: &str,
        emit: &mut dyn FnMut(Event<'_>),
    ) {
        let letterhead = &self.chunks.letterhead;
        let id = id.map_or_else(|| letterhead.call_id(number), str::to_owned);
        let name = self.names.callers(name).to_owned();
        self.say(Carries::Calls, emit, |delta| {
            write_beginning(delta, number, &id, &name, "\"\"");
        });
    }

    /// Tells a piece of a call's arguments, the JSON of a string.
    pub(super) fn arguments(&mut self, number: usize, json: &str, emit: &mut dyn FnMut(Event<'_>)) {
        self.say(Carries::Calls, emit, |delta| {
            write_arguments(delta, number, json);
        });
    }

    /// Tells what a refusal says of itself.
    pub(super) fn refusal(&mut self, explanation: &str, emit: &mut dyn FnMut(Event<'_>)) {
        self.say(Carries::Other, emit, |delta| {
            delta.raw("refusal", explanation);
        });
    }

    /// Tells that the answer has ended; `reason` is Anthropic's word for why, as JSON.
    pub(super) fn ended(
        &self,
        reason: &str,
        usage: Option<Usage>,
        emit: &mut dyn FnMut(Event<'_>),
    ) {
        self.chunks.end(Some(ending(reason)), usage, emit);
    }

    /// Tells what it used.
    pub(super) fn usage(&self, usage: Usage, emit: &mut dyn FnMut(Event<'_>)) {
        self.chunks.usage(usage, emit);
    }

    fn say(
        &mut self,
        carries: Carries,
        emit: &mut dyn FnMut(Event<'_>),
        write: impl FnOnce(&mut Writer<'_>),
    ) {
        self.chunks.say(carries, None, &[], emit, write);
    }
}
