//! Whether a model that is kept warm has to be loaded now.

use crate::policy::boxes::sighting::Glimpse;
use crate::policy::boxes::{Forwarded, ROUND_MS};
use crate::provider::watched::{Installed, Running};

/// Why a model has to be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It is not in memory.
    Cold,
    /// It is, and would be unloaded before anybody looks again. Loading it anew costs nothing then: it
    /// is only kept for longer.
    Leaving,
}

/// A round may come late by this much, in milliseconds.
const LATE_MS: u64 = 30_000;

/// Whether the model has to be loaded; `None` when it is well, when it cannot be loaded, and when it
/// could not be told.
pub fn due(glimpse: &Glimpse, now: u64) -> Option<Due> {
    if glimpse.installed == Some(Installed::No) || glimpse.forwarded == Forwarded::Yes {
        return None;
    }
    match glimpse.running? {
        Running::No => Some(Due::Cold),
        Running::Yes { unload_at, .. } => {
            let next_round = now.saturating_add(ROUND_MS + LATE_MS);
            unload_at
                .is_none_or(|at| at < next_round)
                .then_some(Due::Leaving)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;

    fn seen(running: Option<Running>, installed: Option<Installed>) -> Glimpse {
        Glimpse {
            running,
            installed,
            forwarded: Forwarded::No,
        }
    }

    #[test]
    fn a_model_is_loaded_when_it_is_gone_or_would_go_before_the_next_round() {
        let here = Some(Installed::Yes { trained: None });
        let until = |unload_at| {
            let window = None;
            seen(Some(Running::Yes { window, unload_at }), here)
        };
        assert_eq!(due(&seen(Some(Running::No), here), NOW), Some(Due::Cold));
        assert_eq!(due(&seen(Some(Running::No), None), NOW), Some(Due::Cold));
        assert_eq!(due(&until(Some(NOW + 149_999)), NOW), Some(Due::Leaving));
        assert_eq!(due(&until(Some(NOW + 150_000)), NOW), None);
        assert_eq!(due(&until(None), NOW), Some(Due::Leaving));
    }

    #[test]
    fn a_model_that_is_not_there_or_is_elsewhere_is_left_alone() {
        let cold = Some(Running::No);
        assert_eq!(due(&seen(cold, Some(Installed::No)), NOW), None);
        let elsewhere = Glimpse {
            forwarded: Forwarded::Yes,
            ..seen(cold, Some(Installed::Elsewhere))
        };
        assert_eq!(due(&elsewhere, NOW), None);
        assert_eq!(due(&seen(None, None), NOW), None);
    }
}
