//! The admin API on the built Worker: what an operator sees, and what an operator can do.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::caller::{Answer, Request};
use crate::gateway::{Gateway, Setup, asking, chain, cloud, home, with};
use crate::upstream::{Gate, PATIENCE, Reply, Upstream};
use crate::wire;

/// The operator's key.
pub(crate) const KEY: &str = "an-operators-own-key";

pub(crate) fn serving(config: Value) -> Gateway {
    Setup::new(config)
        .secret("PILOTLIGHT_ADMIN_KEY", KEY)
        .start()
}

pub(crate) fn operator(gateway: &Gateway, method: &str, path: &str, body: &str) -> Answer {
    let request = Request::new(method, path)
        .header("authorization", &format!("Bearer {KEY}"))
        .body(body);
    gateway.send(&request).whole()
}

/// What `GET path` tells, which may take a moment to be true.
pub(crate) fn until(gateway: &Gateway, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let told = operator(gateway, "GET", path, "").json();
        if is_so(&told) {
            return told;
        }
        assert!(began.elapsed() < PATIENCE, "{path}: {told:#}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn it_is_closed_without_a_key_and_to_callers_keys() {
    let well = Upstream::playing([wire::completion("Hi.")]);
    let config = chain(&[("cloud", cloud(&well))]);
    let open = Setup::new(config.clone()).start();
    let status = Request::new("GET", "/admin/status");
    let told = open.send(&status).whole();
    assert_eq!(told.status, 403);
    assert!(told.body.contains("PILOTLIGHT_ADMIN_KEY"), "{}", told.body);

    let both = Setup::new(config)
        .secret("PILOTLIGHT_KEYS", "app=a-callers-key-of-its-own")
        .secret("PILOTLIGHT_ADMIN_KEY", KEY)
        .start();
    assert_eq!(both.send(&status).whole().status, 401);
    let callers = Request::new("GET", "/admin/status")
        .header("authorization", "Bearer a-callers-key-of-its-own");
    assert_eq!(both.send(&callers).whole().status, 401);
    assert_eq!(operator(&both, "GET", "/admin/status", "").status, 200);
    let asking = Request::chat(&asking("Hi")).header("authorization", &format!("Bearer {KEY}"));
    assert_eq!(
        both.send(&asking).whole().status,
        401,
        "it opens nothing else"
    );
}

#[test]
fn its_status_tells_of_targets_boxes_and_who_is_there() {
    let gate = Gate::default();
    let slow = Upstream::playing([Reply::new()
        .after(&gate)
        .and(wire::ollama_stream(&["Home."]))]);
    let down = Upstream::playing([wire::api(503, &json!({ "error": { "message": "Down." } }))]);
    let failing = with(
        cloud(&down),
        json!({ "attempts": 1, "breaker_failures": 1 }),
    );
    let gateway = serving(chain(&[("cloud", failing), ("box", home(&slow))]));
    let address = gateway.address();
    let first = thread::spawn(move || Request::chat(&asking("Hi")).send(address).whole());
    slow.wait_count(1);
    let second = thread::spawn(move || Request::chat(&asking("Hi")).send(address).whole());
    let told = until(&gateway, "/admin/status", |told| {
        told["boxes"][0]["lock"]["queue"][0].is_object()
    });
    let targets = told["targets"].as_array().unwrap();
    let of = |name: &str| targets.iter().find(|it| it["name"] == name).unwrap();
    assert_eq!(of("cloud")["breaker"]["state"], "open", "{told:#}");
    assert_eq!(of("cloud")["breaker"]["cause"], "failing");
    assert!(of("cloud")["breaker"]["until"].as_u64() > told["now"].as_u64());
    assert_eq!(of("box")["breaker"]["state"], "closed");
    let lock = &told["boxes"][0]["lock"];
    assert_eq!(told["boxes"][0]["name"], "box");
    let holder = &lock["holders"][0];
    let lasts = holder["expires"].as_u64().unwrap() - holder["since"].as_u64().unwrap();
    assert_eq!(lasts, 600_000, "{lock}");
    gate.open();
    let first = first.join().unwrap();
    assert_eq!(
        holder["request"],
        first.head.header("x-pilotlight-request-id").unwrap()
    );
    assert_eq!(second.join().unwrap().status, 200);
    let told = until(&gateway, "/admin/status", |told| {
        told["boxes"][0]["lock"]["holders"] == json!([])
    });
    let cloud = &told["targets"].as_array().unwrap();
    let cloud = cloud.iter().find(|it| it["name"] == "cloud").unwrap();
    assert!(cloud["last_failure"]["reason"].is_string(), "{cloud}");
}

#[test]
fn a_breaker_is_tripped_and_reset() {
    let well = Upstream::playing([wire::completion("First.")]);
    let spare = Upstream::playing([wire::completion("Second.")]);
    let gateway = serving(chain(&[("first", cloud(&well)), ("second", cloud(&spare))]));
    assert_eq!(gateway.chat(&asking("Hi")).text(), "First.");
    let told = operator(
        &gateway,
        "POST",
        "/admin/breakers/first/trip",
        r#"{"for":"10m"}"#,
    );
    assert_eq!(
        (told.status, &told.json()["breaker"]),
        (200, &json!("open"))
    );
    assert_eq!(gateway.chat(&asking("Hi")).text(), "Second.");
    let told = operator(&gateway, "POST", "/admin/breakers/first/reset", "");
    assert_eq!(
        told.json(),
        json!({ "target": "first", "breaker": "closed" })
    );
    assert_eq!(gateway.chat(&asking("Hi")).text(), "First.");

    for (path, body, word) in [
        ("/admin/breakers/third/trip", "", "there are: first, second"),
        ("/admin/breakers/first/trip", r#"{"for":"ever"}"#, "'for'"),
        ("/admin/breakers/first/trip", r#"{"four":"1m"}"#, "'four'"),
        ("/admin/breakers/first/trip", "10m", "JSON"),
    ] {
        let told = operator(&gateway, "POST", path, body);
        assert!(matches!(told.status, 400 | 404), "{}", told.body);
        assert!(told.body.contains(word), "{}", told.body);
    }
    let told = operator(&gateway, "GET", "/admin/breakers/first/trip", "");
    assert_eq!(
        (told.status, told.head.header("allow")),
        (405, Some("POST"))
    );
    assert_eq!(operator(&gateway, "GET", "/admin/nothing", "").status, 404);
}

#[test]
fn a_lease_is_ended_by_force() {
    let stuck = Upstream::playing([Reply::new().hold(), wire::ollama_stream(&["Next."])]);
    let gateway = serving(chain(&[("box", home(&stuck))]));
    let address = gateway.address();
    let _first = thread::spawn(move || Request::chat(&asking("Hi")).send(address).whole());
    stuck.wait_count(1);
    let second = thread::spawn(move || Request::chat(&asking("Hi")).send(address).whole());
    until(&gateway, "/admin/status", |told| {
        told["boxes"][0]["lock"]["queue"][0].is_object()
    });
    let told = operator(&gateway, "DELETE", "/admin/locks/box", "");
    assert_eq!(told.json(), json!({ "box": "box", "leases_ended": 1 }));
    assert_eq!(second.join().unwrap().text(), "Next.");
    let told = operator(&gateway, "DELETE", "/admin/locks/attic", "");
    assert_eq!(told.status, 404);
    assert!(told.body.contains("there are: box"), "{}", told.body);
}

#[test]
fn the_ledger_tells_who_answered_and_what_it_cost() {
    let well = Upstream::playing([wire::completion("Hi.")]);
    let down = Upstream::playing([wire::api(503, &json!({ "error": { "message": "Down." } }))]);
    let priced = with(
        cloud(&well),
        json!({ "price_in": 1, "price_out": "2" , "attempts": 1 }),
    );
    let mut priced = priced;
    priced["price_out"] = json!(2);
    let failing = with(
        cloud(&down),
        json!({ "attempts": 1, "breaker_failures": 1000, "breaker_min_requests": 1000 }),
    );
    let gateway = serving(chain(&[("down", failing), ("well", priced)]));
    for _ in 0..3 {
        assert_eq!(gateway.chat(&asking("Hi")).status, 200);
    }
    let told = until(&gateway, "/admin/ledger?by=target", |told| {
        told["total"]["requests"] == 3
    });
    let targets = told["targets"].as_array().unwrap();
    let of = |name: &str| targets.iter().find(|it| it["target"] == name).unwrap();
    assert_eq!(of("down")["failovers"], 3, "{told:#}");
    assert_eq!(of("down")["reasons"], json!({ "overloaded": 3 }));
    assert_eq!(of("well")["answers"], 3);
    let failures = operator(&gateway, "GET", "/admin/failures", "").json();
    assert_eq!(failures["failures"], json!([]));
}
