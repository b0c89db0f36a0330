//! Reads Anthropic's errors: `{"type":"error","error":{"type","message","details"},"request_id"}`, as a
//! body and as the `error` event of a stream.
//!
//! # Why an error inside a stream gets a status
//!
//! Once a stream has begun its status is 200, whatever happens after. The type of an error means one
//! status (<https://platform.claude.com/docs/en/api/errors>), so an overload is the same overload
//! whether it comes as a 529 or in the first event.
//!
//! `details.error_code` is what Anthropic promises to keep; messages may change.

use serde_json::Value;

use crate::provider::Fault;
use crate::reason::Reason;

/// What each type of error means.
const STATUSES: &[(&str, u16)] = &[
    ("api_error", 500),
    ("authentication_error", 401),
    ("billing_error", 402),
    ("conflict_error", 409),
    ("invalid_request_error", 400),
    ("not_found_error", 404),
    ("overloaded_error", 529),
    ("permission_error", 403),
    ("rate_limit_error", 429),
    ("request_too_large", 413),
    ("timeout_error", 504),
];

/// Reads an error answer.
pub(super) fn read(status: u16, body: &[u8]) -> Fault {
    match serde_json::from_slice::<Value>(body) {
        Ok(envelope) => of(status, envelope.get("error").unwrap_or(&envelope)),
        Err(_) => Fault::unread(status, body),
    }
}

/// Reads the `error` member of what a stream tells in its `error` event.
pub(super) fn inside(error: &Value) -> Fault {
    let kind = error.get("type").and_then(Value::as_str);
    let status = STATUSES.iter().find(|(name, _)| Some(*name) == kind);
    let mut fault = of(status.map_or(200, |(_, status)| *status), error);
    if fault.codes.is_empty() {
        fault.known = Some(Reason::InStreamError);
    }
    fault
}

fn of(status: u16, error: &Value) -> Fault {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let message = text(error.get("message"))
        .or_else(|| text(Some(error)))
        .unwrap_or_else(|| error.to_string());
    let code = error.get("details").and_then(|it| it.get("error_code"));
    Fault {
        status,
        codes: [text(code), text(error.get("type"))]
            .into_iter()
            .flatten()
            .filter(|code| !code.is_empty())
            .collect(),
        prompt_tokens: counted(&message),
        message,
        ..Fault::default()
    }
}

/// How many tokens the prompt has: `prompt is too long: 345320 tokens > 199999 maximum`.
fn counted(message: &str) -> Option<u64> {
    let (count, _) = message
        .strip_prefix("prompt is too long: ")?
        .split_once(" tokens")?;
    count.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_promised_code_comes_before_the_type() {
        let body = json!({
            "type": "error",
            "error": {
                "type": "rate_limit_error",
                "message": "This would exceed your monthly limit",
                "details": {"error_code": "enforced_spend_limit_reached"},
            },
            "request_id": "req_1",
        });
        let fault = read(429, body.to_string().as_bytes());
        assert_eq!(fault.status, 429);
        assert_eq!(
            fault.codes,
            ["enforced_spend_limit_reached", "rate_limit_error"]
        );
        assert_eq!(fault.message, "This would exceed your monthly limit");
        assert_eq!(fault.known, None);
    }

    #[test]
    fn an_answer_keeps_its_status_whatever_its_type() {
        let body = br#"{"type":"error","error":{"type":"api_error","message":"x","details":null}}"#;
        let fault = read(502, body);
        assert_eq!((fault.status, fault.codes), (502, vec!["api_error".into()]));
    }

    #[test]
    fn an_error_inside_a_stream_gets_the_status_of_its_type() {
        for (kind, status) in STATUSES {
            let fault = inside(&json!({"details": null, "type": kind, "message": "m"}));
            assert_eq!((fault.status, fault.known), (*status, None), "{kind}");
        }
        assert!(STATUSES.is_sorted(), "in the order of the alphabet");
        let new = inside(&json!({"type": "something_new", "message": "m"}));
        assert_eq!((new.status, new.known), (200, None));
        for odd in [json!(null), json!("overloaded"), json!({}), json!([1])] {
            let fault = inside(&odd);
            assert_eq!(fault.status, 200, "{odd}");
            assert_eq!(fault.known, Some(Reason::InStreamError), "{odd}");
        }
    }

    #[test]
    fn what_is_no_envelope_is_kept_as_text() {
        let text = |body: &str| read(503, body.as_bytes()).message;
        assert_eq!(text("upstream connect error"), "upstream connect error");
        assert_eq!(text(r#"{"error":"plain"}"#), "plain");
        assert_eq!(text(r#"{"message":"Unauthorized"}"#), "Unauthorized");
        assert_eq!(text(""), "");
        assert_eq!(text(&"x".repeat(1_000)).len(), 400);
        assert_eq!(read(500, b"\xff\xfe").codes, Vec::<String>::new());
    }

    #[test]
    fn an_overflow_tells_how_long_the_prompt_was() {
        let counted = |message: &str| {
            let error = json!({"type": "invalid_request_error", "message": message});
            let body = json!({"type": "error", "error": error});
            read(400, body.to_string().as_bytes()).prompt_tokens
        };
        assert_eq!(
            counted("prompt is too long: 345320 tokens > 199999 maximum"),
            Some(345_320)
        );
        assert_eq!(counted("prompt is too long"), None);
        assert_eq!(counted("prompt is too long: many tokens"), None);
        assert_eq!(
            counted("Invalid value: 'prompt is too long: 1 tokens'"),
            None
        );
    }
}
