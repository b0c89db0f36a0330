//! The watch of the boxes at home: rounds of the built Worker's cron, on workerd, at a real Ollama and at
//! what may stand before one.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::caller::Request;
use crate::gateway::{Setup, asking, chain, cloud, home, with};
use crate::homebox::HomeBox;
use crate::kv::{Kv, Manner};
use crate::upstream::{PATIENCE, Reply, Upstream};
use crate::wire;

fn context(at: SocketAddr) -> Value {
    let answer = Request::new("GET", "/v1/models/box").send(at).whole();
    answer.json()["pilotlight"]["context"].clone()
}

#[test]
fn the_window_of_a_real_box_is_found_out_and_its_model_kept_warm_without_loading_it_twice() {
    let Some(home) = HomeBox::start("the window of a real Ollama") else {
        return;
    };
    home.create_model("short", "FROM smol\nPARAMETER num_ctx 1536\n");
    let settings = json!({ "model": "short", "context": "auto", "warm": true });
    let store = Kv::start(Manner::Sound);
    let config = chain(&[("box", with(home.target(), settings))]);
    let gateway = Setup::new(config).store(&store).isolates(2).cron().start();
    assert_eq!(context(gateway.address()), 4096, "nobody has looked");

    // The first round finds it cold and has it loaded; the second finds it so.
    gateway.round();
    let first = store.value("boxes").unwrap();
    assert_eq!(first["box"]["models"]["short"]["held"], "cold", "{first}");
    gateway.round();
    let second = store.value("boxes").unwrap();
    let model = &second["box"]["models"]["short"];
    assert_eq!(
        (
            &model["held"],
            &model["window"],
            &model["trained"],
            &model["forwarded"]
        ),
        (&json!("loaded"), &json!(1536), &json!(8192), &json!("no")),
        "{second}"
    );
    assert_eq!(store.writes().len(), 2);
    gateway.round();
    assert_eq!(store.writes().len(), 2, "nothing changed");

    assert_eq!(context(gateway.address()), 1536);
    assert_eq!(
        context(gateway.isolate(1)),
        1536,
        "another isolate hears of it"
    );
    let mut question = asking("Say hello.");
    question["model"] = "box".into();
    let answer = gateway.chat(&question);
    assert_eq!(answer.attempts(), ["box:ok"], "{answer:?}");
    let log = home.log();
    let loads = log.matches("starting llama-server").count();
    assert_eq!(loads, 1, "{log}");
    let lines = gateway.log_lines(3);
    let of = |event: &str| lines.iter().filter(|line| line.contains(event)).count();
    assert_eq!(of("\"event\":\"watch\""), 2, "{lines:#?}");
    assert_eq!(of("\"event\":\"warm\""), 1, "{lines:#?}");
}

#[test]
fn a_real_box_that_dies_is_skipped_at_once_and_asked_again_when_it_is_back() {
    let Some(mut home) = HomeBox::start("the watch of a real Ollama") else {
        return;
    };
    let up = Upstream::playing([wire::completion("Cloud.")]);
    let store = Kv::start(Manner::Sound);
    let config = chain(&[("box", home.target()), ("cloud", cloud(&up))]);
    let gateway = Setup::new(config).store(&store).isolates(2).cron().start();
    gateway.round();
    assert_eq!(gateway.chat(&asking("Hi")).attempts(), ["box:ok"]);

    home.kill();
    gateway.round();
    let start = Instant::now();
    for isolate in [0, 1] {
        let answer = Request::chat(&asking("Hi"))
            .send(gateway.isolate(isolate))
            .whole();
        assert_eq!(
            answer.attempts(),
            ["box:box_away", "cloud:ok"],
            "{answer:?}"
        );
    }
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    let known = store.writes().len();
    gateway.round();
    assert_eq!(store.writes().len(), known, "still away");
    assert_eq!(store.value("boxes").unwrap()["box"]["reach"], "away");

    home.restart();
    gateway.round();
    assert_eq!(gateway.chat(&asking("Hi")).attempts(), ["box:ok"]);
    // The other isolate hears of it within seconds.
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = Request::chat(&asking("Hi"))
            .send(gateway.isolate(1))
            .whole();
        if answer.attempts() == ["box:ok"] {
            break;
        }
        assert!(Instant::now() < until, "{answer:?}");
        thread::sleep(Duration::from_millis(500));
    }
    // The box, and its breaker that is closed.
    assert_eq!(store.writes().len(), known + 2);
    assert_eq!(
        store.value("breaker/box").unwrap()["open_until"],
        Value::Null
    );
}

#[test]
fn what_stands_before_a_box_is_told_from_a_box_that_is_not_there() {
    let version = || wire::api(200, &json!({ "version": "0.32.15" }));
    let nothing = || wire::api(200, &json!({ "models": [] }));
    // What the version's address says, how it is taken, and how often it is asked.
    let cases = [
        ("here", version(), "here", 1),
        (
            "no tunnel",
            wire::page(530, &[], "error code: 1033"),
            "away",
            2,
        ),
        ("nothing listens", wire::page(502, &[], ""), "away", 2),
        ("reset", Reply::new().reset(), "away", 2),
        ("turned away", wire::page(403, &[], ""), "closed", 1),
        (
            "sent to log in",
            wire::page(302, &[("location", "https://x.test")], ""),
            "closed",
            1,
        ),
        (
            "another server",
            wire::page(200, &[], "<html>"),
            "closed",
            1,
        ),
    ];
    for (name, reply, reach, asked) in cases {
        let upstream = Upstream::answering(move |seen| {
            if seen.line().contains("/api/version") {
                reply.clone()
            } else {
                nothing()
            }
        });
        let store = Kv::start(Manner::Sound);
        let config = chain(&[("box", home(&upstream))]);
        let gateway = Setup::new(config).store(&store).cron().start();
        gateway.round();
        let told = store.value("boxes").unwrap();
        assert_eq!(told["box"]["reach"], reach, "{name}");
        let of = |path: &str| {
            let lines = upstream.seen();
            lines
                .iter()
                .filter(|seen| seen.line().contains(path))
                .count()
        };
        assert_eq!(of("/api/version"), asked, "{name}");
        let lists = usize::from(reach == "here");
        assert_eq!((of("/api/ps"), of("/api/tags")), (lists, lists), "{name}");
    }
}
