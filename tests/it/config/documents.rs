//! The README's tables and the config that ships: held to the code that reads them.
//!
//! Both are read before any code is, and neither is compiled.

use pilotlight::config::reference::{self, Entry};
use pilotlight::config::{self, Key, Place};
use serde_json::Value;

const README: &str = include_str!("../../../README.md");
const WRANGLER: &str = include_str!("../../../wrangler.toml");

/// The table that the README should hold of these keys.
fn markdown(title: &str, entries: &[Entry]) -> String {
    let row = |entry: &Entry| {
        let Entry {
            name,
            default,
            what,
            doc,
        } = entry;
        format!("| `{name}` | {default} | {what} | {doc} |\n")
    };
    let rows: String = entries.iter().map(row).collect();
    format!("| {title} | default | may be | meaning |\n|---|---|---|---|\n{rows}")
}

#[test]
fn the_readme_lists_every_key_as_it_is() {
    let expected = [
        markdown("top level", &reference::top_level()),
        markdown("target", &reference::target()),
        markdown("setting", &reference::settings()),
    ]
    .join("\n");
    let (_, rest) = README.split_once("<!-- settings:begin -->\n").unwrap();
    let (found, _) = rest.split_once("<!-- settings:end -->").unwrap();
    let same = found.trim() == expected.trim();
    assert!(
        same,
        "README.md should hold, between its markers:\n\n{expected}"
    );
}

#[test]
fn the_documentation_names_every_dialect_and_every_company() {
    let entries = reference::target();
    let doc = |name: &str| entries.iter().find(|entry| entry.name == name).unwrap().doc;
    for provider in pilotlight::provider::PROVIDERS {
        assert!(doc("provider").contains(&format!("`{}`", provider.name())));
    }
    for company in pilotlight::provider::Company::names() {
        assert!(doc("company").contains(&format!("`{company}`")));
    }
}

#[test]
fn the_config_that_ships_is_sound_without_any_secret_and_small_enough() {
    let file: Value = toml::from_str(WRANGLER).unwrap();
    let text = file["vars"]["PILOTLIGHT"].to_string();
    assert!(
        text.len() < 5_000,
        "one variable may hold 5 kB; this one has {} bytes",
        text.len()
    );

    let config = config::parse(&text, &|_| None).unwrap();
    let can_be_asked: Vec<_> = config
        .targets
        .iter()
        .filter(|target| !matches!(target.key, Key::Missing(_)))
        .map(|target| target.name.as_str())
        .collect();
    assert_eq!(can_be_asked, ["home"]);
    for route in ["auto", "cloud", "home"] {
        assert!(config.routes.contains_key(route), "{route}");
    }
    let last = *config.routes["auto"].targets.last().unwrap();
    assert_eq!(config.targets[last].name, "home");
    assert_eq!(config.targets[last].place, Place::Home);
    let known = config
        .targets
        .iter()
        .filter(|target| target.place == Place::Cloud);
    assert!(
        known
            .into_iter()
            .all(|target| target.company.name == target.name)
    );
}
