//! What an upstream's failure means: one table, read by code first, then by words, then by status.
//!
//! The rows are in `table.rs`. What stands between the gateway and an upstream is told by other signs
//! than a body's, in `between.rs` and [`bound`].
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

use crate::policy::breaker::{Health, health_of};
use crate::reason::{Fault, Reason};

use row::Seek;
use table::ROWS;

mod between;
pub mod bound;
mod row;
mod table;

pub use between::{Signs, in_between};

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

/// Whose words an upstream refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wording {
    /// The caller's own, passed on as they were.
    Callers,
    /// The gateway's translation of them.
    Ours,
}

/// What a failed answer means. `wording` tells whose words the upstream refused.
pub fn classify(fault: &Fault, wording: Wording) -> Verdict {
    if let Some(reason) = fault.known {
        return known(reason, wording);
    }
    let text = fault.message.to_lowercase();
    let rows = || ROWS.iter().filter(|row| row.counts_with(fault));
    let by_code = |matches: &dyn Fn(&Seek, &str) -> bool| {
        let row = |code: &String| rows().find(|row| matches(&row.seek, code));
        fault.codes.iter().find_map(row)
    };
    let found = by_code(&|seek, code| seek.is_code(code, &text))
        .or_else(|| rows().find(|row| row.seek.is_opening(&text)))
        .or_else(|| rows().find(|row| row.seek.is_said(&text)))
        .or_else(|| by_code(&|seek, code| seek.is_hint(code)))
        .or_else(|| rows().find(|row| row.seek.is_status()));
    let verdict = found.map_or(of(Reason::NotAnApi), |row| row.verdict);
    heard_by(verdict, wording)
}

/// What happened when no answer came at all, or when the dialect knows what its answer means.
pub fn known(reason: Reason, wording: Wording) -> Verdict {
    let mut verdict = of(reason);
    // Ollama has been seen to forget a model that it has for one request
    // (<https://github.com/ollama/ollama/issues/8481>).
    if reason == Reason::ModelMissing {
        verdict.action = Action::Retry;
    }
    heard_by(verdict, wording)
}

/// A refusal of the caller's own words is the caller's to hear; one of ours says nothing of what the next
/// target makes of them.
fn heard_by(verdict: Verdict, wording: Wording) -> Verdict {
    match (verdict.reason, wording) {
        (Reason::Rejected, Wording::Callers) => Verdict {
            action: Action::Reject,
            ..verdict
        },
        (_, Wording::Callers | Wording::Ours) => verdict,
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
