//! The rules of Ollama's `/api/chat`.

use serde_json::Value;

use super::{Broken, Called, Step, list, text};

/// Looks at the form; tells the history.
pub(super) fn steps(body: &Value, broken: &mut Broken) -> Vec<Step> {
    broken.only("the body", body, BODY);
    let mut steps: Vec<Step> = Vec::new();
    for message in list(&body["messages"]) {
        broken.only("a message", message, MESSAGE);
        broken.unless(message["content"].is_string(), || {
            format!("content is text: {message}")
        });
        steps.push(match message["role"].as_str() {
            Some("user") => Step::User,
            Some("assistant") => Step::Answer(calls(message, broken)),
            Some("tool") => {
                broken.unless(message["tool_name"].is_string(), || {
                    format!("a name: {message}")
                });
                Step::Outcome {
                    id: message["tool_call_id"].as_str().map(str::to_owned),
                    content: text(&message["content"]),
                }
            }
            role => {
                broken.unless(role == Some("system"), || format!("{role:?} is no role"));
                Step::System
            }
        });
    }
    steps
}

const BODY: &[&str] = &[
    "format",
    "keep_alive",
    "logprobs",
    "messages",
    "model",
    "options",
    "shift",
    "stream",
    "think",
    "tools",
    "top_logprobs",
    "truncate",
];

const MESSAGE: &[&str] = &[
    "role",
    "content",
    "images",
    "thinking",
    "tool_calls",
    "tool_call_id",
    "tool_name",
];

fn calls(message: &Value, broken: &mut Broken) -> Vec<Called> {
    let called = list(&message["tool_calls"]).map(|call| {
        let function = &call["function"];
        broken.unless(function["arguments"].is_object(), || {
            format!("arguments, in {call}")
        });
        Called {
            id: call["id"].as_str().map(str::to_owned),
            name: text(&function["name"]),
            arguments: function["arguments"].clone(),
        }
    });
    called.collect()
}
