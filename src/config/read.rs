//! Reads a configuration from its JSON text.
//!
//! Every part is read whatever is wrong with the parts before it, and a part that cannot be read
//! leaves a mistake behind: a configuration is made only when there is none.

use std::slice;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::config::callers;
use crate::config::draft;
use crate::config::root::{self, Root};
use crate::config::routes;
use crate::config::row;
use crate::config::settings;
use crate::config::table::{ROOT, Table};
use crate::config::target;
use crate::config::{Config, Environment, Mistake, Route};

/// Reads the JSON of the `PILOTLIGHT` table where no service is bound; `secret` looks a secret up by
/// its name.
///
/// # Errors
///
/// Every mistake, each with its path and what would be right.
pub fn parse(text: &str, secret: &dyn Fn(&str) -> Option<String>) -> Result<Config, Vec<Mistake>> {
    let bound = &|_: &str| false;
    parse_in(text, &Environment { secret, bound })
}

/// Reads the JSON of the `PILOTLIGHT` table in an environment that may have services bound.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_in(text: &str, environment: &Environment<'_>) -> Result<Config, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let config = config(text, environment, &mut mistakes);
    match config {
        Some(config) if mistakes.is_empty() => Ok(config),
        _ => Err(mistakes),
    }
}

/// Reads everything; `None` only with a mistake.
fn config(
    text: &str,
    environment: &Environment<'_>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Config> {
    let keys = callers::read(environment.secret, mistakes);
    let admin_key = callers::admin(environment.secret, &keys, mistakes);
    let table = open(text, mistakes)?;
    let elsewhere = [
        (
            row::names(settings::ROWS),
            "in the table `defaults` or in a target's own table",
        ),
        (row::names(draft::ROWS), "in a target's own table"),
    ];
    table.check_names(&row::names(root::ROWS), &elsewhere, mistakes);

    let mut root = Root::built_in();
    table.read(root::ROWS, slice::from_mut(&mut root), mistakes);
    let deadlines = [
        ("deadline", root.deadline_ms),
        ("deadline_max", root.deadline_max_ms),
    ];
    table.check_order(deadlines, mistakes);

    let targets = target::read(&table, environment, mistakes);
    let routes = routes::read(&table, &targets.names, mistakes);
    let default_route =
        routes::default_route(&table, root.default_route.as_deref(), &routes, mistakes);

    routes::check_privacy(&routes, &targets.sound, mistakes);

    let position = |name: &String| targets.sound.iter().position(|target| target.name == *name);
    let routes = routes
        .into_iter()
        .map(|(name, written)| {
            let route = Route {
                targets: written.targets.iter().filter_map(position).collect(),
                mode: written.mode,
                privacy: written.privacy,
            };
            (name, route)
        })
        .collect();
    Some(Config {
        default_route,
        exposure: root.exposure,
        origins: root.origins,
        heartbeat_ms: root.heartbeat_ms,
        kwh_price: root.kwh_price,
        max_body: root.max_body,
        mode: root.mode,
        pii: root.pii,
        deadline_ms: root.deadline_ms,
        deadline_max_ms: root.deadline_max_ms,
        targets: targets.sound,
        routes,
        keys,
        admin_key,
        ledger_days: root.ledger_days,
    })
}

/// Opens the whole text as a table.
fn open<'a>(text: &'a str, mistakes: &mut Vec<Mistake>) -> Option<Table<'a>> {
    // The tree is thrown away: it is the one reader that looks into every string and number, so
    // that no part is found to be unreadable later, when line and column are lost.
    let whole = serde_json::from_str::<Value>(text).and_then(|_| serde_json::from_str(text));
    let raw: &RawValue = match whole {
        Ok(raw) => raw,
        Err(error) => {
            let problem = format!("is not JSON: {error}");
            mistakes.push(Mistake::new(ROOT, problem));
            return None;
        }
    };
    let what = "a table with `targets` and `routes`";
    Table::open(ROOT.to_owned(), raw, what, mistakes)
}
