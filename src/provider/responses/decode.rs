//! The bytes of a streamed response, as events of a chat completion's stream.

use crate::provider::openai::fault;
use crate::provider::responses::progress::{Answer, Stage};
use crate::provider::{Decoder, Event, Fault, Reading};
use crate::reason::Reason;
use crate::stream::sse::SseDecoder;

/// Decodes one stream.
#[derive(Debug)]
pub(super) struct EventDecoder {
    sse: SseDecoder,
    answer: Answer,
}

impl EventDecoder {
    pub(super) fn new(ask: &Reading<'_>) -> Self {
        Self {
            sse: SseDecoder::default(),
            answer: Answer::new(ask),
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
        if answer.stage == Stage::Over {
            return;
        }
        let ends_in_garbage = answer.garbage.is_there();
        let rest = sse.finish(&mut |event| answer.told(&event, emit));
        let rest = match rest {
            Err(_) => {
                if answer.stage == Stage::Unbegun {
                    answer.fail(Fault::known(Reason::NotAnApi), emit);
                }
                Vec::new()
            }
            // The name of an event whose data never came.
            Ok(rest) if rest.starts_with(b"event:") => Vec::new(),
            Ok(rest) => rest,
        };
        // Half an event at the end of a sound stream is a cut, not a foreign language.
        if answer.stage == Stage::Unbegun
            && !rest.trim_ascii().is_empty()
            && !rest.starts_with(b":")
        {
            answer.fail(fault::not_an_answer(&rest), emit);
        }
        let is_foreign = answer.stage == Stage::Unbegun && answer.garbage.is_there();
        if ends_in_garbage || is_foreign {
            answer.fail(Fault::known(Reason::NotAnApi), emit);
        }
    }

    fn cut(&self) -> Reason {
        Reason::StreamCut
    }
}
