//! The cut table against the whole one: never fewer tokens, and not many more.
//!
//! The whole table is only ever loaded here: in the Worker it would take 3.6 MB and most of the CPU
//! that a request has.

use pilotlight::tokens;
use proptest::prelude::*;

use super::cases;

#[test]
fn the_cut_table_counts_somewhat_too_much_for_every_kind_of_text() {
    let whole = tiktoken_rs::o200k_base().unwrap();
    for (text, most) in [
        (include_str!("../../../src/policy/fit/mod.rs"), 1.4),
        (include_str!("../../../README.md"), 1.5),
        (include_str!("../../../Cargo.lock"), 1.4),
        (
            "Ein Licht, das niemals ausgeht, steht zu Hause im Keller. ",
            2.0,
        ),
        ("Маленькая лампа дома никогда не гаснет. ", 2.2),
        ("家里的小灯从不熄灭，云端的灯有时会灭。", 2.2),
        ("小さな灯は家で消えることがない。", 2.2),
        ("14:07:31 10.0.0.7 GET /v1/models 200 3ms\n", 1.4),
    ] {
        let text = text.repeat(10_000 / text.len() + 1);
        let full = whole.encode_ordinary(&text).len();
        let cut = tokens::count(&text) as usize;
        let ratio =
            f64::from(u32::try_from(cut).unwrap()) / f64::from(u32::try_from(full).unwrap());
        assert!(
            (1.0..most).contains(&ratio),
            "{ratio} for {:?}",
            text.get(..20)
        );
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn no_text_has_fewer_tokens_than_the_whole_table_finds(text in "[\\PC\\s]{0,300}") {
        let cut = tokens::count(&text) as usize;
        let full = tiktoken_rs::o200k_base_singleton().encode_ordinary(&text).len();
        prop_assert!((full..=text.len()).contains(&cut), "{cut} and {full}");
    }
}
