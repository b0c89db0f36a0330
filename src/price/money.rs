//! Amounts of US dollars, exact: whole numbers of picodollars, and decimals in and out.
//!
//! # Why picodollars
//!
//! Companies write their prices in dollars for a million tokens, with up to six decimals. Then the price
//! of one token is a whole number of picodollars (10⁻¹² dollars), and so is every cost: no sum is
//! rounded, however many are added, and what is told is what was reckoned.

use std::fmt;

/// How many decimals a picodollar needs.
const DECIMALS: u32 = 12;

/// The picodollars in a dollar.
const DOLLAR: u128 = 10_u128.pow(DECIMALS);

/// An amount of US dollars. Sums and products that would be too large stay at the largest, some 10²⁶
/// dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(u128);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many picodollars.
    pub const fn from_picodollars(picodollars: u128) -> Self {
        Self(picodollars)
    }

    /// How many picodollars it is.
    pub const fn picodollars(self) -> u128 {
        self.0
    }

    /// The amount that `text` spells in dollars, a decimal as JSON writes it. `None` when it is none,
    /// is negative, or is not a whole number of picodollars.
    pub fn parse(text: &str) -> Option<Self> {
        scaled(text, DECIMALS).map(Self)
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count.into()))
    }
}

/// The amount in dollars as a JSON number: exact, never with an exponent, without zeros at its end.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 / DOLLAR)?;
        let fraction = format!("{:012}", self.0 % DOLLAR);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() {
            Ok(())
        } else {
            write!(f, ".{fraction}")
        }
    }
}

/// `text`, a decimal as JSON writes it, times 10 to the power of `places`. `None` when it is no such
/// number, is negative, is not whole then, or is too large.
///
/// Exponents are read because JSON writers choose the spelling: to some of them 0.000001 is `1e-6`.
pub fn scaled(text: &str, places: u32) -> Option<u128> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    let value: u128 = digits.parse().ok()?;
    let exponent: i64 = exponent.parse::<i32>().ok()?.into();
    let length = i64::try_from(fraction.len()).ok()?;
    let shift = exponent
        .saturating_add(places.into())
        .saturating_sub(length);
    if value == 0 {
        return Some(0);
    }
    let power = 10_u128.checked_pow(shift.unsigned_abs().try_into().ok()?)?;
    if shift >= 0 {
        value.checked_mul(power)
    } else {
        value.is_multiple_of(power).then(|| value / power)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_amount_is_spelled_without_exponent_and_without_zeros_at_its_end() {
        let check = |picodollars: u128, expected: &str| {
            assert_eq!(Money::from_picodollars(picodollars).to_string(), expected);
        };
        check(0, "0");
        check(1, "0.000000000001");
        check(12_750_000, "0.00001275");
        check(DOLLAR, "1");
        check(DOLLAR * 120 + DOLLAR / 2, "120.5");
    }

    #[test]
    fn a_decimal_is_read_exactly_or_not_at_all() {
        let check =
            |text: &str, expected: Option<u128>| assert_eq!(scaled(text, 6), expected, "{text}");
        check("0", Some(0));
        check("0.15", Some(150_000));
        check("0.000001", Some(1));
        check("1e-6", Some(1));
        check("1.5E+1", Some(15_000_000));
        check("2.50000000", Some(2_500_000));
        check("0.0000001", None);
        check("10e-8", None);
        check("100e-8", Some(1));
        check("0e999999999", Some(0));
        for odd in [
            "", "-1", "+1", ".5", "1.", "1e", "1e400", "e1", "0x1", "1,5", "NaN", "1 ",
        ] {
            check(odd, None);
        }
        check(&"9".repeat(40), None);
    }

    proptest! {
        #[test]
        fn what_is_spelled_is_read_back(picodollars in 0..u128::MAX) {
            let money = Money::from_picodollars(picodollars);
            let text = money.to_string();
            prop_assert_eq!(Money::parse(&text), Some(money));
            prop_assert!(!text.contains(['e', 'E', '-', '+']), "{}", text);
            prop_assert!(!text.contains('.') || !text.ends_with('0'), "{}", text);
            prop_assert!(serde_json::from_str::<f64>(&text).is_ok(), "{}", text);
        }

        #[test]
        fn any_text_is_a_number_or_none(text in "\\PC*", places in 0_u32..40) {
            let _ = scaled(&text, places);
        }

        #[test]
        fn as_many_decimals_as_there_are_places_are_whole(
            whole in 0_u64..1_000_000_000, fraction in 0_u64..1_000_000,
        ) {
            let read = scaled(&format!("{whole}.{fraction:06}"), 6);
            prop_assert_eq!(read, Some(u128::from(whole) * 1_000_000 + u128::from(fraction)));
        }
    }
}
