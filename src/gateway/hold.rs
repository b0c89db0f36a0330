//! A slot at a home box, as one request holds it: asked for, kept while the answer comes, given back.
//!
//! Only small messages go to the lock; the answer itself never does.
//!
//! **Invariant:** whoever asked for a slot says that it is done with it, whichever way the request
//! goes on: the caller leaves, another target is faster, the answer breaks. Should the message be lost,
//! the lease ends by itself.

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;

use futures::future::{Either, FutureExt as _, LocalBoxFuture, select, select_all};

use crate::config::Target;
use crate::gateway::account::Account;
use crate::gateway::job::Job;
use crate::gateway::journal;
use crate::platform::Platform;
use crate::policy::lease::{Ask, Message, Reply};

/// How long the lock may take to answer beyond what the request would wait, in milliseconds.
const LATE_MS: u64 = 5_000;

/// How long a request would wait for a box that is busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Not at all.
    None,
    /// As long as the target says.
    Usual,
    /// As long as the target says for a request that nobody else can answer.
    Long,
}

/// Why a request has no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotHeld {
    /// The box serves as many as it may.
    Busy,
    /// The caller left.
    CallerLeft,
}

/// A slot, or a place in the queue for one. Dropped, it is given back.
pub(super) struct Hold<W: Platform> {
    world: W,
    name: String,
    /// The token by which the lock knows it.
    owner: String,
    lease_ms: u64,
    /// When the request has to end: then it is renewed no more.
    deadline: u64,
    /// Where it is noted that it is given back.
    account: Rc<Account>,
    due: Due,
}

/// Whether the lock has to hear that it is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    No,
    Yes,
}

impl<W: Platform> Drop for Hold<W> {
    fn drop(&mut self) {
        if self.due == Due::Yes {
            self.account.gives_back(&self.name, &self.owner);
            let message = Message::Release {
                owner: std::mem::take(&mut self.owner),
            };
            let (world, name) = (self.world.clone(), std::mem::take(&mut self.name));
            self.world.after(async move {
                // Lost, it is made up for by the lease's end.
                let _heard = world.lock(&name, &message).await;
            });
        }
    }
}

/// Asks for a slot at a target's box; `Ok(None)` where it needs none, or where nobody can say whether
/// it is free.
pub(super) async fn claim<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    patience: Patience,
) -> Result<Option<Hold<W>>, NotHeld> {
    let Some(name) = &target.box_name else {
        return Ok(None);
    };
    let settings = &target.settings;
    let left = job.deadline.saturating_sub(job.world.now());
    let wait_ms = match patience {
        Patience::None => 0,
        Patience::Usual => settings.wait_ms.min(left),
        Patience::Long => settings.wait_alone_ms.min(left),
    };
    let owner = token(job);
    let mut hold = Hold {
        world: job.world.clone(),
        name: name.clone(),
        owner: owner.clone(),
        lease_ms: settings.lease_ms,
        deadline: job.deadline,
        account: Rc::clone(job.account),
        due: Due::Yes,
    };
    let until = job.world.now().saturating_add(wait_ms);
    // The lock may be restarted while somebody waits there: it forgets who waits, and is asked again.
    for _ in 0..2 {
        let message = Message::Ask(Ask {
            owner: owner.clone(),
            request: job.id.to_owned(),
            slots: settings.slots,
            lease_ms: settings.lease_ms,
            wait_ms: until.saturating_sub(job.world.now()),
            queue: settings.queue,
            replaces: job.account.given_back(name),
        });
        let patience = job.world.sleep(wait_ms.saturating_add(LATE_MS).min(left));
        match select(pin!(job.world.lock(name, &message)), pin!(patience)).await {
            Either::Left((Some(Reply::Yours(_)), _)) => return Ok(Some(hold)),
            Either::Left((Some(Reply::Busy), _)) => {
                hold.due = Due::No;
                return Err(NotHeld::Busy);
            }
            Either::Left(_) => {}
            Either::Right((Ok(()), _)) if job.world.now() >= job.deadline => {
                return Err(NotHeld::Busy);
            }
            Either::Right((Ok(()), _)) => break,
            Either::Right((Err(_), _)) => return Err(NotHeld::CallerLeft),
        }
    }
    // Better an answer from a box that may be busy than none.
    journal::event(job.world, "lock_unreachable", |line| {
        line.text("box", name);
    });
    Ok(None)
}

/// Asks for a slot at several boxes, and takes the first there is; with the target's position.
pub(super) async fn claim_any<W: Platform>(
    job: &Job<'_, W>,
    targets: &[usize],
    patience: Patience,
) -> Result<(usize, Option<Hold<W>>), NotHeld> {
    let mut claims: Vec<LocalBoxFuture<'_, _>> = targets
        .iter()
        .filter_map(|at| Some((*at, job.config.targets.get(*at)?)))
        .map(|(at, target)| {
            claim(job, target, patience)
                .map(move |held| held.map(|hold| (at, hold)))
                .boxed_local()
        })
        .collect();
    while !claims.is_empty() {
        let (claimed, _, others) = select_all(claims).await;
        match claimed {
            Err(NotHeld::Busy) => claims = others,
            // Those that still wait give up their places.
            Ok(_) | Err(NotHeld::CallerLeft) => return claimed,
        }
    }
    Err(NotHeld::Busy)
}

/// Works while the slot is kept.
pub(super) async fn during<W: Platform, T>(
    hold: Option<&Hold<W>>,
    work: impl Future<Output = T>,
) -> T {
    let Some(hold) = hold else {
        return work.await;
    };
    match select(pin!(work), pin!(hold.keep())).await {
        Either::Left((done, _)) => done,
        Either::Right(((), work)) => work.await,
    }
}

impl<W: Platform> Hold<W> {
    /// Renews the lease, until it is no longer to be had or nobody waits for the answer.
    async fn keep(&self) {
        let message = Message::Renew {
            owner: self.owner.clone(),
            lease_ms: self.lease_ms,
        };
        // Two may be lost before the lease ends. A caller who does not read keeps an answer from ending.
        while self.world.sleep(self.lease_ms / 3).await.is_ok() && self.world.now() < self.deadline
        {
            if self.world.lock(&self.name, &message).await == Some(Reply::NotYours) {
                journal::event(&self.world, "lease_lost", |line| {
                    line.text("box", &self.name);
                });
                return;
            }
        }
    }
}

/// A token that is nobody else's: the request's id, which is, and a number for each time that it asks.
fn token<W: Platform>(job: &Job<'_, W>) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number from 0 up to 2^32"
    )]
    let chance = (job.world.random() * 4_294_967_296.0) as u64;
    format!("{}.{chance:08x}", job.id)
}
