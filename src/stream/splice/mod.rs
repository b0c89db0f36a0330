//! Splice: a text that broke off and another model's text that goes on with it, made one as it streams.
//!
//! The caller has the *delivered* text already; nothing of it can be taken back. The next target was
//! asked to go on, and does one of these: it repeats the end, as it was asked to, or a part of it,
//! and goes on; it goes on at once; or it starts over. What it repeats is left out here, so that the
//! caller reads each word once.
//!
//! # Why not just ask for no repetition
//!
//! Models do not see where a text ends to the character: asked to go on exactly there, they lose a
//! space or half a word, or repeat some. Asked to repeat the last words, they do so reliably, and
//! where they end is then told here, by `significant.rs`'s measure of what is the same.
//!
//! # Why not find the best match
//!
//! What goes to the caller goes at once, so a decision is made on the first text that allows one, is
//! never changed, and waits for no more than about 400 significant characters or 4 KiB.
//!
//! **Invariant:** what goes to the caller is the new text without one beginning (of an ellipsis,
//! which is three dots, a part may be left out), and how the text is cut into pieces changes nothing.

mod anchor;
mod candidates;
mod delivered;
mod joint;
mod significant;

use std::iter::repeat_n;

use crate::stream::splice::candidates::{Candidates, Verdict};
use crate::stream::splice::delivered::Delivered;
use crate::stream::splice::joint::joint;
use crate::stream::splice::significant::folded;

pub use anchor::anchor;

/// A text that agrees with the delivered one from its start for this many significant characters has
/// started over.
const GOOD_WHILE: usize = 20;

/// The most that is held of a text, in bytes; one character more may be.
const MOST_HELD: usize = 4096;

/// What the next target was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To begin with the delivered text's [`anchor()`], then to go on.
    Anchored,
    /// The same as the first target. It starts over, as a model does that writes by a grammar, and
    /// has to say the same.
    Anew,
    /// To go on right where the delivered text stops, which it was given as the beginning of its own
    /// message.
    Prefilled,
}

/// The target started over and says something else: there is no honest splice. Nothing of its text
/// has been handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disagrees;

/// Joins a new text to the delivered one.
#[derive(Debug)]
pub struct Splice {
    delivered: Delivered,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Which part of the delivered text is repeated is open.
    Comparing(Candidates),
    /// The text started over and said something else.
    Disagreed,
    /// All that is repeated is over; since then, there was this run of insignificant characters.
    Joining(String),
    /// The text is new.
    Passing,
    /// The text started over, and has come to this byte of the delivered text's significant
    /// characters.
    Skipping { at: usize },
}

impl Splice {
    /// A splice at the end of `delivered`, where the next target was `asked` to go on.
    pub fn new(delivered: &str, asked: Asked) -> Self {
        let delivered = Delivered::new(delivered);
        let state = match asked {
            Asked::Anchored | Asked::Anew if delivered.count == 0 => State::Joining(String::new()),
            Asked::Anew => State::Skipping { at: 0 },
            Asked::Anchored => State::Comparing(Candidates::everywhere(&delivered)),
            // It goes on exactly where it should, so an overlap is what it means to say. But some
            // servers do not know of prefills, and have the model answer anew.
            Asked::Prefilled if delivered.has_telling_start() => {
                State::Comparing(Candidates::restart())
            }
            Asked::Prefilled => State::Passing,
        };
        Self { delivered, state }
    }

    /// Takes the next text; appends to `out` what goes to the caller. After an error, all further
    /// text is one.
    pub fn feed(&mut self, text: &str, out: &mut String) -> Result<(), Disagrees> {
        let mut chars = text.chars();
        loop {
            if let State::Passing = self.state {
                out.push_str(chars.as_str());
                return Ok(());
            }
            let Some(c) = chars.next() else {
                return Ok(());
            };
            self.take(c, out)?;
        }
    }

    /// Takes the end of the text, when it ended in order: decides with what is there, and appends
    /// what goes to the caller of what was held.
    pub fn end(&mut self, out: &mut String) -> Result<(), Disagrees> {
        if let State::Comparing(candidates) = &mut self.state {
            let verdict = candidates.settle(&self.delivered);
            self.follow(verdict, out)?;
        }
        match &self.state {
            State::Joining(run) => out.push_str(joint(&self.delivered.gap, run)),
            State::Comparing(_) | State::Passing => {}
            // The target's own answer ends before the delivered text does.
            State::Skipping { .. } | State::Disagreed => return self.disagree(),
        }
        self.state = State::Passing;
        Ok(())
    }

    fn take(&mut self, c: char, out: &mut String) -> Result<(), Disagrees> {
        match &mut self.state {
            State::Comparing(candidates) => {
                let verdict = candidates.take(c, &self.delivered);
                self.follow(verdict, out)
            }
            State::Skipping { at } => {
                let verdict = skip(c, *at, &self.delivered);
                self.follow(verdict, out)
            }
            State::Joining(run) if folded(c).len() == 0 && run.len() < MOST_HELD => {
                run.push(c);
                Ok(())
            }
            State::Joining(run) => {
                out.push_str(joint(&self.delivered.gap, run));
                out.push(c);
                self.state = State::Passing;
                Ok(())
            }
            State::Passing => {
                out.push(c);
                Ok(())
            }
            State::Disagreed => Err(Disagrees),
        }
    }

    fn follow(&mut self, verdict: Verdict, out: &mut String) -> Result<(), Disagrees> {
        match verdict {
            Verdict::Disagrees => return self.disagree(),
            Verdict::GoesOn(held) => {
                out.push_str(&held);
                self.state = State::Passing;
            }
            Verdict::Joins { dots: 0, rest } => {
                self.state = State::Joining(String::new());
                return self.feed(&rest, out);
            }
            Verdict::Joins { dots, rest } => {
                out.extend(repeat_n('.', dots));
                out.push_str(&rest);
                self.state = State::Passing;
            }
            Verdict::Open => {}
            Verdict::StartsOver { at } => self.state = State::Skipping { at },
        }
        Ok(())
    }

    fn disagree(&mut self) -> Result<(), Disagrees> {
        self.state = State::Disagreed;
        Err(Disagrees)
    }
}

/// What `c` tells of a text that started over and has come to byte `at`.
fn skip(c: char, mut at: usize, delivered: &Delivered) -> Verdict {
    let mut parts = folded(c);
    while let Some(part) = parts.next() {
        let Some(next) = delivered.agrees(at, part) else {
            return Verdict::Disagrees;
        };
        at = next;
        if delivered.is_end(at) {
            return Verdict::Joins {
                dots: parts.len(),
                rest: String::new(),
            };
        }
    }
    Verdict::StartsOver { at }
}

#[cfg(test)]
mod tests;
