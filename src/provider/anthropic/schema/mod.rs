//! JSON schemas as Anthropic can hold an answer to them.
//!
//! It makes a grammar of the schema, and refuses keywords that no grammar can keep: limits of numbers,
//! lengths and counts, patterns, conditions
//! (<https://platform.claude.com/docs/en/build-with-claude/structured-outputs>). Those are taken out and told
//! to the model in the description, where it may follow them. Objects have to be closed, `oneOf` becomes
//! `anyOf`, and a value of no type, a free map and a schema that contains itself cannot be held to at all.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::openai::json::{Object, Writer, write_string};

/// A schema that an answer can be held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fitted {
    /// Its JSON.
    pub(super) json: Vec<u8>,
    /// How many constraints are not in it.
    pub(super) stripped: usize,
}

/// A schema may be nested as deep as this.
const DEEPEST: u32 = 64;

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

/// What a constraint is told with.
const ALSO: &str = "It also has to satisfy: ";

/// Makes a schema one that an answer can be held to; `None` where it cannot be.
pub(super) fn fit(schema: &str) -> Option<Fitted> {
    let mut walk = Walk::default();
    let mut json = Vec::with_capacity(schema.len().saturating_add(64));
    walk.schema(schema, DEEPEST, &mut json)?;
    walk.refers_soundly().then_some(Fitted {
        json,
        stripped: walk.stripped,
    })
}

#[derive(Default)]
struct Walk {
    stripped: usize,
    /// The definition that is being read; the empty name is outside of all.
    within: String,
    /// Which definitions each refers to, by their addresses.
    refers: BTreeMap<String, Vec<String>>,
}

impl Walk {
    fn schema(&mut self, json: &str, depth: u32, out: &mut Vec<u8>) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let object = Object::parse(json).ok()?;
        let mut schema = Writer::new(out);
        for name in ["$defs", "definitions"] {
            if let Some(raw) = object.raw(name) {
                self.definitions(name, raw, depth, schema.name(name))?;
            }
        }
        if let Some(target) = object.text("$ref") {
            let address = target.strip_prefix('#')?;
            let within = self.refers.entry(self.within.clone()).or_default();
            within.push(address.to_owned());
            schema.text("$ref", &target);
            // A reference stands alone.
            let beside =
                |name: &str| !is_note(name) && !["$ref", "$defs", "definitions"].contains(&name);
            let lost = object.0.iter().filter(|(name, _)| beside(name));
            self.stripped = self.stripped.saturating_add(lost.count());
            schema.end();
            return Some(());
        }
        let literal = literal(&object, &mut schema)?;
        let alternatives = self.alternatives(&object, depth, &mut schema)?;
        let kinds = if literal { Vec::new() } else { kinds(&object)? };
        match kinds.as_slice() {
            [] if literal || alternatives => {}
            [] => return None,
            _ => {
                schema.raw("type", &spelled(&object, &kinds));
            }
        }
        for name in ["title", "default"] {
            if let Some(raw) = object.raw(name) {
                schema.raw(name, raw.get());
            }
        }
        if kinds.iter().any(|kind| kind == "object") {
            self.members(&object, alternatives, depth, &mut schema)?;
        }
        if kinds.iter().any(|kind| kind == "array")
            && let Some(items) = object.raw("items").filter(|items| items.get() != "true")
        {
            self.schema(items.get(), depth, schema.name("items"))?;
        }
        self.rest(&object, &mut schema);
        schema.end();
        Some(())
    }

    fn definitions(
        &mut self,
        list: &str,
        raw: &RawValue,
        depth: u32,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let definitions = Object::parse(raw.get()).ok()?;
        let outer = std::mem::take(&mut self.within);
        let mut object = Writer::new(out);
        for (name, definition) in &definitions.0 {
            let escaped = name.replace('~', "~0").replace('/', "~1");
            self.within = format!("/{list}/{escaped}");
            self.refers.entry(self.within.clone()).or_default();
            self.schema(definition.get(), depth, object.name(name))?;
        }
        object.end();
        self.within = outer;
        Some(())
    }

    /// Writes `anyOf`, `oneOf` and `allOf`, and tells whether there is one.
    fn alternatives(
        &mut self,
        object: &Object<'_>,
        depth: u32,
        schema: &mut Writer<'_>,
    ) -> Option<bool> {
        let list = |name: &str| object.present(name);
        let (name, raw) = match (list("anyOf"), list("oneOf"), list("allOf")) {
            (None, None, None) => return Some(false),
            (Some(raw), None, None) | (None, Some(raw), None) => ("anyOf", raw),
            (None, None, Some(raw)) => ("allOf", raw),
            _ => return None,
        };
        let parts: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
        let refers = |part: &&RawValue| {
            Object::parse(part.get()).is_ok_and(|part| part.raw("$ref").is_some())
        };
        // One of one is that one; a reference among several that must all hold is refused.
        let name = match (name, parts.as_slice()) {
            (_, []) => return None,
            ("allOf", [_]) => "anyOf",
            ("allOf", parts) if parts.iter().any(refers) => return None,
            (name, _) => name,
        };
        let out = schema.name(name);
        for (at, part) in parts.iter().enumerate() {
            out.push(if at == 0 { b'[' } else { b',' });
            self.schema(part.get(), depth, out)?;
        }
        out.push(b']');
        Some(true)
    }

    /// Writes what an object is made of, and nothing else of it.
    fn members(
        &mut self,
        object: &Object<'_>,
        alternatives: bool,
        depth: u32,
        schema: &mut Writer<'_>,
    ) -> Option<()> {
        let properties = match object.present("properties") {
            Some(raw) => Object::parse(raw.get()).ok()?,
            None => Object::default(),
        };
        let others = object.present("additionalProperties").map(RawValue::get);
        match others {
            Some("false") => {}
            // Whatever has other members than these is not asked for: the answer fits all the same.
            None | Some("true") if alternatives || !properties.0.is_empty() => {}
            _ => return None,
        }
        let mut members = Writer::new(schema.name("properties"));
        for (name, property) in &properties.0 {
            self.schema(property.get(), depth, members.name(name))?;
        }
        members.end();
        if let Some(required) = object.present("required") {
            schema.raw("required", required.get());
        }
        schema.raw("additionalProperties", "false");
        Some(())
    }

    /// Writes the description, with what is not held to.
    fn rest(&mut self, object: &Object<'_>, schema: &mut Writer<'_>) {
        let mut told = Vec::new();
        let mut note = Writer::new(&mut told);
        let before = self.stripped;
        for (name, value) in &object.0 {
            let name = name.as_ref();
            if WRITTEN.contains(&name) || is_note(name) || value.get() == "false" {
                continue;
            }
            if is_kept(name, value) {
                schema.raw(name, value.get());
            } else {
                note.raw(name, value.get());
                self.stripped = self.stripped.saturating_add(1);
            }
        }
        note.end();
        let description = object.text("description");
        if self.stripped == before {
            if let Some(description) = description {
                schema.text("description", &description);
            }
            return;
        }
        let told = String::from_utf8_lossy(&told);
        let description = match description {
            Some(description) => format!("{description}\n\n{ALSO}{told}"),
            None => format!("{ALSO}{told}"),
        };
        schema.text("description", &description);
    }

    /// Whether every reference is to a definition, and none leads back to itself.
    fn refers_soundly(&self) -> bool {
        let known = |address: &String| !address.is_empty() && self.refers.contains_key(address);
        if !self.refers.values().flatten().all(known) {
            return false;
        }
        // Whatever refers to nothing that is left is taken away, until nothing is left, or a ring.
        let mut left = self.refers.clone();
        loop {
            let before = left.len();
            let names: Vec<String> = left.keys().cloned().collect();
            left.retain(|_, refers| refers.iter().any(|one| names.contains(one)));
            match left.len() {
                0 => return true,
                after if after == before => return false,
                _ => {}
            }
        }
    }
}

fn is_note(name: &str) -> bool {
    NOTES.contains(&name) || matches!(name, "default" | "description" | "title")
}

/// Whether a constraint is one that is held to.
fn is_kept(name: &str, value: &RawValue) -> bool {
    let text = value.get();
    match name {
        "format" => FORMATS.iter().any(|known| text == format!("\"{known}\"")),
        "minItems" => matches!(text, "0" | "1"),
        _ => false,
    }
}

/// Writes `enum` or `const`, and tells whether there is one.
fn literal(object: &Object<'_>, schema: &mut Writer<'_>) -> Option<bool> {
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
fn kinds(object: &Object<'_>) -> Option<Vec<String>> {
    match object.raw("type") {
        None if object.raw("properties").is_some() => Some(vec!["object".to_owned()]),
        None if object.raw("items").is_some() => Some(vec!["array".to_owned()]),
        None => Some(Vec::new()),
        Some(raw) if raw.get().starts_with('[') => serde_json::from_str(raw.get()).ok(),
        Some(raw) => serde_json::from_str(raw.get()).ok().map(|kind| vec![kind]),
    }
}

/// The types as the schema spells them.
fn spelled(object: &Object<'_>, kinds: &[String]) -> String {
    if let Some(raw) = object.raw("type") {
        return raw.get().to_owned();
    }
    let mut out = Vec::new();
    write_string(&mut out, kinds.first().map_or("object", String::as_str));
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests;
