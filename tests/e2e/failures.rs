//! A table of failures: each happens to a target of its own, and the next target answers.

use std::thread;

use serde_json::{Value, json};

use crate::caller::attempts;
use crate::gateway::{Gateway, Setup, asking, chain, cloud, with};
use crate::http::Ended;
use crate::upstream::{Reply, Seen, Upstream};
use crate::wire;

/// How the caller takes its answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode {
    Streamed,
    Whole,
}

/// One way to fail.
pub(crate) struct Row {
    name: &'static str,
    reply: Reply,
    outcome: Outcome,
    /// How often the target is asked, of two times at most.
    asked: usize,
}

/// What the attempts list says of a failure.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    streamed: &'static str,
    whole: &'static str,
}

/// One row of a table.
pub(crate) fn row(name: &'static str, reply: Reply, outcome: &'static str, asked: usize) -> Row {
    Row {
        name,
        reply,
        outcome: Outcome {
            streamed: outcome,
            whole: outcome,
        },
        asked,
    }
}

impl Row {
    /// A failure that has another name where no stream is asked for.
    pub(crate) fn or_whole(mut self, outcome: &'static str) -> Self {
        self.outcome.whole = outcome;
        self
    }
}

/// Asks once for each row, all at the same time. `table` makes the failing target's entry.
///
/// Every row has two targets of its own, so that no breaker is met twice, and its own route.
pub(crate) fn check_all(rows: &[Row], mode: Mode, table: fn(&Upstream) -> Value) {
    let next = match mode {
        Mode::Streamed => wire::stream(&["He", "re."]),
        Mode::Whole => wire::completion("Here."),
    };
    let settings = json!({ "headers_timeout": "2s", "attempt_timeout": "2s" });
    let mut config = chain(&[]);
    config["routes"] = json!({});
    config["default_route"] = rows[0].name.into();
    let upstreams: Vec<(Upstream, Upstream)> = rows
        .iter()
        .map(|row| {
            let failing = Upstream::playing([row.reply.clone()]);
            let next = Upstream::playing([next.clone()]);
            let (first, second) = (format!("{}-first", row.name), format!("{}-next", row.name));
            config["targets"][&first] = with(table(&failing), settings.clone());
            config["targets"][&second] = cloud(&next);
            config["routes"][row.name] = json!([first, second]);
            (failing, next)
        })
        .collect();
    let gateway = Setup::new(config).start();
    thread::scope(|scope| {
        for (row, (failing, next)) in rows.iter().zip(&upstreams) {
            let gateway = &gateway;
            scope.spawn(move || check(gateway, row, mode, failing, next));
        }
    });
}

fn check(gateway: &Gateway, row: &Row, mode: Mode, failing: &Upstream, next: &Upstream) {
    let name = row.name;
    let mut question = asking("Hi");
    question["model"] = name.into();
    let (text, tried, header) = match mode {
        Mode::Whole => {
            let answer = gateway.chat(&question);
            (answer.text(), answer.attempts(), answer.head)
        }
        Mode::Streamed => {
            let answer = gateway.stream(&question).streamed();
            assert!(
                answer.done && answer.ended == Ended::InOrder,
                "{name}: {answer:?}"
            );
            let disclosed = answer.disclosure();
            let tried = attempts(disclosed.unwrap_or_else(|| panic!("{name}: {answer:?}")));
            (answer.text(), tried, answer.head)
        }
    };
    assert_eq!(text, "Here.", "{name}, {mode:?}");
    let outcome = match mode {
        Mode::Streamed => row.outcome.streamed,
        Mode::Whole => row.outcome.whole,
    };
    let mut expected = vec![format!("{name}-first:{outcome}"); row.asked];
    expected.push(format!("{name}-next:ok"));
    assert_eq!(tried, expected, "{name}, {mode:?}");
    let asked = |seen: &&Seen| seen.line().starts_with("POST ");
    assert_eq!(
        failing.seen().iter().filter(asked).count(),
        row.asked,
        "{name}, {mode:?}: how often the first was asked"
    );
    assert_eq!(next.count(), 1, "{name}, {mode:?}");
    let header = header.header("x-pilotlight-attempts").unwrap();
    assert!(header.ends_with(&format!("{name}-next:ok")), "{header}");
}
