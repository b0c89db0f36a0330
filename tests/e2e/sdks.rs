//! OpenAI's own SDKs as callers, unmodified: what they read, and what they raise.

use std::path::Path;
use std::process::Command;

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

/// Runs a script against a gateway with one route for each thing that can happen.
fn check(command: &mut Command) {
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
    let upstreams: [(&str, Upstream); 7] = [
        ("whole", Upstream::playing([wire::completion("Hello.")])),
        (
            "streamed",
            Upstream::playing([wire::stream(&["Hel", "lo."])]),
        ),
        ("throttled", Upstream::playing([throttled])),
        ("refused", Upstream::playing([refused])),
        ("barred", Upstream::playing([wire::api(401, &barred)])),
        ("silent", Upstream::playing([Reply::new().hold()])),
        ("cut", Upstream::playing([wire::said(&["Hal"]).reset()])),
    ];
    let settings = json!({ "attempts": 1, "headers_timeout": "2s", "attempt_timeout": "2s" });
    let tables = upstreams
        .iter()
        .map(|(name, upstream)| ((*name).to_owned(), with(cloud(upstream), settings.clone())));
    let routes = upstreams
        .iter()
        .map(|(name, _)| (format!("{name}-route"), json!([name])));
    let config = json!({
        "default_route": "whole-route",
        "mode": "error",
        "targets": tables.collect::<serde_json::Map<_, _>>(),
        "routes": routes.collect::<serde_json::Map<String, Value>>(),
    });
    let gateway = Setup::new(config)
        .secret("PILOTLIGHT_KEYS", "sdk=pl-sdk-long-secret")
        .start();

    let url = format!("http://{}/v1", gateway.address());
    command.arg(url).arg("pl-sdk-long-secret");
    let ran = Leash::start(command).finish(PATIENCE * 2);

    let printed = ran.unwrap_or_else(|printed| panic!("the SDK is surprised:\n{printed}"));
    assert!(printed.ends_with("all well"), "{printed}");
    // An SDK asks again on its own unless it is told that this is of no use.
    for (name, upstream) in &upstreams {
        assert_eq!(upstream.count(), 1, "{name}");
    }
}
