//! Takeover with real parts: an answer that breaks is ended by another machine's real model, or the
//! caller is told that it could not be.
//!
//! A small model need not do as it is asked. So either outcome is right, as long as it is told: an
//! answer with the parts of both, or an error that says that nothing could be spliced on.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::caller::Streamed;
use crate::gateway::{Setup, asking, chain, cloud, with};
use crate::homebox::HomeBox;
use crate::upstream::{PATIENCE, Upstream};
use crate::wire;

/// What even a small model goes on with.
fn counting() -> Value {
    with(
        asking("Write the numbers from 1 to 200, separated by commas."),
        json!({ "temperature": 0, "seed": 1, "max_tokens": 220 }),
    )
}

/// The beginning of such an answer, as a cloud would say it.
const COUNTED: [&str; 6] = [
    "1, 2, 3, 4, 5,",
    " 6, 7, 8, 9, 10,",
    " 11, 12, 13, 14, 15,",
    " 16, 17, 18, 19, 20,",
    " 21, 22, 23, 24, 25,",
    " 26, 27, 28, 29, 30,",
];

/// Who wrote the answer, with how many characters each.
fn parts(told: &Value) -> Vec<(String, u64)> {
    let parts = told["pilotlight"]["parts"].as_array();
    let parts = parts.unwrap_or_else(|| panic!("no parts in {told}"));
    let part = |part: &Value| {
        let target = part["target"].as_str().unwrap().to_owned();
        (target, part["characters"].as_u64().unwrap())
    };
    parts.iter().map(part).collect()
}

/// An answer of which the first target has written `begun` at least, and that the second ended.
fn assert_shared(told: &Value, text: &str, begun: &str, names: [&str; 2]) {
    let parts = parts(told);
    let targets: Vec<&str> = parts.iter().map(|(target, _)| target.as_str()).collect();
    assert_eq!(targets, names, "{told}");
    let [first, second] = [parts[0].1, parts[1].1];
    assert!(first >= begun.chars().count() as u64, "{told}");
    assert!(second > 0, "{told}");
    assert_eq!(
        first + second,
        text.chars().count() as u64,
        "{told}: {text}"
    );
    assert!(text.starts_with(begun), "{text}");
    assert_counted(text);
}

/// No number is missing or doubled, which would be at the seam: what the model writes alone, it counts
/// right. The last one may be cut.
fn assert_counted(text: &str) {
    let numbers: Vec<u32> = text
        .split(',')
        .map_while(|word| word.trim().parse().ok())
        .collect();
    let expected: Vec<u32> = (1..).take(numbers.len()).collect();
    let counted = numbers.len().saturating_sub(1);
    assert_eq!(numbers[..counted], expected[..counted], "{text}");
}

/// A stream of which `begun` has been heard before `rest`.
fn assert_taken_over_or_told(begun: &str, rest: &Streamed, names: [&str; 2]) {
    let Some(error) = rest.error() else {
        assert!(rest.done, "{rest:?}");
        let finish = rest.finish_reason();
        assert!(matches!(finish, Some("stop" | "length")), "{rest:?}");
        let text = begun.to_owned() + &rest.text();
        assert_shared(rest.disclosure().unwrap(), &text, begun, names);
        return;
    };
    assert!(error.to_string().contains("no_splice"), "{error}");
    assert!(!rest.done && rest.finish_reason().is_none(), "{rest:?}");
}

#[test]
fn a_real_ollama_that_is_killed_in_its_answer_is_gone_on_with_by_another() {
    let boxes = HomeBox::start_several("a real Ollama that takes over from another");
    let Some([mut first, second]) = boxes else {
        return;
    };
    let targets = chain(&[("first", first.target()), ("second", second.target())]);
    let gateway = Setup::new(targets).start();

    let mut answer = gateway.stream(&counting());
    let mut begun = String::new();
    while begun.len() < COUNTED.concat().len() {
        begun += &answer.first_words();
    }
    first.kill();
    let rest = answer.streamed();

    assert_taken_over_or_told(&begun, &rest, ["first", "second"]);
    // It writes the line when it has noticed that the gateway is gone.
    let until = Instant::now() + PATIENCE;
    while !second.log().contains("\"/api/chat\"") {
        assert!(Instant::now() < until, "not asked: {}", second.log());
        thread::sleep(Duration::from_millis(100));
    }
    let line: Value = serde_json::from_str(&gateway.log_lines(1)[0]).unwrap();
    assert_ne!(line["attempts"][0]["outcome"], "ok", "{line}");
}

#[test]
fn a_cloud_that_breaks_off_is_gone_on_with_by_a_real_ollama() {
    let Some(home) = HomeBox::start("a real Ollama that takes over from the cloud") else {
        return;
    };
    let broken = Upstream::playing([wire::said(&COUNTED).reset()]);
    let inside = with(
        cloud(&broken),
        json!({ "stream_inside": true, "attempts": 1 }),
    );
    let gateway = Setup::new(chain(&[("cloud", inside), ("box", home.target())])).start();
    let begun = COUNTED.concat();

    let mut answer = gateway.stream(&counting());
    let first = answer.first_words();
    let rest = answer.streamed();

    let unheard = begun.strip_prefix(&first).unwrap();
    let asked = match rest.error() {
        Some(_) => 2,
        None => 1,
    };
    assert!(rest.text().starts_with(unheard), "{rest:?}");
    assert_taken_over_or_told(&first, &rest, ["cloud", "box"]);
    assert_eq!(broken.count(), asked);

    // The same for a caller who does not stream, and who never hears of what did not go out.
    let answer = gateway.chat(&counting());

    assert_eq!(broken.seen().last().unwrap().json()["stream"], true);
    if answer.status == 200 {
        let told = answer.json();
        let finish = told["choices"][0]["finish_reason"].as_str();
        assert!(matches!(finish, Some("stop" | "length")), "{told}");
        assert_shared(&told, &answer.text(), &begun, ["cloud", "box"]);
    } else {
        assert_eq!(answer.status, 503, "{answer:?}");
        let refused = answer.attempts().contains(&"box:no_splice".to_owned());
        assert!(refused, "{answer:?}");
    }
}
