//! Numbers of payment cards: a known prefix, a length that goes with it, and Luhn's check digit.
//!
//! Sources: ISO/IEC 7812-1 (the number and its check digit), and for prefixes and lengths the table
//! of <https://en.wikipedia.org/wiki/Payment_card_number>.

use crate::policy::pii::Kind;
use crate::policy::pii::form::{Fit, Form, Place, forms, stands_alone};
use crate::policy::pii::near::{Words, near};

/// How the numbers of a network begin, and how long they are.
struct Range {
    /// The first and the last prefix, of equally many digits.
    from: u32,
    to: u32,
    /// The fewest and the most digits.
    least: usize,
    most: usize,
    /// What is needed besides.
    needs: Needs,
}

/// What makes a number a card's, besides its check digit.
#[derive(Clone, Copy)]
enum Needs {
    Nothing,
    /// A word near it: article numbers (EAN) have the same form, or the prefixes are many.
    Word,
}

const RANGES: &[Range] = &[
    // Visa; the old numbers of 13 digits look like the article numbers of Germany and Japan.
    range(4, 4, 16, 16, Needs::Nothing),
    range(4, 4, 19, 19, Needs::Nothing),
    range(4, 4, 13, 13, Needs::Word),
    // Mastercard
    range(51, 55, 16, 16, Needs::Nothing),
    range(2221, 2720, 16, 16, Needs::Nothing),
    // American Express
    range(34, 34, 15, 15, Needs::Nothing),
    range(37, 37, 15, 15, Needs::Nothing),
    // Diners Club
    range(300, 305, 14, 14, Needs::Nothing),
    range(3095, 3095, 14, 14, Needs::Nothing),
    range(36, 36, 14, 14, Needs::Nothing),
    range(38, 39, 14, 14, Needs::Nothing),
    range(36, 36, 15, 19, Needs::Word),
    // Discover
    range(6011, 6011, 16, 19, Needs::Nothing),
    range(644, 649, 16, 19, Needs::Nothing),
    range(65, 65, 16, 19, Needs::Nothing),
    // JCB
    range(3528, 3589, 16, 19, Needs::Nothing),
    // UnionPay
    range(62, 62, 16, 19, Needs::Nothing),
    range(81, 81, 16, 19, Needs::Word),
    // Mir
    range(2200, 2204, 16, 19, Needs::Nothing),
    // RuPay
    range(60, 60, 16, 16, Needs::Word),
    range(82, 82, 16, 16, Needs::Word),
    range(508, 508, 16, 16, Needs::Word),
    // Troy
    range(9792, 9792, 16, 16, Needs::Nothing),
    // Maestro
    range(5018, 5018, 13, 19, Needs::Word),
    range(5020, 5020, 13, 19, Needs::Word),
    range(5038, 5038, 13, 19, Needs::Word),
    range(5893, 5893, 13, 19, Needs::Word),
    range(6304, 6304, 13, 19, Needs::Word),
    range(6759, 6759, 13, 19, Needs::Word),
    range(6761, 6763, 13, 19, Needs::Word),
];

const fn range(from: u32, to: u32, least: usize, most: usize, needs: Needs) -> Range {
    Range {
        from,
        to,
        least,
        most,
        needs,
    }
}

/// How the digits are grouped, the longest first.
const FORMS: &[Form] = &forms([
    "dddd_dddd_dddd_dddd_ddd",
    "dddddd_ddddddddddddd",
    "dddd_dddd_dddd_dddd",
    "dddddddd_dddddddd",
    "dddd_dddddd_ddddd",
    "dddd_dddddd_dddd",
]);

const WORDS: Words = Words {
    stems: &[
        "card", "karte", "kredit", "credit", "debit", "carte", "carta", "cartão", "tarjeta",
        "visa", "maestro", "rupay", "unionpay", "diners", "卡",
    ],
    whole: &["cc", "pan", "cvv", "cvc"],
};

/// The number of a card that begins here.
pub(super) fn number(place: Place<'_>) -> Option<Kind> {
    place
        .run(13, 19)
        .into_iter()
        .chain(place.fits(FORMS))
        .any(|fit| is_card(place, &fit))
        .then_some(Kind::Card)
}

fn is_card(place: Place<'_>, fit: &Fit) -> bool {
    let digits = fit.kept();
    luhn(digits)
        && stands_alone(place.text, place.at, fit.end)
        && RANGES
            .iter()
            .filter(|range| range.holds(digits))
            .any(|range| match range.needs {
                Needs::Nothing => true,
                Needs::Word => near(place.text, place.at, fit.end, &WORDS),
            })
}

impl Range {
    fn holds(&self, digits: &[u8]) -> bool {
        let length = self.from.checked_ilog10().unwrap_or(0) as usize + 1;
        let prefix = digits.iter().take(length).fold(0_u32, |number, digit| {
            number * 10 + u32::from(digit.saturating_sub(b'0'))
        });
        (self.from..=self.to).contains(&prefix) && (self.least..=self.most).contains(&digits.len())
    }
}

/// Luhn's check of ASCII digits: from the right every second one is doubled, and the digits of all
/// add up to a multiple of ten (ISO/IEC 7812-1, annex B).
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .zip([1, 2].into_iter().cycle())
        .map(|(digit, weight)| {
            let product = u32::from(digit.saturating_sub(b'0')) * weight;
            product / 10 + product % 10
        })
        .sum();
    sum.is_multiple_of(10)
}
