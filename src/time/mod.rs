//! Times as upstreams write them, read against a clock that is an argument.

pub mod calendar;

use std::time::UNIX_EPOCH;

/// The longest wait that is believed, in milliseconds: a day, the longest that a quota runs. What an
/// upstream writes beyond it would reach the caller as a time without meaning.
const LONGEST_MS: u64 = 86_400_000;

/// How long an upstream asks to wait, in milliseconds: `retry-after-ms`, else `Retry-After` in seconds
/// or as an HTTP date (RFC 9110, section 10.2.3). A time that has passed is zero; one beyond a day is a
/// day; nonsense is `None`.
pub fn retry_after(ms: Option<&str>, after: Option<&str>, now: u64) -> Option<u64> {
    asked(ms, after, now).map(|wait| wait.min(LONGEST_MS))
}

fn asked(ms: Option<&str>, after: Option<&str>, now: u64) -> Option<u64> {
    if let Some(ms) = ms.and_then(number) {
        return Some(whole_ms(ms));
    }
    let text = after?.trim();
    if let Some(seconds) = number(text) {
        return Some(whole_ms(seconds * 1_000.0));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let at = date.duration_since(UNIX_EPOCH).ok()?.as_millis();
    Some(u64::try_from(at).ok()?.saturating_sub(now))
}

/// A number of seconds or milliseconds; some servers send fractions.
fn number(text: &str) -> Option<f64> {
    let number: f64 = text.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from f64 saturates, and the number is not negative"
)]
fn whole_ms(ms: f64) -> u64 {
    ms.ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_in_every_form() {
        // 2026-11-21 04:00:00 UTC
        let now = 1_795_233_600_000;
        let check = |ms: Option<&str>, after: Option<&str>, expected: Option<u64>| {
            assert_eq!(retry_after(ms, after, now), expected, "{ms:?} {after:?}");
        };
        check(Some("250"), Some("9"), Some(250));
        check(None, Some("2"), Some(2_000));
        check(None, Some(" 1.5 "), Some(1_500));
        check(None, Some("0"), Some(0));
        check(None, Some("Sat, 21 Nov 2026 04:00:07 GMT"), Some(7_000));
        check(None, Some("Sat, 21 Nov 2026 03:00:00 GMT"), Some(0));
        check(None, Some("soon"), None);
        check(None, Some("-3"), None);
        check(None, Some("NaN"), None);
        check(Some("x"), Some("3"), Some(3_000));
        check(None, None, None);
        check(None, Some("86400"), Some(LONGEST_MS));
        check(None, Some("1e300"), Some(LONGEST_MS));
        check(Some("1e300"), None, Some(LONGEST_MS));
        check(
            None,
            Some("Sat, 21 Nov 2099 04:00:00 GMT"),
            Some(LONGEST_MS),
        );
    }
}
