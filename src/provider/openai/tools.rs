//! Writes the tools that a request offers, and which of them the model has to call.
//!
//! A list that breaks no rule of the company's is copied as it is written.

use serde_json::value::RawValue;

use crate::openai::json::{Object, Writer, write_list};
use crate::provider::company::{CacheControl, Company, Schemas};
use crate::provider::openai::schema::{self, Refused};
use crate::provider::portable::{self, Choice, NameRule};
use crate::provider::{Ask, Unsupported, UpstreamRequest};

const CACHE_CONTROL: &str = "cache_control";

/// Writes the field `tools`, and notes what is left out of it.
///
/// # Errors
///
/// [`Unsupported`], with the path of a tool that the company does not take.
pub(super) fn write(
    object: &mut Writer<'_>,
    raw: &RawValue,
    ask: &Ask<'_>,
    request: &mut UpstreamRequest,
) -> Result<(), Unsupported> {
    let company = ask.company;
    let Some(names) = &company.tool_names else {
        object.raw("tools", raw.get());
        return Ok(());
    };
    let tools: Vec<Object<'_>> =
        serde_json::from_str(raw.get()).map_err(|_| Unsupported("tools"))?;
    let mut as_written = true;
    for tool in &tools {
        check(tool, company)?;
        if company.cache_control == CacheControl::Left && says_cache(tool) {
            request.drop("tools.cache_control");
            as_written = false;
        }
        as_written = as_written && is_by_rule(tool, names, company);
    }
    if as_written {
        object.raw("tools", raw.get());
    } else {
        write_list(object.name("tools"), &tools, |object, tool| {
            write_tool(object, tool, names, company);
        });
    }
    Ok(())
}

/// Writes the field `tool_choice`.
///
/// # Errors
///
/// [`Unsupported`] for a choice in words that the company does not have.
pub(super) fn write_choice(
    object: &mut Writer<'_>,
    raw: &RawValue,
    ask: &Ask<'_>,
) -> Result<(), Unsupported> {
    const FIELD: &str = "tool_choice";
    let Some(names) = &ask.company.tool_names else {
        object.raw(FIELD, raw.get());
        return Ok(());
    };
    let mut reworded = ask.company.reworded.iter();
    if let Some(word) = reworded.find(|word| word.field == FIELD && word.from == raw.get()) {
        object.raw(FIELD, word.to);
        return Ok(());
    }
    match portable::choice(ask.request) {
        Ok(Some(Choice::Named(name))) => {
            let mut choice = Writer::new(object.name(FIELD));
            choice.raw("type", "\"function\"");
            let mut function = Writer::new(choice.name("function"));
            function.text("name", &names.fit(&name));
            function.end();
            choice.end();
        }
        Ok(_) => {
            object.raw(FIELD, raw.get());
        }
        // A choice among tools that are known by other names would name none of them.
        Err(_) if takes_choice(raw, ask.company) && !renames(ask, names) => {
            object.raw(FIELD, raw.get());
        }
        Err(unsupported) => return Err(unsupported),
    }
    Ok(())
}

/// Whether a company takes a choice that is of no single function: of a tool of another kind that it has,
/// or among several, which are words of OpenAI's as custom tools are.
fn takes_choice(raw: &RawValue, company: &Company) -> bool {
    let kind = Object::parse(raw.get())
        .ok()
        .and_then(|choice| choice.text("type"));
    kind.is_some_and(|kind| match kind.as_ref() {
        "allowed_tools" => company.tools.take("custom"),
        "function" => false,
        kind => company.tools.take(kind),
    })
}

fn renames(ask: &Ask<'_>, names: &NameRule) -> bool {
    !portable::Names::of_tools(ask.request, names).is_empty()
}

fn check(tool: &Object<'_>, company: &Company) -> Result<(), Unsupported> {
    let kind = tool.text("type");
    let kind = kind.as_deref().unwrap_or("function");
    if !company.tools.take(kind) {
        return Err(Unsupported("tools.type"));
    }
    if kind != "function" {
        return Ok(());
    }
    let function = tool.object("function");
    let function = function.ok_or(Unsupported("tools.function"))?;
    let name = function.text("name");
    name.map(|_| ()).ok_or(Unsupported("tools.function.name"))
}

/// Whether a tool can be sent as it is written.
fn is_by_rule(tool: &Object<'_>, names: &NameRule, company: &Company) -> bool {
    let Some(function) = function(tool) else {
        return true;
    };
    let name = function.text("name").unwrap_or_default();
    let parameters = function.present("parameters").map(RawValue::get);
    let schema_is = match company.schemas {
        Schemas::AsWritten => true,
        Schemas::Bare(instead) => {
            let is_bare = |schema| schema::is_bare(schema, Refused::InArguments);
            parameters.map_or(instead.is_none(), is_bare)
        }
    };
    schema_is && names.fit(&name) == name && !tool.has_null() && !function.has_null()
}

/// Some companies refuse what others take to be absent.
fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

/// What a tool that is a function says of it.
fn function<'a>(tool: &Object<'a>) -> Option<Object<'a>> {
    let kind = tool.text("type");
    let is_function = kind.is_none_or(|kind| kind == "function");
    tool.object("function").filter(|_| is_function)
}

fn says_cache(tool: &Object<'_>) -> bool {
    let inner = function(tool);
    let inner = inner.is_some_and(|function| function.present(CACHE_CONTROL).is_some());
    inner || tool.present(CACHE_CONTROL).is_some()
}

fn write_tool(object: &mut Writer<'_>, tool: &Object<'_>, names: &NameRule, company: &Company) {
    let leaves = |name: &str| name == CACHE_CONTROL && company.cache_control == CacheControl::Left;
    for (name, value) in &tool.0 {
        match function(tool) {
            Some(function) if name == "function" => {
                let mut inner = Writer::new(object.name(name));
                write_function(&mut inner, &function, names, company);
                inner.end();
            }
            Some(_) if is_null(value) => {}
            _ if leaves(name) => {}
            _ => {
                object.raw(name, value.get());
            }
        }
    }
}

fn write_function(
    object: &mut Writer<'_>,
    function: &Object<'_>,
    names: &NameRule,
    company: &Company,
) {
    for (name, value) in &function.0 {
        match name.as_ref() {
            "name" => {
                let told = function.text("name").unwrap_or_default();
                object.text("name", &names.fit(&told));
            }
            "parameters" if company.schemas != Schemas::AsWritten => {}
            CACHE_CONTROL if company.cache_control == CacheControl::Left => {}
            _ if is_null(value) => {}
            _ => {
                object.raw(name, value.get());
            }
        }
    }
    if let Schemas::Bare(instead) = company.schemas {
        let parameters = function.present("parameters").map(RawValue::get);
        if let Some(parameters) = parameters.or(instead) {
            schema::write_bare(object.name("parameters"), parameters, Refused::InArguments);
        }
    }
}
