//! What Anthropic answers in OpenAI's shapes: the completion, and what it shares with chunks.
//!
//! # Why thoughts are told twice
//!
//! `reasoning` is what people read, by the name that most clients look for. `reasoning_details` is what
//! goes back: the same thoughts with the signature that proves them the model's own, in the list that
//! OpenRouter documents (<https://openrouter.ai/docs/use-cases/reasoning-tokens>). Without it a model that
//! thinks could not go on after a tool call.

use serde_json::Value;

use crate::openai::Finish;
use crate::openai::json::Writer;
use crate::provider::anthropic::event::{Block, Ending, Message, Unreadable};
use crate::provider::anthropic::{FORMAT, fault};
use crate::provider::{Completion, Fault, Reading};
use crate::reason::Reason;

/// Reads a whole answer into OpenAI's completion object.
pub(super) fn completion(body: &[u8], ask: &Reading<'_>) -> Result<Completion, Fault> {
    let text = std::str::from_utf8(body).map_err(|_| Fault::known(Reason::NotAnApi))?;
    let message = match Message::parse(text) {
        Ok(message) if message.speaks() || message.ending.reason.is_some() => message,
        Ok(_) | Err(Unreadable) => return Err(not_an_answer(body)),
    };
    let reason = message.ending.reason.as_deref();
    let reason = reason.ok_or_else(|| Fault::known(Reason::StreamCut))?;
    let finish = Ending::finish(reason);
    let usage = message.tokens.usage();
    let wrote = usage.is_some_and(|usage| usage.completion_tokens > 0);
    if !message.speaks() && !wrote && matches!(finish, Some(Finish::Stop) | None) {
        return Err(Fault::known(Reason::Empty));
    }
    let mut letterhead = Letterhead::new(ask);
    letterhead.sign(&message);
    let mut json = Vec::with_capacity(body.len().saturating_add(256));
    let mut object = letterhead.open(&mut json, "chat.completion");
    write_choice(object.name("choices"), Some(reason), |choice| {
        let mut said = Writer::new(choice.name("message"));
        said.raw("role", "\"assistant\"");
        write_message(&mut said, &message, ask);
        said.end();
    });
    if let Some(usage) = usage {
        usage.write(object.name("usage"));
    }
    object.end();
    Ok(Completion {
        json,
        finish,
        usage,
    })
}

/// What bytes are that came with status 200 and are no answer: an error after all, or something else.
pub(super) fn not_an_answer(body: &[u8]) -> Fault {
    if body.trim_ascii().is_empty() {
        return Fault::known(Reason::Empty);
    }
    let value = serde_json::from_slice::<Value>(body).unwrap_or_default();
    match value.get("error") {
        Some(error) => fault::inside(error),
        None => Fault::known(Reason::NotAnApi),
    }
}

impl Message<'_> {
    /// Whether it says anything.
    fn speaks(&self) -> bool {
        self.blocks.iter().any(|block| match block {
            Block::Call { .. } | Block::Redacted(_) => true,
            Block::Text(text) => text.is_some(),
            Block::Thinking { text, signature } => text.or(*signature).is_some(),
            Block::Other => false,
        })
    }
}

/// What the objects of one answer say alike.
#[derive(Debug)]
pub(super) struct Letterhead {
    request_id: String,
    created: u64,
    /// As JSON, like the model.
    id: Option<String>,
    model: Option<String>,
    asked: String,
}

impl Letterhead {
    /// One without the answer's own id.
    pub(super) fn new(ask: &Reading<'_>) -> Self {
        Self {
            request_id: ask.request_id.to_owned(),
            created: ask.created,
            id: None,
            model: None,
            asked: ask.model.to_owned(),
        }
    }

    /// Takes the id and the model of the answer's head.
    pub(super) fn sign(&mut self, message: &Message<'_>) {
        self.id = message.id.map(str::to_owned);
        self.model = message.model.map(str::to_owned);
    }

    /// Opens an object of the answer.
    pub(super) fn open<'b>(&self, out: &'b mut Vec<u8>, object: &str) -> Writer<'b> {
        let mut writer = Writer::new(out);
        match &self.id {
            Some(id) => writer.raw("id", id),
            None => writer.text("id", &format!("chatcmpl-{}", self.request_id)),
        };
        writer
            .text("object", object)
            .number("created", self.created);
        match &self.model {
            Some(model) => writer.raw("model", model),
            None => writer.text("model", &self.asked),
        };
        writer
    }

    /// An id for a call that has none.
    pub(super) fn call_id(&self, at: u64) -> String {
        format!("\"call_{}_{at}\"", self.request_id)
    }
}

/// Writes the one choice of an answer, as a list. `write_said` adds its message or delta; `reason` is
/// Anthropic's word for why it ended.
pub(super) fn write_choice(
    out: &mut Vec<u8>,
    reason: Option<&str>,
    write_said: impl FnOnce(&mut Writer<'_>),
) {
    out.push(b'[');
    let mut choice = Writer::new(out);
    choice.number("index", 0);
    write_said(&mut choice);
    choice.raw("logprobs", "null");
    match reason {
        Some(reason) => choice.text(
            "finish_reason",
            Ending::finish(reason).map_or(reason, |finish| finish.as_str()),
        ),
        None => choice.raw("finish_reason", "null"),
    };
    choice.end();
    out.push(b']');
}

/// Thoughts, or a piece of them; all texts are JSON.
#[derive(Clone, Copy, Debug)]
pub(super) enum Thoughts<'a> {
    /// Those that may be read.
    Open {
        text: Option<&'a str>,
        signature: Option<&'a str>,
    },
    /// Those that are withheld.
    Sealed(&'a str),
}

/// Writes an entry of `reasoning_details`.
pub(super) fn write_thoughts(out: &mut Vec<u8>, index: u64, thoughts: Thoughts<'_>) {
    let mut entry = Writer::new(out);
    match thoughts {
        Thoughts::Open { text, signature } => {
            entry
                .raw("type", "\"reasoning.text\"")
                .raw("text", text.unwrap_or("\"\""));
            if let Some(signature) = signature {
                entry.raw("signature", signature);
            }
        }
        Thoughts::Sealed(data) => {
            entry
                .raw("type", "\"reasoning.encrypted\"")
                .raw("data", data);
        }
    }
    entry.text("format", FORMAT).number("index", index);
    entry.end();
}

/// Writes the function of a call.
pub(super) fn write_function(call: &mut Writer<'_>, name: &str, arguments: &str) {
    call.raw("type", "\"function\"");
    let mut function = Writer::new(call.name("function"));
    function.text("name", name).text("arguments", arguments);
    function.end();
}

fn write_message(said: &mut Writer<'_>, message: &Message<'_>, ask: &Reading<'_>) {
    let blocks = &message.blocks;
    let refusal = message.ending.explanation;
    let text = joined(blocks.iter().filter_map(|block| match block {
        Block::Text(text) => *text,
        Block::Call { .. } | Block::Other | Block::Redacted(_) | Block::Thinking { .. } => None,
    }));
    let calls = blocks
        .iter()
        .any(|block| matches!(block, Block::Call { .. }));
    let silent = if calls || refusal.is_some() {
        "null"
    } else {
        "\"\""
    };
    said.raw("content", text.as_deref().unwrap_or(silent))
        .raw("refusal", refusal.unwrap_or("null"));
    let thoughts: Vec<_> = blocks.iter().filter_map(thoughts_of).collect();
    if let Some(reasoning) = joined(thoughts.iter().filter_map(|thoughts| match thoughts {
        Thoughts::Open { text, .. } => *text,
        Thoughts::Sealed(_) => None,
    })) {
        said.raw("reasoning", &reasoning);
    }
    if !thoughts.is_empty() {
        write_array(said.name("reasoning_details"), &thoughts, |out, at, it| {
            write_thoughts(out, at, *it);
        });
    }
    if calls {
        let calls: Vec<_> = blocks.iter().filter_map(call_of).collect();
        let letterhead = Letterhead::new(ask);
        write_array(
            said.name("tool_calls"),
            &calls,
            |out, at, (id, name, input)| {
                let mut call = Writer::new(out);
                match id {
                    Some(id) => call.raw("id", id),
                    None => call.raw("id", &letterhead.call_id(at)),
                };
                write_function(&mut call, ask.names.callers(name), input);
                call.end();
            },
        );
    }
}

fn thoughts_of<'a>(block: &Block<'a>) -> Option<Thoughts<'a>> {
    match block {
        Block::Thinking { text, signature } => {
            text.or(*signature)?;
            Some(Thoughts::Open {
                text: *text,
                signature: *signature,
            })
        }
        Block::Redacted(data) => Some(Thoughts::Sealed(data)),
        Block::Call { .. } | Block::Other | Block::Text(_) => None,
    }
}

/// A call's id as JSON, its name, and the text of its arguments.
fn call_of<'b>(block: &'b Block<'_>) -> Option<(Option<&'b str>, &'b str, &'b str)> {
    match block {
        Block::Call { id, name, input } => {
            Some((*id, name.as_ref(), input.map_or("{}", |input| input.get())))
        }
        Block::Other | Block::Redacted(_) | Block::Text(_) | Block::Thinking { .. } => None,
    }
}

/// JSON strings end to end, as one; `None` where there are none.
fn joined<'t>(texts: impl Iterator<Item = &'t str>) -> Option<String> {
    let mut joined = String::new();
    for text in texts {
        let inner = text.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        joined.push_str(inner.unwrap_or_default());
    }
    (!joined.is_empty()).then(|| format!("\"{joined}\""))
}

fn write_array<T>(out: &mut Vec<u8>, items: &[T], write: impl Fn(&mut Vec<u8>, u64, &T)) {
    out.push(b'[');
    for (at, item) in (0..).zip(items) {
        if at > 0 {
            out.push(b',');
        }
        write(out, at, item);
    }
    out.push(b']');
}
