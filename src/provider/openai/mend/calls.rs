//! The calls of an answer, as callers can read them: each with its index, an id, the tool's name as the
//! caller has it, and arguments that are the text of an object.

use serde_json::value::RawValue;

use crate::openai::json::{self, Object, Writer};
use crate::provider::company::Mend;
use crate::provider::openai::made::{Begins, Made};
use crate::provider::openai::mend::{Form, Mender, Sameness};

impl Mender {
    pub(super) fn write_calls(
        &mut self,
        out: &mut Vec<u8>,
        calls: &RawValue,
        choice: u64,
        form: Form,
    ) -> Sameness {
        let Ok(listed) = serde_json::from_str::<Vec<Object<'_>>>(calls.get()) else {
            out.extend_from_slice(calls.get().as_bytes());
            return Sameness::Same;
        };
        let mut made = self.made.remove(&choice).unwrap_or_default();
        let mut is_other = Sameness::Same;
        out.push(b'[');
        for (at, call) in listed.iter().enumerate() {
            json::separate(out, at);
            is_other = is_other.and(self.write_call(out, call, &mut made, form));
        }
        out.push(b']');
        self.made.insert(choice, made);
        is_other
    }

    fn write_call(
        &self,
        out: &mut Vec<u8>,
        call: &Object<'_>,
        made: &mut Made,
        form: Form,
    ) -> Sameness {
        let function = call.object("function");
        let name = function.as_ref().and_then(|function| function.text("name"));
        // Mistral's SDK writes `null` as a text for an id that there is none of.
        let id = call.text("id");
        let id = id.filter(|id| !id.is_empty() && id != "null");
        let is_named = name.is_some_and(|name| !name.is_empty());
        let told = call.number("index");
        let (place, begins) = made.place(id.as_deref(), told, is_named);
        let mends = self.does(Mend::Calls);
        let index = u64::try_from(place).unwrap_or_default();
        let sets_index = mends && form == Form::Pieces && told != Some(index);
        let sets_id = mends && begins == Begins::Yes && id.is_none();
        let says_function = matches!(call.text("type").as_deref(), Some(kind) if !kind.is_empty());
        let sets_type = mends && begins == Begins::Yes && !says_function;
        let mut is_other = Sameness::Same.or(sets_index || sets_id || sets_type);
        let mut object = Writer::new(out);
        if sets_index {
            object.number("index", index);
        }
        if sets_id {
            object.text("id", &format!("call_{}_{place}", self.request_id));
        }
        if sets_type {
            object.raw("type", "\"function\"");
        }
        for (name, value) in &call.0 {
            match (name.as_ref(), &function) {
                ("index", _) if sets_index => {}
                ("id", _) if sets_id => {}
                ("type", _) if sets_type => {}
                ("function", Some(function)) => {
                    let same = self.write_function(object.name(name), function, form);
                    is_other = is_other.and(same);
                }
                (name, _) => {
                    object.raw(name, value.get());
                }
            }
        }
        object.end();
        is_other
    }

    fn write_function(&self, out: &mut Vec<u8>, function: &Object<'_>, form: Form) -> Sameness {
        let mut is_other = Sameness::Same;
        // A piece without arguments may be followed by some.
        let says_nothing = form == Form::Whole && is_blank(function.present("arguments"));
        let mut object = Writer::new(out);
        for (name, value) in &function.0 {
            match name.as_ref() {
                "name" => {
                    let sent = json::string(value).unwrap_or_default();
                    let callers = self.names.callers(&sent);
                    if callers == sent {
                        object.raw(name, value.get());
                    } else {
                        is_other = Sameness::Other;
                        object.text(name, callers);
                    }
                }
                "arguments" if says_nothing => {}
                "arguments" if self.does(Mend::Calls) && value.get().starts_with('{') => {
                    is_other = Sameness::Other;
                    object.text(name, value.get());
                }
                _ => {
                    object.raw(name, value.get());
                }
            }
        }
        if says_nothing {
            is_other = Sameness::Other;
            object.text("arguments", "{}");
        }
        object.end();
        is_other
    }
}

/// Whether there are no arguments, in however many words.
fn is_blank(arguments: Option<&RawValue>) -> bool {
    let text = arguments.map(json::string);
    text.is_none_or(|text| text.is_some_and(|text| text.trim_ascii().is_empty()))
}
