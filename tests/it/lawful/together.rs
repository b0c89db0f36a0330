//! Together's rules.
//!
//! Source: the Python SDK 3.1 (`types/chat/completion_create_params.py`).

use pilotlight::models::Abilities;
use serde_json::Value;

use crate::lawful::chat::{self, Law};
use crate::lawful::openai::numbers;
use crate::lawful::rules::{Broken, is_word, kind, no_foreign, no_nulls};

const LAW: Law = Law {
    fields: Some(&[
        "chat_template_kwargs",
        "compliance",
        "context_length_exceeded_behavior",
        "echo",
        "frequency_penalty",
        "function_call",
        "logit_bias",
        "logprobs",
        "max_tokens",
        "min_p",
        "n",
        "presence_penalty",
        "reasoning",
        "reasoning_effort",
        "repetition_penalty",
        "response_format",
        "safety_model",
        "seed",
        "stop",
        "stream",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    ]),
    roles: &["assistant", "function", "system", "tool", "user"],
    members: |role| match role {
        "assistant" => &["name", "tool_calls"],
        "tool" => &["name", "tool_call_id"],
        _ => &["name"],
    },
    parts: |role| match role {
        "user" => &[
            ("text", &["text"]),
            ("image_url", &["image_url"]),
            ("input_audio", &["input_audio"]),
        ],
        _ => &[("text", &["text"])],
    },
    is_id: |id| !id.is_empty(),
    is_name: |name| is_word(name, 64),
    call: &["index"],
    tool: &[],
    function: &[],
    choices: &["auto", "none", "required"],
    stops: usize::MAX,
    tools: 128,
};

/// What is wrong with a body for Together.
pub(super) fn broken(body: &Value, _: Abilities) -> Broken {
    let mut broken = chat::broken(body, &LAW);
    numbers(body, &mut broken);
    no_foreign(body, &[], &mut broken);
    no_nulls("", body, &mut broken);
    kind(body, &["logprobs"], Value::is_u64, &mut broken);
    kind(body, &["stop"], Value::is_array, &mut broken);
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
                ("/max_completion_tokens", json!(7)),
                ("/parallel_tool_calls", json!(false)),
                ("/user", json!("u")),
                ("/stream_options", json!({})),
                ("/logprobs", json!(true)),
                ("/stop", json!("END")),
                ("/messages/1/content/0/cache_control", json!({})),
                ("/messages/2/tool_calls/0/extra_content", json!({})),
                ("/messages/2/refusal", json!("no")),
            ],
        );
    }
}
