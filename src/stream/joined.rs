//! JSON values put together from the pieces in which a stream tells them.
//!
//! # Why the pieces stay escaped
//!
//! Two JSON strings are joined by taking away the quotes between them, so a text need not be read
//! and written again. It is also the only way to keep one that was cut inside a surrogate pair:
//! `"\ud83d"` alone spells nothing, and `"\ud83d\ude00"` is a character.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::openai::json::Writer;

/// The JSON text of one value, told once or in pieces.
///
/// `null` says nothing: whatever rule a value follows, `null` never takes the place of another
/// value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Joined(String);

impl Joined {
    /// The JSON text; `None` when the value was never told.
    pub(super) fn json(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|json| !json.is_empty())
    }

    /// The JSON text, unless it is `null`.
    pub(super) fn present(&self) -> Option<&str> {
        self.json().filter(|json| *json != "null")
    }

    /// The JSON text, unless it says nothing: `null`, an empty string, a zero.
    pub(super) fn spoken(&self) -> Option<&str> {
        self.json()
            .filter(|json| !matches!(*json, "null" | "\"\"" | "0"))
    }

    /// How long the JSON text is, in bytes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Keeps the first value that says something.
    pub(super) fn first(&mut self, told: &RawValue) {
        if self.spoken().is_none() {
            self.replace(told);
        }
    }

    /// Keeps the last value.
    pub(super) fn last(&mut self, told: &RawValue) {
        if told.get() != "null" || self.0.is_empty() {
            self.replace(told);
        }
    }

    /// Keeps the last value that says something.
    pub(super) fn last_spoken(&mut self, told: &RawValue) {
        if self.0.is_empty() || !matches!(told.get(), "null" | "\"\"" | "0") {
            self.replace(told);
        }
    }

    /// Puts strings end to end. Of values that are no strings the last one is kept.
    pub(super) fn text(&mut self, piece: &RawValue) {
        match piece.get().strip_prefix('"') {
            Some(rest) if self.0.ends_with('"') => {
                self.0.pop();
                self.0.push_str(rest);
            }
            _ => self.last(piece),
        }
    }

    /// Puts the items of lists into one. Of values that are no lists the last one is kept.
    pub(super) fn list(&mut self, piece: &RawValue) {
        match (items(&self.0), items(piece.get())) {
            (Some(""), Some(_)) => self.replace(piece),
            (Some(_), Some("")) => {}
            (Some(_), Some(more)) => {
                self.0.pop();
                self.0.push(',');
                self.0.push_str(more);
                self.0.push(']');
            }
            _ => self.last(piece),
        }
    }

    fn replace(&mut self, told: &RawValue) {
        self.0.clear();
        self.0.push_str(told.get());
    }
}

/// What stands between the brackets of a list.
fn items(json: &str) -> Option<&str> {
    Some(json.strip_prefix('[')?.strip_suffix(']')?.trim())
}

/// Members of an object that no rule is known for: the last value of each is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Members(BTreeMap<String, Joined>);

impl Members {
    /// Keeps the value of the member `name`.
    pub(super) fn last(&mut self, name: &str, told: &RawValue) {
        match self.0.get_mut(name) {
            Some(value) => value.last(told),
            None => self.0.entry(name.to_owned()).or_default().last(told),
        }
    }

    /// Adds the members to an object, by name.
    pub(super) fn write(&self, object: &mut Writer<'_>) {
        for (name, value) in &self.0 {
            write(object, name, value.json());
        }
    }

    /// How long the names and values are, in bytes.
    pub(super) fn len(&self) -> usize {
        let lengths = self.0.iter().map(|(name, value)| name.len() + value.len());
        lengths.sum()
    }
}

/// Adds the member `name` to an object, if it has a value.
pub(super) fn write(object: &mut Writer<'_>, name: &str, json: Option<&str>) {
    if let Some(json) = json {
        object.raw(name, json);
    }
}

/// Writes a list, each item by `item`.
pub(super) fn write_list<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut item: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (at, one) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        item(out, one);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: fn(&mut Joined, &RawValue), pieces: &[&str], expected: Option<&str>) {
        let mut joined = Joined::default();
        for piece in pieces {
            rule(&mut joined, serde_json::from_str(piece).unwrap());
        }
        assert_eq!(joined.json(), expected, "{pieces:?}");
    }

    #[test]
    fn strings_are_put_end_to_end_as_they_are_escaped() {
        let check = |pieces: &[&str], expected| check(Joined::text, pieces, expected);
        check(&[], None);
        check(
            &[r#""""#, r#""a\n""#, r#""""#, r#""\"b""#],
            Some(r#""a\n\"b""#),
        );
        check(&[r#""\ud83d""#, r#""\ude00""#], Some(r#""\ud83d\ude00""#));
        check(&[r#""a\\""#, r#""\"""#], Some(r#""a\\\"""#));
        check(&["null", r#""a""#, "null", r#""b""#], Some(r#""ab""#));
        check(&["null", "null"], Some("null"));
    }

    #[test]
    fn of_values_that_are_no_strings_the_last_is_kept() {
        let check = |pieces: &[&str], expected| check(Joined::text, pieces, expected);
        check(&["[1]", "[2]"], Some("[2]"));
        check(&[r#""a""#, "{}"], Some("{}"));
        check(&["[1]", r#""a""#, r#""b""#], Some(r#""ab""#));
    }

    #[test]
    fn lists_become_one() {
        let check = |pieces: &[&str], expected| check(Joined::list, pieces, expected);
        check(&["[1]", "[ ]", "[2, 3]", "[ [] ]"], Some("[1,2, 3,[]]"));
        check(&["[]", "[ 1 ]", "[2]"], Some("[ 1 ,2]"));
        check(&["[]"], Some("[]"));
        check(&["null", "[1]", "null"], Some("[1]"));
        check(&["[1]", "{}"], Some("{}"));
    }

    #[test]
    fn null_and_what_is_empty_never_take_the_place_of_what_was_told() {
        check(
            Joined::first,
            &["null", r#""""#, "\"a\"", "\"b\""],
            Some("\"a\""),
        );
        check(Joined::last, &["1", "2", "null"], Some("2"));
        check(Joined::last, &["1", "0", "null"], Some("0"));
        check(
            Joined::last_spoken,
            &["0", "1", "2", "0", "null"],
            Some("2"),
        );
        check(Joined::last_spoken, &["\"a\"", r#""""#], Some("\"a\""));
        check(Joined::last_spoken, &["0"], Some("0"));
    }
}
