//! A piece of a streamed answer, and the chunk that tells it.

use crate::openai::json::{Object, Writer};
use crate::provider::completion::{Chunks, write_arguments, write_beginning};
use crate::provider::{Carries, Event};

/// A piece. What is a string in it stands as its JSON text.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// More of a call's arguments.
    Arguments { at: usize, json: &'a str },
    /// A call, of which arguments may follow.
    Call {
        at: usize,
        id: &'a str,
        /// The tool's name with the caller, not JSON.
        name: &'a str,
        arguments: &'a str,
    },
    /// A sealed thought: the entries of `reasoning_details`.
    Details(&'a str),
    /// What the model refuses with.
    Refusal(&'a str),
    /// Text, and how likely its tokens were.
    Text(&'a str, &'a [Object<'a>]),
    /// What the model thinks aloud.
    Thought(&'a str),
}

impl<'a> Piece<'a> {
    /// What a chunk of it carries. A thought is one, sealed or not.
    fn carries(&self) -> Carries {
        match self {
            Self::Arguments { .. } | Self::Call { .. } => Carries::Calls,
            Self::Details(_) | Self::Thought(_) => Carries::Thought,
            Self::Refusal(_) => Carries::Other,
            Self::Text(..) => Carries::Text,
        }
    }

    fn text(&self) -> Option<&'a str> {
        match self {
            Self::Text(json, _) => Some(json),
            Self::Arguments { .. }
            | Self::Call { .. }
            | Self::Details(_)
            | Self::Refusal(_)
            | Self::Thought(_) => None,
        }
    }

    fn logprobs(&self) -> &'a [Object<'a>] {
        match self {
            Self::Text(_, tokens) => tokens,
            Self::Arguments { .. }
            | Self::Call { .. }
            | Self::Details(_)
            | Self::Refusal(_)
            | Self::Thought(_) => &[],
        }
    }

    fn write(&self, delta: &mut Writer<'_>) {
        match self {
            Self::Arguments { at, json } => write_arguments(delta, *at, json),
            Self::Call {
                at,
                id,
                name,
                arguments,
            } => write_beginning(delta, *at, id, name, arguments),
            Self::Details(entries) => {
                delta.raw("reasoning_details", &format!("[{entries}]"));
            }
            Self::Refusal(json) => {
                delta.raw("refusal", json);
            }
            Self::Text(json, _) => {
                delta.raw("content", json);
            }
            Self::Thought(json) => {
                delta.raw("reasoning", json);
            }
        }
    }
}

/// Tells a piece.
pub(super) fn tell(piece: &Piece<'_>, chunks: &mut Chunks, emit: &mut dyn FnMut(Event<'_>)) {
    let (text, tokens) = (piece.text(), piece.logprobs());
    chunks.say(piece.carries(), text, tokens, emit, |delta| {
        piece.write(delta);
    });
}
