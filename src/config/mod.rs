//! The gateway's configuration: parsed once per isolate into types that cannot be wrong.
//!
//! # Why all mistakes at once
//!
//! A configuration is deployed, not edited live: whoever mistyped three settings should need one
//! round, not three. So reading goes on after a mistake, and every mistake carries its path and
//! what would be right.

use std::collections::BTreeMap;

use crate::models::Abilities;
use crate::price::{Money, Price};
use crate::provider::{Company, Provider, WatchUrls};

mod address;
mod boxes;
mod callers;
mod draft;
mod keep_alive;
mod model;
mod price;
mod read;
pub mod reference;
mod root;
mod routes;
mod row;
pub mod secret;
pub mod settings;
mod spelling;
mod table;
mod target;
mod value;
mod way;

pub use read::{parse, parse_in};
pub use settings::Settings;
pub use way::{Passage, Way};

/// What a configuration finds in the Worker's environment, each by its name.
#[derive(Clone, Copy)]
pub struct Environment<'e> {
    /// The value of a secret; `None` where it is not set.
    pub secret: &'e dyn Fn(&str) -> Option<String>,
    /// Whether a service is bound.
    pub bound: &'e dyn Fn(&str) -> bool,
}

impl std::fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Environment(..)")
    }
}

/// A configuration without mistakes.
#[derive(Debug)]
pub struct Config {
    /// The route that serves unknown model names.
    pub default_route: String,
    /// Whether the gateway may be asked without a key from anywhere.
    pub exposure: Exposure,
    /// Who may ask from a browser on another origin.
    pub origins: Origins,
    /// What a kilowatt hour costs, where that is to be counted.
    pub kwh_price: Option<Money>,
    /// The largest request body, in bytes.
    pub max_body: usize,
    /// What becomes of an answer that breaks off, where neither route nor caller says.
    pub mode: Mode,
    /// What becomes of personal data.
    pub pii: Pii,
    /// How long a caller of a stream hears nothing before a comment is sent, in milliseconds.
    pub heartbeat_ms: u64,
    /// How long a request may take when the caller does not say, in milliseconds.
    pub deadline_ms: u64,
    /// The longest time that a caller may ask for, in milliseconds.
    pub deadline_max_ms: u64,
    /// The targets, in the order of their names; routes refer to them by position.
    pub targets: Vec<Target>,
    /// The routes by name.
    pub routes: BTreeMap<String, Route>,
    /// The callers' keys by the name of their holder; empty when none is set.
    pub keys: Vec<(String, Secret)>,
    /// The key of the admin API, which is closed without one.
    pub admin_key: Option<Secret>,
    /// How many days the ledger keeps.
    pub ledger_days: u32,
}

/// Which targets serve a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The targets as positions in [`Config::targets`], in the order of asking.
    pub targets: Vec<usize>,
    /// What becomes of an answer that breaks off, where the route says.
    pub mode: Option<Mode>,
    /// Whether its requests may leave home.
    pub privacy: Privacy,
}

/// Whether a request may leave home.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Privacy {
    /// It may.
    #[default]
    Open,
    /// Only targets at home may see it (`privacy = "home"`).
    Home,
}

/// Whether a request with personal data in it may leave home.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pii {
    /// It is not looked for.
    #[default]
    Ignored,
    /// What is found keeps the request at home (`pii = true`).
    StaysHome,
}

/// What becomes of an answer that breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The caller is told, and has what came before.
    Error,
    /// The caller gets nothing before the answer is whole; the next target begins anew.
    Hold,
    /// The next target goes on, in the same stream.
    Takeover,
}

impl Mode {
    const ALL: [Self; 3] = [Self::Takeover, Self::Hold, Self::Error];

    /// The word in configs and headers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Hold => "hold",
            Self::Takeover => "takeover",
        }
    }

    /// The mode of this name.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word)
    }
}

/// Whether an unlocked gateway is meant to be open to everyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// Without keys it serves only this machine.
    Local,
    /// `public = true`.
    Public,
}

/// The origins that browsers may call from (`allowed_origins`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Any (`["*"]`).
    Any,
    /// These; none when empty.
    Listed(Vec<String>),
}

/// One upstream model that can be asked.
#[derive(Debug)]
pub struct Target {
    /// Its name in the config.
    pub name: String,
    /// The dialect that it speaks.
    pub provider: &'static dyn Provider,
    /// The company, which is the row of a plain compatible server where the host is not known.
    pub company: &'static Company,
    /// The full address that chat requests are posted to.
    pub url: String,
    /// How it is reached.
    pub way: Way,
    /// The model's name there.
    pub model: String,
    /// Its credential.
    pub key: Key,
    /// The two halves of a Cloudflare Access service token, where the way there needs one.
    pub access: Option<(Secret, Secret)>,
    /// Its window, as the config has it, else the dialect, else the table of models.
    pub context: Context,
    /// Where it runs.
    pub place: Place,
    /// What the model can do, as far as is known.
    pub abilities: Abilities,
    /// The most tokens that the model can write, where that is known. What is kept for the answer
    /// when nobody says is [`Settings::max_output`].
    pub max_output: Option<u32>,
    /// What it asks for tokens, where that is known. At home nothing, unless the config says otherwise.
    pub price: Option<Price>,
    /// How much its box draws while it answers, in watts, where that is to be counted.
    pub watts: Option<u32>,
    /// The box that it runs on; there is one exactly where it runs at home.
    pub box_name: Option<String>,
    /// Its server, where it runs at home and the dialect can tell of itself.
    pub server: Option<Server>,
    /// Whether the model is kept in memory.
    pub warm: Warm,
    /// Its time-outs, counts and thresholds.
    pub settings: Settings,
}

/// A target's window in tokens, prompt and answer together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Context {
    /// The one that its box is seen to have (`"auto"`).
    Auto,
    /// This one, which the upstream is told where the dialect has words for it.
    Tokens(u32),
    /// Nobody says.
    #[default]
    Unknown,
}

/// A server at home as it is looked at between requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name: that of the first target, in the order of names, that lies there.
    pub name: String,
    /// Where it tells of itself.
    pub urls: WatchUrls,
}

/// Whether a model is kept in a box's memory (`warm = true`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Warm {
    /// It comes and goes.
    #[default]
    No,
    /// It is loaded whenever it is found to be gone, or about to go.
    Yes,
}

/// A target's credential.
#[derive(Debug)]
pub enum Key {
    /// It needs none.
    None,
    /// The secret of this name, of the key or of the access token, is not set, so the target cannot
    /// be asked.
    Missing(String),
    /// Here it is.
    Present(Secret),
}

/// Where a target runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// At a provider.
    #[default]
    Cloud,
    /// On the owner's hardware (`home = true`).
    Home,
}

/// A text that must not be shown: it has no `Display`, and its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret in.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Hands it out, to be sent or compared.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// One mistake in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where: `targets.home.provider`.
    pub path: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl Mistake {
    fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            problem: problem.into(),
        }
    }
}

/// A length of time in milliseconds, written as in a config: a number of seconds, or text with a unit.
pub fn time_of(raw: &serde_json::value::RawValue) -> Option<u64> {
    value::time(raw)
}

impl Config {
    /// The names of the boxes at home.
    pub fn boxes(&self) -> Vec<&str> {
        let names = self.targets.iter().filter_map(|it| it.box_name.as_deref());
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The target of this name.
    pub fn target(&self, name: &str) -> Option<&Target> {
        self.targets.iter().find(|target| target.name == name)
    }
}
