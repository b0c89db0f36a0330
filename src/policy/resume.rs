//! How a target is asked to go on with an answer that another one broke off.
//!
//! # Why it is asked to repeat the last words
//!
//! What a model writes next has to be joined on without a word doubled or missing. A model that was
//! told to go on may go on, start over, or repeat a little, and a short repetition may be chance. So
//! it is asked to begin with the last words, as many as stand in the answer only once: where it does,
//! the seam is certain. Where it does not, the splice looks for itself.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::config::settings::Prefill;
use crate::openai::json::Object;
use crate::openai::{ChatRequest, Message, Role};
use crate::stream::splice::{self, Asked};
use crate::tokens;

/// The least that a target may write, in tokens, however little the caller's limit leaves.
const LEAST: u32 = 16;

/// The request of a caller who has `text` already.
///
/// Where the answer has to be JSON it is the caller's own: the model writes it anew, and what agrees with
/// `text` is left out.
///
/// The conversation ends with that text as a message of the assistant's, and, where the model does not
/// go on with such a message by itself, with an instruction. `None` when the text cannot be written as
/// JSON, which no text can fail to be.
pub fn request<'a>(
    request: &ChatRequest<'a>,
    text: &str,
    prefill: Prefill,
) -> Option<(ChatRequest<'a>, Asked)> {
    let mut request = request.clone();
    if writes_json(&request) {
        return Some((request, Asked::Anew));
    }
    request.ours_from = Some(request.messages.len());
    request.messages.push(said(Role::Assistant, text)?);
    let (asked, repeated) = match prefill {
        Prefill::Yes => (Asked::Prefilled, 0),
        Prefill::No => {
            let anchor = splice::anchor(text);
            request
                .messages
                .push(said(Role::User, &instruction(anchor))?);
            (Asked::Anchored, tokens::count(anchor))
        }
    };
    request.max_tokens = request.max_tokens.map(|most| {
        let left = most.saturating_sub(tokens::count(text));
        left.saturating_add(repeated).max(LEAST)
    });
    Some((request, asked))
}

/// Whether the answer has to be JSON. What goes on in the middle of JSON is none, so a model that is
/// held to write some starts over, whatever it is told.
fn writes_json(request: &ChatRequest<'_>) -> bool {
    let format = request.fields.object("response_format");
    format.is_some_and(|format| format.text("type").is_some_and(|kind| kind != "text"))
}

fn instruction(anchor: &str) -> String {
    format!(
        "Your answer above was cut off by a technical fault. Write the rest of it, from exactly where \
         it stops. Do not start over, do not apologise, do not comment. Begin with its last words, \
         exactly as they stand there, and go on after them. Its last words are:\n{anchor}"
    )
}

fn said<'a>(role: Role, text: &str) -> Option<Message<'a>> {
    let content = serde_json::to_string(text).ok()?;
    Some(Message {
        role,
        content: Some(Cow::Owned(RawValue::from_string(content).ok()?)),
        fields: Object::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str =
        r#"{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"Count."}]}"#;

    #[test]
    fn a_model_is_given_the_text_and_asked_to_begin_with_its_last_words() {
        let asked = ChatRequest::parse(BODY).unwrap();
        let text = "One, two, three, four, five, six, seven, eight, nine, ten";
        let (request, how) = request(&asked, text, Prefill::No).unwrap();
        let roles: Vec<_> = request
            .messages
            .iter()
            .map(|message| message.role)
            .collect();
        assert_eq!(roles, [Role::User, Role::Assistant, Role::User]);
        assert_eq!(request.ours_from, Some(1));
        assert_eq!(how, Asked::Anchored);
        let content = |at: usize| request.messages[at].content.as_ref().unwrap().get();
        assert_eq!(content(1), format!("{text:?}"));
        assert!(content(2).ends_with("nine, ten\""), "{}", content(2));
        let most = request.max_tokens.unwrap();
        assert!(most > 60 && most < 100, "{most}");
    }

    #[test]
    fn a_model_that_takes_a_prefill_is_given_the_text_alone() {
        let asked = ChatRequest::parse(BODY).unwrap();
        let (request, how) = request(&asked, "One, two", Prefill::Yes).unwrap();
        assert_eq!(how, Asked::Prefilled);
        assert_eq!(request.messages.last().unwrap().role, Role::Assistant);
    }

    #[test]
    fn a_spent_limit_leaves_a_little() {
        let body = BODY.replace("100", "1");
        let asked = ChatRequest::parse(&body).unwrap();
        let (request, _) = request(&asked, "One, two, three", Prefill::Yes).unwrap();
        assert_eq!(request.max_tokens, Some(LEAST));
    }
}
