//! International bank account numbers: a country's letters, its length, and the check modulo 97.
//!
//! Source: ISO 13616-1, and the IBAN registry of SWIFT for the lengths
//! (<https://www.swift.com/standards/data-standards/iban-international-bank-account-number>).

use crate::policy::pii::Kind;
use crate::policy::pii::form::{before, byte};

/// How many characters the numbers of each country have.
const LENGTHS: &[(usize, &str)] = &[
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

/// The number that begins at `at`, in either case, whole or in groups divided by single spaces or
/// dashes.
pub(super) fn number(text: &[u8], at: usize) -> Option<Kind> {
    let country = [byte(text, at), byte(text, at + 1)].map(|byte| byte.to_ascii_uppercase());
    let check = [byte(text, at + 2), byte(text, at + 3)];
    if !country.iter().all(u8::is_ascii_uppercase) || !check.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if before(text, at).is_ascii_alphanumeric() {
        return None;
    }
    let (length, _) = LENGTHS.iter().find(|(_, countries)| {
        countries
            .as_bytes()
            .chunks(3)
            .any(|one| one.starts_with(&country))
    })?;
    let (number, end) = read(text, at, *length)?;
    let ends = !byte(text, end).is_ascii_alphanumeric();
    // The first four characters are checked last.
    let (head, account) = number.get(..*length)?.split_at_checked(4)?;
    let rest = account.iter().chain(head).copied().fold(0, remainder);
    (ends && rest == 1).then_some(Kind::Iban)
}

/// So many letters and digits from `at` on, and where they end.
fn read(text: &[u8], at: usize, length: usize) -> Option<([u8; 36], usize)> {
    let mut number = [0; 36];
    let mut end = at;
    for place in number.iter_mut().take(length) {
        let divided = matches!(byte(text, end), b' ' | b'-');
        if divided {
            end += 1;
        }
        let next = byte(text, end);
        if !next.is_ascii_alphanumeric() {
            return None;
        }
        *place = next.to_ascii_uppercase();
        end += 1;
    }
    Some((number, end))
}

/// What is left modulo 97 when one more character follows: a letter counts as two digits, A as 10.
fn remainder(so_far: u32, character: u8) -> u32 {
    if character.is_ascii_digit() {
        (so_far * 10 + u32::from(character.saturating_sub(b'0'))) % 97
    } else {
        (so_far * 100 + u32::from(character.saturating_sub(b'A')) + 10) % 97
    }
}
