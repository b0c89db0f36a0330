//! Breakers: in one isolate, between isolates over the key-value store, and without the store.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::caller::{Answer, Request};
use crate::gateway::{Gateway, Setup, asking, chain, cloud, with};
use crate::kv::{Kv, Manner};
use crate::upstream::{Gate, PATIENCE, Reply, Upstream};
use crate::wire;

/// So many failures in a row open a breaker where the test is about what is heard of it.
const MANY: usize = 60;

fn broken() -> Reply {
    wire::api(
        500,
        &json!({ "error": { "message": "No.", "code": "server_error" } }),
    )
}

/// A target whose breaker opens only after many failures in a row, and then for long.
fn patient(upstream: &Upstream) -> Value {
    let settings = json!({
        "attempts": 1,
        "breaker_failures": MANY,
        "breaker_min_requests": 100_000,
        "breaker_cooldown": "5m",
    });
    with(cloud(upstream), settings)
}

fn ask(address: SocketAddr, model: &str) -> Answer {
    let mut question = asking("Hi");
    question["model"] = model.into();
    Request::chat(&question).send(address).whole()
}

/// Asks until all of `refused` are passed over because their breakers are open, which no isolate
/// that has not failed often enough itself can know but from the store.
fn hears(address: SocketAddr, model: &str, refused: &[&str]) {
    let until = Instant::now() + PATIENCE;
    for _ in 1..MANY {
        let tried = ask(address, model).attempts();
        let open = |name: &&str| tried.contains(&format!("{name}:breaker_open"));
        if refused.iter().all(open) {
            return;
        }
        assert!(
            Instant::now() < until,
            "not heard of: {refused:?}, {tried:?}"
        );
        thread::sleep(Duration::from_millis(500));
    }
    panic!("{refused:?} was asked {MANY} times");
}

#[test]
fn a_breaker_that_opened_in_one_isolate_is_respected_by_the_other() {
    let down = Upstream::playing([broken()]);
    let up = Upstream::playing([wire::completion("Here.")]);
    let config = chain(&[("down", patient(&down)), ("up", cloud(&up))]);
    // The store is Cloudflare's own simulator of it.
    let gateway = Setup::new(config).isolates(2).simulate();
    for _ in 0..MANY {
        assert_eq!(
            ask(gateway.isolate(0), "auto").attempts(),
            ["down:overloaded", "up:ok"]
        );
    }
    assert_eq!(
        ask(gateway.isolate(0), "auto").attempts(),
        ["down:breaker_open", "up:ok"]
    );
    assert_eq!(down.count(), MANY);

    hears(gateway.isolate(1), "auto", &["down"]);

    let asked = down.count();
    assert_eq!(ask(gateway.isolate(1), "auto").text(), "Here.");
    assert_eq!(down.count(), asked, "the other isolate keeps away as well");
}

#[test]
fn two_isolates_that_trip_two_targets_at_once_do_not_undo_each_other() {
    let upstreams = [broken(), broken()].map(|reply| Upstream::playing([reply]));
    let up = Upstream::playing([wire::completion("Here.")]);
    let config = chain(&[
        ("a", patient(&upstreams[0])),
        ("b", patient(&upstreams[1])),
        ("up", cloud(&up)),
    ]);
    let kv = Kv::start(Manner::Sound);
    let gateway = Setup::new(config).isolates(3).store(&kv).start();
    thread::scope(|scope| {
        for (isolate, target) in [(0, "a"), (1, "b")] {
            let address = gateway.isolate(isolate);
            scope.spawn(move || {
                for _ in 0..MANY {
                    assert_eq!(ask(address, target).status, 503);
                }
            });
        }
    });
    assert_eq!((upstreams[0].count(), upstreams[1].count()), (MANY, MANY));

    // The third isolate has seen nothing, and learns of both.
    hears(gateway.isolate(2), "auto", &["a", "b"]);
    // The two learn of each other's.
    hears(gateway.isolate(0), "auto", &["a", "b"]);
    hears(gateway.isolate(1), "auto", &["a", "b"]);
    assert_eq!(kv.writes().len(), 2, "one write a change");
}

#[test]
fn the_store_is_read_once_in_a_few_seconds_for_all_targets() {
    let up = Upstream::playing([wire::completion("Here.")]);
    let targets: Vec<(String, Value)> = (0..8)
        .map(|number| (format!("t{number}"), cloud(&up)))
        .collect();
    let targets: Vec<(&str, Value)> = targets
        .iter()
        .map(|(name, table)| (name.as_str(), table.clone()))
        .collect();
    let kv = Kv::start(Manner::Sound);
    let gateway = Setup::new(chain(&targets)).store(&kv).start();
    let until = Instant::now() + Duration::from_secs(8);
    while Instant::now() < until {
        assert_eq!(ask(gateway.address(), "auto").text(), "Here.");
        thread::sleep(Duration::from_millis(50));
    }

    let reads = kv.reads();

    assert!(!reads.is_empty(), "it is read");
    for pair in reads.windows(2) {
        let apart = pair[1] - pair[0];
        assert!(
            apart >= Duration::from_secs(2),
            "read again after {apart:?}: {}",
            reads.len()
        );
    }
    assert_eq!(
        kv.writes().len(),
        0,
        "nothing changed, so nothing is written"
    );
}

#[test]
fn a_store_that_is_silent_or_broken_or_gone_holds_nothing_up() {
    for manner in [Manner::Silent, Manner::Broken, Manner::Gone] {
        let down = Upstream::playing([broken()]);
        let up = Upstream::playing([wire::completion("Here.")]);
        let settings = json!({ "attempts": 1, "breaker_failures": 3, "breaker_cooldown": "5m" });
        let config = chain(&[("down", with(cloud(&down), settings)), ("up", cloud(&up))]);
        let gateway = Setup::new(config).store(&Kv::start(manner)).start();
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(gateway.chat(&asking("Hi")).text(), "Here.", "{manner:?}");
        }
        let answer = gateway.chat(&asking("Hi"));
        assert_eq!(
            answer.attempts(),
            ["down:breaker_open", "up:ok"],
            "{manner:?}"
        );
        // A store that never answers would hold a request up for as long as it is waited for.
        assert!(
            start.elapsed() < PATIENCE,
            "{manner:?}: {:?}",
            start.elapsed()
        );
        assert_eq!((down.count(), up.count()), (3, 4), "{manner:?}");
    }
}

#[test]
fn failures_in_a_row_open_a_breaker_and_a_probe_closes_it() {
    let replies = [
        broken(),
        broken(),
        broken(),
        broken(),
        wire::completion("Back."),
    ];
    let flaky = Upstream::playing(replies);
    let up = Upstream::playing([wire::completion("Here.")]);
    let settings = json!({ "attempts": 1, "breaker_failures": 3, "breaker_cooldown": "2s" });
    let config = chain(&[("flaky", with(cloud(&flaky), settings)), ("up", cloud(&up))]);
    let gateway = Setup::new(config).start();
    for _ in 0..3 {
        assert_eq!(
            gateway.chat(&asking("Hi")).attempts(),
            ["flaky:overloaded", "up:ok"]
        );
    }
    assert_eq!(
        gateway.chat(&asking("Hi")).attempts(),
        ["flaky:breaker_open", "up:ok"]
    );

    let texts = poll_until(&gateway, "Back.");

    assert!(texts.iter().all(|text| text == "Here."), "{texts:?}");
    assert_eq!(
        gateway.chat(&asking("Hi")).attempts(),
        ["flaky:ok"],
        "it is closed"
    );
    let seen = flaky.seen();
    assert_eq!(seen.len(), 6);
    let first = seen[3].at - seen[2].at;
    let second = seen[4].at - seen[3].at;
    assert!(
        first >= Duration::from_millis(1800),
        "the cool-down: {first:?}"
    );
    assert!(
        second >= Duration::from_millis(2700),
        "a failed probe makes it half as long again: {second:?}"
    );
}

/// Asks until this answer comes; returns the others.
fn poll_until(gateway: &Gateway, wanted: &str) -> Vec<String> {
    let until = Instant::now() + PATIENCE;
    let mut others = Vec::new();
    loop {
        let text = gateway.chat(&asking("Hi")).text();
        if text == wanted {
            return others;
        }
        others.push(text);
        assert!(Instant::now() < until, "never {wanted}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn while_a_probe_is_out_nobody_else_is_let_through() {
    let gate = Gate::default();
    let slow_success = Reply::new().after(&gate).and(wire::completion("Back."));
    let flaky = Upstream::playing([broken(), slow_success, wire::completion("Well.")]);
    let up = Upstream::playing([wire::completion("Here.")]);
    let settings = json!({ "attempts": 1, "breaker_failures": 1, "breaker_cooldown": "0.2s" });
    let config = chain(&[("flaky", with(cloud(&flaky), settings)), ("up", cloud(&up))]);
    let gateway = Setup::new(config).start();
    assert_eq!(gateway.chat(&asking("Hi")).text(), "Here.");

    thread::scope(|scope| {
        let probe = scope.spawn(|| poll_until(&gateway, "Back."));
        flaky.wait_count(2);
        for _ in 0..5 {
            let answer = gateway.chat(&asking("Hi"));
            assert_eq!(answer.attempts(), ["flaky:breaker_open", "up:ok"]);
        }
        assert_eq!(flaky.count(), 2, "one probe is out");
        gate.open();
        probe.join().unwrap();
    });
    assert_eq!(gateway.chat(&asking("Hi")).text(), "Well.");
}

#[test]
fn a_target_that_fails_every_second_time_is_opened_by_its_rate() {
    let replies: Vec<Reply> = (0..30)
        .map(|number| {
            if number % 2 == 0 {
                broken()
            } else {
                wire::completion("Lucky.")
            }
        })
        .collect();
    let flaky = Upstream::playing(replies);
    let up = Upstream::playing([wire::completion("Here.")]);
    let settings = json!({ "attempts": 1, "breaker_failures": 5, "breaker_rate": 0.5, "breaker_min_requests": 10 });
    let config = chain(&[("flaky", with(cloud(&flaky), settings)), ("up", cloud(&up))]);
    let gateway = Setup::new(config).start();
    let mut asked = 0;
    while gateway.chat(&asking("Hi")).attempts()[0] != "flaky:breaker_open" {
        asked += 1;
        assert!(asked < 30, "never opened");
    }
    assert!(
        asked >= 10,
        "opened after {asked} requests, which say nothing yet"
    );
    assert_eq!(flaky.count(), asked);
}

#[test]
fn a_fault_of_the_credential_opens_at_once_for_long_and_is_told_to_the_others() {
    let barred = wire::openai_error(
        "invalid_request_error",
        "invalid_api_key",
        "Incorrect API key provided.",
    );
    let down = Upstream::playing([wire::api(401, &barred)]);
    let up = Upstream::playing([wire::completion("Here.")]);
    let settings = json!({ "breaker_cooldown": "0.1s", "breaker_cooldown_max": "0.1s" });
    let config = chain(&[("down", with(cloud(&down), settings)), ("up", cloud(&up))]);
    let kv = Kv::start(Manner::Sound);
    let gateway = Setup::new(config).isolates(2).store(&kv).start();

    assert_eq!(
        gateway.chat(&asking("Hi")).attempts(),
        ["down:credential", "up:ok"]
    );
    thread::sleep(Duration::from_millis(300));
    assert_eq!(
        gateway.chat(&asking("Hi")).attempts(),
        ["down:breaker_open", "up:ok"]
    );

    assert_eq!(down.count(), 1);
    assert_eq!(kv.writes().len(), 1, "long enough to be worth telling");
}

#[test]
fn an_answer_that_breaks_off_counts_against_its_target() {
    let cut = Upstream::playing([wire::said(&["Hal"]).reset()]);
    let up = Upstream::playing([wire::stream(&["Here."])]);
    let settings = json!({ "breaker_failures": 2, "breaker_cooldown": "5m" });
    let mut config = chain(&[("cut", with(cloud(&cut), settings)), ("up", cloud(&up))]);
    config["mode"] = "error".into();
    let gateway = Setup::new(config).start();
    for _ in 0..2 {
        let answer = gateway.stream(&asking("Hi")).streamed();
        assert!(answer.error().is_some() && !answer.done, "{answer:?}");
    }

    let answer = gateway.stream(&asking("Hi")).streamed();

    assert_eq!(answer.text(), "Here.");
    assert_eq!((cut.count(), up.count()), (2, 1));
}
