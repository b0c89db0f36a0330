//! Whether a caller is told the truth: each field is sent, asks for nothing, or is named; each refusal
//! names what is there; and no word of the conversation is lost or moved.

use pilotlight::openai::fields::{Loss, is_neutral, loss};
use pilotlight::openai::json::Object;
use serde_json::{Value, json};

use crate::lawful::request::Lawful;
use crate::lawful::rules::{Broken, list, rule};
use crate::lawful::talk::{Said, Who};

/// Where a dialect writes a field that it has by another name: the field, and pointers into the body. One
/// that begins with `=` is a value that means the same as none.
pub(super) type Places = &'static [(&'static str, &'static [&'static str])];

/// What is wrong with how a request's fields were dealt with; `named` are those that the caller is told
/// of.
pub(super) fn lost(lawful: &Lawful, body: &Value, named: &[String], places: Places) -> Broken {
    let mut broken = Broken::new();
    let written = lawful.body.to_string();
    let fields = Object::parse(&written).unwrap();
    for (name, raw) in &fields.0 {
        let name = name.as_ref();
        if is_read(name) || raw.get() == "null" || is_neutral(name, raw, &fields) {
            continue;
        }
        let value = &lawful.body[name];
        let inside = format!("{name}.");
        let is_left = named.iter().any(|one| one == name);
        let is_named = is_left || named.iter().any(|one| one.starts_with(&inside));
        let kept = !is_left || loss(name) == Loss::Aside;
        rule(
            kept,
            || format!("{name}: left out, and it is the answer's"),
            &mut broken,
        );
        let own = [format!("/{name}")];
        let elsewhere = places.iter().find(|(known, _)| *known == name);
        let pointers: Vec<&str> = match elsewhere {
            Some((_, pointers)) => pointers.to_vec(),
            None => own.iter().map(String::as_str).collect(),
        };
        let found = pointers.iter().find_map(|pointer| body.pointer(pointer));
        if let Some(found) = found {
            let same = is_named || is_same(name, value, found);
            rule(
                same,
                || format!("{name}: {value} became {found}"),
                &mut broken,
            );
        } else {
            let is_usual = pointers.iter().any(|one| is_usual(one, value));
            let kept = is_named || is_usual || is_moot(name, lawful, body);
            rule(
                kept,
                || format!("{name}: {value} lost in silence"),
                &mut broken,
            );
        }
    }
    limit(lawful, body, places, &mut broken);
    names(lawful, body, named, &mut broken);
    broken
}

/// What the gateway reads itself.
fn is_read(name: &str) -> bool {
    let read = [
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "stream",
    ];
    read.contains(&name) || name == "stream_options"
}

/// Whether this is the value that means the same as none.
fn is_usual(pointer: &str, value: &Value) -> bool {
    let usual = pointer.strip_prefix('=').and_then(|text| text.parse().ok());
    usual.is_some() && value.as_f64() == usual
}

/// Whether a value means the same as what was written for it. Words and lists have other forms elsewhere;
/// numbers have not.
fn is_same(name: &str, value: &Value, found: &Value) -> bool {
    match name {
        "stop" => found == value || *found == json!([value]),
        // Who asks for no thinking is not to pay for some unawares.
        "reasoning_effort" => value != "none" || is_off(found),
        // An instruction is as good as nothing where a schema binds.
        "response_format" => {
            let binds = value["json_schema"]["schema"].is_object();
            !binds || found.is_object()
        }
        _ if value.is_number() => value.as_f64() == found.as_f64(),
        _ => true,
    }
}

/// Whether this says that nothing is to be thought.
fn is_off(thinking: &Value) -> bool {
    thinking == "none" || *thinking == false || thinking["type"] == "disabled"
}

/// Whether a field may be away because of another one.
fn is_moot(name: &str, lawful: &Lawful, body: &Value) -> bool {
    let offers_none = lawful.body["tool_choice"] == "none";
    let calls = body["messages"].to_string().contains("tool_use");
    match name {
        // Without tools nobody calls one.
        "tools" | "tool_choice" => offers_none && body.get("tools").is_none() && !calls,
        "parallel_tool_calls" => offers_none,
        "function_call" => lawful.body["function_call"] == "auto",
        "reasoning_effort" => lawful.body["reasoning_effort"] == "none",
        _ => false,
    }
}

/// Whether the answer may be as long as the caller says, and no longer.
fn limit(lawful: &Lawful, body: &Value, places: Places, broken: &mut Broken) {
    let asked = ["max_completion_tokens", "max_tokens"];
    let asked = asked.iter().find_map(|name| lawful.body[*name].as_u64());
    let place = places.iter().find(|(name, _)| *name == "max_tokens");
    let pointers = place.map_or(
        &["/max_tokens", "/max_completion_tokens"][..],
        |(_, all)| *all,
    );
    let told: Vec<u64> = pointers
        .iter()
        .filter_map(|one| body.pointer(one)?.as_u64())
        .collect();
    match (asked, told.as_slice()) {
        (_, [_, _, ..]) => broken.push("max_tokens: told twice".to_owned()),
        (Some(asked), [told]) => {
            rule(
                *told <= asked,
                || format!("max_tokens: {told} for {asked}"),
                broken,
            );
        }
        (Some(asked), []) => broken.push(format!("max_tokens: {asked} lost in silence")),
        (None, _) => {}
    }
}

/// Whether the names of those who speak are told or named.
fn names(lawful: &Lawful, body: &Value, named: &[String], broken: &mut Broken) {
    let messages = list(&lawful.body["messages"]);
    let mut callers = messages.iter().filter(|one| one["role"] != "tool");
    let Some(one) = callers.find(|one| one.get("name").is_some()) else {
        return;
    };
    let told = body["messages"]
        .to_string()
        .contains(&one["name"].to_string());
    let kept = told || named.iter().any(|name| name == "messages.name");
    rule(kept, || "messages.name: lost in silence".to_owned(), broken);
}

/// What is wrong with a refusal: its path is of something that nobody asked for.
pub(super) fn groundless(lawful: &Lawful, path: &str) -> Broken {
    let mut broken = Broken::new();
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    let kept = if name == "messages" {
        rest.is_empty() || is_there(&lawful.body["messages"], rest)
    } else {
        let written = lawful.body.to_string();
        let fields = Object::parse(&written).unwrap();
        let raw = fields.present(name);
        let asked = raw.is_some_and(|raw| !is_neutral(name, raw, &fields));
        // What is missing there may be the ground.
        let before = rest.rsplit_once('.').map_or("", |(before, _)| before);
        asked && (before.is_empty() || is_there(&lawful.body[name], before))
    };
    rule(
        kept,
        || format!("refused for {path}, which is not there"),
        &mut broken,
    );
    broken
}

/// Whether a path leads to something; a part is found by its kind, too.
fn is_there(value: &Value, path: &str) -> bool {
    if let Value::Array(list) = value {
        return list.iter().any(|one| is_there(one, path));
    }
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    if value["type"] == name {
        return rest.is_empty() || is_there(&value[name], rest);
    }
    match value.get(name) {
        None | Some(Value::Null) => false,
        Some(_) if rest.is_empty() => true,
        Some(inner) => is_there(inner, rest),
    }
}

/// What is wrong with the words in a body: one is missing, or stands before an earlier one.
pub(super) fn unheard(lawful: &Lawful, body: &Value) -> Broken {
    let mut broken = Broken::new();
    let mut turns = String::new();
    for list in ["messages", "input"] {
        words(&body[list], &mut turns);
    }
    let mut whole = turns.clone();
    for top in ["system", "instructions"] {
        words(&body[top], &mut whole);
    }
    let mut from = 0;
    for (at, said) in lawful.said.iter().enumerate() {
        let text = ending(said, at + 1 == lawful.said.len());
        rule(
            whole.contains(text),
            || format!("{:?} is lost: {text:?}", said.who),
            &mut broken,
        );
        if matches!(said.who, Who::Assistant | Who::User)
            && let Some(found) = turns.find(text)
        {
            rule(
                found >= from,
                || format!("{text:?} stands too early"),
                &mut broken,
            );
            from = found;
        }
    }
    broken
}

/// A text, without the white space at its end where an answer may be gone on with there.
fn ending(said: &Said, is_last: bool) -> &str {
    match said.who {
        Who::Assistant if is_last => said.text.trim_end(),
        Who::Assistant | Who::System | Who::Tool | Who::User => &said.text,
    }
}

/// All strings in a value, in order.
fn words(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => {
            out.push_str(text);
            out.push('\u{1}');
        }
        Value::Array(list) => list.iter().for_each(|one| words(one, out)),
        Value::Object(object) => object.values().for_each(|one| words(one, out)),
        Value::Bool(_) | Value::Null | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(body: Value) -> Lawful {
        Lawful {
            body,
            said: Vec::new(),
        }
    }

    #[test]
    fn a_field_is_sent_asks_for_nothing_or_is_named() {
        const PLACES: Places = &[("seed", &["/random_seed"])];
        let check = |fields: Value, body: Value, named: &[&str], count: usize| {
            let named: Vec<String> = named.iter().map(|&one| one.to_owned()).collect();
            let broken = lost(&asked(fields.clone()), &body, &named, PLACES);
            assert_eq!(broken.len(), count, "{fields} {body} {broken:?}");
        };
        check(json!({"seed": 7}), json!({"random_seed": 7}), &[], 0);
        check(json!({"seed": 7}), json!({"random_seed": 8}), &[], 1);
        check(json!({"seed": 7}), json!({"seed": 7}), &[], 1);
        check(json!({"seed": 7}), json!({}), &["seed"], 1);
        check(json!({"user": "u"}), json!({}), &["user"], 0);
        check(json!({"user": "u"}), json!({}), &[], 1);
        check(json!({"n": 1, "user": null}), json!({}), &[], 0);
        check(json!({"stop": "x"}), json!({"stop": ["x"]}), &[], 0);
        check(json!({"stop": ["x", "y"]}), json!({"stop": ["x"]}), &[], 1);
        let effort = |word: &str| json!({"reasoning_effort": word});
        check(effort("none"), effort("none"), &[], 0);
        check(effort("none"), json!({}), &[], 0);
        check(effort("none"), effort("low"), &[], 1);
        check(effort("none"), effort("low"), &["reasoning_effort"], 0);
        check(json!({"max_tokens": 7}), json!({"max_tokens": 7}), &[], 0);
        check(json!({"max_tokens": 7}), json!({"max_tokens": 8}), &[], 1);
        check(json!({"max_tokens": 7}), json!({}), &[], 1);
        check(json!({"messages": [{"name": "Ann"}]}), json!({}), &[], 1);
        check(
            json!({"messages": [{"name": "Ann"}]}),
            json!({}),
            &["messages.name"],
            0,
        );
    }

    #[test]
    fn a_refusal_has_a_ground() {
        let parts = json!([{"type": "image_url", "image_url": {"url": "x"}}]);
        let body = json!({
            "n": 2,
            "seed": null,
            "tool_choice": "required",
            "tools": [],
            "messages": [{"role": "user", "content": parts}],
        });
        let grounded = |path: &str| groundless(&asked(body.clone()), path).is_empty();
        for path in ["n", "messages.content.image_url", "messages.role"] {
            assert!(grounded(path), "{path}");
        }
        for path in [
            "seed",
            "stop",
            "tool_choice",
            "messages.content.file",
            "messages.tool_calls",
        ] {
            assert!(!grounded(path), "{path}");
        }
    }

    #[test]
    fn a_word_that_is_lost_or_moved_is_missed() {
        let said = |who, text: &str| Said {
            who,
            text: text.to_owned(),
        };
        let lawful = Lawful {
            body: Value::Null,
            said: vec![
                said(Who::System, "w0w"),
                said(Who::User, "w1w"),
                said(Who::Tool, "w2w"),
                said(Who::Assistant, "w3w "),
            ],
        };
        let check = |messages: Value, count: usize| {
            let body = json!({"system": "w0w", "messages": messages});
            assert_eq!(unheard(&lawful, &body).len(), count, "{body}");
        };
        check(json!(["w2w", "w1w", "w3w"]), 0);
        check(json!(["w3w", "w2w", "w1w"]), 1);
        check(json!(["w1w", "w3w"]), 1);
    }
}
