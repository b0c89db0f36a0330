//! `GET /v1/models`: the routes and targets, in the shape of OpenAI's model list.

use crate::config::{Config, Key, Place, Privacy, Route, Target, Way};
use crate::error::Downstream;
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
    let ours = object.name("pilotlight");
    let mut targets = config.targets.iter().zip(windows);
    if let Some(route) = config.routes.get(name) {
        route_entry(ours, config, name, route);
    } else if let Some((target, window)) = targets.find(|(target, _)| target.name == name) {
        target_entry(ours, target, *window);
    }
    object.end();
}

fn route_entry(out: &mut Vec<u8>, config: &Config, name: &str, route: &Route) {
    let mut object = Writer::new(out);
    let is_default = name == config.default_route;
    object
        .text("kind", "route")
        .raw("default", if is_default { "true" } else { "false" });
    if route.privacy == Privacy::Home {
        object.text("privacy", "home");
    }
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
    match window {
        Some(window) => object.number("context", window.into()),
        None => object.raw("context", "null"),
    };
    object.end();
}
