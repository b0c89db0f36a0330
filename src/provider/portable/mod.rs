//! A conversation that can go on at any company: what all dialects that translate it have in common.
//!
//! # Why it needs no memory
//!
//! The caller sends the whole history with each request, and with it both halves of each tool call. So
//! what one company wrote is rewritten for the next by functions of the text alone: an id that breaks
//! a company's rule becomes the same other id wherever it stands.
//!
//! # What is never carried over
//!
//! What a company signed or sealed of a model's thoughts goes back only by the dialect that told it.

/// What the `format` of thoughts begins with that a dialect of this gateway told. Who makes them by the same
/// form under a name of its own, as OpenRouter does, has sealed them for itself.
pub const TOLD_HERE: &str = "pilotlight.";

mod call;
mod digest;
mod id;
mod logprobs;
mod name;
mod ours;
mod part;
mod rest;
mod tool;
mod turn;

pub use call::{Call, Callee, calls};
pub use id::{Alphabet, IdRule};
pub use logprobs::{Logprobs, logprobs};
pub use name::{First, NameRule, Names};
pub use ours::{GO_AHEAD, OPENING, marked};
pub use part::{File, Image, Part, Piece, base64_of, parts};
pub use rest::{note_marks, note_rest, note_signatures, refuse_foreign};
pub use tool::{Choice, NO_ARGUMENTS, Tool, choice, tools};
pub use turn::{Turn, turns};
