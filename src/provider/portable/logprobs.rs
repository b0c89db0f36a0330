//! What a caller wants to know of the tokens' probabilities.

use serde_json::value::RawValue;

use crate::openai::fields;
use crate::openai::json::Object;
use crate::provider::Unsupported;

/// Whether they are wanted.
#[derive(Clone, Copy, Debug)]
pub enum Logprobs<'a> {
    /// They are not.
    Unwanted,
    /// Those of the tokens, and for each of as many others (`top_logprobs`).
    Wanted(Option<&'a RawValue>),
}

/// What a request's fields say of them.
///
/// # Errors
///
/// [`Unsupported`] for other tokens' without the tokens' own, and for what is neither true nor false.
pub fn logprobs<'a>(fields: &Object<'a>) -> Result<Logprobs<'a>, Unsupported> {
    let most = fields.raw("top_logprobs");
    let asks = |raw: &RawValue| !fields::is_neutral("top_logprobs", raw, fields);
    match fields.raw("logprobs").map(RawValue::get) {
        Some("true") => Ok(Logprobs::Wanted(most)),
        None | Some("false") if most.is_some_and(asks) => Err(Unsupported("top_logprobs")),
        None | Some("false") => Ok(Logprobs::Unwanted),
        Some(_) => Err(Unsupported("logprobs")),
    }
}
