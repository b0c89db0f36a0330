//! Answers in OpenAI's shapes, for dialects that have others: the completion object, and the chunks of a
//! stream.
//!
//! What is only carried stays as the JSON text that the upstream wrote: a "JSON text" below is a string
//! with its quotes and escapes.

mod choice;
mod chunks;
mod letterhead;

use crate::openai::Finish;

pub use choice::{write_arguments, write_beginning, write_call, write_choice};
pub use chunks::Chunks;
pub use letterhead::Letterhead;

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending<'a> {
    /// For a reason that OpenAI has a word for.
    Known(Finish),
    /// For one that it has none for: the upstream's own word, a JSON text.
    Other(&'a str),
}

impl Ending<'_> {
    /// The reason, where OpenAI has a word for it.
    pub fn finish(self) -> Option<Finish> {
        match self {
            Self::Known(finish) => Some(finish),
            Self::Other(_) => None,
        }
    }
}

/// Whether an answer holds calls of tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    /// It does not.
    Nothing,
    /// It does.
    Tools,
}

impl Called {
    /// What is so after this many calls.
    pub fn after(calls: usize) -> Self {
        if calls == 0 {
            Self::Nothing
        } else {
            Self::Tools
        }
    }
}
