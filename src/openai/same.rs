//! Whether two JSON texts spell the same value.
//!
//! White space, the order of members and the way in which a string or number is spelled make no
//! difference.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::openai::json::{self, Object};

/// Values nested deeper than this are the same only when their texts are. Each level is read
/// anew, and an upstream could nest without end.
const DEEPEST: u32 = 64;

/// Whether `one` and `other` spell the same JSON value. Texts that are no JSON are the same only
/// when they are equal.
pub fn same_json(one: &str, other: &str) -> bool {
    let read = |text| serde_json::from_str::<&RawValue>(text).ok();
    match (read(one), read(other)) {
        (Some(one), Some(other)) => same_value(one, other, DEEPEST),
        _ => one == other,
    }
}

fn same_value(one: &RawValue, other: &RawValue, depth: u32) -> bool {
    if one.get() == other.get() {
        return true;
    }
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    match (one.get().as_bytes().first(), other.get().as_bytes().first()) {
        (Some(b'{'), Some(b'{')) => alike(members(one), members(other), |ones, others| {
            ones.len() == others.len()
                && ones
                    .iter()
                    .zip(others)
                    .all(|((name, one), (as_well, other))| {
                        name == as_well && same_value(one, other, depth)
                    })
        }),
        (Some(b'['), Some(b'[')) => alike(items(one), items(other), |ones, others| {
            let mut pairs = ones.iter().zip(others);
            ones.len() == others.len() && pairs.all(|(one, other)| same_value(one, other, depth))
        }),
        (Some(b'"'), Some(b'"')) => alike(json::string(one), json::string(other), Cow::eq),
        (Some(b'-' | b'0'..=b'9'), Some(b'-' | b'0'..=b'9')) => same_number(one.get(), other.get()),
        _ => false,
    }
}

/// Whether both could be read, and are alike.
fn alike<T>(one: Option<T>, other: Option<T>, same: impl Fn(&T, &T) -> bool) -> bool {
    one.zip(other)
        .is_some_and(|(one, other)| same(&one, &other))
}

/// The members by name, of two with one name the last.
fn members(object: &RawValue) -> Option<BTreeMap<Cow<'_, str>, &RawValue>> {
    let Object(members) = Object::parse(object.get()).ok()?;
    Some(members.into_iter().collect())
}

fn items(list: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(list.get()).ok()
}

/// Two whole numbers are the same only digit by digit: as floating point, long ids that differ in
/// their last digits would be one.
fn same_number(one: &str, other: &str) -> bool {
    let whole = |text: &str| !text.contains(['.', 'e', 'E']);
    if whole(one) && whole(other) {
        return one == other;
    }
    match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) => one.total_cmp(&other).is_eq(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(one: &str, other: &str, expected: bool) {
        assert_eq!(same_json(one, other), expected, "{one} and {other}");
        assert_eq!(same_json(other, one), expected, "{other} and {one}");
    }

    #[test]
    fn white_space_order_and_spelling_make_no_difference() {
        check(
            r#"{"a":1,"b":[1,{}]}"#,
            " {\"b\": [ 1,\n{ }], \"a\": 1} ",
            true,
        );
        check(r#"{"\u0061":"\u00fc\/"}"#, r#"{"a":"ü/"}"#, true);
        check(r#"{"a":1,"a":2}"#, r#"{"a":2}"#, true);
        check("[1, 2.50, true, null]", "[1.0,2.5,true,null]", true);
        check("1e2", "100", true);
    }

    #[test]
    fn other_values_are_told_apart() {
        check(r#"{"a":1}"#, r#"{"a":2}"#, false);
        check(r#"{"a":1}"#, r#"{"b":1}"#, false);
        check(r#"{"a":1}"#, r#"{"a":1,"b":null}"#, false);
        check("[1,2]", "[2,1]", false);
        check("[1]", "[1,1]", false);
        check("\"1\"", "1", false);
        check("null", "false", false);
        check("{}", "[]", false);
        check("9007199254740993", "9007199254740992", false);
    }

    #[test]
    fn texts_that_are_no_json_are_compared_as_texts() {
        check("{\"a\":", "{\"a\":", true);
        check("{\"a\":", "{ \"a\":", false);
        check("", "{}", false);
    }

    #[test]
    fn endless_nesting_does_no_harm() {
        let nested = |around: &str| "[".repeat(20_000) + around + &"]".repeat(20_000);
        check(&nested("1"), &nested("1"), true);
        check(&nested("1"), &nested(" 1"), false);
        let shallow = |around: &str| "[".repeat(40) + around + &"]".repeat(40);
        check(&shallow("1"), &shallow(" 1"), true);
    }
}
