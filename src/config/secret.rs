//! Secrets by name: what a name looks like, and what looks like the secret itself.
//!
//! # Why it is checked so closely
//!
//! `key` holds a secret's name, and the likeliest slip is to paste the secret. A config is
//! committed, logged and shown; so that slip is told, and the pasted text is never repeated.

use serde_json::value::RawValue;

use crate::openai::json;

/// How the credentials of well-known companies begin. The gateway takes them out of upstreams' words
/// by the same list.
pub const BEGINNINGS: &[&str] = &[
    "sk-", "sk_", "pk-", "pk_", "rk_", "gsk_", "tgp_", "xai-", "hf_", "key_", "AIza", "nvapi-",
    "csk-", "Bearer ",
];

/// A text as long as this, of letters and digits alone, is a credential rather than a name.
const LONG: usize = 32;

/// Whether a text looks like a credential.
pub(super) fn looks_like_key(text: &str) -> bool {
    let text = text.trim();
    BEGINNINGS
        .iter()
        .any(|beginning| text.starts_with(beginning))
        || text.len() >= LONG
            && text.bytes().any(|byte| byte.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The name of a secret.
///
/// # Errors
///
/// When it is not one, without repeating it.
pub(super) fn name(raw: &RawValue) -> Result<String, String> {
    let Some(text) = json::string(raw) else {
        return Err(format!("is {}: it should be {WHAT}", json::kind(raw)));
    };
    if text.is_empty() {
        return Err(format!("is empty: it should be {WHAT}, or not be there"));
    }
    if is_name(&text) {
        return Ok(text.into_owned());
    }
    Err(format!(
        "is not the name of a secret and may be the secret itself: it should be {WHAT}; if it is a \
         credential, take it out of the config, replace it at the provider and set the new one \
         with `npx wrangler secret put`"
    ))
}

/// Whether a text can be a name in the Worker's environment, and does not look like a credential.
pub(super) fn is_name(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    begins && text.chars().all(of_a_name) && !looks_like_key(text)
}

/// What a name of a secret is, as a phrase.
pub(super) const WHAT: &str = "the name of a secret, such as \"GROQ_API_KEY\"";

/// The value of a secret: `None` when it is not set, or is blank.
///
/// # Errors
///
/// When it could not be sent, without repeating it.
pub(super) fn value(
    name: &str,
    secret: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<String>, String> {
    let Some(text) = secret(name) else {
        return Ok(None);
    };
    let text = text.trim();
    if !text.bytes().all(is_sendable) {
        return Err(format!(
            "names the secret {name}, whose value holds a character that no credential has, such \
             as a line break: set it again with `npx wrangler secret put {name}`"
        ));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// Whether a credential may hold this byte: it travels in a header.
pub(super) fn is_sendable(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_from_a_pasted_credential() {
        let check = |text: &str, is_name: bool| {
            let json = serde_json::to_string(text).unwrap();
            let read = name(serde_json::from_str(&json).unwrap());
            assert_eq!(read.is_ok(), is_name, "{text}: {read:?}");
            if let Err(problem) = read {
                assert!(text.is_empty() || !problem.contains(text), "{problem}");
            }
        };
        check("GROQ_API_KEY", true);
        check("groqKey2", true);
        check("_K", true);
        check("A_VERY_LONG_NAME_OF_A_SECRET_NUMBER_2", true);
        check("", false);
        check("2KEY", false);
        check("MY KEY", false);
        check("MY-KEY", false);
        check("sk-proj-abc", false);
        check("gsk_abc", false);
        check("tgp_v1_abc", false);
        check("Bearer abc", false);
        check(&"a1".repeat(32), false);
    }
}
