//! What the detector of personal data finds of a labelled sample, of random numbers, and of anything.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use pilotlight::policy::pii::{self, Kind};

/// Random numbers with check digits, right and wrong, and random text.
mod numbers;

/// Stands in the sample where nothing is, inside what looks like somebody's key: scanners that look
/// for leaked keys shall not find ours.
const NOTHING: char = '¬';

const BEGIN: &str = "<!-- measured:begin -->\n";
const END: &str = "<!-- measured:end -->";

/// A line of the sample.
struct Line {
    label: Option<Kind>,
    text: String,
    found: Option<Kind>,
}

/// How often a kind was found where it is, where it is not, and not found.
#[derive(Default)]
struct Score {
    right: usize,
    wrong: usize,
    missed: usize,
}

#[test]
#[expect(clippy::print_stdout, reason = "it measures")]
fn the_sample_is_found_as_well_as_the_readme_says() {
    let lines = sample();
    assert!(lines.len() >= 300, "the sample is there");
    let table = table(&lines);
    for line in lines.iter().filter(|line| line.label != line.found) {
        println!(
            "{} read as {}: {}",
            name(line.label),
            name(line.found),
            line.text
        );
    }
    println!("{table}");
    let readme = std::fs::read_to_string(fixtures().join("README.md")).unwrap();
    let written = readme.split(BEGIN).nth(1).unwrap();
    let written = written.split(END).next().unwrap();
    assert_eq!(written, table, "README.md has to say:\n{table}");
}

#[test]
fn the_sample_is_found_in_a_body_as_in_plain_text() {
    for line in sample() {
        // JSON that is read as text has braces and commas of its own around it.
        let message = serde_json::json!({"role": "user", "content": line.text});
        let body = serde_json::json!({"model": "m", "messages": [message]}).to_string();
        assert_eq!(pii::find_in_body(&body), line.found, "{body}");
        let escaped: String = body
            .chars()
            .flat_map(|c| {
                match c {
                    '@' | '0'..='9' => format!("\\u{:04x}", u32::from(c)),
                    _ => c.to_string(),
                }
                .chars()
                .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(pii::find_in_body(&escaped), line.found, "{escaped}");
    }
}

fn sample() -> Vec<Line> {
    let text = std::fs::read_to_string(fixtures().join("sample.tsv")).unwrap();
    let read = |line: &str| {
        let (label, text) = line.split_once('\t').unwrap();
        let text = text
            .replace(NOTHING, "")
            .replace("\\n", "\n")
            .replace("\\t", "\t");
        let label = Kind::ALL.into_iter().find(|kind| kind.label() == label);
        Line {
            label,
            found: pii::find(&text),
            text,
        }
    };
    text.lines().map(read).collect()
}

fn table(lines: &[Line]) -> String {
    let mut scores: BTreeMap<&str, Score> = BTreeMap::new();
    for line in lines {
        count(
            scores.entry("anything").or_default(),
            line.label.is_some(),
            line.found.is_some(),
        );
        for kind in Kind::ALL {
            let score = scores.entry(kind.label()).or_default();
            count(score, line.label == Some(kind), line.found == Some(kind));
        }
    }
    let mut table = String::from(
        "| kind | lines | found | missed | found wrongly | precision | recall |\n\
         |---|---|---|---|---|---|---|\n",
    );
    let kinds = Kind::ALL.map(Kind::label);
    for name in kinds.into_iter().chain(["anything"]) {
        let Score {
            right,
            wrong,
            missed,
        } = scores[name];
        let (precision, recall) = (percent(right, wrong), percent(right, missed));
        let lines = right + missed;
        writeln!(
            table,
            "| {name} | {lines} | {right} | {missed} | {wrong} | {precision} | {recall} |"
        )
        .unwrap();
    }
    let none = lines.iter().filter(|line| line.label.is_none()).count();
    writeln!(
        table,
        "\n{} lines, {none} of them with nothing to find.",
        lines.len()
    )
    .unwrap();
    table
}

fn count(score: &mut Score, is_there: bool, is_found: bool) {
    match (is_there, is_found) {
        (true, true) => score.right += 1,
        (true, false) => score.missed += 1,
        (false, true) => score.wrong += 1,
        (false, false) => {}
    }
}

/// The share of `part`, in percent, rounded down to a tenth.
fn percent(part: usize, rest: usize) -> String {
    let tenths = (part * 1000).checked_div(part + rest).unwrap_or(1000);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn name(kind: Option<Kind>) -> &'static str {
    kind.map_or("none", Kind::label)
}

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pii")
}
