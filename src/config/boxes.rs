//! The boxes at home: which targets share one, and what a target may say of its own.
//!
//! # Two names
//!
//! A box is a machine: targets on one get in each other's way, so they carry one name, by their
//! address or as the config has it. A server is what listens at one address and tells of itself; what
//! is seen of one says nothing of another on the same machine. Nearly always the two are one.

use serde_json::value::RawValue;

use crate::config::draft::Draft;
use crate::config::keep_alive;
use crate::config::settings;
use crate::config::table::{self, Table};
use crate::config::value;
use crate::config::{Context, Mistake, Place, Server, Settings, Target, Warm, Way};
use crate::openai::json;

/// What a window is, as a phrase.
pub(super) const CONTEXT: &str = "a whole number from 256 to 10000000, or \"auto\"";

/// What a box's name is, as a phrase.
pub(super) const NAME: &str = "a name, such as \"attic\"";

/// Reads a window.
///
/// # Errors
///
/// What is wrong and what would be right.
pub(super) fn context(raw: &RawValue) -> Result<Context, String> {
    if json::string(raw).as_deref() == Some("auto") {
        return Ok(Context::Auto);
    }
    value::count(raw)
        .filter(|tokens| (256..=10_000_000).contains(tokens))
        .map(Context::Tokens)
        .ok_or_else(|| format!("is {}: it should be {CONTEXT}", value::shown(raw)))
}

/// Reads a box's name.
///
/// # Errors
///
/// What is wrong and what would be right.
pub(super) fn name(raw: &RawValue) -> Result<String, String> {
    let name = value::text(raw, NAME)?;
    if table::is_name(&name) {
        Ok(name)
    } else {
        let shown = value::shown(raw);
        Err(format!("is {shown}: it should be {}", table::NAME))
    }
}

/// Tells what only a target at home can have, and only where the dialect knows how.
pub(super) fn check(
    table: &Table<'_>,
    draft: &Draft,
    settings: &Settings,
    mistakes: &mut Vec<Mistake>,
) {
    let Some(provider) = draft.provider else {
        return;
    };
    let mut tell = |key: &str, problem: String| mistakes.push(Mistake::new(table.at(key), problem));
    let away = draft.place != Place::Home;
    if away {
        for key in settings::AT_HOME.into_iter().chain(["box"]) {
            if table.raw(key).is_some() {
                let problem =
                    "means something only to a target at home: write home = true beside it";
                tell(key, problem.to_owned());
            }
        }
    }
    let dumb = provider.watched().is_none();
    let needs = |what: &str| {
        let dialect = provider.name();
        match (away, dumb) {
            (_, true) => Some(format!(
                "is {what}, and provider \"{dialect}\" has no words for that: leave it out"
            )),
            (true, false) => Some(format!(
                "is {what}, which only a target at home can have: write home = true beside it"
            )),
            (false, false) => None,
        }
    };
    if draft.context == Context::Auto
        && let Some(problem) = needs("\"auto\"")
    {
        tell("context", problem);
    }
    if draft.warm == Warm::Yes {
        if let Some(problem) = needs("true") {
            tell("warm", problem);
        }
        if settings
            .keep_alive
            .as_deref()
            .is_some_and(keep_alive::is_none)
        {
            let problem = "is true, but keep_alive is 0, which unloads the model at once: write a \
                           longer keep_alive, or warm = false";
            tell("warm", problem.to_owned());
        }
    }
}

/// Tells the targets of one box that disagree on how many may be there.
pub(super) fn check_slots(targets: &[Target], mistakes: &mut Vec<Mistake>) {
    for (at, target) in targets.iter().enumerate() {
        let disagrees = |other: &&Target| {
            other.box_name.is_some()
                && other.box_name == target.box_name
                && other.settings.slots != target.settings.slots
        };
        let first = targets.iter().take(at).find(disagrees);
        if let (Some(first), Some(name)) = (first, &target.box_name) {
            let problem = format!(
                "is {}, but {} for {}, which is at the same box ({}): write the same for both",
                target.settings.slots,
                first.settings.slots,
                value::quoted(&first.name),
                value::quoted(name)
            );
            let path = format!("targets.{}.slots", table::segment(&target.name));
            mistakes.push(Mistake::new(path, problem));
        }
    }
}

/// Tells two names for what lies at one address: each would have a lock of its own.
pub(super) fn check_names(targets: &[Target], mistakes: &mut Vec<Mistake>) {
    for (at, target) in targets.iter().enumerate() {
        let other = targets.iter().take(at).find(|other| {
            let both = other.box_name.is_some() && target.box_name.is_some();
            both && address(other) == address(target) && other.box_name != target.box_name
        });
        if let (Some(other), Some(name)) = (other, &target.box_name) {
            let problem = format!(
                "is {}, but {} is at the same address and on {}: write the same for both",
                value::quoted(name),
                value::quoted(&other.name),
                value::quoted(other.box_name.as_deref().unwrap_or_default())
            );
            let path = format!("targets.{}.box", table::segment(&target.name));
            mistakes.push(Mistake::new(path, problem));
        }
    }
}

/// Names the boxes of the targets, which are in the order of their names, and their servers.
pub(super) fn name_boxes(targets: &mut [Target]) {
    for at in 0..targets.len() {
        let names = targets
            .get(at)
            .filter(|target| target.place == Place::Home)
            .map(|target| (box_name(target, targets), server(target, targets)));
        if let (Some(target), Some((box_name, server))) = (targets.get_mut(at), names) {
            target.box_name = Some(box_name);
            target.server = server;
        }
    }
}

/// The name that is written for a target, or for another at its address; else that of the first
/// target there.
fn box_name(target: &Target, targets: &[Target]) -> String {
    let address = address(target);
    let mut there = targets
        .iter()
        .filter(|other| other.place == Place::Home && self::address(other) == address);
    let first = there.clone().next().unwrap_or(target);
    target
        .box_name
        .clone()
        .or_else(|| there.find_map(|other| other.box_name.clone()))
        .unwrap_or_else(|| first.name.clone())
}

fn server(target: &Target, targets: &[Target]) -> Option<Server> {
    let urls = |target: &Target| target.provider.watched()?.urls(&target.url);
    let own = urls(target)?;
    let first = targets.iter().find(|other| {
        let same_way = address(other) == address(target);
        other.place == Place::Home && same_way && urls(other).as_ref() == Some(&own)
    });
    Some(Server {
        name: first.unwrap_or(target).name.clone(),
        urls: own,
    })
}

/// Where a target lies: the binding, or else scheme, host and port, in one spelling.
fn address(target: &Target) -> String {
    if let Way::Binding(name) | Way::Missing(name) = &target.way {
        return name.clone();
    }
    let (scheme, rest) = target.url.split_once("://").unwrap_or(("", &target.url));
    let authority = rest.split('/').next().unwrap_or_default();
    let usual = match scheme {
        "https" => ":443",
        _ => ":80",
    };
    let authority = authority.strip_suffix(usual).unwrap_or(authority);
    format!("{scheme}://{}", authority.to_ascii_lowercase())
}
