//! Answers that break, and the targets that go on with them.

use pilotlight::platform::ReplyHeaders;
use serde_json::{Value, json};

use crate::world::{Got, Piece, Step, World, chat_head, error, ok, piece, streamed, text_piece};

const ANSWER: &str = "The pilot light is a small flame that never goes out, whatever happens to the \
                      rest of the stove, and from which all of it is lit again.";

/// How much of it has come when the stream breaks.
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

/// A stream of this text, in pieces of a few characters, that breaks.
fn broken(text: &str) -> Step {
    let mut pieces = streamed(&words(text));
    pieces.truncate(pieces.len() - 3);
    pieces.push(Piece::Reset);
    Step::Stream(pieces)
}

fn whole(text: &str) -> Step {
    Step::Stream(streamed(&words(text)))
}

fn words(text: &str) -> Vec<&str> {
    text.split_inclusive(' ').collect()
}

/// What the caller can rely on in any stream that is whole.
fn assert_whole(got: &Got, text: &str) {
    assert_eq!(got.text(), text, "{}", got.body);
    assert_lawful(got);
    let events = got.events();
    assert_eq!(events.last(), Some(&"[DONE]"), "{}", got.body);
    assert_eq!(got.body.matches("finish_reason\":\"").count(), 1);
}

/// What the SDKs rely on in any stream.
fn assert_lawful(got: &Got) {
    let chunks: Vec<Value> = got
        .events()
        .iter()
        .filter_map(|data| serde_json::from_str(data).ok())
        .filter(|chunk: &Value| chunk.get("error").is_none())
        .collect();
    for name in ["id", "model", "created"] {
        assert!(
            chunks.iter().all(|chunk| chunk[name] == chunks[0][name]),
            "one {name} in all of {}",
            got.body
        );
    }
    assert_eq!(got.body.matches("\"role\"").count(), 1, "{}", got.body);
}

fn last_error(got: &Got) -> Value {
    let events = got.events();
    let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
    assert!(!got.body.contains("[DONE]"), "{}", got.body);
    assert!(!got.body.contains("finish_reason\":\""), "{}", got.body);
    last["error"].clone()
}

fn closing(got: &Got) -> Value {
    let events = got.events();
    serde_json::from_str(events[events.len() - 2]).unwrap()
}

#[test]
fn the_next_target_goes_on_whichever_way_it_does_so() {
    let anchored = ANSWER.find("never goes").unwrap();
    let rest = &ANSWER[SO_FAR.len()..];
    let shouted = ANSWER
        .replace("pilot light", "**pilot light**")
        .replace(", ", ",\n");
    for reply in [&ANSWER[anchored..], rest, ANSWER, &shouted] {
        let world = World::new(&config());
        world
            .script("one", [broken(SO_FAR)])
            .script("two", [whole(&reply.replace('\n', "\\n"))]);
        let got = world.chat(&question());
        let text = if reply == shouted {
            format!("{SO_FAR}{}", &shouted[shouted.find("pens to").unwrap()..])
        } else {
            ANSWER.to_owned()
        };
        assert_whole(&got, &text);
        let told = &closing(&got)["pilotlight"];
        assert_eq!(told["target"], "two");
        assert_eq!(told["attempts"][0]["outcome"], "stream_cut");
        assert_eq!(told["attempts"][1]["outcome"], "ok");
        assert_eq!(told["parts"][0]["target"], "one");
        assert_eq!(told["parts"][0]["characters"], SO_FAR.len());
        assert_eq!(told["parts"][1]["target"], "two");
        assert_eq!(
            told["parts"][1]["characters"],
            text.chars().count() - SO_FAR.len()
        );
        assert_eq!(world.log()[0]["outcome"], "answered");
    }
}

#[test]
fn the_next_target_is_given_the_answer_so_far_and_asked_for_the_rest() {
    let world = World::new(&config());
    world
        .script("one", [broken(SO_FAR)])
        .script("two", [whole(ANSWER)]);
    let body = set(question(), "/max_tokens", json!(100));
    world.chat(&body);
    let sent = &world.seen("two")[0].body;
    assert_eq!(sent["messages"][0], body["messages"][0]);
    assert_eq!(sent["messages"][1]["role"], "assistant");
    assert_eq!(sent["messages"][1]["content"], SO_FAR);
    assert_eq!(sent["messages"][2]["role"], "user");
    let instruction = sent["messages"][2]["content"].as_str().unwrap();
    assert!(instruction.ends_with("whatever hap"), "{instruction}");
    let left = sent["max_tokens"]
        .as_u64()
        .or(sent["max_completion_tokens"].as_u64());
    assert!(left.is_some_and(|left| left < 100 && left > 50), "{sent}");
}

#[test]
fn a_model_that_takes_a_prefill_is_not_instructed() {
    let config = set(config(), "/targets/two/prefill", json!(true));
    let world = World::new(&config);
    world
        .script("one", [broken(SO_FAR)])
        .script("two", [whole(&ANSWER[SO_FAR.len()..])]);
    let got = world.chat(&question());
    assert_whole(&got, ANSWER);
    let sent = &world.seen("two")[0].body;
    assert_eq!(sent["messages"].as_array().unwrap().len(), 2);
    assert_eq!(sent["messages"][1]["content"], SO_FAR);
    assert_eq!(sent["continue_final_message"], true);
}

#[test]
fn who_starts_over_and_says_something_else_is_asked_once_more_then_the_next_then_the_caller_is_told()
 {
    let other = "The pilot light is a small flame that someone forgot to light this morning.";
    let world = World::new(&config());
    world
        .script("one", [broken(SO_FAR)])
        .script("two", [whole(other)])
        .script("three", [whole(ANSWER)]);
    let got = world.chat(&question());
    assert_whole(&got, ANSWER);
    assert_eq!(world.seen("two").len(), 2);

    let world = World::new(&config());
    world
        .script("one", [broken(SO_FAR), error(500, "")])
        .script("two", [whole(other)])
        .script("three", [whole(other)]);
    let got = world.chat(&question());
    assert_eq!(got.text(), SO_FAR);
    assert_lawful(&got);
    let error = last_error(&got);
    let outcomes: Vec<&str> = error["pilotlight"]["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(
        outcomes,
        [
            "stream_cut",
            "no_splice",
            "no_splice",
            "no_splice",
            "no_splice",
            "overloaded",
            "overloaded"
        ]
    );
    assert_eq!(world.log()[0]["outcome"], "broke");
}

#[test]
fn answers_may_break_again_and_again() {
    let second = &ANSWER[SO_FAR.len() - 30..ANSWER.len() - 40];
    let world = World::new(&config());
    world
        .script("one", [broken(SO_FAR)])
        .script("two", [broken(second)])
        .script("three", [whole(ANSWER)]);
    let got = world.chat(&question());
    assert_whole(&got, ANSWER);
    assert_eq!(
        closing(&got)["pilotlight"]["parts"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn a_target_that_is_alone_is_asked_again_and_once_only() {
    let body = set(question(), "/model", json!("alone"));
    let world = World::new(&config());
    world.script("one", [broken(SO_FAR), whole(ANSWER)]);
    assert_whole(&world.chat(&body), ANSWER);

    let world = World::new(&config());
    world.script("one", [broken(SO_FAR)]);
    let got = world.chat(&body);
    assert_eq!(got.text(), SO_FAR);
    assert_eq!(last_error(&got)["code"], "stream_cut");
    assert_eq!(world.seen("one").len(), 2);
}

#[test]
fn usage_is_the_sum_of_what_was_used_and_an_estimate_is_called_one() {
    let mut body = question();
    body["stream_options"] = json!({"include_usage": true});
    let world = World::new(&config());
    world
        .script("one", [broken(SO_FAR)])
        .script("two", [whole(ANSWER)]);
    let got = world.chat(&body);
    let last = closing(&got);
    assert!(
        last["usage"]["completion_tokens"].as_u64().unwrap() > 2 + 8,
        "{last}"
    );
    assert!(
        last["usage"]["prompt_tokens"].as_u64().unwrap() > 5,
        "{last}"
    );
    assert_eq!(last["pilotlight"]["usage_estimated"], true);
}

#[test]
fn held_answers_say_nothing_until_they_are_whole() {
    let mut head = chat_head();
    head.mode = Some("hold".to_owned());
    let world = World::new(&config());
    world
        .script("one", [broken(SO_FAR)])
        .script("two", [whole("Another one altogether.")]);
    let got = world.ask(&head, &question().to_string());
    assert_whole(&got, "Another one altogether.");
    assert_eq!(got.header("x-pilotlight-target"), "two");
    assert_eq!(got.header("x-pilotlight-attempts"), "one:stream_cut,two:ok");
    let sent = &world.seen("two")[0].body;
    assert_eq!(sent["messages"], question()["messages"]);
    assert!(closing(&got)["pilotlight"].get("parts").is_none());
}

#[test]
fn the_mode_is_the_requests_then_the_routes_then_the_configs() {
    let broke = |config: &Value, mode: Option<&str>| {
        let world = World::new(config);
        world
            .script("one", [broken(SO_FAR)])
            .script("two", [whole(ANSWER)]);
        let mut head = chat_head();
        head.mode = mode.map(str::to_owned);
        world.ask(&head, &question().to_string());
        world.log()[0]["outcome"] == "broke"
    };
    let everywhere = set(config(), "/mode", json!("error"));
    let route = json!({"targets": ["one", "two"], "mode": "takeover"});
    let here = set(everywhere.clone(), "/routes/auto", route);
    assert!(!broke(&config(), None));
    assert!(broke(&everywhere, None));
    assert!(!broke(&here, None));
    assert!(broke(&here, Some("error")));
    assert!(!broke(&everywhere, Some(" takeover ")));
}

#[test]
fn a_mode_that_is_none_says_what_would_be_one() {
    let mut head = chat_head();
    head.mode = Some("resume".to_owned());
    let got = World::new(&config()).ask(&head, &question().to_string());
    assert_eq!(got.status, 400);
    assert_eq!(got.json()["error"]["param"], "x-pilotlight-mode");
    let message = got.json()["error"]["message"].to_string();
    assert!(
        message.contains("'takeover', 'hold' or 'error'"),
        "{message}"
    );
}

#[test]
fn several_choices_cannot_be_gone_on_with() {
    let world = World::new(&config());
    world
        .script("one", [broken(SO_FAR)])
        .script("two", [whole(ANSWER)]);
    let got = world.chat(&set(question(), "/n", json!(2)));
    assert_eq!(got.text(), SO_FAR);
    assert_eq!(last_error(&got)["code"], "stream_cut");
    assert!(world.seen("two").is_empty());
}

fn call_piece(index: u32, id: &str, name: &str, arguments: &str) -> Piece {
    let mut call = json!({"index": index, "function": {"arguments": arguments}});
    if !id.is_empty() {
        call["id"] = json!(id);
        call["type"] = json!("function");
        call["function"]["name"] = json!(name);
    }
    piece(
        &json!({"id": "c", "object": "chat.completion.chunk", "created": 7, "model": "up",
            "choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": null}]})
        .to_string(),
    )
}

fn called() -> Vec<Piece> {
    vec![
        piece(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#),
        piece("[DONE]"),
    ]
}

/// The tool calls as an SDK puts them together.
fn calls(got: &Got) -> Vec<(String, String)> {
    let mut calls: Vec<(String, String)> = Vec::new();
    for data in got.events() {
        let Ok(chunk) = serde_json::from_str::<Value>(data) else {
            continue;
        };
        for call in chunk["choices"][0]["delta"]["tool_calls"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let at = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            if calls.len() == at {
                calls.push((
                    call["function"]["name"].as_str().unwrap().to_owned(),
                    String::new(),
                ));
            }
            calls[at].1 += call["function"]["arguments"].as_str().unwrap();
        }
    }
    calls
}

#[test]
fn a_break_in_a_tool_call_starts_that_call_again_at_the_next_target() {
    let oslo = || {
        vec![
            call_piece(0, "a", "weather", "{\"city\":"),
            call_piece(0, "", "", "\"Oslo\"}"),
        ]
    };
    let bern = || {
        vec![
            call_piece(1, "b", "weather", "{ \"city\""),
            call_piece(1, "", "", ": \"Bern\"}"),
        ]
    };
    let cut = vec![Piece::Reset];
    let both = [oslo(), bern(), called()].concat();
    let in_the_first = [oslo()[..1].to_vec(), cut.clone()].concat();
    let in_the_second = [oslo(), bern()[..1].to_vec(), cut].concat();
    let after_words = [vec![text_piece("I shall look. ")], in_the_second.clone()].concat();
    let with_words = [vec![text_piece("I shall look. ")], both.clone()].concat();
    for (first, second) in [
        (in_the_first, both.clone()),
        (in_the_second, both.clone()),
        (after_words.clone(), both),
        (after_words, with_words),
    ] {
        let world = World::new(&config());
        world
            .script("one", [Step::Stream(first.clone())])
            .script("two", [Step::Stream(second)]);
        let got = world.chat(&question());
        let calls = calls(&got);
        let cities: Vec<Value> = calls
            .iter()
            .map(|(_, arguments)| serde_json::from_str(arguments).unwrap())
            .collect();
        assert_eq!(
            cities,
            [json!({"city": "Oslo"}), json!({"city": "Bern"})],
            "{first:?}: {}",
            got.body
        );
        assert!(
            got.text().is_empty() || got.text() == "I shall look. ",
            "{}",
            got.body
        );
        assert_eq!(got.events().last(), Some(&"[DONE]"), "{}", got.body);
        assert!(got.body.contains(r#""finish_reason":"tool_calls""#));
    }
}

#[test]
fn another_call_in_the_place_of_one_that_is_out_is_no_answer() {
    let first = vec![
        call_piece(0, "a", "weather", "{\"city\":\"Oslo\"}"),
        call_piece(1, "b", "weather", "{\"ci"),
        Piece::Reset,
    ];
    let other = [
        vec![call_piece(0, "x", "weather", "{\"city\":\"Rome\"}")],
        called(),
    ]
    .concat();
    let world = World::new(&config());
    world
        .script("one", [Step::Stream(first), error(500, "")])
        .script("two", [Step::Stream(other.clone())])
        .script("three", [Step::Stream(other)]);
    let got = world.chat(&question());
    assert_eq!(calls(&got).len(), 1);
    last_error(&got);
}

#[test]
fn calls_that_go_out_in_pieces_break_in_an_error() {
    let config = set(config(), "/defaults", json!({"tool_calls": "streamed"}));
    let world = World::new(&config);
    world
        .script(
            "one",
            [Step::Stream(vec![
                call_piece(0, "a", "weather", "{\"ci"),
                Piece::Reset,
            ])],
        )
        .script("two", [whole(ANSWER)]);
    let got = world.chat(&question());
    assert_eq!(calls(&got)[0].1, "{\"ci");
    assert_eq!(last_error(&got)["code"], "stream_cut");
}

#[test]
fn an_answer_that_is_not_streamed_is_watched_inside_and_gone_on_with() {
    let config = set(config(), "/defaults", json!({"stream_inside": true}));
    let body = set(question(), "/stream", json!(false));
    let world = World::new(&config);
    world
        .script("one", [broken(SO_FAR)])
        .script("two", [whole(ANSWER)]);
    let got = world.chat(&body);
    let answer = got.json();
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["choices"][0]["message"]["content"], ANSWER);
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(answer["pilotlight"]["parts"][0]["target"], "one");
    assert!(answer["usage"]["completion_tokens"].as_u64().unwrap() > 2);
    assert_eq!(got.body.matches("\"pilotlight\"").count(), 1);
    assert_eq!(got.header("x-pilotlight-attempts"), "one:stream_cut,two:ok");
    assert_eq!(world.seen("one")[0].body["stream"], true);

    // In the other modes the next target begins anew: nobody has heard the first.
    for mode in ["hold", "error"] {
        let world = World::new(&config);
        world
            .script("one", [broken(SO_FAR)])
            .script("two", [whole("Another.")]);
        let mut head = chat_head();
        head.mode = Some(mode.to_owned());
        let answer = world.ask(&head, &body.to_string()).json();
        assert_eq!(answer["choices"][0]["message"]["content"], "Another.");
        assert!(answer["pilotlight"].get("parts").is_none());
    }
}

#[test]
fn a_caller_of_a_stream_who_waits_hears_comments_and_then_the_answer_or_the_error() {
    let config = set(config(), "/heartbeat", json!("5s"));
    let silent = Step::Stream(vec![Piece::Wait(40_000)]);
    let world = World::new(&config);
    world
        .script("one", [silent.clone()])
        .script("two", [whole(ANSWER)]);
    let got = world.chat(&question());
    assert_eq!(got.ms, 5_000);
    assert!(
        got.body.starts_with(": waiting\n\n: waiting\n\n"),
        "{}",
        got.body
    );
    assert_whole(&got, ANSWER);
    assert_eq!(closing(&got)["pilotlight"]["target"], "two");

    let world = World::new(&config);
    for target in ["one", "two", "three"] {
        world.script(target, [silent.clone()]);
    }
    let got = world.chat(&question());
    assert_eq!(got.status, 200);
    assert_eq!(last_error(&got)["code"], "all_targets_timed_out");
    assert_eq!(world.log()[0]["outcome"], "failed");
}

#[test]
fn a_stream_that_pauses_is_kept_alive_too() {
    let config = set(config(), "/heartbeat", json!("5s"));
    let mut pieces = streamed(&["one ", "two"]);
    pieces.insert(2, Piece::Wait(12_000));
    let world = World::new(&config);
    world.script("one", [Step::Stream(pieces)]);
    let got = world.chat(&question());
    assert_eq!(got.body.matches(": waiting").count(), 2, "{}", got.body);
    assert_whole(&got, "one two");
}

#[test]
fn a_late_target_is_hedged_and_the_first_to_speak_answers() {
    let config = set(config(), "/targets/one/hedge_after", json!("2s"));
    let late = || [vec![Piece::Wait(9_000)], streamed(&["late"])].concat();
    let world = World::new(&config);
    world
        .script("one", [Step::Stream(late())])
        .script("two", [whole("soon")]);
    let got = world.chat(&question());
    assert_whole(&got, "soon");
    assert_eq!(got.ms, 2_000);
    assert_eq!(got.header("x-pilotlight-attempts"), "one:outpaced,two:ok");

    // The hedge fails, or is later still: the first one answers.
    for hedge in [error(500, ""), Step::Stream(vec![Piece::Wait(20_000)])] {
        let world = World::new(&config);
        world
            .script("one", [Step::Stream(late())])
            .script("two", [hedge]);
        let got = world.chat(&question());
        assert_whole(&got, "late");
        assert_eq!(got.header("x-pilotlight-target"), "one");
    }

    // In time, nobody else is asked.
    let world = World::new(&config);
    world.script("one", [whole("in time")]);
    assert_whole(&world.chat(&question()), "in time");
    assert!(world.seen("two").is_empty());
}

#[test]
fn a_box_that_is_loading_its_model_is_waited_for() {
    let config = json!({
        "targets": {
            "box": {"provider": "ollama", "base_url": "http://127.0.0.1:11434", "model": "m",
                "home": true, "headers_timeout": "10s", "load_timeout": "2m"},
            "cloud": {"provider": "openai", "base_url": "https://a.test/v1", "model": "c"}
        },
        "routes": {"auto": ["box", "cloud"]},
        "heartbeat": "30s"
    });
    let answer = r#"{"model":"m","message":{"role":"assistant","content":"Here."},"done":true,"done_reason":"stop","prompt_eval_count":4,"eval_count":2}"#;
    let after = |after| Step::Reply {
        after,
        status: 200,
        headers: ReplyHeaders::default(),
        body: format!("{answer}\n"),
    };
    let asked = |loaded: &str, step: Step| {
        let world = World::new(&config);
        world.lies("box", loaded);
        world
            .script("box", [step])
            .script("cloud", [ok("From afar.")]);
        let got = world.chat(&question());
        (got, world.log()[0]["attempts"][0]["outcome"].clone())
    };
    let (got, _) = asked(r#"{"models":[]}"#, after(90_000));
    assert_eq!(got.text(), "Here.");
    assert_eq!(got.body.matches(": waiting").count(), 2, "{}", got.body);

    let (got, outcome) = asked(r#"{"models":[]}"#, after(150_000));
    assert_eq!(got.text(), "From afar.");
    assert_eq!(outcome, "model_loading");

    let (got, outcome) = asked(r#"{"models":[{"name":"m:latest"}]}"#, after(90_000));
    assert_eq!(got.text(), "From afar.");
    assert_eq!(outcome, "headers_timeout");
}

#[test]
fn a_line_that_cannot_be_read_is_passed_over_when_sound_ones_follow() {
    let mut pieces = streamed(&["one ", "two"]);
    pieces.insert(2, piece("{\"choices\":[{\"del"));
    let world = World::new(&config());
    world.script("one", [Step::Stream(pieces)]);
    assert_whole(&world.chat(&question()), "one two");
}

#[test]
fn a_stream_that_nothing_is_done_with_passes_untouched() {
    let config = set(config(), "/defaults", json!({"watch": false}));
    let odd =
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\r\n\r\n: odd\n\ndata: [DONE]\n\n";
    let mut head = chat_head();
    head.mode = Some("error".to_owned());
    let world = World::new(&config);
    world.script("one", [Step::Stream(vec![Piece::Bytes(odd.to_owned())])]);
    let got = world.ask(&head, &question().to_string());
    assert_eq!(got.body, odd);
    assert_eq!(got.header("x-pilotlight-target"), "one");
    assert!(world.seen("one")[0].body.get("stream_options").is_none());

    // A break is still told.
    let world = World::new(&config);
    world.script("one", [broken("Half")]);
    let got = world.ask(&head, &question().to_string());
    assert_eq!(last_error(&got)["code"], "stream_cut");
}

#[test]
fn a_provider_that_is_down_costs_a_probe_and_not_every_request_and_is_soon_used_again() {
    const MINUTE: u64 = 60_000;

    let world = World::new(&config());
    world.script("two", [ok("two")]);
    // An hour, a request every two seconds; "one" is down in every other minute.
    let (mut asked_while_down, mut missed_while_up) = (0, 0);
    while world.elapsed() < 60 * MINUTE {
        let began = world.elapsed();
        let is_down = (began / MINUTE) % 2 == 1;
        world.script("one", [if is_down { error(503, "") } else { ok("one") }]);
        let before = world.seen("one").len();
        let got = world.chat(&question());
        assert_eq!(got.status, 200);
        if is_down {
            asked_while_down += usize::from(world.seen("one").len() > before);
        } else {
            missed_while_up += usize::from(got.text() == "two");
        }
        world.advance(2_000_u64.saturating_sub(world.elapsed() - began));
    }
    // In each of thirty minutes: the requests that open the breaker, then a probe for each cool-down.
    assert!(
        asked_while_down <= 30 * 8,
        "{asked_while_down} were held up"
    );
    assert!(
        missed_while_up <= 30 * 13,
        "{missed_while_up} went elsewhere"
    );
}
