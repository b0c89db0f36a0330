//! A caller of a stream that waits: its connection is kept alive, and what goes wrong is told in it.

use serde_json::{Value, json};

use crate::caller::Incoming;
use crate::gateway::{Gateway, Setup, asking, chain, cloud, home, with};
use crate::http::Ended;
use crate::upstream::{Gate, Reply, Upstream};
use crate::wire;

/// A gateway that beats often.
fn beating(targets: &[(&str, Value)]) -> Gateway {
    let mut config = chain(targets);
    config["heartbeat"] = "300ms".into();
    Setup::new(config).start()
}

/// Nothing but this many comments comes next.
fn assert_comments(answer: &mut Incoming, count: usize) {
    for _ in 0..count {
        let block = answer.block().expect("the stream goes on");
        assert!(
            block.starts_with(':'),
            "only comments while it waits: {block}"
        );
    }
}

#[test]
fn a_caller_has_its_head_and_comments_long_before_the_first_word() {
    let late = |reply: &dyn Fn(&Gate) -> Reply, target: fn(&Upstream) -> Value| {
        let gate = Gate::default();
        let upstream = Upstream::playing([reply(&gate)]);
        let gateway = beating(&[("it", target(&upstream))]);

        // The upstream says nothing until the gate is open, so all that comes before comes first.
        let mut answer = gateway.stream(&asking("Hi"));
        assert_eq!(answer.status(), 200);
        assert!(answer.head.header("x-pilotlight-request-id").is_some());
        for unknown in ["target", "model", "attempts"] {
            let name = format!("x-pilotlight-{unknown}");
            assert_eq!(answer.head.header(&name), None, "nobody has answered yet");
        }
        assert_comments(&mut answer, 2);
        gate.open();
        let rest = answer.streamed();

        assert_eq!(rest.text(), "Hello.");
        assert!(rest.done && rest.ended == Ended::InOrder, "{rest:?}");
        assert_eq!(rest.finish_reason(), Some("stop"));
        let told = &rest.disclosure().unwrap()["pilotlight"];
        assert_eq!(told["target"], "it", "{told}");
        assert_eq!(upstream.count(), 1);
    };
    let words = ["Hel", "lo."];
    late(
        &|gate| Reply::new().after(gate).and(wire::stream(&words)),
        cloud,
    );
    // The headers and a role are no words.
    late(
        &|gate| wire::said(&[]).after(gate).and(wire::said_on(&words)),
        cloud,
    );
    late(
        &|gate| Reply::new().after(gate).and(wire::ollama_stream(&words)),
        home,
    );
}

#[test]
fn a_pause_inside_an_answer_is_filled_with_comments() {
    let gates = [Gate::default(), Gate::default()];
    let event = wire::says("lo.");
    let (half, other) = event.split_at(event.len() / 2);
    let said = || wire::said(&["Hel"]);
    let between = said().after(&gates[0]).chunk(&event);
    // A comment must not come into an event that the upstream has not ended.
    let inside = said().chunk(half).after(&gates[1]).chunk(other);
    for (reply, gate) in [between, inside].into_iter().zip(&gates) {
        let upstream = Upstream::playing([reply.and(wire::finished())]);
        let gateway = beating(&[("cloud", cloud(&upstream))]);

        let mut answer = gateway.stream(&asking("Hi"));

        let told = answer.head.header("x-pilotlight-target");
        assert_eq!(told, Some("cloud"));
        assert_eq!(answer.first_words(), "Hel");
        assert_comments(&mut answer, 2);
        gate.open();
        let rest = answer.streamed();
        assert_eq!(rest.text(), "lo.");
        assert!(rest.done, "{rest:?}");
    }
}

#[test]
fn a_wait_for_the_target_that_takes_over_is_filled_with_comments() {
    let gate = Gate::default();
    let broken = Upstream::playing([wire::said(&["The answer begins", " here, and it "]).reset()]);
    let words = ["The answer begins here, and it ", "ends here."];
    let next = Upstream::playing([Reply::new().after(&gate).and(wire::stream(&words))]);
    let gateway = beating(&[("first", cloud(&broken)), ("next", cloud(&next))]);

    let mut answer = gateway.stream(&asking("Hi"));
    let mut begun = answer.first_words();
    if begun == "The answer begins" {
        begun += &answer.first_words();
    }
    assert_comments(&mut answer, 2);
    gate.open();
    let rest = answer.streamed();

    let whole = begun + &rest.text();
    assert_eq!(whole, "The answer begins here, and it ends here.");
    assert!(rest.done, "{rest:?}");
}

#[test]
fn a_held_answer_has_comments_and_then_comes_whole() {
    let gate = Gate::default();
    let reply = wire::said(&["Hel"])
        .after(&gate)
        .and(wire::said_on(&["lo."]));
    let upstream = Upstream::playing([reply]);
    let mut config = chain(&[("cloud", cloud(&upstream))]);
    config["heartbeat"] = "300ms".into();
    config["mode"] = "hold".into();
    let gateway = Setup::new(config).start();

    let mut answer = gateway.stream(&asking("Hi"));

    assert_comments(&mut answer, 2);
    gate.open();
    let rest = answer.streamed();
    assert_eq!(rest.text(), "Hello.");
    assert!(rest.done, "{rest:?}");
}

#[test]
fn what_goes_wrong_after_a_comment_is_told_in_the_stream() {
    let silent = Upstream::playing([Reply::new().hold()]);
    let down = Upstream::playing([wire::api(503, &json!({ "error": { "message": "Down." } }))]);
    let short = json!({ "attempts": 1, "headers_timeout": "1s" });
    let silent_target = with(cloud(&silent), short.clone());
    let down_target = with(cloud(&down), short);
    let gateway = beating(&[("silent", silent_target), ("down", down_target)]);

    let mut answer = gateway.stream(&asking("Hi"));

    assert_comments(&mut answer, 1);
    let rest = answer.streamed();
    let error = rest.error().expect("an error event");
    assert_eq!(error["code"], "all_targets_failed", "{error}");
    let outcomes: Vec<&str> = error["pilotlight"]["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|attempt| attempt["outcome"].as_str())
        .collect();
    assert_eq!(outcomes, ["headers_timeout", "overloaded"]);
    assert!(!rest.done && rest.text().is_empty(), "{rest:?}");
    assert_eq!(rest.ended, Ended::InOrder);
    silent.wait_left(0);
}
