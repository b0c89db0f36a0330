//! What a mistyped name was probably meant to be.
//!
//! Two letters that changed places count as one slip: it is the commonest in short names (`hoem`),
//! and counted as two it would be too far from anything to suggest.

/// The known name that `word` was probably meant to be: a slip or two away, or the only one that it
/// holds or is part of (`api_key` for `key`).
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let folded = fold(word);
    let close = known
        .iter()
        .map(|name| (distance(&folded, &fold(name)), *name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance);
    if let Some((_, name)) = close {
        return Some(name);
    }
    let mut parts = known.iter().filter(|name| {
        let name = fold(name);
        name.len().min(folded.len()) >= 3 && (name.contains(&folded) || folded.contains(&name))
    });
    match (parts.next(), parts.next()) {
        (Some(name), None) => Some(name),
        _ => None,
    }
}

/// A suggestion as the end of a message, else the known names.
pub(super) fn hint(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(name) => format!("did you mean \"{name}\"?"),
        None => format!("known: {}", known.join(", ")),
    }
}

fn fold(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

/// How many slips lie between two words: a letter too many, missing, wrong, or two that changed
/// places.
fn distance(a: &str, b: &str) -> usize {
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = at(&above, j) + usize::from(x != y);
            let mut slips = replaced.min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            if let (Some(i), Some(j)) = (i.checked_sub(1), j.checked_sub(1))
                && a.get(i) == Some(y)
                && b.get(j) == Some(x)
            {
                slips = slips.min(at(&before, j) + 1);
            }
            row.push(slips);
        }
        before = above;
        above = row;
    }
    at(&above, b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        let check = |a: &str, b: &str, slips: usize| {
            assert_eq!(distance(a, b), slips, "{a} {b}");
            assert_eq!(distance(b, a), slips, "{b} {a}");
        };
        check("", "", 0);
        check("", "abc", 3);
        check("home", "home", 0);
        check("hoem", "home", 1);
        check("olama", "ollama", 1);
        check("modle", "model", 1);
        check("kitten", "sitting", 3);
    }

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        let known = [
            "base_url",
            "key",
            "model",
            "stall_timeout",
            "attempt_timeout",
        ];
        let check = |word: &str, expected: Option<&str>| {
            assert_eq!(nearest(word, &known), expected, "{word}");
        };
        check("modle", Some("model"));
        check("baseUrl", Some("base_url"));
        check("url", Some("base_url"));
        check("api_key", Some("key"));
        check("timeout", None);
        check("temperature", None);
        check("", None);
        assert_eq!(hint("xyz", &["a", "b"]), "known: a, b");
    }
}
