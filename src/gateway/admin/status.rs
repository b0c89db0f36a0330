//! How everything stands, as this isolate knows it: targets with their breakers, boxes with their locks.

use futures::future::join_all;

use crate::config::{Config, Place, Target};
use crate::gateway::isolate::Isolate;
use crate::gateway::models;
use crate::openai::json::{Writer, write_list};
use crate::platform::Platform;
use crate::policy::breaker::{Cause, Standing};
use crate::policy::lease::{Message, Reply, Seen};

/// How everything stands, as JSON.
pub(super) async fn status<W: Platform>(world: &W, isolate: &Isolate, config: &Config) -> Vec<u8> {
    let names = config.boxes();
    let asked = names.iter().map(|name| world.lock(name, &Message::Look));
    let locks: Vec<Option<Reply>> = join_all(asked).await;
    let now = world.now();

    let mut out = Vec::with_capacity(2_048);
    let mut object = Writer::new(&mut out);
    object
        .text("object", "status")
        .text("version", env!("CARGO_PKG_VERSION"))
        .number("now", now);
    write_list(object.name("targets"), &config.targets, |entry, target| {
        target_status(entry, isolate, target, now);
    });
    let boxes: Vec<(&str, Option<Seen>)> = names
        .into_iter()
        .zip(locks)
        .map(|(name, lock)| match lock {
            Some(Reply::Seen(seen)) => (name, Some(seen)),
            Some(_) | None => (name, None),
        })
        .collect();
    write_list(object.name("boxes"), &boxes, |entry, (name, lock)| {
        entry.text("name", name);
        box_status(entry, isolate, config, name, now);
        match lock {
            Some(seen) => lock_status(entry.name("lock"), seen),
            None => {
                entry.raw("lock", "null");
            }
        }
    });
    match isolate.drill().filter(|drill| now < drill.until) {
        Some(drill) => {
            let spec = serde_json::to_string(&drill).unwrap_or_default();
            object.raw("drill", &spec);
        }
        None => {
            object.raw("drill", "null");
        }
    }
    object.end();
    out
}

fn target_status(entry: &mut Writer<'_>, isolate: &Isolate, target: &Target, now: u64) {
    entry
        .text("name", &target.name)
        .text("provider", target.provider.name())
        .text("model", &target.model)
        .raw(
            "home",
            match target.place {
                Place::Cloud => "false",
                Place::Home => "true",
            },
        )
        .text("key", models::key(target));
    let mut breaker = Writer::new(entry.name("breaker"));
    match isolate.standing(target, now) {
        Standing::Closed { failures } => {
            breaker
                .text("state", "closed")
                .number("failures", failures.into());
        }
        Standing::Open { until, cause } => {
            breaker
                .text("state", "open")
                .text("cause", cause_word(cause))
                .number("until", until);
        }
        Standing::HalfOpen { cause } => {
            breaker
                .text("state", "half_open")
                .text("cause", cause_word(cause));
        }
    }
    breaker.end();
    match isolate.last_failure(&target.name) {
        Some((reason, at)) => {
            let mut last = Writer::new(entry.name("last_failure"));
            last.text("reason", reason.label()).number("at", at);
            last.end();
        }
        None => {
            entry.raw("last_failure", "null");
        }
    }
}

const fn cause_word(cause: Cause) -> &'static str {
    match cause {
        Cause::Failing => "failing",
        Cause::Misconfigured => "misconfigured",
        Cause::Throttled => "throttled",
        Cause::Tripped => "tripped",
    }
}

/// What the watch saw of a box; nothing where nobody looked.
fn box_status(entry: &mut Writer<'_>, isolate: &Isolate, config: &Config, name: &str, now: u64) {
    let at_it = |target: &&Target| target.box_name.as_deref() == Some(name);
    let targets: Vec<&str> = config
        .targets
        .iter()
        .filter(at_it)
        .map(|target| target.name.as_str())
        .collect();
    let names = serde_json::to_string(&targets).unwrap_or_default();
    entry.raw("targets", &names);
    let server = config
        .targets
        .iter()
        .filter(at_it)
        .find_map(|target| target.server.as_ref());
    let seen = server.and_then(|server| isolate.boxes().0.remove(&server.name));
    match seen {
        Some(seen) => {
            let age = now.saturating_sub(seen.at);
            entry.number("seen_ms_ago", age);
            let text = serde_json::to_string(&seen).unwrap_or_default();
            entry.raw("seen", &text);
        }
        None => {
            entry.raw("seen", "null");
        }
    }
}

fn lock_status(out: &mut Vec<u8>, seen: &Seen) {
    let mut object = Writer::new(out);
    write_list(object.name("holders"), &seen.holders, |entry, lease| {
        entry
            .text("request", &lease.request)
            .number("since", lease.since)
            .number("expires", lease.expires)
            .number("number", lease.number);
    });
    write_list(object.name("queue"), &seen.queue, |entry, waiting| {
        entry
            .text("request", &waiting.request)
            .number("since", waiting.since)
            .number("until", waiting.until);
    });
    object.end();
}
