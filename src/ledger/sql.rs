//! The ledger's tables, and the database that they are in.
//!
//! # Why every number travels as text
//!
//! JavaScript's numbers are exact up to 2^53 only, which is 9,007 dollars in picodollars. So the
//! database is given text and told to read a whole number from it, and gives sums back as text.
//!
//! # Why rows without ids
//!
//! The free plan counts rows that are written (100,000 a day), and an index counts as a row. A table
//! whose primary key is its order needs none beside it.

use crate::ledger::times::BUCKETS;

/// A database: `SQLite`, wherever it is.
pub trait Sql {
    /// What goes wrong in it.
    type Error;

    /// Runs one statement with these values, all bound as text, and returns its rows. Every column is
    /// text, or `None` where it is null.
    fn run(&self, statement: &str, values: &[String]) -> Result<Vec<Row>, Self::Error>;
}

/// A row of an answer.
pub type Row = Vec<Option<String>>;

/// The counters of a target in an hour, beside its times.
pub(super) const TARGET: [&str; 11] = [
    "asked",
    "answers",
    "failovers",
    "tokens_in",
    "cached_in",
    "tokens_out",
    "untold",
    "cost",
    "unpriced",
    "reference",
    "unreferenced",
];

/// The counters of a route in an hour.
pub(super) const ROUTE: [&str; 8] = [
    "requests",
    "answered",
    "broke",
    "failed",
    "caller_left",
    "private",
    "at_home",
    "drilled",
];

/// The columns of times: to the first word, and to the end.
pub(super) fn time_columns() -> Vec<String> {
    let of = |letter: char| (0..BUCKETS).map(move |at| format!("{letter}{at}"));
    of('f').chain(of('t')).collect()
}

/// Makes the tables, where they are not there.
pub fn prepare<S: Sql>(sql: &S) -> Result<(), S::Error> {
    let counters = |names: &mut dyn Iterator<Item = String>| {
        let columns: Vec<String> = names
            .map(|name| format!("{name} INTEGER NOT NULL DEFAULT 0"))
            .collect();
        columns.join(", ")
    };
    let own = |names: &[&str]| -> Vec<String> { names.iter().map(ToString::to_string).collect() };
    let target = counters(&mut own(&TARGET).into_iter().chain(time_columns()));
    let route = counters(&mut own(&ROUTE).into_iter());
    let drilled = counters(&mut ["requests".to_owned()].into_iter().chain(time_columns()));
    let statements = [
        format!(
            "CREATE TABLE IF NOT EXISTS hours (hour INTEGER, route TEXT, target TEXT, home INTEGER, \
             {target}, PRIMARY KEY (hour, route, target, home)) WITHOUT ROWID"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS requests (hour INTEGER, route TEXT, {route}, \
             PRIMARY KEY (hour, route)) WITHOUT ROWID"
        ),
        "CREATE TABLE IF NOT EXISTS reasons (hour INTEGER, route TEXT, target TEXT, reason TEXT, \
         count INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (hour, route, target, reason)) WITHOUT ROWID"
            .to_owned(),
        "CREATE TABLE IF NOT EXISTS isolates (id TEXT PRIMARY KEY, number INTEGER, at INTEGER) \
         WITHOUT ROWID"
            .to_owned(),
        "CREATE TABLE IF NOT EXISTS failures (n INTEGER PRIMARY KEY, at INTEGER, id TEXT, route TEXT, \
         ended TEXT, status INTEGER, private INTEGER, total_ms INTEGER, tried TEXT)"
            .to_owned(),
        "CREATE TABLE IF NOT EXISTS drills (n INTEGER PRIMARY KEY, id TEXT, spec TEXT, until INTEGER)"
            .to_owned(),
        format!(
            "CREATE TABLE IF NOT EXISTS drilled (drill TEXT, ended TEXT, status INTEGER, target TEXT, \
             {drilled}, PRIMARY KEY (drill, ended, status, target)) WITHOUT ROWID"
        ),
    ];
    for statement in &statements {
        sql.run(statement, &[])?;
    }
    Ok(())
}

/// The number in the first column of the first row.
pub(super) fn first_number(rows: &[Row]) -> Option<u64> {
    rows.first()?.first()?.as_ref()?.parse().ok()
}
