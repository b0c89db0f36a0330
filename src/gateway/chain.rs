//! The loop: target by target, attempt by attempt, until one answers.
//!
//! Every request goes through here, whichever front it came by and whichever dialects answer it.
//! Per target: admit, shape, write, send, judge. A failure goes on to the next attempt or the next
//! target with nothing lost and nothing doubled, because no byte reaches the caller before an attempt
//! has succeeded.

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::value::RawValue;

use crate::config::settings::Truncate;
use crate::config::{Key, Target};
use crate::gateway::answer::{Disclosure, Omitted};
use crate::gateway::attempt::{self, Attempt, Failure, Plan, Success};
use crate::gateway::isolate::Isolate;
use crate::openai::{ChatRequest, Message};
use crate::platform::Platform;
use crate::policy::backoff;
use crate::policy::breaker::{self, Admission, Cause, Health, Permit};
use crate::policy::classify::{Action, Wording};
use crate::policy::fit::{self, Budget, Fitted, Ratio};
use crate::provider::{Ask, Completion, Effort, REASONING_EFFORT, Reading};
use crate::reason::Reason;
use crate::stream::relay::Relay;

/// One request on its way through the chain.
#[derive(Debug)]
pub(super) struct Job<'a, W> {
    pub(super) world: &'a W,
    pub(super) isolate: &'a Rc<Isolate>,
    pub(super) request: &'a ChatRequest<'a>,
    pub(super) id: &'a str,
    pub(super) started: u64,
    pub(super) deadline: u64,
    /// The caller's word on cutting, which can only be stricter than the target's.
    pub(super) truncate: Truncate,
}

/// How the chain ended.
#[derive(Debug)]
pub(super) struct Ending<B> {
    pub(super) attempts: Vec<Attempt>,
    pub(super) outcome: Outcome<B>,
}

/// What the chain ended with.
#[derive(Debug)]
pub(super) enum Outcome<B> {
    /// An answer, by the target at this position in the config.
    Answered { at: usize, answer: Served<B> },
    /// None. When upstreams refused the request as it is written, the first one's words.
    Nobody { refused: Option<String> },
    /// None, and nobody is there to hear of it.
    CallerLeft,
}

/// An answer and what was cut to get it.
#[derive(Debug)]
pub(super) struct Served<B> {
    pub(super) kind: Kind<B>,
    /// How many tokens we counted in the prompt, where we had to.
    pub(super) counted: Option<u32>,
    pub(super) omitted: Omitted,
}

/// The two ways of an answer.
#[derive(Debug)]
pub(super) enum Kind<B> {
    Stream {
        relay: Box<Relay>,
        body: Option<B>,
        permit: Permit,
    },
    Whole(Completion),
}

/// What one target had to say.
enum Heard<B> {
    Answer(Served<B>),
    Nothing,
    /// It refused the request as it is written, and so would the others.
    Refusal,
    CallerLeft,
}

/// Asks the targets in turn.
pub(super) async fn run<W: Platform>(
    job: &Job<'_, W>,
    targets: &[Target],
    order: &[usize],
) -> Ending<W::Body> {
    let mut account = Account::default();
    let mut last = Last::Failure;
    for at in order {
        let Some(target) = targets.get(*at) else {
            continue;
        };
        match ask(job, target, &mut account).await {
            Heard::Answer(answer) => {
                return Ending {
                    attempts: account.attempts,
                    outcome: Outcome::Answered { at: *at, answer },
                };
            }
            Heard::Nothing => {}
            Heard::Refusal => {
                last = Last::Refusal;
                break;
            }
            Heard::CallerLeft => {
                return Ending {
                    attempts: account.attempts,
                    outcome: Outcome::CallerLeft,
                };
            }
        }
    }
    Ending {
        outcome: Outcome::Nobody {
            refused: account.refusal(last),
        },
        attempts: account.attempts,
    }
}

/// What ended a chain that nobody answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// The last target, too, could not answer.
    Failure,
    /// A target refused what every target would.
    Refusal,
}

/// What was tried so far.
#[derive(Debug, Default)]
struct Account {
    attempts: Vec<Attempt>,
    first_refusal: Option<String>,
    last_refusal: Option<String>,
}

impl Account {
    /// The upstream's words that the caller can act on: only where nothing else went wrong, or where
    /// they ended the chain.
    fn refusal(&self, last: Last) -> Option<String> {
        let only_refusals = self.attempts.iter().all(|attempt| {
            matches!(
                attempt.reason,
                Some(
                    Reason::ContentPolicy | Reason::NoKey | Reason::Rejected | Reason::Unsupported
                )
            )
        });
        match last {
            Last::Refusal => self.last_refusal.clone(),
            Last::Failure => self.first_refusal.clone().filter(|_| only_refusals),
        }
    }
}

/// Asks one target, as often as it may be asked.
async fn ask<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    account: &mut Account,
) -> Heard<W::Body> {
    let admitted = match admit(job, target) {
        Ok(admitted) => admitted,
        Err(skipped) => {
            account.attempts.push(skipped);
            return Heard::Nothing;
        }
    };
    let permit = admitted.permit;
    let mut shaped = match shape(job, target, job.isolate.ratio(&target.name)) {
        Ok(shaped) => shaped,
        Err(skipped) => return not_sent(job, target, permit, account, skipped),
    };
    let mut refitted = false;
    let mut number = 1;
    loop {
        let started = job.world.now();
        let failure = match once(job, target, &shaped, started, account).await {
            Ok(success) => {
                return answered(job, target, permit, &shaped, started, success, account);
            }
            Err(failure) => failure,
        };
        note(job, target, &failure, started, account);
        if failure.verdict.reason == Reason::CallerLeft {
            record(job, target, permit, Health::Unknown);
            return Heard::CallerLeft;
        }
        if !refitted && let Some(ratio) = corrected(job, target, &shaped, &failure) {
            refitted = true;
            shaped = match shape(job, target, ratio) {
                Ok(shaped) => shaped,
                Err(skipped) => return not_sent(job, target, permit, account, skipped),
            };
            continue;
        }
        if let Some(effort) = refused_effort(job.request, &shaped, &failure) {
            if cannot_think(&failure) {
                job.isolate.refuse_effort(&target.name, effort);
            }
            shaped.omitted.dropped.push(REASONING_EFFORT);
            continue;
        }
        let wait = again(job, target, &failure, number).filter(|_| number < admitted.attempts);
        let Some(wait) = wait else {
            let health = failure.verdict.health.with_wait(failure.wait_ms);
            record(job, target, permit, health);
            return match failure.verdict.action {
                Action::Reject => Heard::Refusal,
                Action::Next | Action::Retry => Heard::Nothing,
            };
        };
        job.world.sleep(wait).await;
        number += 1;
    }
}

/// A target that turned out not to be asked. A probe that is not sent makes room for the next.
fn not_sent<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    permit: Permit,
    account: &mut Account,
    skipped: Attempt,
) -> Heard<W::Body> {
    record(job, target, permit, Health::Unknown);
    account.attempts.push(skipped);
    Heard::Nothing
}

/// An attempt that succeeded. The breaker hears of a whole answer now, and of a stream at its end; but
/// a target that was probed is back with its first word.
fn answered<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    permit: Permit,
    shaped: &Shaped<'_>,
    started: u64,
    success: Success<W::Body>,
    account: &mut Account,
) -> Heard<W::Body> {
    let now = job.world.now();
    let ms = now.saturating_sub(started);
    account.attempts.push(Attempt::answered(&target.name, ms));
    let kind = match success {
        Success::Whole(completion) => {
            job.isolate
                .compare(&target.name, shaped.counted, completion.usage);
            record(job, target, permit, Health::Well);
            Kind::Whole(completion)
        }
        Success::Stream { relay, body } => {
            let told = job.isolate.heard_from(target, permit, now);
            super::tell_isolates(job.world, target, told);
            Kind::Stream {
                relay,
                body,
                permit,
            }
        }
    };
    Heard::Answer(Served {
        kind,
        counted: shaped.counted,
        omitted: shaped.omitted.clone(),
    })
}

/// Leave to ask a target.
struct Admitted {
    permit: Permit,
    /// How often it may be asked.
    attempts: u32,
}

/// Asks for leave; or why the target must not be asked now.
fn admit<W: Platform>(job: &Job<'_, W>, target: &Target) -> Result<Admitted, Attempt> {
    let now = job.world.now();
    if matches!(target.key, Key::Missing(_)) {
        return Err(Attempt::skipped(&target.name, Reason::NoKey));
    }
    if now >= job.deadline {
        return Err(Attempt::skipped(&target.name, Reason::Deadline));
    }
    match job.isolate.admit(target, now) {
        Admission::Pass(permit) => Ok(Admitted {
            permit,
            attempts: target.settings.attempts,
        }),
        Admission::Probe(permit) => Ok(Admitted {
            permit,
            attempts: 1,
        }),
        Admission::Refuse { until, cause } => Err(Attempt {
            again_at: Some(until),
            cause: Some(cause),
            ..Attempt::skipped(&target.name, Reason::BreakerOpen)
        }),
    }
}

/// A request as it goes to one target.
struct Shaped<'a> {
    messages: Cow<'a, [Message<'a>]>,
    counted: Option<u32>,
    omitted: Omitted,
}

/// Fits the conversation into the target's window.
fn shape<'a, W: Platform>(
    job: &Job<'a, W>,
    target: &Target,
    ratio: Ratio,
) -> Result<Shaped<'a>, Attempt> {
    let effort = effort(job.request).map_or(Effort::Asked, |effort| {
        job.isolate.effort(&target.name, effort)
    });
    let omitted = |truncated| Omitted {
        truncated,
        dropped: match effort {
            Effort::Asked => Vec::new(),
            Effort::Dropped => vec![REASONING_EFFORT],
        },
    };
    let uncut = |counted| Shaped {
        messages: Cow::Borrowed(job.request.messages.as_slice()),
        counted,
        omitted: omitted(None),
    };
    let Some(window) = target.context else {
        return Ok(uncut(None));
    };
    let budget = Budget {
        window,
        room: room(job.request, target, window),
        ratio,
    };
    match fit::fit(job.request, &budget) {
        Fitted::Whole { counted } => Ok(uncut(counted)),
        Fitted::Cut { .. } if cutting(job, target) == Truncate::Never => {
            Err(Attempt::skipped(&target.name, Reason::TooLong))
        }
        Fitted::Cut {
            messages,
            counted,
            truncated,
        } => Ok(Shaped {
            messages: Cow::Owned(messages),
            counted: Some(counted),
            omitted: omitted(Some(truncated)),
        }),
        Fitted::TooLong { .. } => Err(Attempt::skipped(&target.name, Reason::TooLong)),
    }
}

/// Tokens kept for the answer: as many as may be asked for, but never more than half the window, so
/// that a generous limit does not push the conversation out.
fn room(request: &ChatRequest<'_>, target: &Target, window: u32) -> u32 {
    let wanted = request
        .max_tokens
        .or(target.settings.max_output)
        .unwrap_or(window / 4);
    wanted.min(window / 2)
}

fn cutting<W>(job: &Job<'_, W>, target: &Target) -> Truncate {
    match (job.truncate, target.settings.truncate) {
        (Truncate::Auto, Truncate::Auto) => Truncate::Auto,
        (Truncate::Never, _) | (_, Truncate::Never) => Truncate::Never,
    }
}

/// One attempt.
async fn once<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    shaped: &Shaped<'_>,
    started: u64,
    account: &Account,
) -> Result<Success<W::Body>, Failure> {
    let ask = Ask {
        request: job.request,
        messages: &shaped.messages,
        model: &target.model,
        company: target.company,
        context: target.context,
        max_tokens: job.request.max_tokens.or(target.settings.max_output),
        keep_alive: target.settings.keep_alive.as_deref(),
        effort: if shaped.omitted.dropped.contains(&REASONING_EFFORT) {
            Effort::Dropped
        } else {
            Effort::Asked
        },
    };
    let body = target.provider.write(&ask).map_err(Failure::unsupported)?;
    let plan = Plan {
        target,
        request: job.request,
        body: &body,
        reading: Reading {
            model: &target.model,
            request_id: job.id,
            created: job.started / 1_000,
            choices: job.request.choices,
            usage_chunk: job.request.usage_chunk,
        },
        wording: wording(target, shaped),
        deadline: job.deadline,
        started,
    };
    let disclose = |ms: u64| {
        let mut attempts = account.attempts.clone();
        attempts.push(Attempt::answered(&target.name, ms));
        Disclosure {
            request_id: job.id,
            answered: Some((&target.name, &target.model)),
            attempts: &attempts,
            omitted: &shaped.omitted,
        }
        .to_json()
    };
    attempt::attempt(job.world, plan, disclose).await
}

/// Whose words the target gets. At OpenAI itself, and uncut, a refusal is the caller's to hear.
/// Anywhere else it may be the translation's fault or the server's own limit, and the next target is
/// asked.
fn wording(target: &Target, shaped: &Shaped<'_>) -> Wording {
    let is_openai = target.provider.name() == "openai" && target.company.name == "openai";
    if is_openai && shaped.omitted.truncated.is_none() {
        Wording::Callers
    } else {
        Wording::Ours
    }
}

/// Writes a failed attempt into the account.
fn note<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    failure: &Failure,
    started: u64,
    account: &mut Account,
) {
    let now = job.world.now();
    let reason = failure.verdict.reason;
    account.attempts.push(Attempt {
        status: failure.status.filter(|status| *status != 200),
        field: failure.field,
        ms: now.saturating_sub(started),
        again_at: breaker::asked_for(
            failure.verdict.health.with_wait(failure.wait_ms),
            &target.settings,
            now,
        )
        .filter(|(_, cause)| *cause != Cause::Misconfigured)
        .map(|(until, _)| until),
        ..Attempt::skipped(&target.name, reason)
    });
    if matches!(reason, Reason::ContentPolicy | Reason::Rejected)
        && let Some(fault) = &failure.fault
    {
        let text = super::redact::upstream_text(&fault.message);
        account.first_refusal.get_or_insert_with(|| text.clone());
        account.last_refusal = Some(text);
    }
}

/// A better ratio after an overflow whose tokens the upstream counted; `None` where another fit would
/// not help.
fn corrected<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    shaped: &Shaped<'_>,
    failure: &Failure,
) -> Option<Ratio> {
    if failure.verdict.reason != Reason::ContextOverflow {
        return None;
    }
    let real = failure.fault.as_ref()?.prompt_tokens?;
    target.context?;
    let counted = shaped
        .counted
        .unwrap_or_else(|| fit::count(job.request, &shaped.messages));
    Some(job.isolate.learn(&target.name, counted, real))
}

/// The `reasoning_effort` that the caller asks for, as JSON text.
fn effort<'a>(request: &ChatRequest<'a>) -> Option<&'a str> {
    request.fields.raw(REASONING_EFFORT).map(RawValue::get)
}

/// The `reasoning_effort`, if it is all that the target refused the request for. A model that cannot
/// think answers without being asked to, and the caller is told.
fn refused_effort<'a>(
    request: &ChatRequest<'a>,
    shaped: &Shaped<'_>,
    failure: &Failure,
) -> Option<&'a str> {
    let blamed = failure.fault.as_ref()?.param.as_deref()?;
    let is_it = failure.verdict.reason == Reason::Unsupported && blamed == REASONING_EFFORT;
    let dropped = shaped.omitted.dropped.contains(&REASONING_EFFORT);
    effort(request).filter(|_| is_it && !dropped)
}

/// Whether the dialect itself knows that the model cannot think. Other refusals of an effort may be
/// about what else was asked.
fn cannot_think(failure: &Failure) -> bool {
    let known = failure.fault.as_ref().and_then(|fault| fault.known);
    known == Some(Reason::Unsupported)
}

/// How long to wait before the same target is asked again; `None` when it is not.
fn again<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    failure: &Failure,
    number: u32,
) -> Option<u64> {
    let settings = &target.settings;
    if failure.verdict.action != Action::Retry || number >= settings.attempts {
        return None;
    }
    let wait = match failure.wait_ms {
        Some(asked) if asked > settings.retry_after_max_ms => return None,
        Some(asked) => asked,
        None => backoff::wait_ms(settings, number + 1, job.world.random()),
    };
    (job.world.now().saturating_add(wait) < job.deadline).then_some(wait)
}

/// Tells the target's breaker, and the other isolates where it matters. They hear of it after the
/// answer, never before.
fn record<W: Platform>(job: &Job<'_, W>, target: &Target, permit: Permit, health: Health) {
    super::tell_breaker(job.world, job.isolate, target, permit, health);
}
