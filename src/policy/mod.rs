//! One file per decision: each a pure function of values, with time and chance as arguments.

pub mod backoff;
pub mod breaker;
pub mod classify;
pub mod cost;
pub mod fit;
pub mod lease;
pub mod pii;
pub mod resume;
pub mod route;
