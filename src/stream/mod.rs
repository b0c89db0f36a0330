//! Streams: bytes in, events out, and the relay between an upstream and the caller. No I/O.

pub mod event;
pub mod ndjson;
pub mod relay;
pub mod sse;
