//! What Anthropic says: the events of a stream, and the message that they tell, or that comes whole.
//!
//! What is only carried stays as the JSON text that was read. What is not known is [`Told::Other`] or
//! [`Block::Other`]: new kinds of both come without notice
//! (<https://platform.claude.com/docs/en/build-with-claude/streaming>).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::openai::Finish;
use crate::provider::anthropic::tokens::Tokens;
use crate::provider::completion::Ending;

/// What cannot be read as this API's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// An event of a stream.
#[derive(Debug)]
pub(super) enum Told<'a> {
    /// A block of the answer begins.
    Begins(u64, Block<'a>),
    /// An answer begins.
    Message(Message<'a>),
    /// More of a block.
    More(u64, Piece<'a>),
    /// What the answer used, and why it ended.
    Ended(Stopped<'a>, Tokens),
    /// A block ends.
    Ends(u64),
    /// It failed.
    Error(Value),
    /// The answer is whole.
    Stop,
    /// A sign of life, or what nobody knows yet.
    Other,
}

/// A message of the model's, or its head.
#[derive(Debug)]
pub(super) struct Message<'a> {
    /// Its id, as JSON.
    pub(super) id: Option<&'a str>,
    /// Whose it is, as JSON.
    pub(super) model: Option<&'a str>,
    /// What it says; nothing yet, where it is a stream's.
    pub(super) blocks: Vec<Block<'a>>,
    /// Why it ended.
    pub(super) stopped: Stopped<'a>,
    /// What it used.
    pub(super) tokens: Tokens,
}

/// A block of a message. Texts are JSON, and `None` where they are empty.
#[derive(Debug)]
pub(super) enum Block<'a> {
    /// A tool call.
    Call {
        id: Option<&'a str>,
        name: Cow<'a, str>,
        /// The arguments, an object; in a stream, nothing yet.
        input: Option<&'a RawValue>,
    },
    /// Of another kind: the work of tools that run at Anthropic, say.
    Other,
    /// Thoughts that are withheld.
    Redacted(&'a str),
    /// Text.
    Text(Option<&'a str>),
    /// Thoughts.
    Thinking {
        text: Option<&'a str>,
        signature: Option<&'a str>,
    },
}

/// More of a block. Texts are JSON, and `None` where they are empty.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// A piece of the JSON of a call's arguments.
    Input(Option<&'a str>),
    /// Something else: a citation.
    Other,
    /// What proves that thoughts are the model's own.
    Signature(Option<&'a str>),
    /// Text.
    Text(Option<&'a str>),
    /// Thoughts.
    Thinking(Option<&'a str>),
}

/// Why an answer ended.
#[derive(Debug, Default)]
pub(super) struct Stopped<'a> {
    /// Anthropic's word for it, as JSON, where it has ended.
    pub(super) reason: Option<&'a str>,
    /// What a refusal says of itself, as JSON.
    pub(super) explanation: Option<&'a str>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    index: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<Value>,
}

impl<'a> Told<'a> {
    /// Reads the data of an event.
    pub(super) fn parse(data: &'a str) -> Result<Self, Unreadable> {
        let it: Envelope<'a> = read(data)?;
        let index = || {
            let index = it.index.ok_or(Unreadable)?.get();
            index.parse::<u64>().map_err(|_| Unreadable)
        };
        let delta = || it.delta.map(RawValue::get).ok_or(Unreadable);
        match it.kind.as_deref() {
            Some("message_start") => {
                Message::parse(it.message.ok_or(Unreadable)?.get()).map(Self::Message)
            }
            Some("content_block_start") => {
                let block = it.content_block.ok_or(Unreadable)?;
                Ok(Self::Begins(index()?, Block::parse(block.get())?))
            }
            Some("content_block_delta") => Ok(Self::More(index()?, Piece::parse(delta()?)?)),
            Some("content_block_stop") => Ok(Self::Ends(index()?)),
            Some("message_delta") => {
                let stopped = Stopped::parse(delta()?)?;
                Ok(Self::Ended(stopped, Tokens::parse(it.usage)))
            }
            Some("message_stop") => Ok(Self::Stop),
            Some("error") | None => it.error.map(Self::Error).ok_or(Unreadable),
            Some(_) => Ok(Self::Other),
        }
    }
}

#[derive(Deserialize)]
struct RawMessage<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    model: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    /// Reads a message.
    pub(super) fn parse(json: &'a str) -> Result<Self, Unreadable> {
        let it: RawMessage<'a> = read(json)?;
        let blocks = it.content.unwrap_or_default();
        let blocks = blocks.into_iter().map(|block| Block::parse(block.get()));
        Ok(Self {
            id: text(it.id)?,
            model: text(it.model)?,
            blocks: blocks.collect::<Result<_, _>>()?,
            stopped: Stopped::parse(json)?,
            tokens: Tokens::parse(it.usage),
        })
    }
}

#[derive(Deserialize)]
struct RawBlock<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow, default)]
    signature: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(borrow, default)]
    partial_json: Option<&'a RawValue>,
}

impl<'a> Block<'a> {
    fn parse(json: &'a str) -> Result<Self, Unreadable> {
        let it: RawBlock<'a> = read(json)?;
        Ok(match it.kind.as_ref() {
            "text" => Self::Text(text(it.text)?),
            "thinking" => Self::Thinking {
                text: text(it.thinking)?,
                signature: text(it.signature)?,
            },
            "redacted_thinking" => text(it.data)?.map_or(Self::Other, Self::Redacted),
            "tool_use" => Self::Call {
                id: text(it.id)?,
                name: read(it.name.ok_or(Unreadable)?.get()).map(|Spelled(name)| name)?,
                input: it.input.filter(|input| input.get().starts_with('{')),
            },
            _ => Self::Other,
        })
    }
}

impl<'a> Piece<'a> {
    fn parse(json: &'a str) -> Result<Self, Unreadable> {
        let it: RawBlock<'a> = read(json)?;
        Ok(match it.kind.as_ref() {
            "text_delta" => Self::Text(text(it.text)?),
            "thinking_delta" => Self::Thinking(text(it.thinking)?),
            "signature_delta" => Self::Signature(text(it.signature)?),
            "input_json_delta" => Self::Input(text(it.partial_json)?),
            _ => Self::Other,
        })
    }
}

#[derive(Deserialize)]
struct RawStopped<'a> {
    #[serde(borrow, default)]
    stop_reason: Option<&'a RawValue>,
    #[serde(borrow, default)]
    stop_details: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct StopDetails<'a> {
    #[serde(borrow, default)]
    explanation: Option<&'a RawValue>,
}

impl<'a> Stopped<'a> {
    fn parse(json: &'a str) -> Result<Self, Unreadable> {
        let it: RawStopped<'a> = read(json)?;
        let details = it.stop_details.map(RawValue::get);
        let details = details.and_then(|json| read::<StopDetails<'a>>(json).ok());
        let explanation = details.and_then(|details| text(details.explanation).ok()?);
        let reason = text(it.stop_reason)?;
        Ok(Self {
            reason,
            explanation: explanation.filter(|_| reason == Some("\"refusal\"")),
        })
    }
}

/// What Anthropic's word for the end of an answer means, which is JSON.
///
/// A turn that is paused is one that a tool at Anthropic takes longer over; none is asked for.
pub(super) fn ending(reason: &str) -> Ending<'_> {
    Ending::Known(match reason {
        "\"end_turn\"" | "\"stop_sequence\"" => Finish::Stop,
        "\"compaction\""
        | "\"max_tokens\""
        | "\"model_context_window_exceeded\""
        | "\"pause_turn\"" => Finish::Length,
        "\"refusal\"" => Finish::ContentFilter,
        "\"tool_use\"" => Finish::ToolCalls,
        other => return Ending::Other(other),
    })
}

/// A string that is read.
#[derive(Deserialize)]
struct Spelled<'a>(#[serde(borrow)] Cow<'a, str>);

fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Unreadable> {
    serde_json::from_str(json).map_err(|_| Unreadable)
}

/// The JSON text of a string, unless there is none or it is empty.
fn text(raw: Option<&RawValue>) -> Result<Option<&str>, Unreadable> {
    match raw.map(RawValue::get) {
        None | Some("null" | "\"\"") => Ok(None),
        Some(text) if text.starts_with('"') => Ok(Some(text)),
        Some(_) => Err(Unreadable),
    }
}
