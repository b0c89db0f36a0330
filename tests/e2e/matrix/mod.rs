//! The fault matrix: every way to fail, everywhere in an answer, in every dialect and every mode, for
//! callers that stream and callers that do not.
//!
//! The cells are made by loops and held to a few rules (`cell`, `place`). Behind each stand two targets: one
//! that fails in its cell's way (`first`), and one that answers whatever it is asked (`next`). What the
//! caller got and what both targets saw is compared in `check`. At the end the outcomes become the
//! README's table, which must be the same.
//!
//! A new dialect is one entry of `dialect::DIALECTS`.
//!
//! # A part of it
//!
//! The variable `PILOTLIGHT_MATRIX` holds words; only cells with all of these in their names run, and
//! the README is not looked at:
//!
//! ```sh
//! PILOTLIGHT_MATRIX="openai takeover streamed middle" cargo test --test e2e matrix
//! ```

use std::any::Any;
use std::env;
use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bench::Bench;
use cell::{Cell, Mode};

mod answers;
mod bench;
mod cell;
mod check;
mod dialect;
mod first;
mod heard;
mod next;
mod place;
mod private;
mod table;

const README: &str = include_str!("../../../README.md");

/// Chooses cells.
const VARIABLE: &str = "PILOTLIGHT_MATRIX";

/// How many cells run at a time. Most of their time is waiting.
const AT_A_TIME: usize = 16;

#[test]
fn whatever_fails_wherever_the_caller_gets_the_whole_answer_once_or_is_told() {
    let chosen = env::var(VARIABLE).unwrap_or_default();
    let mut cells = cell::all();
    cells.retain(|cell| is_chosen(cell, &chosen));
    assert!(!cells.is_empty(), "no cell is named {chosen:?}");

    let (seen, failed) = run(&cells);

    let readme = table::readme(&seen);
    let modes = Mode::ALL.map(|mode| table::of_mode(&seen, mode));
    // Not `println!`: the test runner hides what a passing test prints that way.
    let tables = format!("\n{}\n{readme}\n", modes.join("\n"));
    io::stdout().write_all(tables.as_bytes()).unwrap();
    assert!(
        failed.is_empty(),
        "{} of {} cells failed:\n\n{}\n",
        failed.len(),
        cells.len(),
        failed.join("\n\n")
    );
    if chosen.is_empty() {
        let (_, rest) = README.split_once("<!-- matrix:begin -->\n").unwrap();
        let (found, _) = rest.split_once("<!-- matrix:end -->").unwrap();
        let same = found.trim() == readme.trim();
        assert!(
            same,
            "README.md should hold, between its markers:\n\n{readme}"
        );
    }
}

fn is_chosen(cell: &Cell, chosen: &str) -> bool {
    let name = cell.to_string();
    let mut words = chosen.split_whitespace();
    words.all(|chosen| name.split(' ').any(|word| word == chosen))
}

/// Runs cells; answers what was seen, and the failures in the order of the cells.
fn run(cells: &[Cell]) -> (Vec<table::Seen>, Vec<String>) {
    let benches: Vec<Bench> = alike(cells).map(Bench::start).collect();
    let places: Vec<(&Cell, &Bench)> = alike(cells)
        .zip(&benches)
        .flat_map(|(cells, bench)| cells.iter().map(move |cell| (cell, bench)))
        .collect();
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some((cell, bench)) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let check = AssertUnwindSafe(|| check::check(cell, bench));
                    let outcome = panic::catch_unwind(check);
                    let outcome = outcome.unwrap_or_else(|told| Err(words(&*told)));
                    done.lock().unwrap().push((**cell, outcome));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(cell, _)| cell.number);
    let failed = done.iter().filter_map(|(cell, outcome)| {
        let told = outcome.as_ref().err()?;
        Some(format!("{cell}: {told}"))
    });
    let failed = failed.collect();
    let seen = done.into_iter().map(|(cell, outcome)| (cell, outcome.ok()));
    (seen.collect(), failed)
}

/// The cells of each dialect and mode, which share a gateway.
fn alike(cells: &[Cell]) -> impl Iterator<Item = &[Cell]> {
    cells.chunk_by(|one, other| (one.dialect.name, one.mode) == (other.dialect.name, other.mode))
}

/// What a panic says.
fn words(told: &(dyn Any + Send)) -> String {
    let text = told.downcast_ref::<String>().cloned();
    let text = text.or_else(|| told.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_default()
}
