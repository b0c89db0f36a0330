//! What of a message is not told: refused where the conversation could not do without it, else named.

use crate::openai::{Message, fields};
use crate::provider::portable::{Call, Part};
use crate::provider::{Unsupported, UpstreamRequest};

/// Refuses what only the model that said it could go on with: sound, and calls as they were before there
/// were tools.
///
/// # Errors
///
/// [`Unsupported`], with its path.
pub fn refuse_foreign(message: &Message<'_>) -> Result<(), Unsupported> {
    for (name, path) in [
        ("audio", "messages.audio"),
        ("function_call", "messages.function_call"),
    ] {
        if message.fields.raw(name).is_some() {
            return Err(Unsupported(path));
        }
    }
    Ok(())
}

/// Notes the members of a message, but for its content, that are not among `told` and say something.
pub fn note_rest(message: &Message<'_>, told: &[&str], request: &mut UpstreamRequest) {
    for (name, value) in &message.fields.0 {
        let is_told = told.contains(&name.as_ref()) || value.get() == "\"\"";
        if !is_told && !fields::is_neutral(name, value, &message.fields) {
            request.drop(&format!("messages.{name}"));
        }
    }
}

/// Notes that what pieces say of the prompt's cache is not told, where one does.
pub fn note_marks(parts: &[Part<'_>], request: &mut UpstreamRequest) {
    if parts.iter().any(|part| part.cache_control.is_some()) {
        request.drop("messages.content.cache_control");
    }
}

/// Notes that what calls were signed with is not told, where one was.
pub fn note_signatures(calls: &[Call<'_>], request: &mut UpstreamRequest) {
    if calls.iter().any(|call| call.extra_content.is_some()) {
        request.drop("messages.tool_calls.extra_content");
    }
}
