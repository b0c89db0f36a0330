//! The routes of the config: for each name the targets that serve it, in the order of asking.
//!
//! A route is a list of targets, or a table whose key `targets` is that list, whose key `mode` says what
//! becomes of an answer that breaks off, and whose key `privacy` says whether its requests may leave
//! home. A target with mistakes of its own may be named: its absence would be a second mistake about
//! one slip.

use serde_json::value::RawValue;

use crate::config::root;
use crate::config::spelling;
use crate::config::table::{self, Table};
use crate::config::value;
use crate::config::{Mistake, Mode, Place, Privacy, Target};
use crate::openai::json;

/// What a list of targets is, as a phrase.
const WHAT: &str = "a list of targets, such as [\"groq\", \"home\"]";

/// The keys of a route that is a table.
const KEYS: [&str; 3] = ["targets", "mode", "privacy"];

/// The routes by name.
pub(super) type Routes = Vec<(String, Written)>;

/// A route as it is written.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// The names of its targets.
    pub(super) targets: Vec<String>,
    pub(super) mode: Option<Mode>,
    pub(super) privacy: Privacy,
}

/// Reads the table `routes`; `targets` are the names that it may use.
pub(super) fn read(root: &Table<'_>, targets: &[String], mistakes: &mut Vec<Mistake>) -> Routes {
    let known: Vec<&str> = targets.iter().map(String::as_str).collect();
    let Some(raw) = root.raw("routes") else {
        mistakes.push(Mistake::new(
            "routes",
            format!("is missing: {}", example(&known)),
        ));
        return Routes::new();
    };
    let what = "a table with a list of targets for each route";
    let Some(table) = Table::open(root.at("routes"), raw, what, mistakes) else {
        return Routes::new();
    };
    let mut routes = Routes::new();
    for (name, raw) in table.members() {
        let path = table.at(name);
        if !table::is_name(name) {
            mistakes.push(Mistake::new(
                path.as_str(),
                format!("should be {}", table::NAME),
            ));
        }
        routes.push((name.to_owned(), route(path, raw, &known, mistakes)));
    }
    if routes.is_empty() {
        mistakes.push(Mistake::new(
            "routes",
            format!("is empty: {}", example(&known)),
        ));
    }
    routes
}

/// What to write, with the config's own targets.
fn example(targets: &[&str]) -> String {
    let list = if targets.is_empty() {
        &["home"]
    } else {
        targets
    };
    format!(
        "write which targets to ask, in order, such as [vars.PILOTLIGHT.routes] with {} = {list:?}",
        root::DEFAULT_ROUTE
    )
}

fn route(path: String, raw: &RawValue, known: &[&str], mistakes: &mut Vec<Mistake>) -> Written {
    if !raw.get().starts_with('{') {
        return Written {
            targets: list(&path, raw, known, mistakes),
            ..Written::default()
        };
    }
    let Some(table) = Table::open(path, raw, WHAT, mistakes) else {
        return Written::default();
    };
    table.check_names(&KEYS, &[], mistakes);
    let path = table.at("targets");
    let targets = if let Some(raw) = table.raw("targets") {
        list(&path, raw, known, mistakes)
    } else {
        let problem = format!("is missing: it should be {WHAT}");
        mistakes.push(Mistake::new(path, problem));
        Vec::new()
    };
    Written {
        targets,
        mode: mode(&table, mistakes),
        privacy: privacy(&table, mistakes),
    }
}

/// Reads `privacy`. What is not understood is told, and is taken for the stricter meanwhile.
fn privacy(table: &Table<'_>, mistakes: &mut Vec<Mistake>) -> Privacy {
    let Some(raw) = table.raw("privacy") else {
        return Privacy::Open;
    };
    if json::string(raw).as_deref() != Some("home") {
        let found = value::shown(raw);
        let problem = format!("is {found}: it should be \"home\", or not be there");
        mistakes.push(Mistake::new(table.at("privacy"), problem));
    }
    Privacy::Home
}

/// Tells the targets of a private route that are not at home: they could never be asked, and whoever
/// wrote them there may think otherwise.
pub(super) fn check_privacy(routes: &Routes, targets: &[Target], mistakes: &mut Vec<Mistake>) {
    for (name, route) in routes {
        if route.privacy == Privacy::Open {
            continue;
        }
        for (at, target) in route.targets.iter().enumerate() {
            let is_cloud = |sound: &&Target| sound.name == *target && sound.place == Place::Cloud;
            if targets.iter().any(|sound| is_cloud(&sound)) {
                let path = format!("routes.{}.targets[{at}]", table::segment(name));
                let problem = format!(
                    "is {target:?}, which is not at home, but privacy = \"home\" keeps this route's \
                     requests there: leave it out"
                );
                mistakes.push(Mistake::new(path, problem));
            }
        }
    }
}

fn mode(table: &Table<'_>, mistakes: &mut Vec<Mistake>) -> Option<Mode> {
    let raw = table.raw("mode")?;
    let mode = json::string(raw).and_then(|word| Mode::named(&word));
    if mode.is_none() {
        let found = value::shown(raw);
        let problem = format!("is {found}: it should be \"takeover\" or \"hold\" or \"error\"");
        mistakes.push(Mistake::new(table.at("mode"), problem));
    }
    mode
}

fn list(path: &str, raw: &RawValue, known: &[&str], mistakes: &mut Vec<Mistake>) -> Vec<String> {
    let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
        let problem = format!("is {}: it should be {WHAT}", value::shown(raw));
        mistakes.push(Mistake::new(path, problem));
        return Vec::new();
    };
    if entries.is_empty() {
        mistakes.push(Mistake::new(path, format!("is empty: it should be {WHAT}")));
    }
    let mut names: Vec<String> = Vec::new();
    for (at, raw) in entries.into_iter().enumerate() {
        let name = json::string(raw).unwrap_or_default().into_owned();
        let problem = if !raw.get().starts_with('"') {
            Some(format!(
                "is {}: it should be the name of a target",
                value::shown(raw)
            ))
        } else if !known.contains(&name.as_str()) {
            let hint = spelling::hint(&name, known);
            Some(format!(
                "is {}, which is no target: {hint}",
                value::quoted(&name)
            ))
        } else if names.contains(&name) {
            Some(format!(
                "is {}, which stands in this route already",
                value::quoted(&name)
            ))
        } else {
            None
        };
        if let Some(problem) = problem {
            mistakes.push(Mistake::new(format!("{path}[{at}]"), problem));
        }
        names.push(name);
    }
    names
}

/// The default route: the one that is written, else the usual name if there is such a route.
pub(super) fn default_route(
    root: &Table<'_>,
    written: Option<&str>,
    routes: &Routes,
    mistakes: &mut Vec<Mistake>,
) -> String {
    let known: Vec<&str> = routes.iter().map(|(name, _)| name.as_str()).collect();
    let name = written.unwrap_or(root::DEFAULT_ROUTE);
    if known.is_empty() || known.contains(&name) {
        return name.to_owned();
    }
    let hint = spelling::hint(name, &known);
    let problem = match written {
        Some(_) => Some(format!(
            "is {}, which is no route: {hint}",
            value::quoted(name)
        )),
        // Written as something other than text: told already.
        None if root.raw("default_route").is_some() => None,
        None => Some(format!(
            "is missing, and there is no route \"{name}\": it should name the route for a model \
             that is neither a route nor a target, one of: {}",
            known.join(", ")
        )),
    };
    mistakes.extend(problem.map(|problem| Mistake::new(root.at("default_route"), problem)));
    name.to_owned()
}
