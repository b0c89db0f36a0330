//! Written forms of numbers: small patterns, and what may stand around what they fit.
//!
//! # The patterns
//!
//! `d` is a digit, `P` one from 1, `N` one from 2; `L` a capital letter, `l` a letter of either case,
//! `w` a letter or digit; `_` one of space, `-`, `.` and `/`, the same all through; `#` five to nine
//! digits. Anything else is itself, and is kept where it is a digit. A form fits from a given place or
//! not at all: nothing is tried twice. Most forms are ruled out by how many digits stand in their first
//! group.

/// The most characters that a form keeps.
const MOST: usize = 24;

/// What a form fits.
pub(super) struct Fit {
    /// Where it ends.
    pub(super) end: usize,
    /// The character between groups, 0 where there is none.
    separator: u8,
    kept: [u8; MOST],
    length: usize,
}

impl Fit {
    /// Its digits and letters, the letters as capitals.
    pub(super) fn kept(&self) -> &[u8] {
        self.kept.get(..self.length).unwrap_or_default()
    }

    fn keep(&mut self, byte: u8) -> Option<()> {
        *self.kept.get_mut(self.length)? = byte.to_ascii_uppercase();
        self.length += 1;
        Some(())
    }
}

/// The byte at `at`, 0 where there is none.
pub(super) fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

/// The byte before `at`, 0 where there is none.
pub(super) fn before(text: &[u8], at: usize) -> u8 {
    at.checked_sub(1).map_or(0, |at| byte(text, at))
}

/// A pattern, and how many digits it begins with.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pattern: &'static str,
    lead: usize,
}

/// The forms with these patterns.
pub(super) const fn forms<const N: usize>(patterns: [&'static str; N]) -> [Form; N] {
    let mut forms = [Form {
        pattern: "",
        lead: 0,
    }; N];
    let (mut left, mut rest) = (patterns.as_slice(), forms.as_mut_slice());
    while let ([pattern, patterns @ ..], [form, others @ ..]) = (left, rest) {
        form.pattern = pattern;
        form.lead = lead(pattern.as_bytes());
        (left, rest) = (patterns, others);
    }
    forms
}

/// How many digits a pattern begins with.
const fn lead(pattern: &[u8]) -> usize {
    let mut rest = pattern;
    while let [b'd' | b'P' | b'N' | b'0'..=b'9', after @ ..] = rest {
        rest = after;
    }
    pattern.len().saturating_sub(rest.len())
}

/// A place where a number may begin.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    /// How many digits stand there, of up to [`MOST`] and one.
    lead: usize,
}

impl<'a> Place<'a> {
    pub(super) fn new(text: &'a [u8], at: usize) -> Self {
        let digits = (at..=at.saturating_add(MOST)).map(|at| byte(text, at));
        let lead = digits.take_while(u8::is_ascii_digit).count();
        Self { text, at, lead }
    }

    /// What each of the forms fits that can be fitted here.
    pub(super) fn fits(self, forms: &'static [Form]) -> impl Iterator<Item = Fit> + 'a {
        forms
            .iter()
            .filter(move |form| form.lead == self.lead)
            .filter_map(move |form| fit(form.pattern, self.text, self.at))
    }

    /// All the digits that stand here, if they are so many.
    pub(super) fn run(self, least: usize, most: usize) -> Option<Fit> {
        (least..=most)
            .contains(&self.lead)
            .then(|| run(self.text, self.at, least, most))?
    }
}

/// Fits a pattern to the text from `at` on.
fn fit(pattern: &str, text: &[u8], at: usize) -> Option<Fit> {
    let mut fit = Fit {
        end: at,
        separator: 0,
        kept: [0; MOST],
        length: 0,
    };
    for sign in pattern.bytes() {
        let next = byte(text, fit.end);
        let keeps = match sign {
            b'd' => next.is_ascii_digit(),
            b'P' => matches!(next, b'1'..=b'9'),
            b'N' => matches!(next, b'2'..=b'9'),
            b'L' => next.is_ascii_uppercase(),
            b'l' => next.is_ascii_alphabetic(),
            b'w' => next.is_ascii_alphanumeric(),
            b'#' => {
                fit.end = many(text, &mut fit)?;
                continue;
            }
            b'_' => {
                separate(&mut fit, next)?;
                continue;
            }
            _ if sign == next => sign.is_ascii_digit(),
            _ => return None,
        };
        if keeps {
            fit.keep(next)?;
        } else if !sign.is_ascii_punctuation() && sign != b' ' {
            return None;
        }
        fit.end += 1;
    }
    Some(fit)
}

/// Fits a run of so many digits that is neither longer nor part of a word.
pub(super) fn run(text: &[u8], at: usize, least: usize, most: usize) -> Option<Fit> {
    let mut fit = fit("", text, at)?;
    while byte(text, fit.end).is_ascii_digit() {
        if fit.length == most {
            return None;
        }
        let digit = byte(text, fit.end);
        fit.keep(digit)?;
        fit.end += 1;
    }
    (fit.length >= least).then_some(fit)
}

/// Whether what stands between `start` and `end` is a number of its own, and not part of a longer
/// one, of a word, a decimal fraction, a price, a version or a UUID.
pub(super) fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let previous = before(text, start);
    let earlier = before(text, start.saturating_sub(1));
    let begins = match previous {
        b'-' | b'_' => !earlier.is_ascii_alphanumeric(),
        b'.' | b':' | b'/' => !earlier.is_ascii_digit(),
        b'$' | b'@' | b'+' | b'\\' => false,
        _ => !previous.is_ascii_alphanumeric(),
    };
    let next = byte(text, end);
    let later = byte(text, end.saturating_add(1));
    begins
        && match next {
            b'-' => !later.is_ascii_alphanumeric(),
            b'.' => !later.is_ascii_digit(),
            b'_' => false,
            _ => !next.is_ascii_alphanumeric(),
        }
}

/// Whether the number goes on, before or after, with another group of digits: then it is a list, or
/// a longer number.
pub(super) fn goes_on(text: &[u8], start: usize, fit: &Fit) -> bool {
    let separator = fit.separator;
    let after =
        byte(text, fit.end) == separator && byte(text, fit.end.saturating_add(1)).is_ascii_digit();
    let ahead =
        before(text, start) == separator && before(text, start.saturating_sub(1)).is_ascii_digit();
    separator != 0 && (after || ahead)
}

/// Keeps five to nine digits. Returns where they end.
fn many(text: &[u8], fit: &mut Fit) -> Option<usize> {
    let run = run(text, fit.end, 5, 9)?;
    for digit in run.kept() {
        fit.keep(*digit)?;
    }
    Some(run.end)
}

fn separate(fit: &mut Fit, next: u8) -> Option<()> {
    let is_separator = matches!(next, b' ' | b'-' | b'.' | b'/');
    if !is_separator || fit.separator != 0 && fit.separator != next {
        return None;
    }
    fit.separator = next;
    fit.end += 1;
    Some(())
}
