//! Whether a word that tells what a number is stands near it.

use crate::policy::pii::form::{before, byte};

/// How far before a number a word is sought, in bytes.
const BEFORE: usize = 48;

/// How far after it.
const AFTER: usize = 24;

/// Words that tell what a number is, in lower case.
pub(super) struct Words {
    /// How words begin. Those that do not begin with an ASCII letter may stand anywhere, as words of
    /// languages without spaces do.
    pub(super) stems: &'static [&'static str],
    /// Words as a whole.
    pub(super) whole: &'static [&'static str],
}

/// Whether one of the words stands near what is between `start` and `end`: in the same line, the
/// same JSON object, and no more than a member away.
pub(super) fn near(text: &[u8], start: usize, end: usize, words: &Words) -> bool {
    let earliest = start.saturating_sub(BEFORE);
    (earliest..start)
        .rev()
        .take_while(|at| !divides(text, *at))
        .any(|at| stands_at(text, at, words))
        || (end..end.saturating_add(AFTER))
            .take_while(|at| !divides(text, *at))
            .any(|at| stands_at(text, at, words))
}

/// Whether the text is divided here.
fn divides(text: &[u8], at: usize) -> bool {
    match byte(text, at) {
        0 | b'\n' | b'{' | b'}' => true,
        b',' => before(text, at) == b'"' || byte(text, at.saturating_add(1)) == b'"',
        _ => false,
    }
}

fn stands_at(text: &[u8], at: usize, words: &Words) -> bool {
    let (first, previous) = (byte(text, at), before(text, at));
    if first.is_ascii_alphabetic() {
        let begins = !previous.is_ascii_alphabetic()
            || first.is_ascii_uppercase() && previous.is_ascii_lowercase();
        begins
            && (words.stems.iter().any(|stem| has(text, at, stem))
                || words.whole.iter().any(|word| {
                    has(text, at, word)
                        && !byte(text, at.saturating_add(word.len())).is_ascii_alphabetic()
                }))
    } else {
        !first.is_ascii() && words.stems.iter().any(|stem| has(text, at, stem))
    }
}

fn has(text: &[u8], at: usize, word: &str) -> bool {
    text.get(at..at.saturating_add(word.len()))
        .is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
}
