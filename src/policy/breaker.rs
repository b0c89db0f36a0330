//! Whether a target may be asked: a circuit breaker as a value.
//!
//! Closed is healthy, open refuses, half-open lets one probe through. Every method takes the time, and
//! chance where it needs some, so an hour of flapping is a loop in a test.
//!
//! # Why two ways to trip
//!
//! Consecutive failures catch an outage within a few requests. A provider that fails every second
//! request never has many failures in a row, so the share of failures in a window trips it as well,
//! once the window holds enough attempts to mean something.
//!
//! # What isolates tell each other
//!
//! Fresh state lives in the isolate. When a breaker opens for longer than [`WORTH_TELLING_MS`] or
//! closes again, a [`Shared`] goes to Workers KV under the target's own key, so that two isolates that
//! trip two targets do not undo each other; KV has no compare-and-swap. The later of two changes wins.
//! Half-open is not shared: each isolate probes for itself, and their cool-downs differ by chance, so
//! the probes come one after another.
//!
//! **Invariant:** no state lasts for ever. An open breaker has an end, and a probe of which nothing is
//! heard makes room for the next.

use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::reason::Reason;

/// Cool-downs below this are over before another isolate would hear of them (KV takes up to 60 s),
/// and KV's free plan allows 1,000 writes a day.
pub const WORTH_TELLING_MS: u64 = 10_000;

/// How long a probe may be silent before the next one goes.
const PROBE_LEASE_MS: u64 = 60_000;

/// How many parts the window of the failure rate moves in.
const BUCKETS: u64 = 10;

/// The breaker of one target in one isolate.
#[derive(Clone, Debug, PartialEq)]
pub struct Breaker {
    state: State,
    /// Openings in a row without a success between them.
    trips: u32,
    window: Vec<Bucket>,
    /// When this breaker last opened or closed, in milliseconds since 1970.
    changed_at: u64,
}

/// What a breaker does with requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    /// Lets them through.
    Closed {
        /// Failures since the last success.
        failures: u32,
    },
    /// Lets none through until a time.
    Open {
        /// Milliseconds since 1970.
        until: u64,
        /// Why.
        cause: Cause,
    },
    /// Has let one through and waits for what it says.
    HalfOpen {
        /// When the probe is given up.
        until: u64,
        /// Why it was open.
        cause: Cause,
    },
}

/// Why a breaker is open, as far as callers are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It fails.
    Failing,
    /// It throttles.
    Throttled,
    /// Its credential, account, model or way in needs the operator.
    Misconfigured,
}

/// What may be done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Ask the target.
    Pass,
    /// Ask it: this is the probe that decides.
    Probe,
    /// Do not ask it before `until`.
    Refuse {
        /// Milliseconds since 1970.
        until: u64,
        /// Why.
        cause: Cause,
    },
}

/// What an attempt says of its target's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answered.
    Well,
    /// It failed.
    Failed,
    /// It throttles, and asks to be left alone for so many milliseconds where it says so.
    Throttled(Option<u64>),
    /// The operator must act.
    Misconfigured,
    /// Nothing can be told: the fault was the caller's, or the caller left.
    Unknown,
}

/// What one isolate tells the others: the value under a target's key in KV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// When it changed, in milliseconds since 1970.
    pub at: u64,
    /// Until when it is open; `None` when it has closed.
    pub open_until: Option<u64>,
    /// Why.
    pub cause: Cause,
    /// Openings in a row.
    pub trips: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bucket {
    slot: u64,
    asked: u32,
    failed: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            state: State::Closed { failures: 0 },
            trips: 0,
            window: Vec::new(),
            changed_at: 0,
        }
    }
}

impl Breaker {
    /// What it does with requests.
    pub fn state(&self) -> State {
        self.state
    }

    /// Decides on one request, and remembers when it is the probe.
    pub fn admit(&mut self, now: u64) -> Admission {
        match self.state {
            State::Closed { .. } => Admission::Pass,
            State::Open { until, cause } | State::HalfOpen { until, cause } if now < until => {
                Admission::Refuse { until, cause }
            }
            State::Open { cause, .. } | State::HalfOpen { cause, .. } => {
                let until = now.saturating_add(PROBE_LEASE_MS);
                self.state = State::HalfOpen { until, cause };
                Admission::Probe
            }
        }
    }

    /// Takes what an attempt says. Returns what the other isolates should hear, if anything. `chance`
    /// is a number from 0 up to 1.
    #[must_use]
    pub fn record(
        &mut self,
        health: Health,
        settings: &Settings,
        now: u64,
        chance: f64,
    ) -> Option<Shared> {
        match health {
            Health::Well => self.well(settings, now),
            Health::Unknown => {
                // A probe that found nothing out makes room for the next at once.
                if let State::HalfOpen { cause, .. } = self.state {
                    self.state = State::Open { until: now, cause };
                }
                None
            }
            Health::Failed => self.failed(settings, now, chance),
            Health::Throttled(wait) => {
                self.count(settings, now, 0);
                let wait = wait.unwrap_or(settings.breaker_cooldown_ms / 3);
                let wait = wait.min(settings.breaker_credential_cooldown_ms);
                self.open(now, now.saturating_add(wait), Cause::Throttled)
            }
            Health::Misconfigured => {
                let until = now.saturating_add(settings.breaker_credential_cooldown_ms);
                self.open(now, until, Cause::Misconfigured)
            }
        }
    }

    /// Takes what another isolate tells.
    pub fn hear(&mut self, shared: &Shared, now: u64) {
        if shared.at <= self.changed_at {
            return;
        }
        match shared.open_until {
            Some(until) if until > now => {
                self.state = State::Open {
                    until,
                    cause: shared.cause,
                };
                self.trips = shared.trips;
                self.changed_at = shared.at;
            }
            Some(_) => {}
            None => {
                if !matches!(self.state, State::Closed { .. }) {
                    self.state = State::Closed { failures: 0 };
                    self.window.clear();
                }
                self.trips = 0;
                self.changed_at = shared.at;
            }
        }
    }

    fn well(&mut self, settings: &Settings, now: u64) -> Option<Shared> {
        self.count(settings, now, 0);
        match self.state {
            State::Closed { .. } => {
                self.state = State::Closed { failures: 0 };
                None
            }
            // A request from before the opening ended late; the probe decides, not it.
            State::Open { .. } => None,
            State::HalfOpen { cause, .. } => {
                self.state = State::Closed { failures: 0 };
                self.window.clear();
                self.trips = 0;
                self.changed_at = now;
                Some(Shared {
                    at: now,
                    open_until: None,
                    cause,
                    trips: 0,
                })
            }
        }
    }

    fn failed(&mut self, settings: &Settings, now: u64, chance: f64) -> Option<Shared> {
        self.count(settings, now, 1);
        let failures = match self.state {
            State::Closed { failures } => failures.saturating_add(1),
            State::Open { .. } => return None,
            State::HalfOpen { .. } => u32::MAX,
        };
        if failures >= settings.breaker_failures || self.rate_trips(settings) {
            let until = now.saturating_add(self.cooldown(settings, chance));
            return self.open(now, until, Cause::Failing);
        }
        self.state = State::Closed { failures };
        None
    }

    fn open(&mut self, now: u64, until: u64, cause: Cause) -> Option<Shared> {
        if let State::Open {
            until: standing, ..
        } = self.state
            && standing >= until
        {
            return None;
        }
        self.trips = self.trips.saturating_add(1);
        self.state = State::Open { until, cause };
        self.changed_at = now;
        self.window.clear();
        (until.saturating_sub(now) >= WORTH_TELLING_MS).then_some(Shared {
            at: now,
            open_until: Some(until),
            cause,
            trips: self.trips,
        })
    }

    /// Grows with each opening in a row; between nine tenths of its length and all of it, by chance.
    fn cooldown(&self, settings: &Settings, chance: f64) -> u64 {
        let grown = settings
            .breaker_cooldown_ms
            .saturating_mul(1_u64 << self.trips.min(20))
            .min(settings.breaker_cooldown_max_ms);
        let tenth = u32::try_from(grown / 10).unwrap_or(u32::MAX);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a u32"
        )]
        let off = (f64::from(tenth) * chance.clamp(0.0, 1.0)) as u64;
        grown.saturating_sub(off)
    }

    fn count(&mut self, settings: &Settings, now: u64, failed: u32) {
        let slot = now / (settings.breaker_window_ms / BUCKETS).max(1);
        self.window
            .retain(|bucket| bucket.slot.saturating_add(BUCKETS) > slot);
        match self.window.iter_mut().find(|bucket| bucket.slot == slot) {
            Some(bucket) => {
                bucket.asked = bucket.asked.saturating_add(1);
                bucket.failed = bucket.failed.saturating_add(failed);
            }
            None => self.window.push(Bucket {
                slot,
                asked: 1,
                failed,
            }),
        }
    }

    fn rate_trips(&self, settings: &Settings) -> bool {
        let (asked, failed) = self.window.iter().fold((0_u32, 0_u32), |sum, bucket| {
            (
                sum.0.saturating_add(bucket.asked),
                sum.1.saturating_add(bucket.failed),
            )
        });
        asked >= settings.breaker_min_requests
            && f64::from(failed) >= f64::from(asked) * settings.breaker_rate
    }
}

/// What a reason says of its target's health.
pub const fn health_of(reason: Reason) -> Health {
    match reason {
        Reason::AccessDenied
        | Reason::Credential
        | Reason::HostRefused
        | Reason::ModelMissing
        | Reason::SpendLimit => Health::Misconfigured,
        Reason::AttemptTimeout
        | Reason::Empty
        | Reason::EndedWithoutDone
        | Reason::EngineError
        | Reason::FirstTokenTimeout
        | Reason::HeadersTimeout
        | Reason::InStreamError
        | Reason::NotAnApi
        | Reason::OriginRefused
        | Reason::Overloaded
        | Reason::Redirected
        | Reason::Stalled
        | Reason::StreamCut
        | Reason::TunnelDown
        | Reason::TunnelTimeout
        | Reason::Unreachable => Health::Failed,
        Reason::Throttled => Health::Throttled(None),
        Reason::BreakerOpen
        | Reason::ContentPolicy
        | Reason::ContextOverflow
        | Reason::Deadline
        | Reason::NoKey
        | Reason::Rejected
        | Reason::ServerBusy
        | Reason::TooLong
        | Reason::Unsupported => Health::Unknown,
    }
}
