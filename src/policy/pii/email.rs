//! E-mail addresses, and what only looks like one.
//!
//! # What is no address
//!
//! A host without a dot (`ssh pi@raspberry`), a decorator or scope (`@app.route`, `@scope/name`), a
//! version (`name@1.2.3`), a file or unit (`icon@2x.png`, `getty@tty1.service`), a call
//! (`x@w.dot(y)`), the user `git` (`git@github.com:...` is the same for everybody), and a user in a
//! URL (`ssh://me@host.example`). `me@host.example:path` is taken for an address: it names somebody.
//!
//! Source: RFC 5321, 4.1.2 and 4.5.3.1, but for quoted local parts and addresses in brackets, and of
//! the special characters only those that people have in theirs.

use crate::policy::pii::Kind;
use crate::policy::pii::form::byte;
use crate::policy::pii::secret;

/// The longest local part.
const LOCAL: usize = 64;

/// The longest domain.
const DOMAIN: usize = 253;

/// Local parts that are nobody's: users of servers of code, and words of programming languages.
const NOBODY: &[&[u8]] = &[b"git", b"hg", b"this", b"super", b"self", b"return"];

/// Endings of files and of systemd's units, none of which is a top-level domain.
const ENDINGS: &[&[u8]] = &[
    b"bmp", b"conf", b"cpp", b"css", b"csv", b"device", b"exe", b"gif", b"htm", b"html", b"ico",
    b"ini", b"jpeg", b"jpg", b"js", b"json", b"jsx", b"lock", b"log", b"mount", b"pdf", b"png",
    b"scope", b"service", b"slice", b"socket", b"svg", b"target", b"timer", b"toml", b"ts", b"tsx",
    b"txt", b"webp", b"xml", b"yaml", b"yml",
];

/// The address around the sign that stands from `at` up to `after`, or the password in front of it:
/// `scheme://user:password@host`.
pub(super) fn address(text: &[u8], at: usize, after: usize) -> Option<Kind> {
    match secret::in_url(text, at) {
        secret::Url::Password => return Some(Kind::Secret),
        secret::Url::User => return None,
        secret::Url::None => {}
    }
    let local = local(text, at)?;
    let domain = domain(text, after)?;
    let is_called = byte(text, after.saturating_add(domain.len())) == b'(';
    let is_nobody = NOBODY.contains(&local);
    (!is_called && !is_nobody && is_domain(domain)).then_some(Kind::Email)
}

/// The local part that ends before `at`.
fn local(text: &[u8], at: usize) -> Option<&[u8]> {
    let earliest = at.saturating_sub(LOCAL);
    let head = text.get(earliest..at)?;
    let of_local =
        |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"._%+-'&".contains(byte);
    let start = head.iter().rposition(|byte| !of_local(byte));
    let local = head.get(start.map_or(0, |at| at + 1)..)?;
    let first = local
        .iter()
        .position(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())?;
    local
        .get(first..)
        .filter(|local| local.last() != Some(&b'.'))
}

/// What could be a domain from `at` on: labels and dots, no two of them in a row, none at the end.
fn domain(text: &[u8], at: usize) -> Option<&[u8]> {
    let rest = text.get(at..at.saturating_add(DOMAIN).min(text.len()))?;
    let mut last = b'.';
    let of_domain = |byte: u8| {
        let doubled = byte == b'.' && last == b'.';
        last = byte;
        !doubled && (byte.is_ascii_alphanumeric() || !byte.is_ascii() || b".-".contains(&byte))
    };
    let length = rest.iter().copied().take_while({
        let mut of_domain = of_domain;
        move |byte| of_domain(*byte)
    });
    let mut domain = rest.get(..length.count())?;
    while let Some((b'.' | b'-', shorter)) = domain.split_last() {
        domain = shorter;
    }
    Some(domain)
}

/// Whether this is a domain with a dot and a name at its end that can be a top-level domain.
fn is_domain(domain: &[u8]) -> bool {
    let Some(dot) = domain.iter().rposition(|byte| *byte == b'.') else {
        return false;
    };
    let (host, top) = (domain.get(..dot), domain.get(dot + 1..));
    let (host, top) = (host.unwrap_or_default(), top.unwrap_or_default());
    // `a@b.com-like` ends where the hyphen is.
    let name: &[u8] = if top.starts_with(b"xn--") {
        top
    } else {
        top.split(|byte| *byte == b'-').next().unwrap_or_default()
    };
    let is_name = (2..=24).contains(&name.len())
        && (top.starts_with(b"xn--")
            || name
                .iter()
                .all(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii()));
    let is_file = ENDINGS.iter().any(|end| name.eq_ignore_ascii_case(end));
    is_name && !is_file && !is_version(host)
}

/// Whether a host begins as a version does: `1.2`, `18.0.0-beta`, `v2.1`.
fn is_version(host: &[u8]) -> bool {
    let digits = host.strip_prefix(b"v").unwrap_or(host);
    let mut parts = digits.split(|byte| *byte == b'.');
    let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    parts.next().is_some_and(is_number)
        && parts
            .next()
            .is_some_and(|part| part.first().is_some_and(u8::is_ascii_digit))
}
