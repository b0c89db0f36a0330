//! The end of a chain that nobody could end, and of one that the caller's own mistake ends.

use serde_json::{Value, json};

use crate::caller::Answer;
use crate::gateway::{Setup, asking, chain, cloud, with};
use crate::upstream::{Reply, Upstream};
use crate::wire;

#[test]
fn an_exhausted_chain_tells_what_was_tried_and_nothing_that_an_upstream_said() {
    let keyed = wire::openai_error(
        "invalid_request_error",
        "invalid_api_key",
        "Incorrect API key provided: sk-ab***yz, org-77.",
    );
    let broke = json!({ "error": { "message": "Account acct-88 has no credit.", "code": 402 } });
    let barred =
        json!({ "error": { "message": "Organization org-99 is barred.", "code": "forbidden" } });
    let replies = [(401, keyed), (402, broke), (403, barred)];
    let upstreams = replies.map(|(status, body)| Upstream::playing([wire::api(status, &body)]));
    let targets: Vec<(&str, Value)> = ["a", "b", "c"]
        .into_iter()
        .zip(upstreams.iter().map(cloud))
        .collect();
    let gateway = Setup::new(chain(&targets)).start();

    let answer = gateway.chat(&asking("Hi"));

    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(
        answer.attempts(),
        ["a:credential", "b:spend_limit", "c:credential"]
    );
    assert_eq!(answer.head.header("x-should-retry"), Some("false"));
    assert!(
        answer.head.header("x-pilotlight-attempts").is_some(),
        "{answer:?}"
    );
    let error = &answer.json()["error"];
    assert!(error["pilotlight"]["request_id"].is_string(), "{error}");
    assert!(
        error["type"].is_string() && error["code"].is_string(),
        "{error}"
    );
    for word in ["sk-ab", "org-77", "acct-88", "org-99", "127.0.0.1"] {
        assert!(!answer.body.contains(word), "{word} is in {}", answer.body);
    }
    for upstream in &upstreams {
        assert_eq!(upstream.count(), 1);
    }
}

#[test]
fn an_exhausted_chain_answers_a_stream_with_a_plain_error() {
    let upstream = Upstream::playing([wire::said(&[]).end()]);
    let gateway = Setup::new(chain(&[("cloud", cloud(&upstream))])).start();

    let answer = gateway.stream(&asking("Hi")).whole();

    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.head.header("content-type"), Some("application/json"));
    assert_eq!(answer.attempts(), ["cloud:stream_cut", "cloud:stream_cut"]);
    assert_eq!(upstream.count(), 2);
}

#[test]
fn the_status_of_an_exhausted_chain_is_the_one_that_helps() {
    let throttled = |seconds: &str| {
        let body = wire::openai_error("requests", "rate_limit_exceeded", "Slow down.");
        wire::api_with(429, &[("retry-after", seconds)], &body)
    };
    let silent = || Reply::new().hold();
    let broken = || wire::api(500, &json!({}));
    let overflow = || {
        wire::api(
            400,
            &wire::openai_error(
                "invalid_request_error",
                "context_length_exceeded",
                "This model's maximum context length is 5 tokens.",
            ),
        )
    };
    let check = |replies: [Reply; 2], status: u16, kind: &str| -> Answer {
        let upstreams = replies.map(|reply| Upstream::playing([reply]));
        let settings = json!({ "attempts": 1, "headers_timeout": "2s", "attempt_timeout": "2s" });
        let target = |number: usize| with(cloud(&upstreams[number]), settings.clone());
        let gateway = Setup::new(chain(&[("a", target(0)), ("b", target(1))])).start();
        let answer = gateway.chat(&asking("Hi"));
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.json()["error"]["type"], kind, "{answer:?}");
        assert_eq!(answer.head.header("x-should-retry"), Some("false"));
        assert_eq!((upstreams[0].count(), upstreams[1].count()), (1, 1));
        answer
    };

    let answer = check([throttled("90"), throttled("40")], 429, "rate_limit_error");
    let seconds: u64 = answer.head.header("retry-after").unwrap().parse().unwrap();
    assert!((30..=40).contains(&seconds), "the soonest: {seconds}");
    check([silent(), silent()], 504, "timeout_error");
    check(
        [throttled("90"), broken()],
        503,
        "service_unavailable_error",
    );
    check([silent(), broken()], 503, "service_unavailable_error");
    let answer = check([overflow(), overflow()], 400, "invalid_request_error");
    assert_eq!(answer.json()["error"]["code"], "context_length_exceeded");
}

#[test]
fn a_request_that_the_upstream_refuses_as_written_is_refused_at_once() {
    let body = json!({ "error": {
        "message": "Invalid schema for response_format.",
        "type": "invalid_request_error",
        "param": "response_format",
        "code": null,
    } });
    let first = Upstream::playing([wire::api(400, &body)]);
    let next = Upstream::playing([wire::completion("never")]);
    // Another server than OpenAI's own may only have refused the gateway's translation.
    let openai = with(cloud(&first), json!({ "company": "openai" }));
    let gateway = Setup::new(chain(&[("first", openai), ("next", cloud(&next))])).start();

    for asked in 1..=6 {
        let answer = gateway.chat(&asking("Hi"));
        assert_eq!(answer.status, 400, "{answer:?}");
        let error = &answer.json()["error"];
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("Invalid schema"),
            "{error}"
        );
        assert_eq!(
            answer.attempts(),
            ["first:rejected"],
            "its breaker is not touched"
        );
        assert_eq!((first.count(), next.count()), (asked, 0));
    }
}
