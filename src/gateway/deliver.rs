//! An answer under way: from its first word to its end, or to where it broke.
//!
//! What becomes of the words depends on who waits for them. A caller of a stream gets them as they
//! come (`Live`), or all at once when they are whole (`Held`); for a caller who wants one body they
//! are put together (`Collected`).

use std::cell::RefCell;
use std::rc::Rc;

use crate::config::{Mode, Target};
use crate::gateway::account::Answerer;
use crate::gateway::attempt::{Stream, WITHHELD, is_withheld};
use crate::gateway::exhausted::Refusal;
use crate::gateway::hold::{Hold, during};
use crate::gateway::job::{Job, Passing};
use crate::openai::Delivery;
use crate::platform::{Broken, CallerLeft, Pace, Platform, Pumped};
use crate::policy::classify::{self, Verdict, Wording};
use crate::reason::{Fault, Reason};
use crate::stream::collect::Collector;
use crate::stream::relay::{Relay, Sound, Standing, Tally};
use crate::stream::written::Written;

/// How long a usage chunk and the terminal marker may take after the last choice has ended, in
/// milliseconds. The answer is whole without them; the chunk that ends it waits for the first.
const CODA_MS: u64 = 1_000;

/// An answer that waits until it is whole may be as long as this, in bytes: an isolate has 128 MB for
/// all of its requests.
const LONGEST_HELD: usize = 32 * 1024 * 1024;

/// What becomes of the words.
#[derive(Debug)]
pub(super) enum Sink {
    /// They are put together.
    Collected(Collector),
    /// They wait until they are whole.
    Held,
    /// They go out as they come.
    Live(Sent),
}

/// Whether anything of the answer has gone to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Nothing,
    Something,
}

impl Sink {
    /// The sink of a request.
    pub(super) fn of<W: Platform>(job: &Job<'_, W>) -> Self {
        match (job.request.delivery, job.mode) {
            (Delivery::Whole, _) => Self::Collected(Collector::new(job.request.choices)),
            (Delivery::Streamed, Mode::Hold) => Self::Held,
            (Delivery::Streamed, Mode::Error | Mode::Takeover) => Self::Live(Sent::Nothing),
        }
    }
}

/// How a delivery ended.
pub(super) enum Delivered {
    /// The answer is whole, and the caller of a stream has it.
    Whole(Tally),
    /// It broke; what was written so far.
    Broke {
        verdict: Verdict,
        tally: Tally,
        written: Written,
    },
    /// Nobody waits for it any more.
    CallerLeft(Tally),
}

/// Delivers the rest of a stream. What is held at the target's box is given back as soon as the target
/// has said all, whoever has yet to read it.
pub(super) async fn deliver<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    answerer: &Answerer,
    sink: &mut Sink,
    stream: Stream<W::Body>,
    hold: Option<Hold<W>>,
) -> Delivered {
    let Stream {
        mut relay,
        mut body,
        raw,
    } = stream;
    match sink {
        Sink::Live(sent) => {
            let words = read_until(job, target, &mut relay, &mut body, |relay| {
                relay.has_words()
            });
            if let Err(reason) = job.waiting(during(hold.as_ref(), words)).await {
                relay.broke(reason);
            }
            let stream = Stream { relay, body, raw };
            live(job, target, answerer, sent, stream, hold).await
        }
        Sink::Held => {
            let whole = read_until(job, target, &mut relay, &mut body, |_| false);
            if let Err(reason) = job.waiting(during(hold.as_ref(), whole)).await {
                relay.broke(reason);
            }
            // The call ends before its slot is another's.
            drop(body);
            drop(hold);
            let ended = withheld(job, target, ended(&mut relay));
            if let Delivered::Whole(tally) = ended {
                open(job, answerer);
                if job.door.write(&relay.take()).await.is_err() {
                    return Delivered::CallerLeft(tally);
                }
                job.door.close().await;
            }
            ended
        }
        Sink::Collected(collector) => {
            let whole = read_until(job, target, &mut relay, &mut body, |relay| {
                collector.feed(&relay.take());
                false
            });
            if let Err(reason) = during(hold.as_ref(), whole).await {
                relay.broke(reason);
            }
            drop(body);
            drop(hold);
            collector.feed(&relay.take());
            withheld(job, target, ended(&mut relay))
        }
    }
}

/// An answer of which nothing has gone out, and that its provider withholds in its midst, is none where
/// the next target is to give one.
fn withheld<W: Platform>(job: &Job<'_, W>, target: &Target, ended: Delivered) -> Delivered {
    match ended {
        Delivered::Whole(tally) if is_withheld(target, tally.finish) => {
            job.account.refuse(Refusal {
                reason: Reason::ContentPolicy,
                text: WITHHELD.to_owned(),
            });
            Delivered::Broke {
                verdict: classify::known(Reason::ContentPolicy, Wording::Ours),
                tally,
                written: Written::default(),
            }
        }
        Delivered::Broke { .. } | Delivered::CallerLeft(_) | Delivered::Whole(_) => ended,
    }
}

/// Opens the door, if it is not, with all that can be told of the answer.
fn open<W: Platform>(job: &Job<'_, W>, answerer: &Answerer) -> W::Outlet {
    job.account.speaks(job.world.now());
    job.door.open(|head| {
        job.account
            .disclosing(job.id, Some(answerer), || 0, |told| told.put_headers(head));
    })
}

/// Reads until `enough` or the relay wants no more. Errs with what broke it.
async fn read_until<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    relay: &mut Relay,
    body: &mut Option<W::Body>,
    mut enough: impl FnMut(&mut Relay) -> bool,
) -> Result<(), Reason> {
    let Some(body) = body else {
        return Ok(());
    };
    let (mut heard, mut length) = (job.world.now(), 0_usize);
    while relay.wants_more() && !enough(relay) {
        let (patience, silence) = patience(target, relay);
        let until = heard.saturating_add(patience);
        let left = until.min(job.deadline).saturating_sub(job.world.now());
        let read = if left == 0 {
            Err(Broken::TimedOut)
        } else {
            job.world.read(body, left).await
        };
        match read {
            Ok(Some(bytes)) => {
                length = length.saturating_add(bytes.len());
                relay.hold(&bytes);
            }
            Ok(None) => relay.end(),
            Err(Broken::CallerLeft) => return Err(Reason::CallerLeft),
            Err(Broken::Reset) => return Err(Reason::StreamCut),
            Err(Broken::TimedOut) if job.deadline < until => return Err(Reason::Deadline),
            Err(Broken::TimedOut) => return Err(silence),
        }
        if relay.sound() == Sound::Heard || *relay.standing() == Standing::Finished {
            heard = job.world.now();
        }
        if length > LONGEST_HELD {
            return Err(Reason::NotAnApi);
        }
    }
    Ok(())
}

/// How long the target may be silent, and what it is then.
fn patience(target: &Target, relay: &Relay) -> (u64, Reason) {
    match relay.standing() {
        Standing::Finished => (CODA_MS, Reason::Stalled),
        Standing::Committed | Standing::Complete | Standing::Failed(_) | Standing::Waiting => {
            (target.settings.stall_timeout_ms, Reason::Stalled)
        }
    }
}

async fn live<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    answerer: &Answerer,
    sent: &mut Sent,
    stream: Stream<W::Body>,
    hold: Option<Hold<W>>,
) -> Delivered {
    let Stream {
        mut relay,
        body,
        raw,
    } = stream;
    // What has all been said already only has to be read.
    let hold = hold.filter(|_| body.is_some() && relay.wants_more());
    if is_failed(&relay) && !relay.has_spoken() {
        // It broke before there was a word to pass on.
        return ended(&mut relay);
    }
    let outlet = open(job, answerer);
    *sent = Sent::Something;
    let relay = Rc::new(RefCell::new(*relay));
    let untouched = job.passing(target) == Passing::Untouched;
    let first = relay.borrow_mut().take();
    let first = if untouched { &raw } else { &first };
    let writing = job.world.write(&outlet, first);
    if during(hold.as_ref(), writing).await.is_err() {
        return Delivered::CallerLeft(relay.borrow().tally());
    }
    if untouched && let Some(body) = body {
        return pass(job, &outlet, body, hold).await;
    }
    if relay.borrow().wants_more()
        && let Some(body) = body
    {
        let pace = Pace {
            stall_ms: target.settings.stall_timeout_ms,
            coda_ms: CODA_MS,
            heartbeat_ms: job.config.heartbeat_ms,
            deadline: job.deadline,
        };
        let pumping = job.world.pump(body, &outlet, &relay, pace);
        let reason = match during(hold.as_ref(), pumping).await {
            Pumped::CallerLeft => return Delivered::CallerLeft(relay.borrow().tally()),
            Pumped::Ended => {
                relay.borrow_mut().end();
                Reason::StreamCut
            }
            Pumped::Deadline => Reason::Deadline,
            // A relay that has enough is complete or has failed, so this changes nothing; were it
            // otherwise, the answer would not be whole.
            Pumped::Enough | Pumped::Reset => Reason::StreamCut,
            Pumped::Stalled => Reason::Stalled,
        };
        relay.borrow_mut().broke(reason);
    }
    drop(hold);
    let last = relay.borrow_mut().take();
    if job.world.write(&outlet, &last).await.is_err() {
        return Delivered::CallerLeft(relay.borrow().tally());
    }
    let ended = ended(&mut relay.borrow_mut());
    if let Delivered::Whole(_) = ended {
        job.door.close().await;
    }
    ended
}

/// Lets the runtime alone pass the rest on. That it ended in order is all that is known of it.
async fn pass<W: Platform>(
    job: &Job<'_, W>,
    outlet: &W::Outlet,
    body: W::Body,
    hold: Option<Hold<W>>,
) -> Delivered {
    let passing = job.world.pass(body, outlet, job.deadline);
    let passed = during(hold.as_ref(), passing).await;
    drop(hold);
    let reason = match passed {
        Pumped::CallerLeft => return Delivered::CallerLeft(Tally::default()),
        Pumped::Ended | Pumped::Enough => {
            job.door.close().await;
            return Delivered::Whole(Tally::default());
        }
        Pumped::Deadline => Reason::Deadline,
        Pumped::Reset | Pumped::Stalled => Reason::StreamCut,
    };
    // It may have broken inside an event, which must not swallow the one that tells of it.
    match job.world.write(outlet, b"\n\n").await {
        Ok(()) => Delivered::broke(reason),
        Err(CallerLeft) => Delivered::CallerLeft(Tally::default()),
    }
}

impl Delivered {
    fn broke(reason: Reason) -> Self {
        Self::Broke {
            verdict: classify::known(reason, Wording::Ours),
            tally: Tally::default(),
            written: Written::default(),
        }
    }
}

fn is_failed(relay: &Relay) -> bool {
    matches!(relay.standing(), Standing::Failed(_))
}

fn ended(relay: &mut Relay) -> Delivered {
    let tally = relay.tally();
    let fault = match relay.standing() {
        Standing::Complete => return Delivered::Whole(tally),
        Standing::Failed(fault) if fault.known == Some(Reason::CallerLeft) => {
            return Delivered::CallerLeft(tally);
        }
        Standing::Failed(fault) => fault.clone(),
        Standing::Committed | Standing::Finished | Standing::Waiting => {
            Fault::known(Reason::StreamCut)
        }
    };
    Delivered::Broke {
        verdict: classify::classify(&fault, Wording::Ours),
        tally,
        written: relay.take_written(),
    }
}
