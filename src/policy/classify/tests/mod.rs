//! Bodies as they were seen in the field or documented, each with what it means; and what holds for all.
//!
//! One file a company, and one for what holds of any. The numbers are those of the list of failures that
//! the table was made from; every one of them has a case.

use serde_json::json;

use super::*;
use crate::openai::UsageChunk;
use crate::provider::{Company, Event, Fault, Names, Origin, PROVIDERS, Provider, Reading};

mod anthropic;
mod any;
mod arbitrary;
mod gemini;
mod groq;
mod mistral;
mod openai;
mod openrouter;
mod together;

/// One case: which failure of the list it is of, how it comes, and what it means.
struct Case {
    number: u8,
    said: Said,
    wait_ms: Option<u64>,
    means: (Reason, Action, Health),
}

/// What an upstream says, and where.
#[derive(Clone, Copy, Debug)]
enum Said {
    /// As an answer with this status.
    Answer(u16, &'static str),
    /// As the body of a 200.
    Body(&'static str),
    /// As the events of a stream.
    Stream(&'static str),
}

use Said::{Answer, Body, Stream};

const WRONG: Health = Health::Misconfigured;
const FAILED: Health = Health::Failed;
const UNKNOWN: Health = Health::Unknown;

/// Left alone as long as it asks for, or for the shortest time.
const THROTTLED: (Reason, Action, Health) =
    (Reason::Throttled, Action::Retry, Health::Throttled(None));

/// Left alone for so many seconds at least.
const fn cooled(seconds: u64) -> (Reason, Action, Health) {
    let health = Health::Throttled(Some(seconds * 1_000));
    (Reason::Throttled, Action::Next, health)
}

const CREDENTIAL: (Reason, Action, Health) = (Reason::Credential, Action::Next, WRONG);
const SPEND_LIMIT: (Reason, Action, Health) = (Reason::SpendLimit, Action::Next, WRONG);
const MODEL_MISSING: (Reason, Action, Health) = (Reason::ModelMissing, Action::Next, WRONG);
const OVERFLOW: (Reason, Action, Health) = (Reason::ContextOverflow, Action::Next, UNKNOWN);
const TOO_LONG: (Reason, Action, Health) = (Reason::TooLong, Action::Next, UNKNOWN);
const UNSUPPORTED: (Reason, Action, Health) = (Reason::Unsupported, Action::Next, UNKNOWN);
const REJECTED: (Reason, Action, Health) = (Reason::Rejected, Action::Next, UNKNOWN);
const POLICY: (Reason, Action, Health) = (Reason::ContentPolicy, Action::Reject, UNKNOWN);
const OVERLOADED: (Reason, Action, Health) = (Reason::Overloaded, Action::Retry, FAILED);

const fn case(number: u8, said: Said, means: (Reason, Action, Health)) -> Case {
    Case {
        number,
        said,
        wait_ms: None,
        means,
    }
}

impl Case {
    /// The same with a `Retry-After` of so many seconds.
    const fn after(self, seconds: u64) -> Self {
        Self {
            wait_ms: Some(seconds * 1_000),
            ..self
        }
    }
}

/// Every company's cases, and those of any.
fn all() -> Vec<&'static Case> {
    [
        any::CASES,
        anthropic::CASES,
        gemini::CASES,
        groq::CASES,
        mistral::CASES,
        openai::CASES,
        openrouter::CASES,
        together::CASES,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Reads the cases with a dialect, and tells all that do not mean what they should.
fn check(cases: &[Case], read: fn(Said) -> Fault) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let mut fault = read(case.said);
            fault.wait_ms = case.wait_ms.or(fault.wait_ms);
            let found = classify(&fault, Wording::Ours);
            let found = (found.reason, found.action, found.health);
            let wrong = || {
                let Case {
                    number,
                    said,
                    means,
                    ..
                } = case;
                format!("{number}: {found:?}, not {means:?}: {said:?}")
            };
            (found != case.means).then(wrong)
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn dialect(name: &str) -> &'static dyn Provider {
    *PROVIDERS.iter().find(|known| known.name() == name).unwrap()
}

fn openai_dialect(said: Said) -> Fault {
    read_with(dialect("openai"), said)
}

fn read_with(dialect: &dyn Provider, said: Said) -> Fault {
    let reading = Reading {
        model: "m",
        request_id: "r",
        created: 0,
        choices: 1,
        usage_chunk: UsageChunk::Unwanted,
        origin: Origin::Any,
        names: Names::none(),
        company: Company::for_host(""),
    };
    match said {
        Answer(status, body) => dialect.fault(status, body.as_bytes()),
        Body(body) => dialect.read(body.as_bytes(), &reading).unwrap_err(),
        Stream(events) => {
            let mut failed = None;
            let mut emit = |event: Event<'_>| {
                if let Event::Failed(fault) = event {
                    failed.get_or_insert(fault);
                }
            };
            let mut decoder = dialect.decoder(&reading);
            decoder.feed(events.as_bytes(), &mut emit);
            decoder.finish(&mut emit);
            failed.unwrap_or_else(|| Fault::known(decoder.cut()))
        }
    }
}

fn verdict(provider: &str, status: u16, body: &str) -> Verdict {
    let fault = dialect(provider).fault(status, body.as_bytes());
    classify(&fault, Wording::Ours)
}

#[test]
fn every_failure_of_the_list_has_a_case() {
    let numbers: Vec<u8> = all().iter().map(|case| case.number).collect();
    for number in 1..=71 {
        // Told by no body, but by what happened, by a header, or by who left.
        let elsewhere = [1, 2, 4, 5, 71].contains(&number);
        assert_ne!(numbers.contains(&number), elsewhere, "{number}");
    }
}

#[test]
fn whatever_the_status_a_row_matches() {
    for status in 0..=1_000 {
        let fault = Fault {
            status,
            ..Fault::default()
        };
        let matches = |row: &&row::Row| row.seek.is_status() && row.counts_with(&fault);
        assert!(ROWS.iter().any(|row| matches(&row)), "{status}");
    }
}

#[test]
fn words_shut_a_target_only_where_the_status_does_so_alone() {
    for row in ROWS.iter().filter(|row| row.seek.is_words()) {
        let by_status = |status: u16| {
            let fault = Fault {
                status,
                ..Fault::default()
            };
            classify(&fault, Wording::Ours).health
        };
        let statuses = row.statuses.iter().cloned().flatten();
        let alone = || statuses.map(by_status).all(|health| health == WRONG);
        assert!(row.verdict.health == UNKNOWN || alone(), "{row:?}");
    }
}

#[test]
fn every_row_is_written_as_it_is_looked_for() {
    for row in ROWS {
        for word in row.seek.written() {
            assert_eq!(word, word.to_lowercase(), "{row:?}");
            assert!(!word.is_empty(), "{row:?}");
        }
    }
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
}

#[test]
fn an_empty_account_is_known_by_how_its_text_begins() {
    let reason = |status: u16, message: &str| {
        let body = json!({"error": {"message": message, "type": "invalid_request_error"}});
        verdict("openai", status, &body.to_string()).reason
    };
    let anthropic = "Your credit balance is too low to access the Anthropic API.";
    let anyones = "You exceeded your current quota, please check your plan and billing details.";
    assert_eq!(reason(400, anthropic), Reason::SpendLimit);
    assert_eq!(reason(429, anyones), Reason::SpendLimit);
    assert_eq!(reason(400, anyones), Reason::Rejected);
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
