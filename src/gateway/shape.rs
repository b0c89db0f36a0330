//! A request as it goes to one target: fitted into the window, and with what the target cannot serve
//! left out.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::config::Target;
use crate::config::settings::Truncate;
use crate::gateway::answer::Omitted;
use crate::gateway::attempt::Attempt;
use crate::gateway::job::Job;
use crate::openai::{ChatRequest, Message};
use crate::platform::Platform;
use crate::policy::fit::{self, Budget, Fitted, Ratio};
use crate::provider::{Effort, REASONING_EFFORT};
use crate::reason::Reason;

/// A request as it goes to one target.
pub(super) struct Shaped<'a> {
    pub(super) messages: Cow<'a, [Message<'a>]>,
    /// The target's window in tokens, where it is known.
    pub(super) window: Option<u32>,
    /// How many tokens we counted in the prompt, where we had to.
    pub(super) counted: Option<u32>,
    pub(super) omitted: Omitted,
}

/// Fits `request` into the target's window; or why it cannot be.
pub(super) fn shape<'a, W: Platform>(
    job: &Job<'_, W>,
    request: &'a ChatRequest<'a>,
    target: &Target,
    ratio: Ratio,
) -> Result<Shaped<'a>, Attempt> {
    let effort = asked_effort(request).map_or(Effort::Asked, |effort| {
        job.isolate.effort(&target.name, effort)
    });
    let omitted = |truncated| Omitted {
        truncated,
        dropped: match effort {
            Effort::Asked => Vec::new(),
            Effort::Dropped => vec![REASONING_EFFORT],
        },
    };
    let window = job.isolate.window(target, job.world.now());
    let uncut = |counted| Shaped {
        messages: Cow::Borrowed(request.messages.as_slice()),
        window,
        counted,
        omitted: omitted(None),
    };
    let Some(tokens) = window else {
        return Ok(uncut(None));
    };
    let budget = Budget {
        window: tokens,
        room: room(request, target, tokens),
        ratio,
    };
    match fit::fit(request, &budget) {
        Fitted::Whole { counted } => Ok(uncut(counted)),
        Fitted::Cut { .. } if cutting(job, target) == Truncate::Never => {
            Err(Attempt::skipped(&target.name, Reason::TooLong))
        }
        Fitted::Cut {
            messages,
            counted,
            truncated,
        } => Ok(Shaped {
            messages: Cow::Owned(messages),
            window,
            counted: Some(counted),
            omitted: omitted(Some(truncated)),
        }),
        Fitted::TooLong { .. } => Err(Attempt::skipped(&target.name, Reason::TooLong)),
    }
}

impl Shaped<'_> {
    /// What becomes of the caller's `reasoning_effort`.
    pub(super) fn effort(&self) -> Effort {
        if self.omitted.dropped.contains(&REASONING_EFFORT) {
            Effort::Dropped
        } else {
            Effort::Asked
        }
    }
}

/// Tokens kept for the answer: as many as may be asked for, but never more than half the window, so
/// that a generous limit does not push the conversation out.
fn room(request: &ChatRequest<'_>, target: &Target, window: u32) -> u32 {
    let wanted = request
        .max_tokens
        .or(target.settings.max_output)
        .unwrap_or(window / 4);
    wanted.min(window / 2)
}

fn cutting<W: Platform>(job: &Job<'_, W>, target: &Target) -> Truncate {
    match (job.truncate, target.settings.truncate) {
        (Truncate::Auto, Truncate::Auto) => Truncate::Auto,
        (Truncate::Never, _) | (_, Truncate::Never) => Truncate::Never,
    }
}

/// The `reasoning_effort` that the caller asks for, as JSON text.
pub(super) fn asked_effort<'a>(request: &ChatRequest<'a>) -> Option<&'a str> {
    request.fields.raw(REASONING_EFFORT).map(RawValue::get)
}
