//! What a row of the table is, and when it matches.

use std::ops::RangeInclusive;

use crate::policy::classify::Verdict;
use crate::reason::Fault;

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) seek: Seek,
    /// With which statuses it counts.
    pub(super) statuses: &'static [RangeInclusive<u16>],
    /// Whether it matters that the upstream says how long to wait.
    pub(super) wait: Wait,
    pub(super) verdict: Verdict,
}

/// What is looked for, in lower case. A `*` in a phrase is any text, also none.
#[derive(Debug)]
pub(super) enum Seek {
    /// A machine code, whole.
    Code(&'static [&'static str]),
    /// A machine code beside a phrase in the text.
    CodeAnd(&'static [&'static str], &'static [&'static str]),
    /// How the text begins.
    Opening(&'static [&'static str]),
    /// A phrase anywhere in the text.
    Words(&'static [&'static str]),
    /// That the text counts more than it allows: `Limit 6000, Requested 12328`.
    AboveLimit,
    /// A machine code that says less than words do.
    Hint(&'static [&'static str]),
    /// The status alone.
    Status,
}

/// Which part it plays that an upstream says how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// It does not.
    Either,
    /// The row counts only where it says so.
    Told,
    /// The row counts only where it does not.
    Untold,
}

/// Any status.
pub(super) const ANY: &[RangeInclusive<u16>] = &[0..=u16::MAX];

impl Row {
    /// Whether it counts with what is known beside codes and words.
    pub(super) fn counts_with(&self, fault: &Fault) -> bool {
        let waits = match self.wait {
            Wait::Either => true,
            Wait::Told => fault.wait_ms.is_some(),
            Wait::Untold => fault.wait_ms.is_none(),
        };
        waits && self.statuses.iter().any(|it| it.contains(&fault.status))
    }

    /// The same with these statuses alone.
    pub(super) const fn with(self, statuses: &'static [RangeInclusive<u16>]) -> Self {
        Self { statuses, ..self }
    }

    /// The same only where the upstream says how long to wait.
    pub(super) const fn where_told(self) -> Self {
        Self {
            wait: Wait::Told,
            ..self
        }
    }
}

impl Seek {
    /// Whether it is this code, beside this text.
    pub(super) fn is_code(&self, code: &str, text: &str) -> bool {
        match self {
            Self::Code(codes) => is_one_of(code, codes),
            Self::CodeAnd(codes, phrases) => is_one_of(code, codes) && holds_one_of(text, phrases),
            Self::AboveLimit | Self::Hint(_) | Self::Opening(_) | Self::Status | Self::Words(_) => {
                false
            }
        }
    }

    /// Whether the text begins so.
    pub(super) fn is_opening(&self, text: &str) -> bool {
        matches!(self, Self::Opening(begin) if begin.iter().any(|it| text.starts_with(it)))
    }

    /// Whether the text says so somewhere.
    pub(super) fn is_said(&self, text: &str) -> bool {
        match self {
            Self::Words(phrases) => holds_one_of(text, phrases),
            Self::AboveLimit => is_above_limit(text),
            Self::Code(_) | Self::CodeAnd(..) | Self::Hint(_) | Self::Opening(_) | Self::Status => {
                false
            }
        }
    }

    /// Whether it is this code, which says less than words do.
    pub(super) fn is_hint(&self, code: &str) -> bool {
        matches!(self, Self::Hint(codes) if is_one_of(code, codes))
    }

    /// Whether it is a status alone.
    pub(super) const fn is_status(&self) -> bool {
        matches!(self, Self::Status)
    }
}

#[cfg(test)]
impl Seek {
    /// Whether it is words anywhere.
    pub(super) const fn is_words(&self) -> bool {
        matches!(self, Self::AboveLimit | Self::Words(_))
    }

    /// All that it looks for.
    pub(super) fn written(&self) -> Vec<&'static str> {
        match self {
            Self::Code(words) | Self::Hint(words) | Self::Opening(words) | Self::Words(words) => {
                words.to_vec()
            }
            Self::CodeAnd(codes, phrases) => [*codes, *phrases].concat(),
            Self::AboveLimit | Self::Status => Vec::new(),
        }
    }
}

fn is_one_of(code: &str, codes: &[&str]) -> bool {
    codes.iter().any(|known| code.eq_ignore_ascii_case(known))
}

fn holds_one_of(text: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| holds(text, phrase))
}

/// Whether the parts of a phrase, between its `*`, stand in the text one after another.
fn holds(text: &str, phrase: &str) -> bool {
    let mut rest = Some(text);
    for part in phrase.split('*') {
        rest = rest
            .and_then(|rest| rest.split_once(part))
            .map(|(_, after)| after);
    }
    rest.is_some()
}

/// Whether a text says that more was requested than its limit.
fn is_above_limit(text: &str) -> bool {
    let number = |text: &str| -> Option<u64> {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    // `Rate limit reached` has no number.
    let after = |word: &str| text.split(word).skip(1).find_map(number);
    let (limit, requested) = (after("limit "), after("requested "));
    limit.is_some_and(|limit| requested.is_some_and(|requested| requested > limit))
}

/// A row for any status.
pub(super) const fn row(seek: Seek, verdict: Verdict) -> Row {
    Row {
        seek,
        statuses: ANY,
        wait: Wait::Either,
        verdict,
    }
}

/// A row for codes.
pub(super) const fn code(codes: &'static [&'static str], verdict: Verdict) -> Row {
    row(Seek::Code(codes), verdict)
}

/// A row for how a text begins.
pub(super) const fn opening(begin: &'static [&'static str], verdict: Verdict) -> Row {
    row(Seek::Opening(begin), verdict)
}

/// A row for words anywhere.
pub(super) const fn words(phrases: &'static [&'static str], verdict: Verdict) -> Row {
    row(Seek::Words(phrases), verdict)
}

/// A row for codes that say little.
pub(super) const fn hint(codes: &'static [&'static str], verdict: Verdict) -> Row {
    row(Seek::Hint(codes), verdict)
}

/// A row for statuses alone.
pub(super) const fn status(statuses: &'static [RangeInclusive<u16>], verdict: Verdict) -> Row {
    row(Seek::Status, verdict).with(statuses)
}
