//! What answers cost, and where that is told: in the body, in a header, at a stream's end, in the log.

use serde_json::{Value, json};

use crate::world::{
    Got, Piece, Step, World, chat_head, error, ok, piece, reply, streamed, text_piece,
};

/// Priced, at OpenAI, at an unknown price, at home, and at home with a meter.
fn config() -> Value {
    let target = |host: &str| json!({"provider": "openai", "base_url": format!("https://{host}.test/v1"), "model": host});
    let mut priced = target("priced");
    priced["price_in"] = json!(0.15);
    priced["price_out"] = json!(6);
    priced["price_cached"] = json!(0.015);
    let mut dear = target("dear");
    dear["price_in"] = json!(10);
    dear["price_out"] = json!(50);
    let mut home = target("home");
    home["home"] = json!(true);
    home["stream_inside"] = json!(false);
    let mut warm = home.clone();
    warm["watts"] = json!(360);
    json!({
        "kwh_price": 0.5,
        "targets": {
            "priced": priced, "dear": dear, "unpriced": target("unpriced"), "home": home,
            "warm": warm,
            "openai": {"provider": "openai", "base_url": "https://api.openai.com/v1",
                       "model": "gpt-5.4-mini-2026-03-17"},
        },
        "routes": {"auto": ["priced", "dear"], "two": ["dear", "home"]},
        "heartbeat": "10m",
    })
}

fn asking(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hi"}]})
}

fn streaming(model: &str) -> Value {
    let mut body = asking(model);
    body["stream"] = json!(true);
    body
}

/// The log line, read as text: a number of JSON is not to go through a float.
fn logged(world: &World) -> String {
    number(&world.log_lines().last().unwrap().clone())
}

/// The text of `cost_usd` in JSON text, as it is spelled; nothing where it is not there.
fn number(json: &str) -> String {
    let (_, rest) = json.rsplit_once("\"cost_usd\":").unwrap_or_default();
    let end = rest.find([',', '}']).unwrap_or_default();
    rest[..end].to_owned()
}

/// One call that is answered with this step: what it cost by the body, by the header and by the log.
fn whole(target: &str, step: Step) -> [String; 3] {
    let world = World::new(&config());
    world.script(target, [step]);
    let got = world.chat(&asking(target));
    assert_eq!(got.status, 200, "{}", got.body);
    let header = got.header("x-pilotlight-cost-usd").to_owned();
    [number(&got.body), header, logged(&world)]
}

/// A completion with this usage.
fn completion(usage: &str) -> Step {
    reply(
        200,
        &format!(
            r#"{{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{{"index":0,
            "message":{{"role":"assistant","content":"x"}},"finish_reason":"stop"}}]{usage}}}"#
        ),
    )
}

#[test]
fn a_whole_answer_tells_what_it_cost_in_body_header_and_log() {
    // 5 tokens in and 2 out.
    let all = |cost| [cost, cost, cost];
    assert_eq!(whole("priced", ok("x")), all("0.00001275"));
    assert_eq!(whole("home", ok("x")), all("0"));
    // 0.75 and 4.5 for a million, by the row without a date.
    assert_eq!(whole("openai", ok("x")), all("0.00001275"));
}

#[test]
fn what_is_not_known_is_null_and_never_nothing() {
    let unknown = ["null", "", "null"];
    assert_eq!(whole("unpriced", ok("x")), unknown);
    assert_eq!(whole("priced", completion("")), unknown);
    let odd = r#","usage":{"prompt_tokens":"5","completion_tokens":2}"#;
    assert_eq!(whole("priced", completion(odd)), unknown);
    let long = r#","usage":{"prompt_tokens":272001,"completion_tokens":2}"#;
    let mut config = config();
    config["targets"]["openai"]["model"] = json!("gpt-5.4");
    let world = World::new(&config);
    world.script("openai", [completion(long)]);
    assert_eq!(
        world.chat(&asking("openai")).json()["pilotlight"]["cost_usd"],
        Value::Null
    );
    // Nobody needs to count what is free.
    assert_eq!(whole("home", completion("")), ["0", "0", "0"]);
}

#[test]
fn cached_tokens_cost_their_own_price() {
    let usage = |details: &str| {
        completion(&format!(
            r#","usage":{{"prompt_tokens":1000,"completion_tokens":0,{details}}}"#
        ))
    };
    let cached = r#""prompt_tokens_details":{"cached_tokens":900}"#;
    assert_eq!(whole("priced", usage(cached))[0], "0.0000285");
    let deepseek = r#""prompt_cache_hit_tokens":900,"prompt_cache_miss_tokens":100"#;
    assert_eq!(whole("priced", usage(deepseek))[0], "0.0000285");
    // Without a price of their own they cost what any other does.
    assert_eq!(whole("dear", usage(cached))[0], "0.01");
}

#[test]
fn a_box_at_home_costs_its_electricity_for_as_long_as_it_works() {
    let Step::Reply {
        status,
        headers,
        body,
        ..
    } = completion("")
    else {
        panic!("a reply");
    };
    let slow = Step::Reply {
        after: 20_000,
        status,
        headers,
        body,
    };
    // 360 W for 20 s are 2 Wh.
    let all = ["0.001", "0.001", "0.001"];
    assert_eq!(whole("warm", slow), all);

    let world = World::new(&config());
    let mut pieces = streamed(&["a ", "b"]);
    pieces.insert(2, Piece::Wait(10_000));
    pieces.insert(5, Piece::Wait(500));
    world.script("warm", [Step::Stream(pieces)]);
    let got = world.chat(&streaming("warm"));
    // Until what it used is told, half a second after its last word.
    assert_eq!(number(&got.body), "0.000525");
    assert_eq!(logged(&world), "0.000525");
}

/// The costs in the chunks of a stream, in order.
fn told(got: &Got) -> Vec<String> {
    let telling = |data: &&&str| data.contains("\"pilotlight\"");
    let events = got.events();
    events
        .iter()
        .filter(telling)
        .map(|data| number(data))
        .collect()
}

#[test]
fn a_stream_tells_what_it_cost_in_the_chunks_that_end_it() {
    for (wanted, chunks) in [(false, 1), (true, 2)] {
        let world = World::new(&config());
        world.script("priced", [Step::Stream(streamed(&["Hel", "lo"]))]);
        let mut body = streaming("priced");
        body["stream_options"] = json!({"include_usage": wanted});
        let got = world.chat(&body);
        assert_eq!(got.text(), "Hello");
        assert_eq!(told(&got), vec!["0.00001275"; chunks], "{}", got.body);
        assert_eq!(got.headers.get("x-pilotlight-cost-usd"), None);
        assert_eq!(logged(&world), "0.00001275");
        let finish = got
            .events()
            .iter()
            .position(|data| data.contains("\"stop\""));
        let usage = got
            .events()
            .iter()
            .position(|data| data.contains("prompt_tokens"));
        assert!(usage.is_none() || finish < usage, "{}", got.body);
    }
}

#[test]
fn a_stream_that_tells_no_usage_tells_no_cost() {
    let mut pieces = streamed(&["x"]);
    let usage = pieces.len() - 2;
    pieces.remove(usage);
    for (target, cost) in [("priced", "null"), ("home", "0")] {
        let world = World::new(&config());
        world.script(target, [Step::Stream(pieces.clone())]);
        let got = world.chat(&streaming(target));
        assert_eq!(told(&got), [cost], "{}", got.body);
        assert_eq!(got.events().last(), Some(&"[DONE]"));
        assert_eq!(logged(&world), cost);
    }
}

#[test]
fn usage_that_does_not_come_is_not_waited_for_long() {
    let mut pieces = streamed(&["x"]);
    pieces.truncate(pieces.len() - 2);
    pieces.push(Piece::Wait(60_000));
    let world = World::new(&config());
    world.script("priced", [Step::Stream(pieces)]);
    let got = world.chat(&streaming("priced"));
    assert_eq!(told(&got), ["null"]);
    assert_eq!(got.events().last(), Some(&"[DONE]"));
    assert_eq!(world.elapsed(), 1_000);
}

#[test]
fn an_answer_that_is_put_together_tells_the_same_everywhere() {
    let mut config = config();
    config["defaults"] = json!({"stream_inside": true});
    config["targets"]["warm"]["stream_inside"] = json!(true);
    for (target, cost) in [("priced", "0.00001275"), ("warm", "0.000115")] {
        let world = World::new(&config);
        let mut pieces = streamed(&["x"]);
        pieces.insert(2, Piece::Wait(2_000));
        pieces.insert(4, Piece::Wait(300));
        world.script(target, [Step::Stream(pieces)]);
        let got = world.chat(&asking(target));
        assert_eq!(number(&got.body), cost, "{}", got.body);
        assert_eq!(got.header("x-pilotlight-cost-usd"), cost);
        assert_eq!(logged(&world), cost);
    }
}

/// A stream of which this much comes before it breaks; with its usage so far, or without.
fn broken(words: &[&str], usage: Option<&str>) -> Step {
    let mut pieces = streamed(words);
    pieces.truncate(pieces.len() - 3);
    if let Some(usage) = usage {
        pieces.push(piece(&format!(
            r#"{{"choices":[{{"index":0,"delta":{{"content":""}}}}],"usage":{usage}}}"#
        )));
    }
    pieces.push(Piece::Reset);
    Step::Stream(pieces)
}

const SO_FAR: [&str; 4] = [
    "The pilot light ",
    "is a small flame ",
    "that never ",
    "goes out ",
];

fn gone_on() -> Step {
    Step::Stream(streamed(&["that never ", "goes out ", "by itself."]))
}

#[test]
fn an_answer_that_several_wrote_costs_what_each_of_them_used() {
    let world = World::new(&config());
    let usage = r#"{"prompt_tokens":100,"completion_tokens":10}"#;
    world
        .script("priced", [broken(&SO_FAR, Some(usage))])
        .script("dear", [gone_on()]);
    let got = world.chat(&streaming("auto"));
    assert!(got.text().ends_with("goes out by itself."), "{}", got.body);
    // 100 * 0.15 + 10 * 6, and 5 * 10 + 2 * 50, for a million.
    assert_eq!(told(&got), ["0.000225"], "{}", got.body);
    assert_eq!(logged(&world), "0.000225");
}

#[test]
fn a_part_whose_usage_is_only_estimated_makes_the_cost_unknown() {
    let world = World::new(&config());
    world
        .script("priced", [broken(&SO_FAR, None)])
        .script("dear", [gone_on()]);
    let got = world.chat(&streaming("auto"));
    assert!(
        got.body.contains("\"usage_estimated\":true"),
        "{}",
        got.body
    );
    assert_eq!(told(&got), ["null"], "{}", got.body);
    assert_eq!(logged(&world), "null");
    assert!(world.log()[0]["tokens_out"].as_u64().is_some());
}

#[test]
fn a_count_that_words_follow_is_not_what_a_part_used() {
    let mut pieces = streamed(&SO_FAR);
    pieces.truncate(pieces.len() - 3);
    let early = r#"{"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":1}}"#;
    pieces.insert(1, piece(early));
    pieces.push(Piece::Reset);
    let world = World::new(&config());
    world
        .script("priced", [Step::Stream(pieces)])
        .script("dear", [gone_on()]);
    let got = world.chat(&streaming("auto"));
    assert_eq!(told(&got), ["null"], "{}", got.body);
}

#[test]
fn what_was_written_in_vain_costs_too() {
    let usage = r#"{"prompt_tokens":100,"completion_tokens":10}"#;
    let cost = |first: Step| {
        let mut head = chat_head();
        head.mode = Some("hold".to_owned());
        let world = World::new(&config());
        world
            .script("priced", [first])
            .script("dear", [Step::Stream(streamed(&["Anew."]))]);
        let got = world.ask(&head, &streaming("auto").to_string());
        assert_eq!(got.text(), "Anew.");
        assert_eq!(told(&got), [logged(&world)]);
        logged(&world)
    };
    assert_eq!(cost(broken(&SO_FAR, Some(usage))), "0.000225");
    assert_eq!(cost(broken(&SO_FAR, None)), "null");
    // Who failed before the first word has told nothing, and is asked for nothing.
    assert_eq!(cost(error(503, "")), "0.00015");
}

#[test]
fn a_target_that_only_counts_is_paid_all_the_same() {
    let silent = vec![
        piece(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#),
        piece(r#"{"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":0}}"#),
        piece("[DONE]"),
    ];
    let world = World::new(&config());
    world
        .script("priced", [Step::Stream(silent)])
        .script("dear", [Step::Stream(streamed(&["x"]))]);
    let got = world.chat(&streaming("auto"));
    let attempts = got.header("x-pilotlight-attempts");
    assert_eq!(attempts, "priced:empty,priced:empty,dear:ok");
    assert_eq!(told(&got), ["0.00018"], "{}", got.body);
}

#[test]
fn home_goes_on_for_nothing_and_leaves_unknown_what_was() {
    let usage = r#"{"prompt_tokens":10,"completion_tokens":2}"#;
    for (usage, cost) in [(Some(usage), "0.0002"), (None, "null")] {
        let world = World::new(&config());
        world
            .script("dear", [broken(&SO_FAR, usage)])
            .script("home", [gone_on()]);
        let got = world.chat(&streaming("two"));
        assert_eq!(told(&got), [cost], "{}", got.body);
    }
}

#[test]
fn a_request_that_nobody_answered_tells_no_cost_but_what_is_known() {
    let world = World::new(&config());
    world
        .script("priced", [error(500, "")])
        .script("dear", [error(500, "")]);
    let got = world.chat(&asking("auto"));
    assert_eq!(got.status, 503);
    assert_eq!(number(&got.body), "", "{}", got.body);
    assert_eq!(logged(&world), "");

    let mut head = chat_head();
    head.mode = Some("error".to_owned());
    let world = World::new(&config());
    world.script(
        "priced",
        [Step::Stream(vec![text_piece("a"), Piece::Reset])],
    );
    let got = world.ask(&head, &streaming("auto").to_string());
    assert_eq!(number(&got.body), "null", "{}", got.body);
    assert_eq!(logged(&world), "null");
}

#[test]
fn a_field_that_is_charged_for_leaves_the_cost_unknown() {
    let world = World::new(&config());
    world.script("priced", [ok("x")]);
    let mut body = asking("priced");
    body["service_tier"] = json!("priority");
    assert_eq!(number(&world.chat(&body).body), "null");
    body["service_tier"] = json!("default");
    assert_eq!(number(&world.chat(&body).body), "0.00001275");
}
