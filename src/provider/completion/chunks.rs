//! The chunks of a streamed answer.

use crate::openai::Usage;
use crate::openai::json::{Object, Writer};
use crate::provider::completion::{Ending, Letterhead, write_choice};
use crate::provider::{Carries, Chunk, Event, Reading};

/// The kind of every object that a stream is made of.
const KIND: &str = "chat.completion.chunk";

/// The chunks of one answer.
#[derive(Debug)]
pub struct Chunks {
    /// What they say alike.
    pub letterhead: Letterhead,
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
    pub fn new(ask: &Reading<'_>) -> Self {
        Self {
            letterhead: Letterhead::new(ask),
            role: Role::Untold,
        }
    }

    /// Emits a piece of the answer, whose delta `write` writes. `text` is what it adds to the answer's
    /// text, a JSON text, and `tokens` how likely that was.
    pub fn say(
        &mut self,
        carries: Carries,
        text: Option<&str>,
        tokens: &[Object<'_>],
        emit: &mut dyn FnMut(Event<'_>),
        write: impl FnOnce(&mut Writer<'_>),
    ) {
        let json = self.json(tokens, None, write);
        self.role = Role::Told;
        emit(Event::Chunk(Chunk {
            json: &json,
            wire: None,
            carries,
            text,
            finished: Vec::new(),
            usage: None,
        }));
    }

    /// Emits the end of the answer, and what it used; `None` is an end for which no reason is told.
    pub fn end(
        &self,
        ending: Option<Ending<'_>>,
        usage: Option<Usage>,
        emit: &mut dyn FnMut(Event<'_>),
    ) {
        emit(Event::Chunk(Chunk {
            json: &self.json(&[], ending, |_| {}),
            wire: None,
            carries: Carries::Nothing,
            text: None,
            finished: vec![ending.and_then(Ending::finish)],
            usage,
        }));
    }

    /// Emits what the answer used, and nothing else.
    pub fn usage(&self, usage: Usage, emit: &mut dyn FnMut(Event<'_>)) {
        let mut json = Vec::with_capacity(512);
        let mut object = self.letterhead.open(&mut json, KIND);
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

    /// A chunk with one choice. The first of an answer tells the role.
    fn json(
        &self,
        tokens: &[Object<'_>],
        ending: Option<Ending<'_>>,
        write: impl FnOnce(&mut Writer<'_>),
    ) -> String {
        let mut json = Vec::with_capacity(512);
        let mut object = self.letterhead.open(&mut json, KIND);
        write_choice(object.name("choices"), tokens, ending, |choice| {
            let mut delta = Writer::new(choice.name("delta"));
            if self.role == Role::Untold {
                delta.raw("role", "\"assistant\"");
            }
            write(&mut delta);
            delta.end();
        });
        object.end();
        String::from_utf8(json).unwrap_or_default()
    }
}
