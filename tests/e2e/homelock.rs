//! The lock of a home box, through two isolates that share it: one request at a time, in the order of
//! coming, whatever becomes of those before it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::caller::Request;
use crate::gateway::{Gateway, Setup, asking, chain, cloud, home, with};
use crate::homebox::HomeBox;
use crate::upstream::{Gate, Reply, Upstream};
use crate::wire;

/// A home box that counts who is there at once.
struct Counting {
    upstream: Upstream,
    most: Arc<AtomicUsize>,
}

/// One that takes this long for an answer.
fn counting(takes: Duration) -> Counting {
    let (here, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let highest = Arc::clone(&most);
    let upstream = Upstream::answering(move |_| {
        let now = here.fetch_add(1, Ordering::SeqCst) + 1;
        highest.fetch_max(now, Ordering::SeqCst);
        thread::sleep(takes);
        here.fetch_sub(1, Ordering::SeqCst);
        wire::ollama_stream(&["Home."])
    });
    Counting { upstream, most }
}

/// Sends so many at once, to the isolates in turns; what each got, and how long it took.
fn at_once(
    gateway: &Gateway,
    count: usize,
    question: impl Fn(usize) -> Value,
) -> Vec<(u16, Value, Duration)> {
    let callers: Vec<_> = (0..count)
        .map(|number| {
            let (to, question) = (gateway.isolate(number % 2), question(number));
            thread::spawn(move || call(to, &question))
        })
        .collect();
    callers.into_iter().map(|it| it.join().unwrap()).collect()
}

fn call(to: SocketAddr, question: &Value) -> (u16, Value, Duration) {
    let began = Instant::now();
    let incoming = Request::chat(question).send(to);
    let status = incoming.status();
    let body = if question["stream"] == true {
        let answer = incoming.streamed();
        assert!(answer.done && answer.error().is_none(), "{answer:?}");
        answer.disclosure().unwrap().clone()
    } else {
        incoming.whole().json()
    };
    (status, body, began.elapsed())
}

fn streamed_or_whole(number: usize) -> Value {
    with(
        asking("Say hello."),
        json!({ "stream": number.is_multiple_of(3) }),
    )
}

#[test]
fn fifty_callers_through_two_isolates_are_at_the_box_one_at_a_time() {
    let box_ = counting(Duration::from_millis(20));
    let gateway = Setup::new(chain(&[("box", home(&box_.upstream))]))
        .isolates(2)
        .start();
    for (status, body, _) in at_once(&gateway, 50, streamed_or_whole) {
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["pilotlight"]["target"], "box", "{body}");
    }
    assert_eq!(box_.upstream.count(), 50);
    assert_eq!(box_.most.load(Ordering::SeqCst), 1, "never two at once");
}

#[test]
fn a_box_with_three_slots_is_shared_by_three() {
    let box_ = counting(Duration::from_millis(60));
    let table = with(home(&box_.upstream), json!({ "slots": 3 }));
    let gateway = Setup::new(chain(&[("box", table)])).isolates(2).start();
    for (status, body, _) in at_once(&gateway, 24, streamed_or_whole) {
        assert_eq!(status, 200, "{body}");
    }
    assert_eq!(box_.most.load(Ordering::SeqCst), 3);
}

#[test]
fn nobody_waits_past_its_limit_and_the_cloud_answers_who_will_not_wait() {
    let box_ = counting(Duration::from_millis(200));
    let spare = Upstream::playing([wire::completion("Cloud.")]);
    let table = with(home(&box_.upstream), json!({ "wait": "1s" }));
    let gateway = Setup::new(chain(&[("box", table), ("cloud", cloud(&spare))]))
        .isolates(2)
        .start();
    let all = at_once(&gateway, 30, |_| asking("Hi"));
    let mut at_home = 0;
    for (status, body, took) in &all {
        assert_eq!(*status, 200, "{body}");
        assert!(*took < Duration::from_secs(4), "{took:?} {body}");
        let tried = &body["pilotlight"]["attempts"];
        if body["pilotlight"]["target"] == "box" {
            at_home += 1;
        } else {
            assert_eq!(tried[0]["outcome"], "home_busy", "{body}");
            let waited = tried[0]["ms"].as_u64().unwrap();
            assert!((900..2_500).contains(&waited), "{body}");
        }
    }
    assert!((2..=8).contains(&at_home), "{at_home} in about a second");
    assert_eq!(box_.most.load(Ordering::SeqCst), 1);
}

#[test]
fn a_caller_that_leaves_makes_room_at_once() {
    let silent = Upstream::playing([Reply::new().hold(), wire::ollama_stream(&["Home."])]);
    let gateway = Setup::new(chain(&[("box", home(&silent))]))
        .isolates(2)
        .start();
    let other = gateway.isolate(1);
    let waiting = Gate::default();
    let told = waiting.clone();
    // The first is at the box, the second waits for it, through the other isolate.
    let second = thread::spawn(move || {
        told.pass();
        call(other, &asking("Hi"))
    });
    Request::chat(&asking("Hi")).send_and_leave(gateway.address(), || {
        silent.wait_count(1);
        waiting.open();
        thread::sleep(Duration::from_millis(500));
        assert_eq!(silent.count(), 1, "the second waits");
    });
    let left = Instant::now();
    let (status, body, _) = second.join().unwrap();
    assert_eq!(status, 200, "{body}");
    assert!(
        left.elapsed() < Duration::from_secs(3),
        "{:?}",
        left.elapsed()
    );
}

#[test]
fn who_leaves_while_it_waits_leaves_the_queue() {
    let gate = Gate::default();
    let slow = Upstream::playing([
        Reply::new()
            .after(&gate)
            .and(wire::ollama_stream(&["Home."])),
        wire::ollama_stream(&["Home."]),
    ]);
    let gateway = Setup::new(chain(&[("box", home(&slow))]))
        .isolates(2)
        .start();
    let (first_to, last_to) = (gateway.isolate(1), gateway.isolate(1));
    let first = thread::spawn(move || call(first_to, &asking("Hi")));
    slow.wait_count(1);
    Request::chat(&asking("Hi")).send_and_leave(gateway.address(), || {
        thread::sleep(Duration::from_millis(300));
    });
    let last = thread::spawn(move || call(last_to, &asking("Hi")));
    thread::sleep(Duration::from_millis(300));
    gate.open();
    assert_eq!(first.join().unwrap().0, 200);
    assert_eq!(last.join().unwrap().0, 200);
    assert_eq!(slow.count(), 2, "who left was not asked for");
}

#[test]
fn who_vanishes_while_it_waits_is_lent_nothing() {
    let box_ = counting(Duration::ZERO);
    let gateway = Setup::new(chain(&[("box", home(&box_.upstream))]))
        .opened_ledger()
        .start();
    let ask = |owner: &str, wait_ms: u32| {
        json!({ "ask": {
            "owner": owner, "request": owner, "slots": 1, "lease_ms": 600_000,
            "wait_ms": wait_ms, "queue": 10,
        } })
    };
    let say = |message: &Value| gateway.tell_lock("box", message).json();
    assert!(say(&ask("first", 0))["yours"].is_object());
    gateway.tell_lock_and_vanish("box", &ask("second", 600_000));
    let began = Instant::now();
    while say(&json!("look"))["seen"]["queue"] != json!([]) {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "its place is given up"
        );
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(say(&json!({ "release": { "owner": "first" } })), "released");
    assert_eq!(gateway.chat(&asking("Hi")).status, 200, "the box is free");
}

#[test]
fn a_real_ollama_that_would_serve_four_at_once_serves_one() {
    let Some(home) = HomeBox::start_parallel("fifty callers at a real Ollama", 4) else {
        return;
    };
    let table = with(
        home.target(),
        json!({ "max_output": 4, "wait_alone": "20m" }),
    );
    let mut config = chain(&[("box", table)]);
    config["deadline"] = "20m".into();
    let gateway = Setup::new(config).isolates(2).start();
    // It loads its model first.
    assert_eq!(call(gateway.address(), &asking("Hi")).0, 200);
    for (status, body, _) in at_once(&gateway, 50, streamed_or_whole) {
        assert_eq!(status, 200, "{body}");
    }
    let log = home.log();
    let (mut here, mut served) = (0_usize, 0);
    for line in log.lines().filter(|line| line.starts_with("slot ")) {
        if line.contains("| processing task") {
            (here, served) = (here + 1, served + 1);
            assert_eq!(here, 1, "two were at the box at once: {line}");
        } else if line.contains("| stop processing") {
            here -= 1;
        }
    }
    assert_eq!(served, 51, "the engine's own log tells of each");
}
