//! What Ollama answers in OpenAI's shapes: the completion, and what it shares with chunks.
//!
//! # Why `reasoning`
//!
//! OpenAI's chat API has no member for what a model thinks aloud. Ollama's own `/v1`, Groq and
//! OpenRouter all call it `reasoning`, so clients that show thoughts look for it there, and clients
//! that do not know it skip it.

use crate::openai::Finish;
use crate::openai::json::Writer;
use crate::provider::ollama::line::{Call, Called, Ending, Line, Text, TokenLogprob};
use crate::provider::{Completion, Fault, Reading};
use crate::reason::Reason;

/// Reads a whole answer into OpenAI's completion object.
pub(super) fn completion(body: &[u8], ask: &Reading<'_>) -> Result<Completion, Fault> {
    if body.trim_ascii().is_empty() {
        return Err(Fault::known(Reason::Empty));
    }
    let line = Line::parse(body, ask.origin)?;
    if !line.is_done() {
        return Err(Fault::known(Reason::EndedWithoutDone));
    }
    if !line.speaks() && !line.counts() {
        return Err(Fault::known(Reason::Empty));
    }
    let ending = line.ending(Called::after(line.calls().len()));
    let usage = line.usage();
    let letterhead = Letterhead::new(ask);
    let mut json = Vec::with_capacity(body.len().saturating_add(256));
    let mut object = letterhead.open(&mut json, "chat.completion", &line);
    write_choice(
        object.name("choices"),
        line.logprobs(),
        Some(ending),
        |choice| {
            let mut message = Writer::new(choice.name("message"));
            message.raw("role", "\"assistant\"");
            letterhead.write_message(&mut message, &line);
            message.end();
        },
    );
    if let Some(usage) = usage {
        usage.write(object.name("usage"));
    }
    object.end();
    Ok(Completion {
        json,
        finish: finish(ending),
        usage,
    })
}

/// The finish reason, where OpenAI has a word for it.
pub(super) fn finish(ending: Ending<'_>) -> Option<Finish> {
    match ending {
        Ending::Known(finish) => Some(finish),
        Ending::Other(_) | Ending::Untold => None,
    }
}

/// What the objects of one answer say alike.
#[derive(Debug)]
pub(super) struct Letterhead {
    request_id: String,
    created: u64,
    model: String,
}

impl Letterhead {
    pub(super) fn new(ask: &Reading<'_>) -> Self {
        Self {
            request_id: ask.request_id.to_owned(),
            created: ask.created,
            model: ask.model.to_owned(),
        }
    }

    /// Opens an object of the answer.
    pub(super) fn open<'b>(
        &self,
        out: &'b mut Vec<u8>,
        object: &str,
        line: &Line<'_>,
    ) -> Writer<'b> {
        let mut writer = Writer::new(out);
        writer
            .text("id", &format!("chatcmpl-{}", self.request_id))
            .text("object", object)
            .number("created", self.created);
        match line.model.and_then(Text::spoken) {
            Some(model) => writer.raw("model", model),
            None => writer.text("model", &self.model),
        };
        writer
    }

    /// Writes the piece of a message that `line` holds. `called` tool calls came before it.
    pub(super) fn write_delta(&self, delta: &mut Writer<'_>, line: &Line<'_>, called: usize) {
        match line.content() {
            Some(content) => delta.raw("content", content),
            None if line.speaks() => delta,
            None => delta.raw("content", "\"\""),
        };
        if let Some(thinking) = line.thinking() {
            delta.raw("reasoning", thinking);
        }
        if !line.calls().is_empty() {
            let calls = (called..).zip(line.calls());
            write_array(delta.name("tool_calls"), calls, |out, (at, call)| {
                let mut object = Writer::new(out);
                object.raw("index", &at.to_string());
                self.write_call(object, at, call);
            });
        }
    }

    fn write_message(&self, message: &mut Writer<'_>, line: &Line<'_>) {
        let silent = if line.calls().is_empty() {
            "\"\""
        } else {
            "null"
        };
        message
            .raw("content", line.content().unwrap_or(silent))
            .raw("refusal", "null");
        if let Some(thinking) = line.thinking() {
            message.raw("reasoning", thinking);
        }
        if !line.calls().is_empty() {
            let calls = line.calls().iter().enumerate();
            write_array(message.name("tool_calls"), calls, |out, (at, call)| {
                self.write_call(Writer::new(out), at, call);
            });
        }
    }

    /// Writes a tool call into the object that `object` has opened.
    ///
    /// Ollama gives the arguments as an object, OpenAI as its text. Versions before v0.12 give no
    /// id, and a tool's result needs one to name its call by.
    fn write_call(&self, mut object: Writer<'_>, at: usize, call: &Call<'_>) {
        match call.id.and_then(Text::spoken) {
            Some(id) => object.raw("id", id),
            None => object.text("id", &format!("call_{}_{at}", self.request_id)),
        };
        object.raw("type", "\"function\"");
        let mut function = Writer::new(object.name("function"));
        function.raw("name", call.function.name.json()).text(
            "arguments",
            call.function.arguments.map_or("{}", |object| object.get()),
        );
        function.end();
        object.end();
    }
}

/// Writes the one choice of an answer, as a list. `write_said` adds its message or delta.
pub(super) fn write_choice(
    out: &mut Vec<u8>,
    tokens: &[TokenLogprob<'_>],
    ending: Option<Ending<'_>>,
    write_said: impl FnOnce(&mut Writer<'_>),
) {
    out.push(b'[');
    let mut choice = Writer::new(out);
    choice.number("index", 0);
    write_said(&mut choice);
    if tokens.is_empty() {
        choice.raw("logprobs", "null");
    } else {
        let mut logprobs = Writer::new(choice.name("logprobs"));
        write_array(logprobs.name("content"), tokens, write_token);
        logprobs.raw("refusal", "null");
        logprobs.end();
    }
    match ending {
        Some(Ending::Known(finish)) => choice.text("finish_reason", finish.as_str()),
        Some(Ending::Other(word)) => choice.raw("finish_reason", word),
        Some(Ending::Untold) | None => choice.raw("finish_reason", "null"),
    };
    choice.end();
    out.push(b']');
}

fn write_token(out: &mut Vec<u8>, token: &TokenLogprob<'_>) {
    let top = token.top_logprobs.as_deref().unwrap_or_default();
    let mut object = open_token(out, token);
    write_array(object.name("top_logprobs"), top, |out, token| {
        open_token(out, token).end();
    });
    object.end();
}

fn open_token<'b>(out: &'b mut Vec<u8>, token: &TokenLogprob<'_>) -> Writer<'b> {
    let mut object = Writer::new(out);
    object
        .raw("token", token.token.json())
        .raw("logprob", token.logprob.get())
        .raw("bytes", token.bytes.map_or("null", |bytes| bytes.get()));
    object
}

fn write_array<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}
