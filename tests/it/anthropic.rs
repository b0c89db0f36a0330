//! The `anthropic` dialect against bytes as its reference documents them: what is written, and what comes
//! of each answer, whole and cut at every byte.
//!
//! A folder of `tests/fixtures/anthropic` is a case: `request.json` is written as `upstream.json`, an answer
//! `stream.sse` is told as `events.txt`, `body.json` read into `completion.txt`, and an error such as
//! `400.json` into `fault.txt`. The bytes are written after the types and recorded streams of the Python SDK
//! 2.11; nothing here was sent to Anthropic. In them, `files_read_RENAMED` is whatever the tool `files.read`
//! is called there.

use std::path::Path;

use pilotlight::models::{Abilities, Ability, Effort, Thinking};
use pilotlight::openai::{ChatRequest, UsageChunk};
use pilotlight::policy::able;
use pilotlight::provider::{
    Ask, Decoder, Ending, NameRule, Names, Origin, PROVIDERS, Provider, Reading, Unsupported,
    UpstreamRequest, Window,
};
use pilotlight::stream::collect::Collector;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixtures::{self, meant, used};

fn anthropic() -> &'static dyn Provider {
    *PROVIDERS
        .iter()
        .find(|provider| provider.name() == "anthropic")
        .unwrap()
}

/// What a tool is called here, and in the fixtures.
const RENAMED: [&str; 2] = ["files.read", "files_read_RENAMED"];

fn with_reading<T>(usage_chunk: UsageChunk, read: impl FnOnce(&Reading<'_>) -> T) -> T {
    let names = Names::of([RENAMED[0].into()], &rule());
    read(&Reading {
        model: "asked-for",
        request_id: "req1",
        created: 1_700_000_000,
        choices: 1,
        usage_chunk,
        origin: Origin::Any,
        company: anthropic().company(""),
        names: &names,
    })
}

fn rule() -> NameRule {
    let company = anthropic().company("api.anthropic.com");
    anthropic().tool_names(company).unwrap()
}

fn decoder(usage_chunk: UsageChunk) -> Box<dyn Decoder> {
    with_reading(usage_chunk, |reading| anthropic().decoder(reading))
}

fn told(pieces: &[&[u8]], usage_chunk: UsageChunk) -> String {
    fixtures::told(decoder(usage_chunk), pieces)
}

/// What models of these names can do.
fn abilities(model: &str) -> Abilities {
    let mut abilities = Abilities::UNKNOWN;
    match model {
        "adaptive" => {
            abilities.thinking = Thinking::Optional;
            abilities
                .with(Ability::LateSystem)
                .without(Ability::Prefill)
                .without(Ability::Sampling)
        }
        "always" => {
            abilities.thinking = Thinking::Always;
            abilities
                .taking(Effort::Low)
                .taking(Effort::High)
                .without(Ability::ForcedTools)
        }
        "legacy" => {
            abilities.thinking = Thinking::Budget;
            abilities.with(Ability::Prefill)
        }
        _ => abilities,
    }
}

/// What is sent upstream for a request body, to the model that it names.
fn sent(request: &str) -> Result<UpstreamRequest, Unsupported> {
    let request = ChatRequest::parse(request).unwrap();
    sent_of(&request)
}

fn sent_of(request: &ChatRequest<'_>) -> Result<UpstreamRequest, Unsupported> {
    let abilities = abilities(&request.model);
    let able = able::judge(request, abilities).map_err(Unsupported)?;
    anthropic().write(&Ask {
        request,
        messages: &request.messages,
        delivery: anthropic().wholes(),
        usage_chunk: UsageChunk::Wanted,
        ending: Ending::Usual,
        model: &request.model,
        company: anthropic().company(""),
        context: Some(200_000),
        window: Window::Told,
        max_tokens: request.max_tokens,
        max_output: Some(64_000),
        abilities,
        left_out: &able.left_out(),
        effort: able.effort.as_deref(),
        keep_alive: None,
    })
}

/// Checks every case that has the file `given`: `answer` makes of it what stands in `expected`.
fn check(given: &str, expected: &str, at_least: usize, answer: impl Fn(&Path, &[u8]) -> String) {
    let rule = rule();
    let sent = rule.fit(RENAMED[0]);
    let answer = |case: &Path, given: &[u8]| {
        let given = std::str::from_utf8(given).unwrap();
        let given = given.replace(RENAMED[1], &sent);
        answer(case, given.as_bytes()).replace(sent.as_ref(), RENAMED[1])
    };
    fixtures::check("anthropic", [given, expected], at_least, answer);
}

#[test]
fn every_request_is_written_as_anthropic_takes_it() {
    check("request.json", "upstream.json", 20, |_, request| {
        let sent = sent(std::str::from_utf8(request).unwrap()).unwrap();
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        format!("{body:#}\n")
    });
}

#[test]
fn every_stream_tells_the_same_wherever_it_is_cut() {
    check("stream.sse", "events.txt", 29, |case, stream| {
        fixtures::told_however_cut(case, stream, |pieces| told(pieces, UsageChunk::Wanted))
    });
}

#[test]
fn every_whole_answer_is_read_into_a_completion_or_a_fault() {
    check("body.json", "completion.txt", 12, |_, body| {
        let read = with_reading(UsageChunk::Unwanted, |reading| {
            anthropic().read(body, reading)
        });
        match read {
            Ok(answer) => {
                let json: Value = serde_json::from_slice(&answer.json).unwrap();
                format!("{:?} {}\n{json:#}\n", answer.finish, used(answer.usage))
            }
            Err(fault) => format!("{}\n", meant(&fault)),
        }
    });
}

#[test]
fn every_error_answer_is_recognised() {
    for status in [400, 529] {
        check(&format!("{status}.json"), "fault.txt", 1, |_, body| {
            format!("{}\n", meant(&anthropic().fault(status, body)))
        });
    }
}

#[test]
fn a_stream_that_stops_anywhere_before_its_end_is_never_whole() {
    for case in ["text", "thinking", "tools_in_parallel", "refusal"] {
        let path = format!("tests/fixtures/anthropic/{case}/stream.sse");
        let stream = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        let whole = stream.trim_ascii_end().len();
        for cut in 0..whole {
            let told = told(&[&stream[..cut]], UsageChunk::Wanted);
            let last = told.lines().last().unwrap();
            let broken = last == "cut: StreamCut" || last.contains("NotAnApi");
            assert!(broken, "{case} cut at {cut}: {last}");
            assert!(!told.contains("[Some("), "{case} cut at {cut}: {told}");
        }
        assert!(told(&[&stream[..whole]], UsageChunk::Wanted).ends_with("\ndone\n"));
    }
}

#[test]
fn a_usage_chunk_comes_only_when_it_is_wanted() {
    let stream = std::fs::read("tests/fixtures/anthropic/text/stream.sse").unwrap();
    let usage = |wanted| told(&[&stream], wanted).matches("UsageOnly").count();
    assert_eq!(
        (usage(UsageChunk::Wanted), usage(UsageChunk::Unwanted)),
        (1, 0)
    );
}

#[test]
fn events_after_the_end_mean_nothing() {
    let stream = std::fs::read("tests/fixtures/anthropic/text/stream.sse").unwrap();
    let late = b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\"}}\n\n";
    let after = told(&[&stream, late, b"data: no\n\n"], UsageChunk::Wanted);
    assert_eq!(after, told(&[&stream], UsageChunk::Wanted));
}

/// What `fields`, added to a small request to `model`, is sent as.
fn with(model: &str, fields: Value) -> Result<(Value, Vec<String>), Unsupported> {
    let mut request = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
    let Value::Object(fields) = fields else {
        panic!("fields are an object");
    };
    request.as_object_mut().unwrap().extend(fields);
    let sent = sent(&request.to_string())?;
    let dropped = sent.dropped.iter().map(ToString::to_string).collect();
    Ok((serde_json::from_slice(&sent.body).unwrap(), dropped))
}

#[test]
fn what_anthropic_could_not_answer_faithfully_passes_the_target_over() {
    let check = |fields: Value, path: &'static str| {
        assert_eq!(
            with("plain", fields.clone()),
            Err(Unsupported(path)),
            "{fields}"
        );
    };
    let said = |message: Value| json!({ "messages": [message] });
    let user = |part: Value| said(json!({"role": "user", "content": [part]}));
    let tool = |function: Value| json!({"tools": [{"type": "function", "function": function}]});
    let schema = |schema: Value| {
        json!({"response_format": {"type": "json_schema",
            "json_schema": {"name": "n", "schema": schema}}})
    };

    check(json!({"n": 2}), "n");
    check(json!({"seed": 7}), "seed");
    check(json!({"logprobs": true}), "logprobs");
    check(json!({"top_logprobs": 3}), "top_logprobs");
    check(json!({"logit_bias": {"50256": -100}}), "logit_bias");
    check(json!({"functions": [{"name": "f"}]}), "functions");
    check(json!({"audio": {"voice": "alloy"}}), "audio");
    check(json!({"modalities": ["text", "audio"]}), "modalities");
    check(json!({"web_search_options": {}}), "web_search_options");
    for stop in [json!(["a", 7]), json!([" ", "x"]), json!("\n")] {
        check(json!({ "stop": stop }), "stop");
    }
    check(json!({"reasoning_effort": "ludicrous"}), "reasoning_effort");
    check(
        json!({"response_format": {"type": "grammar"}}),
        "response_format.type",
    );
    check(schema(json!({"type": "object"})), "response_format");
    check(
        tool(json!({"name": "f", "parameters": {"type": "string"}})),
        "tools.function.parameters",
    );
    check(
        tool(json!({"name": "f", "parameters": {"anyOf": []}})),
        "tools.function.parameters",
    );
    for url in [
        "http://a.test/b.png",
        "data:image/bmp;base64,Qk0=",
        "data:image/png,%89PNG",
    ] {
        check(
            user(json!({"type": "image_url", "image_url": {"url": url}})),
            "messages.content.image_url",
        );
    }
    for file in [
        json!({"file_id": "file-1"}),
        json!({"file_data": "data:text/plain;base64,aGk="}),
    ] {
        check(
            user(json!({"type": "file", "file": file})),
            "messages.content.file",
        );
    }
    check(
        user(json!({"type": "input_audio"})),
        "messages.content.input_audio",
    );
    check(
        said(json!({"role": "system",
            "content": [{"type": "image_url", "image_url": "https://a.test/b.png"}]})),
        "messages.content.image_url",
    );
    check(
        said(json!({"role": "function", "name": "f", "content": "1"})),
        "messages.role",
    );
    check(
        said(json!({"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}})),
        "messages.function_call",
    );
    check(
        said(json!({"role": "assistant", "audio": {"id": "a"}})),
        "messages.audio",
    );
}

#[test]
fn what_is_left_out_is_named() {
    let check = |model: &str, fields: Value, names: &[&str]| {
        let (_, dropped) = with(model, fields.clone()).unwrap();
        assert_eq!(dropped, names, "{fields}");
    };
    check(
        "plain",
        json!({"store": true, "verbosity": "low", "presence_penalty": 1, "min_p": 0.1}),
        &["min_p", "presence_penalty", "store", "verbosity"],
    );
    check("plain", json!({"temperature": 1.5}), &["temperature"]);
    check("plain", json!({"temperature": 1, "top_p": 0.5}), &[]);
    check("plain", json!({"temperature": 0, "top_p": 0.5}), &["top_p"]);
    check(
        "always",
        json!({"temperature": 0.1, "top_p": 0.99, "top_k": 3}),
        &["temperature", "top_p", "top_k"],
    );
    check("adaptive", json!({"top_k": 3}), &["top_k"]);
    check("plain", json!({"service_tier": "flex"}), &["service_tier"]);
    check(
        "plain",
        json!({"user": "a", "safety_identifier": "b"}),
        &["user"],
    );
    check("plain", json!({"user": "a", "safety_identifier": "a"}), &[]);
    for user in ["jo@example.com", "+41 44 668 18 00", "0446681800", ""] {
        check("plain", json!({ "user": user }), &["user"]);
    }
    for user in ["1234567", "user-0446681800", "5f0c2a"] {
        let (body, _) = with("plain", json!({ "user": user })).unwrap();
        assert_eq!(body["metadata"], json!({ "user_id": user }));
    }
    check(
        "plain",
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n",
            "schema": {"type": "string", "maxLength": 5}}}}),
        &["response_format.json_schema.schema"],
    );
    check(
        "plain",
        json!({"tools": [{"type": "function", "function": {"name": "f", "strict": true,
            "parameters": {"type": "object", "properties": {"a": {}}}}}]}),
        &["tools.function.strict"],
    );
    check(
        "plain",
        json!({"messages": [{"role": "user", "name": "Jo", "content": [{"type": "image_url",
            "image_url": {"url": "https://a.test/b.png", "detail": "low"}}]}]}),
        &["messages.name", "messages.content.image_url.detail"],
    );
}

#[test]
fn what_is_left_out_of_a_conversation_is_named() {
    let check = |model: &str, fields: Value, names: &[&str]| {
        let (_, dropped) = with(model, fields.clone()).unwrap();
        assert_eq!(dropped, names, "{fields}");
    };
    let signed = json!([{"type": "reasoning.text", "text": "t", "signature": "s",
        "format": "pilotlight.anthropic-v1", "index": 0}]);
    let call = json!({"id": "a", "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "s"}}});
    let messages = json!({"messages": [{"role": "user", "content": "u"},
        {"role": "assistant", "content": "x", "refusal": "no", "audio": null, "annotations": [],
         "reasoning_content": "t", "reasoning_details": signed, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "r", "name": "f", "x_own": 1},
        {"role": "assistant", "content": "a", "reasoning": "Hm."}]});
    check(
        "plain",
        messages.clone(),
        &[
            "messages.tool_calls.extra_content",
            "messages.x_own",
            "messages.reasoning",
        ],
    );
    // What it thought is nothing to a model that is not to think.
    check(
        "legacy",
        messages,
        &[
            "messages.tool_calls.extra_content",
            "messages.x_own",
            "messages.reasoning",
            "messages.reasoning_details",
        ],
    );
    check(
        "plain",
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n",
            "description": "d", "schema": {"type": "string"}}}}),
        &["response_format.json_schema.description"],
    );
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {}}}]);
    check(
        "adaptive",
        json!({"reasoning_effort": "high", "tool_choice": "required", "tools": tools}),
        &["reasoning_effort"],
    );
}

#[test]
fn an_effort_becomes_what_the_model_is_told_to_think() {
    let told = |model: &str, fields: Value| {
        let (body, dropped) = with(model, fields).unwrap();
        let effort = &body["output_config"]["effort"];
        let limit = body["max_tokens"].as_u64().unwrap();
        (body["thinking"].clone(), effort.clone(), limit, dropped)
    };
    let adaptive = json!({"type": "adaptive", "display": "summarized"});
    let check = |model: &str, fields: Value, thinking: &Value, effort: Value, limit: u64| {
        let names: &[String] = &[];
        let expected = (thinking.clone(), effort, limit, names.to_vec());
        assert_eq!(told(model, fields.clone()), expected, "{model} {fields}");
    };
    let effort = |word: &str| json!({ "reasoning_effort": word });
    for (word, sent) in [
        ("minimal", "low"),
        ("low", "low"),
        ("medium", "medium"),
        ("high", "high"),
        ("xhigh", "xhigh"),
        ("max", "max"),
    ] {
        check("adaptive", effort(word), &adaptive, json!(sent), 32_768);
        check("plain", effort(word), &adaptive, json!(sent), 32_768);
    }
    let disabled = json!({"type": "disabled"});
    check("adaptive", effort("none"), &disabled, Value::Null, 8_192);
    check("legacy", effort("none"), &Value::Null, Value::Null, 8_192);
    for model in ["plain", "legacy"] {
        check(model, json!({}), &Value::Null, Value::Null, 8_192);
    }
    check("always", json!({}), &Value::Null, Value::Null, 32_768);
    check("always", effort("high"), &adaptive, json!("high"), 32_768);

    for (word, limit, budget) in [
        ("low", None, 1_024),
        ("medium", None, 2_048),
        ("high", None, 4_096),
        ("xhigh", None, 8_192),
        ("max", None, 16_384),
        ("max", Some(6_000), 3_000),
        ("max", Some(1_025), 1_024),
    ] {
        let fields = json!({"reasoning_effort": word, "max_tokens": limit});
        let thinking = json!({"type": "enabled", "budget_tokens": budget});
        let limit = limit.unwrap_or(8_192 + budget);
        check("legacy", fields, &thinking, Value::Null, limit);
    }
    let (thinking, _, limit, dropped) = told(
        "legacy",
        json!({"reasoning_effort": "high", "max_tokens": 1_024}),
    );
    assert_eq!((thinking, limit), (Value::Null, 1_024));
    assert_eq!(dropped, ["reasoning_effort"]);
}

#[test]
fn thoughts_give_way_to_what_the_answer_needs() {
    for (case, names) in [
        ("one_forced_call", vec!["reasoning_effort"]),
        ("budget_without_former_thoughts", vec!["reasoning_effort"]),
        // Thoughts of others, and one that nobody signed, stay here.
        ("budget", vec!["messages.reasoning_details"]),
        ("thoughts_go_back", vec!["messages.reasoning_details"]),
    ] {
        let path = format!("tests/fixtures/anthropic/{case}/request.json");
        let sent = sent(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(sent.dropped, names, "{case}");
    }
}

/// The completion that a stream is put together to.
fn collected(case: &str) -> Value {
    let path = format!("tests/fixtures/anthropic/{case}/stream.sse");
    let told = told(&[&std::fs::read(path).unwrap()], UsageChunk::Wanted);
    let mut collector = Collector::new(1);
    for chunk in told
        .lines()
        .filter_map(|line| line.find(" {").map(|at| &line[at..]))
    {
        collector.feed(format!("data:{chunk}\n\n").as_bytes());
    }
    serde_json::from_slice(&collector.completion().unwrap()).unwrap()
}

#[test]
fn a_stream_is_put_together_to_what_a_whole_answer_says() {
    let answer = collected("thinking");
    let message = &answer["choices"][0]["message"];
    assert_eq!(message["reasoning"], "Let me think.");
    let details = json!([{"type": "reasoning.text", "text": "Let me think.", "index": 0,
        "signature": "c2lnbmF0dXJlLW9uZQ==", "format": "pilotlight.anthropic-v1"}]);
    assert_eq!(message["reasoning_details"], details);
    assert_eq!(
        answer["usage"]["completion_tokens_details"],
        json!({"reasoning_tokens": 5})
    );
}

#[test]
fn what_a_model_thought_between_its_calls_comes_back_to_it() {
    let message = collected("thinking_between_tools")["choices"][0]["message"].take();
    let result = |at: usize| {
        let id = &message["tool_calls"][at]["id"];
        json!({"role": "tool", "tool_call_id": id, "content": "noon"})
    };
    let user = json!({"role": "user", "content": "When?"});
    let messages = [user, message.clone(), result(0), result(1)];
    let (body, dropped) = with("always", json!({ "messages": messages })).unwrap();
    let blocks = body["messages"][1]["content"].as_array().unwrap();
    let kinds: Vec<_> = blocks.iter().map(|block| &block["type"]).collect();
    assert_eq!(kinds, ["thinking", "thinking", "tool_use", "tool_use"]);
    assert_eq!(
        blocks[0],
        json!({"type": "thinking", "thinking": "First.", "signature": "c2ln"})
    );
    assert!(dropped.is_empty());
}

#[test]
fn an_answer_has_a_limit_that_the_model_can_reach() {
    let limit = |max: u64| {
        let (body, _) = with("plain", json!({ "max_tokens": max })).unwrap();
        body["max_tokens"].as_u64().unwrap()
    };
    assert_eq!(limit(1), 1);
    assert_eq!(limit(64_000), 64_000);
    assert_eq!(limit(64_001), 64_000);
}

#[test]
fn a_key_and_the_version_of_the_api_are_told() {
    assert_eq!(
        anthropic().headers(Some("k")),
        [
            ("x-api-key", "k".to_owned()),
            ("anthropic-version", "2023-06-01".to_owned())
        ]
    );
    assert_eq!(anthropic().headers(None).len(), 1);
    for base in [
        "https://api.anthropic.com",
        "https://api.anthropic.com/",
        "https://api.anthropic.com/v1",
        "https://api.anthropic.com/v1/",
    ] {
        let url = "https://api.anthropic.com/v1/messages";
        assert_eq!(anthropic().url(base), url);
    }
    let company = anthropic().company("proxy.example.com");
    assert_eq!(company.name, "anthropic");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        told(&[&bytes], UsageChunk::Wanted);
        let _ = with_reading(UsageChunk::Wanted, |reading| anthropic().read(&bytes, reading));
        let _ = anthropic().fault(400, &bytes);
    }

    #[test]
    fn arbitrary_events_tell_the_same_in_any_pieces(
        events in proptest::collection::vec(event(), 0..8),
        cuts in proptest::collection::vec(0_usize..1000, 0..8),
    ) {
        let stream = events.concat().into_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&stream[from..cut]);
            from = cut;
        }
        pieces.push(&stream[from..]);
        prop_assert_eq!(
            told(&pieces, UsageChunk::Wanted),
            told(&[&stream], UsageChunk::Wanted)
        );
    }

    #[test]
    fn arbitrary_messages_never_panic(message in anything(), reason in anything()) {
        for content in [message.clone(), json!([message])] {
            let body = json!({"content": content, "stop_reason": reason, "usage": message});
            let body = body.to_string();
            let _ = with_reading(UsageChunk::Wanted, |reading| {
                anthropic().read(body.as_bytes(), reading)
            });
        }
    }

    #[test]
    fn whatever_a_caller_may_send_is_written_as_json_or_passed_over(
        messages in proptest::collection::vec(message(), 1..6),
        model in prop_oneof![Just("plain"), Just("adaptive"), Just("always"), Just("legacy")],
        fields in proptest::collection::vec((field(), anything()), 0..5),
    ) {
        let mut request = json!({"model": model, "messages": messages});
        let members = request.as_object_mut().unwrap();
        for (name, value) in fields {
            members.entry(name.to_owned()).or_insert(value);
        }
        let request = request.to_string();
        if let Ok(request) = ChatRequest::parse(&request)
            && let Ok(sent) = sent_of(&request)
        {
            let body: Value = serde_json::from_slice(&sent.body).unwrap();
            let turns = body["messages"].as_array().unwrap();
            prop_assert_eq!(&turns[0]["role"], "user");
            for (at, pair) in turns.windows(2).enumerate() {
                prop_assert_ne!(&pair[0]["role"], &pair[1]["role"], "{}: {}", at, body);
                if pair[1]["role"] == "system" {
                    prop_assert_eq!(&pair[0]["role"], "user");
                }
                if pair[0]["role"] == "system" {
                    prop_assert_eq!(&pair[1]["role"], "assistant");
                }
            }
            let is_empty = |turn: &Value| turn["content"] == json!([]) || turn["content"] == "";
            prop_assert!(!turns.iter().any(is_empty), "{}", body);
        }
    }
}

fn field() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("tools"),
        Just("tool_choice"),
        Just("response_format"),
        Just("reasoning_effort"),
        Just("stop"),
        Just("user"),
        Just("temperature"),
        Just("top_k"),
        Just("cache_control"),
        Just("service_tier"),
        Just("parallel_tool_calls"),
    ]
}

/// Any JSON, more of it what this API has words for.
fn anything() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("type"),
        Just("text"),
        Just("thinking"),
        Just("tool_use"),
        Just("function"),
        Just("object"),
        Just("json_schema"),
        Just("schema"),
        Just("name"),
        Just("id"),
        Just("high"),
        Just(" "),
        Just("properties"),
        Just("$ref"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-3.0..3.0).prop_map(|number: f64| json!(number)),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((word.clone(), inner), 0..4).prop_map(|members| {
                members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect::<Value>()
            }),
        ]
    })
}

/// A message that is nearly one of a caller's.
fn message() -> impl Strategy<Value = Value> {
    let role = prop_oneof![
        Just("system"),
        Just("developer"),
        Just("user"),
        Just("assistant"),
        Just("tool"),
    ];
    let text = prop_oneof![Just(""), Just(" \n"), Just("hi "), Just("é\"")];
    let part = (text.clone(), 0..4).prop_map(|(text, kind)| match kind {
        0 => json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}),
        1 => json!({"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}),
        _ => json!({"type": "text", "text": text}),
    });
    let content = prop_oneof![
        text.prop_map(Value::from),
        proptest::collection::vec(part, 0..3).prop_map(Value::from),
    ];
    let id = prop_oneof![Just("a"), Just("b"), Just("c d"), Just("")];
    let thought = prop_oneof![Just("s"), Just("")].prop_map(|signature| {
        json!([{"type": "reasoning.text", "text": "t", "signature": signature, "index": 0,
                "format": "pilotlight.anthropic-v1"}])
    });
    (role, content, proptest::collection::vec(id, 0..3), thought).prop_map(
        |(role, content, ids, thought)| match role {
            "assistant" => {
                let call = |id: &&str| {
                    json!({"id": id, "type": "function",
                        "function": {"name": "f.g", "arguments": "{}"}})
                };
                let calls: Vec<Value> = ids.iter().map(call).collect();
                let text = content.as_str().map(str::to_owned);
                json!({"role": role, "content": text, "tool_calls": calls,
                       "reasoning_details": thought})
            }
            "tool" => {
                json!({"role": role, "content": content, "tool_call_id": ids.first().unwrap_or(&"")})
            }
            "user" => json!({"role": role, "content": content}),
            _ => json!({"role": role, "content": content.as_str().unwrap_or("x")}),
        },
    )
}

/// An event that is nearly one of Anthropic's.
fn event() -> impl Strategy<Value = String> {
    let text = "[a-zé🔥\"\\\\\n]{0,6}";
    let piece = (text, 0..5).prop_map(|(text, kind)| match kind {
        0 => json!({"type": "text_delta", "text": text}),
        1 => json!({"type": "thinking_delta", "thinking": text}),
        2 => json!({"type": "signature_delta", "signature": text}),
        3 => json!({"type": "input_json_delta", "partial_json": text}),
        _ => json!({"type": text}),
    });
    let block = (text, 0..5).prop_map(|(text, kind)| match kind {
        0 => json!({"type": "text", "text": text}),
        1 => json!({"type": "thinking", "thinking": text, "signature": ""}),
        2 => json!({"type": "redacted_thinking", "data": text}),
        3 => json!({"type": "tool_use", "id": "t", "name": text, "input": {}}),
        _ => json!({"type": "tool_use"}),
    });
    (piece, block, 0_u64..3, 0..10, anything()).prop_map(|(piece, block, index, kind, other)| {
        let data = match kind {
            0 => json!({"type": "message_start", "message": {"id": "m", "content": []}}),
            1 | 2 => json!({"type": "content_block_start", "index": index, "content_block": block}),
            3 | 4 => json!({"type": "content_block_delta", "index": index, "delta": piece}),
            5 => json!({"type": "content_block_stop", "index": index}),
            6 => json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
                        "usage": {"output_tokens": 3}}),
            7 => json!({"type": "message_stop"}),
            8 => json!({"type": "message_delta", "delta": other, "usage": other}),
            _ => other,
        };
        format!("event: x\ndata: {data}\n\n")
    })
}

/// What a stream of these events tells.
fn stream(events: &[Value]) -> String {
    let event = |event: &Value| {
        let kind = event["type"].as_str().unwrap_or("message");
        format!("event: {kind}\r\ndata: {event}\r\n\r\n")
    };
    let bytes: String = events.iter().map(event).collect();
    told(&[bytes.as_bytes()], UsageChunk::Unwanted)
}

fn head() -> Value {
    json!({"type": "message_start", "message": {"id": "msg_1", "model": "m", "content": [],
        "usage": {"input_tokens": 3, "output_tokens": 1}}})
}

fn begins(at: u64, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": at, "content_block": block})
}

fn more(at: u64, delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": at, "delta": delta})
}

fn end(reason: &Value) -> [Value; 2] {
    [
        json!({"type": "message_delta", "delta": {"stop_reason": reason}}),
        json!({"type": "message_stop"}),
    ]
}

/// The message that the chunks of a stream are put together to.
fn put_together(told: &str) -> Value {
    let mut collector = Collector::new(1);
    for chunk in told
        .lines()
        .filter_map(|line| Some(&line[line.find(" {")?..]))
    {
        collector.feed(format!("data:{chunk}\n\n").as_bytes());
    }
    let answer = collector.completion().unwrap();
    let mut answer: Value = serde_json::from_slice(&answer).unwrap();
    answer["choices"][0]["message"].take()
}

#[test]
fn blocks_may_be_numbered_and_mixed_in_any_way() {
    let tool = |id: &str| json!({"type": "tool_use", "id": id, "name": "f", "input": {}});
    let input = |json: &str| json!({"type": "input_json_delta", "partial_json": json});
    let text = |text: &str| json!({"type": "text_delta", "text": text});
    let mut events = vec![
        head(),
        begins(3, &json!({"type": "text", "text": ""})),
        begins(
            7,
            &json!({"type": "thinking", "thinking": "", "signature": ""}),
        ),
        more(7, &json!({"type": "thinking_delta", "thinking": "One."})),
        begins(9, &tool("a")),
        more(3, &text("ü")),
        begins(4, &tool("b")),
        more(9, &input("{\"q\":\"\\u00")),
        more(4, &input("")),
        more(7, &json!({"type": "signature_delta", "signature": "s1"})),
        more(9, &input("fc\"}")),
        json!({"type": "content_block_stop", "index": 9}),
        begins(
            8,
            &json!({"type": "thinking", "thinking": "Two.", "signature": "s2"}),
        ),
        more(
            3,
            &json!({"type": "citations_delta", "citation": {"type": "char_location"}}),
        ),
        more(3, &text("!")),
    ];
    events.extend(end(&json!("tool_use")));
    let told = stream(&events);
    assert!(told.ends_with("done\n"), "{told}");
    let message = put_together(&told);
    assert_eq!(message["content"], "ü!");
    assert_eq!(message["reasoning"], "One.Two.");
    let details = message["reasoning_details"].as_array().unwrap();
    let signatures: Vec<_> = details.iter().map(|one| &one["signature"]).collect();
    assert_eq!(signatures, ["s1", "s2"]);
    let calls = message["tool_calls"].as_array().unwrap();
    let arguments: Vec<_> = calls
        .iter()
        .map(|call| call["function"]["arguments"].as_str().unwrap())
        .collect();
    assert_eq!(arguments, [r#"{"q":"\u00fc"}"#, "{}"]);
}

#[test]
fn an_answer_that_is_not_told_to_have_ended_has_not() {
    let text = begins(0, &json!({"type": "text", "text": "x"}));
    let [_, stop] = end(&Value::Null);
    for events in [
        vec![head()],
        vec![head(), json!({"type": "ping"}), json!({"type": "ping"})],
        vec![json!({"type": "ping"})],
        vec![head(), text.clone()],
    ] {
        assert!(stream(&events).ends_with("cut: StreamCut\n"), "{events:?}");
    }
    let unended = stream(&[head(), text, stop]);
    assert!(!unended.contains("[Some("), "{unended}");
}

#[test]
fn an_error_of_any_type_is_one() {
    for error in [
        json!({"type": "error", "error": {"type": "brand_new_error", "message": "m"}}),
        json!({"error": {"type": "brand_new_error", "message": "m"}}),
    ] {
        let told = stream(&[head(), error]);
        assert!(told.contains("brand_new_error"), "{told}");
    }
}

#[test]
fn a_head_that_comes_twice_and_a_usage_that_never_comes_change_nothing() {
    let text = begins(0, &json!({"type": "text", "text": "x"}));
    let untold = json!({"type": "message_start", "message": {"id": "msg_1", "model": "m"}});
    let mut events = vec![untold.clone(), text, untold];
    events.extend(end(&json!("end_turn")));
    let told = stream(&events);
    assert_eq!(told.matches("\"role\"").count(), 1, "{told}");
    assert_eq!(told.matches("msg_1").count(), 2, "{told}");
    assert_eq!(put_together(&told)["content"], "x");
}

#[test]
fn only_a_refusal_says_why_it_is_one() {
    let details = json!({"type": "other", "explanation": "Because."});
    let check = |reason: &str, refusal: Value| {
        let ended = json!({"type": "message_delta",
            "delta": {"stop_reason": reason, "stop_details": details}});
        let text = begins(0, &json!({"type": "text", "text": "x"}));
        let told = stream(&[head(), text, ended, json!({"type": "message_stop"})]);
        let whole = json!({"type": "message", "content": [{"type": "text", "text": "x"}],
            "stop_reason": reason, "stop_details": details});
        let read = with_reading(UsageChunk::Unwanted, |reading| {
            anthropic().read(whole.to_string().as_bytes(), reading)
        });
        let read: Value = serde_json::from_slice(&read.unwrap().json).unwrap();
        assert_eq!(put_together(&told)["refusal"], refusal, "{reason}");
        assert_eq!(
            read["choices"][0]["message"]["refusal"], refusal,
            "{reason}"
        );
    };
    check("refusal", json!("Because."));
    check("end_turn", Value::Null);
}

#[test]
fn a_forced_call_and_thoughts_do_not_meet() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    for effort in [Value::Null, json!("high")] {
        let fields = json!({"tools": tools, "tool_choice": "required", "reasoning_effort": effort});
        let (body, dropped) = with("adaptive", fields).unwrap();
        assert_eq!(body["thinking"], json!({"type": "disabled"}));
        assert_eq!(dropped.len(), usize::from(effort != Value::Null));
    }
}

#[test]
fn a_schema_is_sent_only_where_something_can_fit_it() {
    let body = |schema: &Value| {
        json!({"model": "unknown", "messages": [{"role": "user", "content": "hi"}],
            "response_format": {"type": "json_schema",
                "json_schema": {"name": "s", "schema": schema}}})
        .to_string()
    };
    let one = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let other =
        json!({"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]});
    let either = sent(&body(&json!({"type": "object", "anyOf": [one, other]}))).unwrap();
    let either: Value = serde_json::from_slice(&either.body).unwrap();
    let schema = &either["output_config"]["format"]["schema"];
    assert_eq!(schema["anyOf"].as_array().unwrap().len(), 2, "{schema}");
    assert!(schema.get("properties").is_none(), "{schema}");
    assert!(schema.get("additionalProperties").is_none(), "{schema}");
    let both = sent(&body(&json!({"allOf": [one, other]})));
    assert_eq!(both.unwrap_err(), Unsupported("response_format"));
    let beside = json!({"type": "object", "properties": {"c": {"type": "string"}}, "anyOf": [one]});
    let beside = sent(&body(&beside));
    assert_eq!(beside.unwrap_err(), Unsupported("response_format"));
}

#[test]
fn whether_an_unknown_model_can_be_told_not_to_think_is_not_guessed() {
    let request = sent(
        r#"{"model":"unknown","messages":[{"role":"user","content":"hi"}],"reasoning_effort":"none"}"#,
    )
    .unwrap();
    assert_eq!(request.dropped, ["reasoning_effort"]);
}

#[test]
fn of_more_than_four_marks_of_the_cache_the_last_ones_stay() {
    let mark = json!({"type": "ephemeral"});
    let part = |text: &str| json!({"type": "text", "text": text, "cache_control": mark});
    let parts: Vec<Value> = ["a", "b", "c", "d"].into_iter().map(part).collect();
    let tool = json!({"type": "function", "function": {"name": "f"}, "cache_control": mark});
    let count = |body: &[u8]| {
        String::from_utf8_lossy(body)
            .matches("cache_control")
            .count()
    };
    let request = |fields: Value| {
        let mut body =
            json!({"model": "unknown", "messages": [{"role": "user", "content": parts}]});
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        sent(&body.to_string()).unwrap()
    };
    let four = request(json!({}));
    assert_eq!((count(&four.body), four.dropped.len()), (4, 0));
    let five = request(json!({"tools": [tool]}));
    assert_eq!(
        (count(&five.body), &five.dropped[..]),
        (4, &["tools.cache_control".into()][..])
    );
    let six = request(json!({"tools": [tool], "cache_control": mark}));
    assert_eq!(count(&six.body), 4);
    assert_eq!(
        six.dropped,
        ["tools.cache_control", "messages.content.cache_control"]
    );
    let body: Value = serde_json::from_slice(&six.body).unwrap();
    let first = &body["messages"][0]["content"][0];
    assert!(first.get("cache_control").is_none(), "{first}");
}
