//! The errors of companies, in the forms that only they have: what each is taken for.

use serde_json::{Value, json};

use super::{SECRET, company, start};
use crate::failures::{Mode, Row, check_all, row};
use crate::gateway::asking;
use crate::messages;
use crate::upstream::{Reply, Upstream};
use crate::wire;

/// A body of the fixtures that the dialect is held to.
macro_rules! recorded {
    ($status:literal, $path:literal) => {
        Reply::whole(
            $status,
            &[("content-type", "application/json")],
            include_str!(concat!("../../fixtures/", $path)),
        )
    };
}

/// Checks that each of these is the next target's to answer, whole and streamed. `table` makes the
/// failing target's entry, which is asked without a key.
fn check(rows: impl Fn() -> Vec<Row>, table: fn(&Upstream) -> Value) {
    for mode in [Mode::Whole, Mode::Streamed] {
        check_all(&rows(), mode, table);
    }
}

/// A company's table, at this upstream.
fn keyless(name: &str, upstream: &Upstream) -> Value {
    let mut table = match name {
        "anthropic" => messages::target(upstream),
        _ => company(name, upstream),
    };
    table.as_object_mut().unwrap().remove("key");
    table
}

#[test]
fn a_mistake_in_a_key_or_a_field_and_a_lack_of_room_are_told_apart_at_gemini_and_mistral() {
    let gemini = || {
        let key = recorded!(400, "openai/gemini/error_key/400.json");
        let signature = recorded!(400, "openai/gemini/error_signature/400.json");
        vec![
            row("key", key, "credential", 1),
            row("signature", signature, "unsupported", 1),
        ]
    };
    check(gemini, |upstream| keyless("gemini", upstream));
    let mistral = || {
        let field = recorded!(422, "openai/mistral/error_extra_field/422.json");
        let capacity = recorded!(429, "openai/mistral/error_capacity/429.json");
        vec![
            row("field", field, "unsupported", 1),
            row("capacity", capacity, "overloaded", 1),
        ]
    };
    check(mistral, |upstream| keyless("mistral", upstream));
}

#[test]
fn what_is_too_long_for_groq_and_together_is_neither_throttled_nor_a_keys_fault() {
    let groq = || {
        let large = recorded!(413, "openai/groq/error_too_large_for_the_minute/413.json");
        vec![row("too-large", large, "too_long", 1)]
    };
    check(groq, |upstream| keyless("groq", upstream));
    let together = || {
        let overflow = recorded!(403, "openai/together/error_overflow/403.json");
        vec![row("overflow", overflow, "context_overflow", 1)]
    };
    check(together, |upstream| keyless("together", upstream));
}

#[test]
fn anthropic_is_asked_again_where_it_is_full_and_not_where_the_account_is_empty() {
    let anthropic = || {
        let full = recorded!(529, "anthropic/overloaded/529.json");
        let words = "Your credit balance is too low to access the Anthropic API.";
        let empty = wire::api(400, &messages::error("invalid_request_error", words));
        vec![
            row("full", full, "overloaded", 2),
            row("empty", empty, "spend_limit", 1),
        ]
    };
    check(anthropic, |upstream| keyless("anthropic", upstream));
}

#[test]
fn a_key_that_gemini_refuses_with_a_400_opens_the_breaker() {
    let gemini = Upstream::playing([recorded!(400, "openai/gemini/error_key/400.json")]);
    let next = Upstream::playing([wire::completion("Here.")]);
    let gateway = start(&[
        ("gemini", company("gemini", &gemini)),
        ("next", company("mistral", &next)),
    ]);

    let [first, second] = [(), ()].map(|()| gateway.chat(&asking("Hi")));

    assert_eq!(first.attempts(), ["gemini:credential", "next:ok"]);
    assert_eq!(second.attempts(), ["gemini:breaker_open", "next:ok"]);
    assert_eq!(gemini.count(), 1);
    let log = gateway.log_lines(2).join("\n");
    assert!(!log.contains(SECRET), "{log}");
}

/// What OpenRouter sends when the company behind it fails: comments, and an error inside a chunk.
fn breaks_off(words: &[&str]) -> Reply {
    let chunk = |choice: Value| {
        json!({
            "id": "gen-1",
            "object": "chat.completion.chunk",
            "created": 1_790_000_000,
            "model": "anthropic/claude",
            "provider": "Anthropic",
            "choices": [choice],
        })
    };
    let says = |words: &str| {
        wire::event(&chunk(json!({
            "index": 0,
            "delta": { "role": "assistant", "content": words },
            "finish_reason": null,
        })))
    };
    let mut error =
        chunk(json!({ "index": 0, "delta": { "content": "" }, "finish_reason": "error" }));
    error["error"] = json!({
        "code": 502,
        "message": "Provider disconnected, tell-tale.",
        "metadata": { "error_type": "provider_unavailable", "provider_name": "Anthropic" },
    });
    let head = Reply::chunked(200, &[("content-type", "text/event-stream")])
        .chunk(": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n");
    let said = words
        .iter()
        .fold(head, |reply, words| reply.chunk(&says(words)));
    said.chunk(&wire::event(&error))
        .chunk("data: [DONE]\n\n")
        .end()
}

#[test]
fn a_chunk_of_openrouters_with_an_error_in_it_ends_its_answer_and_no_other() {
    let words = [
        "The pilot light is a small flame ",
        "that never goes out, whatever ",
    ];
    let rest = "that never goes out, whatever happens to the stove.";
    for (said, taken_for, next) in [
        (&[][..], "overloaded", wire::stream(&["The pilot light."])),
        (&words[..], "overloaded", wire::stream(&[rest])),
    ] {
        let router = Upstream::playing([breaks_off(said)]);
        let next = Upstream::playing([next]);
        let gateway = start(&[
            ("router", company("openrouter", &router)),
            ("next", company("openai", &next)),
        ]);

        let answer = gateway.stream(&asking("What is a pilot light?")).streamed();

        assert!(answer.done, "{answer:?}");
        assert_eq!(answer.finish_reason(), Some("stop"), "{answer:?}");
        let expected = if said.is_empty() {
            "The pilot light.".to_owned()
        } else {
            words[0].to_owned() + rest
        };
        assert_eq!(answer.text(), expected, "{answer:?}");
        let told = crate::caller::attempts(answer.disclosure().unwrap());
        assert_eq!(told, [format!("router:{taken_for}"), "next:ok".to_owned()]);
        let all: String = answer.chunks.iter().map(Value::to_string).collect();
        assert!(!all.contains("tell-tale"), "{all}");
        assert_eq!((router.count(), next.count()), (1, 1));
    }
}
