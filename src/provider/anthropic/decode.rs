//! Events of an Anthropic stream, as chunks.
//!
//! # Why the end waits for `message_stop`
//!
//! Why an answer ended is told one event before the answer is whole. A chunk that ends an answer is taken
//! for its end, so it is written only when nothing can follow: a stream that breaks between the two is one
//! that was cut.

use std::collections::BTreeMap;

use crate::openai::UsageChunk;
use crate::openai::json::spelled;
use crate::provider::anthropic::answer::{Thoughts, not_an_answer};
use crate::provider::anthropic::chunks::Chunks;
use crate::provider::anthropic::event::{Block, Piece, Stopped, Told};
use crate::provider::anthropic::fault;
use crate::provider::anthropic::tokens::Tokens;
use crate::provider::{Bearable, Decoder, Event, Fault, Garbage, Reading};
use crate::reason::Reason;
use crate::stream::sse::{SseDecoder, SseEvent};

/// Decodes one stream.
#[derive(Debug)]
pub(super) struct EventDecoder {
    sse: SseDecoder,
    answer: Answer,
}

/// How far the answer has come.
#[derive(Debug)]
struct Answer {
    chunks: Chunks,
    usage_chunk: UsageChunk,
    stage: Stage,
    garbage: Garbage,
    /// The blocks that have begun and not ended, by Anthropic's numbers.
    open: BTreeMap<u64, Open>,
    calls: usize,
    thoughts: usize,
    tokens: Tokens,
    /// Anthropic's word for why it ended, as JSON.
    reason: Option<String>,
    /// What a refusal says of itself, as JSON.
    explanation: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing of the dialect has come.
    Unheard,
    /// Events have come.
    Heard,
    /// It is whole or has failed: what comes after that means nothing.
    Over,
}

/// A block that has begun.
#[derive(Debug)]
enum Open {
    /// A call by its number, and what its arguments are while no piece of them has come.
    Call(usize, Option<String>),
    /// One that the caller is not told of.
    Ignored,
    Text,
    /// Thoughts, by their number.
    Thinking(usize),
}

impl EventDecoder {
    pub(super) fn new(ask: &Reading<'_>) -> Self {
        Self {
            sse: SseDecoder::default(),
            answer: Answer {
                chunks: Chunks::new(ask),
                usage_chunk: ask.usage_chunk,
                stage: Stage::Unheard,
                garbage: Garbage::default(),
                open: BTreeMap::new(),
                calls: 0,
                thoughts: 0,
                tokens: Tokens::default(),
                reason: None,
                explanation: None,
            },
        }
    }
}

impl Decoder for EventDecoder {
    fn feed(&mut self, bytes: &[u8], emit: &mut dyn FnMut(Event<'_>)) {
        let Self { sse, answer } = self;
        if answer.stage == Stage::Over {
            return;
        }
        if sse
            .feed(bytes, &mut |event| answer.told(&event, emit))
            .is_err()
        {
            answer.fail(Fault::known(Reason::NotAnApi), emit);
        }
    }

    fn finish(&mut self, emit: &mut dyn FnMut(Event<'_>)) {
        let Self { sse, answer } = self;
        let heard = answer.stage != Stage::Unheard;
        let ends_in_garbage = answer.garbage.is_there();
        // Half an event at the end of a sound stream is a cut, not a foreign language.
        let mut sound = |event: Event<'_>| match event {
            Event::Failed(fault) if heard && fault.known == Some(Reason::NotAnApi) => {}
            event @ (Event::Chunk(_) | Event::Done | Event::Failed(_)) => emit(event),
        };
        match sse.finish(&mut |event| answer.told(&event, &mut sound)) {
            Err(_) => answer.fail(Fault::known(Reason::NotAnApi), &mut sound),
            Ok(rest) if is_frame(&rest) => {}
            // A plain JSON error where events were promised.
            Ok(rest) => answer.fail(not_an_answer(&rest), &mut sound),
        }
        if ends_in_garbage || (!heard && answer.garbage.is_there()) {
            answer.fail(Fault::known(Reason::NotAnApi), emit);
        }
    }

    fn cut(&self) -> Reason {
        Reason::StreamCut
    }
}

/// Whether bytes at the end, which no event came of, are of an event stream all the same: a comment, or
/// the name of an event whose data never came.
fn is_frame(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii();
    rest.starts_with(b":") || b"event:".starts_with(rest) || rest.starts_with(b"event:")
}

impl Answer {
    fn told(&mut self, event: &SseEvent<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        if self.stage == Stage::Over {
            return;
        }
        let Ok(told) = Told::parse(event.data.trim()) else {
            if self.garbage.more() == Bearable::No {
                self.fail(Fault::known(Reason::NotAnApi), emit);
            }
            return;
        };
        self.garbage = Garbage::default();
        self.stage = Stage::Heard;
        match told {
            Told::Message(message) => {
                self.chunks.sign(&message);
                self.tokens.update(message.tokens);
            }
            Told::Begins(at, block) => self.begins(at, block, emit),
            Told::More(at, piece) => self.more(at, &piece, emit),
            Told::Ends(at) => {
                if let Some(block) = self.open.remove(&at) {
                    self.ends(block, emit);
                }
            }
            Told::Ended(stopped, tokens) => {
                self.tokens.update(tokens);
                let Stopped {
                    reason,
                    explanation,
                } = stopped;
                self.reason = reason.map(Into::into).or(self.reason.take());
                self.explanation = explanation.map(Into::into).or(self.explanation.take());
            }
            Told::Error(error) => self.fail(fault::inside(&error), emit),
            Told::Stop => self.stop(emit),
            Told::Other => {}
        }
    }

    fn begins(&mut self, at: u64, block: Block<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        let open = match block {
            Block::Text(text) => {
                self.chunks.text(text, emit);
                Open::Text
            }
            Block::Thinking { text, signature } => {
                let number = self.next_thought();
                self.chunks
                    .thoughts(number, Thoughts::Open { text, signature }, emit);
                Open::Thinking(number)
            }
            Block::Redacted(data) => {
                let number = self.next_thought();
                self.chunks.thoughts(number, Thoughts::Sealed(data), emit);
                Open::Ignored
            }
            Block::Call { id, name, input } => {
                let number = self.calls;
                self.calls = number.saturating_add(1);
                self.chunks.call(number, id, &name, emit);
                Open::Call(
                    number,
                    Some(input.map_or("{}", |input| input.get()).to_owned()),
                )
            }
            Block::Other => Open::Ignored,
        };
        // One that is not told to end ends where the next of its number begins.
        if let Some(before) = self.open.insert(at, open) {
            self.ends(before, emit);
        }
    }

    fn more(&mut self, at: u64, piece: &Piece<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        match (self.open.get_mut(&at), piece) {
            (Some(Open::Call(number, whole)), Piece::Input(Some(json))) => {
                let number = *number;
                *whole = None;
                self.chunks.arguments(number, json, emit);
            }
            (Some(Open::Thinking(number)), Piece::Thinking(text)) => {
                let (number, text, signature) = (*number, *text, None);
                self.chunks
                    .thoughts(number, Thoughts::Open { text, signature }, emit);
            }
            (Some(Open::Thinking(number)), Piece::Signature(signature)) => {
                let (number, text, signature) = (*number, None, *signature);
                self.chunks
                    .thoughts(number, Thoughts::Open { text, signature }, emit);
            }
            (Some(Open::Text) | None, Piece::Text(text)) => self.chunks.text(*text, emit),
            _ => {}
        }
    }

    /// A call whose arguments nobody spelled out has none.
    fn ends(&mut self, block: Open, emit: &mut dyn FnMut(Event<'_>)) {
        match block {
            Open::Call(number, Some(whole)) => {
                self.chunks.arguments(number, &spelled(&whole), emit);
            }
            Open::Call(_, None) | Open::Ignored | Open::Text | Open::Thinking(_) => {}
        }
    }

    fn next_thought(&mut self) -> usize {
        let number = self.thoughts;
        self.thoughts = number.saturating_add(1);
        number
    }

    /// Ends the answer. One that never told why it ended has not.
    fn stop(&mut self, emit: &mut dyn FnMut(Event<'_>)) {
        for (_, block) in std::mem::take(&mut self.open) {
            self.ends(block, emit);
        }
        if let Some(explanation) = self.explanation.take() {
            self.chunks.refusal(&explanation, emit);
        }
        let usage = self.tokens.usage();
        if let Some(reason) = self.reason.take() {
            self.chunks.ended(&reason, usage, emit);
        }
        if self.usage_chunk == UsageChunk::Wanted
            && let Some(usage) = usage
        {
            self.chunks.usage(usage, emit);
        }
        self.stage = Stage::Over;
        emit(Event::Done);
    }

    fn fail(&mut self, fault: Fault, emit: &mut dyn FnMut(Event<'_>)) {
        if self.stage != Stage::Over {
            self.stage = Stage::Over;
            emit(Event::Failed(fault));
        }
    }
}
