//! The keywords of a JSON schema, and which of them Anthropic holds an answer to.

use serde_json::value::RawValue;

use crate::openai::json::{Object, Writer, spelled as json_text};

/// The kinds of text that are held to.
const FORMATS: [&str; 10] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "time",
    "uri",
    "uuid",
];

/// What is written by name. All else is a constraint that is not held to, or a note.
const WRITTEN: [&str; 16] = [
    "$defs",
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "default",
    "definitions",
    "description",
    "enum",
    "items",
    "oneOf",
    "properties",
    "required",
    "title",
    "type",
];

/// What holds nobody to anything.
const NOTES: [&str; 9] = [
    "$comment",
    "$id",
    "$schema",
    "deprecated",
    "example",
    "examples",
    "readOnly",
    "strict",
    "writeOnly",
];

/// Whether a keyword holds nobody to anything.
pub(super) fn is_note(name: &str) -> bool {
    NOTES.contains(&name) || matches!(name, "default" | "description" | "title")
}

/// Whether a keyword is written by name, whatever it says, or not at all.
pub(super) fn is_settled(name: &str) -> bool {
    WRITTEN.contains(&name) || is_note(name)
}

/// Whether a constraint is one that is held to.
pub(super) fn is_kept(name: &str, value: &RawValue) -> bool {
    let text = value.get();
    match name {
        "format" => FORMATS.iter().any(|known| text == format!("\"{known}\"")),
        "minItems" => matches!(text, "0" | "1"),
        _ => false,
    }
}

/// Writes `enum` or `const`, and tells whether there is one.
pub(super) fn literal(object: &Object<'_>, schema: &mut Writer<'_>) -> Option<bool> {
    let is_plain = |raw: &&RawValue| !raw.get().starts_with(['{', '[']);
    if let Some(raw) = object.raw("const") {
        is_plain(&raw).then_some(())?;
        schema.raw("const", raw.get());
        return Some(true);
    }
    let Some(raw) = object.raw("enum") else {
        return Some(false);
    };
    let values: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
    if values.is_empty() || !values.iter().all(is_plain) {
        return None;
    }
    schema.raw("enum", raw.get());
    Some(true)
}

/// The types of a schema; where it names none, what its members are of.
pub(super) fn kinds(object: &Object<'_>) -> Option<Vec<String>> {
    match object.raw("type") {
        None if object.raw("properties").is_some() => Some(vec!["object".to_owned()]),
        None if object.raw("items").is_some() => Some(vec!["array".to_owned()]),
        None => Some(Vec::new()),
        Some(raw) if raw.get().starts_with('[') => serde_json::from_str(raw.get()).ok(),
        Some(raw) => serde_json::from_str(raw.get()).ok().map(|kind| vec![kind]),
    }
}

/// The types as the schema spells them.
pub(super) fn spelled(object: &Object<'_>, kinds: &[String]) -> String {
    if let Some(raw) = object.raw("type") {
        return raw.get().to_owned();
    }
    json_text(kinds.first().map_or("object", String::as_str))
}
