//! The ledger against a recount: thousands of requests that go every way there is, through two
//! isolates, with the Worker killed and started again half-way.
//!
//! # What it is held against
//!
//! What the scripted upstreams did, by their own record, and what the callers got. Nothing that the
//! ledger says is used: tokens are those that an upstream told, a cost is those times its price.

mod calls;
mod script;
mod sums;

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use self::script::{BOX, Scripted};
use self::sums::Table;
use crate::admin::{KEY, operator};
use crate::gateway::{Gateway, Setup};
use crate::tools;
use crate::upstream::PATIENCE;

/// How many requests there are; a part of them are callers' mistakes.
const REQUESTS: usize = 10_000;

/// What a token costs at each target in the cloud, in picodollars: of the prompt, of the answer, and of
/// the prompt when it was cached. Most have no other price for that.
const PRICES: [(&str, Option<[u128; 3]>); 7] = [
    ("down", Some([123_456_789, 500_000_001, 12_345_678])),
    ("flaky", Some([150_000, 600_000, 150_000])),
    ("well", None),
    ("priced", Some([1_000_000, 2_000_000, 1_000_000])),
    ("cutter", Some([3_000_000, 15_000_000, 300_000])),
    ("goer", Some([2_000_000, 8_000_000, 2_000_000])),
    ("slow", Some([1_000_000, 1_000_000, 1_000_000])),
];

/// The targets at home.
const HOME: [&str; 1] = [BOX];

/// The routes.
const ROUTES: [(&str, &[&str]); 6] = [
    ("auto", &["down", "flaky", "well"]),
    ("home", &[BOX, "priced"]),
    ("inside", &[BOX]),
    ("cut", &["cutter", "goer"]),
    ("slow", &["slow"]),
    ("bare", &["well", "down"]),
];

fn config(scripted: &Scripted) -> Value {
    let mut targets = Map::new();
    for (name, price) in PRICES {
        let mut target = json!({
            "provider": "openai",
            "base_url": format!("{}/v1", scripted.url(name)),
            "model": "cloud-model",
            "attempts": if name == "flaky" { 2 } else { 1 },
            "stream_inside": name == "cutter",
        });
        if let Some(price) = price {
            let [price_in, price_out, price_cached] = price.map(dollars_a_million);
            target["price_in"] = price_in;
            target["price_out"] = price_out;
            if price_cached != target["price_in"] {
                target["price_cached"] = price_cached;
            }
        }
        targets.insert(name.to_owned(), target);
    }
    let at_home = json!({
        "provider": "ollama",
        "base_url": scripted.url(BOX),
        "model": "home-model",
        "home": true,
        "slots": 1,
    });
    targets.insert(BOX.to_owned(), at_home);
    let routes = ROUTES.map(|(name, targets)| (name.to_owned(), json!(targets)));
    let mut config = json!({
        "default_route": "auto",
        "targets": targets,
        "routes": Map::from_iter(routes),
        // No breaker opens but where an upstream throttles, and that one not for long.
        "defaults": {
            "backoff_base": "1ms",
            "backoff_max": "2ms",
            "breaker_failures": 100_000,
            "breaker_min_requests": 1_000_000,
            "breaker_cooldown": "5ms",
            "breaker_cooldown_max": "5ms",
        },
    });
    config["routes"]["inside"] = json!({ "targets": ROUTES[2].1, "privacy": "home" });
    config
}

fn dollars_a_million(picodollars_a_token: u128) -> Value {
    let text = format!(
        "{}.{:06}",
        picodollars_a_token / 1_000_000,
        picodollars_a_token % 1_000_000
    );
    serde_json::from_str(&text).unwrap()
}

/// What the ledger tells once it has so many requests.
fn told(gateway: &Gateway, requests: u64) -> Table {
    let until = Instant::now() + PATIENCE;
    loop {
        let told = operator(gateway, "GET", "/admin/ledger?by=route,target", "");
        assert_eq!(told.status, 200, "{}", told.body);
        let table = Table::told(&told.body);
        let has = table.all.0.requests;
        assert!(has <= requests, "it has {has} of {requests}");
        if has == requests {
            return table;
        }
        assert!(Instant::now() < until, "it has {has} of {requests}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_ledger_is_a_recount_of_ten_thousand_requests_to_the_last_picodollar() {
    let scripted = Scripted::start();
    let mut gateway = Setup::new(config(&scripted))
        .secret("PILOTLIGHT_ADMIN_KEY", KEY)
        .isolates(2)
        .start();
    let began = Instant::now();
    let mut all = calls::make(&gateway, &scripted, 0..REQUESTS / 2);
    let half = Table::recounted(&all, &scripted.deeds());
    told(&gateway, half.all.0.requests);
    gateway.kill();
    gateway.restart();

    all.extend(calls::make(&gateway, &scripted, REQUESTS / 2..REQUESTS));
    let recount = Table::recounted(&all, &scripted.deeds());
    let told = told(&gateway, recount.all.0.requests);
    tools::say(&format!("{REQUESTS} requests took {:?}", began.elapsed()));

    for (key, line) in &recount.targets {
        assert_eq!(told.targets.get(key), Some(line), "{key:?}");
    }
    for (route, ends) in &recount.routes {
        assert_eq!(told.routes.get(route), Some(ends), "{route}");
    }
    assert_eq!(told, recount, "and nothing else is there");
}
