//! Whether a target may be asked: a circuit breaker as a value.
//!
//! Closed is healthy, open refuses, half-open lets one probe through. Every method takes the time, and
//! chance where it needs some, so an hour of flapping is a loop in a test.
//!
//! # Why permits
//!
//! Many requests are under way at once, and they end in any order. What one of them tells is news only
//! if it was let through after the breaker last changed: a success from before an outage does not end
//! it, and only the probe itself decides a half-open breaker. So whoever is let through takes a permit,
//! and brings it back with what the asking told: once, after the last attempt.
//!
//! # Why two ways to trip
//!
//! Consecutive failures catch an outage within a few requests. A provider that fails every second
//! request never has many failures in a row, so the share of failures in a window trips it as well,
//! once the window holds enough attempts to mean something.
//!
//! # What isolates tell each other
//!
//! Fresh state lives in the isolate. When a breaker opens for longer than [`WORTH_TELLING_MS`] a
//! [`Shared`] goes to Workers KV under the target's own key, and another when it closes after that; so
//! two isolates that trip two targets do not undo each other, as KV has no compare-and-swap. The later
//! of two changes wins. Half-open is not shared: each isolate probes for itself, and their cool-downs
//! differ by chance, so the probes come one after another.
//!
//! **Invariant:** no state lasts for ever. An open breaker has an end, and a probe of which nothing is
//! heard makes room for the next.

use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::policy::breaker::window::Window;
use crate::reason::Reason;

mod window;

/// Cool-downs below this are over before another isolate would hear of them (KV takes up to 60 s),
/// and KV's free plan allows 1,000 writes a day.
pub const WORTH_TELLING_MS: u64 = 10_000;

/// The breaker of one target in one isolate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Breaker {
    state: State,
    /// Openings in a row without an answer that came to its end between them.
    trips: u32,
    window: Window,
    /// When this breaker last opened or closed, in milliseconds since 1970.
    changed_at: u64,
    /// Until when the other isolates take it for open; `None` when they do not.
    told_until: Option<u64>,
    /// The next permit's number.
    next: u64,
    /// The number of the first permit that says something of the present state.
    since: u64,
    /// The operator's word, which nothing else changes: until when, and when it was said.
    tripped: Tripped,
}

/// What the operator said of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tripped {
    /// Until when nobody asks it, in milliseconds since 1970.
    until: u64,
    /// When that was said.
    at: u64,
}

/// What a breaker does with requests.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
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
        /// The probe's permit.
        probe: u64,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
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
    /// The operator opened it.
    Tripped,
}

/// How a breaker stands, for whoever looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It lets requests through.
    Closed {
        /// Failures since the last success.
        failures: u32,
    },
    /// It lets none through.
    Open {
        /// Until when, in milliseconds since 1970.
        until: u64,
        /// Why.
        cause: Cause,
    },
    /// It lets one through, or waits for what that one says.
    HalfOpen {
        /// Why it was open.
        cause: Cause,
    },
}

/// What may be done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Ask the target.
    Pass(Permit),
    /// Ask it once: this is the probe that decides.
    Probe(Permit),
    /// Do not ask it before `until`.
    Refuse {
        /// Milliseconds since 1970.
        until: u64,
        /// Why.
        cause: Cause,
    },
}

/// The leave to ask a target. It has to come back with what that told, or the next probe waits longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit(u64);

/// What a request says of its target's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answered.
    Well,
    /// It failed.
    Failed,
    /// It failed, and asks to be left alone for so many milliseconds.
    Unavailable(u64),
    /// It throttles, and asks to be left alone for so many milliseconds where it says so.
    Throttled(Option<u64>),
    /// The operator must act.
    Misconfigured,
    /// Nothing can be told: the fault was the caller's, or the caller left.
    Unknown,
}

impl Health {
    /// The same with the upstream's own word on how long to stay away, in milliseconds.
    #[must_use]
    pub fn with_wait(self, wait_ms: Option<u64>) -> Self {
        match (self, wait_ms) {
            (Self::Failed, Some(wait)) => Self::Unavailable(wait),
            (Self::Throttled(least), Some(wait)) => {
                Self::Throttled(Some(wait.max(least.unwrap_or(0))))
            }
            // An account that says when it will be good again needs no operator.
            (Self::Misconfigured, Some(wait)) => Self::Throttled(Some(wait)),
            (health, _) => health,
        }
    }
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

impl Shared {
    /// That a breaker has closed which was open for this cause.
    pub const fn closed(at: u64, cause: Cause) -> Self {
        Self {
            at,
            open_until: None,
            cause,
            trips: 0,
        }
    }
}

impl Breaker {
    /// Decides on one request, and remembers when it is the probe.
    pub fn admit(&mut self, settings: &Settings, now: u64) -> Admission {
        if now < self.tripped.until {
            return Admission::Refuse {
                until: self.tripped.until,
                cause: Cause::Tripped,
            };
        }
        match self.state {
            State::Closed { .. } => Admission::Pass(self.permit()),
            State::Open { until, cause } | State::HalfOpen { until, cause, .. } if now < until => {
                Admission::Refuse { until, cause }
            }
            State::Open { cause, .. } | State::HalfOpen { cause, .. } => {
                let permit = self.permit();
                // A probe is one attempt, or two where the prompt has to be fitted again.
                let lease = settings.attempt_timeout_ms.saturating_mul(2);
                self.state = State::HalfOpen {
                    until: now.saturating_add(lease),
                    cause,
                    probe: permit.0,
                };
                self.since = permit.0;
                Admission::Probe(permit)
            }
        }
    }

    fn permit(&mut self) -> Permit {
        let permit = Permit(self.next);
        self.next = self.next.saturating_add(1);
        permit
    }

    /// Takes the first word of an answer that is still coming: a target that was probed is back, and
    /// nobody has to wait until the probe's answer has come to its end. If that end is bad, it opens
    /// again. Returns what the other isolates should hear, if anything.
    #[must_use]
    pub fn heard_from(&mut self, permit: Permit, settings: &Settings, now: u64) -> Option<Shared> {
        match self.state {
            State::HalfOpen { probe, cause, .. } if probe == permit.0 => {
                let failures = settings.breaker_failures.saturating_sub(1);
                self.close(failures, cause, now)
            }
            State::Closed { .. } | State::HalfOpen { .. } | State::Open { .. } => None,
        }
    }

    /// Takes what a request told, and its permit back. Returns what the other isolates should hear, if
    /// anything. `chance` is a number from 0 up to 1.
    #[must_use]
    pub fn record(
        &mut self,
        permit: Permit,
        health: Health,
        settings: &Settings,
        now: u64,
        chance: f64,
    ) -> Option<Shared> {
        match self.state {
            State::Closed { failures } if permit.0 >= self.since => {
                self.while_closed(failures, health, settings, now, chance)
            }
            State::HalfOpen { probe, cause, .. } if probe == permit.0 => {
                self.after_probe(cause, health, settings, now, chance)
            }
            State::Open { until, cause } => self.while_open(until, cause, health, settings, now),
            // From before the last change.
            State::Closed { .. } | State::HalfOpen { .. } => None,
        }
    }

    fn while_closed(
        &mut self,
        failures: u32,
        health: Health,
        settings: &Settings,
        now: u64,
        chance: f64,
    ) -> Option<Shared> {
        match health {
            Health::Unknown => None,
            Health::Well => {
                self.window.count_well(settings, now);
                self.trips = 0;
                self.state = State::Closed { failures: 0 };
                None
            }
            Health::Failed => {
                self.window.count_failed(settings, now);
                let failures = failures.saturating_add(1);
                self.state = State::Closed { failures };
                let trips =
                    failures >= settings.breaker_failures || self.window.is_too_bad(settings);
                trips.then(|| self.cool_down(settings, now, chance))?
            }
            Health::Misconfigured | Health::Throttled(_) | Health::Unavailable(_) => {
                let (until, cause) = asked_for(health, settings, now)?;
                self.open(now, until, cause)
            }
        }
    }

    fn after_probe(
        &mut self,
        cause: Cause,
        health: Health,
        settings: &Settings,
        now: u64,
        chance: f64,
    ) -> Option<Shared> {
        match health {
            // It found nothing out, and makes room for the next at once.
            Health::Unknown => {
                self.state = State::Open { until: now, cause };
                None
            }
            Health::Well => {
                self.trips = 0;
                self.close(0, cause, now)
            }
            Health::Failed => self.cool_down(settings, now, chance),
            Health::Misconfigured | Health::Throttled(_) | Health::Unavailable(_) => {
                let (until, cause) = asked_for(health, settings, now)?;
                self.open(now, until, cause)
            }
        }
    }

    /// A request that was under way when the breaker opened: it can only make the wait longer.
    fn while_open(
        &mut self,
        standing: u64,
        cause: Cause,
        health: Health,
        settings: &Settings,
        now: u64,
    ) -> Option<Shared> {
        let (until, _) = asked_for(health, settings, now)?;
        if until <= standing {
            return None;
        }
        self.state = State::Open { until, cause };
        self.tell_open(now, until, cause)
    }

    /// Takes what another isolate tells.
    pub fn hear(&mut self, shared: &Shared, now: u64) {
        if shared.cause == Cause::Tripped {
            if shared.at > self.tripped.at {
                self.tripped = Tripped {
                    until: shared.open_until.unwrap_or(0),
                    at: shared.at,
                };
            }
            return;
        }
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
                self.told_until = Some(until);
                self.changed_at = shared.at;
                self.since = self.next;
            }
            Some(_) => {}
            None => {
                if !matches!(self.state, State::Closed { .. }) {
                    self.state = State::default();
                    self.window.clear();
                    self.since = self.next;
                }
                self.trips = 0;
                self.told_until = None;
                self.changed_at = shared.at;
            }
        }
    }

    /// How it stands.
    pub fn standing(&self, now: u64) -> Standing {
        if now < self.tripped.until {
            return Standing::Open {
                until: self.tripped.until,
                cause: Cause::Tripped,
            };
        }
        match self.state {
            State::Closed { failures } => Standing::Closed { failures },
            State::Open { until, cause } if now < until => Standing::Open { until, cause },
            State::HalfOpen { cause, .. } | State::Open { cause, .. } => {
                Standing::HalfOpen { cause }
            }
        }
    }

    /// Closes it, as if nothing had happened, and takes the operator's word back. Returns what the other
    /// isolates are to hear.
    pub fn reset(&mut self, now: u64) -> [Shared; 2] {
        *self = Self {
            changed_at: now,
            next: self.next,
            since: self.next,
            tripped: Tripped { until: 0, at: now },
            ..Self::default()
        };
        [Cause::Failing, Cause::Tripped].map(|cause| Shared::closed(now, cause))
    }

    /// Opens it until a time by the operator's word, whatever it knows itself. Returns what the other
    /// isolates are to hear.
    pub fn trip(&mut self, until: u64, now: u64) -> Shared {
        self.tripped = Tripped { until, at: now };
        Shared {
            at: now,
            open_until: Some(until),
            cause: Cause::Tripped,
            trips: 0,
        }
    }

    fn close(&mut self, failures: u32, cause: Cause, now: u64) -> Option<Shared> {
        self.state = State::Closed { failures };
        self.window.clear();
        self.changed_at = now;
        // Who never heard that it was open need not hear that it is not.
        self.told_until.take().map(|_| Shared::closed(now, cause))
    }

    fn cool_down(&mut self, settings: &Settings, now: u64, chance: f64) -> Option<Shared> {
        let until = now.saturating_add(self.cooldown(settings, chance));
        self.open(now, until, Cause::Failing)
    }

    fn open(&mut self, now: u64, until: u64, cause: Cause) -> Option<Shared> {
        self.trips = self.trips.saturating_add(1);
        self.state = State::Open { until, cause };
        self.since = self.next;
        self.window.clear();
        self.tell_open(now, until, cause)
    }

    fn tell_open(&mut self, now: u64, until: u64, cause: Cause) -> Option<Shared> {
        self.changed_at = now;
        let known = self.told_until.unwrap_or(now).max(now);
        if until < known.saturating_add(WORTH_TELLING_MS) {
            return None;
        }
        self.told_until = Some(until);
        Some(Shared {
            at: now,
            open_until: Some(until),
            cause,
            trips: self.trips,
        })
    }

    /// Grows by half with each opening in a row, so that a target that is back waits for its next
    /// probe no longer than about half the time that it was away; between nine tenths of its length and
    /// all of it, by chance.
    fn cooldown(&self, settings: &Settings, chance: f64) -> u64 {
        let growths = 0..self.trips.min(40);
        let grown = growths
            .fold(settings.breaker_cooldown_ms, |cooldown, _| {
                cooldown.saturating_add(cooldown.div_ceil(2))
            })
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
}

/// Until when a target is to be left alone, in milliseconds since 1970, and why, where what was told
/// says so by itself.
pub fn asked_for(health: Health, settings: &Settings, now: u64) -> Option<(u64, Cause)> {
    let longest = settings.breaker_credential_cooldown_ms;
    let (wait, cause) = match health {
        Health::Failed | Health::Unknown | Health::Well => return None,
        Health::Misconfigured => (longest, Cause::Misconfigured),
        Health::Throttled(wait) => (
            wait.unwrap_or(settings.breaker_cooldown_ms / 3),
            Cause::Throttled,
        ),
        Health::Unavailable(wait) => (wait, Cause::Failing),
    };
    Some((now.saturating_add(wait.min(longest)), cause))
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
        Reason::BoxAway
        | Reason::BreakerOpen
        | Reason::CallerLeft
        | Reason::ContentPolicy
        | Reason::ContextOverflow
        | Reason::Deadline
        | Reason::Forwarded
        | Reason::HomeBusy
        | Reason::LeftHome
        | Reason::ModelLoading
        | Reason::NoBinding
        | Reason::NoKey
        | Reason::NoSplice
        | Reason::Outpaced
        | Reason::Private
        | Reason::Rejected
        | Reason::ServerBusy
        | Reason::TooLong
        | Reason::Unsupported
        | Reason::Unverified => Health::Unknown,
    }
}
