//! How long to wait before a target is asked again: exponential, with full jitter.
//!
//! # Why full jitter
//!
//! Isolates that fail together would come back together. A wait drawn evenly from nought to the
//! growing bound spreads them best
//! (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).

use crate::config::Settings;

/// The wait before attempt number `next` (the first repeat is 2), in milliseconds. `chance` is a
/// number from 0 up to 1.
pub fn wait_ms(settings: &Settings, next: u32, chance: f64) -> u64 {
    let doublings = next.saturating_sub(2).min(30);
    let bound = settings
        .backoff_base_ms
        .saturating_mul(1_u64 << doublings)
        .min(settings.backoff_max_ms);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a share of the bound, which is far below 2^52 milliseconds"
    )]
    let wait = (bound as f64 * chance.clamp(0.0, 1.0)) as u64;
    wait
}
