//! The anchor: the last words of a text, enough of them to be found again.
//!
//! # Why it must stand there once
//!
//! The target repeats the anchor and goes on. If the same words stand earlier in the text too, it
//! may as well go on from there; so the anchor grows until it is unique, or long enough to show that
//! the text repeats itself over and over, where it makes no difference.

use crate::stream::splice::significant::{Begins, Mark, is_marker, marks, significant};

/// The fewest significant characters of an anchor, but for a text that has fewer.
const LEAST: usize = 24;

/// About the most significant characters of an anchor.
const MOST: usize = 160;

/// The longest anchor in bytes: a text may end in a long run of spaces or dashes.
const LONGEST: usize = 2048;

/// The last words of `delivered` that a target is asked to begin with: at least 24 significant
/// characters, and no more than it takes (up to about 160, and 2 KiB) for them to stand in it once.
/// The whole of a text of up to 24; where no word begins, as in a long number, it begins inside.
pub fn anchor(delivered: &str) -> &str {
    let count = significant(delivered).count();
    let start = if count <= LEAST {
        0
    } else {
        let last: Vec<Mark> = marks(delivered).skip(count.saturating_sub(MOST)).collect();
        start(&last, repeated(delivered)).map_or(0, |at| before_markers(delivered, at))
    };
    let lowest = delivered.ceil_char_boundary(delivered.len().saturating_sub(LONGEST));
    delivered.get(start.max(lowest)..).unwrap_or_default()
}

/// Where an anchor begins of which more than `repeated` characters are needed.
fn start(last: &[Mark], repeated: usize) -> Option<usize> {
    let long_enough = || last.iter().rev().zip(1..).skip(LEAST.saturating_sub(1));
    let words = || long_enough().filter(|(mark, _)| mark.begins == Begins::Word);
    let unique = |(_, length): &(&Mark, usize)| *length > repeated;
    let found = if words().next().is_some() {
        words().find(unique).or_else(|| words().last())
    } else {
        long_enough().find(unique).or_else(|| long_enough().last())
    };
    found.map(|(mark, _)| mark.at)
}

/// The start of the markers that stand directly before `at`: they belong to the word there.
fn before_markers(delivered: &str, at: usize) -> usize {
    let head = delivered.get(..at).unwrap_or_default();
    head.trim_end_matches(is_marker).len()
}

/// How many of the last significant characters of `delivered`, of up to 160, stand earlier in it
/// too, in the same order. It is Knuth, Morris and Pratt's search, from the end to the start.
fn repeated(delivered: &str) -> usize {
    let last: Vec<char> = significant(delivered).rev().take(MOST).collect();
    let mut search = Search::default();
    for c in last.iter().skip(1) {
        let matched = search.step(&last, *c);
        search.borders.push(matched);
    }
    search.matched = 0;
    let mut longest = 0;
    for c in significant(delivered).rev().skip(1) {
        longest = longest.max(search.step(&last, c));
        if longest == last.len() {
            break;
        }
    }
    longest
}

/// A search for as much of a text's start as can be found.
#[derive(Default)]
struct Search {
    /// How much of the start stands before here.
    matched: usize,
    /// For each beginning of two characters or more: how much of the start it ends with.
    borders: Vec<usize>,
}

impl Search {
    fn step(&mut self, wanted: &[char], c: char) -> usize {
        while self.matched > 0 && wanted.get(self.matched) != Some(&c) {
            let border = self
                .matched
                .checked_sub(2)
                .and_then(|at| self.borders.get(at));
            self.matched = border.copied().unwrap_or(0);
        }
        if wanted.get(self.matched) == Some(&c) {
            self.matched += 1;
        }
        self.matched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_last_words_of_a_text_and_the_whole_of_a_short_one() {
        for (delivered, expected) in [
            ("", ""),
            (" \n", " \n"),
            ("Hello, ", "Hello, "),
            ("just 24 signs, but spaces", "just 24 signs, but spaces"),
            (
                "The quick brown fox jumps over the lazy dog and",
                "fox jumps over the lazy dog and",
            ),
            (
                "The quick brown\n\n- **fox** jumps over the lazy dog, and ",
                "**fox** jumps over the lazy dog, and ",
            ),
        ] {
            assert_eq!(anchor(delivered), expected);
        }
    }

    #[test]
    fn it_grows_word_by_word_until_it_stands_in_the_text_once() {
        let line = "and the same words once again, all of them";
        let delivered = format!("First {line}; then {line}");
        assert_eq!(anchor(&delivered), format!("then {line}"));
        let delivered = format!("Once {line}. Twice, {line}. Twice, {line}");
        assert!(anchor(&delivered).starts_with(&format!("Twice, {line}. ")));
        assert_ne!(anchor(&delivered), delivered);
    }

    #[test]
    fn its_length_is_bounded_in_any_script_and_where_the_text_only_repeats_itself() {
        for (delivered, least, most) in [
            ("ha ".repeat(1000), 158, 160),
            ("ha ".repeat(50), 100, 100),
            ("a".repeat(5000), 160, 160),
            ("数据".repeat(5000), 160, 160),
            ("🚀".repeat(5000), 160, 160),
            ((0..5000).map(|n| n.to_string()).collect(), 24, 24),
            (('\u{4e00}'..'\u{5000}').collect(), 24, 24),
            (format!("word {}", "-".repeat(5000)), 0, 0),
            (format!("{}word", " ".repeat(5000)), 4, 4),
        ] {
            let anchor = anchor(&delivered);
            let length = significant(anchor).count();
            assert!((least..=most).contains(&length), "{anchor}");
            assert!(delivered.ends_with(anchor) && anchor.len() <= 2048);
        }
    }

    #[test]
    fn what_is_repeated_is_found_as_by_looking_everywhere() {
        let texts = [
            "abcab",
            "aaaa",
            "abab abab",
            "xabcabxabcab",
            "ab",
            "a",
            "",
            "aabaabaaab",
        ];
        for text in texts {
            let text: Vec<char> = significant(text).collect();
            let found = (0..text.len()).rev().find(|length| {
                let end = text.len() - length;
                (0..end).any(|at| text[at..].starts_with(&text[end..]))
            });
            let text: String = text.into_iter().collect();
            assert_eq!(repeated(&text), found.unwrap_or(0), "{text}");
        }
    }
}
