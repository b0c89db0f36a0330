//! Windows: what is too long for one goes to a larger one, and the list of models tells them.

use serde_json::json;

use super::{company, start};
use crate::caller::Request;
use crate::gateway::{asking, with};
use crate::messages;
use crate::upstream::Upstream;
use crate::wire;

#[test]
fn a_conversation_that_is_too_long_for_the_first_goes_whole_to_a_larger_window() {
    let small = Upstream::playing([messages::stream(&["Small."])]);
    let large = Upstream::playing([wire::completion("Large.")]);
    let gateway = start(&[
        (
            "small",
            with(
                messages::target(&small),
                json!({ "context": 2_000, "max_output": 256 }),
            ),
        ),
        (
            "large",
            with(company("mistral", &large), json!({ "context": 100_000 })),
        ),
    ]);
    let question = asking(&"A ship and its harbour. ".repeat(1_000));

    let answer = gateway.chat(&question);

    assert_eq!(answer.text(), "Large.", "{answer:?}");
    assert_eq!(answer.attempts(), ["small:too_long", "large:ok"]);
    assert_eq!(answer.head.header("x-pilotlight-truncated"), None);
    assert_eq!(large.only().json()["messages"], question["messages"]);
    assert_eq!(small.count(), 0);

    // What fits goes to the first as before.
    let answer = gateway.chat(&asking("Hi"));
    assert_eq!(answer.text(), "Small.", "{answer:?}");
}

#[test]
fn the_list_of_models_tells_windows_and_longest_answers() {
    let upstream = Upstream::playing([wire::completion("Here.")]);
    // Only who is asked at its own address is known for what it is. It is never asked.
    let claude = with(
        messages::target(&upstream),
        json!({ "base_url": "https://api.anthropic.com" }),
    );
    let gateway = start(&[
        ("claude", claude),
        (
            "mistral",
            with(company("mistral", &upstream), json!({ "context": 100_000 })),
        ),
        ("unknown", company("compatible", &upstream)),
    ]);

    let list = gateway.send(&Request::new("GET", "/v1/models")).whole();
    let one = gateway.send(&Request::new("GET", "/v1/models/claude"));

    let list = list.json();
    let entry = |id: &str| {
        let mut entries = list["data"].as_array().unwrap().iter();
        let found = entries.find(|entry| entry["id"] == id);
        found.unwrap_or_else(|| panic!("{id} in {list}"))
    };
    assert_eq!(entry("claude")["context_length"], 1_000_000, "{list}");
    assert_eq!(entry("claude")["max_completion_tokens"], 128_000, "{list}");
    assert_eq!(entry("mistral")["context_length"], 100_000, "{list}");
    assert_eq!(entry("unknown").get("context_length"), None, "{list}");
    let route = entry("auto");
    assert_eq!(route["context_length"], 1_000_000, "{list}");
    assert_eq!(route["pilotlight"]["context_min"], 100_000, "{list}");
    assert_eq!(one.whole().json(), *entry("claude"));
    assert_eq!(upstream.count(), 0);
}
