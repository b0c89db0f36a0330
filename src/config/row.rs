//! One key of a table: its name, what it may hold, its default and its meaning, all in one row.
//!
//! # Why rows
//!
//! A key is read, checked, defaulted, suggested for a typing slip and documented. Each of these is
//! a walk over the same rows, so none can drift from the others.

use std::ops::RangeInclusive;

use serde_json::value::RawValue;

use crate::config::Place;
use crate::config::value;

/// The default of a key that has none and must be there.
pub(super) const NEEDED: &str = "needed";

/// One key of a table that is read into a `T`.
pub(super) struct Row<T: 'static> {
    pub(super) name: &'static str,
    pub(super) field: Field<T>,
    pub(super) doc: &'static str,
}

/// What a key holds, and where that goes.
pub(super) enum Field<T: 'static> {
    /// A length of time, in milliseconds.
    Time {
        of: fn(&mut T) -> &mut u64,
        range: RangeInclusive<u64>,
        cloud: u64,
        home: u64,
    },
    /// A length of time that need not be there, in milliseconds.
    Patience {
        of: fn(&mut T) -> &mut Option<u64>,
        range: RangeInclusive<u64>,
    },
    /// A whole number.
    Count {
        of: fn(&mut T) -> &mut u32,
        range: RangeInclusive<u32>,
        default: u32,
    },
    /// A whole number that need not be there.
    Limit {
        of: fn(&mut T) -> &mut Option<u32>,
        range: RangeInclusive<u32>,
    },
    /// A number above 0 and up to 1.
    Share {
        of: fn(&mut T) -> &mut f64,
        default: f64,
    },
    /// A number of bytes.
    Bytes {
        of: fn(&mut T) -> &mut usize,
        range: RangeInclusive<usize>,
        default: usize,
    },
    /// One of these JSON texts; the first is the default.
    Choice(&'static [Word<T>]),
    /// Text of some kind; `read` says what is wrong and what would be right.
    Text {
        of: fn(&mut T) -> &mut Option<String>,
        read: fn(&RawValue) -> Result<String, String>,
        what: &'static str,
        default: &'static str,
    },
    /// Anything else; `read` as above.
    Other {
        read: fn(&RawValue, &mut T) -> Result<(), String>,
        what: &'static str,
        default: &'static str,
    },
    /// A table, which is read on its own.
    Table {
        what: &'static str,
        default: &'static str,
    },
}

/// A JSON text and what it chooses.
pub(super) type Word<T> = (&'static str, fn(&mut T));

impl<T> Field<T> {
    /// Reads a value into every one of `into`.
    ///
    /// # Errors
    ///
    /// What is wrong and what would be right.
    pub(super) fn read(&self, raw: &RawValue, into: &mut [T]) -> Result<(), String> {
        let wrong = || format!("is {}: it should be {}", value::shown(raw), self.what());
        match self {
            Self::Time { of, range, .. } => {
                let time = value::time(raw).filter(|time| range.contains(time));
                set(
                    into,
                    *of,
                    time.ok_or_else(|| wrong() + ", such as \"30s\"")?,
                );
            }
            Self::Patience { of, range } => {
                let time = value::time(raw).filter(|time| range.contains(time));
                let time = time.ok_or_else(|| wrong() + ", such as \"30s\"")?;
                set(into, *of, Some(time));
            }
            Self::Count { of, range, .. } => {
                let count = value::count(raw).filter(|count| range.contains(count));
                set(into, *of, count.ok_or_else(wrong)?);
            }
            Self::Limit { of, range } => {
                let limit = value::count(raw).filter(|limit| range.contains(limit));
                set(into, *of, Some(limit.ok_or_else(wrong)?));
            }
            Self::Share { of, .. } => {
                let share = value::number(raw).filter(|share| *share > 0.0 && *share <= 1.0);
                set(into, *of, share.ok_or_else(wrong)?);
            }
            Self::Bytes { of, range, .. } => {
                let bytes = value::bytes(raw).filter(|bytes| range.contains(bytes));
                set(
                    into,
                    *of,
                    bytes.ok_or_else(|| wrong() + ", such as \"8MiB\"")?,
                );
            }
            Self::Choice(words) => {
                let chosen = words.iter().find(|(word, _)| *word == raw.get());
                let (_, choose) = chosen.ok_or_else(wrong)?;
                into.iter_mut().for_each(choose);
            }
            Self::Text { of, read, .. } => {
                let text = read(raw)?;
                for one in into {
                    *of(one) = Some(text.clone());
                }
            }
            Self::Other { read, .. } => {
                for one in into {
                    read(raw, one)?;
                }
            }
            Self::Table { .. } => {}
        }
        Ok(())
    }

    /// Sets the built-in default, where there is one to set.
    fn reset(&self, into: &mut T, place: Place) {
        match self {
            Self::Time {
                of, cloud, home, ..
            } => {
                *of(into) = match place {
                    Place::Cloud => *cloud,
                    Place::Home => *home,
                };
            }
            Self::Patience { of, .. } => *of(into) = None,
            Self::Count { of, default, .. } => *of(into) = *default,
            Self::Limit { of, .. } => *of(into) = None,
            Self::Share { of, default } => *of(into) = *default,
            Self::Bytes { of, default, .. } => *of(into) = *default,
            Self::Choice(words) => {
                if let Some((_, choose)) = words.first() {
                    choose(into);
                }
            }
            Self::Text { of, .. } => *of(into) = None,
            Self::Other { .. } | Self::Table { .. } => {}
        }
    }

    /// What it may hold, as a phrase.
    pub(super) fn what(&self) -> String {
        match self {
            Self::Time { range, .. } | Self::Patience { range, .. } => format!(
                "a time from {} to {}",
                value::spelled_time(*range.start()),
                value::spelled_time(*range.end())
            ),
            Self::Count { range, .. } | Self::Limit { range, .. } => {
                format!("a whole number from {} to {}", range.start(), range.end())
            }
            Self::Share { .. } => "a number above 0, up to 1".to_owned(),
            Self::Bytes { range, .. } => format!(
                "a size from {} to {}",
                value::spelled_bytes(*range.start()),
                value::spelled_bytes(*range.end())
            ),
            Self::Choice(words) => {
                let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                words.join(" or ")
            }
            Self::Text { what, .. } | Self::Other { what, .. } | Self::Table { what, .. } => {
                (*what).to_owned()
            }
        }
    }

    /// Its default, as a phrase.
    pub(super) fn default(&self) -> String {
        match self {
            Self::Time { cloud, home, .. } if cloud == home => value::spelled_time(*cloud),
            Self::Time { cloud, home, .. } => format!(
                "{}; at home {}",
                value::spelled_time(*cloud),
                value::spelled_time(*home)
            ),
            Self::Count { default, .. } => default.to_string(),
            Self::Limit { .. } | Self::Patience { .. } => "none".to_owned(),
            Self::Share { default, .. } => default.to_string(),
            Self::Bytes { default, .. } => value::spelled_bytes(*default),
            Self::Choice(words) => words.first().map_or("", |(word, _)| word).to_owned(),
            Self::Text { default, .. }
            | Self::Other { default, .. }
            | Self::Table { default, .. } => (*default).to_owned(),
        }
    }
}

/// Puts the same value into every one of `into`.
fn set<T, V: Copy>(into: &mut [T], of: fn(&mut T) -> &mut V, value: V) {
    for one in into {
        *of(one) = value;
    }
}

/// `blank` with the built-in default of every row, for this place.
pub(super) fn built_in<T>(rows: &[Row<T>], mut blank: T, place: Place) -> T {
    for row in rows {
        row.field.reset(&mut blank, place);
    }
    blank
}

/// The names of the rows.
pub(super) fn names<T>(rows: &[Row<T>]) -> Vec<&'static str> {
    rows.iter().map(|row| row.name).collect()
}
