//! The breaker's promises, over random histories, and between isolates.

use pilotlight::config::{self, Settings};
use pilotlight::policy::breaker::{Admission, Breaker, Health, Permit, Shared};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{Kv, Step, World, error, ok, reply};

fn config() -> Value {
    json!({
        "targets": {
            "one": {"provider": "openai", "base_url": "http://a.test", "model": "m", "attempts": 1},
            "two": {"provider": "openai", "base_url": "http://b.test", "model": "m", "attempts": 1},
            "home": {"provider": "openai", "base_url": "http://c.test", "model": "m", "home": true}
        },
        "routes": {"auto": ["one", "home"], "other": ["two", "home"]}
    })
}

fn question(route: &str) -> Value {
    json!({"model": route, "messages": [{"role": "user", "content": "hi"}]})
}

fn settings() -> Settings {
    let config = config::parse(&config().to_string(), &|_| None).unwrap();
    config.target("one").unwrap().settings.clone()
}

#[test]
fn consecutive_failures_open_it_and_one_probe_closes_it() {
    let world = World::new(&config());
    world
        .script("one", [error(500, "")])
        .script("home", [ok("h")]);
    for _ in 0..10 {
        assert_eq!(world.chat(&question("auto")).status, 200);
    }
    assert_eq!(world.seen("one").len(), 5, "five failures open the breaker");
    let open = world.chat(&question("auto"));
    assert_eq!(
        open.header("x-pilotlight-attempts"),
        "one:breaker_open,home:ok"
    );

    // The probe fails: it stays open, and longer.
    world.advance(15_000);
    world.chat(&question("auto"));
    assert_eq!(world.seen("one").len(), 6);
    world.advance(16_000);
    world.chat(&question("auto"));
    assert_eq!(world.seen("one").len(), 6, "the second cool-down is longer");

    world.advance(15_000);
    world.script("one", [ok("back")]);
    assert_eq!(
        world
            .chat(&question("auto"))
            .header("x-pilotlight-attempts"),
        "one:ok"
    );
    assert_eq!(
        world
            .chat(&question("auto"))
            .header("x-pilotlight-attempts"),
        "one:ok"
    );
}

#[test]
fn a_share_of_failures_opens_it_too() {
    let world = World::new(&config());
    let flaky = [ok("a"), error(500, "")].into_iter().cycle().take(40);
    world.script("one", flaky).script("home", [ok("h")]);
    for _ in 0..14 {
        world.chat(&question("auto"));
    }
    assert_eq!(world.seen("one").len(), 10, "half of ten attempts failed");
}

#[test]
fn a_credential_fault_opens_it_long_at_once() {
    let world = World::new(&config());
    world
        .script("one", [error(401, "invalid_api_key")])
        .script("home", [ok("h")]);
    world.chat(&question("auto"));
    world.advance(29 * 60_000);
    world.chat(&question("auto"));
    assert_eq!(world.seen("one").len(), 1);
    world.advance(61_000);
    world.chat(&question("auto"));
    assert_eq!(world.seen("one").len(), 2);
}

#[test]
fn isolates_respect_each_others_open_breakers_and_hear_of_a_recovery() {
    let first = World::new(&config());
    let second = first.sibling(&config());
    first
        .script("one", [error(401, "")])
        .script("home", [ok("h")]);
    second
        .script("two", [error(401, "")])
        .script("home", [ok("h")]);
    // At the same time, so that neither has heard of the other.
    first.chat(&question("auto"));
    second.chat(&question("other"));
    assert_eq!(
        first.store().values.borrow().len(),
        2,
        "neither undoes the other"
    );

    let third = first.sibling(&config());
    third.script("home", [ok("h")]);
    let got = third.chat(&question("auto"));
    assert_eq!(
        got.header("x-pilotlight-attempts"),
        "one:breaker_open,home:ok"
    );
    let got = third.chat(&question("other"));
    assert_eq!(
        got.header("x-pilotlight-attempts"),
        "two:breaker_open,home:ok"
    );

    first.advance(31 * 60_000);
    first.script("one", [ok("back")]);
    assert_eq!(
        first
            .chat(&question("auto"))
            .header("x-pilotlight-attempts"),
        "one:ok"
    );
    assert_eq!(first.store().values.borrow()["one"].open_until, None);
}

#[test]
fn the_store_is_read_once_in_a_few_seconds_and_holds_nobody_up() {
    let world = World::new(&config());
    world.script("one", [ok("a")]);
    for _ in 0..50 {
        world.chat(&question("auto"));
    }
    assert_eq!(world.store().reads.get(), 1);
    world.advance(6_000);
    world.store().kv.set(Kv::Slow(30_000));
    let got = world.chat(&question("auto"));
    assert_eq!(
        got.ms, 0,
        "what is known is good enough while it is read again"
    );
    assert_eq!(world.store().reads.get(), 2);

    for kv in [Kv::Down, Kv::Slow(30_000)] {
        let world = World::new(&config());
        world.store().kv.set(kv);
        world.script("one", [ok("a")]);
        let got = world.chat(&question("auto"));
        assert_eq!(got.status, 200);
        assert!(got.ms <= 100, "{kv:?}: {}", got.ms);
    }
}

#[test]
fn a_request_that_no_target_is_asked_for_reads_no_store() {
    let world = World::new(&config());
    world.chat(&json!({"model": "auto"}));
    assert_eq!(world.store().reads.get(), 0);
}

#[test]
fn a_target_that_answers_when_it_is_asked_again_is_not_shut() {
    let world = World::new(&json!({
        "targets": {
            "box": {"provider": "ollama", "base_url": "http://a.test", "model": "m"},
            "home": {"provider": "openai", "base_url": "http://c.test", "model": "m", "home": true}
        },
        "routes": {"auto": ["box", "home"]}
    }));
    let forgotten = reply(404, r#"{"error":"model 'm' not found"}"#);
    let answer = json!({"model": "m", "message": {"role": "assistant", "content": "4"},
                        "done": true, "done_reason": "stop", "eval_count": 1});
    world.script("box", [forgotten, reply(200, &answer.to_string())]);
    let got = world.chat(&question("auto"));
    assert_eq!(
        got.header("x-pilotlight-attempts"),
        "box:model_missing,box:ok"
    );
    let got = world.chat(&question("auto"));
    assert_eq!(got.header("x-pilotlight-attempts"), "box:ok");
    assert!(world.store().values.borrow().is_empty());
}

#[test]
fn a_probe_is_asked_once_and_a_caller_that_leaves_it_makes_room_for_the_next() {
    let world = World::new(&json!({
        "targets": {"one": {"provider": "openai", "base_url": "http://a.test", "model": "m"}},
        "routes": {"auto": ["one"]}
    }));
    world.script("one", [error(401, "")]);
    world.chat(&question("auto"));
    world.advance(30 * 60_000);
    world.script("one", [error(500, "")]);
    let got = world.chat(&question("auto"));
    assert_eq!(got.header("x-pilotlight-attempts"), "one:500");

    world.advance(60_000);
    world.script("one", [Step::CallerLeaves { after: 700 }]);
    let got = world.chat(&question("auto"));
    assert_eq!((got.status, got.ms), (499, 700));
    let line = world.log().pop().unwrap();
    assert_eq!(line["outcome"], "caller_left");
    assert_eq!(line["attempts"][0]["outcome"], "caller_left");
    world.script("one", [ok("back")]);
    assert_eq!(world.chat(&question("auto")).status, 200);
}

fn pass(admission: Admission) -> Permit {
    match admission {
        Admission::Pass(permit) | Admission::Probe(permit) => permit,
        Admission::Refuse { .. } => panic!("refused"),
    }
}

fn is_refused(breaker: &mut Breaker, now: u64) -> bool {
    let settings = settings();
    matches!(
        breaker.clone().admit(&settings, now),
        Admission::Refuse { .. }
    )
}

#[test]
fn what_was_asked_before_an_opening_does_not_end_it() {
    let (settings, mut breaker) = (settings(), Breaker::default());
    let old = pass(breaker.admit(&settings, 0));
    let shut = pass(breaker.admit(&settings, 0));
    let told = breaker.record(shut, Health::Misconfigured, &settings, 10, 0.5);
    assert!(told.is_some());
    assert_eq!(
        breaker.record(old, Health::Well, &settings, 20, 0.5),
        None,
        "an old success"
    );
    assert!(is_refused(&mut breaker, 20));
}

#[test]
fn only_the_probe_decides() {
    for late in [
        Health::Well,
        Health::Failed,
        Health::Unknown,
        Health::Throttled(None),
    ] {
        let (settings, mut breaker) = (settings(), Breaker::default());
        let old = pass(breaker.admit(&settings, 0));
        let shut = pass(breaker.admit(&settings, 0));
        let _ = breaker.record(shut, Health::Throttled(Some(1_000)), &settings, 0, 0.5);
        let probe = pass(breaker.admit(&settings, 1_000));
        assert_eq!(breaker.record(old, late, &settings, 1_001, 0.5), None);
        assert!(
            is_refused(&mut breaker, 1_001),
            "{late:?} let a second probe in"
        );
        let _ = breaker.record(probe, Health::Well, &settings, 1_002, 0.5);
        assert!(!is_refused(&mut breaker, 1_002));
    }
}

#[test]
fn many_throttles_at_once_are_one_opening_and_told_once() {
    let (settings, mut breaker) = (settings(), Breaker::default());
    let permits: Vec<Permit> = (0..20).map(|_| pass(breaker.admit(&settings, 0))).collect();
    let throttled = Health::Throttled(Some(30_000));
    let told: Vec<Shared> = (0..)
        .zip(&permits)
        .filter_map(|(ms, permit)| breaker.record(*permit, throttled, &settings, ms, 0.5))
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].trips, 1);
}

#[test]
fn who_never_heard_of_an_opening_need_not_hear_of_its_end() {
    let (settings, mut breaker) = (settings(), Breaker::default());
    let permit = pass(breaker.admit(&settings, 0));
    let short = breaker.record(permit, Health::Throttled(Some(5_000)), &settings, 0, 0.5);
    let probe = pass(breaker.admit(&settings, 5_000));
    let closed = breaker.record(probe, Health::Well, &settings, 5_100, 0.5);
    assert_eq!((short, closed), (None, None));
}

#[test]
fn the_first_word_of_a_probe_closes_it_and_a_bad_end_opens_it_for_longer() {
    let (settings, mut breaker) = (settings(), Breaker::default());
    for _ in 0..settings.breaker_failures {
        let permit = pass(breaker.admit(&settings, 0));
        let _ = breaker.record(permit, Health::Failed, &settings, 0, 0.0);
    }
    assert!(is_refused(&mut breaker, 14_999));
    let probe = pass(breaker.admit(&settings, 15_000));
    assert!(is_refused(&mut breaker, 15_000));
    let told = breaker.heard_from(probe, &settings, 16_000);
    assert_eq!(told.map(|told| told.open_until), Some(None));
    assert!(!is_refused(&mut breaker, 16_000));
    let told = breaker.record(probe, Health::Failed, &settings, 20_000, 0.0);
    assert_eq!(told.unwrap().open_until, Some(20_000 + 22_500));
}

#[test]
fn a_wait_that_the_upstream_names_is_how_long_it_is_left_alone() {
    for (health, wait, open_for) in [
        (Health::Failed, 600_000, 600_000),
        (Health::Throttled(Some(10_000)), 120_000, 120_000),
        (Health::Throttled(Some(10_000)), 2_000, 10_000),
        (Health::Misconfigured, 34_000, 34_000),
    ] {
        let (settings, mut breaker) = (settings(), Breaker::default());
        let permit = pass(breaker.admit(&settings, 0));
        let _ = breaker.record(permit, health.with_wait(Some(wait)), &settings, 0, 0.0);
        assert!(is_refused(&mut breaker, open_for - 1), "{health:?}");
        assert!(!is_refused(&mut breaker, open_for), "{health:?}");
    }
}

/// One thing that happens to a breaker.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Ask,
    /// One of the requests that are under way ends.
    End(prop::sample::Index, Health),
    Hear(u64),
    Pass(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    let health = prop_oneof![
        Just(Health::Well),
        Just(Health::Failed),
        Just(Health::Failed),
        Just(Health::Misconfigured),
        Just(Health::Unknown),
        (0_u64..100_000).prop_map(|ms| Health::Throttled(Some(ms))),
        (0_u64..100_000).prop_map(Health::Unavailable),
    ];
    prop_oneof![
        4 => Just(Happening::Ask),
        4 => (any::<prop::sample::Index>(), health).prop_map(|(at, health)| Happening::End(at, health)),
        1 => (0_u64..3_600_000).prop_map(Happening::Hear),
        3 => (0_u64..120_000).prop_map(Happening::Pass),
    ]
}

proptest! {
    #[test]
    fn it_is_never_stuck_open_and_lets_one_probe_through_at_a_time(
        history in proptest::collection::vec(happening(), 1..120),
        chance in 0.0_f64..1.0,
    ) {
        let settings = settings();
        let mut breaker = Breaker::default();
        let mut now = 1_000_000_u64;
        let mut under_way: Vec<Permit> = Vec::new();
        // The probe that is under way, and until when it is waited for.
        let mut probing: Option<(Permit, u64)> = None;
        for happening in history {
            match happening {
                Happening::Pass(ms) => now += ms,
                Happening::Hear(open_for) => {
                    let told = Shared {
                        at: now,
                        open_until: Some(now + open_for),
                        cause: pilotlight::policy::breaker::Cause::Failing,
                        trips: 1,
                    };
                    breaker.hear(&told, now);
                    // It stands for another outage, which has a probe of its own.
                    probing = None;
                }
                Happening::Ask => match breaker.admit(&settings, now) {
                    Admission::Refuse { until, .. } => prop_assert!(until > now),
                    Admission::Pass(permit) => under_way.push(permit),
                    Admission::Probe(permit) => {
                        if let Some((_, until)) = probing {
                            prop_assert!(now >= until, "two probes");
                        }
                        probing = Some((permit, now + 2 * settings.attempt_timeout_ms));
                        under_way.push(permit);
                    }
                },
                Happening::End(_, _) if under_way.is_empty() => {}
                Happening::End(at, health) => {
                    let permit = under_way.swap_remove(at.index(under_way.len()));
                    let _ = breaker.record(permit, health, &settings, now, chance);
                    if let Some((probe, _)) = probing
                        && probe == permit
                    {
                        probing = None;
                        if health == Health::Well {
                            prop_assert!(!is_refused(&mut breaker, now), "the probe was well");
                        }
                    }
                }
            }
        }
        // Whatever happened, and whoever never comes back, it asks again within its longest wait.
        now += 3_600_000;
        prop_assert!(!is_refused(&mut breaker, now), "stuck open");
    }
}
