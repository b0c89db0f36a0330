//! The target that fails: its answer up to the place, and then the fault.

use std::time::Duration;

use serde_json::json;

use super::cell::{Cell, Delivery, Fault};
use super::dialect::{self, Shows};
use super::place::Place;
use crate::upstream::Reply;
use crate::wire;

/// The silence that the gateway bears in cells that only a time-out ends.
pub(super) const STALL: &str = "400ms";

/// How often and for how long pings come: for well over that.
const PINGS: u32 = 40;
const BETWEEN_PINGS: Duration = Duration::from_millis(50);

/// How many pieces of garbage come in a row. A gateway may pass over a few.
const GARBAGE: usize = 8;

/// So long that what was sent is read before a reset, which may throw away what is unread.
const BEFORE_RESET: Duration = Duration::from_millis(30);

/// What the failing target of a cell does.
pub(super) fn reply(cell: &Cell) -> Reply {
    let no = || json!({ "error": { "message": "No." } });
    match cell.fault {
        Fault::Throttled => wire::api(429, &no()),
        Fault::Broken => wire::api(500, &no()),
        Fault::Page => wire::page(200, &[], "<html><body>Sorry</body></html>"),
        Fault::NoHeaders => Reply::new().hold(),
        Fault::Reset
        | Fault::CleanEnd
        | Fault::FramingCut
        | Fault::Silence
        | Fault::Pings
        | Fault::ErrorInside
        | Fault::Garbage => fail(cell, begun(cell)),
    }
}

/// The answer up to the place.
fn begun(cell: &Cell) -> Reply {
    match cell.delivery {
        Delivery::Streamed | Delivery::Inside => stream(cell),
        Delivery::Whole => body(cell),
    }
}

fn stream(cell: &Cell) -> Reply {
    let Cell { dialect, place, .. } = cell;
    let who = &cell.first();
    let begun = (dialect.begin)(who);
    let said = place.said().iter().fold(begun, |reply, words| {
        reply.chunk(&(dialect.text)(who, words))
    });
    let parts = |at: usize| (dialect.call)(who, at, &place.calls()[at]);
    match place {
        Place::Before | Place::First | Place::Middle | Place::End | Place::Body => said,
        Place::Finished => said.chunk(&(dialect.finish)(who, "stop")),
        Place::InCall | Place::InCallAfterText => said.chunk(&parts(0)[0]),
        Place::BetweenCalls => said.chunk(&parts(0).concat()),
        Place::InSecondCall => {
            let [part, rest] = parts(1);
            let shown = match dialect.shows {
                Shows::Part => part,
                Shows::All => part + &rest,
            };
            said.chunk(&parts(0).concat()).chunk(&shown)
        }
    }
}

fn body(cell: &Cell) -> Reply {
    let head = Reply::chunked(200, &[("content-type", "application/json")]);
    if cell.place != Place::Body {
        return head;
    }
    let text = cell.place.text();
    let whole = (cell.dialect.whole)(&cell.first(), &cell.place.answer(&text)).to_string();
    let [half, _] = dialect::halves(&whole);
    head.chunk(&half)
}

fn fail(cell: &Cell, begun: Reply) -> Reply {
    match cell.fault {
        Fault::Reset => begun.pause(BEFORE_RESET).reset(),
        Fault::CleanEnd => begun.end(),
        Fault::Silence => begun.hold(),
        Fault::Pings => {
            let ping = (cell.dialect.ping)(&cell.first());
            let pings = (0..PINGS).fold(begun, |reply, _| reply.chunk(&ping).pause(BETWEEN_PINGS));
            pings.hold()
        }
        Fault::ErrorInside => with_inside(cell, begun, &(cell.dialect.error)().to_string(), 1),
        Fault::Garbage => with_inside(cell, begun, "{\"choi", GARBAGE),
        Fault::FramingCut | Fault::Throttled | Fault::Broken | Fault::Page | Fault::NoHeaders => {
            begun
        }
    }
}

/// In a stream what is wrong comes in pieces of their own, and the target stays on the line.
fn with_inside(cell: &Cell, begun: Reply, wrong: &str, times: usize) -> Reply {
    match cell.delivery {
        Delivery::Streamed | Delivery::Inside => {
            let piece = (cell.dialect.frame)(wrong);
            (0..times)
                .fold(begun, |reply, _| reply.chunk(&piece))
                .hold()
        }
        Delivery::Whole => begun.chunk(wrong).end(),
    }
}
