//! Bodies as they were seen in the field, each with what it means.

use serde_json::json;

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
    use Action::{Next, Reject, Retry};
    const TOO_LARGE: &str = "Request too large for model `m` on tokens per minute";
    const TOGETHER: &str = "The combined total of the Input token count and max_tokens parameter \
        must be less than the context length of the model being queried.";
    const TOO_LONG: &str = "This model's maximum context length is 8 tokens.";
    for (status, code, message, reason, action) in [
        (
            429,
            "insufficient_quota",
            "You exceeded",
            Reason::SpendLimit,
            Next,
        ),
        (
            429,
            "rate_limit_exceeded",
            "Rate limit",
            Reason::Throttled,
            Retry,
        ),
        (413, "rate_limit_exceeded", TOO_LARGE, Reason::TooLong, Next),
        (429, "rate_limit_exceeded", TOO_LARGE, Reason::TooLong, Next),
        (413, "rate_limit_exceeded", "Limit 6", Reason::TooLong, Next),
        (400, "organization_restricted", "", Reason::Credential, Next),
        (
            400,
            "context_length_exceeded",
            "",
            Reason::ContextOverflow,
            Next,
        ),
        (400, "", TOO_LONG, Reason::ContextOverflow, Next),
        (
            400,
            "unsupported_value",
            "temperature",
            Reason::Unsupported,
            Next,
        ),
        (
            400,
            "content_policy_violation",
            "",
            Reason::ContentPolicy,
            Reject,
        ),
        (400, "tool_use_failed", "", Reason::EngineError, Retry),
        (400, "", "something odd", Reason::Rejected, Next),
        (
            401,
            "invalid_api_key",
            "Incorrect API key",
            Reason::Credential,
            Next,
        ),
        (403, "", "Country not supported", Reason::Credential, Next),
        (403, "", TOGETHER, Reason::ContextOverflow, Next),
        (
            403,
            "",
            "no access to tokens in this context",
            Reason::Credential,
            Next,
        ),
        (404, "model_not_found", "", Reason::ModelMissing, Next),
        (503, "slow_down", "", Reason::Throttled, Next),
        (498, "", "", Reason::Throttled, Next),
    ] {
        let error = json!({"message": message, "type": "x", "param": null, "code": code});
        let body = json!({ "error": error }).to_string();
        let found = verdict("openai", status, &body);
        assert_eq!(
            (found.reason, found.action),
            (reason, action),
            "{status} {body}"
        );
    }
}

#[test]
fn other_bodies_than_openais_are_read_too_and_none_leaves_the_status() {
    use Action::{Next, Retry};
    const GEMINI: &str = r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.",
        "status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]"#;
    const MISTRAL: &str =
        r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden"}]},"code":null}"#;
    for (status, body, reason, action) in [
        (400, GEMINI, Reason::Credential, Next),
        (422, MISTRAL, Reason::Unsupported, Next),
        (401, "", Reason::Credential, Next),
        (402, "", Reason::SpendLimit, Next),
        (500, "oops", Reason::Overloaded, Retry),
        (529, "", Reason::Overloaded, Retry),
    ] {
        let found = verdict("openai", status, body);
        assert_eq!(
            (found.reason, found.action),
            (reason, action),
            "{status} {body}"
        );
    }
}

#[test]
fn what_openrouter_has_nowhere_for_this_request_says_nothing_of_the_model() {
    let reason = |status: u16, message: &str| {
        let error = json!({"message": message, "code": status});
        let found = verdict("openai", status, &json!({ "error": error }).to_string());
        assert_eq!(found.health, health_of(found.reason), "{message}");
        found.reason
    };
    for text in [
        "No endpoints found that support image input",
        "No endpoints found that support tool use. Try disabling \"x\".",
        "No endpoints found that can handle the requested parameters.",
        "No allowed providers are available for the selected model.",
        "No endpoints available matching your guardrail restrictions and data policy.",
    ] {
        assert_eq!(reason(404, text), Reason::Unsupported, "{text}");
    }
    let text = "No endpoints found for a/b.";
    assert_eq!(reason(404, text), Reason::ModelMissing);
    assert_eq!(health_of(Reason::Unsupported), Health::Unknown);
}

#[test]
fn a_flagged_prompt_is_no_wrong_credential() {
    let found = |metadata: &str| {
        let error = format!(r#"{{"code":403,"message":"flagged","metadata":{metadata}}}"#);
        verdict("openai", 403, &format!(r#"{{"error":{error}}}"#))
    };
    for metadata in [
        r#"{"reasons":["violence"],"flagged_input":"...","model_slug":"m"}"#,
        r#"{"patterns":["ignore all"],"error_type":"permission_denied"}"#,
        r#"{"error_type":"refusal"}"#,
    ] {
        let verdict = found(metadata);
        assert_eq!(verdict, of(Reason::ContentPolicy), "{metadata}");
        assert_eq!(verdict.health, Health::Unknown, "{metadata}");
    }
    let denied = found(r#"{"error_type":"permission_denied"}"#);
    assert_eq!(denied.reason, Reason::Credential);
}

#[test]
fn what_a_caller_wrote_and_an_upstream_repeats_shuts_no_target() {
    for words in [
        "your credit balance is too low",
        "You exceeded your current quota, please check your plan and billing",
        "api key expired",
        "API key not valid",
        "organization has been restricted",
        "no endpoints found for m",
        "insufficient_quota",
        "model_not_found",
    ] {
        for status in [400, 413, 422, 429, 500, 503] {
            let message = format!("Invalid value: '{words}'. Supported values are: 'auto'.");
            let error = json!({"message": message, "param": "service_tier", "code": null});
            let body = json!({ "error": error }).to_string();
            let health = verdict("openai", status, &body).health;
            assert_ne!(health, Health::Misconfigured, "{status} {body}");
        }
    }
    for row in WORDS {
        assert_eq!(row.verdict.health, Health::Unknown, "{:?}", row.seek);
    }
}

#[test]
fn an_empty_account_is_known_by_how_its_text_begins() {
    let reason = |status: u16, message: &str| {
        let body = json!({"error": {"message": message, "type": "invalid_request_error"}});
        verdict("openai", status, &body.to_string()).reason
    };
    let anthropic = "Your credit balance is too low to access the Anthropic API.";
    let gemini = "You exceeded your current quota, please check your plan and billing details.";
    assert_eq!(reason(400, anthropic), Reason::SpendLimit);
    assert_eq!(reason(429, gemini), Reason::SpendLimit);
    assert_eq!(reason(400, gemini), Reason::Rejected);
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
    const LOGIN: Option<&str> = Some("https://team.cloudflareaccess.com/cdn-cgi/access/login/x");
    const HTML: &str = "text/html; charset=UTF-8";
    const JSON: &str = "application/json";
    for (status, kind, location, place, expected) in [
        (302, HTML, LOGIN, Place::Home, Some(Reason::AccessDenied)),
        (
            301,
            "",
            Some("https://x.test/"),
            Place::Cloud,
            Some(Reason::Redirected),
        ),
        (530, HTML, None, Place::Home, Some(Reason::TunnelDown)),
        (530, JSON, None, Place::Home, Some(Reason::TunnelDown)),
        (502, HTML, None, Place::Home, Some(Reason::OriginRefused)),
        (502, JSON, None, Place::Home, None),
        (
            524,
            "text/html",
            None,
            Place::Home,
            Some(Reason::TunnelTimeout),
        ),
        (403, HTML, None, Place::Home, Some(Reason::AccessDenied)),
        (403, HTML, None, Place::Cloud, Some(Reason::NotAnApi)),
        (200, HTML, None, Place::Cloud, Some(Reason::NotAnApi)),
        (503, HTML, None, Place::Cloud, Some(Reason::Overloaded)),
        (524, HTML, None, Place::Cloud, Some(Reason::Overloaded)),
        (200, JSON, None, Place::Home, None),
        (429, JSON, None, Place::Cloud, None),
    ] {
        let signs = Signs {
            status,
            content_type: Some(kind),
            location,
            cf_error_type: None,
            body: b"x",
        };
        let found = in_between(&signs, place);
        assert_eq!(found, expected, "{status} {kind} {place:?}");
    }
}
