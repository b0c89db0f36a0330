//! What was delivered, as far as a new text is held against it.

use crate::stream::splice::GOOD_WHILE;
use crate::stream::splice::anchor::anchor;
use crate::stream::splice::significant::{Mark, folded, is_unspaced, marks, significant};

/// The fewest significant characters that tell a start over.
const FEWEST: usize = 6;

/// An overlap is looked for in this many of the last significant characters.
const END: usize = 400;

/// The text that the caller has.
#[derive(Debug)]
pub(super) struct Delivered {
    /// Its significant characters.
    pub(super) significant: String,
    /// How many there are.
    pub(super) count: usize,
    /// The last of them, up to 400.
    pub(super) end: Vec<Mark>,
    /// How many of them its anchor has.
    pub(super) anchor: usize,
    /// A text that agrees with it from its start for this many significant characters has started over.
    pub(super) good_while: usize,
    /// What follows the last of them.
    pub(super) gap: String,
    /// Its first character of any kind.
    pub(super) first: Option<char>,
    /// Its last character of any kind.
    pub(super) last: Option<char>,
}

impl Delivered {
    /// Reads `text`.
    pub(super) fn new(text: &str) -> Self {
        let count = significant(text).count();
        let gap = text.trim_end_matches(|c| folded(c).len() == 0).len();
        Self {
            significant: significant(text).collect(),
            count,
            end: marks(text).skip(count.saturating_sub(END)).collect(),
            anchor: significant(anchor(text)).count(),
            good_while: good_while(text),
            gap: text.get(gap..).unwrap_or_default().to_owned(),
            first: text.chars().next(),
            last: text.chars().next_back(),
        }
    }

    /// The place after the significant character at byte `at`, if that is `c`.
    pub(super) fn agrees(&self, at: usize, c: char) -> Option<usize> {
        let here = self.significant.get(at..)?.chars().next()?;
        (here == c).then(|| at + c.len_utf8())
    }

    /// Whether no significant character stands at byte `at` or after it.
    pub(super) fn is_end(&self, at: usize) -> bool {
        at >= self.significant.len()
    }

    /// Whether a text that repeats the start can be told from one that goes on: the start is long
    /// enough, and stands nowhere else.
    pub(super) fn has_telling_start(&self) -> bool {
        let start: String = self.significant.chars().take(GOOD_WHILE).collect();
        let mut later = self.significant.chars();
        later.next();
        self.count >= GOOD_WHILE && !later.as_str().contains(&start)
    }
}

/// How long a text has to agree with the start of `text` to have started over. In the middle of a
/// sentence, nothing goes on with the answer's own first two words; a new sentence may.
fn good_while(text: &str) -> usize {
    let in_a_sentence = |c: char| c.is_alphanumeric() && !is_unspaced(c);
    let is_short = significant(text).nth(2 * GOOD_WHILE).is_none();
    if is_short || !text.trim_end_matches(' ').ends_with(in_a_sentence) {
        return GOOD_WHILE;
    }
    let words = text
        .split_whitespace()
        .map(|word| significant(word).count());
    // A dash between two spaces is no word.
    let letters: usize = words.filter(|letters| *letters > 0).take(2).sum();
    letters.clamp(FEWEST, GOOD_WHILE)
}
