//! The account of one request: every attempt at it, and who wrote which part of the answer.
//!
//! It is shared by the chain, which keeps it, and the relay, which discloses it in the chunks that end
//! an answer. No borrow of it lives across an await.

use std::cell::RefCell;

use crate::gateway::answer::{Disclosure, Omitted};
use crate::gateway::attempt::{self, Attempt, Staged};
use crate::gateway::exhausted::Refusal;
use crate::gateway::spent::{Spent, Used};
use crate::policy::cost::Tariff;
use crate::policy::privacy::Ground;
use crate::reason::Reason;

/// What was tried so far.
#[derive(Debug, Default)]
pub(super) struct Account(RefCell<Inner>);

#[derive(Debug, Default)]
struct Inner {
    attempts: Vec<Attempt>,
    /// When each attempt that was made began.
    began: Vec<(Entry, u64)>,
    /// Those that are not over.
    under_way: Vec<Entry>,
    spent: Vec<Spent>,
    first_refusal: Option<Refusal>,
    last_refusal: Option<Refusal>,
    parts: Vec<Part>,
    /// When the caller was given the first word.
    first_word: Option<u64>,
    private: Option<Ground>,
    /// The id of the drill that it is part of.
    drill: Option<String>,
    usage: Reckoning,
    /// The slots that were given back, by box and token.
    given_back: Vec<(String, String)>,
    /// The targets whose breakers have heard of a failure.
    failed: Vec<String>,
}

/// An attempt's place in the account.
pub(super) type Entry = usize;

/// What one target wrote of an answer that others went on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The target's name.
    pub target: String,
    /// Its model.
    pub model: String,
    /// How many characters of the text are its.
    pub characters: u64,
}

/// The target that answers, as it is disclosed.
#[derive(Clone, Debug)]
pub(super) struct Answerer {
    pub(super) entry: Entry,
    pub(super) target: String,
    pub(super) model: String,
    pub(super) omitted: Omitted,
}

static NOTHING_OMITTED: Omitted = Omitted {
    truncated: None,
    dropped: Vec::new(),
};

/// Whether the usage that is told was counted by upstreams alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reckoning {
    /// It was.
    #[default]
    Counted,
    /// What broke off told none, so its part is our estimate.
    Estimated,
}

/// What ended a chain that nobody answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// The last target, too, could not answer.
    Failure,
    /// A target refused what every target would.
    Refusal,
}

impl Inner {
    /// How long it is since an attempt began, in milliseconds.
    fn took(&self, entry: Entry, now: u64) -> u64 {
        let began = self.began.iter().find(|(at, _)| *at == entry);
        began.map_or(0, |(_, began)| now.saturating_sub(*began))
    }
}

impl Account {
    /// Notes why the request stays at home.
    pub(super) fn stays_home(&self, ground: Ground) {
        self.0.borrow_mut().private = Some(ground);
    }

    /// Notes that the caller is given a word.
    pub(super) fn speaks(&self, now: u64) {
        self.0.borrow_mut().first_word.get_or_insert(now);
    }

    /// When the caller was given the first word, in milliseconds since 1970.
    pub(super) fn first_word(&self) -> Option<u64> {
        self.0.borrow().first_word
    }

    /// Notes that a slot at a box is given back.
    pub(super) fn gives_back(&self, name: &str, owner: &str) {
        let given = (name.to_owned(), owner.to_owned());
        self.0.borrow_mut().given_back.push(given);
    }

    /// The tokens that the request has given back at a box; the lock may not have heard of that yet.
    pub(super) fn given_back(&self, name: &str) -> Vec<String> {
        let account = self.0.borrow();
        let here = account.given_back.iter().filter(|(other, _)| other == name);
        here.map(|(_, owner)| owner.clone()).collect()
    }

    /// Notes the drill that the request is part of.
    pub(super) fn takes_part(&self, drill: &str) {
        self.0.borrow_mut().drill = Some(drill.to_owned());
    }

    /// Notes an attempt that is over, or was none.
    pub(super) fn note(&self, attempt: Attempt) {
        self.0.borrow_mut().attempts.push(attempt);
    }

    /// Notes an attempt that begins. Until it is over, it is one that another outpaces.
    pub(super) fn begin(&self, target: &str, now: u64) -> Entry {
        let mut account = self.0.borrow_mut();
        let entry = account.attempts.len();
        account
            .attempts
            .push(Attempt::skipped(target, Reason::Outpaced));
        account.began.push((entry, now));
        account.under_way.push(entry);
        entry
    }

    /// The headers of the attempt's answer are here.
    pub(super) fn hears(&self, entry: Entry, now: u64) {
        let mut account = self.0.borrow_mut();
        let ms = account.took(entry, now);
        if let Some(attempt) = account.attempts.get_mut(entry) {
            attempt.ms = ms;
        }
    }

    /// The attempt has brought an answer, as far as can be told.
    pub(super) fn answers(&self, entry: Entry, now: u64) {
        self.over(entry, now, |attempt| attempt.reason = None);
    }

    /// The attempt has failed; `change` says how.
    pub(super) fn fails(&self, entry: Entry, now: u64, change: impl FnOnce(&mut Attempt)) {
        self.over(entry, now, change);
    }

    /// An attempt that had brought an answer has failed after all.
    pub(super) fn breaks(&self, entry: Entry, reason: Reason, staged: Staged) {
        if let Some(attempt) = self.0.borrow_mut().attempts.get_mut(entry) {
            attempt.reason = Some(reason);
            attempt.staged = staged;
        }
    }

    /// Whatever is still under way has been given up for this reason. What it used nobody tells.
    pub(super) fn gives_up(
        &self,
        now: u64,
        reason: Reason,
        tariff: impl Fn(&str) -> Option<Tariff>,
    ) {
        let under_way = std::mem::take(&mut self.0.borrow_mut().under_way);
        for entry in under_way {
            let target = {
                let mut account = self.0.borrow_mut();
                let ms = account.took(entry, now);
                let Some(attempt) = account.attempts.get_mut(entry) else {
                    continue;
                };
                attempt.reason = Some(reason);
                attempt.ms = ms;
                attempt.target.clone()
            };
            if let Some(tariff) = tariff(&target) {
                self.spends(entry, &target, Used::Untold, tariff, now);
            }
        }
    }

    fn over(&self, entry: Entry, now: u64, change: impl FnOnce(&mut Attempt)) {
        let mut account = self.0.borrow_mut();
        let ms = account.took(entry, now);
        account.under_way.retain(|at| *at != entry);
        if let Some(attempt) = account.attempts.get_mut(entry) {
            attempt.ms = ms;
            change(attempt);
        }
    }

    /// Keeps an upstream's words that the caller may have to act on.
    pub(super) fn refuse(&self, refusal: Refusal) {
        let mut account = self.0.borrow_mut();
        account.first_refusal.get_or_insert_with(|| refusal.clone());
        account.last_refusal = Some(refusal);
    }

    /// The upstream's words that the caller can act on: only where all that went wrong is the caller's to
    /// change, or where they ended the chain.
    pub(super) fn refusal(&self, last: Last) -> Option<Refusal> {
        let account = self.0.borrow();
        let only_refusals = attempt::settled(&account.attempts).iter().all(|attempt| {
            attempt.reason.is_some_and(|reason| {
                let refusal = matches!(
                    reason,
                    Reason::ContentPolicy
                        | Reason::ContextOverflow
                        | Reason::Rejected
                        | Reason::TooLong
                        | Reason::Unsupported
                );
                refusal || reason.is_struck()
            })
        });
        match last {
            Last::Refusal => account.last_refusal.clone(),
            Last::Failure => account.first_refusal.clone().filter(|_| only_refusals),
        }
    }

    /// Whether a target has said that the conversation is too long for it.
    pub(super) fn has_overflowed(&self, target: &str) -> bool {
        let account = self.0.borrow();
        account.attempts.iter().any(|attempt| {
            attempt.target == target && attempt.reason == Some(Reason::ContextOverflow)
        })
    }

    /// Notes who wrote what came last.
    pub(super) fn part(&self, target: &str, model: &str, until: u64) {
        let mut account = self.0.borrow_mut();
        let before: u64 = account.parts.iter().map(|part| part.characters).sum();
        let characters = until.saturating_sub(before);
        // Who could not go on wrote nothing.
        if characters > 0 || account.parts.is_empty() {
            account.parts.push(Part {
                target: target.to_owned(),
                model: model.to_owned(),
                characters,
            });
        }
    }

    /// How many characters have an author.
    pub(super) fn parted(&self) -> u64 {
        let account = self.0.borrow();
        account.parts.iter().map(|part| part.characters).sum()
    }

    /// The parts so far are thrown away: the answer begins anew.
    pub(super) fn start_over(&self) {
        let mut account = self.0.borrow_mut();
        account.parts.clear();
        account.usage = Reckoning::Counted;
    }

    /// Notes that a target's breaker is to hear of a failure; whether it is the first in this request.
    pub(super) fn fails_first(&self, target: &str) -> bool {
        let mut account = self.0.borrow_mut();
        let known = account.failed.iter().any(|name| name == target);
        if !known {
            account.failed.push(target.to_owned());
        }
        !known
    }

    /// Notes what an attempt has used until now. What is noted a second time, and is the same, ended
    /// when it was noted first: whatever tells of it tells the same.
    pub(super) fn spends(&self, entry: Entry, target: &str, used: Used, tariff: Tariff, now: u64) {
        let mut account = self.0.borrow_mut();
        let ms = account.took(entry, now);
        let spent = Spent {
            entry,
            target: target.to_owned(),
            used,
            ms,
            cost: used.cost(tariff, ms),
        };
        match account.spent.iter_mut().find(|one| one.entry == entry) {
            Some(noted) if noted.used == used => {}
            Some(noted) => *noted = spent,
            None => account.spent.push(spent),
        }
    }

    /// Notes how part of the usage is known.
    pub(super) fn reckons(&self, reckoning: Reckoning) {
        if reckoning == Reckoning::Estimated {
            self.0.borrow_mut().usage = reckoning;
        }
    }

    /// The account as it is disclosed, with the attempt that answers, if one does. `until` is how many
    /// characters there are of an answer that several wrote; it is only asked for then.
    pub(super) fn disclosing<T>(
        &self,
        request_id: &str,
        answerer: Option<&Answerer>,
        until: impl FnOnce() -> u64,
        tell: impl FnOnce(Disclosure<'_>) -> T,
    ) -> T {
        let account = self.0.borrow();
        let (mut attempts, mut parts) = (account.attempts.clone(), account.parts.clone());
        if let Some(answerer) = answerer {
            // It may still be under way, when its end came with its beginning.
            if let Some(attempt) = attempts.get_mut(answerer.entry) {
                attempt.reason = None;
            }
            if !parts.is_empty() {
                let before: u64 = parts.iter().map(|part| part.characters).sum();
                parts.push(Part {
                    target: answerer.target.clone(),
                    model: answerer.model.clone(),
                    characters: until().saturating_sub(before),
                });
            }
        }
        tell(Disclosure {
            request_id,
            answered: answerer.map(|answerer| (&*answerer.target, &*answerer.model)),
            attempts: &attempts,
            omitted: answerer.map_or(&NOTHING_OMITTED, |answerer| &answerer.omitted),
            parts: &parts,
            private: account.private,
            drill: account.drill.as_deref(),
            usage: account.usage,
            spent: &account.spent,
        })
    }
}
