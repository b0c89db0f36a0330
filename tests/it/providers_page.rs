//! The table of `docs/providers.md`: what each company is told of each field, read off what is written
//! for it.

use std::fmt::Write as _;

use pilotlight::models::Abilities;
use pilotlight::openai::{ChatRequest, Delivery, UsageChunk};
use pilotlight::policy::able;
use pilotlight::provider::{Ask, Company, Ending, PROVIDERS, Provider, Unsupported, Window};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../docs/providers.md");

/// The columns: a title, a dialect, a company.
const COLUMNS: [(&str, &str, &str); 10] = [
    ("OpenAI", "openai", "openai"),
    ("`responses`", "responses", "openai"),
    ("Anthropic", "anthropic", "anthropic"),
    ("Gemini", "openai", "gemini"),
    ("Mistral", "openai", "mistral"),
    ("Groq", "openai", "groq"),
    ("Together", "openai", "together"),
    ("OpenRouter", "openai", "openrouter"),
    ("others", "openai", "compatible"),
    ("Ollama", "ollama", "compatible"),
];

/// The rows: what is asked for, the path under which it would be named, and its JSON.
const ROWS: [(&str, &str, &str); 24] = [
    ("`tools`", "tools", r#"{"tools":[TOOL]}"#),
    (
        "`tool_choice: \"required\"`",
        "tool_choice",
        r#"{"tools":[TOOL],"tool_choice":"required"}"#,
    ),
    (
        "`parallel_tool_calls: false`",
        "parallel_tool_calls",
        r#"{"tools":[TOOL],"parallel_tool_calls":false}"#,
    ),
    (
        "`response_format: json_schema`",
        "response_format",
        r#"{"response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{
            "type":"object","properties":{"a":{"type":"string"}},"required":["a"],
            "additionalProperties":false}}}}"#,
    ),
    (
        "`response_format: json_object`",
        "response_format",
        r#"{"response_format":{"type":"json_object"}}"#,
    ),
    (
        "a picture, `data:`",
        "messages.content.image_url",
        r#"{"part":{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}}"#,
    ),
    (
        "a picture, `https:`",
        "messages.content.image_url",
        r#"{"part":{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}}"#,
    ),
    (
        "a PDF",
        "messages.content.file",
        r#"{"part":{"type":"file","file":{"filename":"a.pdf",
            "file_data":"data:application/pdf;base64,JVBERi0="}}}"#,
    ),
    (
        "sound",
        "messages.content.input_audio",
        r#"{"part":{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}}"#,
    ),
    (
        "`reasoning_effort`",
        "reasoning_effort",
        r#"{"reasoning_effort":"low"}"#,
    ),
    ("`stop`", "stop", r#"{"stop":["END"]}"#),
    ("`seed`", "seed", r#"{"seed":7}"#),
    ("`n: 2`", "n", r#"{"n":2}"#),
    ("`logprobs: true`", "logprobs", r#"{"logprobs":true}"#),
    (
        "`logit_bias`",
        "logit_bias",
        r#"{"logit_bias":{"50256":-100}}"#,
    ),
    ("`temperature`", "temperature", r#"{"temperature":0.3}"#),
    ("`top_p`", "top_p", r#"{"top_p":0.9}"#),
    (
        "`presence_penalty`",
        "presence_penalty",
        r#"{"presence_penalty":0.5}"#,
    ),
    ("`user`", "user", r#"{"user":"u-1"}"#),
    ("`metadata`", "metadata", r#"{"metadata":{"a":"b"}}"#),
    (
        "`prompt_cache_key`",
        "prompt_cache_key",
        r#"{"prompt_cache_key":"k"}"#,
    ),
    ("`verbosity`", "verbosity", r#"{"verbosity":"low"}"#),
    (
        "`cache_control` of a part",
        "messages.content.cache_control",
        r#"{"part":{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}}"#,
    ),
    (
        "`name` of a user",
        "messages.name",
        r#"{"messages":[{"role":"user","name":"ada","content":"hi"}]}"#,
    ),
];

/// What `TOOL` stands for.
const TOOL: &str = r#"{"type":"function","function":{"name":"look_up","parameters":{
    "type":"object","properties":{}}}}"#;

/// The body of a request that asks for something: members, or a `part` of its only message.
fn body(asked: &str) -> String {
    let asked: Value = serde_json::from_str(&asked.replace("TOOL", TOOL)).unwrap();
    let content = match asked.get("part") {
        Some(part) => json!([part]),
        None => json!("hi"),
    };
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": content}]});
    for (name, value) in asked.as_object().unwrap() {
        if name != "part" {
            body[name] = value.clone();
        }
    }
    body.to_string()
}

/// What becomes of a field: it is told (✓), left out and named (○), or the target is passed over (–).
fn cell(
    provider: &dyn Provider,
    company: &'static Company,
    path: &str,
    asked: &str,
) -> &'static str {
    let text = body(asked);
    let request = ChatRequest::parse(&text).unwrap();
    let able = able::judge(&request, Abilities::UNKNOWN).unwrap();
    let written = provider.write(&Ask {
        request: &request,
        messages: &request.messages,
        delivery: Delivery::Streamed,
        usage_chunk: UsageChunk::Wanted,
        ending: Ending::Usual,
        model: "m",
        company,
        context: None,
        window: Window::Told,
        max_tokens: None,
        max_output: None,
        abilities: Abilities::UNKNOWN,
        left_out: &able.left_out(),
        effort: able.effort.as_deref(),
        keep_alive: None,
    });
    match written {
        Err(Unsupported(_)) => "–",
        Ok(written) if written.dropped.iter().any(|name| name == path) => "○",
        Ok(_) => "✓",
    }
}

#[test]
fn the_page_of_providers_tells_what_becomes_of_each_field() {
    let titles: Vec<&str> = COLUMNS.iter().map(|(title, ..)| *title).collect();
    let mut expected = format!(
        "| | {} |\n|---|{}\n",
        titles.join(" | "),
        "---|".repeat(titles.len())
    );
    for (row, path, asked) in ROWS {
        let cells = COLUMNS.iter().map(|(_, dialect, company)| {
            let provider = PROVIDERS.iter().find(|one| one.name() == *dialect).unwrap();
            cell(*provider, Company::named(company).unwrap(), path, asked)
        });
        let cells: Vec<&str> = cells.collect();
        let _ = writeln!(expected, "| {row} | {} |", cells.join(" | "));
    }
    let (_, rest) = PAGE.split_once("<!-- fields:begin -->\n").unwrap();
    let (found, _) = rest.split_once("<!-- fields:end -->").unwrap();
    assert!(
        found.trim() == expected.trim(),
        "docs/providers.md should hold, between its markers:\n\n{expected}"
    );
}
