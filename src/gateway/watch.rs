//! The watch: one round of looking at the boxes at home, by a cron that serves no request.
//!
//! ```text
//! look     every server at once: its version, then its models     (policy::boxes::sighting)
//! decide   what that changes in what is known                     (policy::boxes)
//! tell     the other isolates, where it changed; whose box came back has its breakers closed
//! warm     the models that are to stay in memory
//! ```
//!
//! # Why nothing here fails
//!
//! There is nobody to tell. A box that does not answer is what the round is there to find out; a store
//! that does not is asked again in the next round, and until then only this isolate knows.

use std::rc::Rc;

use futures::StreamExt as _;
use futures::future::{join, join_all};
use futures::stream;

use crate::config::{Config, Key, Server, Target, Warm};
use crate::gateway::attempt;
use crate::gateway::boxes;
use crate::gateway::isolate::Isolate;
use crate::gateway::journal;
use crate::platform::{Call, Platform, Reply, ReplyBody, SendError, Taking, Told};
use crate::policy::boxes::sighting::{self, Sighting};
use crate::policy::boxes::warm::{self, Due};
use crate::policy::boxes::{Decision, News, decide};
use crate::policy::breaker::{Cause, Shared};
use crate::policy::classify::{Wording, bound, classify};
use crate::provider::Watched;
use crate::provider::watched::Preload;
use crate::reason::Reason;

/// How long a server may take to tell one thing of itself, in milliseconds. It needs neither model nor
/// memory for that, so a box that is hard at work answers as well.
const LOOK_MS: u64 = 5_000;

/// How many servers are looked at at once, each over two connections: the runtime lets six wait for an
/// answer, and holds back the seventh with its time limit running.
const AT_ONCE: usize = 3;

/// Makes one round.
pub async fn watch<W: Platform>(world: &W, isolate: &Rc<Isolate>) {
    let Ok(config) = &isolate.config else {
        return;
    };
    let servers: Vec<&Server> = boxes::servers(config).collect();
    if servers.is_empty() {
        return;
    }
    let looks = stream::iter(servers.iter().copied())
        .map(|server| look_at(world, config, server))
        .buffered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect::<Vec<_>>();
    let names: Vec<&str> = servers.iter().map(|server| server.name.as_str()).collect();
    let (seen, told) = join(looks, world.shared(&[], &names)).await;

    let now = world.now();
    // What could not be read must not be written over.
    let shared = told.is_some();
    let old = told.map_or_else(|| isolate.boxes(), |told| told.boxes);
    let decision = decide(&old, &seen, now);
    let news = Told {
        boxes: decision.boxes.clone(),
        ..Told::default()
    };
    isolate.hear(&news, now);
    if decision.news == News::Changed {
        log(world, &decision);
    }
    if shared && decision.news != News::None {
        world.share_boxes(&decision.boxes).await;
    }
    close_breakers(world, isolate, config, &decision.back, now).await;
    let warming = |(name, sighting)| keep_warm(world, config, name, sighting);
    join_all(
        seen.iter()
            .map(|(name, sighting)| (name.as_str(), sighting))
            .map(warming),
    )
    .await;
}

/// Looks at one server, through the first of its targets that can be asked; `None` when none can.
async fn look_at<W: Platform>(
    world: &W,
    config: &Config,
    server: &Server,
) -> Option<(String, Sighting)> {
    let target =
        targets_of(config, &server.name).find(|target| !matches!(target.key, Key::Missing(_)))?;
    let watched = target.provider.watched()?;
    let sighting = sight(world, config, server, target, watched).await;
    Some((server.name.clone(), sighting))
}

async fn sight<W: Platform>(
    world: &W,
    config: &Config,
    server: &Server,
    target: &Target,
    watched: &dyn Watched,
) -> Sighting {
    let mut look = world.look(target, &server.urls.version, LOOK_MS).await;
    if look.is_nobody() {
        look = world.look(target, &server.urls.version, LOOK_MS).await;
    }
    let version = match sighting::version(watched, &look) {
        Ok(version) => version,
        Err(sighting) => return sighting,
    };
    let (running, installed) = join(
        world.look(target, &server.urls.running, LOOK_MS),
        world.look(target, &server.urls.installed, LOOK_MS),
    )
    .await;
    let glimpse = |target: &Target| {
        let glimpse = sighting::glimpse(watched, &running, &installed, &target.model);
        (target.model.clone(), glimpse)
    };
    Sighting::Here {
        version,
        models: targets_of(config, &server.name).map(glimpse).collect(),
    }
}

fn targets_of<'c>(config: &'c Config, server: &'c str) -> impl Iterator<Item = &'c Target> {
    config
        .targets
        .iter()
        .filter(move |target| target.server.as_ref().is_some_and(|it| it.name == server))
}

/// Closes the breakers of the targets whose box came back, here and everywhere: while it was away
/// they learned nothing new, and it shall be asked again at once.
async fn close_breakers<W: Platform>(
    world: &W,
    isolate: &Isolate,
    config: &Config,
    back: &[String],
    now: u64,
) {
    let closed = Shared::closed(now, Cause::Failing);
    for target in back.iter().flat_map(|name| targets_of(config, name)) {
        let told = Told {
            breakers: vec![(target.name.clone(), closed)],
            ..Told::default()
        };
        isolate.hear(&told, now);
        world.share_breaker(&target.name, &closed).await;
    }
}

/// Loads the models of one server that are to stay in memory and do not, one after another, as the
/// server would load them anyway.
async fn keep_warm<W: Platform>(world: &W, config: &Config, server: &str, sighting: &Sighting) {
    let Sighting::Here { models, .. } = sighting else {
        return;
    };
    for target in targets_of(config, server) {
        let wanted = target.warm == Warm::Yes && !matches!(target.key, Key::Missing(_));
        let due = models
            .get(&target.model)
            .filter(|_| wanted)
            .and_then(|glimpse| warm::due(glimpse, world.now()));
        if let (Some(due), Some(watched)) = (due, target.provider.watched()) {
            load(world, target, watched, due).await;
        }
    }
}

/// Makes a server load a model, and waits until it has: to leave would make it begin again.
async fn load<W: Platform>(world: &W, target: &Target, watched: &dyn Watched, due: Due) {
    let began = world.now();
    let body = watched.preload(&Preload {
        model: &target.model,
        context: boxes::told_context(target),
        keep_alive: target.settings.keep_alive.as_deref(),
    });
    let call = Call {
        target,
        body: &body,
        taking: Taking::Whole,
        timeout_ms: target.settings.load_timeout_ms,
    };
    let failed = match world.send(call).await {
        Ok(reply) => refused(target, &reply),
        Err(SendError::TimedOut) => Some(Reason::ModelLoading),
        Err(SendError::Thrown(text)) => Some(bound::thrown(&text)),
        Err(SendError::CallerLeft | SendError::TooLong | SendError::Unreachable) => {
            Some(Reason::Unreachable)
        }
    };
    // That a model stays where it is is no news.
    if failed.is_none() && due == Due::Leaving {
        return;
    }
    journal::event(world, "warm", |line| {
        line.text("target", &target.name)
            .text("model", &target.model)
            .text("outcome", failed.map_or("loaded", Reason::label))
            .number("ms", world.now().saturating_sub(began));
    });
}

/// Why a model was not loaded; `None` when it was.
fn refused<B>(target: &Target, reply: &Reply<B>) -> Option<Reason> {
    let body = match &reply.body {
        ReplyBody::Whole(body) => body.as_slice(),
        ReplyBody::Open(_) => b"",
    };
    let found = attempt::in_between(target, reply.status, &reply.headers, body);
    found.or_else(|| {
        let fault = || target.provider.fault(reply.status, body);
        (reply.status != 200).then(|| classify(&fault(), Wording::Ours).reason)
    })
}

/// One log line for a round that changed something.
fn log<W: Platform>(world: &W, decision: &Decision) {
    journal::event(world, "watch", |line| {
        // Maps of names and numbers can always be written.
        if let Ok(boxes) = serde_json::to_string(&decision.boxes) {
            line.raw("boxes", &boxes);
        }
        line.text("back", &decision.back.join(","));
    });
}
