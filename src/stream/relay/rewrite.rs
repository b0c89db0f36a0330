//! Chunks in other words: what a target says that goes on with a broken answer, and tool calls that
//! are passed on whole.
//!
//! # What stays lawful
//!
//! Every chunk has the id, the time and the model of the answer's first chunk, the role is told once,
//! tool calls are numbered in one row, and usage is the sum of what all targets used.

use serde_json::value::RawValue;

use crate::openai::Usage;
use crate::openai::answer;
use crate::openai::json::{Object, Writer};
use crate::reason::{Fault, Reason};
use crate::stream::calls::{Call, Held, HeldCalls};
use crate::stream::details;
use crate::stream::event::{Carries, Chunk};
use crate::stream::relay::{Terms, write_event};
use crate::stream::splice::{Asked, Splice};
use crate::stream::written::{Role, Written, spelled};

/// The members of a delta that are written in other words, or not at all.
const OURS: [&str; 3] = ["content", "role", "tool_calls"];

/// What a model thinks aloud.
const THOUGHTS: [&str; 3] = ["reasoning", "reasoning_content", details::NAME];

/// Writes one target's chunks in other words.
#[derive(Debug)]
pub(super) struct Rewrite {
    voice: Voice,
    held: HeldCalls,
    /// How many tool calls were written before this target's.
    before: usize,
    /// How many of its own are complete.
    told: usize,
    /// How many characters of text were written before this target's.
    length: u64,
    /// The number of its first entry of `reasoning_details`.
    details: u64,
    /// The escape of half a character, whose other half is still to come.
    half: String,
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
    pub(super) fn beginning() -> Self {
        Self {
            voice: Voice::Beginning,
            held: HeldCalls::default(),
            before: 0,
            told: 0,
            length: 0,
            details: 0,
            half: String::new(),
        }
    }

    /// For an answer that another target began.
    pub(super) fn going_on(written: &Written, asked: Asked) -> Self {
        let text = written.text().filter(|text| !text.is_empty());
        Self {
            voice: Voice::GoingOn(text.map(|text| Box::new(Splice::new(&text, asked)))),
            before: written.calls().len(),
            length: written.characters(),
            details: written.next_detail(),
            ..Self::beginning()
        }
    }

    /// Takes a chunk and writes what the caller gets of it. What ends the answer is handed out instead,
    /// without its `pilotlight` object.
    pub(super) fn chunk(
        &mut self,
        chunk: &Chunk<'_>,
        written: &mut Written,
        terms: &Terms,
        out: &mut Vec<u8>,
    ) -> Result<Option<Vec<u8>>, Fault> {
        if chunk.carries == Carries::UsageOnly {
            self.usage(chunk, written, terms, out);
            return Ok(None);
        }
        let own = Object::parse(chunk.json).unwrap_or_default();
        let choice = first_choice(&own).unwrap_or_default();
        let delta = choice.object("delta").unwrap_or_default();
        let mut page = Page {
            written,
            out,
            like: match self.voice {
                Voice::Beginning => Some((&own, &choice)),
                Voice::GoingOn(_) => None,
            },
        };
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
            if self.told < self.before || self.leaves_it_unfinished(page.written) {
                return Err(Fault::known(Reason::NoSplice));
            }
            return Ok(Some(page.end(&choice, own.present("usage"), chunk.usage)));
        }
        Ok(None)
    }

    /// Whether the target had nothing to add to a text that does not end as a text does. Such a one
    /// only repeated what it was given.
    fn leaves_it_unfinished(&self, written: &Written) -> bool {
        let text = match (&self.voice, self.told) {
            (Voice::GoingOn(_), 0) if written.characters() == self.length => written.text(),
            (Voice::Beginning | Voice::GoingOn(_), _) => None,
        };
        let is_end = |c: char| !c.is_alphanumeric() && !matches!(c, ',' | '-' | '(' | '[' | '{');
        text.is_some_and(|text| !text.is_empty() && !text.trim_end().ends_with(is_end))
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
            Voice::GoingOn(_) if !page.written.is_empty() => {
                if says_other(delta) {
                    return Err(Fault::known(Reason::NoSplice));
                }
                // Thoughts are no part of the answer: those of the second target would be doubled
                // ones once it has begun.
                Vec::new()
            }
            Voice::Beginning | Voice::GoingOn(_) => delta
                .0
                .iter()
                .filter(|(name, value)| !OURS.contains(&name.as_ref()) && value.get() != "null")
                .collect(),
        };
        let content = match (&mut self.voice, content) {
            (Voice::GoingOn(Some(splice)), Some(raw)) => {
                let text = if raw.get().starts_with('"') {
                    whole_characters(&mut self.half, raw)
                } else {
                    text_of_parts(raw).ok_or_else(|| Fault::known(Reason::NoSplice))?
                };
                let mut more = String::new();
                splice
                    .feed(&text, &mut more)
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
        let thoughts = others.iter().find(|(name, _)| name == details::NAME);
        let thoughts = thoughts.map(|(_, list)| details::renumbered(list, self.details));
        let logprobs = match self.voice {
            Voice::Beginning => choice.raw("logprobs"),
            Voice::GoingOn(_) => None,
        };
        page.delta(logprobs, |delta| {
            if let Some(content) = &content {
                delta.raw("content", content);
            }
            for (name, value) in &others {
                match thoughts.as_ref().filter(|_| name == details::NAME) {
                    Some((list, _)) => delta.raw(name, list),
                    None => delta.raw(name, value.get()),
                };
            }
        });
        if let Some((_, next)) = thoughts {
            page.written.number_details(next);
        }
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
            page.delta(None, |delta| {
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
            page.delta(None, |delta| {
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
            let mut json = chunk.json.as_bytes().to_vec();
            let disclosure = terms.disclose.json(written, chunk.usage);
            answer::insert(&mut json, "pilotlight", &disclosure);
            return write_event(out, &json);
        };
        let mut json = Vec::with_capacity(512);
        let mut object = written.open(&mut json);
        object.raw("choices", "[]");
        usage.plus(written.used()).write(object.name("usage"));
        object.raw("pilotlight", &terms.disclose.json(written, chunk.usage));
        object.end();
        write_event(out, &json);
    }
}

/// What is being written to.
struct Page<'p> {
    written: &'p mut Written,
    out: &'p mut Vec<u8>,
    /// The chunk and the choice whose other members are kept: those of a target that tells its own
    /// answer.
    like: Option<(&'p Object<'p>, &'p Object<'p>)>,
}

/// What is written in other words of a chunk, and of a choice.
const OF_CHUNK: [&str; 4] = ["choices", "obfuscation", "pilotlight", "usage"];
const OF_CHOICE: [&str; 4] = ["delta", "finish_reason", "index", "logprobs"];

/// Writes the members of `object` but for these.
fn write_but(out: &mut Writer<'_>, object: &Object<'_>, but: &[&str]) {
    for (name, value) in &object.0 {
        if !but.contains(&name.as_ref()) {
            out.raw(name, value.get());
        }
    }
}

impl Page<'_> {
    /// Writes a chunk with a delta.
    fn delta(&mut self, logprobs: Option<&RawValue>, members: impl FnOnce(&mut Writer<'_>)) {
        let mut json = Vec::with_capacity(512);
        let mut chunk = self.open(&mut json);
        let choices = chunk.name("choices");
        choices.push(b'[');
        let mut choice = self.open_choice(choices);
        let mut delta = Writer::new(choice.name("delta"));
        match self.written.role() {
            Role::Told => {}
            Role::Untold => {
                delta.raw("role", "\"assistant\"");
            }
        }
        members(&mut delta);
        delta.end();
        let own = self.like.and_then(|(_, choice)| choice.raw("logprobs"));
        match (logprobs, own) {
            (Some(logprobs), _) => {
                choice.raw("logprobs", logprobs.get());
            }
            (None, Some(_)) => {
                choice.raw("logprobs", "null");
            }
            (None, None) => {}
        }
        choice.raw("finish_reason", "null");
        choice.end();
        choices.push(b']');
        chunk.end();
        write_event(self.out, &json);
        self.written.tell_role();
    }

    fn open<'b>(&self, json: &'b mut Vec<u8>) -> Writer<'b> {
        match self.like {
            Some((chunk, _)) => {
                let mut writer = Writer::new(json);
                write_but(&mut writer, chunk, &OF_CHUNK);
                writer
            }
            None => self.written.open(json),
        }
    }

    fn open_choice<'b>(&self, choices: &'b mut Vec<u8>) -> Writer<'b> {
        let mut writer = Writer::new(choices);
        writer.raw("index", "0");
        if let Some((_, choice)) = self.like {
            write_but(&mut writer, choice, &OF_CHOICE);
        }
        writer
    }

    /// The chunk that says why the answer ended, with the usage where it is told there.
    fn end(&self, choice: &Object<'_>, told: Option<&RawValue>, usage: Option<Usage>) -> Vec<u8> {
        let mut json = Vec::with_capacity(512);
        let mut chunk = self.open(&mut json);
        let choices = chunk.name("choices");
        choices.push(b'[');
        let mut object = self.open_choice(choices);
        object.raw("delta", "{}");
        let finish = choice.raw("finish_reason").map_or("null", RawValue::get);
        object.raw("finish_reason", finish);
        object.end();
        choices.push(b']');
        match (told, self.like, usage) {
            (Some(told), Some(_), _) => {
                chunk.raw("usage", told.get());
            }
            (Some(_), None, Some(usage)) => {
                usage.plus(self.written.used()).write(chunk.name("usage"));
            }
            (None, _, _) | (Some(_), None, None) => {}
        }
        chunk.end();
        json
    }
}

/// Whether a delta has what only its own model could go on with.
fn says_other(delta: &Object<'_>) -> bool {
    let says = |name: &&str| {
        let value = delta.present(name).map(RawValue::get);
        value.is_some_and(|value| !matches!(value, "\"\"" | "{}"))
    };
    ["audio", "function_call", "refusal"].iter().any(says)
}

/// The text of a content that is a list of parts.
fn text_of_parts(raw: &RawValue) -> Option<String> {
    let parts: Vec<Object<'_>> = serde_json::from_str(raw.get()).ok()?;
    let texts = parts.iter().map(|part| part.text("text"));
    texts.collect::<Option<String>>()
}

/// The text of `raw`, a JSON string, as far as its characters are whole. Escapes of half a character
/// wait in `half` for the other.
fn whole_characters(half: &mut String, raw: &RawValue) -> String {
    /// How long the escape of half a character is.
    const ESCAPE: usize = 6;

    let string = raw.get();
    let inner = string.get(1..string.len().saturating_sub(1)).unwrap_or("");
    let waited = std::mem::take(half);
    let read = |inner: &str| serde_json::from_str::<String>(&format!("\"{inner}\"")).ok();
    let split = |text: &str| {
        let (before, after) = text.split_at_checked(text.len().saturating_sub(ESCAPE))?;
        let before = read(before).filter(|_| after.starts_with("\\u"))?;
        Some((before, after.to_owned()))
    };
    let joined = format!("{waited}{inner}");
    if let Some(text) = read(&joined) {
        return text;
    }
    if let Some((text, rest)) = split(&joined) {
        *half = rest;
        return text;
    }
    // The other half never came.
    let text = read(inner).or_else(|| {
        let (text, rest) = split(inner)?;
        *half = rest;
        Some(text)
    });
    format!(
        "{}{}",
        char::REPLACEMENT_CHARACTER,
        text.unwrap_or_default()
    )
}

/// The only choice of a chunk.
fn first_choice<'a>(chunk: &Object<'a>) -> Option<Object<'a>> {
    let choices = chunk.raw("choices")?;
    let choices: Vec<Object<'_>> = serde_json::from_str(choices.get()).ok()?;
    choices.into_iter().next()
}
