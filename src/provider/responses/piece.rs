//! A piece of a streamed answer, and the chunk that tells it.

use crate::openai::Usage;
use crate::openai::json::{Object, Writer};
use crate::provider::responses::answer::{Letterhead, write_call, write_choice};
use crate::provider::responses::response::Ending;
use crate::provider::{Carries, Chunk, Event};

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
            Self::Arguments { at, json } => write_in_call(delta, *at, |call| {
                let mut function = Writer::new(call.name("function"));
                function.raw("arguments", json);
                function.end();
            }),
            Self::Call {
                at,
                id,
                name,
                arguments,
            } => write_in_call(delta, *at, |call| write_call(call, id, name, arguments)),
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

fn write_in_call(delta: &mut Writer<'_>, at: usize, write: impl FnOnce(&mut Writer<'_>)) {
    let list = delta.name("tool_calls");
    list.push(b'[');
    let mut call = Writer::new(list);
    call.raw("index", &at.to_string());
    write(&mut call);
    call.end();
    list.push(b']');
}

/// Whether the caller has been told who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Told,
    Untold,
}

impl Role {
    fn open<'c>(self, choice: &'c mut Writer<'_>) -> Writer<'c> {
        let mut delta = Writer::new(choice.name("delta"));
        if self == Self::Untold {
            delta.raw("role", "\"assistant\"");
        }
        delta
    }
}

/// The kind of every object that a stream is made of.
const KIND: &str = "chat.completion.chunk";

/// Emits a piece.
pub(super) fn tell(
    piece: &Piece<'_>,
    letterhead: &Letterhead,
    role: Role,
    emit: &mut dyn FnMut(Event<'_>),
) {
    let mut json = Vec::with_capacity(512);
    let mut object = letterhead.open(&mut json, KIND);
    write_choice(object.name("choices"), piece.logprobs(), None, |choice| {
        let mut delta = role.open(choice);
        piece.write(&mut delta);
        delta.end();
    });
    object.end();
    emit(Event::Chunk(Chunk {
        json: &String::from_utf8_lossy(&json),
        wire: None,
        carries: piece.carries(),
        text: piece.text(),
        finished: Vec::new(),
        usage: None,
    }));
}

/// Emits why the answer ended.
pub(super) fn tell_end(
    ending: Ending<'_>,
    usage: Option<Usage>,
    letterhead: &Letterhead,
    role: Role,
    emit: &mut dyn FnMut(Event<'_>),
) {
    let mut json = Vec::with_capacity(512);
    let mut object = letterhead.open(&mut json, KIND);
    write_choice(object.name("choices"), &[], Some(ending), |choice| {
        role.open(choice).end();
    });
    object.end();
    emit(Event::Chunk(Chunk {
        json: &String::from_utf8_lossy(&json),
        wire: None,
        carries: Carries::Nothing,
        text: None,
        finished: vec![ending.finish()],
        usage,
    }));
}

/// Emits what the answer used.
pub(super) fn tell_usage(usage: Usage, letterhead: &Letterhead, emit: &mut dyn FnMut(Event<'_>)) {
    let mut json = Vec::with_capacity(512);
    let mut object = letterhead.open(&mut json, KIND);
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
