//! The ledger's tables as they are shown: who answered, what stayed at home, what it cost.
//!
//! A cost that is not known is `null`, and where it is known for a part only, `unpriced` says for how
//! many answers it is not: what is unknown is never counted as nothing.

use crate::ledger::HOUR_MS;
use crate::ledger::message::{By, Query};
use crate::ledger::sql::{ROUTE, Row, Sql, TARGET, time_columns};
use crate::ledger::times::{self, BUCKETS};
use crate::openai::json::{Writer, write_list, write_string};
use crate::price::Money;

/// The table that is asked for, as JSON.
pub fn table<S: Sql>(sql: &S, query: &Query) -> Result<String, S::Error> {
    let span = [query.from.to_string(), query.to.to_string()];
    let without_target: Vec<By> = query
        .by
        .iter()
        .copied()
        .filter(|by| *by != By::Target)
        .collect();
    let targets = sums(sql, "hours", &target_columns(), &query.by, &span)?;
    let reasons = reasons(sql, &query.by, &span)?;
    let routes = sums(sql, "requests", &owned(&ROUTE), &without_target, &span)?;
    let all_routes = sums(sql, "requests", &owned(&ROUTE), &[], &span)?;
    let all_targets = sums(sql, "hours", &target_columns(), &[], &span)?;
    let kept = kept_home(sql, &span)?;

    let mut out = Vec::new();
    let mut object = Writer::new(&mut out);
    object
        .text("object", "ledger")
        .text("from", &hour_text(query.from))
        .text("to", &hour_text(query.to))
        .text("currency", "USD");
    let mut total = Writer::new(object.name("total"));
    for row in &all_routes {
        numbers(&mut total, &ROUTE, row);
    }
    for row in &all_targets {
        target_numbers(&mut total, row);
    }
    let mut home = Writer::new(total.name("kept_home"));
    for (name, number) in ["answers", "tokens_in", "tokens_out"].iter().zip(&kept) {
        home.number(name, *number);
    }
    home.end();
    total.end();
    write_list(object.name("targets"), &targets, |entry, row| {
        keys(entry, &query.by, row);
        let width = query.by.len();
        let numbers = row.get(width..).unwrap_or_default();
        target_numbers(entry, numbers);
        let here = row.get(..width).unwrap_or_default();
        let mut told = Writer::new(entry.name("reasons"));
        for reason in &reasons {
            if reason.get(..width) == Some(here)
                && let (Some(Some(name)), Some(Some(count))) =
                    (reason.get(width), reason.get(width.saturating_add(1)))
            {
                told.raw(name, count);
            }
        }
        told.end();
    });
    write_list(object.name("routes"), &routes, |entry, row| {
        keys(entry, &without_target, row);
        let rest = row.get(without_target.len()..).unwrap_or_default();
        numbers(entry, &ROUTE, rest);
    });
    object.end();
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// The last requests that failed, the latest first, as JSON.
pub fn failures<S: Sql>(sql: &S, most: u32) -> Result<String, S::Error> {
    let rows = sql.run(
        "SELECT CAST(at AS TEXT), id, route, ended, CAST(status AS TEXT), CAST(private AS TEXT), \
         CAST(total_ms AS TEXT), tried FROM failures ORDER BY n DESC LIMIT CAST(? AS INTEGER)",
        &[most.to_string()],
    )?;
    let mut out = Vec::new();
    let mut object = Writer::new(&mut out);
    object.text("object", "failures");
    write_list(object.name("failures"), &rows, |entry, row| {
        let [at, id, route, ended, status, private, ms, tried] = row.as_slice() else {
            return;
        };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        entry
            .text("id", &text(id))
            .number("at", whole(at))
            .text("route", &text(route))
            .text("outcome", &text(ended))
            .number("status", whole(status))
            .raw(
                "private",
                if whole(private) == 1 { "true" } else { "false" },
            )
            .number("ms", whole(ms))
            .raw("tried", tried.as_deref().unwrap_or("{}"));
    });
    object.end();
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// What callers got in a drill, as JSON; `None` where there was no such drill.
pub fn drill<S: Sql>(sql: &S, id: Option<&str>, now: u64) -> Result<Option<String>, S::Error> {
    let columns = "SELECT id, spec, CAST(until AS TEXT) FROM drills";
    let found = match id {
        Some(id) => {
            let statement = format!("{columns} WHERE id = ? ORDER BY n DESC LIMIT 1");
            sql.run(&statement, &[id.to_owned()])?
        }
        None => sql.run(&format!("{columns} ORDER BY n DESC LIMIT 1"), &[])?,
    };
    let Some([Some(id), Some(spec), until]) = found.first().map(Vec::as_slice) else {
        return Ok(None);
    };
    let mut names = vec!["requests".to_owned()];
    names.extend(time_columns());
    let counters: Vec<String> = names
        .iter()
        .map(|name| format!("CAST({name} AS TEXT)"))
        .collect();
    let statement = format!(
        "SELECT ended, CAST(status AS TEXT), target, {} FROM drilled WHERE drill = ? \
         ORDER BY requests DESC, ended, status, target",
        counters.join(", ")
    );
    let rows = sql.run(&statement, std::slice::from_ref(id))?;
    let mut out = Vec::new();
    let mut object = Writer::new(&mut out);
    object.text("object", "drill");
    object.raw("drill", spec);
    let until = whole(until);
    object
        .number("until", until)
        .raw("going_on", if now < until { "true" } else { "false" });
    let requests = rows.iter().filter_map(|row| row.get(3)).map(whole);
    object.number("requests", requests.fold(0, u64::saturating_add));
    write_list(object.name("outcomes"), &rows, |entry, row| {
        let text = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
        entry.text("outcome", &text(0));
        entry.number("status", text(1).parse().unwrap_or_default());
        match text(2).as_str() {
            "" => entry.raw("answered_by", "null"),
            target => entry.text("answered_by", target),
        };
        entry.number("requests", text(3).parse().unwrap_or_default());
        write_times(entry, row.get(4..).unwrap_or_default());
    });
    object.end();
    Ok(Some(String::from_utf8_lossy(&out).into_owned()))
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn target_columns() -> Vec<String> {
    let mut columns = owned(&TARGET);
    columns.extend(time_columns());
    columns
}

/// The sums of `columns` for each row of `by`, with the keys first.
fn sums<S: Sql>(
    sql: &S,
    table: &str,
    columns: &[String],
    by: &[By],
    span: &[String; 2],
) -> Result<Vec<Row>, S::Error> {
    let mut wanted: Vec<String> = by.iter().map(|by| key(*by).to_owned()).collect();
    wanted.extend(
        columns
            .iter()
            .map(|name| format!("CAST(SUM({name}) AS TEXT)")),
    );
    grouped(sql, table, &wanted, by.len(), span)
}

fn reasons<S: Sql>(sql: &S, by: &[By], span: &[String; 2]) -> Result<Vec<Row>, S::Error> {
    let mut wanted: Vec<String> = by.iter().map(|by| key(*by).to_owned()).collect();
    wanted.push("reason".to_owned());
    wanted.push("CAST(SUM(count) AS TEXT)".to_owned());
    grouped(sql, "reasons", &wanted, by.len().saturating_add(1), span)
}

fn grouped<S: Sql>(
    sql: &S,
    table: &str,
    wanted: &[String],
    keys: usize,
    span: &[String; 2],
) -> Result<Vec<Row>, S::Error> {
    let places: Vec<String> = (1..=keys).map(|place| place.to_string()).collect();
    let places = places.join(", ");
    let group = if keys == 0 {
        String::new()
    } else {
        format!(" GROUP BY {places} ORDER BY {places}")
    };
    let statement = format!(
        "SELECT {} FROM {table} WHERE hour >= CAST(? AS INTEGER) AND hour < CAST(? AS INTEGER){group}",
        wanted.join(", ")
    );
    sql.run(&statement, span)
}

/// How many answers and tokens there were at home.
fn kept_home<S: Sql>(sql: &S, span: &[String; 2]) -> Result<Vec<u64>, S::Error> {
    let rows = sql.run(
        "SELECT CAST(SUM(answers) AS TEXT), CAST(SUM(tokens_in) AS TEXT), \
         CAST(SUM(tokens_out) AS TEXT) FROM hours WHERE hour >= CAST(? AS INTEGER) \
         AND hour < CAST(? AS INTEGER) AND home = 1",
        span,
    )?;
    Ok(rows.iter().flatten().map(whole).collect())
}

/// A key's column, in the database's words.
const fn key(by: By) -> &'static str {
    match by {
        By::Day => "strftime('%Y-%m-%d', hour * 3600, 'unixepoch')",
        By::Hour => "strftime('%Y-%m-%dT%H:00:00Z', hour * 3600, 'unixepoch')",
        By::Month => "strftime('%Y-%m', hour * 3600, 'unixepoch')",
        By::Route => "route",
        By::Target => "target",
    }
}

fn hour_text(hour: u64) -> String {
    crate::time::calendar::utc(hour.saturating_mul(HOUR_MS))
}

#[expect(clippy::ref_option, reason = "rows hold it so")]
fn whole(value: &Option<String>) -> u64 {
    let text = value.as_deref().unwrap_or_default();
    text.parse().unwrap_or_default()
}

fn keys(entry: &mut Writer<'_>, by: &[By], row: &[Option<String>]) {
    for (by, value) in by.iter().zip(row) {
        let out = entry.name(by.as_str());
        write_string(out, value.as_deref().unwrap_or_default());
    }
}

fn numbers(entry: &mut Writer<'_>, names: &[&str], row: &[Option<String>]) {
    for (name, value) in names.iter().zip(row) {
        entry.number(name, whole(value));
    }
}

/// Writes what there is of a target: its counters, its money, its times.
fn target_numbers(entry: &mut Writer<'_>, row: &[Option<String>]) {
    let of = |name: &str| {
        let at = TARGET.iter().position(|known| *known == name);
        at.and_then(|at| row.get(at)).map_or(0, whole)
    };
    for name in [
        "asked",
        "answers",
        "failovers",
        "tokens_in",
        "cached_in",
        "tokens_out",
        "untold",
    ] {
        entry.number(name, of(name));
    }
    money(entry, "cost_usd", of("cost"), of("unpriced"));
    entry.number("unpriced", of("unpriced"));
    let unreferenced = of("unreferenced");
    money(entry, "reference_cost_usd", of("reference"), unreferenced);
    entry.number("unreferenced", unreferenced);
    write_times(entry, row.get(TARGET.len()..).unwrap_or_default());
}

/// An amount, which is `null` where nothing of it is known.
fn money(entry: &mut Writer<'_>, name: &str, amount: u64, unknown: u64) {
    if amount == 0 && unknown > 0 {
        entry.raw(name, "null");
    } else {
        let amount = Money::from_picodollars(amount.into());
        entry.raw(name, &amount.to_string());
    }
}

fn write_times(entry: &mut Writer<'_>, counts: &[Option<String>]) {
    for (name, skip) in [("first_ms", 0), ("total_ms", BUCKETS)] {
        let mut buckets = [0; BUCKETS];
        for (bucket, count) in buckets.iter_mut().zip(counts.iter().skip(skip)) {
            *bucket = whole(count);
        }
        times::write(entry.name(name), &buckets);
    }
}
