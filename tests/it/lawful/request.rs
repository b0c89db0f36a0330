//! Requests that OpenAI's API takes: a conversation, and any mix of the fields of its reference.

use serde_json::{Map, Value, json};

use crate::lawful::talk::{NAMES, Said, Talk};
use crate::lawful::tape::Tape;

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Lawful {
    /// The body as the caller sends it.
    pub(super) body: Value,
    /// The texts of its conversation.
    pub(super) said: Vec<Said>,
}

/// The request that these numbers make: a tape for each step of its conversation, and one for each of
/// its fields.
pub(super) fn request(steps: &[Vec<u16>], fields: &[Vec<u16>]) -> Lawful {
    let mut talk = Talk::default();
    for step in steps {
        talk.step(&mut Tape::new(step));
    }
    let mut body = Map::from_iter([("model".to_owned(), json!("auto"))]);
    body.insert("messages".to_owned(), Value::Array(talk.messages));
    for field in fields {
        self::field(&mut body, &mut Tape::new(field));
    }
    if body.get("logprobs") != Some(&json!(true)) {
        body.remove("top_logprobs");
    }
    Lawful {
        body: Value::Object(body),
        said: talk.said,
    }
}

fn field(body: &mut Map<String, Value>, tape: &mut Tape<'_>) {
    match tape.below(32) {
        0..=6 => tools(body, tape),
        7..=9 => insert(body, "response_format", format(tape)),
        10..=12 => {
            let words = ["low", "none", "minimal", "medium", "high", "xhigh", "max"];
            insert(body, "reasoning_effort", json!(tape.pick(&words)));
        }
        13 => probabilities(body, tape),
        14 => streamed(body, tape),
        15 => legacy(body, tape),
        16..=18 => limit(body, tape),
        which => {
            let (name, value) = plain(which, tape);
            insert(body, name, value);
        }
    }
}

fn insert(body: &mut Map<String, Value>, name: &str, value: Value) {
    body.insert(name.to_owned(), value);
}

/// Fields that stand for themselves.
fn plain(which: usize, tape: &mut Tape<'_>) -> (&'static str, Value) {
    match which {
        19 => (
            "temperature",
            tape.pick_json(&["1", "0", "0.7", "1.5", "2", "1.0", "null"]),
        ),
        20 => ("top_p", tape.pick_json(&["1", "0.1", "0.99", "null"])),
        21 | 22 => (
            "stop",
            tape.pick_json(&[
                r#""END""#,
                r#"["a","b"]"#,
                r#"["a","b","c","d"]"#,
                "[]",
                r#"["\n"," "]"#,
                "null",
            ]),
        ),
        23 => ("seed", tape.pick_json(&["7", "0", "-1", "null"])),
        24 => ("n", tape.pick_json(&["1", "2", "null"])),
        25 => {
            let name = tape.pick(&["presence_penalty", "frequency_penalty"]);
            (name, tape.pick_json(&["0", "0.5", "-2", "0.0", "null"]))
        }
        26 => {
            let users = [r#""u-123""#, r#""ann@example.com""#, r#""+49 170 1234567""#];
            let name = tape.pick(&["user", "safety_identifier"]);
            (name, tape.pick_json(&users))
        }
        27 => (
            "metadata",
            tape.pick_json(&[r#"{"a":"b"}"#, "{}", "null", r#"{"user_id":"x"}"#]),
        ),
        28 => aside(tape),
        29 => answers(tape),
        30 => vendors(tape),
        _ => (
            "verbosity",
            tape.pick_json(&[r#""low""#, r#""medium""#, r#""high""#]),
        ),
    }
}

/// Fields that the answer does without.
fn aside(tape: &mut Tape<'_>) -> (&'static str, Value) {
    match tape.below(7) {
        0 => ("store", tape.pick_json(&["false", "true"])),
        1 => (
            "service_tier",
            tape.pick_json(&[
                r#""auto""#,
                r#""default""#,
                r#""flex""#,
                r#""priority""#,
                "null",
            ]),
        ),
        2 => ("prompt_cache_key", json!("kä")),
        3 => ("prompt_cache_retention", json!("24h")),
        4 => (
            "prompt_cache_options",
            json!({"mode": "explicit", "ttl": "30m"}),
        ),
        5 => (
            "prediction",
            json!({"type": "content", "content": "predicted"}),
        ),
        _ => ("moderation", json!({"model": "omni-moderation-latest"})),
    }
}

/// Fields that make the answer another.
fn answers(tape: &mut Tape<'_>) -> (&'static str, Value) {
    match tape.below(4) {
        0 => ("logit_bias", tape.pick_json(&["{}", r#"{"50256":-100}"#])),
        1 => ("modalities", tape.pick_json(&[r#"["text"]"#, "null"])),
        2 => ("web_search_options", json!({})),
        _ => ("logprobs", tape.pick_json(&["false", "null"])),
    }
}

/// Fields that are some company's own.
fn vendors(tape: &mut Tape<'_>) -> (&'static str, Value) {
    match tape.below(9) {
        0 => ("top_k", json!(40)),
        1 => ("min_p", json!(0.05)),
        2 => ("repetition_penalty", json!(1.1)),
        3 => ("safe_prompt", json!(true)),
        4 => ("provider", json!({"order": ["x"]})),
        5 => ("chat_template_kwargs", json!({"thinking": true})),
        6 => (
            "thinking",
            json!({"type": "enabled", "budget_tokens": 2048}),
        ),
        7 => ("reasoning", json!({"effort": "high"})),
        _ => ("x_unheard_of", json!({"a": [1]})),
    }
}

fn limit(body: &mut Map<String, Value>, tape: &mut Tape<'_>) {
    let limits = ["4096", "1", "100", "1024", "2000", "40000", "null"];
    let name = tape.pick(&["max_completion_tokens", "max_tokens"]);
    insert(body, name, tape.pick_json(&limits));
}

fn probabilities(body: &mut Map<String, Value>, tape: &mut Tape<'_>) {
    insert(body, "logprobs", json!(true));
    if tape.once_in(2) {
        insert(body, "top_logprobs", json!(tape.below(21)));
    }
}

fn streamed(body: &mut Map<String, Value>, tape: &mut Tape<'_>) {
    insert(body, "stream", json!(true));
    body.remove("stream_options");
    if tape.once_in(2) {
        let options = [
            r#"{"include_usage":true}"#,
            r#"{"include_obfuscation":false}"#,
            "null",
        ];
        insert(body, "stream_options", tape.pick_json(&options));
    }
}

/// Functions as they were before tools.
fn legacy(body: &mut Map<String, Value>, tape: &mut Tape<'_>) {
    if tape.once_in(2) {
        let function = json!({"name": "look_up", "parameters": {"type": "object"}});
        insert(body, "functions", json!([function]));
        insert(body, "function_call", json!("auto"));
    } else {
        insert(body, "functions", json!([]));
    }
}

fn tools(body: &mut Map<String, Value>, tape: &mut Tape<'_>) {
    let count = tape.below(5);
    let first = tape.below(NAMES.len());
    let named = |at: usize| NAMES[(first + at) % NAMES.len()];
    let mut tools: Vec<Value> = (0..count).map(|at| tool(named(at), tape)).collect();
    if tape.once_in(30) {
        tools.push(json!({"type": "custom", "custom": {"name": "grep"}}));
    }
    let offers = !tools.is_empty();
    insert(body, "tools", Value::Array(tools));
    for name in ["tool_choice", "parallel_tool_calls"] {
        body.remove(name);
    }
    if !offers {
        return;
    }
    match tape.below(12) {
        4 | 5 => insert(body, "tool_choice", json!("auto")),
        6 | 7 => insert(body, "tool_choice", json!("none")),
        8 => insert(body, "tool_choice", json!("required")),
        9 | 10 if count > 0 => {
            let choice = json!({"type": "function", "function": {"name": named(0)}});
            insert(body, "tool_choice", choice);
        }
        11 if count > 0 => {
            let allowed = json!({"mode": "auto", "tools": [{"type": "function", "function": {"name": named(0)}}]});
            let choice = json!({"type": "allowed_tools", "allowed_tools": allowed});
            insert(body, "tool_choice", choice);
        }
        _ => {}
    }
    match tape.below(6) {
        4 => insert(body, "parallel_tool_calls", json!(true)),
        5 => insert(body, "parallel_tool_calls", json!(false)),
        _ => {}
    }
}

fn tool(name: &str, tape: &mut Tape<'_>) -> Value {
    let mut function = Map::from_iter([("name".to_owned(), json!(name))]);
    if tape.once_in(2) {
        function.insert("description".to_owned(), json!("Looks \"it\" up.\n"));
    }
    if let Some(schema) = schema(tape) {
        function.insert("parameters".to_owned(), schema);
    }
    match tape.below(6) {
        3 => {
            function.insert("strict".to_owned(), json!(true));
        }
        4 => {
            function.insert("strict".to_owned(), json!(false));
        }
        5 => {
            function.insert("strict".to_owned(), Value::Null);
        }
        _ => {}
    }
    let mut tool = json!({"type": "function", "function": function});
    if tape.once_in(8) {
        tool["cache_control"] = json!({"type": "ephemeral"});
    }
    tool
}

/// Schemas as generators write them.
fn schema(tape: &mut Tape<'_>) -> Option<Value> {
    const SCHEMAS: [&str; 8] = [
        r#"{"type":"object","properties":{}}"#,
        "{}",
        r#"{"type":"object","properties":{"q":{"type":"string","minLength":1,"default":"x"}},"required":["q"],"additionalProperties":false}"#,
        r##"{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"urn:x","type":"object","properties":{"n":{"$ref":"#/$defs/N"}},"$defs":{"N":{"type":["integer","null"],"minimum":0}},"required":["n"],"additionalProperties":false}"##,
        r#"{"type":"object","properties":{"a":{"anyOf":[{"type":"string"},{"type":"null"}]},"e":{"enum":["x",null]},"o":{"oneOf":[{"type":"number"},{"type":"object","properties":{"z":{"type":"array","items":{"type":"string"},"minItems":2,"uniqueItems":true}}}]}}}"#,
        r#"{"properties":{"q":{"type":"string"}}}"#,
        r#"{"title":"T","description":"d","type":"object","properties":{"when":{"type":"string","format":"date-time","pattern":"^x"}},"required":[]}"#,
        r#"{"type":"object"}"#,
    ];
    let at = tape.below(SCHEMAS.len() + 1);
    SCHEMAS
        .get(at)
        .map(|text| serde_json::from_str(text).unwrap())
}

fn format(tape: &mut Tape<'_>) -> Value {
    match tape.below(6) {
        0 => json!({"type": "text"}),
        1 => json!({"type": "json_object"}),
        2 => Value::Null,
        _ => {
            let mut named = Map::from_iter([("name".to_owned(), json!("answer"))]);
            if let Some(schema) = schema(tape) {
                named.insert("schema".to_owned(), schema);
            }
            match tape.below(4) {
                1 => {
                    named.insert("strict".to_owned(), json!(true));
                }
                2 => {
                    named.insert("strict".to_owned(), json!(false));
                    named.insert("description".to_owned(), json!("What to say."));
                }
                3 => {
                    named.insert("strict".to_owned(), Value::Null);
                }
                _ => {}
            }
            json!({"type": "json_schema", "json_schema": named})
        }
    }
}

impl Tape<'_> {
    /// One of these JSON texts.
    fn pick_json(&mut self, texts: &[&str]) -> Value {
        serde_json::from_str(self.pick(texts)).unwrap()
    }
}
