//! The events of a streamed answer, whatever its dialect, and the trait of what decodes them.

use std::fmt::Debug;

use crate::openai::{Finish, Usage};
use crate::reason::{Fault, Reason};

/// Turns the bytes of one streamed answer into events. Chunk boundaries mean nothing to it.
pub trait Decoder: Debug {
    /// Takes the next bytes and hands out the events that they complete.
    fn feed(&mut self, bytes: &[u8], emit: &mut dyn FnMut(Event<'_>));

    /// Takes the end of the bytes and hands out what was still held (a last line without its end).
    fn finish(&mut self, emit: &mut dyn FnMut(Event<'_>));

    /// What a stream means that ended in order but before its answer did.
    fn cut(&self) -> Reason;
}

/// One event of a streamed answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// A chunk for the caller.
    Chunk(Chunk<'a>),
    /// The dialect's terminal marker.
    Done,
    /// The stream tells an error.
    Failed(Fault),
}

/// A chunk of OpenAI's `chat.completion.chunk` shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk<'a> {
    /// The JSON text.
    pub json: &'a str,
    /// The same chunk as the bytes of one server-sent event that may be passed on as they are, where
    /// the upstream's own bytes are such an event.
    pub wire: Option<&'a [u8]>,
    /// What the chunk carries.
    pub carries: Carries,
    /// The text that it adds to the answer, as it stands in the JSON, quotes and all; only where one
    /// answer was asked for.
    pub text: Option<&'a str>,
    /// Why choices ended, one entry for each that was asked for and had not ended before; `None` for
    /// a word that OpenAI does not have.
    pub finished: Vec<Option<Finish>>,
    /// What was used, where this chunk tells it.
    pub usage: Option<Usage>,
}

/// What a chunk carries for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// A tool call or a piece of one, perhaps with text.
    Calls,
    /// Nothing yet: a role, an empty delta.
    Nothing,
    /// Something that only its own model could go on with: a refusal, audio, a call in the old style.
    Other,
    /// Text of the answer.
    Text,
    /// What the model thinks aloud, and nothing else.
    Thought,
    /// Only the usage of the whole answer: `choices` is empty, or has nothing more to say.
    UsageOnly,
}

impl Carries {
    /// Whether the model says something.
    pub const fn speaks(self) -> bool {
        match self {
            Self::Calls | Self::Other | Self::Text | Self::Thought => true,
            Self::Nothing | Self::UsageOnly => false,
        }
    }
}

/// What could not be read since the last sound piece of a stream. It is passed over when something
/// sound follows, and a failure when nothing does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Garbage(u32);

/// Whether so much of it can be passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearable {
    /// It can.
    Yes,
    /// It is no stream of this dialect.
    No,
}

impl Garbage {
    /// So many pieces in a row may be unreadable.
    const MOST: u32 = 3;

    /// Another piece cannot be read.
    pub fn more(&mut self) -> Bearable {
        self.0 = self.0.saturating_add(1);
        if self.0 > Self::MOST {
            Bearable::No
        } else {
            Bearable::Yes
        }
    }

    /// Whether the last piece could not be read.
    pub fn is_there(self) -> bool {
        self.0 > 0
    }
}
