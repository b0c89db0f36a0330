//! Writes an OpenAI-dialect request: the caller's own fields, as far as the company takes them.

use std::borrow::Cow;

use crate::openai::json::Writer;
use crate::openai::{Delivery, Message, Role, UsageChunk};
use crate::provider::company::{Developer, Fields, StreamOptions};
use crate::provider::{Ask, Ending, REASONING_EFFORT, Unsupported, UpstreamRequest};

/// The body of the upstream request.
pub(super) fn request(ask: &Ask<'_>) -> Result<UpstreamRequest, Unsupported> {
    if ask.request.choices > ask.company.max_choices {
        return Err(Unsupported("n"));
    }
    let mut out = Vec::with_capacity(capacity(ask));
    let mut object = Writer::new(&mut out);
    object.text("model", ask.model);
    messages(object.name("messages"), ask);
    for (name, value) in &ask.request.fields.0 {
        let is_told = name != REASONING_EFFORT && !ask.leaves_out(name);
        if is_told && allowed(ask.company.fields, name) {
            object.raw(name, value.get());
        }
    }
    if let Some(effort) = ask.effort
        && allowed(ask.company.fields, REASONING_EFFORT)
    {
        object.text(REASONING_EFFORT, effort);
    }
    if let Some(max) = ask.max_tokens {
        object.number(ask.company.max_tokens, max.into());
    }
    if ask.ending == Ending::Prefill && matches!(ask.company.fields, Fields::Any) {
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
    Ok(UpstreamRequest::whole(out))
}

fn capacity(ask: &Ask<'_>) -> usize {
    let text: usize = ask
        .messages
        .iter()
        .filter_map(|message| message.content.as_ref())
        .map(|content| content.get().len() + 64)
        .sum();
    text + 1024
}

fn allowed(fields: Fields, name: &str) -> bool {
    match fields {
        Fields::Any => true,
        Fields::Only(list) => list.contains(&name),
    }
}

fn messages(out: &mut Vec<u8>, ask: &Ask<'_>) {
    let mut separator = b'[';
    for message in ask.messages {
        out.push(separator);
        separator = b',';
        write_message(out, message, ask);
    }
    out.push(b']');
}

fn write_message(out: &mut Vec<u8>, message: &Message<'_>, ask: &Ask<'_>) {
    let role = match (message.role, ask.company.developer) {
        (Role::Developer, Developer::System) => Role::System,
        (role, Developer::Kept | Developer::System) => role,
    };
    let mut object = Writer::new(out);
    object.raw("role", &format!("\"{}\"", role.as_str()));
    if let Some(content) = &message.content {
        object.raw("content", content.get());
    }
    for (name, value) in &message.fields.0 {
        let name: &Cow<'_, str> = name;
        if ask.company.message_fields.contains(&name.as_ref()) {
            object.raw(name, value.get());
        }
    }
    object.end();
}
