//! Who speaks when: the messages in the order that a company takes them in, and in whose name.
//!
//! - Some models take instructions of the system's at the beginning only (`late_system`), and some
//!   companies want the last word to be somebody else's. There such an instruction is the user's text
//!   between `<system>` and `</system>`, which tells it from the user's words.
//! - Gemini's first turn is the user's. Where it would be the model's, one of ours stands before it.
//! - Where nobody speaks but the system, and the company wants somebody to, the user says to go ahead.
//! - Mistral refuses an assistant's message that says and calls nothing.

use serde_json::value::RawValue;

use crate::models::Ability;
use crate::openai::Role;
use crate::openai::json::Object;
use crate::provider::Ask;
use crate::provider::company::{Closing, Company, Opening, Wordless};
use crate::provider::portable::{GO_AHEAD, OPENING, Turn};

/// A message in its place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Placed<'t, 'a> {
    /// A turn of the user's that the gateway made: its text.
    Ours(&'static str),
    /// A message as the caller has it.
    Said(&'t Turn<'a>),
    /// An instruction of the system's, as the user's text.
    Users(&'t Turn<'a>),
}

/// Whether a message is sent at all.
pub(super) fn is_sent(turn: &Turn<'_>, company: &Company) -> bool {
    match company.wordless {
        Wordless::Left => !is_wordless(turn),
        Wordless::Sent => true,
    }
}

/// The messages that are `said`, in their places.
pub(super) fn placed<'t, 'a>(said: &[&'t Turn<'a>], ask: &Ask<'_>) -> Vec<Placed<'t, 'a>> {
    let leading = said.iter().take_while(|turn| is_system(turn)).count();
    let trailing = said.iter().rev().take_while(|turn| is_system(turn)).count();
    let end = match ask.company.closing {
        Closing::Anybody => said.len(),
        Closing::NotSystem => said.len().saturating_sub(trailing),
    };
    let refuses_late = ask.abilities.lacks(Ability::LateSystem);
    let place = |(at, turn): (usize, &&'t Turn<'a>)| {
        let is_late = at >= leading && is_system(turn);
        if is_late && (refuses_late || at >= end) {
            Placed::Users(turn)
        } else {
            Placed::Said(turn)
        }
    };
    let mut placed: Vec<_> = said.iter().enumerate().map(place).collect();
    if let Some(words) = ours(said.get(leading).copied(), ask.company) {
        placed.insert(leading, Placed::Ours(words));
    }
    placed
}

/// What we say before `first`, the first who speaks but for the system.
fn ours(first: Option<&Turn<'_>>, company: &Company) -> Option<&'static str> {
    let is_user = |turn: &Turn<'_>| turn.message.role == Role::User;
    match (first, company.opening, company.closing) {
        (None, Opening::User, _) | (None, _, Closing::NotSystem) => Some(GO_AHEAD),
        (Some(first), Opening::User, _) if !is_user(first) => Some(OPENING),
        (Some(_), Opening::Anybody | Opening::User, _)
        | (None, Opening::Anybody, Closing::Anybody) => None,
    }
}

fn is_system(turn: &Turn<'_>) -> bool {
    turn.message.role.is_systems()
}

fn is_wordless(turn: &Turn<'_>) -> bool {
    let message = turn.message;
    let says_other = ["audio", "function_call", "refusal"].iter().any(|name| {
        message
            .fields
            .raw(name)
            .is_some_and(|raw| raw.get() != "\"\"")
    });
    let says = message.content.as_deref().is_some_and(has_words);
    message.role == Role::Assistant && turn.calls.is_empty() && !says && !says_other
}

/// Whether a content has a text that is not empty, or a part that is no text.
fn has_words(content: &RawValue) -> bool {
    let Ok(parts) = serde_json::from_str::<Vec<Object<'_>>>(content.get()) else {
        return content.get() != "\"\"";
    };
    let is_empty = |part: &Object<'_>| {
        let kind = part.text("type").unwrap_or_default();
        part.text(&kind).is_some_and(|text| text.is_empty())
    };
    !parts.iter().all(is_empty)
}
