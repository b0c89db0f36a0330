//! Whether a request has to stay at home, and which targets may then see it.
//!
//! It is decided once, before anything is sent, and the targets that are not at home are struck from
//! the order. Whatever happens later, a retry, a takeover, a hedge, takes its targets from that order.
//!
//! **Invariant:** nothing loosens it. A caller can only ask for more privacy than its route, and what
//! cannot be understood of that is refused, not guessed.

use std::fmt;

use crate::config::{Config, Place, Privacy};

/// Why a request stays at home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The caller says so.
    Caller,
    /// Personal data of this kind was found in it.
    Found(&'static str),
    /// Its route says so.
    Route,
}

impl fmt::Display for Ground {
    /// `caller`, `route` or `pii:email`: the word for headers, bodies and logs. Never what was found.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller => f.write_str("caller"),
            Self::Found(kind) => write!(f, "pii:{kind}"),
            Self::Route => f.write_str("route"),
        }
    }
}

/// Why a request stays at home, if it does. `find` looks for personal data; it is only asked when
/// nothing else has decided.
pub fn ground(
    route: Privacy,
    caller: Privacy,
    find: impl FnOnce() -> Option<&'static str>,
) -> Option<Ground> {
    match (route, caller) {
        (Privacy::Home, _) => Some(Ground::Route),
        (Privacy::Open, Privacy::Home) => Some(Ground::Caller),
        (Privacy::Open, Privacy::Open) => find().map(Ground::Found),
    }
}

/// An order of targets, parted into those that may see a private request and those that may not.
pub fn part(config: &Config, order: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let at_home = |at: &usize| {
        let target = config.targets.get(*at);
        target.is_some_and(|target| target.place == Place::Home)
    };
    order.iter().copied().partition(at_home)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_can_ask_for_more_privacy_and_never_for_less() {
        let never = || -> Option<&'static str> { panic!("it is decided already") };
        assert_eq!(
            ground(Privacy::Home, Privacy::Open, never),
            Some(Ground::Route)
        );
        assert_eq!(
            ground(Privacy::Home, Privacy::Home, never),
            Some(Ground::Route)
        );
        assert_eq!(
            ground(Privacy::Open, Privacy::Home, never),
            Some(Ground::Caller)
        );
        assert_eq!(
            ground(Privacy::Open, Privacy::Open, || Some("email")),
            Some(Ground::Found("email"))
        );
        assert_eq!(ground(Privacy::Open, Privacy::Open, || None), None);
        assert_eq!(Ground::Found("email").to_string(), "pii:email");
    }
}
