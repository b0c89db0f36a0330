//! Answers of the companies that speak OpenAI's chat completions.

use serde_json::{Value, json};

use super::company::Company;
use super::said::{Call, Said};
use crate::rules::{GEMINI_SIGNATURE, OPENROUTER_SIGNATURE};
use crate::wire;

const THOUGHT: &str = "Let me see.";

/// What a company's answers have beside what all have: members, each `null` for none.
#[derive(Default)]
struct More {
    /// Of an answer, whole or a chunk.
    head: Value,
    /// Of a whole answer.
    whole: Value,
    /// Of a chunk.
    chunk: Value,
    /// Of a choice.
    choice: Value,
    /// Of a whole message.
    message: Value,
    /// What it tells of its thoughts: of a whole message, and of a delta.
    thought: Value,
    /// Of what was used.
    usage: Value,
}

fn more(company: Company) -> More {
    match company {
        Company::OpenAi => More {
            head: json!({ "service_tier": "default", "system_fingerprint": "fp_1" }),
            chunk: json!({ "obfuscation": "kD2x" }),
            message: json!({ "refusal": null, "annotations": [] }),
            usage: json!({
                "prompt_tokens_details": { "cached_tokens": 0, "audio_tokens": 0 },
                "completion_tokens_details": { "reasoning_tokens": 0 },
            }),
            ..More::default()
        },
        Company::Groq => More {
            // A word that OpenAI's types do not have.
            head: json!({ "service_tier": "on_demand" }),
            thought: json!({ "reasoning": THOUGHT }),
            usage: json!({ "total_time": 0.035 }),
            ..More::default()
        },
        Company::Together => More {
            whole: json!({ "prompt": [] }),
            choice: json!({ "seed": null }),
            thought: json!({ "reasoning": THOUGHT }),
            ..More::default()
        },
        Company::OpenRouter => More {
            head: json!({ "provider": "Anthropic", "system_fingerprint": null }),
            choice: json!({ "native_finish_reason": null }),
            thought: json!({
                "reasoning": THOUGHT,
                "reasoning_details": [{
                    "type": "reasoning.text",
                    "text": THOUGHT,
                    "signature": OPENROUTER_SIGNATURE,
                    "format": "anthropic-claude-v1",
                    "index": 0,
                }],
            }),
            usage: json!({ "cost": 0.000_12 }),
            ..More::default()
        },
        Company::LlamaCpp => More {
            head: json!({ "system_fingerprint": "b10488" }),
            thought: json!({ "reasoning_content": THOUGHT }),
            ..More::default()
        },
        Company::Vllm => More {
            whole: json!({ "prompt_logprobs": null }),
            choice: json!({ "stop_reason": null }),
            thought: json!({ "reasoning_content": THOUGHT }),
            ..More::default()
        },
        Company::Gemini
        | Company::Mistral
        | Company::Anthropic
        | Company::Responses
        | Company::Ollama => More::default(),
    }
}

/// A whole answer.
pub(super) fn whole(company: Company, said: &Said) -> Value {
    let more = more(company);
    let mut message = json!({ "role": "assistant" });
    if company != Company::Gemini || !said.text.is_empty() {
        message["content"] = content(company, said);
    }
    add(&mut message, more.message);
    add(&mut message, more.thought);
    if !said.calls.is_empty() {
        let calls = said.calls.iter().enumerate();
        let calls = calls.map(|(at, call)| {
            let mut entry = entry(company, at, call, &arguments(company, call));
            if !tells_places(company) {
                entry.as_object_mut().unwrap().remove("index");
            }
            entry
        });
        message["tool_calls"] = calls.collect();
    } else if matches!(company, Company::Together | Company::Vllm) {
        message["tool_calls"] = json!([]);
    }
    let mut choice = json!({ "index": 0, "message": message, "logprobs": null });
    add(&mut choice, more.choice);
    choice["finish_reason"] = finish(company, said).into();
    let mut answer = head(company, "chat.completion");
    add(&mut answer, more.whole);
    answer["choices"] = json!([choice]);
    answer["usage"] = usage(company);
    answer
}

/// A streamed answer.
pub(super) fn streamed(company: Company, said: &Said) -> String {
    let mut out = String::new();
    if company == Company::OpenRouter {
        out.push_str(": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n");
    }
    let nothing = if company == Company::LlamaCpp {
        Value::Null
    } else {
        "".into()
    };
    let begun = json!({ "role": "assistant", "content": nothing });
    out.push_str(&delta(company, begun));
    let thought = more(company).thought;
    if thought.is_object() {
        out.push_str(&delta(company, thought));
    }
    for word in words(company, said) {
        out.push_str(&delta(company, json!({ "content": word })));
    }
    if company == Company::Mistral {
        out.push_str(&last_of_mistral(said));
    } else {
        for (at, call) in said.calls.iter().enumerate() {
            for piece in pieces(company, at, call) {
                out.push_str(&delta(company, json!({ "tool_calls": [piece] })));
            }
        }
        out.push_str(&ending(company, said));
    }
    out.push_str("data: [DONE]\n\n");
    out
}

/// Mistral's last chunk: all calls, the reason why it ended, and what was used.
fn last_of_mistral(said: &Said) -> String {
    let company = Company::Mistral;
    let mut last = json!({ "content": "" });
    if !said.calls.is_empty() {
        let calls = said.calls.iter().enumerate();
        let calls = calls.map(|(at, call)| entry(company, at, call, &call.text()));
        last["tool_calls"] = calls.collect();
    }
    let mut chunk = chunk(company, last, finish(company, said).into());
    chunk["usage"] = usage(company);
    wire::event(&chunk)
}

/// The last chunks: the reason why it ended, and what was used.
fn ending(company: Company, said: &Said) -> String {
    let mut last = chunk(company, json!({}), finish(company, said).into());
    if company == Company::Groq {
        last["x_groq"] = json!({ "id": "req_1", "usage": usage(company) });
    }
    if matches!(company, Company::Gemini | Company::Groq | Company::Together) {
        last["usage"] = usage(company);
        return wire::event(&last);
    }
    let mut used = head(company, "chat.completion.chunk");
    used["choices"] = json!([]);
    used["usage"] = usage(company);
    wire::event(&last) + &wire::event(&used)
}

/// A call in the chunks that a company makes of it.
fn pieces(company: Company, at: usize, call: &Call) -> Vec<Value> {
    let arguments = arguments(company, call);
    let at_once = matches!(company, Company::Gemini | Company::Groq | Company::Together);
    if at_once || arguments.is_empty() {
        return vec![entry(company, at, call, &arguments)];
    }
    let rest = call.pieces();
    let rest = rest.map(|piece| json!({ "index": at, "function": { "arguments": piece } }));
    let first = entry(company, at, call, "");
    [first].into_iter().chain(rest).collect()
}

fn entry(company: Company, at: usize, call: &Call, arguments: &str) -> Value {
    let mut entry = json!({
        "index": at,
        "id": company.id(call.number),
        "type": "function",
        "function": { "name": call.name, "arguments": arguments },
    });
    if company == Company::Gemini {
        entry.as_object_mut().unwrap().remove("index");
        // Of calls at once only the first is signed.
        if at == 0 {
            let signature = format!("{GEMINI_SIGNATURE}{}", call.number);
            entry["extra_content"] = json!({ "google": { "thought_signature": signature } });
        }
    }
    entry
}

/// A Claude behind OpenRouter streams nothing at all for no arguments.
fn arguments(company: Company, call: &Call) -> String {
    if company == Company::OpenRouter && call.name == "now" {
        return String::new();
    }
    call.text()
}

/// Whether a company tells the place of a call in whole answers, too.
fn tells_places(company: Company) -> bool {
    matches!(
        company,
        Company::Mistral | Company::OpenRouter | Company::Together
    )
}

/// Whether a company tells its role in every chunk.
fn tells_its_role(company: Company) -> bool {
    matches!(
        company,
        Company::Gemini | Company::OpenRouter | Company::Together
    )
}

fn delta(company: Company, delta: Value) -> String {
    wire::event(&chunk(company, delta, Value::Null))
}

fn chunk(company: Company, mut delta: Value, finish_reason: Value) -> Value {
    if tells_its_role(company) {
        delta["role"] = "assistant".into();
    }
    let more = more(company);
    let mut choice = json!({ "index": 0, "delta": delta, "logprobs": null });
    add(&mut choice, more.choice);
    choice["finish_reason"] = finish_reason;
    let mut chunk = head(company, "chat.completion.chunk");
    add(&mut chunk, more.chunk);
    chunk["choices"] = json!([choice]);
    chunk
}

fn head(company: Company, object: &str) -> Value {
    let mut head = json!({
        "id": "chatcmpl-1",
        "object": object,
        "created": 1_790_000_000,
        "model": "cloud-model-2026",
    });
    add(&mut head, more(company).head);
    head
}

/// The content of the deltas.
fn words(company: Company, said: &Said) -> Vec<Value> {
    if company == Company::Mistral && !said.text.is_empty() {
        return vec![content(company, said)];
    }
    said.text.split_inclusive(' ').map(Value::from).collect()
}

/// The content of a whole message.
fn content(company: Company, said: &Said) -> Value {
    match (company == Company::Mistral, said.text) {
        (true, "") => "".into(),
        (false, "") => Value::Null,
        (true, text) => json!([
            { "type": "thinking", "thinking": [{ "type": "text", "text": THOUGHT }] },
            { "type": "text", "text": text },
        ]),
        (false, text) => text.into(),
    }
}

fn finish(company: Company, said: &Said) -> &'static str {
    match (company == Company::Together, said.calls.is_empty()) {
        (_, false) => "tool_calls",
        (true, true) => "eos",
        (false, true) => "stop",
    }
}

fn usage(company: Company) -> Value {
    let mut usage = json!({ "prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13 });
    add(&mut usage, more(company).usage);
    usage
}

/// Adds members to an object.
fn add(object: &mut Value, members: Value) {
    if let (Value::Object(object), Value::Object(members)) = (object, members) {
        object.extend(members);
    }
}
