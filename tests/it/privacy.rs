//! What is private stays at home, however the request goes on.

use pilotlight::gateway::Head;
use pilotlight::platform::ReplyHeaders;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{Piece, Step, World, chat_head, error, ok, reply, streamed, text_piece};

fn config() -> Value {
    json!({
        "pii": true,
        "targets": {
            "cloud": { "provider": "openai", "base_url": "https://cloud.example.com/v1", "model": "m", "hedge_after": "1s" },
            "spare": { "provider": "openai", "base_url": "https://spare.example.com/v1", "model": "m", "hedge_after": "1s" },
            "attic": { "provider": "openai", "base_url": "http://127.0.0.1:8/v1", "model": "m", "home": true, "hedge_after": "1s" },
            "cellar": { "provider": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "m", "home": true },
        },
        "routes": {
            "auto": ["cloud", "attic", "spare", "cellar"],
            "cloudy": ["cloud", "spare"],
            "inside": { "targets": ["attic", "cellar"], "privacy": "home" },
        },
        "defaults": { "attempts": 2, "backoff_base": "1ms", "backoff_max": "2ms" },
    })
}

fn asking(model: &str, words: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": words }] })
}

fn private() -> Head {
    Head {
        privacy: Some("home".to_owned()),
        ..chat_head()
    }
}

/// No cloud has a script, so a world panics when one is asked.
fn world() -> World {
    World::new(&config())
}

#[test]
fn a_request_is_private_by_its_callers_word() {
    let world = world();
    world.script("attic", [ok("at home")]);
    let got = world.ask(&private(), &asking("auto", "hi").to_string());
    assert_eq!(got.status, 200);
    let tried = "cloud:private,spare:private,attic:ok";
    assert_eq!(got.header("x-pilotlight-attempts"), tried);
    assert_eq!(got.header("x-pilotlight-private"), "caller");
    assert_eq!(got.json()["pilotlight"]["private"], "caller");
    assert_eq!(world.log()[0]["private"], "caller");
}

#[test]
fn a_request_is_private_by_its_routes_word_whatever_its_caller_says() {
    let world = world();
    world.script("attic", [ok("at home")]);
    let got = world.chat(&asking("inside", "hi"));
    assert_eq!(got.header("x-pilotlight-private"), "route");
    assert_eq!(got.header("x-pilotlight-attempts"), "attic:ok");
    let open = Head {
        privacy: Some("open".to_owned()),
        ..chat_head()
    };
    let got = world.ask(&open, &asking("inside", "hi").to_string());
    assert_eq!(got.status, 400, "nothing loosens it");
    assert_eq!(got.json()["error"]["param"], "x-pilotlight-privacy");
}

#[test]
fn a_request_is_private_by_what_is_found_in_it() {
    let world = world();
    world.script("attic", [ok("at home")]);
    let got = world.chat(&asking("auto", "Write to jane.doe@example.com."));
    assert_eq!(got.header("x-pilotlight-private"), "pii:email");
    assert!(
        !got.body.contains("jane.doe"),
        "the kind is told, never the data"
    );
    let mut hidden = asking("auto", "hi");
    hidden["messages"][0]["name"] = json!("jane.doe@example.com");
    assert_eq!(
        world.chat(&hidden).header("x-pilotlight-private"),
        "pii:email"
    );
    world.script("cloud", [ok("from the cloud")]);
    let got = world.chat(&asking("auto", "What is the capital of France?"));
    assert_eq!(got.header("x-pilotlight-target"), "cloud");
    assert_eq!(got.header("x-pilotlight-private"), "");
}

#[test]
fn what_a_caller_says_that_cannot_be_understood_is_refused_and_nothing_leaves() {
    for said in ["Home", "HOME", "cloud", "yes", "", "home, home", "nothing"] {
        let head = Head {
            privacy: Some(said.to_owned()),
            ..chat_head()
        };
        let got = world().ask(&head, &asking("auto", "hi").to_string());
        assert_eq!(got.status, 400, "{said:?}");
        assert!(got.body.contains("x-pilotlight-privacy"), "{}", got.body);
    }
}

#[test]
fn a_private_request_that_nobody_at_home_answers_gets_a_clear_503() {
    let world = world();
    world.script("attic", [Step::Refuse]);
    world.script("cellar", [error(500, "broken")]);
    let got = world.ask(&private(), &asking("auto", "hi").to_string());
    assert_eq!(got.status, 503);
    let told = &got.json()["error"];
    assert_eq!(told["code"], "private_unanswered");
    let words = told["message"].as_str().unwrap();
    assert!(
        words.contains("stays at home (x-pilotlight-privacy says so)"),
        "{words}"
    );
    assert!(words.contains("attic:unreachable, cellar:500"), "{words}");
    assert!(
        words.contains("Nothing of it was sent elsewhere"),
        "{words}"
    );
    assert_eq!(told["pilotlight"]["attempts"].as_array().unwrap().len(), 6);
}

#[test]
fn every_way_of_failing_at_home_is_a_503_unless_the_caller_can_mend_it() {
    let silent = world();
    silent.script("attic", [Step::Silence]);
    silent.script("cellar", [Step::Silence]);
    let got = silent.ask(&private(), &asking("auto", "hi").to_string());
    assert_eq!(got.status, 503, "{}", got.body);
    let throttled = world();
    throttled.script("attic", [error(429, "slow_down")]);
    throttled.script("cellar", [error(429, "slow_down")]);
    let got = throttled.ask(&private(), &asking("auto", "hi").to_string());
    assert_eq!(got.status, 503, "{}", got.body);
    let busy = world();
    busy.occupies("attic", 9_000_000);
    busy.occupies("cellar", 9_000_000);
    let got = busy.ask(&private(), &asking("auto", "hi").to_string());
    assert_eq!(got.status, 503, "{}", got.body);
}

#[test]
fn a_route_without_a_home_says_so() {
    let world = world();
    let got = world.ask(&private(), &asking("cloudy", "hi").to_string());
    assert_eq!(got.status, 503);
    let message = got.json()["error"]["message"].to_string();
    assert!(
        message.contains("its route has no target at home"),
        "{message}"
    );
    let got = world.ask(&private(), &asking("cloud", "hi").to_string());
    assert_eq!(got.header("x-pilotlight-attempts"), "cloud:private");
    assert_eq!(got.status, 503);
}

#[test]
fn a_private_stream_that_breaks_is_gone_on_with_at_home_alone() {
    let world = world();
    let mut cut = streamed(&[]);
    cut.truncate(1);
    cut.extend([text_piece("The one who "), text_piece("came in from the ")]);
    cut.push(Piece::Reset);
    world.script("attic", [Step::Stream(cut)]);
    let on = "came in from the cold";
    world.script("cellar", [Step::Stream(streamed(&[on]))]);
    let mut asking = asking("auto", "hi");
    asking["stream"] = true.into();
    let got = world.ask(&private(), &asking.to_string());
    assert_eq!(
        got.text(),
        "The one who came in from the cold",
        "{}",
        got.body
    );
}

#[test]
fn a_private_request_is_hedged_at_home_alone() {
    let world = world();
    world.script(
        "attic",
        [Step::Reply {
            after: 60_000,
            status: 200,
            headers: ReplyHeaders::default(),
            body: String::new(),
        }],
    );
    world.script("cellar", [ok("quick")]);
    let got = world.ask(&private(), &asking("auto", "hi").to_string());
    assert_eq!(got.header("x-pilotlight-target"), "cellar");
    assert_eq!(got.ms, 1_000);
}

/// What a target at home may do.
fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(ok("whole")),
        Just(Step::Refuse),
        Just(Step::Silence),
        Just(error(500, "broken")),
        Just(error(429, "slow")),
        Just(error(401, "who")),
        Just(error(400, "what")),
        Just(reply(200, "<html>")),
        Just(reply(302, "")),
        Just(Step::Stream(streamed(&["some", " words"]))),
        (1_usize..5).prop_map(|pieces| {
            let mut cut = streamed(&["some ", "words ", "that ", "break "]);
            cut.truncate(pieces);
            cut.push(Piece::Reset);
            Step::Stream(cut)
        }),
    ]
}

proptest! {
    /// The world panics when a target is asked that has no script, and no cloud has one.
    #[test]
    fn no_fault_at_home_sends_a_private_request_elsewhere(
        attic in proptest::collection::vec(step(), 1..4),
        cellar in proptest::collection::vec(step(), 1..4),
        stream in any::<bool>(),
        mode in prop_oneof![Just("takeover"), Just("hold"), Just("error")],
        by in 0..3,
        busy in any::<bool>(),
    ) {
        let world = world();
        world.script("attic", attic);
        world.script("cellar", cellar);
        if busy {
            world.occupies("attic", 5_000);
        }
        let (mut head, mut question) = (chat_head(), asking("auto", "hi"));
        match by {
            0 => head.privacy = Some("home".to_owned()),
            1 => question["model"] = "inside".into(),
            _ => question["messages"][0]["content"] = "mail jane.doe@example.com".into(),
        }
        head.mode = Some(mode.to_owned());
        question["stream"] = stream.into();
        let got = world.ask(&head, &question.to_string());
        prop_assert!(world.seen("cloud").is_empty() && world.seen("spare").is_empty());
        prop_assert!([200, 400, 503].contains(&got.status), "{}", got.status);
        prop_assert_eq!(world.at_box("cellar"), (0, 0));
    }
}
