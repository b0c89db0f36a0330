//! Mistral's rules: no key that it does not know, anywhere, and ids of nine letters and digits.
//!
//! Source: the Python SDK 3.7 (`models/chatcompletionrequest.py` and the types that it names).

use pilotlight::models::{Abilities, Ability};
use serde_json::Value;

use crate::lawful::chat::{self, Law};
use crate::lawful::openai::{ends_with_a_question, numbers};
use crate::lawful::rules::{Broken, is_word, list, no_foreign, no_nulls, rule, text};

const LAW: Law = Law {
    fields: Some(&[
        "frequency_penalty",
        "guardrails",
        "logprobs",
        "max_tokens",
        "metadata",
        "min_tokens",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_mode",
        "random_seed",
        "reasoning_effort",
        "repetition_penalty",
        "response_format",
        "safe_prompt",
        "service_tier",
        "stop",
        "stream",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_logprobs",
        "top_p",
    ]),
    roles: &["assistant", "system", "tool", "user"],
    members: |role| match role {
        "assistant" => &["prefix", "tool_calls"],
        "tool" => &["name", "tool_call_id"],
        _ => &[],
    },
    parts: |role| match role {
        "user" => &[
            ("text", &["text"]),
            ("image_url", &["image_url"]),
            ("document_url", &["document_url", "document_name"]),
            ("input_audio", &["input_audio"]),
        ],
        _ => &[("text", &["text"])],
    },
    is_id: |id| id.len() == 9 && id.chars().all(|c| c.is_ascii_alphanumeric()),
    is_name: |name| is_word(name, 256),
    call: &["index"],
    tool: &[],
    function: &["parameters"],
    choices: &["any", "auto", "none", "required"],
    stops: usize::MAX,
    tools: usize::MAX,
};

/// What is wrong with a body for Mistral.
pub(super) fn broken(body: &Value, abilities: Abilities) -> Broken {
    let mut broken = chat::broken(body, &LAW);
    numbers(body, &mut broken);
    no_foreign(body, &[], &mut broken);
    no_nulls("", body, &mut broken);
    ends_with_a_question(body, &mut broken);
    for (at, message) in list(&body["messages"]).iter().enumerate() {
        let says = message.get("content").is_some_and(|content| *content != "");
        let speaks = says || !list(&message["tool_calls"]).is_empty();
        let kept = message["role"] != "assistant" || speaks;
        rule(
            kept,
            || format!("messages[{at}]: an assistant without a word"),
            &mut broken,
        );
    }
    let messages = list(&body["messages"]).iter();
    let mut later = messages.skip_while(|message| message["role"] == "system");
    let late = later.any(|message| message["role"] == "system");
    let takes = !abilities.lacks(Ability::LateSystem);
    rule(
        !late || takes,
        || "messages: a late system message".to_owned(),
        &mut broken,
    );
    let named = body.pointer("/response_format/json_schema");
    if let Some(named) = named {
        rule(
            named["schema"].is_object(),
            || "response_format: no schema".to_owned(),
            &mut broken,
        );
    }
    for schema in schemas(body) {
        for name in ["$id", "$schema"] {
            rule(
                schema.get(name).is_none(),
                || format!("a schema's {name}"),
                &mut broken,
            );
        }
    }
    if let Some(key) = body.get("prompt_cache_key") {
        rule(
            text(key).is_ascii(),
            || format!("prompt_cache_key: {key}"),
            &mut broken,
        );
    }
    broken
}

fn schemas(body: &Value) -> impl Iterator<Item = &Value> {
    let tools = list(&body["tools"]).iter();
    let parameters = tools.map(|tool| &tool["function"]["parameters"]);
    parameters.chain(body.pointer("/response_format/json_schema/schema"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lawful::chat::tests::{bad, check, good};

    #[test]
    fn a_good_body_is_good_and_each_bad_one_is_bad() {
        let early = Abilities::UNKNOWN.without(Ability::LateSystem);
        let it = |body: &Value| broken(body, early);
        check(&good(), it, &bad());
        check(
            &good(),
            it,
            &[
                ("/max_completion_tokens", json!(7)),
                ("/seed", json!(7)),
                ("/user", json!("u")),
                ("/stream_options", json!({})),
                ("/prompt_cache_key", json!("kä")),
                ("/messages/0/role", json!("developer")),
                ("/messages/1/name", json!("Ann")),
                ("/messages/1/content/0/cache_control", json!({})),
                ("/messages/1/content", json!([{"type": "file", "file": {}}])),
                ("/messages/2/tool_calls/0/id", json!("call_1")),
                ("/messages/2/reasoning_content", json!("x")),
                ("/messages/2/refusal", json!("no")),
                ("/messages/5", json!({"role": "assistant", "content": "x"})),
                ("/messages/5", json!({"role": "system", "content": "x"})),
                ("/messages/1", json!({"role": "assistant", "content": ""})),
                ("/tools/0/function/parameters", Value::Null),
                ("/tools/0/function/parameters/$schema", json!("x")),
                ("/tools/0/cache_control", json!({})),
                (
                    "/response_format",
                    json!({"type": "json_schema", "json_schema": {"name": "x"}}),
                ),
            ],
        );
        let mut body = good();
        body["messages"][5] = json!({"role": "assistant", "content": "x", "prefix": true});
        assert_eq!(it(&body), Broken::new());
    }
}
