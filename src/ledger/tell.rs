//! Writes down what an isolate tells: each entry once, and none for longer than it is kept.

use std::cell::Cell;
use std::collections::BTreeMap;

use crate::ledger::HOUR_MS;
use crate::ledger::entry::{Ended, Entry};
use crate::ledger::message::Tell;
use crate::ledger::sql::{Sql, first_number};
use crate::ledger::sums::{Sums, upsert};

/// How many failed requests are remembered.
const FAILURES: u32 = 1_000;

const HOURS_A_DAY: u64 = 24;

/// Writes down what an isolate tells, but for what it told before. Returns the number up to which all
/// is written. `cleaned` is the last hour in which what is too old was thrown away.
pub fn tell<S: Sql>(sql: &S, tell: &Tell, cleaned: &Cell<u64>) -> Result<u64, S::Error> {
    let known = sql.run(
        "SELECT CAST(number AS TEXT) FROM isolates WHERE id = ?",
        std::slice::from_ref(&tell.isolate),
    )?;
    let known = first_number(&known).unwrap_or(0);
    let news = tell.entries.iter().filter(|(number, _)| *number > known);
    let mut sums = Sums::default();
    for (_, entry) in news.clone() {
        sums.add(entry);
    }
    for (table, keys, counters) in sums.rows() {
        upsert(sql, table, &keys, &counters)?;
    }
    for (_, entry) in news.clone().filter(|(_, entry)| is_failure(entry)) {
        remember(sql, entry)?;
    }
    let last = news.map(|(number, _)| *number).max().unwrap_or(known);
    if last > known {
        sql.run(
            "INSERT INTO isolates (id, number, at) \
             VALUES (?, CAST(? AS INTEGER), CAST(? AS INTEGER)) \
             ON CONFLICT (id) DO UPDATE SET number = excluded.number, at = excluded.at",
            &[tell.isolate.clone(), last.to_string(), tell.now.to_string()],
        )?;
    }
    let hour = tell.now / HOUR_MS;
    if cleaned.replace(hour) != hour {
        clean(sql, tell, hour)?;
    }
    Ok(last)
}

/// Throws away what is older than is kept.
fn clean<S: Sql>(sql: &S, tell: &Tell, hour: u64) -> Result<(), S::Error> {
    let kept = HOURS_A_DAY.saturating_mul(tell.keep_days.into());
    let first = hour.saturating_sub(kept).to_string();
    for table in ["hours", "requests", "reasons"] {
        let delete = format!("DELETE FROM {table} WHERE hour < CAST(? AS INTEGER)");
        sql.run(&delete, std::slice::from_ref(&first))?;
    }
    // No isolate lives for a day after its last request; should one, its numbers go on growing.
    let day_ago = tell.now.saturating_sub(HOURS_A_DAY * HOUR_MS);
    sql.run(
        "DELETE FROM isolates WHERE at < CAST(? AS INTEGER) AND id <> ?",
        &[day_ago.to_string(), tell.isolate.clone()],
    )?;
    Ok(())
}

fn is_failure(entry: &Entry) -> bool {
    match entry.ended {
        Ended::Broke | Ended::Failed => true,
        Ended::Answered | Ended::CallerLeft => false,
    }
}

/// Remembers a failed request: what was tried, and nothing of what was said.
fn remember<S: Sql>(sql: &S, entry: &Entry) -> Result<(), S::Error> {
    let tried: BTreeMap<&str, &[String]> = entry
        .targets
        .iter()
        .map(|part| (part.target.as_str(), part.reasons.as_slice()))
        .collect();
    sql.run(
        "INSERT INTO failures (at, id, route, ended, status, private, total_ms, tried) VALUES \
         (CAST(? AS INTEGER), ?, ?, ?, CAST(? AS INTEGER), CAST(? AS INTEGER), CAST(? AS INTEGER), ?)",
        &[
            entry.at.to_string(),
            entry.id.clone(),
            entry.route.clone(),
            entry.ended.as_str().to_owned(),
            entry.status.to_string(),
            u8::from(entry.private).to_string(),
            entry.total_ms.to_string(),
            serde_json::to_string(&tried).unwrap_or_default(),
        ],
    )?;
    let trim =
        format!("DELETE FROM failures WHERE n <= (SELECT MAX(n) FROM failures) - {FAILURES}");
    sql.run(&trim, &[])?;
    Ok(())
}
