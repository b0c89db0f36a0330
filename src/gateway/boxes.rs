//! What a request asks of what is known of the boxes at home.

use crate::config::{Config, Context, Server, Target};
use crate::gateway::isolate::Isolate;
use crate::policy::boxes::{Forwarded, ModelState};
use crate::provider::{PROVIDERS, Window};

/// The servers at home that can be looked at, each once, in the order of their names.
pub(super) fn servers(config: &Config) -> impl Iterator<Item = &Server> {
    let named_so = |target: &&Target| {
        let server = target.server.as_ref();
        server.is_some_and(|server| server.name == target.name)
    };
    let targets = config.targets.iter().filter(named_so);
    targets.filter_map(|target| target.server.as_ref())
}

/// Who chose a target's window.
pub(super) fn window(target: &Target) -> Window {
    match target.context {
        Context::Auto => Window::Found,
        Context::Tokens(_) | Context::Unknown => Window::Told,
    }
}

/// The window that a target is told to have.
pub(super) fn told_context(target: &Target) -> Option<u32> {
    match target.context {
        Context::Auto | Context::Unknown => None,
        Context::Tokens(tokens) => Some(tokens),
    }
}

impl Isolate {
    /// Whether the box that a target runs on is known to be away.
    pub fn is_away(&self, target: &Target, now: u64) -> bool {
        target
            .server
            .as_ref()
            .is_some_and(|server| self.with_boxes(|boxes| boxes.is_away(&server.name, now)))
    }

    /// A target's window in tokens, prompt and answer together; `None` where it is not known. One that
    /// is to be found out is that of a cautious box until it was seen.
    pub fn window(&self, target: &Target, now: u64) -> Option<u32> {
        match target.context {
            Context::Unknown => None,
            Context::Tokens(tokens) => Some(tokens),
            Context::Auto => {
                let default = target.provider.default_context()?;
                let seen = self.model(target, now);
                Some(seen.map_or(default, |model| model.window_or(default)))
            }
        }
    }

    /// Whether a target's server sends its prompts on to a cloud: by the model's name alone, by what it
    /// was seen to do within the last hours, and by what requests of this isolate found out. `Unknown`
    /// where nobody looked: in an isolate that has heard nothing yet, without a cron or Workers KV, in a
    /// dialect that does not tell, and of a model that the box does not have.
    ///
    /// The name counts in every dialect: the same server may be spoken to in another.
    pub fn forwarded(&self, target: &Target, now: u64) -> Forwarded {
        let mut watched = PROVIDERS.iter().filter_map(|dialect| dialect.watched());
        if watched.any(|watched| watched.forwards(&target.model)) {
            return Forwarded::Yes;
        }
        let seen = self.model(target, now);
        let seen = seen.map_or(Forwarded::Unknown, |model| model.forwarded);
        match (seen, self.found(&target.name, now)) {
            (Forwarded::Yes, _) | (_, Forwarded::Yes) => Forwarded::Yes,
            (Forwarded::No, _) | (_, Forwarded::No) => Forwarded::No,
            (Forwarded::Unknown, Forwarded::Unknown) => Forwarded::Unknown,
        }
    }

    /// What is known of a target's model at its box.
    fn model(&self, target: &Target, now: u64) -> Option<ModelState> {
        let server = target.server.as_ref()?;
        self.with_boxes(|boxes| boxes.model(&server.name, &target.model, now).copied())
    }
}
