//! The breaker's promises, over random histories, and between isolates.

use pilotlight::config::{self, Settings};
use pilotlight::policy::breaker::{Admission, Breaker, Health, Shared, State};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{Kv, World, error, ok};

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

/// One thing that happens to a breaker.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Ask(Health),
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
    ];
    prop_oneof![
        4 => health.prop_map(Happening::Ask),
        1 => (0_u64..3_600_000).prop_map(Happening::Hear),
        3 => (0_u64..120_000).prop_map(Happening::Pass),
    ]
}

proptest! {
    #[test]
    fn it_is_never_stuck_open_and_lets_one_probe_through_at_a_time(
        history in proptest::collection::vec(happening(), 1..80),
        chance in 0.0_f64..1.0,
    ) {
        let settings = settings();
        let mut breaker = Breaker::default();
        let mut now = 1_000_000_u64;
        for happening in history {
            match happening {
                Happening::Pass(ms) => now += ms,
                Happening::Hear(open_for) => breaker.hear(
                    &Shared {
                        at: now,
                        open_until: Some(now + open_for),
                        cause: pilotlight::policy::breaker::Cause::Failing,
                        trips: 1,
                    },
                    now,
                ),
                Happening::Ask(health) => match breaker.admit(now) {
                    Admission::Refuse { until, .. } => prop_assert!(until > now),
                    Admission::Pass => {
                        let _ = breaker.record(health, &settings, now, chance);
                    }
                    Admission::Probe => {
                        let second = breaker.admit(now);
                        let refused = matches!(second, Admission::Refuse { .. });
                        prop_assert!(refused, "two probes");
                        let _ = breaker.record(health, &settings, now, chance);
                        if health == Health::Well {
                            prop_assert_eq!(breaker.state(), State::Closed { failures: 0 });
                        }
                    }
                },
            }
        }
        // Whatever happened, it asks again within its longest cool-down.
        now += 3_600_000;
        let refused = matches!(breaker.admit(now), Admission::Refuse { .. });
        prop_assert!(!refused, "stuck open");
    }
}
