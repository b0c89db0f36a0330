//! The `openai` dialect against recorded bytes: each stream whole, and cut at every byte.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pilotlight::openai::{Usage, UsageChunk};
use pilotlight::provider::{Decoder, Event, Names, Origin, PROVIDERS, Provider, Reading};
use pilotlight::reason::Reason;
use pilotlight::stream::relay::{Calls, Disclose, Keep, Relay, Standing, Terms};
use pilotlight::stream::written::Written;
use proptest::prelude::*;

fn openai() -> &'static dyn Provider {
    *PROVIDERS
        .iter()
        .find(|provider| provider.name() == "openai")
        .unwrap()
}

fn reading() -> Reading<'static> {
    Reading {
        model: "m",
        request_id: "req_1",
        created: 0,
        choices: 1,
        usage_chunk: UsageChunk::Wanted,
        origin: Origin::Any,
        names: Names::none(),
    }
}

fn decoder() -> Box<dyn Decoder> {
    openai().decoder(&reading())
}

/// The events as text, without what depends on how the bytes were cut.
fn told(pieces: &[&[u8]]) -> String {
    let mut decoder = decoder();
    let mut out = String::new();
    let mut emit = |event: Event<'_>| {
        let _ = match event {
            Event::Chunk(chunk) => writeln!(
                out,
                "{:?} {:?} {:?} {}",
                chunk.carries, chunk.finished, chunk.usage, chunk.json
            ),
            Event::Done => writeln!(out, "done"),
            Event::Failed(fault) => writeln!(out, "{fault:?}"),
        };
    };
    for piece in pieces {
        decoder.feed(piece, &mut emit);
    }
    decoder.finish(&mut emit);
    out
}

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/openai");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(cases.len() >= 8, "the fixtures are there");
    cases
}

#[test]
fn every_recorded_stream_tells_the_same_wherever_it_is_cut() {
    for case in fixtures() {
        let stream = std::fs::read(case.join("stream.sse")).unwrap();
        let whole = told(&[&stream]);
        let expected = std::fs::read_to_string(case.join("expected.txt")).unwrap();
        assert_eq!(whole, expected, "{}", case.display());
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
    let case = "tests/fixtures/openai/finish_reason_in_every_chunk/stream.sse";
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
        told(&[&bytes]);
        let _ = openai().read(&bytes, &reading());
        let _ = openai().fault(400, &bytes);
    }

    #[test]
    fn arbitrary_json_never_panics(text in "[\\{\\[]?(\"(error|choices|delta|code|message|usage)\"[:,])?[\\{\\[0-9a-z\":,\\]\\}]{0,60}") {
        told(&[format!("data: {text}\n\n").as_bytes()]);
        let _ = openai().read(text.as_bytes(), &reading());
        let _ = openai().fault(503, text.as_bytes());
    }
}
