//! Reads the error bodies of OpenAI-dialect servers, which agree on little.
//!
//! Seen in the field: OpenAI's own `{"error":{...}}`; Gemini's one-element array of it, with a numeric
//! code, a `status` and the quotas that are used up; Mistral's flat `{"object":"error",...}` whose
//! `message` may be an object, and its bare `{"detail":[...]}`; OpenRouter's `metadata.error_type`, and
//! what its moderation says beside it; `{"error":"text"}`, `{"detail":...}` and `{"message":...}` of
//! proxies. So nothing is required, and everything that looks like a code is kept.

use serde_json::Value;

use crate::provider::Fault;
use crate::reason::Reason;

/// What we call an error of OpenRouter's moderation, or of a guardrail of the account. The one has no
/// code of its own, the other has that of a key without the permission.
const MODERATION: &str = "moderation";

/// What we call it that one of Gemini's quotas of a day is used up. It says so in the name of the quota
/// alone, and tells of waiting only for those of a minute.
const QUOTA_PER_DAY: &str = "quota_per_day";

/// The longest wait that is believed, in milliseconds: a day, the longest that a quota runs.
const LONGEST_WAIT_MS: u64 = 86_400_000;

/// Reads an error answer.
pub(in crate::provider) fn read(status: u16, body: &[u8]) -> Fault {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => from_value(status, &value),
        Err(_) => Fault::unread(status, body),
    }
}

/// Reads the `error` member of an answer that came with status 200.
pub(in crate::provider) fn inside(error: &str) -> Fault {
    let value = serde_json::from_str::<Value>(error).unwrap_or(Value::Null);
    let mut fault = from_value(200, &value);
    // A numeric code is the status that the upstream would have sent, had it not begun to answer. Groq
    // and Mistral write it beside a code.
    let named = ["status_code", "raw_status_code"]
        .into_iter()
        .filter_map(|name| u16::try_from(value.get(name)?.as_u64()?).ok());
    let status = fault
        .codes
        .iter()
        .filter_map(|code| code.parse::<u16>().ok())
        .chain(named)
        .find(|status| (400..600).contains(status));
    fault.status = status.unwrap_or(fault.status);
    if fault.status == 200 && fault.codes.is_empty() {
        fault.known = Some(Reason::InStreamError);
    }
    fault
}

/// What a body is that came with status 200 and is no answer: an error after all, or something else.
pub(in crate::provider) fn not_an_answer(body: &[u8]) -> Fault {
    if body.trim_ascii().is_empty() {
        return Fault::known(Reason::Empty);
    }
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Fault::known(Reason::NotAnApi);
    };
    let envelope = value.get(0).unwrap_or(&value);
    match envelope.get("error") {
        Some(error) => inside(&error.to_string()),
        None => Fault::known(Reason::NotAnApi),
    }
}

fn from_value(status: u16, value: &Value) -> Fault {
    let envelope = value.get(0).unwrap_or(value);
    let error = match envelope.get("error") {
        Some(error @ Value::Object(_)) => error,
        _ => envelope,
    };
    let message = message(error, envelope);
    Fault {
        status,
        codes: codes(error, envelope),
        param: error
            .get("param")
            .and_then(Value::as_str)
            .map(str::to_owned),
        wait_ms: retry_delay(error).or_else(|| try_again_in(&message)),
        message,
        ..Fault::default()
    }
}

fn message(error: &Value, envelope: &Value) -> String {
    let told = [
        error.get("message"),
        envelope.get("error"),
        envelope.get("detail"),
        Some(error),
    ];
    match told.into_iter().flatten().find(|value| !value.is_null()) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// Every code of the body, the most telling first.
fn codes(error: &Value, envelope: &Value) -> Vec<String> {
    let metadata = error.get("metadata");
    let reasons = details(error).filter_map(|detail| detail.get("reason"));
    let inner = error
        .get("message")
        .and_then(|it| it.get("detail"))
        .or_else(|| envelope.get("detail"))
        .and_then(|it| it.get(0))
        .and_then(|it| it.get("type"));
    let told = metadata
        .and_then(|it| it.get("error_type"))
        .into_iter()
        .chain(reasons)
        .chain(error.get("code"))
        .chain(inner)
        .chain(error.get("type"))
        .chain(error.get("status"))
        .filter_map(|code| match code {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null
            | Value::Bool(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => None,
        });
    let moderated = metadata.is_some_and(is_moderation);
    let moderation = moderated.then(|| MODERATION.to_owned());
    let per_day = is_of_a_day(error).then(|| QUOTA_PER_DAY.to_owned());
    moderation.into_iter().chain(per_day).chain(told).collect()
}

/// Google's `details`, each of a type of its own
/// (<https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto>).
fn details(error: &Value) -> impl Iterator<Item = &Value> {
    let list = error.get("details").and_then(Value::as_array);
    list.into_iter().flatten()
}

/// Whether one of the quotas that are used up is one of a day.
fn is_of_a_day(error: &Value) -> bool {
    details(error)
        .filter_map(|detail| detail.get("violations")?.as_array())
        .flatten()
        .filter_map(|violation| violation.get("quotaId")?.as_str())
        .any(|quota| quota.contains("PerDay"))
}

/// Whether OpenRouter says what in the request was flagged: `reasons` by its moderation, `patterns`
/// by a guardrail (<https://openrouter.ai/docs/api-reference/errors>).
fn is_moderation(metadata: &Value) -> bool {
    ["reasons", "patterns"]
        .into_iter()
        .filter_map(|list| metadata.get(list)?.as_array())
        .any(|list| !list.is_empty())
}

/// Google's `RetryInfo.retryDelay`, such as `34s`.
fn retry_delay(error: &Value) -> Option<u64> {
    details(error).find_map(|detail| span(detail.get("retryDelay")?.as_str()?))
}

/// OpenAI and Groq write `Please try again in 9m38.5s` where a header is missing or rounded.
fn try_again_in(message: &str) -> Option<u64> {
    let (_, after) = message.split_once("try again in ")?;
    span(after.split_whitespace().next()?)
}

/// A time such as `20s`, `1.2s`, `12ms`, `9m38s` or `1h2m`, in milliseconds, rounded up.
fn span(text: &str) -> Option<u64> {
    let mut total = 0.0;
    let mut rest = text.trim_end_matches(['.', ',']);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(end)?;
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit_end)?;
        let scale = match unit {
            "ms" => 1.0,
            "s" => 1_000.0,
            "m" => 60_000.0,
            "h" => 3_600_000.0,
            "d" => 86_400_000.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * scale;
        rest = tail;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast from f64 saturates, and the number is not negative"
    )]
    let ms = total.ceil() as u64;
    (ms > 0).then_some(ms.min(LONGEST_WAIT_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_envelope_gives_its_codes_and_its_text() {
        let check = |body: &str, codes: &[&str], message: &str| {
            let fault = read(400, body.as_bytes());
            assert_eq!(fault.codes, codes, "{body}");
            assert!(fault.message.contains(message), "{body}: {}", fault.message);
        };
        check(
            r#"{"error":{"message":"no","type":"invalid_request_error","param":"x","code":"c"}}"#,
            &["c", "invalid_request_error"],
            "no",
        );
        check(
            r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT",
                "details":[{"reason":"API_KEY_INVALID"}]}}]"#,
            &["API_KEY_INVALID", "400", "INVALID_ARGUMENT"],
            "API key",
        );
        check(
            r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden"}]},
                "type":"invalid_request_error","code":null}"#,
            &["extra_forbidden", "invalid_request_error"],
            "extra_forbidden",
        );
        check(
            r#"{"error":{"code":429,"message":"slow","metadata":{"error_type":"rate_limit_exceeded"}}}"#,
            &["rate_limit_exceeded", "429"],
            "slow",
        );
        check(
            r#"{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"],
                "flagged_input":"...","provider_name":"OpenAI","model_slug":"m"}}}"#,
            &["moderation", "403"],
            "flagged",
        );
        check(
            r#"{"error":{"code":403,"message":"Request blocked","metadata":{"patterns":["ignore"],
                "error_type":"permission_denied"}}}"#,
            &["moderation", "permission_denied", "403"],
            "blocked",
        );
        check(
            r#"{"error":{"code":403,"message":"no","metadata":{"reasons":[]}}}"#,
            &["403"],
            "no",
        );
        check(
            r#"{"detail":[{"type":"extra_forbidden","loc":["body","store"],"msg":"no"}]}"#,
            &["extra_forbidden"],
            "store",
        );
        check(
            r#"[{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[
                {"violations":[{"quotaId":"RequestsPerMinute"},{"quotaId":"RequestsPerDay"}]}]}}]"#,
            &["quota_per_day", "429", "RESOURCE_EXHAUSTED"],
            "quota",
        );
        check(r#"{"error":"plain"}"#, &[], "plain");
        check(r#"{"detail":"Unauthorized"}"#, &[], "Unauthorized");
        check("<html>", &[], "<html>");
        check("", &[], "");
    }

    #[test]
    fn a_wait_is_found_in_words_and_in_details() {
        let wait = |body: &str| read(429, body.as_bytes()).wait_ms;
        let says = |text: &str| wait(&format!(r#"{{"error":{{"message":"{text}"}}}}"#));
        assert_eq!(says("Please try again in 20s. Visit"), Some(20_000));
        assert_eq!(says("Please try again in 9m38.5s"), Some(578_500));
        assert_eq!(says("try again in 12ms."), Some(12));
        assert_eq!(says("try again in 9999999d"), Some(LONGEST_WAIT_MS));
        assert_eq!(says("try again in a while"), None);
        assert_eq!(says("try again later"), None);
        assert_eq!(
            wait(r#"[{"error":{"details":[{"x":1},{"retryDelay":"34s"}]}}]"#),
            Some(34_000)
        );
    }

    #[test]
    fn an_error_inside_an_answer_takes_the_status_that_its_code_names() {
        assert_eq!(inside(r#"{"code":429,"message":"x"}"#).status, 429);
        assert_eq!(inside(r#"{"code":"server_error"}"#).status, 200);
        let groq = r#"{"message":"x","code":"tool_use_failed","status_code":400}"#;
        assert_eq!(inside(groq).status, 400);
        let mistral = r#"{"message":"x","code":"1300","raw_status_code":429}"#;
        assert_eq!(inside(mistral).status, 429);
        assert_eq!(inside(r#"{"code":"x","status_code":70000}"#).status, 200);
        assert_eq!(inside(r#""overloaded""#).known, Some(Reason::InStreamError));
        assert_eq!(not_an_answer(b"  ").known, Some(Reason::Empty));
        assert_eq!(not_an_answer(b"hello").known, Some(Reason::NotAnApi));
        assert_eq!(not_an_answer(br#"[{"error":{"code":503}}]"#).status, 503);
    }
}
