//! The `openai` dialect against recorded bytes: what is written, and what comes of each answer, whole
//! and cut at every byte.
//!
//! A folder `tests/fixtures/openai/<company>/<case>` is a case of that company's: `request.json` is
//! written as `upstream.json`, with the names of what is left out; an answer `stream.sse` is told as
//! `events.txt`, `body.json` read into `completion.txt`, and an error such as `400.json` into
//! `fault.txt`.

/// What each company is written, beyond the recorded requests.
mod written;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pilotlight::models::Abilities;
use pilotlight::openai::{ChatRequest, Delivery, Usage, UsageChunk};
use pilotlight::provider::{
    Ask, Company, Decoder, Ending, Event, Fault, Names, Origin, PROVIDERS, Provider, Reading,
    Unsupported, UpstreamRequest, Window,
};
use pilotlight::reason::Reason;
use pilotlight::stream::relay::{Calls, Disclose, Keep, Relay, Standing, Terms};
use pilotlight::stream::written::Written;
use proptest::prelude::*;
use serde_json::{Value, json};

fn openai() -> &'static dyn Provider {
    *PROVIDERS
        .iter()
        .find(|provider| provider.name() == "openai")
        .unwrap()
}

fn companies() -> impl Iterator<Item = &'static Company> {
    Company::names().map(|name| Company::named(name).unwrap())
}

fn reading() -> Reading<'static> {
    reading_from(Company::for_host(""))
}

fn reading_from(company: &'static Company) -> Reading<'static> {
    Reading {
        model: "m",
        request_id: "req_1",
        created: 0,
        choices: 1,
        usage_chunk: UsageChunk::Wanted,
        origin: Origin::Any,
        company,
        names: Names::none(),
    }
}

fn decoder() -> Box<dyn Decoder> {
    openai().decoder(&reading())
}

/// The events as text, without what depends on how the bytes were cut. A stream that ends before its
/// answer shows what that means.
fn told(pieces: &[&[u8]], reading: &Reading<'_>) -> String {
    let mut decoder = openai().decoder(reading);
    let mut out = String::new();
    let mut open = true;
    let mut emit = |event: Event<'_>| {
        let _ = match event {
            Event::Chunk(chunk) => writeln!(
                out,
                "{:?} {:?} {} {}",
                chunk.carries,
                chunk.finished,
                used(chunk.usage),
                chunk.json
            ),
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
            let (read, wrote) = (usage.prompt_tokens, usage.completion_tokens);
            format!("{read}+{wrote} cached={}", usage.cached_tokens)
        },
    )
}

fn meant(fault: &Fault) -> String {
    format!(
        "failed: {:?} {} {:?} param={:?} wait={:?} {:?}",
        fault.known, fault.status, fault.codes, fault.param, fault.wait_ms, fault.message
    )
}

/// How a request is asked of a company, beside its own words.
#[derive(Clone, Copy)]
struct Asking<'a> {
    company: &'static Company,
    abilities: Abilities,
    max_output: Option<u32>,
    ending: Ending,
    left_out: &'a [std::borrow::Cow<'static, str>],
}

impl Asking<'_> {
    fn of(company: &'static Company) -> Self {
        Self {
            company,
            abilities: Abilities::UNKNOWN,
            max_output: None,
            ending: Ending::Usual,
            left_out: &[],
        }
    }

    fn write(&self, request: &str) -> Result<UpstreamRequest, Unsupported> {
        let request = ChatRequest::parse(request).unwrap();
        openai().write(&Ask {
            request: &request,
            messages: &request.messages,
            delivery: request.delivery,
            usage_chunk: match request.delivery {
                Delivery::Streamed => UsageChunk::Wanted,
                Delivery::Whole => UsageChunk::Unwanted,
            },
            ending: self.ending,
            model: &request.model,
            company: self.company,
            context: None,
            window: Window::Found,
            max_tokens: request.max_tokens,
            max_output: self.max_output,
            abilities: self.abilities,
            left_out: self.left_out,
            effort: request.fields.text("reasoning_effort").as_deref(),
            keep_alive: None,
        })
    }
}

fn fixtures() -> Vec<(&'static Company, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/openai");
    let mut cases = Vec::new();
    for company in companies() {
        for case in std::fs::read_dir(root.join(company.name)).unwrap() {
            cases.push((company, case.unwrap().path()));
        }
    }
    cases.sort_by(|(_, one), (_, other)| one.cmp(other));
    cases
}

/// Checks every case that has the file `given`: `answer` makes of it what stands in `expected`.
fn check(
    given: &str,
    expected: &str,
    at_least: usize,
    answer: impl Fn(&'static Company, &[u8]) -> String,
) {
    let mut seen = 0;
    for (company, case) in fixtures() {
        let Ok(bytes) = std::fs::read(case.join(given)) else {
            continue;
        };
        seen += 1;
        let answered = answer(company, &bytes);
        let expected = std::fs::read_to_string(case.join(expected)).unwrap();
        assert_eq!(answered, expected, "{}", case.display());
    }
    assert!(seen >= at_least, "only {seen} cases have a {given}");
}

#[test]
fn every_request_is_written_as_its_company_takes_it() {
    check("request.json", "upstream.json", 60, |company, request| {
        let request = std::str::from_utf8(request).unwrap();
        let told = match Asking::of(company).write(request) {
            Ok(written) => {
                let body: Value = serde_json::from_slice(&written.body).unwrap();
                json!({ "body": body, "dropped": written.dropped })
            }
            Err(Unsupported(path)) => json!({ "unsupported": path }),
        };
        format!("{told:#}\n")
    });
}

#[test]
fn every_recorded_stream_tells_the_same_wherever_it_is_cut() {
    check("stream.sse", "events.txt", 45, |company, stream| {
        let reading = reading_from(company);
        let whole = told(&[stream], &reading);
        for chunk in whole
            .lines()
            .filter_map(|line| Some(&line[line.find(" {")?..]))
        {
            assert!(serde_json::from_str::<Value>(chunk).is_ok(), "{chunk}");
        }
        for cut in 0..=stream.len() {
            let (head, tail) = stream.split_at(cut);
            let cut_there = told(&[head, tail], &reading);
            assert_eq!(cut_there, whole, "{} cut at {cut}", company.name);
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(
            told(&bytes, &reading),
            whole,
            "{} byte by byte",
            company.name
        );
        whole
    });
}

#[test]
fn every_whole_answer_is_read_into_a_completion_or_a_fault() {
    check(
        "body.json",
        "completion.txt",
        15,
        |company, body| match openai().read(body, &reading_from(company)) {
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
    let statuses = [
        (400, 18),
        (401, 5),
        (402, 3),
        (403, 4),
        (404, 5),
        (408, 1),
        (413, 1),
        (422, 1),
        (429, 10),
        (498, 1),
        (500, 3),
        (502, 1),
        (503, 4),
        (504, 1),
        (524, 1),
        (529, 2),
    ];
    for (status, at_least) in statuses {
        check(
            &format!("{status}.json"),
            "fault.txt",
            at_least,
            |_, body| format!("{}\n", meant(&openai().fault(status, body))),
        );
    }
}

/// Discloses nothing.
#[derive(Debug)]
struct Nothing;

impl Disclose for Nothing {
    fn json(&self, _: &Written, _: Option<Usage>) -> String {
        "{}".to_owned()
    }
}

/// What the caller gets of a stream that ends after `bytes`, and how the answer stands then.
fn relayed(bytes: &[u8]) -> (String, Standing) {
    let terms = Terms {
        choices: 1,
        usage_chunk: UsageChunk::Wanted,
        calls: Calls::Whole,
        keep: Keep::Text,
        disclose: Box::new(Nothing),
    };
    let mut relay = Relay::new(decoder(), terms);
    relay.hold(bytes);
    relay.end();
    let out = String::from_utf8(relay.take()).unwrap();
    (out, relay.standing().clone())
}

#[test]
fn a_finish_reason_that_says_nothing_ends_nothing() {
    let case = "tests/fixtures/openai/compatible/finish_reason_in_every_chunk/stream.sse";
    let stream = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(case)).unwrap();
    let stop = stream.find(r#""finish_reason":"stop""#).unwrap();
    let ended = stop + stream[stop..].find('\n').unwrap();
    for cut in 0..=stream.len() {
        let (out, standing) = relayed(&stream.as_bytes()[..cut]);
        assert_eq!(
            standing == Standing::Complete,
            cut >= ended,
            "cut at {cut}: {standing:?}"
        );
        assert_eq!(out.contains("[DONE]"), cut >= ended, "cut at {cut}");
        let words = out.matches(r#""finish_reason":""#).count();
        assert_eq!(words, usize::from(cut >= ended), "cut at {cut}: {out}");
    }
}

#[test]
fn a_whole_answer_has_every_choice_and_each_has_ended() {
    let check = |asked: u32, words: &[&str], expected: Result<(), Reason>| {
        let choices: Vec<String> = words
            .iter()
            .enumerate()
            .map(|(index, word)| {
                format!(
                    r#"{{"index":{index},"message":{{"content":"hi"}},"finish_reason":{word}}}"#
                )
            })
            .collect();
        let answer = format!(r#"{{"model":"m","choices":[{}]}}"#, choices.join(","));
        let ask = Reading {
            choices: asked,
            ..reading()
        };
        let read = openai().read(answer.as_bytes(), &ask);
        let told = read.map(|_| ()).map_err(|fault| fault.known.unwrap());
        assert_eq!(told, expected, "{answer}");
    };
    let (stop, empty, null) = (r#""stop""#, r#""""#, r#""null""#);
    for word in [stop, r#""eos""#, r#""unheard_of""#] {
        check(1, &[word], Ok(()));
        check(2, &[stop, word], Ok(()));
    }
    for word in ["null", empty, null] {
        check(1, &[word], Err(Reason::StreamCut));
        check(2, &[stop, word], Err(Reason::StreamCut));
    }
    check(2, &[stop], Err(Reason::StreamCut));
    check(2, &[stop, r#""error""#], Err(Reason::InStreamError));
    check(2, &[], Err(Reason::Empty));
}

#[test]
fn a_whole_answer_stays_as_it_was_written_but_for_words_that_are_not_openais() {
    let answer = r#"{"model":"m","choices":[{"index":0,"finish_reason":"WORD","message":{"content":"hi"}}],"cost":0.10000000149011612}"#;
    for (word, expected) in [
        ("stop", "stop"),
        ("unheard_of", "unheard_of"),
        ("eos", "stop"),
    ] {
        let read = openai().read(answer.replace("WORD", word).as_bytes(), &reading());
        let json = String::from_utf8(read.unwrap().json).unwrap();
        assert_eq!(json, answer.replace("WORD", expected));
    }
}

#[test]
fn an_odd_count_never_fails_a_sound_answer() {
    for usage in [
        r#"{"prompt_tokens":5,"completion_tokens":null}"#,
        r#"{"prompt_tokens":5.0,"completion_tokens":12.0}"#,
        r#"{"prompt_tokens":"five"}"#,
        r#""none""#,
    ] {
        let rest = format!(r#""finish_reason":"stop"}}],"usage":{usage}}}"#);
        let whole = format!(r#"{{"choices":[{{"message":{{"content":"hi"}},{rest}"#);
        assert!(
            openai().read(whole.as_bytes(), &reading()).is_ok(),
            "{usage}"
        );
        let chunk = format!(r#"data: {{"choices":[{{"delta":{{"content":"hi"}},{rest}"#);
        let last = format!("data: {{\"usage\":{usage}}}\n\n");
        let (out, standing) = relayed(format!("{chunk}\n\n{last}").as_bytes());
        assert_eq!(standing, Standing::Complete, "{out}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for company in companies() {
            told(&[&bytes], &reading_from(company));
            let _ = openai().read(&bytes, &reading_from(company));
        }
        let _ = openai().fault(400, &bytes);
    }

    #[test]
    fn arbitrary_json_never_panics(text in "[\\{\\[]?(\"(error|choices|delta|code|message|usage)\"[:,])?[\\{\\[0-9a-z\":,\\]\\}]{0,60}") {
        for company in companies() {
            told(&[format!("data: {text}\n\n").as_bytes()], &reading_from(company));
            let _ = openai().read(text.as_bytes(), &reading_from(company));
        }
        let _ = openai().fault(503, text.as_bytes());
    }

    #[test]
    fn arbitrary_chunks_never_panic_and_stay_json(chunks in proptest::collection::vec(chunk(), 0..6)) {
        let events: Vec<String> = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
        let bytes = events.concat();
        for company in companies() {
            let told = told(&[bytes.as_bytes()], &reading_from(company));
            for line in told.lines() {
                if let Some(at) = line.find(" {") {
                    prop_assert!(serde_json::from_str::<Value>(&line[at..]).is_ok(), "{line}");
                }
            }
            for chunk in &chunks {
                let whole = chunk.to_string().replace("\"delta\"", "\"message\"");
                if let Ok(read) = openai().read(whole.as_bytes(), &reading_from(company)) {
                    prop_assert!(serde_json::from_slice::<Value>(&read.json).is_ok());
                }
            }
        }
    }
}

/// A chunk whose members are of any kind.
fn chunk() -> impl Strategy<Value = Value> {
    let entry = (value(), value(), value(), value()).prop_map(|(index, id, name, arguments)| {
        json!({"index": index, "id": id, "function": {"name": name, "arguments": arguments}})
    });
    let call = prop_oneof![entry, value()];
    let calls = prop_oneof![
        proptest::collection::vec(call, 0..3).prop_map(Value::from),
        value()
    ];
    let piece = (value(), value()).prop_map(|(text, thinking)| {
        json!({"type": "thinking", "thinking": [{"type": "text", "text": thinking}], "text": text})
    });
    let content = prop_oneof![
        proptest::collection::vec(piece, 0..3).prop_map(Value::from),
        value()
    ];
    let finish = prop_oneof![Just(json!("stop")), Just(json!("tool_calls")), value()];
    (value(), calls, content, finish).prop_map(|(index, calls, content, finish)| {
        let delta = json!({"content": content, "tool_calls": calls});
        json!({"choices": [{"index": index, "delta": delta, "finish_reason": finish}]})
    })
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!("")),
        Just(json!([])),
        Just(json!({})),
        (0..3).prop_map(|number| json!(number)),
        "[a-c\"\\\\é]{1,3}".prop_map(Value::from),
        Just(json!([{"type": "text", "text": "a\"\n"}])),
        Just(json!({"x": [1.5]})),
    ]
}
