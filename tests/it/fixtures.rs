//! Recorded bytes: a folder of `tests/fixtures/<dialect>` is a case, and what comes of its files stands
//! beside them. What a stream tells is told alike for all dialects, as text.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pilotlight::openai::Usage;
use pilotlight::provider::{Decoder, Event, Fault};
use serde_json::Value;

/// The cases of a dialect, by name.
pub(crate) fn cases(dialect: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(root.join(dialect))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    cases
}

/// Checks every case that has the file `given`: `answer` makes of it what stands in `expected`.
pub(crate) fn check(
    dialect: &str,
    [given, expected]: [&str; 2],
    at_least: usize,
    answer: impl Fn(&Path, &[u8]) -> String,
) {
    let mut seen = 0;
    for case in cases(dialect) {
        let Ok(bytes) = std::fs::read(case.join(given)) else {
            continue;
        };
        seen += 1;
        let expected = std::fs::read_to_string(case.join(expected)).unwrap();
        assert_eq!(answer(&case, &bytes), expected, "{}", case.display());
    }
    assert!(seen >= at_least, "only {seen} cases have a {given}");
}

/// What a stream tells, having told the same wherever it is cut.
pub(crate) fn told_however_cut(
    case: &Path,
    stream: &[u8],
    told: impl Fn(&[&[u8]]) -> String,
) -> String {
    let whole = told(&[stream]);
    for chunk in whole
        .lines()
        .filter_map(|line| Some(&line[line.find(" {")?..]))
    {
        assert!(serde_json::from_str::<Value>(chunk).is_ok(), "{chunk}");
    }
    for cut in 0..=stream.len() {
        let (head, tail) = stream.split_at(cut);
        let cut_here = told(&[head, tail]);
        assert_eq!(cut_here, whole, "{} cut at {cut}", case.display());
    }
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(told(&bytes), whole, "{} byte by byte", case.display());
    whole
}

/// The events as text. A stream that ends before its answer shows what that means.
pub(crate) fn told(mut decoder: Box<dyn Decoder>, pieces: &[&[u8]]) -> String {
    let mut out = String::new();
    let mut open = true;
    let mut emit = |event: Event<'_>| {
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

/// What was used, in few words.
pub(crate) fn used(usage: Option<Usage>) -> String {
    let Some(usage) = usage else {
        return "untold".to_owned();
    };
    let mut told = format!("{}+{}", usage.prompt_tokens, usage.completion_tokens);
    for (name, count) in [
        ("cached", usage.cached_tokens),
        ("written", usage.cache_write_tokens),
        ("thought", usage.reasoning_tokens),
    ] {
        if count > 0 {
            let _ = write!(told, ",{name}={count}");
        }
    }
    told
}

/// What a fault says, on one line.
pub(crate) fn meant(fault: &Fault) -> String {
    format!(
        "failed: {:?} {} {:?} prompt={:?} {:?}",
        fault.known, fault.status, fault.codes, fault.prompt_tokens, fault.message
    )
}
