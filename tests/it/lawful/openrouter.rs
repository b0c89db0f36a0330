//! OpenRouter's rules.
//!
//! Source: the Python SDK 1.3 (`components/chatrequest.py` and the types that it names). It hands a
//! model's thoughts on to whoever made them, so `reasoning_details` of any form may go there.

use pilotlight::models::Abilities;
use serde_json::Value;

use crate::lawful::chat::{self, Law};
use crate::lawful::openai::numbers;
use crate::lawful::rules::{Broken, is_word, no_foreign, no_nulls, rule};

const LAW: Law = Law {
    fields: Some(&[
        "cache_control",
        "deferred_tools",
        "frequency_penalty",
        "image_config",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "metadata",
        "min_p",
        "modalities",
        "n",
        "parallel_tool_calls",
        "plugins",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_options",
        "provider",
        "reasoning",
        "reasoning_effort",
        "repetition_penalty",
        "response_format",
        "seed",
        "service_tier",
        "session_id",
        "stop",
        "stop_server_tools_when",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_a",
        "top_k",
        "top_logprobs",
        "top_p",
        "trace",
        "usage",
        "user",
    ]),
    roles: &["assistant", "developer", "system", "tool", "user"],
    members: |role| match role {
        "assistant" => &[
            "audio",
            "name",
            "reasoning",
            "reasoning_details",
            "refusal",
            "tool_calls",
        ],
        "tool" => &["tool_call_id"],
        _ => &["name"],
    },
    parts: |_| {
        &[
            ("text", &["text", "cache_control"]),
            ("image_url", &["image_url", "cache_control"]),
            ("file", &["file", "cache_control"]),
            ("input_audio", &["input_audio"]),
        ]
    },
    is_id: |id| !id.is_empty(),
    is_name: |name| is_word(name, 64),
    call: &[],
    tool: &["cache_control"],
    function: &[],
    choices: &["auto", "none", "required"],
    stops: 4,
    tools: 128,
};

/// What is wrong with a body for OpenRouter.
pub(super) fn broken(body: &Value, _: Abilities) -> Broken {
    let mut broken = chat::broken(body, &LAW);
    numbers(body, &mut broken);
    let mut written = body.clone();
    for message in written["messages"].as_array_mut().into_iter().flatten() {
        if let Some(message) = message.as_object_mut() {
            message.remove("reasoning_details");
            message.remove("reasoning");
        }
    }
    no_foreign(&written, &[], &mut broken);
    let told_here = body.to_string().contains("pilotlight.");
    rule(
        !told_here,
        || "what others sealed and this gateway told is theirs alone".to_owned(),
        &mut broken,
    );
    no_nulls("", &body["messages"], &mut broken);
    let both = body.get("reasoning").is_some() && body.get("reasoning_effort").is_some();
    rule(
        !both,
        || "reasoning beside reasoning_effort".to_owned(),
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
        let mut body = good();
        body["messages"][2]["reasoning_details"] = json!([{"signature": "sig-anthropic"}]);
        check(&body, it, &bad());
        check(
            &body,
            it,
            &[
                ("/models", json!(["x"])),
                ("/verbosity", json!("low")),
                ("/store", json!(true)),
                ("/messages/2/reasoning_content", json!("x")),
                ("/messages/2/tool_calls/0/extra_content", json!({})),
                ("/messages/4/name", json!("x")),
            ],
        );
        body["reasoning"] = json!({"effort": "low"});
        body["reasoning_effort"] = json!("low");
        assert_eq!(it(&body).len(), 1);
    }
}
