//! Answers of Ollama's `/api/chat`.

use serde_json::{Value, json};

use super::company::Company;
use super::said::Said;
use crate::wire;

/// A whole answer.
pub(super) fn whole(said: &Said) -> Value {
    let mut done = wire::ollama_done(said.text);
    if !said.calls.is_empty() {
        done["message"]["tool_calls"] = calls(said);
    }
    done
}

/// A streamed answer.
pub(super) fn streamed(said: &Said) -> String {
    let mut lines: Vec<Value> = said
        .text
        .split_inclusive(' ')
        .map(wire::ollama_word)
        .collect();
    if !said.calls.is_empty() {
        let mut line = wire::ollama_word("");
        line["message"]["tool_calls"] = calls(said);
        lines.push(line);
    }
    lines.push(wire::ollama_done(""));
    lines.iter().map(wire::line).collect()
}

fn calls(said: &Said) -> Value {
    let calls = said.calls.iter().enumerate().map(|(at, call)| {
        json!({
            "id": Company::Ollama.id(call.number),
            "function": { "index": at, "name": call.name, "arguments": call.arguments },
        })
    });
    calls.collect()
}
