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

use crate::openai::json::{Object, Writer};
use crate::stream::calls::call::{Calls, entries, has_input};
use crate::stream::joined::write_list;

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
    /// Takes the tool calls of a chunk's JSON, and nothing else of it: see [`without_calls`]. A
    /// chunk without any changes nothing.
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

    /// Hands out the calls that are whole because another one has begun.
    pub fn complete(&mut self) -> Vec<Call> {
        self.hand_out(self.calls.as_slice().len().saturating_sub(1))
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

/// A chunk's JSON without its tool calls; `None` when nothing is left that a caller could miss.
///
/// Text, a role, log probabilities, a finish reason, usage: all that is left in its place. A chunk
/// can have both calls and a finish reason. The calls go out before what is left of it then.
pub fn without_calls(json: &str) -> Option<Vec<u8>> {
    let Object(members) = Object::parse(json).ok()?;
    let mut out = Vec::with_capacity(json.len());
    let mut chunk = Writer::new(&mut out);
    let mut says = false;
    for (name, value) in members {
        if name == "choices" {
            let choices: Vec<Object<'_>> = serde_json::from_str(value.get()).ok()?;
            write_list(chunk.name(&name), &choices, |out, choice| {
                says |= choice_without_calls(choice, out);
            });
        } else {
            says |= name == "usage" && speaks(value);
            chunk.raw(&name, value.get());
        }
    }
    chunk.end();
    says.then_some(out)
}

/// Writes a choice without its tool calls, and tells whether it says anything.
fn choice_without_calls(choice: &Object<'_>, out: &mut Vec<u8>) -> bool {
    let mut writer = Writer::new(out);
    let mut says = false;
    for (name, value) in &choice.0 {
        match (name.as_ref(), Object::parse(value.get())) {
            ("delta", Ok(Object(delta))) => {
                let mut piece = Writer::new(writer.name(name));
                for (name, value) in delta.iter().filter(|(name, _)| name != TOOL_CALLS) {
                    says |= speaks(value);
                    piece.raw(name, value.get());
                }
                piece.end();
            }
            (other, _) => {
                says |= other != "index" && speaks(value);
                writer.raw(name, value.get());
            }
        }
    }
    writer.end();
    says
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

fn speaks(value: &RawValue) -> bool {
    !matches!(value.get(), "null" | "\"\"" | "[]" | "{}")
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
        let calls = [begin(0, "f"), begin(1, "g"), begin(2, "h")].join(",");
        assert_eq!(held.hold(&chunk(&calls)), Held::Fits);
        let names = |calls: Vec<Call>| told(&calls).into_iter().map(|(name, _)| name).collect();
        let first: Vec<String> = names(held.complete());
        assert_eq!(first, ["f", "g"]);
        let last: Vec<String> = names(held.finish());
        assert_eq!(last, ["h"]);
    }

    #[test]
    fn another_id_completes_a_call_even_under_the_same_index() {
        let mut held = HeldCalls::default();
        assert_eq!(held.hold(&chunk(&begin(0, "f"))), Held::Fits);
        assert_eq!(held.hold(&chunk(&begin(0, "g"))), Held::Fits);
        assert_eq!(told(&held.complete()), [("f".to_owned(), "\"\"")]);
        assert_eq!(held.hold(&chunk(&piece(0, "1"))), Held::Fits);
        assert_eq!(told(&held.finish()), [("g".to_owned(), "\"1\"")]);
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

    #[test]
    fn what_else_a_chunk_says_is_left_of_it() {
        let check = |json: &str, expected: Option<&str>| {
            let left = without_calls(json).map(|left| String::from_utf8(left).unwrap());
            assert_eq!(left.as_deref(), expected, "{json}");
        };
        let calls = format!(r#""tool_calls":[{}]"#, piece(0, "{"));
        check(
            &format!(
                r#"{{"id":"c","choices":[{{"index":0,"delta":{{"role":"assistant","content":null,{calls}}}}}]}}"#
            ),
            Some(
                r#"{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":null}}]}"#,
            ),
        );
        check(
            &format!(
                r#"{{"choices":[{{"delta":{{{calls}}},"finish_reason":"tool_calls"}}],"x":1.50}}"#
            ),
            Some(r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}],"x":1.50}"#),
        );
        check(
            &format!(r#"{{"choices":[{{"delta":{{{calls}}}}}],"usage":{{"prompt_tokens":1}}}}"#),
            Some(r#"{"choices":[{"delta":{}}],"usage":{"prompt_tokens":1}}"#),
        );
        check(
            &format!(
                r#"{{"id":"c","choices":[{{"index":0,"delta":{{"content":"",{calls}}},"logprobs":null,"finish_reason":null}}],"usage":null}}"#
            ),
            None,
        );
    }
}
