//! The rules themselves: each finds nothing in a sound request, and what is wrong in a broken one.

use std::time::Instant;

use serde_json::{Value, json};

use super::{
    ANTHROPIC_SIGNATURE, GEMINI_SIGNATURE, OPENROUTER_SIGNATURE, RESPONSES_SECRET, Rules, broken,
};
use crate::http::Head;
use crate::upstream::Seen;

const CHAT: [Rules; 7] = [
    Rules::OpenAi,
    Rules::Groq,
    Rules::Together,
    Rules::OpenRouter,
    Rules::Compatible,
    Rules::Mistral,
    Rules::Gemini,
];

#[test]
fn a_sound_request_breaks_no_rule() {
    for rules in CHAT {
        assert_eq!(found(rules, &chat(rules)), [""; 0], "{rules:?}");
    }
    assert_eq!(found(Rules::Anthropic, &messages()), [""; 0]);
    assert_eq!(found(Rules::Responses, &responses()), [""; 0]);
    assert_eq!(found(Rules::Ollama, &ollama()), [""; 0]);
}

#[test]
fn an_id_that_a_company_refuses_is_found() {
    let check = |rules: Rules, id: &str, refused: bool| {
        let body = chat(rules).to_string().replace("DabcdEFG1", id);
        let found = found(rules, &serde_json::from_str(&body).unwrap());
        assert_eq!(!found.is_empty(), refused, "{rules:?}: {found:?}");
    };
    let vllm = format!("chatcmpl-tool-{}", "0".repeat(32));
    check(Rules::Mistral, "call_123", true);
    check(Rules::Mistral, "Dabcd_FG1", true);
    check(Rules::OpenAi, &vllm, true);
    check(Rules::OpenAi, "functions.weather:0", false);
    check(Rules::Compatible, &vllm, false);

    let body = messages()
        .to_string()
        .replace("toolu_1", "functions.weather:0");
    let found = found(Rules::Anthropic, &serde_json::from_str(&body).unwrap());
    assert!(
        found.iter().any(|rule| rule.contains("is no id")),
        "{found:?}"
    );
}

#[test]
fn a_history_out_of_order_is_found() {
    let result =
        |id: &str, content: &str| json!({ "role": "tool", "tool_call_id": id, "content": content });
    let user = json!({ "role": "user", "content": "And?" });
    let check = |change: &dyn Fn(&mut Vec<Value>), rule: &str| {
        let mut body = chat(Rules::OpenAi);
        change(body["messages"].as_array_mut().unwrap());
        let found = found(Rules::OpenAi, &body);
        assert!(
            found.iter().any(|it| it.contains(rule)),
            "{rule}: {found:?}"
        );
    };
    check(&|all| _ = all.remove(1), "speaks first");
    check(&|all| _ = all.remove(3), "have results");
    check(&|all| all.insert(3, user.clone()), "have results");
    check(
        &|all| all.push(result("another", "12:00")),
        "follows its call",
    );
    check(&|all| all[3]["content"] = "Bergen".into(), "is its own");
    check(&|all| all.truncate(3), "speaks last");
    check(
        &|all| all.extend([all[2].clone(), all[3].clone()]),
        "is used once",
    );
}

#[test]
fn a_field_that_a_company_does_not_take_is_found() {
    let check = |rules: Rules, path: &str, value: Value| {
        let mut body = chat(rules);
        let (parent, name) = path.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
        assert_ne!(found(rules, &body), [""; 0], "{rules:?}: {path}");
    };
    check(
        Rules::Mistral,
        "/stream_options",
        json!({ "include_usage": true }),
    );
    check(Rules::Gemini, "/seed", json!(7));
    check(Rules::Together, "/user", json!("me"));
    check(Rules::Groq, "/logprobs", json!(true));
    check(Rules::Groq, "/messages/2/refusal", Value::Null);
    check(
        Rules::Groq,
        "/messages/3/content",
        json!([{ "type": "text", "text": "Oslo" }]),
    );
    check(Rules::OpenAi, "/messages/2/reasoning", json!("Hm."));
    check(
        Rules::OpenAi,
        "/messages/2/tool_calls/0/extra_content",
        json!({}),
    );
    check(
        Rules::OpenAi,
        "/messages/2/tool_calls/0/function/arguments",
        json!(""),
    );
    check(Rules::Compatible, "/messages/2/tool_calls", json!([]));
    check(
        Rules::Gemini,
        "/messages/2/tool_calls/0/extra_content",
        json!({}),
    );
    check(Rules::Mistral, "/messages/0/role", json!("developer"));
}

#[test]
fn what_another_company_signed_is_found() {
    let check = |whose: &[Rules], secret: &str| {
        for rules in CHAT {
            let mut body = chat(rules);
            body["messages"][1]["content"] = secret.into();
            let found = found(rules, &body);
            let shown = found.iter().any(|rule| rule.contains("signed is not"));
            assert_eq!(shown, !whose.contains(&rules), "{secret} to {rules:?}");
        }
    };
    check(&[Rules::Gemini], GEMINI_SIGNATURE);
    check(&[Rules::OpenRouter], OPENROUTER_SIGNATURE);
    check(&[], ANTHROPIC_SIGNATURE);
    check(&[], RESPONSES_SECRET);
}

#[test]
fn a_mistake_in_a_message_to_anthropic_is_found() {
    let check = |path: &str, value: Value| {
        let mut body = messages();
        *body.pointer_mut(path).unwrap() = value;
        assert_ne!(found(Rules::Anthropic, &body), [""; 0], "{path}");
    };
    check("/stream", false.into());
    check("/max_tokens", Value::Null);
    check("/tools", json!([]));
    check("/messages/1/content/0/text", "".into());
    check("/messages/1/content/1/input", "{}".into());
    check(
        "/messages/2/content/0",
        json!({ "type": "text", "text": "First." }),
    );
    check("/messages/2/content/0/tool_use_id", "toolu_2".into());
}

#[test]
fn a_mistake_in_the_items_of_responses_is_found() {
    let check = |path: &str, value: Value| {
        let mut body = responses();
        *body.pointer_mut(path).unwrap() = value;
        assert_ne!(found(Rules::Responses, &body), [""; 0], "{path}");
    };
    check("/store", true.into());
    check("/input/1/content/0/type", "input_text".into());
    check("/input/2/call_id", "call_2".into());
    check("/input/2/id", "call_1".into());
    check("/input/2/arguments", json!({}));
    check("/input/3/output", "Bergen".into());
}

fn found(rules: Rules, body: &Value) -> Vec<String> {
    let headers = [
        ("authorization", "Bearer sk-1"),
        ("x-api-key", "sk-1"),
        ("anthropic-version", "2023-06-01"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let seen = Seen {
        at: Instant::now(),
        head: Head {
            first_line: "POST / HTTP/1.1".to_owned(),
            headers: headers.into(),
        },
        body: body.to_string(),
        left: None,
    };
    broken(rules, &seen)
}

/// A conversation with one call, in the form of a company that speaks chat completions.
fn chat(rules: Rules) -> Value {
    let mut call = json!({
        "id": "DabcdEFG1",
        "type": "function",
        "function": { "name": "weather", "arguments": "{\"city\":\"Oslo\"}" },
    });
    if rules == Rules::Gemini {
        let signature = format!("{GEMINI_SIGNATURE}1");
        call["extra_content"] = json!({ "google": { "thought_signature": signature } });
    }
    json!({
        "model": "m",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "The weather?" },
            { "role": "assistant", "content": "", "tool_calls": [call] },
            { "role": "tool", "tool_call_id": "DabcdEFG1", "content": "Oslo: 7" },
        ],
        "tools": [{ "type": "function", "function": { "name": "weather", "parameters": {} } }],
    })
}

fn messages() -> Value {
    json!({
        "model": "m",
        "max_tokens": 100,
        "stream": true,
        "system": "Be brief.",
        "messages": [
            { "role": "user", "content": "The weather?" },
            { "role": "assistant", "content": [
                { "type": "text", "text": "I look." },
                { "type": "tool_use", "id": "toolu_1", "name": "weather", "input": { "city": "Oslo" } },
            ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "toolu_1", "content": "Oslo: 7" },
                { "type": "text", "text": "And?" },
            ] },
        ],
        "tools": [{ "name": "weather", "input_schema": { "type": "object" } }],
    })
}

fn responses() -> Value {
    json!({
        "model": "m",
        "store": false,
        "instructions": "Be brief.",
        "input": [
            { "role": "user", "content": [{ "type": "input_text", "text": "The weather?" }] },
            { "type": "message", "role": "assistant", "content": [
                { "type": "output_text", "text": "I look.", "annotations": [] },
            ] },
            { "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather",
                "arguments": "{\"city\":\"Oslo\"}" },
            { "type": "function_call_output", "call_id": "call_1", "output": "Oslo: 7" },
        ],
        "tools": [{ "type": "function", "name": "weather", "parameters": {} }],
    })
}

fn ollama() -> Value {
    json!({
        "model": "m",
        "messages": [
            { "role": "user", "content": "The weather?" },
            { "role": "assistant", "content": "", "tool_calls": [
                { "function": { "name": "weather", "arguments": { "city": "Oslo" } } },
            ] },
            { "role": "tool", "tool_name": "weather", "content": "Oslo: 7" },
        ],
    })
}
