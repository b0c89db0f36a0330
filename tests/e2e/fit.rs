//! A conversation that is larger than the home model's window: what is sent, and what is told.

use serde_json::{Value, json};

use crate::caller::{Answer, Request};
use crate::gateway::{Gateway, Setup, asking, chain, cloud, home, with};
use crate::upstream::Upstream;
use crate::wire;

const WINDOW: usize = 2048;

fn small(upstream: &Upstream) -> Value {
    with(
        home(upstream),
        json!({ "context": WINDOW, "max_output": 256 }),
    )
}

/// A conversation of so many turns, each of about fifty words, opened by a system message.
fn conversation(turns: usize) -> Value {
    let mut messages = vec![json!({ "role": "system", "content": "You are the harbour's clerk." })];
    for turn in 0..turns {
        let ships = (0..40)
            .map(|ship| format!("ship{}", turn * 40 + ship))
            .collect::<Vec<_>>()
            .join(" ");
        messages.push(json!({ "role": "user", "content": format!("Question {turn}: {ships}?") }));
        messages.push(json!({ "role": "assistant", "content": format!("Answer {turn}: none of these is in.") }));
    }
    messages.push(json!({ "role": "user", "content": "The newest question." }));
    json!({ "model": "auto", "messages": messages })
}

fn messages(sent: &Value) -> Vec<Value> {
    sent["messages"].as_array().unwrap().clone()
}

/// How many tokens a body holds, by the vocabulary that the gateway counts with.
fn tokens(sent: &Value) -> usize {
    let vocabulary = tiktoken_rs::o200k_base_singleton();
    let content = |message: &Value| {
        vocabulary
            .encode_ordinary(message["content"].as_str().unwrap_or_default())
            .len()
    };
    messages(sent).iter().map(content).sum()
}

/// How many messages were left out. The line that stands in a gap may be put before the words of
/// the message that follows.
fn missing(original: &[Value], kept: &[Value]) -> usize {
    let words = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
    let kept: Vec<String> = kept.iter().map(words).collect();
    let stays = |message: &&Value| !kept.iter().any(|kept| kept.ends_with(&words(message)));
    original.iter().filter(stays).count()
}

/// The numbers that the header tells.
fn told(answer: &Answer) -> (usize, usize) {
    let header = answer
        .head
        .header("x-pilotlight-truncated")
        .unwrap_or_else(|| panic!("not told: {answer:?}"));
    let (messages, tokens) = header.split_once(';').unwrap();
    let number = |text: &str, name: &str| text.strip_prefix(name).unwrap().parse().unwrap();
    (number(messages, "messages="), number(tokens, "tokens="))
}

#[test]
fn a_long_conversation_arrives_cut_and_the_caller_is_told() {
    let upstream = Upstream::playing([wire::ollama("Home.")]);
    let gateway = Setup::new(chain(&[("box", small(&upstream))])).start();
    let question = conversation(60);

    let answer = gateway.chat(&question);

    assert_eq!(answer.text(), "Home.");
    let original = messages(&question);
    let sent = upstream.only().json();
    let kept = messages(&sent);
    let (dropped, dropped_tokens) = told(&answer);
    let disclosed = &answer.json()["pilotlight"]["truncated"];
    assert_eq!(disclosed["messages"], dropped);
    assert_eq!(disclosed["tokens"], dropped_tokens);
    assert!(dropped > 0 && dropped < original.len(), "{dropped}");
    assert_eq!(
        missing(&original, &kept),
        dropped,
        "as many are missing as is told"
    );
    assert_eq!(kept[0], original[0], "the system's words stay");
    assert!(kept.contains(&original[1]), "the first turn stays");
    assert_eq!(kept.last(), original.last(), "the newest turn stays");
    let gaps: Vec<&Value> = kept
        .iter()
        .filter(|message| !original.contains(message))
        .collect();
    assert_eq!(gaps.len(), 1, "one line stands in the gap: {gaps:?}");
    let room = sent["options"]["num_predict"]
        .as_u64()
        .map(usize::try_from)
        .unwrap()
        .unwrap();
    assert!(
        tokens(&sent) + room <= WINDOW,
        "{} and {room}",
        tokens(&sent)
    );
    assert!(tokens(&sent) > 400, "the window is used: {}", tokens(&sent));
    let whole = tokens(&question);
    assert!(
        dropped_tokens > (whole - tokens(&sent)) / 2,
        "{dropped_tokens} of {whole}"
    );
}

#[test]
fn a_stream_tells_of_the_cut_as_well() {
    let upstream = Upstream::playing([wire::ollama_stream(&["Home."])]);
    let gateway = Setup::new(chain(&[("box", small(&upstream))])).start();

    let answer = gateway.stream(&conversation(60)).streamed();

    assert_eq!(answer.text(), "Home.");
    assert!(answer.done);
    let header = answer.head.header("x-pilotlight-truncated").unwrap();
    let cut = &answer.disclosure().unwrap()["pilotlight"]["truncated"];
    assert_eq!(
        header,
        format!("messages={};tokens={}", cut["messages"], cut["tokens"])
    );
    assert_eq!(upstream.count(), 1);
}

#[test]
fn only_the_target_that_is_too_small_gets_a_cut_conversation() {
    let large = Upstream::playing([wire::api(500, &json!({}))]);
    let little = Upstream::playing([wire::ollama("Home.")]);
    let question = conversation(60);
    let target = with(cloud(&large), json!({ "attempts": 1, "context": 128_000 }));
    let gateway = Setup::new(chain(&[("large", target), ("box", small(&little))])).start();

    let answer = gateway.chat(&question);

    assert_eq!(answer.text(), "Home.");
    assert_eq!(
        messages(&large.only().json()),
        messages(&question),
        "the large one got all"
    );
    assert!(told(&answer).0 > 0);
    assert_eq!(little.count(), 1);
}

#[test]
fn a_conversation_that_fits_is_sent_as_it_is() {
    let upstream = Upstream::playing([wire::ollama("Home.")]);
    let gateway = Setup::new(chain(&[("box", small(&upstream))])).start();
    let question = conversation(2);

    let answer = gateway.chat(&question);

    assert_eq!(answer.text(), "Home.");
    assert_eq!(answer.head.header("x-pilotlight-truncated"), None);
    assert_eq!(messages(&upstream.only().json()), messages(&question));
}

#[test]
fn where_cutting_is_forbidden_the_target_is_passed_over() {
    let little = Upstream::playing([wire::ollama("never")]);
    let large = Upstream::playing([wire::completion("Whole.")]);
    let check = |gateway: &Gateway, request: Request| {
        let answer = gateway.send(&request).whole();
        assert_eq!(answer.text(), "Whole.");
        assert_eq!(answer.attempts(), ["box:too_long", "large:ok"]);
        assert_eq!(answer.head.header("x-pilotlight-truncated"), None);
    };
    let targets = |settings: Value| {
        chain(&[
            ("box", with(small(&little), settings)),
            ("large", cloud(&large)),
        ])
    };

    let configured = Setup::new(targets(json!({ "truncate": "never" }))).start();
    check(&configured, Request::chat(&conversation(60)));
    let asked = Setup::new(targets(json!({}))).start();
    let request = Request::chat(&conversation(60)).header("x-pilotlight-truncate", "never");
    check(&asked, request);

    assert_eq!((little.count(), large.count()), (0, 2));
    assert_eq!(
        messages(&large.seen()[0].json()),
        messages(&conversation(60))
    );
}

#[test]
fn where_no_target_may_cut_the_caller_is_told_that_it_is_too_long() {
    let upstream = Upstream::playing([wire::ollama("never")]);
    let gateway = Setup::new(chain(&[("box", small(&upstream))])).start();
    let request = Request::chat(&conversation(60)).header("x-pilotlight-truncate", "never");

    let answer = gateway.send(&request).whole();

    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.json()["error"]["code"], "context_length_exceeded");
    assert_eq!(answer.attempts(), ["box:too_long"]);
    assert_eq!(upstream.count(), 0);
}

#[test]
fn an_overflow_corrects_the_count_and_the_conversation_is_fitted_again_once() {
    let upstream = Upstream::playing([wire::ollama_overflow(3100, WINDOW), wire::ollama("Home.")]);
    let gateway = Setup::new(chain(&[("box", small(&upstream))])).start();

    let answer = gateway.chat(&conversation(60));

    assert_eq!(answer.text(), "Home.");
    let seen = upstream.seen();
    assert_eq!(seen.len(), 2);
    let (first, second) = (tokens(&seen[0].json()), tokens(&seen[1].json()));
    assert!(
        second * 4 < first * 3,
        "fitted again to less: {first}, then {second}"
    );
    assert_eq!(answer.attempts(), ["box:context_overflow", "box:ok"]);
    let (dropped, _) = told(&answer);
    let original = conversation(60);
    let kept = messages(&seen[1].json());
    assert_eq!(
        missing(&messages(&original), &kept),
        dropped,
        "what is told is the second cut"
    );
}

#[test]
fn a_second_overflow_is_not_fitted_again() {
    let upstream = Upstream::playing([wire::ollama_overflow(3100, WINDOW)]);
    let next = Upstream::playing([wire::completion("Cut, too.")]);
    let settings = json!({ "attempts": 5 });
    let gateway = Setup::new(chain(&[
        ("box", with(small(&upstream), settings)),
        ("next", with(cloud(&next), json!({ "context": WINDOW }))),
    ]))
    .start();

    let answer = gateway.chat(&conversation(60));

    assert_eq!(answer.text(), "Cut, too.");
    assert_eq!((upstream.count(), next.count()), (2, 1));
}

#[test]
fn what_is_too_long_for_the_box_goes_on_to_a_cloud_whole() {
    let little = Upstream::playing([wire::ollama("never")]);
    let large = Upstream::playing([wire::completion("Whole.")]);
    let gateway = Setup::new(chain(&[("box", small(&little)), ("large", cloud(&large))])).start();
    let question = conversation(60);

    let answer = gateway.chat(&question);

    assert_eq!(answer.text(), "Whole.");
    assert_eq!(answer.attempts(), ["box:too_long", "large:ok"]);
    assert_eq!(answer.head.header("x-pilotlight-truncated"), None);
    assert_eq!(messages(&large.only().json()), messages(&question));
    assert_eq!(little.count(), 0);
}

#[test]
fn when_the_cloud_is_down_what_is_too_long_for_the_box_is_cut_for_it() {
    let little = Upstream::playing([wire::ollama("Home.")]);
    let large = Upstream::playing([wire::api(503, &json!({}))]);
    let target = with(cloud(&large), json!({ "attempts": 1 }));
    let gateway = Setup::new(chain(&[("box", small(&little)), ("large", target)])).start();

    let answer = gateway.chat(&conversation(60));

    assert_eq!(answer.text(), "Home.");
    assert_eq!(
        answer.attempts(),
        ["box:too_long", "large:overloaded", "box:ok"]
    );
    assert!(told(&answer).0 > 0);
    assert_eq!((little.count(), large.count()), (1, 1));
}

#[test]
fn a_growing_conversation_keeps_the_prefix_that_the_box_has_cached() {
    let upstream = Upstream::playing([wire::ollama("Home.")]);
    let gateway = Setup::new(chain(&[("box", small(&upstream))])).start();
    for count in 40..56 {
        assert_eq!(gateway.chat(&conversation(count)).text(), "Home.");
    }

    let sent: Vec<Vec<Value>> = upstream
        .seen()
        .iter()
        .map(|seen| messages(&seen.json()))
        .collect();

    let is_prefix = |pair: &[Vec<Value>]| {
        let earlier = &pair[0][..pair[0].len() - 1];
        pair[1].starts_with(earlier)
    };
    let steps = sent.windows(2).count();
    let kept = sent.windows(2).filter(|pair| is_prefix(pair)).count();
    assert!(
        kept * 3 >= steps * 2,
        "the prefix was kept {kept} times of {steps}"
    );
    assert!(
        kept < steps,
        "sixteen turns of this length need at least one new cut"
    );
}

/// A conversation in which a tool is called again and again, and answers so many lines each time.
fn errands(rounds: usize, lines: usize) -> Value {
    let mut talk = vec![json!({ "role": "user", "content": "The first question." })];
    for round in 0..rounds {
        let id = format!("call_{round}");
        let arguments = json!({ "pier": round }).to_string();
        let function = json!({ "name": "ships", "arguments": arguments });
        let call = json!({ "id": id, "type": "function", "function": function });
        let ships = (0..lines).map(|line| format!("Ship {line} lies at pier {round}."));
        let ships = ships.collect::<Vec<_>>().join("\n");
        talk.push(json!({ "role": "assistant", "content": null, "tool_calls": [call] }));
        talk.push(json!({ "role": "tool", "tool_call_id": id, "content": ships }));
        talk.push(json!({ "role": "user", "content": format!("And pier {}?", round + 1) }));
    }
    let parameters = json!({ "type": "object", "properties": {} });
    let tool = json!({ "name": "ships", "parameters": parameters });
    let tools = json!([{ "type": "function", "function": tool }]);
    json!({ "model": "auto", "messages": talk, "tools": tools })
}

#[test]
fn a_tool_call_and_its_result_stay_or_go_together() {
    let upstream = Upstream::playing([wire::ollama("Home.")]);
    let gateway = Setup::new(chain(&[("box", small(&upstream))])).start();

    let answer = gateway.chat(&errands(60, 8));

    assert_eq!(answer.text(), "Home.");
    told(&answer);
    let sent = upstream.only().json();
    assert_eq!(sent["tools"].as_array().unwrap().len(), 1, "the tools stay");
    let kept = messages(&sent);
    let newest = kept.last().unwrap()["content"].as_str().unwrap();
    assert!(newest.ends_with("And pier 60?"), "{newest}");
    let mut open = 0;
    let mut results = 0;
    for message in &kept {
        if message["role"] == "tool" {
            assert!(open > 0, "a result without its call: {message}");
            open -= 1;
            results += 1;
        } else {
            assert_eq!(open, 0, "a call without its result before {message}");
        }
        open += message["tool_calls"].as_array().map_or(0, Vec::len);
    }
    assert!(
        results > 2,
        "more than the first and the newest are kept: {results}"
    );
    assert!(tokens(&sent) < WINDOW);
}

#[test]
fn large_old_results_of_tools_are_shortened_before_turns_are_dropped() {
    let upstream = Upstream::playing([wire::ollama("Home.")]);
    let gateway = Setup::new(chain(&[("box", small(&upstream))])).start();
    let question = errands(3, 70);

    let answer = gateway.chat(&question);

    assert_eq!(answer.text(), "Home.");
    let (original, kept) = (messages(&question), messages(&upstream.only().json()));
    assert_eq!(kept.len(), original.len(), "no turn is dropped");
    let long = |message: &&Value| {
        message["content"]
            .as_str()
            .is_some_and(|text| text.len() > 1000)
    };
    assert_eq!(original.iter().filter(long).count(), 3);
    assert_eq!(
        kept.iter().filter(long).count(),
        0,
        "the results are shortened"
    );
    assert_eq!(told(&answer).0, 3, "and told of");
}

#[test]
fn a_turn_that_alone_is_too_long_loses_its_middle() {
    let upstream = Upstream::playing([wire::ollama("Home.")]);
    let gateway = Setup::new(chain(&[("box", small(&upstream))])).start();
    let middle = "Ünïcödé 🚦 ".repeat(3000);
    let question = asking(&format!("BEGIN {middle} END"));

    let answer = gateway.chat(&question);

    assert_eq!(answer.text(), "Home.");
    assert!(told(&answer).1 > 0);
    let sent = upstream.only().json();
    let newest = messages(&sent).last().unwrap()["content"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(newest.starts_with("BEGIN"), "the beginning stays");
    assert!(newest.ends_with("END"), "the end stays");
    assert!(!newest.contains('\u{fffd}'), "no character is cut in two");
    assert!(tokens(&sent) < WINDOW);
}
