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
use crate::openai::json::{Writer, joined, spelled, write_list};
use crate::provider::anthropic::event::{Block, Message, Unreadable, ending};
use crate::provider::anthropic::{FORMAT, fault};
use crate::provider::completion::{Letterhead, write_call, write_choice};
use crate::provider::{Completion, Fault, Reading};
use crate::reason::Reason;

/// Reads a whole answer into OpenAI's completion object.
pub(super) fn completion(body: &[u8], ask: &Reading<'_>) -> Result<Completion, Fault> {
    let text = std::str::from_utf8(body).map_err(|_| Fault::known(Reason::NotAnApi))?;
    let message = match Message::parse(text) {
        Ok(message) if message.speaks() || message.stopped.reason.is_some() => message,
        Ok(_) | Err(Unreadable) => return Err(not_an_answer(body)),
    };
    let reason = message.stopped.reason;
    let ending = ending(reason.ok_or_else(|| Fault::known(Reason::StreamCut))?);
    let finish = ending.finish();
    let usage = message.tokens.usage();
    let wrote = usage.is_some_and(|usage| usage.completion_tokens > 0);
    if !message.speaks() && !wrote && matches!(finish, Some(Finish::Stop) | None) {
        return Err(Fault::known(Reason::Empty));
    }
    let mut letterhead = Letterhead::new(ask);
    letterhead.sign(message.id, message.model);
    let mut json = Vec::with_capacity(body.len().saturating_add(256));
    let mut object = letterhead.open(&mut json, "chat.completion");
    write_choice(object.name("choices"), &[], Some(ending), |choice| {
        let mut said = Writer::new(choice.name("message"));
        said.raw("role", "\"assistant\"");
        write_message(&mut said, &message, &letterhead, ask);
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
pub(super) fn write_thoughts(entry: &mut Writer<'_>, index: usize, thoughts: Thoughts<'_>) {
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
    entry
        .text("format", FORMAT)
        .raw("index", &index.to_string());
}

fn write_message(
    said: &mut Writer<'_>,
    message: &Message<'_>,
    letterhead: &Letterhead,
    ask: &Reading<'_>,
) {
    let blocks = &message.blocks;
    let refusal = message.stopped.explanation;
    let texts = blocks.iter().filter_map(|block| match block {
        Block::Text(text) => *text,
        Block::Call { .. } | Block::Other | Block::Redacted(_) | Block::Thinking { .. } => None,
    });
    let text = joined(texts, "");
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
    let aloud = thoughts.iter().filter_map(|thoughts| match thoughts {
        Thoughts::Open { text, .. } => *text,
        Thoughts::Sealed(_) => None,
    });
    if let Some(reasoning) = joined(aloud, "") {
        said.raw("reasoning", &reasoning);
    }
    if !thoughts.is_empty() {
        let numbered: Vec<_> = thoughts.into_iter().enumerate().collect();
        write_list(
            said.name("reasoning_details"),
            &numbered,
            |entry, (at, it)| {
                write_thoughts(entry, *at, *it);
            },
        );
    }
    if calls {
        let calls: Vec<_> = blocks.iter().filter_map(call_of).enumerate().collect();
        write_list(
            said.name("tool_calls"),
            &calls,
            |call, (at, (id, name, input))| {
                let id = id.map_or_else(|| letterhead.call_id(*at), str::to_owned);
                write_call(call, &id, ask.names.callers(name), &spelled(input));
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
