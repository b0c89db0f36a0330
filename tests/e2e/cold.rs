//! A box that loads its model: it says nothing until the model is there, and giving up makes it begin
//! again. Whether that is why it is silent, it tells itself.

use std::time::Duration;

use serde_json::{Value, json};

use crate::gateway::{Gateway, Setup, asking, chain, cloud, home, with};
use crate::upstream::{Gate, Reply, Seen, Upstream};
use crate::wire;

const CHAT: &str = "POST /api/chat";
const LOADED: &str = "GET /api/ps";

/// A box that says that these models are in memory, and answers a chat by `chat`.
fn loading(models: Value, chat: Reply) -> Upstream {
    Upstream::answering(move |seen| match seen.line().as_str() {
        LOADED => wire::api(200, &json!({ "models": models })),
        _ => chat.clone(),
    })
}

/// A gateway that gives the box half a second, and while it loads `load_timeout`.
fn gateway(cold: &Upstream, next: &Upstream, load_timeout: &str) -> Gateway {
    let short = json!({ "headers_timeout": "500ms", "load_timeout": load_timeout });
    let targets = [("box", with(home(cold), short)), ("next", cloud(next))];
    Setup::new(chain(&targets)).start()
}

fn lines(upstream: &Upstream) -> Vec<String> {
    upstream.seen().iter().map(Seen::line).collect()
}

#[test]
fn a_box_that_loads_its_model_is_waited_for_and_asked_once() {
    let loaded = Gate::default();
    let late = Reply::new()
        .after(&loaded)
        .and(wire::ollama_stream(&["Warm ", "now."]));
    let cold = loading(json!([]), late);
    let next = Upstream::playing([wire::stream(&["never"])]);
    let gateway = gateway(&cold, &next, "10s");
    let until_asked = || {
        // The second request is the question whether it loads.
        cold.wait_count(2);
        std::thread::sleep(Duration::from_millis(300));
        loaded.open();
    };

    let answer = std::thread::scope(|scope| {
        scope.spawn(until_asked);
        gateway.stream(&asking("Hi")).streamed()
    });

    assert_eq!(answer.text(), "Warm now.");
    assert!(answer.done, "{answer:?}");
    assert_eq!(answer.head.header("x-pilotlight-attempts"), Some("box:ok"));
    assert_eq!(lines(&cold), [CHAT, LOADED]);
    assert_eq!(next.count(), 0);
}

#[test]
fn a_caller_who_does_not_stream_waits_for_the_model_too() {
    let late = Reply::new().pause(Duration::from_secs(1));
    let cold = loading(json!([]), late.and(wire::ollama_stream(&["Warm ", "now."])));
    let next = Upstream::playing([wire::completion("never")]);
    let gateway = gateway(&cold, &next, "10s");

    let answer = gateway.chat(&asking("Hi"));

    assert_eq!(answer.text(), "Warm now.");
    assert_eq!(answer.attempts(), ["box:ok"]);
    assert_eq!(lines(&cold), [CHAT, LOADED]);
    assert_eq!(next.count(), 0);
}

#[test]
fn a_box_that_is_silent_with_its_model_loaded_makes_room_for_the_next() {
    let here = json!([{ "name": "home-model:latest", "model": "home-model:latest" }]);
    let another = json!([{ "name": "another:latest", "model": "another:latest" }]);
    let rows = [
        (here, "headers_timeout"),
        // Then it loads, but for longer than it may.
        (json!([]), "model_loading"),
        (another, "model_loading"),
    ];
    for (models, outcome) in rows {
        let cold = loading(models, Reply::new().hold());
        let next = Upstream::playing([wire::stream(&["Here."])]);
        let gateway = gateway(&cold, &next, "1s");

        let answer = gateway.stream(&asking("Hi")).streamed();

        assert_eq!(answer.text(), "Here.", "{outcome}");
        let attempts = answer.head.header("x-pilotlight-attempts");
        assert_eq!(attempts, Some(format!("box:{outcome},next:ok").as_str()));
        cold.wait_left(0);
        assert_eq!(lines(&cold), [CHAT, LOADED], "{outcome}");
    }
}
