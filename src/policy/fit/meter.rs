//! How texts are measured: token by token, or by a rate that a few pieces of the conversation told.
//!
//! # Why a rate
//!
//! Counting costs a millisecond for a few thousand tokens. A window of some thousands is counted;
//! one of a million would cost a hundred times the CPU that a request has, to find out what the
//! upstream says anyway.

use serde_json::value::RawValue;

use crate::policy::fit::text;
use crate::tokens;

/// How texts are measured.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meter {
    /// Token by token.
    Counted,
    /// By their bytes.
    Rated(Rate),
}

/// About how many tokens a text has, in steps: a rate that changed with every turn would move every
/// cut that is made by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    tokens_in_a_kibibyte: u32,
}

impl Rate {
    const STEP: u32 = 16;
    const MAX: u32 = 1024;

    /// The rate of `bytes` with so many tokens, rounded up to a step.
    pub(super) fn of(tokens: u64, bytes: u64) -> Self {
        let exact = tokens.saturating_mul(1024).div_ceil(bytes.max(1));
        let rate = u32::try_from(exact).unwrap_or(Self::MAX);
        Self {
            tokens_in_a_kibibyte: rate
                .next_multiple_of(Self::STEP)
                .clamp(Self::STEP, Self::MAX),
        }
    }

    /// The tokens of so many bytes.
    fn tokens(self, bytes: usize) -> u32 {
        let tokens = (bytes as u64)
            .saturating_mul(u64::from(self.tokens_in_a_kibibyte))
            .div_ceil(1024);
        u32::try_from(tokens).unwrap_or(u32::MAX)
    }

    /// The bytes of so many tokens.
    fn bytes(self, tokens: u32) -> usize {
        let bytes = u64::from(tokens) * 1024 / u64::from(self.tokens_in_a_kibibyte.max(1));
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }
}

impl Meter {
    /// The tokens of the string that `raw` spells; `None` once they are more than `limit`.
    pub(super) fn string(self, raw: &RawValue, limit: u32) -> Option<u32> {
        match self {
            Self::Counted => tokens::count_within(&text::decode(raw), limit),
            Self::Rated(_) => self.text(raw.get(), limit),
        }
    }

    /// The tokens of a text; `None` once they are more than `limit`.
    pub(super) fn text(self, text: &str, limit: u32) -> Option<u32> {
        match self {
            Self::Counted => tokens::count_within(text, limit),
            Self::Rated(rate) => Some(rate.tokens(text.len())).filter(|tokens| *tokens <= limit),
        }
    }

    /// `text` without its middle, in no more than `most` tokens; `None` when it has no more than those.
    pub(super) fn within(self, text: &str, most: u32) -> Option<String> {
        match self {
            Self::Counted => text::within_tokens(text, most),
            Self::Rated(rate) => text::within_bytes(text, rate.bytes(most)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_rounded_up_to_a_step_and_never_more_than_a_token_a_byte() {
        for (tokens, bytes, expected) in [
            (256, 1024, 256),
            (257, 1024, 272),
            (1, 4, 256),
            (9, 4, 1024),
            (0, 4, 16),
            (3, 0, 1024),
            (u64::MAX, 1, 1024),
        ] {
            let rate = Rate::of(tokens, bytes);
            assert_eq!(rate.tokens_in_a_kibibyte, expected, "{tokens} {bytes}");
        }
    }

    #[test]
    fn what_is_cut_by_a_rate_is_within_it() {
        let meter = Meter::Rated(Rate::of(1, 4));
        let text = "the lamp is lit, ".repeat(500);
        let most = meter.text(&text, u32::MAX).unwrap();
        assert_eq!(most, 2_125);
        assert_eq!(meter.text(&text, most - 1), None);
        assert_eq!(meter.within(&text, most), None);
        let cut = meter.within(&text, 1_000).unwrap();
        assert!(meter.text(&cut, 1_000).is_some() && cut.len() > 3_900);
    }
}
