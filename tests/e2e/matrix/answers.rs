//! What is said in the matrix: a text, and two tool calls.
//!
//! The text has what makes a splice hard: markup, lists, accents, an emoji, quotes of another
//! language. Its pieces are like a model's tokens: a word's space comes before it.

use super::dialect::ToolCall;

/// The answer, piece by piece.
pub(super) const TEXT: [&str; 36] = [
    "The",
    " lamp",
    " at",
    " Skagen",
    " was",
    " lit",
    " in",
    " 17",
    "47",
    ",",
    " and",
    " **no",
    "body**",
    " remembers",
    " it",
    " dark",
    ":",
    "\n\n",
    "-",
    " coal",
    " first",
    ",\n",
    "- then",
    " raps",
    "ødsolie",
    " …",
    "\n",
    "- now",
    " a",
    " «diode»",
    " 🚦",
    ".\n\n",
    "Ask",
    " the",
    " keeper",
    ".",
];

/// How many of the pieces come before the middle: it is in a word.
pub(super) const MIDDLE: usize = 24;

/// What is said before a tool call.
pub(super) const PRELUDE: [&str; 6] = ["One", " moment", ",", " I", " look", " it up."];

/// The calls.
pub(super) const CALLS: [ToolCall; 2] = [
    ToolCall {
        name: "weather",
        arguments: r#"{"city":"Skagen","days":3}"#,
    },
    ToolCall {
        name: "tide",
        arguments: r#"{"harbour":"Hirtshals","note":"in \"metres\", før middag"}"#,
    },
];

/// Pieces as one text.
pub(super) fn text(words: &[&str]) -> String {
    words.concat()
}
