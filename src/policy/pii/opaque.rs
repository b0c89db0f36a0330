//! Text that cannot be looked into: data URLs and long base64 or hexadecimal.
//!
//! # Why it is not decoded
//!
//! What comes out is a picture, a recording or an archive, which cannot be read either. Hashes,
//! identifiers and what checks a download's integrity are shorter than what is taken for opaque.

use crate::policy::pii::Kind;
use crate::policy::pii::form::byte;

/// The fewest characters of opaque text: SHA-512 in hexadecimal has 128.
const LEAST: usize = 160;

/// The shortest first word of it that is looked at.
const WORD: usize = 20;

/// The shortest line that goes on in the next one: PEM's have 64 characters, MIME's 76.
const LINE: usize = 60;

/// The fewest characters of a data URL's data: dots and words stand for data in documents.
const DATA: usize = 16;

/// A data URL in base64, if the word is its beginning.
pub(super) fn data_url(text: &[u8], at: usize, end: usize) -> Option<Kind> {
    let word = text.get(at..end)?;
    if !word.eq_ignore_ascii_case(b"data") || byte(text, end) != b':' {
        return None;
    }
    let mark = b";base64,";
    let rest = text.get(end..end.saturating_add(120).min(text.len()))?;
    let mark_at = rest
        .windows(mark.len())
        .take_while(|window| !window.first().is_some_and(u8::is_ascii_whitespace))
        .position(|window| window.eq_ignore_ascii_case(mark))?;
    let start = end.saturating_add(mark_at).saturating_add(mark.len());
    let data = text.get(start..start.saturating_add(DATA))?;
    data.iter()
        .all(|byte| is_base64(*byte))
        .then_some(Kind::Unreadable)
}

/// Long base64 or hexadecimal that begins with the word between `at` and `end`.
pub(super) fn base64(text: &[u8], at: usize, end: usize) -> Option<Kind> {
    if end.saturating_sub(at) < WORD {
        return None;
    }
    let mut seen = Seen::default();
    // It may have begun before this word.
    let mut line = LINE;
    let mut at = at;
    while seen.all < LEAST {
        let next = byte(text, at);
        if is_base64(next) {
            seen.count(next);
            line += 1;
            at += 1;
        } else if line >= LINE && seen.has_both_cases() && matches!(next, b'\n' | b'\r') {
            at = line_start(text, at);
            line = 0;
        } else {
            return None;
        }
    }
    seen.is_opaque().then_some(Kind::Unreadable)
}

/// Where the next line's text begins, after a few spaces.
fn line_start(text: &[u8], at: usize) -> usize {
    let blank = |ahead: &usize| matches!(byte(text, at + ahead), b'\r' | b'\n' | b' ');
    at.saturating_add((0..16).take_while(blank).count())
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte)
}

/// How many characters there are of each kind.
#[derive(Default)]
struct Seen {
    all: usize,
    digits: usize,
    capitals: usize,
    letters: usize,
}

impl Seen {
    fn count(&mut self, byte: u8) {
        self.all += 1;
        self.digits += usize::from(byte.is_ascii_digit());
        self.capitals += usize::from(byte.is_ascii_uppercase());
        self.letters += usize::from(byte.is_ascii_alphabetic());
    }

    /// Whether it can go on in the next line: lists of hashes do not.
    fn has_both_cases(&self) -> bool {
        self.capitals > 0 && self.capitals < self.letters
    }

    /// Whether they are mixed as in base64, where a digit is one in six and a sign one in 32 (fewer in
    /// what is mostly noughts), or in hexadecimal; and not as in a number, a path or a long name.
    fn is_opaque(&self) -> bool {
        let signs = self
            .all
            .saturating_sub(self.digits)
            .saturating_sub(self.letters);
        self.digits * 32 >= self.all && self.letters * 8 >= self.all && signs * 10 <= self.all
    }
}
