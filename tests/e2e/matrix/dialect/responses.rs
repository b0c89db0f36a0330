//! OpenAI's Responses API: items with a number, and a last event that tells everything.

use serde_json::{Value, json};

use super::{Counts, Dialect, Shows, halves};
use crate::gateway;
use crate::upstream::Reply;
use crate::wire::{self, PROMPT_TOKENS};

/// The entry.
pub(super) static RESPONSES: Dialect = Dialect {
    name: "responses",
    target: |upstream| gateway::with(gateway::cloud(upstream), json!({ "provider": "responses" })),
    path: "/v1/responses",
    begin: |who| {
        let begun = object(who, "in_progress", &[]);
        let item = text_item("");
        let head = Reply::chunked(200, &[("content-type", "text/event-stream")]);
        head.chunk(&wire::named_event(
            &json!({ "type": "response.created", "response": begun }),
        ))
        .chunk(&item_event("added", 0, &item))
    },
    text: |_, words| says(words),
    call: |who, at, call| {
        let item = |arguments: &str| {
            let id = format!("call_{who}_{at}");
            call_item(at, &id, call.name, arguments)
        };
        let [first, second] = halves(call.arguments).map(|half| {
            wire::named_event(&json!({
                "type": "response.function_call_arguments.delta",
                "item_id": format!("fc_{at}"),
                "output_index": at + 1,
                "delta": half,
            }))
        });
        let added = item_event("added", at + 1, &item(""));
        let done = item_event("done", at + 1, &item(call.arguments));
        [added + &first, second + &done]
    },
    shows: Shows::Part,
    finish: |who, _| {
        let response = object(who, "completed", &[]);
        wire::named_event(&json!({ "type": "response.completed", "response": response }))
    },
    counts: Counts::WithFinish,
    terminal: |_| String::new(),
    ping: |_| wire::named_event(&json!({ "type": "keepalive" })) + &says(""),
    error: || json!({ "type": "error", "code": "server_error", "message": "Sorry, tell-tale." }),
    frame: |json| format!("data: {json}\n\n"),
    whole: |who, answer| {
        let calls = answer.calls.iter().enumerate().map(|(at, call)| {
            call_item(at, &format!("call_{who}_{at}"), call.name, call.arguments)
        });
        let items = [text_item(answer.text)].into_iter().chain(calls);
        object(who, "completed", &items.collect::<Vec<_>>())
    },
    otherwise: |_| wire::api(404, &json!({})),
};

fn says(words: &str) -> String {
    wire::named_event(&json!({
        "type": "response.output_text.delta",
        "item_id": "msg_0",
        "output_index": 0,
        "content_index": 0,
        "delta": words,
        "logprobs": [],
    }))
}

fn item_event(what: &str, at: usize, item: &Value) -> String {
    let kind = format!("response.output_item.{what}");
    wire::named_event(&json!({ "type": kind, "output_index": at, "item": item }))
}

fn text_item(text: &str) -> Value {
    json!({
        "type": "message",
        "id": "msg_0",
        "status": "completed",
        "role": "assistant",
        "content": [{ "type": "output_text", "text": text, "annotations": [] }],
    })
}

fn call_item(at: usize, id: &str, name: &str, arguments: &str) -> Value {
    json!({
        "type": "function_call",
        "id": format!("fc_{at}"),
        "status": "completed",
        "call_id": id,
        "name": name,
        "arguments": arguments,
    })
}

fn object(who: &str, status: &str, output: &[Value]) -> Value {
    let usage = json!({
        "input_tokens": PROMPT_TOKENS, "output_tokens": 2, "total_tokens": PROMPT_TOKENS + 2,
    });
    json!({
        "id": format!("resp_{who}"),
        "object": "response",
        "created_at": 1_790_000_000,
        "status": status,
        "error": null,
        "incomplete_details": null,
        "model": who,
        "output": output,
        "usage": if status == "completed" { usage } else { Value::Null },
    })
}
