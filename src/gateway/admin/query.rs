//! What the admin API's tables are asked for in the address: which time, which rows, how many.

use crate::error::Downstream;
use crate::ledger::HOUR_MS;
use crate::ledger::message::{By, Query};
use crate::time;

/// The time that is told of when nobody says which: 30 days, in hours.
const USUAL: u64 = 30 * 24;

/// The rows when nobody says which.
const USUAL_ROWS: [By; 2] = [By::Month, By::Target];

/// The most failed requests that are told of at once.
const MOST: u32 = 1_000;

/// Reads `from`, `to` and `by`.
pub(super) fn ledger(query: &str, now: u64) -> Result<Query, Downstream> {
    known(query, &["from", "to", "by"])?;
    let moment = |name: &'static str| {
        match value(query, name) {
        None => Ok(None),
        Some(text) => time::calendar::moment(&text).map(Some).ok_or_else(|| {
            Downstream::field(
                name,
                format!(
                    "'{name}' is '{text}': it should be a day or an hour in UTC, such as 2026-11-01 or \
                     2026-11-01T05:00Z"
                ),
            )
        }),
    }
    };
    // The hour that goes on is part of it.
    let to = moment("to")?.map_or_else(
        || (now / HOUR_MS).saturating_add(1),
        |ms| ms.div_ceil(HOUR_MS),
    );
    let from = moment("from")?.map_or_else(|| to.saturating_sub(USUAL), |ms| ms / HOUR_MS);
    if from >= to {
        return Err(Downstream::field(
            "from",
            "'from' is not before 'to'".to_owned(),
        ));
    }
    let by = match value(query, "by") {
        None => USUAL_ROWS.to_vec(),
        Some(text) => rows(&text)?,
    };
    Ok(Query { from, to, by })
}

fn rows(text: &str) -> Result<Vec<By>, Downstream> {
    let mut by = Vec::new();
    for word in text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
    {
        let Some(one) = By::named(word) else {
            let known: Vec<&str> = By::ALL.iter().map(|by| by.as_str()).collect();
            let problem = format!(
                "'by' holds '{word}': it should be one or more of {}, with commas between",
                known.join(", ")
            );
            return Err(Downstream::field("by", problem));
        };
        if !by.contains(&one) {
            by.push(one);
        }
    }
    Ok(by)
}

/// Reads `limit`.
pub(super) fn most(query: &str, usual: u32) -> Result<u32, Downstream> {
    known(query, &["limit"])?;
    let Some(text) = value(query, "limit") else {
        return Ok(usual);
    };
    match text.parse() {
        Ok(most) if (1..=MOST).contains(&most) => Ok(most),
        _ => Err(Downstream::field(
            "limit",
            format!("'limit' is '{text}': it should be a whole number from 1 to {MOST}"),
        )),
    }
}

/// A value, decoded.
pub(super) fn value(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(key, _)| *key == name);
    let (_, text) = values.next()?;
    let text = text.replace('+', " ");
    let text = percent_encoding::percent_decode_str(&text);
    Some(text.decode_utf8_lossy().into_owned())
}

/// Tells a name that means nothing.
pub(super) fn known(query: &str, names: &[&str]) -> Result<(), Downstream> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    for pair in pairs {
        let name = pair.split('=').next().unwrap_or(pair);
        if !names.contains(&name) {
            let problem = format!(
                "the address asks for '{name}', which is not known here; known are: {}",
                names.join(", ")
            );
            return Err(Downstream {
                param: Some(name.to_owned()),
                ..Downstream::body(problem)
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21 04:30 UTC.
    const NOW: u64 = 1_795_235_400_000;

    #[test]
    fn a_span_is_read_and_has_a_usual_one() {
        let usual = ledger("", NOW).unwrap();
        assert_eq!(
            usual.to,
            NOW / HOUR_MS + 1,
            "the hour that goes on is in it"
        );
        assert_eq!(
            (usual.to - usual.from, usual.by),
            (720, USUAL_ROWS.to_vec())
        );
        let asked = ledger("from=2026-11-01&to=2026-11-02T05%3A30Z&by=day,route", NOW).unwrap();
        assert_eq!(asked.from, 1_793_491_200_000 / HOUR_MS);
        assert_eq!(asked.to - asked.from, 30, "an hour that is begun is in it");
        assert_eq!(asked.by, [By::Day, By::Route]);
        assert_eq!(ledger("by=", NOW).unwrap().by, []);
    }

    #[test]
    fn what_is_mistyped_is_told_by_name() {
        for (query, word) in [
            ("from=yesterday", "from"),
            ("from=2026-11-02&to=2026-11-01", "from"),
            ("by=week", "week"),
            ("form=2026-11-02", "form"),
        ] {
            let problem = ledger(query, NOW).unwrap_err();
            assert!(problem.message.contains(word), "{}", problem.message);
        }
        assert_eq!(most("limit=7", 5).unwrap(), 7);
        assert_eq!(most("", 5).unwrap(), 5);
        for query in ["limit=0", "limit=many", "limit=1001"] {
            assert!(most(query, 5).is_err());
        }
    }
}
