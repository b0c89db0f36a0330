//! The page in a real browser. What is looked at is in `page.mjs`; this is the gateway that it uses.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::gateway::{Setup, chain, cloud, with};
use crate::leash::Leash;
use crate::tools::{self, CHROMIUM};
use crate::upstream::{PATIENCE, Upstream};
use crate::wire;

#[test]
fn the_page_streams_stops_and_tells_who_answered() {
    let Some([chromium]) = tools::need("the page in Chromium", [CHROMIUM]) else {
        return;
    };
    let failing = || wire::api(500, &json!({ "error": { "message": "No." } }));
    let words: Vec<String> = (0..100).map(|number| format!("word{number} ")).collect();
    let slow = words.iter().fold(wire::said(&["Slowly: "]), |reply, word| {
        reply
            .pause(Duration::from_millis(100))
            .chunk(&wire::says(word))
    });
    let quick = Upstream::playing([wire::stream(&["Hello ", "from ", "the ", "cloud."])]);
    let slow = Upstream::playing([slow.and(wire::finished())]);
    let broken = Upstream::playing([failing()]);
    let cut = Upstream::playing([wire::said(&["This is only ha"]).reset()]);
    // The breakers stay closed, however often the page is tried.
    let settings = json!({ "attempts": 1, "breaker_failures": 1000, "breaker_min_requests": 1000 });
    let table = |upstream: &Upstream| with(cloud(upstream), settings.clone());
    let mut config = chain(&[
        ("quick", table(&quick)),
        ("slow-cloud", table(&slow)),
        ("broken", table(&broken)),
        ("cut-cloud", table(&cut)),
    ]);
    config["mode"] = "error".into();
    config["routes"] = json!({
        "auto": ["quick"],
        "slow": ["slow-cloud"],
        "failover": ["broken", "quick"],
        "cut": ["cut-cloud"],
        "down": ["broken"],
    });
    let gateway = Setup::new(config).simulate();

    let mut command = Command::new(tools::node());
    command
        .arg(Path::new(tools::ROOT).join("tests/e2e/page.mjs"))
        .arg(format!("http://{}", gateway.address()))
        .env("PILOTLIGHT_CHROMIUM", chromium);
    let ran = Leash::start(&command).finish(PATIENCE * 10);

    let printed = ran.unwrap_or_else(|printed| panic!("the page fails:\n{printed}"));
    assert!(printed.contains("ok "), "{printed}");
    for (name, upstream) in [
        ("quick", &quick),
        ("slow", &slow),
        ("broken", &broken),
        ("cut", &cut),
    ] {
        assert!(upstream.count() > 0, "{name} was never asked");
    }
}
