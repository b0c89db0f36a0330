//! What each company refuses in a request with tools in its history, or may not be shown: the rules
//! that a request breaks, in words.
//!
//! # Why this is not asked of the dialects
//!
//! They write the request. These rules were read apart from them, in the companies' references, in the
//! types of their official SDKs and in the errors that their users were given.
//!
//! # How
//!
//! Each dialect's form is looked at in a file of its own, which also tells the history as [`Step`]s;
//! what is true of every conversation is looked at here.

use serde_json::Value;

use crate::upstream::Seen;

mod anthropic;
mod chat;
mod ollama;
mod responses;

/// What only Gemini may see, followed by the call's number.
pub(crate) const GEMINI_SIGNATURE: &str = "c2lnbmVkLWJ5LWdlbWluaQ";
/// What the company behind OpenRouter made, which is a Claude.
pub(crate) const OPENROUTER_SIGNATURE: &str = "c2lnbmVkLWJlaGluZC1vcGVucm91dGVy";
/// What Anthropic made.
pub(crate) const ANTHROPIC_SIGNATURE: &str = "c2lnbmVkLWJ5LWFudGhyb3BpYw==";
/// What OpenAI's Responses sealed.
pub(crate) const RESPONSES_SECRET: &str = "ZW5jcnlwdGVkLWJ5LW9wZW5haQ==";

/// What answers a call of `now`.
pub(crate) const NOON: &str = "12:00";

/// Whose rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    OpenAi,
    Groq,
    Together,
    OpenRouter,
    Compatible,
    Mistral,
    Gemini,
    Anthropic,
    Responses,
    Ollama,
}

/// The rules that a request breaks; none where all is well.
pub(crate) fn broken(rules: Rules, seen: &Seen) -> Vec<String> {
    let Ok(body) = serde_json::from_str::<Value>(&seen.body) else {
        return vec![format!("the body is JSON, not {}", seen.body)];
    };
    let mut broken = Broken::default();
    let steps = match rules {
        Rules::Anthropic => anthropic::steps(seen, &body, &mut broken),
        Rules::Responses => responses::steps(&body, &mut broken),
        Rules::Ollama => ollama::steps(&body, &mut broken),
        Rules::OpenAi
        | Rules::Groq
        | Rules::Together
        | Rules::OpenRouter
        | Rules::Compatible
        | Rules::Mistral
        | Rules::Gemini => chat::steps(rules, &body, &mut broken),
    };
    if !matches!(rules, Rules::Anthropic | Rules::Ollama) {
        let key = seen.head.header("authorization").unwrap_or_default();
        broken.unless(key.starts_with("Bearer "), || {
            "the key is a bearer's".into()
        });
    }
    conversation(&steps, &mut broken);
    secrets(rules, &seen.body, &mut broken);
    broken.0
}

/// The rules found broken.
#[derive(Debug, Default)]
struct Broken(Vec<String>);

impl Broken {
    /// Notes a rule unless it holds.
    fn unless(&mut self, holds: bool, rule: impl FnOnce() -> String) {
        if !holds {
            self.0.push(rule());
        }
    }

    /// Notes every member of an object that is not of this list.
    fn only(&mut self, what: &str, object: &Value, known: &[&str]) {
        for name in object.as_object().into_iter().flat_map(|it| it.keys()) {
            self.unless(known.contains(&name.as_str()), || {
                format!("no `{name}` in {what}")
            });
        }
    }
}

/// One step of a history, whatever the dialect.
#[derive(Debug)]
enum Step {
    System,
    User,
    /// An answer, with its calls.
    Answer(Vec<Called>),
    /// What a tool gave.
    Outcome {
        id: Option<String>,
        content: String,
    },
}

/// A call in a history.
#[derive(Debug)]
struct Called {
    /// Ollama may leave it out.
    id: Option<String>,
    name: String,
    arguments: Value,
}

/// What holds for every conversation.
fn conversation(steps: &[Step], broken: &mut Broken) {
    let first = steps.iter().find(|step| !matches!(step, Step::System));
    broken.unless(matches!(first, Some(Step::User)), || {
        "the user speaks first".into()
    });
    let last = matches!(steps.last(), Some(Step::User | Step::Outcome { .. }));
    broken.unless(last, || "the user or a tool speaks last".into());
    let mut ids: Vec<&str> = Vec::new();
    let mut open: Vec<&Called> = Vec::new();
    for step in steps {
        match step {
            Step::Outcome { id, content } => {
                let place = match id {
                    Some(id) => open.iter().position(|call| call.id.as_ref() == Some(id)),
                    None => (!open.is_empty()).then_some(0),
                };
                let Some(place) = place else {
                    broken.unless(false, || format!("the result {id:?} follows its call"));
                    continue;
                };
                let call = open.remove(place);
                broken.unless(answers(call, content), || {
                    format!("the result of {call:?} is its own, not {content:?}")
                });
            }
            Step::System | Step::User | Step::Answer(_) => {
                broken.unless(open.is_empty(), || format!("{open:?} have results"));
                open.clear();
            }
        }
        if let Step::Answer(calls) = step {
            open.extend(calls);
            for id in calls.iter().filter_map(|call| call.id.as_deref()) {
                broken.unless(!ids.contains(&id), || format!("the id {id:?} is used once"));
                ids.push(id);
            }
        }
    }
    broken.unless(open.is_empty(), || format!("{open:?} have results"));
}

/// Whether this is what the callers' tools answer to a call.
fn answers(call: &Called, content: &str) -> bool {
    match call.arguments["city"].as_str() {
        Some(city) => call.name == "weather" && content.contains(city),
        None => call.name == "now" && content.contains(NOON),
    }
}

/// What a company signed or hid goes to nobody else, and what the gateway tells to no company.
fn secrets(rules: Rules, body: &str, broken: &mut Broken) {
    for (whose, secret) in [
        (&[Rules::Gemini][..], GEMINI_SIGNATURE),
        (&[Rules::OpenRouter], OPENROUTER_SIGNATURE),
        (&[Rules::Anthropic], ANTHROPIC_SIGNATURE),
        (&[Rules::Responses], RESPONSES_SECRET),
    ] {
        let shown = !whose.contains(&rules) && body.contains(secret);
        broken.unless(!shown, || {
            format!("what {whose:?} signed is not shown to {rules:?}")
        });
    }
    broken.unless(!body.contains("pilotlight"), || {
        "the gateway's own words stay here".into()
    });
}

/// Whether a text is made of these characters, and how many it may have.
fn is_made_of(text: &str, longest: usize, also: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
    !text.is_empty() && text.len() <= longest && text.chars().all(fits)
}

/// A list, or nothing.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A text, or none.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The object that arguments are the text of; a broken rule where they are not.
fn arguments(text: &Value, broken: &mut Broken) -> Value {
    let object = text
        .as_str()
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let object = object.filter(Value::is_object);
    broken.unless(object.is_some(), || {
        format!("arguments are the text of an object, not {text}")
    });
    object.unwrap_or_default()
}

mod tests;
