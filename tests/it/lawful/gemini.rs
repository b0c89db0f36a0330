//! The rules of Gemini's endpoint in OpenAI's dialect: no name that it does not know, and each turn's
//! first call signed.
//!
//! Sources: <https://ai.google.dev/gemini-api/docs/openai> and
//! <https://ai.google.dev/gemini-api/docs/thought-signatures>, and what it was seen to refuse.

use pilotlight::models::{Abilities, Ability};
use serde_json::Value;

use crate::lawful::chat::{self, Law};
use crate::lawful::openai::numbers;
use crate::lawful::rules::{Broken, list, no_foreign, no_nulls, rule, text};

const LAW: Law = Law {
    fields: Some(&[
        "extra_body",
        "max_completion_tokens",
        "max_tokens",
        "n",
        "reasoning_effort",
        "response_format",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
    ]),
    roles: &["assistant", "system", "tool", "user"],
    members: |role| match role {
        "assistant" => &["tool_calls"],
        "tool" => &["name", "tool_call_id"],
        _ => &[],
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
    is_name,
    call: &["extra_content"],
    tool: &[],
    function: &[],
    choices: &["auto", "none", "required"],
    stops: 5,
    tools: 128,
};

fn is_name(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    starts && name.len() <= 64 && name.chars().all(is_legal)
}

/// What is wrong with a body for Gemini.
pub(super) fn broken(body: &Value, abilities: Abilities) -> Broken {
    let mut broken = chat::broken(body, &LAW);
    numbers(body, &mut broken);
    no_foreign(body, &["google"], &mut broken);
    let written = body["messages"].to_string();
    for alien in ["enc-google", "thought-google"] {
        rule(
            !written.contains(alien),
            || format!("{alien}: no field for it"),
            &mut broken,
        );
    }
    no_nulls("", body, &mut broken);
    let messages = list(&body["messages"]);
    let first = messages.iter().find(|message| message["role"] != "system");
    let asked = first.is_some_and(|message| message["role"] == "user");
    rule(
        asked,
        || "messages: the first is not the user's".to_owned(),
        &mut broken,
    );
    let late = messages
        .iter()
        .skip_while(|message| message["role"] == "system");
    let late = late.filter(|message| message["role"] == "system").count();
    let takes = !abilities.lacks(Ability::LateSystem);
    rule(
        late == 0 || takes,
        || "messages: a late system message".to_owned(),
        &mut broken,
    );
    for (at, message) in messages.iter().enumerate() {
        let Some(call) = list(&message["tool_calls"]).first() else {
            continue;
        };
        let signature = &call["extra_content"]["google"]["thought_signature"];
        rule(
            !text(signature).is_empty(),
            || format!("messages[{at}]: not signed"),
            &mut broken,
        );
    }
    broken
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
        let mut body = good();
        let signed = json!({"google": {"thought_signature": "sig-google"}});
        body["messages"][2]["tool_calls"][0]["extra_content"] = signed;
        check(&body, it, &bad());
        check(
            &body,
            it,
            &[
                ("/seed", json!(7)),
                ("/presence_penalty", json!(1)),
                ("/logprobs", json!(true)),
                ("/parallel_tool_calls", json!(false)),
                ("/messages/0/role", json!("developer")),
                ("/messages/1", Value::Null),
                ("/messages/5", json!({"role": "system", "content": "late"})),
                ("/messages/2/tool_calls/0/extra_content", Value::Null),
                ("/messages/2/reasoning_details", json!([])),
                ("/messages/2/content", json!("thought-google")),
                ("/messages/1/name", json!("Ann")),
                ("/tools/0/function/name", json!("7up")),
            ],
        );
    }
}
