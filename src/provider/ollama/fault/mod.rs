//! Reads Ollama's errors: `{"error":"text"}`, where only the text tells what happened.
//!
//! The status says little: a wrong option is a 500, and a prompt that is too long a 400. Since
//! v0.30 the text can be the engine's own error, JSON inside a JSON string. The texts below are
//! those of Ollama's `server/routes.go`, `server/sched.go`, `llm/llama_server.go` and, before
//! v0.30, of `runner/ollamarunner/runner.go`.
//!
//! # Why a text alone may not blame the box
//!
//! Ollama repeats what it was sent, the whole JSON schema of an answer for one, so a text can hold
//! the caller's words. What would shut the box for everybody counts only at the text's beginning,
//! where nothing is repeated, or with a status that Ollama gives to no caller's mistake.

use serde_json::Value;

use crate::provider::{Fault, REASONING_EFFORT};
use crate::reason::Reason;

/// What a text means that begins so, in lower case, and the only status that it comes with.
const OPENINGS: &[(u16, &str, Reason)] = &[
    (400, "invalid model name", Reason::ModelMissing),
    (
        400,
        "this server cannot run this remote model",
        Reason::ModelMissing,
    ),
    (403, "ollama cloud is disabled", Reason::ModelMissing),
    (500, "invalid format:", Reason::Rejected),
    (500, "option \"", Reason::Rejected),
];

/// What a text means that holds this anywhere, in lower case. First match wins. That the engine
/// failed is believed only of a status that may say so ([`may_mean`]).
const TEXTS: &[(Reason, &[&str])] = &[
    // First, because Ollama ends these with the last error that the engine logged, and that may be
    // an earlier request's: an overflow, say.
    (
        Reason::EngineError,
        &[
            "process has terminated",
            "process no longer running",
            "model runner has unexpectedly stopped",
            "encountered while running the model",
            "timed out waiting for",
            "error starting llama-server",
            "llama-server startup failed",
            "reported out-of-memory",
        ],
    ),
    (
        Reason::ContextOverflow,
        &[
            "exceed_context_size_error",
            "exceeds the available context size",
            "is longer than the context length",
            "exceeds the context length",
            "exceeds maximum context length",
            "context size has been exceeded",
            "context shift is disabled",
        ],
    ),
    (Reason::ServerBusy, &["server busy"]),
    (
        Reason::EngineError,
        &[
            "out of memory",
            "out-of-memory",
            "requires more system memory",
            "failed to load",
            "error loading",
            "unable to load",
            "no slots available",
            "unexpected server status",
            // What the model wrote cannot be parsed; another draw may do.
            "error parsing tool call",
            "invalid tool call arguments for",
        ],
    ),
    (
        Reason::Unsupported,
        &[
            "does not support",
            "only supports one image",
            "invalid think value",
        ],
    ),
];

/// Reads an error answer.
pub(super) fn read(status: u16, body: &[u8]) -> Fault {
    let error = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|mut envelope| envelope.get_mut("error").map(Value::take));
    match error {
        Some(error) => {
            let mut fault = of(status, &error);
            fault.known = fault.known.or_else(|| by_status(status, &fault.message));
            fault
        }
        None => Fault {
            known: without_text(status, body),
            ..Fault::unread(status, body)
        },
    }
}

/// Reads the `error` member of an object that came in an answer with status 200.
///
/// Once an answer has begun, only the engine can fail it.
pub(super) fn inside(error: &str) -> Fault {
    let mut fault = of(200, &serde_json::from_str(error).unwrap_or_default());
    fault.known = fault.known.or(Some(Reason::EngineError));
    fault
}

fn of(status: u16, error: &Value) -> Fault {
    let text = error
        .as_str()
        .map_or_else(|| error.to_string(), str::to_owned);
    let lower = text.to_lowercase();
    let known = by_text(status, &lower);
    let Some(engine) = engines_own(&text) else {
        return Fault {
            status,
            param: blames_effort(status, &lower).then(|| REASONING_EFFORT.to_owned()),
            message: text,
            known,
            ..Fault::default()
        };
    };
    let member = |name: &str| engine.get(name).and_then(Value::as_str).map(str::to_owned);
    Fault {
        status,
        codes: member("type").into_iter().collect(),
        message: member("message").unwrap_or(text),
        known,
        prompt_tokens: engine.get("n_prompt_tokens").and_then(Value::as_u64),
        ..Fault::default()
    }
}

fn by_text(status: u16, lower: &str) -> Option<Reason> {
    let opening = OPENINGS
        .iter()
        .find(|(with, opening, _)| *with == status && lower.starts_with(opening))
        .map(|(_, _, reason)| *reason);
    let anywhere = || {
        TEXTS
            .iter()
            .filter(|(reason, _)| may_mean(status, *reason))
            .find(|(_, seek)| seek.iter().any(|text| lower.contains(text)))
            .map(|(reason, _)| *reason)
    };
    opening.or_else(anywhere)
}

/// Whether an answer with this status can mean this. Every 4xx is about the request.
fn may_mean(status: u16, reason: Reason) -> bool {
    reason != Reason::EngineError || !(400..500).contains(&status)
}

/// Whether a text blames the effort that was asked for: the model cannot think, or the version does
/// not know the level yet. It is remembered for other requests, so the text is read whole.
fn blames_effort(status: u16, lower: &str) -> bool {
    let cannot_think = lower.ends_with("does not support thinking");
    status == 400 && (cannot_think || lower.starts_with("invalid think value"))
}

/// The engine's error, where `text` is its JSON. Ollama may add a line of the engine's log to it.
fn engines_own(text: &str) -> Option<Value> {
    let mut engine = serde_json::Deserializer::from_str(text)
        .into_iter::<Value>()
        .next()?
        .ok()
        .filter(Value::is_object)?;
    match engine.get_mut("error").map(Value::take) {
        Some(inner @ Value::Object(_)) => Some(inner),
        _ => Some(engine),
    }
}

fn by_status(status: u16, message: &str) -> Option<Reason> {
    match status {
        400 => Some(Reason::Rejected),
        404 if message.contains("not found") => Some(Reason::ModelMissing),
        _ => None,
    }
}

/// What an answer means that holds no error text.
///
/// Ollama refuses a Host or an Origin with a bare 403, and so does cloudflared where a tunnel wants
/// an Access token that is missing. An unknown path is plain text, a missing model is JSON.
fn without_text(status: u16, body: &[u8]) -> Option<Reason> {
    match status {
        403 if body.trim_ascii().is_empty() => Some(Reason::HostRefused),
        404 if !body.trim_ascii().starts_with(b"<") => Some(Reason::NotAnApi),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
