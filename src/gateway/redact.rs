//! Upstream text that a caller may read: short, and without what could belong to the operator.

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

fn is_private(word: &str) -> bool {
    const MARKS: [&str; 11] = [
        "://", "org-", "org_", "proj_", "sk-", "sk_", "gsk_", "user-", "acct_", "AIza", "req_",
    ];
    MARKS.iter().any(|mark| word.contains(mark))
        || (word.len() >= 32
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.*".contains(c)))
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
        check("  ", "the upstream refused the request without saying why");
        assert!(upstream_text(&"a ".repeat(900)).chars().count() <= LONGEST + 3);
    }
}
