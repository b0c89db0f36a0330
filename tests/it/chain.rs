//! The chain: what is asked, in which order, and what the caller is told.

use serde_json::{Value, json};

use crate::world::{Piece, Step, World, chat_head, error, ok, reply, with_headers};

/// Three targets of the `openai` dialect and one at home; `auto` asks them in this order.
fn config() -> Value {
    let cloud = |key: &str| json!({"provider": "openai", "base_url": "https://api.test/v1", "model": "m", "key": key});
    json!({
        "targets": {
            "one": cloud("ONE_KEY"),
            "two": cloud("TWO_KEY"),
            "unset": cloud("UNSET_KEY"),
            "home": {"provider": "openai", "base_url": "http://127.0.0.1:1", "model": "h",
                     "home": true, "context": 8192}
        },
        "routes": {"auto": ["one", "two", "home"], "skip": ["unset", "home"], "solo": ["one"]}
    })
}

fn question(route: &str) -> Value {
    json!({"model": route, "messages": [{"role": "user", "content": "hi"}]})
}

#[test]
fn the_first_target_that_answers_is_disclosed() {
    let world = World::new(&config());
    world.script("one", [ok("from one")]);
    let got = world.chat(&question("auto"));
    assert_eq!(got.status, 200);
    assert_eq!(got.json()["choices"][0]["message"]["content"], "from one");
    assert_eq!(got.json()["model"], "up");
    assert_eq!(got.json()["pilotlight"]["target"], "one");
    assert_eq!(got.header("x-pilotlight-target"), "one");
    assert_eq!(got.header("x-pilotlight-attempts"), "one:ok");
    assert!(got.header("x-pilotlight-request-id").starts_with("req_"));
    assert_eq!(world.log()[0]["outcome"], "answered");
    assert_eq!(world.log()[0]["tokens_in"], 5);
    assert!(!world.log()[0].to_string().contains("from one"));
}

#[test]
fn every_failure_gives_way_to_the_next_target() {
    let cases: Vec<(Step, &str, usize)> = vec![
        (error(500, "server_error"), "one:500,one:500,two:ok", 2),
        (error(529, ""), "one:529,one:529,two:ok", 2),
        (
            error(429, "rate_limit_exceeded"),
            "one:429,one:429,two:ok",
            2,
        ),
        (
            error(429, "insufficient_quota"),
            "one:spend_limit,two:ok",
            1,
        ),
        (error(401, "invalid_api_key"), "one:credential,two:ok", 1),
        (error(402, ""), "one:spend_limit,two:ok", 1),
        (error(403, ""), "one:credential,two:ok", 1),
        (error(404, "model_not_found"), "one:model_missing,two:ok", 1),
        (
            error(400, "context_length_exceeded"),
            "one:context_overflow,two:ok",
            1,
        ),
        (error(400, "unsupported_value"), "one:unsupported,two:ok", 1),
        (reply(200, ""), "one:empty,one:empty,two:ok", 2),
        (
            reply(200, "{\"choices\":[]}"),
            "one:empty,one:empty,two:ok",
            2,
        ),
        (reply(200, "garbage"), "one:not_an_api,two:ok", 1),
        (
            reply(200, "{\"error\":{\"code\":503,\"message\":\"x\"}}"),
            "one:503,one:503,two:ok",
            2,
        ),
        (reply(302, ""), "one:redirected,two:ok", 1),
        (Step::Refuse, "one:unreachable,one:unreachable,two:ok", 2),
        (Step::Silence, "one:attempt_timeout,two:ok", 1),
    ];
    for (step, expected, calls) in cases {
        let world = World::new(&config());
        world
            .script("one", [step.clone()])
            .script("two", [ok("from two")]);
        let got = world.chat(&question("auto"));
        assert_eq!(got.status, 200, "{step:?}");
        assert_eq!(got.header("x-pilotlight-attempts"), expected, "{step:?}");
        assert_eq!(world.seen("one").len(), calls, "{step:?}");
        assert_eq!(world.seen("two").len(), 1, "{step:?}");
    }
}

#[test]
fn html_is_never_an_answer() {
    let world = World::new(&config());
    let html = with_headers(reply(200, "<html>hello</html>"), |headers| {
        headers.content_type = Some("text/html; charset=utf-8".to_owned());
    });
    world.script("one", [html]).script("two", [ok("from two")]);
    let got = world.chat(&question("auto"));
    assert_eq!(got.header("x-pilotlight-attempts"), "one:not_an_api,two:ok");
}

#[test]
fn a_target_without_its_secret_is_skipped_and_said() {
    let world = World::new(&config());
    world.script("home", [ok("from home")]);
    let got = world.chat(&question("skip"));
    assert_eq!(got.header("x-pilotlight-attempts"), "unset:no_key,home:ok");
    assert!(world.seen("unset").is_empty());
}

#[test]
fn a_wait_that_upstream_asks_for_is_waited_out_up_to_the_cap() {
    let ask = |value: &'static str| {
        with_headers(error(429, "rate_limit_exceeded"), |headers| {
            headers.retry_after = Some(value.to_owned());
        })
    };
    for (value, second_at) in [("2", 2_000), ("Sat, 21 Nov 2026 04:00:03 GMT", 3_000)] {
        let world = World::new(&config());
        world.script("one", [ask(value), ok("at last")]);
        let got = world.chat(&question("auto"));
        assert_eq!(
            got.header("x-pilotlight-attempts"),
            "one:429,one:ok",
            "{value}"
        );
        assert_eq!(world.seen("one")[1].at, second_at, "{value}");
    }
    let world = World::new(&config());
    world
        .script("one", [ask("60")])
        .script("two", [ok("at once")]);
    let got = world.chat(&question("auto"));
    assert_eq!(got.header("x-pilotlight-attempts"), "one:429,two:ok");
    assert_eq!(got.ms, 0);

    // And the throttled target is left alone for as long as it asked.
    let again = world.chat(&question("auto"));
    assert_eq!(
        again.header("x-pilotlight-attempts"),
        "one:breaker_open,two:ok"
    );
    world.advance(61_000);
    world.script("one", [ok("back")]);
    let back = world.chat(&question("auto"));
    assert_eq!(back.header("x-pilotlight-attempts"), "one:ok");
}

#[test]
fn an_upstream_that_forbids_a_retry_is_not_asked_again() {
    let world = World::new(&config());
    let forbid = with_headers(error(503, ""), |headers| {
        headers.should_retry = Some("false".to_owned());
    });
    world.script("one", [forbid]).script("two", [ok("x")]);
    let got = world.chat(&question("auto"));
    assert_eq!(got.header("x-pilotlight-attempts"), "one:503,two:ok");
}

#[test]
fn an_exhausted_chain_tells_every_target_and_the_status_that_helps_most() {
    let check = |step: Step, status: u16, code: &str| {
        let world = World::new(&config());
        world
            .script("one", [step.clone()])
            .script("two", [step.clone()])
            .script("home", [step.clone()]);
        let got = world.chat(&question("auto"));
        assert_eq!(got.status, status, "{step:?}: {}", got.body);
        assert_eq!(got.json()["error"]["code"], code, "{step:?}");
        assert_eq!(got.header("x-should-retry"), "false");
        let attempts = got.json()["error"]["pilotlight"]["attempts"].clone();
        for target in ["one", "two", "home"] {
            assert!(attempts.to_string().contains(target), "{attempts}");
        }
        got
    };
    check(error(500, ""), 503, "all_targets_failed");
    check(error(401, "invalid_api_key"), 503, "all_targets_failed");
    check(error(402, ""), 503, "all_targets_failed");
    check(error(403, ""), 503, "all_targets_failed");
    check(Step::Silence, 504, "all_targets_timed_out");
    check(
        error(400, "context_length_exceeded"),
        400,
        "context_length_exceeded",
    );
    let throttled = with_headers(error(429, "rate_limit_exceeded"), |headers| {
        headers.retry_after = Some("30".to_owned());
    });
    let got = check(throttled, 429, "all_targets_throttled");
    assert_eq!(got.header("retry-after"), "30");
    let got = check(
        error(429, "rate_limit_exceeded"),
        429,
        "all_targets_throttled",
    );
    assert_eq!(
        got.header("retry-after"),
        "5",
        "as long as it is left alone"
    );
}

#[test]
fn what_the_caller_wrote_wrongly_is_told_by_the_first_target_and_touches_no_breaker() {
    let world = World::new(&config());
    world.script("one", [reply(
        400,
        r#"{"error":{"message":"Invalid 'tools' in org-abc: empty","type":"invalid_request_error"}}"#,
    )]);
    for _ in 0..20 {
        let got = world.chat(&question("solo"));
        assert_eq!(got.status, 400);
        assert_eq!(
            got.json()["error"]["message"],
            "Invalid 'tools' in [redacted] empty"
        );
        assert_eq!(got.header("x-pilotlight-attempts"), "one:400");
    }
    assert_eq!(world.seen("one").len(), 20);
}

#[test]
fn upstream_words_about_credentials_never_reach_the_caller() {
    let world = World::new(&config());
    let secret = reply(
        401,
        r#"{"error":{"message":"Incorrect API key sk-live-123","code":"invalid_api_key"}}"#,
    );
    world.script("one", [secret]);
    let got = world.chat(&question("solo"));
    assert_eq!(got.status, 503);
    assert!(!got.body.contains("sk-live"), "{}", got.body);
    assert!(!world.log()[0].to_string().contains("sk-live"));
}

#[test]
fn the_deadline_of_the_caller_ends_the_whole_request() {
    let world = World::new(&config());
    world
        .script("one", [Step::Silence])
        .script("two", [ok("x")]);
    let mut head = chat_head();
    head.timeout = Some("1.5".to_owned());
    let got = world.ask(&head, &question("auto").to_string());
    assert_eq!(got.status, 504);
    assert_eq!(got.ms, 1_500);
    assert_eq!(
        got.header("x-pilotlight-attempts"),
        "one:deadline,two:deadline,home:deadline"
    );
}

#[test]
fn a_target_is_sent_only_the_fields_that_its_company_takes() {
    let mut config = config();
    config["targets"]["one"]["base_url"] = json!("https://api.groq.com/openai/v1");
    let world = World::new(&config);
    world
        .script("one", [error(500, "")])
        .script("two", [error(500, "")]);
    world.script("home", [ok("x")]);
    let mut body = question("auto");
    body["frequency_penalty"] = json!(0.5);
    body["my_extension"] = json!(true);
    body["max_completion_tokens"] = json!(64);
    world.chat(&body);
    let groq = &world.seen("one")[0].body;
    assert_eq!(groq.get("frequency_penalty"), None);
    assert_eq!(groq.get("my_extension"), None);
    assert_eq!(groq["max_completion_tokens"], 64);
    let compatible = &world.seen("home")[0].body;
    assert_eq!(compatible["my_extension"], true);
    assert_eq!(compatible["frequency_penalty"], 0.5);
    assert_eq!(compatible["max_tokens"], 64);
    assert_eq!(compatible.get("max_completion_tokens"), None);
    assert_eq!(compatible["model"], "h");
}

#[test]
fn a_field_that_the_answer_needs_is_never_left_out_and_any_other_is_named() {
    let mut config = config();
    config["targets"]["one"]["base_url"] = json!("https://api.groq.com/openai/v1");
    let world = World::new(&config);
    world.script("two", [ok("x")]);
    let mut body = question("auto");
    body["logit_bias"] = json!({"1": 2});
    let got = world.chat(&body);
    assert_eq!(
        got.header("x-pilotlight-attempts"),
        "one:unsupported:logit_bias,two:ok"
    );
    assert!(world.seen("one").is_empty());

    world.script("one", [ok("x")]);
    let mut body = question("auto");
    body["frequency_penalty"] = json!(0.5);
    body["messages"][0]["name"] = json!("ada");
    let got = world.chat(&body);
    assert_eq!(got.header("x-pilotlight-attempts"), "one:ok");
    assert_eq!(
        got.header("x-pilotlight-dropped"),
        "frequency_penalty,messages.name"
    );
}

#[test]
fn a_model_that_cannot_think_answers_without_and_the_caller_is_told() {
    let world = World::new(&json!({
        "targets": {"box": {"provider": "ollama", "base_url": "http://127.0.0.1:1", "model": "m"}},
        "routes": {"auto": ["box"]}
    }));
    let refused = reply(400, r#"{"error":"\"m\" does not support thinking"}"#);
    let answer = json!({"model": "m", "message": {"role": "assistant", "content": "4"},
                        "done": true, "done_reason": "stop", "eval_count": 1});
    let answered = reply(200, &answer.to_string());
    world.script(
        "box",
        [refused, answered.clone(), answered.clone(), answered],
    );
    let mut question = question("auto");
    question["reasoning_effort"] = json!("high");

    let got = world.chat(&question);
    assert_eq!(got.status, 200);
    assert_eq!(
        got.header("x-pilotlight-attempts"),
        "box:unsupported,box:ok"
    );
    assert_eq!(got.header("x-pilotlight-dropped"), "reasoning_effort");
    assert_eq!(
        got.json()["pilotlight"]["dropped"],
        json!(["reasoning_effort"])
    );
    assert_eq!(world.log()[0]["dropped_fields"], "reasoning_effort");

    let got = world.chat(&question);
    assert_eq!(got.header("x-pilotlight-attempts"), "box:ok");
    assert_eq!(got.header("x-pilotlight-dropped"), "reasoning_effort");

    question["reasoning_effort"] = json!("low");
    let got = world.chat(&question);
    assert_eq!(got.header("x-pilotlight-dropped"), "");
    let asked: Vec<Value> = world
        .seen("box")
        .iter()
        .map(|call| call.body["think"].clone())
        .collect();
    assert_eq!(
        asked,
        [json!("high"), json!(false), json!(false), json!("low")]
    );
}

#[test]
fn a_request_that_a_model_cannot_serve_shuts_it_for_nobody() {
    let world = World::new(&config());
    let nowhere =
        r#"{"error":{"message":"No endpoints found that support image input","code":404}}"#;
    let flagged = r#"{"error":{"message":"flagged","code":403,"metadata":{"reasons":["x"]}}}"#;
    let repeated =
        r#"{"error":{"message":"Invalid value: 'api key expired'","param":"service_tier"}}"#;
    world
        .script(
            "one",
            [
                reply(404, nowhere),
                reply(403, flagged),
                reply(400, repeated),
                ok("from one"),
            ],
        )
        .script("two", [ok("from two")]);
    let attempts = || {
        let got = world.chat(&question("auto"));
        got.header("x-pilotlight-attempts").to_owned()
    };
    assert_eq!(attempts(), "one:unsupported,two:ok");
    assert_eq!(attempts(), "one:content_policy");
    assert_eq!(attempts(), "one:400,two:ok");
    assert_eq!(attempts(), "one:ok");
}

#[test]
fn an_answer_withheld_on_policy_grounds_keeps_its_code() {
    let check = |code: &str, told: &str| {
        let world = World::new(&config());
        world.script("one", [error(400, code)]);
        let got = world.chat(&question("solo"));
        assert_eq!(got.status, 400, "{code}");
        assert_eq!(got.json()["error"]["code"], told, "{code}");
    };
    check("content_policy_violation", "content_policy_violation");
    check("moderation", "content_policy_violation");
    check("invalid_value", "upstream_rejected");

    let mut translated = config();
    translated["targets"]["one"]["base_url"] = json!("https://api.groq.com/openai/v1");
    let world = World::new(&translated);
    world
        .script("one", [error(400, "invalid_value")])
        .script("two", [error(400, "cyber_policy")]);
    let got = world.chat(&question("auto"));
    assert_eq!(
        got.header("x-pilotlight-attempts"),
        "one:400,two:content_policy"
    );
    assert_eq!(got.json()["error"]["code"], "content_policy_violation");
}

#[test]
fn a_request_above_the_tokens_of_a_minute_is_too_long_and_not_throttled() {
    let world = World::new(&config());
    let large = reply(
        413,
        r#"{"error":{"message":"Request too large for model `m` on tokens per minute (TPM): Limit 6, Requested 9",
            "type":"tokens","code":"rate_limit_exceeded"}}"#,
    );
    world.script("one", [large]);
    for _ in 0..20 {
        let got = world.chat(&question("solo"));
        assert_eq!(got.status, 400, "{}", got.body);
        assert_eq!(got.json()["error"]["code"], "context_length_exceeded");
        assert_eq!(got.header("x-pilotlight-attempts"), "one:too_long");
    }
}

#[test]
fn a_wait_beyond_all_reason_is_told_as_long_as_the_target_is_left_alone() {
    let world = World::new(&config());
    let throttled = with_headers(error(429, "rate_limit_exceeded"), |headers| {
        headers.retry_after = Some("1e300".to_owned());
    });
    world.script("one", [throttled]);
    let got = world.chat(&question("solo"));
    assert_eq!(got.status, 429);
    assert_eq!(got.header("retry-after"), "1800");
}

/// Targets that are not asked in the caller's own language, so that what they refuse may be served by
/// others.
fn translated() -> Value {
    let mut config = config();
    for name in ["one", "two"] {
        config["targets"][name]["base_url"] = json!("https://api.groq.com/openai/v1");
    }
    config
}

#[test]
fn what_one_target_cannot_take_another_may_and_nobody_is_shut_for_it() {
    let refuses = |words: &str| reply(400, &json!({"error": {"message": words}}).to_string());
    let world = World::new(&translated());
    world
        .script("one", [refuses("one cannot")])
        .script("two", [refuses("two cannot")])
        .script("home", [ok("from home")]);
    for _ in 0..20 {
        let got = world.chat(&question("auto"));
        assert_eq!(
            got.header("x-pilotlight-attempts"),
            "one:400,two:400,home:ok"
        );
    }
}

#[test]
fn what_every_target_refuses_is_told_in_the_words_of_the_first() {
    let refuses = |words: &str| reply(400, &json!({"error": {"message": words}}).to_string());
    let world = World::new(&translated());
    world
        .script("one", [refuses("one cannot")])
        .script("two", [refuses("two cannot")])
        .script("home", [refuses("home cannot")]);
    let got = world.chat(&question("auto"));
    assert_eq!(got.status, 400);
    assert_eq!(got.json()["error"]["message"], "one cannot");
    assert_eq!(got.json()["error"]["code"], "upstream_rejected");
}

#[test]
fn an_answer_withheld_on_policy_grounds_is_the_next_targets_where_the_config_says_so() {
    let mut config = translated();
    config["defaults"] = json!({"content_policy": "failover"});
    let whole = reply(
        200,
        r#"{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":""},
            "finish_reason":"content_filter"}],"usage":{"prompt_tokens":3,"completion_tokens":0}}"#,
    );
    let streamed = Step::Stream(vec![Piece::Bytes(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n\
         data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\n\
         data: [DONE]\n\n"
            .to_owned(),
    )]);
    let refused = || error(400, "content_policy_violation");
    for (withheld, stream) in [
        (refused(), false),
        (refused(), true),
        (whole.clone(), false),
        (streamed.clone(), true),
        // Streamed inside.
        (streamed, false),
    ] {
        let mut question = question("auto");
        question["stream"] = json!(stream);
        let inside = matches!(withheld, Step::Stream(_));
        config["defaults"]["stream_inside"] = json!(inside);

        let world = World::new(&config);
        world
            .script("one", [withheld.clone()])
            .script("two", [Step::Answer("from two".to_owned())]);
        let got = world.chat(&question);
        assert_eq!(got.status, 200, "{withheld:?}: {}", got.body);
        assert!(got.body.contains("from two"), "{withheld:?}: {}", got.body);

        // Where all of them withhold it, the caller is told.
        let world = World::new(&config);
        world
            .script("one", [withheld.clone()])
            .script("two", [refused()])
            .script("home", [refused()]);
        let got = world.chat(&question);
        assert_eq!(got.status, 400, "{withheld:?}: {}", got.body);
        assert_eq!(got.json()["error"]["code"], "content_policy_violation");
        assert_eq!(
            got.header("x-pilotlight-attempts"),
            "one:content_policy,two:content_policy,home:content_policy"
        );
    }
    // As long as the config does not say so, the caller gets what the provider said.
    let world = World::new(&translated());
    world.script("one", [whole]);
    let got = world.chat(&question("auto"));
    assert_eq!(got.status, 200);
    assert_eq!(got.json()["choices"][0]["finish_reason"], "content_filter");
    assert_eq!(got.header("x-pilotlight-attempts"), "one:ok");
}

#[test]
fn a_refusal_is_told_with_its_own_code_whoever_refused_last() {
    let mut config = translated();
    config["defaults"] = json!({"content_policy": "failover"});
    let world = World::new(&config);
    let flagged = r#"{"error":{"message":"flagged","code":"content_policy_violation"}}"#;
    world
        .script("one", [reply(400, flagged)])
        .script("two", [error(400, "invalid_value")])
        .script("home", [error(400, "invalid_value")]);
    let got = world.chat(&question("auto"));
    assert_eq!(got.json()["error"]["message"], "flagged");
    assert_eq!(got.json()["error"]["code"], "content_policy_violation");
}

#[test]
fn an_account_that_says_when_it_has_room_again_throttles() {
    let world = World::new(&config());
    let busy = with_headers(error(402, "payment_required"), |headers| {
        headers.retry_after = Some("30".to_owned());
    });
    world.script("one", [busy]);
    let got = world.chat(&question("solo"));
    assert_eq!(got.status, 429, "{}", got.body);
    assert_eq!(got.header("retry-after"), "30");
}

#[test]
fn a_refusal_of_what_is_no_longer_as_the_caller_wrote_it_is_not_the_callers() {
    let mut config = config();
    config["targets"]["one"]["base_url"] = json!("https://api.openai.com/v1");
    let effort =
        r#"{"error":{"message":"no","param":"reasoning_effort","code":"unsupported_value"}}"#;
    let mut question = question("auto");
    question["reasoning_effort"] = json!("high");
    let world = World::new(&config);
    world
        .script("one", [reply(400, effort), error(400, "invalid_value")])
        .script("two", [ok("from two")]);
    let got = world.chat(&question);
    assert_eq!(
        got.header("x-pilotlight-attempts"),
        "one:unsupported,one:400,two:ok"
    );

    let world = World::new(&config);
    world.script("one", [error(400, "invalid_value")]);
    let got = world.chat(&question);
    assert_eq!(got.header("x-pilotlight-attempts"), "one:400");
}
