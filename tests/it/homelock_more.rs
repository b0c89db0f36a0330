//! The lock of a home box in every order of events: random routes, faults, crowds and callers who leave.

use std::collections::BTreeSet;

use pilotlight::gateway::Head;
use pilotlight::policy::lease::Message;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{Piece, Step, World, chat_head, error, ok, reply, streamed};

/// What a target of a random route is like.
#[derive(Clone, Debug)]
struct Kind {
    /// Its box; `None` in the cloud.
    at: Option<u16>,
    wait: u64,
    wait_alone: u64,
    hedged: bool,
    attempts: u32,
    steps: Vec<Step>,
    key: bool,
}

fn broken(words: &[&str], pause: u64) -> Step {
    let mut pieces = streamed(words);
    pieces.truncate(pieces.len() - 3);
    pieces.push(Piece::Wait(pause));
    pieces.push(Piece::Reset);
    Step::Stream(pieces)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(ok("It was a bright cold day in April")),
        1 => Just(Step::Refuse),
        1 => Just(Step::Silence),
        1 => Just(error(500, "")),
        1 => Just(error(429, "")),
        1 => Just(error(400, "")),
        2 => (0_u64..3_000).prop_map(|pause| broken(&["It was a bright ", "cold day"], pause)),
        1 => (0_u64..3_000).prop_map(|pause| broken(&["Something else ", "entirely"], pause)),
        1 => Just(reply(200, "no answer at all")),
        1 => (0_u64..9_000).prop_map(|pause| {
            let mut pieces = streamed(&["It was a bright ", "cold day in April"]);
            pieces.insert(2, Piece::Wait(pause));
            Step::Stream(pieces)
        }),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    (
        prop_oneof![Just(None), Just(Some(7)), Just(Some(8)), Just(Some(9))],
        prop_oneof![Just(0_u64), 1_u64..10],
        prop_oneof![Just(0_u64), 10_u64..300],
        any::<bool>(),
        1_u32..3,
        proptest::collection::vec(step(), 1..4),
        prop::bool::weighted(0.9),
    )
        .prop_map(
            |(at, wait, wait_alone, hedged, attempts, steps, key)| Kind {
                at,
                wait,
                wait_alone: wait_alone.max(wait),
                hedged,
                attempts,
                steps,
                key,
            },
        )
}

fn config(kinds: &[Kind]) -> Value {
    let mut targets = serde_json::Map::new();
    let mut names = Vec::new();
    for (at, kind) in kinds.iter().enumerate() {
        let name = format!("t{at}");
        let mut target = match kind.at {
            None => json!({ "base_url": format!("https://{name}.example.com/v1") }),
            Some(port) => json!({
                "base_url": format!("http://127.0.0.1:{port}/v1"), "home": true,
                "wait": kind.wait, "wait_alone": kind.wait_alone, "lease": 30
            }),
        };
        target["provider"] = "openai".into();
        target["model"] = "m".into();
        target["attempts"] = kind.attempts.into();
        if kind.hedged {
            target["hedge_after"] = 1.into();
        }
        // Without any that can be asked it is no config.
        if !kind.key && at > 0 {
            target["key"] = "UNSET_KEY".into();
        }
        targets.insert(name.clone(), target);
        names.push(name);
    }
    json!({ "targets": targets, "routes": { "auto": names } })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_no_slot_is_left_held_and_no_target_is_asked_without_end(
        kinds in proptest::collection::vec(kind(), 1..5),
        crowd in proptest::collection::vec((0_usize..3, 0_u64..400_000), 0..3),
        stream in any::<bool>(),
        mode in 0_usize..3,
        private in prop::bool::weighted(0.2),
        leaves in prop::option::weighted(0.4, 0_u64..20_000),
        delay in prop_oneof![3 => Just(0_u64), 1 => 1_u64..1_500],
    ) {
        let config = config(&kinds);
        let world = World::new(&config);
        for (at, kind) in kinds.iter().enumerate() {
            world.script(&format!("t{at}"), kind.steps.clone());
        }
        let parsed = pilotlight::config::parse(&config.to_string(), &|_| None).unwrap();
        let boxes: BTreeSet<String> = parsed.targets.iter().filter_map(|it| it.box_name.clone()).collect();
        let names: Vec<&String> = boxes.iter().collect();
        for (at, ms) in &crowd {
            if let Some(name) = names.get(*at) {
                world.occupies(name, *ms);
            }
        }
        world.delays_locks(delay);
        if let Some(ms) = leaves {
            world.caller_is_gone_after(ms);
        }
        let head = Head {
            mode: Some(["takeover", "hold", "error"][mode].to_owned()),
            privacy: private.then(|| "home".to_owned()),
            ..chat_head()
        };
        let asking = json!({ "model": "auto", "stream": stream,
            "messages": [{ "role": "user", "content": "hi" }] });
        let got = world.ask(&head, &asking.to_string());
        prop_assert!(got.ms <= 600_000 + 10_000, "{} ms", got.ms);
        // Nothing of ours is left at any box: what is there came before us.
        for name in &boxes {
            let locks = world.store().locks.borrow();
            if let Some(lock) = locks.get(name) {
                let seen = lock.seen(0);
                let ours = seen.holders.iter().filter(|it| it.request.starts_with("req_")).count();
                prop_assert_eq!((ours, seen.queue.len()), (0, 0), "{}", name);
            }
        }
        let said = world.store().said.borrow();
        let asks = said.iter().filter(|it| matches!(it, Message::Ask(_))).count();
        prop_assert!(asks <= 60, "{} asks", asks);
        for (at, kind) in kinds.iter().enumerate() {
            let calls = world.seen(&format!("t{at}")).len();
            let most = 4 * usize::try_from(kind.attempts).unwrap();
            prop_assert!(calls <= most, "t{}: {} calls", at, calls);
            if private && kind.at.is_none() {
                prop_assert_eq!(calls, 0, "it left home");
            }
        }
        let told = world.log().iter().filter(|line| line["event"] == "request").count();
        prop_assert_eq!(told, 1);
        prop_assert_eq!(world.store().entries.borrow().len(), 1);
    }
}

#[test]
fn a_caller_who_leaves_at_any_moment_leaves_nothing_at_the_box() {
    for stream in [false, true] {
        for leaves in (0..40_000).step_by(250) {
            let config = json!({
                "targets": {
                    "home": { "provider": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "m",
                              "home": true, "wait": "10s", "attempts": 2, "lease": "10s" },
                },
                "routes": { "auto": ["home"] }
            });
            let world = World::new(&config);
            let mut slow = streamed(&["some ", "words"]);
            slow.insert(2, Piece::Wait(12_000));
            world.script("home", [error(500, ""), Step::Stream(slow)]);
            world.occupies("home", 5_000);
            world.caller_is_gone_after(leaves);
            let asking = json!({ "model": "auto", "stream": stream,
                "messages": [{ "role": "user", "content": "hi" }] });
            world.chat(&asking);
            let locks = world.store().locks.borrow();
            let seen = locks["home"].seen(0);
            let ours = seen
                .holders
                .iter()
                .filter(|it| it.request.starts_with("req_"));
            assert_eq!(
                (ours.count(), seen.queue.len()),
                (0, 0),
                "{leaves} {stream}"
            );
            assert_eq!(world.store().entries.borrow().len(), 1, "{leaves} {stream}");
        }
    }
}

#[test]
fn every_setting_of_a_box_that_is_mistyped_is_told_at_its_place() {
    let base = json!({
        "targets": {
            "home": { "provider": "ollama", "base_url": "http://127.0.0.1:11434", "model": "m", "home": true },
            "cloud": { "provider": "openai", "base_url": "https://api.openai.com/v1", "model": "gpt" },
        },
        "routes": { "auto": ["home", "cloud"] },
    });
    for (target, key, value, part) in [
        ("home", "slots", json!(0), "from 1 to 1000"),
        ("home", "slots", json!("2"), "a whole number"),
        ("home", "slot", json!(1), "\"slots\"?"),
        ("home", "wait", json!("2h"), "from 0 to 1h"),
        ("home", "wait", json!("6m"), "more than wait_alone"),
        ("home", "wait_alone", json!(-1), "from 0 to 1h"),
        ("home", "wait_alon", json!(1), "\"wait_alone\"?"),
        ("home", "queue", json!(1.5), "a whole number"),
        ("home", "queue", json!(10_001), "from 0 to 10000"),
        ("home", "lease", json!("9s"), "from 10s to 24h"),
        ("home", "leas", json!(1), "\"lease\"?"),
        ("home", "box", json!("a b"), "a name of letters"),
        ("home", "box", json!(5), "a name"),
        ("home", "boxes", json!("x"), "\"box\"?"),
        ("home", "warm", json!("yes"), "false or true"),
        ("home", "context", json!("aut"), "or \"auto\""),
        ("home", "watts", json!(0), "from 1 to 100000"),
        ("home", "watts", json!("250W"), "a whole number"),
        ("cloud", "watts", json!(100), "in the cloud"),
        ("cloud", "slots", json!(2), "only to a target at home"),
        ("cloud", "wait", json!(1), "only to a target at home"),
        ("cloud", "box", json!("x"), "only to a target at home"),
        ("cloud", "warm", json!(true), "no words for that"),
        ("cloud", "context", json!("auto"), "no words for that"),
        ("cloud", "price_cached", json!(1), "nothing alone"),
    ] {
        let mut config = base.clone();
        config["targets"][target][key] = value;
        let told = pilotlight::config::parse(&config.to_string(), &|_| None).unwrap_err();
        let path = format!("targets.{target}.{key}");
        let found = told.iter().find(|it| it.path == path);
        let problem = found.map(|it| it.problem.as_str()).unwrap_or_default();
        assert!(problem.contains(part), "{path}: {told:?}");
    }
}
