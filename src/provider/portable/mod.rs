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
//! What a model thought, and what its company signed, goes back only to that company.

mod call;
mod digest;
mod id;
mod name;
mod part;
mod tool;
mod turn;

pub use call::Call;
pub use id::{Alphabet, IdRule};
pub use name::{First, NameRule, Names};
pub use part::{File, Image, Part, Piece, base64_of, parts};
pub use tool::{Choice, Tool, choice, tools};
pub use turn::{Turn, turns};
