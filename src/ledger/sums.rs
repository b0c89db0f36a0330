//! Entries as sums: one row for each hour, route and target, and how it is added to what is there.

use std::collections::BTreeMap;

use crate::ledger::HOUR_MS;
use crate::ledger::entry::{Ended, Entry, Part};
use crate::ledger::sql::Sql;
use crate::ledger::times::bucket;

/// The sums of some entries, by the row that they go to.
#[derive(Default)]
pub(super) struct Sums {
    hours: BTreeMap<(u64, String, String, bool), Counters>,
    requests: BTreeMap<(u64, String), Counters>,
    reasons: BTreeMap<(u64, String, String, String), u64>,
    drilled: BTreeMap<(String, &'static str, u16, String), Counters>,
}

/// Counters by their columns' names.
pub(super) type Counters = BTreeMap<String, u64>;

/// A row: its table, its keys, and what is to be added.
pub(super) type SumRow = (&'static str, Vec<(&'static str, Key)>, Counters);

/// A value of a key column.
pub(super) enum Key {
    Number(u64),
    Text(String),
}

impl Sums {
    /// Adds an entry.
    pub(super) fn add(&mut self, entry: &Entry) {
        let hour = entry.at / HOUR_MS;
        let answerer = entry.targets.iter().find(|part| part.answered);
        let request = self
            .requests
            .entry((hour, entry.route.clone()))
            .or_default();
        count(request, "requests", 1);
        count(request, entry.ended.as_str(), 1);
        count(request, "private", entry.private.into());
        count(request, "drilled", entry.drill.is_some().into());
        let whole = entry.ended == Ended::Answered;
        let at_home = whole && answerer.is_some_and(|part| part.home);
        count(request, "at_home", at_home.into());
        for part in &entry.targets {
            let key = (hour, entry.route.clone(), part.target.clone(), part.home);
            self.part(key, entry, part);
        }
        if let Some(drill) = &entry.drill {
            let target = answerer.map_or(String::new(), |part| part.target.clone());
            let key = (drill.clone(), entry.ended.as_str(), entry.status, target);
            let counters = self.drilled.entry(key).or_default();
            count(counters, "requests", 1);
            count_times(counters, entry);
        }
    }

    fn part(&mut self, key: (u64, String, String, bool), entry: &Entry, part: &Part) {
        let (hour, route, target, _) = &key;
        for reason in &part.reasons {
            let key = (*hour, route.clone(), target.clone(), reason.clone());
            let counted = self.reasons.entry(key).or_default();
            *counted = counted.saturating_add(1);
        }
        let counters = self.hours.entry(key).or_default();
        count(counters, "asked", part.asked.into());
        count(counters, "answers", part.answered.into());
        let failed_over = !part.answered && part.reasons.iter().any(|reason| counts(reason));
        count(counters, "failovers", failed_over.into());
        let used = part.used.unwrap_or_default();
        count(counters, "tokens_in", used.tokens_in);
        count(counters, "cached_in", used.cached_in);
        count(counters, "tokens_out", used.tokens_out);
        count(counters, "cost", part.cost.unwrap_or_default());
        count(counters, "unpriced", part.cost.is_none().into());
        if part.answered {
            count(counters, "untold", part.used.is_none().into());
            count(counters, "reference", entry.reference.unwrap_or_default());
            count(counters, "unreferenced", entry.reference.is_none().into());
            count_times(counters, entry);
        }
    }

    /// The rows, each with its table and its keys.
    pub(super) fn rows(self) -> Vec<SumRow> {
        let mut rows = Vec::new();
        for ((hour, route, target, home), counters) in self.hours {
            let keys = vec![
                ("hour", Key::Number(hour)),
                ("route", Key::Text(route)),
                ("target", Key::Text(target)),
                ("home", Key::Number(home.into())),
            ];
            rows.push(("hours", keys, counters));
        }
        for ((hour, route), counters) in self.requests {
            let keys = vec![("hour", Key::Number(hour)), ("route", Key::Text(route))];
            rows.push(("requests", keys, counters));
        }
        for ((hour, route, target, reason), times) in self.reasons {
            let keys = vec![
                ("hour", Key::Number(hour)),
                ("route", Key::Text(route)),
                ("target", Key::Text(target)),
                ("reason", Key::Text(reason)),
            ];
            rows.push((
                "reasons",
                keys,
                Counters::from([("count".to_owned(), times)]),
            ));
        }
        for ((drill, ended, status, target), counters) in self.drilled {
            let keys = vec![
                ("drill", Key::Text(drill)),
                ("ended", Key::Text(ended.to_owned())),
                ("status", Key::Number(status.into())),
                ("target", Key::Text(target)),
            ];
            rows.push(("drilled", keys, counters));
        }
        rows
    }
}

/// Whether a request went on because of this: not where nobody could have asked the target, nor where
/// nobody waited for it any more.
fn counts(reason: &str) -> bool {
    !matches!(
        reason,
        "caller_left" | "no_binding" | "no_key" | "outpaced" | "private"
    )
}

fn count(counters: &mut Counters, name: &str, more: u64) {
    if more > 0 {
        let counter = counters.entry(name.to_owned()).or_default();
        *counter = counter.saturating_add(more);
    }
}

fn count_times(counters: &mut Counters, entry: &Entry) {
    if let Some(ms) = entry.first_ms {
        count(counters, &format!("f{}", bucket(ms)), 1);
    }
    count(counters, &format!("t{}", bucket(entry.total_ms)), 1);
}

/// Adds counters to a row, which is made where it is not there.
pub(super) fn upsert<S: Sql>(
    sql: &S,
    table: &str,
    keys: &[(&str, Key)],
    counters: &Counters,
) -> Result<(), S::Error> {
    let (mut columns, mut places, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (name, key) in keys {
        columns.push((*name).to_owned());
        let (place, value) = match key {
            Key::Number(number) => ("CAST(? AS INTEGER)", number.to_string()),
            Key::Text(text) => ("?", text.clone()),
        };
        places.push(place);
        values.push(value);
    }
    let of = columns.join(", ");
    let mut sums = Vec::new();
    for (name, number) in counters {
        columns.push(name.clone());
        places.push("CAST(? AS INTEGER)");
        values.push(number.to_string());
        sums.push(format!("{name} = {name} + excluded.{name}"));
    }
    let what = if sums.is_empty() {
        "NOTHING".to_owned()
    } else {
        format!("UPDATE SET {}", sums.join(", "))
    };
    let statement = format!(
        "INSERT INTO {table} ({}) VALUES ({}) ON CONFLICT ({of}) DO {what}",
        columns.join(", "),
        places.join(", ")
    );
    sql.run(&statement, &values)?;
    Ok(())
}
