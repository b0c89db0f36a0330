//! The rules of Anthropic's Messages API.

use serde_json::Value;

use super::{Broken, Called, Step, is_made_of, list, text};
use crate::upstream::Seen;

/// Looks at the form; tells the history.
pub(super) fn steps(seen: &Seen, body: &Value, broken: &mut Broken) -> Vec<Step> {
    let key = seen
        .head
        .header("x-api-key")
        .is_some_and(|key| !key.is_empty());
    broken.unless(key, || "the key is in x-api-key".into());
    let version = seen.head.header("anthropic-version");
    broken.unless(version == Some("2023-06-01"), || {
        format!("a version, not {version:?}")
    });
    broken.only("the body", body, BODY);
    broken.unless(body["max_tokens"].as_u64() > Some(0), || {
        "`max_tokens` is there".into()
    });
    broken.unless(body["stream"] == true, || "it streams".into());
    for tool in list(&body["tools"]) {
        let name = text(&tool["name"]);
        broken.unless(is_made_of(&name, 128, "_-"), || {
            format!("{name:?} is a tool's name")
        });
        let object = tool["input_schema"]["type"] == "object";
        broken.unless(object, || format!("a tool's schema is an object's: {tool}"));
    }
    let mut steps = Vec::new();
    let mut offered = list(&body["tools"]).next().is_some();
    for message in list(&body["messages"]) {
        broken.only("a message", message, &["role", "content"]);
        match message["role"].as_str() {
            Some("system") => steps.push(Step::System),
            Some("user") => user(&message["content"], &mut steps, broken),
            Some("assistant") => {
                let calls = answer(&message["content"], broken);
                broken.unless(offered || calls.is_empty(), || {
                    "who called is offered tools".into()
                });
                offered |= !calls.is_empty();
                steps.push(Step::Answer(calls));
            }
            _ => broken.unless(false, || format!("a role, not {}", message["role"])),
        }
    }
    steps
}

const BODY: &[&str] = &[
    "cache_control",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

fn user(content: &Value, steps: &mut Vec<Step>, broken: &mut Broken) {
    if let Some(words) = content.as_str() {
        broken.unless(!words.trim().is_empty(), || {
            "the user says something".into()
        });
        steps.push(Step::User);
        return;
    }
    let mut spoke = false;
    for block in list(content) {
        match block["type"].as_str() {
            Some("tool_result") => {
                broken.unless(!spoke, || "results come before words".into());
                broken.only(
                    "a result",
                    block,
                    &[
                        "type",
                        "tool_use_id",
                        "content",
                        "is_error",
                        "cache_control",
                    ],
                );
                steps.push(Step::Outcome {
                    id: Some(text(&block["tool_use_id"])),
                    content: block["content"].to_string(),
                });
            }
            kind => {
                let empty = kind == Some("text") && text(&block["text"]).trim().is_empty();
                broken.unless(!empty, || "no text is empty".into());
                spoke = true;
            }
        }
    }
    if spoke {
        steps.push(Step::User);
    }
}

fn answer(content: &Value, broken: &mut Broken) -> Vec<Called> {
    if let Some(words) = content.as_str() {
        broken.unless(!words.trim().is_empty(), || {
            "an answer says something".into()
        });
        return Vec::new();
    }
    broken.unless(list(content).next().is_some(), || {
        "an answer has content".into()
    });
    let mut calls = Vec::new();
    for block in list(content) {
        match block["type"].as_str() {
            Some("text") => {
                let empty = text(&block["text"]).trim().is_empty();
                broken.unless(!empty, || "no text is empty".into());
            }
            Some("tool_use") => {
                let id = text(&block["id"]);
                broken.unless(is_made_of(&id, 128, "_-"), || format!("{id:?} is no id"));
                broken.unless(block["input"].is_object(), || {
                    format!("an input, in {block}")
                });
                calls.push(Called {
                    id: Some(id),
                    name: text(&block["name"]),
                    arguments: block["input"].clone(),
                });
            }
            // Whose it is, the signature tells; see `secrets`.
            Some("thinking") => {
                let signed = !text(&block["signature"]).is_empty();
                broken.unless(signed, || "thoughts are signed".into());
                broken.unless(calls.is_empty(), || "thoughts come before calls".into());
            }
            _ => broken.unless(false, || format!("a block, not {block}")),
        }
    }
    calls
}
