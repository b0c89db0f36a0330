//! One company in the place of another: in the middle of a conversation with tools, and in the middle of
//! an answer.

use serde_json::{Value, json};

use super::{company, start};
use crate::caller::{Streamed, attempts};
use crate::gateway::{Gateway, asking, home};
use crate::messages;
use crate::rules::{self, Rules};
use crate::upstream::{Reply, Upstream};
use crate::wire::{self, named_event};

/// A conversation that has come to the results of two calls, which a Claude made and thought of.
fn amid_tools() -> Value {
    let call = |id: &str, city: &str| {
        let arguments = json!({ "city": city }).to_string();
        json!({
            "id": id,
            "type": "function",
            "function": { "name": "weather", "arguments": arguments },
        })
    };
    let result =
        |id: &str, words: &str| json!({ "role": "tool", "tool_call_id": id, "content": words });
    let [oslo, moss] = [
        "toolu_01A09q90qw90lq917835lq9",
        "toolu_01B09q90qw90lq917835lq9",
    ];
    let parameters = json!({
        "type": "object",
        "properties": { "city": { "type": "string" } },
        "required": ["city"],
    });
    let thought = json!({
        "type": "reasoning.text",
        "text": "Both.",
        "signature": rules::ANTHROPIC_SIGNATURE,
        "format": "pilotlight.anthropic-v1",
        "index": 0,
    });
    json!({
        "model": "auto",
        "messages": [
            { "role": "system", "content": "You are a clerk." },
            { "role": "user", "content": "The weather in Oslo and Moss?" },
            {
                "role": "assistant",
                "content": null,
                "reasoning": "Both.",
                "reasoning_details": [thought],
                "tool_calls": [call(oslo, "Oslo"), call(moss, "Moss")],
            },
            // Results come in the order in which the tools are done.
            result(moss, "Moss: 9"),
            result(oslo, "Oslo: 7"),
        ],
        "tools": [{ "type": "function", "function": { "name": "weather", "parameters": parameters } }],
    })
}

/// Anthropic's error inside a stream, before anything was said.
fn overloaded_inside() -> Reply {
    let error = messages::error("overloaded_error", "Overloaded, tell-tale.");
    messages::begun("claude-sonnet-5-2026", json!({}))
        .chunk(&named_event(&error))
        .end()
}

/// A Mistral that answers as it does: an id that is not one of its own is refused.
fn mistral(words: Option<&'static str>) -> Upstream {
    Upstream::answering(move |seen| {
        let broken = rules::broken(Rules::Mistral, seen);
        match words {
            _ if !broken.is_empty() => wire::api(
                400,
                &json!({ "object": "error", "message": broken.join("; "), "code": "3280" }),
            ),
            Some(words) if seen.json()["stream"] == true => wire::stream(&[words]),
            Some(words) => wire::completion(words),
            None => wire::api(
                503,
                &json!({ "object": "error", "message": "No.", "code": "3505" }),
            ),
        }
    })
}

struct Clerks {
    claude: Upstream,
    mistral: Upstream,
    home: Upstream,
    gateway: Gateway,
}

fn clerks(claude: Reply, words: Option<&'static str>) -> Clerks {
    let claude = Upstream::playing([claude]);
    let mistral = mistral(words);
    let box_ = Upstream::answering(|seen| {
        if seen.json()["stream"] == false {
            wire::ollama("Home says 7 and 9.")
        } else {
            wire::ollama_stream(&["Home says ", "7 and 9."])
        }
    });
    let gateway = start(&[
        ("claude", messages::target(&claude)),
        ("mistral", company("mistral", &mistral)),
        ("box", home(&box_)),
    ]);
    Clerks {
        claude,
        mistral,
        home: box_,
        gateway,
    }
}

impl Clerks {
    /// Each was sent what it takes, and nothing that is another's.
    fn keep_the_rules(&self) {
        for (rules, upstream) in [
            (Rules::Anthropic, &self.claude),
            (Rules::Mistral, &self.mistral),
            (Rules::Ollama, &self.home),
        ] {
            for seen in upstream
                .seen()
                .iter()
                .filter(|seen| seen.line().contains("POST /"))
            {
                let is_chat = seen.json().get("messages").is_some();
                let broken = if is_chat {
                    rules::broken(rules, seen)
                } else {
                    Vec::new()
                };
                assert!(broken.is_empty(), "{rules:?}: {broken:#?}\n{}", seen.body);
            }
        }
    }
}

#[test]
fn a_conversation_with_tools_goes_on_at_mistral_where_anthropic_is_full() {
    let full = wire::api(529, &messages::error("overloaded_error", "Overloaded."));
    for (reply, outcome) in [(full, "overloaded"), (overloaded_inside(), "overloaded")] {
        let clerks = clerks(reply, Some("It is 7 and 9."));

        let whole = clerks.gateway.chat(&amid_tools());
        let stream = clerks.gateway.stream(&amid_tools()).streamed();

        assert_eq!(whole.text(), "It is 7 and 9.", "{whole:?}");
        assert_eq!(stream.text(), "It is 7 and 9.", "{stream:?}");
        let expected = [format!("claude:{outcome}"), "mistral:ok".to_owned()];
        assert_eq!(whole.attempts(), expected);
        assert_eq!(attempts(stream.disclosure().unwrap()), expected);
        assert!(!whole.body.contains("tell-tale"), "{whole:?}");
        clerks.keep_the_rules();
        assert_eq!((clerks.mistral.count(), clerks.home.count()), (2, 0));
    }
}

#[test]
fn a_conversation_with_tools_goes_on_at_home_where_no_cloud_is_left() {
    let clerks = clerks(overloaded_inside(), None);

    let whole = clerks.gateway.chat(&amid_tools());
    let stream = clerks.gateway.stream(&amid_tools()).streamed();

    for (text, told) in [
        (whole.text(), whole.attempts()),
        (stream.text(), attempts(stream.disclosure().unwrap())),
    ] {
        assert_eq!(text, "Home says 7 and 9.");
        assert_eq!(told, ["claude:overloaded", "mistral:overloaded", "box:ok"]);
    }
    clerks.keep_the_rules();
}

pub(super) const BEGUN: [&str; 2] = [
    "The pilot light is a small flame ",
    "that never goes out, whatever hap",
];
pub(super) const GOES_ON: [&str; 2] = [
    "that never goes out, whatever happens ",
    "to the rest of the stove.",
];
pub(super) const WHOLE: &str = "The pilot light is a small flame that never goes out, whatever happens to the rest \
     of the stove.";

/// A Claude that breaks off, and OpenAI next to it.
pub(super) fn broken(claude: Reply, next: &[&str]) -> (Upstream, Upstream, Gateway) {
    let claude = Upstream::playing([claude.reset()]);
    let next = Upstream::playing([wire::stream(next)]);
    let gateway = start(&[
        ("claude", messages::target(&claude)),
        ("next", company("openai", &next)),
    ]);
    (claude, next, gateway)
}

fn thoughts(stream: &Streamed) -> String {
    let deltas = stream
        .chunks
        .iter()
        .map(|chunk| &chunk["choices"][0]["delta"]);
    deltas
        .filter_map(|delta| delta["reasoning"].as_str())
        .collect()
}

#[test]
fn an_answer_that_anthropic_breaks_off_is_one_answer_with_the_rest_by_openai() {
    let (claude, next, gateway) = broken(messages::said(&BEGUN), &GOES_ON);

    let answer = gateway.stream(&asking("What is a pilot light?")).streamed();

    assert_eq!(answer.text(), WHOLE, "{answer:?}");
    assert!(answer.done && answer.finish_reason() == Some("stop"));
    let told = answer.disclosure().unwrap();
    assert_eq!(attempts(told), ["claude:stream_cut", "next:ok"]);
    let parts = told["pilotlight"]["parts"].as_array().unwrap();
    assert_eq!(
        (&parts[0]["target"], &parts[1]["target"]),
        (&json!("claude"), &json!("next"))
    );
    assert_eq!((claude.count(), next.count()), (1, 1));
}

#[test]
fn thoughts_before_a_break_are_neither_lost_nor_taken_for_the_answer() {
    let thought = messages::thinks(0, "A flame, surely.", rules::ANTHROPIC_SIGNATURE);
    let begun = messages::begun("claude-sonnet-5-2026", json!({})).chunk(&thought);
    let said = messages::saying_on(begun.clone(), 1, &BEGUN);
    for (claude, next) in [(begun, &[WHOLE][..]), (said, &GOES_ON[..])] {
        let (_claude, next, gateway) = broken(claude, next);

        let answer = gateway.stream(&asking("What is a pilot light?")).streamed();

        assert_eq!(answer.text(), WHOLE, "{answer:?}");
        assert!(answer.done && answer.finish_reason() == Some("stop"));
        let told = answer.disclosure().unwrap();
        assert_eq!(attempts(told), ["claude:stream_cut", "next:ok"]);
        // They went out as they came.
        assert_eq!(thoughts(&answer), "A flame, surely.", "{answer:?}");
        // Whose signature it is, it stays with.
        let sent = next.only().body;
        assert!(!sent.contains(rules::ANTHROPIC_SIGNATURE), "{sent}");
        assert!(!sent.contains("A flame, surely."), "{sent}");
    }
}
