//! Whether a value is a secret, or stands for one.

/// What is in a value that stands for a secret, in lower case.
const STANDS_FOR: &[&str] = &[
    "your",
    "xxxx",
    "****",
    "....",
    "example",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "redacted",
    "replace",
    "insert",
    "dummy",
    "process.env",
    "environ",
    "getenv",
    "secrets.",
    "${",
    "{{",
    "$(",
    "<",
    "…",
    "hidden",
    "omitted",
    "masked",
];

/// Values that say what a secret is, or that there is none, in lower case.
const NO_SECRETS: &[&str] = &[
    "anything",
    "auto",
    "bcrypt",
    "bool",
    "boolean",
    "default",
    "empty",
    "enabled",
    "disabled",
    "false",
    "field",
    "float32",
    "float64",
    "here",
    "incorrect",
    "input",
    "invalid",
    "mandatory",
    "missing",
    "none",
    "null",
    "optional",
    "pass",
    "passwd",
    "password",
    "passwort",
    "pwd",
    "required",
    "secret",
    "sha256",
    "sha512",
    "string",
    "test",
    "text",
    "token",
    "true",
    "uint32",
    "uint64",
    "undefined",
    "unknown",
    "user",
    "varchar",
];

/// Whether a value stands for a secret, or says that it is somewhere else.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let Some((first, rest)) = value.split_first() else {
        return true;
    };
    let code =
        b"$<{%[*(@#&\\/~|".contains(first) || *first == b':' || *first == b'.' || *first == b'-';
    let is_word = || {
        NO_SECRETS
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
    };
    code && !is_random(rest)
        || rest.iter().all(|byte| byte == first)
        || is_word()
        || contains_one(value, STANDS_FOR)
}

/// Whether a value looks drawn at random: many characters, and a run of ten letters and digits, or
/// more, of which some are digits, or are capitals among small letters.
pub(super) fn is_random(value: &[u8]) -> bool {
    let runs = || value.split(|byte| !byte.is_ascii_alphanumeric());
    let is_mixed = |run: &[u8]| {
        let small = run.iter().any(u8::is_ascii_lowercase);
        let capitals = run.iter().filter(|byte| byte.is_ascii_uppercase()).count();
        let digits = run.iter().filter(|byte| byte.is_ascii_digit()).count();
        run.len() >= 10 && (digits > 0 && digits < run.len() || small && capitals > 4)
    };
    runs().any(is_mixed) && distinct(value) >= 7
}

/// Whether one of a value's characters is a sign, or both letters and digits are among them.
pub(super) fn is_mixed(value: &[u8]) -> bool {
    let any = |of: fn(&u8) -> bool| value.iter().any(of);
    any(u8::is_ascii_digit) && any(u8::is_ascii_alphabetic)
        || any(u8::is_ascii_alphabetic) && any(|byte| b"!@#$%^&*?+~".contains(byte))
}

/// How many different bytes there are.
fn distinct(value: &[u8]) -> u32 {
    let seen = value.iter().fold(0_u128, |seen, byte| {
        seen | 1_u128.wrapping_shl(u32::from(*byte))
    });
    seen.count_ones()
}

/// Whether one of these words, in lower case, is in a value, in either case.
fn contains_one(value: &[u8], words: &[&str]) -> bool {
    (0..value.len()).any(|at| {
        let rest = value.get(at..).unwrap_or_default();
        let first = rest.first().map(u8::to_ascii_lowercase);
        words
            .iter()
            .filter(|word| word.as_bytes().first().copied() == first)
            .any(|word| {
                rest.get(..word.len())
                    .is_some_and(|begins| begins.eq_ignore_ascii_case(word.as_bytes()))
            })
    })
}
