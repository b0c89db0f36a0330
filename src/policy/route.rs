//! Which targets serve a request, in which order: the model's name decides.
//!
//! A name is a route, else a target, else whatever a client with a fixed model name sends: that goes to
//! the default route.

use crate::config::{Config, Mode, Route};

/// A route that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen<'a> {
    /// The route's name, or the target's when it was asked for by name.
    pub name: &'a str,
    /// The targets as positions in the config, in the order of asking.
    pub order: Vec<usize>,
    /// What becomes of an answer that breaks off.
    pub mode: Mode,
}

/// Chooses by the request's `model`.
pub fn choose<'a>(config: &'a Config, model: &str) -> Chosen<'a> {
    if let Some((name, route)) = config.routes.get_key_value(model) {
        return of(config, name, Some(route));
    }
    let named = config
        .targets
        .iter()
        .enumerate()
        .find(|(_, target)| target.name == model);
    if let Some((at, target)) = named {
        return Chosen {
            name: &target.name,
            order: vec![at],
            mode: config.mode,
        };
    }
    let name = &config.default_route;
    of(config, name, config.routes.get(name))
}

fn of<'a>(config: &Config, name: &'a str, route: Option<&Route>) -> Chosen<'a> {
    Chosen {
        name,
        order: route.map_or_else(Vec::new, |route| route.targets.clone()),
        mode: route.and_then(|route| route.mode).unwrap_or(config.mode),
    }
}
