//! One target: whether it is asked, and how its box is entered, until its first word or its whole answer
//! is here.
//!
//! Nothing of it has gone to the caller by then, so a failure goes on to the next target with nothing
//! lost and nothing doubled.

use crate::config::Target;
use crate::config::settings::Prefill;
use crate::gateway::account::Answerer;
use crate::gateway::ask::{Errand, ask};
use crate::gateway::attempt::{Attempt, Success};
use crate::gateway::hold::{Hold, NotHeld, Patience, claim, during};
use crate::gateway::job::Job;
use crate::gateway::leave::{self, admit};
use crate::gateway::own;
use crate::gateway::shape::{self, Cutting, Misfit};
use crate::models::Ability;
use crate::openai::ChatRequest;
use crate::platform::Platform;
use crate::policy::breaker::Permit;
use crate::policy::resume;
use crate::reason::Reason;
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
