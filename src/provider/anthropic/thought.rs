//! What the model thought before, as the caller brings it back in `reasoning_details`.
//!
//! Only what this dialect gave goes back: thoughts with the signature that proves them the model's own, and
//! those that are withheld. A block that was changed, or that another company's model thought, would make
//! Anthropic refuse the request.

use serde_json::value::RawValue;

use crate::openai::json::{self, Object, Writer};
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

/// What a message brings back of what was thought before.
#[derive(Debug, Default)]
pub(super) struct Former<'a> {
    /// What goes back, in order.
    pub(super) thoughts: Vec<Thought<'a>>,
    /// Entries that do not.
    others: usize,
}

impl<'a> Former<'a> {
    /// What stands in a message's fields.
    pub(super) fn of(fields: &Object<'a>) -> Self {
        let mut former = Self::default();
        let mut half: Option<Half<'a>> = None;
        for entry in fields.objects("reasoning_details") {
            let kind = entry.text("type");
            let is_own = entry.text("format").is_some_and(|format| is_own(&format));
            match (kind.as_deref(), entry.spoken("data")) {
                (Some("reasoning.text"), _) if is_own => {
                    let text = inner(&entry, "text").unwrap_or_default();
                    let signature = entry.spoken("signature");
                    let index = entry.present("index").map(RawValue::get);
                    match &mut half {
                        Some(half) if half.goes_on(index) => {
                            half.text.push_str(text);
                            half.signature = signature.or(half.signature);
                        }
                        _ => {
                            former.settle(half.take());
                            half = Some(Half {
                                index,
                                text: text.to_owned(),
                                signature,
                            });
                        }
                    }
                }
                (Some("reasoning.encrypted"), Some(data)) if is_own => {
                    former.settle(half.take());
                    former.thoughts.push(Thought::Sealed(data));
                }
                _ => former.others = former.others.saturating_add(1),
            }
        }
        former.settle(half);
        former
    }

    /// The members of the message that all is told of.
    pub(super) fn told(&self) -> &'static [&'static str] {
        match (self.thoughts.is_empty(), self.others) {
            (true, _) => &[],
            (false, 0) => &["reasoning", "reasoning_content", "reasoning_details"],
            (false, _) => &["reasoning", "reasoning_content"],
        }
    }

    /// Adds what is put together; without a signature it is none of the model's.
    fn settle(&mut self, half: Option<Half<'a>>) {
        match half.map(Half::whole) {
            Some(Some(thought)) => self.thoughts.push(thought),
            Some(None) => self.others = self.others.saturating_add(1),
            None => {}
        }
    }
}

/// Whether a format is this dialect's. A helper of OpenAI's SDK for Python puts the texts of pieces with
/// one index end to end, so that of three pieces it stands there three times.
fn is_own(format: &str) -> bool {
    !format.is_empty() && format.replace(FORMAT, "").is_empty()
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

fn inner<'a>(entry: &Object<'a>, name: &str) -> Option<&'a str> {
    json::inside(entry.spoken(name)?)
}
