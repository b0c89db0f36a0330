//! Ollama's rules for `/api/chat`.
//!
//! Source: `api/types.go` of v0.33, and what was seen of its server: it ignores what it does not know, so
//! an unknown key is not refused there, but is lost.

use pilotlight::models::Abilities;
use serde_json::Value;

use crate::lawful::rules::{Broken, keys, kind, list, no_foreign, no_nulls, rule, text, within};

const FIELDS: &[&str] = &[
    "format",
    "keep_alive",
    "logprobs",
    "options",
    "stream",
    "think",
    "tools",
    "top_logprobs",
    "truncate",
];

const OPTIONS: &[&str] = &[
    "frequency_penalty",
    "min_p",
    "num_ctx",
    "num_predict",
    "presence_penalty",
    "repeat_penalty",
    "seed",
    "stop",
    "temperature",
    "top_k",
    "top_p",
    "typical_p",
];

/// What is wrong with a body for Ollama.
pub(super) fn broken(body: &Value, _: Abilities) -> Broken {
    let mut broken = Broken::new();
    keys("body", body, FIELDS, &["model", "messages"], &mut broken);
    no_nulls("", body, &mut broken);
    no_foreign(&unthought(body), &[], &mut broken);
    kind(
        body,
        &["stream", "truncate", "logprobs"],
        Value::is_boolean,
        &mut broken,
    );
    within(body, "top_logprobs", 0.0, 20.0, &mut broken);
    if let Some(think) = body.get("think") {
        let level = matches!(text(think), "low" | "medium" | "high" | "max");
        rule(
            think.is_boolean() || level,
            || format!("think: {think}"),
            &mut broken,
        );
    }
    if let Some(format) = body.get("format") {
        rule(
            format == "json" || format.is_object(),
            || format!("format: {format}"),
            &mut broken,
        );
    }
    options(&body["options"], &mut broken);
    tools(&body["tools"], &mut broken);
    messages(list(&body["messages"]), &mut broken);
    broken
}

/// The body without what was thought at home, which may be anybody's plain text.
fn unthought(body: &Value) -> Value {
    let mut body = body.clone();
    for message in body["messages"].as_array_mut().into_iter().flatten() {
        if message["thinking"] == "thought-plain"
            && let Some(message) = message.as_object_mut()
        {
            message.remove("thinking");
        }
    }
    body
}

fn options(options: &Value, broken: &mut Broken) {
    if options.is_null() {
        return;
    }
    keys("options", options, OPTIONS, &[], broken);
    kind(options, &["stop"], Value::is_array, broken);
    kind(
        options,
        &["seed", "num_ctx", "num_predict", "top_k"],
        Value::is_i64,
        broken,
    );
    let numbers = [
        "temperature",
        "top_p",
        "min_p",
        "frequency_penalty",
        "presence_penalty",
    ];
    kind(options, &numbers, Value::is_number, broken);
    within(options, "num_predict", 1.0, f64::MAX, broken);
    let stops = list(&options["stop"]);
    rule(
        stops.iter().all(Value::is_string),
        || "options: stop".to_owned(),
        broken,
    );
}

fn tools(tools: &Value, broken: &mut Broken) {
    for tool in list(tools) {
        rule(
            tool["type"] == "function",
            || format!("tools: {tool}"),
            broken,
        );
        let function = &tool["function"];
        let name = text(&function["name"]);
        rule(!name.is_empty(), || "tools: no name".to_owned(), broken);
        let parameters = function.get("parameters");
        rule(
            parameters.is_none_or(Value::is_object),
            || "tools: parameters".to_owned(),
            broken,
        );
    }
}

fn messages(messages: &[Value], broken: &mut Broken) {
    rule(!messages.is_empty(), || "messages: none".to_owned(), broken);
    for (at, message) in messages.iter().enumerate() {
        let at = format!("messages[{at}]");
        let allowed: &[&str] = match text(&message["role"]) {
            "assistant" => &["thinking", "tool_calls"],
            "tool" => &["tool_call_id", "tool_name"],
            "user" => &["images"],
            "system" => &[],
            other => {
                broken.push(format!("{at}: role {other}"));
                continue;
            }
        };
        keys(&at, message, allowed, &["role", "content"], broken);
        kind(
            message,
            &["content", "thinking", "tool_name"],
            Value::is_string,
            broken,
        );
        for image in list(&message["images"]) {
            let image = text(image);
            let is_bare = !image.is_empty() && !image.contains(':');
            rule(is_bare, || format!("{at}: image {image}"), broken);
        }
        for call in list(&message["tool_calls"]) {
            keys(&at, call, &["id"], &["function"], broken);
            let function = &call["function"];
            keys(&at, function, &["index"], &["name", "arguments"], broken);
            let is_object = function["arguments"].is_object();
            rule(is_object, || format!("{at}: arguments {function}"), broken);
        }
        let named = message["role"] != "tool" || message.get("tool_name").is_some();
        rule(named, || format!("{at}: a result of no tool"), broken);
    }
    answered(messages, broken);
}

/// Whether the results after a message are for its calls, one each.
fn answered(messages: &[Value], broken: &mut Broken) {
    let mut open: Vec<&str> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        if message["role"] == "tool" {
            let id = text(&message["tool_call_id"]);
            let found = open.iter().position(|known| *known == id);
            rule(
                found.is_some(),
                || format!("messages[{at}]: {id} answers nothing"),
                broken,
            );
            if let Some(found) = found {
                open.remove(found);
            }
            continue;
        }
        rule(
            open.is_empty(),
            || format!("messages[{at}]: {open:?} unanswered"),
            broken,
        );
        let calls = list(&message["tool_calls"]).iter();
        open = calls.map(|call| text(&call["id"])).collect();
    }
    rule(
        open.is_empty(),
        || format!("messages: {open:?} unanswered"),
        broken,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lawful::chat::tests::check;

    #[test]
    fn a_good_body_is_good_and_each_bad_one_is_bad() {
        let good = json!({
            "model": "m",
            "messages": [
                {"role": "user", "content": "u", "images": ["AAAA"]},
                {"role": "assistant", "content": "", "thinking": "thought-plain", "tool_calls": [
                    {"id": "a", "function": {"index": 0, "name": "f", "arguments": {}}}
                ]},
                {"role": "tool", "content": "r", "tool_name": "f", "tool_call_id": "a"},
            ],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
            "think": false,
            "format": "json",
            "options": {"num_predict": 1, "stop": ["x"]},
        });
        check(
            &good,
            |body| broken(body, Abilities::UNKNOWN),
            &[
                ("/seed", json!(7)),
                ("/shift", json!(false)),
                ("/think", json!("much")),
                ("/format", json!("xml")),
                ("/top_logprobs", json!(21)),
                ("/options/num_predict", json!(0)),
                ("/options/stop", json!("x")),
                ("/options/seed", json!(1.5)),
                ("/options/logit_bias", json!({})),
                ("/messages", json!([])),
                ("/messages/0/role", json!("developer")),
                ("/messages/0/content", json!([])),
                ("/messages/0/name", json!("Ann")),
                ("/messages/0/images/0", json!("data:image/png;base64,AAAA")),
                ("/messages/1/tool_calls/0/function/arguments", json!("{}")),
                ("/messages/1/thinking", json!("thought-anthropic")),
                ("/messages/2", Value::Null),
                ("/messages/2/tool_call_id", json!("b")),
                ("/messages/2/tool_name", Value::Null),
                ("/tools/0/function/name", Value::Null),
            ],
        );
    }
}
