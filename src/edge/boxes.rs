//! The boxes' state in Workers KV: one key for all of them, because the cron alone writes it.

use worker::Env;

use crate::edge::kv;
use crate::policy::boxes::Boxes;

/// The key. Breakers lie under keys with a prefix of their own.
pub(super) const KEY: &str = "boxes";

/// What no cron renews is gone after a day, in seconds; it is believed for hours only.
const TTL_S: u64 = 86_400;

/// Reads the value; one of another version's shape is as good as none.
pub(super) fn read(value: &str) -> Boxes {
    serde_json::from_str(value).unwrap_or_default()
}

/// Writes it. A write that fails is logged, and made again by the next round that finds a change.
pub(super) async fn write(env: &Env, boxes: &Boxes) {
    if let Err(problem) = kv::put(env, KEY, boxes, TTL_S).await {
        worker::console_log!(
            "{{\"event\":\"boxes_not_shared\",\"problem\":{}}}",
            serde_json::Value::from(problem)
        );
    }
}
