//! An operator closes a target's breaker, because the target is known to be well, or opens it, because
//! nobody shall ask it for a while.
//!
//! The others hear of it through KV, which takes up to a minute.

use crate::config::{Config, Target};
use crate::error::{Downstream, ErrorAnswer};
use crate::gateway::admin::{log, no_such};
use crate::gateway::isolate::Isolate;
use crate::openai::json::{Object, Writer};
use crate::platform::Platform;

/// The longest that a breaker can be opened for, in milliseconds: a day.
const LONGEST_MS: u64 = 86_400_000;

/// Closes a target's breaker.
pub(super) fn reset<W: Platform>(
    world: &W,
    isolate: &Isolate,
    config: &Config,
    name: &str,
) -> Result<Vec<u8>, ErrorAnswer> {
    let target = find(config, name)?;
    for shared in isolate.reset(target, world.now()) {
        crate::gateway::tell_isolates(world, target, Some(shared));
    }
    log(world, "reset_breaker", name);
    Ok(told(name, None))
}

/// Opens it: for as long as `body` says (`{"for": "10m"}`), else for its longest cool-down.
pub(super) fn trip<W: Platform>(
    world: &W,
    isolate: &Isolate,
    config: &Config,
    name: &str,
    body: &str,
) -> Result<Vec<u8>, ErrorAnswer> {
    let target = find(config, name)?;
    let usual = target.settings.breaker_cooldown_max_ms;
    let lasts = if body.trim().is_empty() {
        usual
    } else {
        read(body)?.unwrap_or(usual)
    };
    let until = world.now().saturating_add(lasts);
    let shared = isolate.trip(target, until, world.now());
    crate::gateway::tell_isolates(world, target, Some(shared));
    log(world, "trip_breaker", name);
    Ok(told(name, Some(until)))
}

fn find<'c>(config: &'c Config, name: &str) -> Result<&'c Target, ErrorAnswer> {
    let known: Vec<&str> = config.targets.iter().map(|target| &*target.name).collect();
    config
        .target(name)
        .ok_or_else(|| no_such("target", name, &known))
}

fn read(body: &str) -> Result<Option<u64>, Downstream> {
    let example = "such as {\"for\": \"10m\"}";
    let object = Object::parse(body).map_err(|error| {
        Downstream::body(format!("the body ({error}) should be JSON, {example}"))
    })?;
    if let Some((name, _)) = object.0.iter().find(|(name, _)| name != "for") {
        let problem =
            format!("'{name}' is not known here: the body may say for how long, {example}");
        return Err(Downstream {
            param: Some(name.to_string()),
            ..Downstream::body(problem)
        });
    }
    let Some(raw) = object.present("for") else {
        return Ok(None);
    };
    let lasts = crate::config::time_of(raw).filter(|ms| (1..=LONGEST_MS).contains(ms));
    lasts.map(Some).ok_or_else(|| {
        Downstream::field(
            "for",
            format!("'for' should be a time up to 24h, {example}"),
        )
    })
}

fn told(name: &str, until: Option<u64>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Writer::new(&mut out);
    object.text("target", name);
    match until {
        Some(until) => object.text("breaker", "open").number("until", until),
        None => object.text("breaker", "closed"),
    };
    object.end();
    out
}
