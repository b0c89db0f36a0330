//! One look at a server at home: what its answers say.

use std::collections::BTreeMap;

use crate::policy::boxes::{Forwarded, Held};
use crate::provider::Watched;
use crate::provider::watched::{Installed, Running};

/// What a look at a server showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// It did not answer, nor when it was asked a second time at once: one lost packet hides no box.
    Away,
    /// Something answered for it, but not what was asked for.
    Closed,
    /// It is there.
    Here {
        /// Its version.
        version: String,
        /// The models that targets ask it for, by their names in the config.
        models: BTreeMap<String, Glimpse>,
    },
}

/// What a look showed of one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glimpse {
    /// Whether it is in memory, where that was told.
    pub running: Option<Running>,
    /// Whether it is there at all, where that was told.
    pub installed: Option<Installed>,
    /// Whether its prompts go on to a cloud.
    pub forwarded: Forwarded,
}

/// What came of asking a server for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// The body of a 200.
    Body(Vec<u8>),
    /// Nothing.
    Nothing,
    /// An answer of another status, or too long to be one.
    Status(u16),
}

impl Look {
    /// The body, where there is one.
    pub fn body(&self) -> Option<&[u8]> {
        match self {
            Self::Body(body) => Some(body),
            Self::Nothing | Self::Status(_) => None,
        }
    }

    /// Whether nobody was there to answer. What stands before a server says so with a status of its
    /// own: 502 that nothing listens, 504 or 524 that it is silent, 530 that there is no tunnel.
    pub fn is_nobody(&self) -> bool {
        match self {
            Self::Body(_) => false,
            Self::Nothing => true,
            Self::Status(status) => *status >= 500,
        }
    }
}

/// Reads the answer about the version: the version, or what the server's silence means.
///
/// # Errors
///
/// [`Sighting::Away`] or [`Sighting::Closed`].
pub fn version(watched: &dyn Watched, look: &Look) -> Result<String, Sighting> {
    if look.is_nobody() {
        return Err(Sighting::Away);
    }
    let version = look.body().and_then(|body| watched.version(body));
    version.ok_or(Sighting::Closed)
}

/// Reads what a server that is here told of `model` in its two lists.
pub fn glimpse(watched: &dyn Watched, running: &Look, installed: &Look, model: &str) -> Glimpse {
    let installed = installed
        .body()
        .and_then(|body| watched.installed(body, model));
    Glimpse {
        running: running.body().and_then(|body| watched.running(body, model)),
        installed,
        forwarded: match installed {
            _ if watched.forwards(model) => Forwarded::Yes,
            Some(Installed::Elsewhere) => Forwarded::Yes,
            Some(Installed::Yes { .. }) => Forwarded::No,
            Some(Installed::No) | None => Forwarded::Unknown,
        },
    }
}

impl Glimpse {
    /// Where the model is.
    pub fn held(&self) -> Held {
        match (self.running, self.installed) {
            (Some(Running::Yes { .. }), _) => Held::Loaded,
            (_, Some(Installed::No)) => Held::Absent,
            (Some(Running::No), Some(Installed::Elsewhere | Installed::Yes { .. })) => Held::Cold,
            (Some(Running::No), None)
            | (None, None | Some(Installed::Elsewhere | Installed::Yes { .. })) => Held::Unknown,
        }
    }

    /// The window that it is in memory with, in tokens.
    pub fn window(&self) -> Option<u32> {
        match self.running {
            Some(Running::Yes { window, .. }) => window,
            Some(Running::No) | None => None,
        }
    }

    /// The longest window that it was trained for, in tokens.
    pub fn trained(&self) -> Option<u32> {
        match self.installed {
            Some(Installed::Yes { trained }) => trained,
            Some(Installed::No | Installed::Elsewhere) | None => None,
        }
    }
}
