//! Writes the tool calls of the conversation by the company's rules, and nothing that SDKs or other
//! companies put into them.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::openai::json::{self, Object, Writer};
use crate::openai::{Message, Role};
use crate::provider::company::Signatures;
use crate::provider::openai::messages::is_hollow;
use crate::provider::portable::{self, Call, Callee, Turn};
use crate::provider::{Ask, Unsupported, UpstreamRequest};

/// What Google documents for calls whose signature is lost, or that another model made
/// (<https://ai.google.dev/gemini-api/docs/thought-signatures>).
const UNSIGNED: &str = r#"{"google":{"thought_signature":"skip_thought_signature_validator"}}"#;

const EXTRA: &str = "extra_content";

/// The conversation with its calls read, by the company's rules where it has any.
///
/// # Errors
///
/// [`Unsupported`], with the path of what is no call.
pub(super) fn turns<'a>(ask: &Ask<'a>) -> Result<Vec<Turn<'a>>, Unsupported> {
    let is_about_calls = |message: &Message<'_>| {
        message.role == Role::Tool || message.fields.raw("tool_calls").is_some()
    };
    let plain = |message: &'a Message<'a>| Turn {
        message,
        calls: Vec::new(),
        answers: None,
    };
    if !ask.messages.iter().any(is_about_calls) {
        return Ok(ask.messages.iter().map(plain).collect());
    }
    if let Some(names) = &ask.company.tool_names {
        return portable::turns(ask.messages, &ask.company.call_ids, names);
    }
    let read = |message: &'a Message<'a>| {
        let calls = match message.role {
            Role::Assistant => as_the_callers(message)?,
            Role::Developer | Role::Function | Role::System | Role::Tool | Role::User => Vec::new(),
        };
        let turn = plain(message);
        Ok(Turn { calls, ..turn })
    };
    ask.messages.iter().map(read).collect()
}

/// The calls of a message, for a server without rules. What cannot be read is sent as it is, since such
/// a server may take what OpenAI would not; but never another company's signature.
fn as_the_callers<'a>(message: &Message<'a>) -> Result<Vec<Call<'a>>, Unsupported> {
    let raw = message.fields.raw("tool_calls").map(RawValue::get);
    match portable::calls(message) {
        Err(_) if raw.is_some_and(|raw| !raw.contains(EXTRA)) => Ok(Vec::new()),
        read => read,
    }
}

/// Writes the calls of one message, and notes what is left out of them.
///
/// # Errors
///
/// [`Unsupported`] for calls of a kind of tool that the company does not have.
pub(super) fn write(
    out: &mut Vec<u8>,
    calls: &[Call<'_>],
    ask: &Ask<'_>,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    out.push(b'[');
    for (at, call) in calls.iter().enumerate() {
        json::separate(out, at);
        let mut object = Writer::new(out);
        if !call.id.is_empty() {
            object.text("id", &call.id);
        }
        match call.callee {
            Callee::Function => write_function(&mut object, call, request),
            Callee::Other => write_other(&mut object, call, ask, request)?,
        }
        match signature(call, at, ask) {
            Some(signature) => {
                object.raw(EXTRA, &signature);
            }
            None if call.extra_content.is_some() => {
                request.drop("messages.tool_calls.extra_content");
            }
            None => {}
        }
        object.end();
    }
    out.push(b']');
    Ok(())
}

fn write_function(object: &mut Writer<'_>, call: &Call<'_>, request: &mut UpstreamRequest) {
    object.raw("type", "\"function\"");
    let mut function = Writer::new(object.name("function"));
    function
        .text("name", &call.name)
        .text("arguments", &call.arguments);
    function.end();
    note(&call.written, "function", request);
    for (name, value) in &call.function.0 {
        // What OpenAI's helpers read of the arguments says nothing more than these.
        let is_said = matches!(name.as_ref(), "arguments" | "name" | "parsed_arguments");
        if !is_said && !is_hollow(value) {
            request.drop(&format!("messages.tool_calls.function.{name}"));
        }
    }
}

/// Writes a call of another kind of tool: the member of its kind's name, as it is.
fn write_other(
    object: &mut Writer<'_>,
    call: &Call<'_>,
    ask: &Ask<'_>,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let kind = call.written.text("type").unwrap_or_default();
    if !ask.company.tools.take(&kind) {
        return Err(Unsupported("messages.tool_calls.type"));
    }
    object.text("type", &kind);
    if let Some(inner) = call.written.raw(&kind) {
        object.raw(&kind, inner.get());
    }
    note(&call.written, &kind, request);
    Ok(())
}

/// Notes the members of a call that are not sent. Its `index` says where it stands, as it does anyway.
fn note(written: &Object<'_>, kind: &str, request: &mut UpstreamRequest) {
    for (name, value) in &written.0 {
        let name = name.as_ref();
        let is_said = name == kind || matches!(name, EXTRA | "id" | "index" | "type");
        if !is_said && !is_hollow(value) {
            request.drop(&format!("messages.tool_calls.{name}"));
        }
    }
}

/// What a call is signed with. Of calls that were made at once, only the first one is.
fn signature<'c>(call: &Call<'c>, at: usize, ask: &Ask<'_>) -> Option<Cow<'c, str>> {
    let Signatures::Google(unsigned) = ask.company.signatures else {
        return None;
    };
    let told = call.extra_content.filter(|raw| is_signed(raw));
    if let Some(told) = told {
        return Some(Cow::Borrowed(told.get()));
    }
    let model = ask.model.rsplit('/').next().unwrap_or(ask.model);
    let is_asked_for = !unsigned.iter().any(|family| model.starts_with(family));
    (at == 0 && is_asked_for).then_some(Cow::Borrowed(UNSIGNED))
}

fn is_signed(extra_content: &RawValue) -> bool {
    let google = Object::parse(extra_content.get())
        .ok()
        .and_then(|it| it.object("google"));
    let signature = google.and_then(|google| google.text("thought_signature"));
    signature.is_some_and(|signature| !signature.is_empty())
}
