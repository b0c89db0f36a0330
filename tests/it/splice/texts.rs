//! Random texts, how they are cut, and how another target sets the same words.

use std::ops::Range;

use pilotlight::stream::splice::Asked;
use proptest::prelude::*;
use proptest::sample::Index;

const ENGLISH: &str = "the a lighthouse keeper don't climbed every evening well-known stairs, and wait... \
    (again) x=1; 3.14 storm. I “so” night!";
const ACCENTED: &str = "été où l’hôtel «naïf» Straße größer, мир свет. маяк señor… ça à ö żółw déjà и что? œuvre \
    e\u{301}te\u{301}";
const UNSPACED: &str = "数据 流 在这里, 人人 生来。 灯塔 夜晚 「はい」 それは です。 ภาษา ไทย";
const SIGNS: &str = "🚀 👩‍🚀 🔥🔥 … ok 🇫🇷 ❤️ → no. 👍🏽 100% a/b [x](y) é";

/// What stands between words if not a space, with an @ between. Two spaces inside a line are not
/// among it: where a cut falls between them, the second is taken for the new target's habit.
const BETWEEN: &str = "\n@\n\n@  \n@\n- @\n    * @\n1. @\n\n## @ **@** @ `@` @\n```\n@\n```rust\n    @ — @\n> @ | @,\n    ";

/// How a target sets the same words.
#[derive(Clone, Copy, Debug)]
pub(super) enum Setting {
    Bold,
    Broken,
    Kept,
    Plain,
    Spaced,
    Typographic,
}

/// A text in one language, or in all.
pub(super) fn text() -> impl Strategy<Value = String> {
    let all = [ENGLISH, ACCENTED, UNSPACED, SIGNS].join(" ");
    let start = prop_oneof![3 => Just(""), 1 => Just("## "), 1 => Just("- "), 1 => Just("\n\n")];
    let rest = prop_oneof![
        words(ENGLISH, " "),
        words(ACCENTED, " "),
        words(UNSPACED, ""),
        words(SIGNS, ""),
        words(&all, " "),
    ];
    (start, rest).prop_map(|(start, rest)| format!("{start}{rest}"))
}

/// Some words of a vocabulary, mostly with one thing between them.
fn words(vocabulary: &str, mostly: &'static str) -> BoxedStrategy<String> {
    let word = vocabulary.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let end = prop_oneof![
        2 => Just(mostly),
        1 => proptest::sample::select(BETWEEN.split('@').collect::<Vec<_>>()),
    ];
    let words = proptest::collection::vec((proptest::sample::select(word), end), 1..90);
    let join =
        |words: Vec<(String, &str)>| words.iter().flat_map(|(word, end)| [word, *end]).collect();
    words.prop_map(join).boxed()
}

/// An answer, and where it is cut: at any character's boundary.
pub(super) fn answer() -> impl Strategy<Value = (String, usize)> {
    (text(), any::<Index>()).prop_map(|(text, cut)| {
        let cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let cut = *cut.get(&cuts);
        (text, cut)
    })
}

pub(super) fn asked() -> impl Strategy<Value = Asked> {
    prop_oneof![
        2 => Just(Asked::Anchored),
        2 => Just(Asked::Prefilled),
        1 => Just(Asked::Anew),
    ]
}

/// How many characters each piece has, over and over.
pub(super) fn sizes() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(1..30_usize, 1..8)
}

pub(super) fn settings() -> impl Strategy<Value = Vec<Setting>> {
    let setting = proptest::sample::select(vec![
        Setting::Bold,
        Setting::Broken,
        Setting::Kept,
        Setting::Plain,
        Setting::Spaced,
        Setting::Typographic,
    ]);
    proptest::collection::vec(setting, 1..12)
}

/// `text` with each word set as the next of `settings` says.
pub(super) fn set(text: &str, settings: &[Setting]) -> String {
    let words = text.split_inclusive(char::is_whitespace);
    words
        .zip(settings.iter().cycle())
        .map(|(word, setting)| match setting {
            Setting::Bold if !word.trim().is_empty() => {
                word.replace(word.trim(), &format!("**{}**", word.trim()))
            }
            Setting::Broken => word.replace(' ', "\n\n").replace("\n\n\n", "\n"),
            Setting::Kept | Setting::Bold => word.to_owned(),
            Setting::Plain => word.replace(['*', '#', '`', '-', '>', '|'], ""),
            Setting::Spaced => word.replace('\n', " "),
            Setting::Typographic if word.contains('…') => word.replace('…', "..."),
            Setting::Typographic => word.replace("...", "…").replace('\'', "’"),
        })
        .collect()
}

/// A part of any text.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// From the delivered text.
    Delivered(Index, Index),
    /// So many of one character.
    Run(char, usize),
    /// Anything else.
    Said(String),
}

pub(super) fn part() -> impl Strategy<Value = Part> {
    let run = proptest::sample::select(vec![' ', '\n', '-', '.', '…', 'a', '流']);
    prop_oneof![
        4 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Part::Delivered(from, to)),
        1 => (run, 1..9_000_usize).prop_map(|(c, times)| Part::Run(c, times)),
        1 => text().prop_map(Part::Said),
        1 => any::<String>().prop_map(Part::Said),
    ]
}

pub(super) fn range(text: &str, from: Index, to: Index) -> Range<usize> {
    let mut cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    cuts.push(text.len());
    let (from, to) = (*from.get(&cuts), *to.get(&cuts));
    from.min(to)..from.max(to)
}
