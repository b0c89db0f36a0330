//! OpenAI's public wire format: what callers send and what they are answered.
//!
//! Every front and every dialect meets in these shapes, so nothing here knows of providers,
//! targets or the network.

pub mod answer;
pub mod fields;
pub mod json;
pub mod request;
pub mod same;

mod body;

pub use answer::{Finish, Usage};
pub use request::{ChatRequest, Delivery, Message, Role, UsageChunk};
