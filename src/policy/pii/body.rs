//! A request body as one text with its escapes undone, and whether it has parts that are no text.
//!
//! # Why not a JSON parser
//!
//! What is sought is the text, and between two strings of a body there are always quotes and
//! punctuation, which end whatever is sought. So the structure may stay where it stands, keys beside
//! their values, and a body that a parser refuses or would nest too deeply for is read too.

/// The content parts that cannot be read, by their `type`: those of OpenAI's chat API
/// (<https://platform.openai.com/docs/api-reference/chat/create>) and what other servers call the
/// same.
const OPAQUE_PARTS: &[&str] = &[
    "audio",
    "audio_url",
    "document",
    "file",
    "image",
    "image_file",
    "image_url",
    "input_audio",
    "input_file",
    "input_image",
    "input_video",
    "video",
    "video_url",
];

/// The members that hold what such a part is about. Some servers take parts without a `type`
/// (<https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/chat_utils.py>).
const OPAQUE_MEMBERS: &[&str] = &[
    "audio_url",
    "file_data",
    "file_id",
    "image_url",
    "images",
    "input_audio",
    "video_url",
];

/// How the object in such a member begins; in the schema of a tool it is `type` or `description`.
const OPAQUE_BEGINNINGS: &[&str] = &["data", "detail", "file_data", "file_id", "format", "url"];

/// A body whose escapes are undone.
pub(super) struct Undone {
    /// All of it: strings without escapes, in their quotes, and everything between them.
    pub(super) text: String,
    /// Whether all its parts are text.
    pub(super) parts: Parts,
}

/// What a body's content parts are.
#[derive(Clone, Copy)]
pub(super) enum Parts {
    /// There is one that cannot be read.
    Opaque,
    /// All can be read.
    Text,
}

/// What stands before a place between two strings.
#[derive(Clone, Copy)]
enum Before {
    /// A member's name, which tells what a part is about.
    Member,
    /// That and a colon, and the beginning of a list.
    MemberIs,
    /// That and a colon, and the beginning of an object.
    MemberHas,
    /// The string `type`.
    Type,
    /// That and a colon.
    TypeIs,
    /// Anything else.
    Other,
}

/// Undoes the escapes of a body's strings.
pub(super) fn undo(body: &str) -> Undone {
    let mut text = String::with_capacity(body.len());
    let mut parts = Parts::Text;
    let mut before = Before::Other;
    let mut rest = body;
    while let Some((between, after)) = rest.split_once('"') {
        before = pass(before, between);
        text.push_str(between);
        text.push('"');
        let start = text.len();
        rest = copy_string(after, &mut text);
        let string = text.get(start..).unwrap_or_default();
        let is_opaque = match before {
            Before::TypeIs => OPAQUE_PARTS.contains(&string),
            Before::MemberHas => OPAQUE_BEGINNINGS.contains(&string),
            Before::MemberIs => true,
            Before::Member | Before::Type | Before::Other => false,
        };
        if is_opaque {
            parts = Parts::Opaque;
        }
        before = if string == "type" {
            Before::Type
        } else if OPAQUE_MEMBERS.contains(&string) {
            Before::Member
        } else {
            Before::Other
        };
        text.push('"');
    }
    text.push_str(rest);
    Undone { text, parts }
}

/// Undoes the escapes of a text that need not be a string's; `None` when it has none.
pub(super) fn undo_text(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('\\') {
        out.push_str(plain);
        rest = escape(after, &mut out);
    }
    if rest.len() == text.len() {
        return None;
    }
    out.push_str(rest);
    Some(out)
}

/// What stands before the next string, after `between`.
fn pass(before: Before, between: &str) -> Before {
    let is = between.trim_ascii().strip_prefix(':').map(str::trim_ascii);
    match (before, is) {
        (Before::Member, Some("" | "[")) => Before::MemberIs,
        (Before::Member, Some("{")) => Before::MemberHas,
        (Before::Type, Some("")) => Before::TypeIs,
        (_, Some(_) | None) => Before::Other,
    }
}

/// Copies a string up to its closing quote. Returns what follows the quote.
fn copy_string<'a>(string: &'a str, out: &mut String) -> &'a str {
    let mut rest = string;
    while let Some((plain, mark, after)) = split_at_mark(rest) {
        out.push_str(plain);
        if mark == '"' {
            return after;
        }
        rest = escape(after, out);
    }
    out.push_str(rest);
    ""
}

/// Splits at the first quote or backslash.
fn split_at_mark(text: &str) -> Option<(&str, char, &str)> {
    let at = text
        .bytes()
        .position(|byte| byte == b'"' || byte == b'\\')?;
    let (plain, rest) = text.split_at_checked(at)?;
    let mut rest = rest.chars();
    let mark = rest.next()?;
    Some((plain, mark, rest.as_str()))
}

/// Undoes the escape that `text` begins with, after its backslash. Returns what follows it. What is
/// no escape is copied as it is.
fn escape<'a>(text: &'a str, out: &mut String) -> &'a str {
    let mut rest = text.chars();
    let Some(kind) = rest.next() else {
        out.push('\\');
        return "";
    };
    let after = rest.as_str();
    let short = match kind {
        '"' | '\\' | '/' | '\'' => kind,
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' | 'f' => ' ',
        'u' => return unicode(after, out),
        'x' => return coded(after, 2, "\\x", out),
        _ => {
            out.push('\\');
            kind
        }
    };
    out.push(short);
    after
}

/// Undoes `\uXXXX`, two of them where they are one character. Half of one becomes U+FFFD.
fn unicode<'a>(text: &'a str, out: &mut String) -> &'a str {
    let pair = hex(text, 4).and_then(|(high, after)| {
        let (low, after) = hex(after.strip_prefix("\\u")?, 4)?;
        let is_pair = (0xD800..0xDC00).contains(&high) && (0xDC00..0xE000).contains(&low);
        let code = 0x10000 + (high.saturating_sub(0xD800) << 10) + low.saturating_sub(0xDC00);
        is_pair.then_some((char::from_u32(code)?, after))
    });
    let Some((c, after)) = pair else {
        return coded(text, 4, "\\u", out);
    };
    out.push(c);
    after
}

/// Undoes an escape of so many hex digits; `mark` is what stands before them.
fn coded<'a>(text: &'a str, digits: usize, mark: &str, out: &mut String) -> &'a str {
    let Some((code, after)) = hex(text, digits) else {
        out.push_str(mark);
        return text;
    };
    out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    after
}

fn hex(text: &str, digits: usize) -> Option<(u32, &str)> {
    let (code, after) = text.split_at_checked(digits)?;
    let is_hex = code.bytes().all(|byte| byte.is_ascii_hexdigit());
    let code = u32::from_str_radix(code, 16).ok()?;
    is_hex.then_some((code, after))
}
