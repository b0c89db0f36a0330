//! Writes an Ollama chat request out of an OpenAI one, from the fields that Ollama honours.
//!
//! # What is always said
//!
//! - `num_ctx`, the same for every request, or never: another value makes Ollama load the model anew
//!   (`server/sched.go`). For the same reason `shift` and the other load-time options are never
//!   sent.
//! - `truncate: false`: else Ollama drops messages, or cuts the prompt to half, and tells nobody.
//!   The conversation comes here fitted; if it is too long all the same, Ollama shall say so.
//! - `num_predict` above zero: zero and less mean many times the window, and past the window's end
//!   Ollama forgets the older half of the conversation and writes on.
//! - `think`: left out, a model that can think does.
//!
//! # What is refused
//!
//! Ollama ignores fields that it does not know. Where ignoring one would change what the caller
//! gets (`n`, a forced tool, spoken output), the target is passed over; where it would not (`user`,
//! `metadata`, `store`, `service_tier`, `verbosity`, ...), the field stays out.

use serde_json::value::RawValue;

use crate::openai::Delivery;
use crate::openai::json::{self, Object, Writer};
use crate::provider::ollama::messages;
use crate::provider::{Ask, REASONING_EFFORT, Unsupported, UpstreamRequest};

/// The window that Ollama gives a model on a machine without a large graphics card
/// (<https://docs.ollama.com/context-length>). Told to use it, an Ollama does so everywhere, and a
/// conversation can be fitted to it.
pub(super) const DEFAULT_CONTEXT: u32 = 4096;

/// The fields that become options under the same name, and are numbers there.
const NUMBERS: [&str; 7] = [
    "frequency_penalty",
    "min_p",
    "presence_penalty",
    "seed",
    "temperature",
    "top_k",
    "top_p",
];

/// The body of the upstream request.
pub(super) fn request(ask: &Ask<'_>) -> Result<UpstreamRequest, Unsupported> {
    let fields = &ask.fields();
    refuse(ask)?;
    let mut out = Vec::with_capacity(capacity(ask));
    let mut object = Writer::new(&mut out);
    object.text("model", ask.model);
    messages::write(object.name("messages"), ask.messages)?;
    if let Some(tools) = tools(fields)? {
        object.raw("tools", tools);
    }
    if let Some(format) = format(fields)? {
        object.raw("format", format);
    }
    let stream = match ask.delivery {
        Delivery::Streamed => "true",
        Delivery::Whole => "false",
    };
    object
        .raw("stream", stream)
        .raw("think", think(ask)?)
        .raw("truncate", "false");
    if let Some(keep_alive) = ask.keep_alive {
        self::keep_alive(&mut object, keep_alive);
    }
    if fields
        .raw("logprobs")
        .is_some_and(|raw| raw.get() != "false")
    {
        for name in ["logprobs", "top_logprobs"] {
            if let Some(raw) = fields.raw(name) {
                object.raw(name, raw.get());
            }
        }
    }
    options(object.name("options"), ask)?;
    object.end();
    Ok(UpstreamRequest::whole(out))
}

fn capacity(ask: &Ask<'_>) -> usize {
    let text: usize = ask
        .messages
        .iter()
        .filter_map(|message| message.content.as_ref())
        .map(|content| content.get().len().saturating_add(64))
        .sum();
    let tools = ask.request.tools().map_or(0, |tools| tools.get().len());
    text.saturating_add(tools).saturating_add(1024)
}

fn refuse(ask: &Ask<'_>) -> Result<(), Unsupported> {
    let fields = &ask.fields();
    if ask.request.choices > 1 {
        return Err(Unsupported("n"));
    }
    for name in ["audio", "functions", "logit_bias"] {
        if fields.raw(name).is_some_and(|raw| !is_hollow(raw)) {
            return Err(Unsupported(name));
        }
    }
    // Empty options, too, ask for a search.
    if fields.raw("web_search_options").is_some() {
        return Err(Unsupported("web_search_options"));
    }
    if let Some(modalities) = fields.raw("modalities")
        && serde_json::from_str::<[&str; 1]>(modalities.get()).ok() != Some(["text"])
    {
        return Err(Unsupported("modalities"));
    }
    Ok(())
}

/// Whether an array or an object has nothing in it.
fn is_hollow(raw: &RawValue) -> bool {
    let text = raw.get();
    text.strip_prefix(['[', '{'])
        .is_some_and(|inner| inner.trim_start().starts_with([']', '}']))
}

/// The tools to offer. Ollama has no way to force a call or to forbid a second one, so a request
/// that asks for either is not one that it can serve.
fn tools<'a>(fields: &Object<'a>) -> Result<Option<&'a str>, Unsupported> {
    let tools = fields.raw("tools").filter(|tools| !is_hollow(tools));
    match fields.raw("tool_choice").map(RawValue::get) {
        Some("\"none\"") => return Ok(None),
        None | Some("\"auto\"") => {}
        Some(_) => return Err(Unsupported("tool_choice")),
    }
    let one_call = fields
        .raw("parallel_tool_calls")
        .is_some_and(|raw| raw.get() == "false");
    match tools {
        Some(_) if one_call => Err(Unsupported("parallel_tool_calls")),
        Some(tools) => Ok(Some(tools.get())),
        None => Ok(None),
    }
}

/// What the answer must look like: `"json"` or a JSON schema.
fn format<'a>(fields: &Object<'a>) -> Result<Option<&'a str>, Unsupported> {
    let Some(wanted) = fields.object("response_format") else {
        return Ok(None);
    };
    match wanted.text("type").as_deref() {
        Some("text") => Ok(None),
        Some("json_object") => Ok(Some("\"json\"")),
        Some("json_schema") => {
            let schema = wanted
                .object("json_schema")
                .and_then(|it| it.present("schema"));
            match schema.map(RawValue::get) {
                None => Ok(Some("\"json\"")),
                Some(schema) if schema.starts_with('{') => Ok(Some(schema)),
                Some(_) => Err(Unsupported("response_format.json_schema.schema")),
            }
        }
        _ => Err(Unsupported("response_format.type")),
    }
}

/// How much the model shall think. The levels beyond Ollama's own are put at the nearest one, as
/// Ollama's `/v1` does (`thinkFromReasoningEffort`, `openai/openai.go`). `max` is refused before
/// v0.22, and any level by a model that cannot think: then it is asked again without.
fn think(ask: &Ask<'_>) -> Result<&'static str, Unsupported> {
    match ask.effort {
        None | Some("none") => Ok("false"),
        Some("minimal" | "low") => Ok("\"low\""),
        Some("medium") => Ok("\"medium\""),
        Some("high") => Ok("\"high\""),
        Some("xhigh" | "max") => Ok("\"max\""),
        _ => Err(Unsupported(REASONING_EFFORT)),
    }
}

/// Ollama reads a number as seconds and takes a text only with a unit.
pub(super) fn keep_alive(object: &mut Writer<'_>, keep_alive: &str) {
    match serde_json::from_str::<serde_json::Number>(keep_alive) {
        Ok(seconds) => object.raw("keep_alive", &seconds.to_string()),
        Err(_) => object.text("keep_alive", keep_alive),
    };
}

fn options(out: &mut Vec<u8>, ask: &Ask<'_>) -> Result<(), Unsupported> {
    let fields = &ask.fields();
    let mut options = Writer::new(out);
    load_options(&mut options, ask.told_context());
    options.number("num_predict", num_predict(ask).into());
    for name in NUMBERS {
        let Some(raw) = fields.raw(name) else {
            continue;
        };
        if json::kind(raw) != "a number" {
            return Err(Unsupported(name));
        }
        options.raw(name, raw.get());
    }
    if let Some(stop) = fields.raw("stop").map(RawValue::get) {
        if stop.starts_with('[') {
            options.raw("stop", stop);
        } else {
            options.raw("stop", &format!("[{stop}]"));
        }
    }
    options.end();
    Ok(())
}

/// The options that decide how the model is loaded. Whatever makes Ollama load it must say the same.
pub(super) fn load_options(options: &mut Writer<'_>, context: Option<u32>) {
    if let Some(context) = context {
        options.number("num_ctx", context.into());
    }
}

/// The most tokens that the answer may have: what is asked for, else a quarter of the window.
///
/// Never more than half of a known window: that much room, at the most, the conversation was fitted
/// to leave. Ollama would run past the window's end without a word, and at this limit it says
/// `length`.
fn num_predict(ask: &Ask<'_>) -> u32 {
    let wanted = ask
        .max_tokens
        .unwrap_or_else(|| ask.context.unwrap_or(DEFAULT_CONTEXT) / 4);
    ask.context
        .map_or(wanted, |context| wanted.min(context / 2))
        .max(1)
}
