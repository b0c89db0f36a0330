//! The chat request as a caller sends it: checked where the gateway acts on it, carried where not.
//!
//! Implements the request side of OpenAI's chat completions reference
//! (<https://platform.openai.com/docs/api-reference/chat/create>). Only the fields that decide
//! something here are read; every other field, known or unknown, stays in [`ChatRequest::fields`]
//! as written, and each dialect copies the ones that it allows.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::error::Downstream;
use crate::openai::body::{Body, LIST};
use crate::openai::json::{self, Object};

/// One chat request.
#[derive(Clone, Debug)]
pub struct ChatRequest<'a> {
    /// The route or target asked for.
    pub model: Cow<'a, str>,
    /// The conversation, oldest first; never empty.
    pub messages: Vec<Message<'a>>,
    /// Whether the answer is streamed.
    pub delivery: Delivery,
    /// Whether a streamed answer ends with a chunk that carries only usage.
    pub usage_chunk: UsageChunk,
    /// The most tokens that the answer may have (`max_completion_tokens`, else `max_tokens`).
    pub max_tokens: Option<u32>,
    /// The name by which the caller says so.
    pub limit: &'static str,
    /// How many answers are wanted (`n`), at least one.
    pub choices: u32,
    /// Every member of the request but `model`, `messages`, `stream`, `stream_options`,
    /// `max_tokens` and `max_completion_tokens`, as the caller wrote it, without those that are
    /// `null`.
    pub fields: Object<'a>,
    /// Where messages begin that the gateway added to the caller's, for a target that is to go on with
    /// an answer.
    pub ours_from: Option<usize>,
}

/// How the caller takes its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Server-sent events.
    Streamed,
    /// One JSON body.
    Whole,
}

/// Whether the caller asked for `stream_options.include_usage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageChunk {
    /// It did.
    Wanted,
    /// It did not.
    Unwanted,
}

/// One message of the conversation.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// Who speaks.
    pub role: Role,
    /// The content as JSON text: a string or a list of parts; `None` when absent or `null`.
    pub content: Option<Cow<'a, RawValue>>,
    /// Every other member (`tool_calls`, `tool_call_id`, `name`, ...), without those that are
    /// `null`.
    pub fields: Object<'a>,
}

/// Who speaks in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The model.
    Assistant,
    /// OpenAI's newer name for the system's voice.
    Developer,
    /// The result of an old-style function call.
    Function,
    /// Instructions to the model.
    System,
    /// The result of a tool call.
    Tool,
    /// The person.
    User,
}

impl Role {
    const ALL: [Self; 6] = [
        Self::Assistant,
        Self::Developer,
        Self::Function,
        Self::System,
        Self::Tool,
        Self::User,
    ];

    /// Whether it is the system's voice, by its older name or its newer one.
    pub const fn is_systems(self) -> bool {
        matches!(self, Self::Developer | Self::System)
    }

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Assistant => "assistant",
            Self::Developer => "developer",
            Self::Function => "function",
            Self::System => "system",
            Self::Tool => "tool",
            Self::User => "user",
        }
    }
}

impl<'a> ChatRequest<'a> {
    /// Reads and checks a request body.
    ///
    /// # Errors
    ///
    /// Names the field at fault and says what would be right.
    pub fn parse(body: &'a str) -> Result<Self, Downstream> {
        let Body {
            members: object,
            messages,
        } = Body::parse(body)?;
        let model = object
            .raw("model")
            .ok_or_else(|| Downstream::missing("model", "the name of a route or target"))
            .and_then(|raw| {
                json::string(raw).ok_or_else(|| Downstream::wrong_kind("model", "a string", raw))
            })?;
        let streamed = flag(&object, "stream")?;
        let limit = [MAX_COMPLETION_TOKENS, MAX_TOKENS]
            .into_iter()
            .find(|name| object.present(name).is_some())
            .unwrap_or(MAX_TOKENS);
        Ok(Self {
            model,
            messages: checked_messages(messages)?,
            delivery: if streamed {
                Delivery::Streamed
            } else {
                Delivery::Whole
            },
            usage_chunk: usage_chunk(&object)?,
            max_tokens: count(&object, limit)?,
            limit,
            choices: count(&object, "n")?.unwrap_or(1),
            fields: checked(carried(object))?,
            ours_from: None,
        })
    }

    /// Whether the request offers tools.
    pub fn tools(&self) -> Option<&'a RawValue> {
        self.fields.raw("tools")
    }
}

const MAX_COMPLETION_TOKENS: &str = "max_completion_tokens";
const MAX_TOKENS: &str = "max_tokens";

/// The members that [`ChatRequest`] reads into fields of its own, besides the messages.
const READ: [&str; 5] = [
    MAX_COMPLETION_TOKENS,
    MAX_TOKENS,
    "model",
    "stream",
    "stream_options",
];

fn carried(mut object: Object<'_>) -> Object<'_> {
    object
        .0
        .retain(|(name, value)| !READ.contains(&name.as_ref()) && value.get() != "null");
    object
}

/// Checks the kind of the carried fields that every dialect reads, so that a caller's slip is told
/// here and not by whichever upstream happens to be asked.
fn checked(fields: Object<'_>) -> Result<Object<'_>, Downstream> {
    const KINDS: [(&str, &[u8], &str); 10] = [
        ("frequency_penalty", b"-0123456789", "a number"),
        ("parallel_tool_calls", b"tf", "true or false"),
        ("presence_penalty", b"-0123456789", "a number"),
        ("reasoning_effort", b"\"", "a string"),
        ("response_format", b"{", "an object"),
        ("seed", b"-0123456789", "an integer"),
        ("stop", b"\"[", "a string or an array of strings"),
        ("temperature", b"-0123456789", "a number"),
        ("tools", b"[", "an array"),
        ("top_p", b"-0123456789", "a number"),
    ];
    for (name, first, kind) in KINDS {
        if let Some(raw) = fields.raw(name)
            && !raw
                .get()
                .as_bytes()
                .first()
                .is_some_and(|byte| first.contains(byte))
        {
            return Err(Downstream::wrong_kind(name, kind, raw));
        }
    }
    Ok(fields)
}

fn checked_messages(messages: Option<Vec<Object<'_>>>) -> Result<Vec<Message<'_>>, Downstream> {
    let messages = messages.ok_or_else(|| Downstream::missing("messages", LIST))?;
    if messages.is_empty() {
        return Err(Downstream::field(
            "messages",
            "'messages' is empty: at least one message is needed".to_owned(),
        ));
    }
    messages
        .into_iter()
        .enumerate()
        .map(|(at, fields)| message(at, fields))
        .collect()
}

fn message(at: usize, mut fields: Object<'_>) -> Result<Message<'_>, Downstream> {
    let path = |name: &str| format!("messages[{at}]{name}");
    let Some(role) = fields.text("role") else {
        return Err(Downstream::missing(
            &path(".role"),
            "who speaks, such as 'user'",
        ));
    };
    let Some(role) = Role::ALL.into_iter().find(|known| known.as_str() == role) else {
        let known = Role::ALL.map(Role::as_str).join(", ");
        return Err(Downstream::field(
            &path(".role"),
            format!(
                "'{}' is '{role}', which is not one of: {known}",
                path(".role")
            ),
        ));
    };
    let content = fields.present("content");
    if let Some(content) = content
        && !content.get().starts_with(['"', '['])
    {
        return Err(Downstream::wrong_kind(
            &path(".content"),
            "a string or an array of parts",
            content,
        ));
    }
    if content.is_none()
        && matches!(
            role,
            Role::Developer | Role::System | Role::Tool | Role::User
        )
    {
        return Err(Downstream::missing(
            &path(".content"),
            "a string or an array of parts",
        ));
    }
    fields.0.retain(|(name, value)| {
        !matches!(name.as_ref(), "role" | "content") && value.get() != "null"
    });
    Ok(Message {
        role,
        content: content.map(Cow::Borrowed),
        fields,
    })
}

fn usage_chunk(object: &Object<'_>) -> Result<UsageChunk, Downstream> {
    let Some(raw) = object.present("stream_options") else {
        return Ok(UsageChunk::Unwanted);
    };
    let options = Object::parse(raw.get())
        .map_err(|_| Downstream::wrong_kind("stream_options", "an object", raw))?;
    match options.present("include_usage").map(RawValue::get) {
        None | Some("false") => Ok(UsageChunk::Unwanted),
        Some("true") => Ok(UsageChunk::Wanted),
        Some(_) => Err(Downstream::field(
            "stream_options.include_usage",
            "'stream_options.include_usage' is neither true nor false".to_owned(),
        )),
    }
}

fn flag(object: &Object<'_>, name: &str) -> Result<bool, Downstream> {
    match object.present(name) {
        None => Ok(false),
        Some(raw) => match raw.get() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Downstream::wrong_kind(name, "true or false", raw)),
        },
    }
}

fn count(object: &Object<'_>, name: &str) -> Result<Option<u32>, Downstream> {
    match object.present(name) {
        None => Ok(None),
        Some(raw) => match raw.get().parse::<u32>() {
            Ok(count) if count > 0 => Ok(Some(count)),
            _ => Err(Downstream::wrong_kind(name, "a whole number above 0", raw)),
        },
    }
}
