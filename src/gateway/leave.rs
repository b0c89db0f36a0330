//! Leave to ask a target: whether it may be asked now, and that its breaker hears what came of it.
//!
//! **Invariant:** every permit of a breaker comes back once, whichever way a request goes on: with what
//! the target's answer told, or, when the target was not asked after all or another was faster, with
//! nothing.

use crate::config::{Key, Place, Target, Way};
use crate::gateway::attempt::Attempt;
use crate::gateway::job::Job;
use crate::platform::Platform;
use crate::policy::breaker::{Admission, Cause, Health, Permit, Standing};
use crate::reason::Reason;

/// Leave to ask a target.
pub(super) struct Admitted<'j, 'r, W: Platform> {
    pub(super) leave: Leave<'j, 'r, W>,
    /// How often it may be asked.
    pub(super) attempts: u32,
}

/// A permit of the target's breaker. Dropped before it is used, because the target was not asked or
/// another was faster, it says nothing of the target's health.
pub(super) struct Leave<'j, 'r, W: Platform> {
    job: &'j Job<'r, W>,
    target: &'j Target,
    permit: Permit,
    spent: Spent,
}

/// Whether a permit has been used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spent {
    No,
    Yes,
}

impl<W: Platform> Leave<'_, '_, W> {
    /// Tells the breaker.
    pub(super) fn settle(mut self, health: Health) {
        self.spent = Spent::Yes;
        self.job.tell_breaker(self.target, self.permit, health);
    }

    /// Leaves the telling to whoever takes the permit.
    pub(super) fn keep(mut self) -> Permit {
        self.spent = Spent::Yes;
        self.permit
    }
}

impl<W: Platform> Drop for Leave<'_, '_, W> {
    fn drop(&mut self) {
        if self.spent == Spent::No {
            self.job
                .tell_breaker(self.target, self.permit, Health::Unknown);
        }
    }
}

/// Why a target must not be asked now, where that can be told without asking its breaker for leave.
pub(super) fn refused<W: Platform>(job: &Job<'_, W>, target: &Target) -> Option<Attempt> {
    let now = job.world.now();
    let reason = if job.private.is_some() && target.place != Place::Home {
        // Such a target is not in the order; this is the last door, should it ever get there.
        Reason::Private
    } else if matches!(target.key, Key::Missing(_)) {
        Reason::NoKey
    } else if matches!(target.way, Way::Missing(_)) {
        Reason::NoBinding
    } else if now >= job.deadline {
        Reason::Deadline
    } else if job.isolate.is_away(target, now) {
        Reason::BoxAway
    } else {
        let Standing::Open { until, cause } = job.isolate.standing(target, now) else {
            return None;
        };
        return Some(is_open(target, until, cause));
    };
    Some(Attempt::skipped(&target.name, reason))
}

/// Asks for leave; or why the target must not be asked now.
pub(super) fn admit<'j, 'r, W: Platform>(
    job: &'j Job<'r, W>,
    target: &'j Target,
) -> Result<Admitted<'j, 'r, W>, Attempt> {
    if let Some(refused) = refused(job, target) {
        return Err(refused);
    }
    let (permit, attempts) = match job.isolate.admit(target, job.world.now()) {
        Admission::Pass(permit) => (permit, target.settings.attempts),
        Admission::Probe(permit) => (permit, 1),
        Admission::Refuse { until, cause } => return Err(is_open(target, until, cause)),
    };
    Ok(Admitted {
        leave: Leave {
            job,
            target,
            permit,
            spent: Spent::No,
        },
        attempts,
    })
}

fn is_open(target: &Target, until: u64, cause: Cause) -> Attempt {
    Attempt {
        again_at: Some(until),
        cause: Some(cause),
        ..Attempt::skipped(&target.name, Reason::BreakerOpen)
    }
}
