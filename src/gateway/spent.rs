//! What the targets of one request used, and what that cost: by each of them, and together.
//!
//! # What counts
//!
//! Every target whose words the answer has, whether the caller was given them or they came to nothing;
//! and of those that failed before their first word the ones that told what they used. What any of the
//! first used without telling is not known, and then neither is the whole.

use crate::openai::Usage;
use crate::policy::cost::Tariff;
use crate::price::Money;

/// What one attempt used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Its place among the attempts.
    pub entry: usize,
    /// The target's name.
    pub target: String,
    /// The tokens.
    pub used: Used,
    /// How long it took from sending the call to the end of the answer, in milliseconds.
    pub ms: u64,
    /// What that cost, where it is known.
    pub cost: Option<Money>,
}

/// What is known of the tokens that were used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// The upstream counted so many.
    Counted(Usage),
    /// It told none; by our estimate it is so many.
    Estimated(Usage),
    /// It told none.
    Untold,
}

impl Used {
    /// What an upstream told, if it did.
    pub(super) fn told(usage: Option<Usage>) -> Self {
        usage.map_or(Self::Untold, Self::Counted)
    }

    /// What it costs by this tariff to use that in so many milliseconds. No estimate is charged for.
    pub(super) fn cost(self, tariff: Tariff, ms: u64) -> Option<Money> {
        match self {
            Self::Counted(usage) => tariff.cost(Some(usage), ms),
            Self::Estimated(_) | Self::Untold => tariff.cost(None, ms),
        }
    }
}

/// What all of it cost together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bill {
    /// So much.
    Known(Money),
    /// No target has done anything that could cost.
    Nothing,
    /// A part of it is not known.
    Unknown,
}

impl Bill {
    /// The bill for these.
    pub(super) fn of(spent: &[Spent]) -> Self {
        if spent.is_empty() {
            return Self::Nothing;
        }
        let total = spent
            .iter()
            .try_fold(Money::ZERO, |sum, one| Some(sum.plus(one.cost?)));
        total.map_or(Self::Unknown, Self::Known)
    }

    /// The amount as JSON; `None` where there is nothing to tell.
    pub(super) fn to_json(self) -> Option<String> {
        match self {
            Self::Known(money) => Some(money.to_string()),
            Self::Nothing => None,
            Self::Unknown => Some("null".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(cost: Option<u128>) -> Spent {
        Spent {
            entry: 0,
            target: "t".to_owned(),
            used: Used::Untold,
            ms: 0,
            cost: cost.map(Money::from_picodollars),
        }
    }

    #[test]
    fn one_part_that_is_not_known_makes_the_whole_unknown() {
        let check = |costs: &[Option<u128>], expected: Option<&str>| {
            let list: Vec<Spent> = costs.iter().copied().map(spent).collect();
            let told = Bill::of(&list).to_json();
            assert_eq!(told.as_deref(), expected, "{costs:?}");
        };
        check(&[], None);
        check(&[Some(0)], Some("0"));
        check(&[Some(5), Some(7)], Some("0.000000000012"));
        check(&[Some(5), None], Some("null"));
        check(&[None], Some("null"));
    }
}
