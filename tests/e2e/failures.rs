//! A table of failures: each happens to a target of its own, and the next target answers.

use std::thread;

use serde_json::{Value, json};

use crate::caller::attempts;
use crate::gateway::{Gateway, Setup, asking, chain, cloud, with};
use crate::http::Ended;
use crate::upstream::{Reply, Upstream};
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
    /// What the attempts list says of it.
    outcome: &'static str,
    /// How often the target is asked, of two times at most.
    asked: usize,
}

/// One row of a table.
pub(crate) fn row(name: &'static str, reply: Reply, outcome: &'static str, asked: usize) -> Row {
    Row {
        name,
        reply,
        outcome,
        asked,
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
    let outcome = match (row.outcome, mode) {
        // The headers of an answer that is not streamed come when it is made.
        ("headers_timeout", Mode::Whole) => "attempt_timeout",
        (outcome, Mode::Streamed | Mode::Whole) => outcome,
    };
    let mut expected = vec![format!("{name}-first:{outcome}"); row.asked];
    expected.push(format!("{name}-next:ok"));
    assert_eq!(tried, expected, "{name}, {mode:?}");
    assert_eq!(
        failing.count(),
        row.asked,
        "{name}, {mode:?}: how often the first was asked"
    );
    assert_eq!(next.count(), 1, "{name}, {mode:?}");
    let header = header.header("x-pilotlight-attempts").unwrap();
    assert!(header.ends_with(&format!("{name}-next:ok")), "{header}");
}
