//! Server-sent chunks of an OpenAI-dialect stream, as events.

use std::collections::BTreeSet;

use crate::openai::Finish;
use crate::openai::answer::{AnswerParts, ChoiceParts, MessageParts};
use crate::provider::openai::fault;
use crate::provider::openai::finish::{self, Ending};
use crate::provider::openai::mend::{Form, Mender};
use crate::provider::{Bearable, Carries, Chunk, Decoder, Event, Fault, Garbage, Reading};
use crate::reason::Reason;
use crate::stream::sse::{SseDecoder, SseEvent};

/// Decodes one stream.
#[derive(Debug)]
pub(super) struct ChunkDecoder {
    sse: SseDecoder,
    /// How many events could be read.
    read: u32,
    choices: Choices,
}

/// Which choices have ended.
#[derive(Debug)]
struct Choices {
    asked: u32,
    /// By index, so that a choice that says its end twice does not stand for another one.
    ended: BTreeSet<u64>,
    garbage: Garbage,
    /// What the company's chunks are put right by.
    mender: Mender,
}

impl ChunkDecoder {
    pub(super) fn new(ask: &Reading<'_>) -> Self {
        Self {
            sse: SseDecoder::default(),
            read: 0,
            choices: Choices {
                asked: ask.choices,
                ended: BTreeSet::new(),
                garbage: Garbage::default(),
                mender: Mender::new(ask),
            },
        }
    }
}

impl Decoder for ChunkDecoder {
    fn feed(&mut self, bytes: &[u8], emit: &mut dyn FnMut(Event<'_>)) {
        let Self { sse, read, choices } = self;
        let fed = sse.feed(bytes, &mut |event| {
            *read = read.saturating_add(1);
            choices.told(&event, emit);
        });
        if fed.is_err() {
            emit(Event::Failed(Fault::known(Reason::NotAnApi)));
        }
    }

    fn finish(&mut self, emit: &mut dyn FnMut(Event<'_>)) {
        let Self { sse, read, choices } = self;
        let begun = *read > 0;
        let ends_in_garbage = choices.garbage.is_there();
        // Half an event at the end of a sound stream is a cut, not a foreign language.
        let mut sound = |event: Event<'_>| match event {
            Event::Failed(fault) if begun && fault.known == Some(Reason::NotAnApi) => {}
            event @ (Event::Chunk(_) | Event::Done | Event::Failed(_)) => emit(event),
        };
        match sse.finish(&mut |event| choices.told(&event, &mut sound)) {
            Err(_) => sound(Event::Failed(Fault::known(Reason::NotAnApi))),
            // Some servers put a plain JSON error, or a whole answer, where events were promised.
            Ok(rest) if rest.trim_ascii().is_empty() || rest.starts_with(b":") => {}
            Ok(rest) => sound(Event::Failed(fault::not_an_answer(&rest))),
        }
        if ends_in_garbage || (!begun && choices.garbage.is_there()) {
            emit(Event::Failed(Fault::known(Reason::NotAnApi)));
        }
    }

    fn cut(&self) -> Reason {
        Reason::StreamCut
    }
}

impl Choices {
    fn told(&mut self, event: &SseEvent<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        let data = event.data.trim();
        if data == "[DONE]" {
            emit(Event::Done);
            return;
        }
        let Ok(parts) = serde_json::from_str::<AnswerParts<'_>>(data) else {
            if self.garbage.more() == Bearable::No {
                emit(Event::Failed(Fault::known(Reason::NotAnApi)));
            }
            return;
        };
        self.garbage = Garbage::default();
        // Without choices and usage it is no chunk: some servers write a bare error as an event.
        let error = parts
            .told_error()
            .or_else(|| (parts.choices.is_none() && !parts.tells_usage()).then_some(data));
        if let Some(error) = error {
            emit(Event::Failed(fault::inside(error)));
            return;
        }
        match &self.mender.mended(data, &parts, Form::Pieces) {
            // What was written of a chunk that could be read can be read.
            Some(json) => {
                if let Ok(parts) = serde_json::from_str(json) {
                    self.chunk(json, None, &parts, emit);
                }
            }
            None => self.chunk(data, event.wire, &parts, emit),
        }
    }

    fn chunk(
        &mut self,
        data: &str,
        wire: Option<&[u8]>,
        parts: &AnswerParts<'_>,
        emit: &mut dyn FnMut(Event<'_>),
    ) {
        let choices = parts.choices.as_deref().unwrap_or_default();
        let Some(finished) = self.finished(choices) else {
            emit(Event::Failed(Fault::known(Reason::InStreamError)));
            return;
        };
        let is_after = finished.is_empty() && self.ended.len() >= self.asked as usize;
        let reworded = finish::in_openai_words(data.as_bytes(), choices)
            .and_then(|bytes| String::from_utf8(bytes).ok());
        emit(Event::Chunk(Chunk {
            json: reworded.as_deref().unwrap_or(data),
            wire: if reworded.is_some() { None } else { wire },
            carries: carries(parts, is_after),
            text: self.text(choices),
            finished,
            usage: parts.usage(),
        }));
    }

    /// The text that the chunk adds, where one answer was asked for.
    fn text<'a>(&self, choices: &[ChoiceParts<'a>]) -> Option<&'a str> {
        match choices {
            [choice] if self.asked == 1 => {
                let content = choice.delta.as_ref()?.content()?.get();
                content.starts_with('"').then_some(content)
            }
            _ => None,
        }
    }

    /// Why choices ended with this chunk, those that were asked for and had not ended before;
    /// `None` when one failed.
    fn finished(&mut self, choices: &[ChoiceParts<'_>]) -> Option<Vec<Option<Finish>>> {
        let mut finished = Vec::new();
        for choice in choices {
            let finish = match Ending::of(choice) {
                Ending::Failed => return None,
                Ending::NotYet => continue,
                Ending::Same(finish) | Ending::Renamed(finish) => Some(finish),
                Ending::Unknown => None,
            };
            // The only one is what it is, whatever number a server gives it.
            let index = if self.asked == 1 { 0 } else { choice.index() };
            if index < u64::from(self.asked) && self.ended.insert(index) {
                finished.push(finish);
            }
        }
        Some(finished)
    }
}

/// What a chunk carries; `is_after` where every choice had ended before it.
fn carries(parts: &AnswerParts<'_>, is_after: bool) -> Carries {
    let choices = parts.choices.as_deref().unwrap_or_default();
    let deltas = || choices.iter().filter_map(|choice| choice.delta.as_ref());
    if deltas().any(MessageParts::says_other) {
        Carries::Other
    } else if deltas().any(|delta| delta.calls().is_some()) {
        Carries::Calls
    } else if deltas().any(|delta| delta.content().is_some()) {
        Carries::Text
    } else if deltas().any(|delta| delta.thought().is_some()) {
        Carries::Thought
    } else if parts.tells_usage() && (choices.is_empty() || is_after) {
        // OpenRouter tells it in a choice that has ended and says no more.
        Carries::UsageOnly
    } else {
        Carries::Nothing
    }
}
