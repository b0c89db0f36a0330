//! Chunks in other words: what a target says that goes on with a broken answer, and tool calls that
//! are passed on whole.
//!
//! # What stays lawful
//!
//! Every chunk has the id, the time and the model of the answer's first chunk, the role is told once,
//! tool calls are numbered in one row, and usage is the sum of what all targets used.

use serde_json::value::RawValue;

use crate::openai::json::{self, Object, Writer};
use crate::reason::{Fault, Reason};
use crate::stream::calls::{Call, Held, HeldCalls};
use crate::stream::event::{Carries, Chunk};
use crate::stream::relay::{Terms, one_line, write_event};
use crate::stream::splice::{Asked, Splice};
use crate::stream::written::{Written, spelled};

/// The members of a delta that are written in other words, or not at all.
const OURS: [&str; 3] = ["content", "role", "tool_calls"];

/// What a model thinks aloud.
const THOUGHTS: [&str; 2] = ["reasoning", "reasoning_content"];

/// Writes one target's chunks in other words.
#[derive(Debug)]
pub(super) struct Rewrite {
    role: Role,
    voice: Voice,
    held: HeldCalls,
    /// How many tool calls were written before this target's.
    before: usize,
    /// How many of its own are complete.
    told: usize,
}

/// Whether the caller has been told who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Told,
    Untold,
}

/// Whose answer the target is giving.
#[derive(Debug)]
enum Voice {
    /// Its own, from the beginning.
    Beginning,
    /// Another's, that broke. The text is joined on by the splice, while there is any to join.
    GoingOn(Option<Box<Splice>>),
}

impl Rewrite {
    /// For an answer that this target began itself.
    pub(super) fn beginning(role: Role) -> Self {
        Self {
            role,
            voice: Voice::Beginning,
            held: HeldCalls::default(),
            before: 0,
            told: 0,
        }
    }

    /// For an answer that another target began.
    pub(super) fn going_on(written: &Written, asked: Asked) -> Self {
        let text = written.text().filter(|text| !text.is_empty());
        Self {
            voice: Voice::GoingOn(text.map(|text| Box::new(Splice::new(&text, asked)))),
            before: written.calls().len(),
            ..Self::beginning(Role::Told)
        }
    }

    /// Takes a chunk and writes what the caller gets of it.
    pub(super) fn chunk(
        &mut self,
        chunk: &Chunk<'_>,
        written: &mut Written,
        terms: &Terms,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if chunk.carries == Carries::UsageOnly {
            self.usage(chunk, written, terms, out);
            return Ok(());
        }
        let choice = first_choice(chunk.json).unwrap_or_default();
        let delta = choice.object("delta").unwrap_or_default();
        let mut page = Page { written, out };
        self.text(&choice, &delta, &mut page)?;
        if delta.present("tool_calls").is_some() {
            self.settle(&mut page)?;
            match self.held.hold(chunk.json) {
                Held::Fits => {}
                // A call that comes in pieces after another has begun, or one without end, is not
                // what the dialect promises.
                Held::Late | Held::TooMuch => return Err(Fault::known(Reason::NotAnApi)),
            }
            let complete = self.held.complete();
            self.calls(complete, &mut page)?;
        }
        if !chunk.finished.is_empty() {
            self.settle(&mut page)?;
            let all = self.held.finish();
            self.calls(all, &mut page)?;
            if self.told < self.before {
                return Err(Fault::known(Reason::NoSplice));
            }
            page.end(chunk, &choice, terms);
        }
        Ok(())
    }

    /// Writes the text of a chunk, and whatever else its delta has.
    fn text(
        &mut self,
        choice: &Object<'_>,
        delta: &Object<'_>,
        page: &mut Page<'_>,
    ) -> Result<(), Fault> {
        let content = delta.present("content");
        let others: Vec<_> = match &self.voice {
            Voice::Beginning => delta
                .0
                .iter()
                .filter(|(name, value)| !OURS.contains(&name.as_ref()) && value.get() != "null")
                .collect(),
            // Thoughts are no part of the answer: those of the second target would be doubled ones
            // once it has begun.
            Voice::GoingOn(_) if page.written.is_empty() => delta
                .0
                .iter()
                .filter(|(name, _)| THOUGHTS.contains(&name.as_ref()))
                .collect(),
            Voice::GoingOn(_) if delta.present("refusal").is_some() => {
                return Err(Fault::known(Reason::NoSplice));
            }
            Voice::GoingOn(_) => Vec::new(),
        };
        let content = match (&mut self.voice, content) {
            (Voice::GoingOn(Some(splice)), Some(raw)) => {
                let mut more = String::new();
                splice
                    .feed(&json::string(raw).unwrap_or_default(), &mut more)
                    .map_err(|_| Fault::known(Reason::NoSplice))?;
                (!more.is_empty()).then(|| spelled(&more))
            }
            (Voice::Beginning | Voice::GoingOn(_), raw) => raw
                .map(RawValue::get)
                .filter(|raw| *raw != "\"\"")
                .map(str::to_owned),
        };
        if content.is_none() && others.is_empty() {
            return Ok(());
        }
        if others
            .iter()
            .any(|(name, _)| !THOUGHTS.contains(&name.as_ref()))
        {
            page.written.close();
        }
        let logprobs = match self.voice {
            Voice::Beginning => choice.present("logprobs"),
            Voice::GoingOn(_) => None,
        };
        let role = std::mem::replace(&mut self.role, Role::Told);
        page.delta(role, logprobs, |delta| {
            if let Some(content) = &content {
                delta.raw("content", content);
            }
            for (name, value) in &others {
                delta.raw(name, value.get());
            }
        });
        if let Some(content) = content {
            page.written.add_text(&content);
        }
        Ok(())
    }

    /// The text has come to its end: what was held of it is decided on.
    fn settle(&mut self, page: &mut Page<'_>) -> Result<(), Fault> {
        let Voice::GoingOn(splice) = &mut self.voice else {
            return Ok(());
        };
        let Some(mut splice) = splice.take() else {
            return Ok(());
        };
        let mut more = String::new();
        splice
            .end(&mut more)
            .map_err(|_| Fault::known(Reason::NoSplice))?;
        if !more.is_empty() {
            let content = spelled(&more);
            page.delta(Role::Told, None, |delta| {
                delta.raw("content", &content);
            });
            page.written.add_text(&content);
        }
        Ok(())
    }

    /// Writes the calls that are complete. Those that the caller has already must be the same.
    fn calls(&mut self, complete: Vec<Call>, page: &mut Page<'_>) -> Result<(), Fault> {
        for call in complete {
            let number = self.told;
            self.told = self.told.saturating_add(1);
            if number < self.before {
                match page.written.calls().get(number) {
                    Some(had) if had.same_as(&call) => continue,
                    _ => return Err(Fault::known(Reason::NoSplice)),
                }
            }
            let index = u64::try_from(page.written.calls().len()).unwrap_or(u64::MAX);
            let role = std::mem::replace(&mut self.role, Role::Told);
            page.delta(role, None, |delta| {
                let list = delta.name("tool_calls");
                list.push(b'[');
                call.write_delta(index, list);
                list.push(b']');
            });
            page.written.add_call(call);
        }
        Ok(())
    }

    /// Writes the chunk that tells only the usage, summed up.
    fn usage(&self, chunk: &Chunk<'_>, written: &Written, terms: &Terms, out: &mut Vec<u8>) {
        let (Voice::GoingOn(_), Some(usage)) = (&self.voice, chunk.usage) else {
            let mut json = one_line(chunk.json);
            let disclosure = terms.disclose.json(written);
            crate::openai::answer::insert(&mut json, "pilotlight", &disclosure);
            return write_event(out, &json);
        };
        let mut json = Vec::with_capacity(512);
        let mut object = written.open(&mut json);
        object.raw("choices", "[]");
        usage.plus(written.used()).write(object.name("usage"));
        object.raw("pilotlight", &terms.disclose.json(written));
        object.end();
        write_event(out, &json);
    }
}

/// What is being written to.
struct Page<'p> {
    written: &'p mut Written,
    out: &'p mut Vec<u8>,
}

impl Page<'_> {
    /// Writes a chunk with a delta.
    fn delta(
        &mut self,
        role: Role,
        logprobs: Option<&RawValue>,
        members: impl FnOnce(&mut Writer<'_>),
    ) {
        let mut json = Vec::with_capacity(512);
        let mut chunk = self.written.open(&mut json);
        let choices = chunk.name("choices");
        choices.push(b'[');
        let mut choice = Writer::new(choices);
        choice.raw("index", "0");
        let mut delta = Writer::new(choice.name("delta"));
        match role {
            Role::Told => {}
            Role::Untold => {
                delta.raw("role", "\"assistant\"");
            }
        }
        members(&mut delta);
        delta.end();
        if let Some(logprobs) = logprobs {
            choice.raw("logprobs", logprobs.get());
        }
        choice.raw("finish_reason", "null");
        choice.end();
        choices.push(b']');
        chunk.end();
        write_event(self.out, &json);
    }

    /// Writes the chunk that says why the answer ended.
    fn end(&mut self, ended: &Chunk<'_>, choice: &Object<'_>, terms: &Terms) {
        let mut json = Vec::with_capacity(512);
        let mut chunk = self.written.open(&mut json);
        let choices = chunk.name("choices");
        choices.push(b'[');
        let mut object = Writer::new(choices);
        object.raw("index", "0").raw("delta", "{}");
        let finish = choice.raw("finish_reason").map_or("null", RawValue::get);
        object.raw("finish_reason", finish);
        object.end();
        choices.push(b']');
        if let Some(usage) = ended.usage {
            usage.plus(self.written.used()).write(chunk.name("usage"));
        }
        chunk.raw("pilotlight", &terms.disclose.json(self.written));
        chunk.end();
        write_event(self.out, &json);
    }
}

/// The only choice of a chunk.
fn first_choice(chunk: &str) -> Option<Object<'_>> {
    let choices = Object::parse(chunk).ok()?.raw("choices")?;
    let choices: Vec<Object<'_>> = serde_json::from_str(choices.get()).ok()?;
    choices.into_iter().next()
}
