//! What a model thought, entry by entry, put together from its pieces.
//!
//! Implements the list `reasoning_details` of OpenRouter's reference
//! (<https://openrouter.ai/docs/use-cases/reasoning-tokens>): pieces of one entry have the same `index`. Its
//! text comes bit by bit, and what signs it at the end; both must come back to the model as they were.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::openai::json::{Object, Writer};
use crate::stream::joined::{Joined, Members, write, write_list};

/// The list's name in a message and in a delta.
pub(super) const NAME: &str = "reasoning_details";

/// The list.
#[derive(Debug, Default)]
pub(super) struct Details {
    entries: Vec<Detail>,
    /// Where the entry of an index and a type stands.
    places: BTreeMap<(String, String), usize>,
}

/// One entry.
#[derive(Debug, Default)]
struct Detail {
    kind: Joined,
    text: Joined,
    summary: Joined,
    rest: Members,
}

impl Details {
    /// Adds a list of pieces. What is no list of objects adds nothing.
    pub(super) fn add(&mut self, list: &RawValue) {
        let pieces: Vec<Object<'_>> = serde_json::from_str(list.get()).unwrap_or_default();
        for piece in &pieces {
            if let Some(entry) = self.entry(piece) {
                entry.add(piece);
            }
        }
    }

    /// Writes the list, if there is anything in it.
    pub(super) fn write(&self, message: &mut Writer<'_>) {
        if self.entries.is_empty() {
            return;
        }
        write_list(message.name(NAME), &self.entries, |out, entry| {
            entry.write(out);
        });
    }

    /// The entry that a piece belongs to. One without an index is an entry of its own.
    fn entry(&mut self, piece: &Object<'_>) -> Option<&mut Detail> {
        let next = self.entries.len();
        let spelled = |name: &str| piece.present(name).map(|value| value.get().to_owned());
        let place = match spelled("index") {
            Some(index) => {
                let kind = spelled("type").unwrap_or_default();
                *self.places.entry((index, kind)).or_insert(next)
            }
            None => next,
        };
        if place == next {
            self.entries.push(Detail::default());
        }
        self.entries.get_mut(place)
    }
}

impl Detail {
    fn add(&mut self, Object(members): &Object<'_>) {
        for (name, value) in members {
            match name.as_ref() {
                "type" => self.kind.first(value),
                "text" => self.text.text(value),
                "summary" => self.summary.text(value),
                name => self.rest.last(name, value),
            }
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut entry = Writer::new(out);
        write(&mut entry, "type", self.kind.json());
        write(&mut entry, "text", self.text.json());
        write(&mut entry, "summary", self.summary.json());
        self.rest.write(&mut entry);
        entry.end();
    }
}

/// The list in a chunk's only choice.
pub(super) fn of_chunk(chunk: &str) -> Option<Box<RawValue>> {
    let choices = Object::parse(chunk).ok()?.raw("choices")?;
    let choices: Vec<Object<'_>> = serde_json::from_str(choices.get()).ok()?;
    let delta = choices.first()?.object("delta")?;
    delta.present(NAME).map(ToOwned::to_owned)
}

/// A list whose indexes are greater by so many, and the least index that is greater than all of them.
pub(super) fn renumbered(list: &RawValue, by: u64) -> (String, u64) {
    let pieces: Vec<Object<'_>> = serde_json::from_str(list.get()).unwrap_or_default();
    let (mut out, mut next) = (Vec::with_capacity(list.get().len()), by);
    write_list(&mut out, &pieces, |out, piece| {
        let mut entry = Writer::new(out);
        let index = piece.number("index").map(|index| index.saturating_add(by));
        next = next.max(index.map_or(0, |index| index.saturating_add(1)));
        for (name, value) in &piece.0 {
            match index.filter(|_| name == "index") {
                Some(index) => entry.number(name, index),
                None => entry.raw(name, value.get()),
            };
        }
        entry.end();
    });
    (String::from_utf8(out).unwrap_or_default(), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lists: &[&str], expected: &str) {
        let mut details = Details::default();
        for list in lists {
            details.add(serde_json::from_str(list).unwrap());
        }
        let mut out = Vec::new();
        let mut object = Writer::new(&mut out);
        details.write(&mut object);
        object.end();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn pieces_of_one_index_become_one_entry() {
        check(
            &[
                r#"[{"type":"reasoning.text","text":"a\n","format":"f","index":0}]"#,
                r#"[{"type":"reasoning.text","text":"b","signature":null,"format":"f","index":0}]"#,
                r#"[{"type":"reasoning.text","text":"","signature":"s","format":"f","index":0}]"#,
                r#"[{"type":"reasoning.encrypted","data":"d","format":"f","index":1}]"#,
                r#"[{"type":"reasoning.summary","summary":"x","index":2},{"type":"reasoning.summary","summary":"y","index":2}]"#,
            ],
            concat!(
                r#"{"reasoning_details":[{"type":"reasoning.text","text":"a\nb","format":"f","index":0,"signature":"s"},"#,
                r#"{"type":"reasoning.encrypted","data":"d","format":"f","index":1},"#,
                r#"{"type":"reasoning.summary","summary":"xy","index":2}]}"#
            ),
        );
    }

    #[test]
    fn pieces_without_an_index_are_entries_of_their_own() {
        check(
            &[r#"[{"text":"a"}]"#, r#"[{"text":"b"}]"#, "7", "null", "[7]"],
            r#"{"reasoning_details":[{"text":"a"},{"text":"b"}]}"#,
        );
        check(&["[]"], "{}");
    }
}
