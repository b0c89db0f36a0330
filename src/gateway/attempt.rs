//! One attempt at one target: send, judge, and commit when the first content is in hand.

use std::pin::pin;

use futures::future::{Either, select};

use crate::config::settings::ContentPolicy;
use crate::config::{Target, Way};
use crate::gateway::job::Passing;
use crate::gateway::stage;
use crate::openai::{Delivery, Finish, Usage};
use crate::platform::{
    Broken, Call, CallerLeft, Platform, Reply, ReplyBody, ReplyHeaders, SendError, Taking,
};
use crate::policy::breaker::Cause;
use crate::policy::classify::{self, Signs, Verdict, Wording, bound};
use crate::policy::drill;
use crate::provider::{Completion, Fault, Presence, Reading, Unsupported};
use crate::reason::Reason;
use crate::stream::relay::{Relay, Standing, Terms};
use crate::stream::splice::Asked;
use crate::stream::written::Written;
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
    /// Whether it failed because a drill said so.
    pub staged: Staged,
}

/// Whether something happened in a drill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Staged {
    /// It happened.
    #[default]
    No,
    /// It was made to happen.
    Yes,
}

impl Attempt {
    /// A target that was not asked.
    pub fn skipped(target: &str, reason: Reason) -> Self {
        Self {
            reason: Some(reason),
            ..Self::answered(target, 0)
        }
    }

    /// A target that was not asked, because it cannot serve this field of the request.
    pub fn unsupported(target: &str, field: &'static str) -> Self {
        Self {
            field: Some(field),
            ..Self::skipped(target, Reason::Unsupported)
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
            staged: Staged::No,
        }
    }

    /// `ok`, or the reason.
    pub fn outcome(&self) -> &'static str {
        self.reason.map_or("ok", Reason::label)
    }

    /// The reason as the ledger counts it: what a drill did is not counted as the target's.
    pub fn told_as(&self) -> String {
        match self.staged {
            Staged::No => self.outcome().to_owned(),
            Staged::Yes => format!("drill:{}", self.outcome()),
        }
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

/// The attempts that say how it stands: without those targets that were passed over for the length of
/// the conversation and asked for less of it later.
pub(super) fn settled(attempts: &[Attempt]) -> Vec<&Attempt> {
    let mut settled = Vec::with_capacity(attempts.len());
    let mut rest = attempts;
    while let Some((attempt, later)) = rest.split_first() {
        let comes_again = |other: &Attempt| other.target == attempt.target;
        if attempt.reason != Some(Reason::TooLong) || !later.iter().any(comes_again) {
            settled.push(attempt);
        }
        rest = later;
    }
    settled
}

/// What an attempt needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan<'a> {
    pub(super) target: &'a Target,
    pub(super) body: &'a [u8],
    /// How the target is asked to answer.
    pub(super) delivery: Delivery,
    pub(super) reading: Reading<'a>,
    pub(super) wording: Wording,
    /// When the request as a whole has to end.
    pub(super) deadline: u64,
    pub(super) started: u64,
    /// What the caller has already, where the target is to go on with it.
    pub(super) written: Option<&'a Written>,
    /// How it was asked to go on.
    pub(super) asked: Asked,
    /// How the stream is to be passed on.
    pub(super) passing: Passing,
    /// How it fails in a drill.
    pub(super) fault: Option<drill::Fault>,
}

/// An attempt that succeeded.
#[derive(Debug)]
pub(super) enum Success<B> {
    /// The whole answer.
    Whole(Completion),
    /// The beginning of a stream.
    Stream(Stream<B>),
}

/// A stream whose first content is in hand.
#[derive(Debug)]
pub(super) struct Stream<B> {
    pub(super) relay: Box<Relay>,
    /// What is still to come; `None` when the answer is already complete.
    pub(super) body: Option<B>,
    /// The bytes so far, where the rest is to pass untouched.
    pub(super) raw: Vec<u8>,
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
    /// What the target used all the same, where it told.
    pub(super) usage: Option<Usage>,
}

/// What the caller is told where nobody gives another answer than the one that was withheld.
pub(super) const WITHHELD: &str = "the answer was withheld on policy grounds";

/// Makes one attempt. `terms` are those of a stream, and `begun` is told when its headers are here.
pub(super) async fn attempt<W: Platform>(
    world: &W,
    plan: Plan<'_>,
    terms: impl FnOnce() -> Terms,
    begun: impl FnOnce(),
) -> Result<Success<W::Body>, Failure> {
    let settings = &plan.target.settings;
    let left = plan.deadline.saturating_sub(plan.started);
    let (taking, limit, late) = match plan.delivery {
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
    let staged = match plan.fault {
        Some(fault) => stage::stage(world, &call, fault).await,
        None => None,
    };
    let sent = match (staged, plan.target.provider.presence_url(&plan.target.url)) {
        (Some(staged), _) => staged.map_err(Unsent::Failed),
        (None, Some(url)) if limit < left && limit < settings.load_timeout_ms => {
            send_patiently(world, call, &url, left).await
        }
        (None, _) => world.send(call).await.map_err(Unsent::Failed),
    };
    let reply = sent.map_err(|unsent| {
        let reason = match unsent {
            Unsent::Loading if left < settings.load_timeout_ms => Reason::Deadline,
            Unsent::Loading => Reason::ModelLoading,
            Unsent::Failed(SendError::TimedOut) if left < limit => Reason::Deadline,
            Unsent::Failed(SendError::TimedOut) => late,
            Unsent::Failed(SendError::Thrown(text)) => bound::thrown(&text),
            Unsent::Failed(SendError::Unreachable) => Reason::Unreachable,
            Unsent::Failed(SendError::CallerLeft) => Reason::CallerLeft,
            Unsent::Failed(SendError::TooLong) => Reason::NotAnApi,
        };
        Failure::of(reason, plan.wording)
    })?;
    let Reply {
        status,
        headers,
        body,
    } = reply;
    let answer = match body {
        ReplyBody::Whole(bytes) => whole(plan, status, &headers, &bytes, world.now()),
        ReplyBody::Open(body) => {
            if let Some(reason) = in_between(plan.target, status, &headers, b"") {
                return Err(Failure::with_status(reason, plan.wording, status));
            }
            begun();
            peek(world, plan, body, terms()).await
        }
    };
    match plan.fault {
        Some(drill::Fault::Cut) => stage::cut(answer?, plan.wording),
        Some(drill::Fault::Overloaded | drill::Fault::Silence | drill::Fault::Throttled) | None => {
            answer
        }
    }
}

/// Why there is no reply.
enum Unsent {
    Failed(SendError),
    /// The model was still being loaded.
    Loading,
}

/// How long a box may take to tell which models it has in memory, in milliseconds.
const PRESENCE_MS: u64 = 3_000;

/// Sends like [`Platform::send`]. When the time is up, and the model turns out to be absent from the
/// box's memory, it is being loaded: then the call goes on for as long as loading may take, because
/// giving up would make the box begin again.
async fn send_patiently<W: Platform>(
    world: &W,
    call: Call<'_>,
    presence_url: &str,
    left: u64,
) -> Result<Reply<W::Body>, Unsent> {
    let settings = &call.target.settings;
    let longest = settings.load_timeout_ms.min(left);
    let sending = pin!(world.send(Call {
        timeout_ms: longest,
        ..call
    }));
    let sending = match select(sending, pin!(world.sleep(call.timeout_ms))).await {
        Either::Left((sent, _)) => return sent.map_err(Unsent::Failed),
        Either::Right((Ok(()), sending)) => sending,
        Either::Right((Err(CallerLeft), _)) => return Err(Unsent::Failed(SendError::CallerLeft)),
    };
    let looking = pin!(world.look(call.target, presence_url, PRESENCE_MS));
    let (seen, sending) = match select(sending, looking).await {
        Either::Left((sent, _)) => return sent.map_err(Unsent::Failed),
        Either::Right((seen, sending)) => (seen, sending),
    };
    let provider = call.target.provider;
    let presence = seen
        .body()
        .map(|body| provider.presence(body, &call.target.model));
    if presence != Some(Presence::Absent) {
        return Err(Unsent::Failed(SendError::TimedOut));
    }
    sending.await.map_err(|error| match error {
        SendError::TimedOut => Unsent::Loading,
        SendError::CallerLeft
        | SendError::Thrown(_)
        | SendError::TooLong
        | SendError::Unreachable => Unsent::Failed(error),
    })
}

fn whole<B>(
    plan: Plan<'_>,
    status: u16,
    headers: &ReplyHeaders,
    bytes: &[u8],
    now: u64,
) -> Result<Success<B>, Failure> {
    if let Some(reason) = behind_binding(plan.target, status, headers, bytes) {
        // The status is nobody's: the box has said nothing.
        return Err(Failure::of(reason, plan.wording));
    }
    if let Some(reason) = in_between(plan.target, status, headers, bytes) {
        return Err(Failure::with_status(reason, plan.wording, status));
    }
    if status == 200 {
        return match plan.target.provider.read(bytes, &plan.reading) {
            Ok(completion) if is_withheld(plan.target, completion.finish) => {
                Err(Failure::withheld(completion.usage, plan.wording))
            }
            Ok(completion) => Ok(Success::Whole(completion)),
            Err(fault) => Err(Failure::judged(fault, status, plan.wording)),
        };
    }
    let mut fault = plan.target.provider.fault(status, bytes);
    let wait = time::retry_after(
        headers.retry_after_ms.as_deref(),
        headers.retry_after.as_deref(),
        now,
    );
    fault.wait_ms = wait.or(fault.wait_ms);
    let mut failure = Failure::judged(fault, status, plan.wording);
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
    terms: Terms,
) -> Result<Success<W::Body>, Failure> {
    let settings = &plan.target.settings;
    let decoder = plan.target.provider.decoder(&plan.reading);
    let mut relay = Box::new(match plan.written {
        Some(written) => Relay::going_on(decoder, terms, written.clone(), plan.asked),
        None => Relay::new(decoder, terms),
    });
    let mut raw = Vec::new();
    let token_limit = settings
        .first_token_timeout_ms
        .min(settings.attempt_timeout_ms);
    // The headers of a box that loaded its model first come late, and the first token after them.
    let at_least = world.now().saturating_add(settings.stall_timeout_ms);
    let until = match plan.target.provider.presence_url(&plan.target.url) {
        Some(_) => at_least.max(plan.started.saturating_add(token_limit)),
        None => plan.started.saturating_add(token_limit),
    };
    loop {
        let left = until.min(plan.deadline).saturating_sub(world.now());
        // A flood of chunks without content is late all the same.
        let read = if left == 0 {
            Err(Broken::TimedOut)
        } else {
            world.read(&mut body, left).await
        };
        match read {
            Ok(Some(bytes)) => {
                relay.hold(&bytes);
                if plan.passing == Passing::Untouched {
                    raw.extend_from_slice(&bytes);
                }
            }
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
            // Nothing is made of what is not watched.
            Standing::Failed(_) if relay.has_spoken() && plan.passing == Passing::Untouched => {
                let body = Some(body);
                return Ok(Success::Stream(Stream { relay, body, raw }));
            }
            // It answered, though another answer than the one it was to go on with.
            Standing::Failed(fault) if fault.known == Some(Reason::NoSplice) => {
                let body = Some(body);
                return Ok(Success::Stream(Stream { relay, body, raw }));
            }
            Standing::Failed(fault) => {
                return Err(Failure {
                    usage: relay.tally().usage,
                    ..Failure::judged(fault.clone(), 200, plan.wording)
                });
            }
            Standing::Finished | Standing::Complete
                if relay.is_unanswered() && is_withheld(plan.target, relay.tally().finish) =>
            {
                return Err(Failure::withheld(relay.tally().usage, plan.wording));
            }
            Standing::Committed | Standing::Finished => {
                let body = Some(body);
                return Ok(Success::Stream(Stream { relay, body, raw }));
            }
            Standing::Complete => {
                let body = None;
                return Ok(Success::Stream(Stream { relay, body, raw }));
            }
        }
    }
}

/// Whether an answer that ended so is one that the next target is to give, of which nothing has gone out.
pub(super) fn is_withheld(target: &Target, finish: Option<Finish>) -> bool {
    let goes_on = target.settings.content_policy == ContentPolicy::Failover;
    goes_on && finish == Some(Finish::ContentFilter)
}

fn behind_binding(
    target: &Target,
    status: u16,
    headers: &ReplyHeaders,
    body: &[u8],
) -> Option<Reason> {
    match target.way {
        Way::Binding(_) => bound::answered(status, headers.content_type.as_deref(), body),
        Way::Missing(_) | Way::Public => None,
    }
}

/// What an answer is that the target itself did not write, where it shows.
pub(super) fn in_between(
    target: &Target,
    status: u16,
    headers: &ReplyHeaders,
    body: &[u8],
) -> Option<Reason> {
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
    pub(super) fn of(reason: Reason, wording: Wording) -> Self {
        Self {
            verdict: classify::known(reason, wording),
            fault: None,
            status: None,
            wait_ms: None,
            field: None,
            usage: None,
        }
    }

    /// The dialect cannot write the request faithfully.
    pub(super) fn unsupported(Unsupported(field): Unsupported) -> Self {
        Self {
            field: Some(field),
            ..Self::of(Reason::Unsupported, Wording::Ours)
        }
    }

    /// The provider answered that it withholds the answer.
    fn withheld(usage: Option<Usage>, wording: Wording) -> Self {
        let fault = Fault {
            message: WITHHELD.to_owned(),
            ..Fault::known(Reason::ContentPolicy)
        };
        Self {
            usage,
            ..Self::judged(fault, 200, wording)
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
            usage: None,
        }
    }
}
