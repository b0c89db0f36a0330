//! The dialects of the matrix: how each puts an answer on the wire, as one entry of a table.
//!
//! # Why not the replies of `wire`
//!
//! Those are whole conversations of one speaker. Here an answer is cut anywhere and two targets speak
//! in one request, so an entry is made of the smallest pieces, and every piece tells who speaks: its
//! id and its model are the speaker's, and what the caller gets can be traced to the one or the other.

use serde_json::{Value, json};

use crate::gateway;
use crate::upstream::{Reply, Upstream};
use crate::wire::{self, PROMPT_TOKENS};

mod anthropic;
mod responses;

/// One dialect. `who` is always the speaker: the model that the target was asked for.
pub(super) struct Dialect {
    /// Its name in configs and in the names of cells.
    pub(super) name: &'static str,
    /// A table for `targets` at this upstream.
    pub(super) target: fn(&Upstream) -> Value,
    /// What the path ends with at which it is asked for an answer.
    pub(super) path: &'static str,
    /// The head of a streamed answer and all that comes before its first word.
    pub(super) begin: fn(who: &str) -> Reply,
    /// A piece of text.
    pub(super) text: fn(who: &str, words: &str) -> String,
    /// A tool call of this position, in two parts: the call has begun with the first, and is there
    /// with both.
    pub(super) call: fn(who: &str, at: usize, call: &ToolCall) -> [String; 2],
    /// How much of a call shows that it has begun, and so that the call before it is complete.
    pub(super) shows: Shows,
    /// The finish reason.
    pub(super) finish: fn(who: &str, finish: &str) -> String,
    /// Whether tokens are counted with the finish reason, or after it.
    pub(super) counts: Counts,
    /// What follows the finish reason up to the terminal marker, in a stream that was asked to count.
    pub(super) terminal: fn(who: &str) -> String,
    /// What keeps a stream alive and says nothing.
    pub(super) ping: fn(who: &str) -> String,
    /// An error, as a JSON object.
    pub(super) error: fn() -> Value,
    /// JSON text as a piece of a stream, be it sound or not.
    pub(super) frame: fn(json: &str) -> String,
    /// A whole answer of one body.
    pub(super) whole: fn(who: &str, answer: &Answer<'_>) -> Value,
    /// What is answered where the gateway asks for something else than a chat.
    pub(super) otherwise: fn(who: &[String]) -> Reply,
}

/// How much of a call shows that it has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// Its first part: calls come in pieces.
    Part,
    /// All of it: half a line is nothing yet.
    All,
}

/// When tokens are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    WithFinish,
    AfterFinish,
}

/// What a target has to say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'a> {
    pub(super) text: &'a str,
    pub(super) calls: &'a [ToolCall],
}

/// A tool call.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToolCall {
    pub(super) name: &'static str,
    /// A JSON object.
    pub(super) arguments: &'static str,
}

impl Answer<'_> {
    /// The finish reason that it ends with, in OpenAI's words.
    pub(super) fn finish(&self) -> &'static str {
        if self.calls.is_empty() {
            "stop"
        } else {
            "tool_calls"
        }
    }
}

/// Every dialect that the gateway speaks.
pub(super) static DIALECTS: [&Dialect; 4] = [
    &OPENAI,
    &OLLAMA,
    &anthropic::ANTHROPIC,
    &responses::RESPONSES,
];

/// OpenAI's, which the target that takes over speaks too.
pub(super) static OPENAI: Dialect = Dialect {
    name: "openai",
    target: gateway::cloud,
    path: "/chat/completions",
    begin: |who| {
        let role = json!({ "role": "assistant", "content": "" });
        Reply::chunked(200, &[("content-type", "text/event-stream")]).chunk(&openai_delta(
            who,
            &role,
            &Value::Null,
        ))
    },
    text: |who, words| openai_delta(who, &json!({ "content": words }), &Value::Null),
    call: openai_call,
    shows: Shows::Part,
    finish: |who, finish| openai_delta(who, &json!({}), &finish.into()),
    counts: Counts::AfterFinish,
    terminal: |who| {
        let mut last = openai_letterhead(who);
        last["choices"] = json!([]);
        last["usage"] = usage();
        wire::event(&last) + "data: [DONE]\n\n"
    },
    ping: |who| {
        let empty = openai_delta(who, &json!({ "content": "" }), &Value::Null);
        format!(": ping\n\n{empty}")
    },
    error: || wire::openai_error("server_error", "server_error", "Sorry, tell-tale."),
    frame: |json| format!("data: {json}\n\n"),
    whole: |who, answer| {
        let call = |(at, call)| openai_call_object(who, at, call);
        let calls: Vec<Value> = answer.calls.iter().enumerate().map(call).collect();
        let mut message = json!({ "role": "assistant", "content": answer.text });
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        let mut whole = openai_letterhead(who);
        whole["object"] = "chat.completion".into();
        whole["choices"] =
            json!([{ "index": 0, "message": message, "finish_reason": answer.finish() }]);
        whole["usage"] = usage();
        whole
    },
    otherwise: |_| wire::api(404, &json!({})),
};

/// Ollama's: a line for each piece, a call in one piece, and an end that tells everything.
static OLLAMA: Dialect = Dialect {
    name: "ollama",
    // Many cells share it at once.
    target: |upstream| gateway::with(gateway::home(upstream), json!({ "slots": 1_000 })),
    path: "/api/chat",
    begin: |_| Reply::chunked(200, &[("content-type", "application/x-ndjson")]),
    text: |who, words| wire::line(&ollama_said(who, &json!({ "content": words }))),
    call: |who, _, call| {
        let said = json!({ "content": "", "tool_calls": [ollama_call(call)] });
        halves(&wire::line(&ollama_said(who, &said)))
    },
    shows: Shows::All,
    finish: |who, _| wire::line(&ollama_done(who, &json!({ "content": "" }))),
    counts: Counts::WithFinish,
    terminal: |_| String::new(),
    ping: |who| wire::line(&ollama_said(who, &json!({ "content": "" }))),
    error: || json!({ "error": "an error was encountered while running the model: tell-tale" }),
    // Half a line may stand before it.
    frame: |json| format!("\n{json}\n"),
    whole: |who, answer| {
        let calls: Vec<Value> = answer.calls.iter().map(ollama_call).collect();
        let mut said = json!({ "content": answer.text });
        if !calls.is_empty() {
            said["tool_calls"] = calls.into();
        }
        ollama_done(who, &said)
    },
    // Every model is loaded, should the gateway ask which are (`/api/ps`).
    otherwise: |who| {
        let model = |who: &String| json!({ "name": who, "model": who });
        let models: Vec<Value> = who.iter().map(model).collect();
        wire::api(200, &json!({ "models": models }))
    },
};

fn openai_letterhead(who: &str) -> Value {
    json!({
        "id": format!("chatcmpl-{who}"),
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": who,
    })
}

fn openai_delta(who: &str, delta: &Value, finish: &Value) -> String {
    let mut chunk = openai_letterhead(who);
    chunk["choices"] = json!([{ "index": 0, "delta": delta, "finish_reason": finish }]);
    wire::event(&chunk)
}

/// The id and the name, then the arguments in two halves, of which the first belongs to part one.
fn openai_call(who: &str, at: usize, call: &ToolCall) -> [String; 2] {
    let piece = |call: Value| openai_delta(who, &json!({ "tool_calls": [call] }), &Value::Null);
    let arguments = halves(call.arguments)
        .map(|half| piece(json!({ "index": at, "function": { "arguments": half } })));
    let mut head = openai_call_object(who, at, call);
    head["index"] = at.into();
    head["function"]["arguments"] = "".into();
    let [first, second] = arguments;
    [piece(head) + &first, second]
}

fn openai_call_object(who: &str, at: usize, call: &ToolCall) -> Value {
    json!({
        "id": format!("call_{who}_{at}"),
        "type": "function",
        "function": { "name": call.name, "arguments": call.arguments },
    })
}

fn ollama_call(call: &ToolCall) -> Value {
    let arguments: Value = serde_json::from_str(call.arguments).unwrap();
    json!({ "function": { "name": call.name, "arguments": arguments } })
}

fn ollama_said(who: &str, said: &Value) -> Value {
    let mut line = wire::ollama_word("");
    line["model"] = who.into();
    line["message"] = gateway::with(json!({ "role": "assistant" }), said.clone());
    line
}

fn ollama_done(who: &str, said: &Value) -> Value {
    let mut line = wire::ollama_done("");
    line["model"] = who.into();
    line["message"] = gateway::with(json!({ "role": "assistant" }), said.clone());
    line
}

fn usage() -> Value {
    json!({ "prompt_tokens": PROMPT_TOKENS, "completion_tokens": 2, "total_tokens": PROMPT_TOKENS + 2 })
}

/// A text in two.
pub(super) fn halves(text: &str) -> [String; 2] {
    let middle = text.ceil_char_boundary(text.len() / 2);
    let (first, second) = text.split_at(middle);
    [first.to_owned(), second.to_owned()]
}
