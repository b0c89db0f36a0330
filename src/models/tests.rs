use std::collections::BTreeSet;

use super::*;
use crate::price::Money;

#[test]
fn every_row_of_the_table_can_be_read_and_stands_there_once() {
    let header: Vec<&str> = lines().next().unwrap().split('\t').collect();
    let known = [
        "company",
        "model",
        "in",
        "out",
        "cached",
        "cache_write",
        "up_to",
        "window",
        "max_output",
        "thinking",
        "efforts",
        "can",
        "cannot",
    ];
    assert_eq!(header, known);
    let companies = [
        "anthropic",
        "gemini",
        "groq",
        "mistral",
        "openai",
        "openrouter",
        "together",
    ];
    let mut seen = BTreeSet::new();
    for line in lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        assert!(cells.len() <= header.len(), "{line}");
        assert!(companies.contains(&cells[0]), "{line}");
        assert_eq!(cells[1].trim(), cells[1], "{line}");
        assert!(
            seen.insert((cells[0], cells[1])),
            "{line} stands there twice"
        );
        let model = read(&header, line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(super::known(cells[0], cells[1]), Some(model), "{line}");
        let Some(price) = model.price else {
            continue;
        };
        assert!(
            price.input > Money::ZERO && price.output > Money::ZERO,
            "{line}"
        );
        assert!(
            price.output <= Money::parse("0.001").unwrap(),
            "{line}: is it for a million?"
        );
        assert!(
            price.cached.is_none_or(|cached| cached < price.input),
            "{line}"
        );
        assert!(
            price.written.is_none_or(|written| written > price.input),
            "{line}"
        );
    }
    assert!(seen.len() >= 100, "{}", seen.len());
    for company in companies {
        assert!(seen.iter().any(|(name, _)| *name == company), "{company}");
    }
    assert!(TABLE.starts_with('#') && TABLE.contains("MIT licence"));
}

#[test]
fn a_dated_name_goes_by_the_undated_row_and_no_other_name_does() {
    let mini = known("openai", "gpt-5.4-mini");
    assert!(mini.is_some());
    for dated in ["-2026-03-17", "-20260317", "-latest"] {
        assert_eq!(known("openai", &format!("gpt-5.4-mini{dated}")), mini);
    }
    for other in [
        "gpt-5.4-mini-2026-03",
        "gpt-5.4-mini-2026-3-17",
        "gpt-5.4-mini-2026-03-17-2026-03-17",
        "gpt-5.4-mini-0317",
        "gpt-5.4-mini-202603170",
        "gpt-5.4-mini-preview",
        "GPT-5.4-mini",
        "gpt-5.4-min",
        "gpt-5.4-mini-é",
        "-latest",
        "",
    ] {
        assert_eq!(known("openai", other), None, "{other}");
    }
    assert_eq!(known("groq", "gpt-5.4-mini"), None);
    // A row of its own wins over the undated one.
    assert_ne!(
        known("openai", "gpt-4o-2024-05-13"),
        known("openai", "gpt-4o")
    );
}
