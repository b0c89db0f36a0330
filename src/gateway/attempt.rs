//! One attempt at one target: send, judge, and commit when the first content is in hand.

use crate::config::Target;
use crate::openai::{ChatRequest, Delivery};
use crate::platform::{Broken, Call, Platform, Reply, ReplyBody, ReplyHeaders, SendError, Taking};
use crate::policy::breaker::Cause;
use crate::policy::classify::{self, Signs, Verdict, Wording};
use crate::provider::{Completion, Fault, Reading, Unsupported};
use crate::reason::Reason;
use crate::stream::relay::{Relay, Standing};
use crate::time;

/// One line of the account of a request: a target that was asked or skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The target's name.
    pub target: String,
    /// Why it did not answer; `None` when it did.
    pub reason: Option<Reason>,
    /// The HTTP status of an answer that was not taken.
    pub status: Option<u16>,
    /// The request's field that the target cannot serve.
    pub field: Option<&'static str>,
    /// How long it took, in milliseconds: of a stream, until its first content; the stream itself can
    /// only tell until its headers.
    pub ms: u64,
    /// When the target may be asked again, in milliseconds since 1970, where that is known.
    pub again_at: Option<u64>,
    /// Why its breaker is open, where it is.
    pub cause: Option<Cause>,
}

impl Attempt {
    /// A target that was not asked.
    pub fn skipped(target: &str, reason: Reason) -> Self {
        Self {
            reason: Some(reason),
            ..Self::answered(target, 0)
        }
    }

    /// A target that answered.
    pub fn answered(target: &str, ms: u64) -> Self {
        Self {
            target: target.to_owned(),
            reason: None,
            status: None,
            field: None,
            ms,
            again_at: None,
            cause: None,
        }
    }

    /// `ok`, or the reason.
    pub fn outcome(&self) -> &'static str {
        self.reason.map_or("ok", Reason::label)
    }

    /// `target:ok`, `target:429` or `target:reason`: an HTTP status where it says as much.
    pub fn summary(&self) -> String {
        match (self.reason, self.status) {
            (Some(Reason::Overloaded | Reason::Rejected | Reason::Throttled), Some(status))
                if status != 200 =>
            {
                format!("{}:{status}", self.target)
            }
            (Some(Reason::Unsupported), _) if self.field.is_some() => {
                format!(
                    "{}:unsupported:{}",
                    self.target,
                    self.field.unwrap_or_default()
                )
            }
            _ => format!("{}:{}", self.target, self.outcome()),
        }
    }
}

/// What an attempt needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan<'a> {
    pub(super) target: &'a Target,
    pub(super) request: &'a ChatRequest<'a>,
    pub(super) body: &'a [u8],
    pub(super) reading: Reading<'a>,
    pub(super) wording: Wording,
    /// When the request as a whole has to end.
    pub(super) deadline: u64,
    pub(super) started: u64,
}

/// An attempt that succeeded.
#[derive(Debug)]
pub(super) enum Success<B> {
    /// The whole answer.
    Whole(Completion),
    /// A stream whose first content is in hand.
    Stream { relay: Box<Relay>, body: Option<B> },
}

/// An attempt that failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) verdict: Verdict,
    pub(super) fault: Option<Box<Fault>>,
    pub(super) status: Option<u16>,
    /// How long the upstream asks to wait, in milliseconds.
    pub(super) wait_ms: Option<u64>,
    /// The request's field that the target cannot serve.
    pub(super) field: Option<&'static str>,
}

/// Makes one attempt. `disclose` writes the `pilotlight` object of a stream, given the milliseconds
/// until its headers.
pub(super) async fn attempt<W: Platform>(
    world: &W,
    plan: Plan<'_>,
    disclose: impl Fn(u64) -> String,
) -> Result<Success<W::Body>, Failure> {
    let settings = &plan.target.settings;
    let left = plan.deadline.saturating_sub(plan.started);
    let (taking, limit, late) = match plan.request.delivery {
        Delivery::Whole => (
            Taking::Whole,
            settings.attempt_timeout_ms,
            Reason::AttemptTimeout,
        ),
        Delivery::Streamed => (
            Taking::Open,
            settings.headers_timeout_ms,
            Reason::HeadersTimeout,
        ),
    };
    let call = Call {
        target: plan.target,
        body: plan.body,
        taking,
        timeout_ms: limit.min(left),
    };
    let reply = world.send(call).await.map_err(|error| match error {
        SendError::TimedOut if left < limit => Failure::of(Reason::Deadline, plan.wording),
        SendError::TimedOut => Failure::of(late, plan.wording),
        SendError::Unreachable => Failure::of(Reason::Unreachable, plan.wording),
        SendError::CallerLeft => Failure::of(Reason::CallerLeft, plan.wording),
        SendError::TooLong => Failure::of(Reason::NotAnApi, plan.wording),
    })?;
    let Reply {
        status,
        headers,
        body,
    } = reply;
    match body {
        ReplyBody::Whole(bytes) => whole(plan, status, &headers, &bytes, world.now()),
        ReplyBody::Open(body) => {
            if let Some(reason) = in_between(plan.target, status, &headers, b"") {
                return Err(Failure::with_status(reason, plan.wording, status));
            }
            let ms = world.now().saturating_sub(plan.started);
            peek(world, plan, body, disclose(ms)).await
        }
    }
}

fn whole<B>(
    plan: Plan<'_>,
    status: u16,
    headers: &ReplyHeaders,
    bytes: &[u8],
    now: u64,
) -> Result<Success<B>, Failure> {
    if let Some(reason) = in_between(plan.target, status, headers, bytes) {
        return Err(Failure::with_status(reason, plan.wording, status));
    }
    if status == 200 {
        return match plan.target.provider.read(bytes, &plan.reading) {
            Ok(completion) => Ok(Success::Whole(completion)),
            Err(fault) => Err(Failure::judged(fault, status, plan.wording)),
        };
    }
    let fault = plan.target.provider.fault(status, bytes);
    let wait = time::retry_after(
        headers.retry_after_ms.as_deref(),
        headers.retry_after.as_deref(),
        now,
    );
    let mut failure = Failure::judged(fault, status, plan.wording);
    failure.wait_ms = wait.or(failure.wait_ms);
    if headers.should_retry.as_deref() == Some("false")
        && failure.verdict.action == classify::Action::Retry
    {
        failure.verdict.action = classify::Action::Next;
    }
    Err(failure)
}

/// Reads a stream until its first content is in hand.
async fn peek<W: Platform>(
    world: &W,
    plan: Plan<'_>,
    mut body: W::Body,
    disclosure: String,
) -> Result<Success<W::Body>, Failure> {
    let settings = &plan.target.settings;
    let mut relay = Box::new(Relay::new(
        plan.target.provider.decoder(&plan.reading),
        plan.request.choices,
        plan.request.usage_chunk,
        disclosure,
    ));
    let token_limit = settings
        .first_token_timeout_ms
        .min(settings.attempt_timeout_ms);
    let until = plan.started.saturating_add(token_limit);
    loop {
        let left = until.min(plan.deadline).saturating_sub(world.now());
        // A flood of chunks without content is late all the same.
        let read = if left == 0 {
            Err(Broken::TimedOut)
        } else {
            world.read(&mut body, left).await
        };
        match read {
            Ok(Some(bytes)) => relay.hold(&bytes),
            Ok(None) => relay.end(),
            Err(Broken::CallerLeft) => {
                return Err(Failure::of(Reason::CallerLeft, plan.wording));
            }
            Err(Broken::Reset) => relay.broke(Reason::Unreachable),
            Err(Broken::TimedOut) if plan.deadline < until => relay.broke(Reason::Deadline),
            Err(Broken::TimedOut) => relay.broke(Reason::FirstTokenTimeout),
        }
        match relay.standing() {
            Standing::Waiting => {}
            Standing::Failed(fault) => {
                return Err(Failure::judged(fault.clone(), 200, plan.wording));
            }
            Standing::Committed | Standing::Finished => {
                let body = Some(body);
                return Ok(Success::Stream { relay, body });
            }
            Standing::Complete => return Ok(Success::Stream { relay, body: None }),
        }
    }
}

fn in_between(target: &Target, status: u16, headers: &ReplyHeaders, body: &[u8]) -> Option<Reason> {
    let signs = Signs {
        status,
        content_type: headers.content_type.as_deref(),
        location: headers.location.as_deref(),
        cf_error_type: headers.cf_error_type.as_deref(),
        body,
    };
    classify::in_between(&signs, target.place)
}

impl Failure {
    fn of(reason: Reason, wording: Wording) -> Self {
        Self {
            verdict: classify::known(reason, wording),
            fault: None,
            status: None,
            wait_ms: None,
            field: None,
        }
    }

    /// The dialect cannot write the request faithfully.
    pub(super) fn unsupported(Unsupported(field): Unsupported) -> Self {
        Self {
            field: Some(field),
            ..Self::of(Reason::Unsupported, Wording::Ours)
        }
    }

    fn with_status(reason: Reason, wording: Wording, status: u16) -> Self {
        Self {
            status: Some(status),
            ..Self::of(reason, wording)
        }
    }

    fn judged(fault: Fault, status: u16, wording: Wording) -> Self {
        Self {
            verdict: classify::classify(&fault, wording),
            status: Some(if fault.status == 0 {
                status
            } else {
                fault.status
            }),
            wait_ms: fault.wait_ms,
            fault: Some(Box::new(fault)),
            field: None,
        }
    }
}
