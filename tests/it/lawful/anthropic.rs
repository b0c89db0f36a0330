//! Anthropic's rules for messages.
//!
//! Sources: the Python SDK 2.11 (`types/message_create_params.py` and the types that it names; and 1.17 for
//! `temperature`, `top_p` and `top_k`, which only older models take), the
//! documentation of the Messages API (<https://platform.claude.com/docs/en/api/messages>), of mid-conversation
//! system messages, extended thinking and structured outputs, and what it was seen to refuse.

use pilotlight::models::{Abilities, Ability, Thinking};
use serde_json::Value;

use crate::lawful::blocks;
use crate::lawful::rules::{
    Broken, closed_schema, is_word, keys, kind, list, no_foreign, no_nulls, rule, text, within,
};

const FIELDS: &[&str] = &[
    "cache_control",
    "container",
    "inference_geo",
    "metadata",
    "output_config",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

/// Keywords that the schema of a structured output may not have.
const BANNED: &[&str] = &[
    "else",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "if",
    "maxItems",
    "maxLength",
    "maximum",
    "minLength",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "then",
    "uniqueItems",
];

/// What is wrong with a body for one of Anthropic's models.
pub(super) fn broken(body: &Value, abilities: Abilities) -> Broken {
    let mut broken = Broken::new();
    let needed = ["max_tokens", "messages", "model"];
    keys("body", body, FIELDS, &needed, &mut broken);
    no_nulls("", body, &mut broken);
    no_foreign(body, &["anthropic"], &mut broken);
    kind(body, &["stream"], Value::is_boolean, &mut broken);
    rule(
        body["stream"] == true,
        || "stream: it is always asked for".to_owned(),
        &mut broken,
    );
    within(body, "max_tokens", 1.0, f64::MAX, &mut broken);
    blocks::system(&body["system"], &mut broken);
    blocks::messages(list(&body["messages"]), abilities, &mut broken);
    tools(body, &mut broken);
    thinking(body, abilities, &mut broken);
    sampling(body, abilities, &mut broken);
    asides(body, &mut broken);
    format(body, &mut broken);
    let marks = body.to_string().matches("\"cache_control\":").count();
    rule(
        marks <= 4,
        || format!("cache_control: {marks} of them"),
        &mut broken,
    );
    broken
}

fn tools(body: &Value, broken: &mut Broken) {
    let tools = list(&body["tools"]);
    if body.get("tools").is_some() {
        rule(
            !tools.is_empty(),
            || "tools: an empty list".to_owned(),
            broken,
        );
    }
    let mut names = Vec::new();
    for tool in tools {
        let allowed = ["cache_control", "description", "strict", "type"];
        keys("tools", tool, &allowed, &["name", "input_schema"], broken);
        let name = text(&tool["name"]);
        rule(is_word(name, 128), || format!("tools: name {name}"), broken);
        rule(
            !names.contains(&name),
            || format!("tools: {name} twice"),
            broken,
        );
        names.push(name);
        let schema = &tool["input_schema"];
        let is_object = schema["type"] == "object";
        rule(
            is_object,
            || format!("tools: {name} takes no object"),
            broken,
        );
        blocks::cached(tool, broken);
        if tool["strict"] == true {
            closed_schema(name, schema, BANNED, broken);
        }
    }
    let history = body["messages"].to_string();
    let called = history.contains("\"tool_use\"") || history.contains("\"tool_result\"");
    rule(
        !called || !tools.is_empty(),
        || "tools: none, yet the history has calls".to_owned(),
        broken,
    );
    let Some(choice) = body.get("tool_choice") else {
        return;
    };
    rule(
        !tools.is_empty(),
        || "tool_choice without tools".to_owned(),
        broken,
    );
    let parallel = ["disable_parallel_tool_use"];
    match text(&choice["type"]) {
        "auto" | "any" => keys("tool_choice", choice, &parallel, &["type"], broken),
        "none" => keys("tool_choice", choice, &[], &["type"], broken),
        "tool" => {
            keys("tool_choice", choice, &parallel, &["type", "name"], broken);
            let name = text(&choice["name"]);
            rule(
                names.contains(&name),
                || format!("tool_choice: no tool {name}"),
                broken,
            );
        }
        other => broken.push(format!("tool_choice: {other}")),
    }
}

fn thinking(body: &Value, abilities: Abilities, broken: &mut Broken) {
    let thinking = &body["thinking"];
    let mode = text(&thinking["type"]);
    match mode {
        "" => rule(
            thinking.is_null(),
            || format!("thinking: {thinking}"),
            broken,
        ),
        "adaptive" => {
            keys("thinking", thinking, &["display"], &["type"], broken);
            let takes = !matches!(abilities.thinking, Thinking::Budget | Thinking::None);
            rule(
                takes,
                || "thinking: this model has no adaptive".to_owned(),
                broken,
            );
        }
        "disabled" => {
            keys("thinking", thinking, &[], &["type"], broken);
            let takes = abilities.thinking != Thinking::Always;
            rule(
                takes,
                || "thinking: this model always does".to_owned(),
                broken,
            );
        }
        "enabled" => {
            keys(
                "thinking",
                thinking,
                &["display"],
                &["type", "budget_tokens"],
                broken,
            );
            let budget = thinking["budget_tokens"].as_u64().unwrap_or_default();
            let most = body["max_tokens"].as_u64().unwrap_or_default();
            rule(
                budget >= 1024,
                || format!("thinking: {budget} is too few"),
                broken,
            );
            rule(
                budget < most,
                || format!("thinking: {budget} of {most}"),
                broken,
            );
            let takes = !matches!(abilities.thinking, Thinking::Always | Thinking::Optional);
            rule(
                takes,
                || "thinking: this model takes no budget".to_owned(),
                broken,
            );
            blocks::begins_with_thought(list(&body["messages"]), broken);
        }
        other => broken.push(format!("thinking: {other}")),
    }
    beside_thoughts(body, abilities, broken);
}

/// What thinking goes with, and what it does not.
fn beside_thoughts(body: &Value, abilities: Abilities, broken: &mut Broken) {
    let mode = text(&body["thinking"]["type"]);
    let last = list(&body["messages"]).last();
    let prefilled = last.is_some_and(|last| last["role"] == "assistant");
    let thinks = matches!(mode, "adaptive" | "enabled");
    rule(
        !(thinks && prefilled),
        || "thinking beside a prefill".to_owned(),
        broken,
    );
    let forced = matches!(text(&body["tool_choice"]["type"]), "any" | "tool");
    rule(
        !(thinks && forced),
        || "thinking beside a forced tool".to_owned(),
        broken,
    );
    let is_binding = forced && abilities.lacks(Ability::ForcedTools);
    rule(
        !is_binding,
        || "tool_choice: this model cannot be forced".to_owned(),
        broken,
    );
    if thinks {
        let usual = body
            .get("temperature")
            .is_none_or(|it| it.as_f64() == Some(1.0));
        rule(usual, || "thinking beside a temperature".to_owned(), broken);
        within(body, "top_p", 0.95, 1.0, broken);
    }
}

fn sampling(body: &Value, abilities: Abilities, broken: &mut Broken) {
    within(body, "temperature", 0.0, 1.0, broken);
    within(body, "top_p", 0.0, 1.0, broken);
    let both = body.get("temperature").is_some() && body.get("top_p").is_some();
    rule(!both, || "temperature beside top_p".to_owned(), broken);
    for name in ["temperature", "top_k", "top_p"] {
        let usual = body.get(name).is_none_or(|it| it.as_f64() == Some(1.0));
        let kept = usual || !abilities.lacks(Ability::Sampling);
        rule(kept, || format!("{name}: it is fixed"), broken);
    }
    for stop in list(&body["stop_sequences"]) {
        rule(
            !text(stop).trim().is_empty(),
            || format!("stop_sequences: {stop}"),
            broken,
        );
    }
    kind(body, &["stop_sequences"], Value::is_array, broken);
}

fn asides(body: &Value, broken: &mut Broken) {
    if let Some(metadata) = body.get("metadata") {
        keys("metadata", metadata, &["user_id"], &[], broken);
        let user = text(&metadata["user_id"]);
        let is_person = user.contains('@') || user.starts_with('+');
        rule(
            !is_person,
            || format!("metadata: {user} is a person's address"),
            broken,
        );
        rule(
            user.len() <= 256,
            || "metadata: too long".to_owned(),
            broken,
        );
    }
    if let Some(tier) = body.get("service_tier") {
        let known = matches!(text(tier), "auto" | "standard_only");
        rule(known, || format!("service_tier: {tier}"), broken);
    }
    blocks::cached(body, broken);
}

fn format(body: &Value, broken: &mut Broken) {
    let Some(config) = body.get("output_config") else {
        return;
    };
    keys("output_config", config, &["effort", "format"], &[], broken);
    if let Some(effort) = config.get("effort") {
        let known = matches!(text(effort), "low" | "medium" | "high" | "xhigh" | "max");
        rule(known, || format!("output_config: effort {effort}"), broken);
    }
    if let Some(format) = config.get("format") {
        keys(
            "output_config.format",
            format,
            &[],
            &["type", "schema"],
            broken,
        );
        rule(
            format["type"] == "json_schema",
            || format!("output_config: {format}"),
            broken,
        );
        rule(
            format["schema"].is_object(),
            || "output_config: no schema".to_owned(),
            broken,
        );
        closed_schema("output_config", &format["schema"], BANNED, broken);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lawful::chat::tests::check;

    pub(super) fn good() -> Value {
        json!({
            "model": "m",
            "max_tokens": 4096,
            "stream": true,
            "system": "s",
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "u"}]},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "t", "signature": "s"},
                    {"type": "tool_use", "id": "a", "name": "f", "input": {}},
                    {"type": "tool_use", "id": "b", "name": "f", "input": {}}
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "a", "content": "r"},
                    {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": "r"}]},
                    {"type": "text", "text": "u"}
                ]},
            ],
            "tools": [{"name": "f", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        })
    }

    #[test]
    fn a_good_body_is_good_and_each_bad_one_is_bad() {
        check(
            &good(),
            |body| broken(body, Abilities::UNKNOWN),
            &[
                ("/seed", json!(7)),
                ("/n", json!(1)),
                ("/max_tokens", Value::Null),
                ("/max_tokens", json!(1024)),
                ("/stream", json!(false)),
                ("/temperature", json!(0.5)),
                ("/thinking/budget_tokens", json!(1023)),
                ("/thinking", json!({"type": "some"})),
                ("/tool_choice", json!({"type": "any"})),
                (
                    "/tool_choice",
                    json!({"type": "none", "disable_parallel_tool_use": true}),
                ),
                ("/tool_choice", json!({"type": "tool", "name": "x"})),
                ("/tools", Value::Null),
                ("/tools/0/name", json!("a.b")),
                ("/tools/0/input_schema", json!({})),
                ("/tools/0/strict", json!(true)),
                ("/tools/0/cache_control", json!({"type": "forever"})),
                ("/stop_sequences", json!(["\n"])),
                ("/metadata", json!({"user_id": "ann@example.com"})),
                ("/service_tier", json!("flex")),
                ("/output_config", json!({"effort": "none"})),
                (
                    "/output_config",
                    json!({"format": {"type": "json_schema", "schema": {"type": "object"}}}),
                ),
                ("/output_config", json!({"format": {"type": "json_object"}})),
                ("/messages/0/content/0/text", json!("sig-openai enc-openai")),
                ("/messages/1/content/0", Value::Null),
            ],
        );
    }

    #[test]
    fn abilities_bind() {
        let mut body = good();
        body.as_object_mut().unwrap().remove("thinking");
        let check = |pointer: &str, value: Value, abilities: Abilities| {
            let mut body = body.clone();
            assert_eq!(broken(&body, abilities), Broken::new());
            body[pointer] = value;
            assert_eq!(broken(&body, Abilities::UNKNOWN), Broken::new());
            assert!(!broken(&body, abilities).is_empty(), "{pointer}");
        };
        let mut always = Abilities::UNKNOWN
            .without(Ability::Sampling)
            .without(Ability::ForcedTools);
        always.thinking = Thinking::Always;
        check("temperature", json!(0.5), always);
        check("tool_choice", json!({"type": "any"}), always);
        check("thinking", json!({"type": "disabled"}), always);
        check(
            "thinking",
            json!({"type": "enabled", "budget_tokens": 1024}),
            always,
        );
        let mut budget = Abilities::UNKNOWN;
        budget.thinking = Thinking::Budget;
        check("thinking", json!({"type": "adaptive"}), budget);
    }
}
