//! The rest of a stream, after the answer has begun.
//!
//! Headers and first bytes are with the caller, so nothing can be taken back: either the upstream ends
//! its answer, or the caller is told in the stream that it did not.

use std::cell::RefCell;
use std::rc::Rc;

use crate::config::Target;
use crate::error::ErrorAnswer;
use crate::gateway::answer::{Answer, AnswerBody, Disclosure, Omitted};
use crate::gateway::attempt::Attempt;
use crate::gateway::isolate::Isolate;
use crate::gateway::journal::Journal;
use crate::gateway::tell_breaker;
use crate::platform::{CallerLeft, Pace, Platform, Pumped};
use crate::policy::breaker::{Health, Permit};
use crate::policy::classify::{self, Verdict, Wording};
use crate::reason::{Fault, Reason};
use crate::stream::relay::{Relay, Standing, Tally};

/// A stream whose first content is in hand.
#[derive(Debug)]
pub(super) struct Stream<B> {
    /// The answering target's position in the config.
    pub(super) at: usize,
    pub(super) permit: Permit,
    pub(super) relay: Box<Relay>,
    /// What is still to come; `None` when the answer is already complete.
    pub(super) body: Option<B>,
    /// How many tokens we counted in the prompt, where we had to.
    pub(super) counted: Option<u32>,
    pub(super) deadline: u64,
    pub(super) account: Account,
}

/// What is disclosed of a stream, and what its log line says.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) attempts: Vec<Attempt>,
    pub(super) omitted: Omitted,
    pub(super) journal: Journal,
}

/// Begins the answer and leaves the relaying to go on after it.
pub(super) fn begin<W: Platform>(
    world: &W,
    isolate: &Rc<Isolate>,
    stream: Stream<W::Body>,
) -> Answer<W::Stream> {
    let (outlet, readable) = world.outlet();
    world.after(relay(world.clone(), Rc::clone(isolate), outlet, stream));
    let mut answer = Answer {
        status: 200,
        headers: Vec::new(),
        body: AnswerBody::Stream(readable),
    };
    answer.header("content-type", "text/event-stream; charset=utf-8");
    answer.header("cache-control", "no-store");
    // Some proxies in front of a home lab gather a response unless they are told not to.
    answer.header("x-accel-buffering", "no");
    answer
}

async fn relay<W: Platform>(
    world: W,
    isolate: Rc<Isolate>,
    mut outlet: W::Outlet,
    stream: Stream<W::Body>,
) {
    let Ok(config) = &isolate.config else {
        return;
    };
    let Some(target) = config.targets.get(stream.at) else {
        return;
    };
    let Stream {
        relay,
        body,
        mut account,
        ..
    } = stream;
    let pace = Pace {
        stall_ms: target.settings.stall_timeout_ms,
        deadline: stream.deadline,
    };
    let relay = Rc::new(RefCell::new(*relay));
    let first = relay.borrow_mut().take();
    let pumped = match (world.write(&mut outlet, &first).await, body) {
        (Err(CallerLeft), _) => Pumped::CallerLeft,
        (Ok(()), None) => Pumped::Enough,
        (Ok(()), Some(body)) => world.pump(body, &mut outlet, &relay, pace).await,
    };
    let ending = end(&mut relay.borrow_mut(), pumped);
    if let Some(last) = ending.last_words(&mut account) {
        // The caller may leave between the last chunk and this; there is nobody left to tell then.
        let _ = world.write(&mut outlet, &last).await;
        world.close(outlet).await;
    }
    isolate.compare(&target.name, stream.counted, ending.told().1.usage);
    tell_breaker(&world, &isolate, target, stream.permit, ending.health());
    account.write(&world, target, &ending);
}

/// How a stream ended.
enum Ending {
    /// Whole. The bytes are what is still to be written.
    Answered { last: Vec<u8>, tally: Tally },
    /// Not whole.
    Broke {
        last: Vec<u8>,
        verdict: Verdict,
        tally: Tally,
    },
    /// With nobody there to hear it.
    CallerLeft { tally: Tally },
}

fn end(relay: &mut Relay, pumped: Pumped) -> Ending {
    match pumped {
        Pumped::CallerLeft => {
            let tally = relay.tally();
            return Ending::CallerLeft { tally };
        }
        Pumped::Deadline => relay.broke(Reason::Deadline),
        Pumped::Ended => relay.end(),
        // A relay that has enough is complete or has failed, so this changes nothing; were it
        // otherwise, the answer would not be whole.
        Pumped::Enough | Pumped::Reset => relay.broke(Reason::StreamCut),
        Pumped::Stalled => relay.broke(Reason::Stalled),
    }
    let (last, tally) = (relay.take(), relay.tally());
    let fault = match relay.standing() {
        Standing::Complete => return Ending::Answered { last, tally },
        Standing::Failed(fault) => fault.clone(),
        Standing::Committed | Standing::Finished | Standing::Waiting => {
            Fault::known(Reason::StreamCut)
        }
    };
    let verdict = classify::classify(&fault, Wording::Ours);
    Ending::Broke {
        last,
        verdict,
        tally,
    }
}

impl Ending {
    /// What is still to be written; `None` when the caller has left.
    fn last_words(&self, account: &mut Account) -> Option<Vec<u8>> {
        match self {
            Self::Answered { last, .. } => Some(last.clone()),
            Self::Broke { last, verdict, .. } => {
                account.fail(verdict.reason);
                let mut last = last.clone();
                last.extend_from_slice(&account.error_event(verdict.reason));
                Some(last)
            }
            Self::CallerLeft { .. } => None,
        }
    }

    fn health(&self) -> Health {
        match self {
            Self::Answered { .. } => Health::Well,
            Self::Broke { verdict, .. } => verdict.health,
            Self::CallerLeft { .. } => Health::Unknown,
        }
    }

    /// The word for the log, and what is known of the answer.
    fn told(&self) -> (&'static str, Tally) {
        match self {
            Self::Answered { tally, .. } => ("answered", *tally),
            Self::Broke { tally, .. } => ("broke", *tally),
            Self::CallerLeft { tally } => ("caller_left", *tally),
        }
    }
}

impl Account {
    /// The attempt that had answered has failed after all.
    fn fail(&mut self, reason: Reason) {
        if let Some(last) = self.attempts.last_mut() {
            last.reason = Some(reason);
        }
    }

    fn disclosure<'a>(&'a self, answered: Option<&'a Target>) -> Disclosure<'a> {
        Disclosure {
            request_id: &self.journal.id,
            answered: answered.map(|target| (target.name.as_str(), target.model.as_str())),
            attempts: &self.attempts,
            omitted: &self.omitted,
        }
    }

    /// What OpenAI's SDKs raise on: a chunk with an `error`, and no `[DONE]` after it.
    fn error_event(&self, reason: Reason) -> Vec<u8> {
        let error = ErrorAnswer {
            status: 503,
            kind: "upstream_error",
            code: Some(reason.label().to_owned()),
            param: None,
            message: format!(
                "the answer broke off before its end ({}): what came before is not the whole answer",
                reason.label()
            ),
            pilotlight: Some(self.disclosure(None).to_json()),
        };
        let mut event = b"data: ".to_vec();
        event.extend_from_slice(&error.to_json());
        event.extend_from_slice(b"\n\n");
        event
    }

    fn write<W: Platform>(&self, world: &W, target: &Target, ending: &Ending) {
        let (outcome, tally) = ending.told();
        self.journal
            .streamed(world, &self.disclosure(Some(target)), outcome, tally);
    }
}
