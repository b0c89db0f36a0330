//! What becomes of an attempt that failed: how it is noted, and whether the same target is asked again.

use crate::config::Target;
use crate::config::settings::ContentPolicy;
use crate::gateway::account::Entry;
use crate::gateway::ask::Errand;
use crate::gateway::attempt::Failure;
use crate::gateway::exhausted::Refusal;
use crate::gateway::job::Job;
use crate::gateway::own;
use crate::gateway::redact;
use crate::gateway::shape::{Fitting, Shaped};
use crate::gateway::spent::Used;
use crate::platform::Platform;
use crate::policy::backoff;
use crate::policy::breaker::{self, Cause};
use crate::policy::classify::Action;
use crate::policy::fit::{self, TooLarge};
use crate::provider::REASONING_EFFORT;
use crate::reason::Reason;

/// Writes a failed attempt into the account.
pub(super) fn note<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    failure: &Failure,
    entry: Entry,
) {
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
            text: redact::upstream_text(&fault.message),
        });
    }
}

/// A better way to fit after an overflow: by the tokens that the upstream counted; where it does not
/// tell them, without the benefit of the doubt that it had. `None` where another fit would not help.
pub(super) fn corrected<W: Platform>(
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
pub(super) fn refused_effort(shaped: &Shaped<'_>, failure: &Failure) -> Option<String> {
    let blamed = failure.fault.as_ref()?.param.as_deref()?;
    let is_it = failure.verdict.reason == Reason::Unsupported && blamed == REASONING_EFFORT;
    shaped.effort.clone().filter(|_| is_it)
}

/// Whether the dialect itself knows that the model cannot think. Other refusals of an effort may be
/// about what else was asked.
pub(super) fn cannot_think(failure: &Failure) -> bool {
    let known = failure.fault.as_ref().and_then(|fault| fault.known);
    known == Some(Reason::Unsupported)
}

/// How long to wait before the same target is asked again, after so many attempts of those that it has;
/// `None` when it is not.
pub(super) fn again<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    failure: &Failure,
    (number, attempts): (u32, u32),
) -> Option<u64> {
    let settings = &target.settings;
    if failure.verdict.action != Action::Retry || number >= attempts {
        return None;
    }
    let wait = match failure.wait_ms {
        Some(asked) if asked > settings.retry_after_max_ms => return None,
        Some(asked) => asked,
        None => backoff::wait_ms(settings, number + 1, job.world.random()),
    };
    (job.world.now().saturating_add(wait) < job.deadline).then_some(wait)
}

/// Whether the next target is to be asked although no target would answer by the words of this one: it
/// withheld the answer, and the policy of another may be another.
pub(super) fn goes_on(target: &Target, failure: &Failure) -> bool {
    failure.verdict.reason == Reason::ContentPolicy
        && target.settings.content_policy == ContentPolicy::Failover
}
