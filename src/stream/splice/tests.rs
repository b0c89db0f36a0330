use super::*;

/// What goes to the caller of `text`, whole and in pieces of one character.
fn spliced(delivered: &str, asked: Asked, text: &str) -> Result<String, Disagrees> {
    let mut whole = String::new();
    let mut splice = Splice::new(delivered, asked);
    let result = splice
        .feed(text, &mut whole)
        .and_then(|()| splice.end(&mut whole));

    let mut pieces = String::new();
    let mut splice = Splice::new(delivered, asked);
    let mut buffer = [0; 4];
    let piecewise = text
        .chars()
        .try_for_each(|c| splice.feed(c.encode_utf8(&mut buffer), &mut pieces))
        .and_then(|()| splice.end(&mut pieces));
    assert_eq!((&result, &whole), (&piecewise, &pieces), "{text:?}");
    assert!(result.is_ok() || whole.is_empty());
    result.map(|()| whole)
}

fn anchored(delivered: &str, text: &str, expected: &str) {
    let found = spliced(delivered, Asked::Anchored, text);
    assert_eq!(found.as_deref(), Ok(expected), "{delivered:?} {text:?}");
}

fn prefilled(delivered: &str, text: &str, expected: &str) {
    let found = spliced(delivered, Asked::Prefilled, text);
    assert_eq!(found.as_deref(), Ok(expected), "{delivered:?} {text:?}");
}

fn disagrees(delivered: &str, text: &str) {
    for asked in [Asked::Anchored, Asked::Prefilled] {
        let found = spliced(delivered, asked, text);
        assert_eq!(found, Err(Disagrees), "{delivered:?} {text:?}");
    }
}

const STORY: &str = "Once upon a time there was a lighthouse. Its keeper was old, and every \
                     evening he climbed the stairs to light the la";

#[test]
fn an_answer_that_starts_over_is_skipped_to_where_the_delivered_text_ends() {
    let text = format!("{STORY}mp. Then he slept.");
    anchored(STORY, &text, "mp. Then he slept.");
    prefilled(STORY, &text, "mp. Then he slept.");
    let set = text
        .replace(". Its", ".\n\n> **Its**")
        .replace("old,", "“old”,");
    anchored(STORY, &set, "mp. Then he slept.");
    prefilled(STORY, &set, "mp. Then he slept.");
    anchored("Hi", "Hi there", " there");
    anchored("Hi, ", "Hi, there", "there");
}

#[test]
fn an_answer_that_starts_over_and_says_something_else_disagrees() {
    disagrees(STORY, "Once upon a time there was a castle.");
    disagrees(STORY, "**Once upon** a time there was one, a lighthouse.");
    disagrees(STORY, "Once upon a time there was a lighthouse.");
    let delivered = "There was a lighthouse, and a keeper, and when it was night there";
    disagrees(delivered, "There was a lighthouse, or");
    disagrees(&delivered.to_lowercase(), "there was a lighthouse, or");
}

#[test]
fn an_answer_that_starts_like_the_delivered_one_for_a_little_goes_on() {
    let sentence = format!("{STORY}mp.");
    anchored(&sentence, "Once upon a castle", "Once upon a castle");
    prefilled(&sentence, "Once upon a castle", "Once upon a castle");
    anchored(&sentence, "Once upon", "Once upon");
}

#[test]
fn in_the_middle_of_a_sentence_two_words_from_the_start_are_a_start_over() {
    let disagrees = |text: &str| spliced(STORY, Asked::Anchored, text) == Err(Disagrees);
    assert!(disagrees("Once upon a castle"));
    assert!(disagrees("Once upon a time, there lived a keeper."));
    anchored(STORY, "once more", "once more");
    anchored(STORY, " Once upon a castle", " Once upon a castle");
    prefilled(STORY, "Once upon a castle", "Once upon a castle");
}

#[test]
fn a_sentence_that_begins_in_the_middle_of_a_word_is_another_answer() {
    let other = "Here is the rest of it:\n\nto light the lamp.";
    assert_eq!(spliced(STORY, Asked::Anchored, other), Err(Disagrees));
    anchored(&format!("{STORY}mp."), "Here is more.", "Here is more.");
    prefilled("in Java", "Script", "Script");
}

#[test]
fn what_is_written_anew_has_to_say_the_same() {
    let anew = |text: &str| spliced("{\"a\": [1, 2", Asked::Anew, text);
    assert_eq!(anew("{\"a\":[1,2,3]}").as_deref(), Ok(",3]}"));
    assert_eq!(anew("{\"a\": [1, 3]}"), Err(Disagrees));
    assert_eq!(anew("[1, 2]}"), Err(Disagrees));
    assert_eq!(anew("{\"a\""), Err(Disagrees));
}

#[test]
fn after_a_disagreement_all_text_disagrees() {
    let mut out = String::new();
    let mut splice = Splice::new(STORY, Asked::Anchored);
    let text = "Once upon a time there was a castle.";
    assert_eq!(splice.feed(text, &mut out), Err(Disagrees));
    assert_eq!(splice.feed("Really.", &mut out), Err(Disagrees));
    assert_eq!(splice.end(&mut out), Err(Disagrees));
    assert_eq!(out, "");
}

#[test]
fn the_anchor_is_left_out_at_once() {
    let anchor = anchor(STORY);
    anchored(STORY, &format!("{anchor}mp."), "mp.");
    anchored(
        STORY,
        &format!("**{}**mp.", anchor.replace(' ', "\n")),
        "**mp.",
    );
    anchored(STORY, anchor, "");

    let mut out = String::new();
    let mut splice = Splice::new(STORY, Asked::Anchored);
    splice.feed(anchor, &mut out).unwrap();
    splice.feed("m", &mut out).unwrap();
    assert_eq!(out, "m");
}

#[test]
fn where_the_text_repeats_itself_the_anchor_is_what_was_asked_for() {
    let delivered = "ha ".repeat(300);
    let text = format!("{}and so on", "ha ".repeat(80));
    anchored(&delivered, &text, "and so on");
    anchored(&delivered, &format!("ha ha {text}"), "ha ha and so on");
    prefilled(&delivered, &text, &text);
}

#[test]
fn the_longest_overlap_is_left_out() {
    anchored(STORY, "stairs to light the lamp.", "mp.");
    anchored(STORY, "airs to light the lamp.", "mp.");
    let text = "was old, and every evening he climbed the stairs to light the lamp.";
    anchored(STORY, text, "mp.");
    let delivered = "It rings and rings and rings and rings";
    anchored(
        delivered,
        "rings and rings and rings, then stops",
        ", then stops",
    );
    prefilled(
        STORY,
        "stairs to light the lamp.",
        "stairs to light the lamp.",
    );
}

#[test]
fn an_overlap_counts_from_twelve_characters_to_four_hundred() {
    anchored(STORY, " o light the la", " o light the la");
    anchored(STORY, " to light the la", "");
    let delivered: Vec<String> = (100..500).map(|n| n.to_string()).collect();
    let delivered = delivered.join(" ");
    let (_, last) = delivered.split_at(delivered.len() - 400 / 3 * 4);
    anchored(&delivered, &format!("6{last} and"), " and");
    anchored(&delivered, &format!("66{last}"), &format!("66{last}"));
}

#[test]
fn an_overlap_that_begins_as_the_whole_does_is_told_from_it_by_what_follows() {
    let verse = "Row, row, row your boat, gently down the stream.";
    let delivered = format!("{verse} Merrily, merrily, merrily; life is but a dream. {verse}");
    anchored(&delivered, &format!("{verse} If you see"), " If you see");
    anchored(&delivered, &format!("{verse} Merrily, if"), " Merrily, if");
    anchored(&delivered, &format!("{delivered} If"), " If");
    anchored(&delivered, verse, "");
    let other = format!("{verse} Merrily, merrily, merrily, if");
    let found = spliced(&delivered, Asked::Anchored, &other);
    assert_eq!(found, Err(Disagrees));
}

#[test]
fn a_short_overlap_counts_only_where_two_words_would_grow_together() {
    let delivered = "Now that you ask, the city of Paris is the capi";
    anchored(delivered, "capital of France", "tal of France");
    anchored(delivered, "the capital of France", "tal of France");
    anchored(delivered, "tal of France", "tal of France");
    anchored(delivered, " capital", " capital");
    anchored(delivered, "**capital**", "**capital**");
    anchored(delivered, "pital", "pital");
    let delivered = "Now that you ask, I have to tell you that";
    anchored(delivered, " that one", " that one");
    anchored(delivered, "that one", " one");
    anchored(&format!("{delivered} "), "that one", "that one");
    anchored("ha ha", " ha ha", " ha ha");
    anchored(
        "他说人人生来平等而且享有尊严和权利他们赋有理性人",
        "人都是",
        "人都是",
    );
}

#[test]
fn new_text_goes_out_unchanged_and_is_not_looked_at_again() {
    for text in [
        "mp.",
        " and more",
        "\n\nstairs, stairs to light the lamp",
        "...",
        "🚀",
        "",
    ] {
        anchored(STORY, text, text);
        prefilled(STORY, text, text);
    }
    let text = format!("mp. {STORY}");
    anchored(STORY, &text, &text);
}

#[test]
fn a_prefill_loses_nothing_that_is_no_restart() {
    for (delivered, text) in [
        ("Hi", "Hi there"),
        ("ha ha ha", "ha ha ha"),
        ("Nineteen signs here", "Nineteen signs here"),
        (STORY, "light the lamp"),
        (STORY, "Once upon a time there"),
    ] {
        prefilled(delivered, text, text);
    }
    prefilled(
        "A text of twenty signs. ok",
        "A text of twenty signs. okay",
        "ay",
    );
}

#[test]
fn the_joint_has_its_spaces_once() {
    for (delivered, text, expected) in [
        ("A word ", "A word  next", "next"),
        ("A word ", "A word next", "next"),
        ("A word", "A word next", " next"),
        ("A word ", "A word\n\nNext", "\n\nNext"),
        ("A word:\n", "A word:\n    return", "    return"),
        ("A **word** ", "A word next", "next"),
        ("A word ", "A **word** next", "next"),
        ("A **wo", "A **word** next", "rd** next"),
        ("A word", "A word\n", "\n"),
        ("A word ", "A word ", ""),
    ] {
        anchored(delivered, text, expected);
    }
}

#[test]
fn what_is_only_spaces_and_markers_has_the_rest_of_them() {
    anchored("", "Hello", "Hello");
    anchored("", "\nHello", "\nHello");
    anchored("# ", "# Hello", "Hello");
    anchored("**", "Hello", "Hello");
    prefilled("# ", "# Hello", "# Hello");
}

#[test]
fn an_ellipsis_is_three_dots() {
    anchored("Wait...", "Wait… go", " go");
    anchored("Wait…", "Wait... go", " go");
    anchored("Wait.", "Wait… go", ".. go");
    let delivered = format!("{STORY}mp... and");
    anchored(&delivered, &format!("{STORY}mp… and then"), " then");
    anchored(&format!("{STORY}mp.."), &format!("{STORY}mp… and"), ". and");
}

#[test]
fn what_is_held_is_bounded() {
    let spaces = " ".repeat(3 * MOST_HELD);
    for (delivered, text) in [
        (STORY, spaces.clone()),
        (STORY, format!("o{spaces}")),
        (STORY, format!("stairs to{spaces}")),
        (STORY, format!("stairs to light the la{spaces}")),
        ("", "-".repeat(3 * MOST_HELD)),
    ] {
        let mut splice = Splice::new(delivered, Asked::Anchored);
        let mut out = String::new();
        splice.feed(&text, &mut out).unwrap();
        assert!(out.len() + MOST_HELD + 30 >= text.len(), "{text}");
        splice.end(&mut out).unwrap();
        assert!(text.ends_with(&out));
    }
}

#[test]
fn a_restart_is_recognised_through_many_spaces() {
    let (start, rest) = STORY.split_at(30);
    let text = format!("{start}{}{rest}mp.", " ".repeat(3 * MOST_HELD));
    anchored(STORY, &text, "mp.");

    let verse = "Row, row, row your boat, gently down the stream.";
    let delivered = format!("{verse} Merrily, merrily, merrily, life is but a dream. {verse}");
    let (start, rest) = delivered.split_at(30);
    let text = format!("{start}{}{rest} If", " ".repeat(3 * MOST_HELD));
    anchored(&delivered, &text, " If");
}

#[test]
fn a_dash_is_no_word_of_the_first_two() {
    let delivered =
        "climbers — well equipped, all of them — went up the mountain that morning and ";
    anchored(delivered, "climbers came down.", "climbers came down.");
}
