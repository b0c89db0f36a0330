//! Telephone numbers: international ones by their country, national ones by their form.
//!
//! # Why a word is needed for some
//!
//! A number without a country's code has no check and often no form of its own: ten digits are an
//! order, a time, an amount. Where the form is telling it is enough; where it is not, a word must
//! stand near (`phone`, `Tel.`, `call me`, `Handynummer`, ...).
//!
//! Sources: ITU-T E.164 (country codes and lengths), E.123 (notation); the North American Numbering
//! Plan (area codes and exchanges begin with 2 to 9); the national conventions of
//! <https://en.wikipedia.org/wiki/National_conventions_for_writing_telephone_numbers>.

use crate::policy::pii::Kind;
use crate::policy::pii::form::{Fit, Form, Place, before, byte, forms, goes_on, run, stands_alone};
use crate::policy::pii::near::{Words, near};

/// The country codes of one and of two digits; all others in use have three
/// (ITU-T E.164, list of assigned codes).
const CODES: &[&str] = &[
    "1", "7", "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45",
    "46", "47", "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63",
    "64", "65", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
];

/// How codes of three digits begin.
const CODES_OF_THREE: &[&str] = &[
    "21", "22", "23", "24", "25", "26", "29", "35", "37", "38", "42", "50", "59", "67", "68", "69",
    "80", "85", "87", "88", "96", "97", "99",
];

/// Forms that no other number has, or few.
const TELLING: &[Form] = &forms([
    // North America
    "(Ndd) ddd-dddd",
    "(Ndd)ddd-dddd",
    "(Ndd) Ndd dddd",
    "(Ndd) Ndd.dddd",
    "Ndd-ddd-dddd",
    "Ndd.Ndd.dddd",
    "1-Ndd-Ndd-dddd",
    "1.Ndd.Ndd.dddd",
    "1 (Ndd) Ndd-dddd",
    "1-(Ndd)-Ndd-dddd",
    // Germany and Austria: mobile, and with the area code set apart
    "015d_#",
    "015dd_#",
    "016d_#",
    "017d_#",
    "06dd_#",
    "01Pd_ddd_dd_dd",
    "01Pd_ddd_dddd",
    "(0Pd) #",
    "(0Pdd) #",
    "(0Pddd) #",
    "0Pd/#",
    "0Pdd/#",
    "0Pddd/#",
    // The United Kingdom and Ireland
    "07ddd_dddddd",
    "07ddd_ddd_ddd",
    "02d_dddd_dddd",
    "01dd_ddd_dddd",
    "01ddd_dddddd",
    "(02d) dddd dddd",
    "(01dd) ddd dddd",
    // France, and five pairs elsewhere
    "0P_dd_dd_dd_dd",
    // Belgium, the Netherlands, Switzerland, Sweden, Turkey
    "04dd_dd_dd_dd",
    "06-dddddddd",
    "0Pd-ddddddd",
    "0Pd_ddd_dd_dd",
    "0Pd-ddd dd dd",
    "05dd_ddd_dd_dd",
    // Australia
    "04dd_ddd_ddd",
    "(0P) dddd dddd",
    // Spain
    "6dd_dd_dd_dd",
    "7dd_dd_dd_dd",
    "9dd_dd_dd_dd",
    // Japan and Korea
    "0P0-dddd-dddd",
    "0P-dddd-dddd",
    // Brazil
    "(PP) 9dddd-dddd",
    "(PP) dddd-dddd",
    // Russia
    "8 (9dd) ddd-dd-dd",
    // South Africa and others
    "0PP_ddd_dddd",
]);

/// Forms that other numbers have too.
const WITH_WORD: &[Form] = &forms([
    "Ndd Ndd dddd",
    "1 Ndd Ndd dddd",
    "ddd_dddd",
    "ddd_ddd_ddd",
    "ddd_ddd_dddd",
    "ddd_dd_ddd",
    "dd_dd_dd_dd",
    "dddd_dddd",
    "dddd_ddd_ddd",
    "1Pd_dddd_dddd",
    "Pdddd_ddddd",
    "3dd_#",
    "06_#",
    "0Pd_#",
    "0Pdd_#",
    "0Pddd_#",
    "0Pddd_dddd",
    "0Pddd_ddd_ddd",
    "0Pddd_ddd_dddd",
]);

const WORDS: Words = Words {
    stems: &[
        "phone",
        "telef",
        "telep",
        "tél",
        "mobil",
        "móvil",
        "handy",
        "cellulare",
        "celular",
        "cellphone",
        "rufnummer",
        "rückruf",
        "durchwahl",
        "whatsapp",
        "numéro de",
        "erreich",
        "call me",
        "reach me",
        "text me",
        "ring me",
        "电话",
        "手机",
        "電話",
        "携帯",
        "전화",
        "телефон",
    ],
    whole: &[
        "tel", "call", "cell", "dial", "fax", "sms", "signal", "hotline", "gsm", "fon",
    ],
};

/// The most digits of a number with its country code (ITU-T E.164).
const MOST: usize = 15;

/// The fewest.
const LEAST: usize = 8;

/// A number with its country's code after the `+` at `at`.
pub(super) fn international(text: &[u8], at: usize) -> Option<Kind> {
    if before(text, at).is_ascii_alphanumeric() || follows_digits(text, at) {
        return None;
    }
    let number = spread(text, at + 1)?;
    let telling = !number.is_amount() && (number.grouped || number.length <= 13);
    (number.is_international() && (telling || near(text, at, number.end, &WORDS)))
        .then_some(Kind::Phone)
}

/// A number without its country's code, or with `00` and that code, that begins here.
pub(super) fn national(place: Place<'_>) -> Option<Kind> {
    let Place { text, at, .. } = place;
    let is_number = |fit: &Fit| stands_alone(text, at, fit.end) && !goes_on(text, at, fit);
    if dialled(text, at) || place.fits(TELLING).any(|fit| is_number(&fit)) {
        return Some(Kind::Phone);
    }
    let digits = place.run(LEAST, 12).filter(|fit| !is_time(fit.kept()));
    let fit = place.fits(WITH_WORD).chain(digits).find(is_number)?;
    near(text, at, fit.end, &WORDS).then_some(Kind::Phone)
}

/// Whether a number begins here with `00` and a country's code.
fn dialled(text: &[u8], at: usize) -> bool {
    let begins = byte(text, at) == b'0' && byte(text, at + 1) == b'0';
    if !begins || follows_digits(text, at) || !stands_alone(text, at, text.len()) {
        return false;
    }
    spread(text, at + 2).is_some_and(|number| {
        number.is_international()
            && (number.grouped && !number.is_amount() || near(text, at, number.end, &WORDS))
    })
}

/// Whether digits and a space stand before `at`: what follows is added to them, or is a part of them.
fn follows_digits(text: &[u8], at: usize) -> bool {
    before(text, at) == b' ' && before(text, at.saturating_sub(1)).is_ascii_digit()
}

/// Digits with what may stand between them.
struct Spread {
    digits: [u8; MOST],
    length: usize,
    /// The digits of each group, of up to as many.
    groups: [usize; MOST],
    /// Whether there is more than one group.
    grouped: bool,
    end: usize,
}

impl Spread {
    fn digits(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or_default()
    }

    /// Whether the digits begin with a country's code and are as many as its numbers have.
    fn is_international(&self) -> bool {
        let digits = self.digits();
        if let Some(number) = digits.strip_prefix(b"1") {
            let begins = |at: usize| number.get(at).is_some_and(|digit| *digit >= b'2');
            return number.len() == 10 && begins(0) && begins(3);
        }
        let begins = |codes: &[&str]| codes.iter().any(|code| digits.starts_with(code.as_bytes()));
        (LEAST..=MOST).contains(&self.length) && (begins(CODES) || begins(CODES_OF_THREE))
    }

    /// Whether it is written as an amount is: short, in groups of three.
    fn is_amount(&self) -> bool {
        let mut rest = self.groups.iter().skip(1).take_while(|group| **group > 0);
        self.length <= 9 && self.grouped && rest.all(|group| *group == 3)
    }
}

/// The digits from `at` on, with up to two of the usual characters between them. Of more than fifteen
/// those groups that are whole; `None` when the first ones already are too many, or when it ends
/// in a word.
fn spread(text: &[u8], at: usize) -> Option<Spread> {
    let mut number = Spread {
        digits: [0; MOST],
        length: 0,
        groups: [0; MOST],
        grouped: false,
        end: at,
    };
    let mut from = if byte(text, at) == b'(' { at + 1 } else { at };
    for group in 0..MOST {
        let room = MOST.saturating_sub(number.length);
        // North American numbers end where they are whole, whatever follows.
        let is_whole = number.length == 11 && number.digits.first() == Some(&b'1');
        let Some(digits) = run(text, from, 1, room).filter(|_| !is_whole) else {
            break;
        };
        for digit in digits.kept() {
            *number.digits.get_mut(number.length)? = *digit;
            number.length += 1;
        }
        *number.groups.get_mut(group)? = digits.kept().len();
        number.grouped = group > 0;
        number.end = digits.end;
        from = between(text, digits.end)?;
        if from == digits.end {
            break;
        }
    }
    let next = byte(text, number.end);
    (number.length > 0 && !next.is_ascii_alphanumeric() && next != b'_').then_some(number)
}

/// Where the next group begins after the one that ends at `end`; `end` itself where there is none.
fn between(text: &[u8], end: usize) -> Option<usize> {
    let is_between = |at: usize| b" -./()".contains(&byte(text, at));
    let length = (0..3).take_while(|ahead| is_between(end + ahead)).count();
    let from = end.checked_add(length)?;
    Some(if byte(text, from).is_ascii_digit() {
        from
    } else {
        end
    })
}

/// Whether digits are a date (`20240115`) or a time in seconds (`1700000000`).
fn is_time(digits: &[u8]) -> bool {
    match digits {
        [b'1', b'9', ..] | [b'2', b'0', ..] => digits.len() == 8,
        [b'1', ..] => digits.len() == 10,
        _ => false,
    }
}
