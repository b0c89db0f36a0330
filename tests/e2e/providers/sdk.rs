//! OpenAI's SDK for Python at Anthropic: an answer that two companies wrote, one that is held to a schema,
//! and thoughts that go back.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::instead::{BEGUN, GOES_ON, WHOLE, broken};
use super::start;
use crate::gateway::Gateway;
use crate::leash::Leash;
use crate::messages;
use crate::rules::ANTHROPIC_SIGNATURE;
use crate::tools::{self, PYTHON};
use crate::upstream::{PATIENCE, Seen, Upstream};

#[test]
fn the_python_sdk_reads_what_anthropic_says_as_if_it_were_openai() {
    let Some([python]) = tools::need("OpenAI's SDK for Python at Anthropic", [PYTHON]) else {
        return;
    };
    let (claude, next, shared) = broken(messages::said(&BEGUN), &GOES_ON);
    let exact = Upstream::playing([messages::stream(&[
        r#"{"name":"Sk"#,
        r#"agen","lit":1747}"#,
    ])]);
    let held = start(&[("claude", messages::target(&exact))]);
    let thoughtful = thoughtful();
    let thinking = start(&[("claude", messages::target(&thoughtful))]);
    let url = |gateway: &Gateway| format!("http://{}/v1", gateway.address());
    let script = Path::new(tools::ROOT).join("tests/e2e/providers/openai_sdk.py");
    let mut command = Command::new(python);
    command
        .arg(script)
        .args([url(&shared), url(&held), url(&thinking)])
        .arg(WHOLE);

    let ran = Leash::start(&command).finish(PATIENCE * 2);

    let printed = ran.unwrap_or_else(|printed| panic!("the SDK is surprised:\n{printed}"));
    assert!(printed.ends_with("all well"), "{printed}");
    assert_eq!((claude.count(), next.count()), (1, 1));
    assert_eq!(exact.count(), 2);
    exact.seen().iter().for_each(is_held_to_the_schema);
    // The second request of each way to ask has the answer to the first.
    let seen = thoughtful.seen();
    assert_eq!(seen.len(), 4);
    for asked in seen.iter().skip(1).step_by(2).map(Seen::json) {
        let thought = json!({
            "type": "thinking",
            "thinking": "Oslo, of course.",
            "signature": ANTHROPIC_SIGNATURE,
        });
        assert_eq!(asked["messages"][1]["content"][0], thought, "{asked}");
    }
}

/// The schema is the one that the SDK made of a class.
fn is_held_to_the_schema(seen: &Seen) {
    let asked = seen.json();
    assert_eq!(asked.get("response_format"), None, "{asked}");
    let format = &asked["output_config"]["format"];
    assert_eq!(format["type"], "json_schema", "{asked}");
    let schema = &format["schema"];
    assert_eq!(schema["type"], "object", "{asked}");
    assert_eq!(schema["additionalProperties"], false, "{asked}");
    assert_eq!(schema["properties"]["lit"]["type"], "integer", "{asked}");
    assert_eq!(schema["required"], json!(["name", "lit"]), "{asked}");
}

/// A Claude that thinks and calls a tool, and says what that gave.
fn thoughtful() -> Upstream {
    let thinks = |thought: &str| {
        let delta = json!({ "type": "thinking_delta", "thinking": thought });
        messages::more(0, &delta)
    };
    let begins = json!({ "type": "thinking", "thinking": "", "signature": "" });
    let signature = json!({ "type": "signature_delta", "signature": ANTHROPIC_SIGNATURE });
    let arguments = [r#"{"city":"#, r#""Oslo"}"#].map(str::to_owned);
    let calling = messages::begun("claude-sonnet-5-2026", json!({}))
        .chunk(&messages::opens(0, &begins))
        .chunk(&thinks("Oslo, "))
        .chunk(&thinks("of course."))
        .chunk(&messages::more(0, &signature))
        .chunk(&messages::closes(0))
        .chunk(&messages::calls(1, "toolu_1", "weather", &arguments).concat())
        .chunk(&messages::ends("tool_use"))
        .end();
    Upstream::answering(move |seen| {
        let messages = seen.json()["messages"].as_array().map_or(0, Vec::len);
        if messages > 1 {
            messages::stream(&["7 degrees."])
        } else {
            calling.clone()
        }
    })
}
