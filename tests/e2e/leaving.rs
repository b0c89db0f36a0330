//! A caller who leaves while the gateway works on: every call upstream is ended within a second, there
//! is one log line, and the next caller is served.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::caller::Request;
use crate::gateway::{Gateway, Setup, asking, chain, cloud, home, with};
use crate::upstream::{Reply, Upstream};
use crate::wire;

/// How long the gateway may take to hang up.
const SOON: Duration = Duration::from_secs(1);

/// A gateway with a route over these targets, and one more target that is well.
fn serving(targets: &[(&str, Value)], well: &Upstream, settings: Value) -> Gateway {
    let mut all = targets.to_vec();
    all.push(("well", cloud(well)));
    let mut config = with(chain(&all), settings);
    let names: Vec<&str> = targets.iter().map(|(name, _)| *name).collect();
    config["routes"]["auto"] = json!(names);
    Setup::new(config).start()
}

fn well() -> Upstream {
    Upstream::playing([wire::completion("Well.")])
}

/// All that has to be true after the caller has left at `left`, with these requests upstream under way.
fn assert_ended(gateway: &Gateway, left: Instant, under_way: &[(&Upstream, usize)]) {
    for (upstream, number) in under_way {
        let took = upstream.wait_left(*number).saturating_duration_since(left);
        assert!(took < SOON, "it was hung up on after {took:?}");
    }
    let line: Value = serde_json::from_str(&gateway.log_lines(1)[0]).unwrap();
    assert_eq!(line["outcome"], "caller_left", "{line}");
    assert_eq!(line["status"], 499, "{line}");
    let mut question = asking("Hi");
    question["model"] = "well".into();
    assert_eq!(gateway.chat(&question).text(), "Well.");
    let lines = gateway.log_lines(2);
    assert_eq!(lines.len(), 2, "one line a request: {lines:#?}");
    for (upstream, number) in under_way {
        assert_eq!(
            upstream.count(),
            number + 1,
            "leaving is nothing to be mended"
        );
    }
}

/// Asks, and leaves a little after all of these upstreams have been asked.
fn leave_silently(gateway: &Gateway, question: &Value, asked: &[(&Upstream, usize)]) -> Instant {
    Request::chat(question).send_and_leave(gateway.address(), || {
        for (upstream, number) in asked {
            upstream.wait_count(number + 1);
        }
        thread::sleep(Duration::from_millis(300));
    });
    Instant::now()
}

fn streaming() -> Value {
    with(asking("Hi"), json!({ "stream": true }))
}

/// An upstream that speaks without an end.
fn dripping() -> Reply {
    let said = wire::said(&["Hal"]);
    (0..600).fold(said, |reply, _| {
        reply
            .pause(Duration::from_millis(20))
            .chunk(&wire::says("."))
    })
}

#[test]
fn while_an_answer_is_held() {
    for heartbeat in ["10m", "100ms"] {
        for reply in [wire::said(&["Hal"]).hold(), dripping()] {
            let (upstream, well) = (Upstream::playing([reply]), well());
            let settings = json!({ "mode": "hold", "heartbeat": heartbeat });
            let gateway = serving(&[("cloud", cloud(&upstream))], &well, settings);

            let left = leave_silently(&gateway, &streaming(), &[(&upstream, 0)]);

            assert_ended(&gateway, left, &[(&upstream, 0)]);
        }
    }
}

#[test]
fn while_an_answer_is_put_together() {
    for reply in [wire::said(&["Hal"]).hold(), dripping()] {
        let (upstream, well) = (Upstream::playing([reply]), well());
        let inside = with(cloud(&upstream), json!({ "stream_inside": true }));
        let gateway = serving(&[("cloud", inside)], &well, json!({}));

        let left = leave_silently(&gateway, &asking("Hi"), &[(&upstream, 0)]);

        assert_ended(&gateway, left, &[(&upstream, 0)]);
    }
}

#[test]
fn while_a_target_that_takes_over_is_waited_for() {
    for heartbeat in ["10m", "100ms"] {
        for silence in [Reply::new().hold(), wire::said(&[]).hold()] {
            let broken = Upstream::playing([wire::said(&["Half an answer"]).reset()]);
            let (next, well) = (Upstream::playing([silence]), well());
            let targets = [("broken", cloud(&broken)), ("next", cloud(&next))];
            let gateway = serving(&targets, &well, json!({ "heartbeat": heartbeat }));

            let mut answer = gateway.stream(&asking("Hi"));
            assert_eq!(answer.first_words(), "Half an answer");
            next.wait_count(1);
            thread::sleep(Duration::from_millis(300));
            answer.leave();

            assert_ended(&gateway, Instant::now(), &[(&next, 0)]);
            assert_eq!(broken.count(), 1);
        }
    }
}

#[test]
fn while_an_answer_is_hedged() {
    for question in [asking("Hi"), streaming()] {
        let silent = || Upstream::playing([Reply::new().hold()]);
        let (first, second, well) = (silent(), silent(), well());
        let impatient = with(cloud(&first), json!({ "hedge_after": "100ms" }));
        let targets = [("first", impatient), ("second", cloud(&second))];
        let gateway = serving(&targets, &well, json!({}));
        let both = [(&first, 0), (&second, 0)];

        let left = leave_silently(&gateway, &question, &both);

        assert_ended(&gateway, left, &both);
    }
}

#[test]
fn while_a_hedge_is_not_due_yet() {
    let (first, well) = (Upstream::playing([Reply::new().hold()]), well());
    let second = Upstream::playing([wire::stream(&["never"])]);
    let patient = with(cloud(&first), json!({ "hedge_after": "1m" }));
    let targets = [("first", patient), ("second", cloud(&second))];
    let gateway = serving(&targets, &well, json!({}));

    let left = leave_silently(&gateway, &streaming(), &[(&first, 0)]);

    assert_ended(&gateway, left, &[(&first, 0)]);
    assert_eq!(second.count(), 0);
}

#[test]
fn while_comments_keep_the_connection_alive() {
    // Before the first word, and in the middle.
    for reply in [Reply::new().hold(), wire::said(&["Hal"]).hold()] {
        let (upstream, well) = (Upstream::playing([reply]), well());
        let settings = json!({ "heartbeat": "100ms" });
        let gateway = serving(&[("cloud", cloud(&upstream))], &well, settings);

        let mut answer = gateway.stream(&asking("Hi"));
        let mut comments = 0;
        while comments < 3 {
            let block = answer.block().expect("the stream goes on");
            comments += usize::from(block.starts_with(':'));
        }
        answer.leave();

        assert_ended(&gateway, Instant::now(), &[(&upstream, 0)]);
    }
}

#[test]
fn while_a_stream_passes_untouched() {
    for reply in [wire::said(&["Hal"]).hold(), dripping()] {
        let (upstream, well) = (Upstream::playing([reply]), well());
        let unwatched = with(cloud(&upstream), json!({ "watch": false }));
        let settings = json!({ "mode": "error" });
        let gateway = serving(&[("cloud", unwatched)], &well, settings);

        let mut answer = gateway.stream(&asking("Hi"));
        assert_eq!(answer.first_words(), "Hal");
        thread::sleep(Duration::from_millis(300));
        answer.leave();

        assert_ended(&gateway, Instant::now(), &[(&upstream, 0)]);
    }
}

#[test]
fn while_a_box_loads_its_model() {
    let cold = Upstream::answering(|seen| match seen.line().as_str() {
        "GET /api/ps" => wire::api(200, &json!({ "models": [] })),
        _ => Reply::new().hold(),
    });
    let well = well();
    let short = with(home(&cold), json!({ "headers_timeout": "200ms" }));
    let gateway = serving(&[("box", short)], &well, json!({}));

    let mut left = Instant::now();
    Request::chat(&streaming()).send_and_leave(gateway.address(), || {
        cold.wait_count(2);
        thread::sleep(Duration::from_millis(300));
        left = Instant::now();
    });

    let took = cold.wait_left(0).saturating_duration_since(left);
    assert!(took < SOON, "it was hung up on after {took:?}");
    let line: Value = serde_json::from_str(&gateway.log_lines(1)[0]).unwrap();
    assert_eq!(line["outcome"], "caller_left", "{line}");
    assert_eq!(cold.count(), 2);
}
