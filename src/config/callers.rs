//! The callers' keys: the secret `PILOTLIGHT_KEYS`, as `name=key` pairs. And the operator's: the secret
//! `PILOTLIGHT_ADMIN_KEY`.
//!
//! Its mistakes name an entry by its place, never by its text: a slip may have put the key where
//! the name should be.

use crate::config::secret;
use crate::config::table;
use crate::config::{Mistake, Secret};

/// The name of the secret.
pub(super) const SECRET: &str = "PILOTLIGHT_KEYS";

/// A key shorter than this can be guessed.
const SHORTEST: usize = 16;

/// Reads the keys; none when the secret is not set or is blank.
pub(super) fn read(
    secrets: &dyn Fn(&str) -> Option<String>,
    mistakes: &mut Vec<Mistake>,
) -> Vec<(String, Secret)> {
    let text = secrets(SECRET).unwrap_or_default();
    let mut keys: Vec<(String, Secret)> = Vec::new();
    let entries = text
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|entry| !entry.is_empty());
    for (at, entry) in entries.enumerate() {
        let read = key(at + 1, entry).and_then(|(name, key)| {
            match keys.iter().position(|(_, other)| *other == key) {
                Some(other) => Err(format!("is the same key as entry {}", other + 1)),
                None => Ok((name, key)),
            }
        });
        match read {
            Ok(key) => keys.push(key),
            Err(problem) => {
                mistakes.push(Mistake::new(SECRET, format!("entry {} {problem}", at + 1)));
            }
        }
    }
    if keys.is_empty() && !text.trim().is_empty() && text.trim().chars().all(|c| c == ',') {
        mistakes.push(Mistake::new(
            SECRET,
            "holds no key: it should be of the form name=key,name2=key2",
        ));
    }
    keys
}

/// The name of the operator's secret.
pub(super) const ADMIN: &str = "PILOTLIGHT_ADMIN_KEY";

/// Reads the key of the admin API, which must not be a caller's; none when the secret is not set.
pub(super) fn admin(
    secrets: &dyn Fn(&str) -> Option<String>,
    callers: &[(String, Secret)],
    mistakes: &mut Vec<Mistake>,
) -> Option<Secret> {
    let text = secrets(ADMIN)?;
    let key = text.trim();
    let problem = if key.is_empty() {
        return None;
    } else if key.len() < SHORTEST {
        format!("is a key of fewer than {SHORTEST} characters, which can be guessed")
    } else if !key.bytes().all(secret::is_sendable) {
        "holds a character that cannot travel in a header".to_owned()
    } else if callers.iter().any(|(_, other)| other.expose() == key) {
        format!("is a caller's key as well ({SECRET}): it should be a key of its own")
    } else {
        return Some(Secret::new(key.to_owned()));
    };
    mistakes.push(Mistake::new(ADMIN, problem));
    None
}

fn key(place: usize, entry: &str) -> Result<(String, Secret), String> {
    let (name, key) = match entry.split_once('=') {
        Some((name, key)) => (name.to_owned(), key),
        None => (format!("key{place}"), entry),
    };
    if key.bytes().all(|byte| byte == b'=') {
        return Err(
            "has no key after its '=': it should be of the form name=key (a key that ends in '=' \
             needs a name before it)"
                .to_owned(),
        );
    }
    if !table::is_name(&name) {
        return Err(format!(
            "has a name that is none: it should be {}",
            table::NAME
        ));
    }
    if key.len() < SHORTEST {
        return Err(format!(
            "has a key of fewer than {SHORTEST} characters, which can be guessed"
        ));
    }
    if !key.bytes().all(secret::is_sendable) {
        return Err("has a key with a character that cannot travel in a header".to_owned());
    }
    Ok((name, Secret::new(key.to_owned())))
}
