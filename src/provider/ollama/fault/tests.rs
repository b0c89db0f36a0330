//! What Ollama's own words, and those of what stands before it, are taken for.

use super::*;

fn check(status: u16, body: &str, known: Option<Reason>) -> Fault {
    let fault = read(status, body.as_bytes());
    assert_eq!((fault.status, fault.known), (status, known), "{body}");
    fault
}

#[test]
fn every_text_has_its_reason_whatever_its_status() {
    for (status, text, reason) in KNOWN {
        let body = serde_json::json!({ "error": text }).to_string();
        assert_eq!(check(*status, &body, Some(*reason)).message, *text);
    }
}

const KNOWN: &[(u16, &str, Reason)] = &[
    (
        400,
        "the prompt is longer than the context length currently available to the model; shorten \
         the prompt, adjust the context length in settings, or use a model with a longer context \
         length",
        Reason::ContextOverflow,
    ),
    (
        400,
        "the input length exceeds the context length",
        Reason::ContextOverflow,
    ),
    (
        400,
        "input length exceeds maximum context length",
        Reason::ContextOverflow,
    ),
    (
        503,
        "server busy, please try again.  maximum pending requests exceeded",
        Reason::ServerBusy,
    ),
    (
        500,
        "llama-server process has terminated: signal: segmentation fault",
        Reason::EngineError,
    ),
    (
        500,
        "llama runner process has terminated: exit status 2",
        Reason::EngineError,
    ),
    (
        500,
        "timed out waiting for llama-server to start - progress 0.30",
        Reason::EngineError,
    ),
    (
        500,
        "llama-server reported out-of-memory during startup: x",
        Reason::EngineError,
    ),
    (
        500,
        "model runner has unexpectedly stopped, this may be due to resource limitations or an \
         internal error, check ollama server logs for details: request (9 tokens) exceeds the \
         available context size",
        Reason::EngineError,
    ),
    (
        500,
        "model requires more system memory (9.8 GiB) than is available (3.1 GiB)",
        Reason::EngineError,
    ),
    (500, "CUDA error: out of memory", Reason::EngineError),
    (
        500,
        "error parsing tool call: raw='{', err=unexpected EOF",
        Reason::EngineError,
    ),
    (
        400,
        "registry.ollama.ai/library/smol-t:latest does not support tools",
        Reason::Unsupported,
    ),
    (
        400,
        "\"smol-t\" does not support thinking",
        Reason::Unsupported,
    ),
    (
        500,
        "this model only supports one image while more than one image requested",
        Reason::Unsupported,
    ),
    (
        400,
        "invalid think value: \"max\" (must be \"high\", \"medium\", \"low\", true, or false)",
        Reason::Unsupported,
    ),
    (
        500,
        "option \"stop\" must be of type array",
        Reason::Rejected,
    ),
    (
        500,
        "option \"stop\" must be of an array of strings",
        Reason::Rejected,
    ),
    (
        500,
        "invalid format: \"\\\"xml\\\"\"; expected \"json\" or a valid JSON Schema object",
        Reason::Rejected,
    ),
    (400, "illegal base64 data at input byte 4", Reason::Rejected),
    (404, "model 'nope' not found", Reason::ModelMissing),
    (
        404,
        "model \"nope\" not found, try pulling it first",
        Reason::ModelMissing,
    ),
    (400, "invalid model name", Reason::ModelMissing),
    (
        400,
        "this server cannot run this remote model",
        Reason::ModelMissing,
    ),
    (
        403,
        "ollama cloud is disabled: remote model is unavailable",
        Reason::ModelMissing,
    ),
];

#[test]
fn what_a_caller_wrote_and_ollama_repeats_blames_nothing_but_the_request() {
    for words in [
        "try pulling it first",
        "invalid model name",
        "this server cannot run this remote model",
        "ollama cloud is disabled: remote model is unavailable",
        "model 'm' not found",
        "llama runner process has terminated",
        "model requires more system memory",
    ] {
        for (status, before) in [
            (400, "failed to parse grammar: "),
            (400, "illegal value: "),
            (500, "invalid format: "),
            (500, "option \"stop\" must be of "),
        ] {
            let body = serde_json::json!({ "error": format!("{before}\"{words}\"") });
            check(status, &body.to_string(), Some(Reason::Rejected));
        }
    }
    let blamed = |error: &str| {
        let body = serde_json::json!({ "error": error }).to_string();
        read(400, body.as_bytes()).param.is_some()
    };
    assert!(blamed("\"smol-t\" does not support thinking"));
    assert!(blamed("invalid think value: \"max\" (must be \"high\")"));
    assert!(!blamed("illegal value: \"does not support thinking\""));
    assert!(!blamed("illegal value: invalid think value"));
}

#[test]
fn what_only_its_status_tells_is_left_to_the_gateway() {
    check(500, r#"{"error":"something new"}"#, None);
    check(
        401,
        r#"{"error":"unauthorized","signin_url":"https://ollama.com/x"}"#,
        None,
    );
    check(499, r#"{"error":"request canceled"}"#, None);
    check(405, "405 method not allowed", None);
    for status in [403, 404, 502, 524, 530] {
        check(status, "<!DOCTYPE html><title>Error 1033</title>", None);
    }
    check(
        530,
        r#"{"status":530,"error_code":1033,"cloudflare_error":true}"#,
        None,
    );
}

#[test]
fn a_refused_host_and_a_wrong_path_are_known_by_what_they_lack() {
    check(403, "", Some(Reason::HostRefused));
    check(404, "404 page not found", Some(Reason::NotAnApi));
    check(404, "", Some(Reason::NotAnApi));
    check(404, r#"{"detail":"Not Found"}"#, Some(Reason::NotAnApi));
}

#[test]
fn an_engines_own_error_is_read_out_of_the_string_that_holds_it() {
    let engine = concat!(
        r#"{"error":{"code":400,"message":"request (1508 tokens) exceeds the available context "#,
        r#"size (512 tokens), try increasing it","type":"exceed_context_size_error","#,
        r#""n_prompt_tokens":1508,"n_ctx":512}}"#
    );
    for (text, reason) in [
        (engine.to_owned(), Reason::ContextOverflow),
        (
            format!("{engine}\nggml: out of memory"),
            Reason::ContextOverflow,
        ),
    ] {
        let body = serde_json::json!({ "error": text }).to_string();
        let fault = check(400, &body, Some(reason));
        assert_eq!(fault.prompt_tokens, Some(1508));
        assert_eq!(fault.codes, ["exceed_context_size_error"]);
        assert!(
            fault.message.starts_with("request (1508 tokens)"),
            "{}",
            fault.message
        );
    }
    let schema = r#"{"error":{"message":"conversion failed","type":"invalid_request_error"}}"#;
    let body = serde_json::json!({ "error": schema }).to_string();
    assert_eq!(
        check(400, &body, Some(Reason::Rejected)).prompt_tokens,
        None
    );
}

#[test]
fn an_error_inside_an_answer_is_the_engines_unless_its_text_says_more() {
    let reason = |text: &str| {
        let fault = inside(&serde_json::json!(text).to_string());
        assert_eq!((fault.status, fault.message.as_str()), (200, text));
        fault.known
    };
    let broke = "an error was encountered while running the model:";
    for cause in [
        "unexpected EOF",
        "request (9 tokens) exceeds the available context size",
    ] {
        assert_eq!(
            reason(&format!("{broke} {cause}")),
            Some(Reason::EngineError)
        );
    }
    assert_eq!(
        reason("Context size has been exceeded."),
        Some(Reason::ContextOverflow)
    );
    assert_eq!(reason("something new"), Some(Reason::EngineError));
    assert_eq!(
        inside(r#"{"message":"x"}"#).known,
        Some(Reason::EngineError)
    );
}
