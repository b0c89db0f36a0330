//! A gateway with a route for each of its cells, and the upstreams behind it.
//!
//! # Why many cells share a gateway
//!
//! Each cell has targets of its own, and so breakers of its own: none meets what another has done. And
//! a fault of one cell that harms requests of other callers is found here and nowhere else.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::cell::{Cell, Delivery};
use super::check::Told;
use super::dialect::OPENAI;
use super::first::{self, STALL};
use super::next;
use super::place::Place;
use crate::gateway::{Gateway, Setup, with};
use crate::upstream::{Reply, Seen, Upstream};
use crate::wire;

/// A gateway and what stands behind it.
pub(super) struct Bench {
    pub(super) gateway: Gateway,
    /// Plays the first target of every cell.
    pub(super) first: Upstream,
    /// Plays the next target of every cell.
    pub(super) next: Upstream,
    _well: Upstream,
}

impl Bench {
    /// Starts one for cells of one dialect.
    pub(super) fn start(cells: &[Cell]) -> Self {
        let dialect = cells[0].dialect;
        let models: Vec<String> = cells.iter().map(Cell::first).collect();
        let first = scripted(
            cells,
            dialect.path,
            Cell::first,
            |cell, _| first::reply(cell),
            move |_| (dialect.otherwise)(&models),
        );
        let next = scripted(cells, OPENAI.path, Cell::next, next::reply, |_| {
            wire::api(404, &json!({}))
        });
        let text = Place::Middle.text();
        let well = (dialect.whole)("well", &Place::Middle.answer(&text));
        let well = Upstream::playing([wire::api(200, &well)]);
        let gateway = Setup::new(config(cells, &first, &next, &well)).start();
        Self {
            gateway,
            first,
            next,
            _well: well,
        }
    }
}

/// An upstream that plays the part of a target of every cell, and knows by the model which; `path` is
/// where it is asked for answers.
pub(super) fn scripted(
    cells: &[Cell],
    path: &'static str,
    model: fn(&Cell) -> String,
    reply: fn(&Cell, &Seen) -> Reply,
    otherwise: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> Upstream {
    let cells: Arc<BTreeMap<String, Cell>> =
        Arc::new(cells.iter().map(|cell| (model(cell), *cell)).collect());
    Upstream::answering(move |seen| {
        let asked: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        let cell = cells.get(asked["model"].as_str().unwrap_or_default());
        match cell.filter(|_| seen.line().ends_with(path)) {
            Some(cell) => reply(cell, seen),
            None => otherwise(seen),
        }
    })
}

fn config(cells: &[Cell], first: &Upstream, next: &Upstream, well: &Upstream) -> Value {
    let dialect = cells[0].dialect;
    let mut targets = json!({
        "well": with((dialect.target)(well), json!({ "model": "well", "stream_inside": false })),
    });
    let mut routes = json!({});
    for cell in cells {
        let inside = json!({ "stream_inside": cell.delivery == Delivery::Inside, "attempts": 1 });
        let failing = with((dialect.target)(first), json!({ "model": cell.first() }));
        let taking_over = with((OPENAI.target)(next), json!({ "model": cell.next() }));
        targets[cell.first()] = with(with(failing, inside.clone()), patience(cell));
        targets[cell.next()] = with(taking_over, inside);
        let order = json!([cell.first(), cell.next()]);
        routes[cell.route()] = match Told::of(cell) {
            Told::Request | Told::Nobody => order,
            Told::Route => json!({ "targets": order, "mode": cell.mode.word() }),
        };
    }
    json!({
        "default_route": cells[0].route(),
        "targets": targets,
        "routes": routes,
    })
}

/// Short time-outs for targets that only time-outs show to have failed, and only those that ought to:
/// a busy machine must not make another fault of this one.
pub(super) fn patience(cell: &Cell) -> Value {
    if !cell.fault.is_waited_for() {
        return json!({});
    }
    match (cell.delivery, cell.place) {
        (Delivery::Whole, _) => json!({ "attempt_timeout": STALL }),
        // Nothing has been said that could go out: it may count as silence of either kind.
        (_, Place::Before | Place::InCall | Place::BetweenCalls) => json!({
            "headers_timeout": STALL,
            "first_token_timeout": STALL,
            "stall_timeout": STALL,
        }),
        (Delivery::Streamed | Delivery::Inside, _) => json!({ "stall_timeout": STALL }),
    }
}
