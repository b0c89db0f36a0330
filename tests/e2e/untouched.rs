//! A stream that is not watched: the runtime passes it on byte for byte, as it comes.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::caller::Request;
use crate::gateway::{Gateway, Setup, asking, chain, cloud, with};
use crate::upstream::{Gate, Reply, Upstream};
use crate::wire;

fn unwatched(upstream: &Upstream) -> Gateway {
    let target = with(cloud(upstream), json!({ "watch": false }));
    let mut config = chain(&[("cloud", target)]);
    config["mode"] = "error".into();
    Setup::new(config).start()
}

fn begin() -> Reply {
    Reply::chunked(200, &[("content-type", "text/event-stream")])
}

/// Events as few write them, and much that is none.
const ODD: [&str; 7] = [
    ": hello\r\n\r\nevent: message\r\nid: 7\r\ndata:{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"One\"}}]}\r\n\r\n",
    ": OPENROUTER PROCESSING\n\n",
    "data: {\"choices\":[{\"index\":0,\r\ndata:  \"delta\":{\"content\":\" two\"}}]}\n\n\n\n",
    "data: {\"cho",
    "ices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"x_own\":\"\\u00fc ü\"}\n",
    "\nretry: 10\n\n",
    "data: [DONE]\n\n: bye\n\n",
];

#[test]
fn the_bytes_arrive_as_the_upstream_sent_them_and_when_it_sent_them() {
    let gates: Vec<Gate> = ODD.iter().map(|_| Gate::default()).collect();
    let reply = ODD
        .iter()
        .zip(&gates)
        .fold(begin(), |reply, (text, gate)| reply.chunk(text).after(gate));
    let upstream = Upstream::playing([reply.end()]);
    let gateway = unwatched(&upstream);

    let mut answer = gateway.stream(&asking("Hi"));

    assert_eq!(answer.head.header("x-pilotlight-target"), Some("cloud"));
    for (text, gate) in ODD.iter().zip(&gates) {
        assert_eq!(answer.raw(text.len()), *text);
        gate.open();
    }
    assert_eq!(answer.whole().body, "");
    let line: Value = serde_json::from_str(&gateway.log_lines(1)[0]).unwrap();
    assert_eq!(line["outcome"], "answered", "{line}");
    assert!(upstream.only().json().get("stream_options").is_none());
}

#[test]
fn a_break_is_told_as_an_event_of_its_own() {
    let rows = [
        ("after an event", wire::said(&["Half"])),
        (
            "inside an event",
            wire::said(&["Half"]).chunk("data: {\"choi"),
        ),
        (
            "after a line",
            wire::said(&["Half"]).chunk("data: {\"choices\":[]}\n"),
        ),
    ];
    for (name, reply) in rows {
        let gate = Gate::default();
        let upstream = Upstream::playing([reply.after(&gate).reset()]);
        let gateway = unwatched(&upstream);

        let mut answer = gateway.stream(&asking("Hi"));
        assert_eq!(answer.first_words(), "Half", "{name}");
        thread::sleep(Duration::from_millis(100));
        gate.open();
        let rest = answer.whole().body;

        let last = rest.trim_end().lines().last().unwrap_or_default();
        let told = last
            .strip_prefix("data: ")
            .map(serde_json::from_str::<Value>);
        let Some(Ok(told)) = told else {
            panic!("{name}: no error event of its own: {rest:?}");
        };
        assert_eq!(told["error"]["code"], "stream_cut", "{name}: {rest}");
        assert!(!rest.contains("[DONE]"), "{name}: {rest}");
        let line: Value = serde_json::from_str(&gateway.log_lines(1)[0]).unwrap();
        assert_eq!(line["outcome"], "broke", "{name}: {line}");
    }
}

#[test]
fn the_deadline_holds_though_nobody_watches() {
    let upstream = Upstream::playing([wire::said(&["Half"]).hold()]);
    let gateway = unwatched(&upstream);
    let question = with(asking("Hi"), json!({ "stream": true }));
    let request = Request::chat(&question).header("x-pilotlight-timeout", "1");

    let answer = gateway.send(&request).streamed();

    assert_eq!(answer.text(), "Half");
    assert_eq!(answer.error().unwrap()["code"], "deadline", "{answer:?}");
    upstream.wait_left(0);
}

#[test]
fn an_upstream_is_no_faster_than_its_caller_reads() {
    const CHUNKS: usize = 96;

    // More than all the sockets on the way hold.
    let word = wire::says(&"x".repeat(1 << 20));
    let all_taken = Gate::default();
    let flood = (0..CHUNKS).fold(wire::said(&["Much"]), |reply, _| reply.chunk(&word));
    let reply = flood.opening(&all_taken).and(wire::said_on(&["."]));
    let upstream = Upstream::playing([reply]);
    let gateway = unwatched(&upstream);

    let mut answer = gateway.stream(&asking("Hi"));
    assert_eq!(answer.first_words(), "Much");
    thread::sleep(Duration::from_millis(500));

    assert!(!all_taken.is_open(), "somebody holds what nobody has read");
    let body = answer.whole().body;
    assert!(all_taken.is_open());
    assert!(body.len() > CHUNKS << 20 && body.ends_with("data: [DONE]\n\n"));
}
