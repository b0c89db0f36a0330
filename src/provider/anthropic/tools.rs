//! Tools as Anthropic takes them, and which of them the model has to call.
//!
//! A conversation with calls in it is refused where no tools are offered. Then those that were called are
//! declared by their names alone, and none of them may be called.

use serde_json::value::RawValue;

use crate::openai::json::{Object, Writer};
use crate::provider::anthropic::NAMES;
use crate::provider::anthropic::conversation::Conversation;
use crate::provider::anthropic::schema::{self, Fitted};
use crate::provider::portable::{Choice, NO_ARGUMENTS, Tool, choice, tools};
use crate::provider::{Ask, Unsupported, UpstreamRequest};

/// What a request says of tools.
#[derive(Debug)]
pub(super) struct Tools<'a> {
    pub(super) offered: Vec<Tool<'a>>,
    choice: Option<Choice<'a>>,
    calls: AtOnce,
}

/// How many calls there may be at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AtOnce {
    Many,
    One,
}

impl<'a> Tools<'a> {
    /// What `ask` says of tools.
    pub(super) fn of(ask: &Ask<'a>) -> Result<Self, Unsupported> {
        let offered = tools(ask)?;
        let parallel = ask.request.fields.raw("parallel_tool_calls");
        Ok(Self {
            choice: if offered.is_empty() {
                None
            } else {
                choice(ask.request)?
            },
            calls: match parallel.map(RawValue::get) {
                Some("false") => AtOnce::One,
                Some(_) | None => AtOnce::Many,
            },
            offered,
        })
    }

    /// Whether the model has to call one.
    pub(super) fn is_forced(&self) -> bool {
        matches!(self.choice, Some(Choice::Named(_) | Choice::Required))
    }

    /// Writes the tools and the choice among them; what is not told of them is noted in `sent`.
    pub(super) fn write(
        &self,
        request: &mut Writer<'_>,
        conversation: &Conversation<'_>,
        sent: &mut UpstreamRequest,
    ) -> Result<(), Unsupported> {
        if self.offered.is_empty() {
            write_called(request, &conversation.called());
            return Ok(());
        }
        let out = request.name("tools");
        for (at, tool) in self.offered.iter().enumerate() {
            out.push(if at == 0 { b'[' } else { b',' });
            write_tool(out, tool, sent)?;
        }
        out.push(b']');
        self.write_choice(request);
        Ok(())
    }

    fn write_choice(&self, request: &mut Writer<'_>) {
        let (kind, name) = match (&self.choice, self.calls) {
            (None | Some(Choice::Auto), AtOnce::Many) => return,
            (None | Some(Choice::Auto), AtOnce::One) => ("auto", None),
            (Some(Choice::None), _) => ("none", None),
            (Some(Choice::Required), _) => ("any", None),
            (Some(Choice::Named(name)), _) => ("tool", Some(NAMES.fit(name))),
        };
        let mut choice = Writer::new(request.name("tool_choice"));
        choice.text("type", kind);
        if let Some(name) = name {
            choice.text("name", &name);
        }
        if self.calls == AtOnce::One && self.choice != Some(Choice::None) {
            choice.raw("disable_parallel_tool_use", "true");
        }
        choice.end();
    }
}

fn write_called(request: &mut Writer<'_>, names: &[&str]) {
    if names.is_empty() {
        return;
    }
    let out = request.name("tools");
    for (at, name) in names.iter().enumerate() {
        out.push(if at == 0 { b'[' } else { b',' });
        let mut tool = Writer::new(out);
        tool.text("name", name).raw("input_schema", NO_ARGUMENTS);
        tool.end();
    }
    out.push(b']');
    request.raw("tool_choice", r#"{"type":"none"}"#);
}

fn write_tool(
    out: &mut Vec<u8>,
    tool: &Tool<'_>,
    sent: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let mut object = Writer::new(out);
    object.text("name", &NAMES.fit(&tool.name));
    if let Some(description) = tool.description {
        object.raw("description", description.get());
    }
    let is_strict = tool.strict.is_some_and(|strict| strict.get() == "true");
    let parameters = tool.parameters.map_or(NO_ARGUMENTS, RawValue::get);
    let schema = of_object(parameters)?;
    let fitted = is_strict.then(|| schema::fit(parameters)).flatten();
    if let Some(Fitted { json, stripped }) = fitted {
        if stripped > 0 {
            sent.drop("tools.function.parameters");
        }
        object.name("input_schema").extend_from_slice(&json);
        object.raw("strict", "true");
    } else {
        // What no grammar can hold the arguments to is still told to the model.
        if is_strict {
            sent.drop("tools.function.strict");
        }
        write_schema(object.name("input_schema"), &schema);
    }
    if let Some(cache_control) = tool.cache_control {
        object.raw("cache_control", cache_control.get());
    }
    object.end();
    Ok(())
}

/// The schema of a tool's arguments, which has to be that of an object, without alternatives.
fn of_object(parameters: &str) -> Result<Object<'_>, Unsupported> {
    const PATH: Unsupported = Unsupported("tools.function.parameters");

    let schema = Object::parse(parameters).map_err(|_| PATH)?;
    let has_alternatives = ["allOf", "anyOf", "oneOf"]
        .iter()
        .any(|name| schema.present(name).is_some());
    let is_object = match schema.raw("type") {
        Some(kind) => kind.get() == "\"object\"",
        None => true,
    };
    if is_object && !has_alternatives {
        Ok(schema)
    } else {
        Err(PATH)
    }
}

/// Writes a schema as it is, with its type.
fn write_schema(out: &mut Vec<u8>, schema: &Object<'_>) {
    let mut object = Writer::new(out);
    object.raw("type", "\"object\"");
    for (name, value) in schema.0.iter().filter(|(name, _)| name != "type") {
        object.raw(name, value.get());
    }
    object.end();
}
