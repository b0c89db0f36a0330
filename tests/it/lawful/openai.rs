//! OpenAI's rules for chat completions, and what any other server of the dialect may count on.
//!
//! Source: the Python SDK 3.52 (`types/chat/completion_create_params.py` and the types that it names).

use pilotlight::models::{Abilities, Ability};
use serde_json::Value;

use crate::lawful::chat::{self, Law, Parts};
use crate::lawful::rules::{Broken, is_word, kind, list, no_foreign, no_nulls, rule, text, within};

const LAW: Law = Law {
    fields: Some(&[
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "metadata",
        "modalities",
        "moderation",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    ]),
    roles: &[
        "assistant",
        "developer",
        "function",
        "system",
        "tool",
        "user",
    ],
    members,
    parts,
    is_id: |id| !id.is_empty() && id.len() <= 64,
    is_name: |name| is_word(name, 64),
    call: &[],
    tool: &["custom"],
    function: &[],
    choices: &["allowed", "auto", "none", "required"],
    stops: 4,
    tools: 128,
};

fn members(role: &str) -> &'static [&'static str] {
    match role {
        "assistant" => &["audio", "function_call", "name", "refusal", "tool_calls"],
        "tool" => &["tool_call_id"],
        _ => &["name"],
    }
}

fn parts(role: &str) -> Parts {
    match role {
        "user" => &[
            ("text", &["text"]),
            ("image_url", &["image_url"]),
            ("file", &["file"]),
            ("input_audio", &["input_audio"]),
        ],
        "assistant" => &[("text", &["text"]), ("refusal", &["refusal"])],
        _ => &[("text", &["text"])],
    }
}

/// What is wrong with a body for one of OpenAI's models.
pub(super) fn broken(body: &Value, abilities: Abilities) -> Broken {
    let mut broken = chat::broken(body, &LAW);
    numbers(body, &mut broken);
    no_foreign(body, &[], &mut broken);
    no_nulls("", &body["messages"], &mut broken);
    let offers = body.get("tools").is_some();
    let thinks = body.get("reasoning_effort") != Some(&Value::from("none"));
    rule(
        !(offers && thinks && abilities.lacks(Ability::ThinkingTools)),
        || "reasoning_effort: it has to be none where tools are offered".to_owned(),
        &mut broken,
    );
    if abilities.lacks(Ability::Sampling) {
        for name in ["temperature", "top_p"] {
            let usual = body.get(name).is_none_or(|it| it.as_f64() == Some(1.0));
            rule(usual, || format!("{name}: it is fixed"), &mut broken);
        }
    }
    broken
}

/// What is wrong with a body for a server that nobody knows: it may take fields of its own, and takes no
/// message that OpenAI would not.
pub(super) fn broken_compatible(body: &Value, _: Abilities) -> Broken {
    const COMPATIBLE: Law = Law {
        fields: None,
        roles: &["assistant", "function", "system", "tool", "user"],
        members: |role| match role {
            "assistant" => &[
                "function_call",
                "name",
                "reasoning_content",
                "refusal",
                "tool_calls",
            ],
            "tool" => &["name", "tool_call_id"],
            _ => members(role),
        },
        parts: |_| {
            &[
                ("text", &["text", "cache_control"]),
                ("image_url", &["image_url", "cache_control"]),
                ("file", &["file", "cache_control"]),
                ("input_audio", &["input_audio"]),
                ("refusal", &["refusal"]),
            ]
        },
        is_id: |id| !id.is_empty(),
        is_name: |name| !name.is_empty(),
        tool: &["cache_control", "custom"],
        ..LAW
    };
    let mut broken = chat::broken(body, &COMPATIBLE);
    numbers(body, &mut broken);
    no_foreign(&body["messages"], &["plain"], &mut broken);
    no_nulls("", &body["messages"], &mut broken);
    broken
}

/// The bounds and kinds that all companies have from OpenAI.
pub(super) fn numbers(body: &Value, broken: &mut Broken) {
    within(body, "temperature", 0.0, 2.0, broken);
    within(body, "top_p", 0.0, 1.0, broken);
    within(body, "presence_penalty", -2.0, 2.0, broken);
    within(body, "frequency_penalty", -2.0, 2.0, broken);
    within(body, "n", 1.0, 128.0, broken);
    within(body, "max_tokens", 1.0, f64::MAX, broken);
    within(body, "max_completion_tokens", 1.0, f64::MAX, broken);
    kind(
        body,
        &["stream", "parallel_tool_calls", "store"],
        Value::is_boolean,
        broken,
    );
    kind(
        body,
        &["user", "safety_identifier", "reasoning_effort"],
        Value::is_string,
        broken,
    );
    kind(body, &["seed"], Value::is_i64, broken);
    let streamed = body["stream"] == true;
    let kept = body.get("stream_options").is_none() || streamed;
    rule(kept, || "stream_options without stream".to_owned(), broken);
    if body.get("top_logprobs").is_some() {
        within(body, "top_logprobs", 0.0, 20.0, broken);
        rule(
            body["logprobs"] == true,
            || "top_logprobs without logprobs".to_owned(),
            broken,
        );
    }
}

/// Whether the last who speaks is not the model, or is said to go on.
pub(super) fn ends_with_a_question(body: &Value, broken: &mut Broken) {
    let last = list(&body["messages"]).last();
    let kept = last.is_some_and(|last| match text(&last["role"]) {
        "assistant" => last["prefix"] == true,
        role => matches!(role, "user" | "tool"),
    });
    rule(
        kept,
        || "messages: nobody asks anything at the end".to_owned(),
        broken,
    );
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
                ("/max_tokens", json!(7)),
                ("/top_k", json!(7)),
                ("/seed", json!(1.5)),
                ("/temperature", json!(2.5)),
                ("/stop", json!(["a", "b", "c", "d", "e"])),
                ("/stream_options", json!({"include_usage": true})),
                ("/top_logprobs", json!(3)),
                ("/messages/1/content/0/cache_control", json!({})),
                ("/messages/2/reasoning", json!("x")),
                ("/messages/2/tool_calls/0/extra_content", json!({})),
                ("/messages/3/name", json!("x")),
                ("/tools/0/function/name", json!("a.b")),
                ("/tools/0/cache_control", json!({})),
            ],
        );
        let mut body = good();
        body["messages"][2]["content"] = Value::Null;
        assert!(!it(&body).is_empty());
    }

    #[test]
    fn abilities_bind() {
        let without = |ability| Abilities::UNKNOWN.without(ability);
        assert!(!broken(&good(), without(Ability::ThinkingTools)).is_empty());
        let mut body = good();
        body["reasoning_effort"] = json!("none");
        assert!(broken(&body, without(Ability::ThinkingTools)).is_empty());
        body["top_p"] = json!(0.5);
        assert!(!broken(&body, without(Ability::Sampling)).is_empty());
    }

    #[test]
    fn other_servers_may_have_more_fields_and_no_other_messages() {
        let it = |body: &Value| broken_compatible(body, Abilities::UNKNOWN);
        let mut body = good();
        body["top_k"] = json!(7);
        body["messages"][2]["reasoning_content"] = json!("x");
        check(&body, it, &bad());
        let more = [
            ("/messages/0/role", json!("developer")),
            ("/messages/2/reasoning_details", json!([])),
        ];
        check(&body, it, &more);
    }

    #[test]
    fn a_question_is_the_users_a_tools_or_one_that_goes_on() {
        let check = |last: Value, count: usize| {
            let mut broken = Broken::new();
            ends_with_a_question(&json!({"messages": [last]}), &mut broken);
            assert_eq!(broken.len(), count);
        };
        check(json!({"role": "user"}), 0);
        check(json!({"role": "assistant", "prefix": true}), 0);
        check(json!({"role": "assistant"}), 1);
        check(json!({"role": "system"}), 1);
    }
}
