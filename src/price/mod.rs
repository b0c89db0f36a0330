//! Prices: what a token costs at which company, and what an answer's tokens cost together.
//!
//! # Why the table is a file of data
//!
//! Prices change more often than code, and by other people. `prices.tsv` is a table with a header that
//! names its columns and comments that name its sources; what is not in it has no price until the config
//! gives one. A price that is not known is never taken for nothing, and never for that of a similar model.
//!
//! # Why a price has an end
//!
//! Some companies ask more for everything where the prompt is long. A row holds for prompts `up_to` so
//! many tokens; what a longer one costs is not known.

mod money;

pub use money::{Money, scaled};

use crate::openai::Usage;

/// The table.
const TABLE: &str = include_str!("prices.tsv");

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

/// The price of a model, where the table has it.
///
/// A name with a date at its end (`-2026-03-17`, `-20260317`), or `-latest`, may go by the row without;
/// nothing looser than that, because models that sound alike cost tenfold.
pub fn known(company: &str, model: &str) -> Option<Price> {
    row(company, model).or_else(|| row(company, undated(model)?))
}

/// A model's name without the date or `-latest` at its end, where there is one.
fn undated(model: &str) -> Option<&str> {
    if let Some(name) = model.strip_suffix("-latest") {
        return Some(name);
    }
    ["-dddd-dd-dd", "-dddddddd"].iter().find_map(|date| {
        let (name, end) = model.split_at_checked(model.len().checked_sub(date.len())?)?;
        let fits = |(c, like): (char, char)| c == like || like == 'd' && c.is_ascii_digit();
        end.chars().zip(date.chars()).all(fits).then_some(name)
    })
}

fn row(company: &str, model: &str) -> Option<Price> {
    let mut lines = lines();
    let header: Vec<&str> = lines.next()?.split('\t').collect();
    let row = lines.find(|line| {
        let mut cells = line.split('\t');
        cells.next() == Some(company) && cells.next() == Some(model)
    })?;
    read(&header, row)
}

/// The table's lines but for the comments: the header, then the rows.
fn lines() -> impl Iterator<Item = &'static str> {
    let written = |line: &&str| !line.is_empty() && !line.starts_with('#');
    TABLE.lines().filter(written)
}

/// Reads a row by the names of its columns; columns of other names are for others.
fn read(header: &[&str], row: &str) -> Option<Price> {
    let cell = |name: &str| {
        let at = header.iter().position(|column| *column == name)?;
        row.split('\t').nth(at).filter(|cell| !cell.is_empty())
    };
    let price = |name: &str| match cell(name) {
        Some(text) => of_a_million(text).map(Some),
        None => Some(None),
    };
    Some(Price {
        input: price("in")??,
        output: price("out")??,
        cached: price("cached")?,
        written: price("cache_write")?,
        up_to: match cell("up_to") {
            Some(text) => Some(text.parse().ok()?),
            None => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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
    fn every_row_of_the_table_can_be_read_and_stands_there_once() {
        let header: Vec<&str> = lines().next().unwrap().split('\t').collect();
        let known = [
            "company",
            "model",
            "in",
            "out",
            "cached",
            "cache_write",
            "up_to",
        ];
        assert_eq!(header, known);
        let companies = [
            "anthropic",
            "gemini",
            "groq",
            "mistral",
            "openai",
            "openrouter",
            "together",
        ];
        let mut seen = BTreeSet::new();
        for line in lines().skip(1) {
            let cells: Vec<&str> = line.split('\t').collect();
            assert!(cells.len() <= header.len(), "{line}");
            assert!(companies.contains(&cells[0]), "{line}");
            assert_eq!(cells[1].trim(), cells[1], "{line}");
            assert!(
                seen.insert((cells[0], cells[1])),
                "{line} stands there twice"
            );
            let price = read(&header, line).unwrap_or_else(|| panic!("{line}"));
            assert!(
                price.input > Money::ZERO && price.output > Money::ZERO,
                "{line}"
            );
            assert!(
                price.output <= dollars("0.001"),
                "{line}: is it for a million?"
            );
            assert!(
                price.cached.is_none_or(|cached| cached < price.input),
                "{line}"
            );
            assert!(
                price.written.is_none_or(|written| written > price.input),
                "{line}"
            );
            assert_eq!(super::known(cells[0], cells[1]), Some(price), "{line}");
        }
        assert!(seen.len() >= 100, "{}", seen.len());
        for company in companies {
            assert!(seen.iter().any(|(name, _)| *name == company), "{company}");
        }
        assert!(TABLE.starts_with('#') && TABLE.contains("MIT licence"));
    }

    #[test]
    fn a_dated_name_goes_by_the_undated_row_and_no_other_name_does() {
        let mini = known("openai", "gpt-5.4-mini");
        assert!(mini.is_some());
        for dated in ["-2026-03-17", "-20260317", "-latest"] {
            assert_eq!(known("openai", &format!("gpt-5.4-mini{dated}")), mini);
        }
        for other in [
            "gpt-5.4-mini-2026-03",
            "gpt-5.4-mini-2026-3-17",
            "gpt-5.4-mini-2026-03-17-2026-03-17",
            "gpt-5.4-mini-0317",
            "gpt-5.4-mini-202603170",
            "gpt-5.4-mini-preview",
            "GPT-5.4-mini",
            "gpt-5.4-min",
            "gpt-5.4-mini-é",
            "-latest",
            "",
        ] {
            assert_eq!(known("openai", other), None, "{other}");
        }
        assert_eq!(known("groq", "gpt-5.4-mini"), None);
        // A row of its own wins over the undated one.
        assert_ne!(
            known("openai", "gpt-4o-2024-05-13"),
            known("openai", "gpt-4o")
        );
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
