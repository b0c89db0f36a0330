//! The configuration: all its mistakes at once, both forms of it, and targets without their secret.

use serde_json::{Value, json};

use crate::caller::{Answer, Request};
use crate::gateway::{Setup, asking, chain, cloud, with};
use crate::upstream::Upstream;
use crate::wire;

fn answer_of(config: impl Into<Value>) -> Answer {
    Setup::new(config).start().chat(&asking("Hi"))
}

#[test]
fn every_mistake_is_told_at_once_with_its_path_and_what_would_be_right() {
    let upstream = Upstream::playing([wire::completion("never")]);
    let url = upstream.url();
    let config = json!({
        "default_route": "atuo",
        "max_bodi": 5,
        "targets": {
            "groq": { "provider": "openai", "base_url": url, "modle": "m" },
            "home": { "provider": "olama", "base_url": "127.0.0.1:11434", "model": "m" },
            "slow": { "provider": "openai", "base_url": url, "model": "m", "stall_timeout": "soon" },
        },
        "routes": { "auto": ["groq", "hoem"], "none": [] },
    });

    let answer = answer_of(config);

    assert_eq!(answer.status, 500, "{answer:?}");
    let error = answer.json()["error"].clone();
    assert_eq!(error["type"], "configuration_error", "{error}");
    let told = error.to_string();
    let paths = [
        "default_route",
        "max_bodi",
        "targets.groq.modle",
        "targets.groq.model",
        "targets.home.provider",
        "targets.home.base_url",
        "targets.slow.stall_timeout",
        "routes.auto",
        "routes.none",
    ];
    for path in paths {
        assert!(told.contains(path), "{path} is not in {told}");
    }
    for right in ["ollama", "hoem", "http", "olama"] {
        assert!(told.contains(right), "{right} is not in {told}");
    }
    assert_eq!(upstream.count(), 0);
}

#[test]
fn a_config_may_be_json_text() {
    let upstream = Upstream::playing([wire::completion("Hi.")]);

    let answer = answer_of(chain(&[("cloud", cloud(&upstream))]).to_string());

    assert_eq!(answer.text(), "Hi.");
    assert_eq!(upstream.count(), 1);
}

#[test]
fn a_config_that_is_no_json_or_not_there_is_a_mistake_too() {
    let check = |setup: Setup| {
        let answer = setup.start().chat(&asking("Hi"));
        assert_eq!(answer.status, 500, "{answer:?}");
        let error = &answer.json()["error"];
        assert_eq!(error["type"], "configuration_error", "{error}");
        assert!(
            error["message"].as_str().unwrap().contains("PILOTLIGHT"),
            "{error}"
        );
    };
    check(Setup::new("{\"targets\": "));
    check(Setup::new("[1]"));
    check(Setup::unconfigured());
}

#[test]
fn a_bad_config_says_so_at_every_door() {
    let gateway = Setup::new(json!({ "routes": 5 })).start();
    for path in ["/v1/models", "/v1/models/auto", "/healthz"] {
        let answer = gateway.send(&Request::new("GET", path)).whole();
        assert_eq!(answer.status, 500, "{path}: {answer:?}");
        assert!(answer.body.contains("routes"), "{path}: {answer:?}");
    }
}

#[test]
fn a_target_whose_secret_is_not_set_is_passed_over() {
    let locked = Upstream::playing([wire::completion("never")]);
    let open = Upstream::playing([wire::completion("Hi.")]);
    let target = with(cloud(&locked), json!({ "key": "NOT_SET" }));
    let gateway = Setup::new(chain(&[("locked", target), ("open", cloud(&open))])).start();

    let answer = gateway.chat(&asking("Hi"));

    assert_eq!(answer.text(), "Hi.");
    assert_eq!(answer.attempts(), ["locked:no_key", "open:ok"]);
    assert_eq!((locked.count(), open.count()), (0, 1));
}

#[test]
fn where_no_target_is_left_without_its_secret_the_answer_says_which_are_missing() {
    let locked = Upstream::playing([wire::completion("never")]);
    let target = with(cloud(&locked), json!({ "key": "NOT_SET" }));

    let answer = answer_of(chain(&[("locked", target)]));

    assert!(answer.status >= 500, "{answer:?}");
    let message = answer.json()["error"]["message"].to_string();
    assert!(
        message.contains("NOT_SET") || message.contains("no_key"),
        "{message}"
    );
    assert_eq!(locked.count(), 0);
}

#[test]
fn a_length_of_time_is_a_number_of_seconds_or_a_text_with_a_unit() {
    let silent = Upstream::playing([crate::upstream::Reply::new().hold()]);
    let target = |time: Value| {
        with(
            cloud(&silent),
            json!({ "attempts": 1, "headers_timeout": time, "attempt_timeout": time }),
        )
    };
    let config = chain(&[
        ("number", target(json!(0.2))),
        ("milliseconds", target(json!("200ms"))),
        ("seconds", target(json!("0.2s"))),
    ]);

    let answer = answer_of(config);

    assert_eq!(answer.status, 504, "{answer:?}");
    assert_eq!(answer.attempts().len(), 3, "{answer:?}");
    assert_eq!(silent.count(), 3);
}
