//! What the gateway says itself where a company's rules want somebody to speak who did not.

/// What the user says first where the model spoke first.
pub const OPENING: &str = "(The conversation begins with your own message.)";

/// What the user says where nobody says anything but the system.
pub const GO_AHEAD: &str = "Go ahead.";

/// An instruction of the system's as the user's text, which the marks tell from the user's own words.
/// `text` is the inside of a JSON string, and so is what comes of it.
pub fn marked(text: &str) -> String {
    format!("<system>\\n{text}\\n</system>")
}
