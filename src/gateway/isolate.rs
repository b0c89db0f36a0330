//! What one isolate knows and keeps between requests: the configuration and what was learned.
//!
//! Plain values only. The runtime forbids one request to wake another, so nothing in here is ever
//! awaited, and no borrow of it lives across an await.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::config::{Config, Mistake, Target};
use crate::ledger::outbox::Outbox;
use crate::openai::Usage;
use crate::platform::Told;
use crate::policy::boxes::{Boxes, Forwarded};
use crate::policy::breaker::{Admission, Breaker, Health, Permit, Shared, Standing};
use crate::policy::drill::Drill;
use crate::policy::fit::Ratio;
use crate::reason::Reason;

/// What other isolates told is taken as known for this long, in milliseconds.
const FRESH_MS: u64 = 5_000;

/// After this long it is not worth acting on until it has been read again.
const STALE_MS: u64 = 60_000;

/// How many refused efforts are kept, and up to which length in bytes.
const REFUSED_EFFORTS: usize = 32;
const LONGEST_EFFORT: usize = 16;

/// One isolate.
#[derive(Debug)]
pub struct Isolate {
    /// The configuration, or everything that is wrong with it.
    pub config: Result<Config, Vec<Mistake>>,
    memory: RefCell<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    breakers: BTreeMap<String, Breaker>,
    boxes: Boxes,
    /// Whether targets' prompts go on to a cloud, as requests found out, and until when that is believed.
    found: BTreeMap<String, (Forwarded, u64)>,
    ratios: BTreeMap<String, Ratio>,
    /// Which target refused which `reasoning_effort`.
    refused_efforts: Vec<(String, String)>,
    asked_at: Option<u64>,
    drill: Option<Drill>,
    /// Why each target failed last, and when.
    failures: BTreeMap<String, (Reason, u64)>,
    outbox: Outbox,
    /// The name by which the ledger knows this isolate.
    name: Option<String>,
}

/// How much is known of what other isolates told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearsay {
    /// Enough.
    Fresh,
    /// Enough to act on, and due to be read again.
    Aging,
    /// Nothing worth acting on.
    Unknown,
}

impl Isolate {
    /// A new isolate with nothing learned.
    pub fn new(config: Result<Config, Vec<Mistake>>) -> Self {
        Self {
            config,
            memory: RefCell::default(),
        }
    }

    /// How much is known of what other isolates told, if they could be heard at all. Anything but [`Hearsay::Fresh`] obliges the caller
    /// to read: the next request within a few seconds is told `Fresh`, so that there is one reader.
    pub fn hearsay(&self, now: u64) -> Hearsay {
        let mut memory = self.memory.borrow_mut();
        let age = memory.asked_at.map(|at| now.saturating_sub(at));
        match age {
            Some(age) if age < FRESH_MS => return Hearsay::Fresh,
            _ => memory.asked_at = Some(now),
        }
        match age {
            Some(age) if age < STALE_MS => Hearsay::Aging,
            _ => Hearsay::Unknown,
        }
    }

    /// Takes what other isolates told.
    pub fn hear(&self, told: &Told, now: u64) {
        let mut memory = self.memory.borrow_mut();
        for (target, shared) in &told.breakers {
            memory
                .breakers
                .entry(target.clone())
                .or_default()
                .hear(shared, now);
        }
        memory.boxes.hear(&told.boxes);
    }

    /// What is known of the boxes, as it was told; some of it may be too old to be believed.
    pub fn boxes(&self) -> Boxes {
        self.memory.borrow().boxes.clone()
    }

    /// Asks what is known of the boxes.
    pub(super) fn with_boxes<T>(&self, ask: impl FnOnce(&Boxes) -> T) -> T {
        ask(&self.memory.borrow().boxes)
    }

    /// Takes what a request found out of where a target's prompts go, to be believed until a time. That
    /// they go to a cloud is not taken back before its time.
    pub(super) fn finds(&self, target: &str, forwarded: Forwarded, until: u64) {
        let mut memory = self.memory.borrow_mut();
        let known = memory.found.get(target);
        if known.is_none_or(|(known, end)| *known != Forwarded::Yes || *end <= until) {
            memory.found.insert(target.to_owned(), (forwarded, until));
        }
    }

    /// What requests found out of where a target's prompts go, as far as it is still believed.
    pub(super) fn found(&self, target: &str, now: u64) -> Forwarded {
        match self.memory.borrow().found.get(target) {
            Some((forwarded, until)) if now < *until => *forwarded,
            Some(_) | None => Forwarded::Unknown,
        }
    }

    /// Asks a target's breaker.
    pub fn admit(&self, target: &Target, now: u64) -> Admission {
        self.with_breaker(target, |breaker| breaker.admit(&target.settings, now))
    }

    /// Tells a target's breaker of the first word of an answer; returns what other isolates should
    /// hear.
    pub fn heard_from(&self, target: &Target, permit: Permit, now: u64) -> Option<Shared> {
        self.with_breaker(target, |breaker| {
            breaker.heard_from(permit, &target.settings, now)
        })
    }

    /// Tells a target's breaker what a request told; returns what other isolates should hear.
    pub fn record(
        &self,
        target: &Target,
        permit: Permit,
        health: Health,
        now: u64,
        chance: f64,
    ) -> Option<Shared> {
        self.with_breaker(target, |breaker| {
            breaker.record(permit, health, &target.settings, now, chance)
        })
    }

    /// How a target's breaker stands.
    pub fn standing(&self, target: &Target, now: u64) -> Standing {
        self.with_breaker(target, |breaker| breaker.standing(now))
    }

    /// Closes a target's breaker, by the operator's word; returns what other isolates should hear.
    pub fn reset(&self, target: &Target, now: u64) -> [Shared; 2] {
        self.with_breaker(target, |breaker| breaker.reset(now))
    }

    /// Opens a target's breaker until a time, by the operator's word; returns what other isolates
    /// should hear.
    pub fn trip(&self, target: &Target, until: u64, now: u64) -> Shared {
        self.with_breaker(target, |breaker| breaker.trip(until, now))
    }

    fn with_breaker<T>(&self, target: &Target, ask: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut memory = self.memory.borrow_mut();
        match memory.breakers.get_mut(&target.name) {
            Some(breaker) => ask(breaker),
            None => ask(memory.breakers.entry(target.name.clone()).or_default()),
        }
    }

    /// Whether a target has refused this `reasoning_effort` before.
    pub fn refuses_effort(&self, target: &str, effort: &str) -> bool {
        let memory = self.memory.borrow();
        let refused = |(who, what): &(String, String)| who == target && what == effort;
        memory.refused_efforts.iter().any(refused)
    }

    /// Learns that a target refuses a `reasoning_effort`. Callers make the words up, so only so many
    /// are kept.
    pub fn refuse_effort(&self, target: &str, effort: &str) {
        let mut memory = self.memory.borrow_mut();
        let refused = (target.to_owned(), effort.to_owned());
        let known = memory.refused_efforts.contains(&refused);
        let is_word = effort.len() < LONGEST_EFFORT;
        if is_word && !known && memory.refused_efforts.len() < REFUSED_EFFORTS {
            memory.refused_efforts.push(refused);
        }
    }

    /// Notes why a target failed.
    pub fn failed(&self, target: &str, reason: Reason, now: u64) {
        let mut memory = self.memory.borrow_mut();
        match memory.failures.get_mut(target) {
            Some(known) => *known = (reason, now),
            None => {
                memory.failures.insert(target.to_owned(), (reason, now));
            }
        }
    }

    /// Why a target failed last in this isolate, and when, in milliseconds since 1970.
    pub fn last_failure(&self, target: &str) -> Option<(Reason, u64)> {
        self.memory.borrow().failures.get(target).copied()
    }

    /// The drill that goes on, as far as is known.
    pub fn drill(&self) -> Option<Drill> {
        self.memory.borrow().drill.clone()
    }

    /// Takes what is known of drills now.
    pub fn drills(&self, drill: Option<Drill>) {
        self.memory.borrow_mut().drill = drill;
    }

    /// What is to be told to the ledger.
    pub fn with_outbox<T>(&self, work: impl FnOnce(&mut Outbox) -> T) -> T {
        work(&mut self.memory.borrow_mut().outbox)
    }

    /// The name by which the ledger knows this isolate: `made` once, and kept.
    pub fn name(&self, make: impl FnOnce() -> String) -> String {
        let mut memory = self.memory.borrow_mut();
        memory.name.get_or_insert_with(make).clone()
    }

    /// How a target's own tokens compare with ours.
    pub fn ratio(&self, target: &str) -> Ratio {
        self.memory
            .borrow()
            .ratios
            .get(target)
            .copied()
            .unwrap_or_default()
    }

    /// Learns from an answer, where both we and the target counted its prompt.
    pub fn compare(&self, target: &str, counted: Option<u32>, usage: Option<Usage>) {
        if let (Some(counted), Some(usage)) = (counted, usage) {
            self.learn(target, counted, usage.prompt_tokens);
        }
    }

    /// Learns from a prompt that we counted and the target counted.
    pub fn learn(&self, target: &str, counted: u32, real: u64) -> Ratio {
        let ratio = self.ratio(target).learned(counted, real);
        self.memory
            .borrow_mut()
            .ratios
            .insert(target.to_owned(), ratio);
        ratio
    }
}
