//! Who is let in, and with what: refusals that name the field, keys, and browsers' origins.

use serde_json::{Value, json};

use crate::caller::Request;
use crate::gateway::{Gateway, Setup, asking, chain, cloud, with};
use crate::upstream::Upstream;
use crate::wire;

#[test]
fn a_mistaken_request_is_refused_with_the_name_of_the_field_and_asks_nobody() {
    let upstream = Upstream::playing([wire::completion("never")]);
    let config = chain(&[("cloud", cloud(&upstream))]);
    let gateway = Setup::new(with(config, json!({ "max_body": 2000 }))).start();
    let said = |message: Value| json!([message]);
    let rows = [
        (raw("{\"model\": \"auto\","), None),
        (raw("[]"), None),
        (raw("{\"messages\": []}"), Some("model")),
        (raw("{\"model\": \"auto\"}"), Some("messages")),
        (ask("messages", json!([])), Some("messages")),
        (ask("messages", json!("Hi")), Some("messages")),
        (
            ask("messages", said(json!({ "content": "Hi" }))),
            Some("messages[0].role"),
        ),
        (
            ask("messages", said(json!({ "role": "king", "content": "Hi" }))),
            Some("messages[0].role"),
        ),
        (
            ask("messages", said(json!({ "role": "user", "content": 5 }))),
            Some("messages[0].content"),
        ),
        (ask("model", json!(4)), Some("model")),
        (ask("stream", json!("yes")), Some("stream")),
        (
            ask("stream_options", json!({ "include_usage": 1 })),
            Some("stream_options.include_usage"),
        ),
        (ask("temperature", json!("hot")), Some("temperature")),
        (ask("tools", json!({})), Some("tools")),
        (ask("max_tokens", json!(0)), Some("max_tokens")),
    ];
    for (request, param) in rows {
        assert_refused(&gateway, &request, 400, param);
    }
    assert_refused(&gateway, &Request::new("GET", "/v1/nothing"), 404, None);
    assert_refused(
        &gateway,
        &Request::new("GET", "/v1/chat/completions"),
        405,
        None,
    );
    assert_refused(&gateway, &Request::new("DELETE", "/v1/models"), 405, None);
    let plain = Request::new("POST", "/v1/chat/completions").body("{}");
    assert_refused(
        &gateway,
        &plain.header("content-type", "text/plain"),
        415,
        None,
    );
    let long = said(json!({ "role": "user", "content": "x".repeat(3000) }));
    let large = assert_refused(&gateway, &ask("messages", long), 413, None);
    assert!(
        large["message"].as_str().unwrap().contains("2000"),
        "{large}"
    );
    assert_eq!(upstream.count(), 0);
}

/// A request with one field set.
fn ask(field: &str, value: Value) -> Request {
    let mut body = asking("Hi");
    body[field] = value;
    Request::chat(&body)
}

/// A request with any body.
fn raw(body: &str) -> Request {
    let request = Request::new("POST", "/v1/chat/completions");
    request
        .header("content-type", "application/json")
        .body(body)
}

fn assert_refused(gateway: &Gateway, request: &Request, status: u16, param: Option<&str>) -> Value {
    let answer = gateway.send(request).whole();
    let error = answer.json()["error"].clone();
    assert_eq!(answer.status, status, "{request:?}: {error}");
    assert_eq!(error["param"], json!(param), "{request:?}: {error}");
    assert!(error["type"].is_string(), "{error}");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{error}"
    );
    let id = answer.head.header("x-pilotlight-request-id");
    assert!(id.is_some(), "{request:?}: {answer:?}");
    error
}

#[test]
fn a_wrong_method_is_told_which_are_right() {
    let gateway = Setup::new(chain(&[("cloud", cloud(&Upstream::playing([])))])).start();

    let answer = gateway
        .send(&Request::new("GET", "/v1/chat/completions"))
        .whole();

    assert_eq!(answer.status, 405);
    let allowed = answer.head.header("allow").unwrap_or_default();
    assert!(allowed.contains("POST"), "{allowed}");
}

#[test]
fn only_a_holder_of_a_key_is_served() {
    let upstream = Upstream::playing([wire::completion("Hi.")]);
    let gateway = Setup::new(chain(&[("cloud", cloud(&upstream))]))
        .secret(
            "PILOTLIGHT_KEYS",
            "alice=pl-alice-long-secret,bob=pl-bob-long-secret",
        )
        .start();
    let ask = |authorization: Option<&str>| {
        let request = Request::chat(&asking("Hi"));
        let request = match authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        };
        gateway.send(&request).whole()
    };
    let refused = [
        None,
        Some("Bearer pl-alice-long-secre"),
        Some("Bearer alice"),
        Some("Bearer "),
        Some("Basic cGwtYWxpY2Utc2VjcmV0"),
        Some("pl-alice-long-secret"),
    ];
    for authorization in refused {
        let answer = ask(authorization);
        assert_eq!(answer.status, 401, "{authorization:?}");
        let error = &answer.json()["error"];
        assert_eq!(
            error["code"], "invalid_api_key",
            "{authorization:?}: {error}"
        );
        assert!(!answer.body.contains("secret"), "{}", answer.body);
    }
    assert_eq!(
        upstream.count(),
        0,
        "nobody was asked for a caller without a key"
    );
    let models = gateway.send(&Request::new("GET", "/v1/models")).whole();
    assert_eq!(models.status, 401);

    for authorization in ["Bearer pl-alice-long-secret", "bearer pl-bob-long-secret"] {
        assert_eq!(ask(Some(authorization)).text(), "Hi.");
    }
    for seen in upstream.seen() {
        assert_eq!(
            seen.head.header("authorization"),
            None,
            "a caller's key stays here"
        );
    }
}

#[test]
fn without_keys_only_this_machine_is_served_unless_the_config_says_public() {
    let upstream = Upstream::playing([wire::completion("Hi.")]);
    let config = chain(&[("cloud", cloud(&upstream))]);
    let local = Setup::new(config.clone()).start();
    let public = Setup::new(with(config, json!({ "public": true }))).start();
    let ask = |gateway: &Gateway, host: &str| {
        let request = Request::chat(&asking("Hi")).header("host", host);
        gateway.send(&request).whole()
    };

    for host in ["localhost:8787", "127.0.0.1:8787", "[::1]:8787"] {
        assert_eq!(ask(&local, host).text(), "Hi.", "{host}");
    }
    let served = upstream.count();
    for host in [
        "pilotlight.example.workers.dev",
        "localhost.example.com",
        "192.168.1.7:8787",
    ] {
        let answer = ask(&local, host);
        assert_eq!(answer.status, 500, "{host}: {answer:?}");
        let error = &answer.json()["error"];
        assert_eq!(error["type"], "configuration_error");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("PILOTLIGHT_KEYS") && message.contains("public"),
            "{message}"
        );
    }
    assert_eq!(upstream.count(), served, "nobody was asked");
    assert_eq!(ask(&public, "pilotlight.example.workers.dev").text(), "Hi.");
}

#[test]
fn browsers_may_ask_from_the_allowed_origins_and_no_others() {
    let upstream = Upstream::playing([wire::completion("Hi.")]);
    let config = with(
        chain(&[("cloud", cloud(&upstream))]),
        json!({ "allowed_origins": ["https://app.example.com"] }),
    );
    let gateway = Setup::new(config).start();
    let preflight = |origin: &str| {
        let request = Request::new("OPTIONS", "/v1/chat/completions")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,content-type",
            );
        gateway.send(&request).whole()
    };

    let allowed = preflight("https://app.example.com");

    assert!(matches!(allowed.status, 200 | 204), "{allowed:?}");
    let header = |name| allowed.head.header(name).unwrap_or_default().to_lowercase();
    assert_eq!(
        header("access-control-allow-origin"),
        "https://app.example.com"
    );
    assert!(
        header("access-control-allow-methods").contains("post"),
        "{allowed:?}"
    );
    for name in ["authorization", "content-type"] {
        assert!(
            header("access-control-allow-headers").contains(name),
            "{allowed:?}"
        );
    }
    assert!(header("vary").contains("origin"), "{allowed:?}");
    let refused = preflight("https://evil.example.com");
    assert_eq!(refused.head.header("access-control-allow-origin"), None);
    assert_eq!(upstream.count(), 0);

    let request = Request::chat(&asking("Hi")).header("origin", "https://app.example.com");
    let answer = gateway.send(&request).whole();
    assert_eq!(answer.text(), "Hi.");
    assert_eq!(
        answer.head.header("access-control-allow-origin"),
        Some("https://app.example.com")
    );
    let exposed = answer
        .head
        .header("access-control-expose-headers")
        .unwrap_or_default();
    assert!(
        exposed.to_lowercase().contains("x-pilotlight-target"),
        "{answer:?}"
    );
}
