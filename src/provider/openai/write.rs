//! Writes an OpenAI-dialect request: the caller's own fields, as far as the company takes them.
//!
//! What it does not take is either named as left out or makes the target pass the request by
//! ([`fields`]). All that differs from company to company is its row.

use serde_json::value::RawValue;

use crate::models::{Ability, Effort, Known};
use crate::openai::fields::{self, Loss};
use crate::openai::json::{self, Object, Writer};
use crate::openai::{Delivery, UsageChunk};
use crate::provider::company::{Fields, Prefill, Stop, StreamOptions, ThinkingTools};
use crate::provider::openai::{format, messages, tools};
use crate::provider::{Ask, Ending, REASONING_EFFORT, Unsupported, UpstreamRequest};

/// The fields that mean nothing where no tools are offered, and that some companies refuse then.
const ABOUT_TOOLS: [&str; 3] = ["parallel_tool_calls", "tool_choice", "tools"];

/// Not to think at all.
const NONE: &str = Effort::None.as_str();

/// The body of the upstream request, and what is not in it.
///
/// # Errors
///
/// [`Unsupported`] for what the company does not take and the answer needs.
pub(super) fn request(ask: &Ask<'_>) -> Result<UpstreamRequest, Unsupported> {
    within_limits(ask)?;
    let mut request = UpstreamRequest::default();
    drop_fields(ask, &mut request)?;
    let effort = effort(ask, &mut request)?;
    let mut out = Vec::with_capacity(ask.capacity());
    let mut object = Writer::new(&mut out);
    object.text("model", ask.model);
    messages::write(object.name("messages"), ask, &mut request)?;
    write_fields(&mut object, ask, &mut request)?;
    for (name, value) in ask.company.always {
        object.raw(name, value);
    }
    if let Some(effort) = effort {
        write_effort(&mut object, effort, ask);
    }
    if let Some(max) = ask.max_tokens {
        let max = ask.max_output.map_or(max, |most| max.min(most));
        object.number(ask.company.max_tokens, max.into());
    }
    if ask.ending == Ending::Prefill && ask.company.prefill == Prefill::Template {
        // What vLLM and SGLang have to be told; llama.cpp does so unasked.
        object
            .raw("continue_final_message", "true")
            .raw("add_generation_prompt", "false");
    }
    match ask.delivery {
        Delivery::Whole => {}
        Delivery::Streamed => {
            object.raw("stream", "true");
            let told = ask.usage_chunk == UsageChunk::Wanted;
            if told && ask.company.stream_options == StreamOptions::Sent {
                object.raw("stream_options", r#"{"include_usage":true}"#);
            }
        }
    }
    object.end();
    request.body = out;
    Ok(request)
}

/// Refuses more of something than the company gives or takes.
fn within_limits(ask: &Ask<'_>) -> Result<(), Unsupported> {
    let count = |name| {
        let raw = ask.request.fields.raw(name);
        let listed = raw.and_then(|raw| serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok());
        listed.map_or(0, |listed| listed.len())
    };
    let company = ask.company;
    if ask.request.choices > company.max_choices {
        return Err(Unsupported("n"));
    }
    if company.max_stops < usize::MAX && count("stop") > company.max_stops {
        return Err(Unsupported("stop"));
    }
    if company.max_tools < usize::MAX && count("tools") > company.max_tools {
        return Err(Unsupported("tools"));
    }
    Ok(())
}

/// Names the fields that the company does not take.
fn drop_fields(ask: &Ask<'_>, request: &mut UpstreamRequest) -> Result<(), Unsupported> {
    for (name, value) in &ask.request.fields.0 {
        if is_misspelled(name, value, ask) {
            request.drop(name);
        }
    }
    if matches!(ask.company.fields, Fields::Any) {
        return Ok(());
    }
    // What the model does not take is named already.
    let settled = |name: &str| name == REASONING_EFFORT || ask.leaves_out(name);
    let left = fields::left_out(&ask.request.fields, |name| {
        settled(name) || ask.company.takes(name)
    });
    for name in left.map_err(Unsupported)? {
        request.drop(name);
    }
    Ok(())
}

/// Whether a text has letters that the company does not take in this field.
fn is_misspelled(name: &str, value: &RawValue, ask: &Ask<'_>) -> bool {
    ask.company.ascii.contains(&name)
        && !ask.leaves_out(name)
        && json::string(value).is_none_or(|text| !text.is_ascii())
}

/// How much the model shall think. `none`, where that is what it needs to be offered functions at all.
fn effort<'a>(
    ask: &Ask<'a>,
    request: &mut UpstreamRequest,
) -> Result<Option<&'a str>, Unsupported> {
    let refuses = ask.company.thinking_tools == ThinkingTools::Ours
        && ask.abilities.lacks(Ability::ThinkingTools);
    let offered = ["tools", "functions"]
        .into_iter()
        .find(|name| offers(ask, name));
    if let Some(offered) = offered.filter(|_| refuses) {
        if ask.abilities.takes(Effort::None) == Known::No {
            return Err(Unsupported(offered));
        }
        if ask.effort.is_some_and(|effort| effort != NONE) {
            request.drop(REASONING_EFFORT);
        }
        return Ok(Some(NONE));
    }
    let own = ask.company.own_effort;
    // Who writes the company's own field means that one.
    let says_own = own.is_some_and(|field| ask.request.fields.raw(field).is_some());
    if ask.effort.is_some() && (says_own || !ask.company.takes(REASONING_EFFORT)) {
        request.drop(REASONING_EFFORT);
        return Ok(None);
    }
    Ok(ask.effort)
}

fn write_effort(object: &mut Writer<'_>, effort: &str, ask: &Ask<'_>) {
    match ask.company.no_effort {
        // Who writes the company's own field means that one.
        Some((field, _)) if effort == NONE && ask.request.fields.raw(field).is_some() => {}
        Some((field, off)) if effort == NONE => {
            object.raw(field, off);
        }
        Some(_) | None => {
            object.text(REASONING_EFFORT, effort);
        }
    }
}

/// Whether a field is a list with something in it.
fn offers(ask: &Ask<'_>, name: &str) -> bool {
    let all = &ask.request.fields;
    let asks = all
        .raw(name)
        .is_some_and(|raw| !fields::is_neutral(name, raw, all));
    asks && !ask.leaves_out(name)
}

fn write_fields(
    object: &mut Writer<'_>,
    ask: &Ask<'_>,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let company = ask.company;
    let all = &ask.request.fields;
    let about_nothing = !offers(ask, "tools");
    let heeding = company.heeding.filter(|_| needs_heed(ask));
    for (name, value) in &all.0 {
        let name = name.as_ref();
        let is_told = name != REASONING_EFFORT && !ask.leaves_out(name);
        if !is_told || !company.takes(name) {
            continue;
        }
        if about_nothing && ABOUT_TOOLS.contains(&name) || is_misspelled(name, value, ask) {
            continue;
        }
        match name {
            "tools" => tools::write(object, value, ask, request)?,
            "tool_choice" => tools::write_choice(object, value, ask)?,
            "response_format" => format::write(object, value, company)?,
            "stop" if company.stop == Stop::List && value.get().starts_with('"') => {
                object.raw(name, &format!("[{}]", value.get()));
            }
            _ if heeding.is_some_and(|(field, _)| field == name) => {}
            _ => write_field(object, name, value, ask),
        }
    }
    if let Some((field, member)) = heeding {
        heed(object, field, member, all.raw(field));
    }
    Ok(())
}

/// Writes a field by the company's name, in its words.
fn write_field(object: &mut Writer<'_>, name: &str, value: &RawValue, ask: &Ask<'_>) {
    let mut renamed = ask.company.renamed.iter();
    let Some((_, its)) = renamed.find(|(known, _)| *known == name) else {
        object.raw(name, value.get());
        return;
    };
    // Who writes the company's own name means that one.
    if ask.request.fields.raw(its).is_none() {
        object.raw(its, value.get());
    }
}

/// Whether the request has a field that the answer needs and that could be ignored without a word.
fn needs_heed(ask: &Ask<'_>) -> bool {
    let all = &ask.request.fields;
    all.0.iter().any(|(name, value)| {
        let is_heeded_anyway = matches!(name.as_ref(), "tools" | "tool_choice");
        !is_heeded_anyway
            && fields::loss(name) == Loss::Answer
            && !fields::is_neutral(name, value, all)
    })
}

/// Writes the object `field` with `member` in it, unless the caller says something of that itself.
fn heed(object: &mut Writer<'_>, field: &str, member: &str, told: Option<&RawValue>) {
    let Ok(members) = told.map_or(Ok(Object::default()), |raw| Object::parse(raw.get())) else {
        if let Some(raw) = told {
            object.raw(field, raw.get());
        }
        return;
    };
    let mut inner = Writer::new(object.name(field));
    for (name, value) in &members.0 {
        if name != member || value.get() != "null" {
            inner.raw(name, value.get());
        }
    }
    if members.present(member).is_none() {
        inner.raw(member, "true");
    }
    inner.end();
}
