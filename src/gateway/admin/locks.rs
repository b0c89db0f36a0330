//! An operator ends the leases of a box: for when a holder is known to be gone before its lease is over.

use crate::config::Config;
use crate::error::ErrorAnswer;
use crate::gateway::admin::{log, no_such, unreachable};
use crate::openai::json::Writer;
use crate::platform::Platform;
use crate::policy::lease::{Message, Reply};

/// Ends every lease of a box.
pub(super) async fn free<W: Platform>(
    world: &W,
    config: &Config,
    name: &str,
) -> Result<Vec<u8>, ErrorAnswer> {
    let known = config.boxes();
    if !known.contains(&name) {
        return Err(no_such("box", name, &known));
    }
    let Some(Reply::Freed(leases)) = world.lock(name, &Message::Free).await else {
        return Err(unreachable("lock_unreachable", "the lock", "HOME_LOCK"));
    };
    log(world, "free_lock", name);
    let mut out = Vec::new();
    let mut object = Writer::new(&mut out);
    object
        .text("box", name)
        .number("leases_ended", u64::try_from(leases).unwrap_or_default());
    object.end();
    Ok(out)
}
