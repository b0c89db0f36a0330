//! What a target cannot serve is the next one's to answer, and what it is not told is named.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{SECRET, company, start};
use crate::gateway::{Setup, asking, chain, cloud, with};
use crate::messages;
use crate::upstream::Upstream;
use crate::wire;

/// A request that a target cannot serve.
struct Row {
    name: &'static str,
    /// What it asks beside words.
    asks: Value,
    /// The field that is named.
    field: &'static str,
    /// The target that cannot serve it.
    first: fn(&Upstream) -> Value,
}

fn rows() -> Vec<Row> {
    let content = |part: Value| {
        let text = json!({ "type": "text", "text": "What is this?" });
        json!({ "messages": [{ "role": "user", "content": [text, part] }] })
    };
    let picture = json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw0KGgo=" } });
    let sound =
        json!({ "type": "input_audio", "input_audio": { "data": "UklGRg==", "format": "wav" } });
    let row = |name, asks, field, first| Row {
        name,
        asks,
        field,
        first,
    };
    vec![
        row("n", json!({ "n": 2 }), "n", messages::target),
        row(
            "logprobs",
            json!({ "logprobs": true }),
            "logprobs",
            messages::target,
        ),
        row(
            "seed-and-stop",
            json!({ "seed": 7, "stop": ["."] }),
            "seed",
            messages::target,
        ),
        row(
            "sound",
            content(sound),
            "messages.content.input_audio",
            messages::target,
        ),
        row(
            "picture",
            content(picture),
            "messages.content.image_url",
            |upstream| with(company("groq", upstream), json!({ "cannot": ["images"] })),
        ),
        row(
            "logprobs-too",
            json!({ "logprobs": true }),
            "logprobs",
            |upstream| company("groq", upstream),
        ),
    ]
}

#[test]
fn what_a_target_cannot_serve_goes_to_the_next_or_is_refused_by_its_name() {
    let never = Upstream::playing([wire::api(500, &json!({}))]);
    let next = Upstream::answering(|seen| {
        let choices = (0..seen.json()["n"].as_u64().unwrap_or(1)).map(|index| {
            let message = json!({ "role": "assistant", "content": "Here." });
            json!({ "index": index, "message": message, "finish_reason": "stop" })
        });
        let choices: Vec<Value> = choices.collect();
        wire::api(200, &json!({ "id": "1", "model": "m", "choices": choices }))
    });
    let mut config = chain(&[("next", cloud(&next))]);
    let rows = rows();
    for Row { name, first, .. } in &rows {
        config["targets"][format!("{name}-first")] = first(&never);
        config["routes"][*name] = json!([format!("{name}-first"), "next"]);
    }
    let gateway = Setup::new(config).secret("UPSTREAM_KEY", SECRET).start();
    for Row {
        name, asks, field, ..
    } in &rows
    {
        let mut question = with(asking("Hi"), asks.clone());
        question["model"] = (*name).into();

        let answer = gateway.chat(&question);

        assert_eq!(answer.text(), "Here.", "{name}: {answer:?}");
        let attempts = answer.head.header("x-pilotlight-attempts");
        let expected = format!("{name}-first:unsupported:{field},next:ok");
        assert_eq!(attempts, Some(&*expected), "{name}");
        let told = &answer.json()["pilotlight"]["attempts"][0];
        assert_eq!(told["outcome"], "unsupported", "{name}: {told}");
        assert_eq!(told["field"], *field, "{name}: {told}");

        question["model"] = format!("{name}-first").into();
        let refusal = gateway.chat(&question);

        assert_eq!(refusal.status, 400, "{name}: {refusal:?}");
        let error = &refusal.json()["error"];
        assert_eq!(error["type"], "invalid_request_error", "{error}");
        assert_eq!(error["code"], "unsupported_parameter", "{error}");
        assert_eq!(error["param"], *field, "{error}");
        let words = error["message"].as_str().unwrap();
        assert!(words.contains(field), "{error}");
    }
    assert_eq!(never.count(), 0);
    assert_eq!(next.count(), rows.len());
}

#[test]
fn what_a_target_is_not_told_is_named_to_callers_of_one_body_and_of_a_stream() {
    let upstreams = [(), ()].map(|()| {
        Upstream::answering(|seen| {
            if seen.line().contains("/v1/messages") {
                messages::stream(&["Here."])
            } else if seen.json()["stream"] == true {
                wire::stream(&["Here."])
            } else {
                wire::completion("Here.")
            }
        })
    });
    let gateway = start(&[
        (
            "claude",
            with(
                messages::target(&upstreams[0]),
                json!({ "cannot": ["sampling"] }),
            ),
        ),
        ("mistral", company("mistral", &upstreams[1])),
    ]);
    for (name, upstream, lost) in [
        (
            "claude",
            &upstreams[0],
            &[
                "metadata",
                "presence_penalty",
                "prompt_cache_key",
                "service_tier",
                "store",
                "temperature",
                "user",
                "verbosity",
            ][..],
        ),
        (
            "mistral",
            &upstreams[1],
            &["service_tier", "store", "user", "verbosity"],
        ),
    ] {
        let mut question = with(asking("Hi"), asked());
        question["model"] = name.into();

        let whole = gateway.chat(&question);
        let stream = gateway.stream(&question).streamed();

        assert_eq!(whole.text(), "Here.");
        assert_eq!(stream.text(), "Here.");
        let expected: BTreeSet<&str> = lost.iter().copied().collect();
        for head in [&whole.head, &stream.head] {
            let header = head.header("x-pilotlight-dropped").unwrap_or_default();
            assert_eq!(
                header.split(',').collect::<BTreeSet<_>>(),
                expected,
                "{name}"
            );
        }
        for told in [&whole.json(), stream.disclosure().unwrap()] {
            let told = told["pilotlight"]["dropped"].as_array().unwrap();
            let told: BTreeSet<&str> = told.iter().filter_map(Value::as_str).collect();
            assert_eq!(told, expected, "{name}");
        }
        for seen in upstream.seen() {
            let body = seen.json();
            for name in lost {
                assert_eq!(body.get(name), None, "{name}: {body}");
            }
        }
    }
}

/// What a request to OpenAI may ask, which knows all of it.
fn asked() -> Value {
    json!({
        "metadata": { "job": "nightly" },
        "store": true,
        "user": "jane@example.com",
        "verbosity": "low",
        "prompt_cache_key": "nightly",
        "service_tier": "flex",
        "temperature": 0.3,
        "presence_penalty": 0.5,
        "n": 1,
        "logprobs": false,
        "tool_choice": "auto",
    })
}
