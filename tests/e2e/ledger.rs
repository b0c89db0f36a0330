//! The ledger's object, spoken to past the gateway, and the gateway when there is none to speak to.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use pilotlight::ledger::entry::{Ended, Entry, Part, Used};
use pilotlight::ledger::message::{By, Message, Query, Tell};
use serde_json::{Value, json};

use crate::admin::{KEY, operator, serving, until};
use crate::caller::Request;
use crate::gateway::{Gateway, Setup, asking, chain, cloud, home, with};
use crate::http::Head;
use crate::upstream::Upstream;
use crate::wire;

const HOUR_MS: u64 = 3_600_000;

/// A gateway whose ledger can be spoken to.
fn opened() -> Gateway {
    let nobody = Upstream::playing([wire::completion("Hi.")]);
    Setup::new(chain(&[("cloud", cloud(&nobody))]))
        .secret("PILOTLIGHT_ADMIN_KEY", KEY)
        .opened_ledger()
        .start()
}

/// A request that failed at a target, at this time.
fn entry(id: &str, at: u64) -> Entry {
    Entry {
        id: id.to_owned(),
        at,
        route: "auto".to_owned(),
        ended: Ended::Failed,
        status: 503,
        private: true,
        first_ms: None,
        total_ms: 70,
        targets: vec![Part {
            target: "cloud".to_owned(),
            home: false,
            asked: true,
            answered: false,
            reasons: vec!["overloaded".to_owned()],
            used: Some(Used {
                tokens_in: 5,
                cached_in: 1,
                tokens_out: 2,
            }),
            cost: Some(7),
        }],
        reference: None,
        drill: None,
    }
}

/// Tells the ledger of entries of these numbers; the number up to which it says that all is written.
fn tell(gateway: &Gateway, isolate: &str, numbers: &[u64]) -> u64 {
    let now = now();
    let entries = numbers.iter().map(|number| (*number, now));
    tell_at(gateway, isolate, entries.collect(), now)
}

/// Tells of entries of these numbers and times, at a time, to be kept for a day.
fn tell_at(gateway: &Gateway, isolate: &str, entries: Vec<(u64, u64)>, now: u64) -> u64 {
    let entry = |(number, at): (u64, u64)| (number, entry(&format!("{isolate}-{number}"), at));
    let message = Message::Tell(Tell {
        isolate: isolate.to_owned(),
        entries: entries.into_iter().map(entry).collect(),
        keep_days: 1,
        now,
    });
    let told = gateway.tell_ledger(&serde_json::to_value(&message).unwrap());
    assert_eq!(told.status, 200, "{}", told.body);
    told.json()["number"].as_u64().unwrap()
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_millis().try_into().unwrap()
}

/// All that the ledger tells of the last days, and of requests that failed.
fn all(gateway: &Gateway) -> [Value; 2] {
    let path = "/admin/ledger?by=hour,route,target";
    [path, "/admin/failures?limit=1000"].map(|path| operator(gateway, "GET", path, "").json())
}

/// How many requests it tells of, and how many of them it remembers as failed.
fn counted(gateway: &Gateway) -> (u64, usize) {
    let [table, failures] = all(gateway);
    let requests = table["total"]["requests"].as_u64().unwrap();
    // Whatever is counted of one is counted of all.
    for (name, of_one) in [
        ("failed", 1),
        ("private", 1),
        ("failovers", 1),
        ("tokens_in", 5),
        ("cached_in", 1),
        ("tokens_out", 2),
    ] {
        assert_eq!(table["total"][name], of_one * requests, "{name}: {table:#}");
    }
    (requests, failures["failures"].as_array().unwrap().len())
}

#[test]
fn a_message_that_comes_twice_or_late_changes_nothing() {
    let gateway = opened();
    assert_eq!(tell(&gateway, "one", &[1, 2, 3]), 3);
    let before = all(&gateway);
    assert_eq!(counted(&gateway), (3, 3));
    assert_eq!(tell(&gateway, "one", &[1, 2, 3]), 3, "again");
    assert_eq!(tell(&gateway, "one", &[2]), 3, "a part of it");
    assert_eq!(tell(&gateway, "one", &[]), 3, "nothing");
    assert_eq!(all(&gateway), before);

    assert_eq!(tell(&gateway, "one", &[3, 4]), 4, "one of them is new");
    assert_eq!(counted(&gateway), (4, 4));
    assert_eq!(tell(&gateway, "one", &[1, 2, 3]), 4, "late");
    assert_eq!(counted(&gateway), (4, 4));
    assert_eq!(tell(&gateway, "two", &[1, 2]), 2, "others have numbers too");
    assert_eq!(counted(&gateway), (6, 6));
    assert_eq!(gateway.tell_ledger(&json!("nonsense")).status, 400);
}

#[test]
fn a_message_that_comes_many_times_at_once_is_counted_once_and_outlives_the_object() {
    let mut gateway = opened();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for last in [10_u64, 20, 15, 20] {
                    let numbers: Vec<u64> = (1..=last).collect();
                    tell(&gateway, "one", &numbers);
                }
            });
        }
    });
    assert_eq!(counted(&gateway), (20, 20));
    gateway.kill();
    gateway.restart();
    let numbers: Vec<u64> = (1..=20).collect();
    assert_eq!(tell(&gateway, "one", &numbers), 20);
    assert_eq!(counted(&gateway), (20, 20));
}

#[test]
fn what_is_older_than_is_kept_is_thrown_away() {
    let gateway = opened();
    let report = |from: u64, to: u64| {
        let by = vec![By::Hour];
        let query = Query { from, to, by };
        let message = serde_json::to_value(Message::Report(query)).unwrap();
        let table = gateway.tell_ledger(&message).json();
        (table["total"]["requests"].clone(), table["targets"].clone())
    };
    let (now, day) = (now(), 24 * HOUR_MS);
    let past = now - 3 * day;
    let hour = past / HOUR_MS;
    assert_eq!(
        tell_at(&gateway, "one", vec![(1, past), (2, past)], past),
        2
    );
    assert_eq!(report(hour, hour + 1).0, 2);
    // A day ago, to the hour, is kept; the hour before is not.
    let told = vec![(3, now), (4, now - day), (5, now - day - HOUR_MS)];
    assert_eq!(tell_at(&gateway, "one", told, now), 5);
    let (requests, hours) = report(0, now / HOUR_MS + 1);
    assert_eq!(requests, 2, "{hours:#}");
    assert_eq!(hours.as_array().unwrap().len(), 2, "{hours:#}");
    assert_eq!(report(hour, hour + 1), (json!(0), json!([])));
}

#[test]
fn names_of_callers_making_become_no_rows() {
    let well = Upstream::playing([wire::completion("Hi.")]);
    let gateway = serving(chain(&[("cloud", cloud(&well))]));
    for number in 0..20 {
        let mut question = asking("Hi");
        question["model"] = format!("model-{number}'; DROP TABLE hours; --").into();
        question["user"] = format!("user-{number}").into();
        assert_eq!(gateway.chat(&question).text(), "Hi.");
        question["messages"] = json!([]);
        assert_eq!(gateway.chat(&question).status, 400);
    }
    let path = "/admin/ledger?by=route,target";
    let told = until(&gateway, path, |told| told["total"]["requests"] == 20);
    for (list, of) in [("routes", "requests"), ("targets", "answers")] {
        let rows = told[list].as_array().unwrap();
        assert_eq!((rows.len(), &rows[0][of]), (1, &json!(20)), "{told:#}");
    }
    assert_eq!(told["routes"][0]["route"], "auto");
    assert_eq!(told["targets"][0]["target"], "cloud");
    assert!(!told.to_string().contains("model-"), "{told:#}");
}

/// Objects that are of no use.
const THROWS: &str = "export class Ledger { async fetch() { throw new Error('no'); } }";
const REFUSES: &str =
    "export class Ledger { async fetch() { return new Response('{}', { status: 500 }); } }";
const HANGS: &str =
    "export class Ledger { fetch() { return new Promise((done) => setTimeout(done, 600000)); } }";

/// A gateway with this object for a ledger, or with none; and what it asks.
fn lacking(script: Option<&str>) -> (Gateway, Upstream) {
    let well = Upstream::answering(|seen| {
        if seen.json()["stream"] == true {
            wire::stream(&["Hi."])
        } else {
            wire::completion("Hi.")
        }
    });
    let setup = Setup::new(chain(&[("cloud", cloud(&well))])).secret("PILOTLIGHT_ADMIN_KEY", KEY);
    let setup = match script {
        None => setup.without_ledger(),
        Some(script) => setup.scripted_ledger(script),
    };
    (setup.start(), well)
}

/// Asks so often, and is answered right and at once.
fn assert_answers(gateway: &Gateway, count: usize) {
    for number in 0..count {
        let began = Instant::now();
        if number % 2 == 0 {
            assert_eq!(gateway.chat(&asking("Hi")).text(), "Hi.");
        } else {
            assert_eq!(gateway.stream(&asking("Hi")).streamed().text(), "Hi.");
        }
        let took = began.elapsed();
        assert!(
            took < Duration::from_secs(2),
            "it is not waited for: {took:?}"
        );
    }
}

fn assert_told(gateway: &Gateway, path: &str) {
    let told = operator(gateway, "GET", path, "");
    assert_eq!(told.status, 503, "{path}: {}", told.body);
    assert_eq!(told.json()["error"]["code"], "ledger_unreachable");
    assert!(told.body.contains("LEDGER"), "{}", told.body);
}

/// The one line that tells of it, once there are so many lines.
fn assert_logged_once(gateway: &Gateway, lines: usize) {
    let lines = gateway.log_lines(lines);
    let event = "{\"event\":\"ledger_unreachable\",\"entries_lost\":0}";
    let told = lines.iter().filter(|line| line.contains("entries_lost"));
    assert_eq!(told.collect::<Vec<_>>(), [event]);
}

#[test]
fn without_a_ledger_answers_are_as_quick_and_right_and_it_is_logged_once_a_minute() {
    for script in [None, Some(THROWS), Some(REFUSES)] {
        let (gateway, well) = lacking(script);
        assert_answers(&gateway, 30);
        assert_eq!(well.count(), 30);
        let paths = ["/admin/ledger", "/admin/failures", "/admin/drill"];
        for path in paths {
            assert_told(&gateway, path);
        }
        assert_eq!(operator(&gateway, "GET", "/admin/status", "").status, 200);
        assert_logged_once(&gateway, 30 + 1 + paths.len());
    }
}

#[test]
fn a_ledger_that_never_answers_is_waited_for_by_nobody_but_who_asks_for_it_and_not_for_ever() {
    let (gateway, well) = lacking(Some(HANGS));
    assert_answers(&gateway, 20);
    let began = Instant::now();
    assert_told(&gateway, "/admin/ledger");
    let marked = Request::chat(&asking("Hi")).header("x-pilotlight-drill", "one-of-mine");
    assert_eq!(gateway.send(&marked).whole().status, 400);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(28), "10 s each: {took:?}");
    assert_logged_once(&gateway, 20 + 1 + 2);
    assert_answers(&gateway, 2);
    assert_eq!(well.count(), 22);
}

#[test]
fn counts_that_cannot_be_are_not_added_up() {
    let counting = |read: u64| {
        let answer = json!({
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": "cloud-model-2026",
            "choices": [{
                "index": 0,
                "message": { "role": "assistant", "content": "Hi." },
                "finish_reason": "stop",
            }],
            "usage": { "prompt_tokens": read, "completion_tokens": 2 },
        });
        wire::api(200, &answer)
    };
    // -1 without a sign, in 64 and in 63 bits. SQLite's whole numbers end there.
    let odd = [u64::MAX, u64::MAX >> 1];
    let well = Upstream::playing([odd[0], odd[1], odd[0], 10].map(counting));
    let priced = with(cloud(&well), json!({ "price_in": 1, "price_out": 2 }));
    let gateway = serving(chain(&[("cloud", priced)]));
    for _ in 0..4 {
        assert_eq!(gateway.chat(&asking("Hi")).text(), "Hi.");
    }
    let path = "/admin/ledger?by=target";
    let told = until(&gateway, path, |told| told["total"]["requests"] == 4);
    let row = &told["targets"][0];
    assert_eq!((&row["answers"], &row["untold"]), (&json!(4), &json!(3)));
    assert_eq!(
        (&row["tokens_in"], &row["tokens_out"]),
        (&json!(10), &json!(2))
    );
    assert_eq!(
        (&row["cost_usd"], &row["unpriced"]),
        (&json!(0.000_014), &json!(3))
    );
}

/// A gateway with a route for each way to fail, and `well`. All of its upstreams say something.
fn failing() -> Gateway {
    let well = Upstream::playing([wire::completion("Hi.")]);
    let words = json!({ "error": { "message": "Upstreamish secret words." } });
    let down = Upstream::playing([wire::api(503, &words)]);
    let broken = Upstream::playing([wire::said(&["Half-spoken"]), wire::api(503, &words)]);
    let away = Upstream::answering(|seen| match seen.head.word(0) {
        "GET" => wire::ollama_tags("home-model"),
        _ => wire::api(503, &json!({ "error": "Homely words." })),
    });
    let singly = |table| with(table, json!({ "attempts": 1 }));
    let mut config = chain(&[
        ("well", cloud(&well)),
        ("down", singly(cloud(&down))),
        ("broken", singly(cloud(&broken))),
        ("box", singly(home(&away))),
    ]);
    config["routes"] = json!({
        "auto": ["down", "well"],
        "doomed": ["down"],
        "breaking": ["broken"],
        "private": { "targets": ["box"], "privacy": "home" },
    });
    serving(config)
}

fn asked(model: &str) -> Value {
    let mut question = asking("Confidential: the bishop's password is opensesame.");
    question["model"] = model.into();
    question["user"] = "somebody-in-particular".into();
    question
}

/// What is told of a request besides its times, in the order of `/admin/failures`.
fn failure(head: &Head, route: &str, outcome: (&str, u16), private: bool, tried: &Value) -> Value {
    json!({
        "id": head.header("x-pilotlight-request-id").unwrap(),
        "route": route,
        "outcome": outcome.0,
        "status": outcome.1,
        "private": private,
        "tried": tried,
    })
}

#[test]
fn only_requests_that_failed_are_remembered_and_nothing_that_was_said() {
    let gateway = failing();
    let began = now();
    // What is not remembered: an answer, one with a detour, and a mistake.
    assert_eq!(gateway.chat(&asked("well")).status, 200);
    assert_eq!(gateway.chat(&asked("auto")).status, 200);
    let mistake = json!({ "model": "confidential" });
    assert_eq!(gateway.chat(&mistake).status, 400);

    let doomed = gateway.chat(&asked("doomed")).head;
    let broke = gateway.stream(&asked("breaking")).streamed();
    assert!(broke.error().is_some(), "{broke:?}");
    let private = gateway.chat(&asked("private")).head;
    let none = json!({ "box": ["overloaded"] });
    let twice = json!({ "broken": ["stream_cut", "overloaded"] });
    let down = json!({ "down": ["overloaded"] });
    let expected = [
        failure(&private, "private", ("failed", 503), true, &none),
        failure(&broke.head, "breaking", ("broke", 200), false, &twice),
        failure(&doomed, "doomed", ("failed", 503), false, &down),
    ];

    until(&gateway, "/admin/ledger", |told| {
        told["total"]["requests"] == 5
    });
    let answer = operator(&gateway, "GET", "/admin/failures", "");
    let mut told = answer.json()["failures"].clone();
    for failure in told.as_array_mut().unwrap() {
        let failure = failure.as_object_mut().unwrap();
        let [at, took] = ["at", "ms"].map(|name| failure.remove(name).unwrap().as_u64().unwrap());
        assert!((began..=now()).contains(&at), "{at}");
        assert!(took <= now() - at, "{took}");
    }
    assert_eq!(told, json!(expected), "the latest first, and nothing else");
    let text = answer.body.to_lowercase();
    let said =
        "confidential bishop password opensesame somebody spoken upstreamish secret homely words";
    for word in said.split(' ').chain(["hi.", KEY]) {
        assert!(!text.contains(word), "{word}: {text}");
    }
    let last = operator(&gateway, "GET", "/admin/failures?limit=1", "").json();
    assert_eq!(last["failures"].as_array().unwrap().len(), 1);
    assert_eq!(last["failures"][0]["id"], expected[0]["id"]);
}
