//! The cron trigger: one round of the watch. How often it comes is told in `wrangler.toml`, and to the
//! gateway by `policy::boxes::ROUND_MS`.

use worker::{Env, ScheduleContext, ScheduledEvent, event};

use crate::edge::start;
use crate::edge::world::World;
use crate::gateway::watch;

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, context: ScheduleContext) {
    let isolate = start::isolate(&env);
    let world = World::of_cron(env, context);
    watch::watch(&world, &isolate).await;
}
