//! What the ledger and the operator are told of a request when it is over: counts and reasons, and
//! nothing of what was said.
//!
//! It happens after the answer and never in its way. What cannot be told now waits in the isolate, and
//! goes with the next (`ledger::outbox`).

use std::rc::Rc;

use crate::config::{Config, Place};
use crate::error::{Downstream, ErrorAnswer};
use crate::gateway::answer::Disclosure;
use crate::gateway::attempt::Staged;
use crate::gateway::isolate::Isolate;
use crate::gateway::job::Job;
use crate::gateway::journal::{self, Journal, Outcome};
use crate::gateway::spent::{Spent, Used};
use crate::ledger::entry::{self, Ended, Entry, Part};
use crate::ledger::message::{Message, Tell, Told};
use crate::openai::Usage;
use crate::platform::Platform;
use crate::policy::cost;
use crate::policy::drill::Drill;
use crate::price::Money;

/// Notes a request that is over.
pub(super) fn record<W: Platform>(
    job: &Job<'_, W>,
    journal: &Journal<'_>,
    told: &Disclosure<'_>,
    outcome: Outcome,
) {
    let now = job.world.now();
    for attempt in told.attempts {
        if let Some(reason) = attempt.reason
            && attempt.staged == Staged::No
        {
            job.isolate.failed(&attempt.target, reason, now);
        }
    }
    let ended = match outcome {
        Outcome::Answered => Ended::Answered,
        Outcome::Broke => Ended::Broke,
        Outcome::CallerLeft => Ended::CallerLeft,
        Outcome::Failed(_) => Ended::Failed,
    };
    let entry = Entry {
        id: job.id.to_owned(),
        at: job.started,
        route: journal.route.to_owned(),
        ended,
        status: outcome.status(),
        private: told.private.is_some(),
        first_ms: job
            .account
            .first_word()
            .map(|at| at.saturating_sub(job.started)),
        total_ms: now.saturating_sub(job.started),
        targets: parts(job.config, told),
        reference: reference(job.config, journal.order, told.spent),
        drill: told.drill.map(str::to_owned),
    };
    job.isolate.with_outbox(|outbox| outbox.put(entry));
    if job.isolate.with_outbox(|outbox| outbox.is_to_send(now)) {
        let (world, isolate) = (job.world.clone(), Rc::clone(job.isolate));
        let keep_days = job.config.ledger_days;
        job.world.after(send(world, isolate, keep_days));
    }
}

/// What each target had to do with it, in the order in which they were thought of.
fn parts(config: &Config, told: &Disclosure<'_>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for attempt in told.attempts {
        let at = parts.iter().position(|part| part.target == attempt.target);
        let at = at.unwrap_or_else(|| {
            parts.push(part(config, &attempt.target, told.spent));
            parts.len().saturating_sub(1)
        });
        let Some(part) = parts.get_mut(at) else {
            continue;
        };
        match attempt.reason {
            None => {
                part.asked = true;
                part.answered = true;
            }
            Some(reason) => {
                part.asked |= !reason.is_passed_over();
                part.reasons.push(attempt.told_as());
            }
        }
    }
    parts
}

/// A target's part, as far as its tokens and its money go.
fn part(config: &Config, target: &str, spent: &[Spent]) -> Part {
    let mut used = Some(Usage::default());
    let mut cost = Some(Money::ZERO);
    for one in spent.iter().filter(|one| one.target == target) {
        used = match one.used {
            Used::Counted(usage) => used.map(|sum| sum.plus(usage)),
            Used::Estimated(_) | Used::Untold => None,
        };
        cost = cost.and_then(|sum| Some(sum.plus(one.cost?)));
    }
    let home = config
        .target(target)
        .is_some_and(|target| target.place == Place::Home);
    Part {
        target: target.to_owned(),
        home,
        asked: false,
        answered: false,
        reasons: Vec::new(),
        used: used.map(|used| entry::Used {
            tokens_in: used.prompt_tokens,
            cached_in: used.cached_tokens,
            tokens_out: used.completion_tokens,
        }),
        cost: cost.and_then(picodollars),
    }
}

/// What all of the answer's tokens would have cost at the route's first cloud target.
fn reference(config: &Config, order: &[usize], spent: &[Spent]) -> Option<u64> {
    let usage = spent.iter().try_fold(Usage::default(), |sum, one| {
        let (Used::Counted(usage) | Used::Estimated(usage)) = one.used else {
            return None;
        };
        matches!(one.used, Used::Counted(_)).then(|| sum.plus(usage))
    })?;
    picodollars(cost::reference(config, order, usage)?)
}

/// An amount as the ledger adds it up, which has 63 bits. One beyond nine million dollars is not known
/// to it.
fn picodollars(money: Money) -> Option<u64> {
    let amount = i64::try_from(money.picodollars()).ok()?;
    u64::try_from(amount).ok()
}

/// Tells the ledger all that waits.
async fn send<W: Platform>(world: W, isolate: Rc<Isolate>, keep_days: u32) {
    let name = isolate.name(|| name(&world));
    loop {
        let pause = isolate.with_outbox(|outbox| outbox.pause_ms(world.now()));
        if pause > 0 {
            world.gather(pause).await;
        }
        let now = world.now();
        let entries = isolate.with_outbox(|outbox| outbox.batch(now));
        let Some((last, _)) = entries.last() else {
            return;
        };
        let last = *last;
        let told = say(&world, &name, entries, keep_days).await;
        let is_told = told.is_some_and(|told| {
            isolate.with_outbox(|outbox| outbox.told(told.number));
            isolate.drills(told.drill);
            told.number >= last
        });
        if !is_told {
            let complaint = isolate.with_outbox(|outbox| outbox.give_up(world.now()));
            if let Some(lost) = complaint {
                journal::event(&world, "ledger_unreachable", |line| {
                    line.number("entries_lost", lost);
                });
            }
            return;
        }
    }
}

async fn say<W: Platform>(
    world: &W,
    isolate: &str,
    entries: Vec<(u64, Entry)>,
    keep_days: u32,
) -> Option<Told> {
    let message = Message::Tell(Tell {
        isolate: isolate.to_owned(),
        entries,
        keep_days,
        now: world.now(),
    });
    let told = world.ledger(&message).await?;
    serde_json::from_str(&told).ok()
}

/// The drill that a request takes part in. `mark` is what it carries; the ledger is asked for a drill
/// that this isolate has not heard of yet.
pub(super) async fn drill_of<W: Platform>(
    world: &W,
    isolate: &Isolate,
    config: &Config,
    mark: Option<&str>,
) -> Result<Option<Drill>, ErrorAnswer> {
    let mark = mark.map(str::trim);
    if let Some(mark) = mark
        && isolate.drill().is_none_or(|drill| drill.id != mark)
    {
        let name = isolate.name(|| name(world));
        let told = say(world, &name, Vec::new(), config.ledger_days).await;
        isolate.drills(told.and_then(|told| told.drill));
    }
    let drill = isolate.drill();
    let taken = drill.filter(|drill| drill.takes(mark, world.random(), world.now()));
    match (mark, taken) {
        (Some(mark), None) => Err(Downstream::field(
            "x-pilotlight-drill",
            format!(
                "the header x-pilotlight-drill is '{mark}', and no such drill goes on: it should be the \
                 id that POST /admin/drill answered"
            ),
        )
        .into()),
        (_, taken) => Ok(taken),
    }
}

/// A name that no other isolate has.
fn name<W: Platform>(world: &W) -> String {
    super::request_id(world).replace("req_", "isolate_")
}
