//! Where the tools of these tests are, and what is said when one is missing.
//!
//! `npm test` sets the variables. Without them the places that it would have made are looked in, so
//! that `cargo test --test e2e` works in a tree in which `npm test` has run once.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The root of the tree.
pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A tool that one machine or another does not have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Optional {
    /// The variable that holds its path.
    variable: &'static str,
    /// What it is.
    what: &'static str,
}

/// A real Ollama.
pub(crate) const OLLAMA: Optional = Optional {
    variable: "PILOTLIGHT_OLLAMA_BIN",
    what: "an Ollama of v0.30 or later",
};
/// A model for it.
pub(crate) const GGUF: Optional = Optional {
    variable: "PILOTLIGHT_GGUF",
    what: "the SmolLM2 model as a GGUF file",
};
/// A browser.
pub(crate) const CHROMIUM: Optional = Optional {
    variable: "PILOTLIGHT_CHROMIUM",
    what: "a Chromium",
};
/// A Python with the SDKs that call the gateway.
pub(crate) const PYTHON: Optional = Optional {
    variable: "PILOTLIGHT_PYTHON",
    what: "a Python with the packages openai and langchain-openai",
};

/// A reader of cloudflared's config.yml.
pub(crate) const INGRESS: Optional = Optional {
    variable: "PILOTLIGHT_INGRESS",
    what: "the program of tests/e2e/ingress, built with Go",
};

/// The paths of all these tools, or `None` after saying that `test` does not run without them.
///
/// Where CI is set this is a failure: a test that did not run has proved nothing.
pub(crate) fn need<const N: usize>(test: &str, tools: [Optional; N]) -> Option<[PathBuf; N]> {
    let found = tools.map(|tool| env::var_os(tool.variable).map(PathBuf::from));
    let missing = tools.iter().zip(&found).find(|(_, path)| path.is_none());
    let Some((tool, _)) = missing else {
        return Some(found.map(Option::unwrap));
    };
    let line = format!(
        "NOT RUN: {test}: it needs {} ({} is not set)",
        tool.what, tool.variable
    );
    assert!(env::var_os("CI").is_none(), "{line}");
    say(&line);
    None
}

/// Prints a line that is seen even when the test passes: the test runner hides what `eprintln!`
/// prints.
pub(crate) fn say(line: &str) {
    let mut loudly = io::stderr();
    loudly.write_all(format!("\n{line}\n").as_bytes()).unwrap();
}

/// The folder of the built Worker.
pub(crate) fn build() -> PathBuf {
    let folder = env::var_os("PILOTLIGHT_BUILD")
        .map_or_else(|| Path::new(ROOT).join("build"), PathBuf::from);
    assert!(
        folder.join("index_bg.wasm").exists(),
        "no Worker in {}: `npm test` builds it",
        folder.display()
    );
    folder
}

/// A Node that is new enough for the tools of Workers.
pub(crate) fn node() -> PathBuf {
    env::var_os("PILOTLIGHT_NODE").map_or_else(|| PathBuf::from("node"), PathBuf::from)
}

/// The Workers runtime, from the npm package of this system.
pub(crate) fn workerd() -> PathBuf {
    let packages = Path::new(ROOT).join("node_modules/@cloudflare");
    fs::read_dir(&packages)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin/workerd")))
        .find(|binary| binary.exists())
        .expect("no workerd in node_modules: `npm test` installs it")
}
