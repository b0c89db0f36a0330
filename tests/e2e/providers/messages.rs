//! Anthropic's own API: what goes there, and what a caller of one body gets of its stream.

use serde_json::{Value, json};

use super::{SECRET, start};
use crate::gateway::asking;
use crate::messages;
use crate::rules::ANTHROPIC_SIGNATURE;
use crate::upstream::Upstream;

#[test]
fn the_key_goes_to_anthropic_in_its_own_header_and_nowhere_else() {
    let claude = Upstream::playing([messages::stream(&["Here."])]);
    let gateway = start(&[("claude", messages::target(&claude))]);

    let answer = gateway.chat(&asking("Hi"));

    assert_eq!(answer.text(), "Here.", "{answer:?}");
    let seen = claude.only();
    assert_eq!(seen.line(), "POST /v1/messages");
    assert_eq!(seen.head.header("x-api-key"), Some(SECRET));
    assert_eq!(seen.head.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(seen.head.header("authorization"), None, "{seen:?}");
    assert!(!seen.body.contains(SECRET), "{seen:?}");
    let log = gateway.log_lines(1).join("\n");
    assert!(!log.contains(SECRET), "{log}");
    assert!(!format!("{answer:?}").contains(SECRET), "{answer:?}");
}

#[test]
fn a_caller_of_one_body_gets_all_that_anthropic_streamed() {
    let arguments = |text: &str| {
        let (first, second) = text.split_at(text.len() / 2);
        [first.to_owned(), second.to_owned()]
    };
    let weather = messages::calls(2, "toolu_1", "weather", &arguments(r#"{"city":"Oslo"}"#));
    // Nothing is streamed for no arguments.
    let now = messages::calls(3, "toolu_2", "now", &arguments(""));
    let usage = json!({
        "input_tokens": 5,
        "cache_read_input_tokens": 30,
        "cache_creation_input_tokens": 7,
        "output_tokens": 1,
    });
    let begun = messages::begun("claude-sonnet-5-2026", usage).chunk(&messages::thinks(
        0,
        "Let me see.",
        ANTHROPIC_SIGNATURE,
    ));
    let answer = messages::saying_on(begun, 1, &["I look ", "at both."])
        .chunk(&messages::closes(1))
        .chunk(&weather.concat())
        .chunk(&messages::ping())
        .chunk(&now.concat())
        .chunk(&messages::ends("tool_use"))
        .end();
    let claude = Upstream::playing([answer]);
    let gateway = start(&[("claude", messages::target(&claude))]);
    let tool = |name: &str| {
        let parameters = json!({ "type": "object", "properties": {} });
        json!({ "type": "function", "function": { "name": name, "parameters": parameters } })
    };
    let mut question = asking("The weather in Oslo, and the time?");
    question["tools"] = json!([tool("weather"), tool("now")]);

    let answer = gateway.chat(&question);

    assert_eq!(claude.only().json()["stream"], true);
    let told = answer.json();
    assert_eq!(told["object"], "chat.completion", "{told}");
    assert_eq!(told["model"], "claude-sonnet-5-2026", "{told}");
    let choice = &told["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls", "{told}");
    let message = &choice["message"];
    assert_eq!(message["role"], "assistant", "{told}");
    assert_eq!(message["content"], "I look at both.", "{told}");
    assert_eq!(message["reasoning"], "Let me see.", "{told}");
    let details = message["reasoning_details"].as_array().unwrap();
    let text: String = details
        .iter()
        .filter_map(|it| it["text"].as_str())
        .collect();
    assert_eq!(text, "Let me see.", "{told}");
    let signed = |it: &&Value| it["signature"] == ANTHROPIC_SIGNATURE;
    assert_eq!(details.iter().filter(signed).count(), 1, "{told}");
    assert!(
        details
            .iter()
            .all(|it| it["format"] == "pilotlight.anthropic-v1"),
        "{told}"
    );
    let call = |id: &str, name: &str, arguments: &str| {
        json!({
            "id": id,
            "type": "function",
            "function": { "name": name, "arguments": arguments },
        })
    };
    let expected = json!([
        call("toolu_1", "weather", r#"{"city":"Oslo"}"#),
        call("toolu_2", "now", "{}"),
    ]);
    assert_eq!(message["tool_calls"], expected, "{told}");
    let usage = &told["usage"];
    assert_eq!(usage["prompt_tokens"], 42, "{told}");
    assert_eq!(usage["completion_tokens"], 2, "{told}");
    assert_eq!(usage["total_tokens"], 44, "{told}");
    assert_eq!(
        usage["prompt_tokens_details"]["cached_tokens"], 30,
        "{told}"
    );
}
