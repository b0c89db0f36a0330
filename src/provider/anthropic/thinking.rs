//! How much the model thinks, and how many tokens the answer may have with it.
//!
//! # Two kinds of models
//!
//! Newer ones decide for themselves, and are told an effort (`thinking: adaptive`, `output_config.effort`).
//! Older ones are told a number of tokens, which is part of the answer's limit and below it; the numbers for
//! OpenAI's words are LiteLLM's. A model that nobody has written about is taken for a newer one.
//!
//! # What stands against thinking
//!
//! A call that is forced: some of the newer models think unless they are told not to, so they are told. And,
//! on an older model, calls in progress that the model did not think before: another model made them. The
//! answer matters more than the thoughts, so the effort is left out, and named.
//!
//! # Why thoughts are asked for as a summary
//!
//! Newer models leave them out unless they are asked. The thinking costs the same either way.

use crate::models::{Ability, Thinking};
use crate::openai::json::Writer;
use crate::provider::anthropic::conversation::Replay;
use crate::provider::{Ask, REASONING_EFFORT, Unsupported, UpstreamRequest};

/// The most tokens of an answer whose caller names no limit. Anthropic wants one.
const USUAL: u32 = 8_192;

/// The same where the model thinks as much as it likes: thoughts are part of the answer.
const USUAL_WITH_THOUGHTS: u32 = 32_768;

/// The fewest tokens that a model can be told to think with.
const LEAST: u32 = 1_024;

/// How a model is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// As it likes, with an effort.
    Adaptive(&'static str),
    /// With so many tokens.
    Budget(u32),
    /// Not at all.
    Disabled,
    /// It is not told.
    Untold,
}

/// Whether it may think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum May {
    /// A call is forced.
    NotThink,
    /// It may, but an older model did not before the calls in progress.
    ThinkAnew,
    /// It may.
    Think,
}

impl Plan {
    /// The plan for a request, and the most tokens of its answer. An effort that is left out is noted in
    /// `sent`.
    pub(super) fn of(
        ask: &Ask<'_>,
        may: May,
        sent: &mut UpstreamRequest,
    ) -> Result<(Self, u32), Unsupported> {
        let most = |tokens: u32| {
            ask.max_output
                .map_or(tokens, |most| tokens.min(most))
                .max(1)
        };
        let usual = |tokens: u32| {
            let room = ask
                .context
                .map_or(tokens, |context| tokens.min(context / 2));
            most(ask.max_tokens.unwrap_or(room))
        };
        let thinking = ask.abilities.thinking;
        let word = ask.effort.map(effort).transpose()?;
        let plan = match (word, thinking) {
            (Some(None), Thinking::Optional) => Self::Disabled,
            (word, Thinking::Optional) if may == May::NotThink => {
                if word.is_some() {
                    sent.drop(REASONING_EFFORT);
                }
                Self::Disabled
            }
            (None, _) | (Some(None), Thinking::Budget | Thinking::None) => Self::Untold,
            // Whether one that nobody has written about can be told not to think, nobody knows.
            (Some(Some(_)), Thinking::None)
            | (Some(None), Thinking::Always | Thinking::Unknown) => {
                sent.drop(REASONING_EFFORT);
                Self::Untold
            }
            (Some(Some(word)), Thinking::Always) => Self::Adaptive(word),
            (Some(Some(word)), Thinking::Optional | Thinking::Unknown) => match may {
                May::Think | May::ThinkAnew => Self::Adaptive(word),
                May::NotThink => {
                    sent.drop(REASONING_EFFORT);
                    Self::Untold
                }
            },
            (Some(Some(word)), Thinking::Budget) => {
                let wanted = budget(ask.effort.unwrap_or(word));
                let limit = usual(USUAL.saturating_add(wanted));
                if may == May::Think && limit > LEAST {
                    // Of a short answer, thoughts get no more than half.
                    let room = limit.saturating_sub(USUAL).max(limit / 2);
                    Self::Budget(wanted.min(room).max(LEAST))
                } else {
                    sent.drop(REASONING_EFFORT);
                    Self::Untold
                }
            }
        };
        let limit = match (plan, thinking) {
            (Self::Budget(budget), _) => usual(USUAL.saturating_add(budget)),
            (Self::Adaptive(_), _) | (Self::Untold, Thinking::Always | Thinking::Optional) => {
                usual(USUAL_WITH_THOUGHTS)
            }
            (Self::Disabled | Self::Untold, _) => usual(USUAL),
        };
        Ok((plan, limit))
    }

    /// Whether the model is sure to think, or may.
    pub(super) fn thinks(self, ask: &Ask<'_>) -> bool {
        match self {
            Self::Adaptive(_) | Self::Budget(_) => true,
            Self::Disabled => false,
            Self::Untold => ask.abilities.thinking == Thinking::Always,
        }
    }

    /// Whether it is told again what it thought. A model that is not to think is not; one that is not told
    /// may think by itself.
    pub(super) fn replay(self, ask: &Ask<'_>) -> Replay {
        match (self, ask.abilities.thinking) {
            (Self::Disabled, _) | (Self::Untold, Thinking::Budget | Thinking::None) => Replay::No,
            (Self::Adaptive(_) | Self::Budget(_) | Self::Untold, _) => Replay::Yes,
        }
    }

    /// Whether the model can be made to go on with a message of its own at the conversation's end.
    pub(super) fn allows_prefill(self, ask: &Ask<'_>) -> bool {
        !self.thinks(ask) && !ask.abilities.lacks(Ability::Prefill)
    }

    /// Writes the plan.
    pub(super) fn write(self, request: &mut Writer<'_>) {
        match self {
            Self::Adaptive(_) => {
                request.raw("thinking", r#"{"type":"adaptive","display":"summarized"}"#);
            }
            Self::Budget(tokens) => {
                let mut thinking = Writer::new(request.name("thinking"));
                thinking
                    .raw("type", "\"enabled\"")
                    .number("budget_tokens", tokens.into());
                thinking.end();
            }
            Self::Disabled => {
                request.raw("thinking", r#"{"type":"disabled"}"#);
            }
            Self::Untold => {}
        }
    }

    /// The effort that the output's configuration tells.
    pub(super) fn effort(self) -> Option<&'static str> {
        match self {
            Self::Adaptive(word) => Some(word),
            Self::Budget(_) | Self::Disabled | Self::Untold => None,
        }
    }
}

/// Anthropic's word for an effort; `None` for none.
fn effort(word: &str) -> Result<Option<&'static str>, Unsupported> {
    match word {
        "none" => Ok(None),
        "minimal" | "low" => Ok(Some("low")),
        "medium" => Ok(Some("medium")),
        "high" => Ok(Some("high")),
        "xhigh" => Ok(Some("xhigh")),
        "max" => Ok(Some("max")),
        _ => Err(Unsupported(REASONING_EFFORT)),
    }
}

/// The tokens to think with for a word of OpenAI's.
fn budget(word: &str) -> u32 {
    match word {
        "medium" => 2_048,
        "high" => 4_096,
        "xhigh" => 8_192,
        "max" => 16_384,
        _ => LEAST,
    }
}
