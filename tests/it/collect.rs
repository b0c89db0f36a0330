//! Streams put together: every recorded one, and random answers cut into random chunks.

use std::path::{Path, PathBuf};

use pilotlight::openai::{Usage, UsageChunk};
use pilotlight::provider::{Company, Names, Origin, PROVIDERS, Reading};
use pilotlight::stream::calls::HeldCalls;
use pilotlight::stream::collect::Collector;
use pilotlight::stream::relay::{Calls, Disclose, Keep, Relay, Terms};
use pilotlight::stream::written::Written;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

/// The recorded streams of a dialect, whose companies may have a folder each.
fn recorded(dialect: &str, file: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let folders = |of: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(of).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.is_dir()).collect()
    };
    let cases = folders(&root.join(dialect));
    let deeper: Vec<PathBuf> = cases.iter().flat_map(|case| folders(case)).collect();
    let mut found: Vec<PathBuf> = cases
        .iter()
        .chain(&deeper)
        .map(|case| case.join(file))
        .filter(|stream| stream.exists())
        .collect();
    found.sort();
    found
}

/// Discloses a target.
#[derive(Debug)]
struct Told;

impl Disclose for Told {
    fn json(&self, _: &Written, _: Option<Usage>) -> String {
        "{\"target\":\"t\"}".to_owned()
    }
}

/// What the relay passes on of a stream.
fn relayed(dialect: &str, stream: &[u8], calls: Calls) -> Vec<u8> {
    relayed_from(Company::for_host(""), dialect, stream, calls)
}

/// What the relay passes on of a company's stream.
fn relayed_from(company: &'static Company, dialect: &str, stream: &[u8], calls: Calls) -> Vec<u8> {
    let provider = PROVIDERS
        .iter()
        .find(|provider| provider.name() == dialect)
        .unwrap();
    let decoder = provider.decoder(&Reading {
        model: "asked-for",
        request_id: "req1",
        created: 1_700_000_000,
        choices: 1,
        usage_chunk: UsageChunk::Wanted,
        origin: Origin::Any,
        company,
        names: Names::none(),
    });
    let terms = Terms {
        choices: 1,
        usage_chunk: UsageChunk::Wanted,
        calls,
        keep: Keep::Nothing,
        disclose: Box::new(Told),
    };
    let mut relay = Relay::new(decoder, terms);
    relay.hold(stream);
    relay.end();
    relay.take()
}

/// The chunks of what was passed on.
fn chunks(events: &[u8]) -> Vec<&str> {
    let text = std::str::from_utf8(events).unwrap();
    text.split("\n\n")
        .filter_map(|event| event.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
        .collect()
}

/// The answer that whole events make.
fn collected<'a>(events: impl IntoIterator<Item = &'a [u8]>) -> Option<Value> {
    let mut collector = Collector::new(1);
    for event in events {
        collector.feed(event);
    }
    let json = collector.completion()?;
    Some(serde_json::from_slice(&json).unwrap())
}

/// The same events with their tool calls held back, and these calls, each written in one piece.
fn held_back(events: &[u8]) -> (Vec<u8>, Vec<Value>) {
    let out = relayed("openai", events, Calls::Whole);
    let mut given = Vec::new();
    // Of the other chunks some have half a character.
    let with_calls = |chunk: &&str| chunk.contains("\"tool_calls\":[");
    for chunk in chunks(&out).into_iter().filter(with_calls) {
        let chunk: Value = serde_json::from_str(chunk).unwrap();
        let calls = chunk["choices"][0]["delta"]["tool_calls"].as_array();
        for call in calls.into_iter().flatten() {
            assert_eq!(call["index"], given.len(), "one piece each: {chunk}");
            given.push(call.clone());
        }
    }
    (out, given)
}

/// What the chunks of a stream say, added up in the plainest way.
#[derive(Debug, Default, PartialEq)]
struct Sum {
    content: String,
    reasoning: String,
    /// Id, name and arguments, by index.
    calls: Vec<[String; 3]>,
    finish: Value,
    usage: Value,
}

impl Sum {
    fn of_chunks(chunks: &[&str]) -> Self {
        let mut sum = Self::default();
        for chunk in chunks {
            let chunk: Value = serde_json::from_str(chunk).unwrap();
            let choice = &chunk["choices"][0];
            let delta = &choice["delta"];
            sum.content += delta["content"].as_str().unwrap_or_default();
            sum.reasoning += delta["reasoning"].as_str().unwrap_or_default();
            for entry in delta["tool_calls"].as_array().into_iter().flatten() {
                let at = usize::try_from(entry["index"].as_u64().unwrap()).unwrap();
                sum.calls
                    .resize(sum.calls.len().max(at + 1), <[String; 3]>::default());
                for (whole, piece) in sum.calls[at].iter_mut().zip(call_words(entry)) {
                    *whole += &piece;
                }
            }
            for (last, told) in [
                (&mut sum.finish, &choice["finish_reason"]),
                (&mut sum.usage, &chunk["usage"]),
            ] {
                if !told.is_null() {
                    *last = told.clone();
                }
            }
        }
        for [_, _, arguments] in &mut sum.calls {
            *arguments = whole(arguments).to_owned();
        }
        sum
    }

    fn of_completion(answer: &Value) -> Self {
        let choice = &answer["choices"][0];
        let message = &choice["message"];
        let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        Self {
            content: text("content"),
            reasoning: text("reasoning"),
            calls: calls.map(call_words).collect(),
            finish: choice["finish_reason"].clone(),
            usage: answer["usage"].clone(),
        }
    }
}

/// The arguments of a whole call: none are those of an empty object.
fn whole(arguments: &str) -> &str {
    if arguments.trim_ascii().is_empty() {
        "{}"
    } else {
        arguments
    }
}

fn call_words(call: &Value) -> [String; 3] {
    let function = &call["function"];
    [&call["id"], &function["name"], &function["arguments"]]
        .map(|word| word.as_str().unwrap_or_default().to_owned())
}

#[test]
fn every_recorded_stream_becomes_the_answer_that_its_chunks_add_up_to() {
    let (mut answers, mut calls) = (0, 0);
    for (dialect, file) in [("openai", "stream.sse"), ("ollama", "stream.ndjson")] {
        for case in recorded(dialect, file) {
            let stream = std::fs::read(&case).unwrap();
            let company = case.ancestors().nth(2).unwrap().file_name().unwrap();
            let company = Company::named(company.to_str().unwrap());
            let company = company.unwrap_or(Company::for_host(""));
            let events = relayed_from(company, dialect, &stream, Calls::Streamed);
            let told = chunks(&events);
            let answer = collected([&events[..]]);
            assert_eq!(
                answer.is_some(),
                told.iter().any(|chunk| !chunk.contains("\"choices\":[]")),
                "{}",
                case.display()
            );
            let Some(answer) = answer else { continue };
            let sum = Sum::of_chunks(&told);
            assert_eq!(Sum::of_completion(&answer), sum, "{}", case.display());
            assert_eq!(answer["object"], "chat.completion");
            if !sum.finish.is_null() {
                assert_eq!(answer["pilotlight"]["target"], "t", "{answer}");
            }

            let (whole_calls, given) = held_back(&events);
            assert_eq!(given.len(), sum.calls.len());
            assert_eq!(collected([&whole_calls[..]]).unwrap(), answer);
            answers += 1;
            calls += given.len();
        }
    }
    assert!(answers >= 20, "only {answers} answers");
    assert!(calls >= 6, "only {calls} calls");
}

/// How a piece of text is spelled in its chunk.
#[derive(Clone, Copy, Debug)]
enum Spelling {
    /// As serde writes it, cut between characters.
    Plain,
    /// Every UTF-16 unit as an escape, cut between any two.
    Escaped,
}

/// The JSON strings of the pieces of a text. Between two of `cuts`, as shares of 256, is one piece.
fn pieces(text: &str, spelling: Spelling, cuts: &[u8]) -> Vec<String> {
    let units: Vec<String> = match spelling {
        Spelling::Plain => text
            .chars()
            .map(|char| {
                let quoted = serde_json::to_string(&char).unwrap();
                quoted[1..quoted.len() - 1].to_owned()
            })
            .collect(),
        Spelling::Escaped => text
            .encode_utf16()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect(),
    };
    let mut ends: Vec<usize> = cuts
        .iter()
        .map(|cut| units.len() * usize::from(*cut) / 256)
        .collect();
    ends.sort_unstable();
    ends.push(units.len());
    let mut from = 0;
    ends.into_iter()
        .map(|end| {
            let piece = format!("\"{}\"", units[from..end].concat());
            from = end;
            piece
        })
        .collect()
}

/// A random text and its pieces.
fn text() -> impl Strategy<Value = (String, Vec<String>)> {
    let spelling = prop_oneof![Just(Spelling::Plain), Just(Spelling::Escaped)];
    let words = vec(
        prop_oneof!["[ -~]{0,8}", "\\PC{0,4}", Just("🔥é\n\u{1}".to_owned())],
        0..6,
    );
    (words, spelling, vec(any::<u8>(), 0..6)).prop_map(|(words, spelling, cuts)| {
        let text = words.concat();
        let pieces = pieces(&text, spelling, &cuts);
        (text, pieces)
    })
}

/// Whether a server numbers the entries of its tool calls.
#[derive(Clone, Copy, Debug)]
enum Numbered {
    Yes,
    AllZero,
    No,
}

/// A random answer: the completion's message and the deltas of its stream.
fn answer() -> impl Strategy<Value = (Value, Vec<String>)> {
    let numbered = prop_oneof![
        Just(Numbered::Yes),
        Just(Numbered::AllZero),
        Just(Numbered::No)
    ];
    (text(), text(), vec(text(), 0..4), numbered).prop_map(
        |(content, reasoning, calls, numbered)| {
            let mut message = json!({"role": "assistant", "content": content.0});
            let mut deltas = vec![r#"{"role":"assistant","content":""}"#.to_owned()];
            if content.0.is_empty() && !calls.is_empty() {
                message["content"] = Value::Null;
            }
            message["reasoning"] = json!(reasoning.0);
            deltas.extend(
                reasoning
                    .1
                    .iter()
                    .map(|piece| format!(r#"{{"reasoning":{piece}}}"#)),
            );
            deltas.extend(
                content
                    .1
                    .iter()
                    .map(|piece| format!(r#"{{"content":{piece}}}"#)),
            );
            for (at, (arguments, pieces)) in calls.iter().enumerate() {
                let entry = |rest: String| {
                    let index = match numbered {
                        Numbered::Yes => format!("\"index\":{at},"),
                        Numbered::AllZero => "\"index\":0,".to_owned(),
                        Numbered::No => String::new(),
                    };
                    format!(r#"{{"tool_calls":[{{{index}{rest}}}]}}"#)
                };
                let (id, name) = (format!("call_{at}"), format!("tool_{at}"));
                deltas.push(entry(format!(
                    r#""id":"{id}","type":"function","function":{{"name":"{name}","arguments":""}}"#
                )));
                let more = pieces
                    .iter()
                    .map(|piece| entry(format!(r#""function":{{"arguments":{piece}}}"#)));
                deltas.extend(more);
                let function = json!({"name": name, "arguments": whole(arguments)});
                let call = json!({"id": id, "type": "function", "function": function});
                if at == 0 {
                    message["tool_calls"] = json!([]);
                }
                message["tool_calls"].as_array_mut().unwrap().push(call);
            }
            (message, deltas)
        },
    )
}

/// The events of a stream with these deltas.
fn events(deltas: &[String]) -> Vec<String> {
    let mut events: Vec<String> = deltas
        .iter()
        .map(|delta| {
            format!(
                r#"{{"id":"c","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#
            )
        })
        .collect();
    events
        .push(r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#.to_owned());
    events.push(r#"{"id":"c","choices":[],"usage":{"prompt_tokens":1}}"#.to_owned());
    events.push("[DONE]".to_owned());
    events
        .iter()
        .map(|json| format!("data: {json}\n\n"))
        .collect()
}

proptest! {
    #[test]
    fn a_message_cut_into_chunks_comes_back(
        (message, deltas) in answer(),
        at_a_time in 1_usize..6,
    ) {
        let events = events(&deltas);
        let fed: Vec<String> = events.chunks(at_a_time).map(<[String]>::concat).collect();
        let expected = json!({
            "id": "c",
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1},
        });
        prop_assert_eq!(collected(fed.iter().map(String::as_bytes)), Some(expected));
    }

    #[test]
    fn calls_held_back_make_the_same_answer(
        (message, deltas) in answer(),
    ) {
        let events = events(&deltas).concat();
        let (whole_calls, given) = held_back(events.as_bytes());
        let expected = message["tool_calls"].as_array().map_or(0, Vec::len);
        prop_assert_eq!(given.len(), expected);
        let streamed = relayed("openai", events.as_bytes(), Calls::Streamed);
        prop_assert_eq!(collected([&whole_calls[..]]), collected([&streamed[..]]));
        for (at, call) in given.iter().enumerate() {
            prop_assert_eq!(&call["function"]["name"], &json!(format!("tool_{at}")));
        }
    }

    #[test]
    fn arbitrary_json_never_panics(
        text in "\\{\"choices\":\\[\\{(\"delta\":\\{)?(\"(index|logprobs|content|tool_calls|audio|function_call)\":)?[\\{\\[0-9a-z\":,\\]\\}]{0,60}",
        end in "[\\]\\}\"]{0,6}",
    ) {
        let text = text + &end;
        let _ = collected([format!("data: {text}\n\n").as_bytes()]);
        let _ = HeldCalls::default().hold(&text);
    }
}
