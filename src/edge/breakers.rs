//! The breakers' shared state in Workers KV: one key a target, all read at once.
//!
//! # Why one key a target
//!
//! KV has no compare-and-swap. In one value for all targets, two isolates that trip two targets at the
//! same moment would undo each other. One bulk read still gets all of them.

use worker::Env;

use crate::policy::breaker::Shared;

const BINDING: &str = "BREAKERS";
const PREFIX: &str = "breaker/";

/// KV's shortest time to live, in seconds
/// (<https://developers.cloudflare.com/kv/api/write-key-value-pairs/>).
const SHORTEST_TTL_S: u64 = 60;

/// A closing is remembered for as long as an older opening might still be read.
const CLOSED_TTL_S: u64 = 120;

/// Reads what is told of the targets' breakers; `None` when KV is not there or does not answer.
pub(super) async fn read(env: &Env, targets: &[&str]) -> Option<Vec<(String, Shared)>> {
    let store = env.kv(BINDING).ok()?;
    let mut told = Vec::new();
    // KV reads up to 100 keys at once.
    for some in targets.chunks(100) {
        let keys: Vec<String> = some.iter().map(|name| format!("{PREFIX}{name}")).collect();
        let values = store.get_bulk(&keys).cache_ttl(30).text().await.ok()?;
        for (key, value) in values {
            let name = key.strip_prefix(PREFIX).unwrap_or(&key);
            // A value of another version's shape is as good as none.
            if let Some(shared) = value.and_then(|text| serde_json::from_str(&text).ok()) {
                told.push((name.to_owned(), shared));
            }
        }
    }
    Some(told)
}

/// Tells of one breaker. A write that fails is logged and lost: KV only spreads the word, and each
/// isolate's own breaker still stands.
pub(super) async fn write(env: &Env, target: &str, shared: &Shared) {
    if let Err(problem) = put(env, target, shared).await {
        worker::console_log!(
            "{{\"event\":\"breaker_not_shared\",\"target\":\"{target}\",\"problem\":{}}}",
            serde_json::Value::from(problem)
        );
    }
}

async fn put(env: &Env, target: &str, shared: &Shared) -> Result<(), String> {
    let store = env.kv(BINDING).map_err(|error| error.to_string())?;
    let text = serde_json::to_string(shared).map_err(|error| error.to_string())?;
    let ttl = match shared.open_until {
        Some(until) => (until.saturating_sub(shared.at) / 1_000).saturating_add(SHORTEST_TTL_S),
        None => CLOSED_TTL_S,
    };
    store
        .put(&format!("{PREFIX}{target}"), text)
        .map_err(|error| error.to_string())?
        .expiration_ttl(ttl)
        .execute()
        .await
        .map_err(|error| error.to_string())
}
