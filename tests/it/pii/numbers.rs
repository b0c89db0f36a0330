//! Numbers with check digits are found, and are not with a digit changed; and no text is too strange.

use pilotlight::policy::pii::{Kind, find, find_in_body};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Digits, as numbers from 0 to 9.
fn digits(length: usize) -> impl Strategy<Value = Vec<u32>> {
    vec(0..10_u32, length)
}

fn text(digits: &[u32]) -> String {
    digits.iter().map(u32::to_string).collect()
}

/// Luhn's digit for the digits before it.
fn luhn(digits: &[u32]) -> u32 {
    let doubled = digits.iter().rev().enumerate().map(|(at, digit)| {
        let product = digit * if at % 2 == 0 { 2 } else { 1 };
        if product > 9 { product - 9 } else { product }
    });
    (10 - doubled.sum::<u32>() % 10) % 10
}

/// The sum of digits and weights.
fn weighed(digits: &[u32], weights: &[u32]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| digit * weight)
        .sum()
}

/// The digits as one number.
fn value(digits: &[u32]) -> u64 {
    digits
        .iter()
        .fold(0, |value, digit| value * 10 + u64::from(*digit))
}

/// Two digits.
fn two(number: u64) -> Vec<u32> {
    let number = u32::try_from(number).unwrap();
    vec![number / 10, number % 10]
}

/// A card's number: a prefix and a length of a network, random digits, Luhn's digit.
fn card() -> impl Strategy<Value = Vec<u32>> {
    let networks = [
        ("4", 16),
        ("51", 16),
        ("2221", 16),
        ("37", 15),
        ("6011", 16),
        ("3528", 16),
        ("305", 14),
        ("62", 19),
    ];
    (select(networks.to_vec()), digits(19)).prop_map(|((prefix, length), random)| {
        let mut card: Vec<u32> = prefix.chars().map(|c| c.to_digit(10).unwrap()).collect();
        card.extend(random);
        card.truncate(length - 1);
        card.push(luhn(&card));
        card
    })
}

/// An account's number, of Germany: DE, two check digits, 18 digits.
fn iban() -> impl Strategy<Value = Vec<u32>> {
    digits(18).prop_map(|account| {
        // DE is 1314, and two noughts stand for the check.
        let all = [&account[..], &[1, 3, 1, 4, 0, 0]].concat();
        let rest = all.iter().fold(0, |rest, digit| (rest * 10 + digit) % 97);
        [two(u64::from(98 - rest)), account].concat()
    })
}

/// A birthday as six digits: year, month, day.
fn birthday() -> impl Strategy<Value = Vec<u32>> {
    (0..100_u64, 1..13_u64, 1..29_u64)
        .prop_map(|(year, month, day)| [two(year), two(month), two(day)].concat())
}

/// What stands before a number, the number, and its last characters if they are no digits.
type Written = (&'static str, Vec<u32>, String);

/// Numbers of states, whose checks find every changed digit.
fn national() -> impl Strategy<Value = Written> {
    prop_oneof![
        germany(),
        france(),
        spain(),
        netherlands(),
        sweden(),
        poland(),
        switzerland(),
        china()
    ]
}

fn germany() -> impl Strategy<Value = Written> {
    let ten = Just((0..10).collect::<Vec<u32>>()).prop_shuffle();
    (ten, 0..9_usize, 0..10_usize).prop_map(|(mut ten, from, to)| {
        // One digit twice, another not at all.
        ten[to] = ten[if from >= to { from + 1 } else { from }];
        if let Some(first) = ten.iter().position(|digit| *digit != 0) {
            ten.swap(0, first);
        }
        let product = ten.iter().fold(10, |product, digit| {
            let sum = (digit + product) % 10;
            (if sum == 0 { 10 } else { sum }) * 2 % 11
        });
        ten.push((11 - product) % 10);
        ("", ten, String::new())
    })
}

fn france() -> impl Strategy<Value = Written> {
    (1..3_u32, birthday(), 1..96_u64, digits(6)).prop_map(|(sex, birthday, place, order)| {
        let mut number = vec![sex];
        number.extend(&birthday[..4]);
        number.extend(two(place));
        number.extend(order);
        number.extend(two(97 - value(&number) % 97));
        ("", number, String::new())
    })
}

fn spain() -> impl Strategy<Value = Written> {
    digits(8).prop_map(|number| {
        let letter = b"TRWAGMYFPDXBNJZSQVHLCKE"[(value(&number) % 23) as usize];
        ("", number, char::from(letter).to_string())
    })
}

fn netherlands() -> impl Strategy<Value = Written> {
    digits(8).prop_filter_map("no check digit", |mut number| {
        let check = weighed(&number, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
        number.push(check);
        (check < 10 && value(&number) > 0).then_some(("BSN ", number, String::new()))
    })
}

fn sweden() -> impl Strategy<Value = Written> {
    (birthday(), digits(3)).prop_map(|(birthday, serial)| {
        let mut number = [birthday, serial].concat();
        number.push(luhn(&number));
        ("personnummer ", number, String::new())
    })
}

fn poland() -> impl Strategy<Value = Written> {
    (birthday(), digits(4)).prop_map(|(birthday, serial)| {
        let mut number = [birthday, serial].concat();
        number.push((10 - weighed(&number, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10);
        ("PESEL ", number, String::new())
    })
}

fn switzerland() -> impl Strategy<Value = Written> {
    digits(9).prop_map(|random| {
        let mut number = [vec![7, 5, 6], random].concat();
        number.push((10 - weighed(&number, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]) % 10) % 10);
        ("", number, String::new())
    })
}

fn china() -> impl Strategy<Value = Written> {
    (1..9_u32, digits(5), birthday(), digits(3)).prop_map(|(first, place, birthday, order)| {
        let number = [vec![first], place, vec![1, 9], birthday, order].concat();
        let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        let check = b"10X98765432"[(weighed(&number, &weights) % 11) as usize];
        ("", number, char::from(check).to_string())
    })
}

/// The digits with the one at `at` raised by `by`.
fn changed(digits: &[u32], at: usize, by: u32) -> Vec<u32> {
    let mut digits = digits.to_vec();
    let at = at % digits.len();
    digits[at] = (digits[at] + by) % 10;
    digits
}

/// The digits in groups of four.
fn grouped(digits: &str, separator: &str) -> String {
    let groups: Vec<&str> = digits
        .as_bytes()
        .chunks(4)
        .map(|four| std::str::from_utf8(four).unwrap())
        .collect();
    groups.join(separator)
}

proptest! {
    #[test]
    fn a_card_is_found_and_one_with_a_digit_changed_is_not(card in card(), at in 0..19_usize, by in 1..10_u32) {
        prop_assert_eq!(find(&text(&card)), Some(Kind::Card));
        prop_assert_ne!(find(&text(&changed(&card, at, by))), Some(Kind::Card));
        if card.len() == 16 {
            for separator in [" ", "-", "\u{a0}"] {
                prop_assert_eq!(find(&grouped(&text(&card), separator)), Some(Kind::Card));
            }
        }
    }

    #[test]
    fn an_account_is_found_and_one_with_a_digit_changed_is_not(iban in iban(), at in 0..20_usize, by in 1..10_u32) {
        let written = format!("DE{}", text(&iban));
        prop_assert_eq!(find(&written), Some(Kind::Iban));
        for separator in [" ", "-", "\u{202f}"] {
            prop_assert_eq!(find(&grouped(&written, separator)), Some(Kind::Iban));
        }
        let written = format!("DE{}", text(&changed(&iban, at, by)));
        prop_assert_ne!(find(&written), Some(Kind::Iban));
    }

    #[test]
    fn a_national_number_is_found_and_one_with_a_digit_changed_is_not(
        (word, number, last) in national(), at in 0..18_usize, by in 1..10_u32,
    ) {
        let written = format!("{word}{}{last}", text(&number));
        prop_assert_eq!(find(&written), Some(Kind::NationalId), "{}", written);
        let changed = format!("{}{last}", text(&changed(&number, at, by)));
        // It may be right by another country's check, which needs no word.
        let another = find(&changed).is_some() && !word.is_empty();
        let found = find(&format!("{word}{changed}"));
        prop_assert!(another || found != Some(Kind::NationalId), "{} {}", word, changed);
    }

    #[test]
    fn no_text_is_too_strange(text in any::<String>(), bytes in vec(any::<u8>(), 0..200)) {
        let _ = find(&text);
        let _ = find_in_body(&text);
        let bytes = String::from_utf8_lossy(&bytes);
        let _ = find(&bytes);
        let _ = find_in_body(&bytes);
    }

    #[test]
    fn no_text_of_pieces_of_what_is_sought_is_too_strange(
        pieces in vec(select(PIECES.to_vec()), 0..60),
    ) {
        let text = pieces.concat();
        let _ = find(&text);
        let _ = find_in_body(&text);
    }

    #[test]
    fn what_is_found_in_a_text_is_found_in_a_string_of_a_body(pieces in vec(select(PIECES.to_vec()), 0..20)) {
        let text = pieces.concat();
        let body = serde_json::json!({"messages": [{"role": "user", "content": &text}]}).to_string();
        if find(&text).is_some() {
            prop_assert!(find_in_body(&body).is_some(), "{}", body);
        }
    }
}

const PIECES: &[&str] = &[
    "a",
    "Z",
    "0",
    "1",
    "42",
    "4242",
    "00",
    "+",
    "49",
    "@",
    "%40",
    ".",
    "-",
    "_",
    "/",
    ":",
    "=",
    " ",
    "\n",
    "\t",
    "(",
    ")",
    "\"",
    "'",
    "\\",
    "\\u",
    "\\u00",
    "\\n",
    "{",
    "}",
    ",",
    "$",
    "é",
    "电话",
    "\u{200b}",
    "\u{a0}",
    "４",
    "🚀",
    "DE89",
    "3704",
    "0044",
    "0532",
    "0130",
    "phone",
    "password",
    "api_key",
    "is",
    "Bearer",
    "sk-",
    "eyJ",
    "data:",
    ";base64,",
    "://",
    "git",
    "example",
    "com",
    "hunter2",
    "-----BEGIN ",
    "PRIVATE KEY",
    "\"type\":",
    "file",
    "123-45-6789",
];
