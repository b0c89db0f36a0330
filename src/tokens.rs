//! Token counts of text: upper estimates, from the first ranks of `o200k_base`.
//!
//! # Why a cut table
//!
//! A gateway has a target's window to keep and, on a free plan, ten milliseconds of CPU. The whole
//! table costs thirty times that on first use, and would be no truer: what stands at home has a
//! vocabulary of its own. The first 16,000 ranks (`build.rs`) load in a few milliseconds and count
//! about a quarter too much, never too little; what a target really counts is learned
//! (`policy::fit::Ratio`).
//!
//! # Why a pattern of its own
//!
//! Before it looks for tokens, the tokenizer parts text into words by a regex, and compiling that
//! is half of its loading time. `o200k_base` also parts words where their case changes and keeps
//! `'s` with the word before it (`O200K_BASE_PAT_STR` of `tiktoken-rs`); without these two, its many
//! classes of letters shrink to one, and counts change by less than one in a thousand.
//!
//! # Why in pieces
//!
//! Text is counted a piece at a time, cut before a space where there is one. So a count stops once
//! it is over its limit, and no text is long enough for the tokenizer's regex to give up on (it
//! panics when that happens). A piece's edge can cost a token; it never saves any that matter.
//!
//! **Invariant:** a count is never larger than the text's length in bytes.

use std::sync::LazyLock;

use tiktoken_rs::CoreBPE;

/// Made by `build.rs`: for each rank, one byte of length and then the token's bytes.
static RANKS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tokens.bin"));

/// Words with what stands before them, numbers, punctuation, and space of three kinds.
const WORDS: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+",
    r"|\p{N}{1,3}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n/]*",
    r"|\s*[\r\n]+",
    r"|\s+(?!\S)",
    r"|\s+",
);

/// Made on first use, once in an isolate; without it, a byte counts as a token.
static TABLE: LazyLock<Option<Table>> = LazyLock::new(Table::load);

/// The most bytes that the tokenizer is handed at once.
const PIECE: usize = 2048;

/// How far back from a piece's end a space is looked for.
const REACH: usize = 64;

/// Counts the tokens of `text`.
pub fn count(text: &str) -> u32 {
    count_within(text, u32::MAX).unwrap_or(u32::MAX)
}

/// Counts the tokens of `text`; `None` once they are more than `limit`.
pub fn count_within(text: &str, limit: u32) -> Option<u32> {
    let mut total = 0_u32;
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = first_piece(rest);
        total = total.saturating_add(size(&encode(piece)));
        if total > limit {
            return None;
        }
        rest = after;
    }
    Some(total)
}

/// The longest start of `text`, whole characters only, that takes about `most` tokens.
pub fn start(text: &str, most: u32) -> &str {
    let mut left = most as usize;
    let mut end = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = first_piece(rest);
        let lengths = encode(piece);
        end += lengths.iter().take(left).sum::<usize>();
        if lengths.len() >= left {
            break;
        }
        left -= lengths.len();
        rest = after;
    }
    text.get(..text.floor_char_boundary(end))
        .unwrap_or_default()
}

/// The longest end of `text`, whole characters only, that takes about `most` tokens.
pub fn end(text: &str, most: u32) -> &str {
    let mut left = most as usize;
    let mut from = text.len();
    let mut rest = text;
    while !rest.is_empty() {
        let (before, piece) = last_piece(rest);
        let lengths = encode(piece);
        from -= lengths.iter().rev().take(left).sum::<usize>();
        if lengths.len() >= left {
            break;
        }
        left -= lengths.len();
        rest = before;
    }
    text.get(text.ceil_char_boundary(from)..)
        .unwrap_or_default()
}

/// The length in bytes of each token of a piece.
fn encode(piece: &str) -> Vec<usize> {
    match &*TABLE {
        Some(table) => table.encode(piece),
        None => vec![1; piece.len()],
    }
}

fn size(lengths: &[usize]) -> u32 {
    u32::try_from(lengths.len()).unwrap_or(u32::MAX)
}

fn first_piece(text: &str) -> (&str, &str) {
    if text.len() <= PIECE {
        return (text, "");
    }
    let most = text.floor_char_boundary(PIECE);
    let piece = text.get(..most).unwrap_or(text);
    text.split_at_checked(gap(piece).unwrap_or(most))
        .unwrap_or((text, ""))
}

fn last_piece(text: &str) -> (&str, &str) {
    let Some(from) = text.len().checked_sub(PIECE).filter(|from| *from > 0) else {
        return ("", text);
    };
    text.split_at_checked(text.ceil_char_boundary(from))
        .unwrap_or(("", text))
}

/// The last place before a space, near the end of `piece`, where the regex would cut too.
fn gap(piece: &str) -> Option<usize> {
    let mut next: Option<(usize, char)> = None;
    for (at, letter) in piece.char_indices().rev().take(REACH) {
        if let Some((gap, space)) = next
            && space.is_whitespace()
            && letter.is_alphanumeric()
        {
            return Some(gap);
        }
        next = Some((at, letter));
    }
    None
}

struct Table {
    tokenizer: CoreBPE,
    /// The length of each rank's token.
    lengths: Vec<u8>,
}

impl Table {
    fn load() -> Option<Self> {
        let mut lengths = Vec::new();
        let mut tokens = Vec::new();
        let mut rest = RANKS;
        while let Some((length, after)) = rest.split_first() {
            let (token, after) = after.split_at_checked(usize::from(*length))?;
            tokens.push((token.to_vec(), u32::try_from(lengths.len()).ok()?));
            lengths.push(*length);
            rest = after;
        }
        let ranks = tokens.into_iter().collect();
        let tokenizer = CoreBPE::new(ranks, std::iter::empty().collect(), WORDS).ok()?;
        Some(Self { tokenizer, lengths })
    }

    fn encode(&self, piece: &str) -> Vec<usize> {
        let ranks = self.tokenizer.encode_ordinary(piece);
        let length = |rank: u32| {
            self.lengths
                .get(rank as usize)
                .copied()
                .map_or(1, usize::from)
        };
        ranks.into_iter().map(length).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_the_first_ranks() {
        let table = TABLE.as_ref().unwrap();
        assert_eq!(table.lengths.len(), 16_000);
    }

    #[test]
    fn common_words_are_a_token_each() {
        assert_eq!(count(""), 0);
        assert_eq!(count("The quick answer is on the table"), 7);
    }

    #[test]
    fn a_count_stops_at_its_limit() {
        let text = "one two three ".repeat(1000);
        let whole = count(&text);
        assert_eq!(count_within(&text, whole), Some(whole));
        assert_eq!(count_within(&text, whole - 1), None);
    }

    #[test]
    fn pieces_cost_next_to_nothing() {
        let text = "Pilot lights are small, and never out. ".repeat(500);
        let at_once = TABLE.as_ref().unwrap().encode(&text).len();
        let in_pieces = count(&text) as usize;
        assert!(in_pieces.abs_diff(at_once) <= text.len() / PIECE);
    }

    #[test]
    fn runs_that_could_exhaust_a_regex_are_counted() {
        for letter in [
            " ",
            "\n",
            " \n",
            "A",
            "a",
            "\u{301}",
            "'",
            "/",
            "7",
            "界",
            "👩🏽‍🚀",
        ] {
            let text = letter.repeat(5 * PIECE);
            assert!(count(&text) as usize <= text.len());
        }
    }

    #[test]
    fn starts_and_ends_are_whole_characters_of_the_size_asked_for() {
        for text in ["words and more words ", "数据流 ", "👩🏽‍🚀🇩🇪é", "x"] {
            let text = text.repeat(2000);
            for most in [0, 1, 7, 100, 1500] {
                let (start, end) = (start(&text, most), end(&text, most));
                assert!(text.starts_with(start) && text.ends_with(end));
                let expected = most.min(count(&text));
                for part in [start, end] {
                    assert!(count(part).abs_diff(expected) <= 3 + most / 50);
                }
            }
        }
    }

    #[test]
    fn a_short_text_is_its_own_start_and_end() {
        assert_eq!(start("short", 50), "short");
        assert_eq!(end("short", 50), "short");
    }
}
