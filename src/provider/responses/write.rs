//! Writes a request for a response out of one for a chat completion.
//!
//! # What is always said
//!
//! - `store: false`: else the company keeps what was said for a month.
//! - `truncation: "disabled"`: else a compatible server may drop the oldest items and tell nobody. The
//!   conversation comes here fitted.
//! - `strict`, of each tool and of a schema: a function is strict here unless it is said not to be, and on
//!   chat completions it is the other way round.
//! - `include: ["reasoning.encrypted_content"]`, so that the caller can bring back what the model thought.
//!   Only a model that is known not to think is not asked: it refuses the request.
//!
//! # What is asked for only when the caller does
//!
//! Summaries of what the model thinks. OpenAI refuses the whole request of an organisation that has not
//! proved who it is, so to ask for them unasked would shut out such accounts. A caller asks for them in
//! the words of OpenRouter, `reasoning: {"summary": "auto"}`.
//!
//! # Why a small `max_tokens` is refused
//!
//! The least that is taken is 16. To send 16 where the caller said 5 would give more than was asked for,
//! and cost it. Where only the config says less, nobody waits for so short an answer: 16 are the nearest
//! to what its owner wants.

use serde_json::value::RawValue;

use crate::models::Thinking;
use crate::openai::Delivery;
use crate::openai::fields;
use crate::openai::json::{self, Object, Writer};
use crate::provider::portable::{self, Logprobs};
use crate::provider::responses::{input, tools};
use crate::provider::{Ask, REASONING_EFFORT, Unsupported, UpstreamRequest};

/// The fewest tokens that an answer can be limited to.
const LEAST: u32 = 16;

/// The fields that go on under the same name.
const SAME: [&str; 9] = [
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "temperature",
    "top_p",
    "user",
];

/// The fields that go on under another name or in another form.
const MAPPED: [&str; 9] = [
    "logprobs",
    "parallel_tool_calls",
    "reasoning",
    REASONING_EFFORT,
    "response_format",
    "tool_choice",
    "tools",
    "top_logprobs",
    "verbosity",
];

/// The request as it goes to the upstream.
pub(super) fn request(ask: &Ask<'_>) -> Result<UpstreamRequest, Unsupported> {
    let mut request = UpstreamRequest::default();
    let fields = ask.fields();
    let takes = |name: &str| SAME.contains(&name) || MAPPED.contains(&name);
    for name in fields::left_out(&fields, takes).map_err(Unsupported)? {
        request.drop(name);
    }
    let logprobs = portable::logprobs(&fields)?;
    let mut out = Vec::with_capacity(ask.capacity());
    let mut object = Writer::new(&mut out);
    object.text("model", ask.model);
    input::write(object.name("input"), ask, &mut request)?;
    tools::write(&mut object, ask, &fields, &mut request)?;
    write_text(&mut object, &fields)?;
    write_reasoning(&mut object, ask, &fields, &mut request);
    if let Some(most) = ask.max_tokens {
        if ask.request.max_tokens.is_some_and(|asked| asked < LEAST) {
            return Err(Unsupported(ask.request.limit));
        }
        object.number("max_output_tokens", most.max(LEAST).into());
    }
    for name in SAME {
        if let Some(value) = fields.raw(name) {
            object.raw(name, value.get());
        }
    }
    if let Logprobs::Wanted(Some(most)) = logprobs {
        object.raw("top_logprobs", most.get());
    }
    write_include(&mut object, ask, logprobs);
    object
        .raw("store", "false")
        .raw("truncation", "\"disabled\"");
    if ask.delivery == Delivery::Streamed {
        object.raw("stream", "true");
    }
    object.end();
    request.body = out;
    Ok(request)
}

fn write_include(object: &mut Writer<'_>, ask: &Ask<'_>, logprobs: Logprobs<'_>) {
    let sealed =
        (ask.abilities.thinking != Thinking::None).then_some("\"reasoning.encrypted_content\"");
    let probable =
        matches!(logprobs, Logprobs::Wanted(_)).then_some("\"message.output_text.logprobs\"");
    let include: Vec<&str> = sealed.into_iter().chain(probable).collect();
    if !include.is_empty() {
        object.raw("include", &format!("[{}]", include.join(",")));
    }
}

/// How much the model shall think, and whether the caller wants to read a summary of it.
fn write_reasoning(
    object: &mut Writer<'_>,
    ask: &Ask<'_>,
    fields: &Object<'_>,
    request: &mut UpstreamRequest,
) {
    let thinks = ask.abilities.thinking != Thinking::None && ask.effort != Some("none");
    let mut summary = None;
    if let Some(asked) = fields.raw("reasoning") {
        match Object::parse(asked.get()) {
            Ok(members) => {
                for (name, value) in &members.0 {
                    let is_summary = name == "summary" && json::kind(value) == "a string";
                    if is_summary && thinks {
                        summary = Some(*value);
                    } else if value.get() != "null" {
                        request.drop(&format!("reasoning.{name}"));
                    }
                }
            }
            Err(_) => request.drop("reasoning"),
        }
    }
    if ask.effort.is_none() && summary.is_none() {
        return;
    }
    let mut reasoning = Writer::new(object.name("reasoning"));
    if let Some(effort) = ask.effort {
        reasoning.text("effort", effort);
    }
    if let Some(summary) = summary {
        reasoning.raw("summary", summary.get());
    }
    reasoning.end();
}

/// What the text of the answer must look like, and how long-winded it may be.
fn write_text(object: &mut Writer<'_>, fields: &Object<'_>) -> Result<(), Unsupported> {
    let format = fields.object("response_format");
    let kind = format.as_ref().map(|format| format.text("type"));
    let kind = match kind {
        Some(None) => return Err(Unsupported("response_format.type")),
        None => None,
        Some(kind) => kind.filter(|kind| kind != "text"),
    };
    let verbosity = fields.raw("verbosity");
    if kind.is_none() && verbosity.is_none() {
        return Ok(());
    }
    let mut text = Writer::new(object.name("text"));
    match kind.as_deref() {
        None => {}
        Some("json_object") => {
            text.raw("format", r#"{"type":"json_object"}"#);
        }
        Some("json_schema") => write_schema(text.name("format"), format.as_ref())?,
        Some(_) => return Err(Unsupported("response_format.type")),
    }
    if let Some(verbosity) = verbosity {
        text.raw("verbosity", verbosity.get());
    }
    text.end();
    Ok(())
}

fn write_schema(out: &mut Vec<u8>, format: Option<&Object<'_>>) -> Result<(), Unsupported> {
    let wanted = format.and_then(|format| format.object("json_schema"));
    let wanted = wanted.ok_or(Unsupported("response_format.json_schema"))?;
    let schema = wanted
        .raw("schema")
        .filter(|schema| schema.get().starts_with('{'))
        .ok_or(Unsupported("response_format.json_schema.schema"))?;
    let name = wanted
        .raw("name")
        .filter(|name| name.get().starts_with('"'))
        .ok_or(Unsupported("response_format.json_schema.name"))?;
    let mut flat = Writer::new(out);
    flat.raw("type", "\"json_schema\"").raw("name", name.get());
    if let Some(description) = wanted.present("description") {
        flat.raw("description", description.get());
    }
    flat.raw("schema", schema.get()).raw(
        "strict",
        wanted.present("strict").map_or("false", RawValue::get),
    );
    flat.end();
    Ok(())
}
