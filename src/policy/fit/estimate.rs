//! About how many tokens a conversation has, from a few pieces of it.
//!
//! # Why pieces from everywhere
//!
//! A conversation is prose here, code there, and a file in base64 in between, which has three times
//! as many tokens a byte. So the texts are taken as one long text, that is parted into equal stretches,
//! and of each a short piece is counted. Where in its stretch a piece lies changes from one to the
//! next, so that what repeats itself does not always show the same side; but it is the same for the
//! same conversation.

use std::borrow::Cow;

use crate::openai::{ChatRequest, Message};
use crate::policy::fit::meter::Rate;
use crate::policy::fit::size::{self, Part};
use crate::tokens;

/// How many pieces are counted.
const PIECES: usize = 32;

/// How long each is, in bytes.
const PIECE: usize = 256;

/// What is found of a conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    /// About how many tokens it has, tools included.
    pub(super) tokens: u32,
    /// The rate of its texts.
    pub(super) rate: Rate,
}

/// A text as it stands in a request.
#[derive(Clone, Copy, Debug)]
struct Stretch<'r> {
    text: &'r str,
    kind: Kind,
}

/// What a model reads of a text.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The text itself.
    Plain,
    /// What it spells, as JSON.
    Spelled,
}

/// Estimates `messages` with the tools of `request`.
pub(super) fn of(request: &ChatRequest<'_>, messages: &[Message<'_>]) -> Estimate {
    let mut fixed = size::frame(request);
    let mut stretches: Vec<Stretch<'_>> = Vec::with_capacity(messages.len() + 1);
    let mut add = |text, kind| stretches.push(Stretch { text, kind });
    if let Some(tools) = request.tools() {
        add(tools.get(), Kind::Plain);
    }
    for message in messages {
        fixed = fixed.saturating_add(size::AROUND_MESSAGE);
        for part in size::parts(message) {
            match part {
                Part::Text(raw) => add(raw.get(), Kind::Spelled),
                Part::Calls(raw) => add(raw.get(), Kind::Plain),
                Part::File(_) | Part::Image | Part::Other(_) | Part::Sound(_) => {
                    fixed = fixed.saturating_add(part.fixed());
                }
            }
        }
    }
    let bytes: usize = stretches.iter().map(|one| one.text.len()).sum();
    let texts = if bytes <= PIECES * PIECE {
        stretches.iter().map(Stretch::tokens).sum()
    } else {
        sampled(&stretches, bytes)
    };
    Estimate {
        tokens: u32::try_from(texts.saturating_add(fixed.into())).unwrap_or(u32::MAX),
        rate: Rate::of(texts, bytes as u64),
    }
}

/// The tokens of some texts, by pieces of them.
fn sampled(stretches: &[Stretch<'_>], bytes: usize) -> u64 {
    let each = bytes / PIECES;
    let mut walk = Walk {
        stretches,
        passed: 0,
    };
    let mut total = 0;
    for number in 0..PIECES {
        let start = number * each + shift(number, each - each.min(PIECE));
        let (tokens, read) = walk.piece(start);
        total += tokens.saturating_mul(each as u64) / (read as u64).max(1);
    }
    // The last stretch is a few bytes longer, which nobody notices.
    total
}

/// Where in its stretch a piece lies that may begin at up to `most`: by the golden ratio, whose
/// multiples never fall together.
fn shift(number: usize, most: usize) -> usize {
    const GOLDEN: u64 = 633;
    let part = (number as u64 * GOLDEN) % 1024;
    usize::try_from(part * most as u64 / 1024).unwrap_or_default()
}

/// A walk along texts, one after the other and never back.
struct Walk<'s, 'r> {
    stretches: &'s [Stretch<'r>],
    /// The bytes of those that are behind.
    passed: usize,
}

impl Walk<'_, '_> {
    /// The tokens of a piece that begins so many bytes from the beginning, and its bytes.
    fn piece(&mut self, start: usize) -> (u64, usize) {
        while let Some((first, rest)) = self.stretches.split_first()
            && self.passed + first.text.len() <= start
        {
            self.passed += first.text.len();
            self.stretches = rest;
        }
        let (mut tokens, mut read) = (0, 0);
        let mut from = start.saturating_sub(self.passed);
        for stretch in self.stretches {
            let end = stretch.text.len().min(from + PIECE - read);
            let from_letter = stretch.text.floor_char_boundary(from);
            let end = stretch.text.floor_char_boundary(end).max(from_letter);
            let text = stretch.text.get(from_letter..end).unwrap_or_default();
            tokens += Stretch { text, ..*stretch }.tokens();
            read += text.len();
            from = 0;
            // What is missing is less than a letter.
            if read + 4 > PIECE {
                break;
            }
        }
        (tokens, read)
    }
}

impl Stretch<'_> {
    fn tokens(&self) -> u64 {
        let text = match self.kind {
            Kind::Plain => Cow::Borrowed(self.text),
            Kind::Spelled => spelled(self.text),
        };
        tokens::count(&text).into()
    }
}

/// What a piece of a JSON string spells. It may begin and end anywhere, so what is no escape stands for
/// itself.
fn spelled(piece: &str) -> Cow<'_, str> {
    if !piece.contains('\\') {
        return Cow::Borrowed(piece);
    }
    let mut units: Vec<u16> = Vec::with_capacity(piece.len());
    let mut rest = piece;
    while let Some((before, after)) = rest.split_once('\\') {
        units.extend(before.encode_utf16());
        rest = after;
        let mut letters = after.chars();
        let unit = match letters.next() {
            Some('n') => Some(u16::from(b'\n')),
            Some('t') => Some(u16::from(b'\t')),
            Some('r') => Some(u16::from(b'\r')),
            Some('"') => Some(u16::from(b'"')),
            Some('\\') => Some(u16::from(b'\\')),
            Some('/') => Some(u16::from(b'/')),
            Some('u') => {
                let digits = after.get(1..5);
                let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
                letters = after.get(5..).unwrap_or_default().chars();
                unit
            }
            _ => None,
        };
        if let Some(unit) = unit {
            units.push(unit);
            rest = letters.as_str();
        }
    }
    units.extend(rest.encode_utf16());
    Cow::Owned(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_of_a_string_is_read_wherever_it_was_cut() {
        for (piece, text) in [
            ("plain", "plain"),
            (r"a\nb\u00e9\ud83d\ude80", "a\nbé🚀"),
            (r#"\"x\\y\/"#, r#""x\y/"#),
            (r"0e9 and \u00", "0e9 and u00"),
            (r"ends \", "ends "),
            (r"\ude80", "\u{fffd}"),
        ] {
            assert_eq!(spelled(piece), text, "{piece}");
        }
    }

    #[test]
    fn pieces_lie_within_their_stretches_and_not_all_at_the_same_place() {
        let mut places: Vec<usize> = (0..PIECES).map(|number| shift(number, 1_000)).collect();
        assert!(places.iter().all(|place| *place < 1_000));
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), PIECES);
    }

    #[test]
    fn a_walk_reads_on_from_one_text_into_the_next() {
        let texts: Vec<String> = (0..100).map(|n| format!("{n:02} lamp ")).collect();
        let stretches: Vec<Stretch<'_>> = texts
            .iter()
            .map(|text| Stretch {
                text,
                kind: Kind::Plain,
            })
            .collect();
        let mut walk = Walk {
            stretches: &stretches,
            passed: 0,
        };
        assert_eq!(walk.piece(400).1, PIECE);
        assert_eq!(walk.passed, 400);
        assert_eq!(walk.piece(792), (tokens::count("99 lamp ").into(), 8));
        assert_eq!(walk.piece(10_000), (0, 0));
    }
}
