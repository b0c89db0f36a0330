//! The boxes at home: looked at between requests, skipped while they are away, found again, kept warm,
//! and asked with the window that they have.

use pilotlight::config::{self, Config};
use pilotlight::policy::boxes::sighting::Look;
use pilotlight::policy::boxes::{Forwarded, Reach};
use serde_json::{Value, json};

use crate::world::{Got, Kv, Piece, Step, World, chat_head, ok, reply};

const VERSION: &str = "http://box.test:11434/api/version";
const RUNNING: &str = "http://box.test:11434/api/ps";
const INSTALLED: &str = "http://box.test:11434/api/tags";
const MINUTE: u64 = 60_000;

/// The options that decide how Ollama loads a model (`Runner` in its `api/types.go`).
const LOAD_OPTIONS: [&str; 7] = [
    "num_ctx",
    "num_batch",
    "num_gpu",
    "main_gpu",
    "use_mmap",
    "num_thread",
    "draft_num_predict",
];

/// A box first, and a cloud after it; `changes` are the box's.
fn config_with(changes: Value) -> Value {
    let mut home = json!({
        "provider": "ollama", "base_url": "http://box.test:11434", "model": "smol",
        "context": 8192, "home": true, "attempts": 1
    });
    let (Value::Object(table), Value::Object(changes)) = (&mut home, changes) else {
        panic!("two tables");
    };
    table.extend(changes);
    json!({
        "targets": {
            "cloud": {"provider": "openai", "base_url": "https://api.test/v1", "model": "m"},
            "home": home
        },
        "routes": {"auto": ["home", "cloud"]}
    })
}

fn config() -> Value {
    config_with(json!({}))
}

fn question() -> Value {
    json!({"model": "auto", "messages": [{"role": "user", "content": "hi"}]})
}

fn body(text: &str) -> Look {
    Look::Body(text.as_bytes().to_vec())
}

/// The box is here; `running` is the member `models` of what it tells of its memory.
fn is_here(world: &World, running: &Value) {
    world.shows(VERSION, [body(r#"{"version":"0.32.15"}"#)]);
    world.shows(RUNNING, [body(&json!({ "models": running }).to_string())]);
    let tags = json!({"models": [{"name": "smol:latest", "details": {"context_length": 16384}}]});
    world.shows(INSTALLED, [body(&tags.to_string())]);
}

fn loaded(window: u32, expires_at: &str) -> Value {
    json!([{"name": "smol:latest", "context_length": window, "expires_at": expires_at}])
}

fn is_away(world: &World) {
    world.shows(VERSION, [Look::Status(530)]);
}

/// A whole answer of the box's, streamed as it is asked for at home.
fn from_home() -> Step {
    Step::Stream(vec![Piece::Bytes(
        "{\"model\":\"smol\",\"message\":{\"role\":\"assistant\",\"content\":\"from home\"},\
         \"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":9,\"eval_count\":2}\n"
            .to_owned(),
    )])
}

fn tried(got: &Got) -> &str {
    got.header("x-pilotlight-attempts")
}

fn world(config: &Value) -> World {
    let world = World::new(config);
    world
        .script("cloud", [ok("from the cloud")])
        .script("home", [from_home()]);
    world
}

#[test]
fn a_box_known_to_be_away_is_skipped_at_once_and_asked_again_when_it_is_found() {
    let cron = world(&config());
    let requests = cron.sibling(&config());
    requests
        .script("cloud", [ok("from the cloud")])
        .script("home", [Step::Refuse]);
    is_away(&cron);
    cron.round();
    assert_eq!(cron.looked(), [VERSION, VERSION], "a second look at once");

    let got = requests.chat(&question());
    assert_eq!(tried(&got), "home:box_away,cloud:ok");
    assert_eq!(got.ms, 0);
    assert!(requests.seen("home").is_empty());
    let told = requests.isolate().boxes();
    assert_eq!(told.0["home"].reach, Reach::Away);

    is_here(&cron, &json!([]));
    cron.advance(2 * MINUTE);
    cron.round();
    requests.script("home", [from_home()]);
    // The first request after that hears of it while it runs.
    requests.chat(&question());
    assert_eq!(tried(&requests.chat(&question())), "home:ok");
    let log = cron.log();
    assert_eq!(log.len(), 2, "{log:?}");
    assert_eq!(log[0]["event"], "watch");
    assert_eq!(log[0]["boxes"]["home"]["reach"], "away");
    assert_eq!(log[1]["back"], "home");
}

#[test]
fn one_lost_packet_hides_no_box() {
    let world = world(&config());
    is_here(&world, &json!([]));
    let version = body(r#"{"version":"0.32.15"}"#);
    world.shows(VERSION, [Look::Nothing, version]);
    world.round();
    assert_eq!(tried(&world.chat(&question())), "home:ok");
    assert_eq!(world.isolate().boxes().0["home"].reach, Reach::Here);
}

#[test]
fn a_gate_that_turns_us_away_is_for_requests_to_tell_of() {
    let world = world(&config());
    world.shows(VERSION, [Look::Status(403)]);
    world.round();
    assert_eq!(world.looked().len(), 1);
    world.script("home", [reply(403, "")]);
    assert_eq!(
        tried(&world.chat(&question())),
        "home:host_refused,cloud:ok"
    );
}

#[test]
fn the_breakers_of_a_box_that_came_back_are_closed_everywhere() {
    let cron = world(&config());
    let requests = cron.sibling(&config());
    // A gate that was shut opens the breaker for half an hour.
    requests
        .script("cloud", [ok("from the cloud")])
        .script("home", [reply(403, ""), from_home()]);
    assert_eq!(
        tried(&requests.chat(&question())),
        "home:host_refused,cloud:ok"
    );
    assert_eq!(
        tried(&requests.chat(&question())),
        "home:breaker_open,cloud:ok"
    );

    is_away(&cron);
    cron.round();
    cron.advance(2 * MINUTE);
    is_here(&cron, &json!([]));
    cron.round();
    assert_eq!(cron.store().values.borrow()["home"].open_until, None);
    requests.chat(&question());
    assert_eq!(tried(&requests.chat(&question())), "home:ok");
    assert_eq!(tried(&cron.chat(&question())), "home:ok");
}

#[test]
fn what_nobody_has_looked_at_is_asked_as_usual() {
    for kv in [Kv::Works, Kv::Down] {
        let world = world(&config());
        world.store().kv.set(kv);
        assert_eq!(tried(&world.chat(&question())), "home:ok", "{kv:?}");
    }
}

#[test]
fn a_cron_that_died_does_not_hide_a_box() {
    let world = world(&config());
    is_away(&world);
    world.round();
    world.advance(10 * MINUTE - 1);
    assert_eq!(tried(&world.chat(&question())), "home:box_away,cloud:ok");
    world.advance(1);
    assert_eq!(tried(&world.chat(&question())), "home:ok");
}

#[test]
fn a_round_that_finds_nothing_new_writes_nothing() {
    let cron = world(&config());
    is_here(&cron, &loaded(8192, "2026-11-21T04:05:00Z"));
    for _ in 0..10 {
        cron.round();
        cron.advance(2 * MINUTE);
    }
    assert_eq!(cron.store().box_writes.get(), 1);
    assert_eq!(cron.log().len(), 1);
    is_here(&cron, &json!([]));
    cron.round();
    assert_eq!(cron.store().box_writes.get(), 2, "the model went cold");
}

#[test]
fn a_store_that_does_not_answer_is_not_written_over() {
    let cron = world(&config());
    is_here(&cron, &loaded(6144, "2026-11-21T04:05:00Z"));
    cron.round();
    cron.store().kv.set(Kv::Down);
    is_away(&cron);
    cron.advance(2 * MINUTE);
    cron.round();
    assert_eq!(cron.store().box_writes.get(), 1);
    // Here it is known all the same.
    assert_eq!(tried(&cron.chat(&question())), "home:box_away,cloud:ok");
    cron.store().kv.set(Kv::Works);
    cron.advance(2 * MINUTE);
    cron.round();
    assert_eq!(
        cron.store().box_writes.get(),
        2,
        "and told as soon as it can be"
    );
}

#[test]
fn an_isolate_hears_of_the_boxes_with_the_read_that_it_makes_anyway() {
    let world = world(&config());
    world.chat(&question());
    assert_eq!(world.store().reads.get(), 1);
    world.chat(&question());
    assert_eq!(world.store().reads.get(), 1);
}

#[test]
fn the_window_of_the_box_is_used_and_not_told() {
    let world = world(&config_with(json!({"context": "auto"})));
    let context = || {
        let mut head = chat_head();
        head.method = "GET".to_owned();
        head.path = "/v1/models/home".to_owned();
        world.ask(&head, "").json()["pilotlight"]["context"].clone()
    };
    let limit = || {
        world.chat(&question());
        let sent = world.seen("home").pop().unwrap().body;
        assert!(sent["options"].get("num_ctx").is_none(), "{sent}");
        sent["options"]["num_predict"].clone()
    };
    assert_eq!((context(), limit()), (json!(4096), json!(1024)));

    is_here(&world, &loaded(2048, "2026-11-21T04:05:00Z"));
    world.round();
    assert_eq!((context(), limit()), (json!(2048), json!(512)));
    // About three thousand tokens.
    let long = json!({"model": "home", "messages": [
        {"role": "user", "content": "one two three four five six ".repeat(500)},
        {"role": "assistant", "content": "Seven."},
        {"role": "user", "content": "And then?"}
    ]});
    let got = world.chat(&long);
    assert!(got.json()["pilotlight"]["truncated"]["tokens"].as_u64() > Some(1000));

    // A cold model had a window once.
    is_here(&world, &json!([]));
    world.advance(2 * MINUTE);
    world.round();
    assert_eq!(context(), 2048);
    is_here(&world, &loaded(32_768, "2026-11-21T04:05:00Z"));
    world.advance(2 * MINUTE);
    world.round();
    assert_eq!(context(), 16_384, "no more than it was trained for");
}

#[test]
fn a_model_that_is_kept_warm_is_loaded_as_requests_would_load_it() {
    for (context, told) in [(json!(2048), json!(2048)), (json!("auto"), Value::Null)] {
        let world = world(&config_with(
            json!({"context": context, "warm": true, "keep_alive": "30m"}),
        ));
        world.script(
            "home",
            [reply(200, r#"{"done":true,"done_reason":"load"}"#)],
        );
        is_here(&world, &json!([]));
        world.round();
        let preload = world.seen("home").pop().unwrap().body;
        assert_eq!(preload["options"]["num_ctx"], told);
        assert_eq!(preload["model"], "smol");
        assert_eq!(preload["keep_alive"], "30m");
        assert!(preload.get("messages").is_none(), "{preload}");
        let log = world.log();
        assert_eq!(log[1]["event"], "warm");
        assert_eq!(log[1]["outcome"], "loaded");

        // What decides how it is loaded is the same in a request.
        world.script("home", [from_home()]);
        assert_eq!(tried(&world.chat(&question())), "home:ok");
        let asked = world.seen("home").pop().unwrap().body;
        assert_eq!(asked["keep_alive"], "30m");
        for option in LOAD_OPTIONS {
            assert_eq!(asked["options"][option], preload["options"][option]);
        }
        assert_eq!(asked.get("shift"), preload.get("shift"));

        // It lasts until the next round.
        is_here(&world, &loaded(2048, "2026-11-21T04:30:00Z"));
        world.round();
        assert_eq!(world.seen("home").len(), 2);
        // It does not.
        is_here(&world, &loaded(2048, "2026-11-21T04:02:00Z"));
        world.script(
            "home",
            [reply(200, r#"{"done":true,"done_reason":"load"}"#)],
        );
        world.round();
        assert_eq!(world.seen("home").len(), 3);
    }
}

#[test]
fn a_model_that_cannot_be_loaded_is_logged_and_the_round_goes_on() {
    let cases = [
        (
            reply(404, r#"{"error":"model 'smol' not found"}"#),
            "model_missing",
        ),
        (Step::Silence, "model_loading"),
        (Step::Refuse, "unreachable"),
        (reply(524, ""), "tunnel_timeout"),
    ];
    for (step, outcome) in cases {
        let world = world(&config_with(json!({"warm": true})));
        world.script("home", [step]);
        is_here(&world, &json!([]));
        world.round();
        assert_eq!(world.log()[1]["outcome"], outcome);
        assert_eq!(world.store().box_writes.get(), 1);
    }
    let world = world(&config_with(json!({"warm": true})));
    is_away(&world);
    world.round();
    assert!(
        world.seen("home").is_empty(),
        "who is away is not asked to load"
    );
}

#[test]
fn a_model_whose_prompts_go_on_to_a_cloud_is_known() {
    let forwarded = |world: &World| {
        let config = world.isolate().config.as_ref().unwrap();
        let target = config.target("home").unwrap();
        world
            .isolate()
            .forwarded(target, world.elapsed() + crate::world::START)
    };
    let plain = world(&config());
    assert_eq!(forwarded(&plain), Forwarded::Unknown);
    is_here(&plain, &json!([]));
    plain.round();
    assert_eq!(forwarded(&plain), Forwarded::No);
    let tags = r#"{"models":[{"name":"smol:latest","remote_host":"https://ollama.com:443"}]}"#;
    plain.shows(INSTALLED, [body(tags)]);
    plain.round();
    assert_eq!(forwarded(&plain), Forwarded::Yes);
    plain.advance(3 * 60 * MINUTE);
    assert_eq!(
        forwarded(&plain),
        Forwarded::Unknown,
        "nobody has looked for hours"
    );

    let named = world(&config_with(json!({"model": "gpt-oss:120b-cloud"})));
    assert_eq!(forwarded(&named), Forwarded::Yes);
}

#[test]
fn a_config_without_a_box_that_can_be_looked_at_makes_no_round() {
    let mut config = config();
    config["targets"]["home"] = json!({"provider": "openai", "base_url": "http://box.test:8080/v1", "model": "m", "home": true});
    let world = world(&config);
    world.round();
    assert!(world.looked().is_empty() && world.log().is_empty());
    assert_eq!(world.store().reads.get(), 0);
}

#[test]
fn targets_at_one_server_are_looked_at_once() {
    let mut config = config();
    let mut other = config["targets"]["home"].clone();
    other["model"] = "second".into();
    config["targets"]["also"] = other;
    config["routes"]["auto"] = json!(["home", "also", "cloud"]);
    let world = world(&config);
    is_here(&world, &json!([]));
    world.round();
    assert_eq!(world.looked(), [VERSION, RUNNING, INSTALLED]);
    assert_eq!(world.isolate().boxes().0["also"].models.len(), 2);
    is_away(&world);
    world.round();
    assert_eq!(
        tried(&world.chat(&question())),
        "home:box_away,also:box_away,cloud:ok"
    );
}

fn parsed(targets: &Value) -> Config {
    let first = targets.as_object().unwrap().keys().next().unwrap();
    let config = json!({"targets": targets, "routes": {"auto": [first]}});
    config::parse(&config.to_string(), &|_| None).unwrap()
}

#[test]
fn boxes_are_named_by_address_or_by_hand() {
    let at = |base_url: &str, name: Option<&str>| json!({"provider": "ollama", "base_url": base_url, "model": "m", "home": true, "box": name});
    let config = parsed(&json!({
        "a": at("https://Home.test", None),
        "b": at("https://home.test:443/", None),
        "c": at("https://home.test:8443", None),
        "d": at("http://10.0.0.2:11434", Some("attic")),
        "e": at("http://10.0.0.2:11434", None),
        "f": at("http://10.0.0.2:8080", Some("attic")),
        "g": {"provider": "openai", "base_url": "https://home.test/v1", "model": "m", "home": true},
        "z": {"provider": "ollama", "base_url": "https://cloud.test", "model": "m"}
    }));
    let box_of = |name: &str| config.target(name).unwrap().box_name.clone();
    let expected = [
        ("a", "a"),
        ("b", "a"),
        ("c", "c"),
        ("d", "attic"),
        ("e", "attic"),
        ("f", "attic"),
        ("g", "a"),
    ];
    for (target, name) in expected {
        assert_eq!(box_of(target).as_deref(), Some(name), "{target}");
    }
    assert_eq!(box_of("z"), None);
    let server = |name: &str| {
        let server = config.target(name).unwrap().server.as_ref();
        server.map(|server| server.name.as_str())
    };
    // Two servers on one box are two things to look at; one that does not tell is none.
    assert_eq!(
        (server("d"), server("e"), server("f")),
        (Some("d"), Some("d"), Some("f"))
    );
    assert_eq!((server("g"), server("z")), (None, None));
}
