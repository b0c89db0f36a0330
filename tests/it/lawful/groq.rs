//! Groq's rules.
//!
//! Source: the Python SDK 1.7 (`types/chat/completion_create_params.py`), and
//! <https://console.groq.com/docs/openai>, which lists what is refused although the types have it.

use pilotlight::models::Abilities;
use serde_json::Value;

use crate::lawful::chat::{self, Law};
use crate::lawful::openai::numbers;
use crate::lawful::rules::{Broken, is_word, no_foreign, no_nulls, rule};

const LAW: Law = Law {
    fields: Some(&[
        "citation_options",
        "compound_custom",
        "disable_tool_validation",
        "documents",
        "function_call",
        "functions",
        "include_reasoning",
        "max_completion_tokens",
        "n",
        "parallel_tool_calls",
        "reasoning_effort",
        "reasoning_format",
        "response_format",
        "search_settings",
        "seed",
        "service_tier",
        "stop",
        "stream",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
        "user",
    ]),
    roles: &["assistant", "function", "system", "tool", "user"],
    members: |role| match role {
        "assistant" => &["function_call", "tool_calls"],
        "tool" => &["tool_call_id"],
        "function" => &["name"],
        _ => &[],
    },
    parts: |role| match role {
        "user" => &[("text", &["text"]), ("image_url", &["image_url"])],
        _ => &[("text", &["text"])],
    },
    is_id: |id| !id.is_empty(),
    is_name: |name| is_word(name, 64),
    call: &[],
    tool: &[],
    function: &[],
    choices: &["auto", "none", "required"],
    stops: 4,
    tools: 128,
};

/// What is wrong with a body for Groq.
pub(super) fn broken(body: &Value, _: Abilities) -> Broken {
    let mut broken = chat::broken(body, &LAW);
    numbers(body, &mut broken);
    no_foreign(body, &[], &mut broken);
    no_nulls("", body, &mut broken);
    let one = body.get("n").is_none_or(|n| n == 1);
    rule(one, || "n: only one".to_owned(), &mut broken);
    let include = body.get("include_reasoning").is_some();
    let both = include && body.get("reasoning_format").is_some();
    rule(
        !both,
        || "include_reasoning beside reasoning_format".to_owned(),
        &mut broken,
    );
    broken
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lawful::chat::tests::{bad, check, good};

    #[test]
    fn a_good_body_is_good_and_each_bad_one_is_bad() {
        let it = |body: &Value| broken(body, Abilities::UNKNOWN);
        check(&good(), it, &bad());
        check(
            &good(),
            it,
            &[
                ("/n", json!(2)),
                ("/logprobs", json!(true)),
                ("/top_logprobs", json!(1)),
                ("/logit_bias", json!({"1": 1})),
                ("/presence_penalty", json!(1)),
                ("/store", json!(true)),
                ("/messages/0/role", json!("developer")),
                ("/messages/1/name", json!("Ann")),
                ("/messages/1/content/0/cache_control", json!({})),
                ("/messages/1/content", json!([{"type": "file", "file": {}}])),
                ("/messages/2/reasoning", json!("x")),
            ],
        );
        let mut body = good();
        body["tools"][0]["function"]["strict"] = Value::Null;
        assert!(!it(&body).is_empty());
        let mut body = good();
        let tool = body["tools"][0].clone();
        let numbered = |n: usize| {
            let mut tool = tool.clone();
            tool["function"]["name"] = json!(format!("t{n}"));
            tool
        };
        body["tools"] = (0..129).map(numbered).collect();
        assert_eq!(it(&body), ["tools: too many"]);
    }
}
