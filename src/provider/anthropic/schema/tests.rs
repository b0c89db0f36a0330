use serde_json::{Value, json};

use super::*;

#[track_caller]
fn check(schema: &Value, expected: &Value, stripped: usize) {
    let fitted = fit(&schema.to_string()).unwrap();
    let json: Value = serde_json::from_slice(&fitted.json).unwrap();
    assert_eq!(json, *expected);
    assert_eq!(fitted.stripped, stripped);
}

#[test]
fn objects_are_closed_and_one_of_becomes_any_of() {
    check(
        &json!({"type": "object", "title": "T", "description": "d", "$schema": "s",
            "properties": {
                "a": {"type": ["string", "null"], "default": null},
                "b": {"oneOf": [{"type": "integer"}, {"enum": ["x", null]}]},
                "c": {"type": "array", "items": {"properties": {"d": {"const": 1}}}},
            }, "required": ["a"]}),
        &json!({"type": "object", "title": "T", "description": "d",
            "properties": {
                "a": {"type": ["string", "null"], "default": null},
                "b": {"anyOf": [{"type": "integer"}, {"enum": ["x", null]}]},
                "c": {"type": "array", "items": {"type": "object",
                    "properties": {"d": {"const": 1}}, "additionalProperties": false}},
            }, "required": ["a"], "additionalProperties": false}),
        0,
    );
}

#[test]
fn what_is_not_held_to_is_told_to_the_model() {
    check(
        &json!({"type": "object", "additionalProperties": false, "properties": {
            "n": {"type": "integer", "minimum": 1, "description": "How many."},
            "s": {"type": "string", "pattern": "^a", "format": "date"},
            "l": {"type": "array", "items": {"type": "string"}, "minItems": 1,
                  "uniqueItems": false},
        }}),
        &json!({"type": "object", "additionalProperties": false, "properties": {
            "n": {"type": "integer",
                  "description": "How many.\n\nIt also has to satisfy: {\"minimum\":1}"},
            "s": {"type": "string", "format": "date",
                  "description": "It also has to satisfy: {\"pattern\":\"^a\"}"},
            "l": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        }}),
        2,
    );
}

#[test]
fn definitions_are_kept_and_referred_to() {
    let closed = json!({"type": "object", "properties": {"n": {"type": "number"}},
        "additionalProperties": false});
    check(
        &json!({"$defs": {"A": {"properties": {"n": {"type": "number"}}}}, "type": "object",
            "properties": {"a": {"$ref": "#/$defs/A", "description": "d"},
                           "b": {"allOf": [{"$ref": "#/$defs/A"}]}}}),
        &json!({"$defs": {"A": closed}, "type": "object",
            "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"anyOf": [{"$ref": "#/$defs/A"}]}},
            "additionalProperties": false}),
        0,
    );
}

#[test]
fn what_no_grammar_can_hold_an_answer_to_is_refused() {
    for impossible in [
        json!(true),
        json!({}),
        json!({"type": "object"}),
        json!({"type": "object", "additionalProperties": {"type": "string"}}),
        json!({"type": "object", "properties": {"a": {}}}),
        json!({"enum": [{"a": 1}]}),
        json!({"enum": []}),
        json!({"$ref": "#"}),
        json!({"$ref": "https://example.com/schema"}),
        json!({"$ref": "#/$defs/missing"}),
        json!({"allOf": [{"$ref": "#/$defs/A"}, {"type": "string"}], "$defs": {"A": {"type": "string"}}}),
        json!({"$ref": "#/$defs/A", "$defs": {"A": {"type": "array", "items": {"$ref": "#/$defs/B"}},
            "B": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}}}),
    ] {
        assert_eq!(fit(&impossible.to_string()), None, "{impossible}");
    }
    let deep = r#"{"type":"array","items":"#.repeat(10_000);
    assert_eq!(fit(&format!("{deep}{{}}{}", "}".repeat(10_000))), None);
}
