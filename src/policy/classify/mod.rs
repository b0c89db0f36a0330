//! What an upstream's failure means: one table, read by code first, then by words, then by status.
//!
//! # Why codes before status
//!
//! A status is often not what it seems: OpenAI's 429 can be an empty account, Groq's 413 a rate
//! limit, Together's 403 a prompt too long, Gemini's 400 a bad key. The body's code is what the
//! provider itself branches on, its words come next, and the status is the last resort.
//!
//! # Why words alone hold nothing against a target
//!
//! An upstream repeats what it was sent (`Invalid value: '...'`), so its words can be the caller's.
//! They may say that this request cannot be served; a target is shut for everybody only by a code,
//! by a status, or by a sentence that stands at the beginning, where nothing is repeated, and comes
//! with the status that it is known to come with.
//!
//! Sources: <https://platform.openai.com/docs/guides/error-codes>,
//! <https://console.groq.com/docs/errors>, <https://docs.together.ai/docs/error-codes>,
//! <https://openrouter.ai/docs/api-reference/errors>, and bodies pasted into public issues.

use crate::config::Place;
use crate::policy::breaker::{Health, health_of};
use crate::reason::{Fault, Reason};

pub mod bound;

/// What to do about a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What went wrong.
    pub reason: Reason,
    /// What to do now.
    pub action: Action,
    /// What it says of the target's health.
    pub health: Health,
}

/// What the chain does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask the same target again, if it has attempts left.
    Retry,
    /// Ask the next target.
    Next,
    /// Tell the caller: no target can serve this request as it is written.
    Reject,
}

/// An upstream's answer, as far as it tells what went wrong.
#[derive(Clone, Copy, Debug)]
pub struct Signs<'a> {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `Location`.
    pub location: Option<&'a str>,
    /// `cf-error-type`: the page was made by Cloudflare's edge, not by the upstream.
    pub cf_error_type: Option<&'a str>,
    /// The first bytes of the body.
    pub body: &'a [u8],
}

/// Whose words an upstream refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wording {
    /// The caller's own, passed on as they were.
    Callers,
    /// The gateway's translation of them.
    Ours,
}

/// One row: what to look for, and what it means.
struct Row {
    seek: &'static [&'static str],
    verdict: Verdict,
}

/// By machine code, whole and in lower case. First match wins.
const CODES: &[Row] = &[
    row(
        &[
            "insufficient_quota",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
            "enforced_spend_limit_reached",
            "contract_spend_limit_reached",
            "organization_on_hold",
            "payment_required",
        ],
        of(Reason::SpendLimit),
    ),
    row(
        &[
            "invalid_api_key",
            "api_key_invalid",
            "authentication",
            "organization_restricted",
        ],
        of(Reason::Credential),
    ),
    row(
        &["unsupported_country_region_territory", "permission_denied"],
        of(Reason::Credential),
    ),
    row(
        &[
            "context_length_exceeded",
            "token_limit_exceeded",
            "string_too_long",
            "exceed_context_size_error",
        ],
        of(Reason::ContextOverflow),
    ),
    row(
        &[
            "model_not_found",
            "model_decommissioned",
            "invalid_model",
            "unknown_model",
        ],
        of(Reason::ModelMissing),
    ),
    // The model, not the caller, wrote what cannot be parsed: another draw may do.
    row(
        &["tool_use_failed", "json_validate_failed"],
        Verdict {
            reason: Reason::EngineError,
            action: Action::Retry,
            health: Health::Unknown,
        },
    ),
    // This target cannot take the field; others may.
    row(
        &[
            "unsupported_parameter",
            "unsupported_value",
            "extra_forbidden",
        ],
        of(Reason::Unsupported),
    ),
    row(
        &[
            "content_policy_violation",
            "content_filter",
            "cyber_policy",
            "moderation",
            "refusal",
        ],
        of(Reason::ContentPolicy),
    ),
    row(&["slow_down"], cool(10_000)),
    row(&["capacity_exceeded"], cool(5_000)),
    row(
        &[
            "server_is_overloaded",
            "overloaded_error",
            "provider_overloaded",
            "provider_unavailable",
            "server_error",
            "api_error",
            "server",
            "timeout",
            "unmapped",
        ],
        of(Reason::Overloaded),
    ),
];

/// By the words that a text begins with, in lower case, and the only status that they come with:
/// Anthropic's empty account, and OpenAI's and Gemini's.
const OPENINGS: &[(u16, &str, Reason)] = &[
    (400, "your credit balance is too low", Reason::SpendLimit),
    (429, "you exceeded your current quota", Reason::SpendLimit),
];

/// By words anywhere, in lower case. First match wins. None may say that the operator must act.
const WORDS: &[Row] = &[
    // One request above the tokens of a minute: never to succeed with this key, however long one
    // waits.
    row(&["request too large for"], of(Reason::TooLong)),
    row(
        &[
            "this model's maximum context length is",
            "prompt is too long",
            "exceed context limit",
            "input tokens exceed the configured limit",
            "requested token count exceeds the model's maximum context length",
            "model's maximum context limit",
            "is longer than the model's context length",
            "`inputs` tokens + `max_new_tokens` must be",
            "exceeds the available context size",
            "exceeds the maximum number of tokens allowed",
            "too large for model with",
            "please reduce the length of the messages",
        ],
        of(Reason::ContextOverflow),
    ),
    row(
        &[
            // OpenRouter has the model, but nowhere with what the request asks for: an image,
            // tools, a parameter, a provider or a policy of the caller's choice. It says so with a
            // 404.
            "no endpoints found that",
            "no endpoints available matching your guardrail",
            "no allowed providers are available",
            "function tools with reasoning_effort are not supported",
            "unknown name \"",
        ],
        of(Reason::Unsupported),
    ),
    row(
        &["violating our usage policy", "content filtering policy"],
        of(Reason::ContentPolicy),
    ),
];

/// What a failed answer means. `wording` tells whose words the upstream refused.
pub fn classify(fault: &Fault, wording: Wording) -> Verdict {
    if let Some(reason) = fault.known {
        return known(reason, wording);
    }
    let by_code = fault
        .codes
        .iter()
        .find_map(|code| find(CODES, |seek| code.eq_ignore_ascii_case(seek)));
    if let Some(verdict) = by_code {
        return verdict;
    }
    let message = fault.message.to_lowercase();
    by_opening(fault.status, &message)
        .or_else(|| find(WORDS, |seek| message.contains(seek)))
        .unwrap_or_else(|| by_status(fault, &message, wording))
}

fn by_opening(status: u16, message: &str) -> Option<Verdict> {
    OPENINGS
        .iter()
        .find(|(with, opening, _)| *with == status && message.starts_with(opening))
        .map(|(_, _, reason)| of(*reason))
}

/// What happened when no answer came at all, or when the dialect knows what its answer means.
pub fn known(reason: Reason, wording: Wording) -> Verdict {
    match (reason, wording) {
        (Reason::Rejected, Wording::Callers) => Verdict {
            action: Action::Reject,
            ..of(reason)
        },
        // Ollama has been seen to forget a model that it has for one request
        // (<https://github.com/ollama/ollama/issues/8481>).
        (Reason::ModelMissing, _) => Verdict {
            action: Action::Retry,
            ..of(reason)
        },
        (_, Wording::Callers | Wording::Ours) => of(reason),
    }
}

/// What Cloudflare's edge, Access, or some other thing in between says in an upstream's place.
/// `None` when the answer seems to be the upstream's own.
pub fn in_between(signs: &Signs<'_>, place: Place) -> Option<Reason> {
    let html = signs
        .content_type
        .is_some_and(|kind| kind.starts_with("text/html"));
    let edge = html || signs.cf_error_type.is_some();
    let to_access = signs
        .location
        .is_some_and(|to| to.contains("cloudflareaccess.com") || to.contains("/cdn-cgi/access/"));
    match (signs.status, place) {
        (300..=399, _) if to_access => Some(Reason::AccessDenied),
        (300..=399, _) => Some(Reason::Redirected),
        (530, Place::Home) => Some(Reason::TunnelDown),
        (524, Place::Home) => Some(Reason::TunnelTimeout),
        (502, Place::Home) if edge || signs.body.is_empty() => Some(Reason::OriginRefused),
        (521..=523, Place::Home) => Some(Reason::OriginRefused),
        (401 | 403, Place::Home) if edge => Some(Reason::AccessDenied),
        (520..=530, _) => Some(Reason::Overloaded),
        (500..=599, _) if html => Some(Reason::Overloaded),
        (_, _) if html => Some(Reason::NotAnApi),
        (_, _) => None,
    }
}

fn by_status(fault: &Fault, message: &str, wording: Wording) -> Verdict {
    match fault.status {
        402 => of(Reason::SpendLimit),
        403 if is_togethers_overflow(message) => of(Reason::ContextOverflow),
        401 | 403 => of(Reason::Credential),
        404 => of(Reason::ModelMissing),
        // Also where Groq calls it `rate_limit_exceeded`: no wait makes the request smaller.
        413 => of(Reason::TooLong),
        429 => of(Reason::Throttled),
        200 | 498 if is_rate_limit(fault) => of(Reason::Throttled),
        498 => cool(5_000),
        200 => of(Reason::InStreamError),
        408 | 409 | 499..=599 => of(Reason::Overloaded),
        400..=498 if !matches!(fault.status, 405 | 407) => known(Reason::Rejected, wording),
        // A status that no API of this kind has.
        _ => of(Reason::NotAnApi),
    }
}

/// Together answers 403 when the input's tokens "and `max_tokens` parameter" together are not below
/// "the context length of the model being queried"
/// (<https://support.together.ai/articles/1067567273-error-codes-explanations-and-solutions>).
fn is_togethers_overflow(message: &str) -> bool {
    message.contains("max_tokens") && message.contains("context length")
}

fn is_rate_limit(fault: &Fault) -> bool {
    fault.codes.iter().any(|code| code == "rate_limit_exceeded")
}

fn find(rows: &[Row], matches: impl Fn(&str) -> bool) -> Option<Verdict> {
    rows.iter()
        .find(|row| row.seek.iter().any(|seek| matches(seek)))
        .map(|row| row.verdict)
}

const fn row(seek: &'static [&'static str], verdict: Verdict) -> Row {
    Row { seek, verdict }
}

const fn cool(ms: u64) -> Verdict {
    Verdict {
        reason: Reason::Throttled,
        action: Action::Next,
        health: Health::Throttled(Some(ms)),
    }
}

/// What a reason calls for when no row says otherwise.
const fn of(reason: Reason) -> Verdict {
    Verdict {
        reason,
        action: match reason {
            Reason::Empty
            | Reason::EndedWithoutDone
            | Reason::EngineError
            | Reason::InStreamError
            | Reason::Overloaded
            | Reason::ServerBusy
            | Reason::StreamCut
            | Reason::Throttled
            | Reason::Unreachable => Action::Retry,
            Reason::ContentPolicy => Action::Reject,
            Reason::AccessDenied
            | Reason::AttemptTimeout
            | Reason::BoxAway
            | Reason::BreakerOpen
            | Reason::CallerLeft
            | Reason::ContextOverflow
            | Reason::Credential
            | Reason::Deadline
            | Reason::FirstTokenTimeout
            | Reason::HeadersTimeout
            | Reason::Forwarded
            | Reason::HomeBusy
            | Reason::HostRefused
            | Reason::LeftHome
            | Reason::ModelLoading
            | Reason::ModelMissing
            | Reason::NoBinding
            | Reason::NoKey
            | Reason::NoSplice
            | Reason::NotAnApi
            | Reason::OriginRefused
            | Reason::Outpaced
            | Reason::Private
            | Reason::Redirected
            | Reason::Rejected
            | Reason::SpendLimit
            | Reason::Stalled
            | Reason::TooLong
            | Reason::TunnelDown
            | Reason::TunnelTimeout
            | Reason::Unsupported
            | Reason::Unverified => Action::Next,
        },
        health: health_of(reason),
    }
}

#[cfg(test)]
mod tests;
