//! Kinds of models, by what they can do.

use pilotlight::models::{Abilities, Ability, Effort, Thinking};

/// A model of which nobody has written anything down.
pub(super) const UNKNOWN: Abilities = Abilities::UNKNOWN;

/// Claude from 5.5 on: it always thinks, and takes no more orders than that.
pub(super) const CLAUDE_NEW: Abilities = that(
    Thinking::Always,
    UNKNOWN
        .without(Ability::Audio)
        .without(Ability::ForcedTools)
        .without(Ability::Prefill)
        .without(Ability::Sampling)
        .with(Ability::LateSystem)
        .taking(Effort::Low)
        .taking(Effort::Medium)
        .taking(Effort::High)
        .taking(Effort::Xhigh)
        .taking(Effort::Max),
);

/// Claude between: it thinks when it is told to.
pub(super) const CLAUDE_MIDDLE: Abilities = that(
    Thinking::Optional,
    UNKNOWN
        .without(Ability::Audio)
        .without(Ability::LateSystem)
        .without(Ability::Prefill)
        .without(Ability::Sampling)
        .taking(Effort::None)
        .taking(Effort::Low)
        .taking(Effort::Medium)
        .taking(Effort::High),
);

/// Claude until 4.5: it thinks with a budget.
pub(super) const CLAUDE_OLD: Abilities = that(
    Thinking::Budget,
    UNKNOWN
        .without(Ability::Audio)
        .without(Ability::LateSystem)
        .with(Ability::ForcedTools)
        .with(Ability::Prefill)
        .with(Ability::Sampling),
);

/// GPT from 5.4 on: on chat completions it calls functions only where it does not think.
pub(super) const GPT: Abilities = that(
    Thinking::Optional,
    UNKNOWN
        .without(Ability::Audio)
        .without(Ability::Logprobs)
        .without(Ability::Sampling)
        .without(Ability::Stop)
        .without(Ability::ThinkingTools)
        .taking(Effort::None)
        .taking(Effort::Low)
        .taking(Effort::Medium)
        .taking(Effort::High)
        .taking(Effort::Xhigh),
);

/// A GPT that always thinks.
pub(super) const GPT_ALWAYS: Abilities = that(
    Thinking::Always,
    UNKNOWN
        .without(Ability::Audio)
        .without(Ability::Sampling)
        .without(Ability::ThinkingTools)
        .taking(Effort::Low)
        .taking(Effort::High),
);

/// A model that neither thinks nor sees.
pub(super) const PLAIN: Abilities = that(
    Thinking::None,
    UNKNOWN
        .without(Ability::Audio)
        .without(Ability::Files)
        .without(Ability::Images)
        .without(Ability::LateSystem),
);

const fn that(thinking: Thinking, mut abilities: Abilities) -> Abilities {
    abilities.thinking = thinking;
    abilities
}
