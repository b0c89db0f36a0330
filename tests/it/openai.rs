//! The `openai` dialect against recorded bytes: each stream whole, and cut at every byte.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pilotlight::openai::UsageChunk;
use pilotlight::provider::{Decoder, Event, PROVIDERS, Provider, Reading};
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
