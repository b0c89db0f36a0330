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
//! `metadata`, `store`, `service_tier`, `verbosity`, ...), the field stays out, and is named.

use serde_json::value::RawValue;

use crate::openai::Delivery;
use crate::openai::fields::{self, Loss};
use crate::openai::json::{self, Object, Writer, write_list};
use crate::provider::ollama::messages;
use crate::provider::portable::{self, Logprobs, NO_ARGUMENTS, Tool};
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

/// The fields that go on in another form.
const MAPPED: [&str; 6] = [
    "logprobs",
    REASONING_EFFORT,
    "response_format",
    "stop",
    "tools",
    "top_logprobs",
];

/// The body of the upstream request.
pub(super) fn request(ask: &Ask<'_>) -> Result<UpstreamRequest, Unsupported> {
    let fields = &ask.fields();
    let mut request = UpstreamRequest::default();
    if ask.request.choices > 1 {
        return Err(Unsupported("n"));
    }
    let offer = Offer::of(fields);
    let takes = |name: &str| match name {
        "parallel_tool_calls" | "tool_choice" => offer == Offer::None,
        _ => MAPPED.contains(&name) || NUMBERS.contains(&name),
    };
    for name in fields::left_out(fields, takes).map_err(Unsupported)? {
        request.drop(name);
    }
    let logprobs = portable::logprobs(fields)?;
    let mut out = Vec::with_capacity(ask.capacity());
    let mut object = Writer::new(&mut out);
    object.text("model", ask.model);
    messages::write(object.name("messages"), ask.messages, &mut request)?;
    write_tools(&mut object, ask, offer, &mut request)?;
    if let Some(format) = format(fields, &mut request)? {
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
    if let Logprobs::Wanted(most) = logprobs {
        object.raw("logprobs", "true");
        if let Some(most) = most {
            object.raw("top_logprobs", most.get());
        }
    }
    options(object.name("options"), ask, &mut request)?;
    object.end();
    request.body = out;
    Ok(request)
}

/// Whether tools are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    /// None may be called.
    None,
    /// Those that the request has.
    All,
}

impl Offer {
    /// What a request's fields say of it.
    fn of(fields: &Object<'_>) -> Self {
        match fields.text("tool_choice").as_deref() {
            Some("none") => Self::None,
            Some(_) | None => Self::All,
        }
    }
}

/// Writes the tools to offer. Ollama has no way to force a call or to forbid a second one, so a request
/// that asks for either is not one that it can serve.
fn write_tools(
    object: &mut Writer<'_>,
    ask: &Ask<'_>,
    offer: Offer,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let tools = portable::tools(ask)?;
    if tools.is_empty() || offer == Offer::None {
        return Ok(());
    }
    for tool in &tools {
        if tool.cache_control.is_some() {
            request.drop("tools.cache_control");
        }
        // The schema is told to the model, and nothing holds it to it.
        if tool.strict.is_some_and(|strict| strict.get() == "true") {
            request.drop("tools.function.strict");
        }
    }
    write_list(object.name("tools"), &tools, write_tool);
    Ok(())
}

fn write_tool(object: &mut Writer<'_>, tool: &Tool<'_>) {
    object.raw("type", "\"function\"");
    let mut function = Writer::new(object.name("function"));
    function.text("name", &tool.name);
    if let Some(description) = tool.description {
        function.raw("description", description.get());
    }
    let parameters = tool.parameters.map_or(NO_ARGUMENTS, RawValue::get);
    function.raw("parameters", parameters);
    function.end();
}

/// What the answer must look like: `"json"` or a JSON schema.
fn format<'a>(
    fields: &Object<'a>,
    request: &mut UpstreamRequest,
) -> Result<Option<&'a str>, Unsupported> {
    let Some(wanted) = fields.object("response_format") else {
        return Ok(None);
    };
    match wanted.text("type").as_deref() {
        Some("text") => Ok(None),
        Some("json_object") => Ok(Some("\"json\"")),
        Some("json_schema") => {
            let named = wanted.object("json_schema").unwrap_or_default();
            if named.spoken("description").is_some() {
                request.drop("response_format.json_schema.description");
            }
            let schema = named.present("schema");
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

fn options(
    out: &mut Vec<u8>,
    ask: &Ask<'_>,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let fields = &ask.fields();
    let mut options = Writer::new(out);
    load_options(&mut options, ask.told_context());
    options.number("num_predict", num_predict(ask).into());
    for name in NUMBERS {
        let Some(raw) = fields.raw(name) else {
            continue;
        };
        match (json::kind(raw), fields::loss(name)) {
            ("a number", _) => {
                options.raw(name, raw.get());
            }
            (_, Loss::Answer) => return Err(Unsupported(name)),
            (_, Loss::Aside) => request.drop(name),
        }
    }
    let stop = fields.raw("stop");
    let stop = stop.filter(|stop| !fields::is_neutral("stop", stop, fields));
    if let Some(stop) = stop.map(RawValue::get) {
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
