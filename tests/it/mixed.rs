//! What a hostile reading of chains of several dialects found: each test says what should hold.

use pilotlight::gateway::Head;
use pilotlight::policy::drill::{Drill, Fault, Scope};
use serde_json::{Value, json};

use crate::world::{
    Got, Piece, START, Step, World, chat_head, error, ok, piece, streamed, text_piece,
};

const ANSWER: &str = "The pilot light is a small flame that never goes out, whatever happens to the \
                      rest of the stove, and from which all of it is lit again.";

/// How much of it has come when a stream breaks.
const SO_FAR: &str = "The pilot light is a small flame that never goes out, whatever hap";

/// A target of a dialect.
fn target(dialect: &str, more: &Value) -> Value {
    let (base, model) = match dialect {
        "anthropic" => ("https://api.anthropic.com", "claude-haiku-4-5"),
        "ollama" => ("http://127.0.0.1:11434", "smol"),
        "responses" => ("https://api.openai.com/v1", "gpt-5.4-mini"),
        _ => ("https://cloud.test/v1", "m"),
    };
    let mut target = json!({"provider": dialect, "base_url": base, "model": model, "attempts": 1});
    if dialect == "ollama" {
        target["home"] = json!(true);
        target["context"] = json!(8192);
    }
    for (name, value) in more.as_object().unwrap() {
        target[name] = value.clone();
    }
    target
}

fn config(targets: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = targets.iter().map(|(name, _)| *name).collect();
    let tables: serde_json::Map<String, Value> = targets
        .iter()
        .map(|(name, target)| ((*name).to_owned(), target.clone()))
        .collect();
    json!({"targets": tables, "routes": {"auto": names}, "heartbeat": "10m"})
}

/// A world whose one route asks these dialects in order, each under its own name.
fn world(dialects: &[&str]) -> World {
    let targets: Vec<(&str, Value)> = dialects
        .iter()
        .map(|name| (*name, target(name, &json!({}))))
        .collect();
    World::new(&config(&targets))
}

fn asking(more: &Value) -> Value {
    let mut body = json!({"model": "auto", "messages": [{"role": "user", "content": "What?"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn streaming() -> Value {
    asking(&json!({"stream": true, "stream_options": {"include_usage": true}}))
}

fn tried(got: &Got) -> &str {
    got.header("x-pilotlight-attempts")
}

fn event(data: &Value) -> Piece {
    let kind = data["type"].as_str().unwrap();
    Piece::Bytes(format!("event: {kind}\ndata: {data}\n\n"))
}

/// How Anthropic begins to answer.
fn greeting() -> Piece {
    event(
        &json!({"type": "message_start", "message": {"id": "msg_1", "type": "message",
        "role": "assistant", "model": "claude", "content": [], "stop_reason": null,
        "usage": {"input_tokens": 40, "cache_read_input_tokens": 2, "output_tokens": 1}}}),
    )
}

fn thinks(at: u32, text: &str, signature: Option<&str>) -> Vec<Piece> {
    let mut pieces = vec![
        event(&json!({"type": "content_block_start", "index": at,
            "content_block": {"type": "thinking", "thinking": "", "signature": ""}})),
        event(&json!({"type": "content_block_delta", "index": at,
            "delta": {"type": "thinking_delta", "thinking": text}})),
    ];
    if let Some(signature) = signature {
        pieces.push(event(&json!({"type": "content_block_delta", "index": at,
            "delta": {"type": "signature_delta", "signature": signature}})));
        pieces.push(event(&json!({"type": "content_block_stop", "index": at})));
    }
    pieces
}

fn says(at: u32, text: &str) -> Vec<Piece> {
    let mut pieces = vec![event(&json!({"type": "content_block_start", "index": at,
        "content_block": {"type": "text", "text": ""}}))];
    pieces.extend(text.split_inclusive(' ').map(|word| {
        event(&json!({"type": "content_block_delta", "index": at,
            "delta": {"type": "text_delta", "text": word}}))
    }));
    pieces
}

fn farewell(reason: &str, details: &Value) -> Vec<Piece> {
    vec![
        event(&json!({"type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": null, "stop_details": details},
            "usage": {"output_tokens": 9}})),
        event(&json!({"type": "message_stop"})),
    ]
}

fn claude(parts: impl IntoIterator<Item = Vec<Piece>>) -> Step {
    let mut pieces = vec![greeting()];
    pieces.extend(parts.into_iter().flatten());
    Step::Stream(pieces)
}

/// An answer in a dialect: of these words, whole or broken after them.
fn answer(dialect: &str, text: &str, ends: bool) -> Step {
    let end = |pieces: Vec<Piece>| if ends { pieces } else { vec![Piece::Reset] };
    match dialect {
        "anthropic" => claude([says(0, text), end(farewell("end_turn", &Value::Null))]),
        "ollama" => {
            let line = |line: Value| Piece::Bytes(format!("{line}\n"));
            let mut pieces: Vec<Piece> = text
                .split_inclusive(' ')
                .map(|word| {
                    line(
                        json!({"model": "smol", "created_at": "2026-11-21T04:00:00Z",
                        "message": {"role": "assistant", "content": word}, "done": false}),
                    )
                })
                .collect();
            pieces.extend(end(vec![line(json!({"model": "smol",
                "created_at": "2026-11-21T04:00:00Z",
                "message": {"role": "assistant", "content": ""}, "done": true,
                "done_reason": "stop", "prompt_eval_count": 30, "eval_count": 7}))]));
            Step::Stream(pieces)
        }
        "responses" => {
            let response = |status: &str, usage: Value| {
                json!({"id": "resp_1", "object": "response", "created_at": 1_795_233_600_u64,
                    "status": status, "model": "gpt", "output": [], "usage": usage})
            };
            let mut pieces = vec![
                event(&json!({"type": "response.created",
                    "response": response("in_progress", Value::Null)})),
                event(
                    &json!({"type": "response.output_item.added", "output_index": 0,
                    "item": {"id": "msg_1", "type": "message", "content": [],
                             "role": "assistant"}}),
                ),
            ];
            pieces.extend(text.split_inclusive(' ').map(|word| {
                event(
                    &json!({"type": "response.output_text.delta", "item_id": "msg_1",
                    "output_index": 0, "content_index": 0, "delta": word}),
                )
            }));
            let usage = json!({"input_tokens": 20, "output_tokens": 5, "total_tokens": 25});
            pieces.extend(end(vec![event(&json!({"type": "response.completed",
                "response": response("completed", usage)}))]));
            Step::Stream(pieces)
        }
        _ => {
            let words: Vec<&str> = text.split_inclusive(' ').collect();
            let mut pieces = streamed(&words);
            if !ends {
                pieces.truncate(pieces.len() - 3);
                pieces.push(Piece::Reset);
            }
            Step::Stream(pieces)
        }
    }
}

fn chunks(got: &Got) -> Vec<Value> {
    got.events()
        .iter()
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

fn closing(got: &Got) -> Value {
    chunks(got).last().unwrap().clone()
}

const DIALECTS: [&str; 4] = ["anthropic", "ollama", "openai", "responses"];

#[test]
fn every_dialect_goes_on_with_what_every_other_broke_off() {
    for first in DIALECTS {
        for second in DIALECTS {
            if first == second {
                continue;
            }
            let told = format!("{first} then {second}");
            let world = world(&[first, second]);
            world.script(first, [answer(first, SO_FAR, false)]);
            world.script(second, [answer(second, ANSWER, true)]);
            let got = world.chat(&streaming());
            assert_eq!(got.text(), ANSWER, "{told}: {}", got.body);
            assert_eq!(got.events().last(), Some(&"[DONE]"), "{told}");
            assert_eq!(
                got.body.matches("\"role\"").count(),
                1,
                "{told}: {}",
                got.body
            );
            let chunks = chunks(&got);
            for name in ["id", "model", "created"] {
                let same = chunks.iter().all(|chunk| chunk[name] == chunks[0][name]);
                assert!(same, "{told}: one {name} in all of {}", got.body);
            }
            let last = closing(&got);
            let used = last["usage"]["prompt_tokens"].as_u64().unwrap();
            assert!(used > 5, "{told}: {last}");
            assert_eq!(last["pilotlight"]["target"], second, "{told}");
            let whole = world.chat(&asking(&json!({})));
            assert_eq!(whole.status, 200, "{told}: {}", whole.body);
        }
    }
}

#[test]
fn every_dialect_goes_on_with_what_every_other_broke_off_for_callers_of_one_body() {
    for first in DIALECTS {
        for second in DIALECTS {
            if first == second {
                continue;
            }
            let told = format!("{first} then {second}");
            let inside = json!({"stream_inside": true});
            let world = World::new(&config(&[
                (first, target(first, &inside)),
                (second, target(second, &inside)),
            ]));
            world.script(first, [answer(first, SO_FAR, false)]);
            world.script(second, [answer(second, ANSWER, true)]);
            let got = world.chat(&asking(&json!({})));
            let body = got.json();
            assert_eq!(
                body["choices"][0]["message"]["content"], ANSWER,
                "{told}: {body}"
            );
            assert_eq!(body["choices"][0]["finish_reason"], "stop", "{told}");
            assert_eq!(body["object"], "chat.completion", "{told}");
            assert!(
                body["usage"]["prompt_tokens"].as_u64().unwrap() > 5,
                "{told}: {body}"
            );
            assert_eq!(body["pilotlight"]["target"], second, "{told}");
        }
    }
}

/// All entries of `reasoning_details` of a stream.
fn details(got: &Got) -> Vec<Value> {
    chunks(got)
        .iter()
        .filter_map(|chunk| {
            chunk["choices"][0]["delta"]["reasoning_details"]
                .as_array()
                .cloned()
        })
        .flatten()
        .collect()
}

#[test]
fn thoughts_of_two_models_are_never_put_together_as_those_of_one() {
    let signed = || thinks(0, "Second thoughts.", Some("sig-two"));
    let script = |world: &World| {
        world.script(
            "first",
            [claude([
                thinks(0, "First thoughts, ", None),
                vec![Piece::Reset],
            ])],
        );
        world.script(
            "second",
            [claude([
                signed(),
                says(1, "Done."),
                farewell("end_turn", &Value::Null),
            ])],
        );
    };
    let targets = || {
        let claude = || target("anthropic", &json!({}));
        config(&[("first", claude()), ("second", claude())])
    };
    let world = World::new(&targets());
    script(&world);
    let got = world.chat(&streaming());
    assert_eq!(got.text(), "Done.", "{}", got.body);
    let of = |text: &str| {
        let all = details(&got);
        let one = all.iter().find(|one| one["text"] == text);
        one.unwrap_or_else(|| panic!("{}", got.body))["index"].clone()
    };
    assert_ne!(
        of("First thoughts, "),
        of("Second thoughts."),
        "{}",
        got.body
    );
    let signed = details(&got);
    let signed = signed
        .iter()
        .find(|one| one["signature"] == "sig-two")
        .unwrap();
    assert_eq!(signed["index"], of("Second thoughts."));

    let world = World::new(&targets());
    script(&world);
    let got = world.chat(&asking(&json!({}))).json();
    let message = &got["choices"][0]["message"];
    assert_eq!(message["content"], "Done.", "{got}");
    assert_eq!(message["reasoning"], "Second thoughts.", "{got}");
    assert_eq!(
        message["reasoning_details"].as_array().unwrap().len(),
        1,
        "{got}"
    );
    assert_eq!(
        message["reasoning_details"][0]["text"], "Second thoughts.",
        "{got}"
    );
}

#[test]
fn a_refusal_before_any_word_is_the_next_targets_to_answer_where_the_config_says_so() {
    let details = json!({"type": "refusal", "category": "cyber", "explanation": "No."});
    for (told, details) in [("silent", Value::Null), ("explained", details)] {
        for body in [asking(&json!({})), streaming()] {
            let failover = target("anthropic", &json!({"content_policy": "failover"}));
            let world = World::new(&config(&[
                ("anthropic", failover),
                ("openai", target("openai", &json!({}))),
            ]));
            world.script("anthropic", [claude([farewell("refusal", &details)])]);
            world.script("openai", [ok("Gladly.")]);
            let got = world.chat(&body);
            assert_eq!(
                tried(&got),
                "anthropic:content_policy,openai:ok",
                "{told}: {}",
                got.body
            );
        }
    }
}

#[test]
fn what_is_not_looked_at_is_of_openais_dialect() {
    for dialect in ["anthropic", "ollama", "responses"] {
        let unwatched = target(dialect, &json!({"watch": false}));
        let mut config = config(&[(dialect, unwatched)]);
        config["mode"] = json!("error");
        let world = World::new(&config);
        world.script(dialect, [answer(dialect, ANSWER, true)]);
        let got = world.chat(&streaming());
        assert_eq!(got.text(), ANSWER, "{dialect}: {}", got.body);
        assert_eq!(got.events().last(), Some(&"[DONE]"), "{dialect}");
    }
}

#[test]
fn what_is_not_looked_at_calls_tools_by_the_callers_names() {
    let unwatched = json!({"watch": false, "base_url": "https://api.openai.com/v1"});
    let mut config = config(&[("openai", target("openai", &unwatched))]);
    config["mode"] = json!("error");
    let world = World::new(&config);
    let body = {
        let mut body = streaming();
        body["tools"] = json!([{"type": "function", "function": {"name": "files.read"}}]);
        body
    };
    world.script("openai", [ok("x")]);
    world.chat(&body);
    let sent = world.seen("openai")[0].body["tools"][0]["function"]["name"].clone();
    assert_ne!(sent, "files.read");
    let call = json!({"choices": [{"index": 0, "delta": {"role": "assistant", "tool_calls": [
        {"index": 0, "id": "call_1", "type": "function",
         "function": {"name": sent, "arguments": "{}"}}]}}]});
    let mut pieces = vec![piece(&call.to_string())];
    pieces.push(piece(
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
    ));
    pieces.push(piece("[DONE]"));
    world.script("openai", [Step::Stream(pieces)]);
    let got = world.chat(&body);
    assert!(got.body.contains("\"files.read\""), "{}", got.body);
}

#[test]
fn a_picture_is_not_estimated_by_the_length_of_its_data() {
    let world = world(&["openai", "anthropic"]);
    world.script("openai", [answer("openai", SO_FAR, false)]);
    world.script("anthropic", [answer("anthropic", ANSWER, true)]);
    let data = format!("data:image/png;base64,{}", "A".repeat(400_000));
    let mut body = streaming();
    body["messages"][0]["content"] = json!([{"type": "text", "text": "What?"},
        {"type": "image_url", "image_url": {"url": data}}]);
    let got = world.chat(&body);
    let last = closing(&got);
    assert_eq!(last["pilotlight"]["usage_estimated"], true, "{last}");
    let used = last["usage"]["prompt_tokens"].as_u64().unwrap();
    assert!(used < 5_000, "{last}");
}

#[test]
fn usage_that_comes_with_the_end_is_summed_up_too() {
    let world = world(&["anthropic", "openai"]);
    world.script("anthropic", [answer("anthropic", SO_FAR, false)]);
    let mut pieces: Vec<Piece> = ANSWER.split_inclusive(' ').map(text_piece).collect();
    pieces.push(piece(
        r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":50,"completion_tokens":20,"total_tokens":70}}"#,
    ));
    pieces.push(piece("[DONE]"));
    world.script("openai", [Step::Stream(pieces)]);
    let got = world.chat(&streaming());
    assert_eq!(got.text(), ANSWER);
    let used = closing(&got)["usage"]["completion_tokens"].as_u64();
    assert!(used.is_some_and(|used| used > 20), "{}", got.body);
}

#[test]
fn fields_that_were_dropped_are_those_of_the_target_that_answered() {
    for (first, second) in [("anthropic", "openai"), ("openai", "anthropic")] {
        let world = world(&[first, second]);
        world.script(first, [error(503, "")]);
        world.script(second, [answer(second, ANSWER, true)]);
        let body = asking(&json!({"stream": true, "presence_penalty": 0.5}));
        let got = world.chat(&body);
        let expected = if second == "anthropic" {
            "presence_penalty"
        } else {
            ""
        };
        assert_eq!(got.header("x-pilotlight-dropped"), expected, "{}", got.body);
        let told = closing(&got)["pilotlight"]["dropped"].clone();
        let listed = if expected.is_empty() {
            Value::Null
        } else {
            json!([expected])
        };
        assert_eq!(told, listed, "{}", got.body);
    }
}

#[test]
fn a_stream_that_waited_at_the_door_tells_what_was_dropped_at_its_end() {
    let mut config = config(&[
        (
            "openai",
            target("openai", &json!({"headers_timeout": "30s"})),
        ),
        ("anthropic", target("anthropic", &json!({}))),
    ]);
    config["heartbeat"] = json!("1s");
    let world = World::new(&config);
    world.script("openai", [Step::Silence]);
    world.script("anthropic", [answer("anthropic", ANSWER, true)]);
    let got = world.chat(&asking(&json!({"stream": true, "presence_penalty": 0.5})));
    assert_eq!(got.text(), ANSWER, "{}", got.body);
    assert_eq!(got.header("x-pilotlight-dropped"), "");
    assert_eq!(
        closing(&got)["pilotlight"]["dropped"],
        json!(["presence_penalty"]),
        "{}",
        got.body
    );
}

#[test]
fn a_caller_with_odd_wishes_shuts_no_target_for_others() {
    let openrouter = json!({"base_url": "https://openrouter.ai/api/v1"});
    let responses = json!({});
    for (told, target, failure) in [
        (
            "more tokens than the account can pay for",
            target("openai", &openrouter),
            reply_json(
                402,
                &json!({"error": {"code": 402, "message":
                "This request requires more credits, or fewer max_tokens. You requested up to \
                 32000 tokens, but can only afford 27342. To increase, visit \
                 https://openrouter.ai/settings/credits and upgrade to a paid account"}}),
            ),
        ),
        (
            "thoughts that nobody kept",
            target("responses", &responses),
            reply_json(
                404,
                &json!({"error": {"code": null, "param": "input",
                "type": "invalid_request_error", "message":
                "Item with id 'rs_68' not found. Items are not persisted when `store` is set to \
                 false. Try again with `store` set to true, or remove this item from your input."}}),
            ),
        ),
        (
            "a file that is not there",
            target("responses", &responses),
            reply_json(
                404,
                &json!({"error": {"code": null, "param": null,
                "type": "invalid_request_error",
                "message": "File file-68628828 not found."}}),
            ),
        ),
        (
            "a policy that no provider of the model has",
            target("openai", &openrouter),
            reply_json(
                404,
                &json!({"error": {"code": 404, "message": "No endpoints found \
                matching your data policy (Zero data retention). Configure: \
                https://openrouter.ai/settings/privacy"}}),
            ),
        ),
        (
            "a file of somebody else's",
            target(
                "openai",
                &json!({"base_url": "https://generativelanguage.googleapis.com/v1beta/openai"}),
            ),
            reply_json(
                403,
                &json!([{"error": {"code": 403, "status": "PERMISSION_DENIED",
                "message": "You do not have permission to access the File xyz or it may not exist."}}]),
            ),
        ),
        (
            "a file of a telling name",
            target(
                "openai",
                &json!({"base_url": "https://generativelanguage.googleapis.com/v1beta/openai"}),
            ),
            reply_json(
                400,
                &json!([{"error": {"code": 400, "status": "FAILED_PRECONDITION",
                "message": "The File files/billing-in-your-country is not in an ACTIVE state and \
                            usage is not allowed."}}]),
            ),
        ),
    ] {
        let world = World::new(&config(&[("one", target)]));
        world.script("one", [failure]);
        for _ in 0..7 {
            world.chat(&asking(&json!({})));
        }
        assert_eq!(world.seen("one").len(), 7, "{told}");
    }
}

fn reply_json(status: u16, body: &Value) -> Step {
    crate::world::reply(status, &body.to_string())
}

#[test]
fn private_requests_stay_at_home_whatever_the_dialects_can_do() {
    let world = World::new(&config(&[
        (
            "home",
            target(
                "openai",
                &json!({"base_url": "http://127.0.0.1:1/v1", "home": true,
            "context": 2048, "cannot": ["images"]}),
            ),
        ),
        ("anthropic", target("anthropic", &json!({}))),
    ]));
    let private = Head {
        privacy: Some("home".to_owned()),
        ..chat_head()
    };
    let image = json!([{"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}]);
    let mut body = asking(&json!({}));
    body["messages"][0]["content"] = image;
    let got = world.ask(&private, &body.to_string());
    assert_eq!(got.status, 400, "{}", got.body);
    let told = got.json()["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!(
        told,
        "no target at home can serve a picture \
         ('messages.content.image_url'): 'home' cannot"
    );
    assert!(world.seen("anthropic").is_empty());

    let long = "Which ship lies at the pier? ".repeat(2_000);
    let mut body = asking(&json!({}));
    body["messages"] = json!([{"role": "user", "content": long},
        {"role": "assistant", "content": "None."}, {"role": "user", "content": "And now?"}]);
    world.script("home", [ok("None.")]);
    let got = world.ask(&private, &body.to_string());
    assert_eq!(tried(&got), "anthropic:private,home:ok", "{}", got.body);
    assert_ne!(got.header("x-pilotlight-truncated"), "");
    assert!(world.seen("anthropic").is_empty());
}

#[test]
fn an_answer_that_is_withheld_in_its_midst_is_the_next_targets_where_nothing_has_gone_out() {
    let held = Head {
        mode: Some("hold".to_owned()),
        ..chat_head()
    };
    for (head, body) in [(chat_head(), asking(&json!({}))), (held, streaming())] {
        let failover = target("anthropic", &json!({"content_policy": "failover"}));
        let world = World::new(&config(&[
            ("anthropic", failover),
            ("openai", target("openai", &json!({}))),
        ]));
        let refused = || claude([says(0, SO_FAR), farewell("refusal", &Value::Null)]);
        world.script("anthropic", [refused()]);
        world.script("openai", [ok("Gladly.")]);
        let got = world.ask(&head, &body.to_string());
        assert_eq!(
            tried(&got),
            "anthropic:content_policy,openai:ok",
            "{}",
            got.body
        );
        assert!(got.body.contains("Gladly.") && !got.body.contains("pilot light"));

        // Where nobody else answers, it is asked no second time.
        world.script("openai", [error(503, "")]);
        let got = world.ask(&head, &body.to_string());
        assert_eq!(got.status, 503, "{}", got.body);
        assert_eq!(
            tried(&got),
            "anthropic:content_policy,openai:503",
            "{}",
            got.body
        );
    }
}

#[test]
fn what_one_conversation_taught_of_a_large_window_is_not_held_against_all() {
    let home = target("ollama", &json!({"context": 65_536}));
    let world = World::new(&config(&[
        ("home", home),
        ("cloud", target("openai", &json!({}))),
    ]));
    let talk = |turns: usize| {
        let mut messages = Vec::new();
        for turn in 0..turns {
            let ships = format!("Which ship lies at pier {turn}? ").repeat(40);
            messages.push(json!({"role": "user", "content": ships}));
            messages.push(json!({"role": "assistant", "content": "None."}));
        }
        messages.push(json!({"role": "user", "content": "And now?"}));
        json!({"model": "auto", "messages": messages})
    };
    // Somebody's digits, of which the model makes a token each.
    let inner = json!({"error": {"code": 400, "type": "exceed_context_size_error",
        "message": "request (190000 tokens) exceeds the available context size (65536 tokens)",
        "n_prompt_tokens": 190_000, "n_ctx": 65_536}});
    let refused = json!({"error": inner.to_string()}).to_string();
    world.script(
        "home",
        [
            crate::world::reply(400, &refused),
            answer("ollama", "Yes.", true),
        ],
    );
    world.script("cloud", [ok("Whole.")]);
    let got = world.chat(&talk(70));
    assert_eq!(tried(&got), "home:context_overflow,cloud:ok");
    // Less than half of the window is enough for this one, and was before.
    let got = world.chat(&talk(45));
    assert_eq!(tried(&got), "home:ok", "{}", got.body);
    assert_eq!(got.header("x-pilotlight-truncated"), "");
}

#[test]
fn whoever_says_that_it_is_too_long_is_not_asked_for_ever() {
    let overflow = || error(400, "context_length_exceeded");
    let claude = || {
        crate::world::reply(400, &json!({"type": "error", "error": {"type":
            "invalid_request_error", "message": "prompt is too long: 900000 tokens > 200000 maximum"}})
            .to_string())
    };
    let world = World::new(&config(&[
        (
            "home",
            target(
                "openai",
                &json!({"base_url": "http://127.0.0.1:1/v1", "home": true,
            "context": 2048, "attempts": 9}),
            ),
        ),
        (
            "sized",
            target("openai", &json!({"context": 60_000, "attempts": 9})),
        ),
        (
            "claude",
            target("anthropic", &json!({"attempts": 9, "hedge_after": "1s"})),
        ),
        ("cloud", target("openai", &json!({"attempts": 9}))),
    ]));
    for name in ["home", "sized", "cloud"] {
        world.script(name, [overflow()]);
    }
    world.script("claude", [claude()]);
    for stream in [false, true] {
        let ships = "Which ship lies at the pier? ".repeat(60);
        let messages: Vec<Value> = (0..500)
            .flat_map(|_| {
                [
                    json!({"role": "user", "content": ships}),
                    json!({"role": "assistant", "content": "None."}),
                ]
            })
            .chain([json!({"role": "user", "content": "And now?"})])
            .collect();
        let body = json!({"model": "auto", "messages": messages, "stream": stream});
        let before = ["home", "sized", "claude", "cloud"].map(|name| world.seen(name).len());
        let got = world.chat(&body);
        assert_eq!(got.status, 400, "{}", got.body);
        assert_eq!(got.json()["error"]["code"], "context_length_exceeded");
        for (name, before) in ["home", "sized", "claude", "cloud"].iter().zip(before) {
            let asked = world.seen(name).len() - before;
            assert!(asked <= 3, "{name} {asked}: {}", tried(&got));
        }
    }
    assert_eq!(world.at_box("127.0.0.1:1"), (0, 0));
}

/// How OpenAI's responses tell of one call.
fn calls(name: &str) -> Step {
    let response = |status: &str, output: Value, usage: Value| {
        json!({"id": "resp_1", "created_at": 1_795_233_600_u64, "status": status, "model": "gpt",
            "output": output, "usage": usage})
    };
    let item = |arguments: &str| {
        json!({"id": "fc_1", "type": "function_call", "status": "completed",
            "call_id": "call_a", "name": name, "arguments": arguments})
    };
    let (all, usage) = (
        "{\"pier\":4}",
        json!({"input_tokens": 20, "output_tokens": 5}),
    );
    Step::Stream(vec![
        event(&json!({"type": "response.created",
            "response": response("in_progress", json!([]), Value::Null)})),
        event(
            &json!({"type": "response.output_item.added", "output_index": 0,
            "item": item("")}),
        ),
        event(
            &json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1",
            "output_index": 0, "delta": all}),
        ),
        event(
            &json!({"type": "response.output_item.done", "output_index": 0,
            "item": item(all)}),
        ),
        event(&json!({"type": "response.completed",
            "response": response("completed", json!([item(all)]), usage)})),
    ])
}

/// Thoughts, words and half of a call.
fn half_a_call() -> Step {
    claude([
        thinks(0, "Let me look.", Some("sig-one")),
        says(1, "I shall look. "),
        vec![
            event(
                &json!({"type": "content_block_start", "index": 2, "content_block":
                {"type": "tool_use", "id": "toolu_1", "name": "harbour_look", "input": {}}}),
            ),
            event(&json!({"type": "content_block_delta", "index": 2,
                "delta": {"type": "input_json_delta", "partial_json": "{\"pie"}})),
            Piece::Reset,
        ],
    ])
}

#[test]
fn a_call_that_was_half_written_is_made_anew_by_another_dialect() {
    let tools = json!([{"type": "function", "function": {"name": "harbour.look",
        "parameters": {"type": "object", "properties": {"pier": {"type": "integer"}}}}}]);
    // What the tool is called there.
    let probe = world(&["responses"]);
    probe.script("responses", [error(503, "")]);
    probe.chat(&asking(&json!({"tools": tools})));
    let name = probe.seen("responses")[0].body["tools"][0]["name"].clone();
    for stream in [true, false] {
        let world = world(&["anthropic", "responses"]);
        world.script("anthropic", [half_a_call()]);
        world.script("responses", [calls(name.as_str().unwrap())]);
        let got = world.chat(&asking(&json!({"stream": stream, "tools": tools})));
        assert!(got.body.contains("\"harbour.look\""), "{}", got.body);
        assert!(!got.body.contains("toolu_1"), "{}", got.body);
        let sent = world.seen("responses")[0].body.to_string();
        assert!(
            !sent.contains("sig-one") && !sent.contains("toolu_1"),
            "{sent}"
        );
        if stream {
            let ends = got.body.matches("\"finish_reason\":\"tool_calls\"").count();
            assert_eq!((ends, got.events().last()), (1, Some(&"[DONE]")));
            continue;
        }
        let message = got.json()["choices"][0]["message"].clone();
        assert_eq!(message["content"], "I shall look. ", "{message}");
        assert_eq!(message["tool_calls"].as_array().unwrap().len(), 1);
        let call = &message["tool_calls"][0];
        assert_eq!(call["function"]["arguments"], "{\"pier\":4}");
        assert_eq!(call.get("index"), None, "{message}");
    }
}

#[test]
fn a_hedge_across_dialects_leaves_no_slot_and_no_probe_behind() {
    for (home_waits, expected) in [(2_000, "home:outpaced,claude:ok"), (500, "home:ok")] {
        let world = World::new(&config(&[
            ("home", target("ollama", &json!({"hedge_after": "1s"}))),
            ("claude", target("anthropic", &json!({}))),
        ]));
        let Step::Stream(mut pieces) = answer("ollama", ANSWER, true) else {
            panic!("a stream");
        };
        pieces.insert(0, Piece::Wait(home_waits));
        world.script("home", [Step::Stream(pieces)]);
        world.script("claude", [answer("anthropic", ANSWER, true)]);
        for body in [
            asking(&json!({"user": "u"})),
            asking(&json!({"stream": true, "user": "u"})),
        ] {
            let got = world.chat(&body);
            assert_eq!(tried(&got), expected, "{}", got.body);
            assert_eq!(world.at_box("127.0.0.1:11434"), (0, 0));
        }
    }
}

#[test]
fn a_small_box_that_is_put_off_by_a_hedge_is_asked_later_and_leaves_its_slot() {
    let small = json!({"context": 2048, "hedge_after": "1s"});
    let world = World::new(&config(&[
        ("claude", target("anthropic", &json!({"hedge_after": "1s"}))),
        ("small", target("ollama", &small)),
        (
            "other",
            target("ollama", &json!({"context": 4096, "model": "other"})),
        ),
        ("cloud", target("openai", &json!({}))),
    ]));
    world.script(
        "claude",
        [Step::Stream(vec![Piece::Wait(5_000), Piece::Reset])],
    );
    world.script("cloud", [error(503, "")]);
    world.script("small", [error(500, "")]);
    world.script("other", [answer("ollama", "Yes.", true)]);
    let ships = "Which ship lies at the pier? ".repeat(60);
    let messages: Vec<Value> = (0..40)
        .flat_map(|_| {
            [
                json!({"role": "user", "content": ships}),
                json!({"role": "assistant", "content": "None."}),
            ]
        })
        .chain([json!({"role": "user", "content": "And now?"})])
        .collect();
    let got = world.chat(&json!({"model": "auto", "messages": messages}));
    assert_eq!(got.status, 200, "{}", got.body);
    assert_ne!(got.header("x-pilotlight-truncated"), "");
    assert_eq!(world.at_box("127.0.0.1:11434"), (0, 0));
    assert!(world.seen("small").len() <= 1, "{}", tried(&got));
}

#[test]
fn writing_to_a_cache_for_longer_has_no_known_cost() {
    for (ttl, known) in [("5m", true), ("1h", false)] {
        let world = world(&["anthropic"]);
        world.script("anthropic", [answer("anthropic", "Yes.", true)]);
        let mut body = asking(&json!({}));
        body["messages"][0]["content"] = json!([{"type": "text", "text": "What?",
            "cache_control": {"type": "ephemeral", "ttl": ttl}}]);
        let got = world.chat(&body);
        assert_eq!(got.status, 200, "{}", got.body);
        assert_eq!(
            !got.header("x-pilotlight-cost-usd").is_empty(),
            known,
            "{ttl} {}",
            got.body
        );
    }
}

#[test]
fn odd_conversations_are_measured_at_once_and_without_a_panic() {
    let huge = "A9+/".repeat(500_000);
    let image = json!({"type": "image_url", "image_url":
        {"url": format!("data:image/png;base64,{}", "A".repeat(100_000))}});
    let images: Vec<Value> = (0..40)
        .map(|_| json!({"role": "user", "content": [image, {"type": "text", "text": "?"}]}))
        .collect();
    let tools: Vec<Value> = (0..100)
        .map(|at| {
            json!({"type": "function", "function": {"name": format!("f{at}"),
            "description": "Looks at the pier. ".repeat(500)}})
        })
        .collect();
    let user = |text: &str| json!([{"role": "user", "content": text}]);
    for (told, messages, tools) in [
        ("base64", user(&huge), None),
        ("emoji", user(&"🚀👩‍👩‍👧‍👦".repeat(60_000)), None),
        ("spaces", user(&" ".repeat(2_000_000)), None),
        ("newlines", user(&"\n".repeat(1_000_000)), None),
        ("escapes", user(&"\u{1}\u{2}".repeat(200_000)), None),
        ("images", json!(images), None),
        ("tools", user("Which?"), Some(tools)),
        ("nothing", user(""), None),
    ] {
        let world = World::new(&config(&[
            (
                "home",
                target(
                    "openai",
                    &json!({"base_url": "http://127.0.0.1:1/v1", "home": true,
                "context": 2048}),
                ),
            ),
            ("ollama", target("ollama", &json!({"context": 131_072}))),
            ("anthropic", target("anthropic", &json!({}))),
            ("sized", target("openai", &json!({"context": 128_000}))),
        ]));
        world.script("home", [ok("x")]);
        world.script("sized", [ok("x")]);
        world.script("ollama", [answer("ollama", "x", true)]);
        world.script("anthropic", [answer("anthropic", "x", true)]);
        let mut body = json!({"model": "auto", "messages": messages});
        if let Some(tools) = tools {
            body["tools"] = json!(tools);
        }
        let text = body.to_string();
        let got = world.ask(&chat_head(), &text);
        assert!(matches!(got.status, 200 | 400), "{told}: {}", got.body);
    }
}

#[test]
fn a_refusal_is_told_also_where_the_conversation_was_too_long_for_the_others() {
    let strict = json!({"base_url": "http://127.0.0.1:1/v1", "home": true, "context": 2048,
        "truncate": "never"});
    let world = World::new(&config(&[
        ("home", target("openai", &strict)),
        ("claude", target("anthropic", &json!({}))),
    ]));
    world.script(
        "claude",
        [reply_json(
            400,
            &json!({"type": "error", "error": {"type": "invalid_request_error",
            "message": "tools.0.custom.input_schema: JSON schema is invalid"}}),
        )],
    );
    let mut body = asking(&json!({}));
    body["messages"][0]["content"] = json!("Which ship lies at the pier? ".repeat(1_000));
    let got = world.chat(&body);
    assert_eq!(tried(&got), "home:too_long,claude:400");
    assert_eq!(got.status, 400, "{}", got.body);
    assert_eq!(got.json()["error"]["code"], "upstream_rejected");
}

#[test]
fn the_window_of_a_route_is_one_of_a_target_that_can_be_asked() {
    let sized = |tokens: u32, more: Value| {
        let mut target = target("openai", &more);
        target["context"] = json!(tokens);
        target
    };
    let world = World::new(&config(&[
        ("small", sized(8_192, json!({}))),
        ("keyless", sized(1_000_000, json!({"key": "UNSET_KEY"}))),
    ]));
    let head = Head {
        method: "GET".to_owned(),
        path: "/v1/models/auto".to_owned(),
        host: "localhost".to_owned(),
        ..Head::default()
    };
    let told = world.ask(&head, "").json();
    assert_eq!(told["context_length"], 8_192, "{told}");
    assert_eq!(told["pilotlight"]["context"], 8_192, "{told}");
}

#[test]
fn what_a_drill_cuts_off_is_gone_on_with_by_another_dialect() {
    for stream in [true, false] {
        let world = world(&["anthropic", "ollama"]);
        world.script("anthropic", [answer("anthropic", ANSWER, true)]);
        world.script("ollama", [answer("ollama", ANSWER, true)]);
        *world.store().drill.borrow_mut() = Some(Drill {
            id: "drill_1".to_owned(),
            targets: vec!["anthropic".to_owned()],
            fault: Fault::Cut,
            scope: Scope::Marked,
            since: START,
            until: START + 600_000,
        });
        let head = Head {
            drill: Some("drill_1".to_owned()),
            ..chat_head()
        };
        let body = asking(&json!({"stream": stream})).to_string();
        let got = world.ask(&head, &body);
        let text = if stream {
            got.text()
        } else {
            got.json()["choices"][0]["message"]["content"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(text, ANSWER, "{}", got.body);
        assert_eq!(world.at_box("127.0.0.1:11434"), (0, 0));
    }
}

#[test]
fn who_refuses_to_go_on_leaves_it_to_the_next() {
    for details in [
        Value::Null,
        json!({"type": "refusal", "explanation": "No."}),
    ] {
        let failover = target("anthropic", &json!({"content_policy": "failover"}));
        let world = World::new(&config(&[
            ("openai", target("openai", &json!({}))),
            ("anthropic", failover),
            ("ollama", target("ollama", &json!({}))),
        ]));
        let sentence = "The pilot light is a small flame that never goes out.";
        world.script("openai", [answer("openai", sentence, false)]);
        world.script("anthropic", [claude([farewell("refusal", &details)])]);
        world.script(
            "ollama",
            [answer("ollama", &format!("{sentence} And more."), true)],
        );
        let got = world.chat(&streaming());
        assert_eq!(got.text(), format!("{sentence} And more."), "{}", got.body);
    }
}
