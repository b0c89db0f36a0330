//! The chain: whatever fails before the first token, the next target answers, and nothing that the
//! failed one said is seen.

use std::time::Duration;

use serde_json::json;

use crate::caller::{Request, attempts};
use crate::failures::{Mode, Row, check_all, row};
use crate::gateway::{Setup, asking, chain, cloud, with};
use crate::upstream::{Reply, Upstream};
use crate::wire;

const PAGE: &str = "<html><body>Sorry</body></html>";

#[test]
fn whatever_fails_before_the_first_token_gives_way_to_the_next_target() {
    let mut rows = Vec::from(errors());
    rows.extend(broken_connections());
    rows.extend(answers_that_are_none());
    check_all(&rows, Mode::Whole, cloud);
    let error = wire::openai_error("server_error", "server_error", "We are sorry.");
    let sse = Reply::chunked(200, &[("content-type", "text/event-stream")]);
    let inside = sse.chunk(&wire::event(&error)).end();
    rows.push(row("inside-a-stream", inside, "overloaded", 2));
    check_all(&rows, Mode::Streamed, cloud);
}

fn errors() -> [Row; 8] {
    let error = |status, kind, code| wire::api(status, &wire::openai_error(kind, code, "No."));
    let limit = error(429, "requests", "rate_limit_exceeded");
    let quota = error(429, "insufficient_quota", "insufficient_quota");
    let server = error(500, "server_error", "server_error");
    let key = error(401, "invalid_request_error", "invalid_api_key");
    let model = error(404, "invalid_request_error", "model_not_found");
    [
        row("429", limit, "throttled", 2),
        row("spent", quota, "spend_limit", 1),
        row("500", server, "overloaded", 2),
        row("503-page", wire::page(503, &[], PAGE), "overloaded", 2),
        row("401", key, "credential", 1),
        row("402", error(402, "billing", "broke"), "spend_limit", 1),
        row(
            "403",
            error(403, "permission", "forbidden"),
            "credential",
            1,
        ),
        row("404", model, "model_missing", 1),
    ]
}

fn broken_connections() -> [Row; 5] {
    let half = Reply::new().bytes(b"HTTP/1.1 200 OK\r\ncontent-ty").hold();
    let other = Reply::new().bytes(b"SSH-2.0-OpenSSH_9.9\r\n");
    [
        row("reset", Reply::new().reset(), "unreachable", 2),
        row("closed", Reply::new(), "unreachable", 2),
        // The headers of an answer that is not streamed come when it is made.
        row("silence", Reply::new().hold(), "headers_timeout", 1).or_whole("attempt_timeout"),
        row("half-a-head", half, "headers_timeout", 1).or_whole("attempt_timeout"),
        row("no-http", other, "unreachable", 2),
    ]
}

fn answers_that_are_none() -> [Row; 5] {
    let json = |body: &str| Reply::whole(200, &[("content-type", "application/json")], body);
    let error = wire::openai_error("server_error", "server_error", "We are sorry.");
    let elsewhere = wire::page(302, &[("location", "/elsewhere")], "");
    [
        row("garbage", json("\u{1}{{{"), "not_an_api", 1),
        row("page", wire::page(200, &[], PAGE), "not_an_api", 1),
        row("empty", json(""), "empty", 2),
        row("inside", wire::api(200, &error), "overloaded", 2),
        row("redirect", elsewhere, "redirected", 1),
    ]
}

#[test]
fn an_address_where_nothing_listens_gives_way_to_the_next_target() {
    let next = Upstream::playing([wire::completion("Here.")]);
    let nowhere = with(
        cloud(&next),
        json!({ "base_url": format!("{}/v1", Upstream::nowhere()) }),
    );
    let gateway = Setup::new(chain(&[("nowhere", nowhere), ("next", cloud(&next))])).start();

    let answer = gateway.chat(&asking("Hi"));

    assert_eq!(answer.text(), "Here.");
    assert_eq!(
        answer.attempts(),
        ["nowhere:unreachable", "nowhere:unreachable", "next:ok"]
    );
    assert_eq!(next.count(), 1);
}

#[test]
fn a_stream_that_says_nothing_gives_way_and_none_of_it_is_seen() {
    let sse = [("content-type", "text/event-stream")];
    let keep_alive = || Reply::chunked(200, &sse).chunk(": keep-alive\n\n");
    let check = |reply: Reply, outcome: &str, asked: usize| {
        let mute = Upstream::playing([reply]);
        let next = Upstream::playing([wire::stream(&["He", "re."])]);
        let target = with(cloud(&mute), json!({ "first_token_timeout": "1s" }));
        let gateway = Setup::new(chain(&[("mute", target), ("next", cloud(&next))])).start();

        let answer = gateway.stream(&asking("Hi")).streamed();

        assert_eq!(answer.text(), "Here.", "{outcome}");
        let roles = answer
            .chunks
            .iter()
            .filter(|chunk| chunk["choices"][0]["delta"]["role"].is_string());
        assert_eq!(
            roles.count(),
            1,
            "the mute target's first chunk is not seen"
        );
        let mut expected = vec![format!("mute:{outcome}"); asked];
        expected.push("next:ok".to_owned());
        assert_eq!(attempts(answer.disclosure().unwrap()), expected);
        assert_eq!((mute.count(), next.count()), (asked, 1), "{outcome}");
        mute
    };
    let held = check(wire::said(&[]).hold(), "first_token_timeout", 1);
    held.wait_left(0);
    let drip = (0..30).fold(keep_alive(), |reply, _| {
        reply
            .pause(Duration::from_millis(100))
            .chunk(": keep-alive\n\n")
    });
    check(drip.hold(), "first_token_timeout", 1);
    check(wire::said(&[]).end(), "stream_cut", 2);
    check(wire::said(&[]).reset(), "unreachable", 2);
    check(wire::said(&[]).and(wire::stopped()), "empty", 2);
    check(
        keep_alive().chunk("data: {\"choices\": [{\n\n").end(),
        "not_an_api",
        1,
    );
}

#[test]
fn a_slow_answer_that_is_not_streamed_gives_way_when_its_attempt_is_over() {
    let slow = Upstream::playing([Reply::new()
        .bytes(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{")
        .hold()]);
    let next = Upstream::playing([wire::completion("Here.")]);
    let target = with(cloud(&slow), json!({ "attempt_timeout": "1s" }));
    let gateway = Setup::new(chain(&[("slow", target), ("next", cloud(&next))])).start();

    let answer = gateway.chat(&asking("Hi"));

    assert_eq!(answer.text(), "Here.");
    assert_eq!(answer.attempts(), ["slow:attempt_timeout", "next:ok"]);
    slow.wait_left(0);
    assert_eq!((slow.count(), next.count()), (1, 1));
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Upstream::playing([wire::completion("from elsewhere")]);
    let location = format!("{}/v1/chat/completions", elsewhere.url());
    let first = Upstream::playing([wire::page(307, &[("location", &location)], "")]);
    let gateway = Setup::new(chain(&[("first", cloud(&first))])).start();

    let answer = gateway.chat(&asking("Hi"));

    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.attempts(), ["first:redirected"]);
    assert_eq!((first.count(), elsewhere.count()), (1, 0));
}

#[test]
fn a_caller_who_leaves_before_the_first_token_ends_the_call_and_the_chain() {
    let silent = Upstream::playing([wire::said(&[]).hold()]);
    let next = Upstream::playing([wire::stream(&["never"])]);
    let gateway = Setup::new(chain(&[("silent", cloud(&silent)), ("next", cloud(&next))])).start();
    let address = gateway.address();
    let mut question = asking("Hi");
    question["stream"] = true.into();

    Request::chat(&question).send_and_leave(address, || silent.wait_count(1));

    silent.wait_left(0);
    assert_eq!((silent.count(), next.count()), (1, 0));
}
