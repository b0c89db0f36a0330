//! Writes the conversation by the company's rules.
//!
//! # What stays as it is written
//!
//! Texts are copied as bytes everywhere. Calls of tools are read and written anew: nothing is in a call
//! that a company would not know, and where it has rules, ids and names are by them and results in the
//! order of their calls.

use serde_json::value::RawValue;

use crate::openai::Role;
use crate::openai::json::{self, Object, Writer};
use crate::provider::company::{Company, Developer, Prefill, ResultName};
use crate::provider::openai::order::{Placed, is_sent, placed};
use crate::provider::openai::{calls, content};
use crate::provider::portable::{TOLD_HERE, Turn};
use crate::provider::{Ask, Unsupported, UpstreamRequest};

/// The list of what was signed or sealed of a model's thoughts, in OpenRouter's form.
const DETAILS: &str = "reasoning_details";

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
    let turns = calls::turns(ask)?;
    let is_sent = |turn: &&Turn<'_>| is_sent(turn, ask.company);
    let (said, unsaid): (Vec<_>, Vec<_>) = turns.iter().partition(is_sent);
    for turn in unsaid {
        // What else it has is named.
        write_message(&mut Vec::new(), turn, Told::Amid, ask, request)?;
    }
    let placed = placed(&said, ask);
    out.push(b'[');
    for (at, one) in placed.iter().enumerate() {
        json::separate(out, at);
        let is_last = placed.len() == at.saturating_add(1);
        match one {
            Placed::Ours(words) => {
                let mut object = Writer::new(out);
                object.raw("role", "\"user\"").text("content", words);
                object.end();
            }
            Placed::Said(turn) if is_last => write_message(out, turn, Told::Last, ask, request)?,
            Placed::Said(turn) => write_message(out, turn, Told::Amid, ask, request)?,
            Placed::Users(turn) => write_message(out, turn, Told::AsUsers, ask, request)?,
        }
    }
    out.push(b']');
    Ok(())
}

/// Writes what stands between the entries of a list, before the one at this place.
/// How a message is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// As its speaker's, with others after it.
    Amid,
    /// As the user's text.
    AsUsers,
    /// As its speaker's, with nothing after it.
    Last,
}

fn write_message(
    out: &mut Vec<u8>,
    turn: &Turn<'_>,
    told: Told,
    ask: &Ask<'_>,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let company = ask.company;
    let role = match told {
        Told::Amid | Told::Last => role(turn.message.role, company)?,
        Told::AsUsers => Role::User,
    };
    let mut object = Writer::new(out);
    object.raw("role", &format!("\"{}\"", role.as_str()));
    let refusal = write_content(&mut object, turn, role, told, company, request)?;
    let is_prefix =
        company.prefill == Prefill::Prefix && told == Told::Last && is_prefill(turn, role);
    for (name, value) in &turn.message.fields.0 {
        let name = name.as_ref();
        match name {
            "tool_calls" if is_hollow(value) => {}
            "tool_calls" if !turn.calls.is_empty() => {
                calls::write(object.name(name), &turn.calls, ask, request)?;
            }
            "tool_calls" if role != Role::Assistant => lose(name, value, request)?,
            "tool_call_id" if turn.answers.is_some() => {
                let id = turn.answers.as_ref().map(|answers| answers.id.as_ref());
                object.text(name, id.unwrap_or_default());
            }
            "name" if tool_name(turn, company).is_some() => {}
            // It is the function that the result is of.
            "name" if role == Role::Function => {
                object.raw(name, value.get());
            }
            "name" if role == Role::Tool && company.result_name == ResultName::Untold => {
                lose(name, value, request)?;
            }
            "refusal" if refusal == Refusal::Written => {}
            "prefix" if is_prefix => {}
            DETAILS if company.message_fields.contains(&name) => {
                write_details(&mut object, value, request);
            }
            _ if company.message_fields.contains(&name) => {
                object.raw(name, value.get());
            }
            _ => lose(name, value, request)?,
        }
    }
    if let Some(name) = tool_name(turn, company) {
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
    turn: &Turn<'_>,
    role: Role,
    told: Told,
    company: &Company,
    request: &mut UpstreamRequest,
) -> Result<Refusal, Unsupported> {
    let message = turn.message;
    if let Some(content) = &message.content {
        let out = object.name("content");
        match told {
            Told::AsUsers => content::write_marked(out, content, request)?,
            Told::Amid | Told::Last => content::write(out, content, role, company, request)?,
        }
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

/// Whether a message that ends the conversation is the beginning of the answer.
fn is_prefill(turn: &Turn<'_>, role: Role) -> bool {
    role == Role::Assistant && turn.calls.is_empty()
}

/// The name of the tool that a result is of, where the company wants it told.
fn tool_name<'t>(turn: &'t Turn<'_>, company: &Company) -> Option<&'t str> {
    let answers = turn.answers.as_ref()?;
    let wants_it = match company.result_name {
        ResultName::Calls => true,
        ResultName::Callers => {
            company.message_fields.contains(&"name") && turn.message.fields.raw("name").is_some()
        }
        ResultName::Untold => false,
    };
    answers.name.as_deref().filter(|_| wants_it)
}

/// Writes what the company itself signed or sealed, as the caller brings it back. What another company
/// did, and the gateway told, is not its own.
fn write_details(object: &mut Writer<'_>, value: &RawValue, request: &mut UpstreamRequest) {
    let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
        object.raw(DETAILS, value.get());
        return;
    };
    let is_others = |entry: &&RawValue| {
        let entry = Object::parse(entry.get()).unwrap_or_default();
        let format = entry.text("format");
        format.is_some_and(|format| format.starts_with(TOLD_HERE))
    };
    let (others, its): (Vec<&RawValue>, Vec<&RawValue>) = entries.into_iter().partition(is_others);
    if !others.is_empty() {
        request.drop("messages.reasoning");
    }
    if !its.is_empty() {
        let its: Vec<&str> = its.into_iter().map(RawValue::get).collect();
        object.raw(DETAILS, &format!("[{}]", its.join(",")));
    }
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
pub(super) fn is_hollow(value: &RawValue) -> bool {
    let text = value.get();
    let inner = text.strip_prefix(['[', '{']).map(str::trim_start);
    matches!(text, "null" | "\"\"") || inner.is_some_and(|inner| inner.starts_with([']', '}']))
}
