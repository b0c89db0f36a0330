//! Moments as people and servers write them, and back: RFC 3339, in UTC.

/// A moment as text: `2026-11-21T04:00:00Z`, to the second. `ms` is milliseconds since 1970.
pub fn utc(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (year, month, day) = date(seconds / DAY_S);
    let second = seconds % DAY_S;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

/// The moment that a text names, in milliseconds since 1970: a day (`2026-11-21`), or a day and a time
/// in UTC (`2026-11-21T04:00Z`, `2026-11-21T04:00:07Z`). `None` for anything else.
pub fn moment(text: &str) -> Option<u64> {
    let text = text.trim();
    let spelled = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        17 => format!("{}:00Z", text.strip_suffix('Z')?),
        _ => text.to_owned(),
    };
    // There is no such day if it comes back as another.
    rfc3339(&spelled).filter(|ms| utc(*ms) == spelled)
}

/// The seconds of a day.
const DAY_S: u64 = 86_400;

/// Milliseconds since 1970 of a time as RFC 3339 and Go write it (`2026-11-21T05:00:00.5+01:00`); a time
/// before that is zero; nonsense is `None`.
pub fn rfc3339(text: &str) -> Option<u64> {
    let (date, rest) = text.split_once(['T', 't'])?;
    let mut date = date.splitn(3, '-').map(digits);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, offset) = rest.split_at_checked(rest.find(['Z', 'z', '+', '-'])?)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut clock = clock.splitn(3, ':').map(digits);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let lawful = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 60;
    if !lawful || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + (hour * 60 + minute) * 60 + second
        - offset_minutes(offset)? * 60;
    let thousandths = digits(fraction.get(..3).unwrap_or(fraction))?;
    let scale = [0, 100, 10, 1].get(fraction.len().min(3))?;
    Some(u64::try_from(seconds * 1_000 + thousandths * scale).unwrap_or(0))
}

/// A number of at most four digits.
fn digits(text: &str) -> Option<i64> {
    let all = !text.is_empty() && text.len() <= 4 && text.bytes().all(|it| it.is_ascii_digit());
    text.parse().ok().filter(|_| all)
}

fn offset_minutes(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (sign, time) = text.split_at_checked(1)?;
    let (hours, minutes) = time.split_once(':')?;
    let minutes = digits(hours)? * 60 + digits(minutes)?;
    Some(if sign == "-" { -minutes } else { minutes })
}

/// Days from 1970-01-01 in the Gregorian calendar, whose years are counted from March here, so that
/// the odd day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let months = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (months * 153 + 2) / 5 + day - 719_469
}

/// Year, month and day of a day since 1970, by the algorithm `civil_from_days` of
/// <https://howardhinnant.github.io/date_algorithms.html>.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days.saturating_add(719_468);
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_it_is_written() {
        for (text, ms) in [
            ("2026-11-21", 1_795_219_200_000),
            ("2026-11-21T04:00Z", 1_795_233_600_000),
            ("2026-11-21T04:00:07Z", 1_795_233_607_000),
            ("1970-01-01", 0),
            ("2024-02-29", 1_709_164_800_000),
            ("2000-12-31T23:59:59Z", 978_307_199_000),
        ] {
            assert_eq!(moment(text), Some(ms), "{text}");
        }
        for text in [
            "",
            "today",
            "2026-11",
            "2026-13-01",
            "2026-02-29",
            "2026-04-31",
            "2026-11-21T24:00Z",
            "2026-11-21T04:00",
            "21.11.2026",
            "1969-12-31",
            "2026-11-21T4:00Z",
            "99999-01-01",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
        for days in (0..60_000).step_by(7) {
            let text = utc(days * 86_400_000 + 3_661_000);
            assert_eq!(moment(&text), Some(days * 86_400_000 + 3_661_000), "{text}");
        }
    }

    #[test]
    fn a_time_is_read_as_go_writes_it() {
        let check =
            |text: &str, expected: Option<u64>| assert_eq!(rfc3339(text), expected, "{text}");
        let now = 1_795_233_600_000;
        check("2026-11-21T04:00:00Z", Some(now));
        check("2026-11-21T05:00:00+01:00", Some(now));
        check("2026-11-20T22:30:00.25-05:30", Some(now + 250));
        check("2026-11-21T04:00:00.123456789Z", Some(now + 123));
        check("1970-01-01T00:00:00Z", Some(0));
        check("2000-02-29T12:00:00Z", Some(951_825_600_000));
        check("2024-12-31T23:59:59.9Z", Some(1_735_689_599_900));
        check("2319-03-02T00:00:00Z", Some(11_018_505_600_000));
        // Go's zero.
        check("0001-01-01T00:00:00Z", Some(0));
        for nonsense in [
            "",
            "soon",
            "2026-11-21",
            "2026-11-21T04:00Z",
            "2026-13-21T04:00:00Z",
            "2026-11-21T04:00:00",
            "2026-11-21T24:00:00Z",
            "2026-11-21T04:00:00.Z",
            "2026-11-21T04:00:00.xZ",
            "-2026-11-21T04:00:00Z",
            "2026-11-21T04:00:00+1",
            "TZ",
        ] {
            check(nonsense, None);
        }
    }
}
