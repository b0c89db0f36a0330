//! What the ledger is told and asked, and what it answers.

use serde::{Deserialize, Serialize};

use crate::ledger::entry::Entry;
use crate::policy::drill::Drill;

/// A message to the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// What has happened.
    Tell(Tell),
    /// For a table.
    Report(Query),
    /// For the last requests that failed: at most so many.
    Failures(u32),
    /// A drill begins; it takes the place of any other.
    Begin(Drill),
    /// The drill ends.
    End,
    /// For the drill of this id, or the last one: what callers got.
    Drilled(Option<String>),
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tell {
    /// Who tells.
    pub isolate: String,
    /// Entries with their numbers, in order.
    pub entries: Vec<(u64, Entry)>,
    /// How many days they are kept.
    pub keep_days: u32,
    /// The present, in milliseconds since 1970.
    pub now: u64,
}

/// Which table is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// The first hour, in hours since 1970.
    pub from: u64,
    /// The hour after the last.
    pub to: u64,
    /// What makes a row.
    pub by: Vec<By>,
}

/// What makes a row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// An hour (UTC).
    Hour,
    /// A day (UTC).
    Day,
    /// A month (UTC).
    Month,
    /// A route.
    Route,
    /// A target.
    Target,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Hour,
        Self::Day,
        Self::Month,
        Self::Route,
        Self::Target,
    ];

    /// Its name in queries and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Month => "month",
            Self::Route => "route",
            Self::Target => "target",
        }
    }

    /// The one of this name.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == word)
    }
}

/// What the ledger answers to [`Message::Tell`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// All of this isolate's entries up to this number are written.
    pub number: u64,
    /// The drill that goes on, if one does.
    pub drill: Option<Drill>,
}
