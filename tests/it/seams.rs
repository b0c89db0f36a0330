//! Where one target's words meet another's, or the runtime's pieces each other: what must not be lost,
//! doubled or made up there.

use crate::world::{Piece, Step, World, chat_head, error, piece, reply, streamed, text_piece};
use serde_json::{Value, json};

const ANSWER: &str = "The pilot light is a small flame that never goes out, whatever happens to the \
                      rest of the stove, and from which all of it is lit again.";
const SO_FAR: &str = "The pilot light is a small flame that never goes out, whatever hap";

fn config() -> Value {
    let target = |host: &str| {
        json!({
            "provider": "openai", "base_url": format!("https://{host}.test/v1"), "model": host,
        })
    };
    json!({
        "targets": {"one": target("one"), "two": target("two"), "three": target("three")},
        "routes": {"auto": ["one", "two", "three"], "alone": ["one"]},
        "heartbeat": "10m"
    })
}
fn question() -> Value {
    json!({"model": "auto", "stream": true, "messages": [{"role": "user", "content": "What?"}]})
}
fn set(mut value: Value, pointer: &str, to: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    value.pointer_mut(parent).unwrap()[name] = to;
    value
}
fn words(text: &str) -> Vec<&str> {
    text.split_inclusive(' ').collect()
}
fn broken(text: &str) -> Step {
    let mut pieces = streamed(&words(text));
    pieces.truncate(pieces.len() - 3);
    pieces.push(Piece::Reset);
    Step::Stream(pieces)
}
fn whole(text: &str) -> Step {
    Step::Stream(streamed(&words(text)))
}
fn delta(delta: &Value) -> Piece {
    piece(&json!({"id":"c","created":7,"model":"up","choices":[{"index":0,"delta":delta,"finish_reason":null}]}).to_string())
}
fn finish(word: &str) -> Vec<Piece> {
    vec![piece(&json!({"id":"c","created":7,"model":"up","choices":[{"index":0,"delta":{},"finish_reason":word}]}).to_string()), piece("[DONE]")]
}
fn call(index: u32, id: &str, arguments: &str) -> Piece {
    let mut call = json!({"index": index, "function": {"arguments": arguments}});
    if !id.is_empty() {
        call["id"] = json!(id);
        call["type"] = json!("function");
        call["function"]["name"] = json!("weather");
    }
    delta(&json!({"tool_calls":[call]}))
}
fn one_read(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut all = String::new();
    for piece in pieces {
        if let Piece::Bytes(text) = piece {
            all += &text;
        }
    }
    vec![Piece::Bytes(all)]
}
fn outcomes(world: &World) -> String {
    let log = world.log();
    assert_eq!(log.len(), 1, "{log:?}");
    log[0].to_string()
}

#[test]
fn untouched_tool_call_keeps_every_byte() {
    let config = set(config(), "/defaults", json!({"watch": false}));
    let pieces = [
        vec![
            delta(&json!({"role":"assistant","content":null})),
            call(0, "a", "{\"city\":"),
            call(0, "", "\"Oslo\"}"),
        ],
        finish("tool_calls"),
    ]
    .concat();
    let sent: String = pieces
        .iter()
        .map(|p| {
            if let Piece::Bytes(t) = p {
                t.clone()
            } else {
                String::new()
            }
        })
        .collect();
    let mut head = chat_head();
    head.mode = Some("error".to_owned());
    let world = World::new(&config);
    world.script("one", [Step::Stream(pieces)]);
    let got = world.ask(&head, &question().to_string());
    assert_eq!(got.body, sent, "{}", outcomes(&world));
}

#[test]
fn text_that_was_not_written_is_not_taken_for_written() {
    let first = vec![
        text_piece("I shall look. "),
        call(0, "a", "{\"city\":\"Oslo\"}"),
        call(1, "b", "{\"ci"),
        Piece::Reset,
    ];
    // Goes on with a few words that the splice holds to the end, and makes no call.
    let second = [vec![text_piece("I sha")], finish("stop")].concat();
    let third = [
        vec![
            text_piece("I shall look. "),
            call(0, "x", "{\"city\":\"Oslo\"}"),
            call(1, "y", "{\"city\":\"Bern\"}"),
        ],
        finish("tool_calls"),
    ]
    .concat();
    let world = World::new(&config());
    world
        .script("one", [Step::Stream(first)])
        .script("two", [Step::Stream(second)])
        .script("three", [Step::Stream(third)]);
    let got = world.chat(&question());
    let asked = &world
        .seen("three")
        .first()
        .map(|s| s.body["messages"].clone());
    assert_eq!(
        asked.as_ref().unwrap()[1]["content"],
        got.text().as_str().get(..14).unwrap()
    );
}

#[test]
fn a_function_call_of_the_second_target_is_not_dropped() {
    let second = [
        vec![
            text_piece(&ANSWER[ANSWER.find("never goes").unwrap()..]),
            delta(&json!({"function_call":{"name":"f","arguments":"{}"}})),
        ],
        finish("function_call"),
    ]
    .concat();
    let world = World::new(&config());
    world
        .script("one", [broken(SO_FAR)])
        .script("two", [Step::Stream(second)])
        .script("three", [whole(ANSWER)]);
    let got = world.chat(&question());
    assert!(
        !got.body.contains(r#""finish_reason":"function_call""#)
            || got.body.contains("\"function_call\":{")
    );
}

#[test]
fn a_refusal_after_another_targets_thoughts_is_not_dropped() {
    let first = vec![
        delta(&json!({"role":"assistant","reasoning":"hm"})),
        Piece::Reset,
    ];
    let second = [
        vec![delta(&json!({"role":"assistant","refusal":"I will not."}))],
        finish("stop"),
    ]
    .concat();
    let world = World::new(&config());
    world
        .script("one", [Step::Stream(first)])
        .script("two", [Step::Stream(second)])
        .script("three", [whole(ANSWER)]);
    let got = world.chat(&question());
    assert!(
        got.body.contains("I will not.") || got.text() == ANSWER,
        "{}",
        outcomes(&world)
    );
}

#[test]
fn text_in_parts_is_not_dropped_when_going_on() {
    let rest = &ANSWER[SO_FAR.len()..];
    let second = [
        vec![delta(
            &json!({"role":"assistant","content":[{"type":"text","text":rest}]}),
        )],
        finish("stop"),
    ]
    .concat();
    let world = World::new(&config());
    world
        .script("one", [broken(SO_FAR)])
        .script("two", [Step::Stream(second)])
        .script("three", [whole(ANSWER)]);
    let got = world.chat(&question());
    assert_eq!(got.text(), ANSWER, "{} {}", got.body, outcomes(&world));
}

#[test]
fn json_is_not_begun_twice() {
    let mut body = question();
    body["response_format"] = json!({"type": "json_object"});
    let esc = |t: &str| t.replace('"', "\\\"");
    let world = World::new(&config());
    world
        .script("one", [broken(&esc("{\"name\": \"Al"))])
        .script("two", [whole(&esc("{\"name\": \"Bob\", \"age\": 7}"))])
        .script("three", [whole(&esc("{\"name\": \"Bob\", \"age\": 7}"))]);
    let got = world.chat(&body);
    let ended = got.body.contains("[DONE]");
    assert!(
        !ended || serde_json::from_str::<Value>(&got.text()).is_ok(),
        "passed off as whole: {} {}",
        got.text(),
        outcomes(&world)
    );
}

#[test]
fn a_remark_before_the_anchor_doubles_nothing() {
    let anchor = &ANSWER[ANSWER.find("flame that").unwrap()..];
    let world = World::new(&config());
    world
        .script("one", [broken(SO_FAR)])
        .script(
            "two",
            [whole(&format!("Here is the rest of it:\\n\\n{anchor}"))],
        )
        .script("three", [whole(ANSWER)]);
    let got = world.chat(&question());
    assert_eq!(
        got.text().matches("never goes out").count(),
        1,
        "{}",
        got.text()
    );
}

#[test]
fn words_are_not_fused() {
    let world = World::new(&config());
    world
        .script("one", [broken("The capital")])
        .script("two", [whole("Paris is the capital of France.")])
        .script("three", [whole("The capital of France is Paris.")]);
    let got = world.chat(&question());
    assert!(!got.text().contains("capitalParis"), "{}", got.text());
}

#[test]
fn a_hedge_that_refuses_does_not_end_a_request_that_another_is_answering() {
    let config = set(config(), "/targets/one/hedge_after", json!("2s"));
    let late = [vec![Piece::Wait(9_000)], streamed(&["late"])].concat();
    let world = World::new(&config);
    world.script("one", [Step::Stream(late)]).script(
        "two",
        [reply(
            400,
            r#"{"error":{"message":"no","code":"content_policy_violation"}}"#,
        )],
    );
    let got = world.chat(&question());
    assert_eq!(got.text(), "late", "{} {}", got.status, got.body);
}

#[test]
fn a_caller_of_one_body_gets_the_whole_answer_of_whoever_starts_over() {
    let other = "The pilot light is a small flame that someone forgot to light this morning.";
    let config = set(config(), "/defaults", json!({"stream_inside": true}));
    let body = set(question(), "/stream", json!(false));
    let world = World::new(&config);
    world
        .script("one", [broken(SO_FAR), error(500, "")])
        .script("two", [whole(other)])
        .script("three", [whole(other)]);
    let got = world.chat(&body);
    assert_eq!(got.status, 200, "{}", got.body);
}

#[test]
fn a_caller_of_one_body_whose_answer_so_far_does_not_fit_gets_another() {
    let config = set(config(), "/defaults", json!({"stream_inside": true}));
    let config = set(config, "/targets/two/context", json!(256));
    let config = set(config, "/routes/auto", json!(["one", "two"]));
    let body = set(question(), "/stream", json!(false));
    let long = "word ".repeat(400);
    let world = World::new(&config);
    world
        .script("one", [broken(&long), error(500, "")])
        .script("two", [whole("Short.")]);
    let got = world.chat(&body);
    assert_eq!(got.status, 200, "{}", got.body);
}

#[test]
fn usage_that_follows_the_end_at_once_is_told_after_a_pause() {
    let config = set(config(), "/defaults", json!({"stream_inside": true}));
    let body = set(question(), "/stream", json!(false));
    let mut pieces = streamed(&["one ", "two"]);
    let at = pieces.len() - 3;
    pieces.insert(at, Piece::Wait(1_500));
    let world = World::new(&config);
    world.script("one", [Step::Stream(pieces)]);
    let got = world.chat(&body);
    assert_eq!(got.json()["usage"]["completion_tokens"], 2, "{}", got.body);
}

fn with_ollama() -> Value {
    set(
        config(),
        "/targets/two",
        json!({"provider":"ollama","base_url":"http://127.0.0.1:11434","model":"m"}),
    )
}
fn ollama(text: &str) -> Step {
    Step::Stream(vec![
        Piece::Bytes(format!(
            "{}\n",
            json!({"model":"m","message":{"role":"assistant","content":text},"done":false})
        )),
        Piece::Bytes(format!(
            "{}\n",
            json!({"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":4,"eval_count":2})
        )),
    ])
}

#[test]
fn usage_is_told_once_and_only_when_asked_for() {
    for wanted in [true, false] {
        let mut body = question();
        body["stream_options"] = json!({"include_usage": wanted});
        let world = World::new(&with_ollama());
        world
            .script("one", [broken(SO_FAR)])
            .script("two", [ollama(ANSWER)]);
        let got = world.chat(&body);
        assert_eq!(got.text(), ANSWER);
        assert_eq!(
            got.body.matches("\"usage\":").count(),
            usize::from(wanted),
            "wanted {wanted}: {}",
            got.body
        );
    }
}

#[test]
fn the_role_is_told_after_a_prelude_without_choices() {
    let first = [vec![
        piece(r#"{"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[]}"#),
        delta(&json!({"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]})),
        call(0, "", "{}"),
    ], finish("tool_calls")].concat();
    let world = World::new(&config());
    world.script("one", [Step::Stream(first)]);
    let got = world.chat(&question());
    assert_eq!(got.body.matches("\"role\"").count(), 1, "{}", got.body);
}

#[test]
fn the_head_is_the_answers_and_not_that_of_a_prelude() {
    let first = vec![
        piece(
            r#"{"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[]}"#,
        ),
        delta(&json!({"role":"assistant","content":""})),
        delta(&json!({"content":SO_FAR})),
        Piece::Reset,
    ];
    let world = World::new(&config());
    world
        .script("one", [Step::Stream(first)])
        .script("two", [whole(ANSWER)]);
    let got = world.chat(&question());
    assert_eq!(got.text(), ANSWER);
    let last: Value = serde_json::from_str(got.events()[got.events().len() - 2]).unwrap();
    assert_eq!(
        (last["id"].as_str(), last["model"].as_str()),
        (Some("c"), Some("up")),
        "{}",
        got.body
    );
}

#[test]
fn an_estimate_counts_no_text_twice() {
    let completion = |breaks: bool| {
        let mut body = question();
        body["stream_options"] = json!({"include_usage": true});
        let world = World::new(&config());
        let at = ANSWER.find("never goes").unwrap();
        if breaks {
            // Two repeats the anchor and one word more, and breaks.
            world
                .script("one", [broken(SO_FAR)])
                .script("two", [broken(&ANSWER[at..SO_FAR.len() + 10])])
                .script("three", [whole(&ANSWER[SO_FAR.len() + 10 - 30..])]);
        } else {
            world
                .script("one", [broken(SO_FAR)])
                .script("two", [whole(ANSWER)]);
        }
        let got = world.chat(&body);
        assert_eq!(got.text(), ANSWER);
        let last: Value = serde_json::from_str(got.events()[got.events().len() - 2]).unwrap();
        last["usage"]["completion_tokens"].as_u64().unwrap()
    };
    let (once, twice) = (completion(false), completion(true));
    assert!(twice < once + 14, "{once} {twice}");
}

#[test]
fn it_makes_no_difference_how_the_bytes_arrive() {
    let other = "The pilot light is a small flame that someone forgot to light this morning.";
    let mut asked = Vec::new();
    for cut in [false, true] {
        let pieces = streamed(&words(other));
        let pieces = if cut { pieces } else { one_read(pieces) };
        let world = World::new(&config());
        world
            .script("one", [broken(SO_FAR)])
            .script("two", [Step::Stream(pieces)])
            .script("three", [whole(ANSWER)]);
        world.chat(&question());
        asked.push(world.seen("two").len());
    }
    assert_eq!(asked[0], asked[1]);
}

#[test]
fn one_log_line_wherever_the_caller_leaves() {
    for mode in ["takeover", "hold", "error"] {
        for watch in [true, false] {
            for n in 0..40 {
                let config = set(config(), "/defaults", json!({"watch": watch}));
                let config = set(config, "/heartbeat", json!("1s"));
                let mut head = chat_head();
                head.mode = Some(mode.to_owned());
                let mut slow = vec![Piece::Wait(2_500)];
                slow.extend(streamed(&words(SO_FAR)));
                slow.truncate(slow.len() - 3);
                slow.insert(6, Piece::Wait(2_500));
                slow.push(Piece::Reset);
                let world = World::new(&config);
                world.caller_leaves_after(n);
                world
                    .script("one", [Step::Stream(slow)])
                    .script("two", [whole(ANSWER)]);
                let got = world.ask(&head, &question().to_string());
                let log = outcomes(&world);
                if log.contains("\"answered\"") {
                    assert!(
                        got.body.contains("[DONE]"),
                        "{mode} {watch} {n}: {log} {}",
                        got.body
                    );
                }
            }
        }
    }
}

#[test]
fn half_a_character_that_stays_one_costs_no_other() {
    let at = ANSWER.find("never goes").unwrap();
    let second = [
        vec![
            text_piece(&ANSWER[at..SO_FAR.len() + 5]),
            text_piece("\\ud83d"),
            text_piece(&ANSWER[SO_FAR.len() + 5..]),
        ],
        finish("stop"),
    ]
    .concat();
    let world = World::new(&config());
    world
        .script("one", [broken(SO_FAR)])
        .script("two", [Step::Stream(second)])
        .script("three", [whole(ANSWER)]);
    let got = world.chat(&question());
    assert!(
        !got.body.contains("[DONE]") || got.text().replace('\u{fffd}', "") == ANSWER,
        "{}",
        got.text()
    );
}

#[test]
fn one_request_is_one_failure_to_the_breaker() {
    let config = set(config(), "/defaults", json!({"breaker_failures": 2}));
    let body = set(question(), "/model", json!("alone"));
    let world = World::new(&config);
    world.script("one", [broken(SO_FAR)]);
    world.chat(&body);
    world.chat(&body);
    assert_eq!(world.seen("one").len(), 3, "the second failure opens it");
}

#[test]
fn the_log_tells_the_usage_that_the_caller_is_told() {
    let mut body = question();
    body["stream_options"] = json!({"include_usage": true});
    let world = World::new(&config());
    world
        .script("one", [broken(SO_FAR)])
        .script("two", [whole(ANSWER)]);
    let got = world.chat(&body);
    let last: Value = serde_json::from_str(got.events()[got.events().len() - 2]).unwrap();
    assert_eq!(
        world.log()[0]["tokens_out"],
        last["usage"]["completion_tokens"]
    );
}

#[test]
fn more_than_a_mebibyte_is_told() {
    let long = "words ".repeat(250_000);
    let mut pieces: Vec<Piece> = vec![delta(&json!({"role":"assistant","content":""}))];
    pieces.extend(
        long.as_bytes()
            .chunks(50_000)
            .map(|c| text_piece(std::str::from_utf8(c).unwrap())),
    );
    pieces.push(Piece::Reset);
    let world = World::new(&config());
    world
        .script("one", [Step::Stream(pieces)])
        .script("two", [whole(ANSWER)]);
    let got = world.chat(&question());
    assert!(got.body.contains("stream_cut") && !got.body.contains("[DONE]"));
    assert!(world.seen("two").is_empty());
}

#[test]
fn parts_of_a_very_long_answer_add_up() {
    let long = "words ".repeat(250_000);
    let mut pieces: Vec<Piece> = vec![text_piece(&SO_FAR[SO_FAR.find("never").unwrap()..])];
    pieces.extend(
        long.as_bytes()
            .chunks(50_000)
            .map(|c| text_piece(std::str::from_utf8(c).unwrap())),
    );
    pieces.extend(finish("stop"));
    let world = World::new(&config());
    world
        .script("one", [broken(SO_FAR)])
        .script("two", [Step::Stream(pieces)]);
    let got = world.chat(&question());
    let last: Value = serde_json::from_str(got.events()[got.events().len() - 2]).unwrap();
    let sum: u64 = last["pilotlight"]["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["characters"].as_u64().unwrap())
        .sum();
    assert_eq!(
        sum,
        got.text().chars().count() as u64,
        "{}",
        last["pilotlight"]["parts"]
    );
}

#[test]
fn whoever_interleaves_calls_can_answer() {
    let first = [
        vec![
            call(0, "a", ""),
            call(1, "b", ""),
            call(0, "", "{\"x\":1}"),
            call(1, "", "{\"x\":2}"),
        ],
        finish("tool_calls"),
    ]
    .concat();
    let world = World::new(&config());
    world
        .script("one", [Step::Stream(first.clone())])
        .script("two", [Step::Stream(first.clone())])
        .script("three", [Step::Stream(first)]);
    let got = world.chat(&question());
    assert!(got.body.contains("[DONE]"), "{}", got.body);
}

#[test]
fn logprobs_are_of_the_whole_answer_or_none() {
    let config = set(config(), "/defaults", json!({"stream_inside": true}));
    let mut body = set(question(), "/stream", json!(false));
    body["logprobs"] = json!(true);
    let token = |t: &str| {
        piece(&json!({"id":"c","choices":[{"index":0,"delta":{"content":t},"logprobs":{"content":[{"token":t,"logprob":-1.0}]}}]}).to_string())
    };
    let mut first: Vec<Piece> = words(SO_FAR).into_iter().map(token).collect();
    first.push(Piece::Reset);
    let second = [
        words(ANSWER).into_iter().map(token).collect(),
        finish("stop"),
    ]
    .concat();
    let world = World::new(&config);
    world
        .script("one", [Step::Stream(first)])
        .script("two", [Step::Stream(second)]);
    let got = world.chat(&body).json();
    let choice = &got["choices"][0];
    let tokens = choice["logprobs"]["content"].as_array().map(|l| {
        l.iter()
            .map(|t| t["token"].as_str().unwrap())
            .collect::<String>()
    });
    assert!(
        tokens.is_none() || tokens.as_deref() == choice["message"]["content"].as_str(),
        "{tokens:?}"
    );
}

#[test]
fn whoever_only_repeats_the_last_words_has_not_ended_an_answer_that_is_cut() {
    let echo = || whole(&SO_FAR[SO_FAR.find("never goes").unwrap()..]);
    let world = World::new(&config());
    world
        .script("one", [broken(SO_FAR), error(500, "")])
        .script("two", [echo()])
        .script("three", [echo()]);
    let got = world.chat(&question());
    assert_eq!(got.text(), SO_FAR);
    assert!(!got.body.contains("[DONE]"), "{}", got.body);

    // What ends as a text does may be all there is.
    let world = World::new(&config());
    world
        .script("one", [broken(ANSWER)])
        .script("two", [whole(&ANSWER[ANSWER.find("all of it").unwrap()..])]);
    let got = world.chat(&question());
    assert_eq!(got.text(), ANSWER);
    assert!(got.body.ends_with("data: [DONE]\n\n"), "{}", got.body);
}
