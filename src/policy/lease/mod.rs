//! Who may use a home box: a lock of so many slots with leases and a queue, as a value.
//!
//! Ollama takes any number of requests and makes them wait in silence, so a gateway that just asks
//! cannot tell a busy box from a dead one. The lock knows who is at the box, lets the next one in the
//! order of coming, and tells the others at once that it is busy.
//!
//! # Why leases
//!
//! Whoever holds a slot may vanish without a word. So a slot is lent for a time, which its holder
//! renews while it lives; when the time is over, it is the next one's. The holder names itself by a
//! token of its own, made before it asks, so that a message which is sent twice or comes late changes
//! nothing that is another's (<https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html>
//! calls this fencing).
//!
//! # Why a value
//!
//! The Durable Object that keeps it runs one message after another. All that it decides is decided
//! here, where time is an argument and a crash is a value that is not restored.
//!
//! **Invariants:** never more holders than slots; a slot that is free and a queue that is not empty are
//! never left so by [`Lock::settle`]; whoever waits is let in before all who came after it; every lease
//! and every ticket has an end.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// The lock of one box.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    holders: Vec<Lease>,
    queue: VecDeque<Ticket>,
    /// How many leases there have been.
    count: u64,
    /// Tokens that were given back before they were known, with the time until which that is
    /// remembered: a message may overtake another.
    #[serde(default)]
    gone: VecDeque<(String, u64)>,
}

/// How long it is remembered that a token was given back before it was known, in milliseconds.
const GONE_MS: u64 = 60_000;

/// How many such are remembered.
const GONE: usize = 100;

/// A slot that is lent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The holder's token.
    pub owner: String,
    /// The id of the request that it serves.
    pub request: String,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
    /// Until when, unless it is renewed.
    pub expires: u64,
    /// Its number, which only grows: a later lease has a higher one.
    pub number: u64,
}

/// A place in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Ticket {
    ask: Ask,
    since: u64,
    until: u64,
}

/// What somebody asks for who wants a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// A token that is nobody else's, by which it is known from now on.
    pub owner: String,
    /// The id of the request that it serves.
    pub request: String,
    /// How many slots the box has.
    pub slots: u32,
    /// How long a lease lasts that is not renewed, in milliseconds.
    pub lease_ms: u64,
    /// How long it would wait, in milliseconds; 0 when it would not.
    pub wait_ms: u64,
    /// How many may wait at most.
    pub queue: u32,
    /// Tokens of the same request that are given back with this: what says so may come later.
    #[serde(default)]
    pub replaces: Vec<String>,
}

/// What becomes of an ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It has a slot.
    Granted(Lease),
    /// It has a place in the queue: this many are before it.
    Queued(usize),
    /// It has neither: all slots are lent, and it would not wait, or has waited as long as it would,
    /// or too many wait already.
    Busy,
}

/// A message to the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// For a slot. It is answered when there is one, or when there is none in time.
    Ask(Ask),
    /// The holder lives: its lease begins anew, and lasts for so many milliseconds.
    Renew {
        /// The holder's token.
        owner: String,
        /// How long, in milliseconds.
        lease_ms: u64,
    },
    /// The holder is done, or whoever waits does so no more.
    Release {
        /// Its token.
        owner: String,
    },
    /// Every lease ends, whoever holds it.
    Free,
    /// How it stands.
    Look,
}

/// What the lock answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To an ask that is granted or a lease that is renewed.
    Yours(Lease),
    /// To an ask that cannot be granted.
    Busy,
    /// To whoever is not, or no longer, known.
    NotYours,
    /// To a release: it had a slot or a place.
    Released,
    /// To [`Message::Free`]: so many leases have ended.
    Freed(usize),
    /// To a look.
    Seen(Seen),
}

/// How a lock stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Who is at the box.
    pub holders: Vec<Lease>,
    /// Who waits, the next one first.
    pub queue: Vec<Waiting>,
}

/// Somebody who waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The id of the request that waits.
    pub request: String,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
    /// Until when it waits.
    pub until: u64,
}

/// What happened to somebody in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It has a slot now.
    Granted(Lease),
    /// It has waited as long as it would; this was its token.
    Late(String),
}

impl Lock {
    /// Takes an ask. Whoever asks again under the same token is answered as it stands.
    pub fn ask(&mut self, ask: Ask, now: u64) -> Standing {
        for owner in &ask.replaces {
            self.release(owner, now);
        }
        if self.gone.iter().any(|(owner, _)| *owner == ask.owner) {
            return Standing::Busy;
        }
        if let Some(lease) = self.lease_of(&ask.owner) {
            return Standing::Granted(lease.clone());
        }
        if let Some(place) = self.place_of(&ask.owner) {
            return Standing::Queued(place);
        }
        if self.queue.is_empty() && self.has_slot(ask.slots, now) {
            return Standing::Granted(self.grant(ask, now));
        }
        let full = self.queue.len() >= usize::try_from(ask.queue).unwrap_or(usize::MAX);
        if ask.wait_ms == 0 || full {
            return Standing::Busy;
        }
        let until = now.saturating_add(ask.wait_ms);
        self.queue.push_back(Ticket {
            ask,
            since: now,
            until,
        });
        Standing::Queued(self.queue.len().saturating_sub(1))
    }

    /// Lets a lease last for `lease_ms` from now. `None` when it is not, or no longer, a holder's.
    pub fn renew(&mut self, owner: &str, lease_ms: u64, now: u64) -> Option<Lease> {
        let lease = self.holders.iter_mut().find(|lease| lease.owner == owner)?;
        // It may be over already; then it is only not another's yet.
        lease.expires = now.saturating_add(lease_ms);
        Some(lease.clone())
    }

    /// Ends a lease or gives up a place in the queue; whether there was either.
    pub fn release(&mut self, owner: &str, now: u64) -> bool {
        let before = (self.holders.len(), self.queue.len());
        self.holders.retain(|lease| lease.owner != owner);
        self.queue.retain(|ticket| ticket.ask.owner != owner);
        let known = before != (self.holders.len(), self.queue.len());
        self.gone.retain(|(_, until)| now < *until);
        if !known && self.gone.iter().all(|(other, _)| other != owner) {
            self.gone
                .push_back((owner.to_owned(), now.saturating_add(GONE_MS)));
            if self.gone.len() > GONE {
                self.gone.pop_front();
            }
        }
        known
    }

    /// Ends every lease; returns how many there were.
    pub fn free(&mut self) -> usize {
        let count = self.holders.len();
        self.holders.clear();
        count
    }

    /// Gives up every place in the queue. Whoever waits does so on a connection, and after a restart
    /// there is none.
    pub fn forget_queue(&mut self) {
        self.queue.clear();
        self.gone.clear();
    }

    /// Ends what is over, and lets in whoever is next. Tells what became of those who waited.
    pub fn settle(&mut self, now: u64) -> Vec<Settled> {
        let mut settled = Vec::new();
        self.queue.retain(|ticket| {
            let waits = now < ticket.until;
            if !waits {
                settled.push(Settled::Late(ticket.ask.owner.clone()));
            }
            waits
        });
        while let Some(slots) = self.queue.front().map(|ticket| ticket.ask.slots)
            && self.has_slot(slots, now)
            && let Some(ticket) = self.queue.pop_front()
        {
            settled.push(Settled::Granted(self.grant(ticket.ask, now)));
        }
        settled
    }

    /// When [`Lock::settle`] has something to do next, in milliseconds since 1970; `None` when nobody
    /// waits.
    pub fn next_at(&self) -> Option<u64> {
        let tickets = self.queue.iter().map(|ticket| ticket.until);
        let leases = self.holders.iter().map(|lease| lease.expires);
        (!self.queue.is_empty())
            .then(|| tickets.chain(leases).min())
            .flatten()
    }

    /// How it stands. A lease that is over is not shown: nobody holds it.
    pub fn seen(&self, now: u64) -> Seen {
        let holds = |lease: &&Lease| now < lease.expires;
        let waiting = |ticket: &Ticket| Waiting {
            request: ticket.ask.request.clone(),
            since: ticket.since,
            until: ticket.until,
        };
        Seen {
            holders: self.holders.iter().filter(holds).cloned().collect(),
            queue: self.queue.iter().map(waiting).collect(),
        }
    }

    fn lease_of(&self, owner: &str) -> Option<&Lease> {
        self.holders.iter().find(|lease| lease.owner == owner)
    }

    fn place_of(&self, owner: &str) -> Option<usize> {
        self.queue
            .iter()
            .position(|ticket| ticket.ask.owner == owner)
    }

    /// Whether a slot is free, once the leases that are over have made room.
    fn has_slot(&mut self, slots: u32, now: u64) -> bool {
        let slots = usize::try_from(slots).unwrap_or(usize::MAX).max(1);
        if self.holders.len() >= slots {
            self.holders.retain(|lease| now < lease.expires);
        }
        self.holders.len() < slots
    }

    fn grant(&mut self, ask: Ask, now: u64) -> Lease {
        self.count = self.count.saturating_add(1);
        let lease = Lease {
            owner: ask.owner,
            request: ask.request,
            since: now,
            expires: now.saturating_add(ask.lease_ms),
            number: self.count,
        };
        self.holders.push(lease.clone());
        lease
    }
}
