//! Puts right in an answer what callers could not read, or would read wrongly: what a company's row
//! says of its answers, and tools that it knows by other names.
//!
//! # Why the answer is written anew, and when
//!
//! OpenAI's SDKs put the pieces of a call together by its index and answer it by its id; without them
//! they lose calls or fail. They put texts of one name end to end, so that a role in every piece becomes
//! `assistantassistant`; they read the arguments of a whole call as JSON, which no text at all is not;
//! and they send an answer back as they got it, of which OpenAI refuses an empty list of calls. So those
//! are looked for in everybody's answers, and the rest where a row says so. Only choices that have what
//! needs it are written anew, and of those only the members in question: all else, and every other
//! answer, stays as the upstream wrote it.

mod calls;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use crate::openai::answer::{AnswerParts, ChoiceParts, MessageParts, is_empty_list};
use crate::openai::json::{self, Object, Writer};
use crate::provider::company::Mend;
use crate::provider::openai::flat::flattened;
use crate::provider::openai::made::Made;
use crate::provider::{Names, Reading};

/// Mends the chunks of one stream, or one whole answer.
#[derive(Debug)]
pub(super) struct Mender {
    mends: &'static [Mend],
    names: Names,
    request_id: String,
    /// What each choice has called so far, by its index.
    made: BTreeMap<u64, Made>,
    /// The choices that have told who speaks.
    introduced: BTreeSet<u64>,
}

/// Who says what a tier is called there.
const OPENAIS_TIERS: [&str; 6] = [
    "null",
    "\"auto\"",
    "\"default\"",
    "\"flex\"",
    "\"priority\"",
    "\"scale\"",
];

/// What becomes of a choice's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Introduction {
    /// It stays.
    Kept,
    /// It goes: it has been told.
    Repeated,
}

/// In what an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In chunks, with a `delta`.
    Pieces,
    /// In one body, with a `message`.
    Whole,
}

impl Mender {
    /// What mends the answers to a request.
    pub(super) fn new(ask: &Reading<'_>) -> Self {
        Self {
            mends: ask.company.mends,
            names: ask.names.clone(),
            request_id: ask.request_id.to_owned(),
            made: BTreeMap::new(),
            introduced: BTreeSet::new(),
        }
    }

    /// The answer or chunk `json`, whose parts are `parts`, as callers can read it; `None` where it may
    /// stay as it is.
    pub(super) fn mended(
        &mut self,
        json: &str,
        parts: &AnswerParts<'_>,
        form: Form,
    ) -> Option<String> {
        let choices = parts.choices.as_deref().unwrap_or_default();
        let repeated = self.repeated(choices);
        let leaves_tier = self.does(Mend::Tiers)
            && parts
                .service_tier()
                .is_some_and(|tier| !OPENAIS_TIERS.contains(&tier));
        let concerns = || choices.iter().any(|choice| self.concerns(choice, form));
        if repeated.is_empty() && !leaves_tier && !concerns() {
            return None;
        }
        let answer = Object::parse(json).ok()?;
        let listed = answer.raw("choices").map_or("[]", RawValue::get);
        let listed: Vec<Object<'_>> = serde_json::from_str(listed).unwrap_or_default();
        let mut written = Vec::with_capacity(json.len());
        let mut is_other = Sameness::Same;
        let mut object = Writer::new(&mut written);
        for (name, value) in &answer.0 {
            if name == "service_tier" && leaves_tier {
                is_other = Sameness::Other;
            } else if name == "choices" {
                let out = object.name(name);
                out.push(b'[');
                for (at, choice) in listed.iter().enumerate() {
                    json::separate(out, at);
                    let introduction = if repeated.contains(&at) {
                        Introduction::Repeated
                    } else {
                        Introduction::Kept
                    };
                    is_other = is_other.and(self.write_choice(out, choice, form, introduction));
                }
                out.push(b']');
            } else {
                object.raw(name, value.get());
            }
        }
        object.end();
        match is_other {
            Sameness::Same => None,
            Sameness::Other => String::from_utf8(written).ok(),
        }
    }

    fn does(&self, mend: Mend) -> bool {
        self.mends.contains(&mend)
    }

    /// The places of the choices that tell once more who speaks.
    fn repeated(&mut self, choices: &[ChoiceParts<'_>]) -> Vec<usize> {
        let telling = choices.iter().enumerate().filter(|(_, choice)| {
            let delta = choice.delta.as_ref();
            delta.is_some_and(MessageParts::tells_role)
        });
        let again = telling.filter(|(_, choice)| !self.introduced.insert(choice.index()));
        again.map(|(at, _)| at).collect()
    }

    /// Whether there may be something to mend in a choice.
    fn concerns(&self, choice: &ChoiceParts<'_>, form: Form) -> bool {
        let messages = [choice.delta.as_ref(), choice.message.as_ref()];
        let mut messages = messages.into_iter().flatten().peekable();
        if messages.peek().is_none() && self.does(Mend::Messages) {
            return true;
        }
        // Who is right about calls in a stream is so about each of its pieces.
        let looks_at_calls = form == Form::Whole
            || !self.names.is_empty()
            || self.does(Mend::Calls)
            || self.does(Mend::Stops);
        let ends = choice.finish_reason.as_deref() == Some("stop");
        ends && self.does(Mend::Stops)
            || messages.any(|message| {
                let is_list = message.content().is_some_and(is_list);
                looks_at_calls && message.calls().is_some()
                    || message.has_empty_calls()
                    || is_list && self.does(Mend::Contents)
            })
    }

    fn write_choice(
        &mut self,
        out: &mut Vec<u8>,
        choice: &Object<'_>,
        form: Form,
        introduction: Introduction,
    ) -> Sameness {
        let index = choice.number("index").unwrap_or(0);
        let part = match form {
            Form::Pieces => "delta",
            Form::Whole => "message",
        };
        let mut is_other = Sameness::Same;
        // Whether it calls decides what its end is called, wherever that stands.
        let mended = choice.object(part).map(|message| {
            let mut mended = Vec::new();
            is_other = self.write_message(&mut mended, &message, index, form, introduction);
            mended
        });
        let mended = mended.and_then(|mended| String::from_utf8(mended).ok());
        let calls = self.made.get(&index).is_some_and(|made| !made.is_empty());
        let ends_calling = calls
            && self.does(Mend::Stops)
            && choice.text("finish_reason").as_deref() == Some("stop");
        let mut object = Writer::new(out);
        for (name, value) in &choice.0 {
            match (name.as_ref(), &mended) {
                (name, Some(mended)) if name == part => object.raw(name, mended),
                ("finish_reason", _) if ends_calling => {
                    is_other = Sameness::Other;
                    object.raw(name, "\"tool_calls\"")
                }
                (name, _) => object.raw(name, value.get()),
            };
        }
        if choice.raw(part).is_none() && self.does(Mend::Messages) {
            is_other = Sameness::Other;
            let nothing = match form {
                Form::Pieces => "{}",
                Form::Whole => r#"{"role":"assistant","content":null}"#,
            };
            object.raw(part, nothing);
        }
        object.end();
        is_other
    }

    fn write_message(
        &mut self,
        out: &mut Vec<u8>,
        message: &Object<'_>,
        choice: u64,
        form: Form,
        introduction: Introduction,
    ) -> Sameness {
        let mut is_other = Sameness::Same;
        let mut thoughts = String::new();
        let mut object = Writer::new(out);
        for (name, value) in &message.0 {
            match name.as_ref() {
                "content" if is_list(value) && self.does(Mend::Contents) => {
                    is_other = Sameness::Other;
                    let (text, thought) = flattened(value);
                    thoughts.push_str(&thought);
                    object.raw(name, &format!("\"{text}\""));
                }
                "role" if introduction == Introduction::Repeated => is_other = Sameness::Other,
                "tool_calls" if is_empty_list(value) => is_other = Sameness::Other,
                "tool_calls" if is_list(value) => {
                    let same = self.write_calls(object.name(name), value, choice, form);
                    is_other = is_other.and(same);
                }
                _ => {
                    object.raw(name, value.get());
                }
            }
        }
        if !thoughts.is_empty() && message.raw("reasoning").is_none() {
            object.raw("reasoning", &format!("\"{thoughts}\""));
        }
        object.end();
        is_other
    }
}

/// Whether an answer is still as the upstream wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sameness {
    Other,
    Same,
}

impl Sameness {
    fn and(self, more: Self) -> Self {
        self.or(more == Self::Other)
    }

    fn or(self, is_other: bool) -> Self {
        if is_other { Self::Other } else { self }
    }
}

fn is_list(raw: &RawValue) -> bool {
    raw.get().starts_with('[')
}
