//! Which targets serve a request, in which order: the model's name decides.
//!
//! A name is a route, else a target, else whatever a client with a fixed model name sends: that goes to
//! the default route.

use crate::config::Config;

/// A route that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen<'a> {
    /// The route's name, or the target's when it was asked for by name.
    pub name: &'a str,
    /// The targets as positions in the config, in the order of asking.
    pub order: Vec<usize>,
}

/// Chooses by the request's `model`.
pub fn choose<'a>(config: &'a Config, model: &str) -> Chosen<'a> {
    if let Some((name, order)) = config.routes.get_key_value(model) {
        return Chosen {
            name,
            order: order.clone(),
        };
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
        };
    }
    Chosen {
        name: &config.default_route,
        order: config
            .routes
            .get(&config.default_route)
            .cloned()
            .unwrap_or_default(),
    }
}
