//! The tool calls of an assistant's message.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::openai::Message;
use crate::openai::json::{self, Object};
use crate::provider::Unsupported;

/// One call.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// What its result names it by.
    pub id: Cow<'a, str>,
    /// The tool.
    pub name: Cow<'a, str>,
    /// The JSON text of an object; `{}` where the model wrote nothing.
    pub arguments: Cow<'a, str>,
    /// What Gemini signed it with (`extra_content`), as the caller brings it back.
    pub extra_content: Option<&'a RawValue>,
}

/// The calls of a message, of which there may be none.
///
/// # Errors
///
/// [`Unsupported`], with the path of what is not a call of a function with an object for arguments.
pub(super) fn calls<'a>(message: &Message<'a>) -> Result<Vec<Call<'a>>, Unsupported> {
    let Some(raw) = message.fields.raw("tool_calls") else {
        return Ok(Vec::new());
    };
    let listed: Vec<Object<'a>> =
        serde_json::from_str(raw.get()).map_err(|_| Unsupported("messages.tool_calls"))?;
    listed.iter().map(call).collect()
}

fn call<'a>(object: &Object<'a>) -> Result<Call<'a>, Unsupported> {
    if object.text("type").is_some_and(|kind| kind != "function") {
        return Err(Unsupported("messages.tool_calls.type"));
    }
    let function = object.object("function");
    let function = function.ok_or(Unsupported("messages.tool_calls.function"))?;
    let arguments = function.present("arguments");
    Ok(Call {
        id: object.text("id").unwrap_or_default(),
        name: function
            .text("name")
            .ok_or(Unsupported("messages.tool_calls.function.name"))?,
        arguments: arguments
            .map_or(Some(Cow::Borrowed("{}")), object_text)
            .ok_or(Unsupported("messages.tool_calls.function.arguments"))?,
        extra_content: object.present("extra_content"),
    })
}

/// The object that a call's arguments spell.
fn object_text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = json::string(raw)?;
    if text.trim_ascii().is_empty() {
        return Some(Cow::Borrowed("{}"));
    }
    Object::parse(&text).is_ok().then_some(text)
}
