//! OpenAI's own SDKs as callers, unmodified: what they read, and what they raise.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::gateway::{Setup, cloud, with};
use crate::leash::Leash;
use crate::tools::{self, PYTHON};
use crate::upstream::{PATIENCE, Reply, Upstream};
use crate::wire;

#[test]
fn the_python_sdk_reads_answers_and_raises_errors() {
    let Some([python]) = tools::need("OpenAI's SDK for Python", [PYTHON]) else {
        return;
    };
    check(Command::new(python).arg(script("sdk.py")));
}

#[test]
fn the_node_sdk_reads_answers_and_raises_errors() {
    check(Command::new(tools::node()).arg(script("sdk.mjs")));
}

fn script(name: &str) -> String {
    let path = Path::new(tools::ROOT).join("tests/e2e").join(name);
    path.to_str().unwrap().to_owned()
}

/// An answer that breaks off, and all of it.
const BROKEN: [&str; 2] = [
    "The pilot light is a small flame ",
    "that never goes out, whatever hap",
];
const MENDED: [&str; 3] = [
    "The pilot light is a small flame that ",
    "never goes out, whatever happens ",
    "to the rest of the stove.",
];

/// One thing that can happen: a route of the same name, and the target or the two behind it.
struct Case {
    name: &'static str,
    mode: &'static str,
    /// The upstreams, and how often each is asked.
    upstreams: Vec<(Upstream, usize)>,
}

/// A case of one target that is asked once. An SDK asks again on its own unless it is told that this
/// is of no use.
fn once(name: &'static str, reply: Reply) -> Case {
    Case {
        name,
        mode: "error",
        upstreams: vec![(Upstream::playing([reply]), 1)],
    }
}

/// A case of a stream that breaks off and a target that is next.
fn broken(name: &'static str, mode: &'static str, first: Reply, next: Reply) -> Case {
    let upstreams = [first, next].map(|reply| (Upstream::playing([reply]), 1));
    Case {
        name,
        mode,
        upstreams: upstreams.into(),
    }
}

fn failures() -> Vec<Case> {
    let throttled = wire::api_with(
        429,
        &[("retry-after", "40")],
        &wire::openai_error("requests", "rate_limit_exceeded", "Slow down."),
    );
    let refused = wire::api(
        400,
        &json!({ "error": { "message": "Bad schema.", "type": "invalid_request_error", "param": "response_format", "code": null } }),
    );
    let barred = wire::openai_error(
        "invalid_request_error",
        "invalid_api_key",
        "Incorrect API key.",
    );
    vec![
        once("throttled", throttled),
        once("refused", refused),
        once("barred", wire::api(401, &barred)),
        once("silent", Reply::new().hold()),
        // By then the stream has begun, with comments.
        once("silent-stream", Reply::new().hold()),
        once("cut", wire::said(&["Hal"]).reset()),
    ]
}

fn answers() -> Vec<Case> {
    let a_beat = Duration::from_millis(1_300);
    let slow = Reply::new().pause(a_beat).and(wire::said(&["Hel"]));
    let first = wire::call(0, "weather", ["{\"city\":", "\"Oslo\"}"]).concat();
    let [head, tail] = wire::call(1, "tide", ["{\"harbour\":", "\"Moss\"}"]);
    let looking = wire::said(&["I look. "]).chunk(&first).chunk(&head);
    let contradicted = Case {
        name: "contradicted",
        mode: "takeover",
        upstreams: vec![
            (
                Upstream::playing([wire::said(&BROKEN).reset(), wire::api(500, &json!({}))]),
                2,
            ),
            (
                Upstream::playing([wire::stream(&[
                    "The pilot light is a small flame that went out.",
                ])]),
                2,
            ),
        ],
    };
    let another = wire::stream(&["Another one ", "altogether."]);
    vec![
        once("whole", wire::completion("Hello.")),
        once("streamed", wire::stream(&["Hel", "lo."])),
        once("slow", slow.pause(a_beat).and(wire::said_on(&["lo."]))),
        broken(
            "taken-over",
            "takeover",
            wire::said(&BROKEN).reset(),
            wire::stream(&MENDED),
        ),
        broken(
            "inside",
            "takeover",
            wire::said(&BROKEN).reset(),
            wire::stream(&MENDED),
        ),
        broken(
            "calling",
            "takeover",
            looking.clone().reset(),
            looking.chunk(&tail).and(wire::called()),
        ),
        // The SDK asks for it to be held, in a header.
        broken("held", "error", wire::said(&BROKEN).reset(), another),
        contradicted,
    ]
}

/// The table of a target, whose name is its case's, or is told to be the next.
fn target(case: &Case, at: usize) -> (String, Value) {
    let inside = case.name == "inside";
    let settings = json!({
        "attempts": 1,
        "headers_timeout": "2s",
        "attempt_timeout": "2s",
        "stream_inside": inside,
    });
    (
        target_name(case, at),
        with(cloud(&case.upstreams[at].0), settings),
    )
}

fn target_name(case: &Case, at: usize) -> String {
    case.name.to_owned() + if at == 0 { "" } else { "-next" }
}

/// Runs a script against a gateway with one route for each thing that can happen.
fn check(command: &mut Command) {
    let cases: Vec<Case> = answers().into_iter().chain(failures()).collect();
    let mut targets = serde_json::Map::new();
    let mut routes = serde_json::Map::new();
    for case in &cases {
        let upstreams = 0..case.upstreams.len();
        targets.extend(upstreams.clone().map(|at| target(case, at)));
        let order: Vec<String> = upstreams.map(|at| target_name(case, at)).collect();
        let route = json!({ "targets": order, "mode": case.mode });
        routes.insert(format!("{}-route", case.name), route);
    }
    let config = json!({
        "default_route": "whole-route",
        "heartbeat": "1s",
        "targets": targets,
        "routes": routes,
    });
    let gateway = Setup::new(config)
        .secret("PILOTLIGHT_KEYS", "sdk=pl-sdk-long-secret")
        .start();

    let url = format!("http://{}/v1", gateway.address());
    command.arg(url).arg("pl-sdk-long-secret");
    let ran = Leash::start(command).finish(PATIENCE * 2);

    let printed = ran.unwrap_or_else(|printed| panic!("the SDK is surprised:\n{printed}"));
    assert!(printed.ends_with("all well"), "{printed}");
    for case in &cases {
        for (at, (upstream, count)) in case.upstreams.iter().enumerate() {
            assert_eq!(upstream.count(), *count, "{}", target_name(case, at));
        }
    }
}
