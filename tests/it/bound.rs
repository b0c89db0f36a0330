//! Targets that are reached by a binding: what a bound service throws or answers in the box's place
//! becomes a reason, and the next target answers.

use serde_json::{Value, json};

use crate::world::{Got, Step, World, chat_head, ok, reply, with_headers};

const SECRET: &str = "192.168.178.23";

fn config() -> Value {
    json!({
        "default_route": "auto",
        "targets": {
            "box": {"provider": "openai", "binding": "HOME", "model": "m", "home": true, "attempts": 1},
            "away": {"provider": "openai", "binding": "UNSET_HOME", "model": "m", "home": true},
            "public": {"provider": "openai", "base_url": "https://a.test/v1", "model": "m",
                "home": true, "attempts": 1},
            "cloud": {"provider": "openai", "base_url": "https://b.test/v1", "model": "m"}
        },
        "routes": {
            "auto": ["box", "cloud"], "away": ["away", "cloud"], "only": ["away"],
            "public": ["public", "cloud"]
        }
    })
}

fn question(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Hi"}]})
}

fn plain(status: u16, body: &str) -> Step {
    with_headers(reply(status, body), |headers| {
        headers.content_type = Some("text/plain".to_owned());
    })
}

/// Asks, whole and streamed, with the box doing this; answers the attempts of both.
fn attempts(model: &str, target: &str, step: &Step) -> Vec<String> {
    [false, true]
        .map(|streamed| {
            let world = World::new(&config());
            world
                .script(target, [step.clone()])
                .script("cloud", [ok("Here.")]);
            let mut question = question(model);
            question["stream"] = streamed.into();
            let got = world.chat(&question);
            assert_eq!(got.status, 200, "{got:?}");
            let told = format!("{got:?} {:?}", world.log());
            assert!(!told.contains(SECRET), "{told}");
            assert!(!told.contains("ProxyError"), "{told}");
            got.header("x-pilotlight-attempts").to_owned()
        })
        .to_vec()
}

#[test]
fn what_a_bound_service_throws_has_the_name_that_the_tunnel_would_give_it() {
    for (text, reason) in [
        (
            "Error: ProxyError: connection_refused 192.168.178.23",
            "origin_refused",
        ),
        ("ProxyError: connection_timeout", "tunnel_timeout"),
        ("ProxyError: connection_read_timeout", "tunnel_timeout"),
        ("ProxyError: destination_unavailable", "tunnel_down"),
        ("ProxyError: dns_error", "tunnel_down"),
        ("ProxyError: 192.168.178.23", "tunnel_down"),
        ("ProxyError: connection_terminated", "unreachable"),
        ("Network connection lost.", "unreachable"),
        ("192.168.178.23", "unreachable"),
    ] {
        let expected = format!("box:{reason},cloud:ok");
        for found in attempts("auto", "box", &Step::Throw(text)) {
            assert_eq!(found, expected, "{text}");
        }
    }
}

#[test]
fn what_it_answers_in_the_boxs_place_means_the_same() {
    let refused = plain(500, "ProxyError: connection_refused");
    for found in attempts("auto", "box", &refused) {
        assert_eq!(found, "box:origin_refused,cloud:ok");
    }
    let limited = plain(500, "ProxyError: rate_limited");
    for found in attempts("auto", "box", &limited) {
        assert_eq!(found, "box:throttled,cloud:ok", "a status of nobody's");
    }
}

#[test]
fn a_server_at_an_address_may_say_what_it_likes() {
    let refused = plain(500, "ProxyError: connection_refused");
    for found in attempts("public", "public", &refused) {
        assert_eq!(found, "public:500,cloud:ok");
    }
}

#[test]
fn a_target_whose_service_is_not_bound_is_skipped_and_said() {
    let world = World::new(&config());
    world.script("cloud", [ok("Here.")]);
    let got = world.chat(&question("away"));
    assert_eq!(
        got.header("x-pilotlight-attempts"),
        "away:no_binding,cloud:ok"
    );
    assert!(world.seen("away").is_empty());
    let got = world.chat(&question("only"));
    assert_eq!(got.status, 503, "{got:?}");
    assert!(got.body.contains("away:no_binding"), "{got:?}");
}

#[test]
fn the_list_of_models_says_what_is_bound() {
    let world = World::new(&config());
    let binding = |name: &str| -> Value {
        let mut head = chat_head();
        "GET".clone_into(&mut head.method);
        head.path = format!("/v1/models/{name}");
        let got: Got = world.ask(&head, "");
        got.json()["pilotlight"]["binding"].clone()
    };
    assert_eq!(binding("box"), "present");
    // The route `away` hides the target of that name.
    assert_eq!(binding("cloud"), "none");
}

#[test]
fn a_box_that_is_away_opens_its_breaker_as_it_does_behind_a_tunnel() {
    let world = World::new(&config());
    world
        .script("box", [Step::Throw("ProxyError: destination_unavailable")])
        .script("cloud", [ok("Here.")]);
    let mut seen = Vec::new();
    for _ in 0..7 {
        let got = world.chat(&question("auto"));
        seen.push(got.header("x-pilotlight-attempts").to_owned());
    }
    assert_eq!(seen[0], "box:tunnel_down,cloud:ok");
    assert_eq!(seen[6], "box:breaker_open,cloud:ok");
}
