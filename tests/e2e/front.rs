//! The front: the shapes of answers, the names of models, and the log line.

use serde_json::{Value, json};

use crate::caller::Request;
use crate::gateway::{Setup, asking, chain, cloud, home, with};
use crate::http::Ended;
use crate::upstream::Upstream;
use crate::wire;

#[test]
fn a_completion_is_openais_and_says_who_answered() {
    let upstream = Upstream::playing([wire::completion("Hello.")]);
    let target = with(cloud(&upstream), json!({ "key": "CLOUD_KEY" }));
    let gateway = Setup::new(chain(&[("cloud", target)]))
        .secret("CLOUD_KEY", "sk-upstream")
        .start();
    let mut question = asking("Hi");
    question["temperature"] = json!(0.5);
    question["max_completion_tokens"] = json!(64);

    let answer = gateway.chat(&question);

    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.head.header("content-type"), Some("application/json"));
    let body = answer.json();
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["choices"][0]["index"], 0);
    assert_eq!(body["choices"][0]["message"]["role"], "assistant");
    assert_eq!(body["choices"][0]["message"]["content"], "Hello.");
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    assert_eq!(body["usage"]["prompt_tokens"], wire::PROMPT_TOKENS);
    assert_eq!(body["usage"]["total_tokens"], wire::PROMPT_TOKENS + 2);
    let disclosed = &body["pilotlight"];
    assert_eq!(disclosed["target"], "cloud");
    assert_eq!(disclosed["attempts"][0]["outcome"], "ok");
    assert!(disclosed["attempts"][0]["ms"].is_u64(), "{disclosed}");
    assert_eq!(disclosed.get("truncated"), None);
    let header = |name| answer.head.header(name).map(str::to_owned);
    assert_eq!(header("x-pilotlight-target").as_deref(), Some("cloud"));
    assert_eq!(header("x-pilotlight-attempts").as_deref(), Some("cloud:ok"));
    assert_eq!(header("x-pilotlight-truncated"), None);
    assert_eq!(body["model"], "cloud-model-2026", "the upstream's own word");
    assert_eq!(disclosed["model"], "cloud-model");
    assert_eq!(header("x-pilotlight-model").as_deref(), Some("cloud-model"));
    assert_eq!(
        header("x-pilotlight-request-id").map(Value::from),
        Some(disclosed["request_id"].clone())
    );

    let seen = upstream.only();
    assert_eq!(seen.line(), "POST /v1/chat/completions");
    assert_eq!(
        seen.head.header("authorization"),
        Some("Bearer sk-upstream")
    );
    assert!(
        seen.head.header("user-agent").is_some(),
        "some edges refuse a call without one"
    );
    let sent = seen.json();
    assert_eq!(sent["model"], "cloud-model");
    assert_eq!(sent["messages"], question["messages"]);
    assert_eq!(sent["temperature"], 0.5);
    assert_ne!(sent["stream"], true);
}

#[test]
fn a_stream_is_openais_and_ends_with_usage_and_done_when_asked_for() {
    let upstream = Upstream::playing([wire::stream(&["Hel", "lo", "."])]);
    let gateway = Setup::new(chain(&[("cloud", cloud(&upstream))])).start();
    let mut question = asking("Hi");
    question["stream_options"] = json!({ "include_usage": true });

    let answer = gateway.stream(&question).streamed();

    assert_eq!(answer.status, 200);
    let kind = answer.head.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    assert_eq!(answer.head.header("x-pilotlight-target"), Some("cloud"));
    assert_eq!(
        answer.head.header("x-pilotlight-attempts"),
        Some("cloud:ok")
    );
    assert_eq!(answer.text(), "Hello.");
    assert_eq!(answer.chunks[0]["choices"][0]["delta"]["role"], "assistant");
    for chunk in &answer.chunks {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert!(
            chunk["id"].is_string() && chunk["created"].is_u64(),
            "{chunk}"
        );
    }
    assert_eq!(answer.finish_reason(), Some("stop"));
    let last = answer.chunks.last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["prompt_tokens"], wire::PROMPT_TOKENS);
    let disclosed = &answer.disclosure().expect("a chunk tells who answered")["pilotlight"];
    assert_eq!(disclosed["target"], "cloud");
    assert_eq!(disclosed["attempts"][0]["outcome"], "ok");
    assert!(answer.done);
    assert_eq!(answer.ended, Ended::InOrder);
    let sent = upstream.only().json();
    assert_eq!(sent["stream"], true);
    assert_eq!(sent["stream_options"]["include_usage"], true);
}

#[test]
fn a_stream_without_include_usage_has_no_chunk_of_usage_alone() {
    let upstream = Upstream::playing([wire::stream(&["Hello."])]);
    let gateway = Setup::new(chain(&[("cloud", cloud(&upstream))])).start();

    let answer = gateway.stream(&asking("Hi")).streamed();

    assert_eq!(answer.text(), "Hello.");
    assert!(answer.done);
    for chunk in &answer.chunks {
        assert_ne!(chunk["choices"], json!([]), "{chunk}");
    }
    let disclosed = &answer.disclosure().expect("a chunk tells who answered")["pilotlight"];
    assert_eq!(disclosed["target"], "cloud");
    assert_eq!(upstream.count(), 1);
}

#[test]
fn routes_and_targets_are_listed_as_models() {
    let upstream = Upstream::playing([]);
    let gateway = Setup::new(chain(&[
        ("cloud", cloud(&upstream)),
        ("box", home(&upstream)),
    ]))
    .start();

    let list = gateway.send(&Request::new("GET", "/v1/models")).whole();

    assert_eq!(list.status, 200);
    let list = list.json();
    assert_eq!(list["object"], "list");
    let ids: Vec<&str> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| {
            assert_eq!(model["object"], "model");
            assert!(
                model["created"].is_u64() && model["owned_by"].is_string(),
                "{model}"
            );
            model["id"].as_str().unwrap()
        })
        .collect();
    for id in ["auto", "box", "cloud"] {
        assert!(ids.contains(&id), "{ids:?}");
        let one = gateway
            .send(&Request::new("GET", &format!("/v1/models/{id}")))
            .whole();
        assert_eq!(one.status, 200);
        assert_eq!(one.json()["id"], id);
    }
    let none = gateway
        .send(&Request::new("GET", "/v1/models/nope"))
        .whole();
    assert_eq!(none.status, 404);
    assert_eq!(none.json()["error"]["code"], "model_not_found");
    assert_eq!(upstream.count(), 0, "a list asks nobody");
}

#[test]
fn health_is_told_without_a_key_and_without_asking_anybody() {
    let upstream = Upstream::playing([]);
    let gateway = Setup::new(chain(&[("cloud", cloud(&upstream))]))
        .secret("PILOTLIGHT_KEYS", "alice=pl-alice-long-secret")
        .start();

    let answer = gateway.send(&Request::new("GET", "/healthz")).whole();

    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(upstream.count(), 0);
}

#[test]
fn a_model_name_is_a_route_or_a_target_or_means_the_default_route() {
    let first = Upstream::playing([wire::completion("first")]);
    let second = Upstream::playing([wire::completion("second")]);
    let mut config = chain(&[("first", cloud(&first)), ("second", cloud(&second))]);
    config["routes"]["backwards"] = json!(["second", "first"]);
    let gateway = Setup::new(config).start();
    let check = |model: &str, text: &str| {
        let mut question = asking("Hi");
        question["model"] = model.into();
        assert_eq!(gateway.chat(&question).text(), text, "{model}");
    };

    check("auto", "first");
    check("backwards", "second");
    check("second", "second");
    check("gpt-4o", "first");
    assert_eq!((first.count(), second.count()), (2, 2));
}

#[test]
fn a_field_that_a_dialect_does_not_know_does_not_travel() {
    let upstream = Upstream::playing([wire::ollama("Hi.")]);
    let gateway = Setup::new(chain(&[("box", home(&upstream))])).start();
    let mut question = asking("Hi");
    question["x_unknown"] = json!({ "a": [1, 2] });
    question["metadata"] = json!({ "user": "42" });

    let answer = gateway.chat(&question);

    assert_eq!(answer.text(), "Hi.");
    let sent = upstream.only().json();
    assert_eq!(sent.get("x_unknown"), None);
    assert_eq!(sent.get("metadata"), None);
}

#[test]
fn one_line_of_json_is_logged_per_request_and_no_word_of_the_conversation() {
    let dead = Upstream::playing([wire::api(
        500,
        &json!({ "error": { "message": "tell-tale" } }),
    )]);
    let alive = Upstream::playing([wire::completion("the-answer")]);
    let settings = json!({ "attempts": 1, "key": "CLOUD_KEY" });
    let config = chain(&[
        ("dead", with(cloud(&dead), settings.clone())),
        ("alive", with(cloud(&alive), settings)),
    ]);
    let gateway = Setup::new(config)
        .secret("CLOUD_KEY", "sk-upstream-secret")
        .secret("PILOTLIGHT_KEYS", "alice=pl-alice-long-secret")
        .start();
    let request =
        Request::chat(&asking("the-prompt")).header("authorization", "Bearer pl-alice-long-secret");

    let answer = gateway.send(&request).whole();

    assert_eq!(answer.text(), "the-answer");
    let id = answer
        .head
        .header("x-pilotlight-request-id")
        .unwrap()
        .to_owned();
    let line = gateway.log_line(&id);
    let text = line.to_string();
    for word in ["auto", "alive", "dead", "overloaded", "alice"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    assert!(
        text.contains(&format!(":{}", wire::PROMPT_TOKENS)),
        "tokens are not in {text}"
    );
    let log = gateway.log_lines(1);
    assert_eq!(log.len(), 1, "{log:#?}");
    for secret in [
        "the-prompt",
        "the-answer",
        "tell-tale",
        "sk-upstream-secret",
        "pl-alice-long-secret",
    ] {
        assert!(!log[0].contains(secret), "{secret} is in {}", log[0]);
    }
    assert_eq!((dead.count(), alive.count()), (1, 1));
}
