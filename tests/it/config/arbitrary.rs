//! Anything at all, and what is told of it.
//!
//! Random JSON alone rarely gets past the top level, so half of it is a sound config with some of
//! its values replaced.

use pilotlight::config::{self, Mistake, reference};
use proptest::prelude::*;
use serde_json::Value;

use super::{parse, sound};

/// JSON of every shape, with the names that a config has in the places where they matter.
fn arbitrary() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        prop::sample::select(known_names()),
        "[a-z_. \"\\\\ä]{0,6}".prop_map(|text| text),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0..40_u32).prop_map(Value::from),
        word.clone().prop_map(Value::from),
        "[0-9.]{0,4} ?(ms|s|m|h|MiB|x)?".prop_map(Value::from),
        "(https?://)?[a-z@:/?#\\[\\]. ]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 80, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn known_names() -> Vec<String> {
    let entries = [
        reference::top_level(),
        reference::target(),
        reference::settings(),
    ]
    .concat();
    let others = [
        "auto",
        "home",
        "groq",
        "openai",
        "ollama",
        "never",
        "GROQ_API_KEY",
    ];
    let names = entries.iter().map(|entry| entry.name);
    names.chain(others).map(str::to_owned).collect()
}

/// A config that is near to a sound one: some of its values are anything.
fn near_a_sound_one() -> impl Strategy<Value = Value> {
    let pointers = [
        "/targets",
        "/routes",
        "/defaults",
        "/deadline",
        "/allowed_origins",
        "/targets/x y",
        "/targets/groq",
        "/targets/home/key",
        "/targets/home/base_url",
        "/targets/home/context",
        "/routes/auto",
        "/routes/",
        "/targets/home/backoff_max",
        "/targets/home/provider",
    ];
    let changes =
        prop::collection::vec((prop::sample::select(pointers.to_vec()), arbitrary()), 0..4);
    changes.prop_map(|changes| {
        let mut config = sound();
        for (pointer, value) in changes {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            if let Some(Value::Object(parent)) = config.pointer_mut(parent) {
                parent.insert(name.to_owned(), value);
            }
        }
        config
    })
}

/// Either of the two.
fn any_config() -> impl Strategy<Value = Value> {
    prop_oneof![arbitrary(), near_a_sound_one()]
}

/// Whether a mistake's path leads to a part of the config, or to one that is told to be missing.
fn leads_somewhere(config: &Value, mistake: &Mistake) -> bool {
    if mistake.path == "PILOTLIGHT" {
        return true;
    }
    let mut at = Some(config);
    let mut rest = mistake.path.as_str();
    while !rest.is_empty() {
        let parent = at;
        let (name, after) = if let Some(index) = rest.strip_prefix('[') {
            let (index, after) = index.split_once(']').unwrap();
            at = parent.and_then(|list| list.get(index.parse::<usize>().unwrap()));
            (index.to_owned(), after)
        } else if rest.starts_with('"') {
            let mut texts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let name = texts.next().unwrap().unwrap();
            at = parent.and_then(|table| table.get(&name));
            (name, &rest[texts.byte_offset()..])
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            at = parent.and_then(|table| table.get(&rest[..end]));
            (rest[..end].to_owned(), &rest[end..])
        };
        rest = after.strip_prefix('.').unwrap_or(after);
        if at.is_none() {
            let is_last = rest.is_empty() && parent.is_some_and(Value::is_object);
            return is_last && !name.is_empty() && mistake.problem.starts_with("is missing");
        }
    }
    true
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,80}") {
        let _ = config::parse(&text, &|_| Some(text.clone()));
    }

    #[test]
    fn every_path_that_is_told_leads_somewhere(config in any_config()) {
        match parse(&config) {
            Ok(config) => {
                prop_assert!(config.routes.contains_key(&config.default_route));
                for route in config.routes.values() {
                    let order = &route.targets;
                    prop_assert!(!order.is_empty());
                    prop_assert!(order.iter().all(|at| *at < config.targets.len()));
                }
            }
            Err(mistakes) => {
                prop_assert!(!mistakes.is_empty());
                for mistake in mistakes {
                    prop_assert!(leads_somewhere(&config, &mistake), "{:?} of {}", mistake, config);
                }
            }
        }
    }
}
