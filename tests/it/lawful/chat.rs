//! The rules of chat completions, whoever's they are: what differs is a [`Law`], one a company.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::lawful::rules::{Broken, keys, list, rule, text};

/// Kinds of parts, each with its keys beside `type`.
pub(super) type Parts = &'static [(&'static str, &'static [&'static str])];

/// What a company takes.
#[derive(Debug)]
pub(super) struct Law {
    /// Its fields; `None` where it takes any.
    pub(super) fields: Option<&'static [&'static str]>,
    /// Who may speak.
    pub(super) roles: &'static [&'static str],
    /// What a message of this role may have beside `role` and `content`.
    pub(super) members: fn(&str) -> &'static [&'static str],
    /// What a content of this role may be made of.
    pub(super) parts: fn(&str) -> Parts,
    /// What an id of a call may look like.
    pub(super) is_id: fn(&str) -> bool,
    /// What a name of a tool may look like.
    pub(super) is_name: fn(&str) -> bool,
    /// What a call may have beside `id`, `type` and `function`.
    pub(super) call: &'static [&'static str],
    /// What a tool may have beside `type` and `function`.
    pub(super) tool: &'static [&'static str],
    /// What a function has to have beside its name.
    pub(super) function: &'static [&'static str],
    /// The words that `tool_choice` may be.
    pub(super) choices: &'static [&'static str],
    /// The most texts to stop at.
    pub(super) stops: usize,
    /// The most tools.
    pub(super) tools: usize,
}

/// What is wrong with a body by a company's law.
pub(super) fn broken(body: &Value, law: &Law) -> Broken {
    let mut broken = Broken::new();
    let own = ["model", "messages"];
    match law.fields {
        Some(fields) => keys("body", body, fields, &own, &mut broken),
        None => rule(
            own.iter().all(|name| body.get(name).is_some()),
            || "body: model or messages missing".to_owned(),
            &mut broken,
        ),
    }
    rule(
        body["model"]
            .as_str()
            .is_some_and(|model| !model.is_empty()),
        || "model: no name".to_owned(),
        &mut broken,
    );
    messages(body, law, &mut broken);
    tools(body, law, &mut broken);
    stop(body, law, &mut broken);
    response_format(body, &mut broken);
    broken
}

fn messages(body: &Value, law: &Law, broken: &mut Broken) {
    let messages = list(&body["messages"]);
    rule(!messages.is_empty(), || "messages: none".to_owned(), broken);
    for (at, one) in messages.iter().enumerate() {
        message(&format!("messages[{at}]"), one, law, broken);
    }
    paired(messages, broken);
}

fn message(at: &str, message: &Value, law: &Law, broken: &mut Broken) {
    let role = text(&message["role"]);
    rule(
        law.roles.contains(&role),
        || format!("{at}: role {role}"),
        broken,
    );
    let allowed: Vec<&str> = [(law.members)(role), &["content"]].concat();
    keys(at, message, &allowed, &["role"], broken);
    let calls = list(&message["tool_calls"]);
    match message.get("content") {
        None | Some(Value::Null) => {
            let speaks = !calls.is_empty()
                || message.get("refusal").is_some_and(Value::is_string)
                || message.get("function_call").is_some()
                || message.get("audio").is_some();
            rule(
                role == "assistant" && speaks,
                || format!("{at}: no content"),
                broken,
            );
        }
        Some(Value::String(_)) => {}
        Some(Value::Array(parts)) => {
            rule(!parts.is_empty(), || format!("{at}: no parts"), broken);
            for part in parts {
                self::part(at, part, (law.parts)(role), broken);
            }
        }
        Some(other) => broken.push(format!("{at}: content is {other}")),
    }
    if message.get("tool_calls").is_some() {
        rule(
            !calls.is_empty(),
            || format!("{at}: an empty list of calls"),
            broken,
        );
    }
    for one in calls {
        call(at, one, law, broken);
    }
    if role == "tool" {
        let id = text(&message["tool_call_id"]);
        rule(
            (law.is_id)(id),
            || format!("{at}: tool_call_id {id}"),
            broken,
        );
    }
}

fn part(at: &str, part: &Value, kinds: Parts, broken: &mut Broken) {
    let kind = text(&part["type"]);
    let Some((_, members)) = kinds.iter().find(|(known, _)| *known == kind) else {
        broken.push(format!("{at}: a part of type {kind}"));
        return;
    };
    keys(&format!("{at}.{kind}"), part, members, &["type"], broken);
    let own = if kind == "refusal" { "refusal" } else { kind };
    rule(
        part.get(own).is_some(),
        || format!("{at}: {kind} without {own}"),
        broken,
    );
}

fn call(at: &str, call: &Value, law: &Law, broken: &mut Broken) {
    let needed = ["id", "type", "function"];
    keys(&format!("{at}.tool_calls"), call, law.call, &needed, broken);
    let id = text(&call["id"]);
    rule((law.is_id)(id), || format!("{at}: id {id}"), broken);
    let function = &call["function"];
    keys(
        &format!("{at}.function"),
        function,
        &[],
        &["name", "arguments"],
        broken,
    );
    let name = text(&function["name"]);
    rule((law.is_name)(name), || format!("{at}: name {name}"), broken);
    let is_text = function["arguments"].is_string();
    rule(is_text, || format!("{at}: arguments are no text"), broken);
}

/// Whether every call has its one result directly after, and every result its call.
pub(super) fn paired(messages: &[Value], broken: &mut Broken) {
    let mut open: BTreeSet<&str> = BTreeSet::new();
    for (at, message) in messages.iter().enumerate() {
        if message["role"] == "tool" {
            let id = text(&message["tool_call_id"]);
            rule(
                open.remove(id),
                || format!("messages[{at}]: {id} answers nothing"),
                broken,
            );
            continue;
        }
        rule(
            open.is_empty(),
            || format!("messages[{at}]: before it {open:?} unanswered"),
            broken,
        );
        open.clear();
        for call in list(&message["tool_calls"]) {
            let id = text(&call["id"]);
            rule(
                open.insert(id),
                || format!("messages[{at}]: {id} twice"),
                broken,
            );
        }
    }
    rule(
        open.is_empty(),
        || format!("messages: at the end {open:?} unanswered"),
        broken,
    );
}

fn tools(body: &Value, law: &Law, broken: &mut Broken) {
    let tools = list(&body["tools"]);
    if body.get("tools").is_some() {
        rule(
            !tools.is_empty(),
            || "tools: an empty list".to_owned(),
            broken,
        );
    }
    rule(
        tools.len() <= law.tools,
        || "tools: too many".to_owned(),
        broken,
    );
    let mut names = BTreeSet::new();
    for tool in tools {
        if tool["type"] == "custom" && law.tool.contains(&"custom") {
            continue;
        }
        let members: Vec<&str> = law
            .tool
            .iter()
            .copied()
            .filter(|one| *one != "custom")
            .collect();
        keys("tools", tool, &members, &["type", "function"], broken);
        rule(
            tool["type"] == "function",
            || format!("tools: type {}", tool["type"]),
            broken,
        );
        let function = &tool["function"];
        let allowed = ["description", "parameters", "strict"];
        let needed: Vec<&str> = [&["name"], law.function].concat();
        keys("tools.function", function, &allowed, &needed, broken);
        let name = text(&function["name"]);
        rule(
            (law.is_name)(name),
            || format!("tools: name {name}"),
            broken,
        );
        rule(
            names.insert(name),
            || format!("tools: {name} twice"),
            broken,
        );
        let parameters = function.get("parameters");
        rule(
            parameters.is_none_or(Value::is_object),
            || "tools: parameters".to_owned(),
            broken,
        );
    }
    for name in ["tool_choice", "parallel_tool_calls"] {
        let kept = body.get(name).is_none() || !tools.is_empty();
        rule(kept, || format!("{name} without tools"), broken);
    }
    choice(body, law, &names, broken);
}

fn choice(body: &Value, law: &Law, names: &BTreeSet<&str>, broken: &mut Broken) {
    match body.get("tool_choice") {
        None => {}
        Some(Value::String(word)) => {
            let known = law.choices.contains(&word.as_str());
            rule(known, || format!("tool_choice: {word}"), broken);
        }
        Some(choice) if choice["type"] == "function" => {
            keys("tool_choice", choice, &[], &["type", "function"], broken);
            let name = text(&choice["function"]["name"]);
            rule(
                names.contains(name),
                || format!("tool_choice: no tool {name}"),
                broken,
            );
        }
        Some(choice) if choice["type"] == "allowed_tools" && law.choices.contains(&"allowed") => {
            for tool in list(&choice["allowed_tools"]["tools"]) {
                let name = text(&tool["function"]["name"]);
                rule(
                    names.contains(name),
                    || format!("tool_choice: no tool {name}"),
                    broken,
                );
            }
        }
        Some(choice) => broken.push(format!("tool_choice: {choice}")),
    }
}

fn stop(body: &Value, law: &Law, broken: &mut Broken) {
    match body.get("stop") {
        None | Some(Value::String(_)) => {}
        Some(Value::Array(stops)) => {
            rule(
                stops.len() <= law.stops,
                || "stop: too many".to_owned(),
                broken,
            );
            rule(
                stops.iter().all(Value::is_string),
                || "stop: no texts".to_owned(),
                broken,
            );
        }
        Some(other) => broken.push(format!("stop: {other}")),
    }
}

fn response_format(body: &Value, broken: &mut Broken) {
    let Some(format) = body.get("response_format") else {
        return;
    };
    match text(&format["type"]) {
        "json_schema" => {
            keys(
                "response_format",
                format,
                &[],
                &["type", "json_schema"],
                broken,
            );
            let allowed = ["description", "schema", "strict"];
            keys(
                "response_format",
                &format["json_schema"],
                &allowed,
                &["name"],
                broken,
            );
        }
        "text" | "json_object" => keys("response_format", format, &[], &["type"], broken),
        other => broken.push(format!("response_format: {other}")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::Broken;

    /// A body that all companies take.
    pub(in crate::lawful) fn good() -> Value {
        let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "look_up", "arguments": "{}"}});
        let parameters = json!({"type": "object", "properties": {}});
        json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": [{"type": "text", "text": "u"}]},
                {"role": "assistant", "tool_calls": [call("D681PevKa"), call("D681PevKb")]},
                {"role": "tool", "tool_call_id": "D681PevKa", "content": "a"},
                {"role": "tool", "tool_call_id": "D681PevKb", "content": "b"},
                {"role": "user", "content": "u"},
            ],
            "tools": [{"type": "function", "function": {"name": "look_up", "parameters": parameters}}],
            "tool_choice": "auto",
        })
    }

    /// Holds a law's rules to a good body, and to each of these changes of it: a pointer, and what is
    /// put there (`null` takes away).
    pub(in crate::lawful) fn check(
        good: &Value,
        broken: impl Fn(&Value) -> Broken,
        bad: &[(&str, Value)],
    ) {
        assert_eq!(broken(good), Broken::new(), "{good}");
        for (pointer, value) in bad {
            let mut body = good.clone();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let parent = body.pointer_mut(parent).unwrap();
            match parent {
                Value::Array(list) => {
                    let at: usize = name.parse().unwrap();
                    if value.is_null() {
                        list.remove(at);
                    } else {
                        list[at] = value.clone();
                    }
                }
                Value::Object(object) => {
                    if value.is_null() {
                        object.remove(name);
                    } else {
                        object.insert(name.to_owned(), value.clone());
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                    panic!("{pointer}: {parent}")
                }
            }
            assert!(!broken(&body).is_empty(), "{pointer} {value}");
        }
    }

    /// Changes that no company takes.
    pub(in crate::lawful) fn bad() -> Vec<(&'static str, Value)> {
        vec![
            ("/model", Value::Null),
            ("/messages", json!([])),
            ("/messages/0/role", json!("robot")),
            ("/messages/1/content", json!([])),
            ("/messages/1/content", json!([{"type": "smell"}])),
            ("/messages/1/content", json!(7)),
            ("/messages/2/tool_calls", json!([])),
            ("/messages/2/tool_calls/1/id", json!("D681PevKa")),
            ("/messages/2/tool_calls/0/function/arguments", json!({})),
            ("/messages/3", Value::Null),
            ("/messages/3/tool_call_id", json!("D681PevKc")),
            ("/messages/4", json!({"role": "user", "content": "between"})),
            ("/tools/0/function/name", json!("")),
            ("/tools/0/function/parameters", json!("x")),
            ("/tools/0/type", json!("other")),
            ("/tools", json!([])),
            ("/tool_choice", json!("sometimes")),
            (
                "/tool_choice",
                json!({"type": "function", "function": {"name": "x"}}),
            ),
            ("/stop", json!(7)),
            ("/response_format", json!({"type": "yaml"})),
            (
                "/response_format",
                json!({"type": "json_schema", "json_schema": {}}),
            ),
        ]
    }
}
