//! The error of a chain that no target could end: every target with its reason, and the status that
//! helps the caller most.

use crate::error::ErrorAnswer;
use crate::gateway::attempt::{self, Attempt};
use crate::policy::breaker::Cause;
use crate::policy::privacy::Ground;
use crate::reason::Reason;

/// What the caller is told when no target answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// The error.
    pub error: ErrorAnswer,
    /// When the caller may try again, in milliseconds from now.
    pub retry_after_ms: Option<u64>,
}

/// With what an upstream refused the request as the caller wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why: content policy, or anything else in the request.
    pub reason: Reason,
    /// Its words, without what must not be told.
    pub text: String,
}

/// Chooses status and words. The text of `refused` is the only one of an upstream that a caller ever
/// sees.
pub fn explain(
    attempts: &[Attempt],
    refused: Option<Refusal>,
    private: Option<Ground>,
    now: u64,
) -> Exhausted {
    let asked: Vec<&Attempt> = attempt::settled(attempts)
        .into_iter()
        .filter(|attempt| !attempt.reason.is_some_and(Reason::is_struck))
        .collect();
    let all = |test: &dyn Fn(&Attempt) -> bool| !asked.is_empty() && asked.iter().all(|a| test(a));
    let retry_after_ms = attempts
        .iter()
        .filter_map(|attempt| attempt.again_at)
        .min()
        .map(|at| at.saturating_sub(now));
    let (status, kind, code, message) = if let Some(refusal) = refused {
        let code = code(refusal.reason);
        (400, "invalid_request_error", code, refusal.text)
    } else if all(&is_too_long) {
        (
            400,
            "invalid_request_error",
            "context_length_exceeded",
            format!(
                "the conversation is too long for every target {}",
                whose(private)
            ),
        )
    } else if all(&|attempt| is_unsupported(attempt) || is_too_long(attempt)) {
        (
            400,
            "invalid_request_error",
            UNSUPPORTED,
            unsupported(&asked, whose(private)),
        )
    } else if let Some(ground) = private {
        (
            503,
            "service_unavailable_error",
            "private_unanswered",
            stays_home(ground, attempts),
        )
    } else if all(&throttled) {
        (
            429,
            "rate_limit_error",
            "all_targets_throttled",
            "every target of this route is throttled".to_owned(),
        )
    } else if all(&|attempt| attempt.reason.is_some_and(Reason::is_timeout)) {
        (
            504,
            "timeout_error",
            "all_targets_timed_out",
            format!("no target answered in time: {}", summary(attempts)),
        )
    } else {
        (
            503,
            "service_unavailable_error",
            "all_targets_failed",
            format!(
                "no target of this route could answer: {}",
                summary(attempts)
            ),
        )
    };
    Exhausted {
        error: ErrorAnswer {
            status,
            kind,
            code: Some(code.to_owned()),
            param: match code {
                UNSUPPORTED => agreed(&asked),
                _ => None,
            }
            .map(str::to_owned),
            message,
            pilotlight: None,
        },
        retry_after_ms: if status == 400 { None } else { retry_after_ms },
    }
}

/// The words for a request that nobody at home could answer.
fn stays_home(ground: Ground, attempts: &[Attempt]) -> String {
    let why = match ground {
        Ground::Caller => "x-pilotlight-privacy says so".to_owned(),
        Ground::Found(kind) => format!("personal data was found in it: {kind}"),
        Ground::Route => "its route says so".to_owned(),
    };
    let at_home = attempts
        .iter()
        .any(|attempt| attempt.reason != Some(Reason::Private));
    let what = if at_home {
        "no target at home could answer"
    } else {
        "its route has no target at home"
    };
    let left = attempts
        .iter()
        .any(|attempt| attempt.reason == Some(Reason::LeftHome));
    let where_to = if left {
        "A box handed it on to a cloud all the same, as the answer tells, which was thrown away"
    } else {
        "Nothing of it was sent elsewhere"
    };
    format!(
        "this request stays at home ({why}), and {what}: {}. {where_to}",
        summary(attempts)
    )
}

/// What the caller is told of an answer that broke off after some of it went out.
pub fn broken(reason: Reason, pilotlight: String) -> ErrorAnswer {
    ErrorAnswer {
        status: 503,
        kind: "upstream_error",
        code: Some(reason.label().to_owned()),
        param: None,
        message: format!(
            "the answer broke off before its end ({}): what came before is not the whole answer",
            reason.label()
        ),
        pilotlight: Some(pilotlight),
    }
}

/// The code of a refusal: OpenAI's own where an answer was withheld on policy grounds.
const fn code(reason: Reason) -> &'static str {
    if matches!(reason, Reason::ContentPolicy) {
        "content_policy_violation"
    } else {
        "upstream_rejected"
    }
}

fn throttled(attempt: &Attempt) -> bool {
    attempt.reason == Some(Reason::Throttled) || attempt.cause == Some(Cause::Throttled)
}

/// The code of a request that no target can serve, which is OpenAI's for a field that a model does not
/// take.
const UNSUPPORTED: &str = "unsupported_parameter";

fn is_unsupported(attempt: &Attempt) -> bool {
    attempt.reason == Some(Reason::Unsupported)
}

fn is_too_long(attempt: &Attempt) -> bool {
    matches!(
        attempt.reason,
        Some(Reason::ContextOverflow | Reason::TooLong)
    )
}

/// Which targets a request could have been sent to.
const fn whose(private: Option<Ground>) -> &'static str {
    match private {
        Some(_) => "at home",
        None => "of this route",
    }
}

/// The words for a request that no target can serve: with what, and which targets those are.
fn unsupported(asked: &[&Attempt], whose: &str) -> String {
    let mut names: Vec<String> = Vec::new();
    let mut each: Vec<String> = Vec::new();
    for attempt in asked {
        let name = format!("'{}'", attempt.target);
        if names.contains(&name) {
            continue;
        }
        each.push(match attempt.field {
            Some(field) => format!("{name} cannot take {}", wish(field)),
            None if is_too_long(attempt) => format!("the conversation is too long for {name}"),
            None => format!("{name} cannot serve it"),
        });
        names.push(name);
    }
    match agreed(asked) {
        Some(field) => format!(
            "no target {whose} can serve {}: {} cannot",
            wish(field),
            names.join(", ")
        ),
        None => format!(
            "no target {whose} can serve the request: {}",
            each.join("; ")
        ),
    }
}

/// The field that none of these can serve, where it is the same for all.
fn agreed(asked: &[&Attempt]) -> Option<&'static str> {
    let field = asked.first()?.field?;
    let same = |attempt: &&Attempt| attempt.field == Some(field);
    asked.iter().all(same).then_some(field)
}

/// What a request asks for with a field, where the field's name does not say it all.
fn wish(field: &str) -> String {
    let what = match field {
        "messages.content.file" => "a file",
        "messages.content.image_url" => "a picture",
        "messages.content.input_audio" => "sound",
        "messages.audio" => "an answer that was spoken",
        "messages.role" => "a result of a function, as there were before tools",
        "messages.tool_calls" => "tool calls in the conversation",
        "messages.tool_calls.function.arguments" => "a call whose arguments are no JSON object",
        "messages.tool_calls.type" | "tools.type" => "a tool that is no function",
        "modalities" => "a spoken answer",
        "n" => "more than one answer",
        "response_format" => "this form of an answer",
        "parallel_tool_calls" => "one call at a time",
        "function_call" | "tool_choice" => "this choice among tools",
        _ => return format!("'{field}'"),
    };
    format!("{what} ('{field}')")
}

fn summary(attempts: &[Attempt]) -> String {
    let tried: Vec<String> = attempts.iter().map(Attempt::summary).collect();
    tried.join(", ")
}
