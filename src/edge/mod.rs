//! The Worker: the only place that names the Workers runtime. It supplies the world that the gateway
//! asks for, and decides nothing.
//!
//! # Why a little JavaScript
//!
//! For a small request the objects and promises that cross between wasm and JavaScript cost more than
//! anything that wasm does. So each step that needs the runtime is one call into `glue.js`, which does
//! the reading and writing there and comes back with plain values.

mod boxes;
mod breakers;
mod cron;
mod glue;
mod kv;
mod ledger;
mod lock;
mod start;
mod world;

use worker::{Context, Env, event};

use crate::gateway;

#[event(fetch)]
async fn fetch(
    request: web_sys::Request,
    env: Env,
    context: Context,
) -> worker::Result<web_sys::Response> {
    let head = start::head(&request);
    let isolate = start::isolate(&env);
    let world = world::World::of_request(request, env, context);
    let answer = gateway::handle(&world, &isolate, &head).await;
    Ok(start::respond(answer))
}
