//! What the ledger is told of one request, after it is over.

use serde::{Deserialize, Serialize};

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// When it began, in milliseconds since 1970.
    pub at: u64,
    /// The route that it took.
    pub route: String,
    /// How it ended.
    pub ended: Ended,
    /// The status that the caller got.
    pub status: u16,
    /// Whether it had to stay at home.
    pub private: bool,
    /// The time until the caller had the first word, in milliseconds, where there was one.
    pub first_ms: Option<u64>,
    /// The time until its end, in milliseconds.
    pub total_ms: u64,
    /// The targets that were asked or passed over, each once.
    pub targets: Vec<Part>,
    /// What the answer's tokens would have cost at the route's first cloud target, in picodollars;
    /// `None` where that is not known.
    pub reference: Option<u64>,
    /// The drill that it was part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<String>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// With a whole answer.
    Answered,
    /// With an answer that broke off.
    Broke,
    /// Without an answer.
    Failed,
    /// The caller left.
    CallerLeft,
}

impl Ended {
    /// The word in reports, and the name of its column.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Broke => "broke",
            Self::CallerLeft => "caller_left",
            Self::Failed => "failed",
        }
    }
}

/// What one target had to do with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name.
    pub target: String,
    /// Whether it is at home.
    pub home: bool,
    /// Whether it was asked at all.
    pub asked: bool,
    /// Whether the answer is its, or its last part.
    pub answered: bool,
    /// Why it did not answer, in order; more than one where it was asked more than once.
    pub reasons: Vec<String>,
    /// What it used; `None` where it did not tell, or not of every attempt.
    pub used: Option<Used>,
    /// What that cost, in picodollars; `None` where that is not known.
    pub cost: Option<u64>,
}

/// What a target used, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Of the prompt.
    pub tokens_in: u64,
    /// Of those, the ones that it had in its cache.
    pub cached_in: u64,
    /// Of the answer.
    pub tokens_out: u64,
}
