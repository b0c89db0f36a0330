//! What holds for whomever it comes from: an answer that is none, a status without a body, and what
//! stands in between.

use super::*;
use crate::config::Place;

pub(super) const CASES: &[Case] = &[
    case(3, Body(""), (Reason::Empty, Action::Retry, FAILED)),
    case(
        3,
        Body(r#"{"choices":[]}"#),
        (Reason::Empty, Action::Retry, FAILED),
    ),
    case(
        3,
        Body(r#"{"choices":[{"#),
        (Reason::NotAnApi, Action::Next, FAILED),
    ),
    case(
        3,
        Stream("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n"),
        (Reason::StreamCut, Action::Retry, FAILED),
    ),
    case(
        46,
        Stream("data: {\"error\":{\"code\":\"content_filter\",\"message\":\"blocked\"}}\n\n"),
        POLICY,
    ),
    case(69, Answer(400, r#"{"error":{"message":"no"}}"#), REJECTED),
    case(69, Answer(400, ""), REJECTED),
    case(69, Answer(422, r#"{"detail":"no"}"#), REJECTED),
    case(
        69,
        Answer(
            400,
            r#"{"error":{"message":"token ids [1, 429, 3] are not allowed"}}"#,
        ),
        REJECTED,
    ),
    case(
        70,
        Answer(405, ""),
        (Reason::NotAnApi, Action::Next, FAILED),
    ),
    case(
        70,
        Answer(407, ""),
        (Reason::NotAnApi, Action::Next, FAILED),
    ),
    case(
        70,
        Answer(204, ""),
        (Reason::NotAnApi, Action::Next, FAILED),
    ),
    case(70, Answer(520, "error code: 520"), OVERLOADED),
];

#[test]
fn any() {
    check(CASES, openai_dialect);
}

#[test]
fn what_happens_without_a_body_has_its_verdict() {
    use Action::{Next, Retry};
    for (reason, action, health) in [
        // 1
        (Reason::Unreachable, Retry, FAILED),
        // 2
        (Reason::AttemptTimeout, Next, FAILED),
        (Reason::FirstTokenTimeout, Next, FAILED),
        (Reason::HeadersTimeout, Next, FAILED),
        (Reason::Stalled, Next, FAILED),
        // 4
        (Reason::StreamCut, Retry, FAILED),
        (Reason::InStreamError, Retry, FAILED),
        // 71
        (Reason::CallerLeft, Next, UNKNOWN),
    ] {
        for wording in [Wording::Callers, Wording::Ours] {
            let found = known(reason, wording);
            let expected = Verdict {
                reason,
                action,
                health,
            };
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn every_phrase_of_a_window_that_is_too_small_is_known() {
    for text in [
        "This model's maximum context length is 4097 tokens, however you requested 6539 tokens",
        "litellm.BadRequestError: {\"code\": \"context_length_exceeded\"}",
        "prompt is too long: 345320 tokens > 199999 maximum",
        "prompt: length: 1..100000",
        "input length and `max_tokens` exceed context limit: 143653 + 64000 > 200000",
        "Input tokens exceed the configured limit of 272000 tokens",
        "Requested token count exceeds the model's maximum context length of 131072 tokens.",
        "The prompt is above the model's maximum context limit of 8192",
        "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
        "`inputs` tokens + `max_new_tokens` must be <= 8193",
        "the request exceeds the available context size, try increasing it",
        "The input token count (1) exceeds the maximum number of tokens allowed (0).",
        "Prompt contains 66385 tokens, too large for model with 32768 maximum context length",
        "The maximum input length is 32768 tokens, but was given 40000.",
        "Input too long: 40000 input tokens, limit is 32768",
        "Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192",
        "Current length is 9000 while limit is 8192",
    ] {
        for status in [400, 413, 422, 500] {
            let body = json!({"error": {"message": text, "type": "invalid_request_error"}});
            let found = verdict("openai", status, &body.to_string());
            assert_eq!(found, of(Reason::ContextOverflow), "{status} {text}");
        }
    }
    let other = "The maximum input length is 256 characters.";
    let body = json!({"error": {"message": other}}).to_string();
    assert_eq!(verdict("openai", 400, &body), of(Reason::Rejected));
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
        (401, HTML, None, Place::Cloud, Some(Reason::NotAnApi)),
        (403, HTML, None, Place::Cloud, Some(Reason::NotAnApi)),
        (405, HTML, None, Place::Cloud, Some(Reason::NotAnApi)),
        (413, HTML, None, Place::Cloud, None),
        (429, HTML, None, Place::Cloud, None),
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

#[test]
fn a_firewall_is_no_wrong_key_whatever_it_calls_its_page() {
    let found = |status, content_type, cf_error_type, body: &'static str| {
        let signs = Signs {
            status,
            content_type,
            location: None,
            cf_error_type,
            body: body.as_bytes(),
        };
        in_between(&signs, Place::Cloud)
    };
    let page = "\n<!DOCTYPE html><html><title>Attention Required! | Cloudflare</title>";
    let json = Some("application/json");
    assert_eq!(found(403, None, None, page), Some(Reason::NotAnApi));
    assert_eq!(found(401, json, None, page), Some(Reason::NotAnApi));
    for code in ["error code: 1010", "error code: 1020"] {
        let kind = Some("text/plain; charset=UTF-8");
        assert_eq!(found(403, kind, None, code), Some(Reason::NotAnApi));
    }
    let blocked = r#"{"cloudflare_error":true,"error_code":1010}"#;
    let found_by_header = found(403, json, Some("1010"), blocked);
    assert_eq!(found_by_header, Some(Reason::NotAnApi));
    assert_eq!(found(429, None, None, "error code: 1015"), None);
    assert_eq!(found(403, json, None, r#"{"error":{}}"#), None);
    assert_eq!(known(Reason::NotAnApi, Wording::Ours).health, FAILED);
}
