//! The keys of the config as its reader is told of them: the tables of the README, row by row.
//!
//! They are made from the rows that the config is read by, and a test holds the README to them.

use crate::config::draft;
use crate::config::root;
use crate::config::row::Row;
use crate::config::settings;

/// What is told of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Its default, or that it is needed.
    pub default: String,
    /// What it may be.
    pub what: String,
    /// What it means.
    pub doc: &'static str,
}

/// The keys of the top level.
pub fn top_level() -> Vec<Entry> {
    entries(root::ROWS)
}

/// The keys of a target beside its settings.
pub fn target() -> Vec<Entry> {
    entries(draft::ROWS)
}

/// The settings of a target, which `defaults` may hold too.
pub fn settings() -> Vec<Entry> {
    entries(settings::ROWS)
}

fn entries<T>(rows: &[Row<T>]) -> Vec<Entry> {
    let entry = |row: &Row<T>| Entry {
        name: row.name,
        default: row.field.default(),
        what: row.field.what(),
        doc: row.doc,
    };
    rows.iter().map(entry).collect()
}
