//! Single values of the config: times, sizes, numbers and texts, read from JSON and spelled back.
//!
//! A bare number is seconds or bytes, as in most configs, and text needs its unit: `"30"` could be
//! either of two things, so it is neither. What a message shows of a value is decided here too, for
//! a wrong value may be a credential in the wrong place.

use serde_json::value::RawValue;

use crate::config::secret;
use crate::openai::json;

/// The units of a time, longest first, with their milliseconds.
const TIMES: [(&str, u32); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The units of a size, largest first, with their bytes.
const SIZES: [(&str, u32); 5] = [
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

/// What is longer than this is not quoted back.
const LONGEST_SHOWN: usize = 40;

/// A length of time in milliseconds: a number of seconds, or text with a unit.
pub(super) fn time(raw: &RawValue) -> Option<u64> {
    let ms = match json::string(raw) {
        Some(text) => with_unit(&text, &TIMES)?,
        None => number(raw)? * 1_000.0,
    };
    whole(ms)
}

/// A number of bytes: a number, or text with a unit.
pub(super) fn bytes(raw: &RawValue) -> Option<usize> {
    let bytes = match json::string(raw) {
        Some(text) => with_unit(&text, &SIZES)?,
        None => number(raw)?,
    };
    usize::try_from(whole(bytes)?).ok()
}

/// A whole number without sign.
pub(super) fn count(raw: &RawValue) -> Option<u32> {
    raw.get().parse().ok()
}

/// Any number.
pub(super) fn number(raw: &RawValue) -> Option<f64> {
    raw.get()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

/// Text.
///
/// # Errors
///
/// When it is not text, with what would be right.
pub(super) fn text(raw: &RawValue, what: &str) -> Result<String, String> {
    match json::string(raw) {
        Some(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        _ => Err(format!("is {}: it should be {what}", shown(raw))),
    }
}

/// Text that may stand in an HTTP header.
///
/// # Errors
///
/// When it is not, with what would be right.
pub(super) fn header_text(raw: &RawValue, what: &str) -> Result<String, String> {
    let text = text(raw, what)?;
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        Ok(text)
    } else {
        Err("holds a character that cannot travel in a header: only printable ASCII can".to_owned())
    }
}

/// A number with one of these units, in the smallest of them.
fn with_unit(text: &str, units: &[(&str, u32)]) -> Option<f64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at_checked(end)?;
    let (_, factor) = units
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?;
    let number: f64 = number.parse().ok()?;
    Some(number * f64::from(*factor))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from f64 saturates, and the number is not negative"
)]
fn whole(number: f64) -> Option<u64> {
    (number >= 0.0).then(|| number.round() as u64)
}

/// A time as it is written in the config.
pub(super) fn spelled_time(ms: u64) -> String {
    spelled(ms, &TIMES)
}

/// A size as it is written in the config.
pub(super) fn spelled_bytes(bytes: usize) -> String {
    spelled(bytes as u64, &SIZES)
}

fn spelled(amount: u64, units: &[(&str, u32)]) -> String {
    let fits = |(_, factor): &&(&str, u32)| amount > 0 && amount.is_multiple_of((*factor).into());
    match units.iter().find(fits) {
        Some((unit, factor)) => format!("{}{unit}", amount / u64::from(*factor)),
        None => "0".to_owned(),
    }
}

/// A value as a message shows it: as it is written where it is short, by its kind where it is not.
pub(super) fn shown(raw: &RawValue) -> String {
    match json::string(raw) {
        Some(text) => quoted(&text),
        None if raw.get().len() <= LONGEST_SHOWN && !raw.get().starts_with(['[', '{']) => {
            raw.get().to_owned()
        }
        None => json::kind(raw).to_owned(),
    }
}

/// Text as a message shows it: never what looks like a credential, and never at length.
pub(super) fn quoted(text: &str) -> String {
    if secret::looks_like_key(text) || text.contains("://") {
        "a text that is better not repeated".to_owned()
    } else if text.len() > LONGEST_SHOWN {
        "a long text".to_owned()
    } else {
        format!("{text:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_time_is_a_number_of_seconds_or_text_with_a_unit() {
        let check =
            |json: &str, expected: Option<u64>| assert_eq!(time(raw(json)), expected, "{json}");
        check("30", Some(30_000));
        check("0.25", Some(250));
        check("1e1", Some(10_000));
        check("\"250ms\"", Some(250));
        check("\"30s\"", Some(30_000));
        check("\" 0.2 s \"", Some(200));
        check("\"2m\"", Some(120_000));
        check("\"1h\"", Some(3_600_000));
        check("\"30\"", None);
        check("\"s\"", None);
        check("\"1.2.3s\"", None);
        check("\"1m30s\"", None);
        check("\"-1s\"", None);
        check("\"infs\"", None);
        check("-1", None);
        check("1e400", None);
        check("true", None);
    }

    #[test]
    fn a_size_is_a_number_of_bytes_or_text_with_a_unit() {
        let check =
            |json: &str, expected: Option<usize>| assert_eq!(bytes(raw(json)), expected, "{json}");
        check("2000", Some(2000));
        check("\"8MiB\"", Some(8 << 20));
        check("\"8 mib\"", Some(8 << 20));
        check("\"1.5kB\"", Some(1500));
        check("\"9B\"", Some(9));
        check("\"8\"", None);
        check("\"8 loaves\"", None);
        check("-1", None);
        check("[8]", None);
    }

    #[test]
    fn what_is_spelled_is_read_back() {
        for ms in [
            0, 1, 250, 1_500, 20_000, 90_000, 180_000, 3_600_000, 5_400_000,
        ] {
            let spelled = spelled_time(ms);
            let json = if ms == 0 {
                spelled
            } else {
                format!("{spelled:?}")
            };
            assert_eq!(time(raw(&json)), Some(ms), "{json}");
        }
        assert_eq!(spelled_time(180_000), "3m");
        assert_eq!(spelled_bytes(8 << 20), "8MiB");
        assert_eq!(spelled_bytes(2_000), "2kB");
        assert_eq!(spelled_bytes(2_001), "2001B");
    }

    #[test]
    fn a_message_repeats_neither_credentials_nor_addresses_nor_long_texts() {
        let check = |json: &str, expected: &str| assert_eq!(shown(raw(json)), expected, "{json}");
        check("\"olama\"", "\"olama\"");
        check("5", "5");
        check("[1]", "an array");
        check("{\"a\":1}", "an object");
        check("\"sk-proj-1\"", "a text that is better not repeated");
        check("\"https://a:b@c\"", "a text that is better not repeated");
        check(&format!("\"{}\"", "a b ".repeat(20)), "a long text");
    }
}
