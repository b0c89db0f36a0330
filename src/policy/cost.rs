//! What an answer cost: what its target asks for tokens, and the electricity of a box at home.
//!
//! # Why it may be unknown
//!
//! A cost is told to be added up and to be decided by, so one that is guessed does harm. It is known
//! only where the price is, where the upstream itself told what it used, and where the request has no
//! field that is charged for by something other than tokens.

use serde_json::value::RawValue;

use crate::config::{Config, Place, Target};
use crate::openai::{ChatRequest, Message, Usage, fields};
use crate::price::{Money, Price};
use crate::provider::company::Fields;

/// The watts times milliseconds of a kilowatt hour.
const KWH: u128 = 1_000 * 60 * 60 * 1_000;

/// Fields that change what tokens cost, or cost something themselves. No count of tokens tells how much.
const CHARGED: [&str; 7] = [
    "audio",
    "modalities",
    "plugins",
    "prompt_cache_options",
    "prompt_cache_retention",
    "service_tier",
    "web_search_options",
];

/// The words for the tier whose prices are everybody's.
const STANDARD_TIERS: [&str; 3] = ["auto", "default", "standard"];

/// What a target asks for the work on one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tariff {
    /// For tokens, where that is known.
    tokens: Option<Price>,
    /// For the time, where the box's electricity is counted.
    power: Option<Power>,
}

/// The electricity of a box that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Power {
    watts: u32,
    kwh_price: Money,
}

impl Tariff {
    /// The tariff of `target` for this request.
    pub fn of(config: &Config, target: &Target, request: &ChatRequest<'_>) -> Self {
        let kept = |price: &Price| price.written.is_some() && is_kept_longer(request);
        let plain =
            |price: &Price| price.is_free() || !is_charged_for(target, request) && !kept(price);
        let power = config.kwh_price.zip(target.watts);
        Self {
            tokens: target.price.filter(plain),
            power: power.map(|(kwh_price, watts)| Power { watts, kwh_price }),
        }
    }

    /// What it cost to use these tokens in so many milliseconds, from sending the call to the end of
    /// the answer. `None` where that is not known; what is free needs no count of tokens.
    pub fn cost(&self, usage: Option<Usage>, ms: u64) -> Option<Money> {
        let price = self.tokens?;
        let tokens = if price.is_free() {
            Money::ZERO
        } else {
            price.cost(usage?)?
        };
        let power = self.power.map_or(Money::ZERO, |power| power.cost(ms));
        Some(tokens.plus(power))
    }
}

impl Power {
    /// Rounded to the nearest picodollar, a half up.
    fn cost(self, ms: u64) -> Money {
        let drawn = u128::from(self.watts).saturating_mul(ms.into());
        let exact = self.kwh_price.picodollars().saturating_mul(drawn);
        Money::from_picodollars(exact.saturating_add(KWH / 2) / KWH)
    }
}

/// Whether the target is sent a field that its price for tokens does not cover.
fn is_charged_for(target: &Target, request: &ChatRequest<'_>) -> bool {
    let sent = |name: &str| match target.company.fields {
        Fields::Only(list) => list.contains(&name),
        Fields::Any => true,
    };
    let standard = |name: &str| {
        let word = request.fields.text(name);
        name == "service_tier" && word.is_some_and(|word| STANDARD_TIERS.contains(&word.as_ref()))
    };
    let asks = |name: &str| {
        let value = request.fields.present(name);
        value.is_some_and(|value| !fields::is_neutral(name, value, &request.fields))
    };
    CHARGED
        .iter()
        .any(|name| sent(name) && asks(name) && !standard(name))
}

/// Whether the prompt may be written to the company's cache for longer than the price of that holds for:
/// for an hour (<https://platform.claude.com/docs/en/build-with-claude/prompt-caching>). Where it only
/// looks so, the cost is not known.
fn is_kept_longer(request: &ChatRequest<'_>) -> bool {
    let marks = |raw: &RawValue| raw.get().contains("\"ttl\"") && raw.get().contains("\"1h\"");
    let in_message = |message: &Message<'_>| {
        let listed = message.content.as_deref();
        let listed = listed.filter(|content| content.get().starts_with('['));
        let mark = message.fields.raw("cache_control");
        listed.is_some_and(marks) || mark.is_some_and(marks)
    };
    let fields = [request.tools(), request.fields.raw("cache_control")];
    fields.into_iter().flatten().any(marks) || request.messages.iter().any(in_message)
}

/// What the same tokens would have cost at the first target of the route that is in the cloud: what an
/// answer from home saved. `order` are positions in the config. `None` where no target of the route is
/// in the cloud, and where the price of the first that is is not known.
pub fn reference(config: &Config, order: &[usize], usage: Usage) -> Option<Money> {
    let targets = order.iter().filter_map(|at| config.targets.get(*at));
    let cloud = targets
        .into_iter()
        .find(|target| target.place == Place::Cloud)?;
    cloud.price?.cost(usage)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config;

    fn config() -> Config {
        let text = json!({
            "kwh_price": 0.32,
            "targets": {
                "cloud": {"provider": "openai", "base_url": "https://api.openai.com/v1",
                          "model": "gpt-5.4", "price_in": 1, "price_out": 5, "price_cached": 0.1},
                "unknown": {"provider": "openai", "base_url": "https://x.test/v1", "model": "m"},
                "free": {"provider": "ollama", "base_url": "http://127.0.0.1:1", "model": "m",
                         "home": true},
                "warm": {"provider": "ollama", "base_url": "http://127.0.0.1:1", "model": "m",
                         "home": true, "watts": 250},
            },
            "routes": {"auto": ["free", "cloud", "unknown"]},
        });
        config::parse(&text.to_string(), &|_| None).unwrap()
    }

    fn used(prompt_tokens: u64, completion_tokens: u64) -> Usage {
        Usage {
            prompt_tokens,
            completion_tokens,
            ..Usage::default()
        }
    }

    fn told(target: &str, fields: &Value, usage: Option<Usage>, ms: u64) -> Option<String> {
        let config = config();
        let mut body = json!({"model": "auto", "messages": [{"role": "user", "content": "hi"}]});
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        let text = body.to_string();
        let request = ChatRequest::parse(&text).unwrap();
        let tariff = Tariff::of(&config, config.target(target).unwrap(), &request);
        tariff.cost(usage, ms).map(|cost| cost.to_string())
    }

    fn cost(target: &str, usage: Option<Usage>, ms: u64) -> Option<String> {
        told(target, &json!({}), usage, ms)
    }

    #[test]
    fn a_cost_is_known_only_where_price_and_usage_are() {
        let some = Some(used(5, 2));
        assert_eq!(cost("cloud", some, 99).as_deref(), Some("0.000015"));
        assert_eq!(cost("cloud", None, 99), None);
        assert_eq!(cost("unknown", some, 99), None);
        assert_eq!(cost("free", some, 99).as_deref(), Some("0"));
        assert_eq!(cost("free", None, 99).as_deref(), Some("0"));
    }

    #[test]
    fn electricity_is_counted_by_the_time_and_rounded_half_up() {
        // 250 W for an hour are a quarter of a kilowatt hour.
        assert_eq!(cost("warm", None, 3_600_000).as_deref(), Some("0.08"));
        // 22222.22 picodollars.
        assert_eq!(cost("warm", None, 1).as_deref(), Some("0.000000022222"));
        assert_eq!(cost("warm", None, 0).as_deref(), Some("0"));
        let rounded = |watts: u32, kwh_price: u128, ms: u64| {
            let kwh_price = Money::from_picodollars(kwh_price);
            Power { watts, kwh_price }.cost(ms).picodollars()
        };
        assert_eq!(rounded(1, 1, 1_799_999_999), 0);
        assert_eq!(rounded(1, 1, 1_800_000_000), 1);
        assert_eq!(rounded(1, 1, 5_399_999_999), 1);
        assert_eq!(rounded(1, 1, 5_400_000_000), 2);
        let most = rounded(u32::MAX, u128::MAX, u64::MAX);
        assert!(most > 0, "it does not wrap around");
    }

    #[test]
    fn what_is_charged_for_by_other_than_tokens_has_no_known_cost() {
        let some = Some(used(5, 2));
        let is_known = |target: &str, fields: Value| told(target, &fields, some, 1).is_some();
        assert!(is_known("cloud", json!({"service_tier": "default"})));
        assert!(is_known(
            "cloud",
            json!({"service_tier": "auto", "seed": 1})
        ));
        assert!(is_known("cloud", json!({"service_tier": null})));
        assert!(is_known("cloud", json!({"modalities": ["text"]})));
        assert!(!is_known("cloud", json!({"modalities": ["text", "audio"]})));
        assert!(!is_known("cloud", json!({"service_tier": "priority"})));
        assert!(!is_known("cloud", json!({"service_tier": 5})));
        assert!(!is_known("cloud", json!({"web_search_options": {}})));
        // OpenAI is not sent what is OpenRouter's.
        assert!(is_known("cloud", json!({"plugins": [{"id": "web"}]})));
        assert!(is_known("free", json!({"service_tier": "priority"})));
    }

    #[test]
    fn the_reference_is_the_first_target_in_the_cloud() {
        let config = config();
        let check = |names: &[&str], expected: Option<&str>| {
            let at = |name: &&str| config.targets.iter().position(|it| it.name == *name);
            let order: Vec<usize> = names.iter().filter_map(at).collect();
            let told = reference(&config, &order, used(5, 2)).map(|cost| cost.to_string());
            assert_eq!(told.as_deref(), expected, "{names:?}");
        };
        check(&["free", "cloud", "unknown"], Some("0.000015"));
        check(&["cloud", "free"], Some("0.000015"));
        check(&["free", "unknown", "cloud"], None);
        check(&["free", "warm"], None);
        check(&[], None);
    }
}
