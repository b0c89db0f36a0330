//! The blocks that a message of Anthropic's is made of, read from OpenAI's pieces and written.
//!
//! Texts stay the JSON that the caller wrote. A text without anything in it but white space is no block:
//! Anthropic refuses a request for it.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::openai::json::{self, Writer};
use crate::provider::anthropic::thought::Thought;
use crate::provider::portable::{Call, File, Image, Piece, base64_of, parts};
use crate::provider::{Unsupported, UpstreamRequest};

/// A block.
#[derive(Clone, Debug)]
pub(super) struct Block<'a> {
    /// What it is.
    pub(super) what: What<'a>,
    /// What it says of the prompt's cache.
    pub(super) cache_control: Option<&'a RawValue>,
}

/// What a block is.
#[derive(Clone, Debug)]
pub(super) enum What<'a> {
    /// A tool call.
    Call(Call<'a>),
    /// A file.
    Document(File<'a>),
    /// A picture.
    Image(Image<'a>),
    /// What a tool gave.
    Result {
        /// The id of its call.
        id: Cow<'a, str>,
        /// What it is made of.
        content: Vec<Block<'a>>,
    },
    /// Text, as the JSON of a string.
    Text(Cow<'a, str>),
    /// What the model thought.
    Thought(Thought<'a>),
}

impl<'a> Block<'a> {
    /// One that says nothing of the cache.
    pub(super) fn plain(what: What<'a>) -> Self {
        Self {
            what,
            cache_control: None,
        }
    }

    /// A text of ours.
    pub(super) fn text(text: &str) -> Self {
        let mut json = Vec::with_capacity(text.len().saturating_add(2));
        json::write_string(&mut json, text);
        let json = String::from_utf8(json).unwrap_or_default();
        Self::plain(What::Text(Cow::Owned(json)))
    }

    /// Whether the model only thought it.
    pub(super) fn is_thought(&self) -> bool {
        matches!(self.what, What::Thought(_))
    }

    /// Writes the block.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut object = Writer::new(out);
        match &self.what {
            What::Call(call) => {
                object
                    .raw("type", "\"tool_use\"")
                    .text("id", &call.id)
                    .text("name", &call.name)
                    .raw("input", &call.arguments);
            }
            What::Document(file) => write_document(&mut object, file),
            What::Image(image) => write_image(&mut object, image),
            What::Result { id, content } => {
                object
                    .raw("type", "\"tool_result\"")
                    .text("tool_use_id", id);
                if !content.is_empty() {
                    write_content(object.name("content"), content.iter());
                }
            }
            What::Text(json) => {
                object.raw("type", "\"text\"").raw("text", json);
            }
            What::Thought(thought) => thought.write(&mut object),
        }
        if let Some(cache_control) = self.cache_control {
            object.raw("cache_control", cache_control.get());
        }
        object.end();
    }
}

/// Writes a content: of one plain text as a string, else as a list of blocks.
pub(super) fn write_content<'b, 'a: 'b>(
    out: &mut Vec<u8>,
    blocks: impl Iterator<Item = &'b Block<'a>> + Clone,
) {
    let mut first = blocks.clone();
    if let (Some(only), None) = (first.next(), first.next())
        && let (What::Text(json), None) = (&only.what, only.cache_control)
    {
        out.extend_from_slice(json.as_bytes());
        return;
    }
    out.push(b'[');
    for (at, block) in blocks.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        block.write(out);
    }
    out.push(b']');
}

/// Whose content it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// The person's, or a tool's.
    Outer,
    /// The model's, or the system's: text and nothing else.
    Own,
}

/// Reads a content into blocks; what is not told of it is noted in `sent`.
pub(super) fn read<'a>(
    content: &'a RawValue,
    voice: Voice,
    sent: &mut UpstreamRequest,
) -> Result<Vec<Block<'a>>, Unsupported> {
    let mut blocks = Vec::new();
    for part in parts(content)? {
        let what = match part.piece {
            Piece::Text(text) | Piece::Refusal(text) => {
                if is_blank(text) {
                    continue;
                }
                What::Text(Cow::Borrowed(text.get()))
            }
            Piece::Image(_) if voice == Voice::Own => {
                return Err(Unsupported("messages.content.image_url"));
            }
            Piece::File(_) if voice == Voice::Own => {
                return Err(Unsupported("messages.content.file"));
            }
            Piece::Image(image) => {
                if !is_known(&image) {
                    return Err(Unsupported("messages.content.image_url"));
                }
                if image
                    .detail
                    .as_deref()
                    .is_some_and(|detail| detail != "auto")
                {
                    sent.drop("messages.content.image_url.detail");
                }
                What::Image(image)
            }
            Piece::File(file) => {
                if pdf(&file).is_none() {
                    return Err(Unsupported("messages.content.file"));
                }
                What::Document(file)
            }
            Piece::Audio => return Err(Unsupported("messages.content.input_audio")),
        };
        blocks.push(Block {
            what,
            cache_control: part.cache_control,
        });
    }
    Ok(blocks)
}

/// Whether a JSON string has nothing in it but white space.
pub(super) fn is_blank(text: &RawValue) -> bool {
    let spells_nothing = || json::string(text).is_some_and(|text| text.trim().is_empty());
    match text.get().as_bytes().get(1) {
        Some(b'\\') => spells_nothing(),
        Some(first) if first.is_ascii_graphic() && *first != b'"' => false,
        _ => spells_nothing(),
    }
}

/// Whether Anthropic takes a picture: it reads four kinds, and fetches from `https` only.
fn is_known(image: &Image<'_>) -> bool {
    match base64_of(&image.url) {
        Some((kind, _)) => media_type(kind).is_some(),
        None => image.url.starts_with("https://"),
    }
}

fn media_type(kind: &str) -> Option<&'static str> {
    match kind.to_ascii_lowercase().as_str() {
        "image/gif" => Some("image/gif"),
        "image/jpeg" | "image/jpg" => Some("image/jpeg"),
        "image/png" => Some("image/png"),
        "image/webp" => Some("image/webp"),
        _ => None,
    }
}

/// The bytes of a PDF as base64.
fn pdf<'f>(file: &'f File<'_>) -> Option<&'f str> {
    let (kind, bytes) = base64_of(file.data.as_deref()?)?;
    (kind == "application/pdf").then_some(bytes)
}

fn write_image(object: &mut Writer<'_>, image: &Image<'_>) {
    object.raw("type", "\"image\"");
    let mut source = Writer::new(object.name("source"));
    match base64_of(&image.url) {
        Some((kind, bytes)) => {
            source
                .raw("type", "\"base64\"")
                .text("media_type", media_type(kind).unwrap_or(kind))
                .text("data", bytes);
        }
        None => {
            source.raw("type", "\"url\"").text("url", &image.url);
        }
    }
    source.end();
}

fn write_document(object: &mut Writer<'_>, file: &File<'_>) {
    object.raw("type", "\"document\"");
    let mut source = Writer::new(object.name("source"));
    source
        .raw("type", "\"base64\"")
        .raw("media_type", "\"application/pdf\"")
        .text("data", pdf(file).unwrap_or_default());
    source.end();
    if let Some(name) = file.name.as_deref().filter(|name| !name.trim().is_empty()) {
        object.text("title", name);
    }
}
