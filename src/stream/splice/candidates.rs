//! Which part of the delivered text a new text repeats: every place is a candidate until it is wrong.
//!
//! The text is held while that is open. A candidate is a place in the delivered text from which on
//! it reads as the new text does; it is complete when it has come to the delivered text's end, so
//! that what follows is new. The start of the delivered text is followed apart, as *restart*: it
//! needs no more than a place, so it can be of any length.
//!
//! # Why a short overlap is mostly left alone
//!
//! A text that goes on with the word it ended with is common (`ha ha`, `that that`), and eating it
//! loses what nobody can bring back. So few characters count only where leaving them would surely
//! be wrong: where two words would grow together.

use crate::stream::splice::delivered::Delivered;
use crate::stream::splice::significant::{Begins, folded, is_unspaced};
use crate::stream::splice::{GOOD_WHILE, MOST_HELD};

/// An overlap of this many significant characters is no coincidence.
const LONG: usize = 12;

/// What is known of a new text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It started over and says something else.
    Disagrees,
    /// It repeats nothing: all that was held, to be handed on.
    GoesOn(String),
    /// It repeated the end of what was delivered: `rest` is what was held after that. Of the last
    /// character, an ellipsis, as many `dots` are new.
    Joins { dots: usize, rest: String },
    /// Nothing yet.
    Open,
    /// It starts over, and has come to this byte of the delivered text's significant characters.
    StartsOver { at: usize },
}

/// The candidates for where a text joins, and the text so far.
#[derive(Debug)]
pub(super) struct Candidates {
    held: String,
    /// How many significant characters `held` has.
    count: usize,
    /// How far the delivered text agrees from its start, in bytes of its significant characters;
    /// `None` once it does not, or has agreed to its end.
    restart: Option<usize>,
    /// How many significant characters it agreed for from its start.
    restarted: usize,
    /// How many make a restart.
    good_while: usize,
    /// Whether it may go on in the middle of a word with a capital.
    capital: Capital,
    /// For each other candidate, where in `Delivered::end` the next character is looked for, in
    /// ascending order.
    overlaps: Vec<usize>,
    /// The longest complete candidate that counts.
    best: Option<Complete>,
}

/// Whether a text may go on in the middle of a word with a capital.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Capital {
    Allowed,
    Refused,
}

/// A candidate that has come to the end of the delivered text.
#[derive(Clone, Copy, Debug)]
struct Complete {
    /// How many significant characters it repeats.
    count: usize,
    /// How many bytes of what is held it takes.
    length: usize,
    /// How many dots of its last character, an ellipsis, it leaves.
    dots: usize,
}

impl Candidates {
    /// The delivered text's start alone.
    pub(super) fn restart() -> Self {
        Self {
            held: String::new(),
            count: 0,
            restart: Some(0),
            restarted: 0,
            good_while: GOOD_WHILE,
            capital: Capital::Allowed,
            overlaps: Vec::new(),
            best: None,
        }
    }

    /// The delivered text's start, and all places near its end.
    pub(super) fn everywhere(delivered: &Delivered) -> Self {
        Self {
            overlaps: (0..delivered.end.len()).collect(),
            good_while: delivered.good_while,
            capital: Capital::Refused,
            ..Self::restart()
        }
    }

    /// Takes the next character. After a verdict other than `Open`, nothing more is to be taken.
    pub(super) fn take(&mut self, c: char, delivered: &Delivered) -> Verdict {
        self.held.push(c);
        let mut parts = folded(c);
        while let Some(part) = parts.next() {
            if self.completes(part, delivered) && self.counts(delivered) {
                self.best = Some(Complete {
                    count: self.count,
                    length: self.held.len(),
                    dots: parts.len(),
                });
                if self.count == delivered.anchor {
                    self.restart = None;
                    self.overlaps.clear();
                    break;
                }
            }
        }
        let full = self.held.len() >= MOST_HELD;
        match self.restart {
            Some(at) if self.is_restart(delivered) && (self.overlaps.is_empty() || full) => {
                Verdict::StartsOver { at }
            }
            Some(_) if !full => Verdict::Open,
            None if !full && !self.overlaps.is_empty() => Verdict::Open,
            Some(_) | None => self.settle(delivered),
        }
    }

    /// Decides with what is there; never `Open`, and never `StartsOver`.
    pub(super) fn settle(&mut self, delivered: &Delivered) -> Verdict {
        if self.is_restart(delivered) {
            return Verdict::Disagrees;
        }
        let mut held = std::mem::take(&mut self.held);
        let first = held.chars().next();
        match self.best {
            // Whoever was asked for the last words and begins with a capital where a word stands
            // begins a sentence of its own: a remark, or another answer.
            None if self.capital == Capital::Refused
                && delivered.last.is_some_and(char::is_lowercase)
                && first.is_some_and(char::is_uppercase) =>
            {
                Verdict::Disagrees
            }
            None => Verdict::GoesOn(held),
            Some(Complete { length, dots, .. }) => Verdict::Joins {
                dots,
                rest: held.split_off(length),
            },
        }
    }

    /// Compares the next significant character. Whether a candidate is complete with it: there is
    /// one for each length.
    fn completes(&mut self, c: char, delivered: &Delivered) -> bool {
        self.count += 1;
        self.overlaps.retain_mut(|place| {
            let same = delivered.end.get(*place).is_some_and(|mark| mark.c == c);
            *place += 1;
            same
        });
        let end = delivered.end.len();
        let overlaps = self.overlaps.pop_if(|place| *place == end).is_some();
        self.restart = self.restart.and_then(|at| delivered.agrees(at, c));
        if self.restart.is_some() {
            self.restarted = self.count;
        }
        let repeats = self.restart.take_if(|at| delivered.is_end(*at)).is_some();
        overlaps || repeats
    }

    /// Whether the candidate that is complete now is more than a coincidence.
    fn counts(&self, delivered: &Delivered) -> bool {
        let first = self.held.chars().next();
        let begins = delivered.end.len().checked_sub(self.count);
        let begins = begins.and_then(|place| delivered.end.get(place));
        self.count >= LONG
            || self.count == delivered.anchor && !goes_on_after_space(delivered.first, first)
            || begins.is_some_and(|mark| mark.begins == Begins::Word)
                && would_grow_together(delivered.last, first)
    }

    /// Whether it has agreed with the delivered text's start for longer than a repeated end explains.
    fn is_restart(&self, delivered: &Delivered) -> bool {
        let end = self.best.filter(|complete| complete.count >= LONG);
        let explained = end.map_or(0, |complete| complete.count);
        let good_while = if goes_on_after_space(delivered.first, self.held.chars().next()) {
            GOOD_WHILE
        } else {
            self.good_while
        };
        self.restarted.saturating_sub(explained) >= good_while
    }
}

/// Whether a new text has a space in front that the delivered text, which it seems to repeat from its
/// start, has not: then it goes on with the same words.
fn goes_on_after_space(delivered: Option<char>, new: Option<char>) -> bool {
    new.is_some_and(char::is_whitespace) && !delivered.is_some_and(char::is_whitespace)
}

/// Whether two words would become one, if the delivered text's `last` character and the new text's
/// `first` came together.
fn would_grow_together(last: Option<char>, first: Option<char>) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() && !is_unspaced(c);
    last.is_some_and(is_letter) && first.is_some_and(is_letter)
}
