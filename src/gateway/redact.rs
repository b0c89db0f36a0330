//! Upstream text that a caller may read: short, and without what could belong to the operator.
//!
//! # Why too much is taken out
//!
//! A word too few makes a message harder to read; one too many gives away a key or where the home
//! box stands. So whatever looks like a credential, an account or an address goes, in quotes and
//! brackets or out of them, and with it the word that it stands in.

use std::net::IpAddr;

use crate::config::secret::BEGINNINGS;

/// The longest text that is quoted, in characters.
const LONGEST: usize = 500;

/// The text without addresses, account ids and anything that looks like a key.
pub(super) fn upstream_text(text: &str) -> String {
    let words: Vec<&str> = text
        .split_whitespace()
        .map(|word| if is_private(word) { "[redacted]" } else { word })
        .collect();
    let clean = words.join(" ");
    if clean.is_empty() {
        return "the upstream refused the request without saying why".to_owned();
    }
    if clean.chars().count() > LONGEST {
        let head: String = clean.chars().take(LONGEST).collect();
        return format!("{head}...");
    }
    clean
}

/// How the names of accounts and requests begin.
const ACCOUNTS: &[&str] = &["acct_", "org-", "org_", "proj_", "req_", "user-"];

/// A run of letters and digits as long as this is a credential rather than a word.
const LONG: usize = 32;

fn is_private(word: &str) -> bool {
    word.contains("://")
        || BEGINNINGS
            .iter()
            .chain(ACCOUNTS)
            .any(|mark| begins_a_part(word, mark))
        || parts(word, "-_.*").any(|part| part.len() >= LONG)
        || parts(word, "-_.:").any(is_address)
}

/// The runs of letters, digits and these other characters in a word.
fn parts<'a>(word: &'a str, others: &'static str) -> impl Iterator<Item = &'a str> {
    word.split(move |c: char| !c.is_ascii_alphanumeric() && !others.contains(c))
}

/// Whether a mark stands where a part of the word begins: `sk-` does in `(sk-1)`, not in `task-1`.
fn begins_a_part(word: &str, mark: &str) -> bool {
    word.match_indices(mark).any(|(at, _)| {
        let before = word.get(..at).unwrap_or_default();
        let escape = ["\\n", "\\r", "\\t"]
            .iter()
            .any(|escape| before.ends_with(escape));
        escape || !before.ends_with(|c: char| c.is_ascii_alphanumeric())
    })
}

/// Whether this is an IP address, or a host with a port.
fn is_address(part: &str) -> bool {
    let part = part.trim_end_matches(['.', ':']);
    if part.parse::<IpAddr>().is_ok() {
        return true;
    }
    let Some((host, digits)) = part.rsplit_once(':') else {
        return false;
    };
    let is_port =
        (2..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = host.contains(|c: char| c.is_ascii_alphabetic());
    is_port && (is_name || host.parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_the_operator_is_left_out() {
        let check = |text: &str, expected: &str| assert_eq!(upstream_text(text), expected);
        check(
            "Rate limit for `m` in organization `org_01abc` see https://x.test/y",
            "Rate limit for `m` in organization [redacted] see [redacted]",
        );
        check(
            "Incorrect API key provided: sk-proj-abc***xyz.",
            "Incorrect API key provided: [redacted]",
        );
        check("'temperature' must be <= 2", "'temperature' must be <= 2");
        check("task-1 of risk_2 at 12:30", "task-1 of risk_2 at 12:30");
        check("  ", "the upstream refused the request without saying why");
        assert!(upstream_text(&"a ".repeat(900)).chars().count() <= LONGEST + 3);
    }

    #[test]
    fn no_key_is_read_whatever_stands_around_it() {
        let long = "0123456789abcdef0123456789ABCDEF";
        let begun = BEGINNINGS
            .iter()
            .map(|beginning| format!("{}1a2b", beginning.trim_end()))
            .filter(|key| !key.starts_with("Bearer"));
        for key in begun.chain([long.to_owned()]) {
            for word in [
                key.clone(),
                format!("'{key}'"),
                format!("\"{key}\","),
                format!("({key})."),
                format!("[{key}]:"),
                format!("key={key};"),
                format!("{{\"key\":\"{key}\"}}"),
                format!("text\\n{key}"),
            ] {
                assert_eq!(upstream_text(&word), "[redacted]", "{word}");
            }
        }
    }

    #[test]
    fn no_address_is_read() {
        for word in [
            "https://box.test/v1",
            "box.lan:11434",
            "(localhost:8080)",
            "host=ollama:11434,",
            "10.0.0.5",
            "10.0.0.5:11434:",
            "'192.168.1.4'.",
            "::1",
            "[::1]:11434",
            "fe80::1%eth0",
        ] {
            assert_eq!(upstream_text(word), "[redacted]", "{word}");
        }
        let plain = "llama3.2:3b v1.2.3 messages.0.content: 'a:b', at 2:1";
        assert_eq!(upstream_text(plain), plain);
    }
}
