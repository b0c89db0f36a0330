//! The `responses` dialect against written bytes: what is sent, and what comes of each answer, whole and
//! cut at every byte.
//!
//! A folder of `tests/fixtures/responses` is a case: `request.json` is written as `upstream.json`, an
//! answer `stream.sse` is told as `events.txt`, `body.json` read into `completion.txt`, and an error such
//! as `400.json` into `fault.txt`. They are written after the types of OpenAI's Python SDK 3.52.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pilotlight::models::{Abilities, Thinking};
use pilotlight::openai::{ChatRequest, Delivery, Usage, UsageChunk};
use pilotlight::provider::{
    Ask, Company, Decoder, Ending, Event, Fault, Names, Origin, PROVIDERS, Provider, Reading,
    Unsupported, UpstreamRequest, Window,
};
use pilotlight::stream::collect::Collector;
use proptest::prelude::*;
use serde_json::{Value, json};

fn responses() -> &'static dyn Provider {
    *PROVIDERS
        .iter()
        .find(|provider| provider.name() == "responses")
        .unwrap()
}

fn company() -> &'static Company {
    responses().company("api.openai.com")
}

fn reading(usage_chunk: UsageChunk) -> Reading<'static> {
    Reading {
        model: "asked-for",
        request_id: "req1",
        created: 1_700_000_000,
        choices: 1,
        usage_chunk,
        origin: Origin::Any,
        company: Company::for_host("api.openai.com"),
        names: Names::none(),
    }
}

/// The events as text. A stream that ends before its answer shows what that means.
fn told(pieces: &[&[u8]], usage_chunk: UsageChunk) -> String {
    let mut decoder: Box<dyn Decoder> = responses().decoder(&reading(usage_chunk));
    let mut out = String::new();
    let mut open = true;
    let mut emit = |event: Event<'_>| {
        assert!(open, "something follows the end");
        let _ = match event {
            Event::Chunk(chunk) => {
                assert!(chunk.wire.is_none());
                let used = used(chunk.usage);
                writeln!(
                    out,
                    "{:?} {:?} {used} {}",
                    chunk.carries, chunk.finished, chunk.json
                )
            }
            Event::Done => {
                open = false;
                writeln!(out, "done")
            }
            Event::Failed(fault) => {
                open = false;
                writeln!(out, "{}", meant(&fault))
            }
        };
    };
    for piece in pieces {
        decoder.feed(piece, &mut emit);
    }
    decoder.finish(&mut emit);
    if open {
        let _ = writeln!(out, "cut: {:?}", decoder.cut());
    }
    out
}

fn used(usage: Option<Usage>) -> String {
    usage.map_or_else(
        || "untold".to_owned(),
        |usage| {
            format!(
                "{}({}r{}w)+{}({}t)",
                usage.prompt_tokens,
                usage.cached_tokens,
                usage.cache_write_tokens,
                usage.completion_tokens,
                usage.reasoning_tokens
            )
        },
    )
}

fn meant(fault: &Fault) -> String {
    format!(
        "failed: {:?} {} {:?} {:?} wait={:?} {:?}",
        fault.known, fault.status, fault.codes, fault.param, fault.wait_ms, fault.message
    )
}

/// How a request is asked of a target.
#[derive(Clone, Copy)]
struct Asked {
    company: &'static Company,
    thinking: Thinking,
    /// The config's limit.
    limit: Option<u32>,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            company: company(),
            thinking: Thinking::Unknown,
            limit: None,
        }
    }
}

/// What is sent upstream for a request body.
fn sent(request: &str, asked: Asked) -> Result<UpstreamRequest, Unsupported> {
    let request = ChatRequest::parse(request).unwrap();
    let mut abilities = Abilities::UNKNOWN;
    abilities.thinking = asked.thinking;
    let effort = request.fields.text("reasoning_effort");
    responses().write(&Ask {
        request: &request,
        messages: &request.messages,
        delivery: request.delivery,
        usage_chunk: UsageChunk::Wanted,
        ending: Ending::Usual,
        model: "gpt-6-sol",
        company: asked.company,
        context: None,
        window: Window::Found,
        max_tokens: request.max_tokens.or(asked.limit),
        max_output: None,
        abilities,
        left_out: &[],
        effort: effort.as_deref(),
        keep_alive: None,
    })
}

fn written(request: &str) -> Result<Value, Unsupported> {
    let sent = sent(request, Asked::default())?;
    Ok(serde_json::from_slice(&sent.body).unwrap())
}

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/responses");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    cases
}

/// Checks every case that has the file `given`: `answer` makes of it what stands in `expected`.
fn check(given: &str, expected: &str, at_least: usize, answer: impl Fn(&Path, &[u8]) -> String) {
    let mut seen = 0;
    for case in fixtures() {
        let Ok(bytes) = std::fs::read(case.join(given)) else {
            continue;
        };
        seen += 1;
        let expected = std::fs::read_to_string(case.join(expected)).unwrap();
        assert_eq!(answer(&case, &bytes), expected, "{}", case.display());
    }
    assert!(seen >= at_least, "only {seen} cases have a {given}");
}

#[test]
fn every_request_is_written_as_openai_takes_it() {
    check("request.json", "upstream.json", 10, |_, request| {
        let upstream = written(std::str::from_utf8(request).unwrap()).unwrap();
        format!("{upstream:#}\n")
    });
}

#[test]
fn every_stream_tells_the_same_wherever_it_is_cut() {
    check("stream.sse", "events.txt", 40, |case, stream| {
        let told = |pieces: &[&[u8]]| told(pieces, UsageChunk::Wanted);
        let whole = told(&[stream]);
        for chunk in whole
            .lines()
            .filter_map(|line| Some(&line[line.find(" {\"")? + 1..]))
        {
            assert!(serde_json::from_str::<Value>(chunk).is_ok(), "{chunk}");
        }
        for cut in 0..=stream.len() {
            let (head, tail) = stream.split_at(cut);
            assert_eq!(
                told(&[head, tail]),
                whole,
                "{} cut at {cut}",
                case.display()
            );
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(told(&bytes), whole, "{} byte by byte", case.display());
        whole
    });
}

#[test]
fn every_whole_answer_is_read_into_a_completion_or_a_fault() {
    check(
        "body.json",
        "completion.txt",
        16,
        |_, body| match responses().read(body, &reading(UsageChunk::Unwanted)) {
            Ok(answer) => {
                let json: Value = serde_json::from_slice(&answer.json).unwrap();
                format!("{:?} {}\n{json:#}\n", answer.finish, used(answer.usage))
            }
            Err(fault) => format!("{}\n", meant(&fault)),
        },
    );
}

#[test]
fn every_error_answer_is_recognised() {
    for (status, at_least) in [(400, 4), (401, 1), (429, 1)] {
        check(
            &format!("{status}.json"),
            "fault.txt",
            at_least,
            |_, body| format!("{}\n", meant(&responses().fault(status, body))),
        );
    }
}

#[test]
fn a_stream_that_stops_anywhere_before_its_last_event_is_never_whole() {
    for case in ["text", "thinking", "parallel_tool_calls", "refusal"] {
        let path = format!("tests/fixtures/responses/{case}/stream.sse");
        let stream = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        let whole = stream.trim_ascii_end().len();
        let first = stream.windows(2).position(|at| at == b"\n\n").unwrap();
        for cut in 0..whole {
            let told = told(&[&stream[..cut]], UsageChunk::Wanted);
            let last = told.lines().last().unwrap();
            let is_cut = last == "cut: StreamCut" || (cut <= first && last.contains("NotAnApi"));
            assert!(is_cut, "{case} cut at {cut}: {last}");
        }
        assert!(told(&[&stream[..whole]], UsageChunk::Wanted).ends_with("\ndone\n"));
    }
}

#[test]
fn a_usage_chunk_comes_only_when_it_is_wanted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/responses/usage");
    let stream = std::fs::read(path.join("stream.sse")).unwrap();
    let usage = |wanted| told(&[&stream], wanted).matches("UsageOnly").count();
    assert_eq!(
        (usage(UsageChunk::Wanted), usage(UsageChunk::Unwanted)),
        (1, 0)
    );
    assert!(
        told(&[&stream], UsageChunk::Unwanted).contains("[Some(Stop)] 2300(2048r128w)+40(32t)")
    );
}

/// What `fields`, added to a small request, is sent as.
fn with(fields: &Value, asked: Asked) -> Result<(Value, Vec<String>), Unsupported> {
    let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let fields = fields.as_object().unwrap().clone();
    request.as_object_mut().unwrap().extend(fields);
    let sent = sent(&request.to_string(), asked)?;
    let dropped = sent.dropped.iter().map(ToString::to_string).collect();
    Ok((serde_json::from_slice(&sent.body).unwrap(), dropped))
}

/// Checks that a target is passed over for the field at `path`.
fn check_refused(fields: &Value, path: &'static str) {
    let refused = with(fields, Asked::default()).unwrap_err();
    assert_eq!(refused, Unsupported(path), "{fields}");
}

#[test]
fn a_field_that_cannot_be_said_here_passes_the_target_over() {
    let check = |fields: Value, path| check_refused(&fields, path);
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);

    check(json!({"n": 2}), "n");
    check(json!({"seed": 7}), "seed");
    check(json!({"stop": ["x"]}), "stop");
    check(json!({"logit_bias": {"50256": -100}}), "logit_bias");
    check(json!({"functions": [{"name": "f"}]}), "functions");
    check(json!({"audio": {"voice": "alloy"}}), "audio");
    check(json!({"modalities": ["text", "audio"]}), "modalities");
    check(json!({"web_search_options": {}}), "web_search_options");
    check(json!({"top_logprobs": 3}), "top_logprobs");
    check(json!({"logprobs": 3}), "logprobs");
    check(json!({"max_tokens": 15}), "max_tokens");
    check(json!({"response_format": {}}), "response_format.type");
    check(
        json!({"response_format": {"type": "grammar"}}),
        "response_format.type",
    );
    check(
        json!({"response_format": {"type": "json_schema"}}),
        "response_format.json_schema",
    );
    check(
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}),
        "response_format.json_schema.schema",
    );
    check(
        json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}),
        "response_format.json_schema.name",
    );
    check(
        json!({"tools": [{"type": "custom", "custom": {"name": "f"}}]}),
        "tools.type",
    );
    for choice in [
        json!("always"),
        json!({"type": "custom", "custom": {"name": "f"}}),
        json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto"}}),
        json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{}]}}),
    ] {
        check(
            json!({"tools": tools, "tool_choice": choice}),
            "tool_choice",
        );
    }
}

#[test]
fn a_message_that_cannot_be_said_here_passes_the_target_over() {
    let check = |fields: Value, path| check_refused(&fields, path);
    let said = |message: Value| json!({ "messages": [message] });
    let user = |part: Value| said(json!({"role": "user", "content": [part]}));

    check(
        user(json!({"type": "input_audio", "input_audio": {}})),
        "messages.content.input_audio",
    );
    check(
        user(json!({"type": "file", "file": {"filename": "a.pdf"}})),
        "messages.content.file",
    );
    check(
        user(json!({"type": "refusal", "refusal": "no"})),
        "messages.content.refusal",
    );
    check(user(json!({"type": "video_url"})), "messages.content.type");
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
        said(json!({"role": "assistant", "content": [{"type": "image_url", "image_url": "x"}]})),
        "messages.content.image_url",
    );
    check(
        said(json!({"role": "assistant", "tool_calls": [{"type": "custom"}]})),
        "messages.tool_calls.type",
    );
}

#[test]
fn what_is_left_out_is_named_as_the_caller_wrote_it() {
    let check = |fields: Value, expected: &[&str]| {
        let (_, dropped) = with(&fields, Asked::default()).unwrap();
        assert_eq!(dropped, expected, "{fields}");
    };
    check(
        json!({"store": true, "frequency_penalty": 0.5, "presence_penalty": 0, "n": 1,
            "prediction": {"type": "content", "content": "x"}, "top_k": 4, "moderation": {"model": "m"},
            "user": "u", "metadata": {"a": "b"}, "reasoning_effort": "low", "verbosity": "low"}),
        &[
            "frequency_penalty",
            "moderation",
            "prediction",
            "store",
            "top_k",
        ],
    );
    check(
        json!({"reasoning": {"summary": "auto", "max_tokens": 900, "exclude": null}}),
        &["reasoning.max_tokens"],
    );
    check(json!({"reasoning": "much"}), &["reasoning"]);
    let own = json!({"type": "reasoning.encrypted", "data": "g", "format": "pilotlight.openai-v1"});
    let others = json!({"type": "reasoning.text", "text": "hm", "format": "anthropic-claude-v1"});
    let said = |details: &[&Value]| {
        json!({"messages": [{"role": "assistant", "content": "x", "name": "a", "annotations": [],
            "reasoning": "hm", "reasoning_details": details}]})
    };
    check(said(&[&own]), &["messages.name"]);
    check(
        said(&[&own, &others]),
        &["messages.name", "messages.reasoning_details"],
    );
    check(
        said(&[&others]),
        &[
            "messages.name",
            "messages.reasoning",
            "messages.reasoning_details",
        ],
    );
    check(
        json!({"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "type": "function",
            "function": {"name": "f", "arguments": "{}"},
            "extra_content": {"google": {"thought_signature": "s"}}}]}]}),
        &["messages.tool_calls.extra_content"],
    );
    check(
        json!({"tools": [{"type": "function", "function": {"name": "f"}, "cache_control": {}}],
            "messages": [{"role": "tool", "name": "f", "tool_call_id": "a", "content": [
                {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}]}),
        &["messages.content.cache_control", "tools.cache_control"],
    );
}

#[test]
fn only_a_model_that_may_think_is_asked_to_seal_its_thoughts() {
    let fields = json!({"logprobs": true, "reasoning": {"summary": "auto"}});
    let include = |thinking| {
        let asked = Asked {
            thinking,
            ..Asked::default()
        };
        let (body, dropped) = with(&fields, asked).unwrap();
        (
            body["include"].clone(),
            body.get("reasoning").cloned(),
            dropped,
        )
    };
    let probable = "message.output_text.logprobs";
    assert_eq!(
        include(Thinking::None),
        (
            json!([probable]),
            None,
            vec!["reasoning.summary".to_owned()]
        )
    );
    for thinking in [Thinking::Always, Thinking::Optional, Thinking::Unknown] {
        assert_eq!(
            include(thinking),
            (
                json!(["reasoning.encrypted_content", probable]),
                Some(json!({"summary": "auto"})),
                Vec::new()
            )
        );
    }
}

#[test]
fn thoughts_are_summed_up_only_when_the_caller_asks() {
    let reasoning = |fields: Value| {
        let (body, _) = with(&fields, Asked::default()).unwrap();
        body.get("reasoning").cloned()
    };
    assert_eq!(reasoning(json!({})), None);
    assert_eq!(
        reasoning(json!({"reasoning_effort": "high"})),
        Some(json!({"effort": "high"}))
    );
    assert_eq!(
        reasoning(json!({"reasoning_effort": "low", "reasoning": {"summary": "detailed"}})),
        Some(json!({"effort": "low", "summary": "detailed"}))
    );
    assert_eq!(
        reasoning(json!({"reasoning_effort": "none", "reasoning": {"summary": "auto"}})),
        Some(json!({"effort": "none"}))
    );
}

#[test]
fn a_compatible_server_hears_the_developer_as_the_system() {
    let messages = json!({"messages": [{"role": "developer", "content": "Be brief."}]});
    let role = |host: &str| {
        let asked = Asked {
            company: responses().company(host),
            ..Asked::default()
        };
        with(&messages, asked).unwrap().0["input"][0]["role"].clone()
    };
    assert_eq!(role("api.openai.com"), "developer");
    assert_eq!(role("127.0.0.1"), "system");
}

#[test]
fn a_sealed_thought_goes_back_as_it_came() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/responses");
    let body = std::fs::read(path.join("thinking_whole/body.json")).unwrap();
    let answer = responses().read(&body, &reading(UsageChunk::Unwanted));
    let answer: Value = serde_json::from_slice(&answer.unwrap().json).unwrap();
    let message = &answer["choices"][0]["message"];
    let (sent, dropped) = with(&json!({"messages": [message]}), Asked::default()).unwrap();
    assert!(dropped.is_empty(), "{dropped:?}");
    let body: Value = serde_json::from_slice(&body).unwrap();
    let sealed = |items: &Value| -> Vec<Value> {
        let items = items.as_array().unwrap().iter();
        items
            .filter(|item| item.get("encrypted_content").is_some())
            .cloned()
            .collect()
    };
    assert_eq!(sealed(&sent["input"]), sealed(&body["output"]));
    assert_eq!(
        sent["input"].as_array().unwrap().last().unwrap()["type"],
        "message"
    );
}

#[test]
fn a_tool_is_called_by_the_name_that_the_caller_knows() {
    let rule = responses().tool_names(company()).unwrap();
    let names = Names::of(["files/read".into()], &rule);
    let reading = Reading {
        names: &names,
        ..reading(UsageChunk::Unwanted)
    };
    let sent = rule.fit("files/read");
    let item = json!({"type": "function_call", "call_id": "a", "name": sent, "arguments": "{}"});
    let body = json!({"object": "response", "status": "completed", "output": [item]});
    let answer = responses().read(body.to_string().as_bytes(), &reading);
    let answer: Value = serde_json::from_slice(&answer.unwrap().json).unwrap();
    let call = &answer["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["function"]["name"], "files/read");

    let stream = json!({"type": "response.output_item.done", "item": item});
    let mut seen = String::new();
    responses()
        .decoder(&reading)
        .feed(format!("data: {stream}\n\n").as_bytes(), &mut |event| {
            if let Event::Chunk(chunk) = event {
                seen.push_str(chunk.json);
            }
        });
    assert!(seen.contains(r#""name":"files/read""#), "{seen}");

    let tool = json!({"type": "function", "function": {"name": "files/read"}});
    let call = json!({"role": "assistant", "tool_calls": [{"id": "an id with blanks",
        "type": "function", "function": {"name": "files/read", "arguments": "{}"}}]});
    let result = json!({"role": "tool", "tool_call_id": "an id with blanks", "content": "x"});
    let choice = json!({"type": "function", "function": {"name": "files/read"}});
    let request = json!({"tools": [tool], "tool_choice": choice, "messages": [call, result]});
    let (body, _) = with(&request, Asked::default()).unwrap();
    for name in [
        &body["tools"][0]["name"],
        &body["tool_choice"]["name"],
        &body["input"][0]["name"],
    ] {
        assert_eq!(name, &json!(sent));
    }
    assert_eq!(body["input"][0]["call_id"], body["input"][1]["call_id"]);
    assert_ne!(body["input"][0]["call_id"], "an id with blanks");
}

#[test]
fn the_address_is_the_responses_api_of_the_base() {
    for base in ["https://api.openai.com/v1", "https://api.openai.com/v1/"] {
        assert_eq!(responses().url(base), "https://api.openai.com/v1/responses");
    }
    assert_eq!(
        responses().headers(Some("k")),
        [("authorization", "Bearer k".to_owned())]
    );
    assert_eq!(responses().wholes(), Delivery::Whole);
    assert_eq!(responses().company("localhost").name, "compatible");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        told(&[&bytes], UsageChunk::Wanted);
        let _ = responses().read(&bytes, &reading(UsageChunk::Wanted));
        let _ = responses().fault(400, &bytes);
    }

    #[test]
    fn arbitrary_events_tell_the_same_in_any_pieces(
        events in proptest::collection::vec(event(), 0..8),
        cuts in proptest::collection::vec(0_usize..3000, 0..8),
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
        let told_at_once = told(&[&stream], UsageChunk::Wanted);
        prop_assert_eq!(&told(&pieces, UsageChunk::Wanted), &told_at_once);
        for chunk in told_at_once.lines().filter_map(|line| Some(&line[line.find(" {\"")? + 1..])) {
            prop_assert!(serde_json::from_str::<Value>(chunk).is_ok(), "{}", chunk);
        }
    }

    #[test]
    fn arbitrary_responses_are_read_into_json(response in response()) {
        let body = response.to_string().into_bytes();
        if let Ok(answer) = responses().read(&body, &reading(UsageChunk::Wanted)) {
            let json: Value = serde_json::from_slice(&answer.json).unwrap();
            prop_assert_eq!(&json["object"], "chat.completion");
        }
    }

    #[test]
    fn arbitrary_requests_are_written_as_json_or_refused(request in request()) {
        let text = request.to_string();
        if let Ok(parsed) = ChatRequest::parse(&text) {
            prop_assert_eq!(parsed.messages.is_empty(), false);
            if let Ok(body) = written(&text) {
                prop_assert_eq!(&body["store"], &json!(false));
                prop_assert_eq!(&body["truncation"], &json!("disabled"));
                prop_assert!(body["input"].is_array());
            }
        }
    }
}

fn text() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => "[a-zé🔥\"\\\\\n]{0,6}".prop_map(|text| json!(text)),
        1 => Just(json!(null)),
        1 => Just(json!(7)),
    ]
}

/// An item that is nearly one of OpenAI's.
fn item() -> impl Strategy<Value = Value> {
    (0..6, text(), text(), text()).prop_map(|(kind, one, two, three)| match kind {
        0 => json!({"type": "message", "role": "assistant", "content": [
            {"type": "output_text", "text": one, "logprobs": [{"token": two, "logprob": -1}]},
            {"type": "refusal", "refusal": three}, {"type": one}]}),
        1 => json!({"type": "function_call", "call_id": one, "name": two, "arguments": three,
            "id": "fc", "status": "completed"}),
        2 => json!({"type": "reasoning", "id": one, "encrypted_content": two,
            "summary": [{"type": "summary_text", "text": three}]}),
        3 => json!({"type": "reasoning", "summary": one, "content": [{"text": two}]}),
        4 => json!({"type": "web_search_call", "id": one}),
        _ => json!([one]),
    })
}

fn response() -> impl Strategy<Value = Value> {
    let status = prop_oneof!["completed", "incomplete", "failed", "cancelled", "x"];
    (
        status,
        proptest::collection::vec(item(), 0..4),
        text(),
        any::<i8>(),
    )
        .prop_map(|(status, output, one, count)| {
            json!({"id": one, "object": "response", "status": status, "output": output,
                "created_at": count, "incomplete_details": {"reason": one}, "error": {"code": one},
                "usage": {"input_tokens": count, "output_tokens": 3}})
        })
}

/// An event that is nearly one of OpenAI's, and its end.
fn event() -> impl Strategy<Value = String> {
    let kind = prop_oneof![
        Just("response.created"),
        Just("response.output_item.added"),
        Just("response.output_item.done"),
        Just("response.output_text.delta"),
        Just("response.refusal.delta"),
        Just("response.reasoning_text.delta"),
        Just("response.reasoning_summary_text.delta"),
        Just("response.function_call_arguments.delta"),
        Just("response.function_call_arguments.done"),
        Just("response.completed"),
        Just("response.incomplete"),
        Just("response.failed"),
        Just("error"),
        Just("keepalive"),
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n")];
    (kind, item(), response(), text(), 0..3_u8, end, 0..8).prop_map(
        |(kind, item, response, text, index, end, shape)| {
            let data = match shape {
                0 => json!([kind]),
                1 => json!({"error": text}),
                2 => json!({"type": kind}),
                _ => json!({"type": kind, "item": item, "response": response, "delta": text,
                    "arguments": text, "output_index": index, "item_id": "fc", "message": text}),
            };
            format!("event: {kind}{end}data: {data}{end}{end}")
        },
    )
}

/// A request that is nearly lawful.
fn request() -> impl Strategy<Value = Value> {
    let role = prop_oneof![
        "system",
        "developer",
        "user",
        "assistant",
        "tool",
        "function"
    ];
    let content = (0..8, text()).prop_map(|(kind, text)| match kind {
        0 | 1 => json!("plain"),
        2 => json!([{"type": "text", "text": text}]),
        3 => json!([{"type": "image_url", "image_url": {"url": text, "detail": "low"}}]),
        4 => json!([{"type": "file", "file": {"file_id": text, "filename": text}}]),
        5 => json!([{"type": "refusal", "refusal": text}, {"type": "input_audio"}]),
        6 => json!([]),
        _ => text,
    });
    let message = (role, content, text(), 0..5).prop_map(|(role, content, text, kind)| match kind {
        0 => json!({"role": role, "content": content, "tool_call_id": text, "name": text}),
        1 => json!({"role": role, "content": content, "refusal": text,
            "tool_calls": [{"id": text, "type": "function",
                "function": {"name": "f", "arguments": "{\"a\":1}"}}]}),
        2 => json!({"role": role, "content": content, "reasoning_details": [
            {"type": "reasoning.summary", "summary": text, "id": "a", "format": "pilotlight.openai-v1"},
            {"type": "reasoning.encrypted", "data": text, "id": "a", "format": "pilotlight.openai-v1"}]}),
        _ => json!({"role": role, "content": content}),
    });
    let fields = (0..8, text()).prop_map(|(kind, text)| match kind {
        0 => json!({"tools": [{"type": "function", "function": {"name": text}}],
            "tool_choice": text}),
        1 => json!({"tools": [{"type": "function", "function": {"name": "f", "strict": true}}],
            "tool_choice": {"type": "function", "function": {"name": text}}}),
        2 => json!({"response_format": {"type": text}}),
        3 => json!({"response_format": {"type": "json_schema",
            "json_schema": {"name": text, "schema": {}}}}),
        4 => json!({"reasoning": {"summary": text, "effort": text}, "reasoning_effort": "low"}),
        5 => json!({"user": text, "metadata": text, "logprobs": true, "top_logprobs": text}),
        6 => json!({"store": text, "verbosity": text}),
        _ => json!({}),
    });
    (proptest::collection::vec(message, 1..5), fields).prop_map(|(messages, fields)| {
        let mut request = json!({"model": "m", "messages": messages});
        let fields = fields.as_object().unwrap().clone();
        request.as_object_mut().unwrap().extend(fields);
        request
    })
}

/// What a stream of these events tells.
fn stream(events: &[Value]) -> String {
    let event = |event: &Value| format!("data: {event}\r\n\r\n");
    let bytes: String = events.iter().map(event).collect();
    told(&[bytes.as_bytes()], UsageChunk::Unwanted)
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

fn call(fields: &Value) -> Value {
    let mut call = json!({"type": "function_call", "name": "f"});
    call.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    call
}

fn added(at: u64, item: &Value) -> Value {
    json!({"type": "response.output_item.added", "output_index": at, "item": item})
}

fn done(at: u64, item: &Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": at, "item": item})
}

fn completed(output: &Value) -> Value {
    json!({"type": "response.completed", "response": {"id": "r", "output": output}})
}

fn says(text: &str) -> Value {
    json!({"type": "message", "content": [{"type": "output_text", "text": text}]})
}

fn delta(at: u64, text: &str) -> Value {
    json!({"type": "response.output_text.delta", "output_index": at, "delta": text})
}

#[test]
fn several_messages_are_told_once_whatever_their_ends_say() {
    let check = |events: &[Value], text: &str| {
        let told = stream(events);
        assert!(told.ends_with("done\n"), "{told}");
        assert_eq!(put_together(&told)["content"], text, "{events:?}");
    };
    let both = json!([says("a"), says("b")]);
    check(
        &[
            delta(0, "a"),
            done(0, &says("A")),
            done(1, &says("b")),
            completed(&both),
        ],
        "ab",
    );
    check(
        &[
            done(0, &says("a")),
            delta(1, "b"),
            done(1, &says("B")),
            completed(&both),
        ],
        "ab",
    );
    check(&[delta(0, "a"), delta(1, "b"), completed(&both)], "ab");
    check(&[completed(&both)], "ab");
    let ended = json!({"type": "response.output_text.done", "output_index": 0, "text": "A"});
    check(&[delta(0, "a"), ended.clone(), completed(&json!([]))], "a");
    check(&[ended, completed(&json!([]))], "A");
}

#[test]
fn a_call_is_told_once_however_little_is_told_of_it() {
    let check = |events: &[Value], arguments: &[&str]| {
        let told = stream(events);
        assert!(told.ends_with("done\n"), "{told}");
        let message = put_together(&told);
        let calls = message["tool_calls"].as_array().unwrap();
        let found: Vec<_> = calls
            .iter()
            .map(|call| call["function"]["arguments"].as_str().unwrap())
            .collect();
        assert_eq!(found, arguments, "{events:?}");
    };
    let named = |item: &str, id: &str, arguments: &str| {
        call(&json!({"id": item, "call_id": id, "arguments": arguments}))
    };
    let piece = |at: u64, item: &str, json: &str| {
        json!({"type": "response.function_call_arguments.delta", "output_index": at,
            "item_id": item, "delta": json})
    };
    // Begun and never said to be done.
    check(
        &[
            added(0, &named("fc1", "a", "")),
            piece(0, "fc1", "{\"x\":\"\\u00"),
            added(1, &named("fc2", "b", "")),
            piece(0, "fc1", "fc\"}"),
            completed(&json!([
                named("fc1", "a", "{}"),
                named("fc2", "b", "{\"y\":2}")
            ])),
        ],
        &["{\"x\":\"\\u00fc\"}", "{\"y\":2}"],
    );
    // Without ids of their own, under another item's id each time.
    let nameless = |item: &str| call(&json!({"id": item, "arguments": "{}"}));
    check(
        &[
            added(0, &call(&json!({"id": "x1"}))),
            piece(0, "x2", "{}"),
            done(0, &nameless("x3")),
            completed(&json!([nameless("x4")])),
        ],
        &["{}"],
    );
}

#[test]
fn a_limit_below_the_least_is_refused_by_its_name() {
    check_refused(&json!({"max_tokens": 15}), "max_tokens");
    check_refused(
        &json!({"max_completion_tokens": 1}),
        "max_completion_tokens",
    );
    check_refused(
        &json!({"max_completion_tokens": 1, "max_tokens": 100}),
        "max_completion_tokens",
    );
    check_refused(
        &json!({"max_completion_tokens": null, "max_tokens": 1}),
        "max_tokens",
    );
    let asked = Asked {
        limit: Some(5),
        ..Asked::default()
    };
    let (body, _) = with(&json!({}), asked).unwrap();
    assert_eq!(body["max_output_tokens"], 16);
}
