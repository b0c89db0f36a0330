//! Writes the form that the answer has to have (`response_format`): as it is written, but for members
//! that are `null`, which some companies refuse, and the words that some refuse in schemas.

use serde_json::value::RawValue;

use crate::openai::json::{Object, Writer};
use crate::provider::Unsupported;
use crate::provider::company::{Company, Schemas};
use crate::provider::openai::schema::{self, Refused};

const FIELD: &str = "response_format";

/// Writes the field.
///
/// # Errors
///
/// [`Unsupported`] for a form without a schema, where the company wants one.
pub(super) fn write(
    object: &mut Writer<'_>,
    raw: &RawValue,
    company: &Company,
) -> Result<(), Unsupported> {
    let read = Object::parse(raw.get()).ok();
    let named = read
        .as_ref()
        .and_then(|format| format.object("json_schema"));
    let (Some(format), Some(_)) = (read, &company.tool_names) else {
        object.raw(FIELD, raw.get());
        return Ok(());
    };
    let given = named.as_ref().and_then(|named| named.present("schema"));
    let needs_one = matches!(company.schemas, Schemas::Bare(Some(_)));
    let is_schema = given.is_some_and(|schema| schema.get().starts_with('{'));
    if needs_one && !is_schema && format.text("type").as_deref() == Some("json_schema") {
        return Err(Unsupported(FIELD));
    }
    let is_bare = match company.schemas {
        Schemas::AsWritten => true,
        Schemas::Bare(_) => {
            given.is_none_or(|schema| schema::is_bare(schema.get(), Refused::InAnswers))
        }
    };
    if is_bare && !format.has_null() && !named.as_ref().is_some_and(Object::has_null) {
        object.raw(FIELD, raw.get());
        return Ok(());
    }
    let mut out = Writer::new(object.name(FIELD));
    for (name, value) in told(&format) {
        match &named {
            Some(named) if name == "json_schema" => write_named(out.name(name), named, company),
            Some(_) | None => {
                out.raw(name, value.get());
            }
        }
    }
    out.end();
    Ok(())
}

fn write_named(out: &mut Vec<u8>, named: &Object<'_>, company: &Company) {
    let mut object = Writer::new(out);
    for (name, value) in told(named) {
        match company.schemas {
            Schemas::Bare(_) if name == "schema" => {
                schema::write_bare(object.name(name), value.get(), Refused::InAnswers);
            }
            Schemas::AsWritten | Schemas::Bare(_) => {
                object.raw(name, value.get());
            }
        }
    }
    object.end();
}

/// The members that are not `null`.
fn told<'o>(object: &'o Object<'_>) -> impl Iterator<Item = (&'o str, &'o RawValue)> {
    let told = object.0.iter().filter(|(_, value)| value.get() != "null");
    told.map(|(name, value)| (name.as_ref(), *value))
}
