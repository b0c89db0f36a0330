//! The tools that a request offers, and which of them the model has to call.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::openai::ChatRequest;
use crate::openai::json::{self, Object};
use crate::provider::{Ask, Unsupported};

/// The JSON schema of a function that takes nothing.
pub const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{}}"#;

/// A tool.
#[derive(Clone, Debug)]
pub struct Tool<'a> {
    /// What it is called.
    pub name: Cow<'a, str>,
    /// What it does: the JSON text of a string.
    pub description: Option<&'a RawValue>,
    /// The JSON schema of its arguments, an object.
    pub parameters: Option<&'a RawValue>,
    /// Whether the arguments are held to it.
    pub strict: Option<&'a RawValue>,
    /// Anthropic's `cache_control`.
    pub cache_control: Option<&'a RawValue>,
}

/// Which tools the model may or must call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice<'a> {
    /// Whichever it likes, or none.
    Auto,
    /// This one.
    Named(Cow<'a, str>),
    /// None.
    None,
    /// Any one at least.
    Required,
}

/// The tools that a model is told of, of which there may be none.
///
/// # Errors
///
/// [`Unsupported`], with the path of what is no function.
pub fn tools<'a>(ask: &Ask<'a>) -> Result<Vec<Tool<'a>>, Unsupported> {
    if ask.leaves_out("tools") {
        return Ok(Vec::new());
    }
    offered(ask.request)
}

/// The tools of a request.
pub(super) fn offered<'a>(request: &ChatRequest<'a>) -> Result<Vec<Tool<'a>>, Unsupported> {
    let Some(raw) = request.tools() else {
        return Ok(Vec::new());
    };
    let listed: Vec<Object<'a>> =
        serde_json::from_str(raw.get()).map_err(|_| Unsupported("tools"))?;
    listed.iter().map(tool).collect()
}

fn tool<'a>(object: &Object<'a>) -> Result<Tool<'a>, Unsupported> {
    if object.text("type").is_some_and(|kind| kind != "function") {
        return Err(Unsupported("tools.type"));
    }
    let function = object.object("function");
    let function = function.ok_or(Unsupported("tools.function"))?;
    let cached = |object: &Object<'a>| object.present("cache_control");
    let parameters = function.present("parameters");
    if parameters.is_some_and(|raw| !raw.get().starts_with('{')) {
        return Err(Unsupported("tools.function.parameters"));
    }
    Ok(Tool {
        name: function
            .text("name")
            .ok_or(Unsupported("tools.function.name"))?,
        description: function
            .raw("description")
            .filter(|raw| raw.get().starts_with('"')),
        parameters,
        strict: function
            .raw("strict")
            .filter(|raw| matches!(raw.get(), "true" | "false")),
        cache_control: cached(object).or_else(|| cached(&function)),
    })
}

/// Which tools are to be called, where the request says so.
///
/// # Errors
///
/// [`Unsupported`] for a choice in words that only OpenAI has (`allowed_tools`, custom tools).
pub fn choice<'a>(request: &ChatRequest<'a>) -> Result<Option<Choice<'a>>, Unsupported> {
    let Some(raw) = request.fields.raw("tool_choice") else {
        return Ok(None);
    };
    if let Some(word) = json::string(raw) {
        return match word.as_ref() {
            "auto" => Ok(Some(Choice::Auto)),
            "none" => Ok(Some(Choice::None)),
            "required" => Ok(Some(Choice::Required)),
            _ => Err(Unsupported("tool_choice")),
        };
    }
    let object = Object::parse(raw.get()).map_err(|_| Unsupported("tool_choice"))?;
    let is_function = object.text("type").is_none_or(|kind| kind == "function");
    let name = object
        .object("function")
        .and_then(|function| function.text("name"))
        .filter(|_| is_function);
    name.map(|name| Some(Choice::Named(name)))
        .ok_or(Unsupported("tool_choice"))
}
