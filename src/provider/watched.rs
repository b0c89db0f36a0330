//! What a server at home tells of itself between requests: which version, which models, and how.
//!
//! A dialect reads and writes here too, and does not send: who looks, when, and what comes of it is
//! `gateway::watch`'s and `policy::boxes`'.

use std::fmt::Debug;

/// A dialect whose servers tell of themselves.
pub trait Watched: Debug + Sync {
    /// Where the server at `url`, the address of chat requests, tells of itself; `None` when there is
    /// no such place.
    fn urls(&self, url: &str) -> Option<WatchUrls>;

    /// Reads the version; `None` when the body is no such answer.
    fn version(&self, body: &[u8]) -> Option<String>;

    /// Reads whether `model` is in memory; `None` when the body is no such answer.
    fn running(&self, body: &[u8], model: &str) -> Option<Running>;

    /// Reads whether `model` is there at all; `None` when the body is no such answer.
    fn installed(&self, body: &[u8], model: &str) -> Option<Installed>;

    /// Whether the name alone says that the server sends prompts for this model on to a cloud.
    fn forwards(&self, model: &str) -> bool;

    /// Writes the body that makes the server load a model, to be posted to the address of chat
    /// requests. It carries what decides how the model is loaded, exactly as requests do.
    fn preload(&self, preload: &Preload<'_>) -> Vec<u8>;
}

/// Where a server tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchUrls {
    /// Its version: an answer means that it is up.
    pub version: String,
    /// The models in its memory.
    pub running: String,
    /// The models that it has.
    pub installed: String,
}

/// Whether a model is in a server's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Running {
    /// It is not.
    No,
    /// It is.
    Yes {
        /// The window that it was loaded with, in tokens, where told.
        window: Option<u32>,
        /// When it will be unloaded, in milliseconds since 1970, where told.
        unload_at: Option<u64>,
    },
}

/// Whether a server has a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installed {
    /// It does not.
    No,
    /// It sends prompts for it on to another server.
    Elsewhere,
    /// It does.
    Yes {
        /// The longest window that the model was trained for, in tokens, where told.
        trained: Option<u32>,
    },
}

/// A model to be loaded.
#[derive(Clone, Copy, Debug)]
pub struct Preload<'a> {
    /// Its name.
    pub model: &'a str,
    /// The window that requests ask for, in tokens; `None` when they leave it to the server.
    pub context: Option<u32>,
    /// How long it is kept, as the config has it.
    pub keep_alive: Option<&'a str>,
}
