//! Time in the chain: the waits that upstreams ask for, and the time that the caller gives.

use std::time::{Duration, SystemTime};

use crate::caller::Request;
use crate::gateway::{Setup, asking, chain, cloud};
use crate::upstream::{Reply, Upstream};
use crate::wire;

#[test]
fn a_wait_that_the_upstream_asks_for_is_waited_out_within_the_cap() {
    let throttled = |headers: &[(&str, &str)]| {
        let body = wire::openai_error("requests", "rate_limit_exceeded", "Slow down.");
        wire::api_with(429, headers, &body)
    };
    let check = |headers: &[(&str, &str)], least: Duration| {
        let upstream = Upstream::playing([throttled(headers), wire::completion("Here.")]);
        let gateway = Setup::new(chain(&[("cloud", cloud(&upstream))])).start();

        let answer = gateway.chat(&asking("Hi"));

        assert_eq!(answer.text(), "Here.", "{headers:?}");
        assert_eq!(answer.attempts(), ["cloud:throttled", "cloud:ok"]);
        let seen = upstream.seen();
        assert_eq!(seen.len(), 2, "{headers:?}");
        let waited = seen[1].at - seen[0].at;
        assert!(waited >= least, "{headers:?}: asked again after {waited:?}");
    };
    check(&[("retry-after", "1")], Duration::from_secs(1));
    check(
        &[("retry-after-ms", "700"), ("retry-after", "60")],
        Duration::from_millis(700),
    );
    // A date has whole seconds, so of three seconds at least two are left.
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(4));
    check(&[("retry-after", &date)], Duration::from_secs(1));
}

#[test]
fn a_wait_beyond_the_cap_is_not_waited_out_but_kept_to() {
    let body = wire::openai_error("requests", "rate_limit_exceeded", "Slow down.");
    let first = Upstream::playing([wire::api_with(429, &[("retry-after", "60")], &body)]);
    let next = Upstream::playing([wire::completion("Here.")]);
    let gateway = Setup::new(chain(&[("first", cloud(&first)), ("next", cloud(&next))])).start();

    let answer = gateway.chat(&asking("Hi"));
    assert_eq!(answer.text(), "Here.");
    assert_eq!(answer.attempts(), ["first:throttled", "next:ok"]);

    let answer = gateway.chat(&asking("Hi"));
    assert_eq!(answer.text(), "Here.");
    assert_eq!(answer.attempts(), ["first:breaker_open", "next:ok"]);
    assert_eq!((first.count(), next.count()), (1, 2));
}

#[test]
fn an_upstream_that_says_not_to_retry_is_not_asked_again() {
    let body = wire::openai_error("server_error", "server_error", "No.");
    let first = Upstream::playing([wire::api_with(500, &[("x-should-retry", "false")], &body)]);
    let next = Upstream::playing([wire::completion("Here.")]);
    let gateway = Setup::new(chain(&[("first", cloud(&first)), ("next", cloud(&next))])).start();

    let answer = gateway.chat(&asking("Hi"));

    assert_eq!(answer.text(), "Here.");
    assert_eq!((first.count(), next.count()), (1, 1));
}

#[test]
fn a_caller_may_set_the_time_for_the_whole_request() {
    let silent = Upstream::playing([Reply::new().hold()]);
    let next = Upstream::playing([Reply::new().hold()]);
    let gateway = Setup::new(chain(&[("silent", cloud(&silent)), ("next", cloud(&next))])).start();
    let request = Request::chat(&asking("Hi")).header("x-pilotlight-timeout", "1.5");

    let answer = gateway.send(&request).whole();

    assert_eq!(answer.status, 504, "{answer:?}");
    silent.wait_left(0);
    assert_eq!(silent.count(), 1);
    assert_eq!(next.count(), 0, "no time is left for another");
    let refused = Request::chat(&asking("Hi")).header("x-pilotlight-timeout", "soon");
    let refused = gateway.send(&refused).whole();
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.body.contains("x-pilotlight-timeout"), "{refused:?}");
}
