//! What is lost of a request where a target is not told one of its fields.
//!
//! # Why a table
//!
//! No company takes all of OpenAI's fields. A caller who asks for two answers and gets one, or for a
//! picture to be looked at that nobody looked at, has been lied to; a caller whose `user` stays here has
//! lost nothing. So each field of the reference
//! (<https://platform.openai.com/docs/api-reference/chat/create>, as in the Python SDK 3.52) is one or
//! the other. Fields that the reference does not have are some company's own way of tuning: they are
//! left out where another company answers, and named.

use serde_json::value::RawValue;

use crate::openai::json::Object;

/// What leaving a field out takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Something of the answer: the target cannot serve the request.
    Answer,
    /// Nothing that the answer is made of: the field is left out, and named.
    Aside,
}

/// The fields whose loss would be the answer's, in order.
const ANSWERS: [&str; 15] = [
    "audio",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "modalities",
    "n",
    "parallel_tool_calls",
    "response_format",
    "seed",
    "stop",
    "tool_choice",
    "tools",
    "top_logprobs",
    "web_search_options",
];

/// What leaving out the field `name` takes away.
pub fn loss(name: &str) -> Loss {
    if ANSWERS.contains(&name) {
        Loss::Answer
    } else {
        Loss::Aside
    }
}

/// Whether a field asks for nothing: for what happens anyway, or for an empty list.
pub fn is_neutral(name: &str, value: &RawValue, all: &Object<'_>) -> bool {
    let text = value.get();
    let is_hollow = || {
        text.strip_prefix(['[', '{'])
            .is_some_and(|inner| inner.trim_start().starts_with([']', '}']))
    };
    let offers = |name| {
        let list = all.raw(name).map(RawValue::get);
        list.is_some_and(|list| {
            !list
                .trim_start_matches(['[', ' ', '\n', '\r', '\t'])
                .starts_with(']')
        })
    };
    match name {
        "n" => text == "1",
        "logprobs" | "store" => text == "false",
        "top_logprobs" | "frequency_penalty" | "presence_penalty" => {
            text.parse::<f64>().is_ok_and(|number| number == 0.0)
        }
        "parallel_tool_calls" => text == "true" || !offers("tools"),
        "tool_choice" => text == "\"auto\"" || !offers("tools"),
        "function_call" => text == "\"auto\"" || !offers("functions"),
        "modalities" => {
            serde_json::from_str::<[&str; 1]>(text).is_ok_and(|listed| listed == ["text"])
        }
        "response_format" => {
            Object::parse(text).is_ok_and(|format| format.text("type").as_deref() == Some("text"))
        }
        "service_tier" => text == "\"auto\"",
        // Empty options, too, ask for a search.
        "web_search_options" => false,
        _ => is_hollow(),
    }
}

/// The names of the fields that are left out where only those are sent that `takes` knows, without
/// those that ask for nothing.
///
/// # Errors
///
/// The first field that the answer could not do without.
pub fn left_out<'r>(
    fields: &'r Object<'_>,
    takes: impl Fn(&str) -> bool,
) -> Result<Vec<&'r str>, &'static str> {
    let mut names: Vec<&'r str> = Vec::new();
    for (name, value) in &fields.0 {
        let name = name.as_ref();
        if takes(name) || names.contains(&name) || is_neutral(name, value, fields) {
            continue;
        }
        if let Some(needed) = ANSWERS.iter().find(|needed| **needed == name) {
            return Err(needed);
        }
        names.push(name);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left<'r>(fields: &'r Object<'_>, takes: &[&str]) -> Result<Vec<&'r str>, &'static str> {
        left_out(fields, |name| takes.contains(&name))
    }

    #[test]
    fn what_the_answer_needs_cannot_be_left_out_and_what_it_does_not_is_named() {
        assert!(ANSWERS.is_sorted());
        let check = |fields: &str, expected: Result<Vec<&str>, &'static str>| {
            let fields = Object::parse(fields).unwrap();
            assert_eq!(left(&fields, &["tools", "temperature"]), expected);
        };
        check(
            r#"{"user":"u","temperature":1,"top_k":4}"#,
            Ok(vec!["user", "top_k"]),
        );
        check(r#"{"user":"u","seed":7}"#, Err("seed"));
        check(r#"{"n":2}"#, Err("n"));
        check(r#"{"web_search_options":{}}"#, Err("web_search_options"));
        check(r#"{"tools":[{}],"tool_choice":"none"}"#, Err("tool_choice"));
        check(
            r#"{"tools":[{}],"parallel_tool_calls":false}"#,
            Err("parallel_tool_calls"),
        );
    }

    #[test]
    fn what_asks_for_nothing_is_left_out_without_a_word() {
        for nothing in [
            r#"{"n":1,"logprobs":false,"top_logprobs":0,"store":false}"#,
            r#"{"functions":[],"function_call":"none","logit_bias":{},"metadata":{ }}"#,
            r#"{"tool_choice":"required","parallel_tool_calls":false}"#,
            r#"{"tools":[{}],"tool_choice":"auto","parallel_tool_calls":true}"#,
            r#"{"modalities":["text"],"response_format":{"type":"text"}}"#,
            r#"{"presence_penalty":0.0,"frequency_penalty":0,"stop":[],"service_tier":"auto"}"#,
        ] {
            let fields = Object::parse(nothing).unwrap();
            assert_eq!(left(&fields, &["tools"]), Ok(vec![]), "{nothing}");
        }
    }
}
