//! What Anthropic's Messages API puts on the wire, event by event
//! (<https://platform.claude.com/docs/en/build-with-claude/streaming>).

use serde_json::{Value, json};

use crate::upstream::{Reply, Upstream};
use crate::wire::{PROMPT_TOKENS, named_event};

/// How many tokens every answer tells to have.
const ANSWER_TOKENS: u64 = 2;

/// A table for `targets`: Anthropic's, at this upstream.
pub(crate) fn target(upstream: &Upstream) -> Value {
    json!({
        "provider": "anthropic",
        "base_url": upstream.url(),
        "model": "claude-sonnet-5",
        "key": "UPSTREAM_KEY",
    })
}

/// A streamed answer that says these words.
pub(crate) fn stream(words: &[&str]) -> Reply {
    said(words).chunk(&closes(0)).chunk(&ends("end_turn")).end()
}

/// The beginning of a streamed answer: these words, one event each.
pub(crate) fn said(words: &[&str]) -> Reply {
    saying_on(begun("claude-sonnet-5-2026", json!({})), 0, words)
}

/// What was sent so far, and a block of this position that says these words and is not closed.
pub(crate) fn saying_on(reply: Reply, at: usize, words: &[&str]) -> Reply {
    let opened = reply.chunk(&opens(at, &json!({ "type": "text", "text": "" })));
    words
        .iter()
        .fold(opened, |reply, words| reply.chunk(&says(at, words)))
}

/// The head of a streamed answer. `usage` is laid over what is told of the prompt.
pub(crate) fn begun(model: &str, usage: Value) -> Reply {
    let mut message = message(model);
    message["stop_reason"] = Value::Null;
    message["usage"]["output_tokens"] = 1.into();
    if let (Value::Object(told), Value::Object(usage)) = (&mut message["usage"], usage) {
        told.extend(usage);
    }
    Reply::chunked(200, &[("content-type", "text/event-stream; charset=utf-8")])
        .chunk(&named_event(
            &json!({ "type": "message_start", "message": message }),
        ))
        .chunk(&ping())
}

/// A whole answer without content.
pub(crate) fn message(model: &str) -> Value {
    json!({
        "id": format!("msg_{model}"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": "end_turn",
        "stop_sequence": null,
        "usage": {
            "input_tokens": PROMPT_TOKENS,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": ANSWER_TOKENS,
        },
    })
}

/// A block of this position begins.
pub(crate) fn opens(at: usize, block: &Value) -> String {
    named_event(&json!({ "type": "content_block_start", "index": at, "content_block": block }))
}

/// Words of a text.
pub(crate) fn says(at: usize, words: &str) -> String {
    more(at, &json!({ "type": "text_delta", "text": words }))
}

/// Thoughts with their signature: a whole block.
pub(crate) fn thinks(at: usize, thought: &str, signature: &str) -> String {
    let begins = json!({ "type": "thinking", "thinking": "", "signature": "" });
    opens(at, &begins)
        + &more(
            at,
            &json!({ "type": "thinking_delta", "thinking": thought }),
        )
        + &more(
            at,
            &json!({ "type": "signature_delta", "signature": signature }),
        )
        + &closes(at)
}

/// A call in two parts: it has begun with the first, and is there with both.
pub(crate) fn calls(at: usize, id: &str, name: &str, arguments: &[String; 2]) -> [String; 2] {
    let block = json!({ "type": "tool_use", "id": id, "name": name, "input": {} });
    let [first, second] = arguments.each_ref().map(|json| {
        more(
            at,
            &json!({ "type": "input_json_delta", "partial_json": json }),
        )
    });
    [opens(at, &block) + &first, second + &closes(at)]
}

/// More of a block.
pub(crate) fn more(at: usize, delta: &Value) -> String {
    named_event(&json!({ "type": "content_block_delta", "index": at, "delta": delta }))
}

/// A block is whole.
pub(crate) fn closes(at: usize) -> String {
    named_event(&json!({ "type": "content_block_stop", "index": at }))
}

/// Why the answer ended, and its end.
pub(crate) fn ends(reason: &str) -> String {
    let delta = named_event(&json!({
        "type": "message_delta",
        "delta": { "stop_reason": reason, "stop_sequence": null },
        "usage": { "output_tokens": ANSWER_TOKENS },
    }));
    delta + &named_event(&json!({ "type": "message_stop" }))
}

/// A sign of life.
pub(crate) fn ping() -> String {
    named_event(&json!({ "type": "ping" }))
}

/// An error: the body of an answer, or the data of an event.
pub(crate) fn error(kind: &str, message: &str) -> Value {
    json!({
        "type": "error",
        "error": { "type": kind, "message": message },
        "request_id": "req_1",
    })
}
