//! Writes a message's content: a string as it is, a list of parts as far as the company takes them.

use serde_json::value::RawValue;

use crate::openai::Role;
use crate::openai::json::{self, Object, Writer, write_list};
use crate::provider::company::{CacheControl, Company, Kinds, Sound};
use crate::provider::portable;
use crate::provider::{Unsupported, UpstreamRequest};

const CACHE_CONTROL: &str = "cache_control";

/// Writes a content, and notes what is left out of it.
///
/// # Errors
///
/// [`Unsupported`], with the path of a part that the company does not take.
pub(super) fn write(
    out: &mut Vec<u8>,
    content: &RawValue,
    role: Role,
    company: &Company,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let text = content.get();
    let is_list = !text.starts_with('"');
    let is_string = company.strings.contains(&role);
    let says_cache = || company.cache_control == CacheControl::Left && text.contains(CACHE_CONTROL);
    let is_any = matches!(company.parts, Kinds::Any) && !is_string;
    if !is_list || (is_any && !says_cache()) {
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    let parts: Vec<Object<'_>> =
        serde_json::from_str(text).map_err(|_| Unsupported("messages.content"))?;
    if is_string {
        return write_text(out, &parts, request);
    }
    for part in &parts {
        check(part, company)?;
        note(part, company, request);
    }
    write_list(out, &parts, |object, part| {
        write_part(object, part, company);
    });
    Ok(())
}

/// Writes the text of an instruction of the system's as one of the user's, and notes what is left out of
/// it.
///
/// # Errors
///
/// [`Unsupported`], with the path of a part that is no text.
pub(super) fn write_marked(
    out: &mut Vec<u8>,
    content: &RawValue,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let mut text = Vec::new();
    if content.get().starts_with('"') {
        text.extend_from_slice(content.get().as_bytes());
    } else {
        let parts: Vec<Object<'_>> =
            serde_json::from_str(content.get()).map_err(|_| Unsupported("messages.content"))?;
        write_text(&mut text, &parts, request)?;
    }
    let text = String::from_utf8_lossy(&text);
    let marked = portable::marked(json::inside(&text).unwrap_or_default());
    out.extend_from_slice(format!("\"{marked}\"").as_bytes());
    Ok(())
}

/// Writes the texts of a content as one.
fn write_text(
    out: &mut Vec<u8>,
    parts: &[Object<'_>],
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let mut texts = Vec::with_capacity(parts.len());
    for part in parts {
        let kind = kind(part)?;
        if !matches!(kind.as_str(), "refusal" | "text") {
            return Err(unsupported(&kind));
        }
        let text = part.raw(&kind).map(RawValue::get);
        let inner = text.and_then(json::inside);
        texts.push(inner.ok_or(Unsupported("messages.content.text"))?);
        note_members(part, &kind, CacheControl::Left, request);
    }
    out.push(b'"');
    out.extend_from_slice(texts.join("\\n").as_bytes());
    out.push(b'"');
    Ok(())
}

/// Refuses a part that the company does not take.
fn check(part: &Object<'_>, company: &Company) -> Result<(), Unsupported> {
    let Kinds::Only(kinds) = company.parts else {
        return Ok(());
    };
    let kind = kind(part)?;
    // A refusal is sent as the text that it is.
    if kind != "refusal" && !kinds.contains(&kind.as_str()) {
        return Err(unsupported(&kind));
    }
    let member = part.present(&kind).ok_or(unsupported(&kind))?;
    let inner = Object::parse(member.get()).unwrap_or_default();
    // A file that OpenAI keeps is nobody else's.
    if kind == "file" && inner.present("file_id").is_some() {
        return Err(unsupported(&kind));
    }
    if kind == "input_audio" && company.sound == Sound::Text && inner.present("data").is_none() {
        return Err(unsupported(&kind));
    }
    Ok(())
}

fn kind(part: &Object<'_>) -> Result<String, Unsupported> {
    let kind = part.text("type");
    kind.map(std::borrow::Cow::into_owned)
        .ok_or(Unsupported("messages.content.type"))
}

fn unsupported(kind: &str) -> Unsupported {
    Unsupported(match kind {
        "file" => "messages.content.file",
        "image_url" => "messages.content.image_url",
        "input_audio" => "messages.content.input_audio",
        "refusal" => "messages.content.refusal",
        "text" => "messages.content.text",
        _ => "messages.content.type",
    })
}

/// Notes the members of a part that are left out.
fn note(part: &Object<'_>, company: &Company, request: &mut UpstreamRequest) {
    match (company.parts, part.text("type")) {
        (Kinds::Only(_), Some(kind)) => note_members(part, &kind, company.cache_control, request),
        _ if part.present(CACHE_CONTROL).is_some() => {
            request.drop("messages.content.cache_control");
        }
        _ => {}
    }
}

fn note_members(
    part: &Object<'_>,
    kind: &str,
    cache_control: CacheControl,
    request: &mut UpstreamRequest,
) {
    let is_cache = |name: &str| name == CACHE_CONTROL && cache_control == CacheControl::Sent;
    for (name, value) in &part.0 {
        let says_nothing = matches!(value.get(), "null" | "[]" | "{}" | "\"\"");
        if name != "type" && name != kind && !is_cache(name) && !says_nothing {
            request.drop(&format!("messages.content.{name}"));
        }
    }
}

fn write_part(object: &mut Writer<'_>, part: &Object<'_>, company: &Company) {
    let sends_cache = company.cache_control == CacheControl::Sent;
    let kind = match company.parts {
        Kinds::Any | Kinds::But(_) => None,
        Kinds::Only(_) => part.text("type"),
    };
    for (name, value) in &part.0 {
        match kind.as_deref() {
            _ if name == CACHE_CONTROL && !sends_cache => {}
            None => {
                object.raw(name, value.get());
            }
            Some("refusal") if name == "type" => {
                object.raw("type", "\"text\"");
            }
            Some("refusal") if name == "refusal" => {
                object.raw("text", value.get());
            }
            // Some clients write an address alone.
            Some("image_url") if name == "image_url" && value.get().starts_with('"') => {
                let mut image = Writer::new(object.name(name));
                image.raw("url", value.get());
                image.end();
            }
            Some("input_audio") if name == "input_audio" && company.sound == Sound::Text => {
                let data = Object::parse(value.get()).ok();
                let data = data.and_then(|sound| sound.present("data"));
                object.raw(name, data.map_or("\"\"", RawValue::get));
            }
            Some(kind) if name == "type" || name == kind || name == CACHE_CONTROL => {
                object.raw(name, value.get());
            }
            Some(_) => {}
        }
    }
}
