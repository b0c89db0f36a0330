//! Server-sent chunks of an OpenAI-dialect stream, as events.

use crate::openai::Usage;
use crate::openai::answer::{AnswerParts, ChoiceParts, MessageParts};
use crate::provider::openai::{Ending, fault, finish_of, renamed, truthy};
use crate::provider::{Carries, Chunk, Decoder, Event, Fault};
use crate::reason::Reason;
use crate::stream::sse::{SseDecoder, SseEvent};

/// Decodes one stream.
#[derive(Debug, Default)]
pub(super) struct ChunkDecoder {
    sse: SseDecoder,
    /// How many events could be read.
    read: u32,
}

impl Decoder for ChunkDecoder {
    fn feed(&mut self, bytes: &[u8], emit: &mut dyn FnMut(Event<'_>)) {
        let Self { sse, read } = self;
        let fed = sse.feed(bytes, &mut |event| {
            *read = read.saturating_add(1);
            told(&event, emit);
        });
        if fed.is_err() {
            emit(Event::Failed(Fault::known(Reason::NotAnApi)));
        }
    }

    fn finish(&mut self, emit: &mut dyn FnMut(Event<'_>)) {
        let begun = self.read > 0;
        // Half an event at the end of a sound stream is a cut, not a foreign language.
        let mut sound = |event: Event<'_>| match event {
            Event::Failed(fault) if begun && fault.known == Some(Reason::NotAnApi) => {}
            event @ (Event::Chunk(_) | Event::Done | Event::Failed(_)) => emit(event),
        };
        match self.sse.finish(&mut |event| told(&event, &mut sound)) {
            Err(_) => sound(Event::Failed(Fault::known(Reason::NotAnApi))),
            // Some servers put a plain JSON error, or a whole answer, where events were promised.
            Ok(rest) if rest.trim_ascii().is_empty() || rest.starts_with(b":") => {}
            Ok(rest) => sound(Event::Failed(fault::not_an_answer(&rest))),
        }
    }

    fn cut(&self) -> Reason {
        Reason::StreamCut
    }
}

fn told(event: &SseEvent<'_>, emit: &mut dyn FnMut(Event<'_>)) {
    let data = event.data.trim();
    if data == "[DONE]" {
        emit(Event::Done);
        return;
    }
    let Ok(parts) = serde_json::from_str::<AnswerParts<'_>>(data) else {
        emit(Event::Failed(Fault::known(Reason::NotAnApi)));
        return;
    };
    // Without choices and usage it is no chunk: some servers write a bare error as an event.
    let error = upstream_error(&parts)
        .or_else(|| (parts.choices.is_none() && parts.usage.is_none()).then_some(data));
    if let Some(error) = error {
        emit(Event::Failed(fault::inside(error)));
        return;
    }
    let choices = parts.choices.as_deref().unwrap_or_default();
    let mut finished = Vec::new();
    let mut text = None;
    for word in choices
        .iter()
        .filter_map(|choice| choice.finish_reason.as_deref())
    {
        match finish_of(word) {
            Ending::Failed => {
                emit(Event::Failed(Fault::known(Reason::InStreamError)));
                return;
            }
            Ending::Same(finish) => finished.push(Some(finish)),
            Ending::Renamed(finish) => {
                finished.push(Some(finish));
                text = Some(renamed(data.as_bytes()));
            }
            Ending::Unknown => finished.push(None),
        }
    }
    let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
    emit(Event::Chunk(Chunk {
        json: text.as_deref().unwrap_or(data),
        wire: if text.is_some() { None } else { event.wire },
        carries: carries(choices, parts.usage),
        finished,
        usage: parts
            .usage
            .or(parts.x_groq.as_ref().and_then(|groq| groq.usage)),
    }));
}

fn upstream_error<'a>(parts: &AnswerParts<'a>) -> Option<&'a str> {
    [
        parts.error,
        parts.x_groq.as_ref().and_then(|groq| groq.error),
    ]
    .into_iter()
    .flatten()
    .map(serde_json::value::RawValue::get)
    .find(|error| truthy(error))
}

fn carries(choices: &[ChoiceParts<'_>], usage: Option<Usage>) -> Carries {
    if choices.is_empty() && usage.is_some() {
        return Carries::UsageOnly;
    }
    let speaks = choices
        .iter()
        .filter_map(|choice| choice.delta.as_ref())
        .any(MessageParts::says_something);
    if speaks {
        Carries::Content
    } else {
        Carries::Nothing
    }
}
