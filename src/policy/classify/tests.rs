//! Bodies as they were seen in the field, each with what it means.

use super::*;
use crate::provider::PROVIDERS;

fn verdict(provider: &str, status: u16, body: &str) -> Verdict {
    let provider = PROVIDERS
        .iter()
        .find(|known| known.name() == provider)
        .unwrap();
    classify(&provider.fault(status, body.as_bytes()), Wording::Ours)
}

#[test]
fn an_error_body_means_what_its_code_says_before_its_words_and_its_status() {
    let check = |status: u16, body: &str, reason: Reason, action: Action| {
        let found = verdict("openai", status, body);
        assert_eq!(
            (found.reason, found.action),
            (reason, action),
            "{status} {body}"
        );
    };
    let error = |code: &str, message: &str| {
        format!(r#"{{"error":{{"message":"{message}","type":"x","param":null,"code":"{code}"}}}}"#)
    };
    check(
        429,
        &error("insufficient_quota", "You exceeded"),
        Reason::SpendLimit,
        Action::Next,
    );
    check(
        429,
        &error("rate_limit_exceeded", "Rate limit"),
        Reason::Throttled,
        Action::Retry,
    );
    check(
        413,
        &error(
            "rate_limit_exceeded",
            "Request too large for model `m` on tokens per minute",
        ),
        Reason::Throttled,
        Action::Next,
    );
    check(
        400,
        &error("context_length_exceeded", ""),
        Reason::ContextOverflow,
        Action::Next,
    );
    check(
        400,
        &error("", "This model's maximum context length is 8 tokens."),
        Reason::ContextOverflow,
        Action::Next,
    );
    check(
        400,
        &error("unsupported_value", "temperature"),
        Reason::Unsupported,
        Action::Next,
    );
    check(
        400,
        &error("content_policy_violation", ""),
        Reason::ContentPolicy,
        Action::Reject,
    );
    check(
        400,
        &error("tool_use_failed", ""),
        Reason::EngineError,
        Action::Retry,
    );
    check(
        400,
        &error("", "something odd"),
        Reason::Rejected,
        Action::Next,
    );
    check(
        401,
        &error("invalid_api_key", "Incorrect API key"),
        Reason::Credential,
        Action::Next,
    );
    check(401, "", Reason::Credential, Action::Next);
    check(402, "", Reason::SpendLimit, Action::Next);
    check(
        403,
        &error("", "Country not supported"),
        Reason::Credential,
        Action::Next,
    );
    check(
        403,
        &error("", "input tokens and max_tokens exceed"),
        Reason::ContextOverflow,
        Action::Next,
    );
    check(
        404,
        &error("model_not_found", ""),
        Reason::ModelMissing,
        Action::Next,
    );
    check(500, "oops", Reason::Overloaded, Action::Retry);
    check(
        503,
        &error("slow_down", ""),
        Reason::Throttled,
        Action::Next,
    );
    check(498, &error("", ""), Reason::Throttled, Action::Next);
    check(529, "", Reason::Overloaded, Action::Retry);
    check(
        400,
        r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.",
            "status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]"#,
        Reason::Credential,
        Action::Next,
    );
    check(
        422,
        r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden"}]},"code":null}"#,
        Reason::Unsupported,
        Action::Next,
    );
}

#[test]
fn a_refusal_of_the_callers_own_words_is_the_callers_to_hear() {
    let fault = Fault {
        status: 400,
        message: "messages[0]: bad".to_owned(),
        ..Fault::default()
    };
    assert_eq!(classify(&fault, Wording::Callers).action, Action::Reject);
    assert_eq!(classify(&fault, Wording::Ours).action, Action::Next);
    assert_eq!(classify(&fault, Wording::Callers).health, Health::Unknown);
}

#[test]
fn what_stands_between_is_told_apart() {
    let check = |status: u16, kind: &str, location: Option<&str>, place: Place, expected| {
        let signs = Signs {
            status,
            content_type: Some(kind),
            location,
            cf_error_type: None,
            body: b"x",
        };
        assert_eq!(
            in_between(&signs, place),
            expected,
            "{status} {kind} {place:?}"
        );
    };
    let login = Some("https://team.cloudflareaccess.com/cdn-cgi/access/login/x");
    check(
        302,
        "text/html",
        login,
        Place::Home,
        Some(Reason::AccessDenied),
    );
    check(
        301,
        "text/plain",
        Some("https://x.test/"),
        Place::Cloud,
        Some(Reason::Redirected),
    );
    check(
        530,
        "text/html",
        None,
        Place::Home,
        Some(Reason::TunnelDown),
    );
    check(
        530,
        "application/json",
        None,
        Place::Home,
        Some(Reason::TunnelDown),
    );
    check(
        502,
        "text/html; charset=UTF-8",
        None,
        Place::Home,
        Some(Reason::OriginRefused),
    );
    check(502, "application/json", None, Place::Home, None);
    check(
        524,
        "text/html",
        None,
        Place::Home,
        Some(Reason::TunnelTimeout),
    );
    check(
        403,
        "text/html",
        None,
        Place::Home,
        Some(Reason::AccessDenied),
    );
    check(403, "text/html", None, Place::Cloud, Some(Reason::NotAnApi));
    check(200, "text/html", None, Place::Cloud, Some(Reason::NotAnApi));
    check(
        503,
        "text/html",
        None,
        Place::Cloud,
        Some(Reason::Overloaded),
    );
    check(
        524,
        "text/html",
        None,
        Place::Cloud,
        Some(Reason::Overloaded),
    );
    check(200, "application/json", None, Place::Home, None);
    check(429, "application/json", None, Place::Cloud, None);
}
