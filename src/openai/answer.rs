//! The parts of an answer that the gateway looks at: why it ended and what it used.
//!
//! Implements the completion and chunk objects of OpenAI's chat completions reference
//! (<https://platform.openai.com/docs/api-reference/chat/object>). Everything else in an answer is
//! the model's word to the caller and is carried as bytes.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::openai::json::{Object, Writer};

/// Why a choice ended, in OpenAI's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The provider withheld the rest.
    ContentFilter,
    /// The model calls a function, in the old style.
    FunctionCall,
    /// A token limit was reached.
    Length,
    /// The model came to its end, or to a stop sequence.
    Stop,
    /// The model calls tools.
    ToolCalls,
}

impl Finish {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContentFilter => "content_filter",
            Self::FunctionCall => "function_call",
            Self::Length => "length",
            Self::Stop => "stop",
            Self::ToolCalls => "tool_calls",
        }
    }
}

/// Tokens that an answer used, as its upstream counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Those of the tokens read that came from the upstream's cache, where it tells.
    pub cached_tokens: u64,
    /// Those of the tokens read that it wrote to its cache, where it tells.
    pub cache_write_tokens: u64,
    /// Those of the tokens written that it thought with, where it tells.
    pub reasoning_tokens: u64,
}

impl Usage {
    /// Reads a `usage` object.
    ///
    /// A count that is missing beside another is 0. `None` when both are missing, and when one is
    /// no count: an odd number spoils what is known of an answer, never the answer.
    fn read(raw: &RawValue) -> Option<Self> {
        let object = Object::parse(raw.get()).ok()?;
        let told = |name| object.present(name).map(count);
        let details = object.object("prompt_tokens_details").unwrap_or_default();
        let detail = |name| details.present(name).map(count);
        let written = object
            .object("completion_tokens_details")
            .unwrap_or_default();
        let thought = written.present("reasoning_tokens").map(count);
        // OpenAI's name, DeepSeek's, and Together's.
        let cached = detail("cached_tokens")
            .or_else(|| told("prompt_cache_hit_tokens"))
            .or_else(|| told("cached_tokens"));
        match (told("prompt_tokens"), told("completion_tokens")) {
            (None, None) => None,
            (prompt, completion) => Self {
                prompt_tokens: prompt.unwrap_or(Some(0))?,
                completion_tokens: completion.unwrap_or(Some(0))?,
                cached_tokens: cached.unwrap_or(Some(0))?,
                cache_write_tokens: detail("cache_write_tokens").unwrap_or(Some(0))?,
                reasoning_tokens: thought.unwrap_or(Some(0))?,
            }
            .credible(),
        }
    }

    /// This, unless a count is more than any request has: -1 that was written as 2^64 - 1, say. Such
    /// counts could not be added up.
    pub fn credible(self) -> Option<Self> {
        /// A thousand times the longest window there is.
        const MOST: u64 = 1_000_000_000;

        let counts = [
            self.prompt_tokens,
            self.completion_tokens,
            self.cached_tokens,
            self.cache_write_tokens,
            self.reasoning_tokens,
        ];
        counts.iter().all(|count| *count <= MOST).then_some(self)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            prompt_tokens: self.prompt_tokens.saturating_add(other.prompt_tokens),
            completion_tokens: self
                .completion_tokens
                .saturating_add(other.completion_tokens),
            cached_tokens: self.cached_tokens.saturating_add(other.cached_tokens),
            cache_write_tokens: self
                .cache_write_tokens
                .saturating_add(other.cache_write_tokens),
            reasoning_tokens: self.reasoning_tokens.saturating_add(other.reasoning_tokens),
        }
    }

    /// Writes the `usage` object, with the details that say something.
    pub fn write(self, out: &mut Vec<u8>) {
        let mut object = Writer::new(out);
        object
            .number("prompt_tokens", self.prompt_tokens)
            .number("completion_tokens", self.completion_tokens)
            .number(
                "total_tokens",
                self.prompt_tokens.saturating_add(self.completion_tokens),
            );
        let details = [
            (
                "prompt_tokens_details",
                [
                    ("cached_tokens", self.cached_tokens),
                    ("cache_write_tokens", self.cache_write_tokens),
                ],
            ),
            (
                "completion_tokens_details",
                [("reasoning_tokens", self.reasoning_tokens), ("", 0)],
            ),
        ];
        for (name, counts) in details {
            if counts.iter().all(|(_, count)| *count == 0) {
                continue;
            }
            let mut inner = Writer::new(object.name(name));
            for (name, count) in counts.iter().filter(|(_, count)| *count > 0) {
                inner.number(name, *count);
            }
            inner.end();
        }
        object.end();
    }
}

/// The count that `raw` spells. Languages with one kind of number write 12 as `12.0`.
fn count(raw: &RawValue) -> Option<u64> {
    let text = raw.get();
    let digits = match text.split_once('.') {
        Some((digits, fraction)) if fraction.bytes().all(|digit| digit == b'0') => digits,
        _ => text,
    };
    digits.parse().ok()
}

/// Puts a member at the end of a JSON object's text: `{"a":1}` becomes `{"a":1,"name":value}`.
///
/// `object` must be the text of an object; text that is not (which no dialect hands on) is left
/// as it is. `value` must be JSON.
pub fn insert(object: &mut Vec<u8>, name: &str, value: &str) {
    let Some(end) = object.iter().rposition(|byte| *byte == b'}') else {
        return;
    };
    let empty = object
        .get(..end)
        .and_then(|head| head.iter().rev().find(|byte| !byte.is_ascii_whitespace()))
        == Some(&b'{');
    object.truncate(end);
    if !empty {
        object.push(b',');
    }
    object.extend_from_slice(format!("\"{name}\":{value}}}").as_bytes());
}

/// What is read of a streamed chunk or a whole completion.
#[derive(Debug, Deserialize)]
pub struct AnswerParts<'a> {
    /// The model that answered, where it is told.
    #[serde(borrow, default)]
    pub model: Option<&'a RawValue>,
    /// The choices, with their deltas or messages.
    #[serde(borrow, default)]
    pub choices: Option<Vec<ChoiceParts<'a>>>,
    #[serde(borrow, default)]
    service_tier: Option<&'a RawValue>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    /// Groq's own member, which can hold usage and the error that stopped a stream.
    #[serde(borrow, default)]
    x_groq: Option<GroqParts<'a>>,
}

impl<'a> AnswerParts<'a> {
    /// The JSON text of the error that is told in place of an answer, or of one of its choices. Some
    /// servers send `"error": null` or `""` with every answer.
    pub fn told_error(&self) -> Option<&'a str> {
        let groq = || self.x_groq.as_ref()?.error;
        let choices = self.choices.as_deref().unwrap_or_default();
        let in_choices = choices.iter().filter_map(|choice| choice.error);
        let told = self.error.into_iter().chain(groq()).chain(in_choices);
        told.map(RawValue::get)
            .find(|json| !matches!(*json, "null" | "false" | "\"\"" | "{}" | "0"))
    }

    /// The JSON text of the tier that served the request, where one is told.
    pub fn service_tier(&self) -> Option<&'a str> {
        self.service_tier.map(RawValue::get)
    }

    /// Whether there is a `usage` member, be it readable or not.
    pub fn tells_usage(&self) -> bool {
        self.usage.is_some()
    }

    /// Tokens used, where that can be read.
    pub fn usage(&self) -> Option<Usage> {
        let groq = || self.x_groq.as_ref()?.usage;
        self.usage
            .and_then(Usage::read)
            .or_else(|| groq().and_then(Usage::read))
    }
}

/// What is read of `x_groq` (<https://console.groq.com/docs/api-reference>).
#[derive(Debug, Deserialize)]
struct GroqParts<'a> {
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    /// Why a stream was stopped early.
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// What is read of one choice.
#[derive(Debug, Deserialize)]
pub struct ChoiceParts<'a> {
    #[serde(borrow, default)]
    index: Option<&'a RawValue>,
    /// The piece of a message, in a stream.
    #[serde(borrow, default)]
    pub delta: Option<MessageParts<'a>>,
    /// The message, when the answer is whole.
    #[serde(borrow, default)]
    pub message: Option<MessageParts<'a>>,
    /// Why the choice ended.
    #[serde(borrow, default)]
    pub finish_reason: Option<Cow<'a, str>>,
    /// Why it failed, which `OpenRouter` tells here.
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl ChoiceParts<'_> {
    /// Which of the choices this is. The first, where that is not told: most answers have but one.
    pub fn index(&self) -> u64 {
        self.index.and_then(count).unwrap_or(0)
    }
}

/// What is read of a message or a piece of one.
#[derive(Debug, Deserialize)]
pub struct MessageParts<'a> {
    #[serde(borrow, default)]
    role: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning_details: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_calls: Option<&'a RawValue>,
    #[serde(borrow, default)]
    function_call: Option<&'a RawValue>,
    #[serde(borrow, default)]
    audio: Option<&'a RawValue>,
}

impl<'a> MessageParts<'a> {
    /// Whether this piece says something: text, reasoning, a refusal, audio or a tool call. A role
    /// alone, and empty members, say nothing.
    pub fn says_something(&self) -> bool {
        self.content().is_some()
            || self.thought().is_some()
            || self.calls().is_some()
            || self.says_other()
    }

    /// Whether it says who speaks.
    pub fn tells_role(&self) -> bool {
        self.role.is_some_and(|role| filled(role).is_some())
    }

    /// Whether it has a list of tool calls with none in it.
    pub fn has_empty_calls(&self) -> bool {
        self.tool_calls.is_some_and(is_empty_list)
    }

    /// The text, where there is any.
    pub fn content(&self) -> Option<&'a RawValue> {
        self.content.and_then(filled)
    }

    /// What the model thinks aloud, with the name of the member that says it.
    pub fn thought(&self) -> Option<(&'static str, &'a RawValue)> {
        let named = [
            ("reasoning", self.reasoning),
            ("reasoning_content", self.reasoning_content),
            ("reasoning_details", self.reasoning_details),
        ];
        named
            .into_iter()
            .find_map(|(name, raw)| Some((name, raw.and_then(filled)?)))
    }

    /// The tool calls, where there are any.
    pub fn calls(&self) -> Option<&'a RawValue> {
        self.tool_calls.and_then(filled)
    }

    /// Whether it has what only its own model could go on with: a refusal, audio, a call in the old
    /// style.
    pub fn says_other(&self) -> bool {
        [self.refusal, self.function_call, self.audio]
            .into_iter()
            .flatten()
            .any(|raw| filled(raw).is_some())
    }
}

/// Whether a value is a list with nothing in it.
pub fn is_empty_list(raw: &RawValue) -> bool {
    let inner = raw.get().strip_prefix('[');
    inner.is_some_and(|inner| inner.trim_start().starts_with(']'))
}

/// A member's value, unless it says nothing.
fn filled(raw: &RawValue) -> Option<&RawValue> {
    let says_nothing = matches!(raw.get(), "null" | "\"\"" | "[]" | "{}");
    (!says_nothing).then_some(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_inserted_at_the_end_of_an_object() {
        let check = |object: &str, expected: &str| {
            let mut bytes = object.as_bytes().to_vec();
            insert(&mut bytes, "p", "1");
            assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        };
        check(r#"{"a":{}}"#, r#"{"a":{},"p":1}"#);
        check("{}", r#"{"p":1}"#);
        check("{ }\n", r#"{ "p":1}"#);
        check("[]", "[]");
    }

    #[test]
    fn an_odd_count_spoils_the_usage_and_never_the_answer() {
        let check = |usage: &str, expected: Option<(u64, u64)>| {
            let answer = format!(r#"{{"choices":[],"usage":{usage}}}"#);
            let parts: AnswerParts<'_> = serde_json::from_str(&answer).unwrap();
            let used = parts.usage();
            let counts = used.map(|used| (used.prompt_tokens, used.completion_tokens));
            assert_eq!(counts, expected, "{usage}");
            assert_eq!(parts.tells_usage(), usage != "null", "{usage}");
        };
        let both = |prompt: &str, completion: &str| {
            format!(r#"{{"prompt_tokens":{prompt},"completion_tokens":{completion}}}"#)
        };
        check(&both("5", "12"), Some((5, 12)));
        check(&both("5.0", "12.00"), Some((5, 12)));
        check(&both("5", "null"), Some((5, 0)));
        check(r#"{"completion_tokens":12}"#, Some((0, 12)));
        check(&both("null", "null"), None);
        check("{}", None);
        for odd in ["12.5", "-1", "1e3", "\"12\"", "[]", "99999999999999999999"] {
            check(&both("5", odd), None);
        }
        // -1 of a server that has no sign.
        check(&both("5", "18446744073709551615"), None);
        check(&both("1000000001", "5"), None);
        check(&both("1000000000", "5"), Some((1_000_000_000, 5)));
        for odd in ["null", "[]", "\"none\"", "7"] {
            check(odd, None);
        }
    }

    #[test]
    fn cached_tokens_are_read_by_whatever_name_they_have() {
        let check = |rest: &str, expected: Option<(u64, u64)>| {
            let usage = format!(r#"{{"prompt_tokens":9,"completion_tokens":1,{rest}}}"#);
            let answer = format!(r#"{{"choices":[],"usage":{usage}}}"#);
            let parts: AnswerParts<'_> = serde_json::from_str(&answer).unwrap();
            let used = parts.usage();
            let counts = used.map(|used| (used.cached_tokens, used.cache_write_tokens));
            assert_eq!(counts, expected, "{rest}");
        };
        let details = |inner: &str| format!(r#""prompt_tokens_details":{{{inner}}}"#);
        check(&details(r#""cached_tokens":4"#), Some((4, 0)));
        check(
            &details(r#""cached_tokens":4,"cache_write_tokens":5"#),
            Some((4, 5)),
        );
        check(r#""prompt_cache_hit_tokens":3"#, Some((3, 0)));
        check(r#""cached_tokens":2"#, Some((2, 0)));
        for untold in [details(""), details(r#""cached_tokens":null"#)] {
            check(&untold, Some((0, 0)));
        }
        check(r#""prompt_tokens_details":null"#, Some((0, 0)));
        check(r#""prompt_tokens_details":[]"#, Some((0, 0)));
        check(&details(r#""cached_tokens":-1"#), None);
    }

    #[test]
    fn what_is_written_of_a_usage_is_read_again() {
        let plain = Usage {
            prompt_tokens: 9,
            completion_tokens: 5,
            ..Usage::default()
        };
        let detailed = Usage {
            cached_tokens: 4,
            cache_write_tokens: 3,
            reasoning_tokens: 2,
            ..plain
        };
        for usage in [plain, detailed] {
            let mut out = b"{\"usage\":".to_vec();
            usage.write(&mut out);
            out.push(b'}');
            let parts: AnswerParts<'_> = serde_json::from_slice(&out).unwrap();
            assert_eq!(parts.usage(), Some(usage));
            let told = String::from_utf8_lossy(&out).contains("details");
            assert_eq!(told, usage != plain);
        }
    }

    #[test]
    fn a_role_alone_says_nothing() {
        let says = |json: &str| {
            serde_json::from_str::<MessageParts<'_>>(json)
                .unwrap()
                .says_something()
        };
        assert!(!says(
            r#"{"role":"assistant","content":"","tool_calls":[]}"#
        ));
        assert!(!says(r#"{"role":"assistant","content":null}"#));
        assert!(says(r#"{"content":" "}"#));
        assert!(says(r#"{"reasoning":"hm"}"#));
        assert!(says(r#"{"tool_calls":[{"index":0}]}"#));
    }
}
