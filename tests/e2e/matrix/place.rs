//! The places of the matrix: where in its answer the first target fails, and what it has said by then.

use super::answers::{self, CALLS, MIDDLE, PRELUDE, TEXT};
use super::dialect::{Answer, ToolCall};

/// Where in its answer the first target fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Before,
    First,
    Middle,
    End,
    Finished,
    InCall,
    InCallAfterText,
    BetweenCalls,
    InSecondCall,
    /// In an answer of one body.
    Body,
}

/// How far the first target came, in the eyes of a caller of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// Nothing that could go out: no text, no complete call.
    Nothing,
    /// Something, but not the end.
    Words,
    /// The finish reason.
    Everything,
}

impl Place {
    pub(super) const ALL: [Self; 10] = [
        Self::Before,
        Self::First,
        Self::Middle,
        Self::End,
        Self::Finished,
        Self::InCall,
        Self::InCallAfterText,
        Self::BetweenCalls,
        Self::InSecondCall,
        Self::Body,
    ];

    /// The words that the whole answer consists of.
    pub(super) fn words(self) -> &'static [&'static str] {
        match self {
            Self::Before | Self::First | Self::Middle | Self::End | Self::Finished | Self::Body => {
                &TEXT
            }
            Self::InCallAfterText => &PRELUDE,
            Self::InCall | Self::BetweenCalls | Self::InSecondCall => &[],
        }
    }

    /// Those of them that the first target says before it fails.
    pub(super) fn said(self) -> &'static [&'static str] {
        match self {
            Self::Before => &[],
            Self::First => &TEXT[..1],
            Self::Middle => &TEXT[..MIDDLE],
            Self::End
            | Self::Finished
            | Self::Body
            | Self::InCallAfterText
            | Self::InCall
            | Self::BetweenCalls
            | Self::InSecondCall => self.words(),
        }
    }

    /// The tool calls of the whole answer.
    pub(super) fn calls(self) -> &'static [ToolCall] {
        match self {
            Self::InCall | Self::InCallAfterText => &CALLS[..1],
            Self::BetweenCalls | Self::InSecondCall => &CALLS,
            Self::Before | Self::First | Self::Middle | Self::End | Self::Finished | Self::Body => {
                &[]
            }
        }
    }

    /// Those of them that are known to be complete when the first target fails: another had begun.
    pub(super) fn called(self) -> &'static [ToolCall] {
        match self {
            Self::InSecondCall => &CALLS[..1],
            Self::Before
            | Self::First
            | Self::Middle
            | Self::End
            | Self::Finished
            | Self::InCall
            | Self::InCallAfterText
            | Self::BetweenCalls
            | Self::Body => &[],
        }
    }

    /// The whole answer; `text` is room for its words.
    pub(super) fn answer(self, text: &str) -> Answer<'_> {
        Answer {
            text,
            calls: self.calls(),
        }
    }

    /// The whole text.
    pub(super) fn text(self) -> String {
        answers::text(self.words())
    }

    /// How far it came.
    pub(super) fn reached(self) -> Reached {
        match self {
            Self::Before | Self::InCall | Self::BetweenCalls => Reached::Nothing,
            Self::First
            | Self::Middle
            | Self::End
            | Self::InCallAfterText
            | Self::InSecondCall
            | Self::Body => Reached::Words,
            Self::Finished => Reached::Everything,
        }
    }

    /// As the README's table has it.
    pub(super) fn phrase(self) -> &'static str {
        match self {
            Self::Before => "before the first word",
            Self::First => "after the first word",
            Self::Middle => "in the middle",
            Self::End => "after the last word",
            Self::Finished => "after the finish reason",
            Self::InCall => "in a tool call",
            Self::InCallAfterText => "in a tool call, after text",
            Self::BetweenCalls => "between two tool calls",
            Self::InSecondCall => "in the second tool call",
            Self::Body => "in a body that is not streamed inside",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::First => "first",
            Self::Middle => "middle",
            Self::End => "end",
            Self::Finished => "finished",
            Self::InCall => "call",
            Self::InCallAfterText => "text-call",
            Self::BetweenCalls => "between",
            Self::InSecondCall => "second-call",
            Self::Body => "body",
        }
    }
}
