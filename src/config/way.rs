//! How a target is reached: over the public internet by its address, or by a service that is bound
//! to the Worker.
//!
//! # Why a bound target's paths are listed
//!
//! A tunnel's ingress rules name the paths that are open. A Workers VPC service has no such rules: all
//! of the box's API lies behind the binding, to pull and to delete models, too. So the Worker itself
//! lets through only what its dialects ask for, at the one place where a call's way is chosen.
//!
//! A service that is not bound is like a secret that is not set: the target is sound and passed over.

use serde_json::value::RawValue;

use crate::config::draft::Draft;
use crate::config::secret;
use crate::config::table::Table;
use crate::config::{Mistake, Target};
use crate::openai::json;

/// Where a bound target seems to lie. Host and port are the VPC service's, whatever a URL says, which
/// only fills in the Host header (<https://developers.cloudflare.com/workers-vpc/api/>); and this is a
/// host that Ollama answers to.
const ORIGIN: &str = "http://localhost";

/// The host of that, which is nobody's: a company is known by its own.
pub(super) const HOST: &str = "localhost";

/// How a target is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Through the service that is bound under this name.
    Binding(String),
    /// No service is bound under this name, so the target cannot be asked.
    Missing(String),
    /// By its address.
    Public,
}

/// Where one call to a target goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage<'t> {
    /// Nowhere: it has no business at the target.
    Barred,
    /// To the service that is bound under this name.
    Binding(&'t str),
    /// To the address itself.
    Public,
}

impl Target {
    /// Where a call to `url` goes: every call's way is chosen here, and what is asked for of a bound
    /// target has to be one of its dialect's paths, to the letter.
    pub fn passage(&self, url: &str) -> Passage<'_> {
        match &self.way {
            Way::Public => Passage::Public,
            Way::Missing(_) => Passage::Barred,
            Way::Binding(name) => match url.strip_prefix(ORIGIN) {
                Some(path) if self.provider.paths().contains(&path) => Passage::Binding(name),
                Some(_) | None => Passage::Barred,
            },
        }
    }
}

/// The address that a bound target's chat requests are posted to.
pub(super) fn url(paths: &[&str]) -> Option<String> {
    Some(format!("{ORIGIN}{}", paths.first()?))
}

/// The way that a draft describes; `bound` tells whether a service is bound under a name.
pub(super) fn read(draft: &Draft, bound: &dyn Fn(&str) -> bool) -> Way {
    match &draft.binding {
        None => Way::Public,
        Some(name) if bound(name) => Way::Binding(name.clone()),
        Some(name) => Way::Missing(name.clone()),
    }
}

/// Tells a target that has no way, or two, or a token for a way that asks for none.
pub(super) fn check(table: &Table<'_>, mistakes: &mut Vec<Mistake>) {
    let has = |name: &str| table.raw(name).is_some();
    match (has("base_url"), has("binding")) {
        (false, false) => {
            let problem = "is missing: it should be a URL, such as \"https://api.openai.com/v1\"; or \
                           `binding` should be there in its place, with the name of a Workers VPC \
                           service";
            mistakes.push(Mistake::new(table.at("base_url"), problem));
        }
        (true, true) => {
            let problem = "stands beside `base_url`, but a target is reached by one of the two: \
                           leave the other out";
            mistakes.push(Mistake::new(table.at("binding"), problem));
        }
        (true, false) | (false, true) => {}
    }
    if has("binding") {
        for half in ["access_id", "access_secret"]
            .into_iter()
            .filter(|half| has(half))
        {
            let problem = "means nothing with `binding`: there is no public hostname, and so no \
                           Cloudflare Access before it; leave it out";
            mistakes.push(Mistake::new(table.at(half), problem));
        }
    }
}

/// What the name of a binding is, as a phrase.
pub(super) const WHAT: &str = "the name of a Workers VPC service's binding, such as \"HOME\"";

/// The name of a binding.
///
/// # Errors
///
/// When it is not one, without repeating it: it may be anything that was pasted.
pub(super) fn name(raw: &RawValue) -> Result<String, String> {
    let Some(text) = json::string(raw) else {
        return Err(format!("is {}: it should be {WHAT}", json::kind(raw)));
    };
    if secret::is_name(&text) {
        return Ok(text.into_owned());
    }
    Err(format!(
        "is not a name of letters, digits and _: it should be {WHAT}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, parse_in};
    use crate::provider::PROVIDERS;

    /// A target of this dialect behind the binding `HOME`.
    fn bound_target(provider: &str) -> Target {
        let config = serde_json::json!({
            "targets": { "box": { "provider": provider, "binding": "HOME", "model": "m" } },
            "routes": { "auto": ["box"] },
        });
        let environment = Environment {
            secret: &|_| None,
            bound: &|name| name == "HOME",
        };
        let mut config = parse_in(&config.to_string(), &environment).unwrap();
        config.targets.remove(0)
    }

    #[test]
    fn a_bound_target_is_asked_only_for_its_dialects_own_paths() {
        for provider in PROVIDERS {
            let target = bound_target(provider.name());
            assert_eq!(target.passage(&target.url), Passage::Binding("HOME"));
            for path in provider.paths() {
                let url = format!("http://localhost{path}");
                assert_eq!(target.passage(&url), Passage::Binding("HOME"), "{url}");
            }
            if let Some(url) = provider.presence_url(&target.url) {
                assert_eq!(target.passage(&url), Passage::Binding("HOME"), "{url}");
            }
        }
        let target = bound_target("ollama");
        for url in [
            "http://localhost/api/pull",
            "http://localhost/api/delete",
            "http://localhost/api/chat/",
            "http://localhost/api/chat?x=1",
            "http://localhost/api/chat#",
            "http://localhost/api/chat/../delete",
            "http://localhost/api/chat%2f..%2fdelete",
            "http://localhost//api/chat",
            "http://localhost/API/chat",
            "http://localhost/v1/chat/completions",
            "http://localhost/",
            "http://localhost",
            "http://localhost:11434/api/chat",
            "http://localhost.example.com/api/chat",
            "http://me@localhost/api/chat",
            "https://localhost/api/chat",
            "http://example.com/api/chat",
            "/api/chat",
            "",
        ] {
            assert_eq!(target.passage(url), Passage::Barred, "{url}");
        }
    }

    #[test]
    fn a_public_target_goes_to_its_address_and_an_unbound_one_nowhere() {
        let target = |way| Target {
            way,
            ..bound_target("ollama")
        };
        let url = "http://localhost/api/chat";
        assert_eq!(target(Way::Public).passage(url), Passage::Public);
        let missing = Way::Missing("HOME".to_owned());
        assert_eq!(target(missing).passage(url), Passage::Barred);
    }

    #[test]
    fn a_bound_target_is_posted_to_where_its_dialect_would_post() {
        let at = |provider: &str| bound_target(provider).url;
        assert_eq!(at("ollama"), "http://localhost/api/chat");
        assert_eq!(at("openai"), "http://localhost/v1/chat/completions");
    }
}
