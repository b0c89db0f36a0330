//! Pilotlight: an LLM gateway at the edge. The cloud answers, or the Ollama box at home does.
//!
//! The modules in reading order. Start with [`gateway`]: one request, from start to finish.
//!
//! **Invariant:** arrows point one way. `edge` names `gateway`, which names all that a request needs;
//! `ledger` names `policy`, for the drills that it keeps; `policy` names `config`, `provider` and `stream`;
//! `config` names `provider` and `stream`; `provider` names `stream`; and `stream` names `openai`. The
//! small modules (`error`, `price`, `reason`, `time`, `tokens`) name at most `openai`, and `models` names `price`. Nobody names `edge`,
//! and only `edge` names the Workers runtime. Every arrow stands in `tests/it/layering.rs`, which holds
//! the code to it.

pub mod gateway;

pub mod platform;

pub mod config;

pub mod auth;
pub mod error;
pub mod models;
pub mod price;
pub mod reason;
pub mod time;
pub mod tokens;

pub mod openai;

pub mod provider;

pub mod policy;

pub mod stream;

pub mod ledger;

#[cfg(target_arch = "wasm32")]
mod edge;
