//! What is private goes to no model at home that its box hands on to a cloud, nor to one of which
//! nobody knows.

use pilotlight::config;
use pilotlight::gateway::Head;
use pilotlight::policy::boxes::sighting::Look;
use serde_json::{Value, json};

use crate::world::{Got, Piece, Step, World, chat_head, error, ok, streamed};

const TAGS: &str = "http://attic.test:11434/api/tags";
const VERSION: &str = "http://attic.test:11434/api/version";
const RUNNING: &str = "http://attic.test:11434/api/ps";
const MINUTE: u64 = 60_000;

/// An Ollama in the attic, a llama.cpp in the cellar, and a cloud. Whoever is asked without a script
/// makes the test fail.
fn config() -> Value {
    json!({
        "targets": {
            "attic": {
                "provider": "ollama", "base_url": "http://attic.test:11434", "model": "smol",
                "home": true, "attempts": 1
            },
            "cellar": {
                "provider": "openai", "base_url": "http://cellar.test:8080/v1", "model": "m",
                "home": true, "attempts": 1
            },
            "cloud": { "provider": "openai", "base_url": "https://api.test/v1", "model": "m" },
        },
        "routes": {
            "auto": ["cloud", "attic", "cellar"],
            "attic-first": ["attic", "cloud"],
            "cellar-first": ["cellar", "attic"],
        },
        "defaults": { "backoff_base": "1ms", "backoff_max": "2ms" },
    })
}

fn asking(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] })
}

fn private() -> Head {
    Head {
        privacy: Some("home".to_owned()),
        ..chat_head()
    }
}

fn ask(world: &World, model: &str) -> Got {
    world.ask(&private(), &asking(model).to_string())
}

fn tried(got: &Got) -> &str {
    got.header("x-pilotlight-attempts")
}

fn body(text: &str) -> Look {
    Look::Body(text.as_bytes().to_vec())
}

/// The attic's list: a model of its own, or an alias of one in a cloud.
fn own() -> Look {
    body(r#"{"models":[{"name":"smol:latest","model":"smol:latest"}]}"#)
}

fn alias() -> Look {
    body(
        r#"{"models":[{"name":"other:latest"},{"name":"smol:latest","model":"smol:latest",
        "remote_model":"gpt-oss:120b","remote_host":"https://ollama.com:443"}]}"#,
    )
}

fn line(text: &str, more: &Value) -> String {
    let mut line = json!({
        "model": "smol", "message": { "role": "assistant", "content": text }, "done": false,
    });
    let (Value::Object(line), Value::Object(more)) = (&mut line, more) else {
        panic!("two objects");
    };
    line.extend(more.clone());
    format!("{}\n", Value::from(line.clone()))
}

fn done() -> Value {
    json!({ "done": true, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 2 })
}

fn remote() -> Value {
    json!({ "remote_host": "https://ollama.com:443", "remote_model": "gpt-oss:120b" })
}

fn both(mut one: Value, other: Value) -> Value {
    let (Value::Object(table), Value::Object(other)) = (&mut one, other) else {
        panic!("two objects");
    };
    table.extend(other);
    one
}

fn lines(lines: &[String]) -> Step {
    Step::Stream(lines.iter().cloned().map(Piece::Bytes).collect())
}

fn from_home() -> Step {
    lines(&[line("from the ", &json!({})), line("attic", &done())])
}

fn at_home(tags: Look) -> World {
    let world = World::new(&config());
    world.script("attic", [from_home()]);
    world.shows(TAGS, [tags]);
    world
}

#[test]
fn it_is_found_out_before_anything_is_sent_and_believed_for_ten_minutes() {
    let world = at_home(own());
    let got = ask(&world, "auto");
    assert_eq!(tried(&got), "cloud:private,attic:ok", "{}", got.body);
    assert_eq!(world.looked(), [TAGS]);
    world.advance(10 * MINUTE - 1);
    assert_eq!(tried(&ask(&world, "attic-first")), "cloud:private,attic:ok");
    assert_eq!(world.looked(), [TAGS], "it is known");
    world.advance(1);
    ask(&world, "auto");
    assert_eq!(world.looked(), [TAGS, TAGS], "and has to be asked again");
}

#[test]
fn an_alias_of_a_model_in_a_cloud_is_never_sent_what_is_private() {
    let world = World::new(&config());
    world.shows(TAGS, [alias()]);
    world.script("cellar", [ok("from the cellar")]);
    let got = ask(&world, "auto");
    assert_eq!(tried(&got), "cloud:private,attic:forwarded,cellar:ok");
    let alone = ask(&world, "attic");
    assert_eq!(alone.status, 503);
    assert_eq!(alone.json()["error"]["code"], "private_unanswered");
    assert!(
        alone.body.contains("Nothing of it was sent elsewhere"),
        "{}",
        alone.body
    );
    assert_eq!(world.looked(), [TAGS], "it is known");
    assert!(world.seen("attic").is_empty());
    assert!(world.store().said.borrow().is_empty() || world.at_box("attic") == (0, 0));
    let entries = world.store().entries.borrow();
    let attic = entries[0].targets.iter().find(|it| it.target == "attic");
    assert!(!attic.unwrap().asked, "{entries:?}");
}

#[test]
fn what_cannot_be_found_out_is_not_sent_and_asked_again() {
    let nonsense = [
        body("<html>"),
        body(""),
        body("null"),
        body(r#"{"models":7}"#),
        body(r#"{"models":null}"#),
        // Another model's list, and one that says two things.
        body(r#"{"models":[{"name":"other:latest"}]}"#),
        body(r#"{"models":[{"name":"smol","remote_host":"","remote_host":"x"}]}"#),
        Look::Status(302),
        Look::Status(403),
        Look::Status(404),
        Look::Status(530),
        Look::Nothing,
    ];
    for look in nonsense {
        let world = World::new(&config());
        world.shows(TAGS, [look.clone(), own()]);
        let got = ask(&world, "attic");
        assert_eq!(got.status, 503, "{look:?}");
        assert_eq!(tried(&got), "attic:unverified", "{look:?}");
        assert!(got.ms <= 5_000, "{look:?}: {}", got.ms);
        assert!(world.seen("attic").is_empty());
        world.script("attic", [from_home()]);
        assert_eq!(tried(&ask(&world, "attic")), "attic:ok", "{look:?}");
    }
}

#[test]
fn a_box_that_is_looked_at_in_vain_takes_no_more_than_the_request_has() {
    let world = World::new(&config());
    world.shows(TAGS, [Look::Nothing]);
    let head = Head {
        timeout: Some("2".to_owned()),
        ..private()
    };
    let got = world.ask(&head, &asking("attic").to_string());
    assert_eq!((got.status, got.ms), (503, 2_000), "{}", got.body);
}

#[test]
fn a_name_that_says_it_is_enough_in_every_dialect() {
    for (target, model) in [
        ("attic", "gpt-oss:120b-cloud"),
        ("attic", "glm-5:cloud"),
        ("attic", "kimi-CLOUD"),
        ("attic", "glm-5: cloud"),
        ("cellar", "gpt-oss:120b-cloud"),
        ("cellar", "glm-5:Cloud"),
    ] {
        let mut config = config();
        config["targets"][target]["model"] = model.into();
        let world = World::new(&config);
        let got = ask(&world, target);
        assert_eq!(tried(&got), format!("{target}:forwarded"), "{model}");
        assert_eq!(got.status, 503);
        assert!(world.looked().is_empty() && world.seen(target).is_empty());
    }
}

#[test]
fn a_dialect_that_cannot_tell_is_taken_at_the_configs_word() {
    let world = World::new(&config());
    world.script("cellar", [ok("from the cellar")]);
    assert_eq!(tried(&ask(&world, "cellar")), "cellar:ok");
    assert!(world.looked().is_empty());
}

#[test]
fn what_is_not_private_is_sent_without_a_look() {
    let world = World::new(&config());
    let answer = lines(&[line("hi", &both(done(), remote()))]);
    world.script("attic", [answer]);
    let got = world.chat(&asking("attic-first"));
    assert_eq!(tried(&got), "attic:ok", "{}", got.body);
    assert!(world.looked().is_empty());
}

#[test]
fn what_the_cron_saw_is_not_asked_again() {
    for (tags, outcome) in [(own(), "attic:ok"), (alias(), "attic:forwarded")] {
        let world = at_home(tags);
        world.shows(VERSION, [body(r#"{"version":"0.32.15"}"#)]);
        world.shows(RUNNING, [body(r#"{"models":[]}"#)]);
        world.round();
        let looked = world.looked().len();
        assert_eq!(tried(&ask(&world, "attic")), outcome);
        assert_eq!(world.looked().len(), looked);
    }
}

#[test]
fn what_the_cron_saw_before_the_box_went_away_is_asked_again() {
    let world = at_home(own());
    world.shows(VERSION, [body(r#"{"version":"0.32.15"}"#)]);
    world.shows(RUNNING, [body(r#"{"models":[]}"#)]);
    world.round();
    // For four hours something answers in the box's place; then there is an alias of that name.
    world.shows(VERSION, [Look::Status(404)]);
    for _ in 0..120 {
        world.advance(2 * MINUTE);
        world.round();
    }
    world.shows(TAGS, [alias()]);
    assert_eq!(tried(&ask(&world, "attic")), "attic:forwarded");
}

#[test]
fn an_answer_that_came_from_a_cloud_is_not_passed_on_and_the_target_not_asked_again() {
    let answers = [
        vec![
            line("from a ", &remote()),
            line("cloud", &both(done(), remote())),
        ],
        // It is told late, after words are out.
        vec![
            line("from a cloud, with ", &json!({})),
            line("words", &both(done(), remote())),
        ],
        vec![line(
            "from a cloud",
            &both(done(), json!({ "remote_host": "x" })),
        )],
        vec![line(
            "from a cloud",
            &both(done(), json!({ "remote_model": "x" })),
        )],
    ];
    for answer in answers {
        for (stream, inside) in [(true, true), (false, true), (false, false)] {
            let mut config = config();
            config["targets"]["attic"]["stream_inside"] = inside.into();
            let world = World::new(&config);
            let step = if inside {
                lines(&answer)
            } else {
                let mut whole: Value = serde_json::from_str(answer.last().unwrap()).unwrap();
                whole["message"]["content"] = "from a cloud".into();
                crate::world::reply(200, &whole.to_string())
            };
            world.script("attic", [step]);
            world.shows(TAGS, [own()]);
            let mut question = asking("attic-first");
            question["stream"] = stream.into();
            let got = world.ask(&private(), &question.to_string());
            assert!(got.body.contains("left_home"), "{}", got.body);
            assert!(
                !got.body.contains("\"finish_reason\":\"stop\""),
                "{}",
                got.body
            );
            assert!(!got.body.contains("Nothing of it was sent"), "{}", got.body);
            if got.status == 200 {
                assert!(!got.body.contains("[DONE]"), "{}", got.body);
            } else {
                assert_eq!(got.status, 503);
                assert!(!got.body.contains("from a cloud"), "{}", got.body);
            }
            let log = world.log();
            assert_eq!(log[0]["event"], "left_home");
            assert_eq!(log[0]["target"], "attic");
            assert!(!log[0].to_string().contains("hi"), "{log:?}");
            let asked = world.seen("attic").len();

            // Neither now nor when a look would say again that it is the box's own.
            for _ in 0..2 {
                let again = ask(&world, "attic");
                assert_eq!(tried(&again), "attic:forwarded");
                world.advance(11 * MINUTE);
            }
            assert_eq!(world.seen("attic").len(), asked);
            let open = world.chat(&asking("attic"));
            assert_eq!(tried(&open), "attic:ok", "for others it does as well");
        }
    }
}

#[test]
fn where_one_box_handed_it_on_the_next_at_home_answers() {
    let world = World::new(&config());
    world.script(
        "attic",
        [lines(&[line("from a cloud", &both(done(), remote()))])],
    );
    world.script("cellar", [ok("from the cellar")]);
    world.shows(TAGS, [own()]);
    for stream in [false, true] {
        let mut question = asking("auto");
        question["stream"] = stream.into();
        let got = world.ask(&private(), &question.to_string());
        assert_eq!(got.status, 200);
        assert!(got.body.contains("from the cellar"), "{}", got.body);
        assert!(!got.body.contains("from a cloud"), "{}", got.body);
        let first = if stream { "forwarded" } else { "left_home" };
        assert_eq!(
            tried(&got),
            format!("cloud:private,attic:{first},cellar:ok")
        );
    }
    let entries = world.store().entries.borrow();
    let attic = entries[0].targets.iter().find(|it| it.target == "attic");
    assert!(attic.unwrap().asked, "the ledger tells of it");
}

#[test]
fn a_mistake_that_the_caller_can_mend_is_told_although_another_box_hands_prompts_on() {
    let world = World::new(&config());
    world.script("cellar", [error(400, "bad_request")]);
    world.shows(TAGS, [alias()]);
    let got = ask(&world, "cellar-first");
    assert_eq!(tried(&got), "cellar:400,attic:forwarded");
    assert_eq!(got.status, 400, "{}", got.body);
}

#[test]
fn neither_a_hedge_nor_a_takeover_goes_to_a_box_that_hands_it_on() {
    let mut config = config();
    config["targets"]["cellar"]["hedge_after"] = "1s".into();
    let world = World::new(&config);
    world.shows(TAGS, [alias()]);
    let Step::Stream(mut answer) = Step::Stream(streamed(&["some ", "words ", "only"])) else {
        panic!("a stream");
    };
    answer.insert(0, Piece::Wait(5_000));
    let mut cut = answer.clone();
    cut.truncate(4);
    cut.push(Piece::Reset);
    world.script("cellar", [Step::Stream(cut), Step::Stream(answer)]);
    let mut question = asking("cellar-first");
    question["stream"] = true.into();
    let got = world.ask(&private(), &question.to_string());
    assert!(
        got.body.contains("attic\",\"outcome\":\"forwarded"),
        "{}",
        got.body
    );
    assert!(world.seen("attic").is_empty() && world.seen("cloud").is_empty());
    assert_eq!(world.at_box("attic"), (0, 0));
}

#[test]
fn a_slip_in_the_name_of_a_route_that_stays_home_does_not_let_a_request_out() {
    let mut config = config();
    config["routes"]["inside-only"] = json!({ "targets": ["cellar"], "privacy": "home" });
    config["routes"]["auto"] = json!(["cloud"]);
    for name in [
        "inside-only",
        "Inside-Only",
        "inside_only",
        " INSIDE ONLY ",
        "insideonly",
    ] {
        let world = World::new(&config);
        world.script("cellar", [ok("from the cellar")]);
        let got = world.chat(&asking(name));
        assert_eq!(got.header("x-pilotlight-private"), "route", "{name}");
        assert_eq!(tried(&got), "cellar:ok", "{name}");
    }
    let world = World::new(&config);
    world.script("cloud", [ok("from the cloud")]);
    assert_eq!(tried(&world.chat(&asking("gpt-5"))), "cloud:ok");
}

#[test]
fn a_header_that_may_be_meant_to_keep_a_request_at_home_is_refused() {
    let world = World::new(&config());
    let head = Head {
        stranger: Some("x-pilotlight-private".to_owned()),
        ..chat_head()
    };
    let got = world.ask(&head, &asking("auto").to_string());
    assert_eq!(got.status, 400);
    assert_eq!(got.json()["error"]["param"], "x-pilotlight-private");
}

#[test]
fn no_cloud_is_at_home_however_its_name_is_written() {
    for url in [
        "https://api.openai.com/v1",
        "https://API.OpenAI.com/v1",
        "https://api.openai.com./v1",
        "https://api.openai.com.:443/v1",
        "https://eu.api.openai.com/v1",
        "https://ollama.com/v1",
        "https://api.mistral.ai./v1",
        "https://api.cerebras.ai/v1",
        "https://gateway.ai.cloudflare.com/v1",
    ] {
        let mut config = config();
        config["targets"]["cellar"]["base_url"] = url.into();
        let mistakes = config::parse(&config.to_string(), &|_| None).unwrap_err();
        assert_eq!(mistakes[0].path, "targets.cellar.home", "{url}");
    }
    for url in ["https://notopenai.com/v1", "https://api.openai.com.lan/v1"] {
        let mut config = config();
        config["targets"]["cellar"]["base_url"] = url.into();
        assert!(
            config::parse(&config.to_string(), &|_| None).is_ok(),
            "{url}"
        );
    }
}
