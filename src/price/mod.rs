//! Prices: what a token costs, and what an answer's tokens cost together.
//!
//! # Why a price has an end
//!
//! Some companies ask more for everything where the prompt is long. A row holds for prompts `up_to` so
//! many tokens; what a longer one costs is not known.

mod money;

pub use money::{Money, scaled};

use crate::openai::Usage;

/// How many decimals a price for a million tokens may have: then one token costs whole picodollars.
const PRICE_DECIMALS: u32 = 6;

/// What a model asks, each amount for one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// A token of the prompt.
    pub input: Money,
    /// A token of the answer.
    pub output: Money,
    /// A token of the prompt that was read from the company's cache, where that has a price of its own.
    pub cached: Option<Money>,
    /// A token of the prompt that was written to the cache, where that has a price of its own.
    pub written: Option<Money>,
    /// The longest prompt, in tokens, for which the price holds.
    pub up_to: Option<u64>,
}

impl Price {
    /// The price of what costs nothing.
    pub const FREE: Self = Self {
        input: Money::ZERO,
        output: Money::ZERO,
        cached: None,
        written: None,
        up_to: None,
    };

    /// Whether no token costs anything, so that nobody needs to count them.
    pub fn is_free(&self) -> bool {
        let parts = [self.cached, self.written];
        let parts = parts.into_iter().flatten().chain([self.input, self.output]);
        parts.into_iter().all(|part| part == Money::ZERO)
    }

    /// What these tokens cost; `None` where the prompt is longer than the price holds for.
    pub fn cost(&self, usage: Usage) -> Option<Money> {
        if self.up_to.is_some_and(|most| usage.prompt_tokens > most) {
            return None;
        }
        let prompt = usage.prompt_tokens;
        let cached = usage.cached_tokens.min(prompt);
        let written = usage.cache_write_tokens.min(prompt.saturating_sub(cached));
        let plain = prompt.saturating_sub(cached).saturating_sub(written);
        let cost = self
            .input
            .times(plain)
            .plus(self.cached.unwrap_or(self.input).times(cached))
            .plus(self.written.unwrap_or(self.input).times(written))
            .plus(self.output.times(usage.completion_tokens));
        Some(cost)
    }
}

/// The price of one token, from `text`: dollars for a million, a decimal with at most six places.
pub fn of_a_million(text: &str) -> Option<Money> {
    scaled(text, PRICE_DECIMALS).map(Money::from_picodollars)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dollars(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn price(input: &str, output: &str, cached: Option<&str>) -> Price {
        Price {
            input: of_a_million(input).unwrap(),
            output: of_a_million(output).unwrap(),
            cached: cached.map(|text| of_a_million(text).unwrap()),
            ..Price::FREE
        }
    }

    fn usage(prompt_tokens: u64, completion_tokens: u64, cached_tokens: u64) -> Usage {
        Usage {
            prompt_tokens,
            completion_tokens,
            cached_tokens,
            ..Usage::default()
        }
    }

    #[test]
    fn cached_tokens_cost_their_own_price_where_there_is_one() {
        let check = |price: Price, usage: Usage, cost: &str| {
            assert_eq!(price.cost(usage), Some(dollars(cost)), "{usage:?}");
        };
        check(price("0.15", "0.6", None), usage(5, 2, 0), "0.00000195");
        check(price("0.15", "0.6", None), usage(5, 2, 4), "0.00000195");
        check(
            price("0.15", "0.6", Some("0.01")),
            usage(5, 2, 4),
            "0.00000139",
        );
        // More than all of the prompt cannot come from the cache.
        check(price("1", "1", Some("0.5")), usage(4, 0, 9), "0.000002");
        check(price("2", "8", Some("0")), usage(1_000_000, 0, 0), "2");
        check(
            price("0.000001", "0", None),
            usage(1, 0, 0),
            "0.000000000001",
        );
        check(Price::FREE, usage(7, 7, 7), "0");
    }

    #[test]
    fn tokens_written_to_the_cache_cost_their_own_price_where_there_is_one() {
        let written = Usage {
            cache_write_tokens: 3,
            ..usage(6, 0, 2)
        };
        let mut price = price("1", "5", Some("0.1"));
        assert_eq!(price.cost(written), Some(dollars("0.0000042")));
        price.written = of_a_million("1.25");
        assert_eq!(price.cost(written), Some(dollars("0.00000495")));
    }

    #[test]
    fn beyond_the_longest_prompt_that_it_holds_for_a_price_is_not_known() {
        let price = Price {
            up_to: Some(100),
            ..price("1", "1", None)
        };
        assert!(price.cost(usage(100, 1, 0)).is_some());
        assert_eq!(price.cost(usage(101, 1, 100)), None);
    }

    proptest! {
        #[test]
        fn two_answers_cost_what_each_does(
            input in 0_u32..9_000_000, output in 0_u32..9_000_000, cached in 0_u32..9_000_000,
            a in (0_u64..1 << 40, 0_u64..1 << 40, 0_u64..1 << 40),
            b in (0_u64..1 << 40, 0_u64..1 << 40, 0_u64..1 << 40),
        ) {
            let amount = |millionth: u32| Money::from_picodollars(millionth.into());
            let price = Price {
                input: amount(input),
                output: amount(output),
                cached: Some(amount(cached)),
                ..Price::FREE
            };
            let of = |(prompt, completion, part): (u64, u64, u64)| {
                usage(prompt, completion, part.min(prompt))
            };
            let (a, b) = (of(a), of(b));
            let apart = price.cost(a).unwrap().plus(price.cost(b).unwrap());
            prop_assert_eq!(price.cost(a.plus(b)), Some(apart));
        }
    }
}
