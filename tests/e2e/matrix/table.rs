//! What was seen, as tables in Markdown: the README's, and one for each mode with every fault.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::cell::{Cell, Delivery, Fault, Mode, Outcome};
use super::place::Place;

/// What the letters mean.
const LEGEND: &str = "W: the whole answer, by the next target. S: the whole answer, begun by the first \
                      target and ended by the next. E: an error. C: the whole answer, by the first target.";

/// A cell and what its caller got; nothing where it was not as it should be.
pub(super) type Seen = (Cell, Option<Outcome>);

/// The README's table: where the first target fails, by what the caller asked for. It holds for every
/// dialect and every fault.
pub(super) fn readme(seen: &[Seen]) -> String {
    let mut columns = Vec::new();
    for mode in Mode::ALL {
        columns.push((mode, "streamed", &[Delivery::Streamed][..]));
        columns.push((mode, "one body", &[Delivery::Inside, Delivery::Whole][..]));
    }
    let heads = columns
        .iter()
        .map(|(mode, how, _)| format!("`{}`, {how}", mode.word()));
    let mut table = head("where the first target fails", heads);
    for place in Place::ALL {
        let letters = columns.iter().map(|(mode, _, deliveries)| {
            letters(seen, |cell| {
                (cell.place, cell.mode) == (place, *mode) && deliveries.contains(&cell.delivery)
            })
        });
        row(&mut table, place.phrase(), letters);
    }
    format!("{table}\n{LEGEND}\n")
}

/// A table of a mode: the fault, by where it happens and how the answer is delivered. Nothing, where
/// no cell of the mode was seen.
pub(super) fn of_mode(seen: &[Seen], mode: Mode) -> String {
    let columns: Vec<(Place, Delivery)> = Place::ALL
        .into_iter()
        .flat_map(|place| Delivery::ALL.map(|delivery| (place, delivery)))
        .filter(|column| {
            let mut cells = seen.iter().map(|(cell, _)| cell);
            cells.any(|cell| (cell.mode, cell.place, cell.delivery) == (mode, column.0, column.1))
        })
        .collect();
    if columns.is_empty() {
        return String::new();
    }
    let heads = columns
        .iter()
        .map(|(place, delivery)| format!("{} {}", place.word(), delivery.word()));
    let mut table = head(mode.word(), heads);
    for fault in Fault::ALL {
        let letters = columns.iter().map(|column| {
            letters(seen, |cell| {
                (cell.mode, cell.fault) == (mode, fault) && (cell.place, cell.delivery) == *column
            })
        });
        row(&mut table, fault.word(), letters);
    }
    table
}

fn head(title: &str, columns: impl Iterator<Item = String>) -> String {
    let mut table = String::new();
    let columns: Vec<String> = columns.collect();
    row(&mut table, title, columns.iter().cloned());
    let _ = writeln!(table, "|---|{}", "---|".repeat(columns.len()));
    table
}

fn row(table: &mut String, title: &str, entries: impl Iterator<Item = String>) {
    let entries: Vec<String> = entries.collect();
    let _ = writeln!(table, "| {title} | {} |", entries.join(" | "));
}

/// What callers got in all these cells: one letter, unless it differs. A failed cell is a `!`.
fn letters(seen: &[Seen], among: impl Fn(&Cell) -> bool) -> String {
    let letters: BTreeSet<&str> = seen
        .iter()
        .filter(|(cell, _)| among(cell))
        .map(|(_, outcome)| outcome.map_or("!", Outcome::letter))
        .collect();
    if letters.is_empty() {
        return "–".to_owned();
    }
    letters.into_iter().collect::<Vec<_>>().join("/")
}
