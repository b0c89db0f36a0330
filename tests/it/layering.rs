//! The arrows between modules: read from the `use` lines, held to the map in `src/lib.rs`.
//!
//! Every path of this crate is imported as `use crate::module::...` or written out as
//! `crate::module::...`; a grouped `use crate::{...}` would hide what it names, and fails.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Which modules each module may name, besides itself.
const ARROWS: &[(&str, &[&str])] = &[
    ("auth", &["config", "error"]),
    (
        "config",
        &["models", "openai", "price", "provider", "stream"],
    ),
    (
        "edge",
        &[
            "config", "gateway", "ledger", "platform", "policy", "stream",
        ],
    ),
    ("error", &["openai"]),
    (
        "gateway",
        &[
            "auth", "config", "error", "ledger", "models", "openai", "platform", "policy", "price",
            "provider", "reason", "stream", "time",
        ],
    ),
    ("ledger", &["openai", "policy", "price", "time"]),
    ("lib", &[]),
    ("models", &["price"]),
    ("openai", &["error"]),
    ("platform", &["config", "ledger", "policy", "stream"]),
    (
        "policy",
        &[
            "config", "models", "openai", "price", "provider", "reason", "stream", "time", "tokens",
        ],
    ),
    ("price", &["openai"]),
    (
        "provider",
        &["models", "openai", "reason", "stream", "time"],
    ),
    ("reason", &[]),
    ("stream", &["openai", "reason"]),
    ("time", &[]),
    ("tokens", &[]),
];

#[test]
fn every_module_names_only_what_the_map_allows() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for file in sources(&src) {
        let module = module_of(&src, &file);
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module) else {
            panic!("{} is in no module of the map", file.display());
        };
        for named in named_modules(&file) {
            if named != module && !allowed.contains(&named.as_str()) {
                wrong.push(format!("{} names {named}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_edge_names_the_runtime() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in sources(&src) {
        if module_of(&src, &file) == "edge" {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        for name in ["worker::", "wasm_bindgen", "js_sys", "web_sys"] {
            assert!(!text.contains(name), "{} names {name}", file.display());
        }
    }
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

fn module_of(src: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(src).unwrap();
    let first = inside.components().next().unwrap();
    let name = first.as_os_str().to_str().unwrap();
    name.trim_end_matches(".rs").to_owned()
}

/// The modules that the code of a file names. Its own tests may name more: they sit above it.
fn named_modules(file: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file).unwrap();
    if file.ends_with("tests.rs") {
        return BTreeSet::new();
    }
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.match_indices("crate::").map(move |(at, _)| (line, at)))
        .map(|(line, at)| {
            let rest = &line[at + "crate::".len()..];
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_');
            let name = &rest[..end.unwrap_or(rest.len())];
            assert!(
                !name.is_empty(),
                "{}: a grouped `crate::{{...}}`",
                file.display()
            );
            name.to_owned()
        })
        .collect()
}
