//! Anthropic's Messages API: blocks with a number, each opened and closed. The end is told in two events,
//! of which the second counts.

use serde_json::{Value, json};

use super::{Counts, Dialect, Shows, halves};
use crate::{messages, wire};

/// The entry.
pub(super) static ANTHROPIC: Dialect = Dialect {
    name: "anthropic",
    target: |upstream| {
        let mut table = messages::target(upstream);
        table.as_object_mut().unwrap().remove("key");
        table
    },
    path: "/v1/messages",
    begin: |who| {
        let text = messages::opens(0, &json!({ "type": "text", "text": "" }));
        messages::begun(who, json!({})).chunk(&text)
    },
    text: |_, words| messages::says(0, words),
    call: |who, at, call| {
        let id = format!("toolu_{who}_{at}");
        let [first, second] = messages::calls(at + 1, &id, call.name, &halves(call.arguments));
        if at == 0 {
            return [messages::closes(0) + &first, second];
        }
        [first, second]
    },
    shows: Shows::Part,
    finish: |_, finish| messages::closes(0) + &messages::ends(reason(finish)),
    counts: Counts::WithFinish,
    terminal: |_| String::new(),
    ping: |_| messages::ping() + &messages::says(0, ""),
    error: || messages::error("api_error", "Sorry, tell-tale."),
    frame: |json| format!("data: {json}\n\n"),
    whole: |who, answer| {
        let calls = answer.calls.iter().enumerate().map(|(at, call)| {
            let input: Value = serde_json::from_str(call.arguments).unwrap();
            let id = format!("toolu_{who}_{at}");
            json!({ "type": "tool_use", "id": id, "name": call.name, "input": input })
        });
        let text = json!({ "type": "text", "text": answer.text });
        let content: Vec<Value> = [text].into_iter().chain(calls).collect();
        let mut message = messages::message(who);
        message["content"] = content.into();
        message["stop_reason"] = reason(answer.finish()).into();
        message
    },
    otherwise: |_| wire::api(404, &json!({})),
};

fn reason(finish: &str) -> &'static str {
    if finish == "stop" {
        "end_turn"
    } else {
        "tool_use"
    }
}
