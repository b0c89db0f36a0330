//! The loop: target by target, until an answer is whole.
//!
//! Every request goes through here, whichever front it came by and whichever dialects answer it. A
//! target that cannot be asked, fails or breaks makes room for the next. Before the first word has gone
//! to the caller the next one begins anew; after that it goes on where the other stopped.

use std::ops::ControlFlow;
use std::pin::pin;

use futures::future::{Either, select};

use crate::config::{Mode, Target};
use crate::gateway::account::{Answerer, Last, Reckoning};
use crate::gateway::attempt::Success;
use crate::gateway::course::{Course, Turn};
use crate::gateway::deliver::{Delivered, Sent, Sink, deliver};
use crate::gateway::exhausted::Refusal;
use crate::gateway::hold::{NotHeld, Patience, claim_any};
use crate::gateway::job::Job;
use crate::gateway::leave;
use crate::gateway::open::{Entrance, Heard, Opened, is_put_off, note_busy, open};
use crate::gateway::own;
use crate::gateway::shape::Cutting;
use crate::gateway::spent::Used;
use crate::openai::Usage;
use crate::platform::{CallerLeft, Platform};
use crate::policy::breaker::Health;
use crate::policy::fit;
use crate::provider::Completion;
use crate::reason::Reason;
use crate::stream::collect::Collector;
use crate::stream::relay::Tally;
use crate::stream::written::Written;

/// How the chain ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// With a whole answer, for a caller who wants one body.
    Whole {
        answerer: Answerer,
        completion: Completion,
        disclosed: Disclosed,
    },
    /// With a whole answer that the caller has.
    Streamed { answerer: Answerer, tally: Tally },
    /// With an answer that broke after the caller had some of it.
    Broke { reason: Reason, tally: Tally },
    /// Without an answer. When upstreams refused the request as it is written, the words of one.
    Nobody { refused: Option<Refusal> },
    /// With nobody there to hear of it.
    CallerLeft { tally: Tally },
}

/// Whether an answer has its `pilotlight` object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disclosed {
    /// The relay put it in.
    Inside,
    NotYet,
}

/// Asks the targets in turn.
pub(super) async fn run<W: Platform>(job: &Job<'_, W>, order: &[usize]) -> Ending {
    let mut course = Course::new(order);
    let mut so_far = SoFar {
        sink: Sink::of(job),
        written: None,
        broke: None,
        used: Usage::default(),
    };
    let mut last = Last::Failure;
    while let Some(turn) = course
        .next(job)
        .or_else(|| begin_anew(job, order, &mut so_far, &mut course))
    {
        let asking = taking(job, turn, &mut course, so_far.written.as_ref());
        match job.waiting(asking).await {
            Heard::Answer(opened) => {
                let taken = take(job, *opened, &mut so_far, &mut course).await;
                if let ControlFlow::Break(ending) = taken {
                    return ending;
                }
            }
            Heard::Busy | Heard::Nothing | Heard::PutOff => {}
            // It was asked to go on with another's words; the others may not mind.
            Heard::Refusal if so_far.written.is_some() => {}
            Heard::Refusal => {
                last = Last::Refusal;
                break;
            }
            Heard::CallerLeft => {
                let tally = Tally::default();
                return Ending::CallerLeft { tally };
            }
        }
    }
    match (so_far.sink, so_far.broke) {
        (Sink::Live(Sent::Something), Some((reason, tally))) => Ending::Broke { reason, tally },
        _ => Ending::Nobody {
            refused: job.account.refusal(last),
        },
    }
}

/// Where nobody could go on with an answer that has not gone out, it is begun anew, once: the target to
/// be asked first.
fn begin_anew<W: Platform>(
    job: &Job<'_, W>,
    order: &[usize],
    so_far: &mut SoFar,
    course: &mut Course,
) -> Option<Turn> {
    let Sink::Collected(collector) = &mut so_far.sink else {
        return None;
    };
    so_far.written.take()?;
    if !course.begins_anew() {
        return None;
    }
    *collector = Collector::new(job.request.choices);
    job.account.start_over();
    course.queue.extend(order);
    course.next(job)
}

/// How far the answer has come.
struct SoFar {
    sink: Sink,
    /// What the next target has to go on with; `None` when it begins anew.
    written: Option<Written>,
    /// The last break.
    broke: Option<(Reason, Tally)>,
    /// What the targets used that broke.
    used: Usage,
}

impl SoFar {
    /// What is logged of an answer: with what was used in vain.
    fn summed(&self, tally: Tally) -> Tally {
        Tally {
            usage: tally.usage.map(|usage| usage.plus(self.used)),
            ..tally
        }
    }
}

/// Takes a target's answer to its end, or to where it breaks.
async fn take<W: Platform>(
    job: &Job<'_, W>,
    opened: Opened<W>,
    so_far: &mut SoFar,
    course: &mut Course,
) -> ControlFlow<Ending> {
    let Opened {
        at,
        answerer,
        permit,
        counted,
        answer,
        hold,
    } = opened;
    let Some(target) = job.config.targets.get(at) else {
        return ControlFlow::Continue(());
    };
    let (entry, tariff) = (answerer.entry, job.tariff(target));
    let spends = |used| {
        let now = job.world.now();
        job.account.spends(entry, &target.name, used, tariff, now);
    };
    let stream = match answer {
        Success::Stream(stream) => stream,
        Success::Whole(completion) => {
            spends(Used::told(completion.usage));
            job.isolate.compare(&target.name, counted, completion.usage);
            job.tell_breaker(target, permit, Health::Well);
            return ControlFlow::Break(Ending::Whole {
                answerer,
                completion,
                disclosed: Disclosed::NotYet,
            });
        }
    };
    // A target that was probed is back with its first word; how it ends is told at the end.
    let told = job.isolate.heard_from(target, permit, job.world.now());
    super::tell_isolates(job.world, target, told);
    match deliver(job, target, &answerer, &mut so_far.sink, stream, hold).await {
        Delivered::Whole(tally) => {
            spends(Used::told(tally.usage));
            job.isolate.compare(&target.name, counted, tally.usage);
            job.tell_breaker(target, permit, Health::Well);
            let tally = so_far.summed(tally);
            ControlFlow::Break(whole(&mut so_far.sink, answerer, tally))
        }
        Delivered::CallerLeft(tally) => {
            spends(Used::told(tally.usage));
            job.tell_breaker(target, permit, Health::Unknown);
            ControlFlow::Break(Ending::CallerLeft { tally })
        }
        Delivered::Broke {
            verdict,
            tally,
            written,
        } => {
            job.account
                .breaks(answerer.entry, verdict.reason, job.staged(target));
            own::learn(job, target, verdict.reason);
            job.tell_breaker(target, permit, verdict.health);
            let (used, reckoning) = used(job, &written, tally, counted);
            spends(match reckoning {
                Reckoning::Counted => Used::Counted(used),
                Reckoning::Estimated => Used::Estimated(used),
            });
            so_far.used = so_far.used.plus(used);
            let broken = Broken {
                reason: verdict.reason,
                tally,
                written,
                used,
                reckoning,
            };
            after_break(job, target, broken, so_far)?;
            // Its policy would be the same.
            if verdict.reason != Reason::ContentPolicy {
                course.broke(at, verdict.reason);
            }
            ControlFlow::Continue(())
        }
    }
}

/// An answer that broke.
struct Broken {
    reason: Reason,
    tally: Tally,
    written: Written,
    used: Usage,
    reckoning: Reckoning,
}

/// Sees to what the next target does.
fn after_break<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    broken: Broken,
    so_far: &mut SoFar,
) -> ControlFlow<Ending> {
    let Broken {
        reason,
        tally,
        mut written,
        used,
        reckoning,
    } = broken;
    // What is told in the end is why it broke, and not why nobody could go on.
    if reason != Reason::NoSplice || so_far.broke.is_none() {
        so_far.broke = Some((reason, tally));
    }
    so_far.written = match next(job, &mut so_far.sink, &written, reason) {
        Next::BeginsAnew => {
            job.account.start_over();
            None
        }
        Next::GoesOn => {
            written.add_used(used);
            job.account.reckons(reckoning);
            let until = written.characters();
            job.account.part(&target.name, &target.model, until);
            Some(written)
        }
        Next::IsNot => return ControlFlow::Break(Ending::Broke { reason, tally }),
    };
    ControlFlow::Continue(())
}

/// A whole answer, as the sink has it.
fn whole(sink: &mut Sink, answerer: Answerer, tally: Tally) -> Ending {
    match sink {
        Sink::Collected(collector) => match std::mem::take(collector).completion() {
            Some(json) => Ending::Whole {
                answerer,
                completion: Completion {
                    json,
                    finish: tally.finish,
                    usage: tally.usage,
                },
                disclosed: Disclosed::Inside,
            },
            // A relay is complete only when a choice has ended, so there is one.
            None => Ending::Nobody { refused: None },
        },
        Sink::Held | Sink::Live(_) => Ending::Streamed { answerer, tally },
    }
}

/// What the next target does.
enum Next {
    BeginsAnew,
    GoesOn,
    /// There is none: the caller has to be told.
    IsNot,
}

/// What comes after a target that broke.
fn next<W: Platform>(job: &Job<'_, W>, sink: &mut Sink, written: &Written, reason: Reason) -> Next {
    let wants_logprobs = job.request.fields.raw("logprobs");
    let goes_on = job.mode == Mode::Takeover
        && job.request.choices == 1
        // Those of two models are no measure of one answer.
        && wants_logprobs.is_none_or(|raw| raw.get() == "false")
        && written.is_begun()
        && written.text().is_some();
    match sink {
        Sink::Live(Sent::Nothing) | Sink::Held => Next::BeginsAnew,
        Sink::Live(Sent::Something) if goes_on => Next::GoesOn,
        // Nothing is out, so whoever has another answer may as well give that. Thoughts alone are not
        // gone on with: those of two models, as one's, would not be signed for.
        Sink::Collected(_) if goes_on && !written.is_empty() && reason != Reason::NoSplice => {
            Next::GoesOn
        }
        Sink::Live(Sent::Something) => Next::IsNot,
        Sink::Collected(collector) => {
            *collector = Collector::new(job.request.choices);
            Next::BeginsAnew
        }
    }
}

/// What a target used that broke: as it told, else about as much.
fn used<W: Platform>(
    job: &Job<'_, W>,
    written: &Written,
    tally: Tally,
    counted: Option<u32>,
) -> (Usage, Reckoning) {
    /// Text has about as many bytes a token. To count them would cost what the free plan has not.
    const BYTES_A_TOKEN: u64 = 4;

    if let Some(usage) = tally.usage {
        return (usage, Reckoning::Counted);
    }
    let wrote = written.characters().saturating_sub(job.account.parted());
    let about = Usage {
        prompt_tokens: counted.map_or_else(|| fit::about(&job.request.messages), u64::from),
        completion_tokens: wrote.div_ceil(BYTES_A_TOKEN),
        ..Usage::default()
    };
    (about, Reckoning::Estimated)
}

/// Asks whoever's turn it is.
async fn taking<W: Platform>(
    job: &Job<'_, W>,
    turn: Turn,
    course: &mut Course,
    written: Option<&Written>,
) -> Heard<W> {
    let (boxes, patience) = match turn {
        Turn::One(at, patience) => {
            return hedged(job, at, Entrance::Waits(patience), course, written).await;
        }
        Turn::AnyOf(boxes, patience) => (boxes, patience),
    };
    let since = job.world.now();
    let newest = boxes.last().copied();
    let boxes = large_enough(job, askable(job, boxes), course, written);
    match claim_any(job, &boxes, patience).await {
        Ok((at, hold)) => {
            let others: Vec<usize> = boxes.into_iter().filter(|other| *other != at).collect();
            // Should it fail, another of them may be free by then.
            course.were_busy(job, &others, Patience::Usual);
            hedged(job, at, Entrance::Held(hold), course, written).await
        }
        Err(NotHeld::CallerLeft) => Heard::CallerLeft,
        Err(NotHeld::Busy) => {
            let waited = job.world.now() > since;
            for at in &boxes {
                // Those that were passed over are noted already.
                if let Some(target) = job.config.targets.get(*at)
                    && (waited || (Some(*at) == newest && patience == Patience::Usual))
                {
                    note_busy(job, target, since);
                }
            }
            course.were_busy(job, &boxes, patience);
            Heard::Busy
        }
    }
}

/// Those of some targets that may be asked, as far as can be told before; the others are noted.
fn askable<W: Platform>(job: &Job<'_, W>, boxes: Vec<usize>) -> Vec<usize> {
    let may = |at: &usize| {
        let refused = job
            .config
            .targets
            .get(*at)
            .and_then(|target| leave::refused(job, target));
        let may = refused.is_none();
        if let Some(skipped) = refused {
            job.account.note(skipped);
        }
        may
    };
    boxes.into_iter().filter(may).collect()
}

/// Those of some targets that take the conversation now; the others are noted, and asked later.
fn large_enough<W: Platform>(
    job: &Job<'_, W>,
    mut boxes: Vec<usize>,
    course: &mut Course,
    written: Option<&Written>,
) -> Vec<usize> {
    boxes.retain(|at| {
        let waits = course.cutting(job, *at) == Cutting::Later
            && job
                .config
                .targets
                .get(*at)
                .is_some_and(|target| is_put_off(job, target, written));
        if waits {
            course.puts_off(*at);
        }
        !waits
    });
    boxes
}

/// Asks a target, and the next one as well when its first word is late and it is set to be hedged.
/// Whoever speaks first answers; dropped, the other's call is ended.
async fn hedged<W: Platform>(
    job: &Job<'_, W>,
    at: usize,
    entrance: Entrance<W>,
    course: &mut Course,
    written: Option<&Written>,
) -> Heard<W> {
    let (patience, cutting) = (entrance.patience(), course.cutting(job, at));
    let late = job
        .config
        .targets
        .get(at)
        .and_then(|target| target.settings.hedge_after_ms)
        .filter(|_| written.is_none() && !course.queue.is_empty());
    let Some(late) = late else {
        let heard = open(job, at, written, entrance, cutting).await;
        course.was(job, at, patience, &heard);
        return heard;
    };
    let first = pin!(open(job, at, None, entrance, cutting));
    let first = match select(first, pin!(job.world.sleep(late))).await {
        Either::Left((heard, _)) => {
            course.was(job, at, patience, &heard);
            return heard;
        }
        Either::Right((Ok(()), first)) => first,
        // It notices by itself that the caller has left.
        Either::Right((Err(CallerLeft), first)) => return first.await,
    };
    let Some(next) = course.queue.pop_front() else {
        return first.await;
    };
    // Nobody waits at a box for an answer that may not be needed.
    let (entrance, cutting) = (Entrance::Waits(Patience::None), course.cutting(job, next));
    let second = pin!(open(job, next, None, entrance, cutting));
    let (heard, outpaced) = match select(first, second).await {
        Either::Left((heard, second)) if heard.is_none() => {
            course.was(job, at, patience, &heard);
            let other = second.await;
            course.was(job, next, Patience::Usual, &other);
            return heard.or(other);
        }
        Either::Right((heard, first)) if heard.is_none() => {
            course.was(job, next, Patience::Usual, &heard);
            let other = first.await;
            course.was(job, at, patience, &other);
            return heard.or(other);
        }
        Either::Left((heard, _)) => (heard, next),
        Either::Right((heard, _)) => (heard, at),
    };
    let reason = match heard {
        Heard::CallerLeft => Reason::CallerLeft,
        Heard::Answer(_) | Heard::Busy | Heard::Nothing | Heard::PutOff | Heard::Refusal => {
            Reason::Outpaced
        }
    };
    job.account.gives_up(job.world.now(), reason, |name| {
        Some(job.tariff(job.config.target(name)?))
    });
    // Should the answer break, that one is as good as any.
    course.queue.push_front(outpaced);
    heard
}
