//! Writes the conversation as Ollama takes it: text beside images, tool calls with their arguments
//! as objects, tool results with the name of the tool.
//!
//! A string of the caller's that stays a string is copied as its JSON text; pieces of text are
//! joined without taking their escapes apart.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::openai::json::{self, Object, Writer};
use crate::openai::{Message, Role};
use crate::provider::Unsupported;

/// The tool calls so far: each one's id and the JSON text of the tool's name.
type Calls<'a> = Vec<(Cow<'a, str>, &'a str)>;

/// Writes the list of messages.
pub(super) fn write(out: &mut Vec<u8>, messages: &[Message<'_>]) -> Result<(), Unsupported> {
    let mut calls = Calls::new();
    out.push(b'[');
    for (at, message) in messages.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_message(out, message, &mut calls)?;
    }
    out.push(b']');
    Ok(())
}

fn write_message<'a>(
    out: &mut Vec<u8>,
    message: &'a Message<'a>,
    calls: &mut Calls<'a>,
) -> Result<(), Unsupported> {
    let mut object = Writer::new(out);
    object.text("role", role(message.role)?);
    write_content(&mut object, message)?;
    match message.role {
        Role::Assistant => write_turn(&mut object, &message.fields, calls)?,
        Role::Tool => write_result(&mut object, &message.fields, calls),
        Role::Developer | Role::Function | Role::System | Role::User => {}
    }
    object.end();
    Ok(())
}

/// Ollama takes any word for a role and hands it to the model's template; `developer` is a word
/// that few models know.
fn role(role: Role) -> Result<&'static str, Unsupported> {
    match role {
        Role::Developer => Ok("system"),
        Role::Function => Err(Unsupported("messages.role")),
        Role::Assistant | Role::System | Role::Tool | Role::User => Ok(role.as_str()),
    }
}

fn write_content(object: &mut Writer<'_>, message: &Message<'_>) -> Result<(), Unsupported> {
    match message.content.as_deref().map(RawValue::get) {
        // What the model refused with is what it said.
        None => {
            let refusal = message
                .fields
                .raw("refusal")
                .filter(|raw| raw.get().starts_with('"'));
            object.raw("content", refusal.map_or("\"\"", RawValue::get));
            Ok(())
        }
        Some(text) if text.starts_with('"') => {
            object.raw("content", text);
            Ok(())
        }
        Some(parts) => write_parts(object, parts),
    }
}

/// A piece of a message's content.
#[derive(Deserialize)]
struct Part<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow, default)]
    image_url: Option<&'a RawValue>,
}

fn write_parts(object: &mut Writer<'_>, parts: &str) -> Result<(), Unsupported> {
    let parts: Vec<Part<'_>> =
        serde_json::from_str(parts).map_err(|_| Unsupported("messages.content"))?;
    let mut texts = Vec::new();
    let mut images = Vec::new();
    for part in &parts {
        match part.kind.as_ref() {
            "text" => texts.push(inner(part.text).ok_or(Unsupported("messages.content.text"))?),
            "refusal" => {
                texts.push(inner(part.refusal).ok_or(Unsupported("messages.content.refusal"))?);
            }
            "image_url" => images.push(
                part.image_url
                    .and_then(base64)
                    .ok_or(Unsupported("messages.content.image_url"))?,
            ),
            "input_audio" => return Err(Unsupported("messages.content.input_audio")),
            "file" => return Err(Unsupported("messages.content.file")),
            _ => return Err(Unsupported("messages.content.type")),
        }
    }
    let out = object.name("content");
    out.push(b'"');
    out.extend_from_slice(texts.join("\\n").as_bytes());
    out.push(b'"');
    if !images.is_empty() {
        let out = object.name("images");
        for (at, image) in images.iter().enumerate() {
            out.push(if at == 0 { b'[' } else { b',' });
            json::write_string(out, image);
        }
        out.push(b']');
    }
    Ok(())
}

/// The JSON text of a string, without its quotes.
fn inner(raw: Option<&RawValue>) -> Option<&str> {
    raw?.get().strip_prefix('"')?.strip_suffix('"')
}

/// The bytes of an image as base64, out of `"data:..."` or `{"url":"data:..."}`. Ollama does not
/// fetch images.
fn base64(image: &RawValue) -> Option<Cow<'_, str>> {
    let url = match json::string(image) {
        Some(url) => url,
        None => Object::parse(image.get()).ok()?.text("url")?,
    };
    let starts = bytes_of(&url)?.len();
    Some(match url {
        Cow::Borrowed(url) => Cow::Borrowed(bytes_of(url)?),
        Cow::Owned(mut url) => {
            url.drain(..url.len().saturating_sub(starts));
            Cow::Owned(url)
        }
    })
}

fn bytes_of(url: &str) -> Option<&str> {
    let (kind, bytes) = url.strip_prefix("data:")?.split_once(',')?;
    kind.ends_with(";base64").then_some(bytes)
}

/// A tool call of the conversation so far.
#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(rename = "type", borrow, default)]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: &'a RawValue,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

/// Writes what only an assistant's message has: what it thought, which some models must be shown
/// again between a tool call and its result, and the tool calls.
fn write_turn<'a>(
    object: &mut Writer<'_>,
    fields: &Object<'a>,
    known: &mut Calls<'a>,
) -> Result<(), Unsupported> {
    for (name, path) in [
        ("audio", "messages.audio"),
        ("function_call", "messages.function_call"),
    ] {
        if fields.raw(name).is_some() {
            return Err(Unsupported(path));
        }
    }
    let thought = ["reasoning", "reasoning_content"]
        .into_iter()
        .find_map(|name| fields.raw(name).filter(|raw| raw.get().starts_with('"')));
    if let Some(thought) = thought {
        object.raw("thinking", thought.get());
    }
    let Some(raw) = fields.raw("tool_calls") else {
        return Ok(());
    };
    let calls: Vec<Call<'a>> =
        serde_json::from_str(raw.get()).map_err(|_| Unsupported("messages.tool_calls"))?;
    if calls.is_empty() {
        return Ok(());
    }
    let out = object.name("tool_calls");
    for (at, call) in calls.iter().enumerate() {
        out.push(if at == 0 { b'[' } else { b',' });
        write_call(out, at, call, known)?;
    }
    out.push(b']');
    Ok(())
}

fn write_call<'a>(
    out: &mut Vec<u8>,
    at: usize,
    call: &Call<'a>,
    known: &mut Calls<'a>,
) -> Result<(), Unsupported> {
    if call.kind.is_some_and(|kind| kind.get() != "\"function\"") {
        return Err(Unsupported("messages.tool_calls.type"));
    }
    let Some(called) = &call.function else {
        return Err(Unsupported("messages.tool_calls.function"));
    };
    let arguments = called
        .arguments
        .map_or(Some(Cow::Borrowed("{}")), arguments);
    let arguments = arguments.ok_or(Unsupported("messages.tool_calls.arguments"))?;
    let mut object = Writer::new(out);
    if let Some((raw, id)) = call.id.and_then(|raw| Some((raw, json::string(raw)?))) {
        object.raw("id", raw.get());
        known.push((id, called.name.get()));
    }
    let mut function = Writer::new(object.name("function"));
    function
        .raw("index", &at.to_string())
        .raw("name", called.name.get())
        .raw("arguments", &arguments);
    function.end();
    object.end();
    Ok(())
}

/// The object that a call's arguments spell. A model that calls a tool without arguments may have
/// written nothing.
fn arguments(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = json::string(raw)?;
    if text.trim_ascii().is_empty() {
        return Some(Cow::Borrowed("{}"));
    }
    Object::parse(&text).is_ok().then_some(text)
}

/// Writes what only a tool's message has: which call it answers. Templates name the tool, and only
/// newer versions know calls by their id.
fn write_result(object: &mut Writer<'_>, fields: &Object<'_>, calls: &Calls<'_>) {
    let id = fields.raw("tool_call_id");
    let told = fields.raw("name").filter(|raw| raw.get().starts_with('"'));
    let called = id.and_then(json::string).and_then(|id| {
        let (_, name) = calls.iter().rev().find(|(known, _)| *known == id)?;
        Some(*name)
    });
    if let Some(name) = called.or(told.map(RawValue::get)) {
        object.raw("tool_name", name);
    }
    if let Some(id) = id.filter(|raw| raw.get().starts_with('"')) {
        object.raw("tool_call_id", id.get());
    }
}
