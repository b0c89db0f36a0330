//! The way home: what Cloudflare's edge and its Access say, told apart, and what they are given.

use serde_json::json;

use crate::caller::Request;
use crate::failures::{Mode, Row, check_all, row};
use crate::gateway::{Setup, asking, chain, home, with};
use crate::upstream::{Reply, Upstream};
use crate::wire;

const PAGE: &str = "<!DOCTYPE html><html><title>Sorry</title></html>";
const LOGIN: &str = "https://team.cloudflareaccess.com/cdn-cgi/access/login/ollama.example.com";

#[test]
fn whatever_is_wrong_on_the_way_home_has_a_name_and_the_next_target_answers() {
    for mode in [Mode::Whole, Mode::Streamed] {
        check_all(&wrongs(), mode, home);
    }
}

fn wrongs() -> [Row; 11] {
    let edge = [
        ("cf-error-type", "1xxx"),
        ("cf-error-origin", "edge"),
        ("server", "cloudflare"),
    ];
    let made_by_edge = |status, page: &str| wire::page(status, &edge, page);
    let no_tunnel = made_by_edge(530, "<title>error code: 1033</title>");
    let no_name = made_by_edge(530, "<title>error code: 1016</title>");
    let problem = json!({
        "title": "Error 1033: Cloudflare Tunnel error",
        "status": 530,
        "error_code": 1033,
        "error_name": "tunnel_error",
        "cloudflare_error": true,
        "retryable": true,
        "retry_after": 120,
    });
    let kind = [("content-type", "application/problem+json")];
    let problem = Reply::whole(530, &kind, &problem.to_string());
    let login = wire::page(302, &[("location", LOGIN)], "");
    [
        row("no-tunnel", no_tunnel, "tunnel_down", 1),
        row("no-tunnel-problem", problem, "tunnel_down", 1),
        row("no-name", no_name, "tunnel_down", 1),
        row(
            "nothing-listens",
            made_by_edge(502, PAGE),
            "origin_refused",
            1,
        ),
        row(
            "nothing-listens-empty",
            Reply::whole(502, &[], ""),
            "origin_refused",
            1,
        ),
        row("too-slow", made_by_edge(524, PAGE), "tunnel_timeout", 1),
        row("access-login", login, "access_denied", 1),
        row("access-401", wire::page(401, &[], PAGE), "access_denied", 1),
        row("access-403", wire::page(403, &[], PAGE), "access_denied", 1),
        row("host-403", Reply::whole(403, &[], ""), "host_refused", 1),
        row("login-page", wire::page(200, &[], PAGE), "not_an_api", 1),
    ]
}

#[test]
fn the_way_home_carries_the_service_token_and_nothing_of_the_callers() {
    let upstream = Upstream::playing([wire::ollama("Home.")]);
    let target = with(
        home(&upstream),
        json!({ "access_id": "HOME_ID", "access_secret": "HOME_SECRET" }),
    );
    let gateway = Setup::new(chain(&[("box", target)]))
        .secret("HOME_ID", "abc.access")
        .secret("HOME_SECRET", "cfast_secret")
        .secret("PILOTLIGHT_KEYS", "alice=pl-alice-long-secret")
        .start();
    let request = Request::chat(&asking("Hi"))
        .header("authorization", "Bearer pl-alice-long-secret")
        .header("origin", "https://app.example.com")
        .header("referer", "https://app.example.com/chat")
        .header("cookie", "session=1")
        .header("x-forwarded-for", "203.0.113.7")
        .header("cf-access-client-id", "of-the-caller");

    let answer = gateway.send(&request).whole();

    assert_eq!(answer.text(), "Home.");
    let seen = upstream.only();
    assert_eq!(seen.line(), "POST /api/chat");
    assert_eq!(seen.head.header("cf-access-client-id"), Some("abc.access"));
    assert_eq!(
        seen.head.header("cf-access-client-secret"),
        Some("cfast_secret")
    );
    assert!(
        seen.head.header("user-agent").is_some(),
        "bot rules refuse a call without one"
    );
    for name in [
        "authorization",
        "origin",
        "referer",
        "cookie",
        "x-forwarded-for",
        "cf-connecting-ip",
    ] {
        assert_eq!(seen.head.header(name), None, "{name} stays here");
    }
}
