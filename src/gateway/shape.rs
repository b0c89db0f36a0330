//! A request as it goes to one target: fitted into the window, and with what the target cannot serve
//! left out.

use std::borrow::Cow;

use crate::config::Target;
use crate::config::settings::Truncate;
use crate::gateway::answer::Omitted;
use crate::gateway::attempt::Attempt;
use crate::gateway::job::Job;
use crate::openai::{ChatRequest, Message};
use crate::platform::Platform;
use crate::policy::able;
use crate::policy::fit::{self, Budget, Fitted, Ratio};
use crate::provider::REASONING_EFFORT;
use crate::reason::Reason;

/// A request as it goes to one target.
pub(super) struct Shaped<'a> {
    pub(super) messages: Cow<'a, [Message<'a>]>,
    /// The target's window in tokens, where it is known.
    pub(super) window: Option<u32>,
    /// How many tokens we counted in the prompt, where we had to.
    pub(super) counted: Option<u32>,
    /// How much the model shall think, where it is told.
    pub(super) effort: Option<String>,
    pub(super) omitted: Omitted,
}

/// Fits `request` into the target's window; or why it cannot be.
pub(super) fn shape<'a, W: Platform>(
    job: &Job<'_, W>,
    request: &'a ChatRequest<'a>,
    target: &Target,
    ratio: Ratio,
) -> Result<Shaped<'a>, Attempt> {
    let mut able = able::judge(request, &request.messages, target.abilities)
        .map_err(|field| Attempt::unsupported(&target.name, field))?;
    let refuses = |effort: &String| job.isolate.refuses_effort(&target.name, effort);
    if able.effort.as_ref().is_some_and(refuses) {
        able.leave_effort();
    }
    let omitted = |truncated| Omitted {
        truncated,
        dropped: able.left_out.clone(),
    };
    let window = job.isolate.window(target, job.world.now());
    let uncut = |counted| Shaped {
        messages: Cow::Borrowed(request.messages.as_slice()),
        window,
        counted,
        effort: able.effort.clone(),
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
            effort: able.effort.clone(),
            omitted: omitted(Some(truncated)),
        }),
        Fitted::TooLong { .. } => Err(Attempt::skipped(&target.name, Reason::TooLong)),
    }
}

impl Shaped<'_> {
    /// Leaves it to the model how much it thinks.
    pub(super) fn leave_effort(&mut self) {
        self.effort = None;
        let effort = vec![Cow::Borrowed(REASONING_EFFORT)];
        self.omitted = self.omitted.with(effort);
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
