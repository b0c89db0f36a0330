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
    /// What a function is called with: the text as the model wrote it, which need be no JSON; `{}`
    /// where it wrote nothing.
    pub arguments: Cow<'a, str>,
    /// What is called.
    pub callee: Callee,
    /// What Gemini signed it with (`extra_content`), as the caller brings it back.
    pub extra_content: Option<&'a RawValue>,
    /// The call as it is written.
    pub written: Object<'a>,
    /// Its function as it is written; empty where it calls none.
    pub function: Object<'a>,
}

/// What a call calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// A function.
    Function,
    /// Another kind of tool, which some companies have. Its name is as the caller has it, and what it
    /// is called with stands in the call as it is written.
    Other,
}

impl Call<'_> {
    /// The text that a function is called with.
    ///
    /// # Errors
    ///
    /// [`Unsupported`] for a call of anything else.
    pub fn text(&self) -> Result<&str, Unsupported> {
        match self.callee {
            Callee::Function => Ok(&self.arguments),
            Callee::Other => Err(Unsupported("messages.tool_calls.type")),
        }
    }

    /// The JSON text of the object that a function is called with.
    ///
    /// # Errors
    ///
    /// [`Unsupported`] for arguments that are no object, and for a call of anything else.
    pub fn object(&self) -> Result<&str, Unsupported> {
        let text = self.text()?;
        let parsed = Object::parse(text);
        parsed.map_err(|_| Unsupported("messages.tool_calls.function.arguments"))?;
        Ok(text)
    }
}

/// The calls of a message, of which there may be none; ids and names are the caller's.
///
/// # Errors
///
/// [`Unsupported`], with the path of what is no call.
pub fn calls<'a>(message: &Message<'a>) -> Result<Vec<Call<'a>>, Unsupported> {
    let Some(raw) = message.fields.raw("tool_calls") else {
        return Ok(Vec::new());
    };
    let listed: Vec<Object<'a>> =
        serde_json::from_str(raw.get()).map_err(|_| Unsupported("messages.tool_calls"))?;
    listed.into_iter().map(call).collect()
}

fn call(written: Object<'_>) -> Result<Call<'_>, Unsupported> {
    let kind = written.text("type").filter(|kind| kind != "function");
    if let Some(kind) = kind {
        let inner = written.object(&kind).unwrap_or_default();
        return Ok(Call {
            id: written.text("id").unwrap_or_default(),
            name: inner.text("name").unwrap_or_default(),
            arguments: Cow::Borrowed(NOTHING),
            callee: Callee::Other,
            extra_content: written.present("extra_content"),
            written,
            function: Object::default(),
        });
    }
    let function = written.object("function");
    let function = function.ok_or(Unsupported("messages.tool_calls.function"))?;
    let arguments = match function.present("arguments") {
        Some(raw) => {
            json::string(raw).ok_or(Unsupported("messages.tool_calls.function.arguments"))?
        }
        None => Cow::Borrowed(NOTHING),
    };
    Ok(Call {
        id: written.text("id").unwrap_or_default(),
        name: function
            .text("name")
            .ok_or(Unsupported("messages.tool_calls.function.name"))?,
        arguments: if arguments.trim_ascii().is_empty() {
            Cow::Borrowed(NOTHING)
        } else {
            arguments
        },
        callee: Callee::Function,
        extra_content: written.present("extra_content"),
        written,
        function,
    })
}

/// What a function is called with where the model wrote nothing.
const NOTHING: &str = "{}";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::ChatRequest;

    /// What is read of a call: its name and arguments, and what there is of its text and object.
    fn read(call: &str) -> Result<(String, bool, bool), &'static str> {
        let body =
            format!(r#"{{"model":"m","messages":[{{"role":"assistant","tool_calls":[{call}]}}]}}"#);
        let request = ChatRequest::parse(&body).unwrap();
        let calls = calls(&request.messages[0]).map_err(|unsupported| unsupported.0)?;
        let call = &calls[0];
        let told = format!("{} {}", call.name, call.arguments);
        Ok((told, call.text().is_ok(), call.object().is_ok()))
    }

    #[test]
    fn arguments_are_the_text_as_it_is_and_need_be_no_object() {
        let check = |arguments: &str, text: &str, is_object: bool| {
            let call = format!(r#"{{"id":"a","function":{{"name":"f"{arguments}}}}}"#);
            let expected = (format!("f {text}"), true, is_object);
            assert_eq!(read(&call), Ok(expected), "{arguments}");
        };
        check(r#","arguments":"{\"a\": 1}""#, r#"{"a": 1}"#, true);
        check(r#","arguments":"[1]""#, "[1]", false);
        check(r#","arguments":"{\"cut\":""#, "{\"cut\":", false);
        for nothing in [
            "",
            r#","arguments":null"#,
            r#","arguments":"""#,
            r#","arguments":" \n""#,
        ] {
            check(nothing, "{}", true);
        }
    }

    #[test]
    fn a_call_of_no_function_has_a_name_and_no_text() {
        let custom = r#"{"id":"a","type":"custom","custom":{"name":"sh","input":"ls"}}"#;
        assert_eq!(read(custom), Ok(("sh {}".to_owned(), false, false)));
        let check = |call: &str, path: &'static str| assert_eq!(read(call), Err(path), "{call}");
        check("7", "messages.tool_calls");
        check(r#"{"id":"a"}"#, "messages.tool_calls.function");
        check(r#"{"function":{}}"#, "messages.tool_calls.function.name");
        check(
            r#"{"function":{"name":"f","arguments":{}}}"#,
            "messages.tool_calls.function.arguments",
        );
    }
}
