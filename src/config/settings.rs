//! Every tunable of a target: its name in the config, its range, its defaults, its meaning.
//!
//! # Why a home target waits longer
//!
//! A home box loads a model from disk before its first token and reads a long prompt in minutes on
//! a small CPU; a cloud that is silent for as long is down. So each time-out has a default for each
//! place.

use std::ops::RangeInclusive;

use crate::config::Mistake;
use crate::config::Place;
use crate::config::keep_alive;
use crate::config::row::{self, Field, Row};
use crate::config::table::Table;
use crate::stream::relay::Calls;

/// A target's settings, after `defaults` and the target's own table have been applied.
///
/// Times are in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `attempts`: how often the target is asked in one request, at most.
    pub attempts: u32,
    /// `attempt_timeout`: how long one attempt may take until its first token, or whole when it is
    /// not streamed.
    pub attempt_timeout_ms: u64,
    /// `backoff_base`: the first wait between two attempts is random below this.
    pub backoff_base_ms: u64,
    /// `backoff_max`: waits grow up to this.
    pub backoff_max_ms: u64,
    /// `breaker_cooldown`: how long the breaker stays open the first time.
    pub breaker_cooldown_ms: u64,
    /// `breaker_cooldown_max`: how far that grows.
    pub breaker_cooldown_max_ms: u64,
    /// `breaker_credential_cooldown`: how long it opens when a credential, a model or an account is
    /// at fault.
    pub breaker_credential_cooldown_ms: u64,
    /// `breaker_failures`: requests in a row that failed, which open it.
    pub breaker_failures: u32,
    /// `breaker_min_requests`: how many attempts the window must hold before the rate counts.
    pub breaker_min_requests: u32,
    /// `breaker_rate`: the share of failed attempts in the window that opens it.
    pub breaker_rate: f64,
    /// `breaker_window`: the length of that window.
    pub breaker_window_ms: u64,
    /// `content_policy`: what becomes of a request that the target withholds an answer to.
    pub content_policy: ContentPolicy,
    /// `first_token_timeout`: how long a stream may take to its first token.
    pub first_token_timeout_ms: u64,
    /// `hedge_after`: how late a first token may be before the next target is asked as well.
    pub hedge_after_ms: Option<u64>,
    /// `headers_timeout`: how long a streamed answer's headers may take.
    pub headers_timeout_ms: u64,
    /// `keep_alive`: how long a home box keeps the model loaded, as Ollama writes it.
    pub keep_alive: Option<String>,
    /// `lease`: how long a request may be silent that is at a home box before it counts as gone.
    pub lease_ms: u64,
    /// `load_timeout`: how long a home box may take that is loading its model.
    pub load_timeout_ms: u64,
    /// `max_output`: room kept for the answer when the caller sets no limit, in tokens. What the model
    /// can write at most is [`Target::max_output`](crate::config::Target::max_output).
    pub max_output: Option<u32>,
    /// `prefill`: whether the model goes on with a message of its own that ends the conversation.
    pub prefill: Prefill,
    /// `queue`: how many requests may wait for a home box.
    pub queue: u32,
    /// `retry_after_max`: the longest wait asked for by the upstream that is waited out.
    pub retry_after_max_ms: u64,
    /// `slots`: how many requests may be at a home box at once.
    pub slots: u32,
    /// `stall_timeout`: the longest silence inside a stream.
    pub stall_timeout_ms: u64,
    /// `stream_inside`: whether it is asked for a stream when the caller is not to get one.
    pub stream_inside: StreamInside,
    /// `tool_calls`: how calls are passed on in a stream.
    pub tool_calls: Calls,
    /// `truncate`: whether a conversation may be cut to fit.
    pub truncate: Truncate,
    /// `wait`: how long a request waits for a busy home box before the next target is asked.
    pub wait_ms: u64,
    /// `wait_alone`: how long it waits when nobody else can answer.
    pub wait_alone_ms: u64,
    /// `watch`: whether streams are watched.
    pub watch: Watch,
}

/// What becomes of a request that a target withholds an answer to on policy grounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentPolicy {
    /// The next target is asked, whose policy may be another.
    Failover,
    /// The caller is told.
    Tell,
}

/// Whether a model goes on with a message of its own that ends the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefill {
    /// It does not, as far as is known.
    No,
    /// It does.
    Yes,
}

/// Whether a target is asked for a stream when the caller is not to get one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamInside {
    /// At home, where silence may be death or a slow box.
    AtHome,
    /// Always.
    Yes,
    /// Never.
    No,
}

/// Whether streams are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Every chunk.
    Yes,
    /// Nothing after the first word, where nothing has to be done with what is seen.
    No,
}

/// Whether a conversation may be cut to fit a target's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truncate {
    /// It may.
    Auto,
    /// It may not: the target is skipped.
    Never,
}

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// A wait that may be none.
const WAIT: RangeInclusive<u64> = 0..=10 * MINUTE;

/// A time after which something is given up.
const TIMEOUT: RangeInclusive<u64> = 1..=HOUR;

/// A time for which a breaker is open.
const COOLDOWN: RangeInclusive<u64> = 1..=24 * HOUR;

/// The settings, in the order in which they are explained.
pub(super) static ROWS: &[Row<Settings>] = &[
    Row {
        name: "attempts",
        field: Field::Count {
            of: |s| &mut s.attempts,
            range: 1..=10,
            default: 2,
        },
        doc: "how often the target is asked in one request, at most",
    },
    Row {
        name: "backoff_base",
        field: same(|s| &mut s.backoff_base_ms, WAIT, SECOND / 4),
        doc: "the first wait between two attempts is random below this; it doubles from there",
    },
    Row {
        name: "backoff_max",
        field: same(|s| &mut s.backoff_max_ms, WAIT, 4 * SECOND),
        doc: "how far those waits grow",
    },
    Row {
        name: "retry_after_max",
        field: same(|s| &mut s.retry_after_max_ms, WAIT, 5 * SECOND),
        doc: "the longest `Retry-After` that is waited out; beyond it the next target is asked",
    },
    Row {
        name: "headers_timeout",
        field: by_place(|s| &mut s.headers_timeout_ms, [20, 180]),
        doc: "how long the headers of a streamed answer may take",
    },
    Row {
        name: "first_token_timeout",
        field: by_place(|s| &mut s.first_token_timeout_ms, [30, 180]),
        doc: "how long a stream may take to its first token",
    },
    Row {
        name: "attempt_timeout",
        field: by_place(|s| &mut s.attempt_timeout_ms, [120, 300]),
        doc: "how long one attempt may take: to its first token when streamed, else whole",
    },
    Row {
        name: "stall_timeout",
        field: by_place(|s| &mut s.stall_timeout_ms, [30, 60]),
        doc: "the longest silence inside a stream",
    },
    Row {
        name: "load_timeout",
        field: Field::Time {
            of: |s| &mut s.load_timeout_ms,
            range: TIMEOUT,
            cloud: 5 * MINUTE,
            home: 5 * MINUTE,
        },
        doc: "how long an Ollama may take that is still loading its model, in place of the three above",
    },
    Row {
        name: "hedge_after",
        field: Field::Patience {
            of: |s| &mut s.hedge_after_ms,
            range: TIMEOUT,
        },
        doc: "how late a first token may be before the next target is asked as well; the first to \
              speak answers, the other is dropped",
    },
    Row {
        name: "stream_inside",
        field: Field::Choice(&[
            ("\"home\"", |s| s.stream_inside = StreamInside::AtHome),
            ("true", |s| s.stream_inside = StreamInside::Yes),
            ("false", |s| s.stream_inside = StreamInside::No),
        ]),
        doc: "whether it is asked for a stream when the caller is not to get one, so that silence is \
              told from death; `\"home\"`: a target at home, and Anthropic",
    },
    Row {
        name: "tool_calls",
        field: Field::Choice(&[
            ("\"whole\"", |s| s.tool_calls = Calls::Whole),
            ("\"streamed\"", |s| s.tool_calls = Calls::Streamed),
        ]),
        doc: "whether a tool call goes out when it is complete, or piece by piece; a break in a call \
              whose pieces are out ends in an error",
    },
    Row {
        name: "prefill",
        field: Field::Choice(&[
            ("false", |s| s.prefill = Prefill::No),
            ("true", |s| s.prefill = Prefill::Yes),
        ]),
        doc: "whether the model goes on with a message of its own that ends the conversation; it is \
              then asked so to go on with an answer that broke",
    },
    Row {
        name: "watch",
        field: Field::Choice(&[
            ("true", |s| s.watch = Watch::Yes),
            ("false", |s| s.watch = Watch::No),
        ]),
        doc: "whether every chunk of a stream is looked at; if `false`, a stream of mode \"error\" \
              passes untouched after its first word, which costs next to nothing, where nothing of \
              it has to be put in OpenAI's words",
    },
    Row {
        name: "breaker_failures",
        field: Field::Count {
            of: |s| &mut s.breaker_failures,
            range: 1..=100_000,
            default: 5,
        },
        doc: "requests in a row that end in a failure and so open the breaker",
    },
    Row {
        name: "breaker_rate",
        field: Field::Share {
            of: |s| &mut s.breaker_rate,
            default: 0.5,
        },
        doc: "the share of failed attempts within the window that opens it",
    },
    Row {
        name: "breaker_min_requests",
        field: Field::Count {
            of: |s| &mut s.breaker_min_requests,
            range: 1..=1_000_000,
            default: 10,
        },
        doc: "how many attempts the window must hold before that share counts",
    },
    Row {
        name: "breaker_window",
        field: same(|s| &mut s.breaker_window_ms, SECOND..=HOUR, MINUTE),
        doc: "the length of that window",
    },
    Row {
        name: "breaker_cooldown",
        field: same(|s| &mut s.breaker_cooldown_ms, COOLDOWN, 15 * SECOND),
        doc: "how long the breaker stays open the first time; it grows by half with each failed probe",
    },
    Row {
        name: "breaker_cooldown_max",
        field: same(|s| &mut s.breaker_cooldown_max_ms, COOLDOWN, 10 * MINUTE),
        doc: "how far that grows",
    },
    Row {
        name: "breaker_credential_cooldown",
        field: same(
            |s| &mut s.breaker_credential_cooldown_ms,
            COOLDOWN,
            30 * MINUTE,
        ),
        doc: "how long it opens when a credential, a model or an account is at fault",
    },
    Row {
        name: "content_policy",
        field: Field::Choice(&[
            ("\"tell\"", |s| s.content_policy = ContentPolicy::Tell),
            ("\"failover\"", |s| {
                s.content_policy = ContentPolicy::Failover;
            }),
        ]),
        doc: "whether the caller is told when its provider withholds an answer on policy grounds, or the \
              next target is asked",
    },
    Row {
        name: "truncate",
        field: Field::Choice(&[
            ("\"auto\"", |s| s.truncate = Truncate::Auto),
            ("\"never\"", |s| s.truncate = Truncate::Never),
        ]),
        doc: "whether a conversation may be cut to fit `context`; if `never`, the target is skipped",
    },
    Row {
        name: "max_output",
        field: Field::Limit {
            of: |s| &mut s.max_output,
            range: 1..=10_000_000,
        },
        doc: "tokens kept for the answer, and its limit, when the caller sets none; never more than the \
              model is known to write",
    },
    Row {
        name: "keep_alive",
        field: Field::Text {
            of: |s| &mut s.keep_alive,
            read: keep_alive::read,
            what: keep_alive::WHAT,
            default: "none",
        },
        doc: "how long an Ollama keeps the model loaded after an answer; `-1` for good",
    },
    Row {
        name: "slots",
        field: Field::Count {
            of: |s| &mut s.slots,
            range: 1..=1_000,
            default: 1,
        },
        doc: "at home: how many requests may be at the box at once; Ollama's own number is \
              `OLLAMA_NUM_PARALLEL`",
    },
    Row {
        name: "wait",
        field: same(|s| &mut s.wait_ms, 0..=HOUR, 0),
        doc: "at home: how long a request waits for a busy box before the next target is asked",
    },
    Row {
        name: "wait_alone",
        field: same(|s| &mut s.wait_alone_ms, 0..=HOUR, 5 * MINUTE),
        doc: "at home: how long it waits when nobody else can answer",
    },
    Row {
        name: "queue",
        field: Field::Count {
            of: |s| &mut s.queue,
            range: 0..=10_000,
            default: 100,
        },
        doc: "at home: how many requests may wait for the box",
    },
    Row {
        name: "lease",
        field: same(|s| &mut s.lease_ms, 10 * SECOND..=24 * HOUR, 10 * MINUTE),
        doc: "at home: after how long a request counts as gone that has vanished without a word, so that \
              the next one may go to the box; one that lives renews its lease",
    },
];

/// The settings that only mean something at home.
pub(super) const AT_HOME: [&str; 5] = ["slots", "wait", "wait_alone", "queue", "lease"];

/// A time whose default is the same everywhere.
const fn same(
    of: fn(&mut Settings) -> &mut u64,
    range: RangeInclusive<u64>,
    default: u64,
) -> Field<Settings> {
    Field::Time {
        of,
        range,
        cloud: default,
        home: default,
    }
}

/// A time-out whose default, in seconds, is longer at home.
const fn by_place(of: fn(&mut Settings) -> &mut u64, [cloud, home]: [u64; 2]) -> Field<Settings> {
    Field::Time {
        of,
        range: TIMEOUT,
        cloud: cloud * SECOND,
        home: home * SECOND,
    }
}

impl Settings {
    /// The built-in defaults for a place.
    pub fn built_in(place: Place) -> Self {
        row::built_in(ROWS, BLANK, place)
    }
}

/// Before the rows have set their defaults.
const BLANK: Settings = Settings {
    attempts: 0,
    attempt_timeout_ms: 0,
    backoff_base_ms: 0,
    backoff_max_ms: 0,
    breaker_cooldown_ms: 0,
    breaker_cooldown_max_ms: 0,
    breaker_credential_cooldown_ms: 0,
    breaker_failures: 0,
    breaker_min_requests: 0,
    breaker_rate: 0.0,
    breaker_window_ms: 0,
    content_policy: ContentPolicy::Tell,
    first_token_timeout_ms: 0,
    headers_timeout_ms: 0,
    hedge_after_ms: None,
    keep_alive: None,
    lease_ms: 0,
    load_timeout_ms: 0,
    max_output: None,
    prefill: Prefill::No,
    queue: 0,
    retry_after_max_ms: 0,
    slots: 0,
    stall_timeout_ms: 0,
    stream_inside: StreamInside::AtHome,
    tool_calls: Calls::Whole,
    truncate: Truncate::Auto,
    wait_ms: 0,
    wait_alone_ms: 0,
    watch: Watch::Yes,
};

/// Tells the settings of a table that contradict each other.
pub(super) fn check(table: &Table<'_>, settings: &Settings, mistakes: &mut Vec<Mistake>) {
    let pairs = [
        [
            ("backoff_base", settings.backoff_base_ms),
            ("backoff_max", settings.backoff_max_ms),
        ],
        [
            ("breaker_cooldown", settings.breaker_cooldown_ms),
            ("breaker_cooldown_max", settings.breaker_cooldown_max_ms),
        ],
        [
            ("wait", settings.wait_ms),
            ("wait_alone", settings.wait_alone_ms),
        ],
    ];
    for pair in pairs {
        table.check_order(pair, mistakes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_its_own_row() {
        let fields = format!("{BLANK:?}").matches(": ").count();
        assert_eq!(ROWS.len(), fields);
        let mut names = row::names(ROWS);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), fields);
    }
}
