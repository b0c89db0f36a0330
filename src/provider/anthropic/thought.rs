//! What the model thought before, as the caller brings it back in `reasoning_details`.
//!
//! Only what this dialect gave goes back: thoughts with the signature that proves them the model's own, and
//! those that are withheld. A block that was changed, or that another company's model thought, would make
//! Anthropic refuse the request.

use serde_json::value::RawValue;

use crate::openai::json::{Object, Writer};
use crate::provider::anthropic::FORMAT;

/// A thought.
#[derive(Clone, Debug)]
pub(super) enum Thought<'a> {
    /// One that may be read.
    Open {
        /// The JSON of a string, without its quotes.
        text: String,
        /// The JSON of a string.
        signature: &'a str,
    },
    /// One that is withheld: the JSON of a string.
    Sealed(&'a str),
}

impl Thought<'_> {
    /// Writes the members of its block.
    pub(super) fn write(&self, object: &mut Writer<'_>) {
        match self {
            Self::Open { text, signature } => {
                object
                    .raw("type", "\"thinking\"")
                    .raw("thinking", &format!("\"{text}\""))
                    .raw("signature", signature);
            }
            Self::Sealed(data) => {
                object
                    .raw("type", "\"redacted_thinking\"")
                    .raw("data", data);
            }
        }
    }
}

/// A thought that is put together: clients may bring back the pieces of a stream as they came.
struct Half<'a> {
    index: Option<&'a str>,
    text: String,
    signature: Option<&'a str>,
}

/// The thoughts in a message's `reasoning_details`, in order.
pub(super) fn thoughts<'a>(fields: &Object<'a>) -> Vec<Thought<'a>> {
    let raw = fields.raw("reasoning_details").map(RawValue::get);
    let entries = raw.and_then(|json| serde_json::from_str::<Vec<Object<'a>>>(json).ok());
    let mut thoughts = Vec::new();
    let mut half: Option<Half<'a>> = None;
    for entry in entries.unwrap_or_default() {
        if entry.text("format").as_deref() != Some(FORMAT) {
            continue;
        }
        match entry.text("type").as_deref() {
            Some("reasoning.text") => {
                let text = inner(&entry, "text").unwrap_or_default();
                let signature = spoken(&entry, "signature");
                let index = entry.present("index").map(RawValue::get);
                match &mut half {
                    Some(half) if half.goes_on(index) => {
                        half.text.push_str(text);
                        half.signature = signature.or(half.signature);
                    }
                    _ => {
                        thoughts.extend(half.take().and_then(Half::whole));
                        half = Some(Half {
                            index,
                            text: text.to_owned(),
                            signature,
                        });
                    }
                }
            }
            Some("reasoning.encrypted") => {
                thoughts.extend(half.take().and_then(Half::whole));
                thoughts.extend(spoken(&entry, "data").map(Thought::Sealed));
            }
            _ => {}
        }
    }
    thoughts.extend(half.and_then(Half::whole));
    thoughts
}

impl<'a> Half<'a> {
    /// Whether an entry of this index is more of the same thought.
    fn goes_on(&self, index: Option<&str>) -> bool {
        match (self.index, index) {
            (Some(mine), Some(index)) => mine == index,
            _ => self.signature.is_none(),
        }
    }

    /// The thought; none without a signature.
    fn whole(self) -> Option<Thought<'a>> {
        Some(Thought::Open {
            text: self.text,
            signature: self.signature?,
        })
    }
}

/// The JSON of a string member that is not empty.
fn spoken<'a>(entry: &Object<'a>, name: &str) -> Option<&'a str> {
    let json = entry.raw(name)?.get();
    (json.starts_with('"') && json != "\"\"").then_some(json)
}

fn inner<'a>(entry: &Object<'a>, name: &str) -> Option<&'a str> {
    spoken(entry, name)?.strip_prefix('"')?.strip_suffix('"')
}
