//! What must be true of one cell: what the caller got, what either target saw, and that the gateway
//! goes on.

use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bench::Bench;
use super::cell::{Cell, Delivery, Mode, Outcome};
use super::dialect::ToolCall;
use super::heard::{Call, Heard};
use super::next::GoOn;
use super::place::Place;
use crate::caller::Request;
use crate::upstream::{Seen, Upstream};

/// The longest that a cell may take. No default time-out is that short, so whatever waits for one is
/// found out.
const LONGEST: Duration = Duration::from_secs(5);

/// What the caller gives the gateway, in seconds: what takes that long has failed, and ends.
const DEADLINE: &str = "10";

/// How long the gateway may take to hang up, after its answer.
const HANG_UP: Duration = Duration::from_secs(3);

/// Asks and compares; answers what the caller got, or what is not as it should be.
pub(super) fn check(cell: &Cell, bench: &Bench) -> Result<Outcome, String> {
    let started = Instant::now();
    let heard = ask(cell, bench);
    let took = started.elapsed();
    let next = requests(&bench.next, &cell.next());
    let outcome = outcome(cell, &heard, &next);
    let checked = || {
        is_one_of("the outcome", &outcome, cell.expected())?;
        let in_time = took < LONGEST;
        same(&format!("in time ({took:?})"), &in_time, &true)?;
        match outcome {
            Outcome::Error => is_told(cell, &heard)?,
            Outcome::Complete | Outcome::Spliced | Outcome::Whole => {
                is_answered(cell, outcome, &heard)?;
            }
        }
        tells_attempts(cell, outcome, &heard)?;
        first_target_saw(cell, bench)?;
        next_target_saw(cell, outcome, &next)?;
        goes_on(bench)
    };
    let checked: Result<(), String> = checked();
    checked.map_err(|told| format!("{told}\n  {heard:?}"))?;
    Ok(outcome)
}

fn ask(cell: &Cell, bench: &Bench) -> Heard {
    let request = Request::chat(&question(cell)).header("x-pilotlight-timeout", DEADLINE);
    let request = mode(cell, request);
    let incoming = request.send(bench.gateway.address());
    match cell.delivery {
        Delivery::Streamed if incoming.status() == 200 => Heard::stream(incoming.streamed()),
        Delivery::Streamed | Delivery::Inside | Delivery::Whole => Heard::body(&incoming.whole()),
    }
}

pub(super) fn question(cell: &Cell) -> Value {
    let mut question = json!({ "model": cell.route(), "messages": conversation() });
    if !cell.place.calls().is_empty() {
        let tool = |call: &ToolCall| {
            let parameters = json!({ "type": "object" });
            json!({ "type": "function", "function": { "name": call.name, "parameters": parameters } })
        };
        let tools: Vec<Value> = cell.place.calls().iter().map(tool).collect();
        question["tools"] = tools.into();
    }
    if cell.delivery == Delivery::Streamed {
        question["stream"] = true.into();
    }
    if cell.counts() {
        question["stream_options"] = json!({ "include_usage": true });
    }
    question
}

fn conversation() -> Vec<Value> {
    vec![
        json!({ "role": "system", "content": "You know every lighthouse." }),
        json!({ "role": "user", "content": "Tell me of Skagen's." }),
    ]
}

/// The mode is told by the request where the route does not tell it.
fn mode(cell: &Cell, request: Request) -> Request {
    match Told::of(cell) {
        Told::Request => request.header("x-pilotlight-mode", cell.mode.word()),
        Told::Route | Told::Nobody => request,
    }
}

/// Who tells the mode: in turn from cell to cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Request,
    Route,
    /// It is the default.
    Nobody,
}

impl Told {
    pub(super) fn of(cell: &Cell) -> Self {
        match (cell.number % 4, cell.mode) {
            (0 | 1, _) => Self::Request,
            (2, Mode::Takeover) => Self::Nobody,
            _ => Self::Route,
        }
    }
}

/// What the caller got, by what the targets saw and whose words came.
pub(super) fn outcome(cell: &Cell, heard: &Heard, next: &[Seen]) -> Outcome {
    if heard.error.is_some() {
        return Outcome::Error;
    }
    let Some(asked) = next.first() else {
        return Outcome::Complete;
    };
    let of_next = |call: &Call| call.id.contains(&cell.next());
    if GoOn::asked_for(&asked.json()).is_some() || !heard.calls.iter().all(of_next) {
        Outcome::Spliced
    } else {
        Outcome::Whole
    }
}

pub(super) fn is_answered(cell: &Cell, outcome: Outcome, heard: &Heard) -> Result<(), String> {
    let answer = cell.place.text();
    same("the status", &heard.status, &200)?;
    same("the text", &heard.text, &answer)?;
    calls(cell.place.calls(), heard)?;
    let finish = cell.place.answer(&answer).finish();
    same("the finish reasons", &heard.finishes, &[finish])?;
    same("the roles", &heard.roles, &["assistant"])?;
    same("the number of ids", &heard.ids.len(), &1)?;
    same("the number of models", &heard.models.len(), &1)?;
    same("an end in order, with [DONE]", &heard.ended, &true)?;
    let asked = cell.counts() || cell.delivery != Delivery::Streamed;
    let told = heard.usage.as_ref();
    if !asked {
        return same("usage that was not asked for", &told, &None);
    }
    if cell.counted(outcome) {
        let tokens = told.and_then(|told| told["completion_tokens"].as_u64());
        same("tokens in the usage", &(tokens > Some(0)), &true)?;
    }
    Ok(())
}

/// Calls with whole arguments, each in one piece, each with an id of its own.
fn calls(expected: &[ToolCall], heard: &Heard) -> Result<(), String> {
    let json = |text: &str| serde_json::from_str::<Value>(text).ok();
    let got: Vec<_> = heard
        .calls
        .iter()
        .map(|call| (call.name.as_str(), json(&call.arguments)))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|call| (call.name, json(call.arguments)))
        .collect();
    same("the tool calls", &got, &expected)?;
    let mut ids: Vec<&str> = heard.calls.iter().map(|call| call.id.as_str()).collect();
    ids.retain(|id| !id.is_empty());
    ids.sort_unstable();
    ids.dedup();
    same("ids of tool calls", &ids.len(), &got.len())?;
    let pieces: Vec<usize> = heard.calls.iter().map(|call| call.pieces).collect();
    same("pieces of tool calls", &pieces, &vec![1; got.len()])
}

/// An error that OpenAI's SDKs raise, after what had gone out, and no sign of an end.
pub(super) fn is_told(cell: &Cell, heard: &Heard) -> Result<(), String> {
    let error = heard.error.as_ref().unwrap_or(&Value::Null);
    let message = error["message"].as_str().unwrap_or_default();
    same("an empty message", &message.is_empty(), &false)?;
    let tells_tales = error.to_string().contains("tell-tale");
    same("an upstream's own words", &tells_tales, &false)?;
    same("the finish reasons", &heard.finishes, &[""; 0])?;
    same("an end as of a whole answer", &heard.ended, &false)?;
    match cell.delivery {
        Delivery::Streamed => {
            same("the status", &heard.status, &200)?;
            same("the words so far", &heard.text, &cell.place.said().concat())?;
            calls(cell.place.called(), heard)
        }
        Delivery::Inside | Delivery::Whole => same("the status", &heard.status, &503),
    }
}

/// Every attempt is told: who was asked, and whether that answered.
fn tells_attempts(cell: &Cell, outcome: Outcome, heard: &Heard) -> Result<(), String> {
    let told = heard.attempts.as_deref().unwrap_or_default();
    let told: Vec<(&str, bool)> = told
        .iter()
        .filter_map(|attempt| attempt.split_once(':'))
        .map(|(target, outcome)| (target, outcome == "ok"))
        .collect();
    let (first, next) = (cell.first(), cell.next());
    let expected = match outcome {
        Outcome::Complete => vec![(first.as_str(), true)],
        Outcome::Error => vec![(first.as_str(), false)],
        Outcome::Spliced | Outcome::Whole => vec![(first.as_str(), false), (next.as_str(), true)],
    };
    same("the attempts", &told, &expected)
}

/// It was asked once, as a stream or not, and hung up on where it would have stayed.
fn first_target_saw(cell: &Cell, bench: &Bench) -> Result<(), String> {
    let seen = requests(&bench.first, &cell.first());
    same("requests at the first target", &seen.len(), &1)?;
    asked_as(cell, &seen[0])?;
    let until = Instant::now() + HANG_UP;
    let stays = || cell.stays() && requests(&bench.first, &cell.first())[0].left.is_none();
    while stays() && Instant::now() < until {
        thread::sleep(Duration::from_millis(10));
    }
    same("a first target that is not hung up on", &stays(), &false)
}

/// It was not asked at all, or once: the same question, or the same with the answer so far and what to
/// do with it.
fn next_target_saw(cell: &Cell, outcome: Outcome, seen: &[Seen]) -> Result<(), String> {
    if matches!(outcome, Outcome::Complete | Outcome::Error) {
        return same("requests at the next target", &seen.len(), &0);
    }
    same("requests at the next target", &seen.len(), &1)?;
    asked_as(cell, &seen[0])?;
    let asked = seen[0].json();
    let mut messages = asked["messages"].as_array().cloned().unwrap_or_default();
    match GoOn::asked_for(&asked) {
        Some(go_on) => {
            let said = cell.place.said().concat();
            same("the answer so far, as it was told", &go_on.partial, &said)?;
            let anchor = go_on.anchor();
            let words = go_on.partial.split_whitespace().count().min(2);
            let quoted = anchor.split_whitespace().count() >= words;
            let instruction = &go_on.instruction;
            same(&format!("last words in {instruction:?}"), &quoted, &true)?;
            messages.truncate(messages.len() - 2);
        }
        // What is made of a call that is out already is the gateway's affair.
        None if cell.place == Place::InSecondCall => messages.truncate(conversation().len()),
        None => {}
    }
    same("the conversation", &messages, &conversation())
}

fn asked_as(cell: &Cell, seen: &Seen) -> Result<(), String> {
    let streams = seen.json()["stream"] == true;
    same(
        "a stream upstream",
        &streams,
        &(cell.delivery != Delivery::Whole),
    )
}

/// The next request is answered, by a target that is well.
fn goes_on(bench: &Bench) -> Result<(), String> {
    let question = json!({ "model": "well", "messages": conversation() });
    let answer = bench.gateway.chat(&question);
    same("the status of the next request", &answer.status, &200)?;
    same("the next answer", &answer.text(), &Place::Middle.text())
}

/// `got` is `expected`. An assertion would be loud at once; the matrix lists all cells that fail.
pub(super) fn same<G, E>(what: &str, got: &G, expected: &E) -> Result<(), String>
where
    G: PartialEq<E> + Debug,
    E: Debug,
{
    if got == expected {
        return Ok(());
    }
    Err(format!("{what}: {got:?} instead of {expected:?}"))
}

pub(super) fn is_one_of<T: PartialEq + Debug>(
    what: &str,
    got: &T,
    expected: &[T],
) -> Result<(), String> {
    if expected.contains(got) {
        return Ok(());
    }
    Err(format!("{what}: {got:?} instead of {expected:?}"))
}

/// The requests for a model.
pub(super) fn requests(upstream: &Upstream, model: &str) -> Vec<Seen> {
    let mut seen = upstream.seen();
    seen.retain(|seen| seen.head.word(0) == "POST" && seen.json()["model"] == model);
    seen
}
