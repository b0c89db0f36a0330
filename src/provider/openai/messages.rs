//! Writes the conversation by the company's rules.
//!
//! # What stays as it is written
//!
//! Texts are copied as bytes everywhere. Where a company has rules for calls of tools, conversations
//! with calls are read and written anew: ids and names by its rules, results in the order of their
//! calls, and nothing in a call that it would not know.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::openai::json::{Object, Writer};
use crate::openai::{Message, Role};
use crate::provider::company::{Company, Developer, Kinds, Prefill, ResultName, Signatures};
use crate::provider::openai::content;
use crate::provider::portable::{self, Call, Turn};
use crate::provider::{Ask, Unsupported, UpstreamRequest};

/// What Google documents for calls whose signature is lost, or that another model made
/// (<https://ai.google.dev/gemini-api/docs/thought-signatures>).
const UNSIGNED: &str = r#"{"google":{"thought_signature":"skip_thought_signature_validator"}}"#;

/// Writes the list of messages, and notes what is left out of them.
///
/// # Errors
///
/// [`Unsupported`] for what the company does not take and the conversation needs.
pub(super) fn write(
    out: &mut Vec<u8>,
    ask: &Ask<'_>,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    out.push(b'[');
    if let Some(turns) = turns(ask)? {
        for (at, turn) in turns.iter().enumerate() {
            separate(out, at);
            write_message(out, turn.message, Some(turn), ask, request)?;
        }
    } else {
        for (at, message) in ask.messages.iter().enumerate() {
            separate(out, at);
            write_message(out, message, None, ask, request)?;
        }
    }
    out.push(b']');
    Ok(())
}

fn separate(out: &mut Vec<u8>, at: usize) {
    if at > 0 {
        out.push(b',');
    }
}

/// The conversation with its calls by the company's rules; `None` where there are no calls, or no
/// rules.
fn turns<'a>(ask: &Ask<'a>) -> Result<Option<Vec<Turn<'a>>>, Unsupported> {
    let Some(names) = &ask.company.tool_names else {
        return Ok(None);
    };
    let is_about_calls = |message: &Message<'_>| {
        message.role == Role::Tool || message.fields.raw("tool_calls").is_some()
    };
    if !ask.messages.iter().any(is_about_calls) {
        return Ok(None);
    }
    match portable::turns(ask.messages, &ask.company.call_ids, names) {
        Ok(turns) => Ok(Some(turns)),
        // Calls of other kinds of tools than functions are the company's own affair.
        Err(_) if !takes_functions_only(ask.company) => Ok(None),
        Err(unsupported) => Err(unsupported),
    }
}

/// Whether functions are the only tools that a company takes.
pub(super) fn takes_functions_only(company: &Company) -> bool {
    matches!(company.tools, Kinds::Only(["function"]))
}

fn write_message(
    out: &mut Vec<u8>,
    message: &Message<'_>,
    turn: Option<&Turn<'_>>,
    ask: &Ask<'_>,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let company = ask.company;
    let role = role(message.role, company)?;
    let mut object = Writer::new(out);
    object.raw("role", &format!("\"{}\"", role.as_str()));
    let refusal = write_content(&mut object, message, role, company, request)?;
    let is_prefix = company.prefill == Prefill::Prefix && is_prefill(message, ask.messages);
    for (name, value) in &message.fields.0 {
        let name = name.as_ref();
        match (name, turn) {
            ("tool_calls", _) if is_hollow(value) => {}
            ("tool_calls", Some(turn)) if !turn.calls.is_empty() => {
                write_calls(object.name(name), &turn.calls, ask, request);
            }
            ("tool_call_id", Some(turn)) if turn.answers.is_some() => {
                let id = turn.answers.as_ref().map(|answers| answers.id.as_ref());
                object.text(name, id.unwrap_or_default());
            }
            ("name", Some(turn)) if tool_name(turn, company).is_some() => {}
            // It is the function that the result is of.
            ("name", _) if role == Role::Function => {
                object.raw(name, value.get());
            }
            ("refusal", _) if refusal == Refusal::Written => {}
            ("prefix", _) if is_prefix => {}
            _ if company.message_fields.contains(&name) => {
                object.raw(name, value.get());
            }
            _ => lose(name, value, request)?,
        }
    }
    if let Some(name) = turn.and_then(|turn| tool_name(turn, company)) {
        object.text("name", name);
    }
    if is_prefix {
        object.raw("prefix", "true");
    }
    object.end();
    Ok(())
}

fn role(role: Role, company: &Company) -> Result<Role, Unsupported> {
    match role {
        Role::Developer if company.developer == Developer::System => Ok(Role::System),
        Role::Function if !company.message_fields.contains(&"function_call") => {
            Err(Unsupported("messages.role"))
        }
        Role::Assistant
        | Role::Developer
        | Role::Function
        | Role::System
        | Role::Tool
        | Role::User => Ok(role),
    }
}

/// What became of an assistant's `refusal`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// It is as the company's fields have it.
    AField,
    /// It is written as the content: what the model refused with is what it said.
    Written,
}

fn write_content(
    object: &mut Writer<'_>,
    message: &Message<'_>,
    role: Role,
    company: &Company,
    request: &mut UpstreamRequest,
) -> Result<Refusal, Unsupported> {
    if let Some(content) = &message.content {
        content::write(object.name("content"), content, role, company, request)?;
        return Ok(Refusal::AField);
    }
    let refusal = message.fields.raw("refusal");
    let refusal = refusal.filter(|raw| raw.get().starts_with('"'));
    if let Some(refusal) = refusal.filter(|_| !company.message_fields.contains(&"refusal")) {
        object.raw("content", refusal.get());
        return Ok(Refusal::Written);
    }
    if role == Role::Tool && company.strings.contains(&role) {
        object.raw("content", "\"\"");
    }
    Ok(Refusal::AField)
}

/// Whether `message` is the assistant's and ends the conversation.
fn is_prefill(message: &Message<'_>, all: &[Message<'_>]) -> bool {
    let is_last = all.last().is_some_and(|last| std::ptr::eq(last, message));
    let calls = message.fields.raw("tool_calls");
    is_last && message.role == Role::Assistant && calls.is_none_or(is_hollow)
}

/// The name of the tool that a result is of, where the company wants it told.
fn tool_name<'t>(turn: &'t Turn<'_>, company: &Company) -> Option<&'t str> {
    let answers = turn.answers.as_ref()?;
    let wants_it = match company.result_name {
        ResultName::Calls => true,
        ResultName::Callers => {
            company.message_fields.contains(&"name") && turn.message.fields.raw("name").is_some()
        }
    };
    answers.name.as_deref().filter(|_| wants_it)
}

fn write_calls(
    out: &mut Vec<u8>,
    calls: &[Call<'_>],
    ask: &Ask<'_>,
    request: &mut UpstreamRequest,
) {
    out.push(b'[');
    for (at, call) in calls.iter().enumerate() {
        separate(out, at);
        let mut object = Writer::new(out);
        object.text("id", &call.id).raw("type", "\"function\"");
        let mut function = Writer::new(object.name("function"));
        function
            .text("name", &call.name)
            .text("arguments", &call.arguments);
        function.end();
        match signature(call, at, ask) {
            Some(signature) => {
                object.raw("extra_content", &signature);
            }
            None if call.extra_content.is_some() => {
                request.drop("messages.tool_calls.extra_content");
            }
            None => {}
        }
        object.end();
    }
    out.push(b']');
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

/// Leaves out a message's field that the company does not take.
fn lose(name: &str, value: &RawValue, request: &mut UpstreamRequest) -> Result<(), Unsupported> {
    if is_hollow(value) {
        return Ok(());
    }
    match name {
        "audio" => return Err(Unsupported("messages.audio")),
        "function_call" => return Err(Unsupported("messages.function_call")),
        // What was thought goes back only to who thought it.
        "reasoning" | "reasoning_content" | "reasoning_details" => {
            request.drop("messages.reasoning");
        }
        _ => request.drop(&format!("messages.{name}")),
    }
    Ok(())
}

/// Whether a value says nothing.
fn is_hollow(value: &RawValue) -> bool {
    let text = value.get();
    let inner = text.strip_prefix(['[', '{']).map(str::trim_start);
    matches!(text, "null" | "\"\"") || inner.is_some_and(|inner| inner.starts_with([']', '}']))
}
