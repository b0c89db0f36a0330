//! Whether a model can serve a request, and what of it the model is not told.
//!
//! # Why before sending
//!
//! A model that does not see answers a question about a picture all the same, or its company refuses
//! the request after a round trip. What is known of a model decides before either happens; what is not
//! known is tried.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::models::{Abilities, Ability, Effort, Known, Thinking};
use crate::openai::json::{self, Object};
use crate::openai::{ChatRequest, Message};
use crate::provider::REASONING_EFFORT;

/// What a model that can serve a request is told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Able {
    /// The caller's fields that it is not told, because it does not take them, or not as they are.
    pub left_out: Vec<Cow<'static, str>>,
    /// How much it shall think, where it is told.
    pub effort: Option<String>,
}

impl Able {
    /// Leaves the effort to the model.
    pub fn leave_effort(&mut self) {
        self.effort = None;
        let effort = Cow::Borrowed(REASONING_EFFORT);
        if !self.left_out.contains(&effort) {
            self.left_out.push(effort);
        }
    }
}

/// What of `request` a model with these abilities is told.
///
/// # Errors
///
/// The path of what it cannot serve.
pub fn judge(
    request: &ChatRequest<'_>,
    messages: &[Message<'_>],
    abilities: Abilities,
) -> Result<Able, &'static str> {
    let fields = &request.fields;
    let asked = |name| fields.raw(name).map(RawValue::get);
    let needs = [
        (Ability::Tools, "tools", offers(asked("tools"))),
        (Ability::ForcedTools, "tool_choice", is_forced(fields)),
        (Ability::JsonSchema, "response_format", wants_schema(fields)),
        (Ability::Stop, "stop", offers(asked("stop"))),
        (Ability::Seed, "seed", asked("seed").is_some()),
        (
            Ability::Logprobs,
            "logprobs",
            asked("logprobs") == Some("true"),
        ),
    ];
    for (ability, field, is_needed) in needs {
        if is_needed && abilities.lacks(ability) {
            return Err(field);
        }
    }
    if let Some(path) = unseen(messages, abilities) {
        return Err(path);
    }
    let mut left_out = Vec::new();
    if abilities.lacks(Ability::Sampling) {
        let usual = |name| asked(name).is_none_or(|text| text.parse() == Ok(1.0));
        let told = ["temperature", "top_p"];
        left_out.extend(told.into_iter().filter(|name| !usual(*name)).map(Cow::from));
    }
    let effort = fields.text(REASONING_EFFORT);
    let told = effort.as_deref().map(|word| self::effort(word, abilities));
    let told = told.unwrap_or_default();
    if told.as_deref() != effort.as_deref() && effort.as_deref() != Some("none") {
        left_out.push(Cow::Borrowed(REASONING_EFFORT));
    }
    Ok(Able {
        left_out,
        effort: told,
    })
}

/// The effort that comes nearest to `word` of those that a model takes: the next lower one, or else the
/// least. `None` where it does not think, or thinks by itself.
fn effort(word: &str, abilities: Abilities) -> Option<String> {
    if abilities.thinking == Thinking::None {
        return None;
    }
    let Some(asked) = Effort::named(word) else {
        return Some(word.to_owned());
    };
    if abilities.takes(asked) != Known::No {
        return Some(word.to_owned());
    }
    let takes = |one: &Effort| abilities.takes(*one) == Known::Yes;
    let lower = Effort::ALL.into_iter().rev().filter(|one| *one < asked);
    let least = Effort::ALL.into_iter().filter(|one| *one > asked);
    // One that thinks is not told not to where it was asked to.
    let lower = lower.filter(|one| *one != Effort::None);
    lower
        .chain(least)
        .find(takes)
        .map(|one| one.as_str().to_owned())
}

/// Whether a list or a text has something in it.
fn offers(text: Option<&str>) -> bool {
    let inner = |text: &str| {
        text.strip_prefix('[')
            .map(|inner| inner.trim_start().to_owned())
    };
    text.is_some_and(|text| inner(text).is_none_or(|inner| !inner.starts_with(']')))
}

fn is_forced(fields: &Object<'_>) -> bool {
    let is_free = |raw: &RawValue| matches!(raw.get(), "\"auto\"" | "\"none\"");
    let choice = fields.raw("tool_choice");
    choice.is_some_and(|raw| !is_free(raw)) && offers(fields.raw("tools").map(RawValue::get))
}

fn wants_schema(fields: &Object<'_>) -> bool {
    let format = fields.object("response_format");
    format.is_some_and(|format| format.text("type").as_deref() == Some("json_schema"))
}

/// The first piece of the conversation that a model cannot see, hear or read.
fn unseen(messages: &[Message<'_>], abilities: Abilities) -> Option<&'static str> {
    const KINDS: [(Ability, &str, &str); 3] = [
        (Ability::Images, "image_url", "messages.content.image_url"),
        (Ability::Files, "file", "messages.content.file"),
        (
            Ability::Audio,
            "input_audio",
            "messages.content.input_audio",
        ),
    ];
    if KINDS.iter().all(|(ability, ..)| !abilities.lacks(*ability)) {
        return None;
    }
    let kinds = messages.iter().flat_map(|message| kinds_in(message));
    kinds.into_iter().find_map(|kind| {
        let is_it = |(ability, word, _): &&(Ability, &str, _)| {
            kind.as_deref() == Some(*word) && abilities.lacks(*ability)
        };
        KINDS.iter().find(is_it).map(|(_, _, path)| *path)
    })
}

/// The kinds of pieces that a message is made of; none where it is plain text.
fn kinds_in<'m>(message: &'m Message<'_>) -> Vec<Option<Cow<'m, str>>> {
    #[derive(Deserialize)]
    struct Kind<'k> {
        #[serde(rename = "type", borrow, default)]
        kind: Option<&'k RawValue>,
    }

    let content = message.content.as_deref().map(RawValue::get);
    let Some(listed) = content.filter(|content| content.starts_with('[')) else {
        return Vec::new();
    };
    let kinds: Vec<Kind<'_>> = serde_json::from_str(listed).unwrap_or_default();
    kinds
        .into_iter()
        .map(|kind| kind.kind.and_then(json::string))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(fields: &str, content: &str, abilities: Abilities) -> Result<Able, &'static str> {
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":{content}}}]{fields}}}"#
        );
        let request = ChatRequest::parse(&body).unwrap();
        judge(&request, &request.messages, abilities)
    }

    #[test]
    fn what_a_model_is_known_not_to_do_is_not_asked_of_it() {
        let tools = r#","tools":[{"type":"function","function":{"name":"f"}}]"#;
        let check = |ability: Ability, fields: &str, content: &str, path: &'static str| {
            let without = Abilities::UNKNOWN.without(ability);
            assert_eq!(judged(fields, content, without), Err(path), "{ability:?}");
            assert!(
                judged(fields, content, Abilities::UNKNOWN).is_ok(),
                "{ability:?}"
            );
            assert!(judged("", "\"hi\"", without).is_ok(), "{ability:?}");
        };
        check(Ability::Tools, tools, "\"hi\"", "tools");
        let forced = format!(r#"{tools},"tool_choice":"required""#);
        check(Ability::ForcedTools, &forced, "\"hi\"", "tool_choice");
        let schema = r#","response_format":{"type":"json_schema","json_schema":{}}"#;
        check(Ability::JsonSchema, schema, "\"hi\"", "response_format");
        check(Ability::Stop, r#","stop":["x"]"#, "\"hi\"", "stop");
        check(Ability::Seed, r#","seed":1"#, "\"hi\"", "seed");
        check(
            Ability::Logprobs,
            r#","logprobs":true"#,
            "\"hi\"",
            "logprobs",
        );
        let image = r#"[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"x"}}]"#;
        check(Ability::Images, "", image, "messages.content.image_url");
        check(
            Ability::Files,
            "",
            r#"[{"type":"file","file":{}}]"#,
            "messages.content.file",
        );
    }

    #[test]
    fn sampling_that_is_fixed_is_not_told_and_named() {
        let fixed = Abilities::UNKNOWN.without(Ability::Sampling);
        let able = judged(r#","temperature":0.2,"top_p":1"#, "\"hi\"", fixed).unwrap();
        assert_eq!(able.left_out, ["temperature"]);
        let able = judged(r#","temperature":1.0"#, "\"hi\"", fixed).unwrap();
        assert!(able.left_out.is_empty());
    }

    #[test]
    fn an_effort_that_a_model_does_not_take_becomes_the_next_lower_one() {
        let check = |asked: &str, abilities: Abilities, told: Option<&str>, named: usize| {
            let fields = format!(r#","reasoning_effort":"{asked}""#);
            let able = judged(&fields, "\"hi\"", abilities).unwrap();
            assert_eq!(able.effort.as_deref(), told, "{asked}");
            assert_eq!(able.left_out.len(), named, "{asked}");
        };
        let some = Abilities::UNKNOWN.taking(Effort::Low).taking(Effort::High);
        check("high", some, Some("high"), 0);
        check("max", some, Some("high"), 1);
        check("medium", some, Some("low"), 1);
        check("minimal", some, Some("low"), 1);
        check("max", Abilities::UNKNOWN, Some("max"), 0);
        check("default", some, Some("default"), 0);
        let mut never = Abilities::UNKNOWN;
        never.thinking = Thinking::None;
        check("high", never, None, 1);
        check("none", never, None, 0);
    }
}
