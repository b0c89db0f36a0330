//! What providers, home boxes and Cloudflare's edge put on the wire: the replies that the scripted
//! upstream plays.
//!
//! The bodies are those of OpenAI's chat completions, of Ollama's `/api/chat`
//! (`ollama/ollama`, `api/types.go`) and of Cloudflare's error pages
//! (<https://developers.cloudflare.com/support/troubleshooting/http-status-codes/>).

use serde_json::{Value, json};

use crate::upstream::Reply;

/// What `prompt_tokens` says in every answer that counts.
pub(crate) const PROMPT_TOKENS: u64 = 11;

const JSON: (&str, &str) = ("content-type", "application/json");
const HTML: (&str, &str) = ("content-type", "text/html; charset=UTF-8");

/// An answer in JSON.
pub(crate) fn api(status: u16, body: &Value) -> Reply {
    Reply::whole(status, &[JSON], &body.to_string())
}

/// An answer in JSON with more headers.
pub(crate) fn api_with(status: u16, headers: &[(&str, &str)], body: &Value) -> Reply {
    let headers = [headers, &[JSON]].concat();
    Reply::whole(status, &headers, &body.to_string())
}

/// A page.
pub(crate) fn page(status: u16, headers: &[(&str, &str)], html: &str) -> Reply {
    let headers = [headers, &[HTML]].concat();
    Reply::whole(status, &headers, html)
}

/// An error in OpenAI's envelope.
pub(crate) fn openai_error(kind: &str, code: &str, message: &str) -> Value {
    json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
}

/// A whole completion.
pub(crate) fn completion(text: &str) -> Reply {
    api(
        200,
        &json!({
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": "cloud-model-2026",
            "choices": [{
                "index": 0,
                "message": { "role": "assistant", "content": text, "refusal": null },
                "logprobs": null,
                "finish_reason": "stop",
            }],
            "usage": usage(),
            "system_fingerprint": "fp_1",
        }),
    )
}

/// A streamed completion that says these words, one chunk each.
pub(crate) fn stream(words: &[&str]) -> Reply {
    said(words).and(finished())
}

/// The beginning of a streamed completion: the role, then these words, one chunk each.
pub(crate) fn said(words: &[&str]) -> Reply {
    let role = delta(&json!({ "role": "assistant", "content": "" }), None);
    let head = Reply::chunked(200, &[("content-type", "text/event-stream; charset=utf-8")]);
    words
        .iter()
        .fold(head.chunk(&role), |reply, word| reply.chunk(&says(word)))
}

/// The rest of a streamed completion: these words, then its end.
pub(crate) fn said_on(words: &[&str]) -> Reply {
    let said = |reply: Reply, word: &&str| reply.chunk(&says(word));
    words.iter().fold(Reply::new(), said).and(finished())
}

/// A tool call of this position, in two chunks.
pub(crate) fn call(at: usize, name: &str, arguments: [&str; 2]) -> [String; 2] {
    let piece = |call: Value| delta(&json!({ "tool_calls": [call] }), None);
    [
        piece(json!({
            "index": at,
            "id": format!("call_{at}"),
            "type": "function",
            "function": { "name": name, "arguments": arguments[0] },
        })),
        piece(json!({ "index": at, "function": { "arguments": arguments[1] } })),
    ]
}

/// The end of a streamed completion: the finish reason, the usage and `[DONE]`.
pub(crate) fn finished() -> Reply {
    finished_with("stop")
}

/// The end of a streamed completion that calls tools.
pub(crate) fn called() -> Reply {
    finished_with("tool_calls")
}

fn finished_with(reason: &str) -> Reply {
    let usage = json!({
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "cloud-model-2026",
        "choices": [],
        "usage": usage(),
    });
    Reply::new()
        .chunk(&delta(&json!({}), Some(reason)))
        .chunk(&event(&usage))
        .chunk("data: [DONE]\n\n")
        .end()
}

/// An end that counts no tokens: what a cold or broken server sends after nothing at all.
pub(crate) fn stopped() -> Reply {
    Reply::new()
        .chunk(&delta(&json!({}), Some("stop")))
        .chunk("data: [DONE]\n\n")
        .end()
}

/// A chunk that says something.
pub(crate) fn says(word: &str) -> String {
    delta(&json!({ "content": word }), None)
}

/// An event with this data.
pub(crate) fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// An event with a name, as Anthropic and the Responses send it: the name is the data's `type`.
pub(crate) fn named_event(data: &Value) -> String {
    let name = data["type"].as_str().unwrap();
    format!("event: {name}\n{}", event(data))
}

fn delta(delta: &Value, finish_reason: Option<&str>) -> String {
    event(&json!({
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "cloud-model-2026",
        "choices": [{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason }],
    }))
}

fn usage() -> Value {
    json!({ "prompt_tokens": PROMPT_TOKENS, "completion_tokens": 2, "total_tokens": PROMPT_TOKENS + 2 })
}

/// The models of an Ollama: one, its own.
pub(crate) fn ollama_tags(model: &str) -> Reply {
    let name = format!("{model}:latest");
    api(200, &json!({ "models": [{ "name": name, "model": name }] }))
}

/// Ollama's whole answer.
pub(crate) fn ollama(text: &str) -> Reply {
    api(200, &ollama_done(text))
}

/// Ollama's streamed answer, one line a word.
pub(crate) fn ollama_stream(words: &[&str]) -> Reply {
    ollama_said(words).chunk(&line(&ollama_done(""))).end()
}

/// Ollama's streamed answer of no token at all.
pub(crate) fn ollama_nothing() -> Reply {
    let mut done = ollama_done("");
    done["eval_count"] = 0.into();
    ollama_said(&[]).chunk(&line(&done)).end()
}

/// The beginning of Ollama's streamed answer.
pub(crate) fn ollama_said(words: &[&str]) -> Reply {
    let head = Reply::chunked(200, &[("content-type", "application/x-ndjson")]);
    words
        .iter()
        .fold(head, |reply, word| reply.chunk(&line(&ollama_word(word))))
}

/// A line of Ollama's stream that says something.
pub(crate) fn ollama_word(word: &str) -> Value {
    json!({
        "model": "home-model",
        "created_at": "2026-11-21T01:01:34.239554759Z",
        "message": { "role": "assistant", "content": word },
        "done": false,
    })
}

/// One line of Ollama's stream.
pub(crate) fn line(json: &Value) -> String {
    format!("{json}\n")
}

/// Ollama's refusal of a prompt that is larger than the window: JSON inside a JSON string.
pub(crate) fn ollama_overflow(tokens: usize, window: usize) -> Reply {
    let inner = json!({
        "error": {
            "code": 400,
            "message": format!(
                "request ({tokens} tokens) exceeds the available context size ({window} tokens), try increasing it"
            ),
            "type": "exceed_context_size_error",
            "n_prompt_tokens": tokens,
            "n_ctx": window,
        },
    });
    api(400, &json!({ "error": inner.to_string() }))
}

/// The object that ends an answer of Ollama's, or is one.
pub(crate) fn ollama_done(text: &str) -> Value {
    json!({
        "model": "home-model",
        "created_at": "2026-11-21T01:01:35.239554759Z",
        "message": { "role": "assistant", "content": text },
        "done": true,
        "done_reason": "stop",
        "total_duration": 973_688_811,
        "load_duration": 526_084_686,
        "prompt_eval_count": PROMPT_TOKENS,
        "prompt_eval_duration": 293_431_000,
        "eval_count": 2,
        "eval_duration": 151_524_000,
    })
}
