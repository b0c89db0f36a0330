//! Fit: a conversation made to fit a target's window, with what is missing said in its place.
//!
//! What the system says, the tools, the user's first turn and the newest turn stay. Then, as far as
//! it takes and in this order: old results of tools lose their middle; the oldest turns after the
//! first go, whole; the oldest rounds of a long newest turn go, a call always with its results; and
//! texts of what must stay lose their middle.
//!
//! # Why the cut moves in steps
//!
//! A model at home reads a prompt that it has cached many times faster than a new one. A cut that
//! moved with each turn would change the prompt's start each time, so cuts keep to a grid
//! (`grid.rs`), and what is cut depends on as little as possible that comes later. That is also why
//! a first turn of more than half the room is cut to half at once.
//!
//! # Why not let the upstream cut
//!
//! Ollama drops single messages from the oldest on (and with them a result's call), reserves no
//! room for the answer and tells nobody (`server/prompt.go`).
//!
//! **Invariant:** what is sent is, by the count here, never over the window less the room, and
//! fitting it again changes nothing.

use crate::openai::{ChatRequest, Message};
use crate::policy::fit::talk::Talk;

mod grid;
mod plan;
mod ratio;
mod shrink;
mod size;
mod talk;
mod text;
mod turns;

pub use ratio::Ratio;

/// What a target has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The target's window, in its own tokens.
    pub window: u32,
    /// How many of them are kept for the answer.
    pub room: u32,
    /// How many of its tokens one counted here is.
    pub ratio: Ratio,
}

impl Budget {
    /// The most tokens that a prompt may have, as counted here.
    pub fn limit(&self) -> u32 {
        self.ratio.counted(self.window.saturating_sub(self.room))
    }

    /// The grid's step in bytes: a quarter of the window, at four bytes a token.
    fn step(&self) -> u64 {
        u64::from(self.window)
    }

    /// The longest text that an old result of a tool keeps, in bytes: a sixteenth of the window.
    fn longest_result(&self) -> usize {
        const BOUNDS: (usize, usize) = (384, 16_384);
        (self.window as usize / 4).clamp(BOUNDS.0, BOUNDS.1)
    }
}

/// What becomes of a conversation.
#[derive(Debug)]
pub enum Fitted<'a> {
    /// It is sent as it is.
    Whole {
        /// Its tokens, where they had to be counted.
        counted: Option<u32>,
    },
    /// It is sent in part.
    Cut {
        /// What is sent.
        messages: Vec<Message<'a>>,
        /// The tokens of that, tools included.
        counted: u32,
        /// What is not.
        truncated: Truncated,
    },
    /// Not even what has to stay would fit.
    TooLong,
}

/// What was left out of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncated {
    /// How many messages were dropped or shortened.
    pub messages: u32,
    /// About how many tokens were left out: by their bytes, at the rate of what was kept. Counting
    /// them would cost as much as the conversation is long.
    pub tokens: u32,
}

/// Makes the conversation of `request` fit `budget`.
pub fn fit<'a>(request: &ChatRequest<'a>, budget: &Budget) -> Fitted<'a> {
    /// A prompt of so many times more bytes than the limit has tokens is too large: hardly any text
    /// has as many bytes a token.
    const FAR: u64 = 8;
    /// By how much a plan is made to fall short of the limit: counts of parts do not quite add up
    /// to the count of the whole.
    const SHORT: [u32; 3] = [0, 32, 128];

    let limit = budget.limit();
    let bound = size::bound(request);
    if bound <= u64::from(limit) {
        return Fitted::Whole { counted: None };
    }
    let Some((around, left)) = size::around(request, limit).map(|cost| (cost, limit - cost)) else {
        return Fitted::TooLong;
    };
    let talk = Talk::new(request, left, budget.longest_result());
    if bound <= u64::from(limit).saturating_mul(FAR)
        && let Some(messages) = talk.whole()
    {
        return Fitted::Whole {
            counted: Some(around + messages),
        };
    }
    for short in SHORT {
        let Some(room) = left.checked_sub(talk.system().saturating_add(short)) else {
            break;
        };
        if let Some(plan) = plan::plan(&talk, room, budget.step())
            && let Some(sent) = plan.carry_out(&talk, left)
        {
            return sent.told(around);
        }
    }
    Fitted::TooLong
}

/// The tokens of `messages` with the tools of `request`.
pub fn count(request: &ChatRequest<'_>, messages: &[Message<'_>]) -> u32 {
    let around = size::around(request, u32::MAX).unwrap_or(u32::MAX);
    messages.iter().fold(around, |total, message| {
        total.saturating_add(size::message(message, u32::MAX).unwrap_or(u32::MAX))
    })
}

#[cfg(test)]
mod tests;
