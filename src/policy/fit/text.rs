//! Texts of messages: read, shortened in the middle, noted on, and written back.
//!
//! Content is a JSON string or a list of parts, of which some are text. Whatever is not text stays
//! as the caller wrote it, and so do a text part's other members.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{Error, Visitor};
use serde_json::value::{RawValue, to_raw_value};

use crate::openai::Message;
use crate::openai::json::{self, Object, Writer};
use crate::policy::fit::size;
use crate::tokens;

/// Stands where the middle of a text was.
pub(super) const MIDDLE: &str =
    "\n[The middle of this text was left out to fit the context window.]\n";

/// Stands before the user message that follows dropped messages.
pub(super) const EARLIER: &str =
    "[Earlier messages were left out here to fit the context window.]\n\n";

/// Stands after the user message whose first replies and tool calls were dropped.
pub(super) const STEPS: &str =
    "\n\n[The first steps after this message were left out to fit the context window.]";

/// On which side of a message's text a note stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// In front of it.
    Before,
    /// Behind it.
    After,
}

/// The string that `raw` spells. Half of a surrogate pair, which JavaScript's strings can hold and
/// Rust's cannot, becomes U+FFFD; what is no string is the empty one.
pub(super) fn decode(raw: &RawValue) -> Cow<'_, str> {
    struct Bytes;

    impl Visitor<'_> for Bytes {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<String, E> {
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }
    }

    json::string(raw).unwrap_or_else(|| {
        serde_json::Deserializer::from_str(raw.get())
            .deserialize_bytes(Bytes)
            .unwrap_or_default()
            .into()
    })
}

/// `message` with each of its texts that `change` changes; `None` when it changes none.
pub(super) fn rewrite<'a>(
    message: &Message<'a>,
    change: &mut dyn FnMut(&str) -> Option<String>,
) -> Option<Message<'a>> {
    let content = message.content.as_deref()?;
    let content = if content.get().starts_with('"') {
        to_raw_value(&change(&decode(content))?).ok()?
    } else {
        let parts: Vec<&RawValue> = serde_json::from_str(content.get()).ok()?;
        let mut changed = false;
        let parts = parts
            .into_iter()
            .map(|part| match rewrite_part(part, change) {
                Some(new) => {
                    changed = true;
                    Cow::Owned(new)
                }
                None => Cow::Borrowed(part),
            });
        let parts: Vec<Cow<'_, RawValue>> = parts.collect();
        if !changed {
            return None;
        }
        to_raw_value(&parts).ok()?
    };
    Some(with_content(message, content))
}

fn rewrite_part(
    raw: &RawValue,
    change: &mut dyn FnMut(&str) -> Option<String>,
) -> Option<Box<RawValue>> {
    let part = Object::parse(raw.get()).ok()?;
    let text = change(&decode(size::text_of(&part)?))?;
    let mut out = Vec::with_capacity(text.len() + 64);
    let mut writer = Writer::new(&mut out);
    for (name, value) in &part.0 {
        if name == "text" {
            writer.text(name, &text);
        } else {
            writer.raw(name, value.get());
        }
    }
    writer.end();
    RawValue::from_string(String::from_utf8(out).ok()?).ok()
}

/// `message` with `note` on one side of its content.
pub(super) fn noted<'a>(message: &Message<'a>, side: Side, note: &str) -> Message<'a> {
    let content = match message.content.as_deref() {
        None => to_raw_value(note.trim()).ok(),
        Some(content) if content.get().starts_with('"') => {
            let text = decode(content);
            to_raw_value(&match side {
                Side::Before => format!("{note}{text}"),
                Side::After => format!("{text}{note}"),
            })
            .ok()
        }
        Some(content) => note_part(note).and_then(|part| {
            let mut parts: Vec<&RawValue> = serde_json::from_str(content.get()).ok()?;
            match side {
                Side::Before => parts.insert(0, &part),
                Side::After => parts.push(&part),
            }
            to_raw_value(&parts).ok()
        }),
    };
    content.map_or_else(|| message.clone(), |content| with_content(message, content))
}

fn note_part(note: &str) -> Option<Box<RawValue>> {
    let mut out = Vec::new();
    let mut part = Writer::new(&mut out);
    part.text("type", "text").text("text", note.trim());
    part.end();
    RawValue::from_string(String::from_utf8(out).ok()?).ok()
}

fn with_content<'a>(message: &Message<'a>, content: Box<RawValue>) -> Message<'a> {
    Message {
        role: message.role,
        content: Some(Cow::Owned(content)),
        fields: message.fields.clone(),
    }
}

/// `text` without its middle, in no more than `most` bytes; `None` when it is no longer than that.
pub(super) fn within_bytes(text: &str, most: usize) -> Option<String> {
    if text.len() <= most {
        return None;
    }
    let kept = most.saturating_sub(MIDDLE.len());
    let start = text.floor_char_boundary(kept - kept / 3);
    let end = text.ceil_char_boundary(text.len() - kept / 3);
    Some(joined(text.get(..start)?, text.get(end..)?))
}

/// `text` without its middle, in no more than `most` tokens; `None` when it has no more than those.
pub(super) fn within_tokens(text: &str, most: u32) -> Option<String> {
    /// Cutting changes what tokens the edges fall into, so the first try can be a few over.
    const TRIES: u32 = 4;

    if tokens::count_within(text, most).is_some() {
        return None;
    }
    let most_kept = most.saturating_sub(tokens::count(MIDDLE));
    for short in 0..TRIES {
        let kept = most_kept.saturating_sub(short * short * 8);
        let start = tokens::start(text, kept - kept / 3);
        let rest = text.get(start.len()..).unwrap_or_default();
        let cut = joined(start, tokens::end(rest, kept / 3));
        if tokens::count_within(&cut, most).is_some() {
            return Some(cut);
        }
    }
    within_bytes(text, most as usize)
}

fn joined(start: &str, end: &str) -> String {
    [start, MIDDLE, end].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::Role;

    fn message(content: &'static str) -> Message<'static> {
        Message {
            role: Role::User,
            content: Some(Cow::Owned(
                RawValue::from_string(content.to_owned()).unwrap(),
            )),
            fields: Object::default(),
        }
    }

    fn content(message: &Message<'_>) -> String {
        message.content.as_ref().unwrap().get().to_owned()
    }

    #[test]
    fn escapes_are_read_and_half_surrogates_replaced() {
        for (json, text) in [
            (r#""a\n\u00e9\ud83d\ude80""#, "a\né🚀"),
            (r#""cut \ud83d""#, "cut \u{fffd}\u{fffd}\u{fffd}"),
            ("7", ""),
        ] {
            let raw = RawValue::from_string(json.to_owned()).unwrap();
            assert_eq!(decode(&raw), text);
        }
    }

    #[test]
    fn a_text_is_cut_in_the_middle_at_character_boundaries() {
        for text in ["abcdefghij".repeat(100), "数据🚀".repeat(100)] {
            for most in [80, 81, 82, 200, 500] {
                let cut = within_bytes(&text, most).unwrap();
                assert!(cut.len() <= most && cut.len() + 8 > most);
                let (start, end) = cut.split_once(MIDDLE).unwrap();
                assert!(text.starts_with(start) && text.ends_with(end) && start.len() >= end.len());
                assert_eq!(within_bytes(&cut, most), None);
            }
        }
    }

    #[test]
    fn a_text_is_cut_to_a_number_of_tokens() {
        for text in ["words, and more words. ", "数据流🚀", "0f3a"] {
            let text = text.repeat(1000);
            for most in [40, 100, 1000] {
                let cut = within_tokens(&text, most).unwrap();
                let counted = tokens::count(&cut);
                assert!(
                    counted <= most && counted + 10 + most / 20 > most,
                    "{counted} {most}"
                );
                assert_eq!(within_tokens(&cut, most), None);
            }
        }
    }

    #[test]
    fn short_texts_are_left_alone() {
        assert_eq!(within_bytes("short", 5), None);
        assert_eq!(within_tokens("short", 5), None);
    }

    #[test]
    fn parts_that_are_not_text_stay_as_written() {
        let image = r#"{"type":"image_url","image_url":{"url":"data:,"}}"#;
        let json = format!(r#"[{image},{{"type":"text","text":"long","cache":1.0}}]"#);
        let message = message(json.leak());
        let new = rewrite(&message, &mut |text| Some(text.to_uppercase())).unwrap();
        let expected = format!(r#"[{image},{{"type":"text","text":"LONG","cache":1.0}}]"#);
        assert_eq!(content(&new), expected);
        assert!(rewrite(&message, &mut |_| None).is_none());
    }

    #[test]
    fn a_note_goes_into_the_text_or_becomes_a_part() {
        let text = message(r#""Hello""#);
        let before = content(&noted(&text, Side::Before, EARLIER));
        assert!(before.starts_with("\"[Earlier") && before.ends_with("\\n\\nHello\""));
        let after = content(&noted(&text, Side::After, STEPS));
        assert!(after.starts_with("\"Hello\\n\\n[The first steps"));

        let parts = message(r#"[{"type":"image_url","image_url":{}}]"#);
        let before = content(&noted(&parts, Side::Before, EARLIER));
        assert!(before.starts_with(r#"[{"type":"text","text":"[Earlier"#));
        assert!(before.ends_with(r#"},{"type":"image_url","image_url":{}}]"#));

        let nothing = Message {
            content: None,
            ..text
        };
        assert!(content(&noted(&nothing, Side::After, STEPS)).starts_with("\"[The first"));
    }
}
