//! A request as it goes to one target: fitted into the window, and with what the target cannot serve
//! left out.

use std::borrow::Cow;

use crate::config::settings::Truncate;
use crate::config::{Place, Target};
use crate::gateway::answer::Omitted;
use crate::gateway::attempt::Attempt;
use crate::gateway::job::Job;
use crate::openai::{ChatRequest, Message};
use crate::platform::Platform;
use crate::policy::able;
use crate::policy::fit::{self, Budget, Fitted, Ratio, TooLarge};
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
    /// The caller's fields that the target is not told.
    pub(super) left_out: Vec<Cow<'static, str>>,
    /// What the caller is told of that, and of the cut.
    pub(super) omitted: Omitted,
}

/// How a conversation is fitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fitting {
    pub(super) ratio: Ratio,
    pub(super) too_large: TooLarge,
    pub(super) cutting: Cutting,
}

/// When a conversation is cut that is too large for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cutting {
    /// When those have been asked that have a larger window.
    Later,
    /// At once.
    Now,
}

/// Why a target is not asked.
pub(super) enum Misfit {
    /// It would have to be cut for it, and is not yet.
    PutOff,
    /// The target cannot serve it.
    Skipped(Attempt),
}

/// How a conversation is fitted for a target that has not refused it. Who refuses what is too long is
/// asked where there is any doubt.
pub(super) fn fitting<W: Platform>(job: &Job<'_, W>, target: &Target, cutting: Cutting) -> Fitting {
    let has_refused = job.account.has_overflowed(&target.name);
    Fitting {
        ratio: job.isolate.ratio(&target.name),
        too_large: match target.place {
            Place::Cloud if !has_refused => TooLarge::Certainly,
            Place::Cloud | Place::Home => TooLarge::Probably,
        },
        cutting,
    }
}

/// Fits `request` into the target's window; or why it cannot be.
pub(super) fn shape<'a, W: Platform>(
    job: &Job<'_, W>,
    request: &'a ChatRequest<'a>,
    target: &Target,
    fitting: Fitting,
) -> Result<Shaped<'a>, Misfit> {
    let skipped = |attempt| Err(Misfit::Skipped(attempt));
    let mut able = match able::judge(request, target.abilities) {
        Ok(able) => able,
        Err(field) => return skipped(Attempt::unsupported(&target.name, field)),
    };
    let refuses = |effort: &String| job.isolate.refuses_effort(&target.name, effort);
    if able.effort.as_ref().is_some_and(refuses) {
        able.leave_effort();
    }
    let window = job.isolate.window(target, job.world.now());
    let shaped = |messages, counted, truncated| Shaped {
        messages,
        window,
        counted,
        effort: able.effort.clone(),
        left_out: able.left_out(),
        omitted: Omitted {
            truncated,
            dropped: able.named.clone(),
        },
    };
    let whole = Cow::Borrowed(request.messages.as_slice());
    let Some(tokens) = window else {
        return Ok(shaped(whole, None, None));
    };
    let budget = Budget {
        window: tokens,
        room: room(request, target, tokens),
        ratio: fitting.ratio,
        too_large: fitting.too_large,
    };
    match (fit::fit(request, &budget), cutting(job, target)) {
        (Fitted::Whole { counted }, _) => Ok(shaped(whole, counted, None)),
        (Fitted::Cut { .. }, Truncate::Never) | (Fitted::TooLong, _) => {
            skipped(Attempt::skipped(&target.name, Reason::TooLong))
        }
        (Fitted::Cut { .. }, Truncate::Auto) if fitting.cutting == Cutting::Later => {
            Err(Misfit::PutOff)
        }
        (
            Fitted::Cut {
                messages,
                counted,
                truncated,
            },
            Truncate::Auto,
        ) => Ok(shaped(Cow::Owned(messages), counted, Some(truncated))),
    }
}

impl Shaped<'_> {
    /// Leaves it to the model how much it thinks.
    pub(super) fn leave_effort(&mut self) {
        self.effort = None;
        let effort = Cow::Borrowed(REASONING_EFFORT);
        self.left_out.push(effort.clone());
        self.omitted = self.omitted.with(vec![effort]);
    }
}

/// Tokens kept for the answer: as many as may be asked for, but never more than the model can write,
/// nor than half the window, so that a generous limit does not push the conversation out.
fn room(request: &ChatRequest<'_>, target: &Target, window: u32) -> u32 {
    /// A cloud ends an answer at the window's end and says so; longer ones are rare.
    const USUAL: u32 = 8_192;

    let quarter = window / 4;
    // A box at home, and an Ollama anywhere, writes that much where nobody says how much.
    let is_limited = target.place == Place::Home || target.provider.default_context().is_some();
    let usual = if is_limited {
        quarter
    } else {
        quarter.min(USUAL)
    };
    most_tokens(request, target)
        .unwrap_or(usual)
        .min(target.max_output.unwrap_or(u32::MAX))
        .min(window / 2)
}

/// The most tokens that an answer may have: as the caller has it, or else the config, and never more
/// than the model can write, which companies refuse. Who asks for more gets an answer that ends with
/// `length` where the model has to end.
pub(super) fn most_tokens(request: &ChatRequest<'_>, target: &Target) -> Option<u32> {
    let asked = request.max_tokens.or(target.settings.max_output)?;
    Some(asked.min(target.max_output.unwrap_or(u32::MAX)))
}

fn cutting<W: Platform>(job: &Job<'_, W>, target: &Target) -> Truncate {
    match (job.truncate, target.settings.truncate) {
        (Truncate::Auto, Truncate::Auto) => Truncate::Auto,
        (Truncate::Never, _) | (_, Truncate::Never) => Truncate::Never,
    }
}
