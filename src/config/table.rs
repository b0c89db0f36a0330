//! A table of the config while it is read: its path, its members, what is wrong with their names.
//!
//! A member that is `null` is taken as not there, as JSON writers leave it. A path is written as
//! TOML writes it: `targets.home.model`, with quotes around a name that needs them.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::config::Mistake;
use crate::config::row::{NEEDED, Row};
use crate::config::spelling;
use crate::config::value;
use crate::openai::json::Object;

/// The name of the whole config, in messages about no part of it.
pub(super) const ROOT: &str = "PILOTLIGHT";

/// Where a name belongs that is not known here.
pub(super) type Elsewhere = (Vec<&'static str>, &'static str);

/// One table.
pub(super) struct Table<'a> {
    path: String,
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Table<'a> {
    /// Opens the table at `path`; a value that is none is a mistake.
    pub(super) fn open(
        path: String,
        raw: &'a RawValue,
        what: &str,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<Self> {
        let Ok(Object(members)) = Object::parse(raw.get()) else {
            let found = value::shown(raw);
            mistakes.push(Mistake::new(
                path,
                format!("is {found}: it should be {what}"),
            ));
            return None;
        };
        let table = Self { path, members };
        for (at, (name, _)) in table.members.iter().enumerate() {
            if table
                .members
                .iter()
                .take(at)
                .any(|(earlier, _)| earlier == name)
            {
                mistakes.push(Mistake::new(table.at(name), "stands there twice"));
            }
        }
        Some(table)
    }

    /// The path of the member `name`.
    pub(super) fn at(&self, name: &str) -> String {
        let name = segment(name);
        if self.path == ROOT {
            name.into_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// The members that are not `null`, as they are written.
    pub(super) fn members(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        let written = self.members.iter().filter(|(_, raw)| raw.get() != "null");
        written.map(|(name, raw)| (name.as_ref(), *raw))
    }

    /// The member `name`, unless it is absent or `null`.
    pub(super) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.members()
            .find(|(member, _)| *member == name)
            .map(|(_, raw)| raw)
    }

    /// Reads the members that `rows` describe into every one of `into`.
    pub(super) fn read<T>(&self, rows: &[Row<T>], into: &mut [T], mistakes: &mut Vec<Mistake>) {
        for (name, raw) in self.members() {
            if let Some(row) = rows.iter().find(|row| row.name == name)
                && let Err(problem) = row.field.read(raw, into)
            {
                mistakes.push(Mistake::new(self.at(name), problem));
            }
        }
    }

    /// Tells the members whose names are not `known`.
    pub(super) fn check_names(
        &self,
        known: &[&str],
        elsewhere: &[Elsewhere],
        mistakes: &mut Vec<Mistake>,
    ) {
        for (name, _) in &self.members {
            if known.contains(&name.as_ref()) {
                continue;
            }
            let belongs = elsewhere
                .iter()
                .find(|(names, _)| names.contains(&name.as_ref()));
            let problem = match belongs {
                Some((_, place)) => format!("does not belong here, but {place}"),
                None => format!("is not known here: {}", spelling::hint(name, known)),
            };
            mistakes.push(Mistake::new(self.at(name), problem));
        }
    }

    /// Tells the members that must be there and are not.
    pub(super) fn check_needed<T>(&self, rows: &[Row<T>], mistakes: &mut Vec<Mistake>) {
        for row in rows {
            if row.field.default() == NEEDED && self.raw(row.name).is_none() {
                let problem = format!("is missing: it should be {}", row.field.what());
                mistakes.push(Mistake::new(self.at(row.name), problem));
            }
        }
    }

    /// Tells a pair of which the first may not be more than the second, when either stands here.
    pub(super) fn check_order(&self, [less, more]: [(&str, u64); 2], mistakes: &mut Vec<Mistake>) {
        if less.1 <= more.1 {
            return;
        }
        let (here, word, other) = if self.raw(more.0).is_some() {
            (more, "less", less)
        } else if self.raw(less.0).is_some() {
            (less, "more", more)
        } else {
            return;
        };
        let problem = format!(
            "is {}, {word} than {}, which is {}",
            value::spelled_time(here.1),
            other.0,
            value::spelled_time(other.1)
        );
        mistakes.push(Mistake::new(self.at(here.0), problem));
    }
}

/// A name as a part of a path.
pub(super) fn segment(name: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(plain) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(serde_json::Value::from(name).to_string())
    }
}

/// Whether a name of a route, a target or a caller can travel in headers and stand in logs.
pub(super) fn is_name(name: &str) -> bool {
    let travels = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
    !name.is_empty() && name.chars().all(travels)
}

/// What such a name is, as a phrase.
pub(super) const NAME: &str = "a name of letters, digits and . _ : / - (it travels in headers)";
