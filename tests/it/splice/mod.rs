//! Two targets' texts made one: over random texts, cut anywhere, with the second in random pieces.
//!
//! An answer is cut in two; the first part is what was delivered, and the target asked next repeats
//! some of it. Whatever it repeats, the caller has the answer.

use pilotlight::stream::splice::{Asked, Disagrees, Splice, anchor};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseResult;

use texts::{Part, answer, asked, part, range, set, settings, sizes, text};

/// Random texts, and how they are cut and set.
mod texts;

/// No more than this is held, in bytes: 4 KiB while it is open what is repeated, then as much again
/// of the spaces and markers after it, and a character each.
const MOST_HELD: usize = 2 * (4096 + 4);

/// What is compared of a text, told in another way than the gateway does.
fn significant(text: &str) -> String {
    let text = text.replace('…', "...");
    text.chars()
        .filter(|c| !c.is_whitespace() && !"*_#>~`+-|\"'’“”«»「」–—".contains(*c))
        .collect()
}

/// A text's words, as they are compared.
fn compared_words(text: &str) -> Vec<String> {
    let words = text.split_whitespace().map(significant);
    words.filter(|word| !word.is_empty()).collect()
}

/// How many of the last significant characters of `delivered` the text begins with, of those counts
/// that `counts`.
fn overlap(delivered: &str, text: &str, counts: impl Fn(usize) -> bool) -> Option<usize> {
    let (delivered, text) = (significant(delivered), significant(text));
    let ends = delivered.char_indices().map(|(at, _)| at);
    ends.filter(|at| text.starts_with(&delivered[*at..]))
        .map(|at| delivered[at..].chars().count())
        .find(|count| counts(*count))
}

/// For how many significant characters the two agree from their starts.
fn agreement(delivered: &str, text: &str) -> usize {
    let (delivered, text) = (significant(delivered), significant(text));
    let pairs = delivered.chars().zip(text.chars());
    pairs.take_while(|(a, b)| a == b).count()
}

fn count(text: &str) -> usize {
    significant(text).chars().count()
}

fn pieces<'t>(text: &'t str, sizes: &[usize]) -> Vec<&'t str> {
    let mut cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    cuts.push(text.len());
    let mut from = 0;
    let mut found = Vec::new();
    for size in sizes.iter().cycle() {
        if from + 1 >= cuts.len() {
            break;
        }
        let to = (from + size).min(cuts.len() - 1);
        found.push(&text[cuts[from]..cuts[to]]);
        from = to;
    }
    found
}

/// What goes to the caller of a text in such `pieces`; checks on the way what holds for any text.
fn piecewise(delivered: &str, asked: Asked, pieces: &[&str]) -> Result<String, Disagrees> {
    let mut splice = Splice::new(delivered, asked);
    let mut out = String::new();
    let mut kept_back = String::new();
    for piece in pieces {
        let before = out.len();
        let result = splice.feed(piece, &mut out);
        if result.is_err() {
            assert_eq!(out, "", "what went out is not taken back");
            return Err(Disagrees);
        }
        if before > 0 {
            let new = &out[before..];
            assert_eq!(new, *piece, "after the first text, all goes out at once");
        } else if out.is_empty() {
            kept_back.push_str(piece);
        }
    }
    assert!(
        kept_back.len() <= MOST_HELD
            || significant(delivered).starts_with(&significant(&kept_back)),
        "more was kept back than may be, and not because it starts over"
    );
    let result = splice.end(&mut out);
    assert!(result.is_ok() || out.is_empty());
    result.map(|()| out)
}

/// What goes to the caller of `text`, whatever its pieces.
fn spliced(
    delivered: &str,
    asked: Asked,
    text: &str,
    sizes: &[usize],
) -> Result<String, Disagrees> {
    let whole = piecewise(delivered, asked, &[text]);
    assert_eq!(whole, piecewise(delivered, asked, &pieces(text, sizes)));
    if let Ok(out) = &whole {
        let new = out.trim_start_matches('.');
        assert!(text.ends_with(new), "{out:?} is no end of {text:?}");
        let dots = out.len() - new.len();
        assert!(text.ends_with(out) || (dots <= 2 && text.contains('…')));
    }
    whole
}

/// The answer is what the caller has in the end.
fn check(
    (delivered, rest): (&str, &str),
    asked: Asked,
    repeated: &str,
    sizes: &[usize],
) -> TestCaseResult {
    let text = format!("{repeated}{rest}");
    let out = spliced(delivered, asked, &text, sizes);
    prop_assert_eq!(out.as_deref(), Ok(rest), "{:?} and {:?}", delivered, text);
    Ok(())
}

/// Whether a target that starts over can be told. A prefilled one that repeats less, or what stands
/// in the delivered text twice, is taken at its word. And where the text's start is its anchor too,
/// it repeats itself, and the anchor is what was asked for.
fn is_told(delivered: &str, asked: Asked) -> bool {
    let compared = significant(delivered);
    match asked {
        Asked::Anchored => {
            let anchor = significant(anchor(delivered));
            anchor == compared || !compared.starts_with(&anchor)
        }
        Asked::Prefilled => {
            let start: String = compared.chars().take(20).collect();
            count(delivered) >= 20 && compared.rfind(&start) == Some(0)
        }
        Asked::Anew => true,
    }
}

/// Whether going on with `rest` reads as repeating something, and nobody could tell:
/// - it repeats twelve or more of the last characters delivered, or twenty of the first;
/// - or all that was delivered, which is then what was asked for;
/// - or it goes on inside a word with that word's start again (`ban|bananas`);
/// - or it begins, in the middle of a sentence, with the first two words delivered.
fn reads_as_repeating(delivered: &str, rest: &str) -> bool {
    let last = delivered.chars().next_back();
    let inside = [last, rest.chars().next()]
        .iter()
        .all(|c| c.is_some_and(char::is_alphanumeric));
    let ends_in_word_of = |length: usize| {
        let mut before = delivered.char_indices().rev();
        let at = before.find(|(at, _)| count(&delivered[*at..]) == length);
        let head = &delivered[..at.map_or(0, |(at, _)| at)];
        !head.ends_with(char::is_alphanumeric)
    };
    let whole = count(anchor(delivered));
    let words = delivered.split_whitespace().map(count);
    let two_words: usize = words.filter(|letters| *letters > 0).take(2).sum();
    agreement(delivered, rest) >= two_words.clamp(6, 20)
        || overlap(delivered, rest, |length| {
            length >= 12 || length == whole || inside && ends_in_word_of(length)
        })
        .is_some()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_target_that_starts_over_is_joined_where_the_delivered_text_ends(
        (answer, cut) in answer(),
        asked in asked(),
        sizes in sizes(),
    ) {
        let (delivered, rest) = answer.split_at(cut);
        prop_assume!(is_told(delivered, asked));
        check((delivered, rest), asked, delivered, &sizes)?;
    }

    #[test]
    fn a_target_that_starts_over_may_set_its_text_otherwise(
        (answer, cut) in answer(),
        asked in asked(),
        sizes in sizes(),
        settings in settings(),
    ) {
        let delivered = &answer[..cut];
        prop_assume!(is_told(delivered, asked));
        let text = set(&answer, &settings);
        // With a space in front, so few words are said again, not repeated.
        prop_assume!(count(delivered) >= 12 || !text.starts_with(char::is_whitespace));
        let out = spliced(delivered, asked, &text, &sizes);
        let joined = out.map(|out| compared_words(&format!("{delivered}{out}")));
        prop_assert_eq!(joined, Ok(compared_words(&answer)), "{:?} and {:?}", delivered, text);
    }

    #[test]
    fn a_target_that_begins_with_the_anchor_is_joined_after_it(
        (answer, cut) in answer(),
        sizes in sizes(),
    ) {
        let (delivered, rest) = answer.split_at(cut);
        check((delivered, rest), Asked::Anchored, anchor(delivered), &sizes)?;
    }

    #[test]
    fn a_target_that_repeats_enough_of_the_end_is_joined_after_it(
        (answer, cut) in answer(),
        from in any::<Index>(),
        sizes in sizes(),
    ) {
        let (delivered, rest) = answer.split_at(cut);
        let starts = delivered.char_indices().map(|(at, _)| at);
        let starts: Vec<usize> = starts
            .filter(|at| (12..=400).contains(&count(&delivered[*at..])))
            .collect();
        prop_assume!(!starts.is_empty());
        let repeated = &delivered[*from.get(&starts)..];
        let length = count(repeated);
        // Of a text that repeats itself, nobody could tell which time is meant.
        let text = format!("{repeated}{rest}");
        prop_assume!(overlap(delivered, &text, |other| other > length).is_none());
        prop_assume!(length == count(delivered) || agreement(delivered, &text) < length + 20);
        check((delivered, rest), Asked::Anchored, repeated, &sizes)?;
    }

    #[test]
    fn a_target_that_just_goes_on_loses_nothing(
        (answer, cut) in answer(),
        asked in asked(),
        sizes in sizes(),
    ) {
        let (delivered, rest) = answer.split_at(cut);
        let only_markers = count(delivered) == 0 && !delivered.is_empty();
        match asked {
            Asked::Anchored => {
                prop_assume!(!only_markers && !reads_as_repeating(delivered, rest));
            }
            Asked::Prefilled => prop_assume!(agreement(delivered, rest) < 20),
            Asked::Anew => prop_assume!(false, "it always starts over"),
        }
        check((delivered, rest), asked, "", &sizes)?;
    }

    #[test]
    fn a_target_that_starts_over_and_then_says_something_else_disagrees(
        (answer, cut) in answer(),
        other in text(),
        asked in asked(),
        at in any::<Index>(),
        sizes in sizes(),
    ) {
        let delivered = &answer[..cut];
        let most = count(delivered);
        prop_assume!(most > 20 && is_told(delivered, asked));
        let agreed = 20 + at.index(most - 20);
        let mut ends = delivered.char_indices().map(|(at, c)| at + c.len_utf8());
        let end = ends.find(|end| count(&delivered[..*end]) >= agreed).unwrap();
        prop_assume!(end < delivered.len() && count(&delivered[..end]) < most);
        let text = format!("{}§{other}", &delivered[..end]);
        // What begins with the delivered text's last words may go on from there.
        let whole = count(anchor(delivered));
        prop_assume!(
            asked == Asked::Prefilled
                || overlap(delivered, &text, |length| length >= 12 || length == whole).is_none()
        );
        prop_assert_eq!(spliced(delivered, asked, &text, &sizes), Err(Disagrees));
        let short = &delivered[..end];
        prop_assert_eq!(spliced(delivered, asked, short, &sizes), Err(Disagrees));
    }

    /// `spliced` checks what holds for any text.
    #[test]
    fn whatever_is_said_goes_out_but_for_one_beginning(
        (answer, cut) in answer(),
        parts in proptest::collection::vec(part(), 0..6),
        asked in asked(),
        sizes in sizes(),
    ) {
        let delivered = &answer[..cut];
        let mut text = String::new();
        for part in &parts {
            match part {
                Part::Delivered(from, to) => text.push_str(&delivered[range(delivered, *from, *to)]),
                Part::Said(said) => text.push_str(said),
                Part::Run(c, times) => text.extend(std::iter::repeat_n(*c, *times)),
            }
        }
        let _ = spliced(delivered, asked, &text, &sizes);
    }

    #[test]
    fn an_anchor_is_an_end_of_the_text_and_neither_short_nor_long(delivered in text()) {
        let anchor = anchor(&delivered);
        prop_assert!(delivered.ends_with(anchor));
        prop_assert!(count(anchor) >= count(&delivered).min(24));
        prop_assert!(count(anchor) <= 162 && anchor.len() <= 2048);
    }
}

/// Compared with every place, or looked through again with every piece, these would take hours.
#[test]
fn long_texts_are_looked_through_once() {
    let counted: Vec<String> = (0..40_000).map(|n| n.to_string()).collect();
    for delivered in [
        counted.join(" "),
        "a".repeat(200_000),
        format!("{0}b{0}", "a".repeat(100_000)),
        "数据流".repeat(22_000),
        format!("{}x{}", "- ".repeat(50_000), "\n".repeat(100_000)),
    ] {
        for asked in [Asked::Anchored, Asked::Prefilled] {
            for repeated in [&delivered, anchor(&delivered), ""] {
                let text = format!("{repeated} and so on and on");
                let mut splice = Splice::new(&delivered, asked);
                let mut out = String::new();
                for piece in pieces(&text, &[1]) {
                    splice.feed(piece, &mut out).unwrap();
                }
                splice.end(&mut out).unwrap();
                assert!(text.ends_with(&out) && out.ends_with("and so on and on"));
            }
        }
    }
}
