//! How many tokens a target really sees for each that is counted here: learned, in coarse steps.
//!
//! # Why coarse
//!
//! Every change of the ratio can move the cut, and a moved cut makes a home box read its prompt
//! anew. So it has steps of a sixteenth, it rises at once (an overflow costs an attempt) and it
//! falls a step at a time, and only when it is more than a step too high.

/// A target's real tokens per counted token.
///
/// One token of the table here was 0.86 (prose) to 1.2 (Japanese) of SmolLM2's, which is of the
/// older and coarser kind; what is mostly digits reached 1.5, as many models spell numbers digit by
/// digit. The default covers text and code; the rest is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    sixteenths: u16,
}

impl Ratio {
    const MIN: u16 = 8;
    const MAX: u16 = 64;

    /// Below so many tokens the chat template's own words drown the ratio of the text.
    const TELLING: u32 = 128;

    /// The ratio after a target told how many tokens it `real`ly saw in a prompt that was
    /// `counted` here.
    #[must_use]
    pub fn learned(self, counted: u32, real: u64) -> Self {
        if counted < Self::TELLING || real == 0 {
            return self;
        }
        let seen = real.saturating_mul(16).div_ceil(u64::from(counted));
        let seen = u16::try_from(seen)
            .unwrap_or(Self::MAX)
            .clamp(Self::MIN, Self::MAX);
        let sixteenths = if seen > self.sixteenths {
            seen
        } else if seen + 1 < self.sixteenths {
            self.sixteenths - 1
        } else {
            self.sixteenths
        };
        Self { sixteenths }
    }

    /// The most counted tokens that are no more than `real` ones.
    pub(super) fn counted(self, real: u32) -> u32 {
        let counted = u64::from(real) * 16 / u64::from(self.sixteenths);
        u32::try_from(counted).unwrap_or(u32::MAX)
    }
}

impl Default for Ratio {
    fn default() -> Self {
        Self { sixteenths: 18 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sixteenths: u16) -> Ratio {
        Ratio { sixteenths }
    }

    #[test]
    fn it_rises_at_once_and_rounds_up() {
        assert_eq!(of(18).learned(1000, 1400), of(23));
        assert_eq!(of(18).learned(1000, 1126), of(19));
    }

    #[test]
    fn it_falls_a_step_at_a_time_and_stops_a_step_above() {
        let mut ratio = of(18);
        for expected in [17, 16, 15, 15, 15] {
            ratio = ratio.learned(1600, 1400);
            assert_eq!(ratio, of(expected));
        }
    }

    #[test]
    fn small_noise_does_not_move_it() {
        let ratio = of(16);
        for real in [940, 960, 980, 1000] {
            assert_eq!(ratio.learned(1000, real), ratio);
        }
    }

    #[test]
    fn it_is_bounded_and_ignores_what_tells_nothing() {
        assert_eq!(of(18).learned(1000, u64::MAX), of(64));
        assert_eq!(of(8).learned(1000, 1), of(8));
        assert_eq!(of(18).learned(127, 5000), of(18));
        assert_eq!(of(18).learned(1000, 0), of(18));
    }

    #[test]
    fn a_window_of_real_tokens_is_fewer_counted_ones() {
        assert_eq!(of(16).counted(8192), 8192);
        assert_eq!(of(18).counted(9000), 8000);
        assert_eq!(of(8).counted(u32::MAX), u32::MAX);
    }
}
