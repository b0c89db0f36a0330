//! Whether a model at home is its box's own: what is private goes to no box that hands it on to a cloud.
//!
//! An Ollama serves models of a cloud as if they were its own: by a name that says so, or by an alias,
//! which looks like any other model and is told apart only in the box's list. So a private request waits
//! until somebody has read that list: the cron, an earlier request of this isolate, or this one, which
//! asks for the list and tells the box nothing.
//!
//! A dialect whose servers do not tell of themselves is taken at the config's word, `home = true`.
//!
//! **Invariant:** nothing private is sent to a server that can tell, and has not told that the model is
//! its own.

use std::pin::pin;

use futures::future::{Either, select};

use crate::config::{Server, Target};
use crate::gateway::job::Job;
use crate::gateway::journal;
use crate::platform::{CallerLeft, Platform};
use crate::policy::boxes::{Forwarded, KNOWN_MS};
use crate::provider::Watched;
use crate::provider::watched::Installed;
use crate::reason::Reason;

/// How long it is believed what a request found out, in milliseconds.
const FOUND_MS: u64 = 600_000;

/// How long a box may take to tell which models it has, in milliseconds.
const LOOK_MS: u64 = 5_000;

/// Makes sure that a target's model is its box's own, where the request is private.
///
/// # Errors
///
/// Why the target must not be asked: [`Reason::Forwarded`], or [`Reason::Unverified`] where that could
/// not be found out; or [`Reason::CallerLeft`].
pub(super) async fn make_sure<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
) -> Result<(), Reason> {
    if job.private.is_none() {
        return Ok(());
    }
    match job.isolate.forwarded(target, job.world.now()) {
        Forwarded::No => return Ok(()),
        Forwarded::Yes => return Err(Reason::Forwarded),
        Forwarded::Unknown => {}
    }
    let Some(watched) = target.provider.watched() else {
        return Ok(());
    };
    let found = match &target.server {
        Some(server) => look(job, target, server, watched).await?,
        None => Forwarded::Unknown,
    };
    let until = job.world.now().saturating_add(FOUND_MS);
    job.isolate.finds(&target.name, found, until);
    match found {
        Forwarded::No => Ok(()),
        // It is asked again with the next request.
        Forwarded::Unknown => Err(Reason::Unverified),
        Forwarded::Yes => Err(Reason::Forwarded),
    }
}

/// Asks the box which of its models are its own.
async fn look<W: Platform>(
    job: &Job<'_, W>,
    target: &Target,
    server: &Server,
    watched: &dyn Watched,
) -> Result<Forwarded, Reason> {
    let left = job.deadline.saturating_sub(job.world.now());
    let patience = LOOK_MS.min(left);
    let looking = pin!(job.world.look(target, &server.urls.installed, patience));
    let look = match select(looking, pin!(job.world.sleep(patience))).await {
        Either::Left((look, _)) => look,
        Either::Right((Ok(()), _)) => return Ok(Forwarded::Unknown),
        Either::Right((Err(CallerLeft), _)) => return Err(Reason::CallerLeft),
    };
    let installed = look
        .body()
        .and_then(|body| watched.installed(body, &target.model));
    Ok(match installed {
        Some(Installed::Yes { .. }) => Forwarded::No,
        Some(Installed::Elsewhere) => Forwarded::Yes,
        Some(Installed::No) | None => Forwarded::Unknown,
    })
}

/// Takes note of a failure, where it is that a private request was handed on to a cloud all the same. It
/// cannot be undone; it is logged, and this isolate does not ask the target for anything private again
/// before everybody has had the time to look.
pub(super) fn learn<W: Platform>(job: &Job<'_, W>, target: &Target, reason: Reason) {
    if reason != Reason::LeftHome {
        return;
    }
    let until = job.world.now().saturating_add(KNOWN_MS);
    job.isolate.finds(&target.name, Forwarded::Yes, until);
    journal::event(job.world, reason.label(), |line| {
        line.text("id", job.id)
            .text("target", &target.name)
            .text("model", &target.model);
    });
}
