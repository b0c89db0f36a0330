//! Lines of an Ollama stream, as events.

use crate::openai::UsageChunk;
use crate::provider::completion::{Called, Chunks};
use crate::provider::ollama::answer;
use crate::provider::ollama::line::{Line, Text};
use crate::provider::{Bearable, Carries, Decoder, Event, Fault, Garbage, Origin, Reading};
use crate::reason::Reason;
use crate::stream::ndjson::Lines;

/// Decodes one stream.
#[derive(Debug)]
pub(super) struct LineDecoder {
    lines: Lines,
    answer: Answer,
}

/// How far the answer has come.
#[derive(Debug)]
struct Answer {
    chunks: Chunks,
    usage_chunk: UsageChunk,
    origin: Origin,
    stage: Stage,
    calls: usize,
    garbage: Garbage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No chunk has been written.
    Unbegun,
    /// Chunks have been written.
    Begun,
    /// It is whole or has failed: lines after that mean nothing.
    Over,
}

impl LineDecoder {
    pub(super) fn new(ask: &Reading<'_>) -> Self {
        Self {
            lines: Lines::default(),
            answer: Answer {
                chunks: Chunks::new(ask),
                usage_chunk: ask.usage_chunk,
                origin: ask.origin,
                stage: Stage::Unbegun,
                calls: 0,
                garbage: Garbage::default(),
            },
        }
    }
}

impl Decoder for LineDecoder {
    fn feed(&mut self, bytes: &[u8], emit: &mut dyn FnMut(Event<'_>)) {
        let Self { lines, answer } = self;
        if answer.stage == Stage::Over {
            return;
        }
        if lines
            .feed(bytes, &mut |line| answer.line(line, emit))
            .is_err()
        {
            answer.fail(Fault::known(Reason::NotAnApi), emit);
        }
    }

    fn finish(&mut self, emit: &mut dyn FnMut(Event<'_>)) {
        let Self { lines, answer } = self;
        let begun = answer.stage == Stage::Begun;
        let ends_in_garbage = answer.garbage.is_there();
        // Half a line at the end of a sound stream is a cut, not a foreign language.
        let mut sound = |event: Event<'_>| match event {
            Event::Failed(fault) if begun && fault.known == Some(Reason::NotAnApi) => {}
            event @ (Event::Chunk(_) | Event::Done | Event::Failed(_)) => emit(event),
        };
        lines.finish(&mut |line| answer.line(line, &mut sound));
        if ends_in_garbage || (!begun && answer.garbage.is_there()) {
            answer.fail(Fault::known(Reason::NotAnApi), emit);
        }
    }

    /// Ollama ends a stream in order and without `done` when the model repeats one token over and
    /// over, or when the engine closes early (`llm/llama_server.go`).
    fn cut(&self) -> Reason {
        Reason::EndedWithoutDone
    }
}

impl Answer {
    fn line(&mut self, bytes: &[u8], emit: &mut dyn FnMut(Event<'_>)) {
        if self.stage == Stage::Over {
            return;
        }
        let line = Line::parse(bytes, self.origin);
        if let Err(fault) = &line
            && fault.known == Some(Reason::NotAnApi)
            && self.garbage.more() == Bearable::Yes
        {
            return;
        }
        if let Ok(line) = &line {
            let model = line.model.and_then(Text::spoken);
            self.chunks.letterhead.sign(None, model);
        }
        match line {
            // The last line, too, may hold tool calls or the last of the text.
            Ok(line) if line.is_done() => {
                self.garbage = Garbage::default();
                if line.speaks() || !line.logprobs().is_empty() {
                    self.piece(&line, emit);
                }
                self.end(&line, emit);
            }
            Ok(line) => {
                self.garbage = Garbage::default();
                self.piece(&line, emit);
            }
            Err(fault) => self.fail(fault, emit),
        }
    }

    fn piece(&mut self, line: &Line<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        self.stage = Stage::Begun;
        let called = self.calls;
        self.calls = called.saturating_add(line.calls().len());
        let ids = answer::ids(line, called, &self.chunks.letterhead);
        self.chunks.say(
            carries(line),
            line.content(),
            line.logprobs(),
            emit,
            |delta| answer::write_delta(delta, line, &ids, called),
        );
    }

    fn end(&mut self, line: &Line<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        let usage = line.usage();
        let ending = line.ending(Called::after(self.calls));
        self.chunks.end(ending, usage, emit);
        if let Some(usage) = usage.filter(|_| self.usage_chunk == UsageChunk::Wanted) {
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

fn carries(line: &Line<'_>) -> Carries {
    if !line.calls().is_empty() {
        Carries::Calls
    } else if line.content().is_some() {
        Carries::Text
    } else if line.speaks() {
        Carries::Thought
    } else {
        Carries::Nothing
    }
}
