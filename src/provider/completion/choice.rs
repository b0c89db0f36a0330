//! The one choice of an answer, and the calls in it.

use serde_json::value::RawValue;

use crate::openai::json::{Object, Writer, write_list};
use crate::provider::completion::Ending;

/// Writes the one choice of an answer, as a list. `write_said` adds its message or delta; `tokens` are as
/// OpenAI tells how likely they were.
pub fn write_choice(
    out: &mut Vec<u8>,
    tokens: &[Object<'_>],
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
        write_list(logprobs.name("content"), tokens, |object, token| {
            write_token(object, token);
            let top = token.objects("top_logprobs");
            write_list(object.name("top_logprobs"), &top, write_token);
        });
        logprobs.raw("refusal", "null");
        logprobs.end();
    }
    match ending {
        Some(Ending::Known(finish)) => choice.text("finish_reason", finish.as_str()),
        Some(Ending::Other(word)) => choice.raw("finish_reason", word),
        None => choice.raw("finish_reason", "null"),
    };
    choice.end();
    out.push(b']');
}

fn write_token(object: &mut Writer<'_>, token: &Object<'_>) {
    for (name, untold) in [("token", "\"\""), ("logprob", "null"), ("bytes", "null")] {
        object.raw(name, token.raw(name).map_or(untold, RawValue::get));
    }
}

/// Writes what a call is into the object that `call` has opened. `id` and `arguments` are JSON texts.
pub fn write_call(call: &mut Writer<'_>, id: &str, name: &str, arguments: &str) {
    call.raw("id", id).raw("type", "\"function\"");
    let mut function = Writer::new(call.name("function"));
    function.text("name", name).raw("arguments", arguments);
    function.end();
}

/// Writes the list of the one call that a delta begins; `number` is its place among the calls, and `id` and
/// `arguments` are JSON texts.
pub fn write_beginning(
    delta: &mut Writer<'_>,
    number: usize,
    id: &str,
    name: &str,
    arguments: &str,
) {
    write_one(delta, number, |call| write_call(call, id, name, arguments));
}

/// Writes the list of the one call that a delta tells more arguments of, which are a JSON text.
pub fn write_arguments(delta: &mut Writer<'_>, number: usize, arguments: &str) {
    write_one(delta, number, |call| {
        let mut function = Writer::new(call.name("function"));
        function.raw("arguments", arguments);
        function.end();
    });
}

fn write_one(delta: &mut Writer<'_>, number: usize, write: impl FnOnce(&mut Writer<'_>)) {
    let list = delta.name("tool_calls");
    list.push(b'[');
    let mut call = Writer::new(list);
    call.raw("index", &number.to_string());
    write(&mut call);
    call.end();
    list.push(b']');
}
