//! The models that are known: what each asks, how much it reads and writes, and what it can do.
//!
//! # Why the table is a file of data
//!
//! Models and their prices change more often than code, and by other people. `models.tsv` is a table
//! with a header that names its columns and comments that name its sources; what is not in it is not
//! known until the config says it. A price that is not known is never taken for nothing, and nothing is
//! taken from a similar model.

mod ability;

pub use ability::{Abilities, Ability, Effort, Known, Thinking};

use crate::price::{self, Price};

/// The table.
const TABLE: &str = include_str!("models.tsv");

/// What is known of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// What its company asks.
    pub price: Option<Price>,
    /// The most tokens that a conversation may have.
    pub window: Option<u32>,
    /// The most tokens that an answer may have.
    pub max_output: Option<u32>,
    /// What it can do.
    pub abilities: Abilities,
}

/// What is known of a company's model.
///
/// A name with a date at its end (`-2026-03-17`, `-20260317`), or `-latest`, may go by the row without;
/// nothing looser than that, because models that sound alike cost tenfold.
pub fn known(company: &str, model: &str) -> Option<Model> {
    row(company, model).or_else(|| row(company, undated(model)?))
}

/// A model's name without the date or `-latest` at its end, where there is one.
fn undated(model: &str) -> Option<&str> {
    if let Some(name) = model.strip_suffix("-latest") {
        return Some(name);
    }
    ["-dddd-dd-dd", "-dddddddd"].iter().find_map(|date| {
        let (name, end) = model.split_at_checked(model.len().checked_sub(date.len())?)?;
        let fits = |(c, like): (char, char)| c == like || like == 'd' && c.is_ascii_digit();
        end.chars().zip(date.chars()).all(fits).then_some(name)
    })
}

fn row(company: &str, model: &str) -> Option<Model> {
    let mut lines = lines();
    let header: Vec<&str> = lines.next()?.split('\t').collect();
    let row = lines.find(|line| {
        let mut cells = line.split('\t');
        cells.next() == Some(company) && cells.next() == Some(model)
    })?;
    read(&header, row)
}

/// The table's lines but for the comments: the header, then the rows.
fn lines() -> impl Iterator<Item = &'static str> {
    let written = |line: &&str| !line.is_empty() && !line.starts_with('#');
    TABLE.lines().filter(written)
}

/// Reads a row by the names of its columns.
fn read(header: &[&str], row: &str) -> Option<Model> {
    let cell = |name: &str| {
        let at = header.iter().position(|column| *column == name)?;
        row.split('\t').nth(at).filter(|cell| !cell.is_empty())
    };
    let tokens = |name: &str| match cell(name) {
        Some(text) => text.parse().ok().map(Some),
        None => Some(None),
    };
    Some(Model {
        price: match cell("in").or_else(|| cell("out")) {
            Some(_) => Some(price(cell)?),
            None => None,
        },
        window: tokens("window")?,
        max_output: tokens("max_output")?,
        abilities: abilities(cell)?,
    })
}

/// A row's price; `None` when it cannot be read.
fn price<'r>(cell: impl Fn(&str) -> Option<&'r str>) -> Option<Price> {
    let amount = |name: &str| match cell(name) {
        Some(text) => price::of_a_million(text).map(Some),
        None => Some(None),
    };
    Some(Price {
        input: amount("in")??,
        output: amount("out")??,
        cached: amount("cached")?,
        written: amount("cache_write")?,
        up_to: match cell("up_to") {
            Some(text) => Some(text.parse().ok()?),
            None => None,
        },
    })
}

/// What a row says that its model can do; `None` when it cannot be read.
fn abilities<'r>(cell: impl Fn(&str) -> Option<&'r str>) -> Option<Abilities> {
    let words = |name: &str| cell(name).unwrap_or_default().split_ascii_whitespace();
    let mut abilities = Abilities::UNKNOWN;
    abilities.thinking = Thinking::named(cell("thinking").unwrap_or_default())?;
    for word in words("efforts") {
        abilities = abilities.taking(Effort::named(word)?);
    }
    for word in words("can") {
        abilities = abilities.with(Ability::named(word)?);
    }
    for word in words("cannot") {
        abilities = abilities.without(Ability::named(word)?);
    }
    Some(abilities)
}

#[cfg(test)]
mod tests;
