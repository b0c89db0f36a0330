//! A message put together from its deltas.
//!
//! Implements the `delta` and `message` objects of OpenAI's chat completions reference
//! (<https://platform.openai.com/docs/api-reference/chat-streaming/streaming>), and the two names
//! that others have for what a model thinks aloud.

use serde_json::value::RawValue;

use crate::openai::json::{Object, Writer};
use crate::stream::calls::call::{Callee, Calls};
use crate::stream::details::Details;
use crate::stream::joined::{Joined, Members, write, write_list};

/// One message.
#[derive(Debug, Default)]
pub(super) struct Message {
    role: Joined,
    content: Joined,
    refusal: Joined,
    reasoning: Joined,
    reasoning_content: Joined,
    reasoning_details: Details,
    annotations: Joined,
    audio: Option<Audio>,
    function_call: Option<Callee>,
    tool_calls: Calls,
    rest: Members,
}

impl Message {
    /// Adds a delta. What is no object adds nothing.
    pub(super) fn add(&mut self, delta: &RawValue) {
        let Ok(Object(members)) = Object::parse(delta.get()) else {
            return;
        };
        for (name, value) in members {
            match name.as_ref() {
                "role" => self.role.first(value),
                "content" => self.content.text(value),
                "refusal" => self.refusal.text(value),
                "reasoning" => self.reasoning.text(value),
                "reasoning_content" => self.reasoning_content.text(value),
                "reasoning_details" => self.reasoning_details.add(value),
                "annotations" => self.annotations.list(value),
                "audio" => Audio::add(&mut self.audio, value),
                "function_call" => Callee::add(&mut self.function_call, Callee::ARGUMENTS, value),
                "tool_calls" => self.tool_calls.add(value),
                name => self.rest.last(name, value),
            }
        }
    }

    /// Writes the message.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let calls = self.tool_calls.as_slice();
        let mut message = Writer::new(out);
        message
            .raw("role", self.role.spoken().unwrap_or("\"assistant\""))
            .raw("content", self.content());
        for (name, value) in [
            ("refusal", &self.refusal),
            ("reasoning", &self.reasoning),
            ("reasoning_content", &self.reasoning_content),
            ("annotations", &self.annotations),
        ] {
            write(&mut message, name, value.present());
        }
        self.reasoning_details.write(&mut message);
        if let Some(audio) = &self.audio {
            audio.write(message.name("audio"));
        }
        if let Some(call) = &self.function_call {
            call.write(Callee::ARGUMENTS, message.name("function_call"));
        }
        if !calls.is_empty() {
            write_list(message.name("tool_calls"), calls, |out, call| {
                call.write(out);
            });
        }
        self.rest.write(&mut message);
        message.end();
    }

    /// The content: `null` beside what OpenAI has in its place, and else an empty text when there
    /// is none.
    fn content(&self) -> &str {
        let in_its_place = !self.tool_calls.as_slice().is_empty()
            || self.function_call.is_some()
            || self.audio.is_some()
            || self.refusal.spoken().is_some();
        let none = if in_its_place { "null" } else { "\"\"" };
        self.content.spoken().unwrap_or(none)
    }
}

/// What the model says aloud.
#[derive(Debug, Default)]
struct Audio {
    id: Joined,
    data: Joined,
    transcript: Joined,
    rest: Members,
}

impl Audio {
    /// Adds a piece. What is no object adds nothing.
    fn add(audio: &mut Option<Self>, piece: &RawValue) {
        let Ok(Object(members)) = Object::parse(piece.get()) else {
            return;
        };
        let audio = audio.get_or_insert_default();
        for (name, value) in members {
            match name.as_ref() {
                "id" => audio.id.first(value),
                "data" => audio.data.text(value),
                "transcript" => audio.transcript.text(value),
                name => audio.rest.last(name, value),
            }
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut object = Writer::new(out);
        for (name, value) in [
            ("id", &self.id),
            ("data", &self.data),
            ("transcript", &self.transcript),
        ] {
            write(&mut object, name, value.json());
        }
        self.rest.write(&mut object);
        object.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(deltas: &[&str], expected: &str) {
        let mut message = Message::default();
        for delta in deltas {
            message.add(serde_json::from_str(delta).unwrap());
        }
        let mut out = Vec::new();
        message.write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{deltas:#?}");
    }

    #[test]
    fn texts_are_put_end_to_end() {
        check(
            &[
                r#"{"role":"assistant","content":"","refusal":null}"#,
                r#"{"reasoning":"h"}"#,
                r#"{"reasoning":"m","reasoning_content":"so"}"#,
                r#"{"content":"a\n"}"#,
                r#"{"role":"","content":null}"#,
                r#"{"content":"\"b"}"#,
            ],
            r#"{"role":"assistant","content":"a\n\"b","reasoning":"hm","reasoning_content":"so"}"#,
        );
    }

    #[test]
    fn a_character_that_was_cut_in_two_is_one_again() {
        check(
            &[r#"{"content":"\ud83d"}"#, r#"{"content":"\ude00"}"#],
            r#"{"role":"assistant","content":"\ud83d\ude00"}"#,
        );
    }

    #[test]
    fn no_content_is_null_only_beside_what_stands_in_its_place() {
        let text = r#"{"content":""}"#;
        check(&[], r#"{"role":"assistant","content":""}"#);
        check(
            &[r#"{"content":null}"#],
            r#"{"role":"assistant","content":""}"#,
        );
        check(
            &[text, r#"{"reasoning":"hm"}"#],
            r#"{"role":"assistant","content":"","reasoning":"hm"}"#,
        );
        check(
            &[text, r#"{"refusal":"I "}"#, r#"{"refusal":"won't"}"#],
            r#"{"role":"assistant","content":null,"refusal":"I won't"}"#,
        );
        check(
            &[
                text,
                r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]}"#,
            ],
            r#"{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}"#,
        );
        check(
            &[r#"{"content":"x","refusal":"y"}"#],
            r#"{"role":"assistant","content":"x","refusal":"y"}"#,
        );
    }

    #[test]
    fn tool_calls_are_merged_and_lose_their_index() {
        check(
            &[
                r#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{"}}]}"#,
                r#"{"tool_calls":[{"index":0,"function":{"arguments":"}"}},{"index":1,"id":"b","function":{"name":"g"}}]}"#,
                r#"{"tool_calls":[]}"#,
                r#"{"tool_calls":null}"#,
            ],
            concat!(
                r#"{"role":"assistant","content":null,"tool_calls":["#,
                r#"{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},"#,
                r#"{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]}"#,
            ),
        );
        check(
            &[r#"{"tool_calls":[]}"#],
            r#"{"role":"assistant","content":""}"#,
        );
    }

    #[test]
    fn a_function_call_of_the_old_style_is_put_together() {
        check(
            &[
                r#"{"content":null,"function_call":{"name":"f","arguments":""}}"#,
                r#"{"function_call":{"arguments":"{\"a\""}}"#,
                r#"{"function_call":{"arguments":":1}"}}"#,
                r#"{"function_call":null}"#,
            ],
            r#"{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{\"a\":1}"}}"#,
        );
    }

    #[test]
    fn audio_and_annotations_are_put_together() {
        check(
            &[
                r#"{"audio":{"id":"a","transcript":"Hel"}}"#,
                r#"{"audio":{"data":"QUJD","transcript":"lo"}}"#,
                r#"{"audio":{"data":"REVG","expires_at":1}}"#,
                r#"{"audio":{"expires_at":2}}"#,
            ],
            r#"{"role":"assistant","content":null,"audio":{"id":"a","data":"QUJDREVG","transcript":"Hello","expires_at":2}}"#,
        );
        check(
            &[
                r#"{"content":"x","annotations":[]}"#,
                r#"{"annotations":[{"type":"url_citation"}]}"#,
                r#"{"annotations":[{"type":"b"},{"type":"c"}]}"#,
            ],
            r#"{"role":"assistant","content":"x","annotations":[{"type":"url_citation"},{"type":"b"},{"type":"c"}]}"#,
        );
    }

    #[test]
    fn of_members_without_a_rule_the_last_value_is_kept() {
        check(
            &[
                r#"{"content":[{"type":"thinking"}],"channel":"analysis"}"#,
                r#"{"content":[{"type":"text"}],"channel":"final","x":{"a":1}}"#,
                r#"{"channel":null}"#,
                "null",
                "7",
            ],
            r#"{"role":"assistant","content":[{"type":"text"}],"channel":"final","x":{"a":1}}"#,
        );
    }
}
