//! Writes a Messages request out of an OpenAI one.
//!
//! # What is always said
//!
//! - `max_tokens`, which Anthropic wants: the caller's, else 8,192, more where the model thinks; never more
//!   than the model can write.
//!
//! # What has another form
//!
//! - `response_format` with a schema becomes `output_config.format`; without one (`json_object`) there is
//!   nothing like it, so the system says it.
//! - `temperature` ends at 1 here. Models of today take it or `top_p` and not both, so of both the first is
//!   told; while a model thinks it takes neither.

use serde_json::value::RawValue;

use crate::models::Ability;
use crate::openai::json::{self, Object, Writer};
use crate::openai::{Delivery, fields};
use crate::provider::anthropic::aside;
use crate::provider::anthropic::conversation::{Conversation, LastWord, Replay};
use crate::provider::anthropic::marks;
use crate::provider::anthropic::schema::{self, Fitted};
use crate::provider::anthropic::thinking::{May, Plan};
use crate::provider::anthropic::tools::Tools;
use crate::provider::{Ask, REASONING_EFFORT, Unsupported, UpstreamRequest};

/// The caller's fields that are told, or named where they are not.
const TAKEN: [&str; 13] = [
    "cache_control",
    "parallel_tool_calls",
    REASONING_EFFORT,
    "response_format",
    "safety_identifier",
    "service_tier",
    "stop",
    "temperature",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
    "user",
];

/// What the system says where the answer has to be JSON of any shape.
const JSON_ONLY: &str = "Answer with one JSON object and nothing else: no words before or after it, and no \
     code fence around it.";

/// The body of the upstream request.
pub(super) fn request(ask: &Ask<'_>) -> Result<UpstreamRequest, Unsupported> {
    let mut sent = UpstreamRequest::default();
    let given = &ask.request.fields;
    if ask.request.choices > 1 {
        return Err(Unsupported("n"));
    }
    for name in fields::left_out(given, |name| TAKEN.contains(&name)).map_err(Unsupported)? {
        sent.drop(name);
    }
    let mut tools = Tools::of(ask)?;
    let format = Format::of(given, &mut sent)?;
    let mut conversation = Conversation::read(ask, &mut sent)?;
    let may = if tools.is_forced() {
        May::NotThink
    } else if conversation.is_thoughtless() {
        May::ThinkAnew
    } else {
        May::Think
    };
    let (plan, max_tokens) = Plan::of(ask, may, &mut sent)?;
    // Held to a schema, an answer begins at its beginning.
    let begins_anew = matches!(format, Format::Schema(_));
    conversation.close(if begins_anew || !plan.allows_prefill(ask) {
        LastWord::Told
    } else {
        LastWord::GoneOnWith
    });

    let automatic = given
        .raw("cache_control")
        .filter(|raw| raw.get().starts_with('{'));
    let most = marks::MOST.saturating_sub(automatic.iter().count());
    marks::keep_last(&mut tools, &mut conversation, most, &mut sent);
    let mut out = Vec::with_capacity(ask.capacity());
    let mut object = Writer::new(&mut out);
    object
        .text("model", ask.model)
        .number("max_tokens", max_tokens.into());
    if let Some(cache_control) = automatic {
        object.raw("cache_control", cache_control.get());
    }
    tools.write(&mut object, &conversation, &mut sent)?;
    conversation.write_system(&mut object, format.words());
    let replay = plan.replay(ask);
    if replay == Replay::No && conversation.remembers() {
        sent.drop("messages.reasoning_details");
    }
    conversation.write_turns(object.name("messages"), replay);
    plan.write(&mut object);
    output_config(&mut object, plan, &format);
    sampling(&mut object, ask, plan, &mut sent);
    stop(&mut object, given)?;
    aside::metadata(&mut object, given, &mut sent);
    aside::service_tier(&mut object, given, &mut sent);
    match ask.delivery {
        Delivery::Streamed => object.raw("stream", "true"),
        Delivery::Whole => &mut object,
    };
    object.end();
    sent.body = out;
    Ok(sent)
}

/// What the answer must look like.
enum Format {
    Any,
    /// A JSON object.
    Json,
    /// What this schema says.
    Schema(Vec<u8>),
}

impl Format {
    fn of(given: &Object<'_>, sent: &mut UpstreamRequest) -> Result<Self, Unsupported> {
        const PATH: &str = "response_format.json_schema.schema";

        let Some(wanted) = given.object("response_format") else {
            return Ok(Self::Any);
        };
        match wanted.text("type").as_deref() {
            Some("text") => Ok(Self::Any),
            Some("json_object") => Ok(Self::Json),
            Some("json_schema") => {
                let named = wanted.object("json_schema").unwrap_or_default();
                if named.spoken("description").is_some() {
                    sent.drop("response_format.json_schema.description");
                }
                let Some(schema) = named.present("schema") else {
                    return Ok(Self::Json);
                };
                let Fitted { json, stripped } =
                    schema::fit(schema.get()).ok_or(Unsupported("response_format"))?;
                if stripped > 0 {
                    sent.drop(PATH);
                }
                Ok(Self::Schema(json))
            }
            _ => Err(Unsupported("response_format.type")),
        }
    }

    /// What the system has to say of it.
    fn words(&self) -> Option<&'static str> {
        match self {
            Self::Json => Some(JSON_ONLY),
            Self::Any | Self::Schema(_) => None,
        }
    }
}

fn output_config(request: &mut Writer<'_>, plan: Plan, format: &Format) {
    let schema = match format {
        Format::Schema(schema) => Some(schema),
        Format::Any | Format::Json => None,
    };
    if plan.effort().is_none() && schema.is_none() {
        return;
    }
    let mut config = Writer::new(request.name("output_config"));
    if let Some(effort) = plan.effort() {
        config.text("effort", effort);
    }
    if let Some(schema) = schema {
        let mut format = Writer::new(config.name("format"));
        format.raw("type", "\"json_schema\"");
        format.name("schema").extend_from_slice(schema);
        format.end();
    }
    config.end();
}

fn sampling(request: &mut Writer<'_>, ask: &Ask<'_>, plan: Plan, sent: &mut UpstreamRequest) {
    let given = &ask.request.fields;
    let number = |name: &str| {
        let raw = given.raw(name).filter(|_| !ask.leaves_out(name))?;
        Some((raw.get(), raw.get().parse::<f64>().ok()?))
    };
    // 1 is what happens anyway.
    let unusual = |name: &str| number(name).filter(|(_, value)| value.total_cmp(&1.0).is_ne());
    let is_fixed = plan.thinks(ask);
    let temperature = unusual("temperature");
    match temperature {
        Some(_) if is_fixed => sent.drop("temperature"),
        Some((_, value)) if value > 1.0 => {
            sent.drop("temperature");
            request.raw("temperature", "1");
        }
        Some((text, _)) => {
            request.raw("temperature", text);
        }
        None => {}
    }
    match unusual("top_p") {
        Some(_) if is_fixed || temperature.is_some() => sent.drop("top_p"),
        Some((text, _)) => {
            request.raw("top_p", text);
        }
        None => {}
    }
    match number("top_k") {
        Some(_) if is_fixed || ask.abilities.lacks(Ability::Sampling) => sent.drop("top_k"),
        Some((text, _)) => {
            request.raw("top_k", text);
        }
        None if given.raw("top_k").is_some() => sent.drop("top_k"),
        None => {}
    }
}

/// Texts of nothing but white space are refused there, and an answer that runs past one is not what the
/// caller asked for.
fn stop(request: &mut Writer<'_>, given: &Object<'_>) -> Result<(), Unsupported> {
    const WRONG: Unsupported = Unsupported("stop");

    let Some(raw) = given.raw("stop") else {
        return Ok(());
    };
    let listed: Vec<&RawValue> = if raw.get().starts_with('[') {
        serde_json::from_str(raw.get()).map_err(|_| WRONG)?
    } else {
        vec![raw]
    };
    if listed.is_empty() {
        return Ok(());
    }
    let out = request.name("stop_sequences");
    for (at, text) in listed.into_iter().enumerate() {
        json::string(text)
            .filter(|text| !text.trim().is_empty())
            .ok_or(WRONG)?;
        out.push(if at == 0 { b'[' } else { b',' });
        out.extend_from_slice(text.get().as_bytes());
    }
    out.push(b']');
    Ok(())
}
