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

/// Recorded bytes, and what comes of them.
mod fixtures;

/// The `anthropic` dialect against its documented bytes.
mod anthropic;

/// The chain: what is asked, in which order, and what the caller is told.
mod chain;

/// Targets that are reached by a binding, and what is said of them when they are not.
mod bound;

/// The breaker's promises, over random histories, and between isolates.
mod breaker;

/// The boxes at home: looked at between requests.
mod boxes;

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

/// Targets that fail on purpose, for a time.
mod drill;

/// The lock of a home box: waited for, kept, given back.
mod homelock;

/// The detector of personal data, over a labelled sample and random numbers.
mod pii;

/// The lock in every order of events.
mod homelock_more;
/// Chains of several dialects, read by somebody who wants them to break.
mod mixed;

/// What is private stays at home, however the request goes on.
mod privacy;

/// The arrows between modules.
mod layering;

/// What every dialect writes, over random lawful requests and by each company's rules.
mod lawful;

/// The `ollama` dialect against recorded bytes.
mod ollama;

/// The `openai` dialect against recorded bytes.
mod openai;

/// The `responses` dialect against written bytes.
mod responses;

// The table of docs/providers.md.
mod providers_page;

/// Models at home that their boxes hand on to a cloud.
mod own;

/// Answers that break, and who goes on with them.
mod takeover;

/// Two targets' texts made one, over random texts, cuts and pieces.
mod splice;

/// What a hostile reading found.
mod hostile;

/// Where one target's words meet another's.
mod seams;

/// Streams: commit, relay, and every way to break.
mod streams;

/// Windows and abilities: who is asked first, and what is cut when.
mod windows;
