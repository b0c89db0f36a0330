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
//! # Why large windows are not counted for
//!
//! Counting costs as much as the window is large, and the windows of clouds are a hundred times those
//! of boxes at home. So above [`COUNTED`] a conversation is estimated from a few pieces of it
//! (`estimate.rs`), and cut by the rate that they tell. A cloud's own count is the judge: it is asked
//! unless the conversation is too large by any count, and says so where it is.
//!
//! **Invariant:** what is sent into a window that is counted for is, by the count here, never over the
//! window less the room, and fitting it again changes nothing.

use crate::openai::{ChatRequest, Message};
use crate::policy::fit::meter::{Meter, Rate};
use crate::policy::fit::talk::Talk;

mod estimate;
mod grid;
mod meter;
mod plan;
mod ratio;
mod shrink;
mod size;
mod talk;
mod text;
mod turns;

pub use ratio::Ratio;

/// The largest window that is counted for, token by token.
pub const COUNTED: u32 = 32_768;

/// What a target has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The target's window, in its own tokens.
    pub window: u32,
    /// How many of them are kept for the answer.
    pub room: u32,
    /// How many of its tokens one counted here is.
    pub ratio: Ratio,
    /// From when on a conversation is too large that is not counted.
    pub too_large: TooLarge,
}

/// From when on a conversation is too large for a window that is not counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooLarge {
    /// When it would be by any count. Whoever is asked in vain says so.
    Certainly,
    /// When it probably is.
    Probably,
}

impl Budget {
    /// The most tokens that a prompt may have, as counted here.
    pub fn limit(&self) -> u32 {
        self.ratio.counted(self.window.saturating_sub(self.room))
    }

    /// The most tokens that a prompt may have that is estimated, which may be a ninth too few.
    fn estimated_limit(&self) -> u32 {
        let limit = self.limit();
        limit - limit / 9
    }

    /// Whether a conversation of about so many tokens may fit, or of no more than so many.
    fn may_hold(&self, tokens: u64) -> bool {
        /// Of so many tokens as they are counted here, the fewest real ones: the table here counts
        /// German and Chinese twofold, and a few pieces do not tell all.
        const FEWEST: (u64, u64) = (3, 8);

        match self.too_large {
            TooLarge::Probably => tokens <= u64::from(self.estimated_limit()),
            TooLarge::Certainly => {
                let left = u64::from(self.window.saturating_sub(self.room));
                tokens.saturating_mul(FEWEST.0) / FEWEST.1 <= left
            }
        }
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
        /// The tokens of that, tools included, where they were counted.
        counted: Option<u32>,
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
    let limit = budget.limit();
    let bound = size::bound(request);
    if bound <= u64::from(limit) {
        return Fitted::Whole { counted: None };
    }
    if budget.window <= COUNTED {
        return by_count(request, budget, limit, bound);
    }
    // Making the table ready costs more than all the rest.
    if budget.may_hold(bound) {
        return Fitted::Whole { counted: None };
    }
    let estimate = estimate::of(request, &request.messages);
    if budget.may_hold(estimate.tokens.into()) {
        return Fitted::Whole { counted: None };
    }
    by_rate(request, budget, estimate.rate)
}

/// Fits a conversation of no more than `bound` tokens, which it counts.
fn by_count<'a>(request: &ChatRequest<'a>, budget: &Budget, limit: u32, bound: u64) -> Fitted<'a> {
    /// A prompt of so many times more bytes than the limit has tokens is too large: hardly any text
    /// has as many bytes a token.
    const FAR: u64 = 8;
    /// By how much a plan is made to fall short of the limit: counts of parts do not quite add up
    /// to the count of the whole.
    const SHORT: [u32; 3] = [0, 32, 128];

    let meter = Meter::Counted;
    let around = size::around(request, meter, limit);
    let Some((around, left)) = around.map(|cost| (cost, limit - cost)) else {
        return Fitted::TooLong;
    };
    let talk = Talk::new(request, meter, left, budget.longest_result());
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

/// Fits a conversation that is too large, whose texts have this rate.
fn by_rate<'a>(request: &ChatRequest<'a>, budget: &Budget, rate: Rate) -> Fitted<'a> {
    /// How much of the room is filled, in sixteenths: less where what is kept turns out to have more
    /// tokens a byte than the whole had.
    const FILLED: [u32; 4] = [16, 13, 10, 7];

    let limit = budget.estimated_limit();
    let meter = Meter::Rated(rate);
    let around = size::around(request, meter, limit);
    let Some((around, left)) = around.map(|cost| (cost, limit - cost)) else {
        return Fitted::TooLong;
    };
    let talk = Talk::new(request, meter, left, budget.longest_result());
    let mut fitted = Fitted::TooLong;
    for filled in FILLED {
        let Some(room) = (left / 16 * filled).checked_sub(talk.system()) else {
            break;
        };
        let Some(sent) =
            plan::plan(&talk, room, budget.step()).and_then(|plan| plan.carry_out(&talk, left))
        else {
            continue;
        };
        let tokens = estimate::of(request, &sent.messages).tokens;
        fitted = sent.told(around).uncounted();
        if tokens <= limit {
            break;
        }
    }
    fitted
}

impl Fitted<'_> {
    /// The same without a count that was none.
    fn uncounted(self) -> Self {
        match self {
            Self::Whole { .. } => Self::Whole { counted: None },
            Self::Cut {
                messages,
                truncated,
                ..
            } => Self::Cut {
                messages,
                counted: None,
                truncated,
            },
            Self::TooLong => Self::TooLong,
        }
    }
}

/// The tokens of `messages` with the tools of `request`.
pub fn count(request: &ChatRequest<'_>, messages: &[Message<'_>]) -> u32 {
    let meter = Meter::Counted;
    let around = size::around(request, meter, u32::MAX).unwrap_or(u32::MAX);
    messages.iter().fold(around, |total, message| {
        total.saturating_add(size::message(message, meter, u32::MAX).unwrap_or(u32::MAX))
    })
}

/// About the tokens of `messages` with the tools of `request`, from a few pieces of them.
pub fn estimate(request: &ChatRequest<'_>, messages: &[Message<'_>]) -> u32 {
    estimate::of(request, messages).tokens
}

/// Roughly the tokens of `messages`, by their bytes alone, which costs next to nothing.
pub fn about(messages: &[Message<'_>]) -> u64 {
    /// Text has about as many bytes a token.
    const BYTES_A_TOKEN: u64 = 4;

    let bytes = messages
        .iter()
        .map(|message| size::bytes(message, usize::MAX));
    bytes.fold(0, u64::saturating_add) / BYTES_A_TOKEN
}

#[cfg(test)]
mod tests;
