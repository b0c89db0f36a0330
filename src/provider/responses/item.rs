//! What a model answers: the items of a response's `output`.
//!
//! What is only carried stays as the JSON text that the upstream wrote.

use std::borrow::Cow;

use crate::openai::json::Object;

/// An item.
#[derive(Debug)]
pub(super) enum Item<'a> {
    /// The model calls a tool.
    Call(Call<'a>),
    /// The model says something.
    Message(Said<'a>),
    /// A kind that nobody asked for.
    Other,
    /// The model thinks.
    Reasoning(Thought<'a>),
}

/// A call of a tool.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// What its output names it by: the JSON text of a string.
    pub(super) id: Option<&'a str>,
    /// The item's own id.
    pub(super) item: Option<Cow<'a, str>>,
    /// What the tool is called there.
    pub(super) name: Cow<'a, str>,
    /// The JSON text of a string, unless it is empty.
    pub(super) arguments: Option<&'a str>,
    /// Whether the model came to its end.
    pub(super) extent: Extent,
}

/// Whether an item is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Cut,
    Whole,
}

/// What a model says. Texts are the JSON texts of strings, none of them empty.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    pub(super) texts: Vec<&'a str>,
    pub(super) refusals: Vec<&'a str>,
    /// How likely each token of the texts was, where that was asked for.
    pub(super) logprobs: Vec<Object<'a>>,
}

/// What a model thinks. Texts are the JSON texts of strings, none of them empty.
#[derive(Debug)]
pub(super) struct Thought<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) summaries: Vec<&'a str>,
    /// What it thinks in its own words, which only open models tell.
    pub(super) words: Vec<&'a str>,
    /// The whole, sealed.
    pub(super) sealed: Option<&'a str>,
}

impl<'a> Item<'a> {
    /// Reads an item.
    pub(super) fn read(object: &Object<'a>) -> Self {
        match object.text("type").as_deref() {
            Some("function_call") => Self::Call(Call {
                id: object.spoken("call_id"),
                item: object.text("id"),
                name: object.text("name").unwrap_or_default(),
                arguments: object.spoken("arguments"),
                extent: match object.text("status").as_deref() {
                    Some("incomplete") => Extent::Cut,
                    _ => Extent::Whole,
                },
            }),
            Some("message") => Self::Message(said(object)),
            Some("reasoning") => Self::Reasoning(Thought {
                id: object.spoken("id"),
                summaries: texts(object, "summary"),
                words: texts(object, "content"),
                sealed: object.spoken("encrypted_content"),
            }),
            _ => Self::Other,
        }
    }
}

impl<'a> Thought<'a> {
    /// What of it can be read.
    pub(super) fn aloud(&self) -> impl Iterator<Item = &'a str> {
        self.summaries.iter().chain(&self.words).copied()
    }
}

fn said<'a>(object: &Object<'a>) -> Said<'a> {
    let mut said = Said::default();
    for part in object.objects("content") {
        match part.text("type").as_deref() {
            Some("output_text") => {
                said.texts.extend(part.spoken("text"));
                said.logprobs.extend(part.objects("logprobs"));
            }
            Some("refusal") => said.refusals.extend(part.spoken("refusal")),
            _ => {}
        }
    }
    said
}

fn texts<'a>(object: &Object<'a>, name: &str) -> Vec<&'a str> {
    let parts = object.objects(name);
    parts
        .iter()
        .filter_map(|part| part.spoken("text"))
        .collect()
}
