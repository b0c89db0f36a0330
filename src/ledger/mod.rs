//! The ledger: what was asked, who answered, what it took and what it cost, hour by hour.
//!
//! # Why counters
//!
//! A table of requests grows for ever and says what people did. So an entry is broken up at once into
//! counters, one row for each hour, route and target: enough for a month's table, small for years, and
//! nothing of what was said.
//!
//! # How it stays exact
//!
//! Each isolate numbers its entries and keeps them until they are written (`outbox`); what comes twice
//! is told by its number. All sums are of whole numbers, money in picodollars.
//!
//! **Invariant:** no text of a request or an answer ever gets here.

/// An hour in milliseconds: the ledger counts in hours since 1970.
pub const HOUR_MS: u64 = 3_600_000;

pub mod drills;
pub mod entry;
pub mod message;
pub mod outbox;
pub mod report;
pub mod sql;
pub mod tell;
pub mod times;

mod sums;
