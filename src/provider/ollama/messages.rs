//! Writes the conversation as Ollama takes it: text beside images, tool calls with their arguments
//! as objects, tool results with the name of the tool.
//!
//! A string of the caller's that stays a string is copied as its JSON text; pieces of text are
//! joined without taking their escapes apart.
//!
//! # What goes back of what a model thought
//!
//! Plain text (`reasoning`), which some models must be shown again between a tool call and its result,
//! and which has no maker's mark. Text beside `reasoning_details` has one: it is another company's, and
//! stays away with them.

use std::borrow::Cow;

use crate::openai::json::{self, Writer, write_list};
use crate::openai::{Message, Role};
use crate::provider::portable::{self, Call, IdRule, Image, Part, Piece, Turn, base64_of};
use crate::provider::{Unsupported, UpstreamRequest};

/// Between two pieces of text: the end of a line, as it stands in a JSON string.
const BETWEEN: &str = "\\n";

/// Writes the list of messages. What is left out of them is noted in `request`.
pub(super) fn write(
    out: &mut Vec<u8>,
    messages: &[Message<'_>],
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    // Ollama takes any name and any id.
    let turns = portable::turns(messages, &IdRule::ANY, None)?;
    out.push(b'[');
    for (at, turn) in turns.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_message(out, turn, request)?;
    }
    out.push(b']');
    Ok(())
}

fn write_message(
    out: &mut Vec<u8>,
    turn: &Turn<'_>,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let message = turn.message;
    let mut object = Writer::new(out);
    object.text("role", role(message.role)?);
    write_content(&mut object, message, request)?;
    match message.role {
        Role::Assistant => write_turn(&mut object, turn, request)?,
        Role::Tool => write_result(&mut object, turn, request),
        Role::Developer | Role::Function | Role::System | Role::User => {
            portable::note_rest(message, &[], request);
        }
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

fn write_content(
    object: &mut Writer<'_>,
    message: &Message<'_>,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let content = message.content.as_deref();
    let parts = content.map_or(Ok(Vec::new()), portable::parts)?;
    portable::note_marks(&parts, request);
    let mut texts: Vec<&str> = Vec::new();
    let mut images: Vec<&str> = Vec::new();
    for Part { piece, .. } in &parts {
        match piece {
            Piece::Text(text) | Piece::Refusal(text) => texts.extend(json::spoken(text)),
            Piece::Image(image) => images.push(bytes_of(image, request)?),
            Piece::Audio => return Err(Unsupported("messages.content.input_audio")),
            Piece::File(_) => return Err(Unsupported("messages.content.file")),
        }
    }
    // What the model refused with is what it said.
    texts.extend(refusal(message));
    let text = json::joined(texts.into_iter(), BETWEEN);
    object.raw("content", text.as_deref().unwrap_or("\"\""));
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

fn refusal<'a>(message: &Message<'a>) -> Option<&'a str> {
    let is_models = message.role == Role::Assistant;
    message.fields.spoken("refusal").filter(|_| is_models)
}

/// The bytes of an image as base64. Ollama does not fetch images, and looks at all of them alike.
fn bytes_of<'i>(
    image: &'i Image<'_>,
    request: &mut UpstreamRequest,
) -> Result<&'i str, Unsupported> {
    if image.detail.as_deref().is_some_and(|it| it != "auto") {
        request.drop("messages.content.image_url.detail");
    }
    let (_, bytes) = base64_of(&image.url).ok_or(Unsupported("messages.content.image_url"))?;
    Ok(bytes)
}

/// Writes what only an assistant's message has: what it thought, and the tool calls.
fn write_turn(
    object: &mut Writer<'_>,
    turn: &Turn<'_>,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let message = turn.message;
    portable::refuse_foreign(message)?;
    let mut told = vec!["refusal", "tool_calls"];
    if message.fields.objects("reasoning_details").is_empty() {
        let named = |name: &'static str| Some((name, message.fields.spoken(name)?));
        let thought = ["reasoning", "reasoning_content"].map(named);
        if let Some((_, thought)) = thought.into_iter().flatten().next() {
            object.raw("thinking", thought);
            // Whoever says it by both names says it twice.
            told.extend(["reasoning", "reasoning_content"]);
        }
    }
    portable::note_rest(message, &told, request);
    portable::note_signatures(&turn.calls, request);
    for call in &turn.calls {
        call.object()?;
    }
    if !turn.calls.is_empty() {
        let calls: Vec<_> = turn.calls.iter().enumerate().collect();
        write_list(object.name("tool_calls"), &calls, write_call);
    }
    Ok(())
}

fn write_call(object: &mut Writer<'_>, (at, call): &(usize, &Call<'_>)) {
    if !call.id.is_empty() {
        object.text("id", &call.id);
    }
    let mut function = Writer::new(object.name("function"));
    function
        .raw("index", &at.to_string())
        .text("name", &call.name)
        .raw("arguments", &call.arguments);
    function.end();
}

/// Writes what only a tool's message has: which call it answers. Templates name the tool, and only
/// newer versions know calls by their id.
fn write_result(object: &mut Writer<'_>, turn: &Turn<'_>, request: &mut UpstreamRequest) {
    let message = turn.message;
    let (id, called) = turn.answers.as_ref().map_or(("", None), |answers| {
        (answers.id.as_ref(), answers.name.as_deref())
    });
    let told = || message.fields.text("name");
    if let Some(name) = called.map(Cow::Borrowed).or_else(told) {
        object.text("tool_name", &name);
    }
    if !id.is_empty() {
        object.text("tool_call_id", id);
    }
    portable::note_rest(message, &["name", "tool_call_id"], request);
}
