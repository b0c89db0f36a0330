//! The `ollama` dialect against recorded bytes: what is written, and what comes of each answer,
//! whole and cut at every byte.
//!
//! A folder of `tests/fixtures/ollama` is a case: `request.json` is written as `upstream.json`, an
//! answer `stream.ndjson` is told as `events.txt`, `body.json` read into `completion.txt`, and an
//! error such as `400.json` into `fault.txt`. Most were recorded from Ollama v0.32.15 with
//! SmolLM2-135M, by sending the very `upstream.json` of the case (of `tool_result`, with its two results the
//! other way round).

use std::path::Path;

use pilotlight::models::Abilities;
use pilotlight::openai::{ChatRequest, UsageChunk};
use pilotlight::provider::{
    Ask, Company, Decoder, Ending, Names, Origin, PROVIDERS, Provider, Reading, Unsupported,
    UpstreamRequest, Window,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixtures::{self, meant, used};

fn ollama() -> &'static dyn Provider {
    *PROVIDERS
        .iter()
        .find(|provider| provider.name() == "ollama")
        .unwrap()
}

fn reading(usage_chunk: UsageChunk) -> Reading<'static> {
    Reading {
        model: "asked-for",
        request_id: "req1",
        created: 1_700_000_000,
        choices: 1,
        usage_chunk,
        origin: Origin::Any,
        company: Company::for_host(""),
        names: Names::none(),
    }
}

fn decoder(usage_chunk: UsageChunk) -> Box<dyn Decoder> {
    ollama().decoder(&reading(usage_chunk))
}

/// The events as text.
fn told(pieces: &[&[u8]], usage_chunk: UsageChunk) -> String {
    fixtures::told(decoder(usage_chunk), pieces)
}

/// The body that is sent upstream for a request body.
fn written(
    request: &str,
    context: Option<u32>,
    keep_alive: Option<&str>,
) -> Result<Value, Unsupported> {
    let sent = sent(request, context, keep_alive)?;
    Ok(serde_json::from_slice(&sent.body).unwrap())
}

/// What is sent upstream for a request body.
fn sent(
    request: &str,
    context: Option<u32>,
    keep_alive: Option<&str>,
) -> Result<UpstreamRequest, Unsupported> {
    let request = ChatRequest::parse(request).unwrap();
    ollama().write(&Ask {
        request: &request,
        messages: &request.messages,
        delivery: request.delivery,
        usage_chunk: UsageChunk::Wanted,
        ending: Ending::Usual,
        model: &request.model,
        company: Company::for_host(""),
        context,
        window: Window::Told,
        max_tokens: request.max_tokens,
        keep_alive,
        max_output: None,
        abilities: Abilities::UNKNOWN,
        left_out: &[],
        effort: request.fields.text("reasoning_effort").as_deref(),
    })
}

/// Checks every case that has the file `given`: `answer` makes of it what stands in `expected`.
fn check(given: &str, expected: &str, at_least: usize, answer: impl Fn(&Path, &[u8]) -> String) {
    fixtures::check("ollama", [given, expected], at_least, answer);
}

#[test]
fn every_request_is_written_as_ollama_takes_it() {
    check("request.json", "upstream.json", 16, |_, request| {
        let request = std::str::from_utf8(request).unwrap();
        let upstream = written(request, Some(512), Some("5m")).unwrap();
        format!("{upstream:#}\n")
    });
}

#[test]
fn every_stream_tells_the_same_wherever_it_is_cut() {
    check("stream.ndjson", "events.txt", 16, |case, stream| {
        fixtures::told_however_cut(case, stream, |pieces| told(pieces, UsageChunk::Wanted))
    });
}

#[test]
fn every_whole_answer_is_read_into_a_completion_or_a_fault() {
    check("body.json", "completion.txt", 6, |_, body| {
        match ollama().read(body, &reading(UsageChunk::Unwanted)) {
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
    for (status, at_least) in [(400, 5), (404, 1), (500, 1)] {
        check(
            &format!("{status}.json"),
            "fault.txt",
            at_least,
            |_, body| format!("{}\n", meant(&ollama().fault(status, body))),
        );
    }
}

#[test]
fn a_stream_that_stops_anywhere_before_done_is_never_whole() {
    for case in ["emoji", "thinking", "tool_calls_on_the_last_line"] {
        let path = format!("tests/fixtures/ollama/{case}/stream.ndjson");
        let stream = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        let whole = stream.trim_ascii_end().len();
        for cut in 0..whole {
            let told = told(&[&stream[..cut]], UsageChunk::Wanted);
            let last = told.lines().last().unwrap();
            let broken = last == "cut: EndedWithoutDone" || last.contains("NotAnApi");
            assert!(broken, "{case} cut at {cut}: {last}");
        }
        assert!(told(&[&stream[..whole]], UsageChunk::Wanted).ends_with("\ndone\n"));
    }
}

#[test]
fn a_usage_chunk_comes_only_when_it_is_wanted() {
    let stream =
        br#"{"message":{"content":"x"},"done":true,"done_reason":"stop","prompt_eval_count":3}"#;
    let usage = |wanted| told(&[stream], wanted).matches("UsageOnly").count();
    assert_eq!(
        (usage(UsageChunk::Wanted), usage(UsageChunk::Unwanted)),
        (1, 0)
    );
    assert!(told(&[stream], UsageChunk::Unwanted).contains("[Some(Stop)] 3+0 "));
}

#[test]
fn lines_after_the_end_mean_nothing() {
    let end = br#"{"message":{"content":"x"},"done":true,"done_reason":"stop"}"#;
    let error = br#"{"error":"late"}"#;
    let once = |line: &[u8], after: &[u8]| {
        told(
            &[line, b"\n", after, b"\n", b"not json\n"],
            UsageChunk::Unwanted,
        )
    };
    assert_eq!(once(end, error), told(&[end], UsageChunk::Unwanted));
    assert_eq!(once(error, end), told(&[error], UsageChunk::Unwanted));
}

#[test]
fn an_answer_with_nothing_in_it_is_empty() {
    let check = |body: &str, reason: &str| {
        let fault = ollama()
            .read(body.as_bytes(), &reading(UsageChunk::Unwanted))
            .unwrap_err();
        assert_eq!(fault.known.unwrap().label(), reason, "{body}");
    };
    check("", "empty");
    check(
        r#"{"message":{"content":""},"done":true,"done_reason":"load"}"#,
        "empty",
    );
    check(r#"{"message":{"content":"x"}}"#, "ended_without_done");
    check(r#"{"error":"the engine is gone"}"#, "engine_error");
    check(r#"{"message":{"content":["x"]},"done":true}"#, "not_an_api");
    check(r#"{"detail":"hello"}"#, "not_an_api");
    check("<html>", "not_an_api");
}

/// What `fields`, added to a small request, is written as.
fn with(fields: Value) -> Result<Value, Unsupported> {
    let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let Value::Object(fields) = fields else {
        panic!("fields are an object");
    };
    request.as_object_mut().unwrap().extend(fields);
    written(&request.to_string(), Some(2048), None)
}

#[test]
fn what_ollama_would_silently_do_otherwise_passes_the_target_over() {
    let check = |fields: Value, path: &'static str| {
        assert_eq!(with(fields.clone()), Err(Unsupported(path)), "{fields}");
    };
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);

    check(json!({"n": 2}), "n");
    check(json!({"logit_bias": {"50256": -100}}), "logit_bias");
    check(json!({"functions": [{"name": "f"}]}), "functions");
    check(json!({"audio": {"voice": "alloy"}}), "audio");
    check(json!({"modalities": ["text", "audio"]}), "modalities");
    check(json!({"web_search_options": {}}), "web_search_options");
    check(
        json!({"tools": tools, "tool_choice": "required"}),
        "tool_choice",
    );
    check(
        json!({"tools": tools, "tool_choice": {"type": "function", "function": {"name": "f"}}}),
        "tool_choice",
    );
    check(
        json!({"tools": tools, "parallel_tool_calls": false}),
        "parallel_tool_calls",
    );
    check(json!({"reasoning_effort": "ludicrous"}), "reasoning_effort");
    check(json!({"top_logprobs": 3}), "top_logprobs");
    check(json!({"logprobs": 3}), "logprobs");
    check(
        json!({"tools": [{"type": "custom", "custom": {"name": "f"}}]}),
        "tools.type",
    );
    check(
        json!({"response_format": {"type": "grammar"}}),
        "response_format.type",
    );
    check(
        json!({"response_format": {"type": "json_schema", "json_schema": {"schema": true}}}),
        "response_format.json_schema.schema",
    );
}

#[test]
fn a_message_that_ollama_cannot_be_told_passes_the_target_over() {
    let check = |fields: Value, path: &'static str| {
        assert_eq!(with(fields.clone()), Err(Unsupported(path)), "{fields}");
    };
    let said = |message: Value| json!({ "messages": [message] });
    let user = |part: Value| said(json!({"role": "user", "content": [part]}));
    let called = |call: Value| said(json!({"role": "assistant", "tool_calls": [call]}));

    check(
        user(json!({"type": "image_url", "image_url": {"url": "https://a.test/b.png"}})),
        "messages.content.image_url",
    );
    check(
        user(json!({"type": "image_url", "image_url": {"url": "data:image/png,%89PNG"}})),
        "messages.content.image_url",
    );
    check(
        user(json!({"type": "input_audio"})),
        "messages.content.input_audio",
    );
    check(user(json!({"type": "file"})), "messages.content.file");
    check(user(json!({"type": "video_url"})), "messages.content.type");
    check(
        user(json!({"type": "text", "text": 1})),
        "messages.content.text",
    );
    check(user(json!("text")), "messages.content");
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
    check(
        called(json!({"type": "custom"})),
        "messages.tool_calls.type",
    );
    check(called(json!({"id": "a"})), "messages.tool_calls.function");
    check(called(json!(1)), "messages.tool_calls");
    for arguments in [json!("[1]"), json!("{\"a\":"), json!({"a": 1})] {
        check(
            called(json!({"function": {"name": "f", "arguments": arguments}})),
            "messages.tool_calls.function.arguments",
        );
    }
}

#[test]
fn an_effort_becomes_the_nearest_level_of_thinking() {
    for (effort, think) in [
        (None, json!(false)),
        (Some("none"), json!(false)),
        (Some("minimal"), json!("low")),
        (Some("low"), json!("low")),
        (Some("medium"), json!("medium")),
        (Some("high"), json!("high")),
        (Some("xhigh"), json!("max")),
        (Some("max"), json!("max")),
    ] {
        let body = with(json!({ "reasoning_effort": effort })).unwrap();
        assert_eq!(body["think"], think, "{effort:?}");
    }
}

#[test]
fn an_answer_always_has_a_limit_above_zero_and_within_half_the_window() {
    let limit = |context: Option<u32>, max: Value| {
        let request = json!({
            "model": "m", "max_tokens": max, "messages": [{"role": "user", "content": "hi"}]
        });
        let body = written(&request.to_string(), context, None).unwrap();
        assert_eq!(
            body["options"].get("num_ctx"),
            context.map(Value::from).as_ref()
        );
        body["options"]["num_predict"].as_u64().unwrap()
    };
    assert_eq!(limit(Some(2048), json!(100)), 100);
    assert_eq!(limit(Some(2048), json!(100_000)), 1024);
    assert_eq!(limit(Some(2048), Value::Null), 512);
    assert_eq!(limit(Some(1), Value::Null), 1);
    assert_eq!(limit(None, Value::Null), 1024);
    assert_eq!(limit(None, json!(100_000)), 100_000);
}

#[test]
fn keep_alive_is_a_number_of_seconds_or_a_text_with_a_unit() {
    let request = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    for (given, sent) in [
        ("30m", json!("30m")),
        ("-1m", json!("-1m")),
        ("-1", json!(-1)),
        ("600", json!(600)),
        ("inf", json!("inf")),
    ] {
        let body = written(request, None, Some(given)).unwrap();
        assert_eq!(body["keep_alive"], sent, "{given}");
    }
    assert_eq!(
        written(request, None, None).unwrap().get("keep_alive"),
        None
    );
}

#[test]
fn tools_that_must_not_be_called_are_not_sent() {
    let parameters = json!({"type": "object", "properties": {}});
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": parameters}}]);
    let sent = |choice: &str| {
        let body = with(json!({"tools": tools, "tool_choice": choice})).unwrap();
        body.get("tools").cloned()
    };
    assert_eq!(sent("auto"), Some(tools.clone()));
    assert_eq!(sent("none"), None);
    let untold = json!([{"type": "function", "function": {"name": "f"}}]);
    assert_eq!(with(json!({"tools": untold})).unwrap()["tools"], tools);
}

#[test]
fn what_is_left_out_is_named() {
    let check = |fields: Value, names: &[&str]| {
        let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        let members = request.as_object_mut().unwrap();
        members.extend(fields.as_object().unwrap().clone());
        let sent = sent(&request.to_string(), None, None).unwrap();
        assert_eq!(sent.dropped, names, "{fields}");
    };
    check(
        json!({"metadata": {"a": "b"}, "store": true, "top_k": "many", "user": "u", "num_gpu": 9}),
        &["metadata", "num_gpu", "store", "user", "top_k"],
    );
    let strict = |strict: Value| {
        json!({"type": "function", "cache_control": {"type": "ephemeral"},
        "function": {"name": "f", "strict": strict, "parameters": {}}})
    };
    check(
        json!({"tools": [strict(json!(true))]}),
        &["tools.cache_control", "tools.function.strict"],
    );
    check(
        json!({"tools": [strict(Value::Null)]}),
        &["tools.cache_control"],
    );
    check(
        json!({"tools": [], "tool_choice": "required", "parallel_tool_calls": false}),
        &[],
    );
    check(
        json!({"tools": [strict(json!(true))], "tool_choice": "none", "parallel_tool_calls": false}),
        &[],
    );
    check(
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n",
            "description": "d", "schema": {}}}}),
        &["response_format.json_schema.description"],
    );
    let image = json!({"type": "image_url", "cache_control": {"type": "ephemeral"},
        "image_url": {"url": "data:image/png;base64,AAAA", "detail": "high"}});
    let call = json!({"id": "a", "function": {"name": "f", "arguments": ""},
        "extra_content": {"google": {"thought_signature": "s"}}});
    check(
        json!({"messages": [
            {"role": "user", "name": "Jo", "content": [image]},
            {"role": "assistant", "reasoning": "Hm.", "reasoning_content": "Hm.",
             "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "a", "name": "f", "content": "r"},
        ]}),
        &[
            "messages.content.cache_control",
            "messages.content.image_url.detail",
            "messages.name",
            "messages.tool_calls.extra_content",
        ],
    );
}

#[test]
fn what_another_company_thought_stays_away() {
    let details = json!([{"type": "reasoning.text", "text": "t", "signature": "s",
        "format": "pilotlight.anthropic-v1", "index": 0}]);
    let said = |details: &Value| {
        json!({"role": "assistant", "content": "x", "reasoning": "t",
        "reasoning_details": details})
    };
    for (details, thinking, names) in [
        (json!([]), json!("t"), &[][..]),
        (
            details,
            Value::Null,
            &["messages.reasoning", "messages.reasoning_details"][..],
        ),
    ] {
        let request = json!({"model": "m", "messages": [said(&details)]}).to_string();
        let sent = sent(&request, None, None).unwrap();
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!(body["messages"][0]["thinking"], thinking);
        assert_eq!(sent.dropped, names);
    }
}

#[test]
fn results_stand_in_the_order_of_their_calls_and_names_are_any() {
    let call = |id: &str, name: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}});
    let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": id});
    let body = with(json!({"messages": [
        {"role": "assistant", "tool_calls": [call("ü/1", "files.read"), call("b", "größe")]},
        result("b"),
        result("ü/1"),
        {"role": "assistant", "tool_calls": [call("b", "f")]},
        result("b"),
    ]}))
    .unwrap();
    let said = |at: usize| {
        let message = &body["messages"][at];
        (&message["tool_call_id"], &message["tool_name"])
    };
    assert_eq!(said(1), (&json!("ü/1"), &json!("files.read")));
    assert_eq!(said(2), (&json!("b"), &json!("größe")));
    let again = &body["messages"][3]["tool_calls"][0]["id"];
    assert_ne!(again, "b");
    assert_eq!(said(4), (again, &json!("f")));
}

#[test]
fn the_address_is_the_chat_api_of_the_base() {
    for base in ["http://127.0.0.1:11434", "http://127.0.0.1:11434/"] {
        assert_eq!(ollama().url(base), "http://127.0.0.1:11434/api/chat");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        told(&[&bytes], UsageChunk::Wanted);
        let _ = ollama().read(&bytes, &reading(UsageChunk::Wanted));
        let _ = ollama().fault(400, &bytes);
    }

    #[test]
    fn arbitrary_lines_tell_the_same_in_any_pieces(
        lines in proptest::collection::vec(line(), 0..6),
        cuts in proptest::collection::vec(0_usize..1000, 0..8),
    ) {
        let stream = lines.concat().into_bytes();
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
        let _ = ollama().read(&stream, &reading(UsageChunk::Wanted));
        let _ = ollama().fault(500, &stream);
    }
}

/// A line that is nearly one of Ollama's, and its end.
fn line() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "[a-zé🔥\"\\\\\n]{0,6}".prop_map(|text| json!(text)),
        Just(json!(null))
    ];
    let call = prop_oneof![
        Just(json!({"function": {"name": "f", "arguments": {"a": "é"}}})),
        Just(json!({"id": "c", "function": {"name": "f"}})),
        Just(json!({"function": {}})),
    ];
    let said =
        (text.clone(), text, proptest::option::of(call)).prop_map(|(content, thinking, call)| {
            let calls: Vec<Value> = call.into_iter().collect();
            json!({"content": content, "thinking": thinking, "tool_calls": calls})
        });
    let object = (said, any::<bool>(), 0..6).prop_map(|(message, done, kind)| match kind {
        0 => json!({"error": "x"}),
        1 => json!({"error": null, "message": message}),
        2 => json!({"message": message, "done": true, "done_reason": "length", "eval_count": 2}),
        3 => json!(["not", "a", "line"]),
        _ => {
            json!({"message": message, "done": done, "done_reason": "stop", "prompt_eval_count": 3})
        }
    });
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\n\n")];
    (object, end).prop_map(|(object, end)| format!("{object}{end}"))
}
