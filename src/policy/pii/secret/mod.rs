//! Keys by their shapes, values by the names they are assigned to, and passwords in URLs.

mod assigned;
mod value;

pub(super) use assigned::assigned;

use crate::policy::pii::Kind;
use crate::policy::pii::form::{before, byte};
use crate::policy::pii::secret::value::{is_placeholder, is_random};

/// How far a URL's user and password are sought before the sign that ends them.
const USERINFO: usize = 120;

/// How a company's keys are written.
struct Shape {
    begins: &'static str,
    /// The fewest characters after that, letters, digits, `-`, `_` and `.`.
    least: usize,
}

/// Keys that begin with a word and a sign. As their companies document them, and as they are listed in
/// <https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns>
/// and <https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml>.
const SIGNED: &[Shape] = &[
    shape("sk-", 20),
    shape("sk_live_", 16),
    shape("sk_test_", 16),
    shape("rk_live_", 16),
    shape("rk_test_", 16),
    shape("whsec_", 20),
    shape("ghp_", 36),
    shape("gho_", 36),
    shape("ghu_", 36),
    shape("ghs_", 36),
    shape("ghr_", 36),
    shape("github_pat_", 40),
    shape("glpat-", 20),
    shape("hf_", 30),
    shape("gsk_", 30),
    shape("xai-", 30),
    shape("nvapi-", 30),
    shape("csk-", 30),
    shape("tgp_v1_", 30),
    shape("pplx-", 30),
    shape("r8_", 30),
    shape("xoxa-", 20),
    shape("xoxb-", 20),
    shape("xoxe-", 20),
    shape("xoxp-", 20),
    shape("xoxr-", 20),
    shape("xoxs-", 20),
    shape("xapp-", 20),
    shape("npm_", 30),
    shape("pypi-", 40),
    shape("dop_v1_", 40),
    shape("shpat_", 30),
    shape("SG.", 40),
    shape("ya29.", 30),
    shape("AGE-SECRET-KEY-1", 40),
];

/// Keys that are one word.
const WORDS: &[Shape] = &[shape("AKIA", 16), shape("ASIA", 16), shape("AIza", 30)];

/// The longest first word of a key in [`SIGNED`].
const LONGEST_SIGNED: usize = 6;

/// How much of a key is looked at.
const KEY: usize = 200;

const fn shape(begins: &'static str, least: usize) -> Shape {
    Shape { begins, least }
}

/// A key that begins with the word between `at` and `end`.
pub(super) fn word(text: &[u8], at: usize, end: usize) -> Option<Kind> {
    let length = end.saturating_sub(at);
    let next = byte(text, end);
    let found = if length <= LONGEST_SIGNED && matches!(next, b'-' | b'_' | b'.') {
        SIGNED.iter().any(|shape| shape.fits(text, at))
    } else if length >= 16 {
        WORDS.iter().any(|shape| shape.fits(text, at))
    } else {
        length <= LONGEST_SIGNED && next == b' ' && assigned::said(text, at, end)
    };
    (found || is_jwt(text, at, end)).then_some(Kind::Secret)
}

/// A private key in PEM's armour, or PGP's, that begins at `at`.
pub(super) fn private_key(text: &[u8], at: usize) -> Option<Kind> {
    let rest = text.get(at..)?.strip_prefix(b"-----BEGIN ")?;
    let label = rest.get(..rest.len().min(48))?;
    label
        .windows(11)
        .any(|window| window == b"PRIVATE KEY")
        .then_some(Kind::Secret)
}

/// What a URL has before the `@` at a place.
pub(super) enum Url {
    /// A user and a password.
    Password,
    /// A user, or a password that stands for one.
    User,
    /// It is no URL.
    None,
}

/// What stands before the `@` at `at`.
pub(super) fn in_url(text: &[u8], at: usize) -> Url {
    let head = text
        .get(at.saturating_sub(USERINFO)..at)
        .unwrap_or_default();
    let of_user =
        |byte: &u8| byte.is_ascii_graphic() && !b"/\"'`<>@?#".contains(byte) || !byte.is_ascii();
    let Some(start) = head.iter().rposition(|byte| !of_user(byte)) else {
        return Url::None;
    };
    let (scheme, user) = head.split_at_checked(start + 1).unwrap_or_default();
    if !scheme.ends_with(b"://") {
        return Url::None;
    }
    let mut parts = user.splitn(2, |byte| *byte == b':');
    match (parts.next(), parts.next()) {
        (Some(_), Some(password)) if password.len() > 2 && !is_placeholder(password) => {
            Url::Password
        }
        _ => Url::User,
    }
}

impl Shape {
    fn fits(&self, text: &[u8], at: usize) -> bool {
        let begins = self.begins.as_bytes();
        if begins.first() != text.get(at) || matches!(before(text, at), b'-' | b'_') {
            return false;
        }
        let Some(rest) = text.get(at..).and_then(|text| text.strip_prefix(begins)) else {
            return false;
        };
        let key = token(rest);
        key.len() >= self.least && is_random(key) && !is_placeholder(key)
    }
}

/// The characters of a key that a text begins with.
fn token(text: &[u8]) -> &[u8] {
    let of_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let length = text
        .iter()
        .take(KEY)
        .take_while(|byte| of_key(byte))
        .count();
    text.get(..length).unwrap_or_default()
}

/// Whether a JSON web token begins with this word: `eyJ` is `{"` in base64 (RFC 7519, 3.1).
fn is_jwt(text: &[u8], at: usize, end: usize) -> bool {
    let is_header =
        end.saturating_sub(at) >= 10 && text.get(at..).is_some_and(|text| text.starts_with(b"eyJ"));
    if !is_header {
        return false;
    }
    let token = token(text.get(at..).unwrap_or_default());
    let mut parts = token.split(|byte| *byte == b'.').skip(1);
    parts
        .next()
        .is_some_and(|payload| payload.starts_with(b"eyJ"))
}
