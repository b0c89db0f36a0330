//! `GET /v1/models`: the routes and targets, in the shape of OpenAI's model list.
//!
//! # Why windows stand there twice
//!
//! OpenAI's list tells no window, so clients that cut conversations themselves look for a member that
//! others have made up: most for `context_length` (OpenRouter, LM Studio), and `max_completion_tokens`
//! beside it (Groq). Those that find none take some small number. What is known is told under these
//! names; the rest, in our own words, stands in `pilotlight`.
//!
//! # What a route's window is
//!
//! The largest of its targets' that is known: a conversation that is too long for one goes on to one
//! with a larger window. A target that lacks its key or its binding takes none. `context_min` is the
//! smallest: what is no longer than that is cut nowhere.

use crate::config::{Config, Key, Place, Privacy, Route, Target, Way};
use crate::error::Downstream;
use crate::models::{Abilities, Ability, Effort, Known, Thinking};
use crate::openai::json::{self, Writer};

/// The list of all routes and targets, whose windows are in the order of the config's. A route hides a
/// target of the same name, as it does for a request.
pub(super) fn list(config: &Config, windows: &[Option<u32>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    let mut object = Writer::new(&mut out);
    object.text("object", "list");
    let data = object.name("data");
    data.push(b'[');
    for (at, name) in names(config).into_iter().enumerate() {
        if at > 0 {
            data.push(b',');
        }
        entry(data, config, name, windows);
    }
    data.push(b']');
    object.end();
    out
}

/// One route or target.
pub(super) fn one(
    config: &Config,
    id: &str,
    windows: &[Option<u32>],
) -> Result<Vec<u8>, Downstream> {
    let names = names(config);
    if !names.contains(&id) {
        return Err(Downstream {
            status: 404,
            code: Some("model_not_found"),
            param: Some("model".to_owned()),
            message: format!(
                "there is no route or target '{id}' here; there are: {}",
                names.join(", ")
            ),
        });
    }
    let mut out = Vec::with_capacity(256);
    entry(&mut out, config, id, windows);
    Ok(out)
}

fn names(config: &Config) -> Vec<&str> {
    let targets = config
        .targets
        .iter()
        .map(|target| target.name.as_str())
        .filter(|name| !config.routes.contains_key(*name));
    config
        .routes
        .keys()
        .map(String::as_str)
        .chain(targets)
        .collect()
}

fn entry(out: &mut Vec<u8>, config: &Config, name: &str, windows: &[Option<u32>]) {
    let mut object = Writer::new(out);
    object
        .text("id", name)
        .text("object", "model")
        .number("created", 0)
        .text("owned_by", "pilotlight");
    if let Some(route) = config.routes.get(name) {
        let window = |at: &usize| {
            let target = config.targets.get(*at)?;
            (*windows.get(*at)?).filter(|_| can_be_asked(target))
        };
        let windows = || route.targets.iter().filter_map(window);
        let (smallest, largest) = (windows().min(), windows().max());
        told_window(&mut object, largest, None);
        let ours = object.name("pilotlight");
        route_entry(ours, config, (name, route), [smallest, largest]);
    } else if let Some((target, window)) = config
        .targets
        .iter()
        .zip(windows)
        .find(|(target, _)| target.name == name)
    {
        told_window(&mut object, *window, target.max_output);
        target_entry(object.name("pilotlight"), target, *window);
    }
    object.end();
}

/// Whether a target is set up so that it can be asked at all.
const fn can_be_asked(target: &Target) -> bool {
    !matches!(target.key, Key::Missing(_)) && !matches!(target.way, Way::Missing(_))
}

/// The window and the longest answer under the names by which clients look for them.
fn told_window(object: &mut Writer<'_>, window: Option<u32>, max_output: Option<u32>) {
    if let Some(window) = window {
        object.number("context_length", window.into());
    }
    if let Some(max_output) = max_output {
        object.number("max_completion_tokens", max_output.into());
    }
}

/// A number, or `null` where it is not known.
fn number_or_null(object: &mut Writer<'_>, name: &str, number: Option<u32>) {
    match number {
        Some(number) => object.number(name, number.into()),
        None => object.raw(name, "null"),
    };
}

fn route_entry(
    out: &mut Vec<u8>,
    config: &Config,
    (name, route): (&str, &Route),
    [smallest, largest]: [Option<u32>; 2],
) {
    let mut object = Writer::new(out);
    let is_default = name == config.default_route;
    object
        .text("kind", "route")
        .raw("default", if is_default { "true" } else { "false" });
    if route.privacy == Privacy::Home {
        object.text("privacy", "home");
    }
    number_or_null(&mut object, "context", largest);
    number_or_null(&mut object, "context_min", smallest);
    let targets = object.name("targets");
    targets.push(b'[');
    for (at, target) in route
        .targets
        .iter()
        .filter_map(|at| config.targets.get(*at))
        .enumerate()
    {
        if at > 0 {
            targets.push(b',');
        }
        json::write_string(targets, &target.name);
    }
    targets.push(b']');
    object.end();
}

/// How a target's credential stands, in a word.
pub(super) const fn key(target: &Target) -> &'static str {
    match target.key {
        Key::Missing(_) => "missing",
        Key::None => "none",
        Key::Present(_) => "present",
    }
}

fn target_entry(out: &mut Vec<u8>, target: &Target, window: Option<u32>) {
    let mut object = Writer::new(out);
    object
        .text("kind", "target")
        .text("provider", target.provider.name())
        .text("model", &target.model)
        .raw(
            "home",
            if target.place == Place::Home {
                "true"
            } else {
                "false"
            },
        )
        .text("key", key(target))
        .raw(
            "binding",
            match target.way {
                Way::Binding(_) => "\"present\"",
                Way::Missing(_) => "\"missing\"",
                Way::Public => "\"none\"",
            },
        );
    number_or_null(&mut object, "context", window);
    number_or_null(&mut object, "max_output", target.max_output);
    abilities(object.name("abilities"), target.abilities);
    if target.abilities.thinking != Thinking::Unknown {
        object.text("thinking", target.abilities.thinking.as_str());
    }
    let takes = |one: &Effort| target.abilities.takes(*one) == Known::Yes;
    let efforts: Vec<Effort> = Effort::ALL.into_iter().filter(takes).collect();
    if !efforts.is_empty() {
        let listed = object.name("efforts");
        listed.push(b'[');
        for (at, effort) in efforts.into_iter().enumerate() {
            if at > 0 {
                listed.push(b',');
            }
            json::write_string(listed, effort.as_str());
        }
        listed.push(b']');
    }
    object.end();
}

/// What the model is known to be able to do, or unable.
fn abilities(out: &mut Vec<u8>, abilities: Abilities) {
    let mut object = Writer::new(out);
    for ability in Ability::ALL {
        match abilities.of(ability) {
            Known::No => object.raw(ability.as_str(), "false"),
            Known::Unknown => continue,
            Known::Yes => object.raw(ability.as_str(), "true"),
        };
    }
    object.end();
}
