//! One target, asked as often as it may be, until its first word or its whole answer is here.
//!
//! Nothing of it has gone to the caller by then, so a failure goes on to the next attempt or the next
//! target with nothing lost and nothing doubled.

use std::fmt;
use std::rc::Rc;

use crate::config::Target;
use crate::config::settings::{ContentPolicy, Prefill};
use crate::gateway::account::{Account, Answerer, Entry};
use crate::gateway::answer::{Disclosure, Omitted};
use crate::gateway::attempt::{self, Attempt, Failure, Plan, Success};
use crate::gateway::boxes::window;
use crate::gateway::exhausted::Refusal;
use crate::gateway::hold::{Hold, NotHeld, Patience, claim, during};
use crate::gateway::job::{Job, Passing};
use crate::gateway::leave::{self, Admitted, admit};
use crate::gateway::own;
use crate::gateway::shape::{self, Cutting, Fitting, Misfit, Shaped};
use crate::gateway::spent::Used;
use crate::models::Ability;
use crate::openai::{ChatRequest, Delivery, Usage, UsageChunk};
use crate::platform::Platform;
use crate::policy::backoff;
use crate::policy::breaker::{self, Cause, Permit};
use crate::policy::classify::{Action, Wording};
use crate::policy::cost::Tariff;
use crate::policy::fit::{self, TooLarge};
use crate::policy::resume;
use crate::provider::{Ask, Ending, Names, Origin, REASONING_EFFORT, Reading, UpstreamRequest};
use crate::reason::Reason;
use crate::stream::relay::{Calls, Disclose, Terms};
use crate::stream::splice::Asked;
use crate::stream::written::Written;

/// What one target had to say.
pub(super) enum Heard<W: Platform> {
    Answer(Box<Opened<W>>),
    /// It is at home and serves as many as it may.
    Busy,
    Nothing,
    /// The conversation is too long for it, and another may take it whole.
    PutOff,
    /// It refused the request as it is written, and so would the others.
    Refusal,
    CallerLeft,
}

impl<W: Platform> Heard<W> {
    /// Whether it had no answer, and another may.
    pub(super) const fn is_none(&self) -> bool {
        matches!(
            self,
            Self::Busy | Self::Nothing | Self::PutOff | Self::Refusal
        )
    }

    /// What two targets had to say, of whom the first had no answer.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Refusal, Self::Busy | Self::Nothing | Self::PutOff) => Self::Refusal,
            (_, other) => other,
        }
    }
}

/// A target that answers.
pub(super) struct Opened<W: Platform> {
    /// Its position in the config.
    pub(super) at: usize,
    pub(super) answerer: Answerer,
    pub(super) permit: Permit,
    /// How many tokens we counted in the prompt, where we had to.
    pub(super) counted: Option<u32>,
    pub(super) answer: Success<W::Body>,
    /// Its place at the box, where it is at home.
    pub(super) hold: Option<Hold<W>>,
}

/// How a target's box is entered.
pub(super) enum Entrance<W: Platform> {
    /// With a slot that is held already.
    Held(Option<Hold<W>>),
    /// With one that is asked for.
    Waits(Patience),
}

impl<W: Platform> Entrance<W> {
    /// How long it is waited for; who is in has waited.
    pub(super) const fn patience(&self) -> Patience {
        match self {
            Self::Held(_) => Patience::Long,
            Self::Waits(patience) => *patience,
        }
    }
}

/// Asks one target; `written` is what the caller has already, where the target is to go on with it.
pub(super) async fn open<W: Platform>(
    job: &Job<'_, W>,
    at: usize,
    written: Option<&Written>,
    entrance: Entrance<W>,
    cutting: Cutting,
) -> Heard<W> {
    let Some(target) = job.config.targets.get(at) else {
        return Heard::Nothing;
    };
    if let Err(heard) = may_be_asked(job, target).await {
        return heard;
    }
    let resumed = resumed(job, target, written);
    let errand = Errand {
        target,
        request: resumed.as_ref().map_or(job.request, |(request, _)| request),
        written,
        asked: resumed
            .as_ref()
            .map_or(Asked::Anchored, |(_, asked)| *asked),
        cutting,
    };
    let fitting = shape::fitting(job, target, cutting);
    let shaped = match shape::shape(job, errand.request, target, fitting) {
        Ok(shaped) => shaped,
        Err(Misfit::PutOff) => return put_off(job, target),
        Err(Misfit::Skipped(skipped)) => return passed_over(job, skipped),
    };
    let hold = match enter(job, target, entrance).await {
        Ok(hold) => hold,
        Err(NotHeld::Busy) => return Heard::Busy,
        Err(NotHeld::CallerLeft) => return Heard::CallerLeft,
    };
    // Only now, because a probe that waits in a queue would keep all others from asking.
    let admitted = match admit(job, target) {
        Ok(admitted) => admitted,
        Err(skipped) => return passed_over(job, skipped),
    };
    let mut heard = during(hold.as_ref(), ask(job, at, &errand, shaped, admitted)).await;
    if let Heard::Answer(opened) = &mut heard {
        opened.hold = hold;
    }
    heard
}

/// The request of a caller who has something already, for a target that is to go on with it.
fn resumed<'a, W: Platform>(
    job: &Job<'a, W>,
    target: &Target,
    written: Option<&Written>,
) -> Option<(ChatRequest<'a>, Asked)> {
    let text = written.and_then(Written::text)?;
    if text.is_empty() {
        return None;
    }
    let prefill = if target.abilities.lacks(Ability::Prefill) {
        Prefill::No
    } else {
        target.settings.prefill
    };
    resume::request(job.request, &text, prefill)
}

/// Whether the conversation is too long for a target, so that it is not asked before those with a
/// larger window; then it is noted. For a target whose box is about to be entered.
pub(super) fn is_put_off<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    written: Option<&Written>,
) -> bool {
    let resumed = resumed(job, target, written);
    let request = resumed.as_ref().map_or(job.request, |(request, _)| request);
    let fitting = shape::fitting(job, target, Cutting::Later);
    let misfit = shape::shape(job, request, target, fitting).err();
    let is_put_off = matches!(misfit, Some(Misfit::PutOff));
    if is_put_off {
        put_off::<W>(job, target);
    }
    is_put_off
}

/// Notes that a target is not asked yet.
fn put_off<W: Platform>(job: &Job<'_, W>, target: &Target) -> Heard<W> {
    let skipped = Attempt::skipped(&target.name, Reason::TooLong);
    job.account.note(skipped);
    Heard::PutOff
}

/// Whether a target may be asked, as far as can be told before its box is entered.
async fn may_be_asked<W: Platform>(job: &Job<'_, W>, target: &Target) -> Result<(), Heard<W>> {
    if let Some(skipped) = leave::refused(job, target) {
        return Err(passed_over(job, skipped));
    }
    let since = job.world.now();
    own::make_sure(job, target).await.map_err(|reason| {
        let skipped = Attempt {
            ms: job.world.now().saturating_sub(since),
            ..Attempt::skipped(&target.name, reason)
        };
        passed_over(job, skipped)
    })
}

/// Notes that a target is not asked.
fn passed_over<W: Platform>(job: &Job<'_, W>, skipped: Attempt) -> Heard<W> {
    let left = skipped.reason == Some(Reason::CallerLeft);
    job.account.note(skipped);
    if left {
        Heard::CallerLeft
    } else {
        Heard::Nothing
    }
}

/// Sees to it that there is a slot at the target's box; notes it when there is none.
async fn enter<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    entrance: Entrance<W>,
) -> Result<Option<Hold<W>>, NotHeld> {
    let patience = match entrance {
        // What a drill makes fail is not at the box.
        Entrance::Waits(_) if !job.is_sent(target) => return Ok(None),
        Entrance::Held(hold) => return Ok(hold),
        Entrance::Waits(patience) => patience,
    };
    let since = job.world.now();
    let claimed = claim(job, target, patience).await;
    match &claimed {
        Err(NotHeld::Busy) => note_busy(job, target, since),
        Err(NotHeld::CallerLeft) => {
            job.account
                .note(Attempt::skipped(&target.name, Reason::CallerLeft));
        }
        Ok(_) => {}
    }
    claimed
}

/// Notes that a target's box was busy from `since` until now.
pub(super) fn note_busy<W: Platform>(job: &Job<'_, W>, target: &Target, since: u64) {
    job.account.note(Attempt {
        ms: job.world.now().saturating_sub(since),
        ..Attempt::skipped(&target.name, Reason::HomeBusy)
    });
}

/// What one target is to do.
struct Errand<'a> {
    target: &'a Target,
    request: &'a ChatRequest<'a>,
    written: Option<&'a Written>,
    asked: Asked,
    cutting: Cutting,
}

async fn ask<'e, W: Platform>(
    job: &Job<'_, W>,
    at: usize,
    errand: &'e Errand<'_>,
    mut shaped: Shaped<'e>,
    admitted: Admitted<'_, '_, W>,
) -> Heard<W> {
    let Errand {
        target, request, ..
    } = errand;
    let Admitted { leave, attempts } = admitted;
    let mut refitted = false;
    let mut number = 1;
    loop {
        let entry = job.account.begin(&target.name, job.world.now());
        let failure = match once(job, errand, &shaped, entry).await {
            Ok((answer, omitted)) => {
                job.account.answers(entry, job.world.now());
                return Heard::Answer(Box::new(Opened {
                    at,
                    answerer: Answerer {
                        entry,
                        target: target.name.clone(),
                        model: target.model.clone(),
                        omitted,
                    },
                    permit: leave.keep(),
                    counted: shaped.counted,
                    answer,
                    hold: None,
                }));
            }
            Err(failure) => failure,
        };
        note(job, target, &failure, entry);
        if failure.verdict.reason == Reason::CallerLeft {
            return Heard::CallerLeft;
        }
        if !refitted && let Some(fitting) = corrected(job, errand, &shaped, &failure) {
            refitted = true;
            match shape::shape(job, request, target, fitting) {
                Ok(refit) if refit.omitted.truncated != shaped.omitted.truncated => {
                    shaped = refit;
                    continue;
                }
                // The same once more would be refused once more.
                Ok(_) => {}
                // That it is too long it has said itself.
                Err(Misfit::PutOff) => return Heard::PutOff,
                Err(Misfit::Skipped(skipped)) => {
                    job.account.note(skipped);
                    return Heard::Nothing;
                }
            }
        }
        if let Some(effort) = refused_effort(&shaped, &failure) {
            if cannot_think(&failure) {
                job.isolate.refuse_effort(&target.name, &effort);
            }
            shaped.leave_effort();
            continue;
        }
        let wait = again(job, target, &failure, number).filter(|_| number < attempts);
        let Some(wait) = wait else {
            leave.settle(failure.verdict.health.with_wait(failure.wait_ms));
            return match failure.verdict.action {
                Action::Reject if !goes_on(target, &failure) => Heard::Refusal,
                Action::Next | Action::Reject | Action::Retry => Heard::Nothing,
            };
        };
        if job.world.sleep(wait).await.is_err() {
            return Heard::CallerLeft;
        }
        number += 1;
    }
}

/// One attempt.
async fn once<W: Platform>(
    job: &Job<'_, W>,
    errand: &Errand<'_>,
    shaped: &Shaped<'_>,
    entry: Entry,
) -> Result<(Success<W::Body>, Omitted), Failure> {
    let target = errand.target;
    let delivery = match errand.written {
        Some(_) => Delivery::Streamed,
        None => job.asking(target),
    };
    let (UpstreamRequest { body, dropped }, names) = write(job, errand, shaped, delivery)?;
    let omitted = shaped.omitted.with(dropped);
    let usage_chunk = match job.request.delivery {
        Delivery::Streamed => job.request.usage_chunk,
        // The answer that is put together tells what it used.
        Delivery::Whole => UsageChunk::Wanted,
    };
    let plan = Plan {
        target,
        body: &body,
        delivery,
        reading: Reading {
            model: &target.model,
            request_id: job.id,
            created: job.started / 1_000,
            choices: job.request.choices,
            usage_chunk,
            origin: match job.private {
                Some(_) => Origin::Target,
                None => Origin::Any,
            },
            company: target.company,
            names: &names,
        },
        wording: wording(target, &omitted),
        deadline: job.deadline,
        started: job.world.now(),
        written: errand.written,
        asked: errand.asked,
        passing: job.passing(target),
        fault: job.fault(target),
    };
    let terms = || Terms {
        choices: job.request.choices,
        usage_chunk,
        calls: match job.passing(target) {
            Passing::Untouched => Calls::Streamed,
            Passing::Watched => target.settings.tool_calls,
        },
        keep: job.keep(),
        disclose: Box::new(Discloser {
            world: job.world.clone(),
            tariff: job.tariff(target),
            account: Rc::clone(job.account),
            request_id: job.id.to_owned(),
            answerer: Answerer {
                entry,
                target: target.name.clone(),
                model: target.model.clone(),
                omitted: omitted.clone(),
            },
        }),
    };
    let begun = || job.account.hears(entry, job.world.now());
    let answer = attempt::attempt(job.world, plan, terms, begun).await?;
    Ok((answer, omitted))
}

/// Writes what one attempt sends; with the tools that have other names in it.
fn write<W: Platform>(
    job: &Job<'_, W>,
    errand: &Errand<'_>,
    shaped: &Shaped<'_>,
    delivery: Delivery,
) -> Result<(UpstreamRequest, Names), Failure> {
    let target = errand.target;
    let ask = Ask {
        request: errand.request,
        messages: &shaped.messages,
        delivery,
        usage_chunk: job.usage_told(target),
        ending: match errand.asked {
            Asked::Anchored | Asked::Anew => Ending::Usual,
            Asked::Prefilled => Ending::Prefill,
        },
        model: &target.model,
        company: target.company,
        context: shaped.window,
        window: window(target),
        max_tokens: shape::most_tokens(errand.request, target),
        max_output: target.max_output,
        abilities: target.abilities,
        left_out: &shaped.left_out,
        effort: shaped.effort.as_deref(),
        keep_alive: target.settings.keep_alive.as_deref(),
    };
    let written = target.provider.write(&ask).map_err(Failure::unsupported)?;
    let names = match target.provider.tool_names(target.company) {
        Some(rule) => Names::of_tools(errand.request, &rule),
        None => Names::default(),
    };
    Ok((written, names))
}

/// Writes the `pilotlight` object at a stream's end.
struct Discloser<W> {
    world: W,
    tariff: Tariff,
    account: Rc<Account>,
    request_id: String,
    answerer: Answerer,
}

impl<W> fmt::Debug for Discloser<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discloser")
            .field("answerer", &self.answerer)
            .finish_non_exhaustive()
    }
}

impl<W: Platform> Disclose for Discloser<W> {
    fn json(&self, written: &Written, usage: Option<Usage>) -> String {
        let Answerer { entry, target, .. } = &self.answerer;
        let (used, now) = (Used::told(usage), self.world.now());
        self.account.spends(*entry, target, used, self.tariff, now);
        let until = || written.characters();
        let tell = |told: Disclosure<'_>| told.to_json();
        self.account
            .disclosing(&self.request_id, Some(&self.answerer), until, tell)
    }
}

/// Whose words the target gets. At OpenAI itself, uncut and with nothing left out, a refusal is the
/// caller's to hear. Anywhere else it may be the translation's fault or the server's own limit, and the
/// next target is asked, however many have refused: a refusal costs little, and each may have another
/// reason.
fn wording(target: &Target, omitted: &Omitted) -> Wording {
    let is_openai = target.provider.name() == "openai" && target.company.name == "openai";
    if is_openai && omitted.truncated.is_none() && omitted.dropped.is_empty() {
        Wording::Callers
    } else {
        Wording::Ours
    }
}

/// Whether the next target is to be asked although no target would answer by the words of this one: it
/// withheld the answer, and the policy of another may be another.
fn goes_on(target: &Target, failure: &Failure) -> bool {
    failure.verdict.reason == Reason::ContentPolicy
        && target.settings.content_policy == ContentPolicy::Failover
}

/// Writes a failed attempt into the account.
fn note<W: Platform>(job: &Job<'_, W>, target: &Target, failure: &Failure, entry: Entry) {
    let now = job.world.now();
    let verdict = failure.verdict;
    own::learn(job, target, verdict.reason);
    let asked_for = breaker::asked_for(
        verdict.health.with_wait(failure.wait_ms),
        &target.settings,
        now,
    );
    job.account.fails(entry, now, |attempt| {
        attempt.reason = Some(verdict.reason);
        attempt.status = failure.status.filter(|status| *status != 200);
        attempt.field = failure.field;
        attempt.staged = job.staged(target);
        attempt.again_at = asked_for
            .filter(|(_, cause)| *cause != Cause::Misconfigured)
            .map(|(until, _)| until);
    });
    if let Some(usage) = failure.usage {
        let (used, tariff) = (Used::Counted(usage), job.tariff(target));
        job.account.spends(entry, &target.name, used, tariff, now);
    }
    if matches!(verdict.reason, Reason::ContentPolicy | Reason::Rejected)
        && let Some(fault) = &failure.fault
    {
        job.account.refuse(Refusal {
            reason: verdict.reason,
            text: super::redact::upstream_text(&fault.message),
        });
    }
}

/// A better way to fit after an overflow: by the tokens that the upstream counted; where it does not
/// tell them, without the benefit of the doubt that it had. `None` where another fit would not help.
fn corrected<W: Platform>(
    job: &Job<'_, W>,
    errand: &Errand<'_>,
    shaped: &Shaped<'_>,
    failure: &Failure,
) -> Option<Fitting> {
    if failure.verdict.reason != Reason::ContextOverflow {
        return None;
    }
    let window = shaped.window?;
    let name = &errand.target.name;
    let (request, messages) = (errand.request, &shaped.messages);
    let is_guess = window > fit::COUNTED && shaped.omitted.truncated.is_none();
    let ratio = match failure.fault.as_ref()?.prompt_tokens {
        // What one conversation teaches of an estimate holds for that one: nothing would ever unteach it.
        Some(real) if window > fit::COUNTED => {
            let estimated = fit::estimate(request, messages);
            job.isolate.ratio(name).learned(estimated, real)
        }
        Some(real) => {
            let counted = shaped.counted;
            let counted = counted.unwrap_or_else(|| fit::count(request, messages));
            job.isolate.learn(name, counted, real)
        }
        None if is_guess => job.isolate.ratio(name),
        None => return None,
    };
    Some(Fitting {
        ratio,
        too_large: TooLarge::Probably,
        cutting: errand.cutting,
    })
}

/// The `reasoning_effort`, if it is all that the target refused the request for. A model that cannot
/// think answers without being asked to, and the caller is told.
fn refused_effort(shaped: &Shaped<'_>, failure: &Failure) -> Option<String> {
    let blamed = failure.fault.as_ref()?.param.as_deref()?;
    let is_it = failure.verdict.reason == Reason::Unsupported && blamed == REASONING_EFFORT;
    shaped.effort.clone().filter(|_| is_it)
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
