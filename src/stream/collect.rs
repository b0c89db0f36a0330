//! One completion out of a stream of chunks.
//!
//! # Why
//!
//! An upstream that is asked for one body says nothing until it is done, and its silence cannot be
//! told from its death. So some are asked for a stream although the caller wants one body, and
//! what the relay would have passed on is put together here.
//!
//! Implements the step from OpenAI's chunk object to its completion object
//! (<https://platform.openai.com/docs/api-reference/chat/object>). What OpenAI does not name is
//! kept as it was told last.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::openai::json::{Object, Writer};
use crate::stream::joined::{Joined, Members, write, write_list};
use crate::stream::message::Message;

/// Puts the chunks of one answer together.
#[derive(Debug, Default)]
pub struct Collector {
    numbering: Numbering,
    id: Joined,
    created: Joined,
    model: Joined,
    usage: Joined,
    rest: Members,
    choices: BTreeMap<u64, Choice>,
}

/// Which choice a piece belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Numbering {
    /// The one that its index says.
    #[default]
    Told,
    /// The only one that was asked for, whatever number a server gives it: there are servers that
    /// count chunks there.
    OnlyOne,
}

impl Collector {
    /// A collector for one answer of `choices` choices.
    pub fn new(choices: u32) -> Self {
        let numbering = if choices == 1 {
            Numbering::OnlyOne
        } else {
            Numbering::Told
        };
        Self {
            numbering,
            ..Self::default()
        }
    }

    /// Takes server-sent events as the relay writes them: whole, each chunk on one `data` line.
    /// All else, the terminal marker and comments, adds nothing.
    pub fn feed(&mut self, events: &[u8]) {
        let lines = events.split(|byte| *byte == b'\n');
        for data in lines.filter_map(|line| line.strip_prefix(b"data:")) {
            if let Ok(Object(members)) = serde_json::from_slice(data) {
                self.chunk(&Object(members));
            }
        }
    }

    /// The whole answer as OpenAI's completion object; `None` when no choice was ever told.
    pub fn completion(self) -> Option<Vec<u8>> {
        if self.choices.is_empty() {
            return None;
        }
        let mut out = Vec::new();
        let mut answer = Writer::new(&mut out);
        write(&mut answer, "id", self.id.json());
        answer.text("object", "chat.completion");
        write(&mut answer, "created", self.created.json());
        write(&mut answer, "model", self.model.json());
        self.rest.write(&mut answer);
        write_list(
            answer.name("choices"),
            &self.choices,
            |out, (index, choice)| choice.write(*index, out),
        );
        write(&mut answer, "usage", self.usage.present());
        answer.end();
        Some(out)
    }

    fn chunk(&mut self, Object(members): &Object<'_>) {
        for (name, value) in members {
            match name.as_ref() {
                // Some servers leave these empty in chunks that only carry a note of their own.
                "id" => self.id.last_spoken(value),
                "created" => self.created.last_spoken(value),
                "model" => self.model.last_spoken(value),
                "usage" => self.usage.last(value),
                "choices" => self.choices(value),
                // `obfuscation` only makes chunks equally long.
                "object" | "obfuscation" => {}
                _ => self.rest.last(name, value),
            }
        }
    }

    fn choices(&mut self, list: &RawValue) {
        let pieces: Vec<Object<'_>> = serde_json::from_str(list.get()).unwrap_or_default();
        for piece in &pieces {
            let index = match self.numbering {
                Numbering::Told => piece.number("index").unwrap_or(0),
                Numbering::OnlyOne => 0,
            };
            self.choices.entry(index).or_default().add(piece);
        }
    }
}

/// One choice.
#[derive(Debug, Default)]
struct Choice {
    message: Message,
    logprobs: Logprobs,
    finish_reason: Joined,
    rest: Members,
}

impl Choice {
    fn add(&mut self, Object(members): &Object<'_>) {
        for (name, value) in members {
            match name.as_ref() {
                "delta" => self.message.add(value),
                "logprobs" => self.logprobs.add(value),
                "finish_reason" => self.finish_reason.last(value),
                // Perplexity's chunks have the message so far beside the delta.
                "index" | "message" => {}
                _ => self.rest.last(name, value),
            }
        }
    }

    fn write(&self, index: u64, out: &mut Vec<u8>) {
        let mut choice = Writer::new(out);
        choice.number("index", index);
        self.message.write(choice.name("message"));
        self.logprobs.write(&mut choice);
        choice.raw("finish_reason", self.finish_reason.json().unwrap_or("null"));
        self.rest.write(&mut choice);
        choice.end();
    }
}

/// A choice's log probabilities.
#[derive(Debug, Default)]
struct Logprobs {
    /// As they were told, where that is no object: mostly `null`.
    bare: Joined,
    lists: Option<Lists>,
}

/// The lists of log probabilities: one entry for each token.
#[derive(Debug, Default)]
struct Lists {
    content: Joined,
    refusal: Joined,
    rest: Members,
}

impl Logprobs {
    fn add(&mut self, piece: &RawValue) {
        let Ok(Object(members)) = Object::parse(piece.get()) else {
            self.bare.last(piece);
            return;
        };
        let lists = self.lists.get_or_insert_default();
        for (name, value) in members {
            match name.as_ref() {
                "content" => lists.content.list(value),
                "refusal" => lists.refusal.list(value),
                name => lists.rest.last(name, value),
            }
        }
    }

    fn write(&self, choice: &mut Writer<'_>) {
        let Some(lists) = &self.lists else {
            write(choice, "logprobs", self.bare.json());
            return;
        };
        let mut object = Writer::new(choice.name("logprobs"));
        write(&mut object, "content", lists.content.json());
        write(&mut object, "refusal", lists.refusal.json());
        lists.rest.write(&mut object);
        object.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(chunks: &[&str]) -> String {
        let events: Vec<String> = chunks
            .iter()
            .map(|chunk| format!("data: {chunk}\n\n"))
            .collect();
        events.concat() + "data: [DONE]\n\n"
    }

    fn collected(mut collector: Collector, chunks: &[&str]) -> Option<String> {
        collector.feed(events(chunks).as_bytes());
        let json = collector.completion()?;
        Some(String::from_utf8(json).unwrap())
    }

    fn check(chunks: &[&str], expected: &str) {
        let whole = collected(Collector::new(1), chunks).unwrap();
        assert_eq!(whole, expected, "{chunks:#?}");
    }

    /// The one choice of an answer of such pieces.
    fn check_choice(pieces: &[&str], expected: &str) {
        let chunks: Vec<String> = pieces
            .iter()
            .map(|piece| format!(r#"{{"choices":[{{"index":0,{piece}}}]}}"#))
            .collect();
        let chunks: Vec<&str> = chunks.iter().map(String::as_str).collect();
        let expected = format!(
            r#"{{"object":"chat.completion","choices":[{{"index":0,"message":{{"role":"assistant","content":"x"}},{expected}}}]}}"#
        );
        check(&chunks, &expected);
    }

    #[test]
    fn a_stream_becomes_a_completion() {
        check(
            &[
                r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","service_tier":"auto","system_fingerprint":"fp","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x7"}"#,
                r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","service_tier":"default","system_fingerprint":"fp","choices":[{"index":0,"delta":{"content":"Hi"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"y"}"#,
                r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null,"pilotlight":{"target":"t"}}"#,
                r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":2}},"pilotlight":{"target":"t"}}"#,
            ],
            concat!(
                r#"{"id":"c","object":"chat.completion","created":1,"model":"m","#,
                r#""pilotlight":{"target":"t"},"service_tier":"default","system_fingerprint":"fp","#,
                r#""choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"logprobs":null,"finish_reason":"stop"}],"#,
                r#""usage":{"prompt_tokens":3,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":2}}}"#,
            ),
        );
    }

    #[test]
    fn without_any_choice_there_is_no_answer() {
        assert_eq!(collected(Collector::new(1), &[]), None);
        let usage = r#"{"id":"c","choices":[],"usage":{"prompt_tokens":1}}"#;
        assert_eq!(collected(Collector::new(1), &[usage]), None);
    }

    #[test]
    fn the_head_is_what_was_told_last_and_is_not_made_up() {
        let choice = r#""choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]"#;
        let end = r#""choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}]}"#;
        check(
            &[&format!("{{{choice}}}")],
            &format!(r#"{{"object":"chat.completion",{end}"#),
        );
        check(
            &[
                r#"{"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[1]}"#,
                &format!(r#"{{"id":"c","created":7,"model":"m",{choice}}}"#),
                r#"{"id":"","object":"","created":0,"model":null,"choices":[]}"#,
            ],
            &format!(
                r#"{{"id":"c","object":"chat.completion","created":7,"model":"m","prompt_filter_results":[1],{end}"#
            ),
        );
    }

    #[test]
    fn choices_are_told_apart_by_index_and_sorted() {
        let piece = |index: u32, rest: &str| {
            format!(r#"{{"choices":[{{"index":{index},"delta":{{"content":"{rest}"}}}}]}}"#)
        };
        let both = r#"{"choices":[{"index":1,"delta":{},"finish_reason":"stop"},{"delta":{},"finish_reason":"length"}]}"#;
        let chunks = [&piece(1, "b"), &piece(0, "a"), &piece(1, "B"), both];
        let one = |index: u32, text: &str, finish: &str| {
            format!(
                r#"{{"index":{index},"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"{finish}"}}"#
            )
        };
        let expected = format!(
            r#"{{"object":"chat.completion","choices":[{},{}]}}"#,
            one(0, "a", "length"),
            one(1, "bB", "stop")
        );
        for collector in [Collector::new(2), Collector::default()] {
            assert_eq!(collected(collector, &chunks).unwrap(), expected);
        }
    }

    #[test]
    fn the_only_choice_is_what_it_is_whatever_its_number() {
        check(
            &[
                r#"{"choices":[{"index":197,"delta":{"content":"a"}}]}"#,
                r#"{"choices":[{"index":198,"delta":{"content":"b"}}]}"#,
            ],
            r#"{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"ab"},"finish_reason":null}]}"#,
        );
    }

    #[test]
    fn log_probabilities_are_put_together() {
        let x = r#""delta":{"content":"x"}"#;
        check_choice(&[x], r#""finish_reason":null"#);
        check_choice(
            &[x, r#""logprobs":null"#],
            r#""logprobs":null,"finish_reason":null"#,
        );
        check_choice(
            &[
                x,
                r#""logprobs":null"#,
                r#""logprobs":{"content":[{"token":"a","logprob":-0.50}],"refusal":null}"#,
                r#""logprobs":{"content":[]}"#,
                r#""logprobs":{"content":[{"token":"b"},{"token":"c"}],"x":1}"#,
                r#""logprobs":null"#,
            ],
            r#""logprobs":{"content":[{"token":"a","logprob":-0.50},{"token":"b"},{"token":"c"}],"refusal":null,"x":1},"finish_reason":null"#,
        );
        check_choice(
            &[
                x,
                r#""logprobs":{"content":null,"refusal":[1]}"#,
                r#""logprobs":{"refusal":[2]}"#,
            ],
            r#""logprobs":{"content":null,"refusal":[1,2]},"finish_reason":null"#,
        );
    }

    #[test]
    fn other_members_of_a_choice_are_kept_and_a_message_so_far_is_not() {
        check_choice(
            &[
                r#""delta":{"content":"x"},"message":{"content":"x"},"content_filter_results":{}"#,
                r#""content_filter_results":{"hate":{"filtered":false}},"native_finish_reason":null"#,
                r#""delta":{},"finish_reason":"stop","native_finish_reason":"STOP""#,
                r#""delta":{},"finish_reason":null"#,
            ],
            r#""finish_reason":"stop","content_filter_results":{"hate":{"filtered":false}},"native_finish_reason":"STOP""#,
        );
    }

    #[test]
    fn events_may_come_one_by_one_and_comments_add_nothing() {
        let mut collector = Collector::new(1);
        for text in ["a", "b"] {
            collector.feed(b": ping\n\n");
            let chunk = format!(r#"{{"choices":[{{"delta":{{"content":"{text}"}}}}]}}"#);
            collector.feed(format!("data: {chunk}\n\n").as_bytes());
            collector.feed(b"");
        }
        collector.feed(b"data: [DONE]\n\ndata: {\"choices\":\n\ndata: 7\n\n");
        let whole = String::from_utf8(collector.completion().unwrap()).unwrap();
        assert!(whole.contains(r#""content":"ab""#), "{whole}");
    }
}
