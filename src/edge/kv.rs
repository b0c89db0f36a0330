//! The store that isolates share, in Workers KV: how anything is written to it.

use serde::Serialize;
use worker::{Env, KvStore};

/// The store itself.
pub(super) fn store(env: &Env) -> Result<KvStore, String> {
    env.kv("BREAKERS").map_err(|error| error.to_string())
}

/// Writes a value as JSON, to be forgotten after `ttl_s` seconds; or says why it cannot.
pub(super) async fn put(
    env: &Env,
    key: &str,
    value: &impl Serialize,
    ttl_s: u64,
) -> Result<(), String> {
    let text = serde_json::to_string(value).map_err(|error| error.to_string())?;
    store(env)?
        .put(key, text)
        .map_err(|error| error.to_string())?
        .expiration_ttl(ttl_s)
        .execute()
        .await
        .map_err(|error| error.to_string())
}
