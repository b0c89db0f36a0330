//! The top level of the config: what holds for every request.
//!
//! Its tables (`targets`, `routes`, `defaults`) have rows here, so that their names are known and
//! documented with the rest, but are read in files of their own.

use serde_json::value::RawValue;

use crate::config::address;
use crate::config::price;
use crate::config::row::{self, Field, NEEDED, Row, Word};
use crate::config::value;
use crate::config::{Exposure, Mode, Origins, Pii, Place};
use crate::price::Money;

/// What the top level says, as far as it can be read on its own.
pub(super) struct Root {
    pub(super) deadline_ms: u64,
    pub(super) deadline_max_ms: u64,
    pub(super) default_route: Option<String>,
    pub(super) exposure: Exposure,
    pub(super) heartbeat_ms: u64,
    pub(super) ledger_days: u32,
    pub(super) kwh_price: Option<Money>,
    pub(super) max_body: usize,
    pub(super) mode: Mode,
    pub(super) origins: Origins,
    pub(super) pii: Pii,
}

const MINUTE: u64 = 60_000;

const DAY: u64 = 24 * 60 * MINUTE;

/// The default route's name when none is written.
pub(super) const DEFAULT_ROUTE: &str = "auto";

const ROUTE: &str = "the name of a route";

const ORIGINS: &str = "a list of origins, such as [\"https://app.example.com\"]";

/// The keys of the top level.
pub(super) static ROWS: &[Row<Root>] = &[
    Row {
        name: "targets",
        field: Field::Table {
            what: "a table with a table for each target",
            default: NEEDED,
        },
        doc: "the upstream models that can be asked, by names of your own",
    },
    Row {
        name: "routes",
        field: Field::Table {
            what: "a table with a list of targets for each route",
            default: NEEDED,
        },
        doc: "which targets serve a name that callers send as `model`, in the order of asking",
    },
    Row {
        name: "default_route",
        field: Field::Text {
            of: |root| &mut root.default_route,
            read: |raw| value::text(raw, ROUTE),
            what: ROUTE,
            default: "auto, if there is such a route",
        },
        doc: "the route for a `model` that is neither a route nor a target",
    },
    Row {
        name: "mode",
        field: Field::Choice(MODES),
        doc: "what becomes of an answer that breaks off: the next target goes on in the same stream, or \
              nothing is sent before the answer is whole, or the caller is told; a route may have its own, \
              and so may a request (`x-pilotlight-mode`)",
    },
    Row {
        name: "heartbeat",
        field: Field::Time {
            of: |root| &mut root.heartbeat_ms,
            range: 100..=10 * MINUTE,
            cloud: MINUTE / 4,
            home: MINUTE / 4,
        },
        doc: "how long a caller of a stream hears nothing before a comment keeps its connection alive; \
              from the first one on, failures are told in the stream",
    },
    Row {
        name: "pii",
        field: Field::Choice(&[
            ("false", |root| root.pii = Pii::Ignored),
            ("true", |root| root.pii = Pii::StaysHome),
        ]),
        doc: "whether a request in which personal data is found stays at home",
    },
    Row {
        name: "ledger_days",
        field: Field::Count {
            of: |root| &mut root.ledger_days,
            range: 1..=4_000,
            default: 400,
        },
        doc: "how many days the ledger keeps its hours",
    },
    Row {
        name: "defaults",
        field: Field::Table {
            what: "a table of settings",
            default: "none",
        },
        doc: "settings for every target that does not set them itself",
    },
    Row {
        name: "public",
        field: Field::Choice(&[
            ("false", |root| root.exposure = Exposure::Local),
            ("true", |root| root.exposure = Exposure::Public),
        ]),
        doc: "whether everyone may ask when the secret `PILOTLIGHT_KEYS` is not set",
    },
    Row {
        name: "allowed_origins",
        field: Field::Other {
            read: |raw, root| {
                root.origins = origins(raw)?;
                Ok(())
            },
            what: ORIGINS,
            default: "none",
        },
        doc: "pages on other origins that may call from a browser; `\"*\"` for all",
    },
    Row {
        name: "deadline",
        field: Field::Time {
            of: |root| &mut root.deadline_ms,
            range: 1..=DAY,
            cloud: 10 * MINUTE,
            home: 10 * MINUTE,
        },
        doc: "how long a request may take when the caller does not say",
    },
    Row {
        name: "deadline_max",
        field: Field::Time {
            of: |root| &mut root.deadline_max_ms,
            range: 1..=DAY,
            cloud: 30 * MINUTE,
            home: 30 * MINUTE,
        },
        doc: "the longest that a caller may ask for (`x-pilotlight-timeout`, in seconds)",
    },
    Row {
        name: "max_body",
        field: Field::Bytes {
            of: |root| &mut root.max_body,
            range: 1_024..=64 << 20,
            default: 8 << 20,
        },
        doc: "the largest request body",
    },
    Row {
        name: "kwh_price",
        field: Field::Other {
            read: |raw, root| {
                root.kwh_price = Some(price::of_electricity(raw)?);
                Ok(())
            },
            what: price::KWH,
            default: "none",
        },
        doc: "what electricity costs; with a target's `watts` it is what an answer from home costs",
    },
];

/// The modes, the default first.
const MODES: &[Word<Root>] = &[
    ("\"takeover\"", |root| root.mode = Mode::Takeover),
    ("\"hold\"", |root| root.mode = Mode::Hold),
    ("\"error\"", |root| root.mode = Mode::Error),
];

impl Root {
    /// The built-in defaults.
    pub(super) fn built_in() -> Self {
        let blank = Self {
            deadline_ms: 0,
            deadline_max_ms: 0,
            default_route: None,
            exposure: Exposure::Local,
            heartbeat_ms: 0,
            ledger_days: 0,
            kwh_price: None,
            max_body: 0,
            mode: Mode::Takeover,
            origins: Origins::Listed(Vec::new()),
            pii: Pii::Ignored,
        };
        row::built_in(ROWS, blank, Place::Cloud)
    }
}

fn origins(raw: &RawValue) -> Result<Origins, String> {
    let Ok(texts) = serde_json::from_str::<Vec<String>>(raw.get()) else {
        return Err(format!("is {}: it should be {ORIGINS}", value::shown(raw)));
    };
    if texts.iter().any(|text| text == "*") {
        return Ok(Origins::Any);
    }
    let mut listed = Vec::new();
    let mut problems = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        match address::origin(text) {
            Ok(origin) => listed.push(origin),
            Err(problem) => problems.push(format!("entry {} {problem}", at + 1)),
        }
    }
    if problems.is_empty() {
        Ok(Origins::Listed(listed))
    } else {
        Err(problems.join("; "))
    }
}
