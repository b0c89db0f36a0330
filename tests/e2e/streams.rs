//! Streams: live, whole however the bytes fall, and told the truth about when they break.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::caller::{Request, Streamed};
use crate::gateway::{Setup, asking, chain, cloud, home, with};
use crate::http::Ended;
use crate::upstream::{Gate, Reply, Upstream};
use crate::wire;

/// A stream that broke after it had begun: the words so far, then the error, and no sign of an end.
fn assert_broken(name: &str, answer: &Streamed, text: &str) {
    assert_eq!(answer.status, 200, "{name}");
    assert_eq!(answer.text(), text, "{name}: the words so far are kept");
    let error = answer
        .error()
        .unwrap_or_else(|| panic!("{name}: no error event: {answer:?}"));
    assert!(
        !error["message"].as_str().unwrap_or_default().is_empty(),
        "{name}: {error}"
    );
    assert!(error["type"].is_string(), "{name}: {error}");
    assert!(!answer.done, "{name}: no [DONE] after an error");
    assert_eq!(answer.finish_reason(), None, "{name}: it did not finish");
    assert_eq!(
        answer.ended,
        Ended::InOrder,
        "{name}: the caller's connection is in order"
    );
}

#[test]
fn a_stream_that_breaks_ends_with_an_error_and_never_as_if_it_were_whole() {
    let inside = wire::event(&wire::openai_error(
        "server_error",
        "server_error",
        "Sorry, tell-tale.",
    ));
    let keep_alives = (0..40).fold(wire::said(&["Hal"]), |reply, _| {
        reply
            .pause(Duration::from_millis(100))
            .chunk(": keep-alive\n\n")
    });
    let rows: [(&str, Reply, &str); 8] = [
        ("reset", wire::said(&["Hal"]).reset(), "stream_cut"),
        ("cut by the framing", wire::said(&["Hal"]), "stream_cut"),
        (
            "ended in order, too early",
            wire::said(&["Hal"]).end(),
            "stream_cut",
        ),
        (
            "[DONE] without a finish reason",
            wire::said(&["Hal"]).chunk("data: [DONE]\n\n").end(),
            "stream_cut",
        ),
        ("silent", wire::said(&["Hal"]).hold(), "stalled"),
        ("alive, but silent", keep_alives.hold(), "stalled"),
        (
            "an error",
            wire::said(&["Hal"]).chunk(&inside).end(),
            "overloaded",
        ),
        (
            "garbage",
            wire::said(&["Hal"]).chunk("data: {\"choi\n\n").end(),
            "not_an_api",
        ),
    ];
    for (name, reply, reason) in rows {
        let upstream = Upstream::playing([reply]);
        let next = Upstream::playing([wire::stream(&["never"])]);
        let target = with(cloud(&upstream), json!({ "stall_timeout": "1s" }));
        let mut config = chain(&[("cloud", target), ("next", cloud(&next))]);
        config["mode"] = "error".into();
        let gateway = Setup::new(config).start();

        let answer = gateway.stream(&asking("Hi")).streamed();

        assert_broken(name, &answer, "Hal");
        let told = answer.error().unwrap().to_string();
        assert!(told.contains(reason), "{name}: {told}");
        assert!(!told.contains("tell-tale"), "{name}: {told}");
        assert_eq!((upstream.count(), next.count()), (1, 0), "{name}");
    }
}

#[test]
fn an_answer_of_ollamas_that_breaks_ends_with_an_error_too() {
    let error = wire::line(
        &json!({ "error": "an error was encountered while running the model: unexpected EOF" }),
    );
    let rows: [(&str, Reply, &str); 5] = [
        ("reset", wire::ollama_said(&["Hal"]).reset(), "stream_cut"),
        (
            "no done",
            wire::ollama_said(&["Hal"]).end(),
            "ended_without_done",
        ),
        (
            "an error line",
            wire::ollama_said(&["Hal"]).chunk(&error).end(),
            "engine_error",
        ),
        ("silent", wire::ollama_said(&["Hal"]).hold(), "stalled"),
        (
            "half a line",
            wire::ollama_said(&["Hal"])
                .chunk("{\"model\":\"home-mo")
                .end(),
            "ended_without_done",
        ),
    ];
    for (name, reply, reason) in rows {
        let upstream = Upstream::playing([reply]);
        let target = with(home(&upstream), json!({ "stall_timeout": "1s" }));
        let mut config = chain(&[("box", target)]);
        config["mode"] = "error".into();
        let gateway = Setup::new(config).start();

        let answer = gateway.stream(&asking("Hi")).streamed();

        assert_broken(name, &answer, "Hal");
        let told = answer.error().unwrap().to_string();
        assert!(told.contains(reason), "{name}: {told}");
        assert_eq!(upstream.count(), 1, "{name}");
    }
}

#[test]
fn words_arrive_while_the_upstream_still_speaks() {
    let gates = [Gate::default(), Gate::default()];
    let reply = wire::said(&["one"])
        .after(&gates[0])
        .chunk(&wire::says("two"))
        .after(&gates[1])
        .and(wire::finished());
    let upstream = Upstream::playing([reply]);
    let gateway = Setup::new(chain(&[("cloud", cloud(&upstream))])).start();

    let mut answer = gateway.stream(&asking("Hi"));

    assert_eq!(answer.first_words(), "one");
    gates[0].open();
    assert_eq!(answer.first_words(), "two");
    gates[1].open();
    let rest = answer.streamed();
    assert!(rest.done, "{rest:?}");
    assert_eq!(upstream.count(), 1);
}

#[test]
fn it_does_not_matter_where_the_bytes_are_cut() {
    let words = ["Grüße ", "🚦\n", "\"quoted\\\" ", "fin."];
    let spoken: String = words.concat();
    let openai = words.map(wire::says).concat();
    let ollama = words
        .map(|word| wire::line(&wire::ollama_word(word)))
        .concat();
    let check = |kind: &str, body: &str, target: fn(&Upstream) -> Value| {
        let drip = body.bytes().fold(
            Reply::chunked(200, &[("content-type", kind)]),
            |reply, byte| reply.bytes(&[b'1', b'\r', b'\n', byte, b'\r', b'\n']),
        );
        let upstream = Upstream::playing([drip.end()]);
        let gateway = Setup::new(chain(&[("it", target(&upstream))])).start();
        let answer = gateway.stream(&asking("Hi")).streamed();
        assert_eq!(answer.text(), spoken, "{kind}");
        assert!(answer.done, "{kind}: {answer:?}");
        assert_eq!(upstream.count(), 1);
    };
    let finish =
        wire::event(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }));
    let openai = format!("{openai}{finish}data: [DONE]\n\n");
    check("text/event-stream", &openai, cloud);
    check("text/event-stream", &openai.replace('\n', "\r\n"), cloud);
    // The last line needs no end.
    let ollama = format!("{ollama}{}", wire::ollama_done(""));
    check("application/x-ndjson", &ollama, home);
}

#[test]
fn ollamas_stream_becomes_openais() {
    let upstream = Upstream::playing([wire::ollama_stream(&["Hel", "lo."])]);
    let gateway = Setup::new(chain(&[("box", home(&upstream))])).start();
    let mut question = asking("Hi");
    question["stream_options"] = json!({ "include_usage": true });

    let answer = gateway.stream(&question).streamed();

    assert_eq!(answer.text(), "Hello.");
    assert_eq!(answer.chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(answer.finish_reason(), Some("stop"));
    assert!(answer.done && answer.ended == Ended::InOrder, "{answer:?}");
    let ids: Vec<&Value> = answer.chunks.iter().map(|chunk| &chunk["id"]).collect();
    assert!(
        ids[0].is_string() && ids.iter().all(|id| *id == ids[0]),
        "{ids:?}"
    );
    for chunk in &answer.chunks {
        assert_eq!(chunk["object"], "chat.completion.chunk", "{chunk}");
    }
    let usage = answer.usage().expect("usage was asked for");
    assert_eq!(usage["prompt_tokens"], wire::PROMPT_TOKENS);
    assert_eq!(usage["completion_tokens"], 2);
    assert_eq!(usage["total_tokens"], wire::PROMPT_TOKENS + 2);
    assert_eq!(upstream.only().json()["stream"], true);
}

#[test]
fn a_complete_answer_is_ended_at_once_however_its_connection_ends() {
    let finish = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
    let finished = wire::said(&["All."]).chunk(&wire::event(&finish));
    let done = finished.clone().chunk("data: [DONE]\n\n");
    let rows = [
        ("held after [DONE]", done.clone().hold()),
        ("reset after [DONE]", done.clone().reset()),
        ("more after [DONE]", done.chunk(&wire::says("Late.")).end()),
        ("no [DONE]", finished.end()),
    ];
    for (name, reply) in rows {
        let upstream = Upstream::playing([reply]);
        let gateway = Setup::new(chain(&[("cloud", cloud(&upstream))])).start();

        let answer = gateway.stream(&asking("Hi")).streamed();

        assert_eq!(answer.text(), "All.", "{name}");
        assert_eq!(answer.finish_reason(), Some("stop"), "{name}");
        assert!(
            answer.done && answer.error().is_none(),
            "{name}: {answer:?}"
        );
        assert_eq!(upstream.count(), 1, "{name}");
    }
}

#[test]
fn many_callers_at_once_each_hear_their_own_answer() {
    let words = |caller: usize| (0..20).map(move |word| format!("{caller}.{word} "));
    let names: Vec<String> = (0..20).map(|caller| format!("t{caller}")).collect();
    let upstreams: Vec<Upstream> = (0..names.len())
        .map(|caller| {
            let said = words(caller).fold(wire::said(&[]), |reply, word| {
                reply
                    .pause(Duration::from_millis(20))
                    .chunk(&wire::says(&word))
            });
            Upstream::playing([said.and(wire::finished())])
        })
        .collect();
    let tables = names.iter().zip(&upstreams);
    let targets: Vec<_> = tables
        .map(|(name, upstream)| (name.as_str(), cloud(upstream)))
        .collect();
    let gateway = Setup::new(chain(&targets)).start();
    thread::scope(|scope| {
        for (caller, name) in names.iter().enumerate() {
            let gateway = &gateway;
            scope.spawn(move || {
                let mut question = asking("Hi");
                question["model"] = name.as_str().into();
                let answer = gateway.stream(&question).streamed();
                assert_eq!(answer.text(), words(caller).collect::<String>());
                assert!(answer.done, "{answer:?}");
            });
        }
    });
    assert!(upstreams.iter().all(|upstream| upstream.count() == 1));
}

#[test]
fn a_caller_who_leaves_ends_the_call_upstream() {
    let drip = (0..600).fold(wire::said(&["Hal"]), |reply, _| {
        reply
            .pause(Duration::from_millis(50))
            .chunk(&wire::says("."))
    });
    for reply in [drip, wire::said(&["Hal"])] {
        let upstream = Upstream::playing([reply.hold()]);
        let gateway = Setup::new(chain(&[("cloud", cloud(&upstream))])).start();
        let mut answer = gateway.stream(&asking("Hi"));
        assert_eq!(answer.first_words(), "Hal");

        answer.leave();

        upstream.wait_left(0);
        assert_eq!(upstream.count(), 1, "leaving is no failure to be repaired");
        assert_eq!(gateway.log_lines(1).len(), 1, "it is logged all the same");
    }
}

#[test]
fn the_deadline_holds_inside_a_stream_too() {
    let drip = (0..100).fold(wire::said(&["Hal"]), |reply, _| {
        reply
            .pause(Duration::from_millis(100))
            .chunk(&wire::says("."))
    });
    let upstream = Upstream::playing([drip.hold()]);
    let gateway = Setup::new(chain(&[("cloud", cloud(&upstream))])).start();
    let mut question = asking("Hi");
    question["stream"] = true.into();
    let request = Request::chat(&question).header("x-pilotlight-timeout", "2");

    let answer = gateway.send(&request).streamed();

    assert!(answer.text().starts_with("Hal"), "{answer:?}");
    assert_broken("deadline", &answer, &answer.text());
    assert_eq!(upstream.count(), 1);
}

#[test]
fn tool_calls_are_streamed_whole_and_end_as_tool_calls() {
    let call = json!({
        "model": "home-model",
        "message": { "role": "assistant", "content": "", "tool_calls": [
            { "function": { "name": "weather", "arguments": { "city": "Oslo" } } },
        ] },
        "done": false,
    });
    let done = json!({ "message": { "role": "assistant", "content": "" }, "done": true, "done_reason": "stop" });
    let reply = Reply::chunked(200, &[("content-type", "application/x-ndjson")])
        .chunk(&wire::line(&call))
        .chunk(&wire::line(&done))
        .end();
    let upstream = Upstream::playing([reply]);
    let gateway = Setup::new(chain(&[("box", home(&upstream))])).start();

    let answer = gateway.stream(&asking("Weather?")).streamed();

    assert_eq!(answer.finish_reason(), Some("tool_calls"));
    let calls: Vec<&Value> = answer
        .chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].as_array())
        .flatten()
        .collect();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(calls[0]["index"], 0);
    assert!(calls[0]["id"].is_string(), "{calls:?}");
    assert_eq!(calls[0]["function"]["name"], "weather");
    let arguments: Value =
        serde_json::from_str(calls[0]["function"]["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments, json!({ "city": "Oslo" }));
    assert!(answer.done);
    assert_eq!(upstream.count(), 1);
}

#[test]
fn a_caller_who_leaves_before_the_first_word_is_noticed_at_once_wherever_the_gateway_waits() {
    let silent = Reply::new().hold();
    let begun = Reply::chunked(200, &[("content-type", "text/event-stream")]).hold();
    let throttled = wire::api(429, &json!({ "error": { "message": "Slow down." } }));
    for (reply, streamed) in [
        (silent.clone(), false),
        (silent, true),
        (begun, true),
        (throttled, false),
    ] {
        let upstream = Upstream::playing([reply]);
        let slow = json!({ "backoff_base": "1m", "backoff_max": "1m", "attempts": 9 });
        let gateway = Setup::new(chain(&[("cloud", with(cloud(&upstream), slow))])).start();
        let mut question = asking("Hi");
        question["stream"] = streamed.into();

        Request::chat(&question).send_and_leave(gateway.address(), || {
            upstream.wait_count(1);
            thread::sleep(Duration::from_millis(200));
        });

        let line: Value = serde_json::from_str(&gateway.log_lines(1)[0]).unwrap();
        assert_eq!(line["outcome"], "caller_left", "{line}");
        assert_eq!(line["status"], 499, "{line}");
        assert!(line["ms"].as_u64() < Some(5_000), "{line}");
        assert_eq!(upstream.count(), 1);
        // Nobody is the worse for it.
        assert_eq!(gateway.send(&Request::new("GET", "/healthz")).status(), 200);
    }
}
