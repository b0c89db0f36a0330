//! What the rules of all dialects are made of: keys, kinds, names, and who else's words may not be there.

use serde_json::Value;

/// What is wrong with a body: a path, and a rule that is broken there.
pub(super) type Broken = Vec<String>;

/// Whether `value` is an object with only `allowed` keys and all of `needed`.
pub(super) fn keys(
    at: &str,
    value: &Value,
    allowed: &[&str],
    needed: &[&str],
    broken: &mut Broken,
) {
    let Some(object) = value.as_object() else {
        broken.push(format!("{at}: no object"));
        return;
    };
    for name in object.keys() {
        if !allowed.contains(&name.as_str()) && !needed.contains(&name.as_str()) {
            broken.push(format!("{at}: {name} is not known"));
        }
    }
    for name in needed {
        if !object.contains_key(*name) {
            broken.push(format!("{at}: {name} is missing"));
        }
    }
}

/// Notes that a rule is broken unless `kept`.
pub(super) fn rule(kept: impl Into<Kept>, words: impl FnOnce() -> String, broken: &mut Broken) {
    if matches!(kept.into(), Kept::No) {
        broken.push(words());
    }
}

/// Whether a rule is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is.
    Yes,
    /// It is broken.
    No,
}

impl From<bool> for Kept {
    fn from(kept: bool) -> Self {
        if kept { Self::Yes } else { Self::No }
    }
}

/// The elements of a list; none where it is not one.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A string; empty where it is none.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Whether a name or an id is made of so many letters, digits, `_` and `-`.
pub(super) fn is_word(text: &str, longest: usize) -> bool {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=longest).contains(&text.len()) && text.chars().all(is_legal)
}

/// Whether a number, where it is there, lies within these bounds.
pub(super) fn within(body: &Value, name: &str, least: f64, most: f64, broken: &mut Broken) {
    let Some(value) = body.get(name) else { return };
    let is_within = value
        .as_f64()
        .is_some_and(|number| (least..=most).contains(&number));
    rule(is_within, || format!("{name}: {value}"), broken);
}

/// Whether a value, where it is there, is of this kind.
pub(super) fn kind(body: &Value, names: &[&str], is_it: fn(&Value) -> bool, broken: &mut Broken) {
    for name in names {
        let kept = body.get(*name).is_none_or(is_it);
        rule(
            kept,
            || format!("{name}: {} is of another kind", body[*name]),
            broken,
        );
    }
}

/// Whether nothing is null, but in what the caller wrote for a model to read: schemas, arguments.
pub(super) fn no_nulls(at: &str, value: &Value, broken: &mut Broken) {
    const CALLERS: [&str; 6] = [
        "arguments",
        "format",
        "input_schema",
        "input",
        "parameters",
        "schema",
    ];
    match value {
        Value::Null => broken.push(format!("{at}: null")),
        Value::Array(list) => {
            for (n, value) in list.iter().enumerate() {
                no_nulls(&format!("{at}[{n}]"), value, broken);
            }
        }
        Value::Object(object) => {
            for (name, value) in object {
                let is_callers = CALLERS.contains(&name.as_str()) && !value.is_array();
                if !is_callers || value.is_null() {
                    no_nulls(&format!("{at}.{name}"), value, broken);
                }
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether nobody's thoughts, signatures or secrets are there but those of `own`; and thoughts that
/// nobody signed only where `own` has `plain`.
pub(super) fn no_foreign(body: &Value, own: &[&str], broken: &mut Broken) {
    const MARKS: [(&str, &str); 7] = [
        ("anthropic", "sig-anthropic"),
        ("anthropic", "enc-anthropic"),
        ("anthropic", "thought-anthropic"),
        ("google", "sig-google"),
        ("google", "enc-google"),
        ("openai", "enc-openai"),
        ("openai", "thought-openai"),
    ];
    let written = body.to_string();
    for (maker, mark) in MARKS {
        let kept = own.contains(&maker) || !written.contains(mark);
        rule(kept, || format!("{mark} is {maker}'s alone"), broken);
    }
    let kept = own.contains(&"plain") || !written.contains("thought-plain");
    rule(kept, || "a thought of unknown origin".to_owned(), broken);
}

/// Whether each schema of an object says all that Anthropic and OpenAI want of those that bind.
pub(super) fn closed_schema(at: &str, schema: &Value, banned: &[&str], broken: &mut Broken) {
    match schema {
        Value::Object(object) => {
            for name in banned {
                rule(
                    !object.contains_key(*name),
                    || format!("{at}: {name}"),
                    broken,
                );
            }
            let is_object = object.get("type") == Some(&Value::from("object"));
            let is_closed = object.get("additionalProperties") == Some(&Value::Bool(false));
            rule(
                !is_object || is_closed,
                || format!("{at}: an open object"),
                broken,
            );
            for (name, value) in object {
                let at = format!("{at}.{name}");
                match name.as_str() {
                    // Their keys are names of the caller's.
                    "properties" | "$defs" | "definitions" => {
                        for (name, value) in value.as_object().into_iter().flatten() {
                            closed_schema(&format!("{at}.{name}"), value, banned, broken);
                        }
                    }
                    "items" | "anyOf" | "allOf" => closed_schema(&at, value, banned, broken),
                    _ => {}
                }
            }
        }
        Value::Array(list) => {
            for value in list {
                closed_schema(at, value, banned, broken);
            }
        }
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(check: impl FnOnce(&mut Broken)) -> usize {
        let mut broken = Broken::new();
        check(&mut broken);
        broken.len()
    }

    #[test]
    fn what_all_rules_are_made_of_can_fail() {
        assert_eq!(found(|b| keys("x", &json!({"a": 1}), &["a"], &[], b)), 0);
        assert_eq!(found(|b| keys("x", &json!({"a": 1}), &[], &["b"], b)), 2);
        assert_eq!(found(|b| keys("x", &json!([]), &[], &[], b)), 1);
        assert!(is_word("a-b_C1", 6) && !is_word("a.b", 6) && !is_word("", 6));
        assert!(!is_word("abc", 2));
        assert_eq!(found(|b| within(&json!({"t": 1.5}), "t", 0.0, 1.0, b)), 1);
        assert_eq!(found(|b| within(&json!({}), "t", 0.0, 1.0, b)), 0);
        assert_eq!(found(|b| no_nulls("", &json!({"a": [{"b": null}]}), b)), 1);
        let callers = json!({"input": {"a": null}, "schema": {"enum": [null]}});
        assert_eq!(found(|b| no_nulls("", &callers, b)), 0);
        let signed = json!({"signature": "sig-anthropic"});
        assert_eq!(found(|b| no_foreign(&signed, &["anthropic"], b)), 0);
        assert_eq!(found(|b| no_foreign(&signed, &[], b)), 1);
        assert_eq!(found(|b| no_foreign(&json!("thought-plain"), &[], b)), 1);
    }

    #[test]
    fn an_open_object_is_found_however_deep() {
        let check = |schema: Value, count: usize| {
            assert_eq!(
                found(|b| closed_schema("", &schema, &["minimum"], b)),
                count,
                "{schema}"
            );
        };
        let closed = json!({"type": "object", "properties": {}, "additionalProperties": false});
        check(closed.clone(), 0);
        check(
            json!({"type": "object", "properties": {"minimum": closed}}),
            1,
        );
        check(json!({"anyOf": [{"type": "object"}, {"minimum": 1}]}), 2);
        check(json!({"$defs": {"A": {"items": {"type": "object"}}}}), 1);
    }
}
