//! The case that started it: a scheduled job and somebody's run by hand at the same time, at one box that
//! serves one request at a time, with callers that give up after a while.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::admin::{KEY, until};
use crate::caller::Request;
use crate::gateway::{Gateway, Setup, asking, cloud, home, with};
use crate::homebox::HomeBox;
use crate::upstream::{PATIENCE, Upstream};
use crate::wire;

/// How many pairs there are at the box that is scripted, and at the real one.
const SCRIPTED: usize = 50;
const REAL: usize = 50;

/// How long the scripted box takes for a request.
const TAKES: Duration = Duration::from_millis(400);

/// How long its callers wait: for one request before theirs, and not for two.
const LIMIT: Duration = Duration::from_millis(780);

/// A box that serves one request at a time, and those that come meanwhile after it.
fn one_at_a_time() -> (Upstream, Arc<AtomicUsize>) {
    let slot = Mutex::new(());
    let (here, most) = (AtomicUsize::new(0), Arc::<AtomicUsize>::default());
    let highest = Arc::clone(&most);
    let upstream = Upstream::answering(move |seen| {
        highest.fetch_max(here.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let served = slot.lock().unwrap();
        thread::sleep(TAKES);
        drop(served);
        here.fetch_sub(1, Ordering::SeqCst);
        if seen.json()["stream"] == true {
            wire::ollama_stream(&["Home."])
        } else {
            wire::ollama("Home.")
        }
    });
    (upstream, most)
}

/// Two requests at the same moment; what each got before it gave up.
fn pair(requests: [Request; 2], to: [SocketAddr; 2], limit: Duration) -> [Option<String>; 2] {
    let [job, by_hand] = requests;
    let job = thread::spawn(move || job.send_within(to[0], limit));
    let by_hand = by_hand.send_within(to[1], limit);
    [job.join().unwrap(), by_hand]
}

#[test]
fn a_box_that_serves_one_at_a_time_fails_one_of_two_callers_who_ask_it_at_once() {
    let (box_, most) = one_at_a_time();
    let asking = || {
        let messages = json!([{ "role": "user", "content": "Say hello." }]);
        let body = json!({ "model": "home-model", "messages": messages, "stream": false });
        Request::new("POST", "/api/chat").body(body.to_string())
    };
    let to: SocketAddr = box_.url().trim_start_matches("http://").parse().unwrap();
    for _ in 0..5 {
        let got = pair([asking(), asking()], [to, to], LIMIT);
        assert!(got.iter().any(Option::is_none), "{got:?}");
        // What the other gave up is worked off first, or the next pair would fare worse still.
        thread::sleep(TAKES);
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

/// Asks so many times for two answers at once, as a job and by hand, each through an isolate of its own;
/// who answered each.
fn runs(gateway: &Gateway, route: &str, pairs: usize, limit: Duration) -> Vec<String> {
    let question = |settings: Value| {
        let mut question = with(asking("Say hello."), settings);
        question["model"] = route.into();
        Request::chat(&question)
    };
    let mut answered = Vec::new();
    for number in 0..pairs {
        let requests = [
            question(json!({})),
            question(json!({ "stream": true, "max_tokens": 4 })),
        ];
        let to = [gateway.isolate(0), gateway.isolate(1)];
        for got in pair(requests, to, limit) {
            let got = got.unwrap_or_else(|| panic!("{route}: one of pair {number} gave up"));
            assert!(got.starts_with("HTTP/1.1 200 "), "{got}");
            let whole = got.contains("\"object\":\"chat.completion\"");
            assert!(whole || got.contains("data: [DONE]"), "{got}");
            // A header would not do: it goes out before the target is known, where that takes long.
            let told = got.split_once("\"pilotlight\":{\"target\":\"");
            let target = told.and_then(|(_, rest)| rest.split('"').next());
            let target = target.unwrap_or_else(|| panic!("{got}"));
            answered.push(target.to_owned());
        }
    }
    answered
}

#[test]
fn none_of_two_hundred_runs_fails_and_the_ledger_tells_who_answered() {
    let (scripted, most) = one_at_a_time();
    let spare = Upstream::answering(|seen| {
        if seen.json()["stream"] == true {
            wire::stream(&["Cloud."])
        } else {
            wire::completion("Cloud.")
        }
    });
    let real = HomeBox::start("a job and a run by hand at once at a real Ollama");
    let busy = json!({ "wait": "50ms", "max_output": 4 });
    let mut config = json!({
        "default_route": "scripted",
        "targets": {
            "scripted-box": with(home(&scripted), busy.clone()),
            "cloud": cloud(&spare),
        },
        "routes": { "scripted": ["scripted-box", "cloud"] },
    });
    if let Some(real) = &real {
        config["targets"]["real-box"] = with(real.target(), busy);
        config["routes"]["real"] = json!(["real-box", "cloud"]);
    }
    let gateway = Setup::new(config)
        .secret("PILOTLIGHT_ADMIN_KEY", KEY)
        .isolates(2)
        .start();

    let mut all = Vec::new();
    if real.is_some() {
        all.extend(runs(&gateway, "real", REAL, PATIENCE));
        all.extend(runs(&gateway, "scripted", SCRIPTED, LIMIT));
    } else {
        all.extend(runs(&gateway, "scripted", SCRIPTED + REAL, LIMIT));
    }

    assert_eq!(most.load(Ordering::SeqCst), 1, "never two at once");
    assert_eq!(all.len(), 200);
    let path = "/admin/ledger?by=target";
    let told = until(&gateway, path, |told| told["total"]["requests"] == 200);
    let total = &told["total"];
    assert_eq!(
        (&total["answered"], &total["failed"]),
        (&json!(200), &json!(0))
    );
    let mut sum = 0;
    for row in told["targets"].as_array().unwrap() {
        let name = row["target"].as_str().unwrap();
        let answers = all.iter().filter(|it| *it == name).count();
        assert_eq!(row["answers"], answers, "{told:#}");
        assert!(answers > 0, "{told:#}");
        sum += answers;
    }
    assert_eq!(sum, 200);
    let at_cloud = all.iter().filter(|it| *it == "cloud").count();
    assert_eq!(total["at_home"], 200 - at_cloud);
    assert_eq!(spare.count(), at_cloud);
}
