//! Every dialect and company against a double that others wrote: text, tool calls and errors, whole
//! and streamed.

use serde_json::{Value, json};

use crate::aimock::Aimock;
use crate::caller::{Answer, Streamed};
use crate::gateway::{Gateway, Setup};

/// A way to be spoken to that aimock has and a target can have.
struct Surface {
    name: &'static str,
    /// The target's dialect.
    provider: &'static str,
    /// The company, in a dialect that has several.
    company: Option<&'static str>,
    /// What follows the address in its base URL.
    base: &'static str,
    /// Where it is asked.
    path: &'static str,
}

/// All of them.
#[rustfmt::skip]
const SURFACES: &[Surface] = &[
    chat("openai", "/v1", "/v1/chat/completions"),
    chat("groq", "/openai/v1", "/openai/v1/chat/completions"),
    chat("together", "/v1", "/v1/chat/completions"),
    chat("openrouter", "/api/v1", "/api/v1/chat/completions"),
    chat("compatible", "/v1", "/v1/chat/completions"),
    Surface { name: "ollama", provider: "ollama", company: None, base: "", path: "/api/chat" },
    chat("gemini", "/v1beta/openai", "/v1beta/openai/chat/completions"),
    chat("mistral", "/v1", "/v1/chat/completions"),
    Surface { name: "anthropic", provider: "anthropic", company: None, base: "", path: "/v1/messages" },
    Surface { name: "responses", provider: "responses", company: None, base: "/v1", path: "/v1/responses" },
];

/// A company that speaks OpenAI's chat completions.
const fn chat(name: &'static str, base: &'static str, path: &'static str) -> Surface {
    Surface {
        name,
        provider: "openai",
        company: Some(name),
        base,
        path,
    }
}

const TEXT: &str = "Hello from a double that speaks at some length.";

#[test]
fn a_double_of_every_company_is_understood_when_it_says_something() {
    let (mock, gateway) = start(&[says()]);
    for surface in SURFACES {
        let question = asking(surface.name, "Say hello.");

        let whole = gateway.chat(&question);
        let streamed = gateway.stream(&question).streamed();

        assert_eq!(whole.text(), TEXT, "{}: {whole:?}", surface.name);
        assert_eq!(finish(&whole), "stop", "{}", surface.name);
        assert_eq!(streamed.text(), TEXT, "{}: {streamed:?}", surface.name);
        assert_eq!(streamed.finish_reason(), Some("stop"), "{}", surface.name);
        assert!(streamed.done, "{}", surface.name);
        let asked = asked_at(&mock, surface.name);
        assert_eq!(asked, [surface.path, surface.path]);
    }
}

#[test]
fn a_double_of_every_company_is_understood_when_it_calls_tools() {
    let calls = json!([
        { "name": "weather", "arguments": { "city": "Oslo" } },
        { "name": "now", "arguments": {} },
    ]);
    let calling = json!({
        "match": { "hasToolResult": false },
        "response": { "content": "I look.", "toolCalls": calls },
    });
    let (_mock, gateway) = start(&[calling, says()]);
    for surface in SURFACES {
        let mut question = asking(
            surface.name,
            "What is the weather in Oslo, and what time is it?",
        );
        question["tools"] = json!([tool("weather"), tool("now")]);

        let whole = gateway.chat(&question);
        let streamed = gateway.stream(&question).streamed();

        let called = message(&whole)["tool_calls"].clone();
        assert_eq!(told(&called), told(&calls), "{}: {whole:?}", surface.name);
        assert_eq!(finish(&whole), "tool_calls", "{}", surface.name);
        assert_eq!(message(&whole)["content"], "I look.", "{}", surface.name);
        let streamed_calls = streamed_calls(&streamed);
        assert_eq!(
            told(&streamed_calls),
            told(&calls),
            "{}: {streamed:?}",
            surface.name
        );
        assert_eq!(
            streamed.finish_reason(),
            Some("tool_calls"),
            "{}",
            surface.name
        );
        assert!(streamed.done, "{}", surface.name);

        for called in [called, streamed_calls] {
            let answer = gateway.chat(&answered(&question, &called));
            assert_eq!(answer.text(), TEXT, "{}: {answer:?}", surface.name);
        }
    }
}

#[test]
fn a_double_of_every_company_is_left_for_the_next_when_it_fails() {
    let fails = |model: &str, status: u16, kind: &str| {
        json!({
            "match": { "model": model },
            "response": { "error": { "message": "Not now.", "type": kind }, "status": status },
        })
    };
    let names = SURFACES.iter().flat_map(|surface| {
        [
            fails(&format!("{}-full", surface.name), 503, "overloaded_error"),
            fails(&format!("{}-busy", surface.name), 429, "rate_limit_error"),
        ]
    });
    let fixtures: Vec<Value> = names.chain([says()]).collect();
    let (mock, gateway) = start(&fixtures);
    for Surface { name, .. } in SURFACES {
        let mut question = asking(name, "Say hello.");
        question["model"] = format!("{name}-route").into();

        let whole = gateway.chat(&question);

        assert_eq!(whole.text(), TEXT, "{name}: {whole:?}");
        let attempts = [
            format!("{name}-full:overloaded"),
            format!("{name}-busy:throttled"),
            format!("{name}:ok"),
        ];
        assert_eq!(whole.attempts(), attempts, "{whole:?}");
        for target in [
            format!("{name}-full"),
            format!("{name}-busy"),
            (*name).to_owned(),
        ] {
            assert_eq!(asked_at(&mock, &target).len(), 1, "{target}");
        }
    }
}

/// The fixture that answers with text.
fn says() -> Value {
    json!({ "match": {}, "response": { "content": TEXT } })
}

/// aimock, and a gateway with three targets for each surface: one of its name, and before it, on the
/// route of its name, one that is full and one that is busy. The model's name is the target's.
fn start(fixtures: &[Value]) -> (Aimock, Gateway) {
    let mock = Aimock::start(fixtures);
    let mut targets = serde_json::Map::new();
    let mut routes = serde_json::Map::new();
    for surface in SURFACES {
        let order = ["-full", "-busy", ""].map(|what| format!("{}{what}", surface.name));
        for name in &order {
            targets.insert(name.clone(), target(surface, &mock, name));
        }
        routes.insert(format!("{}-route", surface.name), json!(order));
    }
    let config = json!({
        "default_route": "openai-route",
        "defaults": { "attempts": 1 },
        "targets": targets,
        "routes": routes,
    });
    (mock, Setup::new(config).start())
}

fn target(surface: &Surface, mock: &Aimock, model: &str) -> Value {
    let mut table = json!({
        "provider": surface.provider,
        "base_url": format!("{}{}", mock.url(), surface.base),
        "model": model,
    });
    if let Some(company) = surface.company {
        table["company"] = company.into();
    }
    table
}

fn asking(model: &str, words: &str) -> Value {
    json!({
        "model": model,
        "max_tokens": 100,
        "messages": [{ "role": "user", "content": words }],
    })
}

fn tool(name: &str) -> Value {
    let parameters = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    json!({ "type": "function", "function": { "name": name, "parameters": parameters } })
}

/// The conversation after each of these calls got a result.
fn answered(question: &Value, calls: &Value) -> Value {
    let mut question = question.clone();
    let messages = question["messages"].as_array_mut().unwrap();
    messages.push(json!({ "role": "assistant", "content": "I look.", "tool_calls": calls }));
    for call in calls.as_array().unwrap() {
        let id = &call["id"];
        messages.push(json!({ "role": "tool", "tool_call_id": id, "content": "It is." }));
    }
    question
}

/// Name and arguments of each call, of a fixture's or of an answer's.
fn told(calls: &Value) -> Vec<(String, Value)> {
    let calls = calls.as_array().into_iter().flatten();
    let told = calls.map(|call| {
        let call = call.get("function").unwrap_or(call);
        let arguments = &call["arguments"];
        let arguments = match arguments.as_str() {
            Some(text) => serde_json::from_str(text).expect("arguments are JSON"),
            None => arguments.clone(),
        };
        (
            call["name"].as_str().unwrap_or_default().to_owned(),
            arguments,
        )
    });
    told.collect()
}

/// The calls of a stream, which come whole.
fn streamed_calls(streamed: &Streamed) -> Value {
    let deltas = streamed
        .chunks
        .iter()
        .map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"]);
    let calls = deltas.filter_map(Value::as_array).flatten().map(|call| {
        let mut call = call.clone();
        call.as_object_mut().unwrap().remove("index");
        call
    });
    calls.collect()
}

fn message(answer: &Answer) -> Value {
    answer.json()["choices"][0]["message"].clone()
}

fn finish(answer: &Answer) -> String {
    let reason = answer.json()["choices"][0]["finish_reason"].clone();
    reason.as_str().unwrap_or_default().to_owned()
}

/// The paths at which a model was asked of aimock.
fn asked_at(mock: &Aimock, model: &str) -> Vec<String> {
    let journal = mock.journal();
    let asked = journal
        .iter()
        .filter(|entry| entry["body"]["model"] == model);
    asked
        .map(|entry| entry["path"].as_str().unwrap().to_owned())
        .collect()
}
