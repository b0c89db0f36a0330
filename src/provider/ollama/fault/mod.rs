//! Reads Ollama's errors: `{"error":"text"}`, where only the text tells what happened.
//!
//! The status says little: a wrong option is a 500, and a prompt that is too long a 400. Since
//! v0.30 the text can be the engine's own error, JSON inside a JSON string. The texts below are
//! those of Ollama's `server/routes.go`, `server/sched.go`, `llm/llama_server.go` and, before
//! v0.30, of `runner/ollamarunner/runner.go`.

use serde_json::Value;

use crate::provider::{Fault, REASONING_EFFORT};
use crate::reason::Reason;

/// What a text means, in lower case. First match wins.
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
        Reason::ModelMissing,
        &[
            "try pulling it first",
            "invalid model name",
            "cannot run this remote model",
            "remote model is unavailable",
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
    (Reason::Rejected, &["\" must be of ", "invalid format:"]),
];

/// Which of the texts above blame the effort that was asked for: the model cannot think, or the
/// version does not know the level yet.
const CANNOT_THINK: &[&str] = &["does not support thinking", "invalid think value"];

/// The most of a body without an error text that is kept.
const HEAD: usize = 400;

/// Reads an error answer.
pub(super) fn read(status: u16, body: &[u8]) -> Fault {
    let error = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|mut envelope| envelope.get_mut("error").map(Value::take));
    match error {
        Some(error) => {
            let mut fault = of(&error);
            fault.status = status;
            fault.known = fault.known.or_else(|| by_status(status, &fault.message));
            fault
        }
        None => Fault {
            status,
            message: String::from_utf8_lossy(body.get(..HEAD).unwrap_or(body)).into_owned(),
            known: without_text(status, body),
            ..Fault::default()
        },
    }
}

/// Reads the `error` member of an object that came in an answer with status 200.
///
/// Once an answer has begun, only the engine can fail it.
pub(super) fn inside(error: &str) -> Fault {
    let mut fault = of(&serde_json::from_str(error).unwrap_or_default());
    fault.status = 200;
    fault.known = fault.known.or(Some(Reason::EngineError));
    fault
}

fn of(error: &Value) -> Fault {
    let text = error
        .as_str()
        .map_or_else(|| error.to_string(), str::to_owned);
    let lower = text.to_lowercase();
    let known = TEXTS
        .iter()
        .find(|(_, seek)| seek.iter().any(|text| lower.contains(text)))
        .map(|(reason, _)| *reason);
    let Some(engine) = engines_own(&text) else {
        let cannot_think = CANNOT_THINK.iter().any(|text| lower.contains(text));
        return Fault {
            param: cannot_think.then(|| REASONING_EFFORT.to_owned()),
            message: text,
            known,
            ..Fault::default()
        };
    };
    let member = |name: &str| engine.get(name).and_then(Value::as_str).map(str::to_owned);
    Fault {
        codes: member("type").into_iter().collect(),
        message: member("message").unwrap_or(text),
        known,
        prompt_tokens: engine.get("n_prompt_tokens").and_then(Value::as_u64),
        ..Fault::default()
    }
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
