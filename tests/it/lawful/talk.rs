//! Conversations that OpenAI's API takes, in every form that clients give them.

use serde_json::{Map, Value, json};

use crate::lawful::tape::Tape;

/// A conversation as it grows.
#[derive(Debug, Default)]
pub(super) struct Talk {
    /// Its messages.
    pub(super) messages: Vec<Value>,
    /// Every text in it.
    pub(super) said: Vec<Said>,
    calls: usize,
}

/// A text of the conversation; no two are the same.
#[derive(Clone, Debug)]
pub(super) struct Said {
    /// Who said it.
    pub(super) who: Who,
    /// The text.
    pub(super) text: String,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// The model.
    Assistant,
    /// The system, or the developer.
    System,
    /// A tool.
    Tool,
    /// The person.
    User,
}

/// Names of tools: by OpenAI's rule, and as clients of tool servers have them.
pub(super) const NAMES: [&str; 8] = [
    "look_up",
    "a_b",
    "a.b",
    "files/read-file",
    "7up",
    "tool.with.a.name.that.is.much.longer.than.any.company.at.all.would.ever.take.of.us",
    "mcp__server__tool_with_a_name_that_is_just_as_long_as_openai_has_it",
    "größe",
];

/// What models have written for arguments.
const ARGUMENTS: [&str; 6] = [
    "{}",
    "",
    r#"{"query":"ü","deep":{"list":[1,2.50,{"a":null}]},"flag":true}"#,
    " {\"a\" : 1}\n",
    " ",
    r#"{"path":"C:\\x\"y"}"#,
];

/// What makers of models sign their thoughts with. Each has a word that nobody else may be sent.
pub(super) const SIGNED: [&str; 4] = [
    r#"[{"type":"reasoning.text","text":"thought-anthropic","signature":"sig-anthropic","format":"pilotlight.anthropic-v1","index":0}]"#,
    r#"[{"type":"reasoning.encrypted","data":"enc-openai","id":"rs_1","format":"pilotlight.openai-v1","index":0}]"#,
    r#"[{"type":"reasoning.summary","summary":"thought-openai","id":"rs_1","format":"pilotlight.openai-v1","index":0},{"type":"reasoning.encrypted","data":"enc-openai","id":"rs_1","format":"pilotlight.openai-v1","index":0}]"#,
    r#"[{"type":"reasoning.text","text":"thought-google","format":"google-gemini-v1","index":0},{"type":"reasoning.encrypted","data":"enc-google","id":"x","format":"google-gemini-v1","index":1},{"type":"reasoning.encrypted","data":"enc-anthropic","format":"anthropic-claude-v1","index":2}]"#,
];

const PNG: &str = "data:image/png;base64,iVBORw0KGgo=";
const PDF: &str = "data:application/pdf;base64,JVBERi0xLjQK";

impl Talk {
    /// Adds what one tape makes: a message, or calls of tools with all their results.
    pub(super) fn step(&mut self, tape: &mut Tape<'_>) {
        match tape.below(16) {
            0..=5 => self.user(tape),
            6..=8 => self.assistant(tape),
            9..=13 => self.round(tape),
            _ => self.system(tape),
        }
    }

    fn user(&mut self, tape: &mut Tape<'_>) {
        let content = match tape.below(4) {
            0 | 1 => self.plain(Who::User, tape),
            2 => self.parts(Who::User, tape),
            _ => {
                let mut parts = vec![self.part(Who::User, tape)];
                for _ in 0..=tape.below(2) {
                    parts.push(seen(tape));
                }
                if tape.once_in(2) {
                    parts.push(self.part(Who::User, tape));
                }
                Value::Array(parts)
            }
        };
        let mut message = json!({"role": "user", "content": content});
        if tape.once_in(6) {
            message["name"] = json!("Ann");
        }
        self.messages.push(message);
    }

    fn system(&mut self, tape: &mut Tape<'_>) {
        let content = self.words(Who::System, tape);
        let role = tape.pick(&["system", "developer"]);
        let mut message = json!({"role": role, "content": content});
        if tape.once_in(8) {
            message["name"] = json!("Ops");
        }
        self.messages.push(message);
    }

    fn assistant(&mut self, tape: &mut Tape<'_>) {
        let mut message = Map::from_iter([("role".to_owned(), json!("assistant"))]);
        match tape.below(8) {
            0..=4 => {
                let content = self.words(Who::Assistant, tape);
                message.insert("content".to_owned(), content);
            }
            5 => {
                let text = self.text(Who::Assistant, tape);
                message.insert(
                    "content".to_owned(),
                    json!([{"type": "refusal", "refusal": text}]),
                );
            }
            6 => {
                let text = self.text(Who::Assistant, tape);
                message.insert("content".to_owned(), Value::Null);
                message.insert("refusal".to_owned(), json!(text));
            }
            _ => {
                let content = self.plain(Who::Assistant, tape);
                message.insert("content".to_owned(), content);
                message.insert("refusal".to_owned(), Value::Null);
                message.insert("function_call".to_owned(), Value::Null);
                message.insert("audio".to_owned(), Value::Null);
                message.insert("tool_calls".to_owned(), Value::Null);
            }
        }
        think(&mut message, tape);
        if tape.once_in(10) {
            message.insert("name".to_owned(), json!("Bot"));
        }
        self.messages.push(Value::Object(message));
    }

    /// One to four calls, and their results in any order.
    fn round(&mut self, tape: &mut Tape<'_>) {
        let mut message = Map::from_iter([("role".to_owned(), json!("assistant"))]);
        match tape.below(4) {
            0 => {
                message.insert("content".to_owned(), Value::Null);
            }
            1 => {}
            2 => {
                message.insert("content".to_owned(), json!(""));
            }
            _ => {
                let content = self.words(Who::Assistant, tape);
                message.insert("content".to_owned(), content);
            }
        }
        think(&mut message, tape);
        let count = 1 + tape.below(4);
        let shape = tape.below(8);
        // Some models number their calls anew each turn.
        let first = if tape.once_in(2) { 0 } else { self.calls };
        let mut ids = Vec::new();
        let mut calls = Vec::new();
        for at in 0..count {
            let id = id(shape, first + at);
            let function = json!({"name": tape.pick(&NAMES), "arguments": arguments(tape)});
            let mut call = json!({"id": id, "type": "function", "function": function});
            if tape.once_in(6) {
                call["extra_content"] = json!({"google": {"thought_signature": "sig-google"}});
            }
            calls.push(call);
            ids.push(id);
        }
        self.calls += count;
        message.insert("tool_calls".to_owned(), Value::Array(calls));
        self.messages.push(Value::Object(message));
        let turned = tape.below(count);
        ids.rotate_left(turned);
        if tape.once_in(2) {
            ids.reverse();
        }
        for id in ids {
            let content = self.words(Who::Tool, tape);
            let mut message = json!({"role": "tool", "tool_call_id": id, "content": content});
            if tape.once_in(12) {
                message["name"] = json!("look_up");
            }
            self.messages.push(message);
        }
    }

    /// A content that is text.
    fn words(&mut self, who: Who, tape: &mut Tape<'_>) -> Value {
        if tape.once_in(3) {
            self.parts(who, tape)
        } else {
            self.plain(who, tape)
        }
    }

    fn plain(&mut self, who: Who, tape: &mut Tape<'_>) -> Value {
        match tape.below(12) {
            10 => json!(""),
            11 => json!(" \n"),
            _ => json!(self.text(who, tape)),
        }
    }

    fn parts(&mut self, who: Who, tape: &mut Tape<'_>) -> Value {
        let count = 1 + tape.below(3);
        Value::Array((0..count).map(|_| self.part(who, tape)).collect())
    }

    fn part(&mut self, who: Who, tape: &mut Tape<'_>) -> Value {
        let text = match tape.below(12) {
            10 => String::new(),
            11 => "  ".to_owned(),
            _ => self.text(who, tape),
        };
        let mut part = json!({"type": "text", "text": text});
        match tape.below(10) {
            8 => part["cache_control"] = json!({"type": "ephemeral"}),
            9 => part["cache_control"] = json!({"type": "ephemeral", "ttl": "1h"}),
            _ => {}
        }
        part
    }

    /// A text that is nowhere else.
    fn text(&mut self, who: Who, tape: &mut Tape<'_>) -> String {
        let n = self.said.len();
        let text = match tape.below(8) {
            5 => format!("w{n}w \"quoted\" \\ \n\t ü 🔥"),
            6 => format!("  \nw{n}w \n "),
            7 => format!("{{\"json\":\"w{n}w\"}}"),
            _ => format!("w{n}w"),
        };
        self.said.push(Said {
            who,
            text: text.clone(),
        });
        text
    }
}

fn arguments(tape: &mut Tape<'_>) -> &'static str {
    if tape.once_in(40) {
        // A model's slip, which OpenAI takes back as it is.
        return tape.pick(&["[1]", "{\"cut\":"]);
    }
    tape.pick(&ARGUMENTS)
}

/// A picture, a file, or sound.
fn seen(tape: &mut Tape<'_>) -> Value {
    match tape.below(8) {
        0 | 1 => json!({"type": "image_url", "image_url": {"url": PNG}}),
        2 => {
            json!({"type": "image_url", "image_url": {"url": PNG, "detail": tape.pick(&["low", "high", "auto"])}})
        }
        3 | 4 => json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}),
        5 => json!({"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}}),
        6 => json!({"type": "file", "file": {"file_id": "file-abc"}}),
        _ => json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}),
    }
}

/// What the model thought, as those who tell it do.
fn think(message: &mut Map<String, Value>, tape: &mut Tape<'_>) {
    let mut insert = |name: &str, value: Value| message.insert(name.to_owned(), value);
    match tape.below(14) {
        8 => {
            insert("reasoning", json!("thought-plain"));
        }
        9 => {
            insert("reasoning_content", json!("thought-plain"));
        }
        10 | 11 => {
            let signed = serde_json::from_str(tape.pick(&SIGNED)).unwrap();
            insert("reasoning_details", signed);
            insert("reasoning", json!("thought-plain"));
        }
        12 => {
            let signed = serde_json::from_str(tape.pick(&SIGNED)).unwrap();
            insert("reasoning_details", signed);
        }
        13 => {
            insert("reasoning_details", json!([]));
            insert("reasoning", Value::Null);
        }
        _ => {}
    }
}

/// Ids of the shapes that companies give them, and of some that nobody gives.
fn id(shape: usize, n: usize) -> String {
    match shape {
        0 => format!("call_{n:024}"),
        1 => format!("toolu_01A09q90qw90lq91{n:06}"),
        2 => format!("D681Pev{n:02}"),
        3 => format!("chatcmpl-tool-{n:062}"),
        4 => format!("functions.look_up:{n}"),
        5 => format!("ü{n}"),
        6 => format!("{n}"),
        _ => format!("call {n}/x"),
    }
}
