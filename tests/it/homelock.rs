//! The lock of a home box as callers meet it: busy, waited for, kept, given back.

use pilotlight::policy::lease::Message;
use serde_json::{Value, json};

use crate::world::{Locking, Step, World, ok, streamed};

fn home(settings: &Value) -> Value {
    let mut target = json!({ "provider": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "m", "home": true });
    let table = target.as_object_mut().unwrap();
    table.extend(settings.as_object().unwrap().clone());
    target
}

fn cloud() -> Value {
    json!({ "provider": "openai", "base_url": "https://cloud.example.com/v1", "model": "m" })
}

/// A route `auto` over these, in this order.
fn config(targets: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = targets.iter().map(|(name, _)| *name).collect();
    let tables: serde_json::Map<_, _> = targets
        .iter()
        .map(|(name, target)| ((*name).to_owned(), target.clone()))
        .collect();
    json!({ "targets": tables, "routes": { "auto": names }, "defaults": { "attempts": 1 } })
}

fn asking() -> Value {
    json!({ "model": "auto", "messages": [{ "role": "user", "content": "hi" }] })
}

fn releases(world: &World) -> usize {
    let said = world.store().said.borrow();
    let is_release = |message: &&Message| matches!(message, Message::Release { .. });
    said.iter().filter(is_release).count()
}

#[test]
fn a_home_target_is_asked_with_a_slot_that_is_given_back() {
    let world = World::new(&config(&[("home", home(&json!({})))]));
    world.script("home", [ok("hello")]);
    let got = world.chat(&asking());
    assert_eq!(got.status, 200);
    assert_eq!(world.at_box("home"), (0, 0));
    assert_eq!(world.store().said.borrow().len(), 2, "asked and released");
}

#[test]
fn a_cloud_target_needs_no_slot() {
    let world = World::new(&config(&[("cloud", cloud())]));
    world.script("cloud", [ok("hello")]);
    assert_eq!(world.chat(&asking()).status, 200);
    assert!(world.store().said.borrow().is_empty());
}

#[test]
fn a_busy_box_is_passed_over_at_once() {
    let world = World::new(&config(&[("home", home(&json!({}))), ("cloud", cloud())]));
    world.script("cloud", [ok("from the cloud")]);
    world.occupies("home", 60_000);
    let got = world.chat(&asking());
    assert_eq!((got.status, got.ms), (200, 0));
    assert_eq!(
        got.header("x-pilotlight-attempts"),
        "home:home_busy,cloud:ok"
    );
    assert_eq!(
        world.at_box("home"),
        (1, 0),
        "nothing of ours is left there"
    );
}

#[test]
fn a_box_is_waited_for_as_long_as_the_target_says() {
    let settings = json!({ "wait": "10s" });
    let world = World::new(&config(&[("home", home(&settings)), ("cloud", cloud())]));
    world.script("home", [ok("from home")]);
    world.script("cloud", [ok("from the cloud")]);
    world.occupies("home", 4_000);
    let got = world.chat(&asking());
    assert_eq!(
        (got.header("x-pilotlight-attempts"), got.ms),
        ("home:ok", 4_000)
    );
    world.occupies("home", 60_000);
    let got = world.chat(&asking());
    assert_eq!(
        got.header("x-pilotlight-attempts"),
        "home:home_busy,cloud:ok"
    );
    assert_eq!(got.ms, 10_000);
    let tried = &got.json()["pilotlight"]["attempts"];
    assert_eq!(tried[0]["ms"], 10_000);
}

#[test]
fn who_has_no_other_target_waits_longer() {
    let world = World::new(&config(&[("home", home(&json!({})))]));
    world.script("home", [ok("from home")]);
    world.occupies("home", 90_000);
    let got = world.chat(&asking());
    assert_eq!((got.status, got.ms), (200, 90_000));
    world.occupies("home", 900_000);
    let got = world.chat(&asking());
    assert_eq!((got.status, got.ms), (503, 300_000));
    assert_eq!(got.header("x-pilotlight-attempts"), "home:home_busy");
    assert_eq!(world.at_box("home"), (1, 0));
}

#[test]
fn who_was_turned_away_by_all_others_comes_back_and_waits() {
    let world = World::new(&config(&[("home", home(&json!({}))), ("cloud", cloud())]));
    world.script("home", [ok("from home")]);
    world.script("cloud", [Step::Refuse]);
    world.occupies("home", 30_000);
    let got = world.chat(&asking());
    assert_eq!(
        got.header("x-pilotlight-attempts"),
        "home:home_busy,cloud:unreachable,home:ok"
    );
    assert_eq!(got.ms, 30_000);
}

#[test]
fn of_several_boxes_the_free_one_is_asked_and_of_busy_ones_the_first_that_is_free() {
    let wait = json!({ "wait": "1m", "base_url": "http://127.0.0.1:8/v1" });
    let all = config(&[
        ("attic", home(&wait)),
        ("cellar", home(&json!({ "wait": "1m" }))),
    ]);
    let world = World::new(&all);
    world.script("attic", [ok("from the attic")]);
    world.script("cellar", [ok("from the cellar")]);
    world.occupies("attic", 20_000);
    let got = world.chat(&asking());
    let tried = "attic:home_busy,cellar:ok";
    assert_eq!((got.header("x-pilotlight-attempts"), got.ms), (tried, 0));
    world.occupies("cellar", 50_000);
    let got = world.chat(&asking());
    assert_eq!(got.header("x-pilotlight-target"), "attic");
    assert_eq!(got.ms, 20_000);
    assert_eq!(
        world.at_box("cellar"),
        (1, 0),
        "its place there is given up"
    );
}

#[test]
fn two_models_of_one_ollama_share_its_slot() {
    let world = World::new(&config(&[
        ("small", home(&json!({ "wait_alone": 0 }))),
        ("large", home(&json!({ "wait_alone": 0 }))),
    ]));
    world.occupies("large", 60_000);
    let got = world.chat(&asking());
    assert_eq!(got.status, 503);
    assert_eq!(
        got.header("x-pilotlight-attempts"),
        "small:home_busy,large:home_busy"
    );
}

#[test]
fn a_box_may_have_several_slots() {
    let world = World::new(&config(&[(
        "home",
        home(&json!({ "slots": 2, "wait_alone": 0 })),
    )]));
    world.script("home", [ok("from home")]);
    world.occupies("home", 60_000);
    assert_eq!(world.chat(&asking()).status, 200);
    world.occupies("home", 60_000);
    assert_eq!(world.chat(&asking()).status, 503);
}

#[test]
fn a_queue_that_is_full_is_busy_at_once() {
    let world = World::new(&config(&[("home", home(&json!({ "queue": 0 })))]));
    world.occupies("home", 1_000);
    let got = world.chat(&asking());
    assert_eq!((got.status, got.ms), (503, 0));
}

#[test]
fn nobody_waits_beyond_the_deadline() {
    let world = World::new(&config(&[("home", home(&json!({})))]));
    world.occupies("home", 60_000);
    let head = pilotlight::gateway::Head {
        timeout: Some("2".to_owned()),
        ..crate::world::chat_head()
    };
    let got = world.ask(&head, &asking().to_string());
    assert_eq!((got.status, got.ms), (503, 2_000));
}

#[test]
fn a_long_answer_renews_its_lease() {
    let world = World::new(&config(&[(
        "home",
        home(&json!({ "lease": "30s", "stall_timeout": "10m" })),
    )]));
    let mut pieces = streamed(&["slow"]);
    pieces.insert(2, crate::world::Piece::Wait(100_000));
    world.script("home", [Step::Stream(pieces)]);
    let mut asking = asking();
    asking["stream"] = true.into();
    let got = world.chat(&asking);
    assert_eq!(got.text(), "slow");
    let said = world.store().said.borrow();
    let renewals = said
        .iter()
        .filter(|message| matches!(message, Message::Renew { .. }));
    assert_eq!(renewals.count(), 9);
    drop(said);
    assert_eq!((world.at_box("home"), releases(&world)), ((0, 0), 1));
}

#[test]
fn a_slot_is_given_back_whichever_way_the_request_ends() {
    let failing: [Vec<Step>; 3] = [
        vec![Step::Refuse],
        vec![Step::CallerLeaves { after: 100 }],
        vec![Step::Stream(streamed(&["cut"])[..2].to_vec())],
    ];
    for steps in failing {
        let world = World::new(&config(&[("home", home(&json!({})))]));
        world.script("home", steps.clone());
        let mut asking = asking();
        asking["stream"] = true.into();
        world.chat(&asking);
        assert_eq!(world.at_box("home"), (0, 0), "{steps:?}");
        assert!(releases(&world) > 0);
    }
    // The caller leaves while it reads.
    let world = World::new(&config(&[("home", home(&json!({})))]));
    world.script("home", [Step::Stream(streamed(&["some", "words", "here"]))]);
    world.caller_leaves_after(1);
    let mut asking = asking();
    asking["stream"] = true.into();
    world.chat(&asking);
    assert_eq!((world.at_box("home"), releases(&world)), ((0, 0), 1));
}

#[test]
fn a_hedge_does_not_queue_at_a_box() {
    let mut hedging = cloud();
    hedging["hedge_after"] = "1s".into();
    let world = World::new(&config(&[
        ("cloud", hedging),
        ("home", home(&json!({ "wait": "1m" }))),
    ]));
    let slow = Step::Reply {
        after: 5_000,
        status: 200,
        headers: pilotlight::platform::ReplyHeaders {
            content_type: Some("application/json".to_owned()),
            ..Default::default()
        },
        body: r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"late"},"finish_reason":"stop"}]}"#.to_owned(),
    };
    world.script("cloud", [slow]);
    world.occupies("home", 60_000);
    let got = world.chat(&asking());
    assert_eq!(
        got.header("x-pilotlight-attempts"),
        "cloud:ok,home:home_busy"
    );
    assert_eq!(got.ms, 5_000);
}

#[test]
fn a_lock_that_cannot_be_reached_does_not_keep_a_request_from_being_answered() {
    for locking in [Locking::Down, Locking::Silent] {
        let world = World::new(&config(&[("home", home(&json!({})))]));
        world.store().locking.set(locking);
        world.script("home", [ok("hello")]);
        let got = world.chat(&asking());
        assert_eq!(got.status, 200, "{locking:?}");
        assert!(got.ms <= 305_000);
        assert!(
            world
                .log()
                .iter()
                .any(|line| line["event"] == "lock_unreachable")
        );
    }
}
