//! JSON schemas as Anthropic can hold an answer to them.
//!
//! It makes a grammar of the schema, and refuses keywords that no grammar can keep: limits of numbers,
//! lengths and counts, patterns, conditions
//! (<https://platform.claude.com/docs/en/build-with-claude/structured-outputs>). Those are taken out and told
//! to the model in the description, where it may follow them. Objects have to be closed, `oneOf` becomes
//! `anyOf`, and a value of no type, a free map and a schema that contains itself cannot be held to at all.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::openai::json::{Object, Writer};
use crate::provider::anthropic::schema::keyword::{
    is_kept, is_note, is_settled, kinds, literal, spelled,
};

mod keyword;

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
        // Each object is closed, so that nothing fits two of them; nor may a reference stand among several
        // that must all hold.
        let refers = |part: &&RawValue| {
            let part = Object::parse(part.get()).unwrap_or_default();
            part.raw("$ref").is_some() || part.raw("properties").is_some()
        };
        // One of one is that one.
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
        // What an object is made of stands in its alternatives: closed beside them, it would fit none.
        if alternatives && properties.0.is_empty() {
            if let Some(required) = object.present("required") {
                schema.raw("required", required.get());
            }
            return Some(());
        }
        // And closed with members of its own it would fit none of theirs.
        if alternatives {
            return None;
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
            if is_settled(name) || value.get() == "false" {
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

#[cfg(test)]
mod tests;
