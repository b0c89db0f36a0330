//! A short name for a text: the same text has always the same.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// How many letters and digits a digest of 64 bits has.
pub(super) const LENGTH: usize = 11;

/// Letters and digits that stand for `text`; `turn` is another name for the same.
///
/// Both halves of a tool call are in the same request, so it need not be the same for ever.
pub(super) fn of(text: &str, turn: usize) -> String {
    const DIGITS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    turn.hash(&mut hasher);
    let mut rest = hasher.finish();
    let digit = |_| {
        let at = usize::try_from(rest % 62).unwrap_or_default();
        rest /= 62;
        char::from(DIGITS.get(at).copied().unwrap_or(b'0'))
    };
    (0..LENGTH).map(digit).collect()
}
