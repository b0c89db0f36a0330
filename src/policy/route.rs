//! Which targets serve a request, in which order: the model's name decides.
//!
//! A name is a route, else a target, else whatever a client with a fixed model name sends: that goes to
//! the default route, unless it is a slip of the pen for a route that stays at home.

use crate::config::{Config, Mode, Privacy, Route};

/// A route that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen<'a> {
    /// The route's name, or the target's when it was asked for by name.
    pub name: &'a str,
    /// The targets as positions in the config, in the order of asking.
    pub order: Vec<usize>,
    /// What becomes of an answer that breaks off.
    pub mode: Mode,
    /// Whether its requests may leave home.
    pub privacy: Privacy,
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
            privacy: Privacy::Open,
        };
    }
    if let Some((name, route)) = config.routes.iter().find(|it| is_meant(*it, model)) {
        return of(config, name, Some(route));
    }
    let name = &config.default_route;
    of(config, name, config.routes.get(name))
}

/// Whether a route that keeps its requests at home is one that differs from what was asked for by capitals,
/// spaces or hyphens alone. A slip of the pen must not let out what was meant for it.
fn is_meant((name, route): (&String, &Route), model: &str) -> bool {
    let letters = |text: &str| -> Vec<char> {
        let letters = text.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let meant = letters(name);
    route.privacy == Privacy::Home && !meant.is_empty() && meant == letters(model)
}

fn of<'a>(config: &Config, name: &'a str, route: Option<&Route>) -> Chosen<'a> {
    Chosen {
        name,
        order: route.map_or_else(Vec::new, |route| route.targets.clone()),
        mode: route.and_then(|route| route.mode).unwrap_or(config.mode),
        privacy: route.map_or(Privacy::Open, |route| route.privacy),
    }
}
