//! The one pass over a text: at each place, the rules that what stands there can begin.

use crate::policy::pii::form::{Place, byte};
use crate::policy::pii::{Kind, card, email, iban, national, opaque, phone, secret};

/// The fewest digits of a number that is looked at.
const DIGITS: usize = 7;

/// How far it is looked for them, in bytes.
const STRETCH: usize = 26;

/// The first kind found in a folded text.
pub(super) fn scan(text: &str) -> Option<Kind> {
    let text = text.as_bytes();
    let mut at = 0;
    while let Some(&mark) = text.get(at) {
        let mut next = at + 1;
        let found = match mark {
            b'0'..=b'9' => {
                next = word_end(text, at);
                number(text, at).or_else(|| opaque::base64(text, at, next))
            }
            b'A'..=b'Z' | b'a'..=b'z' => {
                next = word_end(text, at);
                word(text, at, next)
            }
            b'@' => email::address(text, at, next),
            b'%' if text.get(next..next + 2) == Some(b"40") => email::address(text, at, next + 2),
            b'+' => phone::international(text, at),
            b'(' if byte(text, next).is_ascii_digit() => phone::national(Place::new(text, at)),
            b'-' => secret::private_key(text, at),
            b':' | b'=' => secret::assigned(text, at),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        at = next;
    }
    None
}

/// What a word can be that begins with a digit.
fn number(text: &[u8], at: usize) -> Option<Kind> {
    let stretch = (at..at.saturating_add(STRETCH)).map(|at| byte(text, at));
    let digits = stretch
        .take_while(|byte| byte.is_ascii_alphanumeric() || b" -./()+".contains(byte))
        .filter(u8::is_ascii_digit)
        .count();
    if digits < DIGITS {
        return None;
    }
    let place = Place::new(text, at);
    // A national number of 18 digits tells a birthday too, so it is the surer of the two.
    national::number(place)
        .or_else(|| card::number(place))
        .or_else(|| phone::national(place))
}

/// What a word can be that begins with a letter and ends before `end`.
fn word(text: &[u8], at: usize, end: usize) -> Option<Kind> {
    let digit_near = (1..6).any(|ahead| byte(text, at.saturating_add(ahead)).is_ascii_digit());
    let number = if digit_near {
        iban::number(text, at).or_else(|| national::number(Place::new(text, at)))
    } else if end.saturating_sub(at) == national::LETTERED {
        national::number(Place::new(text, at))
    } else {
        None
    };
    number
        .or_else(|| secret::word(text, at, end))
        .or_else(|| opaque::data_url(text, at, end))
        .or_else(|| opaque::base64(text, at, end))
}

/// Where the run of ASCII letters and digits ends that begins at `at`.
fn word_end(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.iter().position(|byte| !byte.is_ascii_alphanumeric());
    at.saturating_add(length.unwrap_or(rest.len()))
}
