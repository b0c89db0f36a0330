//! The callers of the recount: 25 ways for a request to go, in turn, and what each caller got.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::script::{BOX, Scripted, TEXT, words};
use crate::caller::{Answer, Request, Streamed, attempts};
use crate::gateway::Gateway;
use crate::upstream::PATIENCE;

/// How many call at once.
const CALLERS: usize = 12;

/// How a caller calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Whole,
    Streamed,
    /// It leaves when this target has been asked.
    LeavesSilence(&'static str),
    /// It leaves when it has heard the first words.
    LeavesWords,
    /// What it sends is no request.
    Mistaken,
}

/// A request.
struct Plan {
    /// What it calls the model.
    model: String,
    /// The route that this is.
    route: &'static str,
    manner: Manner,
    headers: &'static [(&'static str, &'static str)],
    acts: Vec<(&'static str, String)>,
}

/// How a request ended, as its caller saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Answered,
    Broke,
    Failed,
    Left,
    Refused,
}

/// What a caller got.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) number: usize,
    pub(super) route: &'static str,
    pub(super) ended: Ended,
    /// What was tried, as the answer tells it: targets and outcomes. Who left was told nothing.
    pub(super) tried: Vec<(String, String)>,
    /// Whether the answer says that the request stayed at home.
    pub(super) private: bool,
    /// Whether it came as a stream, which has a first word.
    pub(super) streamed: bool,
}

/// Makes these requests, through both isolates in turns; what each caller got.
pub(super) fn make(gateway: &Gateway, scripted: &Scripted, numbers: Range<usize>) -> Vec<Got> {
    let next = AtomicUsize::new(numbers.start);
    let all = Mutex::new(Vec::new());
    let isolates = [gateway.isolate(0), gateway.isolate(1)];
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        return;
                    }
                    let got = call(isolates[number / 25 % 2], scripted, number, &plan(number));
                    all.lock().unwrap().push(got);
                }
            });
        }
    });
    all.into_inner().unwrap()
}

/// A count of tokens that is no other request's, as the upstreams read it. It is large, so that what
/// thousands of answers cost is more than 2^53 picodollars.
fn counted(number: usize) -> String {
    let (read, wrote) = (1_000 + number * 7_919 % 999_983, 1 + number * 31 % 4_999);
    format!(":{read}:{}:{wrote}", read / 3)
}

fn plan(number: usize) -> Plan {
    match number % 25 {
        kind @ 0..7 => by_default(number, kind),
        kind @ 7..12 => private_or_home(number, kind),
        kind @ 12..18 => broken(number, kind),
        18 => {
            let acts = ["down", "flaky", "well"].map(|target| (target, "503".to_owned()));
            plain("auto", Manner::Whole, &acts)
        }
        19 => plain(
            "slow",
            Manner::LeavesSilence("slow"),
            &[("slow", "silent".to_owned())],
        ),
        20 => plain("slow", Manner::LeavesWords, &[("slow", "hangs".to_owned())]),
        21 => plain("auto", Manner::Mistaken, &[]),
        // A target may be asked for by its name, and is its own route then.
        22 => plain("priced", Manner::Streamed, &[("priced", ok(number))]),
        23 => {
            let nothing = format!("nothing:{}:0:0", 1_000 + number);
            auto(number, Manner::Streamed, nothing)
        }
        _ => plain(
            "bare",
            Manner::Whole,
            &[("well", ok(number)), ("down", ok(number))],
        ),
    }
}

fn plain(route: &'static str, manner: Manner, acts: &[(&'static str, String)]) -> Plan {
    Plan {
        model: route.to_owned(),
        route,
        manner,
        headers: &[],
        acts: acts.to_vec(),
    }
}

fn ok(number: usize) -> String {
    format!("ok{}", counted(number))
}

fn auto(number: usize, manner: Manner, first: String) -> Plan {
    let acts = [("down", first), ("flaky", ok(number)), ("well", ok(number))];
    plain("auto", manner, &acts)
}

/// Through the default route, mostly with a detour.
fn by_default(number: usize, kind: usize) -> Plan {
    match kind {
        0 => auto(number, Manner::Whole, ok(number)),
        1 => auto(number, Manner::Streamed, ok(number)),
        2 => auto(number, Manner::Streamed, "503".to_owned()),
        3 => auto(number, Manner::Whole, "429".to_owned()),
        // Asked twice, the second answers.
        4 => {
            let twice = format!("503/{}", ok(number));
            let acts = [
                ("down", "503".to_owned()),
                ("flaky", twice),
                ("well", ok(number)),
            ];
            plain("auto", Manner::Streamed, &acts)
        }
        // The one that answers does not count.
        5 => {
            let acts = [("down", "503"), ("flaky", "503/503"), ("well", "ok")];
            plain(
                "auto",
                Manner::Whole,
                &acts.map(|(target, act)| (target, act.to_owned())),
            )
        }
        // A model of the caller's own naming.
        _ => Plan {
            model: format!("gpt-{number}"),
            ..auto(number, Manner::Streamed, ok(number))
        },
    }
}

/// At the box, or nowhere.
fn private_or_home(number: usize, kind: usize) -> Plan {
    const PRIVATE: &[(&str, &str)] = &[("x-pilotlight-privacy", "home")];

    // Ollama does not tell what it had in its cache.
    let ok_at_home = || format!("ok:{}:0:7", 1_000 + number);
    let home = |manner, act| plain("home", manner, &[(BOX, act), ("priced", ok(number))]);
    match kind {
        7 => home(Manner::Whole, ok_at_home()),
        8 => home(Manner::Streamed, "ok".to_owned()),
        9 => Plan {
            headers: PRIVATE,
            ..plain("home", Manner::Whole, &[(BOX, ok_at_home())])
        },
        10 => plain("inside", Manner::Streamed, &[(BOX, ok_at_home())]),
        _ => Plan {
            headers: PRIVATE,
            ..plain("auto", Manner::Whole, &[])
        },
    }
}

/// Answers that break off, and are gone on with, begun anew or left so.
fn broken(number: usize, kind: usize) -> Plan {
    let cut = || format!("cut{}", counted(number));
    let uncounted = || "cut".to_owned();
    let begun = |manner, cutter, goer| plain("cut", manner, &[("cutter", cutter), ("goer", goer)]);
    match kind {
        12 => begun(Manner::Streamed, uncounted(), ok(number)),
        13 => begun(Manner::Streamed, cut(), ok(number)),
        14 => begun(Manner::Whole, cut(), ok(number)),
        // Nobody can go on; the first is asked once more.
        15 => begun(Manner::Streamed, "cut/503".to_owned(), "503".to_owned()),
        16 => Plan {
            headers: &[("x-pilotlight-mode", "error")],
            ..begun(Manner::Streamed, cut(), "ok".to_owned())
        },
        _ => Plan {
            headers: &[("x-pilotlight-mode", "hold")],
            ..begun(Manner::Streamed, uncounted(), ok(number))
        },
    }
}

fn call(to: SocketAddr, scripted: &Scripted, number: usize, plan: &Plan) -> Got {
    let mut question = json!({
        "model": plan.model,
        "messages": [{ "role": "user", "content": words(number, &plan.acts) }],
    });
    if !matches!(plan.manner, Manner::Whole | Manner::Mistaken) {
        question["stream"] = true.into();
    }
    let request = asking(&question, plan);
    let got = Got {
        number,
        route: plan.route,
        ended: Ended::Left,
        tried: Vec::new(),
        private: false,
        streamed: false,
    };
    match plan.manner {
        Manner::Whole => whole(&got, &request.send(to).whole()),
        Manner::Streamed => {
            let incoming = request.send(to);
            if incoming.status() == 200 {
                streamed(&got, &incoming.streamed())
            } else {
                whole(&got, &incoming.whole())
            }
        }
        Manner::LeavesSilence(target) => {
            request.send_and_leave(to, || {
                let until = Instant::now() + PATIENCE;
                while !scripted.is_asked(number, target) {
                    assert!(Instant::now() < until, "{number}: {target} is not asked");
                    thread::sleep(Duration::from_millis(1));
                }
            });
            got
        }
        Manner::LeavesWords => {
            let mut incoming = request.send(to);
            let _heard = incoming.first_words();
            incoming.leave();
            Got {
                streamed: true,
                ..got
            }
        }
        Manner::Mistaken => {
            let mistaken = match number % 3 {
                0 => asking(&json!({ "model": "auto" }), plan),
                1 => request.header("x-pilotlight-privacy", "nobody"),
                _ => request.body("{"),
            };
            let answer = mistaken.send(to).whole();
            assert_eq!(answer.status, 400, "{number}: {}", answer.body);
            Got {
                ended: Ended::Refused,
                ..got
            }
        }
    }
}

fn asking(question: &Value, plan: &Plan) -> Request {
    let headers = plan.headers.iter();
    headers.fold(Request::chat(question), |request, (name, value)| {
        request.header(name, value)
    })
}

fn whole(got: &Got, answer: &Answer) -> Got {
    let told = answer.json();
    let ended = match answer.status {
        200 => Ended::Answered,
        503 => Ended::Failed,
        status => panic!("no answer has the status {status}: {got:?}"),
    };
    if ended == Ended::Answered {
        assert_eq!(answer.text(), TEXT.concat(), "{got:?}");
    }
    Got {
        ended,
        tried: tried(&told),
        private: is_private(&told),
        ..got.clone()
    }
}

fn streamed(got: &Got, answer: &Streamed) -> Got {
    let broke = answer.error();
    if broke.is_none() {
        assert!(answer.done, "{got:?}: {answer:?}");
        assert_eq!(answer.text(), TEXT.concat(), "{got:?}");
    }
    let told = broke.or(answer.disclosure()).unwrap();
    Got {
        ended: broke.map_or(Ended::Answered, |_| Ended::Broke),
        tried: tried(told),
        private: is_private(told),
        streamed: true,
        ..got.clone()
    }
}

fn tried(told: &Value) -> Vec<(String, String)> {
    let pair = |text: &String| {
        let (target, outcome) = text.split_once(':').unwrap();
        (target.to_owned(), outcome.to_owned())
    };
    attempts(told).iter().map(pair).collect()
}

fn is_private(told: &Value) -> bool {
    let told = told.get("error").unwrap_or(told);
    told["pilotlight"]["private"].is_string()
}
