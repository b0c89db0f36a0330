//! What a hostile reading of the lock, the chain, the watch, the drill and the ledger found: each test
//! says what should hold.

use pilotlight::gateway::Head;
use pilotlight::ledger::message::{By, Query};
use pilotlight::ledger::report;
use pilotlight::ledger::sql::{Row, Sql};
use pilotlight::platform::Platform as _;
use pilotlight::policy::boxes::sighting::Look;
use pilotlight::policy::breaker::Standing;
use pilotlight::policy::drill::{Drill, Fault, Scope};
use pilotlight::policy::lease::{self, Lock, Message};
use serde_json::{Value, json};

use crate::world::{
    Got, Locking, Piece, START, Step, World, chat_head, error, ok, reply, streamed, text_piece,
};

const MINUTE: u64 = 60_000;

/// A target at home, on the box of this port.
fn home_at(port: u16, settings: &Value) -> Value {
    let mut target = json!({
        "provider": "openai", "base_url": format!("http://127.0.0.1:{port}/v1"), "model": "m",
        "home": true
    });
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

fn streaming() -> Value {
    let mut asking = asking();
    asking["stream"] = true.into();
    asking
}

fn tried(got: &Got) -> &str {
    got.header("x-pilotlight-attempts")
}

fn renewals(world: &World) -> usize {
    let said = world.store().said.borrow();
    let is_renewal = |message: &&Message| matches!(message, Message::Renew { .. });
    said.iter().filter(is_renewal).count()
}

fn asks(world: &World) -> usize {
    let said = world.store().said.borrow();
    let is_ask = |message: &&Message| matches!(message, Message::Ask(_));
    said.iter().filter(is_ask).count()
}

/// An answer that takes so long.
fn late(millis: u64, code: u16) -> Step {
    let mut step = reply(
        code,
        r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"late"},"finish_reason":"stop"}]}"#,
    );
    if let Step::Reply { after, .. } = &mut step {
        *after = millis;
    }
    step
}

#[test]
fn a_request_does_not_find_a_box_busy_with_itself() {
    let world = World::new(&config(&[
        ("small", home_at(9, &json!({}))),
        ("large", home_at(9, &json!({}))),
        ("cloud", cloud()),
    ]));
    world.script("small", [Step::Refuse]);
    world.script("large", [ok("from the large one")]);
    world.script("cloud", [ok("from the cloud")]);
    assert_eq!(tried(&world.chat(&asking())), "small:unreachable,large:ok");
}

#[test]
fn who_has_to_go_on_once_more_is_not_busy_with_itself() {
    let world = World::new(&config(&[
        ("first", cloud()),
        ("home", home_at(9, &json!({}))),
        ("last", cloud()),
    ]));
    let so_far = "The pilot light is a small flame that never goes out, whatever hap";
    let rest = "pens to the rest of the stove.";
    let mut broken = streamed(&[so_far]);
    broken.truncate(2);
    broken.push(Piece::Reset);
    world.script("first", [Step::Stream(broken)]);
    let other = [
        "Something else entirely is said here, at ",
        "some length, and it does not ",
    ];
    let mut elsewhere = streamed(&other.repeat(20));
    elsewhere.insert(1, text_piece("Bananas are yellow. "));
    world.script(
        "home",
        [
            Step::Stream(elsewhere),
            Step::Stream(streamed(&[so_far, rest])),
        ],
    );
    world.script("last", [Step::Stream(streamed(&[so_far, rest]))]);
    let got = world.chat(&streaming());
    let line = world
        .log()
        .into_iter()
        .find(|line| line["event"] == "request");
    let attempts = line.unwrap()["attempts"].clone();
    let reasons: Vec<String> = attempts
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{}:{}", one["target"], one["outcome"]).replace('"', ""))
        .collect();
    assert_eq!(
        reasons,
        ["first:stream_cut", "home:no_splice", "home:ok"],
        "{}",
        got.body
    );
}

#[test]
fn a_box_that_cannot_be_asked_does_not_cut_short_the_wait_for_another() {
    for gone in [
        json!({ "key": "UNSET_KEY" }),
        json!({ "key": "UNSET_KEY", "wait": "1m" }),
    ] {
        let world = World::new(&config(&[
            ("attic", home_at(8, &json!({ "wait": "10s" }))),
            ("cellar", home_at(9, &gone)),
            ("cloud", cloud()),
        ]));
        world.script("attic", [ok("from the attic")]);
        world.script("cloud", [ok("from the cloud")]);
        world.occupies("attic", 4_000);
        let got = world.chat(&asking());
        assert_eq!(
            got.header("x-pilotlight-target"),
            "attic",
            "{}",
            tried(&got)
        );
        assert_eq!(got.ms, 4_000);
    }
}

#[test]
fn a_box_that_was_passed_over_is_not_forgotten_when_another_one_was_hedged_with() {
    let world = World::new(&config(&[
        ("attic", home_at(7, &json!({}))),
        ("barn", home_at(8, &json!({ "hedge_after": "1s" }))),
        ("cellar", home_at(9, &json!({}))),
    ]));
    world.script("attic", [ok("from the attic")]);
    world.script("barn", [late(3_000, 500)]);
    world.script("cellar", [ok("from the cellar")]);
    world.occupies("attic", 5_000);
    world.occupies("cellar", 20 * MINUTE);
    let got = world.chat(&asking());
    assert_eq!(
        got.header("x-pilotlight-target"),
        "attic",
        "{}",
        tried(&got)
    );
    assert_eq!(got.ms, 5_000);
}

#[test]
fn two_targets_of_one_box_are_not_waited_for_twice() {
    let wait = json!({ "wait": "10s" });
    let world = World::new(&config(&[
        ("small", home_at(9, &wait)),
        ("large", home_at(9, &wait)),
        ("cloud", cloud()),
    ]));
    world.script("cloud", [ok("from the cloud")]);
    world.occupies("large", 30 * MINUTE);
    let got = world.chat(&asking());
    assert_eq!((got.status, got.ms), (200, 10_000), "{}", tried(&got));
}

#[test]
fn an_answer_that_is_whole_gives_its_slot_back_whoever_reads_it_slowly() {
    let world = World::new(&config(&[("home", home_at(9, &json!({ "lease": "30s" })))]));
    world.script("home", [Step::Stream(streamed(&["some words"]))]);
    world.caller_reads_for(5 * MINUTE);
    let head = Head {
        mode: Some("hold".to_owned()),
        ..chat_head()
    };
    let got = world.ask(&head, &streaming().to_string());
    assert_eq!(got.text(), "some words");
    // All of it was here at once.
    assert_eq!(renewals(&world), 0);
}

#[test]
fn nobody_keeps_a_slot_beyond_the_deadline_by_not_reading() {
    let world = World::new(&config(&[("home", home_at(9, &json!({ "lease": "30s" })))]));
    world.script("home", [Step::Stream(streamed(&["some", "words", "more"]))]);
    world.caller_reads_for(60 * MINUTE);
    let head = Head {
        timeout: Some("60".to_owned()),
        ..chat_head()
    };
    world.ask(&head, &streaming().to_string());
    // A minute is allowed; a lease is renewed every ten seconds.
    assert!(renewals(&world) <= 7, "{} renewals", renewals(&world));
}

#[test]
fn a_lock_that_says_nothing_does_not_hold_a_request_beyond_its_deadline() {
    let world = World::new(&config(&[("home", home_at(9, &json!({})))]));
    world.store().locking.set(Locking::Silent);
    world.script("home", [ok("hello")]);
    let head = Head {
        timeout: Some("2".to_owned()),
        ..chat_head()
    };
    let got = world.ask(&head, &asking().to_string());
    assert!(got.ms <= 2_000, "{} ms: {}", got.ms, tried(&got));
    assert!(world.seen("home").is_empty(), "it is too late to ask");
}

#[test]
fn who_waits_for_a_busy_box_does_not_wait_with_the_breakers_only_probe_in_hand() {
    let world = World::new(&config(&[("home", home_at(9, &json!({})))]));
    world.script("home", [Step::Refuse]);
    for _ in 0..5 {
        world.chat(&asking());
    }
    world.advance(20_000);
    world.script("home", [ok("it is well")]);
    world.occupies("home", 30_000);
    let second = world.also(1_000, chat_head());
    let first = world.chat(&asking());
    assert_eq!((first.status, first.ms), (200, 30_000));
    let second = second.borrow_mut().take().unwrap();
    assert_eq!(second.status, 200, "{}", tried(&second));
}

#[test]
fn a_request_that_a_box_cannot_serve_does_not_wait_for_it() {
    let settings = json!({ "wait": "1m", "context": 256, "truncate": "never" });
    let world = World::new(&config(&[
        ("home", home_at(9, &settings)),
        ("cloud", cloud()),
    ]));
    world.script("cloud", [ok("from the cloud")]);
    world.occupies("home", 30_000);
    let mut asking = asking();
    asking["messages"][0]["content"] = "many words ".repeat(1_000).into();
    let got = world.chat(&asking);
    assert_eq!(tried(&got), "home:too_long,cloud:ok");
    assert_eq!(got.ms, 0);
}

fn drilled(fault: Fault) -> World {
    let world = World::new(&config(&[
        ("home", home_at(9, &json!({}))),
        ("cloud", cloud()),
    ]));
    world.script("home", [ok("from home")]);
    world.script("cloud", [ok("from the cloud")]);
    *world.store().drill.borrow_mut() = Some(Drill {
        id: "drill_1".to_owned(),
        targets: vec!["home".to_owned()],
        fault,
        scope: Scope::Marked,
        since: START,
        until: START + 60 * MINUTE,
    });
    world
}

fn marked() -> Head {
    Head {
        drill: Some("drill_1".to_owned()),
        ..chat_head()
    }
}

#[test]
fn a_drill_does_not_keep_others_from_the_box() {
    let world = drilled(Fault::Silence);
    let other = world.also(1_000, chat_head());
    let got = world.ask(&marked(), &asking().to_string());
    assert_eq!(tried(&got), "home:headers_timeout,cloud:ok");
    let other = other.borrow_mut().take().unwrap();
    assert_eq!(tried(&other), "home:ok", "the other is no part of it");
}

#[test]
fn a_target_that_a_drill_makes_fail_needs_no_slot() {
    for fault in [Fault::Overloaded, Fault::Throttled] {
        let world = drilled(fault);
        world.ask(&marked(), &asking().to_string());
        assert_eq!(asks(&world), 0, "{fault:?}");
    }
}

fn admin(world: &World, method: &str, path: &str, body: &str) -> Got {
    let head = Head {
        method: method.to_owned(),
        path: path.to_owned(),
        host: "localhost".to_owned(),
        authorization: Some("Bearer value-of-PILOTLIGHT_ADMIN_KEY".to_owned()),
        ..Head::default()
    };
    world.ask(&head, body)
}

#[test]
fn what_a_drill_made_fail_is_not_told_as_a_targets_last_failure() {
    let world = drilled(Fault::Overloaded);
    world.ask(&marked(), &asking().to_string());
    let status = admin(&world, "GET", "/admin/status", "").json();
    let home = &status["targets"][1];
    assert_eq!(home["name"], "home");
    assert_eq!(home["last_failure"], Value::Null);
}

fn watched() -> Value {
    json!({
        "targets": { "home": {
            "provider": "ollama", "base_url": "http://box.test:11434", "model": "smol",
            "home": true, "attempts": 1
        } },
        "routes": { "auto": ["home"] }
    })
}

#[test]
fn a_box_that_comes_back_does_not_undo_the_operators_word() {
    let world = World::new(&watched());
    let version = "http://box.test:11434/api/version";
    world.shows(version, [Look::Status(530)]);
    world.round();
    let tripped = admin(
        &world,
        "POST",
        "/admin/breakers/home/trip",
        r#"{"for":"10m"}"#,
    );
    assert_eq!(tripped.status, 200);
    world.shows(version, [Look::Body(br#"{"version":"0.32.15"}"#.to_vec())]);
    world.advance(2 * MINUTE);
    world.round();
    let config = pilotlight::config::parse(&watched().to_string(), &|_| None).unwrap();
    let home = config.target("home").unwrap();
    let standing = world.isolate().standing(home, world.now());
    assert!(matches!(standing, Standing::Open { .. }), "{standing:?}");
}

#[test]
fn an_isolate_that_has_not_heard_yet_does_not_undo_the_operators_word() {
    let all = config(&[("one", cloud()), ("two", cloud())]);
    let here = World::new(&all);
    let there = here.sibling(&all);
    for world in [&here, &there] {
        world.script("one", [error(500, "")]);
        world.script("two", [ok("two")]);
    }
    // There, `one` fails for long enough that the others are told.
    for _ in 0..5 {
        there.chat(&asking());
    }
    there.script("one", [ok("one")]);
    here.advance(14_000);
    // It has just read what is shared when an operator opens the breaker elsewhere.
    there.chat(&asking());
    let tripped = admin(
        &here,
        "POST",
        "/admin/breakers/one/trip",
        r#"{"for":"10m"}"#,
    );
    assert_eq!(tripped.status, 200);
    here.advance(2_000);
    // The probe finds it well.
    there.chat(&asking());
    here.advance(MINUTE);
    here.chat(&asking());
    here.chat(&asking());
    let got = here.chat(&asking());
    assert_eq!(tried(&got), "one:breaker_open,two:ok");
}

#[test]
fn a_refusal_ends_the_chain_also_where_the_box_that_was_to_hedge_is_busy() {
    let mut openai = cloud();
    openai["base_url"] = "https://api.openai.com/v1".into();
    openai["hedge_after"] = "1s".into();
    let world = World::new(&config(&[
        ("openai", openai),
        ("home", home_at(9, &json!({}))),
    ]));
    let refusal = r#"{"error":{"message":"no such thing","type":"invalid_request_error","code":null,"param":"seed"}}"#;
    let mut step = reply(400, refusal);
    if let Step::Reply { after, .. } = &mut step {
        *after = 1_100;
    }
    world.script("openai", [step]);
    world.script("home", [ok("from home")]);
    world.delays_locks(200);
    world.occupies("home", MINUTE);
    let got = world.chat(&asking());
    assert_eq!(got.status, 400, "{} after {} ms", tried(&got), got.ms);
}

#[test]
fn a_release_that_overtakes_its_ask_leaves_nobody_at_the_box() {
    let ask = lease::Ask {
        owner: "req_1.0001".to_owned(),
        request: "req_1".to_owned(),
        slots: 1,
        lease_ms: 10 * MINUTE,
        wait_ms: 0,
        queue: 100,
        replaces: Vec::new(),
    };
    let mut lock = Lock::default();
    lock.release(&ask.owner, 0);
    lock.ask(ask, 1);
    assert_eq!(
        lock.seen(2).holders.len(),
        0,
        "whoever asked is gone already"
    );
}

#[test]
fn what_an_upstream_tells_cannot_be_more_than_the_ledger_can_add_up() {
    let world = World::new(&config(&[("cloud", cloud())]));
    let absurd = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},
        "finish_reason":"stop"}],"usage":{"prompt_tokens":9223372036854775807,
        "completion_tokens":18446744073709551615}}"#;
    world.script("cloud", [reply(200, absurd)]);
    assert_eq!(world.chat(&asking()).status, 200);
    let entries = world.store().entries.borrow();
    let used = entries[0].targets[0].used.unwrap_or_default();
    // SQLite's SUM fails beyond 63 bits, and then so does every report that has this hour in it.
    let most = 1_u64 << 53;
    assert!(used.tokens_in < most && used.tokens_out < most, "{used:?}");
}

/// Two answers, one from home for nothing and one whose price is not known.
struct HalfPriced;

impl Sql for HalfPriced {
    type Error = ();

    fn run(&self, statement: &str, _values: &[String]) -> Result<Vec<Row>, ()> {
        let known = |name: &str| match name {
            "SUM(answers)" | "SUM(asked)" => "2",
            "SUM(unpriced)" => "1",
            _ => "0",
        };
        let Some(columns) = statement
            .strip_prefix("SELECT CAST(SUM(asked)")
            .and_then(|_| statement.split(" FROM ").next())
        else {
            return Ok(Vec::new());
        };
        let columns = columns.trim_start_matches("SELECT ").split(", ");
        let name = |column: &str| {
            let inside = column.trim_start_matches("CAST(");
            known(inside.split(" AS ").next().unwrap()).to_owned()
        };
        Ok(vec![columns.map(|column| Some(name(column))).collect()])
    }
}

#[test]
fn a_sum_of_which_the_only_part_that_costs_is_unknown_is_not_told_as_nothing() {
    let query = Query {
        from: 0,
        to: 10,
        by: vec![By::Target],
    };
    let told = report::table(&HalfPriced, &query).unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["total"]["answers"], 2);
    assert_eq!(told["total"]["unpriced"], 1);
    assert_eq!(told["total"]["cost_usd"], Value::Null);
}

#[test]
fn what_a_target_that_was_outpaced_has_cost_is_not_told_as_nothing() {
    let priced = |host: &str| {
        json!({ "provider": "openai", "base_url": format!("https://{host}.example.com/v1"),
                "model": "m", "price_in": 1, "price_out": 1, "hedge_after": "1s" })
    };
    let world = World::new(&config(&[
        ("slow", priced("slow")),
        ("fast", priced("fast")),
    ]));
    world.script("slow", [late(10_000, 200)]);
    world.script("fast", [ok("at once")]);
    let got = world.chat(&asking());
    assert_eq!(tried(&got), "slow:outpaced,fast:ok");
    let entries = world.store().entries.borrow();
    let slow = &entries[0].targets[0];
    assert!(slow.asked && slow.cost.is_none(), "{slow:?}");
}

#[test]
fn two_names_for_one_address_are_told() {
    let all = config(&[
        ("large", home_at(9, &json!({ "box": "attic" }))),
        ("small", home_at(9, &json!({ "box": "cellar" }))),
    ]);
    let told = pilotlight::config::parse(&all.to_string(), &|_| None);
    assert!(told.is_err(), "each would have a lock of its own");
}
