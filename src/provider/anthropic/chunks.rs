//! Chunks of OpenAI's shape, as an Anthropic stream becomes them.

use crate::openai::Usage;
use crate::openai::json::Writer;
use crate::provider::anthropic::answer::{
    Letterhead, Thoughts, write_choice, write_function, write_thoughts,
};
use crate::provider::anthropic::event::{Ending, Message};
use crate::provider::{Carries, Chunk, Event, Names, Reading};

/// The chunks of one answer.
#[derive(Debug)]
pub(super) struct Chunks {
    letterhead: Letterhead,
    names: Names,
    role: Role,
}

/// Whether a chunk has told who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Told,
    Untold,
}

impl Chunks {
    /// Those of an answer that begins.
    pub(super) fn new(ask: &Reading<'_>) -> Self {
        Self {
            letterhead: Letterhead::new(ask),
            names: ask.names.clone(),
            role: Role::Untold,
        }
    }

    /// Takes the id and the model of the answer's head.
    pub(super) fn sign(&mut self, message: &Message<'_>) {
        self.letterhead.sign(message);
    }

    /// Writes text of the answer.
    pub(super) fn text(&mut self, text: Option<&str>, emit: &mut dyn FnMut(Event<'_>)) {
        if let Some(text) = text {
            self.said(Carries::Text, Some(text), emit, |delta| {
                delta.raw("content", text);
            });
        }
    }

    /// Writes thoughts, by their number.
    pub(super) fn thoughts(
        &mut self,
        number: u64,
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
        self.said(Carries::Thought, None, emit, |delta| {
            if let Some(text) = text {
                delta.raw("reasoning", text);
            }
            let details = delta.name("reasoning_details");
            details.push(b'[');
            write_thoughts(details, number, it);
            details.push(b']');
        });
    }

    /// Writes the beginning of a call, by its number.
    pub(super) fn call(
        &mut self,
        number: u64,
        id: Option<&str>,
        name: &str,
        emit: &mut dyn FnMut(Event<'_>),
    ) {
        let id = id.map_or_else(|| self.letterhead.call_id(number), str::to_owned);
        let name = self.names.callers(name).to_owned();
        self.said(Carries::Calls, None, emit, |delta| {
            write_call(delta, number, |call| {
                call.raw("id", &id);
                write_function(call, &name, "");
            });
        });
    }

    /// Writes a piece of a call's arguments, the JSON of a string.
    pub(super) fn arguments(&mut self, number: u64, json: &str, emit: &mut dyn FnMut(Event<'_>)) {
        self.said(Carries::Calls, None, emit, |delta| {
            write_call(delta, number, |call| {
                let mut function = Writer::new(call.name("function"));
                function.raw("arguments", json);
                function.end();
            });
        });
    }

    /// Writes what a refusal says of itself.
    pub(super) fn refusal(&mut self, explanation: &str, emit: &mut dyn FnMut(Event<'_>)) {
        self.said(Carries::Other, None, emit, |delta| {
            delta.raw("refusal", explanation);
        });
    }

    /// Writes the chunk that ends the answer; `reason` is Anthropic's word for why.
    pub(super) fn ended(
        &self,
        reason: &str,
        usage: Option<Usage>,
        emit: &mut dyn FnMut(Event<'_>),
    ) {
        let mut json = Vec::with_capacity(512);
        let mut object = self.open(&mut json);
        write_choice(object.name("choices"), Some(reason), |choice| {
            self.delta(choice).end();
        });
        object.end();
        emit(Event::Chunk(Chunk {
            json: &String::from_utf8_lossy(&json),
            wire: None,
            carries: Carries::Nothing,
            text: None,
            finished: vec![Ending::finish(reason)],
            usage,
        }));
    }

    /// Writes the chunk that tells only the usage.
    pub(super) fn usage(&self, usage: Usage, emit: &mut dyn FnMut(Event<'_>)) {
        let mut json = Vec::with_capacity(512);
        let mut object = self.open(&mut json);
        object.raw("choices", "[]");
        usage.write(object.name("usage"));
        object.end();
        emit(Event::Chunk(Chunk {
            json: &String::from_utf8_lossy(&json),
            wire: None,
            carries: Carries::UsageOnly,
            text: None,
            finished: Vec::new(),
            usage: Some(usage),
        }));
    }

    /// Writes a chunk with a delta.
    fn said(
        &mut self,
        carries: Carries,
        text: Option<&str>,
        emit: &mut dyn FnMut(Event<'_>),
        write: impl FnOnce(&mut Writer<'_>),
    ) {
        let mut json = Vec::with_capacity(512);
        let mut object = self.open(&mut json);
        write_choice(object.name("choices"), None, |choice| {
            let mut delta = self.delta(choice);
            write(&mut delta);
            delta.end();
        });
        object.end();
        self.role = Role::Told;
        emit(Event::Chunk(Chunk {
            json: &String::from_utf8_lossy(&json),
            wire: None,
            carries,
            text,
            finished: Vec::new(),
            usage: None,
        }));
    }

    fn open<'b>(&self, json: &'b mut Vec<u8>) -> Writer<'b> {
        self.letterhead.open(json, "chat.completion.chunk")
    }

    /// Opens the delta of `choice`; the first of an answer tells the role.
    fn delta<'c>(&self, choice: &'c mut Writer<'_>) -> Writer<'c> {
        let mut delta = Writer::new(choice.name("delta"));
        match self.role {
            Role::Untold => {
                delta.raw("role", "\"assistant\"");
            }
            Role::Told => {}
        }
        delta
    }
}

/// Writes the list of the one call that a delta tells of.
fn write_call(delta: &mut Writer<'_>, number: u64, write: impl FnOnce(&mut Writer<'_>)) {
    let list = delta.name("tool_calls");
    list.push(b'[');
    let mut call = Writer::new(list);
    call.number("index", number);
    write(&mut call);
    call.end();
    list.push(b']');
}
