//! What is compared of a text: its significant characters, and where words begin among them.
//!
//! # Why not every character
//!
//! A model that repeats words does not repeat how they were set: spaces become line breaks, bullets
//! change, quotes are curled, a word becomes bold. None of that tells one text from another. Letters
//! do, and so does their case.

use std::iter::{RepeatN, repeat_n};

/// The significant characters of `text`.
pub(super) fn significant(text: &str) -> impl DoubleEndedIterator<Item = char> + '_ {
    text.chars().flat_map(folded)
}

/// The significant characters that `c` stands for: none for white space, Markdown's markers, quotes
/// and dashes; three dots for an ellipsis; else itself.
pub(super) fn folded(c: char) -> RepeatN<char> {
    match c {
        '…' => repeat_n('.', 3),
        c if c.is_whitespace() || is_marker(c) => repeat_n(c, 0),
        c => repeat_n(c, 1),
    }
}

/// Whether `c` is insignificant, but not white space.
pub(super) fn is_marker(c: char) -> bool {
    matches!(
        c,
        '*' | '_' | '#' | '>' | '~' | '`' | '+' | '-' | '|' | '"' | '\'' | '´' | '«' | '»'
            | '\u{2010}'..='\u{2015}' // hyphens and dashes
            | '\u{2212}' // minus
            | '\u{2018}'..='\u{201f}' // curly quotes
            | '‹' | '›'
            | '\u{300c}'..='\u{300f}' // corner brackets
            | '\u{301d}'..='\u{301f}' // double primes as quotes
            | '\u{ff02}' | '\u{ff07}' // full-width quotes
    )
}

/// A significant character in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The character.
    pub(super) c: char,
    /// Where it stands in the text, in bytes.
    pub(super) at: usize,
    /// Whether a word begins with it.
    pub(super) begins: Begins,
}

/// What begins with a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begins {
    /// Nothing: it stands inside a word, or closes one.
    Nothing,
    /// A word.
    Word,
}

/// The significant characters of `text` in their places.
pub(super) fn marks(text: &str) -> impl Iterator<Item = Mark> + '_ {
    let mut before = Before::Gap;
    text.char_indices().flat_map(move |(at, c)| {
        let mut begins = before.begun_by(c);
        before = before.then(c);
        folded(c).map(move |c| {
            let mark = Mark { c, at, begins };
            begins = Begins::Nothing;
            mark
        })
    })
}

/// Whether `c` is of a script that puts no spaces between words, or an emoji: there, every character
/// may begin a word, and two in a row are not two words grown together.
pub(super) fn is_unspaced(c: char) -> bool {
    match c {
        // Thai and Lao, Burmese, Khmer.
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' => true,
        // Korean has spaces.
        '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7ff}' => false,
        c => c >= '\u{2e80}',
    }
}

/// What stands before a character.
#[derive(Clone, Copy)]
enum Before {
    /// White space, the text's start, or markers after either.
    Gap,
    /// A sign such as a full stop or a bracket.
    Sign,
    /// A word.
    Word,
}

impl Before {
    fn begun_by(self, c: char) -> Begins {
        match self {
            Self::Gap => Begins::Word,
            Self::Sign if c.is_alphanumeric() => Begins::Word,
            Self::Sign | Self::Word if is_unspaced(c) => Begins::Word,
            Self::Sign | Self::Word => Begins::Nothing,
        }
    }

    fn then(self, c: char) -> Self {
        match c {
            // Inside a word they are part of it: don't, well-known, a_name.
            '\'' | '’' | '-' | '_' => self,
            c if c.is_alphanumeric() => Self::Word,
            c if folded(c).len() == 0 => Self::Gap,
            _ => Self::Sign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_markup_quotes_and_dashes_are_not_significant() {
        for text in [
            "Don't wait... - go on!",
            "**Don’t** wait… — _go_ on!",
            "> Dont\u{a0}wait...\n> + ‘go’ \u{202f}«on»!",
            "| „Dont | `wait`. |~~.~~.\n##go–on!",
        ] {
            assert_eq!(significant(text).collect::<String>(), "Dontwait...goon!");
        }
        assert_eq!(significant("* _ #>~`+-|\"'“”‘’«»–—\n\t").count(), 0);
    }

    #[test]
    fn case_accents_and_other_signs_are_significant() {
        let text = "Aaéあ🚀(.,:;/=$%";
        assert_eq!(significant(text).collect::<String>(), text);
    }

    #[test]
    fn words_begin_after_spaces_signs_and_markup_and_anywhere_in_unspaced_scripts() {
        for (text, expected) in [
            ("the well-known a_name", "the|wellknown|aname"),
            ("don't 'tis (so) x.", "dont|tis|(|so)|x."),
            ("**bold**text", "bold|text"),
            ("end… next...", "end...|next..."),
            ("… so", "...|so"),
            ("数据流", "数|据|流"),
            ("go 🚀🚀!", "go|🚀|🚀!"),
            ("안녕 하세요", "안녕|하세요"),
        ] {
            let mut words = String::new();
            for mark in marks(text) {
                if mark.at > 0 && mark.begins == Begins::Word && !words.is_empty() {
                    words.push('|');
                }
                words.push(mark.c);
            }
            assert_eq!(words, expected);
        }
    }

    #[test]
    fn marks_stand_where_their_characters_do() {
        let text = "é **a…**";
        let places: Vec<_> = marks(text).map(|mark| (mark.at, mark.c)).collect();
        assert_eq!(places, [(0, 'é'), (5, 'a'), (6, '.'), (6, '.'), (6, '.')]);
    }
}
