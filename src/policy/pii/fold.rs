//! Text with its typographic characters as their plain twins, which all rules are written for.
//!
//! Full-width characters, digits of other scripts, spaces and dashes of other widths and curled
//! quotes become ASCII; what is not seen at all (zero-width characters, soft hyphens, marks of
//! direction) is left out. It is less than Unicode's NFKC, whose tables are larger than all the rest.

use std::borrow::Cow;

/// The noughts of the decimal digits of other scripts; the nine others follow each.
/// (Unicode's `DerivedNumericType.txt`, `Decimal`.)
const NOUGHTS: &[u32] = &[
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x17E0, 0x1810,
];

/// What becomes of a character.
enum Twin {
    /// It is ignored.
    Gone,
    /// It is its own twin.
    Same,
    /// It counts as this one.
    As(char),
}

/// The text in plain characters; borrowed where it has no others.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || text.chars().all(|c| matches!(twin(c), Twin::Same)) {
        return Cow::Borrowed(text);
    }
    let fold = |c| match twin(c) {
        Twin::Gone => None,
        Twin::Same => Some(c),
        Twin::As(plain) => Some(plain),
    };
    text.chars().filter_map(fold).collect()
}

fn twin(c: char) -> Twin {
    match c {
        '\u{85}' | '\u{2028}' | '\u{2029}' => Twin::As('\n'),
        '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => {
            Twin::As(' ')
        }
        '\u{AD}'
        | '\u{34F}'
        | '\u{61C}'
        | '\u{180E}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}'
        | '\u{20E3}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' => Twin::Gone,
        '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' => {
            Twin::As('-')
        }
        '\u{2018}' | '\u{2019}' => Twin::As('\''),
        '\u{201C}'..='\u{201F}' => Twin::As('"'),
        '\u{FE6B}' => Twin::As('@'),
        '\u{FF01}'..='\u{FF5E}' => moved(c, 0xFF01, 0x21),
        '\u{1D7CE}'..='\u{1D7FF}' => digit(u32::from(c).saturating_sub(0x1D7CE) % 10),
        '\u{660}'..='\u{1819}' => NOUGHTS
            .iter()
            .find_map(|nought| u32::from(c).checked_sub(*nought).filter(|of| *of < 10))
            .map_or(Twin::Same, digit),
        _ => Twin::Same,
    }
}

/// The character as far behind `to` as this one is behind `from`.
fn moved(c: char, from: u32, to: u32) -> Twin {
    let code = u32::from(c).saturating_sub(from).saturating_add(to);
    char::from_u32(code).map_or(Twin::Same, Twin::As)
}

fn digit(value: u32) -> Twin {
    char::from_digit(value, 10).map_or(Twin::Same, Twin::As)
}
