//! A JSON object read as an ordered list of names and untouched value texts, and the writer back.
//!
//! # Why not a tree
//!
//! Most of a chat request is text that the gateway only carries. Parsing it into a tree and
//! printing it again costs several times as much as copying the bytes (and changes number
//! spellings on the way), so values stay as the caller wrote them until something needs to look
//! inside.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Writes the comma before an entry of a list, but for the first.
pub fn separate(out: &mut Vec<u8>, at: usize) {
    if at > 0 {
        out.push(b',');
    }
}

/// Writes a list of objects, each member of `entries` as one.
pub fn write_list<T>(out: &mut Vec<u8>, entries: &[T], write: impl Fn(&mut Writer<'_>, &T)) {
    out.push(b'[');
    for (at, one) in entries.iter().enumerate() {
        separate(out, at);
        let mut object = Writer::new(out);
        write(&mut object, one);
        object.end();
    }
    out.push(b']');
}

/// A JSON object: its members in the order in which they were written.
///
/// A name that stands twice keeps its last value, as in JavaScript.
#[derive(Clone, Debug, Default)]
pub struct Object<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// Whether a member is there and `null`.
    pub fn has_null(&self) -> bool {
        self.0.iter().any(|(_, value)| value.get() == "null")
    }

    /// Reads the text of one JSON object.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The text of the member `name`, if it is there.
    pub fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| *value)
    }

    /// The member `name`, unless it is absent or `null`.
    pub fn present(&self, name: &str) -> Option<&'a RawValue> {
        self.raw(name).filter(|value| value.get() != "null")
    }

    /// The member `name` as a string, if it is one.
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.raw(name).and_then(string)
    }

    /// The member `name` as a number without sign or fraction, if it is one.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.raw(name)?.get().parse().ok()
    }

    /// The member `name` as an object, if it is one.
    pub fn object(&self, name: &str) -> Option<Self> {
        Self::parse(self.raw(name)?.get()).ok()
    }

    /// The member `name` as a list of objects; empty when it is none.
    pub fn objects(&self, name: &str) -> Vec<Self> {
        let listed = self.raw(name).map(RawValue::get);
        listed
            .and_then(|listed| serde_json::from_str(listed).ok())
            .unwrap_or_default()
    }

    /// The JSON text of the string `name`, unless there is none or it is empty.
    pub fn spoken(&self, name: &str) -> Option<&'a str> {
        spoken(self.raw(name)?)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::with_capacity(4);
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// A member's name, borrowed unless it has escapes.
pub(super) struct Name<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// The string that `raw` spells, borrowed where it has no escapes; `None` when it is not a string.
pub fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let Name(text) = serde_json::from_str(raw.get()).ok()?;
    Some(text)
}

/// The JSON text of a string that is not empty; `None` when it is no such string.
pub fn spoken(raw: &RawValue) -> Option<&str> {
    Some(raw.get()).filter(|text| text.starts_with('"') && *text != "\"\"")
}

/// The JSON text of a string without its quotes; `None` when it is no string's.
pub fn inside(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.strip_suffix('"')
}

/// The JSON texts of strings end to end as one, with `between`, which is JSON without quotes, between
/// them; `None` when there are none.
pub fn joined<'a>(texts: impl Iterator<Item = &'a str>, between: &str) -> Option<String> {
    let inner: Vec<&str> = texts.filter_map(inside).collect();
    (!inner.is_empty()).then(|| format!("\"{}\"", inner.join(between)))
}

/// The JSON kind of `raw`, as an error message names it.
pub fn kind(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// Writes one JSON object member by member into a buffer.
#[derive(Debug)]
pub struct Writer<'b> {
    out: &'b mut Vec<u8>,
    separator: &'static [u8],
}

impl<'b> Writer<'b> {
    /// Opens an object at the end of `out`; [`Writer::end`] closes it.
    pub fn new(out: &'b mut Vec<u8>) -> Self {
        Self {
            out,
            separator: b"{",
        }
    }

    /// Adds a member whose value is already JSON text.
    pub fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        self.name(name).extend_from_slice(json.as_bytes());
        self
    }

    /// Adds a string member.
    pub fn text(&mut self, name: &str, text: &str) -> &mut Self {
        let out = self.name(name);
        write_string(out, text);
        self
    }

    /// Adds a member that is a number.
    pub fn number(&mut self, name: &str, number: u64) -> &mut Self {
        let text = number.to_string();
        self.raw(name, &text)
    }

    /// Starts a member and leaves its value to the caller, who must write exactly one.
    pub fn name(&mut self, name: &str) -> &mut Vec<u8> {
        self.out.extend_from_slice(self.separator);
        self.separator = b",";
        write_string(self.out, name);
        self.out.push(b':');
        self.out
    }

    /// Closes the object.
    pub fn end(self) {
        if self.separator == b"{" {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }
}

/// The JSON text of `text` as a string.
pub fn spelled(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len().saturating_add(2));
    write_string(&mut out, text);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends `text` as a JSON string.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    // Writing a str into a Vec cannot fail; serde_json's signature is that of any writer.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_keeps_order_spelling_and_the_last_of_two_equal_names() {
        let object = Object::parse(r#"{"b": 1.50, "a\u0062": [1, 2], "b": "x"}"#).unwrap();
        let names: Vec<_> = object.0.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names, ["b", "ab", "b"]);
        assert_eq!(object.raw("ab").unwrap().get(), "[1, 2]");
        assert_eq!(object.text("b").unwrap(), "x");
    }

    #[test]
    fn the_writer_writes_what_was_read() {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        writer.text("a", "q\"\n").number("n", 7).raw("r", "[1.50]");
        writer.end();
        assert_eq!(out, br#"{"a":"q\"\n","n":7,"r":[1.50]}"#);

        let mut empty = Vec::new();
        Writer::new(&mut empty).end();
        assert_eq!(empty, b"{}");
    }
}
