//! End to end: the built Worker on workerd, real sockets, faults on TCP, a real Ollama, the official
//! SDKs and a real browser.
//!
//! # Why every test starts its own gateway
//!
//! A breaker that one test opened must not be met by the next. workerd is up in a fraction of a
//! second, so each test gets one to itself, with its configuration, its upstreams and its key-value
//! store written beside what is expected of them.
//!
//! Every test asserts both sides: what the caller got, and what the upstream saw.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "sockets and child processes live in real time"
)]

mod aimock;
mod caller;
mod failures;
mod gateway;
mod homebox;
mod http;
mod kv;
mod leash;
mod messages;
mod rules;
mod tools;
mod upstream;
mod wire;

mod across;
mod admin;
mod bound;
mod breaker;
mod chain;
mod cold;
mod config;
mod doors;
mod drill;
mod exhausted;
mod fit;
mod front;
mod heartbeat;
mod hedge;
mod home;
mod homecheck;
mod homelock;
mod homesetup;
mod hostile;
mod leaving;
mod ledger;
mod matrix;
mod ollama;
mod page;
mod pieces;
mod providers;
mod recount;
mod runs;
mod sdks;
mod sovereignty;
mod streams;
mod surfaces;
mod takeover;
mod tunnel;
mod untouched;
mod waits;
mod watch;
