//! Pilotlight: an LLM gateway at the edge. The cloud answers, or the Ollama box at home does.
//!
//! The modules in reading order. Start with [`gateway`]: one request, from start to finish.
//!
//! **Invariant:** arrows point one way. `edge` names `gateway`; `gateway` names everything else;
//! `provider` names `stream` and `openai`; `policy` names `openai`, `tokens` and `time`. Nobody names
//! `edge`, and only `edge` names the Workers runtime. `tests/it/layering.rs` holds the code to it.

pub mod gateway;

pub mod platform;

pub mod config;

pub mod auth;
pub mod error;
pub mod reason;
pub mod time;
pub mod tokens;

pub mod openai;

pub mod provider;

pub mod policy;

pub mod stream;

#[cfg(target_arch = "wasm32")]
mod edge;
