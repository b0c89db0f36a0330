//! A box that is reached by a binding: the service that Workers VPC would be is a server or a Worker of
//! the test's own, bound under `HOME`.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::caller::Request;
use crate::gateway::{Gateway, Setup, asking, chain, cloud, home, with};
use crate::homebox::HomeBox;
use crate::upstream::{PATIENCE, Reply, Seen, Upstream};
use crate::wire;

/// How long the gateway may take to hang up.
const SOON: Duration = Duration::from_secs(1);

/// A target's table with its address taken out and the binding in its place; and that address.
fn behind_binding(mut table: Value) -> (Value, String) {
    let address = table.as_object_mut().unwrap().remove("base_url").unwrap();
    table["binding"] = "HOME".into();
    (table, address.as_str().unwrap().to_owned())
}

/// A gateway whose `box` is this upstream behind the binding, and `cloud` the next.
fn gateway(upstream: &Upstream, next: &Upstream, settings: Value) -> Gateway {
    let (target, address) = behind_binding(with(home(upstream), settings));
    Setup::new(chain(&[("box", target), ("cloud", cloud(next))]))
        .service("HOME", &address)
        .start()
}

fn never() -> Upstream {
    Upstream::playing([wire::completion("never")])
}

fn streaming() -> Value {
    with(asking("Hi"), json!({ "stream": true }))
}

#[test]
fn the_box_is_asked_through_the_binding_and_sees_a_host_that_it_answers_to() {
    let (upstream, next) = (Upstream::playing([wire::ollama("Home.")]), never());
    let gateway = gateway(&upstream, &next, json!({}));

    let answer = gateway.chat(&asking("Hi"));
    let stream = gateway.stream(&asking("Hi")).streamed();

    assert_eq!(answer.text(), "Home.");
    assert_eq!(answer.attempts(), ["box:ok"]);
    assert_eq!(stream.text(), "Home.");
    assert!(stream.done, "{stream:?}");
    for seen in upstream.seen() {
        assert_eq!(seen.line(), "POST /api/chat");
        assert_eq!(seen.head.header("host"), Some("localhost"));
        assert_eq!(seen.json()["model"], "home-model");
    }
    assert_eq!((upstream.count(), next.count()), (2, 0));
}

#[test]
fn the_other_dialect_and_its_key_go_the_same_way() {
    let upstream = Upstream::playing([wire::completion("Home.")]);
    let (target, address) = behind_binding(with(cloud(&upstream), json!({ "key": "BOX_KEY" })));
    let gateway = Setup::new(chain(&[("box", target)]))
        .secret("BOX_KEY", "sesame-sesame")
        .service("HOME", address.trim_end_matches("/v1"))
        .start();

    assert_eq!(gateway.chat(&asking("Hi")).text(), "Home.");

    let seen = upstream.only();
    assert_eq!(seen.line(), "POST /v1/chat/completions");
    assert_eq!(
        seen.head.header("authorization"),
        Some("Bearer sesame-sesame")
    );
}

#[test]
fn a_long_stream_comes_piece_by_piece_and_whole() {
    let words: Vec<String> = (0..300).map(|number| format!("{number} ")).collect();
    let said: Vec<&str> = words.iter().map(String::as_str).collect();
    let upstream = Upstream::playing([wire::stream(&said)]);
    let (target, address) = behind_binding(cloud(&upstream));
    let gateway = Setup::new(chain(&[("box", target)]))
        .service("HOME", address.trim_end_matches("/v1"))
        .start();

    let answer = gateway.stream(&asking("Hi")).streamed();

    assert_eq!(answer.text(), words.concat());
    assert!(answer.done && answer.error().is_none(), "{answer:?}");
}

#[test]
fn what_many_callers_send_at_once_arrives_as_it_was_sent() {
    let upstream = Upstream::answering(|seen| {
        let content = seen.json()["messages"][0]["content"].clone();
        let content = content.as_str().unwrap();
        let first = content.chars().next().unwrap();
        assert!(content.chars().all(|letter| letter == first), "{first}");
        wire::ollama(&format!("{first}{}", content.len()))
    });
    let next = never();
    let gateway = gateway(
        &upstream,
        &next,
        json!({ "context": 200_000, "slots": 100 }),
    );
    thread::scope(|scope| {
        for (number, letter) in ('a'..='p').enumerate() {
            let gateway = &gateway;
            scope.spawn(move || {
                let length = 20_000 + number * 5_000;
                let answer = gateway.chat(&asking(&letter.to_string().repeat(length)));
                assert_eq!(answer.text(), format!("{letter}{length}"));
                assert_eq!(answer.attempts(), ["box:ok"]);
            });
        }
    });
}

#[test]
fn a_real_ollama_behind_the_binding_answers_and_is_let_go_of() {
    let Some(home) = HomeBox::start("a real Ollama behind a binding") else {
        return;
    };
    let (target, address) = behind_binding(home.target());
    let gateway = Setup::new(chain(&[("box", target)]))
        .service("HOME", &address)
        .start();
    let hello = asking("Say hello in one sentence.");

    let whole = gateway.chat(&hello);
    assert_eq!(whole.status, 200, "{whole:?}");
    assert!(!whole.text().trim().is_empty(), "{whole:?}");
    assert_eq!(whole.attempts(), ["box:ok"]);

    let streamed = gateway.stream(&hello).streamed();
    assert!(streamed.done && streamed.error().is_none(), "{streamed:?}");
    assert!(!streamed.text().trim().is_empty(), "{streamed:?}");

    let long = with(
        asking("Tell a very long story."),
        json!({ "max_tokens": 1500 }),
    );
    let mut left = gateway.stream(&long);
    left.first_words();
    left.leave();
    let hung_up = |lines: &[String]| {
        let of_it = lines.iter().any(|line| line.contains("cancel task"));
        of_it.then_some(())
    };
    home.server
        .wait(PATIENCE, "Ollama to be let go of", hung_up);
}

#[test]
fn a_caller_who_leaves_ends_the_call_at_the_box() {
    let silent = || Reply::new().hold();
    let speaking = || wire::ollama_said(&["Hal"]).hold();
    for (question, reply) in [
        (streaming(), silent()),
        (streaming(), speaking()),
        (asking("Hi"), silent()),
        (asking("Hi"), speaking()),
    ] {
        let (upstream, next) = (Upstream::playing([reply]), never());
        let gateway = gateway(&upstream, &next, json!({}));

        let mut left = Instant::now();
        Request::chat(&question).send_and_leave(gateway.address(), || {
            upstream.wait_count(1);
            thread::sleep(Duration::from_millis(300));
            left = Instant::now();
        });

        let took = upstream.wait_left(0).saturating_duration_since(left);
        assert!(took < SOON, "it was hung up on after {took:?}");
        let line: Value = serde_json::from_str(&gateway.log_lines(1)[0]).unwrap();
        assert_eq!(line["outcome"], "caller_left", "{line}");
        assert_eq!((upstream.count(), next.count()), (1, 0));
    }
}

#[test]
fn a_box_that_is_silent_is_looked_at_and_then_hung_up_on() {
    let upstream = Upstream::answering(|seen| match seen.line().as_str() {
        "GET /api/ps" => wire::api(200, &json!({ "models": [{ "name": "home-model" }] })),
        _ => Reply::new().hold(),
    });
    let next = Upstream::playing([wire::completion("Here.")]);
    let short = json!({ "headers_timeout": "300ms", "attempt_timeout": "300ms" });
    let gateway = gateway(&upstream, &next, short);

    let answer = gateway.chat(&asking("Hi"));

    assert_eq!(answer.text(), "Here.");
    assert_eq!(answer.attempts()[0], "box:headers_timeout");
    upstream.wait_left(0);
    let lines: Vec<String> = upstream.seen().iter().map(Seen::line).collect();
    assert_eq!(lines, ["POST /api/chat", "GET /api/ps"]);
}

#[test]
fn a_redirect_is_not_followed_out_of_the_binding() {
    let elsewhere = never();
    let location = format!("{}/api/chat", elsewhere.url());
    let upstream = Upstream::playing([Reply::whole(307, &[("location", &location)], "")]);
    let next = Upstream::playing([wire::completion("Here.")]);
    let gateway = gateway(&upstream, &next, json!({}));

    let answer = gateway.chat(&asking("Hi"));

    assert_eq!(answer.attempts(), ["box:redirected", "cloud:ok"]);
    assert_eq!(elsewhere.count(), 0);
}

/// A Worker in the place of Workers VPC: it throws or answers what the request's model says.
const FAILING: &str = r#"
export default {
  async fetch(request) {
    const { model } = await request.json();
    const [how, text] = model.split("/");
    if (how === "throws") throw new Error(`ProxyError: ${text} (192.168.178.23)`);
    if (how === "breaks") throw new Error("192.168.178.23");
    return new Response(`ProxyError: ${text} (192.168.178.23)`, { status: 500 });
  },
};
"#;

#[test]
fn whatever_workers_vpc_throws_or_answers_has_a_name_and_the_next_target_answers() {
    let codes = [
        ("connection_refused", "origin_refused"),
        ("connection_terminated", "unreachable"),
        ("connection_timeout", "tunnel_timeout"),
        ("connection_read_timeout", "tunnel_timeout"),
        ("connection_limit_reached", "overloaded"),
        ("destination_unavailable", "tunnel_down"),
        ("destination_not_found", "tunnel_down"),
        ("destination_ip_prohibited", "tunnel_down"),
        ("destination_ip_unroutable", "tunnel_down"),
        ("proxy_loop_detected", "tunnel_down"),
        ("dns_error", "tunnel_down"),
        ("dns_timeout", "tunnel_down"),
        ("tls_protocol_error", "unreachable"),
        ("tls_certificate_error", "unreachable"),
        ("http_request_error", "unreachable"),
        ("http_upgrade_failed", "unreachable"),
        ("http_request_denied", "access_denied"),
        ("http_protocol_error", "unreachable"),
        ("http_response_incomplete", "unreachable"),
        ("connection_write_timeout", "unreachable"),
        ("rate_limited", "throttled"),
        ("proxy_internal_error", "tunnel_down"),
        ("a_code_of_tomorrow", "tunnel_down"),
    ];
    let rows = ["throws", "answers"]
        .into_iter()
        .flat_map(|how| codes.map(|(code, reason)| (format!("{how}/{code}"), reason)))
        .chain([("breaks/it".to_owned(), "unreachable")]);
    let rows: Vec<(String, &str)> = rows.collect();
    let next = Upstream::playing([wire::completion("Here.")]);
    let mut config = chain(&[("cloud", cloud(&next))]);
    for (model, _) in &rows {
        config["targets"][format!("at-{model}")] = json!({
            "provider": "ollama", "binding": "HOME", "model": model, "home": true, "attempts": 1,
        });
        config["routes"][model] = json!([format!("at-{model}"), "cloud"]);
    }
    let gateway = Setup::new(config).worker("HOME", FAILING).start();

    for (model, reason) in &rows {
        let answer = gateway.chat(&with(asking("Hi"), json!({ "model": model })));

        assert_eq!(answer.text(), "Here.", "{model}");
        let expected = [format!("at-{model}:{reason}"), "cloud:ok".to_owned()];
        assert_eq!(answer.attempts(), expected);
        assert!(!format!("{answer:?}").contains("192.168"), "{answer:?}");
        let id = answer.head.header("x-pilotlight-request-id").unwrap();
        let line = gateway.log_line(id).to_string();
        assert!(
            !line.contains("192.168") && !line.contains("ProxyError"),
            "{line}"
        );
    }
}

#[test]
fn a_box_that_refuses_the_connection_behind_a_plain_service_is_unreachable() {
    let (target, _) = behind_binding(home(&never()));
    let next = Upstream::playing([wire::completion("Here.")]);
    let gateway = Setup::new(chain(&[("box", target), ("cloud", cloud(&next))]))
        .service("HOME", &Upstream::nowhere())
        .start();

    let answer = gateway.chat(&asking("Hi"));

    assert_eq!(answer.text(), "Here.");
    assert_eq!(answer.attempts().last().unwrap(), "cloud:ok");
    assert_eq!(answer.attempts()[0], "box:unreachable");
}

#[test]
fn a_binding_that_is_not_there_or_fetches_nothing_passes_the_target_over() {
    let next = Upstream::playing([wire::completion("Here.")]);
    let bound =
        |name: &str| json!({ "provider": "ollama", "binding": name, "model": "m", "home": true });
    let config = chain(&[
        ("none", bound("HOME")),
        ("text", bound("A_SECRET")),
        ("store", bound("BREAKERS")),
        ("object", bound("PILOTLIGHT")),
        ("odd", bound("toString")),
        ("cloud", cloud(&next)),
    ]);
    let gateway = Setup::new(config).secret("A_SECRET", "a-secret").start();

    let answer = gateway.chat(&asking("Hi"));

    assert_eq!(answer.text(), "Here.");
    let expected = [
        "none:no_binding",
        "text:no_binding",
        "store:no_binding",
        "object:no_binding",
        "odd:no_binding",
        "cloud:ok",
    ];
    assert_eq!(answer.attempts(), expected);
    let models = gateway
        .send(&Request::new("GET", "/v1/models/none"))
        .whole();
    assert_eq!(models.json()["pilotlight"]["binding"], "missing");
}

#[test]
fn where_only_a_binding_is_missing_the_configuration_says_which() {
    let target = json!({ "provider": "ollama", "binding": "HOME", "model": "m", "home": true });

    let answer = Setup::new(chain(&[("box", target)]))
        .start()
        .chat(&asking("Hi"));

    assert_eq!(answer.status, 500, "{answer:?}");
    let told = answer.json()["error"].to_string();
    assert!(
        told.contains("vpc_services") && told.contains("HOME"),
        "{told}"
    );
}
