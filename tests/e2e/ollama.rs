//! A real Ollama at home: a conversation larger than its window, a death in the middle of an answer,
//! a cold start. The model is SmolLM2-135M on the processor, with a small window.

use std::fs;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use crate::gateway::{Gateway, Setup, asking, chain, cloud, with};
use crate::homebox::{HomeBox, WINDOW};
use crate::upstream::{PATIENCE, Upstream};
use crate::wire;

/// About twenty thousand tokens of conversation.
fn long_conversation() -> Value {
    let mut messages = vec![json!({ "role": "system", "content": "You are a helpful clerk." })];
    for turn in 0..100 {
        let report = format!("Every line of report {turn} is in order. ").repeat(20);
        messages.push(json!({ "role": "user", "content": format!("Report {turn}. {report}") }));
        messages
            .push(json!({ "role": "assistant", "content": format!("Report {turn} is filed.") }));
    }
    messages.push(json!({ "role": "user", "content": "Say hello in one sentence." }));
    json!({
        "model": "auto",
        "messages": messages,
        "temperature": 0,
        "stream_options": { "include_usage": true },
    })
}

fn gateway(home: &HomeBox, down: &Upstream) -> Gateway {
    let cloud = with(cloud(down), json!({ "attempts": 1 }));
    Setup::new(chain(&[("cloud", cloud), ("box", home.target())])).start()
}

#[test]
fn with_the_cloud_down_the_home_model_answers_a_conversation_ten_times_its_window() {
    let Some(home) = HomeBox::start("a long conversation at a real Ollama") else {
        return;
    };
    let down = Upstream::playing([wire::api(503, &json!({ "error": { "message": "Down." } }))]);
    let gateway = gateway(&home, &down);

    let answer = gateway.stream(&long_conversation()).streamed();

    assert!(answer.done && answer.error().is_none(), "{answer:?}");
    assert!(
        !answer.text().trim().is_empty(),
        "it says something: {answer:?}"
    );
    assert!(
        matches!(answer.finish_reason(), Some("stop" | "length")),
        "{answer:?}"
    );
    let disclosed = &answer.disclosure().unwrap()["pilotlight"];
    assert_eq!(disclosed["target"], "box");
    assert_eq!(disclosed["attempts"][0]["outcome"], "overloaded");
    assert!(
        disclosed["truncated"]["messages"].as_u64() > Some(100),
        "{disclosed}"
    );
    assert!(
        disclosed["truncated"]["tokens"].as_u64() > Some(10_000),
        "{disclosed}"
    );
    // Had Ollama cut as well, it would have read half a window.
    let usage = answer.usage().unwrap();
    let read = usage["prompt_tokens"].as_u64().unwrap();
    assert!(read > WINDOW as u64 / 2 && read <= WINDOW as u64, "{usage}");
    // Ollama logs when it drops messages, its engine when it drops tokens.
    let log = home.log();
    assert!(!log.contains("truncating input"), "Ollama cut as well");
    assert!(
        log.contains("truncated = 0"),
        "the engine tells of its work"
    );
    assert!(!log.contains("truncated = 1"), "the engine cut as well");
    assert_eq!(down.count(), 1);
}

#[test]
fn an_ollama_that_dies_is_told_of_and_one_that_comes_back_answers() {
    let Some(mut home) = HomeBox::start("the death and return of a real Ollama") else {
        return;
    };
    let gateway = Setup::new(chain(&[("box", home.target())])).start();
    let mut question = asking("Count from one to a thousand.");
    question["max_tokens"] = json!(1500);

    let mut answer = gateway.stream(&question);
    let begun = answer.first_words();
    home.kill();
    let answer = answer.streamed();

    assert!(!begun.is_empty());
    let error = answer
        .error()
        .unwrap_or_else(|| panic!("no error event: {answer:?}"));
    assert!(error["message"].is_string(), "{error}");
    assert!(
        !answer.done && answer.finish_reason().is_none(),
        "{answer:?}"
    );

    let answer = gateway.chat(&asking("Hi"));
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(
        answer
            .attempts()
            .iter()
            .all(|tried| tried == "box:unreachable"),
        "{answer:?}"
    );

    // The model is not loaded after a start: the first answer waits for it.
    home.restart();
    let answer = gateway.chat(&asking("Hi"));
    assert_eq!(answer.attempts(), ["box:ok"], "{answer:?}");
    assert!(!answer.text().is_empty());
}

#[test]
fn an_engine_that_dies_under_ollama_is_told_of_and_the_next_answer_has_a_new_one() {
    let Some(home) = HomeBox::start("the death of a real Ollama's engine") else {
        return;
    };
    let mut config = chain(&[("box", home.target())]);
    config["mode"] = "error".into();
    let gateway = Setup::new(config).start();
    let mut question = asking("Count from one to a thousand.");
    question["max_tokens"] = json!(1500);

    let mut answer = gateway.stream(&question);
    let begun = answer.first_words();
    kill_engine(home.server.group());
    let answer = answer.streamed();

    assert!(!begun.is_empty());
    let error = answer
        .error()
        .unwrap_or_else(|| panic!("no error event: {answer:?}"));
    assert!(error.to_string().contains("engine_error"), "{error}");
    assert!(
        !answer.done && answer.finish_reason().is_none(),
        "{answer:?}"
    );
    let answer = gateway.chat(&asking("Hi"));
    assert!(!answer.text().is_empty());
    assert_eq!(answer.attempts().last().unwrap(), "box:ok");
}

#[test]
fn a_caller_who_leaves_frees_the_home_box() {
    let Some(home) = HomeBox::start("leaving a real Ollama") else {
        return;
    };
    let gateway = Setup::new(chain(&[("box", home.target())])).start();
    let mut question = asking("Count from one to a thousand.");
    question["max_tokens"] = json!(1900);
    let mut answer = gateway.stream(&question);
    answer.first_words();

    answer.leave();

    // The box has one slot. Were the first answer still being written, this one would wait for it.
    let start = Instant::now();
    assert!(!gateway.chat(&asking("Hi")).text().is_empty());
    let first = home
        .server
        .wait(PATIENCE, "the first answer's end", |lines| {
            let ended = lines
                .iter()
                .filter(|line| line.contains("\"/api/chat\""))
                .count();
            (ended >= 2).then(|| start.elapsed())
        });
    assert!(first < PATIENCE, "{first:?}");
}

#[test]
fn a_caller_who_asks_a_small_model_to_think_is_answered_without() {
    let Some(home) = HomeBox::start("thinking at a real Ollama") else {
        return;
    };
    let gateway = Setup::new(chain(&[("box", home.target())])).start();
    let question = with(asking("Hi"), json!({ "reasoning_effort": "low" }));

    let answer = gateway.chat(&question);

    assert!(!answer.text().is_empty(), "{answer:?}");
    assert_eq!(answer.attempts(), ["box:unsupported", "box:ok"]);
    let dropped = answer.head.header("x-pilotlight-dropped");
    assert_eq!(dropped, Some("reasoning_effort"));
}

/// Kills the engine in a process group, and nothing else.
fn kill_engine(group: u32) {
    let engines = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // pid (name) state parent group ...
        let (name, rest) = stat.split_once(") ")?;
        let of_group = rest.split(' ').nth(2)? == group.to_string();
        (of_group && name.contains("(llama-server")).then(|| entry.file_name())
    });
    let engines: Vec<_> = engines.collect();
    assert_eq!(engines.len(), 1, "one engine runs");
    let killed = Command::new("kill")
        .arg("-9")
        .args(engines)
        .status()
        .unwrap();
    assert!(killed.success());
}
