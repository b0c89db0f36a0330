//! What a few pieces tell of a conversation, held against its count; and what is made of that for a
//! window that nobody counts for.

use std::fmt::Write as _;

use pilotlight::openai::ChatRequest;
use pilotlight::policy::fit::{self, Budget, COUNTED, Fitted, Ratio, TooLarge};
use proptest::prelude::*;

use super::{Said, body, cases, check_calls, check_notes, check_what_is_left};

/// Base64 of what looks random.
fn base64(bytes: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    (0..bytes)
        .map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(LETTERS[usize::try_from(seed >> 58).unwrap()])
        })
        .collect()
}

/// So many bytes, or a few less, of a kind of text.
fn written(kind: usize, bytes: usize) -> String {
    let long = |text: &str| {
        let text = text.repeat(bytes / text.len() + 1);
        text[..text.floor_char_boundary(bytes)].to_owned()
    };
    match kind {
        0 => long(include_str!("../../../README.md")),
        1 => long(include_str!("../../../src/policy/fit/mod.rs")),
        2 => long(
            "Ein Licht, das niemals ausgeht, steht zu Hause im Keller, und im Dorf brennt keins. ",
        ),
        3 => long("{\"id\": 73, \"ok\": true, \"at\": \"2026-11-21T06:54:28Z\", \"lamp\": null}\n"),
        4 => long("家里的小灯从不熄灭，云端的灯有时会灭。"),
        5 => base64(bytes),
        _ => long("👩🏽‍🚀🔥é\u{301}🇩🇪 "),
    }
}

const KINDS: usize = 7;

fn error(request: &ChatRequest<'_>) -> f64 {
    let count = f64::from(fit::count(request, &request.messages));
    f64::from(fit::estimate(request, &request.messages)) / count - 1.0
}

#[test]
fn a_text_of_one_kind_is_estimated_to_within_a_tenth() {
    for kind in 0..KINDS {
        let body = body(&[Said::User(written(kind, 300_000))], "");
        let request = ChatRequest::parse(&body).unwrap();
        let error = error(&request);
        assert!(error.abs() < 0.1, "{kind}: {error}");
    }
}

#[test]
fn a_short_conversation_is_estimated_as_it_is_counted() {
    let body = body(
        &[
            Said::User(written(0, 3_000)),
            Said::Answer(written(4, 2_000)),
        ],
        "Looks up a lamp.",
    );
    let request = ChatRequest::parse(&body).unwrap();
    let (count, estimate) = (
        fit::count(&request, &request.messages),
        fit::estimate(&request, &request.messages),
    );
    assert!(count.abs_diff(estimate) <= 10, "{count} {estimate}");
}

#[test]
fn what_is_escaped_is_estimated_as_what_it_spells() {
    let mut text = String::new();
    for unit in written(4, 200_000).encode_utf16() {
        write!(text, "\\u{unit:04x}").unwrap();
    }
    let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{text}"}}]}}"#);
    let request = ChatRequest::parse(&body).unwrap();
    let error = error(&request);
    assert!(error.abs() < 0.1, "{error}");
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn a_mixed_conversation_is_estimated_to_within_a_quarter(
        texts in prop::collection::vec((0..KINDS, 100..40_000_usize), 4..40),
    ) {
        let said: Vec<Said> = texts
            .iter()
            .map(|(kind, bytes)| Said::User(written(*kind, *bytes)))
            .collect();
        let body = body(&said, &written(3, 2_000));
        let request = ChatRequest::parse(&body).unwrap();
        let error = error(&request);
        prop_assert!(error.abs() < 0.25, "{error}");
    }

    #[test]
    fn what_is_cut_for_a_large_window_keeps_its_promises(
        texts in prop::collection::vec((0..KINDS, 2_000..60_000_usize), 10..40),
        window in COUNTED + 1..100_000,
    ) {
        let said: Vec<Said> = texts
            .iter()
            .enumerate()
            .map(|(at, (kind, bytes))| match at % 3 {
                0 => Said::User(written(*kind, *bytes)),
                1 => Said::Call("pier".to_owned(), vec![written(*kind, *bytes)]),
                _ => Said::Answer(written(*kind, *bytes)),
            })
            .collect();
        let body = body(&said, "Looks up a lamp.");
        let request = ChatRequest::parse(&body).unwrap();
        let budget = Budget {
            window,
            room: window / 8,
            ratio: Ratio::default(),
            too_large: TooLarge::Probably,
        };
        let whole = fit::count(&request, &request.messages);
        match fit::fit(&request, &budget) {
            Fitted::Whole { counted } => {
                prop_assert!(counted.is_none());
                prop_assert!(whole < budget.limit() / 3 * 4, "{whole}");
            }
            Fitted::Cut { messages, counted, truncated } => {
                prop_assert!(counted.is_none());
                prop_assert!(whole > budget.limit() / 3 * 2, "{whole}");
                let sent = fit::count(&request, &messages);
                prop_assert!(sent < budget.limit() / 9 * 10, "{sent} of {}", budget.limit());
                check_what_is_left(&request.messages, &messages);
                check_calls(&request.messages, &messages);
                check_notes(&request.messages, &messages, truncated);
            }
            Fitted::TooLong => prop_assert!(false, "too long"),
        }
    }
}

#[test]
fn a_cloud_is_asked_unless_it_is_too_large_by_any_count() {
    let budget = |too_large| Budget {
        window: 128_000,
        room: 8_000,
        ratio: Ratio::default(),
        too_large,
    };
    let whole = |kind: usize, bytes: usize, too_large| {
        let body = body(
            &[
                Said::User("Hello.".to_owned()),
                Said::Answer(written(kind, bytes)),
            ],
            "",
        );
        let request = ChatRequest::parse(&body).unwrap();
        matches!(fit::fit(&request, &budget(too_large)), Fitted::Whole { .. })
    };
    // Of English, four to six bytes are a token; of Chinese, three.
    for (kind, surely_fits, surely_not) in [(0, 350_000, 1_400_000), (4, 340_000, 1_000_000)] {
        assert!(whole(kind, surely_fits, TooLarge::Certainly), "{kind}");
        assert!(!whole(kind, surely_not, TooLarge::Certainly), "{kind}");
        assert!(!whole(kind, surely_not, TooLarge::Probably), "{kind}");
    }
    assert!(!whole(4, 340_000, TooLarge::Probably));
}

#[test]
fn a_picture_of_a_megabyte_fits_a_window_of_a_cloud() {
    let url = format!("data:image/png;base64,{}", "A".repeat(1_000_000));
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"{url}"}}}}]}}]}}"#
    );
    let request = ChatRequest::parse(&body).unwrap();
    let budget = Budget {
        window: 128_000,
        room: 8_000,
        ratio: Ratio::default(),
        too_large: TooLarge::Probably,
    };
    assert!(matches!(
        fit::fit(&request, &budget),
        Fitted::Whole { counted: None }
    ));
}
