//! One file per decision: each a pure function of values, with time and chance as arguments.

pub mod able;
pub mod backoff;
pub mod boxes;
pub mod breaker;
pub mod classify;
pub mod cost;
pub mod drill;
pub mod fit;
pub mod lease;
pub mod pii;
pub mod privacy;
pub mod resume;
pub mod route;
