//! The companies as a caller meets them: what none of them can serve, what they are not told, who
//! answers in whose place, and what becomes of their errors.

use serde_json::{Value, json};

use crate::gateway::{Gateway, Setup, chain, with};
use crate::upstream::Upstream;

mod able;
mod errors;
mod instead;
mod messages;
mod sdk;
mod windows;

/// The key of every target.
const SECRET: &str = "sk-upstream-secret-0123456789";

/// A table for `targets`: a company's that speaks OpenAI's chat completions, at this upstream.
fn company(name: &str, upstream: &Upstream) -> Value {
    json!({
        "provider": "openai",
        "company": name,
        "base_url": format!("{}/v1", upstream.url()),
        "model": "a-model",
        "key": "UPSTREAM_KEY",
    })
}

/// A gateway with one route over these targets, each of which is asked once.
fn start(targets: &[(&str, Value)]) -> Gateway {
    let targets: Vec<(&str, Value)> = targets
        .iter()
        .map(|(name, table)| (*name, with(table.clone(), json!({ "attempts": 1 }))))
        .collect();
    Setup::new(chain(&targets))
        .secret("UPSTREAM_KEY", SECRET)
        .start()
}
