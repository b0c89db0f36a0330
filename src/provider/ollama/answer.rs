//! What Ollama answers in OpenAI's shapes.
//!
//! # Why `reasoning`
//!
//! OpenAI's chat API has no member for what a model thinks aloud. Ollama's own `/v1`, Groq and
//! OpenRouter all call it `reasoning`, so clients that show thoughts look for it there, and clients
//! that do not know it skip it.

use crate::openai::json::{Writer, spelled, write_list};
use crate::provider::completion::{Called, Ending, Letterhead, write_call, write_choice};
use crate::provider::ollama::line::{Call, Line, Text};
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
    let mut letterhead = Letterhead::new(ask);
    letterhead.sign(None, line.model.and_then(Text::spoken));
    let mut json = Vec::with_capacity(body.len().saturating_add(256));
    let mut object = letterhead.open(&mut json, "chat.completion");
    write_choice(object.name("choices"), line.logprobs(), ending, |choice| {
        let mut message = Writer::new(choice.name("message"));
        message.raw("role", "\"assistant\"");
        write_message(&mut message, &line, &ids(&line, 0, &letterhead));
        message.end();
    });
    if let Some(usage) = usage {
        usage.write(object.name("usage"));
    }
    object.end();
    Ok(Completion {
        json,
        finish: ending.and_then(Ending::finish),
        usage,
    })
}

/// The ids of the calls that `line` holds, JSON texts; `called` calls came before them. Versions before
/// v0.12 give none.
pub(super) fn ids(line: &Line<'_>, called: usize, letterhead: &Letterhead) -> Vec<String> {
    let id = |(at, call): (usize, &Call<'_>)| {
        let own = call.id.and_then(Text::spoken).map(str::to_owned);
        own.unwrap_or_else(|| letterhead.call_id(at))
    };
    (called..).zip(line.calls()).map(id).collect()
}

/// Writes the piece of a message that `line` holds, whose calls have these ids. `called` calls came
/// before them.
pub(super) fn write_delta(delta: &mut Writer<'_>, line: &Line<'_>, ids: &[String], called: usize) {
    match line.content() {
        Some(content) => delta.raw("content", content),
        None if line.speaks() => delta,
        None => delta.raw("content", "\"\""),
    };
    if let Some(thinking) = line.thinking() {
        delta.raw("reasoning", thinking);
    }
    if !line.calls().is_empty() {
        let calls: Vec<_> = (called..).zip(line.calls().iter().zip(ids)).collect();
        write_list(delta.name("tool_calls"), &calls, |object, (at, call)| {
            object.raw("index", &at.to_string());
            write_one(object, *call);
        });
    }
}

fn write_message(message: &mut Writer<'_>, line: &Line<'_>, ids: &[String]) {
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
        let calls: Vec<_> = line.calls().iter().zip(ids).collect();
        write_list(message.name("tool_calls"), &calls, |object, call| {
            write_one(object, *call);
        });
    }
}

/// Writes a tool call into the object that `object` has opened. Ollama gives the arguments as an object,
/// OpenAI as its text.
fn write_one(object: &mut Writer<'_>, (call, id): (&Call<'_>, &String)) {
    let function = &call.function;
    let arguments = function.arguments.map_or("{}", |object| object.get());
    write_call(object, id, &function.name, &spelled(arguments));
}
