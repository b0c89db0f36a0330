//! Ids of tool calls: each company's rule, and another id where one breaks it.

use std::borrow::Cow;

use crate::provider::portable::digest;

/// What ids of tool calls may look like at a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRule {
    /// What they may be made of.
    pub alphabet: Alphabet,
    /// The fewest characters.
    pub shortest: usize,
    /// The most characters.
    pub longest: usize,
}

/// What an id may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// Anything that is printed.
    Any,
    /// Letters and digits.
    Letters,
    /// Letters, digits, `_` and `-`.
    Words,
}

impl IdRule {
    /// Whatever the caller has.
    pub const ANY: Self = Self {
        alphabet: Alphabet::Any,
        shortest: 0,
        longest: usize::MAX,
    };

    /// `id`, where it is by the rule, else another that stands for it; `turn` is 0 for the first call
    /// of this id in the conversation, 1 for the second: some models number their calls anew each turn.
    pub(super) fn fit<'a>(&self, id: &Cow<'a, str>, turn: usize) -> Cow<'a, str> {
        if turn == 0 && self.allows(id) {
            return id.clone();
        }
        let digest = digest::of(id, turn);
        let prefix = match self.alphabet {
            Alphabet::Letters => "",
            Alphabet::Any | Alphabet::Words => "call_",
        };
        let id = format!("{prefix}{digest}");
        Cow::Owned(id.get(..self.longest).map_or(id.clone(), str::to_owned))
    }

    fn allows(&self, id: &str) -> bool {
        let spelled = |c: char| match self.alphabet {
            Alphabet::Any => !c.is_control(),
            Alphabet::Letters => c.is_ascii_alphanumeric(),
            Alphabet::Words => c.is_ascii_alphanumeric() || matches!(c, '_' | '-'),
        };
        (self.shortest..=self.longest).contains(&id.len()) && id.chars().all(spelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NINE: IdRule = IdRule {
        alphabet: Alphabet::Letters,
        shortest: 9,
        longest: 9,
    };

    #[test]
    fn an_id_by_the_rule_stays_and_any_other_becomes_one_that_is() {
        let fit = |id: &'static str, turn| NINE.fit(&Cow::Borrowed(id), turn).into_owned();
        assert_eq!(fit("D681PevKs", 0), "D681PevKs");
        for other in [
            "call_abc",
            "",
            "D681PevK-",
            "toolu_01A09q90qw90lq917835lq9",
            "é",
        ] {
            let once = fit(other, 0);
            assert!(NINE.allows(&once), "{other}: {once}");
            assert_eq!(fit(other, 0), once);
            assert_ne!(fit(other, 1), once);
        }
        assert_ne!(fit("D681PevKs", 1), "D681PevKs");
        assert_ne!(fit("call_1", 0), fit("call_2", 0));
    }
}
