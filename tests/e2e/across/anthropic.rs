//! Answers of Anthropic's Messages API.

use serde_json::{Value, json};

use super::company::Company;
use super::said::Said;
use crate::rules::ANTHROPIC_SIGNATURE;
use crate::wire::named_event;

const THOUGHT: &str = "Let me see.";

/// A whole answer.
pub(super) fn whole(said: &Said) -> Value {
    let mut content = vec![json!({
        "type": "thinking", "thinking": THOUGHT, "signature": ANTHROPIC_SIGNATURE,
    })];
    if !said.text.is_empty() {
        content.push(json!({ "type": "text", "text": said.text }));
    }
    content.extend(said.calls.iter().map(|call| {
        json!({
            "type": "tool_use",
            "id": Company::Anthropic.id(call.number),
            "name": call.name,
            "input": call.arguments,
        })
    }));
    let mut message = message();
    message["content"] = content.into();
    message["stop_reason"] = stop_reason(said).into();
    message["usage"]["output_tokens"] = 2.into();
    message
}

/// A streamed answer.
pub(super) fn streamed(said: &Said) -> String {
    let mut events = vec![json!({ "type": "message_start", "message": message() })];
    let mut at = 0;
    let mut block = |start: Value, deltas: Vec<Value>| {
        let delta = |delta| json!({ "type": "content_block_delta", "index": at, "delta": delta });
        events.push(json!({ "type": "content_block_start", "index": at, "content_block": start }));
        events.push(json!({ "type": "ping" }));
        events.extend(deltas.into_iter().map(delta));
        events.push(json!({ "type": "content_block_stop", "index": at }));
        at += 1;
    };
    block(
        json!({ "type": "thinking", "thinking": "", "signature": "" }),
        vec![
            json!({ "type": "thinking_delta", "thinking": THOUGHT }),
            json!({ "type": "signature_delta", "signature": ANTHROPIC_SIGNATURE }),
        ],
    );
    if !said.text.is_empty() {
        let words = said.text.split_inclusive(' ');
        let words = words.map(|word| json!({ "type": "text_delta", "text": word }));
        block(json!({ "type": "text", "text": "" }), words.collect());
    }
    for call in &said.calls {
        let pieces = match call.name {
            // Nothing is streamed for no arguments.
            "now" => vec![String::new()],
            _ => [String::new()].into_iter().chain(call.pieces()).collect(),
        };
        let piece = |piece| json!({ "type": "input_json_delta", "partial_json": piece });
        let id = Company::Anthropic.id(call.number);
        block(
            json!({ "type": "tool_use", "id": id, "name": call.name, "input": {} }),
            pieces.into_iter().map(piece).collect(),
        );
    }
    events.push(json!({
        "type": "message_delta",
        "delta": { "stop_reason": stop_reason(said), "stop_sequence": null },
        "usage": { "output_tokens": 2 },
    }));
    events.push(json!({ "type": "message_stop" }));
    events.iter().map(named_event).collect()
}

fn message() -> Value {
    json!({
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "cloud-model-2026",
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": {
            "input_tokens": 11,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 1,
        },
    })
}

fn stop_reason(said: &Said) -> &'static str {
    if said.calls.is_empty() {
        "end_turn"
    } else {
        "tool_use"
    }
}
