//! Behaviour through the gateway in a scripted world: virtual time, no ports, no network, no order.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

/// The scripted world and its clock.
mod world;

/// The chain: what is asked, in which order, and what the caller is told.
mod chain;

/// The breaker's promises, over random histories, and between isolates.
mod breaker;

/// Streams put together into one answer, and tool calls held until they are whole.
mod collect;

/// What answers cost, and where that is told.
mod costs;

/// Configurations, good and bad, and the documents that describe them.
mod config;

/// What is cut from a conversation, over random conversations.
mod fit;

/// The front: paths, methods, keys, limits, headers.
mod front;

/// The detector of personal data, over a labelled sample and random numbers.
mod pii;

/// The arrows between modules.
mod layering;

/// The `ollama` dialect against recorded bytes.
mod ollama;

/// The `openai` dialect against recorded bytes.
mod openai;

/// Answers that break, and who goes on with them.
mod takeover;

/// Two targets' texts made one, over random texts, cuts and pieces.
mod splice;

/// Where one target's words meet another's.
mod seams;

/// Streams: commit, relay, and every way to break.
mod streams;
