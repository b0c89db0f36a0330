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
use crate::openai::{ChatRequest, Message, Role};
use crate::provider::REASONING_EFFORT;

/// What a model that can serve a request is told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Able {
    /// The caller's fields that it is not told, because it does not take them, or not as they are.
    pub named: Vec<Cow<'static, str>>,
    /// Those that it is not told either, and whose loss is none: they ask for what happens anyway.
    pub neutral: Vec<Cow<'static, str>>,
    /// How much it shall think, where it is told.
    pub effort: Option<String>,
}

impl Able {
    /// Leaves the effort to the model.
    pub fn leave_effort(&mut self) {
        self.effort = None;
        let effort = Cow::Borrowed(REASONING_EFFORT);
        if !self.named.contains(&effort) {
            self.named.push(effort);
        }
    }

    /// All fields that it is not told.
    pub fn left_out(&self) -> Vec<Cow<'static, str>> {
        [self.named.as_slice(), self.neutral.as_slice()].concat()
    }
}

/// Something that a request may need of a model.
struct Need {
    ability: Ability,
    /// The path of what needs it.
    field: &'static str,
    is_there: fn(&ChatRequest<'_>) -> bool,
}

/// What a request may need, in the order in which it is told. What is not here is a dialect's to judge,
/// because it has an equal for it or has not: `late_system` and `thinking_tools`.
static NEEDS: [Need; 13] = [
    need(Ability::Tools, "tools", |request| {
        is_offered(&request.fields, "tools", "tool_choice")
    }),
    need(Ability::Tools, "functions", |request| {
        is_offered(&request.fields, "functions", "function_call")
    }),
    // Templates of models without tools have no place for them.
    need(Ability::Tools, "messages.tool_calls", |request| {
        request.messages.iter().any(is_about_a_call)
    }),
    need(Ability::ForcedTools, "tool_choice", |request| {
        is_forced(&request.fields, "tools", "tool_choice")
    }),
    need(Ability::ForcedTools, "function_call", |request| {
        is_forced(&request.fields, "functions", "function_call")
    }),
    need(Ability::JsonSchema, "response_format", |request| {
        let format = request.fields.object("response_format");
        format.is_some_and(|format| format.text("type").as_deref() == Some("json_schema"))
    }),
    need(Ability::Stop, "stop", |request| {
        holds_something(&request.fields, "stop")
    }),
    need(Ability::Seed, "seed", |request| {
        request.fields.raw("seed").is_some()
    }),
    need(Ability::Logprobs, "logprobs", |request| {
        is_text(&request.fields, "logprobs", "true")
    }),
    need(Ability::Audio, "modalities", |request| {
        let listed = request.fields.raw("modalities").map(RawValue::get);
        let listed =
            listed.and_then(|listed| serde_json::from_str::<Vec<Cow<'_, str>>>(listed).ok());
        listed.is_some_and(|listed| listed.iter().any(|one| one == "audio"))
    }),
    need(Ability::Images, "messages.content.image_url", |request| {
        has_part(request, "image_url")
    }),
    need(Ability::Files, "messages.content.file", |request| {
        has_part(request, "file")
    }),
    need(Ability::Audio, "messages.content.input_audio", |request| {
        has_part(request, "input_audio")
    }),
];

const fn need(
    ability: Ability,
    field: &'static str,
    is_there: fn(&ChatRequest<'_>) -> bool,
) -> Need {
    Need {
        ability,
        field,
        is_there,
    }
}

/// How tokens are drawn: fields that a model does not take which draws them in its own way, and the
/// values that ask for nothing.
const SAMPLING: [(&str, Option<f64>); 6] = [
    ("frequency_penalty", Some(0.0)),
    ("min_p", Some(0.0)),
    ("presence_penalty", Some(0.0)),
    ("temperature", Some(1.0)),
    ("top_k", None),
    ("top_p", Some(1.0)),
];

/// The fields about tools, which a model without tools is not told when it is not to call any.
const ABOUT_TOOLS: [&str; 5] = [
    "function_call",
    "functions",
    "parallel_tool_calls",
    "tool_choice",
    "tools",
];

/// What of `request` a model with these abilities is told.
///
/// # Errors
///
/// The path of what it cannot serve.
pub fn judge(request: &ChatRequest<'_>, abilities: Abilities) -> Result<Able, &'static str> {
    let lacking = NEEDS.iter().filter(|need| abilities.lacks(need.ability));
    for need in lacking {
        if (need.is_there)(request) {
            return Err(need.field);
        }
    }
    let fields = &request.fields;
    let mut able = Able::default();
    if abilities.lacks(Ability::Sampling) {
        for (name, neutral) in SAMPLING {
            let Some(value) = fields.raw(name) else {
                continue;
            };
            if neutral.is_some() && value.get().parse() == Ok(neutral.unwrap_or_default()) {
                able.neutral.push(Cow::Borrowed(name));
            } else {
                able.named.push(Cow::Borrowed(name));
            }
        }
    }
    if abilities.lacks(Ability::Tools) {
        let told = ABOUT_TOOLS
            .into_iter()
            .filter(|name| fields.raw(name).is_some());
        for name in told {
            // Those that could be called are what the caller may miss.
            let tools = matches!(name, "functions" | "tools") && holds_something(fields, name);
            let list = if tools {
                &mut able.named
            } else {
                &mut able.neutral
            };
            list.push(Cow::Borrowed(name));
        }
    }
    if let Some(word) = fields.text(REASONING_EFFORT) {
        able.effort = effort(&word, abilities);
        let is_lost = able.effort.is_none() && word == Effort::None.as_str();
        let is_kept = able.effort.as_deref() == Some(&word);
        if is_lost && abilities.thinking == Thinking::None {
            able.neutral.push(Cow::Borrowed(REASONING_EFFORT));
        } else if !is_kept {
            able.named.push(Cow::Borrowed(REASONING_EFFORT));
        }
    }
    Ok(able)
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
    let takes = |one: &Effort| abilities.takes(*one) == Known::Yes;
    // One that always thinks cannot be told not to, as long as nobody says that it can.
    let cannot_but = asked == Effort::None && abilities.thinking == Thinking::Always;
    if takes(&asked) || abilities.takes(asked) == Known::Unknown && !cannot_but {
        return Some(word.to_owned());
    }
    let lower = Effort::ALL.into_iter().rev().filter(|one| *one < asked);
    let least = Effort::ALL.into_iter().filter(|one| *one > asked);
    // One that thinks is not told not to where it was asked to.
    let lower = lower.filter(|one| *one != Effort::None);
    lower
        .chain(least)
        .find(takes)
        .map(|one| one.as_str().to_owned())
}

fn is_text(fields: &Object<'_>, name: &str, text: &str) -> bool {
    fields.raw(name).is_some_and(|raw| raw.get() == text)
}

/// Whether a field is there and is no empty list.
fn holds_something(fields: &Object<'_>, name: &str) -> bool {
    let text = fields.raw(name).map(RawValue::get);
    text.is_some_and(|text| {
        let inner = text.strip_prefix('[').map(str::trim_start);
        inner.is_none_or(|inner| !inner.starts_with(']'))
    })
}

/// Whether the model may call any of the `tools`.
fn is_offered(fields: &Object<'_>, tools: &str, choice: &str) -> bool {
    holds_something(fields, tools) && !is_text(fields, choice, "\"none\"")
}

/// Whether the model has to call one of the `tools`.
fn is_forced(fields: &Object<'_>, tools: &str, choice: &str) -> bool {
    let Some(raw) = fields.raw(choice) else {
        return false;
    };
    let is_free = matches!(raw.get(), "\"auto\"" | "\"none\"");
    // A choice among some tools is one only where its mode says so.
    let some = fields
        .object(choice)
        .and_then(|choice| choice.object("allowed_tools"));
    let is_free = is_free || some.is_some_and(|some| !is_text(&some, "mode", "\"required\""));
    !is_free && holds_something(fields, tools)
}

/// Whether a message calls a tool or is a tool's result.
fn is_about_a_call(message: &Message<'_>) -> bool {
    match message.role {
        Role::Function | Role::Tool => true,
        Role::Assistant => {
            holds_something(&message.fields, "tool_calls")
                || message.fields.raw("function_call").is_some()
        }
        Role::Developer | Role::System | Role::User => false,
    }
}

/// Whether a message has a piece of this kind.
fn has_part(request: &ChatRequest<'_>, kind: &str) -> bool {
    #[derive(Deserialize)]
    struct Part<'k> {
        #[serde(rename = "type", borrow, default)]
        kind: Option<&'k RawValue>,
    }

    let is_it = |part: Part<'_>| part.kind.and_then(json::string).as_deref() == Some(kind);
    request.messages.iter().any(|message| {
        let content = message.content.as_deref().map(RawValue::get);
        let listed = content.filter(|content| content.starts_with('['));
        let parts = listed.and_then(|listed| serde_json::from_str::<Vec<Part<'_>>>(listed).ok());
        parts.unwrap_or_default().into_iter().any(is_it)
    })
}

#[cfg(test)]
mod tests;
