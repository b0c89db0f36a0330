//! Streams: commit, relay, and every way to break.

use serde_json::{Value, json};

use crate::world::{Piece, Step, World, error, piece, streamed, text_piece};

fn config() -> Value {
    json!({
        "targets": {
            "one": {"provider": "openai", "base_url": "https://a.test/v1", "model": "m"},
            "two": {"provider": "openai", "base_url": "https://b.test/v1", "model": "n"}
        },
        "routes": {"auto": ["one", "two"]},
        "mode": "error",
        "heartbeat": "10m"
    })
}

fn question() -> Value {
    json!({"model": "auto", "stream": true, "messages": [{"role": "user", "content": "hi"}]})
}

fn played(one: Vec<Piece>) -> (World, crate::world::Got) {
    let world = World::new(&config());
    world
        .script("one", [Step::Stream(one)])
        .script("two", [Step::Stream(streamed(&["from ", "two"]))]);
    let got = world.chat(&question());
    (world, got)
}

#[test]
fn a_whole_stream_reaches_the_caller_and_says_who_answered_at_its_end() {
    let (world, got) = played(streamed(&["Hel", "lo"]));
    assert_eq!(got.text(), "Hello");
    assert_eq!(
        got.header("content-type"),
        "text/event-stream; charset=utf-8"
    );
    assert_eq!(got.header("x-pilotlight-attempts"), "one:ok");
    let events = got.events();
    assert_eq!(*events.last().unwrap(), "[DONE]");
    let last: Value = serde_json::from_str(events[events.len() - 2]).unwrap();
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!(last["pilotlight"]["target"], "one");
    assert!(
        !got.body.contains("prompt_tokens"),
        "usage was not asked for"
    );
    assert_eq!(world.log()[0]["tokens_out"], 2);
    assert_eq!(
        world.seen("one")[0].body["stream_options"]["include_usage"],
        true
    );
}

#[test]
fn usage_comes_in_a_chunk_of_its_own_when_it_is_asked_for() {
    let world = World::new(&config());
    world.script("one", [Step::Stream(streamed(&["x"]))]);
    let mut body = question();
    body["stream_options"] = json!({"include_usage": true});
    let got = world.chat(&body);
    let events = got.events();
    let usage: Value = serde_json::from_str(events[events.len() - 2]).unwrap();
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["prompt_tokens"], 5);
    assert_eq!(usage["pilotlight"]["target"], "one");
}

#[test]
fn until_the_first_content_every_failure_goes_on_to_the_next_target() {
    let role = || piece(r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#);
    let cases: Vec<(Vec<Piece>, &str)> = vec![
        (vec![], "empty"),
        (vec![role()], "stream_cut"),
        (vec![role(), Piece::Reset], "unreachable"),
        (
            vec![role(), Piece::Wait(40_000), text_piece("late")],
            "first_token_timeout",
        ),
        (
            vec![
                Piece::Wait(20_000),
                Piece::Bytes(": ping\n\n".to_owned()),
                Piece::Wait(20_000),
            ],
            "first_token_timeout",
        ),
        (
            vec![
                role(),
                piece("{\"error\":{\"message\":\"x\",\"type\":\"server_error\"}}"),
            ],
            "overloaded",
        ),
        (vec![piece("not json")], "not_an_api"),
        (vec![Piece::Bytes("<html></html>".to_owned())], "not_an_api"),
        (vec![role(), piece("[DONE]")], "stream_cut"),
        (
            vec![
                role(),
                piece(r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#),
                piece("[DONE]"),
            ],
            "empty",
        ),
        (
            vec![
                role(),
                piece(r#"{"choices":[{"delta":{},"finish_reason":"error"}]}"#),
            ],
            "in_stream_error",
        ),
    ];
    for (pieces, reason) in cases {
        let (_, got) = played(pieces.clone());
        assert_eq!(got.text(), "from two", "{pieces:?}");
        let attempts = got.header("x-pilotlight-attempts");
        assert!(
            attempts.starts_with(&format!("one:{reason}")),
            "{pieces:?}: {attempts}"
        );
        assert!(attempts.ends_with("two:ok"), "{attempts}");
        assert_eq!(
            got.body.matches("\"role\"").count(),
            1,
            "nothing is doubled: {}",
            got.body
        );
    }
}

#[test]
fn after_the_first_content_a_break_ends_in_an_error_event_and_never_in_an_end() {
    let begun = |rest: Vec<Piece>| [vec![text_piece("Once upon")], rest].concat();
    let cases: Vec<(Vec<Piece>, &str)> = vec![
        (begun(vec![]), "stream_cut"),
        (begun(vec![Piece::Reset]), "stream_cut"),
        (begun(vec![Piece::Wait(120_000)]), "stalled"),
        (
            begun(
                (0..40)
                    .flat_map(|_| [Piece::Wait(1_000), Piece::Bytes(": ping\n\n".to_owned())])
                    .collect(),
            ),
            "stalled",
        ),
        (
            begun(vec![piece("{\"error\":{\"code\":502,\"message\":\"up\"}}")]),
            "overloaded",
        ),
        (begun(vec![piece("[DONE]")]), "stream_cut"),
        (
            begun(vec![Piece::Bytes("data: {\"choi".to_owned())]),
            "stream_cut",
        ),
        (
            begun(vec![piece("{\"message\":\"oops\"}")]),
            "in_stream_error",
        ),
        (
            begun(vec![
                piece(r#"{"choices":[{"index":0,"delta":{},"finish_reason":""}]}"#),
                piece("[DONE]"),
            ]),
            "stream_cut",
        ),
    ];
    for (pieces, reason) in cases {
        let (world, got) = played(pieces.clone());
        assert_eq!(got.text(), "Once upon", "{pieces:?}");
        let events = got.events();
        let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
        assert_eq!(last["error"]["code"], reason, "{pieces:?}");
        assert_eq!(
            last["error"]["pilotlight"]["attempts"][0]["outcome"],
            reason
        );
        assert!(!got.body.contains("[DONE]"), "{}", got.body);
        assert!(!got.body.contains("finish_reason\":\"stop"), "{}", got.body);
        assert_eq!(world.log()[0]["outcome"], "broke");
        assert!(world.seen("two").is_empty());
    }
}

#[test]
fn an_answer_of_two_choices_is_whole_only_when_both_have_ended() {
    let stop = |index: u32| {
        piece(&format!(
            r#"{{"choices":[{{"index":{index},"delta":{{}},"finish_reason":"stop"}}]}}"#
        ))
    };
    for (ends, outcome) in [([0, 1], "answered"), ([0, 0], "broke")] {
        let world = World::new(&config());
        let pieces = [&[text_piece("x")], &ends.map(stop)[..], &[piece("[DONE]")]].concat();
        world.script("one", [Step::Stream(pieces)]);
        let mut body = question();
        body["n"] = json!(2);
        let got = world.chat(&body);
        assert_eq!(world.log()[0]["outcome"], outcome, "{}", got.body);
        assert_eq!(got.body.contains("[DONE]"), outcome == "answered");
    }
}

#[test]
fn chunks_with_nothing_in_them_are_not_held_for_ever() {
    let role = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#;
    let nothing = (0..20_000).map(|_| piece(role)).collect();
    let (_, got) = played(nothing);
    assert_eq!(got.text(), "from two");
    assert_eq!(got.header("x-pilotlight-attempts"), "one:not_an_api,two:ok");
}

#[test]
fn a_finished_answer_without_its_marker_is_whole() {
    let mut pieces = streamed(&["all"]);
    pieces.truncate(3);
    for end in [vec![], vec![Piece::Reset], vec![Piece::Wait(120_000)]] {
        let (_, got) = played([pieces.clone(), end].concat());
        assert_eq!(*got.events().last().unwrap(), "[DONE]");
        assert_eq!(got.text(), "all");
    }
}

#[test]
fn a_caller_that_leaves_is_logged_and_held_against_nobody() {
    let world = World::new(&config());
    world.script("one", [Step::Stream(streamed(&["a", "b", "c", "d"]))]);
    world.caller_leaves_after(2);
    world.chat(&question());
    assert_eq!(world.log()[0]["outcome"], "caller_left");
}

#[test]
fn an_error_status_on_a_streamed_request_is_judged_like_any_other() {
    let world = World::new(&config());
    world
        .script("one", [error(503, "")])
        .script("two", [Step::Stream(streamed(&["two"]))]);
    let got = world.chat(&question());
    assert_eq!(got.text(), "two");
    assert_eq!(
        got.header("x-pilotlight-attempts"),
        "one:503,one:503,two:ok"
    );
}

#[test]
fn a_stream_that_breaks_again_and_again_opens_the_breaker() {
    let world = World::new(&config());
    world
        .script("one", [Step::Stream(vec![text_piece("x"), Piece::Reset])])
        .script("two", [Step::Stream(streamed(&["two"]))]);
    for _ in 0..6 {
        world.chat(&question());
    }
    assert_eq!(world.seen("one").len(), 5);
    assert_eq!(world.seen("two").len(), 1);
}
