//! Tool calls held back until each is whole.
//!
//! # Why
//!
//! Text that breaks off can be gone on with, but half of a call's JSON cannot: another model would
//! have to go on inside a string that it never began. So the caller gets a call in one piece, and a
//! call that broke off is made anew by the next target as if it had never been begun.
//!
//! # When a call is whole
//!
//! When another call begins, and when the choice ends. Its arguments are never looked at: `{}` is
//! whole JSON and may still be going on, and a model may write arguments that are no JSON at all.

use serde_json::value::RawValue;

use crate::openai::json::Object;
use crate::stream::calls::call::{Calls, entries, has_input};

pub(super) mod call;

pub use call::Call;

/// What is held may be as long as this, in bytes.
const LONGEST: usize = 1024 * 1024;

/// The tool calls of one choice, each held back until it is whole.
///
/// What it hands out stays in the order in which the calls began, and each is handed out once.
#[derive(Debug, Default)]
pub struct HeldCalls {
    calls: Calls,
    /// How many calls have been handed out.
    given: usize,
    /// How long those are that have not, in bytes.
    bytes: usize,
}

/// What came of holding a chunk's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Held {
    /// They are held.
    Fits,
    /// A piece of the arguments came for a call that has been handed out, which was not whole
    /// then. The piece is lost.
    Late,
    /// They are held, but more than 1 MiB is now: whoever stops holding takes them with
    /// [`HeldCalls::finish`].
    TooMuch,
}

impl HeldCalls {
    /// Takes the tool calls of a chunk's JSON, and nothing else of it. A chunk without any changes
    /// nothing.
    pub fn hold(&mut self, json: &str) -> Held {
        let mut late = false;
        for_each_list(json, |list| {
            for entry in entries(list) {
                let place = self.calls.place(&entry);
                if place < self.given {
                    late |= has_input(&entry);
                } else {
                    let added = self.calls.grow(place, &entry);
                    self.bytes = self.bytes.saturating_add(added);
                }
            }
        });
        if late {
            Held::Late
        } else if self.bytes > LONGEST {
            Held::TooMuch
        } else {
            Held::Fits
        }
    }

    /// Hands out the calls that are whole because another one has begun. One without arguments may
    /// still get them: some servers name all calls first.
    pub fn complete(&mut self) -> Vec<Call> {
        let calls = self.calls.as_slice();
        let begun = calls.len().saturating_sub(1);
        let bare = |call: &Call| call.arguments() == "\"\"";
        let end = calls.iter().skip(self.given).take_while(|call| !bare(call));
        let end = self.given.saturating_add(end.count());
        self.hand_out(end.min(begun))
    }

    /// Hands out all calls that are held: the choice has its finish reason, so each is whole.
    pub fn finish(&mut self) -> Vec<Call> {
        self.hand_out(self.calls.as_slice().len())
    }

    /// Whether no call is held.
    pub fn is_empty(&self) -> bool {
        self.given == self.calls.as_slice().len()
    }

    fn hand_out(&mut self, end: usize) -> Vec<Call> {
        let calls = self.calls.take(self.given..end);
        self.given = self.given.max(end);
        for call in &calls {
            self.bytes = self.bytes.saturating_sub(call.len());
        }
        calls
    }
}

const TOOL_CALLS: &str = "tool_calls";

fn for_each_list(json: &str, mut take: impl FnMut(&RawValue)) {
    let choices = Object::parse(json)
        .ok()
        .and_then(|chunk| chunk.raw("choices"))
        .and_then(|list| serde_json::from_str::<Vec<Object<'_>>>(list.get()).ok());
    for choice in choices.unwrap_or_default() {
        if let Some(list) = choice
            .object("delta")
            .and_then(|delta| delta.raw(TOOL_CALLS))
        {
            take(list);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(calls: &str) -> String {
        format!(r#"{{"id":"c","choices":[{{"index":0,"delta":{{"tool_calls":[{calls}]}}}}]}}"#)
    }

    fn begin(index: usize, name: &str) -> String {
        let function = format!(r#"{{"name":"{name}","arguments":""}}"#);
        format!(r#"{{"index":{index},"id":"id_{name}","type":"function","function":{function}}}"#)
    }

    fn piece(index: usize, arguments: &str) -> String {
        format!(r#"{{"index":{index},"function":{{"arguments":"{arguments}"}}}}"#)
    }

    fn told(calls: &[Call]) -> Vec<(String, &str)> {
        let one = |call: &Call| call.name().unwrap().into_owned();
        calls
            .iter()
            .map(|call| (one(call), call.arguments()))
            .collect()
    }

    #[test]
    fn a_call_is_handed_out_once_when_the_next_begins_or_the_choice_ends() {
        let mut held = HeldCalls::default();
        assert!(held.is_empty());
        for pieces in [begin(0, "f"), piece(0, "{"), piece(0, "}")] {
            assert_eq!(held.hold(&chunk(&pieces)), Held::Fits);
            assert_eq!(held.complete(), []);
        }
        assert!(!held.is_empty());
        assert_eq!(held.hold(&chunk(&begin(1, "g"))), Held::Fits);
        assert_eq!(told(&held.complete()), [("f".to_owned(), "\"{}\"")]);
        assert_eq!(held.complete(), []);
        assert_eq!(held.hold(&chunk(&piece(1, "1"))), Held::Fits);
        assert_eq!(told(&held.finish()), [("g".to_owned(), "\"1\"")]);
        assert_eq!(held.finish(), []);
        assert!(held.is_empty());
        assert_eq!(held.bytes, 0);
    }

    #[test]
    fn whole_json_is_no_sign_that_a_call_is_whole() {
        let mut held = HeldCalls::default();
        for pieces in [begin(0, "f"), piece(0, "{}"), piece(0, " ")] {
            assert_eq!(held.hold(&chunk(&pieces)), Held::Fits);
            assert_eq!(held.complete(), []);
        }
        assert_eq!(told(&held.finish()), [("f".to_owned(), "\"{} \"")]);
    }

    #[test]
    fn of_several_calls_in_one_chunk_the_last_waits() {
        let mut held = HeldCalls::default();
        let calls = [("f", 0), ("g", 1), ("h", 2)];
        let calls = calls.map(|(name, at)| [begin(at, name), piece(at, "{}")].join(","));
        assert_eq!(held.hold(&chunk(&calls.join(","))), Held::Fits);
        let names = |calls: Vec<Call>| told(&calls).into_iter().map(|(name, _)| name).collect();
        let first: Vec<String> = names(held.complete());
        assert_eq!(first, ["f", "g"]);
        let last: Vec<String> = names(held.finish());
        assert_eq!(last, ["h"]);
    }

    #[test]
    fn another_id_completes_a_call_even_under_the_same_index() {
        let mut held = HeldCalls::default();
        let first = [begin(0, "f"), piece(0, "0")].join(",");
        assert_eq!(held.hold(&chunk(&first)), Held::Fits);
        assert_eq!(held.hold(&chunk(&begin(0, "g"))), Held::Fits);
        assert_eq!(told(&held.complete()), [("f".to_owned(), "\"0\"")]);
        assert_eq!(held.hold(&chunk(&piece(0, "1"))), Held::Fits);
        assert_eq!(told(&held.finish()), [("g".to_owned(), "\"1\"")]);
    }

    #[test]
    fn calls_that_are_all_named_first_wait_for_their_arguments() {
        let mut held = HeldCalls::default();
        let calls = [begin(0, "f"), begin(1, "g"), begin(2, "h")].join(",");
        assert_eq!(held.hold(&chunk(&calls)), Held::Fits);
        assert_eq!(held.complete(), []);
        assert_eq!(held.hold(&chunk(&piece(1, "1"))), Held::Fits);
        assert_eq!(held.complete(), []);
        assert_eq!(held.hold(&chunk(&piece(0, "0"))), Held::Fits);
        assert_eq!(held.complete().len(), 2);
        assert_eq!(told(&held.finish()), [("h".to_owned(), "\"\"")]);
    }

    #[test]
    fn a_piece_for_a_call_that_is_gone_is_told() {
        let mut held = HeldCalls::default();
        let calls = [begin(0, "f"), begin(1, "g")].join(",");
        assert_eq!(held.hold(&chunk(&calls)), Held::Fits);
        assert_eq!(held.hold(&chunk(&piece(0, "1"))), Held::Fits);
        assert_eq!(told(&held.complete()), [("f".to_owned(), "\"1\"")]);
        assert_eq!(held.hold(&chunk(&piece(0, ""))), Held::Fits);
        assert_eq!(held.hold(&chunk(&begin(0, "f"))), Held::Fits);
        assert_eq!(held.hold(&chunk(&piece(0, "2"))), Held::Late);
        assert_eq!(told(&held.finish()), [("g".to_owned(), "\"\"")]);
        assert_eq!(held.hold(&chunk(&piece(1, "3"))), Held::Late);
        assert!(held.is_empty());
    }

    #[test]
    fn more_than_a_mebibyte_is_told_and_counts_only_what_is_held() {
        let mut held = HeldCalls::default();
        let long = "x".repeat(LONGEST / 2);
        assert_eq!(held.hold(&chunk(&begin(0, "f"))), Held::Fits);
        assert_eq!(held.hold(&chunk(&piece(0, &long))), Held::Fits);
        assert_eq!(held.hold(&chunk(&begin(1, "g"))), Held::Fits);
        assert_eq!(held.complete().len(), 1);
        assert_eq!(held.hold(&chunk(&piece(1, &long))), Held::Fits);
        assert_eq!(held.hold(&chunk(&piece(1, &long))), Held::TooMuch);
        assert_eq!(held.hold(&chunk(&piece(1, "x"))), Held::TooMuch);
        let calls = held.finish();
        assert_eq!(calls[0].arguments().len(), LONGEST + 3);
        assert_eq!(held.hold(&chunk(&begin(2, "h"))), Held::Fits);
    }

    #[test]
    fn what_is_no_chunk_with_calls_changes_nothing() {
        let mut held = HeldCalls::default();
        for json in [
            "",
            "[]",
            "{}",
            r#"{"choices":null}"#,
            r#"{"choices":[{"delta":null}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":null}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[]}}]}"#,
        ] {
            assert_eq!(held.hold(json), Held::Fits);
            assert!(held.is_empty(), "{json}");
        }
    }
}
