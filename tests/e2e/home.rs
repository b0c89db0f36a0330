//! The box at home as Ollama's API: how it is asked, how its answers read, how it fails.

use serde_json::{Value, json};

use crate::failures::{Mode, Row, check_all, row};
use crate::gateway::{Setup, asking, chain, cloud, home, with};
use crate::upstream::{Reply, Upstream};
use crate::wire;

#[test]
fn whatever_is_wrong_with_the_box_has_a_name_and_the_next_target_answers() {
    let mut rows = Vec::from(errors());
    rows.extend(broken_streams());
    check_all(&rows, Mode::Streamed, home);
    check_all(&errors(), Mode::Whole, home);
}

fn errors() -> [Row; 6] {
    let error = |status, text: &str| wire::api(status, &json!({ "error": text }));
    let busy = "server busy, please try again.  maximum pending requests exceeded";
    let crashed = "llama-server process has terminated: signal: killed";
    let no_path = Reply::whole(404, &[("content-type", "text/plain")], "404 page not found");
    [
        row(
            "no-model",
            error(404, "model 'home-model' not found"),
            "model_missing",
            2,
        ),
        row("no-path", no_path, "not_an_api", 1),
        row("busy", error(503, busy), "server_busy", 2),
        row("crashed", error(500, crashed), "engine_error", 2),
        row("gone", Reply::new().reset(), "unreachable", 2),
        // Silent to the question, too, which models it has loaded.
        row("silent", Reply::new().hold(), "headers_timeout", 1),
    ]
}

fn broken_streams() -> [Row; 4] {
    let eof = "an error was encountered while running the model: unexpected EOF";
    let eof = wire::line(&json!({ "error": eof }));
    let words = Reply::chunked(200, &[("content-type", "application/x-ndjson")]).chunk("hello\n");
    [
        row(
            "crashed-inside",
            wire::ollama_said(&[]).chunk(&eof).end(),
            "engine_error",
            2,
        ),
        row(
            "no-done",
            wire::ollama_said(&[""]).end(),
            "ended_without_done",
            2,
        ),
        row("said-nothing", wire::ollama_nothing(), "empty", 2),
        row("no-json", words.end(), "not_an_api", 1),
    ]
}

#[test]
fn an_answer_that_is_not_streamed_is_whole_only_when_it_says_done() {
    let mut unfinished =
        json!({ "model": "home-model", "message": { "role": "assistant", "content": "Hal" } });
    unfinished["done"] = false.into();
    let cut = Upstream::playing([wire::api(200, &unfinished)]);
    let next = Upstream::playing([wire::completion("Here.")]);
    let gateway = Setup::new(chain(&[("box", home(&cut)), ("next", cloud(&next))])).start();

    let answer = gateway.chat(&asking("Hi"));

    assert_eq!(answer.text(), "Here.");
    assert_eq!(answer.attempts()[0], "box:ended_without_done");
    assert_eq!(next.count(), 1);
}

#[test]
fn ollama_is_asked_so_that_it_neither_cuts_nor_reloads_nor_rambles() {
    let upstream = Upstream::playing([wire::ollama("Home.")]);
    let target = with(home(&upstream), json!({ "keep_alive": "30m" }));
    let gateway = Setup::new(chain(&[("box", target)])).start();
    let mut question = asking("Hi");
    question["temperature"] = json!(0.2);
    question["seed"] = json!(7);
    question["stop"] = json!("END");
    question["max_tokens"] = json!(50);
    question["response_format"] = json!({ "type": "json_object" });

    let answer = gateway.chat(&question);

    assert_eq!(answer.text(), "Home.");
    let body = answer.json();
    assert_eq!(body["usage"]["prompt_tokens"], wire::PROMPT_TOKENS);
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    let sent = upstream.only().json();
    assert_eq!(sent["model"], "home-model");
    assert_eq!(sent["stream"], true, "silence is told from death");
    assert_eq!(sent["truncate"], false);
    assert_eq!(sent.get("shift"), None);
    assert_eq!(sent["think"], false);
    assert_eq!(sent["keep_alive"], "30m");
    assert_eq!(sent["format"], "json");
    let options = &sent["options"];
    assert_eq!(options["num_ctx"], 8192);
    assert_eq!(options["num_predict"], 50);
    assert_eq!(options["temperature"], 0.2);
    assert_eq!(options["seed"], 7);
    assert_eq!(options["stop"], json!(["END"]));
}

#[test]
fn ollama_is_always_given_a_limit_to_the_answer() {
    let upstream = Upstream::playing([wire::ollama("Home.")]);
    let gateway = Setup::new(chain(&[("box", home(&upstream))])).start();

    assert_eq!(gateway.chat(&asking("Hi")).text(), "Home.");

    let limit = upstream.only().json()["options"]["num_predict"].as_i64();
    assert!(limit.is_some_and(|limit| limit > 0), "{limit:?}");
}

#[test]
fn tools_and_images_are_put_into_ollamas_words_and_back() {
    let called = json!({
        "model": "home-model",
        "created_at": "2026-11-21T01:01:34Z",
        "message": { "role": "assistant", "content": "", "tool_calls": [
            { "function": { "index": 0, "name": "weather", "arguments": { "city": "Oslo" } } },
        ] },
        "done": true,
        "done_reason": "stop",
        "prompt_eval_count": 9,
        "eval_count": 3,
    });
    let upstream = Upstream::playing([wire::api(200, &called)]);
    let gateway = Setup::new(chain(&[("box", home(&upstream))])).start();
    let call = json!({ "id": "call_1", "type": "function", "function": { "name": "weather", "arguments": "{\"city\":\"Rome\"}" } });
    let tool = json!({ "type": "function", "function": { "name": "weather", "parameters": { "type": "object" } } });
    let question = json!({
        "model": "auto",
        "tools": [tool],
        "messages": [
            { "role": "developer", "content": "Be brief." },
            { "role": "user", "content": [
                { "type": "text", "text": "What is this?" },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw0KGgo=" } },
            ] },
            { "role": "assistant", "content": null, "tool_calls": [call] },
            { "role": "tool", "tool_call_id": "call_1", "content": "Sunny." },
            { "role": "user", "content": "And in Oslo?" },
        ],
    });

    let answer = gateway.chat(&question);

    assert_eq!(answer.status, 200, "{answer:?}");
    let choice = &answer.json()["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    let made = &choice["message"]["tool_calls"][0];
    assert_eq!(made["type"], "function");
    assert!(made["id"].is_string(), "{made}");
    assert_eq!(made["function"]["name"], "weather");
    let arguments: Value =
        serde_json::from_str(made["function"]["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments, json!({ "city": "Oslo" }));
    let sent = upstream.only().json();
    let messages = sent["messages"].as_array().unwrap();
    assert_eq!(messages[0]["role"], "system");
    assert_eq!(messages[1]["content"], "What is this?");
    assert_eq!(messages[1]["images"], json!(["iVBORw0KGgo="]));
    assert_eq!(
        messages[2]["tool_calls"][0]["function"]["arguments"],
        json!({ "city": "Rome" })
    );
    assert_eq!(messages[3]["content"], "Sunny.");
    assert_eq!(sent["tools"][0], question["tools"][0]);
}
