//! Lines of an Ollama stream, as events.

use crate::openai::UsageChunk;
use crate::openai::json::Writer;
use crate::provider::ollama::answer::{Letterhead, finish, write_choice};
use crate::provider::ollama::line::{Called, Ending, Line};
use crate::provider::{Bearable, Carries, Chunk, Decoder, Event, Fault, Garbage, Origin, Reading};
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
    letterhead: Letterhead,
    usage_chunk: UsageChunk,
    origin: Origin,
    stage: Stage,
    calls: usize,
    garbage: Garbage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No chunk has been written, so the next one tells the role.
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
                letterhead: Letterhead::new(ask),
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
        let mut json = Vec::with_capacity(512);
        let mut object = self.open(&mut json, line);
        write_choice(object.name("choices"), line.logprobs(), None, |choice| {
            let mut delta = self.delta(choice);
            self.letterhead.write_delta(&mut delta, line, self.calls);
            delta.end();
        });
        object.end();
        self.stage = Stage::Begun;
        self.calls = self.calls.saturating_add(line.calls().len());
        emit(Event::Chunk(Chunk {
            json: &String::from_utf8_lossy(&json),
            wire: None,
            carries: carries(line),
            text: line.content(),
            finished: Vec::new(),
            usage: None,
        }));
    }

    fn end(&mut self, line: &Line<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        let ending = line.ending(Called::after(self.calls));
        self.ended(line, ending, emit);
        if self.usage_chunk == UsageChunk::Wanted {
            self.usage(line, emit);
        }
        self.stage = Stage::Over;
        emit(Event::Done);
    }

    fn ended(&self, line: &Line<'_>, ending: Ending<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        let mut json = Vec::with_capacity(512);
        let mut object = self.open(&mut json, line);
        write_choice(object.name("choices"), &[], Some(ending), |choice| {
            self.delta(choice).end();
        });
        object.end();
        emit(Event::Chunk(Chunk {
            json: &String::from_utf8_lossy(&json),
            wire: None,
            carries: Carries::Nothing,
            text: None,
            finished: vec![finish(ending)],
            usage: line.usage(),
        }));
    }

    fn usage(&self, line: &Line<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        let Some(usage) = line.usage() else {
            return;
        };
        let mut json = Vec::with_capacity(512);
        let mut object = self.open(&mut json, line);
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

    fn fail(&mut self, fault: Fault, emit: &mut dyn FnMut(Event<'_>)) {
        if self.stage != Stage::Over {
            self.stage = Stage::Over;
            emit(Event::Failed(fault));
        }
    }

    fn open<'b>(&self, json: &'b mut Vec<u8>, line: &Line<'_>) -> Writer<'b> {
        self.letterhead.open(json, "chat.completion.chunk", line)
    }

    /// Opens the delta of `choice`; the first of an answer tells the role.
    fn delta<'c>(&self, choice: &'c mut Writer<'_>) -> Writer<'c> {
        let mut delta = Writer::new(choice.name("delta"));
        if self.stage == Stage::Unbegun {
            delta.raw("role", "\"assistant\"");
        }
        delta
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
