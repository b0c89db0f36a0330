//! The joint: spaces and markers between what was delivered and what is new, neither doubled nor lost.
//!
//! Both sides have some after the same significant character: what was delivered ends in a `gap`,
//! and the new text has a `run` before it goes on. Of the run, the caller gets what the gap lacks.

use crate::stream::splice::significant::is_marker;

/// What of `run` follows `gap`: always an end of `run`, often none or all of it.
///
/// A run that begins with the gap goes on as it was written, so that indentation and a hard break
/// survive a cut anywhere; only a second space in a line is not added. Where the two differ, the
/// gap's way of setting stands: other spaces, and markers that close a word which was delivered
/// without them, are left out, and line breaks are added that the gap lacks.
pub(super) fn joint<'a>(gap: &str, run: &'a str) -> &'a str {
    let (gap_rest, run_rest) = without_common_start(gap, run);
    if !gap.contains(char::is_whitespace) || !run.contains(char::is_whitespace) {
        return run_rest;
    }
    if gap_rest.is_empty() {
        let in_line = gap.ends_with(is_space) && !gap.contains('\n');
        let second_space = in_line && run_rest.chars().all(is_space);
        return if second_space { "" } else { run_rest };
    }
    let common = run.strip_suffix(run_rest).unwrap_or_default();
    if common.trim_end_matches(is_space).ends_with('\n') {
        return same_line(gap_rest, run_rest);
    }
    let run_rest = without_closing(gap_rest, run_rest);
    let (spaces, _) = run_rest.split_at(run_rest.len() - run_rest.trim_start().len());
    let lacking = spaces
        .match_indices('\n')
        .nth(gap_rest.matches('\n').count());
    let from = match (lacking, spaces.rfind('\n')) {
        (Some((at, _)), _) => at,
        (None, Some(at)) if gap.ends_with('\n') => at + 1,
        (None, Some(_) | None) => spaces.len(),
    };
    run_rest.get(from..).unwrap_or_default()
}

/// Both sides are at the start of the same line, and differ in its indentation or its bullet: the
/// line has what was delivered.
fn same_line<'a>(gap: &str, run: &'a str) -> &'a str {
    let (gap, run) = (
        gap.trim_start_matches(is_space),
        run.trim_start_matches(is_space),
    );
    let (gap, run) = match (gap.strip_prefix(BULLETS), run.strip_prefix(BULLETS)) {
        (Some(gap), Some(run)) if is_end_or_space(gap) && is_end_or_space(run) => (gap, run),
        (Some(_) | None, Some(_) | None) => (gap, run),
    };
    without_common_start(gap, run).1
}

const BULLETS: [char; 3] = ['-', '*', '+'];

fn is_end_or_space(text: &str) -> bool {
    text.chars().next().is_none_or(char::is_whitespace)
}

/// `run` without the markers that it begins with, if they close a word after which the gap has none.
fn without_closing<'a>(gap: &str, run: &'a str) -> &'a str {
    let rest = run.trim_start_matches(is_marker);
    if gap.starts_with(char::is_whitespace) && rest.starts_with(char::is_whitespace) {
        rest
    } else {
        run
    }
}

fn without_common_start<'g, 'r>(gap: &'g str, run: &'r str) -> (&'g str, &'r str) {
    let (mut gap, mut run) = (gap.chars(), run.chars());
    loop {
        let rest = (gap.as_str(), run.as_str());
        match (gap.next(), run.next()) {
            (Some(a), Some(b)) if plain(a) == plain(b) => {}
            (Some(_) | None, Some(_) | None) => return rest,
        }
    }
}

/// The typewriter's sign for a typographic one.
fn plain(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}'..='\u{201b}' | '\u{ff07}' | '´' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{ff02}' | '«' | '»' => '"',
        '\u{a0}' | '\u{202f}' => ' ',
        c => c,
    }
}

/// White space that breaks no line.
fn is_space(c: char) -> bool {
    c.is_whitespace() && c != '\n'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(gap: &str, run: &str, expected: &str) {
        assert_eq!(joint(gap, run), expected, "{gap:?} {run:?}");
    }

    #[test]
    fn what_both_have_is_dropped() {
        for run in ["", " ", "\n", "** ", "**\n\n- ", "\n```\n"] {
            check(run, run, "");
            check("", run, run);
            check(run, "", "");
        }
        check("** ", "**", "");
        check("\n\n- ", "\n\n", "");
    }

    #[test]
    fn a_run_that_begins_with_the_gap_goes_on_as_written() {
        check("\n", "\n    ", "    ");
        check("\n  ", "\n    - ", "  - ");
        check(" ", "  \n", " \n");
        check("*", "** ", "* ");
        check("\n", "\n\n", "\n");
        check(" ", " **", "**");
    }

    #[test]
    fn no_second_space_is_added() {
        check(" ", "  ", "");
        check("** ", " ", "");
        check("\n\n", " ", "");
        check("\n", "\t", "");
        check("\u{a0}", " ", "");
        check(" —", " — ", " ");
        check("** ", " **", "**");
        check("**", " ", " ");
        check("**", " **", " **");
    }

    #[test]
    fn line_breaks_that_the_gap_lacks_are_added() {
        check(" ", "\n\n", "\n\n");
        check(" ", "\n- ", "\n- ");
        check(" \n", "\n\n", "\n");
        check(" \n", "\n- ", "- ");
        check("\n", "  \n", "");
        check("\n", " \n    ", "    ");
        check("**\n", "\n- ", "- ");
        check("\n", "\r\n", "");
    }

    #[test]
    fn markers_that_close_a_word_delivered_without_them_are_dropped() {
        check(" ", "** ", "");
        check("\n", "**\n- ", "- ");
        check("\n", "**\n\n", "\n");
        check(" ", "**", "**");
    }

    #[test]
    fn typographic_signs_are_the_same_as_plain_ones() {
        check(" —", " - ", " ");
        check(" “", " \"", "");
        check("” — «", "\" – “", "");
    }

    #[test]
    fn a_line_keeps_the_indentation_and_the_bullet_it_was_given() {
        check("\n- ", "\n  - ", "");
        check("\n    - ", "\n  - ", "");
        check("\n    ", "\n  - ", "- ");
        check("\n- ", "\n* ", "");
        check("\n-", "\n* ", " ");
        check("\n- ", "\n  **", "**");
        check("\n## ", "\n### ", "");
    }
}
