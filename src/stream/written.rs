//! What a caller has been given of an answer so far, by however many targets.
//!
//! It is all that is known when a stream breaks and another target is to go on: the text, the tool
//! calls, and the first chunk, whose id, time and model every later chunk repeats, because a stream
//! is one answer to the SDKs.
//!
//! # Why the text stays as JSON wrote it
//!
//! It is kept for every streamed answer and read only when one breaks. The text of two chunks joined
//! is the JSON of the joined text, even where a surrogate pair is split between them.

use crate::openai::Usage;
use crate::openai::json::{self, Object, Writer};
use crate::stream::calls::Call;
use crate::stream::details;

/// As much text is kept as this, in bytes; a longer answer can no longer be gone on with.
const LONGEST: usize = 1024 * 1024;

/// What was written to the caller.
#[derive(Clone, Debug, Default)]
pub struct Written {
    head: Option<String>,
    role: Role,
    text: String,
    /// How many characters there are beyond what is kept.
    beyond: u64,
    calls: Vec<Call>,
    limits: Limits,
    used: Usage,
    /// The last chunk of thoughts alone, as long as there is no text.
    thought: String,
    /// The number of the next of the `reasoning_details`, as far as it is known otherwise.
    details: u64,
}

/// Whether the caller has been told who speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    Told,
    #[default]
    Untold,
}

/// How much was written at some time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    text: usize,
    beyond: u64,
    calls: usize,
    limits: Limits,
}

/// Whether another target could go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Limits {
    /// It could.
    #[default]
    Open,
    /// There is something, or too much, that only its own model could go on with.
    Closed,
}

impl Written {
    /// Whether nothing of the answer has been written.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.calls.is_empty() && self.limits == Limits::Open
    }

    /// Whether a chunk has been written, be there anything in it or not.
    pub fn is_begun(&self) -> bool {
        self.head.is_some()
    }

    /// The text so far; `None` when another target could not go on with it.
    pub fn text(&self) -> Option<String> {
        match self.limits {
            Limits::Open => serde_json::from_str(&format!("\"{}\"", self.text)).ok(),
            Limits::Closed => None,
        }
    }

    /// How many characters of text there are, as far as they were kept in mind.
    pub fn characters(&self) -> u64 {
        characters(&self.text).saturating_add(self.beyond)
    }

    /// The tool calls so far, each of them whole.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// What the targets used that did not come to the end.
    pub fn used(&self) -> Usage {
        self.used
    }

    /// Adds what a target used that broke.
    pub fn add_used(&mut self, usage: Usage) {
        self.used = self.used.plus(usage);
    }

    /// Notes a chunk that is written; the first one with a choice gives its name to the answer.
    pub fn begin(&mut self, chunk: &str) {
        if self.head.is_some() {
            return;
        }
        let choices = Object::parse(chunk).ok().and_then(|it| it.raw("choices"));
        let choices = choices.map(|raw| serde_json::from_str::<Vec<Object<'_>>>(raw.get()));
        if let Some(Ok(choices)) = choices
            && let Some(choice) = choices.first()
        {
            self.head = Some(chunk.to_owned());
            let delta = choice.object("delta").unwrap_or_default();
            // With calls that are held it is written in other words, role and all.
            if delta.present("role").is_some() && delta.present("tool_calls").is_none() {
                self.role = Role::Told;
            }
        }
    }

    /// Whether the caller has been told who speaks.
    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// Notes that the caller has been told who speaks.
    pub(super) fn tell_role(&mut self) {
        self.role = Role::Told;
    }

    /// How much is written now.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            text: self.text.len(),
            beyond: self.beyond,
            calls: self.calls.len(),
            limits: self.limits,
        }
    }

    /// Forgets what was added since.
    pub(super) fn rewind(&mut self, mark: Mark) {
        self.text.truncate(mark.text);
        self.beyond = mark.beyond;
        self.calls.truncate(mark.calls);
        self.limits = mark.limits;
    }

    /// Adds text, given as a JSON string, quotes and all.
    pub fn add_text(&mut self, string: &str) {
        let inner = string.get(1..string.len().saturating_sub(1)).unwrap_or("");
        if self.beyond > 0 || self.text.len().saturating_add(inner.len()) > LONGEST {
            self.close();
            self.beyond = self.beyond.saturating_add(characters(inner));
        } else {
            self.text.push_str(inner);
        }
    }

    /// Adds a whole tool call.
    pub fn add_call(&mut self, call: Call) {
        self.calls.push(call);
    }

    /// Notes a chunk of thoughts that is written as it is. What is in it is read only should another
    /// target think as well.
    pub(super) fn add_thought(&mut self, chunk: &str) {
        if self.is_empty() {
            self.thought.clear();
            self.thought.push_str(chunk);
        }
    }

    /// Notes the number of the next of the `reasoning_details`.
    pub(super) fn number_details(&mut self, next: u64) {
        self.details = self.details.max(next);
    }

    /// The number that the next of the `reasoning_details` has, where they are another model's: those of
    /// one number are pieces of one entry, which has one signature.
    pub(super) fn next_detail(&self) -> u64 {
        let list = details::of_chunk(&self.thought);
        let next = list.map_or(0, |list| details::renumbered(&list, 0).1);
        self.details.max(next)
    }

    /// Notes something that only its own model could go on with.
    pub fn close(&mut self) {
        self.limits = Limits::Closed;
    }

    /// Opens a chunk of this answer; `delta` is the JSON of its delta.
    pub fn open<'b>(&self, out: &'b mut Vec<u8>) -> Writer<'b> {
        let mut chunk = Writer::new(out);
        let head = self.head.as_deref().map(Object::parse);
        if let Some(Ok(head)) = head {
            for name in HEAD {
                if let Some(value) = head.raw(name) {
                    chunk.raw(name, value.get());
                }
            }
        }
        chunk
    }
}

/// How many characters JSON text spells, which stands between the quotes.
fn characters(inner: &str) -> u64 {
    let text = serde_json::from_str::<String>(&format!("\"{inner}\""));
    // Half a character at the end is none.
    let count = text.map_or(inner.len(), |text| text.chars().count());
    count.try_into().unwrap_or(u64::MAX)
}

/// The members that every chunk of an answer repeats.
const HEAD: [&str; 5] = ["id", "object", "created", "model", "service_tier"];

/// `text` as a JSON string.
pub(super) fn spelled(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len().saturating_add(2));
    json::write_string(&mut out, text);
    String::from_utf8(out).unwrap_or_default()
}
