//! Prices in the config: what a target costs, and what electricity does.
//!
//! # Why they are read from the text
//!
//! 0.1 is no number to a computer that counts in halves. A price is read digit by digit, as it is
//! written, and reckoned with as a whole number.

use serde_json::value::RawValue;

use crate::config::draft::Draft;
use crate::config::table::Table;
use crate::config::value;
use crate::config::{Mistake, Place};
use crate::models::Model;
use crate::price::{self, Money, Price};

/// What a price of tokens is, as a phrase.
pub(super) const TOKENS: &str =
    "US dollars for a million tokens, such as 0.15, from 0 to 1000000 with up to 6 decimals";

/// What a price of electricity is, as a phrase.
pub(super) const KWH: &str =
    "US dollars for a kilowatt hour, such as 0.32, from 0 to 1000 with up to 6 decimals";

/// The most that a million tokens may cost, by the token.
const MOST_FOR_A_TOKEN: Money = Money::from_picodollars(1_000_000_000_000);

/// The most that a kilowatt hour may cost, by the millionth.
const MOST_FOR_A_MILLIONTH: Money = Money::from_picodollars(1_000_000_000);

/// The price of one token.
///
/// # Errors
///
/// When it is none, with what would be right.
pub(super) fn of_tokens(raw: &RawValue) -> Result<Money, String> {
    let price = price::of_a_million(raw.get()).filter(|price| *price <= MOST_FOR_A_TOKEN);
    price.ok_or_else(|| format!("is {}: it should be {TOKENS}", value::shown(raw)))
}

/// The price of a kilowatt hour.
///
/// # Errors
///
/// When it is none, with what would be right.
pub(super) fn of_electricity(raw: &RawValue) -> Result<Money, String> {
    let millionth = price::of_a_million(raw.get()).filter(|price| *price <= MOST_FOR_A_MILLIONTH);
    millionth
        .map(|millionth| millionth.times(1_000_000))
        .ok_or_else(|| format!("is {}: it should be {KWH}", value::shown(raw)))
}

/// What a target asks: as it is written, else nothing at home, else as the table of prices has it.
pub(super) fn of_target(
    table: &Table<'_>,
    draft: &Draft,
    model: Model,
    mistakes: &mut Vec<Mistake>,
) -> Option<Price> {
    check(table, draft, mistakes);
    if let Some((input, output)) = draft.price_in.zip(draft.price_out) {
        return Some(Price {
            input,
            output,
            cached: draft.price_cached,
            ..Price::FREE
        });
    }
    if draft.place == Place::Home {
        return Some(Price::FREE);
    }
    model.price
}

/// Tells prices that are half written, and watts of what is not at home.
fn check(table: &Table<'_>, draft: &Draft, mistakes: &mut Vec<Mistake>) {
    let both = ["price_in", "price_out"];
    for (here, other) in [(both[0], both[1]), (both[1], both[0])] {
        if table.raw(here).is_none() && table.raw(other).is_some() {
            let problem = format!("is missing: {other} is half of a price, and this the other");
            mistakes.push(Mistake::new(table.at(here), problem));
        }
    }
    if table.raw("price_cached").is_some() && both.iter().all(|it| table.raw(it).is_none()) {
        let problem = "means nothing alone: write price_in and price_out too, or leave it out";
        mistakes.push(Mistake::new(table.at("price_cached"), problem));
    }
    if table.raw("watts").is_some() && draft.place == Place::Cloud {
        let problem = "means nothing in the cloud: leave it out, or write home = true";
        mistakes.push(Mistake::new(table.at("watts"), problem));
    }
}
