//! The fault matrix once more, each cell with a private request: between, before and after the targets
//! at home stand clouds that would answer anything, and none of them is asked.
//!
//! What makes a request private, its header, its route or what is found in it, changes from cell to
//! cell. The caller gets what it would have got without the clouds.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::bench::{patience, scripted};
use super::cell::{self, Cell, Delivery, Outcome};
use super::check::{is_answered, is_one_of, is_told, outcome, question, requests, same};
use super::dialect::OPENAI;
use super::heard::Heard;
use super::{AT_A_TIME, alike, first, next, words};
use crate::caller::Request;
use crate::gateway::{Gateway, Setup, cloud, with};
use crate::upstream::Upstream;
use crate::wire;

/// What a cloud says, and nobody else.
const CLOUDY: &str = "Cumulonimbus";

/// An address in a request.
const PERSONAL: &str = "Answer to jane.doe@example.com, please.";

/// Why a cell's request is private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ground {
    Header,
    Route,
    Found,
}

impl Ground {
    /// In turn from cell to cell.
    fn of(cell: &Cell) -> Self {
        match cell.number % 3 {
            0 => Self::Header,
            1 => Self::Route,
            _ => Self::Found,
        }
    }

    fn told(self) -> &'static str {
        match self {
            Self::Header => "caller",
            Self::Route => "route",
            Self::Found => "pii:email",
        }
    }
}

/// A gateway, the homes behind it, and the clouds around them.
struct Sky {
    gateway: Gateway,
    first: Upstream,
    next: Upstream,
    clouds: [Upstream; 3],
}

impl Sky {
    fn over(cells: &[Cell]) -> Self {
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
        let clouds = [(); 3].map(|()| {
            Upstream::answering(|seen| {
                if seen.json()["stream"] == true {
                    wire::stream(&[CLOUDY, "."])
                } else {
                    wire::completion(CLOUDY)
                }
            })
        });
        let gateway = Setup::new(config(cells, &first, &next, &clouds)).start();
        Self {
            gateway,
            first,
            next,
            clouds,
        }
    }

    fn asked_of_clouds(&self) -> usize {
        self.clouds.iter().map(Upstream::count).sum()
    }
}

fn config(cells: &[Cell], first: &Upstream, next: &Upstream, clouds: &[Upstream; 3]) -> Value {
    let dialect = cells[0].dialect;
    let [before, between, after] = clouds;
    let mut targets = json!({
        "before": cloud(before), "between": cloud(between), "after": cloud(after),
    });
    let mut routes = json!({ "sky": ["before", "between", "after"] });
    for cell in cells {
        let inside = json!({
            "stream_inside": cell.delivery == Delivery::Inside,
            "attempts": 1,
            "home": true,
            "slots": AT_A_TIME,
        });
        let failing = with((dialect.target)(first), json!({ "model": cell.first() }));
        let taking_over = with((OPENAI.target)(next), json!({ "model": cell.next() }));
        targets[cell.first()] = with(with(failing, inside.clone()), patience(cell));
        targets[cell.next()] = with(taking_over, inside);
        let homes = [cell.first(), cell.next()];
        routes[cell.route()] = match Ground::of(cell) {
            // A cloud in such a route is a mistake of the config's.
            Ground::Route => json!({ "targets": homes, "privacy": "home" }),
            Ground::Header | Ground::Found => {
                json!(["before", homes[0], "between", homes[1], "after"])
            }
        };
    }
    json!({ "default_route": "sky", "pii": true, "targets": targets, "routes": routes })
}

fn ask(cell: &Cell, sky: &Sky) -> Heard {
    let mut question = question(cell);
    if Ground::of(cell) == Ground::Found {
        question["messages"][0]["content"] = PERSONAL.into();
    }
    let request = Request::chat(&question)
        .header("x-pilotlight-timeout", "10")
        .header("x-pilotlight-mode", cell.mode.word());
    let request = match Ground::of(cell) {
        Ground::Header => request.header("X-Pilotlight-Privacy", "home"),
        Ground::Route | Ground::Found => request,
    };
    let incoming = request.send(sky.gateway.address());
    match cell.delivery {
        Delivery::Streamed if incoming.status() == 200 => Heard::stream(incoming.streamed()),
        Delivery::Streamed | Delivery::Inside | Delivery::Whole => Heard::body(&incoming.whole()),
    }
}

/// Where a request may go is decided apart from what is spoken there. So of the dialects that hardly
/// anybody speaks at home, one cell in four will do.
fn is_checked(cell: &Cell) -> bool {
    let at_home = matches!(cell.dialect.name, "ollama" | "openai");
    at_home || cell.number.is_multiple_of(4)
}

fn check(cell: &Cell, sky: &Sky) -> Result<(), String> {
    let heard = ask(cell, sky);
    let next = requests(&sky.next, &cell.next());
    let outcome = outcome(cell, &heard, &next);
    let checked = || {
        is_one_of("the outcome", &outcome, cell.expected())?;
        match outcome {
            Outcome::Error => is_told(cell, &heard)?,
            Outcome::Complete | Outcome::Spliced | Outcome::Whole => {
                is_answered(cell, outcome, &heard)?;
            }
        }
        let first = requests(&sky.first, &cell.first());
        same("requests at the first home", &first.len(), &1)?;
        let told = heard.attempts.as_deref().unwrap_or_default();
        let struck = told.iter().filter(|told| told.ends_with(":private"));
        let clouds = match Ground::of(cell) {
            Ground::Route => 0,
            Ground::Header | Ground::Found => 3,
        };
        same("the clouds that were struck", &struck.count(), &clouds)?;
        same("a word of a cloud's", &heard.text.contains(CLOUDY), &false)
    };
    let checked: Result<(), String> = checked();
    checked.map_err(|told| format!("{cell}: {told}\n  {heard:?}"))
}

#[test]
fn whatever_fails_at_home_nothing_private_is_asked_of_a_cloud() {
    let mut cells = cell::all();
    cells.retain(is_checked);
    let skies: Vec<Sky> = alike(&cells).map(Sky::over).collect();
    let places: Vec<(&Cell, &Sky)> = alike(&cells)
        .zip(&skies)
        .flat_map(|(cells, sky)| cells.iter().map(move |cell| (cell, sky)))
        .collect();
    let (position, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some((cell, sky)) = places.get(position.fetch_add(1, Ordering::Relaxed)) {
                    let check = AssertUnwindSafe(|| check(cell, sky));
                    let checked = panic::catch_unwind(check);
                    let checked = checked.unwrap_or_else(|told| Err(words(&*told)));
                    if let Err(told) = checked {
                        failed.lock().unwrap().push(told);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let asked: Vec<usize> = skies.iter().map(Sky::asked_of_clouds).collect();
    assert_eq!(asked, vec![0; skies.len()], "requests at clouds");
    assert!(
        failed.is_empty(),
        "{} of {} cells failed:\n\n{}\n",
        failed.len(),
        cells.len(),
        failed.join("\n\n")
    );
    for ground in [Ground::Header, Ground::Route, Ground::Found] {
        let of_it = |(cell, _): &&(&Cell, &Sky)| Ground::of(cell) == ground;
        let (cell, sky) = places.iter().find(of_it).unwrap();
        let line = sky.gateway.log_lines(1).into_iter().find(|line| {
            let line: Value = serde_json::from_str(line).unwrap_or_default();
            line["route"] == cell.route() && line["private"] == ground.told()
        });
        assert!(line.is_some(), "{ground:?}");
    }
    // The same question without the header is a cloud's to answer.
    for (sky, cells) in skies.iter().zip(alike(&cells)) {
        let by_header =
            |cell: &&Cell| Ground::of(cell) == Ground::Header && cell.delivery == Delivery::Whole;
        let cell = cells.iter().find(by_header).unwrap();
        let answer = sky.gateway.chat(&question(cell));
        assert_eq!((answer.status, answer.text().as_str()), (200, CLOUDY));
        assert_eq!(sky.asked_of_clouds(), 1);
    }
}
