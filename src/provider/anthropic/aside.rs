//! What a request says of itself and not of its answer: whose it is, and how it is to be served.
//!
//! `user` becomes `metadata.user_id`, unless it looks like an address or a telephone number: Anthropic wants
//! nobody's name there.

use std::borrow::Cow;

use crate::openai::json::{self, Object, Writer};
use crate::provider::UpstreamRequest;

/// How long a user's id may be.
const LONGEST_USER: usize = 256;

/// Writes whose request it is; what is not told of that is noted in `sent`.
pub(super) fn metadata(request: &mut Writer<'_>, given: &Object<'_>, sent: &mut UpstreamRequest) {
    let mut told: Option<Cow<'_, str>> = None;
    for name in ["safety_identifier", "user"] {
        let Some(raw) = given.raw(name) else {
            continue;
        };
        match json::string(raw).filter(|user| is_nobodys_name(user)) {
            Some(user) if told.as_ref().is_none_or(|told| *told == user) => told = Some(user),
            _ => sent.drop(name),
        }
    }
    if let Some(user) = told {
        let mut metadata = Writer::new(request.name("metadata"));
        metadata.text("user_id", &user);
        metadata.end();
    }
}

/// Whether a text may be a user's id: it is short, and neither an address nor a telephone number.
fn is_nobodys_name(user: &str) -> bool {
    let digits = user.chars().filter(char::is_ascii_digit).count();
    let is_dialled = |c: char| c.is_ascii_digit() || " +-./()".contains(c);
    let is_number = (7..=15).contains(&digits) && user.chars().all(is_dialled);
    let has_signs = !user.chars().all(|c| c.is_ascii_digit());
    let is_phone = is_number && (has_signs || user.starts_with('0') || digits >= 10);
    !user.is_empty() && user.len() <= LONGEST_USER && !user.contains('@') && !is_phone
}

/// Writes how the request is to be served, where Anthropic has a word for it.
pub(super) fn service_tier(
    request: &mut Writer<'_>,
    given: &Object<'_>,
    sent: &mut UpstreamRequest,
) {
    match given.text("service_tier").as_deref() {
        Some("default" | "standard_only") => {
            request.raw("service_tier", "\"standard_only\"");
        }
        Some("auto") => {
            request.raw("service_tier", "\"auto\"");
        }
        Some(_) => sent.drop("service_tier"),
        None if given.raw("service_tier").is_some() => sent.drop("service_tier"),
        None => {}
    }
}
