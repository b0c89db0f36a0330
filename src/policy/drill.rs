//! A drill: for a stated time, named targets fail in a stated way, so that what happens at two in the
//! morning has been seen at noon.
//!
//! It happens inside the gateway, for requests that are marked or for a share of all. It ends by
//! itself: a drill that has no end would be an outage.

use serde::{Deserialize, Serialize};

/// A drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drill {
    /// Its id, with which requests are marked.
    pub id: String,
    /// The targets that fail.
    pub targets: Vec<String>,
    /// How.
    pub fault: Fault,
    /// For which requests.
    pub scope: Scope,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
    /// Until when.
    pub until: u64,
}

/// How a target fails in a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// It throttles.
    #[serde(rename = "429")]
    Throttled,
    /// It is overloaded.
    #[serde(rename = "503")]
    Overloaded,
    /// It never answers.
    #[serde(rename = "silence")]
    Silence,
    /// It answers, and breaks off after the first words.
    #[serde(rename = "cut")]
    Cut,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Throttled, Self::Overloaded, Self::Silence, Self::Cut];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Overloaded => "503",
            Self::Silence => "silence",
            Self::Throttled => "429",
        }
    }

    /// The one of this name.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.as_str() == word)
    }
}

/// Which requests take part in a drill.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Those that carry its id in the header `x-pilotlight-drill`.
    Marked,
    /// These, and of all others this share, above 0 and up to 1.
    Share(f64),
}

impl Drill {
    /// Whether a request takes part: `mark` is the id that it carries, `chance` a number from 0 up to
    /// 1.
    pub fn takes(&self, mark: Option<&str>, chance: f64, now: u64) -> bool {
        if now >= self.until {
            return false;
        }
        match (mark, self.scope) {
            (Some(mark), _) => mark == self.id,
            (None, Scope::Marked) => false,
            (None, Scope::Share(share)) => chance < share,
        }
    }

    /// How a target fails in it, if it does.
    pub fn fault(&self, target: &str) -> Option<Fault> {
        let named = self.targets.iter().any(|name| name == target);
        named.then_some(self.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_marked_requests_or_a_share_and_ends_by_itself() {
        let marked = Drill {
            id: "d1".to_owned(),
            targets: vec!["cloud".to_owned()],
            fault: Fault::Overloaded,
            scope: Scope::Marked,
            since: 0,
            until: 100,
        };
        assert!(marked.takes(Some("d1"), 0.99, 99));
        assert!(!marked.takes(Some("d1"), 0.0, 100), "it is over");
        assert!(!marked.takes(Some("d2"), 0.0, 0));
        assert!(!marked.takes(None, 0.0, 0));
        let shared = Drill {
            scope: Scope::Share(0.25),
            ..marked.clone()
        };
        assert!(shared.takes(None, 0.24, 0));
        assert!(!shared.takes(None, 0.25, 0));
        assert!(shared.takes(Some("d1"), 0.9, 0));
        assert!(!shared.takes(Some("d2"), 0.0, 0), "it is another drill's");
        assert_eq!(marked.fault("cloud"), Some(Fault::Overloaded));
        assert_eq!(marked.fault("home"), None);
        for fault in Fault::ALL {
            let text = serde_json::to_string(&fault).unwrap();
            assert_eq!(text, format!("\"{}\"", fault.as_str()));
            assert_eq!(Fault::named(fault.as_str()), Some(fault));
        }
    }
}
