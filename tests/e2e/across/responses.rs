//! Answers of OpenAI's Responses API.

use serde_json::{Value, json};

use super::company::Company;
use super::said::Said;
use crate::rules::RESPONSES_SECRET;
use crate::wire::named_event;

/// A whole answer.
pub(super) fn whole(said: &Said) -> Value {
    response("completed", &items(said))
}

/// A streamed answer.
pub(super) fn streamed(said: &Said) -> String {
    let begun = response("in_progress", &[]);
    let mut events = vec![
        json!({ "type": "response.created", "response": begun }),
        json!({ "type": "response.in_progress", "response": begun }),
    ];
    for (at, item) in items(said).into_iter().enumerate() {
        events.push(json!({
            "type": "response.output_item.added", "output_index": at, "item": started(&item),
        }));
        match item["type"].as_str().unwrap() {
            "message" => events.extend(text(at, &item)),
            "function_call" => events.extend(arguments(at, &item)),
            _ => {}
        }
        events.push(json!({
            "type": "response.output_item.done", "output_index": at, "item": item,
        }));
    }
    events.push(json!({ "type": "response.completed", "response": whole(said) }));
    let numbered = events.into_iter().enumerate().map(|(number, mut event)| {
        event["sequence_number"] = number.into();
        named_event(&event)
    });
    numbered.collect()
}

/// The events of a message's text.
fn text(at: usize, item: &Value) -> Vec<Value> {
    let text = item["content"][0]["text"].as_str().unwrap();
    let of = |kind: &str, name: &str, value: Value| {
        let mut event = json!({
            "type": format!("response.{kind}"),
            "item_id": item["id"],
            "output_index": at,
            "content_index": 0,
        });
        event[name] = value;
        if kind.starts_with("output_text") {
            event["logprobs"] = json!([]);
        }
        event
    };
    let part = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [] });
    let mut events = vec![of("content_part.added", "part", part(""))];
    let words = text.split_inclusive(' ');
    events.extend(words.map(|word| of("output_text.delta", "delta", word.into())));
    events.push(of("output_text.done", "text", text.into()));
    events.push(of("content_part.done", "part", part(text)));
    events
}

/// The events of a call's arguments.
fn arguments(at: usize, item: &Value) -> Vec<Value> {
    let text = item["arguments"].as_str().unwrap();
    let (head, tail) = text.split_at(text.len() / 2);
    let of = |kind: &str, name: &str, value: &str| {
        let kind = format!("response.function_call_arguments.{kind}");
        let mut event = json!({ "type": kind, "item_id": item["id"], "output_index": at });
        event[name] = value.into();
        event
    };
    vec![
        of("delta", "delta", head),
        of("delta", "delta", tail),
        of("done", "arguments", text),
    ]
}

/// An item as it begins.
fn started(item: &Value) -> Value {
    let mut item = item.clone();
    match item["type"].as_str().unwrap() {
        "message" => item["content"] = json!([]),
        "function_call" => item["arguments"] = "".into(),
        _ => item["summary"] = json!([]),
    }
    if item.get("status").is_some() {
        item["status"] = "in_progress".into();
    }
    item
}

fn items(said: &Said) -> Vec<Value> {
    let mut items = vec![json!({
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{ "type": "summary_text", "text": "Let me see." }],
        "encrypted_content": RESPONSES_SECRET,
    })];
    if !said.text.is_empty() {
        items.push(json!({
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "assistant",
            "content": [{ "type": "output_text", "text": said.text, "annotations": [], "logprobs": [] }],
        }));
    }
    items.extend(said.calls.iter().map(|call| {
        json!({
            "type": "function_call",
            "id": format!("fc_{}", call.number),
            "status": "completed",
            "call_id": Company::Responses.id(call.number),
            "name": call.name,
            "arguments": call.text(),
        })
    }));
    items
}

fn response(status: &str, output: &[Value]) -> Value {
    let usage = json!({
        "input_tokens": 11,
        "input_tokens_details": { "cached_tokens": 0, "cache_write_tokens": 0 },
        "output_tokens": 2,
        "output_tokens_details": { "reasoning_tokens": 1 },
        "total_tokens": 13,
    });
    json!({
        "id": "resp_1",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": status,
        "error": null,
        "incomplete_details": null,
        "model": "cloud-model-2026",
        "output": output,
        "parallel_tool_calls": true,
        "tool_choice": "auto",
        "tools": [],
        "store": false,
        "usage": if status == "completed" { usage } else { Value::Null },
    })
}
