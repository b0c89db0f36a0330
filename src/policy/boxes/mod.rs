//! What is known of the boxes at home, and what a look at them changes in it.
//!
//! A cron looks at every server at home and is the one writer of what it saw: all of it is one value,
//! [`Boxes`], under one key of Workers KV, so that requests have it with a read that they make anyway.
//!
//! # Why so few writes
//!
//! KV's free plan allows 1,000 writes a day, and a cron that runs every two minutes comes by 720 times.
//! So the value is written when something in it changed, and otherwise only so often that it does not
//! run out.
//!
//! # Why it runs out
//!
//! The cron may die. A box that it last saw away would then be hidden for ever, so that is believed for
//! [`AWAY_MS`] only; and where a model's prompts go is nothing to be taken on trust for days, so all
//! else is believed for [`KNOWN_MS`]. After that nothing is known, and a box is asked as if nobody had
//! ever looked.
//!
//! **Invariant:** a server is away only if it was looked at twice in a row and did not answer, and then
//! for no longer than [`AWAY_MS`] without another such look.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::policy::boxes::sighting::{Glimpse, Sighting};

pub mod sighting;
pub mod warm;

/// How often the cron comes by, in milliseconds (`wrangler.toml`, `[triggers]`).
pub const ROUND_MS: u64 = 120_000;

/// How long it is believed that a box is away, in milliseconds.
pub const AWAY_MS: u64 = 600_000;

/// How long anything else is believed, in milliseconds.
pub const KNOWN_MS: u64 = 3 * 3_600_000;

/// An entry of this age, in milliseconds, is written anew, though nothing changed: of a box that is
/// away.
const RENEW_AWAY_MS: u64 = 300_000;

/// The same of any other.
const RENEW_KNOWN_MS: u64 = 3_600_000;

/// What is known of every server at home, by [`crate::config::Server::name`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Boxes(pub BTreeMap<String, BoxState>);

/// What is known of one server at home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxState {
    /// When this was told, in milliseconds since 1970.
    pub at: u64,
    /// Since when [`BoxState::reach`] is as it is, in milliseconds since 1970.
    pub since: u64,
    /// Whether it answers.
    pub reach: Reach,
    /// Its version, as last told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The models that targets ask it for, as last seen, by their names in the config.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, ModelState>,
}

/// Whether a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// It does not.
    Away,
    /// Something answers for it, but not to us: a gate, or another server. Requests find out more.
    Closed,
    /// It does.
    Here,
}

/// What is known of one model at a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelState {
    /// Where it is.
    pub held: Held,
    /// The window that it was last seen in memory with, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// The longest window that it was trained for, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained: Option<u32>,
    /// Whether its prompts go on to a cloud.
    #[serde(default)]
    pub forwarded: Forwarded,
}

/// Where a model is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// Nowhere.
    Absent,
    /// On disk.
    Cold,
    /// In memory.
    Loaded,
    /// That could not be told.
    #[default]
    Unknown,
}

/// Whether a box sends the prompts for a model on to a cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forwarded {
    /// It does not.
    No,
    /// Nobody knows.
    #[default]
    Unknown,
    /// It does.
    Yes,
}

/// What a round of looking comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is known now.
    pub boxes: Boxes,
    /// Whether that has to be written.
    pub news: News,
    /// The servers that were away and are here.
    pub back: Vec<String>,
}

/// Whether there is something to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Something changed.
    Changed,
    /// Nothing.
    None,
    /// Nothing, but what is written is about to run out.
    Renewed,
}

/// What is known after a look at every server, by its name. Servers that were not looked at are no
/// longer in the config, and are forgotten.
pub fn decide(old: &Boxes, seen: &[(String, Sighting)], now: u64) -> Decision {
    let states = seen.iter().map(|(name, sighting)| {
        let state = after(old.0.get(name), sighting, now);
        (name.clone(), state)
    });
    let new = Boxes(states.collect());
    let came_back = |name: &&String| {
        let was = old.0.get(*name).map(|state| state.reach);
        let is = new.0.get(*name).map(|state| state.reach);
        (was, is) == (Some(Reach::Away), Some(Reach::Here))
    };
    let back = new.0.keys().filter(came_back).cloned().collect();
    let news = news(old, &new, now);
    Decision {
        boxes: match news {
            News::Changed | News::Renewed => new,
            News::None => old.clone(),
        },
        news,
        back,
    }
}

fn news(old: &Boxes, new: &Boxes, now: u64) -> News {
    let same = |(a, b): (&BoxState, &BoxState)| {
        BoxState {
            at: b.at,
            ..a.clone()
        } == *b
    };
    let changed = !old.0.keys().eq(new.0.keys()) || !old.0.values().zip(new.0.values()).all(same);
    if changed {
        News::Changed
    } else if old.0.values().any(|state| state.is_due(now)) {
        News::Renewed
    } else {
        News::None
    }
}

/// One server's state after one look at it.
fn after(old: Option<&BoxState>, sighting: &Sighting, now: u64) -> BoxState {
    let reach = match sighting {
        Sighting::Away => Reach::Away,
        Sighting::Closed => Reach::Closed,
        Sighting::Here { .. } => Reach::Here,
    };
    let since = old
        .filter(|state| state.reach == reach)
        .map_or(now, |state| state.since);
    let (version, models) = match sighting {
        // What it was like when it was last here is what it will most likely be like.
        Sighting::Away | Sighting::Closed => old
            .map(|state| (state.version.clone(), unseen(&state.models)))
            .unwrap_or_default(),
        Sighting::Here { version, models } => {
            let before = |name: &str| old.and_then(|state| state.models.get(name));
            let models = models
                .iter()
                .map(|(name, glimpse)| (name.clone(), model(before(name), glimpse)));
            (Some(version.clone()), models.collect())
        }
    };
    BoxState {
        at: now,
        since,
        reach,
        version,
        models,
    }
}

/// Models that nobody saw. That one is the box's own must not be believed for as long as that goes on.
fn unseen(models: &BTreeMap<String, ModelState>) -> BTreeMap<String, ModelState> {
    let unseen = |state: &ModelState| ModelState {
        forwarded: match state.forwarded {
            Forwarded::No | Forwarded::Unknown => Forwarded::Unknown,
            Forwarded::Yes => Forwarded::Yes,
        },
        ..*state
    };
    let models = models.iter();
    models
        .map(|(name, state)| (name.clone(), unseen(state)))
        .collect()
}

fn model(old: Option<&ModelState>, glimpse: &Glimpse) -> ModelState {
    let old = old.copied().unwrap_or_default();
    ModelState {
        held: glimpse.held(),
        window: glimpse.window().or(old.window),
        trained: glimpse.trained().or(old.trained),
        forwarded: glimpse.forwarded,
    }
}

impl BoxState {
    /// Whether it was told so long ago that it has to be told again.
    fn is_due(&self, now: u64) -> bool {
        let limit = match self.reach {
            Reach::Away => RENEW_AWAY_MS,
            Reach::Closed | Reach::Here => RENEW_KNOWN_MS,
        };
        now.saturating_sub(self.at) >= limit
    }
}

impl Boxes {
    /// Whether a server is known, at this time, to be away.
    pub fn is_away(&self, server: &str, now: u64) -> bool {
        self.0.get(server).is_some_and(|state| {
            state.reach == Reach::Away && now < state.at.saturating_add(AWAY_MS)
        })
    }

    /// What is known, at this time, of a model at a server.
    pub fn model(&self, server: &str, model: &str, now: u64) -> Option<&ModelState> {
        self.0
            .get(server)
            .filter(|state| now < state.at.saturating_add(KNOWN_MS))?
            .models
            .get(model)
    }

    /// Takes what another isolate told. Of two words on a server the later one stands.
    pub fn hear(&mut self, told: &Self) {
        for (server, state) in &told.0 {
            if self.0.get(server).is_none_or(|known| known.at <= state.at) {
                self.0.insert(server.clone(), state.clone());
            }
        }
    }
}

impl ModelState {
    /// The window that the model has at the box, never more than it was trained for; `default` where
    /// none has been seen.
    pub fn window_or(&self, default: u32) -> u32 {
        let window = self.window.unwrap_or(default);
        window.min(self.trained.unwrap_or(window))
    }
}

#[cfg(test)]
mod tests;
