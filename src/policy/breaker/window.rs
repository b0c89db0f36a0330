//! The share of failures among a target's latest requests.
//!
//! A provider that fails every second request never has many failures in a row; its share tells.

use crate::config::Settings;

/// How many parts the window moves in.
const BUCKETS: u64 = 10;

/// Requests and failures of the last while, in parts that are dropped whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Window {
    buckets: Vec<Bucket>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bucket {
    slot: u64,
    asked: u32,
    failed: u32,
}

impl Window {
    pub(super) fn count_well(&mut self, settings: &Settings, now: u64) {
        self.count(settings, now, 0);
    }

    pub(super) fn count_failed(&mut self, settings: &Settings, now: u64) {
        self.count(settings, now, 1);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.buckets.clear();
    }

    /// Whether enough requests were seen to mean something, and too many of them failed.
    pub(super) fn is_too_bad(&self, settings: &Settings) -> bool {
        let (asked, failed) = self.buckets.iter().fold((0_u32, 0_u32), |sum, bucket| {
            (
                sum.0.saturating_add(bucket.asked),
                sum.1.saturating_add(bucket.failed),
            )
        });
        asked >= settings.breaker_min_requests
            && f64::from(failed) >= f64::from(asked) * settings.breaker_rate
    }

    fn count(&mut self, settings: &Settings, now: u64, failed: u32) {
        let slot = now / (settings.breaker_window_ms / BUCKETS).max(1);
        self.buckets
            .retain(|bucket| bucket.slot.saturating_add(BUCKETS) > slot);
        match self.buckets.iter_mut().find(|bucket| bucket.slot == slot) {
            Some(bucket) => {
                bucket.asked = bucket.asked.saturating_add(1);
                bucket.failed = bucket.failed.saturating_add(failed);
            }
            None => self.buckets.push(Bucket {
                slot,
                asked: 1,
                failed,
            }),
        }
    }
}
