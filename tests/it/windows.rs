//! Windows and abilities: who is asked first with a conversation that is too long for some, what is cut
//! when, and what a caller hears whose request nobody can serve.

use pilotlight::config::{self, Config};
use pilotlight::gateway::Head;
use pilotlight::models::{Ability, Effort, Thinking};
use pilotlight::policy::drill::{Drill, Fault, Scope};
use serde_json::{Value, json};

use crate::world::{Got, Piece, START, Step, World, chat_head, error, ok, reply, streamed};

/// A target at home with a small window.
fn home() -> Value {
    json!({"provider": "openai", "base_url": "http://127.0.0.1:1", "model": "h", "home": true,
           "context": 2048, "attempts": 1})
}

/// A target elsewhere, of whose window nothing is known.
fn cloud() -> Value {
    json!({"provider": "openai", "base_url": "https://api.test/v1", "model": "m", "attempts": 1})
}

fn with(mut target: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        target[name] = value.clone();
    }
    target
}

/// A world whose one route asks these in order.
fn world(targets: &[(&str, Value)]) -> World {
    World::new(&config(targets))
}

fn config(targets: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = targets.iter().map(|(name, _)| *name).collect();
    let tables: serde_json::Map<String, Value> = targets
        .iter()
        .map(|(name, target)| ((*name).to_owned(), target.clone()))
        .collect();
    json!({"targets": tables, "routes": {"auto": names}})
}

/// A conversation of some 8,000 tokens.
fn long() -> Value {
    conversation(80)
}

fn conversation(turns: usize) -> Value {
    let mut messages = vec![json!({"role": "system", "content": "You keep the harbour's books."})];
    for turn in 0..turns {
        let ships = format!("Which ship lies at pier {turn}? ").repeat(8);
        messages.push(json!({"role": "user", "content": ships}));
        messages.push(json!({"role": "assistant", "content": format!("None, at {turn}.")}));
    }
    messages.push(json!({"role": "user", "content": "The newest question."}));
    json!({"model": "auto", "messages": messages})
}

fn tried(got: &Got) -> &str {
    got.header("x-pilotlight-attempts")
}

fn sent(world: &World, target: &str) -> Vec<usize> {
    let seen = world.seen(target);
    let messages = seen
        .iter()
        .map(|call| call.body["messages"].as_array().unwrap().len());
    messages.collect()
}

fn whole() -> usize {
    long()["messages"].as_array().unwrap().len()
}

#[test]
fn what_is_too_long_for_home_goes_on_to_the_cloud_whole() {
    let world = world(&[("home", home()), ("cloud", cloud())]);
    world.script("cloud", [ok("Whole.")]);
    let got = world.chat(&long());
    assert_eq!(tried(&got), "home:too_long,cloud:ok");
    assert_eq!(got.header("x-pilotlight-truncated"), "");
    assert_eq!(sent(&world, "cloud"), [whole()]);
    assert!(world.seen("home").is_empty());
    assert!(
        world.store().said.borrow().is_empty(),
        "no slot was asked for"
    );
}

#[test]
fn when_nobody_else_can_answer_it_is_cut_for_home() {
    for (told, failure) in [
        ("503", error(503, "")),
        ("credential", error(401, "")),
        ("unreachable", Step::Refuse),
        ("context_overflow", error(400, "context_length_exceeded")),
    ] {
        let world = world(&[("home", home()), ("cloud", cloud())]);
        world
            .script("cloud", [failure])
            .script("home", [ok("Cut.")]);
        let got = world.chat(&long());
        assert_eq!(got.status, 200, "{told}: {}", got.body);
        assert_eq!(tried(&got), format!("home:too_long,cloud:{told},home:ok"));
        assert!(
            got.header("x-pilotlight-truncated")
                .starts_with("messages=")
        );
        assert!(sent(&world, "home")[0] < whole());
        assert_eq!(world.log()[0]["outcome"], "answered");
    }
}

#[test]
fn what_fits_home_is_answered_there() {
    let world = world(&[("home", home()), ("cloud", cloud())]);
    world.script("home", [ok("Home.")]);
    assert_eq!(tried(&world.chat(&conversation(3))), "home:ok");
}

#[test]
fn behind_a_cloud_that_is_down_home_gets_it_cut_at_once() {
    let world = world(&[("cloud", cloud()), ("home", home())]);
    world
        .script("cloud", [error(503, "")])
        .script("home", [ok("Cut.")]);
    let got = world.chat(&long());
    assert_eq!(tried(&got), "cloud:503,home:ok");
    assert_ne!(got.header("x-pilotlight-truncated"), "");
}

#[test]
fn nobody_waits_for_one_that_is_no_larger_or_cannot_be_asked() {
    let small = with(cloud(), &json!({"context": 2048}));
    let keyless = with(cloud(), &json!({"key": "UNSET_KEY"}));
    let unknown_at_home = with(home(), &json!({"context": null, "box": "other"}));
    for (name, other) in [
        ("small", small),
        ("keyless", keyless),
        ("other", unknown_at_home),
    ] {
        let world = world(&[("home", home()), (name, other)]);
        world.script("home", [ok("Cut.")]);
        let got = world.chat(&long());
        assert_eq!(tried(&got), "home:ok", "{name}");
        assert_ne!(got.header("x-pilotlight-truncated"), "");
    }
}

#[test]
fn a_cloud_whose_breaker_is_open_is_not_waited_for() {
    let tripping = with(cloud(), &json!({"breaker_failures": 1}));
    let world = world(&[("home", home()), ("cloud", tripping)]);
    world
        .script("cloud", [error(503, "")])
        .script("home", [ok("Cut.")]);
    assert_eq!(
        tried(&world.chat(&long())),
        "home:too_long,cloud:503,home:ok"
    );
    assert_eq!(tried(&world.chat(&long())), "home:ok");
}

#[test]
fn the_one_with_the_larger_window_is_asked_first_and_then_the_rest_in_order() {
    let sized = |tokens: u32| with(cloud(), &json!({"context": tokens}));
    let world = world(&[
        ("small", sized(1024)),
        ("middle", sized(2048)),
        ("large", sized(32_000)),
    ]);
    for name in ["small", "middle"] {
        world.script(name, [error(503, "")]);
    }
    world.script("large", [error(503, ""), ok("Whole.")]);
    let got = world.chat(&long());
    assert_eq!(got.status, 503);
    assert_eq!(got.json()["error"]["code"], "all_targets_failed");
    assert_eq!(
        tried(&got),
        "small:too_long,middle:too_long,large:503,small:503,middle:503"
    );
    let got = world.chat(&long());
    assert_eq!(tried(&got), "small:too_long,middle:too_long,large:ok");
}

#[test]
fn a_target_named_alone_and_a_private_request_are_cut_at_once() {
    let world = world(&[("home", home()), ("cloud", cloud())]);
    world.script("home", [ok("Cut.")]);
    let mut alone = long();
    alone["model"] = json!("home");
    assert_eq!(tried(&world.chat(&alone)), "home:ok");
    let private = Head {
        privacy: Some("home".to_owned()),
        ..chat_head()
    };
    let got = world.ask(&private, &long().to_string());
    assert_eq!(tried(&got), "cloud:private,home:ok");
    assert_ne!(got.header("x-pilotlight-truncated"), "");
    assert!(world.seen("cloud").is_empty());
}

#[test]
fn where_nothing_may_be_cut_home_is_not_asked_later_either() {
    let never = with(home(), &json!({"truncate": "never"}));
    let strict = Head {
        truncate: Some("never".to_owned()),
        ..chat_head()
    };
    for (home, head) in [(never, chat_head()), (home(), strict)] {
        let world = world(&[("home", home), ("cloud", cloud())]);
        world.script("cloud", [error(503, "")]);
        let got = world.ask(&head, &long().to_string());
        assert_eq!(got.status, 503);
        assert_eq!(tried(&got), "home:too_long,cloud:503");
    }
}

#[test]
fn an_answer_of_the_cloud_that_breaks_is_gone_on_with_at_home() {
    let world = world(&[("home", home()), ("cloud", cloud())]);
    let mut broken = streamed(&["The ", "newest ", "ship "]);
    broken.truncate(4);
    broken.push(Piece::Reset);
    world.script("cloud", [Step::Stream(broken)]);
    let rest = streamed(&["The newest ship ", "is in."]);
    world.script("home", [Step::Stream(rest)]);
    let mut question = long();
    question["stream"] = json!(true);
    let got = world.chat(&question);
    assert_eq!(got.text(), "The newest ship is in.");
    let told = world.log()[0]["attempts"].to_string();
    assert!(told.contains("too_long"), "{told}");
    assert!(sent(&world, "home")[0] < whole());
}

#[test]
fn what_a_target_itself_calls_too_long_goes_on_and_comes_back_cut() {
    let sized = with(cloud(), &json!({"context": 60_000}));
    let world = world(&[("sized", sized), ("cloud", cloud())]);
    let overflow = || error(400, "context_length_exceeded");
    world.script("sized", [overflow(), ok("Cut.")]);
    world.script("cloud", [error(503, "")]);
    // By the count here it is too large, but not by any count.
    let question = conversation(700);
    let got = world.chat(&question);
    assert_eq!(got.status, 200, "{}", got.body);
    assert_eq!(tried(&got), "sized:context_overflow,cloud:503,sized:ok");
    assert_ne!(got.header("x-pilotlight-truncated"), "");
    // Alone, it is asked once more at once.
    let mut alone = question;
    alone["model"] = json!("sized");
    world.script("sized", [overflow(), ok("Cut.")]);
    let got = world.chat(&alone);
    assert_eq!(tried(&got), "sized:context_overflow,sized:ok");
}

#[test]
fn a_box_that_is_too_small_takes_no_slot_while_others_are_waited_for() {
    let boxed = |context: u32, name: &str| {
        let address = format!("http://{name}.test:1");
        with(home(), &json!({"context": context, "base_url": address}))
    };
    let world = world(&[
        ("large", boxed(32_000, "large")),
        ("small", boxed(2048, "small")),
        ("cloud", cloud()),
    ]);
    let slow = Step::Reply {
        after: 10_000,
        status: 200,
        headers: pilotlight::platform::ReplyHeaders::default(),
        body: String::new(),
    };
    world.script("large", [slow]);
    world.script("cloud", [ok("Whole.")]);
    let other = world.also(1_000, chat_head());
    world.chat(&long());
    let other = other.borrow_mut().take().unwrap();
    assert_eq!(other.status, 200, "{}", other.body);
    assert_eq!(tried(&other), "large:home_busy,small:too_long,cloud:ok");
    let asked: Vec<String> = world.store().locks.borrow().keys().cloned().collect();
    assert_eq!(asked, ["large"]);
}

/// The same with what a table would know of the model.
fn knowing(target: Value, change: impl Fn(&mut config::Target)) -> World {
    World::with(known(target, change))
}

fn known(
    target: Value,
    change: impl Fn(&mut config::Target),
) -> Result<Config, Vec<config::Mistake>> {
    let mut config = config::parse(&config(&[("one", target)]).to_string(), &|_| None)?;
    config.targets.iter_mut().for_each(change);
    Ok(config)
}

#[test]
fn nobody_is_asked_for_more_than_the_model_can_write() {
    let most = |wanted: Value, setting: Value| {
        let target = with(cloud(), &json!({"max_output": setting}));
        let world = knowing(target, |target| target.max_output = Some(1_000));
        world.script("one", [ok("x")]);
        let mut question = conversation(1);
        question["max_tokens"] = wanted;
        assert_eq!(world.chat(&question).status, 200);
        world.seen("one")[0].body["max_tokens"].clone()
    };
    assert_eq!(most(json!(5_000), json!(null)), 1_000);
    assert_eq!(most(json!(500), json!(2_000)), 500);
    assert_eq!(most(json!(null), json!(2_000)), 1_000);
    assert_eq!(most(json!(null), json!(null)), json!(null));
}

fn asked(world: &World, fields: &Value) -> Got {
    let question = with(conversation(1), fields);
    world.chat(&question)
}

#[test]
fn a_request_that_no_target_can_serve_is_the_callers_to_change() {
    let blind = with(cloud(), &json!({"cannot": ["tools", "stop"]}));
    let both = [("one", blind.clone()), ("two", blind)];
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let got = asked(&world(&both), &json!({"tools": tools}));
    assert_eq!(got.status, 400, "{}", got.body);
    assert_eq!(tried(&got), "one:unsupported:tools,two:unsupported:tools");
    assert_eq!(got.header("x-should-retry"), "false");
    let error = got.json()["error"].clone();
    assert_eq!(error["type"], "invalid_request_error");
    assert_eq!(error["code"], "unsupported_parameter");
    assert_eq!(error["param"], "tools");
    assert_eq!(
        error["message"],
        "no target of this route can serve 'tools': 'one', 'two' cannot"
    );
    // Each for its own reason; one that can never be asked does not count.
    let targets = [
        ("one", with(cloud(), &json!({"cannot": ["stop"]}))),
        ("two", with(cloud(), &json!({"cannot": ["seed"]}))),
        ("keyless", with(cloud(), &json!({"key": "UNSET_KEY"}))),
    ];
    let got = asked(&world(&targets), &json!({"stop": "x", "seed": 7}));
    assert_eq!(got.status, 400);
    let error = got.json()["error"].clone();
    // To change one of them is enough.
    assert_eq!(error["param"], Value::Null);
    let told = error["message"].as_str().unwrap();
    assert!(
        told.ends_with("'one' cannot take 'stop'; 'two' cannot take 'seed'"),
        "{told}"
    );
}

#[test]
fn a_request_that_some_target_could_have_served_may_be_tried_again() {
    let targets = [
        ("one", with(cloud(), &json!({"cannot": ["stop"]}))),
        ("two", cloud()),
    ];
    let world = world(&targets);
    world.script("two", [error(503, "")]);
    let got = asked(&world, &json!({"stop": "x"}));
    assert_eq!(got.status, 503);
    assert_eq!(got.json()["error"]["param"], json!(null));
    assert_eq!(tried(&got), "one:unsupported:stop,two:503");
}

#[test]
fn too_long_for_one_and_too_much_for_the_other_is_the_callers_to_change() {
    let targets = [
        ("home", with(home(), &json!({"truncate": "never"}))),
        ("cloud", with(cloud(), &json!({"cannot": ["stop"]}))),
    ];
    let got = world(&targets).chat(&with(long(), &json!({"stop": "x"})));
    assert_eq!(got.status, 400, "{}", got.body);
    assert_eq!(tried(&got), "home:too_long,cloud:unsupported:stop");
    let told = got.json()["error"]["message"].to_string();
    assert!(
        told.contains("the conversation is too long for 'home'"),
        "{told}"
    );
    assert!(told.contains("'cloud' cannot take 'stop'"), "{told}");
}

#[test]
fn a_target_that_is_passed_over_and_throttled_later_was_throttled() {
    let world = world(&[("home", home()), ("cloud", cloud())]);
    for name in ["home", "cloud"] {
        world.script(name, [reply(429, "{}")]);
    }
    let got = world.chat(&long());
    assert_eq!(tried(&got), "home:too_long,cloud:429,home:429");
    assert_eq!(got.status, 429, "{}", got.body);
}

#[test]
fn what_only_tunes_a_model_that_cannot_be_tuned_stays_here() {
    let world = knowing(with(cloud(), &json!({"cannot": ["sampling"]})), |_| {});
    world.script("one", [ok("x")]);
    let got = asked(&world, &json!({"temperature": 0.2, "top_p": 1, "seed": 4}));
    assert_eq!(got.header("x-pilotlight-dropped"), "temperature");
    let body = world.seen("one")[0].body.clone();
    assert_eq!(body["temperature"], json!(null));
    assert_eq!(body["top_p"], json!(null));
    assert_eq!(body["seed"], 4);
}

fn models(world: &World, id: &str) -> Value {
    let head = Head {
        method: "GET".to_owned(),
        path: format!("/v1/models/{id}"),
        host: "localhost".to_owned(),
        ..Head::default()
    };
    world.ask(&head, "").json()
}

#[test]
fn the_list_of_models_tells_windows_limits_and_abilities() {
    let target = json!({"provider": "openai", "base_url": "https://api.test/v1", "model": "m",
        "context": 128_000, "can": ["images"], "cannot": ["tools", "stop"],
        "thinking": "optional", "efforts": ["none", "high", "low"]});
    let world = knowing(target, |target| target.max_output = Some(16_000));
    let told = models(&world, "one");
    assert_eq!(told["context_length"], 128_000);
    assert_eq!(told["max_completion_tokens"], 16_000);
    let ours = &told["pilotlight"];
    assert_eq!(ours["context"], 128_000);
    assert_eq!(ours["max_output"], 16_000);
    let abilities = json!({"images": true, "stop": false, "tools": false});
    assert_eq!(ours["abilities"], abilities);
    assert_eq!(ours["thinking"], "optional");
    assert_eq!(ours["efforts"], json!(["none", "low", "high"]));

    let world = self::world(&[("home", home()), ("cloud", cloud())]);
    let told = models(&world, "cloud");
    assert_eq!(told["context_length"], json!(null));
    assert_eq!(told["pilotlight"]["context"], json!(null));
    assert_eq!(told["pilotlight"]["abilities"], json!({}));
    assert_eq!(told["pilotlight"]["efforts"], json!(null));
    assert_eq!(told["pilotlight"]["thinking"], json!(null));
}

#[test]
fn a_routes_window_is_the_largest_of_its_targets() {
    let sized = |tokens: u32| with(cloud(), &json!({"context": tokens}));
    let world = world(&[
        ("home", home()),
        ("large", sized(128_000)),
        ("unknown", cloud()),
    ]);
    let told = models(&world, "auto");
    assert_eq!(told["context_length"], 128_000);
    assert_eq!(told["pilotlight"]["context"], 128_000);
    assert_eq!(told["pilotlight"]["context_min"], 2048);
    assert_eq!(told["max_completion_tokens"], json!(null));
}

#[test]
fn the_config_has_the_last_word_on_what_a_model_can_do() {
    let at = |target: Value| {
        let config = config::parse(&config(&[("one", target)]).to_string(), &|_| None).unwrap();
        (config.targets[0].abilities, config.targets[0].context)
    };
    let official = json!({"provider": "openai", "base_url": "https://api.openai.com/v1",
        "model": "gpt-5.4-mini"});
    let known = pilotlight::models::known("openai", "gpt-5.4-mini").unwrap();
    let window = known
        .window
        .map_or(config::Context::Unknown, config::Context::Tokens);
    assert_eq!(at(official.clone()), (known.abilities, window));
    let elsewhere = with(
        official.clone(),
        &json!({"base_url": "https://proxy.test/v1"}),
    );
    let unknown = (
        pilotlight::models::Abilities::UNKNOWN,
        config::Context::Unknown,
    );
    assert_eq!(at(elsewhere), unknown);

    let (abilities, context) = at(with(
        official,
        &json!({"can": ["prefill"], "cannot": ["images"], "thinking": "always",
                "efforts": ["low"], "context": 4096}),
    ));
    let mut expected = known
        .abilities
        .with(Ability::Prefill)
        .without(Ability::Images)
        .without_efforts()
        .taking(Effort::Low);
    expected.thinking = Thinking::Always;
    assert_eq!(abilities, expected);
    assert_eq!(context, config::Context::Tokens(4096));
}

#[test]
fn a_box_that_counts_more_than_we_do_gives_way_to_the_cloud_too() {
    let ollama = json!({"provider": "ollama", "base_url": "http://127.0.0.1:11434", "model": "h",
        "home": true, "context": 2048, "attempts": 1, "hedge_after": "5s"});
    let world = world(&[("home", ollama), ("cloud", cloud())]);
    let inner = json!({"error": {"code": 400, "type": "exceed_context_size_error",
        "message": "request (3100 tokens) exceeds the available context size (2048 tokens), try increasing it",
        "n_prompt_tokens": 3100, "n_ctx": 2048}});
    let refused = json!({"error": inner.to_string()}).to_string();
    world.script("home", [reply(400, &refused)]);
    world.script("cloud", [ok("Whole.")]);
    let question = conversation(9);
    let got = world.chat(&question);
    assert_eq!(tried(&got), "home:context_overflow,cloud:ok");
    assert_eq!(got.header("x-pilotlight-truncated"), "");
    // It has been learned: the next one goes past it at once, and its slot is free.
    let got = world.chat(&question);
    assert_eq!(tried(&got), "home:too_long,cloud:ok");
    assert_eq!(world.seen("home").len(), 1);
}

#[test]
fn in_a_drill_the_cloud_that_is_made_to_fail_leaves_it_to_home() {
    let world = world(&[("home", home()), ("cloud", cloud())]);
    world.script("home", [ok("Cut.")]);
    *world.store().drill.borrow_mut() = Some(Drill {
        id: "drill_1".to_owned(),
        targets: vec!["cloud".to_owned()],
        fault: Fault::Overloaded,
        scope: Scope::Marked,
        since: START,
        until: START + 600_000,
    });
    let head = Head {
        drill: Some("drill_1".to_owned()),
        ..chat_head()
    };
    let got = world.ask(&head, &long().to_string());
    assert_eq!(tried(&got), "home:too_long,cloud:503,home:ok");
    assert!(world.seen("cloud").is_empty());
}
