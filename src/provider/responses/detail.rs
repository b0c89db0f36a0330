//! What a model thought, sealed by its company: how the caller gets it, and how it goes back.
//!
//! # Why it travels in `reasoning_details`
//!
//! Without what it thought before a call, a model thinks again after it. Chat completions have no place
//! for that, so it is told as OpenRouter tells it
//! (<https://openrouter.ai/docs/use-cases/reasoning-tokens>): a list that the caller brings back as it is.
//! Only entries of this format go back, and only to this dialect.

use serde_json::value::RawValue;

use crate::openai::Message;
use crate::openai::json::{Object, Writer, write_list};
use crate::provider::responses::item::Thought;

/// The name of what a company that speaks this dialect seals; it begins as [`TOLD_HERE`] says.
///
/// It is not the one that OpenRouter has for the same (`openai-responses-v1`): what is sealed can be opened
/// by the account alone that it was made for, and OpenRouter's is another.
///
/// [`TOLD_HERE`]: crate::provider::portable::TOLD_HERE
const FORMAT: &str = "pilotlight.openai-v1";

const ENCRYPTED: &str = "reasoning.encrypted";
const SUMMARY: &str = "reasoning.summary";

/// Writes the entries of one thought, without the brackets of a list, and returns how many `index`
/// numbers are taken then, of which `taken` were before. Nothing is written of a thought that could not
/// go back.
pub(super) fn write_entries(out: &mut Vec<u8>, thought: &Thought<'_>, taken: u64) -> u64 {
    let Some(sealed) = thought.sealed else {
        return taken;
    };
    let summaries = thought
        .summaries
        .iter()
        .map(|text| (SUMMARY, "summary", *text));
    let entries = summaries.chain([(ENCRYPTED, "data", sealed)]);
    let mut taken = taken;
    for (at, (kind, name, value)) in entries.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let mut entry = Writer::new(out);
        entry.text("type", kind).raw(name, value);
        if let Some(id) = thought.id {
            entry.raw("id", id);
        }
        entry.text("format", FORMAT).number("index", taken);
        entry.end();
        taken = taken.saturating_add(1);
    }
    taken
}

/// What a message brings back of a model's thoughts.
#[derive(Debug, Default)]
pub(super) struct Thoughts<'a> {
    /// What can go back to its company.
    pub(super) sealed: Vec<Sealed<'a>>,
    /// Whether there are entries besides.
    others: Others,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Others {
    #[default]
    None,
    Some,
}

/// A thought as its company sealed it.
#[derive(Debug)]
pub(super) struct Sealed<'a> {
    id: Option<&'a RawValue>,
    summaries: Vec<&'a RawValue>,
    data: &'a RawValue,
}

impl<'a> Thoughts<'a> {
    /// Those of a message of the assistant's.
    pub(super) fn of(message: &Message<'a>) -> Self {
        let mut thoughts = Self::default();
        let Some(listed) = message.fields.raw("reasoning_details") else {
            return thoughts;
        };
        let entries: Vec<Object<'a>> = serde_json::from_str(listed.get()).unwrap_or_default();
        let mut summaries: Vec<(Option<&RawValue>, &RawValue)> = Vec::new();
        for entry in &entries {
            let string = |name| entry.raw(name).filter(|raw| raw.get().starts_with('"'));
            let is_own = entry.text("format").is_some_and(|format| format == FORMAT);
            let (id, kind) = (string("id"), entry.text("type").filter(|_| is_own));
            match (kind.as_deref(), string("summary"), string("data")) {
                (Some(SUMMARY), Some(summary), _) => summaries.push((id, summary)),
                (Some(ENCRYPTED), _, Some(data)) => {
                    let is_its = |other: Option<&RawValue>| {
                        other.map(RawValue::get) == id.map(RawValue::get)
                    };
                    let before = std::mem::take(&mut summaries);
                    let its = before.into_iter().filter(|(other, _)| is_its(*other));
                    thoughts.sealed.push(Sealed {
                        id,
                        summaries: its.map(|(_, summary)| summary).collect(),
                        data,
                    });
                }
                _ => thoughts.others = Others::Some,
            }
        }
        if !summaries.is_empty() {
            thoughts.others = Others::Some;
        }
        thoughts
    }

    /// The members of the message that all is sent of.
    pub(super) fn told(&self) -> &'static [&'static str] {
        match (self.sealed.is_empty(), self.others) {
            (true, _) => &["refusal", "tool_calls"],
            (false, Others::Some) => &["reasoning", "reasoning_content", "refusal", "tool_calls"],
            (false, Others::None) => &[
                "reasoning",
                "reasoning_content",
                "reasoning_details",
                "refusal",
                "tool_calls",
            ],
        }
    }
}

impl Sealed<'_> {
    /// Writes what an item of it says beside its type.
    pub(super) fn write(&self, item: &mut Writer<'_>) {
        if let Some(id) = self.id {
            item.raw("id", id.get());
        }
        write_list(item.name("summary"), &self.summaries, |part, text| {
            part.raw("type", "\"summary_text\"").raw("text", text.get());
        });
        item.raw("encrypted_content", self.data.get());
    }
}
