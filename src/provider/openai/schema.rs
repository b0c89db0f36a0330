//! A JSON schema without the words that some companies refuse: `$id` and `$schema`, and in schemas of
//! arguments `strict` and `additionalProperties: false`.
//!
//! # Why it knows where schemas stand
//!
//! A property may be called `strict`, and an example may hold anything. So only the schema itself and
//! what JSON Schema says is a schema inside it are looked at
//! (<https://json-schema.org/draft/2020-12/json-schema-core>).

use serde_json::value::RawValue;

use crate::openai::json::{Object, Writer};

/// Schemas nested deeper than this are copied as they are: each level is read anew.
const DEEPEST: u32 = 32;

/// The members of a schema that are a schema, or a list of them.
const INSIDE: [&str; 14] = [
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// The members of a schema whose members are schemas.
const NAMED: [&str; 5] = [
    "$defs",
    "definitions",
    "dependentSchemas",
    "patternProperties",
    "properties",
];

/// Which words are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Those of schemas that answers are held to.
    InAnswers,
    /// Those of schemas of arguments.
    InArguments,
}

/// Whether a schema certainly has none of the words.
pub(super) fn is_bare(schema: &str, refused: Refused) -> bool {
    let words: &[&str] = match refused {
        Refused::InAnswers => &["\"$id\"", "\"$schema\""],
        Refused::InArguments => &[
            "\"$id\"",
            "\"$schema\"",
            "\"strict\"",
            "\"additionalProperties\"",
        ],
    };
    // A word may be spelled with escapes.
    !words.iter().any(|word| schema.contains(word)) && !schema.contains("\\u")
}

/// Writes a schema without them.
pub(super) fn write_bare(out: &mut Vec<u8>, schema: &str, refused: Refused) {
    write(out, schema, refused, DEEPEST);
}

fn write(out: &mut Vec<u8>, schema: &str, refused: Refused, depth: u32) {
    let deeper = depth.checked_sub(1);
    let parsed = Object::parse(schema).ok();
    let Some((depth, schema_object)) = deeper.zip(parsed) else {
        out.extend_from_slice(schema.as_bytes());
        return;
    };
    let mut object = Writer::new(out);
    for (name, value) in &schema_object.0 {
        let name = name.as_ref();
        if is_refused(name, value, refused) {
            continue;
        }
        if NAMED.contains(&name) {
            write_named(object.name(name), value, refused, depth);
        } else if INSIDE.contains(&name) {
            write_inside(object.name(name), value, refused, depth);
        } else {
            object.raw(name, value.get());
        }
    }
    object.end();
}

fn is_refused(name: &str, value: &RawValue, refused: Refused) -> bool {
    match (name, refused) {
        ("$id" | "$schema", _) | ("strict", Refused::InArguments) => true,
        ("additionalProperties", Refused::InArguments) => value.get() == "false",
        _ => false,
    }
}

fn write_named(out: &mut Vec<u8>, schemas: &RawValue, refused: Refused, depth: u32) {
    let Ok(schemas_by_name) = Object::parse(schemas.get()) else {
        out.extend_from_slice(schemas.get().as_bytes());
        return;
    };
    let mut object = Writer::new(out);
    for (name, schema) in &schemas_by_name.0 {
        write(object.name(name), schema.get(), refused, depth);
    }
    object.end();
}

fn write_inside(out: &mut Vec<u8>, inside: &RawValue, refused: Refused, depth: u32) {
    let Ok(schemas) = serde_json::from_str::<Vec<&RawValue>>(inside.get()) else {
        write(out, inside.get(), refused, depth);
        return;
    };
    out.push(b'[');
    for (at, schema) in schemas.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, schema.get(), refused, depth);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(schema: &str) -> String {
        let mut out = Vec::new();
        write_bare(&mut out, schema, Refused::InArguments);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_holds_an_answer_stays_in_its_schema() {
        let schema = r#"{"$schema":"x","$defs":{"A":{"$id":"y"}},"strict":true,"additionalProperties":false}"#;
        let mut out = Vec::new();
        write_bare(&mut out, schema, Refused::InAnswers);
        let expected = r#"{"$defs":{"A":{}},"strict":true,"additionalProperties":false}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert!(is_bare(expected, Refused::InAnswers));
        assert!(!is_bare(schema, Refused::InAnswers));
    }

    #[test]
    fn the_words_are_gone_wherever_a_schema_stands_and_nothing_else_is() {
        let check = |schema: &str, expected: &str| assert_eq!(bare(schema), expected);
        check(
            r#"{"$schema":"x","type":"object","additionalProperties":false}"#,
            r#"{"type":"object"}"#,
        );
        check(
            r#"{"properties":{"strict":{"$id":"x","type":"string"},"$id":{"type":"null"}}}"#,
            r#"{"properties":{"strict":{"type":"string"},"$id":{"type":"null"}}}"#,
        );
        check(
            r#"{"anyOf":[{"strict":true},true],"items":{"additionalProperties":false},"strict":1}"#,
            r#"{"anyOf":[{},true],"items":{}}"#,
        );
        check(
            r#"{"enum":[{"$id":1}],"const":{"strict":1},"additionalProperties":{"$id":1,"a":1.50}}"#,
            r#"{"enum":[{"$id":1}],"const":{"strict":1},"additionalProperties":{"a":1.50}}"#,
        );
        check("true", "true");
        assert!(is_bare(
            r#"{"type":"object","properties":{}}"#,
            Refused::InArguments
        ));
        assert!(!is_bare(r#"{"\u0024id":"x"}"#, Refused::InArguments));
    }

    #[test]
    fn endless_nesting_does_no_harm() {
        let schema = r#"{"items":"#.repeat(5_000) + "1" + &"}".repeat(5_000);
        assert_eq!(bare(&schema), schema);
    }
}
