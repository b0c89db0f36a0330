//! The two-in-the-morning drill, end to end: begun by the operator, met by an official SDK, reported, and
//! over by itself.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::admin::{operator, serving, until};
use crate::caller::Request;
use crate::gateway::{Gateway, asking, chain, cloud};
use crate::tools::{self, PYTHON};
use crate::upstream::Upstream;
use crate::wire;

/// Asks for two answers, a whole and a streamed one, each marked; prints what it got as JSON.
const CALLER: &str = r#"
import json, sys
from openai import OpenAI
base, drill = sys.argv[1:]
client = OpenAI(base_url=base, api_key="none", max_retries=0, default_headers={"x-pilotlight-drill": drill})
ask = dict(model="auto", messages=[{"role": "user", "content": "Hi"}])
whole = client.chat.completions.create(**ask)
stream = client.chat.completions.create(stream=True, **ask)
text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
print(json.dumps({"whole": whole.choices[0].message.content, "streamed": text, "drill": whole.pilotlight["drill"]}))
"#;

fn begun(gateway: &Gateway, drill: &Value) -> Value {
    let told = operator(gateway, "POST", "/admin/drill", &drill.to_string());
    assert_eq!(told.status, 200, "{}", told.body);
    told.json()
}

#[test]
fn an_official_sdk_is_answered_all_the_same_and_the_report_says_so() {
    let Some([python]) = tools::need("a drill with an official SDK", [PYTHON]) else {
        return;
    };
    let main = Upstream::answering(|seen| match seen.json()["stream"].as_bool() {
        Some(true) => wire::stream(&["Main."]),
        _ => wire::completion("Main."),
    });
    let spare = Upstream::answering(|seen| match seen.json()["stream"].as_bool() {
        Some(true) => wire::stream(&["Spare."]),
        _ => wire::completion("Spare."),
    });
    let gateway = serving(chain(&[("main", cloud(&main)), ("spare", cloud(&spare))]));
    let told = begun(
        &gateway,
        &json!({ "targets": ["main"], "fault": "503", "for": "10m" }),
    );
    let id = told["drill"]["id"].as_str().unwrap().to_owned();
    assert_eq!(told["going_on"], true);
    let base = format!("http://{}/v1", gateway.address());
    let ran = Command::new(python)
        .args(["-c", CALLER, &base, &id])
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let got: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(
        got,
        json!({ "whole": "Spare.", "streamed": "Spare.", "drill": id })
    );
    assert_eq!(main.count(), 0, "it fails inside the gateway");
    // Nobody else is touched.
    assert_eq!(gateway.chat(&asking("Hi")).text(), "Main.");

    let told = until(&gateway, "/admin/drill", |told| told["requests"] == 2);
    let outcome = &told["outcomes"][0];
    assert_eq!(outcome["answered_by"], "spare", "{told:#}");
    assert_eq!(outcome["requests"], 2);
    assert_eq!(outcome["status"], 200);
    let ledger = until(&gateway, "/admin/ledger?by=target", |told| {
        told["total"]["requests"] == 3
    });
    assert_eq!(ledger["total"]["drilled"], 2);
    let main = ledger["targets"].as_array().unwrap();
    let main = main.iter().find(|it| it["target"] == "main").unwrap();
    assert_eq!(
        main["reasons"],
        json!({ "drill:overloaded": 4 }),
        "{main:#}"
    );
}

#[test]
fn a_drill_for_all_is_heard_of_ends_by_itself_and_can_be_ended() {
    let main = Upstream::playing([wire::completion("Main.")]);
    let spare = Upstream::playing([wire::completion("Spare.")]);
    let gateway = serving(chain(&[("main", cloud(&main)), ("spare", cloud(&spare))]));
    let drill = json!({ "targets": ["main"], "fault": "429", "for": "2s", "share": 1 });
    begun(&gateway, &drill);
    assert_eq!(gateway.chat(&asking("Hi")).text(), "Spare.");
    let began = Instant::now();
    while gateway.chat(&asking("Hi")).text() != "Main." {
        assert!(began.elapsed() < Duration::from_secs(10), "it ends");
        thread::sleep(Duration::from_millis(100));
    }
    let told = operator(&gateway, "GET", "/admin/drill", "").json();
    assert_eq!(told["going_on"], false, "{told:#}");

    begun(
        &gateway,
        &json!({ "targets": ["main"], "fault": "429", "for": "1h", "share": 1 }),
    );
    assert_eq!(gateway.chat(&asking("Hi")).text(), "Spare.");
    let told = operator(&gateway, "DELETE", "/admin/drill", "").json();
    assert_eq!(told["going_on"], false, "{told:#}");
    assert_eq!(gateway.chat(&asking("Hi")).text(), "Main.");
}

#[test]
fn what_is_no_drill_is_told_by_name() {
    let main = Upstream::playing([wire::completion("Main.")]);
    let gateway = serving(chain(&[("main", cloud(&main))]));
    let told = operator(&gateway, "GET", "/admin/drill", "");
    assert_eq!(told.status, 404, "{}", told.body);
    for (drill, word) in [
        (json!({}), "'targets'"),
        (json!({ "targets": [] }), "'targets'"),
        (json!({ "targets": ["mian"] }), "there are: main"),
        (
            json!({ "targets": ["main"], "fault": "500" }),
            "\\\"503\\\"",
        ),
        (json!({ "targets": ["main"], "fault": "503" }), "'for'"),
        (
            json!({ "targets": ["main"], "fault": "503", "for": "2d" }),
            "'for'",
        ),
        (
            json!({ "targets": ["main"], "fault": "503", "for": "1m", "share": 2 }),
            "'share'",
        ),
        (json!({ "target": "main" }), "'target'"),
        (json!("main"), "no drill"),
    ] {
        let told = operator(&gateway, "POST", "/admin/drill", &drill.to_string());
        assert_eq!(told.status, 400, "{}", told.body);
        assert!(told.body.contains(word), "{word}: {}", told.body);
    }
    let marked = Request::chat(&asking("Hi")).header("x-pilotlight-drill", "drill_none");
    let told = gateway.send(&marked).whole();
    assert_eq!(told.status, 400);
    assert!(told.body.contains("x-pilotlight-drill"), "{}", told.body);
}
