//! Streams: bytes in, events out, and the relay between an upstream and the caller. No I/O.

pub mod calls;
pub mod collect;
pub mod event;
pub mod ndjson;
pub mod relay;
pub mod splice;
pub mod sse;
pub mod written;

mod details;
mod joined;
mod message;
