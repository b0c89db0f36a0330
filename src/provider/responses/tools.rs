//! Writes the tools that a request offers, and which of them the model has to call.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::openai::fields;
use crate::openai::json::{Object, Writer, write_list};
use crate::provider::portable::{self, Choice, NO_ARGUMENTS, Tool};
use crate::provider::responses::NAMES;
use crate::provider::{Ask, Unsupported, UpstreamRequest};

/// Writes what the request says of tools; without tools, nothing.
pub(super) fn write(
    object: &mut Writer<'_>,
    ask: &Ask<'_>,
    fields: &Object<'_>,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let tools = portable::tools(ask)?;
    if tools.is_empty() {
        return Ok(());
    }
    if tools.iter().any(|tool| tool.cache_control.is_some()) {
        request.drop("tools.cache_control");
    }
    write_list(object.name("tools"), &tools, write_tool);
    if let Some(choice) = fields.raw("tool_choice")
        && !fields::is_neutral("tool_choice", choice, fields)
    {
        write_choice(object.name("tool_choice"), ask, choice)?;
    }
    if let Some(parallel) = fields.raw("parallel_tool_calls") {
        object.raw("parallel_tool_calls", parallel.get());
    }
    Ok(())
}

fn write_tool(object: &mut Writer<'_>, tool: &Tool<'_>) {
    object
        .raw("type", "\"function\"")
        .text("name", &NAMES.fit(&tool.name));
    if let Some(description) = tool.description {
        object.raw("description", description.get());
    }
    object
        .raw(
            "parameters",
            tool.parameters.map_or(NO_ARGUMENTS, RawValue::get),
        )
        .raw("strict", tool.strict.map_or("false", RawValue::get));
}

fn write_choice(out: &mut Vec<u8>, ask: &Ask<'_>, raw: &RawValue) -> Result<(), Unsupported> {
    if let Some(allowed) = Object::parse(raw.get()).ok().and_then(|it| allowed(&it)) {
        return write_allowed(out, &allowed);
    }
    let word = match portable::choice(ask.request)? {
        Some(Choice::Named(name)) => {
            let mut object = Writer::new(out);
            object.raw("type", "\"function\"");
            object.text("name", &NAMES.fit(&name));
            object.end();
            return Ok(());
        }
        None | Some(Choice::Auto) => "\"auto\"",
        Some(Choice::None) => "\"none\"",
        Some(Choice::Required) => "\"required\"",
    };
    out.extend_from_slice(word.as_bytes());
    Ok(())
}

/// The tools that a choice narrows the request's to, where it does.
fn allowed<'a>(choice: &Object<'a>) -> Option<Object<'a>> {
    choice
        .text("type")
        .filter(|kind| kind == "allowed_tools")
        .and_then(|_| choice.object("allowed_tools"))
}

fn write_allowed(out: &mut Vec<u8>, allowed: &Object<'_>) -> Result<(), Unsupported> {
    const WRONG: Unsupported = Unsupported("tool_choice");

    let mode = allowed.text("mode").ok_or(WRONG)?;
    let listed = allowed.raw("tools").ok_or(WRONG)?;
    let listed: Vec<Object<'_>> = serde_json::from_str(listed.get()).map_err(|_| WRONG)?;
    let names: Option<Vec<Cow<'_, str>>> = listed
        .iter()
        .map(|tool| tool.object("function")?.text("name"))
        .collect();
    let mut object = Writer::new(out);
    object.raw("type", "\"allowed_tools\"").text("mode", &mode);
    write_list(object.name("tools"), &names.ok_or(WRONG)?, |tool, name| {
        tool.raw("type", "\"function\"")
            .text("name", &NAMES.fit(name));
    });
    object.end();
    Ok(())
}
