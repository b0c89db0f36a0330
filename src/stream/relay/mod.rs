//! What goes to the caller of what an upstream streams: a state machine, bytes in and bytes out.
//!
//! The relay decides three things: when an answer is under way (its first content is here, so that
//! the attempt has succeeded), when it is complete, and when it has failed. It adds the `pilotlight`
//! object to the chunks that end an answer, drops the chunk with usage where the caller did not ask
//! for one, and holds back a tool call until it is whole, and the chunk that ends an answer until it is
//! known what the answer used. What a target says that goes on with a broken answer is spliced on in
//! `rewrite.rs`.
//!
//! # Why bytes pass as they are
//!
//! Nearly every chunk of an OpenAI-dialect stream is already what the caller should get. The relay
//! then says "the same" and the platform writes the very chunk that it read, so that watching a
//! stream costs next to nothing over not watching it.
//!
//! **Invariant:** an answer is complete only when every choice's finish reason came from upstream.
//! Nothing here ever makes one up.

mod rewrite;

use std::fmt::Debug;

use crate::openai::answer;
use crate::openai::{Finish, Usage, UsageChunk};
use crate::reason::{Fault, Reason};
use crate::stream::event::{Carries, Chunk, Decoder, Event};
use crate::stream::splice::Asked;
use crate::stream::written::Written;

use rewrite::Rewrite;

/// The end of a stream that is whole.
const DONE: &[u8] = b"data: [DONE]\n\n";

/// What is held before the first content may be as long as this, in bytes.
const LONGEST_PRELUDE: usize = 1024 * 1024;

/// Relays one stream.
#[derive(Debug)]
pub struct Relay {
    decoder: Box<dyn Decoder>,
    answer: Progress,
}

/// What holds for one stream.
#[derive(Debug)]
pub struct Terms {
    /// How many choices were asked for.
    pub choices: u32,
    /// Whether the caller gets the chunk with usage.
    pub usage_chunk: UsageChunk,
    /// How tool calls are passed on.
    pub calls: Calls,
    /// Whether another target may have to go on.
    pub keep: Keep,
    /// Writes the `pilotlight` object of the chunks that end the answer.
    pub disclose: Box<dyn Disclose>,
}

/// How tool calls are passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// Piece by piece, as they come.
    Streamed,
    /// Each when it is complete.
    Whole,
}

/// Whether what is written is kept in mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing is.
    Nothing,
    /// Text and calls are, so that another target can go on with them.
    Text,
}

/// Writes the `pilotlight` object.
pub trait Disclose: Debug {
    /// The JSON text of the object, given what has been written when it is called for and what the
    /// target has told by then of what it used.
    fn json(&self, written: &Written, usage: Option<Usage>) -> String;
}

/// What the caller wants and what it has got.
#[derive(Debug)]
struct Progress {
    terms: Terms,
    open_choices: u32,
    out: Vec<u8>,
    begun: Begun,
    sounded: Sound,
    standing: Standing,
    tally: Tally,
    words: Words,
    written: Written,
    rewrite: Option<Box<Rewrite>>,
    /// The chunk that ended the last choice, while what it used has not been told.
    held: Option<Vec<u8>>,
}

/// Whether anything that the model said has been handed out to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    None,
    /// Only what stands in an answer's place, such as why there is none.
    Aside,
    Some,
}

/// Whether the upstream has sent anything at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    No,
    Yes,
}

/// What is known of the answer for the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Why the last choice ended.
    pub finish: Option<Finish>,
    /// What the target used, where it has told since its last word.
    pub usage: Option<Usage>,
}

/// How an answer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No content yet: the next target can still be asked.
    Waiting,
    /// Content is here; the answer is under way.
    Committed,
    /// Every choice has ended; only usage or the terminal marker may follow.
    Finished,
    /// The end, marker and all.
    Complete,
    /// It failed.
    Failed(Fault),
}

/// What to write to the caller after [`Relay::feed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fed {
    /// The bytes that were fed, as they were.
    Same,
    /// What [`Relay::take`] returns, which may be nothing.
    Other,
}

/// Whether bytes said anything. Comments, pings and empty deltas are no sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// They did.
    Heard,
    /// They did not.
    Silent,
}

impl Relay {
    /// A relay for an answer that begins.
    pub fn new(decoder: Box<dyn Decoder>, terms: Terms) -> Self {
        Self::with(decoder, terms, Written::default(), None)
    }

    /// A relay for what a target says that was asked to go on with what is `written`.
    pub fn going_on(
        decoder: Box<dyn Decoder>,
        terms: Terms,
        written: Written,
        asked: Asked,
    ) -> Self {
        let rewrite = Rewrite::going_on(&written, asked);
        Self::with(decoder, terms, written, Some(Box::new(rewrite)))
    }

    fn with(
        decoder: Box<dyn Decoder>,
        terms: Terms,
        written: Written,
        rewrite: Option<Box<Rewrite>>,
    ) -> Self {
        Self {
            decoder,
            answer: Progress {
                open_choices: terms.choices,
                terms,
                out: Vec::new(),
                begun: Begun::No,
                sounded: Sound::Silent,
                standing: Standing::Waiting,
                tally: Tally::default(),
                words: Words::None,
                written,
                rewrite,
                held: None,
            },
        }
    }

    /// Takes the next bytes of the upstream.
    ///
    /// What is to be written gathers until [`Relay::take`]; [`Fed::Same`] only ever comes when
    /// nothing else waits to be written.
    pub fn feed(&mut self, bytes: &[u8]) -> Fed {
        let nothing_waits = self.answer.out.is_empty();
        self.hold(bytes);
        if nothing_waits && self.answer.out == bytes {
            self.answer.out.clear();
            return Fed::Same;
        }
        Fed::Other
    }

    /// Takes the next bytes like [`Relay::feed`], and keeps what is to be written until
    /// [`Relay::take`] in any case.
    pub fn hold(&mut self, bytes: &[u8]) {
        let Self { decoder, answer } = self;
        answer.sounded = Sound::Silent;
        answer.begun = Begun::Yes;
        decoder.feed(bytes, &mut |event| answer.event(event));
    }

    /// Takes the end of the upstream's bytes.
    pub fn end(&mut self) {
        let Self { decoder, answer } = self;
        decoder.finish(&mut |event| answer.event(event));
        if answer.is_open() {
            answer.over(match answer.begun {
                Begun::Yes => decoder.cut(),
                Begun::No => Reason::Empty,
            });
        }
    }

    /// Takes a break: the connection broke, or a time limit passed. An answer whose choices have all
    /// ended is complete all the same.
    pub fn broke(&mut self, reason: Reason) {
        if self.answer.is_open() {
            self.answer.over(reason);
        }
    }

    /// What waits to be written to the caller.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.answer.out)
    }

    /// Whether what waits has to be written now: a word of the answer, or its end. A role alone can
    /// wait for the word that it belongs to.
    pub fn has_words(&self) -> bool {
        self.has_spoken() || !self.wants_more()
    }

    /// Whether a word of the answer has been handed out, or waits to be.
    pub fn has_spoken(&self) -> bool {
        self.answer.words != Words::None
    }

    /// Whether nothing has been said but what stands in an answer's place: why it is refused.
    pub fn is_unanswered(&self) -> bool {
        self.answer.words != Words::Some
    }

    /// How the answer stands.
    pub fn standing(&self) -> &Standing {
        &self.answer.standing
    }

    /// Whether the last bytes said anything.
    pub fn sound(&self) -> Sound {
        self.answer.sounded
    }

    /// Whether the upstream can say anything more that matters.
    pub fn wants_more(&self) -> bool {
        self.answer.is_open()
    }

    /// What is known of the answer for the log.
    pub fn tally(&self) -> Tally {
        self.answer.tally
    }

    /// What the caller has been given, and what waits to be given: for the next target, when this one
    /// broke.
    pub fn take_written(&mut self) -> Written {
        std::mem::take(&mut self.answer.written)
    }
}

impl Progress {
    fn is_open(&self) -> bool {
        match self.standing {
            Standing::Waiting | Standing::Committed | Standing::Finished => true,
            Standing::Complete | Standing::Failed(_) => false,
        }
    }

    fn event(&mut self, event: Event<'_>) {
        if !self.is_open() {
            return;
        }
        match event {
            Event::Chunk(chunk) => self.chunk(&chunk),
            Event::Done => self.over(Reason::StreamCut),
            // What comes after the end of every choice spoils no answer.
            Event::Failed(_) if self.standing == Standing::Finished => self.over(Reason::StreamCut),
            Event::Failed(fault) => self.standing = Standing::Failed(fault),
        }
    }

    fn chunk(&mut self, chunk: &Chunk<'_>) {
        self.tally.usage = match (chunk.usage, chunk.carries.speaks()) {
            // Words that follow a count are not in it: one that is told first, or now and then.
            (None, true) => None,
            (usage, _) => usage.or(self.tally.usage),
        };
        for finish in &chunk.finished {
            self.tally.finish = finish.or(self.tally.finish);
            self.open_choices = self.open_choices.saturating_sub(1);
        }
        self.release();
        if chunk.carries.speaks() {
            self.sounded = Sound::Heard;
        }
        if let Err(fault) = self.pass_on(chunk) {
            self.standing = Standing::Failed(fault);
            return;
        }
        self.standing = match (&self.standing, chunk.carries.speaks()) {
            (Standing::Committed, _) | (Standing::Waiting, true) => {
                if self.open_choices == 0 {
                    Standing::Finished
                } else {
                    Standing::Committed
                }
            }
            (Standing::Waiting, false) if self.open_choices == 0 => self.ended_without_content(),
            (same, _) => (*same).clone(),
        };
        if self.standing == Standing::Waiting && self.out.len() > LONGEST_PRELUDE {
            // Chunks for ever with nothing in them are no more an answer than one event without end.
            self.standing = Standing::Failed(Fault::known(Reason::NotAnApi));
        }
    }

    /// Writes a chunk on, as it is or in other words.
    fn pass_on(&mut self, chunk: &Chunk<'_>) -> Result<(), Fault> {
        if chunk.carries == Carries::UsageOnly && self.terms.usage_chunk == UsageChunk::Unwanted {
            return Ok(());
        }
        let holds_calls = chunk.carries == Carries::Calls
            && self.terms.calls == Calls::Whole
            && self.terms.choices == 1;
        if holds_calls && self.rewrite.is_none() {
            self.rewrite = Some(Box::new(Rewrite::beginning()));
        }
        self.written.begin(chunk.json);
        if self.rewrite.is_some() {
            return self.write_otherwise(chunk);
        }
        if self.terms.keep == Keep::Text {
            self.keep(chunk);
        }
        self.write(chunk);
        self.words = match (chunk.carries, self.words) {
            (Carries::Other, Words::None) => Words::Aside,
            (carries, _) if carries.speaks() && carries != Carries::Other => Words::Some,
            (_, same) => same,
        };
        Ok(())
    }

    /// Writes a chunk in other words, or nothing of it where it cannot be.
    fn write_otherwise(&mut self, chunk: &Chunk<'_>) -> Result<(), Fault> {
        let Some(rewrite) = &mut self.rewrite else {
            return Ok(());
        };
        let (length, mark) = (self.out.len(), self.written.mark());
        match rewrite.chunk(chunk, &mut self.written, &self.terms, &mut self.out) {
            Ok(last) => {
                if self.out.len() > length && chunk.carries != Carries::UsageOnly {
                    self.words = Words::Some;
                }
                if let Some(json) = last {
                    self.close(json, chunk);
                }
                Ok(())
            }
            Err(fault) => {
                self.out.truncate(length);
                self.written.rewind(mark);
                Err(fault)
            }
        }
    }

    /// Keeps in mind what is about to be written as it is.
    fn keep(&mut self, chunk: &Chunk<'_>) {
        match (chunk.carries, chunk.text) {
            (Carries::Text, Some(text)) => self.written.add_text(text),
            (Carries::Calls | Carries::Other | Carries::Text, _) => self.written.close(),
            (Carries::Thought, _) => self.written.add_thought(chunk.json),
            (Carries::Nothing | Carries::UsageOnly, _) => {}
        }
    }

    fn write(&mut self, chunk: &Chunk<'_>) {
        let tells = !chunk.finished.is_empty() || chunk.usage.is_some();
        let closes = self.open_choices == 0 && tells || chunk.carries == Carries::UsageOnly;
        if closes {
            self.close(chunk.json.as_bytes().to_vec(), chunk);
        } else if let Some(wire) = chunk.wire {
            self.out.extend_from_slice(wire);
        } else {
            write_event(&mut self.out, chunk.json.as_bytes());
        }
    }

    /// Writes `json`, which ends the answer and is what the caller gets of `chunk`, with the `pilotlight`
    /// object. What was used mostly follows in the next chunk, and then this one waits for it, so that
    /// it can tell what the answer cost; no word ever waits.
    fn close(&mut self, json: Vec<u8>, chunk: &Chunk<'_>) {
        let says = chunk.carries.speaks() && self.rewrite.is_none();
        self.held = Some(json);
        if says || chunk.usage.is_some() || chunk.carries == Carries::UsageOnly {
            self.release();
        }
    }

    /// Writes the chunk that waits, with what is known by now.
    fn release(&mut self) {
        if let Some(mut json) = self.held.take() {
            let object = self.terms.disclose.json(&self.written, self.tally.usage);
            answer::insert(&mut json, "pilotlight", &object);
            write_event(&mut self.out, &json);
        }
    }

    /// An answer that ended before it said anything is one when the upstream has a reason, or counts
    /// tokens that it wrote; a bare `stop` is what a cold or broken server sends.
    fn ended_without_content(&self) -> Standing {
        let wrote = self
            .tally
            .usage
            .is_some_and(|usage| usage.completion_tokens > 0);
        match self.tally.finish {
            Some(Finish::Stop) | None if !wrote => Standing::Waiting,
            _ => Standing::Finished,
        }
    }

    /// Nothing more comes. `cut` says what that means for an answer that had not ended.
    fn over(&mut self, cut: Reason) {
        self.standing = match self.standing {
            Standing::Finished => {
                self.release();
                self.out.extend_from_slice(DONE);
                Standing::Complete
            }
            Standing::Waiting if self.open_choices == 0 => {
                Standing::Failed(Fault::known(Reason::Empty))
            }
            Standing::Waiting | Standing::Committed => Standing::Failed(Fault::known(cut)),
            Standing::Complete | Standing::Failed(_) => return,
        };
    }
}

/// Writes an event. The JSON goes without line ends, which would end the `data` line. They stand only
/// between its tokens: inside a string they are escaped.
fn write_event(out: &mut Vec<u8>, json: &[u8]) {
    let end_of_line = |byte: u8| matches!(byte, b'\n' | b'\r');
    out.extend_from_slice(b"data: ");
    out.extend(
        json.iter()
            .map(|byte| if end_of_line(*byte) { b' ' } else { *byte }),
    );
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests;
