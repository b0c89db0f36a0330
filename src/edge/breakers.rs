//! The breakers' shared state in Workers KV: one key a target, all read at once, and the boxes' with them.
//!
//! # Why one key a target
//!
//! KV has no compare-and-swap. In one value for all targets, two isolates that trip two targets at the
//! same moment would undo each other. One bulk read still gets all of them.

use std::collections::BTreeMap;

use worker::Env;

use crate::edge::{boxes, kv};
use crate::platform::Told;
use crate::policy::breaker::{Cause, Shared};

const PREFIX: &str = "breaker/";

/// What operators said lies under one key for all targets, where no isolate's own news undo it. An operator
/// acts seldom, and one read a target more would double what the free plan counts.
const TRIPS: &str = "trips";

/// The longest that an operator's word holds, in seconds.
const TRIPS_TTL_S: u64 = 86_400;

/// KV's shortest time to live, in seconds
/// (<https://developers.cloudflare.com/kv/api/write-key-value-pairs/>).
const SHORTEST_TTL_S: u64 = 60;

/// A closing is remembered for as long as an older opening might still be read.
const CLOSED_TTL_S: u64 = 120;

/// Reads what is told of the targets' breakers, and of the boxes where any server is asked for; `None`
/// when KV is not there or does not answer.
pub(super) async fn read(env: &Env, targets: &[&str], servers: &[&str]) -> Option<Told> {
    let store = kv::store(env).ok()?;
    let mut keys: Vec<String> = targets
        .iter()
        .map(|name| format!("{PREFIX}{name}"))
        .chain([TRIPS.to_owned()])
        .collect();
    if !servers.is_empty() {
        keys.push(boxes::KEY.to_owned());
    }
    let mut told = Told::default();
    // KV reads up to 100 keys at once.
    for some in keys.chunks(100) {
        let values = store.get_bulk(some).cache_ttl(30).text().await.ok()?;
        for (key, value) in values {
            let Some(value) = value else {
                continue;
            };
            match key.strip_prefix(PREFIX) {
                None if key == TRIPS => {
                    let known = |(name, _): &(String, Shared)| targets.contains(&name.as_str());
                    told.breakers
                        .extend(trips(&value).into_iter().filter(known));
                }
                None => told.boxes = boxes::read(&value),
                // A value of another version's shape is as good as none.
                Some(name) => told.breakers.extend(
                    serde_json::from_str(&value)
                        .ok()
                        .map(|shared| (name.to_owned(), shared)),
                ),
            }
        }
    }
    told.boxes
        .0
        .retain(|server, _| servers.contains(&server.as_str()));
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

/// What operators said, by target; a value of another version's shape is as good as none.
fn trips(value: &str) -> BTreeMap<String, Shared> {
    serde_json::from_str(value).unwrap_or_default()
}

async fn put(env: &Env, target: &str, shared: &Shared) -> Result<(), String> {
    if shared.cause == Cause::Tripped {
        let values = kv::store(env)?.get_bulk(&[TRIPS.to_owned()]).text().await;
        let values = values.map_err(|error| error.to_string())?;
        let value = values.into_iter().find_map(|(_, value)| value);
        let mut trips = trips(&value.unwrap_or_default());
        trips.insert(target.to_owned(), *shared);
        return kv::put(env, TRIPS, &trips, TRIPS_TTL_S).await;
    }
    let ttl = match shared.open_until {
        Some(until) => (until.saturating_sub(shared.at) / 1_000).saturating_add(SHORTEST_TTL_S),
        None => CLOSED_TTL_S,
    };
    kv::put(env, &format!("{PREFIX}{target}"), shared, ttl).await
}
