//! What a model can do, as far as anybody knows: three answers to a closed list of questions.
//!
//! # Why three
//!
//! What a model is known not to do costs a round trip to find out again, so a target is passed over that
//! cannot serve a request. What nobody has written down is tried: an unknown model is not a poor one.

/// What a model may be able to do: the words of the table's and the config's `can` and `cannot`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// It hears (`input_audio`).
    Audio,
    /// It reads files, as PDF.
    Files,
    /// It can be made to call a tool (`tool_choice`: `required`, or a tool's name).
    ForcedTools,
    /// It sees.
    Images,
    /// Its answer can be held to a JSON schema.
    JsonSchema,
    /// It takes instructions in the middle of a conversation.
    LateSystem,
    /// It tells the probabilities of tokens.
    Logprobs,
    /// It goes on with a message of its own that ends the conversation.
    Prefill,
    /// How it draws tokens can be chosen (`temperature`, `top_p`).
    Sampling,
    /// It draws the same for the same seed, as far as it can.
    Seed,
    /// It stops at texts of the caller's choice.
    Stop,
    /// It calls tools while it thinks, on the chat completions endpoint.
    ThinkingTools,
    /// It calls tools.
    Tools,
}

impl Ability {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Audio,
        Self::Files,
        Self::ForcedTools,
        Self::Images,
        Self::JsonSchema,
        Self::LateSystem,
        Self::Logprobs,
        Self::Prefill,
        Self::Sampling,
        Self::Seed,
        Self::Stop,
        Self::ThinkingTools,
        Self::Tools,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Files => "files",
            Self::ForcedTools => "forced_tools",
            Self::Images => "images",
            Self::JsonSchema => "json_schema",
            Self::LateSystem => "late_system",
            Self::Logprobs => "logprobs",
            Self::Prefill => "prefill",
            Self::Sampling => "sampling",
            Self::Seed => "seed",
            Self::Stop => "stop",
            Self::ThinkingTools => "thinking_tools",
            Self::Tools => "tools",
        }
    }

    /// The ability of this name.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    const fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

/// Whether a model can do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It cannot.
    No,
    /// Nobody has written it down.
    Unknown,
    /// It can.
    Yes,
}

/// Whether a model thinks before it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Thinking {
    /// Always: it cannot be told not to.
    Always,
    /// When it is given a number of tokens to think with (Anthropic's `budget_tokens`).
    Budget,
    /// Never.
    None,
    /// Unless it is told not to, by a word; some wait to be told to.
    Optional,
    /// Nobody has written it down.
    #[default]
    Unknown,
}

impl Thinking {
    /// The word in the table and the config; none where nobody has written it down.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Budget => "budget",
            Self::None => "none",
            Self::Optional => "optional",
            Self::Unknown => "",
        }
    }

    /// What the word in the table means.
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "always" => Some(Self::Always),
            "budget" => Some(Self::Budget),
            "none" => Some(Self::None),
            "optional" => Some(Self::Optional),
            "" => Some(Self::Unknown),
            _ => None,
        }
    }
}

/// How much a model shall think: the words of OpenAI's `reasoning_effort`, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Not at all.
    None,
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// As usual.
    Medium,
    /// Much.
    High,
    /// Very much.
    Xhigh,
    /// As much as it can.
    Max,
}

impl Effort {
    /// All of them, the least first.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Minimal,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Xhigh,
        Self::Max,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// The effort of this name.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// All that is known of what a model can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    can: u16,
    cannot: u16,
    /// Whether it thinks.
    pub thinking: Thinking,
    efforts: u8,
}

impl Abilities {
    /// Of a model that nobody has written about.
    pub const UNKNOWN: Self = Self {
        can: 0,
        cannot: 0,
        thinking: Thinking::Unknown,
        efforts: 0,
    };

    /// Whether the model is known to be able, or unable.
    pub const fn of(&self, ability: Ability) -> Known {
        let bit = ability.bit();
        if self.cannot & bit != 0 {
            Known::No
        } else if self.can & bit != 0 {
            Known::Yes
        } else {
            Known::Unknown
        }
    }

    /// Whether the model is known to be unable.
    pub fn lacks(&self, ability: Ability) -> bool {
        self.of(ability) == Known::No
    }

    /// Whether the model takes this effort; unknown where none is written down.
    pub const fn takes(&self, effort: Effort) -> Known {
        if self.efforts == 0 {
            Known::Unknown
        } else if self.efforts & (1 << effort as u8) != 0 {
            Known::Yes
        } else {
            Known::No
        }
    }

    /// The same with something that it can do.
    #[must_use]
    pub const fn with(self, ability: Ability) -> Self {
        Self {
            can: self.can | ability.bit(),
            cannot: self.cannot & !ability.bit(),
            ..self
        }
    }

    /// The same with something that it cannot do.
    #[must_use]
    pub const fn without(self, ability: Ability) -> Self {
        Self {
            can: self.can & !ability.bit(),
            cannot: self.cannot | ability.bit(),
            ..self
        }
    }

    /// The same, as if nobody had written down which efforts it takes.
    #[must_use]
    pub const fn without_efforts(self) -> Self {
        Self { efforts: 0, ..self }
    }

    /// The same with an effort that it takes.
    #[must_use]
    pub const fn taking(self, effort: Effort) -> Self {
        Self {
            efforts: self.efforts | 1 << effort as u8,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ability_and_effort_has_a_word_and_a_place_of_its_own() {
        for one in Ability::ALL {
            assert_eq!(Ability::named(one.as_str()), Some(one));
            let able = Abilities::UNKNOWN.with(one);
            for other in Ability::ALL {
                let expected = if one == other {
                    Known::Yes
                } else {
                    Known::Unknown
                };
                assert_eq!(able.of(other), expected, "{one:?} {other:?}");
            }
            assert_eq!(able.without(one).of(one), Known::No);
        }
        for one in Effort::ALL {
            assert_eq!(Effort::named(one.as_str()), Some(one));
            assert_eq!(Abilities::UNKNOWN.takes(one), Known::Unknown);
            let taking = Abilities::UNKNOWN.taking(one);
            for other in Effort::ALL {
                assert_eq!(taking.takes(other) == Known::Yes, one == other);
            }
        }
    }
}
