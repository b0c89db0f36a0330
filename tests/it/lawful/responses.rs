//! OpenAI's rules for its Responses API.
//!
//! Source: the Python SDK 3.52 (`types/responses/response_create_params.py` and the types that it names).

use std::collections::BTreeSet;

use pilotlight::models::{Abilities, Ability};
use serde_json::Value;

use crate::lawful::rules::{
    Broken, is_word, keys, kind, list, no_foreign, no_nulls, rule, text, within,
};

const FIELDS: &[&str] = &[
    "include",
    "instructions",
    "max_output_tokens",
    "metadata",
    "moderation",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// What is wrong with a body for OpenAI's Responses API.
pub(super) fn broken(body: &Value, abilities: Abilities) -> Broken {
    let mut broken = Broken::new();
    keys("body", body, FIELDS, &["model", "input"], &mut broken);
    no_nulls("", body, &mut broken);
    no_foreign(body, &["openai"], &mut broken);
    numbers(body, abilities, &mut broken);
    items(body, &mut broken);
    tools(body, &mut broken);
    format(body, &mut broken);
    rule(
        body["store"] == false,
        || "store: nothing is to be kept there".to_owned(),
        &mut broken,
    );
    if let Some(reasoning) = body.get("reasoning") {
        keys(
            "reasoning",
            reasoning,
            &["effort", "summary"],
            &[],
            &mut broken,
        );
    }
    if let Some(options) = body.get("stream_options") {
        keys(
            "stream_options",
            options,
            &["include_obfuscation"],
            &[],
            &mut broken,
        );
    }
    broken
}

fn numbers(body: &Value, abilities: Abilities, broken: &mut Broken) {
    within(body, "max_output_tokens", 16.0, f64::MAX, broken);
    within(body, "temperature", 0.0, 2.0, broken);
    within(body, "top_p", 0.0, 1.0, broken);
    within(body, "top_logprobs", 0.0, 20.0, broken);
    kind(
        body,
        &["stream", "store", "parallel_tool_calls"],
        Value::is_boolean,
        broken,
    );
    kind(body, &["instructions", "user"], Value::is_string, broken);
    kind(body, &["include"], Value::is_array, broken);
    for name in ["temperature", "top_p"] {
        let usual = body.get(name).is_none_or(|it| it.as_f64() == Some(1.0));
        let kept = usual || !abilities.lacks(Ability::Sampling);
        rule(kept, || format!("{name}: it is fixed"), broken);
    }
}

fn items(body: &Value, broken: &mut Broken) {
    let items = list(&body["input"]);
    rule(!items.is_empty(), || "input: nothing".to_owned(), broken);
    let (mut called, mut answered) = (BTreeSet::new(), BTreeSet::new());
    for (at, item) in items.iter().enumerate() {
        let next = items.get(at + 1);
        let at = format!("input[{at}]");
        match item.get("type").map_or("message", text) {
            "message" => message(&at, item, broken),
            "function_call" => {
                let needed = ["type", "call_id", "name", "arguments"];
                keys(&at, item, &["status"], &needed, broken);
                let (id, name) = (text(&item["call_id"]), text(&item["name"]));
                rule(
                    (1..=64).contains(&id.len()),
                    || format!("{at}: call_id {id}"),
                    broken,
                );
                rule(is_word(name, 64), || format!("{at}: name {name}"), broken);
                rule(
                    item["arguments"].is_string(),
                    || format!("{at}: arguments"),
                    broken,
                );
                rule(called.insert(id), || format!("{at}: {id} twice"), broken);
            }
            "function_call_output" => {
                let needed = ["type", "call_id", "output"];
                keys(&at, item, &["status"], &needed, broken);
                let id = text(&item["call_id"]);
                rule(
                    called.contains(id),
                    || format!("{at}: {id} answers nothing"),
                    broken,
                );
                rule(answered.insert(id), || format!("{at}: {id} twice"), broken);
                for part in list(&item["output"]) {
                    let kept = text(&part["type"]).starts_with("input_");
                    rule(kept, || format!("{at}: {part}"), broken);
                }
            }
            "reasoning" => {
                let allowed = ["content", "encrypted_content", "status"];
                keys(&at, item, &allowed, &["type", "id", "summary"], broken);
                let kind = next.map_or("", |next| next.get("type").map_or("message", text));
                let is_its = match kind {
                    "message" => next.is_some_and(|next| next["role"] == "assistant"),
                    kind => matches!(kind, "function_call" | "reasoning"),
                };
                rule(
                    is_its,
                    || format!("{at}: a thought without what came of it"),
                    broken,
                );
            }
            other => broken.push(format!("{at}: an item of type {other}")),
        }
    }
    rule(
        called == answered,
        || "input: a call without its output".to_owned(),
        broken,
    );
}

fn message(at: &str, message: &Value, broken: &mut Broken) {
    let role = text(&message["role"]);
    let known = matches!(role, "assistant" | "developer" | "system" | "user");
    rule(known, || format!("{at}: role {role}"), broken);
    keys(
        at,
        message,
        &["id", "phase", "status", "type"],
        &["role", "content"],
        broken,
    );
    let content = &message["content"];
    rule(
        content.is_string() || content.is_array(),
        || format!("{at}: content"),
        broken,
    );
    if content.is_array() {
        rule(
            !list(content).is_empty(),
            || format!("{at}: no parts"),
            broken,
        );
    }
    for part in list(content) {
        let kind = text(&part["type"]);
        let needed: &[&str] = match kind {
            "input_text" | "output_text" => &["type", "text"],
            "input_image" => &["type", "detail"],
            "input_file" => &["type"],
            "refusal" => &["type", "refusal"],
            _ => &[],
        };
        let allowed: &[&str] = match kind {
            "output_text" => &["annotations"],
            "input_image" => &["file_id", "image_url"],
            "input_file" => &["file_data", "file_id", "file_url", "filename"],
            _ => &[],
        };
        keys(&format!("{at}.{kind}"), part, allowed, needed, broken);
        let is_whose = match kind {
            "output_text" | "refusal" => role == "assistant",
            "input_text" => role != "assistant",
            _ => role == "user",
        };
        rule(is_whose, || format!("{at}: {kind} of the {role}"), broken);
    }
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
    let mut names = BTreeSet::new();
    for tool in tools {
        if tool["type"] == "custom" {
            continue;
        }
        let needed = ["type", "name", "parameters", "strict"];
        keys("tools", tool, &["description"], &needed, broken);
        rule(
            tool["type"] == "function",
            || format!("tools: {tool}"),
            broken,
        );
        let name = text(&tool["name"]);
        rule(is_word(name, 64), || format!("tools: name {name}"), broken);
        rule(
            names.insert(name),
            || format!("tools: {name} twice"),
            broken,
        );
        rule(
            tool["strict"].is_boolean(),
            || format!("tools: strict of {name}"),
            broken,
        );
        rule(
            tool["parameters"].is_object(),
            || format!("tools: parameters of {name}"),
            broken,
        );
    }
    match body.get("tool_choice") {
        None => {}
        Some(_) if tools.is_empty() => broken.push("tool_choice without tools".to_owned()),
        Some(Value::String(word)) => {
            let known = matches!(word.as_str(), "auto" | "none" | "required");
            rule(known, || format!("tool_choice: {word}"), broken);
        }
        Some(choice) if choice["type"] == "allowed_tools" => {
            keys(
                "tool_choice",
                choice,
                &[],
                &["type", "mode", "tools"],
                broken,
            );
            for tool in list(&choice["tools"]) {
                let name = text(&tool["name"]);
                rule(
                    names.contains(name),
                    || format!("tool_choice: no tool {name}"),
                    broken,
                );
            }
        }
        Some(choice) => {
            keys("tool_choice", choice, &[], &["type", "name"], broken);
            let name = text(&choice["name"]);
            rule(
                names.contains(name),
                || format!("tool_choice: no tool {name}"),
                broken,
            );
        }
    }
}

fn format(body: &Value, broken: &mut Broken) {
    let Some(config) = body.get("text") else {
        return;
    };
    keys("text", config, &["format", "verbosity"], &[], broken);
    let Some(format) = config.get("format") else {
        return;
    };
    match text(&format["type"]) {
        "json_schema" => {
            let allowed = ["description", "strict"];
            keys(
                "text.format",
                format,
                &allowed,
                &["type", "name", "schema"],
                broken,
            );
            rule(
                format["schema"].is_object(),
                || "text.format: no schema".to_owned(),
                broken,
            );
            let name = text(&format["name"]);
            rule(
                is_word(name, 64),
                || format!("text.format: name {name}"),
                broken,
            );
        }
        "text" | "json_object" => keys("text.format", format, &[], &["type"], broken),
        other => broken.push(format!("text.format: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lawful::chat::tests::check;

    fn good() -> Value {
        json!({
            "model": "m",
            "store": false,
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "u"}]},
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "enc-openai"},
                {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "a", "output": "r"},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
            ],
            "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": false}],
            "tool_choice": "auto",
            "text": {"format": {"type": "json_schema", "name": "x", "schema": {}}},
        })
    }

    #[test]
    fn a_good_body_is_good_and_each_bad_one_is_bad() {
        let fixed = Abilities::UNKNOWN.without(Ability::Sampling);
        check(
            &good(),
            |body| broken(body, fixed),
            &[
                ("/messages", json!([])),
                ("/seed", json!(7)),
                ("/store", json!(true)),
                ("/previous_response_id", json!("x")),
                ("/temperature", json!(0.5)),
                ("/max_output_tokens", json!(15)),
                ("/input", json!([])),
                ("/input/0/content/0/type", json!("text")),
                ("/input/0/content/0/cache_control", json!({})),
                ("/input/0/name", json!("Ann")),
                ("/input/0/role", json!("tool")),
                (
                    "/input/0/content",
                    json!([{"type": "input_image", "image_url": "x"}]),
                ),
                ("/input/0/content", json!("sig-anthropic")),
                ("/input/2", Value::Null),
                ("/input/3", Value::Null),
                ("/input/2/name", json!("a.b")),
                ("/input/2/arguments", json!({})),
                ("/input/4/content/0/type", json!("input_text")),
                ("/tools/0/strict", Value::Null),
                ("/tools/0/function", json!({})),
                ("/tools/0/parameters", Value::Null),
                ("/tool_choice", json!({"type": "function", "name": "x"})),
                ("/text/format/schema", Value::Null),
                ("/text/format/json_schema", json!({})),
            ],
        );
        let mut body = good();
        body["input"][2] = json!({"role": "user", "content": "u"});
        body["input"][3] = json!({"role": "user", "content": "u"});
        assert_eq!(
            broken(&body, fixed),
            ["input[1]: a thought without what came of it"]
        );
    }
}
