//! A chat request's body, taken apart down to the members of its messages.
//!
//! # Why in one pass
//!
//! Finding where a JSON value ends means looking at each of its bytes. Taking apart first the body,
//! then the list of messages, then each message would look at most bytes three times, which for a
//! long conversation costs more than all the rest of the gateway. So one pass does it; only a body in
//! which that fails is taken apart step by step, to say where the mistake is.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::Downstream;
use crate::openai::json::{self, Name, Object};

/// The member whose value is taken apart too.
const MESSAGES: &str = "messages";

/// What they should be.
pub(super) const LIST: &str = "an array of messages";

/// A body taken apart.
#[derive(Debug)]
pub(super) struct Body<'a> {
    /// Every member but the messages.
    pub(super) members: Object<'a>,
    /// The messages, if they are there.
    pub(super) messages: Option<Vec<Object<'a>>>,
}

impl<'a> Body<'a> {
    /// Takes the text of a body apart.
    pub(super) fn parse(text: &'a str) -> Result<Self, Downstream> {
        serde_json::from_str(text).or_else(|_| Self::step_by_step(text))
    }

    fn step_by_step(text: &'a str) -> Result<Self, Downstream> {
        let mut members = Object::parse(text).map_err(|error| {
            // In its own words it would repeat the body.
            let why = match serde_json::from_str::<&RawValue>(text) {
                Ok(raw) if error.is_data() => format!("it is {}", json::kind(raw)),
                Ok(_) | Err(_) => error.to_string(),
            };
            Downstream::body(format!("the request body is not a JSON object: {why}"))
        })?;
        let Some(raw) = members.raw(MESSAGES) else {
            let messages = None;
            return Ok(Self { members, messages });
        };
        let items: Vec<&'a RawValue> = serde_json::from_str(raw.get())
            .map_err(|_| Downstream::wrong_kind(MESSAGES, LIST, raw))?;
        let item = |(at, raw): (usize, &'a RawValue)| {
            let wrong = |_| Downstream::wrong_kind(&format!("{MESSAGES}[{at}]"), "an object", raw);
            Object::parse(raw.get()).map_err(wrong)
        };
        let messages = items
            .into_iter()
            .enumerate()
            .map(item)
            .collect::<Result<_, _>>()?;
        members.0.retain(|(name, _)| name != MESSAGES);
        Ok(Self {
            members,
            messages: Some(messages),
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Body<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Body<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::with_capacity(16);
                let mut messages = None;
                while let Some(Name(name)) = map.next_key()? {
                    if name == MESSAGES {
                        messages = Some(map.next_value()?);
                    } else {
                        members.push((name, map.next_value()?));
                    }
                }
                Ok(Body {
                    members: Object(members),
                    messages,
                })
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_find_the_same() {
        for text in [
            r#"{"model": "m", "messages": [{"role": "user", "content": "a\"]"}, {}], "n": 1.0}"#,
            r#"{"messages": [], "a": {"messages": 7}}"#,
            r#"{"mess\u0061ges": [{"a": [1]}]}"#,
            r#"{"messages": [{"a": 1}], "messages": [{"b": 2}]}"#,
            r#"{"messages": 7, "messages": [{"b": 2}]}"#,
        ] {
            let at_once = Body::parse(text).unwrap();
            let in_steps = Body::step_by_step(text).unwrap();
            assert_eq!(format!("{at_once:?}"), format!("{in_steps:?}"));
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        for (text, param, words) in [
            ("", None, "not a JSON object"),
            ("[]", None, "not a JSON object: it is an array"),
            ("\"secret\"", None, "not a JSON object: it is a string"),
            (r#"{"messages": []"#, None, "not a JSON object"),
            (r#"{"messages": []} x"#, None, "not a JSON object"),
            (r#"{"messages": null}"#, Some("messages"), "null"),
            (r#"{"messages": {}}"#, Some("messages"), "an object"),
            (r#"{"messages": [{}, 7]}"#, Some("messages[1]"), "a number"),
        ] {
            let told = Body::parse(text).unwrap_err();
            assert_eq!(told.param.as_deref(), param, "{text}");
            assert!(told.message.contains(words), "{}", told.message);
        }
    }
}
