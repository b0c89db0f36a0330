//! A drill: targets fail on purpose, for those who asked for it, and for a time.

use pilotlight::gateway::Head;
use pilotlight::policy::drill::{Drill, Fault, Scope};
use serde_json::{Value, json};

use crate::world::{START, Step, World, chat_head, ok, streamed};

fn config() -> Value {
    json!({
        "targets": {
            "first": { "provider": "openai", "base_url": "https://first.example.com/v1", "model": "m" },
            "second": { "provider": "openai", "base_url": "https://second.example.com/v1", "model": "m" },
        },
        "routes": { "auto": ["first", "second"] },
        "defaults": { "attempts": 1, "breaker_failures": 2 },
    })
}

fn world(fault: Fault, scope: Scope) -> World {
    let world = World::new(&config());
    world.script("first", [ok("from the first")]);
    world.script("second", [ok("from the second")]);
    *world.store().drill.borrow_mut() = Some(Drill {
        id: "drill_1".to_owned(),
        targets: vec!["first".to_owned()],
        fault,
        scope,
        since: START,
        until: START + 600_000,
    });
    world
}

fn asking() -> Value {
    json!({ "model": "auto", "messages": [{ "role": "user", "content": "hi" }] })
}

fn marked(id: &str) -> Head {
    Head {
        drill: Some(id.to_owned()),
        ..chat_head()
    }
}

#[test]
fn a_marked_request_meets_the_fault_and_the_next_target_answers() {
    for (fault, attempts) in [
        (Fault::Overloaded, "first:503,second:ok"),
        (Fault::Throttled, "first:429,second:ok"),
        (Fault::Silence, "first:attempt_timeout,second:ok"),
        (Fault::Cut, "first:stream_cut,second:ok"),
    ] {
        let world = world(fault, Scope::Marked);
        let got = world.ask(&marked("drill_1"), &asking().to_string());
        assert_eq!(got.header("x-pilotlight-attempts"), attempts);
        let told = &got.json()["pilotlight"];
        assert_eq!(told["drill"], "drill_1");
        assert_eq!(told["attempts"][0]["drill"], true);
        assert_eq!(told["attempts"][1]["drill"], Value::Null);
        assert_eq!(world.log()[0]["drill"], "drill_1");
        let asked = world.seen("first").len();
        assert_eq!(asked, usize::from(fault == Fault::Cut), "{fault:?}");
        let entries = world.store().entries.borrow();
        assert_eq!(entries[0].drill.as_deref(), Some("drill_1"));
        assert!(entries[0].targets[0].reasons[0].starts_with("drill:"));
    }
}

#[test]
fn a_stream_that_a_drill_cuts_is_gone_on_with() {
    let world = world(Fault::Cut, Scope::Marked);
    let words = ["It was a bright ", "cold day in April"];
    world.script("first", [Step::Stream(streamed(&words))]);
    world.script(
        "second",
        [Step::Stream(streamed(&[
            "It was a bright cold day in April",
        ]))],
    );
    let mut asking = asking();
    asking["stream"] = true.into();
    let got = world.ask(&marked("drill_1"), &asking.to_string());
    assert_eq!(
        got.text(),
        "It was a bright cold day in April",
        "{}",
        got.body
    );
}

#[test]
fn others_are_not_touched_and_no_breaker_hears_of_it() {
    let world = world(Fault::Overloaded, Scope::Marked);
    for _ in 0..10 {
        let got = world.ask(&marked("drill_1"), &asking().to_string());
        assert_eq!(got.header("x-pilotlight-target"), "second");
    }
    let got = world.chat(&asking());
    assert_eq!(got.header("x-pilotlight-attempts"), "first:ok");
    assert_eq!(got.json()["pilotlight"]["drill"], Value::Null);
}

#[test]
fn a_share_of_all_takes_part_once_the_isolate_has_heard_of_it() {
    let world = world(Fault::Overloaded, Scope::Share(0.5));
    world.chat(&asking());
    let drilled = (0..200)
        .filter(|_| world.chat(&asking()).header("x-pilotlight-target") == "second")
        .count();
    assert!((70..130).contains(&drilled), "{drilled} of 200");
}

#[test]
fn it_ends_by_itself() {
    let world = world(Fault::Overloaded, Scope::Share(1.0));
    world.chat(&asking());
    assert_eq!(
        world.chat(&asking()).header("x-pilotlight-target"),
        "second"
    );
    world.advance(600_000);
    assert_eq!(world.chat(&asking()).header("x-pilotlight-target"), "first");
    let got = world.ask(&marked("drill_1"), &asking().to_string());
    assert_eq!(got.status, 400, "it is over");
}

#[test]
fn a_mark_that_names_no_drill_is_told() {
    let world = world(Fault::Overloaded, Scope::Marked);
    let got = world.ask(&marked("drill_2"), &asking().to_string());
    assert_eq!(got.status, 400);
    assert_eq!(got.json()["error"]["param"], "x-pilotlight-drill");
    let got = world.ask(&marked("drill_1"), &asking().to_string());
    assert_eq!(got.status, 200, "one that it had not heard of is asked for");
}
