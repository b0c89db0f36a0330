//! Writes the conversation as items: messages, calls, their outputs, and what the model thought.
//!
//! # Why no `instructions`
//!
//! What the system says stays an item in its place, in its own role. The beginning of the request is then
//! the same from turn to turn, which is what OpenAI's prompt cache looks at; instructions in the middle of
//! a conversation need no other form; and JSON mode finds the word "json" where it looks for it, in the
//! input.

use serde_json::value::RawValue;

use crate::openai::json::{Writer, write_list};
use crate::openai::{Message, Role};
use crate::provider::company::Developer;
use crate::provider::portable::{self, Alphabet, Call, File, IdRule, Image, Piece, Turn};
use crate::provider::responses::NAMES;
use crate::provider::responses::detail::Thoughts;
use crate::provider::{Ask, Unsupported, UpstreamRequest};

/// What a call's id may look like.
const IDS: IdRule = IdRule {
    alphabet: Alphabet::Words,
    shortest: 1,
    longest: 64,
};

/// Writes the list of items. What is left out of a message is noted in `request`.
pub(super) fn write(
    out: &mut Vec<u8>,
    ask: &Ask<'_>,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let turns = portable::turns(ask.messages, &IDS, &NAMES)?;
    let mut items = Items {
        out,
        separator: b'[',
    };
    for turn in &turns {
        let message = turn.message;
        let role = match (message.role, ask.company.developer) {
            (Role::Developer, Developer::System) => Role::System,
            (role, Developer::Kept | Developer::System) => role,
        };
        match (role, &turn.answers) {
            (Role::Assistant, _) => write_turn(&mut items, turn, request)?,
            (Role::Tool, Some(answers)) => write_output(&mut items, message, &answers.id, request)?,
            (Role::Function | Role::Tool, _) => return Err(Unsupported("messages.role")),
            (Role::Developer | Role::System | Role::User, _) => {
                write_message(&mut items, role, message, request)?;
            }
        }
    }
    items.end();
    Ok(())
}

/// A list of items that is being written.
struct Items<'b> {
    out: &'b mut Vec<u8>,
    separator: u8,
}

impl Items<'_> {
    /// Opens an item.
    fn open(&mut self, kind: &str) -> Writer<'_> {
        self.out.push(self.separator);
        self.separator = b',';
        let mut object = Writer::new(self.out);
        object.text("type", kind);
        object
    }

    fn end(self) {
        if self.separator == b'[' {
            self.out.push(b'[');
        }
        self.out.push(b']');
    }
}

fn write_message(
    items: &mut Items<'_>,
    role: Role,
    message: &Message<'_>,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let mut item = items.open("message");
    item.text("role", role.as_str());
    write_content(item.name("content"), message.content.as_deref(), request)?;
    item.end();
    portable::note_rest(message, &[], request);
    Ok(())
}

/// Writes a content: a string as it is, or the list of its pieces.
fn write_content(
    out: &mut Vec<u8>,
    content: Option<&RawValue>,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let Some(content) = content.filter(|content| !content.get().starts_with('"')) else {
        let text = content.map_or("\"\"", RawValue::get);
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    };
    let mut separator = b'[';
    let parts = portable::parts(content)?;
    portable::note_marks(&parts, request);
    for part in &parts {
        out.push(separator);
        separator = b',';
        write_part(out, &part.piece)?;
    }
    if separator == b'[' {
        out.push(b'[');
    }
    out.push(b']');
    Ok(())
}

fn write_part(out: &mut Vec<u8>, piece: &Piece<'_>) -> Result<(), Unsupported> {
    let mut object = Writer::new(out);
    match piece {
        Piece::Text(text) => {
            object.raw("type", "\"input_text\"").raw("text", text.get());
        }
        Piece::Image(image) => write_image(&mut object, image),
        Piece::File(file) => write_file(&mut object, file)?,
        Piece::Audio => return Err(Unsupported("messages.content.input_audio")),
        Piece::Refusal(_) => return Err(Unsupported("messages.content.refusal")),
    }
    object.end();
    Ok(())
}

fn write_image(object: &mut Writer<'_>, image: &Image<'_>) {
    object
        .raw("type", "\"input_image\"")
        .text("image_url", &image.url)
        .text("detail", image.detail.as_deref().unwrap_or("auto"));
}

fn write_file(object: &mut Writer<'_>, file: &File<'_>) -> Result<(), Unsupported> {
    if file.data.is_none() && file.id.is_none() {
        return Err(Unsupported("messages.content.file"));
    }
    object.raw("type", "\"input_file\"");
    for (name, value) in [
        ("filename", &file.name),
        ("file_data", &file.data),
        ("file_id", &file.id),
    ] {
        if let Some(value) = value {
            object.text(name, value);
        }
    }
    Ok(())
}

/// Writes what the model said and did in one turn: what it thought first, for that must be followed by
/// what came of it.
fn write_turn(
    items: &mut Items<'_>,
    turn: &Turn<'_>,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    portable::refuse_foreign(turn.message)?;
    let said = said(turn, request)?;
    let thoughts = Thoughts::of(turn.message);
    portable::note_rest(turn.message, thoughts.told(), request);
    for thought in &thoughts.sealed {
        let mut item = items.open("reasoning");
        thought.write(&mut item);
        item.end();
    }
    if !said.is_empty() || turn.calls.is_empty() {
        write_said(items, &said);
    }
    portable::note_signatures(&turn.calls, request);
    for call in &turn.calls {
        write_call(items, call)?;
    }
    Ok(())
}

/// A piece of what the model said, as the JSON text of a string.
enum Said<'a> {
    Refusal(&'a str),
    Text(&'a str),
}

fn said<'a>(turn: &Turn<'a>, request: &mut UpstreamRequest) -> Result<Vec<Said<'a>>, Unsupported> {
    let message = turn.message;
    let content = message.content.as_deref();
    let parts = content.map_or(Ok(Vec::new()), portable::parts)?;
    portable::note_marks(&parts, request);
    let mut said = Vec::with_capacity(parts.len());
    for part in parts {
        match part.piece {
            Piece::Text(text) if text.get() == "\"\"" => {}
            Piece::Text(text) => said.push(Said::Text(text.get())),
            Piece::Refusal(text) => said.push(Said::Refusal(text.get())),
            Piece::Audio => return Err(Unsupported("messages.content.input_audio")),
            Piece::File(_) => return Err(Unsupported("messages.content.file")),
            Piece::Image(_) => return Err(Unsupported("messages.content.image_url")),
        }
    }
    said.extend(message.fields.spoken("refusal").map(Said::Refusal));
    Ok(said)
}

fn write_said(items: &mut Items<'_>, said: &[Said<'_>]) {
    let silence = [Said::Text("\"\"")];
    let said = if said.is_empty() { &silence } else { said };
    let mut item = items.open("message");
    item.raw("role", "\"assistant\"");
    write_list(item.name("content"), said, |part, piece| match piece {
        Said::Text(text) => {
            part.raw("type", "\"output_text\"")
                .raw("text", text)
                .raw("annotations", "[]");
        }
        Said::Refusal(text) => {
            part.raw("type", "\"refusal\"").raw("refusal", text);
        }
    });
    item.end();
}

fn write_call(items: &mut Items<'_>, call: &Call<'_>) -> Result<(), Unsupported> {
    let mut item = items.open("function_call");
    item.text("call_id", &call.id)
        .text("name", &call.name)
        .text("arguments", call.text()?);
    item.end();
    Ok(())
}

fn write_output(
    items: &mut Items<'_>,
    message: &Message<'_>,
    call_id: &str,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let mut item = items.open("function_call_output");
    item.text("call_id", call_id);
    write_content(item.name("output"), message.content.as_deref(), request)?;
    item.end();
    // The call says the tool's name.
    portable::note_rest(message, &["name", "tool_call_id"], request);
    Ok(())
}
