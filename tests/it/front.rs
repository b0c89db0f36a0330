//! The front: paths, methods, keys, limits, headers.

use pilotlight::config;
use pilotlight::gateway::Head;
use serde_json::{Value, json};

use crate::world::{World, chat_head, ok};

fn config() -> Value {
    json!({
        "allowed_origins": ["https://app.test"],
        "max_body": 2000,
        "targets": {
            "one": {"provider": "openai", "base_url": "https://a.test/v1", "model": "m"},
            "home": {"provider": "ollama", "base_url": "http://127.0.0.1:11434", "model": "llama3.2",
                     "context": 8192, "home": true}
        },
        "routes": {"auto": ["one", "home"], "home": ["home"]}
    })
}

fn get(path: &str) -> Head {
    Head {
        method: "GET".to_owned(),
        path: path.to_owned(),
        host: "localhost".to_owned(),
        ..Head::default()
    }
}

fn locked(keys: &'static str) -> World {
    World::with(config::parse(&config().to_string(), &move |name| {
        (name == "PILOTLIGHT_KEYS").then(|| keys.to_owned())
    }))
}

const QUESTION: &str = r#"{"model":"auto","messages":[{"role":"user","content":"hi"}]}"#;

#[test]
fn a_mistake_in_the_request_names_its_field_and_what_would_be_right() {
    let world = World::new(&config());
    let check = |body: &str, param: &str, says: &str| {
        let got = world.ask(&chat_head(), body);
        assert_eq!(got.status, 400, "{body}: {}", got.body);
        let error = got.json()["error"].clone();
        assert_eq!(error["param"].as_str().unwrap_or(""), param, "{body}");
        assert_eq!(error["type"], "invalid_request_error");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(says), "{body}: {message}");
        assert!(error["pilotlight"]["request_id"].is_string());
    };
    check("", "", "not a JSON object");
    check("[]", "", "not a JSON object");
    check("{\"model\":", "", "not a JSON object");
    check("{}", "model", "is missing");
    check(r#"{"model":7,"messages":[]}"#, "model", "a number (7)");
    check(r#"{"model":"auto"}"#, "messages", "is missing");
    check(
        r#"{"model":"auto","messages":{}}"#,
        "messages",
        "an array of messages",
    );
    check(
        r#"{"model":"auto","messages":[]}"#,
        "messages",
        "at least one message",
    );
    check(
        r#"{"model":"auto","messages":[7]}"#,
        "messages[0]",
        "a number (7)",
    );
    check(
        r#"{"model":"auto","messages":[{}]}"#,
        "messages[0].role",
        "is missing",
    );
    check(
        r#"{"model":"auto","messages":[{"role":"usr","content":"x"}]}"#,
        "messages[0].role",
        "'usr', which is not one of",
    );
    check(
        r#"{"model":"auto","messages":[{"role":"user"}]}"#,
        "messages[0].content",
        "is missing",
    );
    check(
        r#"{"model":"auto","messages":[{"role":"user","content":3}]}"#,
        "messages[0].content",
        "a number (3)",
    );
    let with = |field: &str| QUESTION.replace("\"model\"", &format!("{field},\"model\""));
    check(&with(r#""stream":"yes""#), "stream", "true or false");
    check(
        &with(r#""max_tokens":-1"#),
        "max_tokens",
        "a whole number above 0",
    );
    check(
        &with(r#""max_tokens":1.5"#),
        "max_tokens",
        "a whole number above 0",
    );
    check(&with(r#""temperature":"hot""#), "temperature", "a number");
    check(&with(r#""tools":{}"#), "tools", "an array");
    check(&with(r#""n":0"#), "n", "a whole number above 0");
    check(
        &with(r#""stream_options":1"#),
        "stream_options",
        "an object",
    );
    assert!(world.seen("one").is_empty());
}

#[test]
fn wrong_paths_methods_types_and_sizes_are_told_in_openais_shape() {
    let world = World::new(&config());
    let check = |head: Head, body: &str, status: u16, code: &str| {
        let got = world.ask(&head, body);
        assert_eq!(got.status, status, "{head:?}: {}", got.body);
        assert_eq!(got.json()["error"]["code"], code);
    };
    check(get("/v2/chat"), "", 404, "unknown_url");
    check(get("/v1/chat/completions"), "", 405, "method_not_allowed");
    check(get("/v1/models/nope"), "", 404, "model_not_found");
    let mut form = chat_head();
    form.content_type = Some("text/plain".to_owned());
    check(form, QUESTION, 415, "unsupported_media_type");
    let mut announced = chat_head();
    announced.content_length = Some(2_001);
    check(announced, QUESTION, 413, "request_too_large");
    check(chat_head(), &"x".repeat(2_001), 413, "request_too_large");
    let mut wish = chat_head();
    wish.truncate = Some("maybe".to_owned());
    check(wish, QUESTION, 400, "invalid_value");
    let mut wish = chat_head();
    wish.timeout = Some("soon".to_owned());
    check(wish, QUESTION, 400, "invalid_value");
}

#[test]
fn models_are_the_routes_and_the_targets() {
    let world = World::new(&config());
    let list = world.ask(&get("/v1/models"), "").json();
    let ids: Vec<&str> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["auto", "home", "one"]);
    let auto = world.ask(&get("/v1/models/auto"), "").json();
    assert_eq!(auto["object"], "model");
    assert_eq!(auto["pilotlight"]["targets"], json!(["one", "home"]));
    assert_eq!(auto["pilotlight"]["default"], true);
    let one = world.ask(&get("/v1/models/one"), "").json();
    assert_eq!(one["pilotlight"]["model"], "m");
}

#[test]
fn an_unknown_model_name_goes_to_the_default_route() {
    let world = World::new(&config());
    world.script("one", [ok("x")]);
    let got = world.ask(&chat_head(), &QUESTION.replace("auto", "gpt-4o-mini"));
    assert_eq!(got.status, 200);
    assert_eq!(world.log()[0]["route"], "auto");
    let got = world.ask(&chat_head(), &QUESTION.replace("auto", "one"));
    assert_eq!(got.header("x-pilotlight-attempts"), "one:ok");
}

#[test]
fn keys_open_the_gateway_and_their_holder_is_logged() {
    let world = locked("ann=0123456789abcdef, bob=fedcba9876543210");
    world.script("one", [ok("x")]);
    let ask = |authorization: Option<&str>| {
        let mut head = chat_head();
        head.authorization = authorization.map(str::to_owned);
        head.host = "gateway.test".to_owned();
        world.ask(&head, QUESTION)
    };
    for wrong in [
        None,
        Some("Bearer nope"),
        Some("Bearer "),
        Some("0123456789abcdef"),
        Some("é"),
    ] {
        let got = ask(wrong);
        assert_eq!(got.status, 401, "{wrong:?}");
        assert_eq!(got.json()["error"]["code"], "invalid_api_key");
    }
    assert_eq!(ask(Some("Bearer fedcba9876543210")).status, 200);
    let log = world.log();
    assert_eq!(log[0]["outcome"], "refused");
    assert_eq!(
        (&log[0]["status"], &log[0]["code"]),
        (&json!(401), &json!("invalid_api_key"))
    );
    assert_eq!(log[5]["caller"], "bob");
    assert!(!json!(log).to_string().contains("fedcba"));
}

#[test]
fn without_keys_only_this_machine_is_served_unless_the_config_says_public() {
    let world = World::new(&config());
    world.script("one", [ok("x")]);
    let from = |host: &str| {
        let mut head = chat_head();
        head.host = host.to_owned();
        head
    };
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        assert_eq!(world.ask(&from(host), QUESTION).status, 200, "{host}");
    }
    for host in ["gateway.test", "192.168.1.4", "localhost.evil.test"] {
        let got = world.ask(&from(host), QUESTION);
        assert_eq!(got.status, 500, "{host}");
        assert_eq!(got.json()["error"]["code"], "no_keys_set");
        assert!(got.body.contains("PILOTLIGHT_KEYS"));
    }
    let mut open = config();
    open["public"] = json!(true);
    let world = World::new(&open);
    world.script("one", [ok("x")]);
    assert_eq!(world.ask(&from("gateway.test"), QUESTION).status, 200);
}

#[test]
fn a_forged_host_does_not_open_an_unlocked_gateway_to_another_machine() {
    let world = World::new(&config());
    world.script("one", [ok("x")]);
    let from = |client_ip: &str| {
        let mut head = chat_head();
        head.client_ip = Some(client_ip.to_owned());
        world.ask(&head, QUESTION)
    };
    for client_ip in ["127.0.0.1", "127.0.0.9", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(from(client_ip).status, 200, "{client_ip}");
    }
    for client_ip in ["192.168.1.7", "203.0.113.9", "::ffff:192.168.1.7", "x"] {
        let got = from(client_ip);
        assert_eq!(got.status, 500, "{client_ip}");
        assert_eq!(got.json()["error"]["code"], "no_keys_set", "{client_ip}");
    }
}

#[test]
fn only_allowed_origins_may_read_answers_in_a_browser() {
    let world = World::new(&config());
    let from = |origin: &str, method: &str| {
        let mut head = get("/v1/models");
        head.method = method.to_owned();
        head.origin = Some(origin.to_owned());
        world.ask(&head, "")
    };
    let granted = from("https://app.test", "OPTIONS");
    assert_eq!(granted.status, 204);
    assert_eq!(
        granted.header("access-control-allow-origin"),
        "https://app.test"
    );
    let allowed: Vec<&str> = granted
        .header("access-control-allow-headers")
        .split(", ")
        .collect();
    for sent in [
        "authorization",
        "content-type",
        "idempotency-key",
        "openai-beta",
        "openai-organization",
        "openai-project",
        "x-stainless-arch",
        "x-stainless-custom-poll-interval",
        "x-stainless-helper-method",
        "x-stainless-lang",
        "x-stainless-os",
        "x-stainless-package-version",
        "x-stainless-poll-helper",
        "x-stainless-retry-count",
        "x-stainless-runtime",
        "x-stainless-runtime-version",
        "x-stainless-timeout",
    ] {
        assert!(allowed.contains(&sent), "{sent}");
    }
    let read = from("https://app.test", "GET");
    assert!(
        read.header("access-control-expose-headers")
            .contains("x-pilotlight-target")
    );
    assert_eq!(
        from("https://evil.test", "OPTIONS").header("access-control-allow-origin"),
        ""
    );
    assert_eq!(from("https://evil.test", "GET").header("vary"), "origin");
}

#[test]
fn a_config_with_mistakes_answers_with_all_of_them() {
    let mut bad = config();
    bad["targets"]["home"]["provider"] = json!("olama");
    bad["routes"]["auto"] = json!(["one", "nobody"]);
    let world = World::new(&bad);
    let got = world.ask(&chat_head(), QUESTION);
    assert_eq!(got.status, 500);
    assert_eq!(got.json()["error"]["type"], "configuration_error");
    let mistakes = got.json()["error"]["pilotlight"]["mistakes"].clone();
    let paths: Vec<&str> = mistakes
        .as_array()
        .unwrap()
        .iter()
        .map(|mistake| mistake["path"].as_str().unwrap())
        .collect();
    assert!(paths.contains(&"targets.home.provider"), "{paths:?}");
    assert!(
        paths.iter().any(|path| path.starts_with("routes.auto")),
        "{paths:?}"
    );
}

#[test]
fn health_needs_no_key() {
    let world = locked("ann=0123456789abcdef");
    let mut head = get("/healthz");
    head.host = "gateway.test".to_owned();
    assert_eq!(world.ask(&head, "").json()["status"], "ok");
}
