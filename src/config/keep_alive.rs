//! How long an Ollama keeps a model loaded, in its own spelling.
//!
//! Ollama takes a JSON number of seconds or Go's spelling of a time, and answers 400 to a bare
//! number in quotes (`Duration` in its `api/types.go` hands text to Go's `time.ParseDuration`).
//! Here every form becomes Go's spelling, so that a slip is told when the config is read and not by
//! a 400 at night.

use serde_json::value::RawValue;

use crate::config::value;
use crate::openai::json;

/// What it may be, as a phrase.
pub(super) const WHAT: &str = "a time as Ollama writes it, such as \"30m\", or a number of seconds";

const UNITS: [&str; 7] = ["ns", "us", "µs", "ms", "s", "m", "h"];

/// Reads it.
///
/// # Errors
///
/// What is wrong and what would be right.
pub(super) fn read(raw: &RawValue) -> Result<String, String> {
    let text = json::string(raw).unwrap_or_else(|| raw.get().into());
    if let Ok(seconds) = text.parse::<i32>() {
        return Ok(format!("{seconds}s"));
    }
    if is_go_duration(&text) {
        return Ok(text.into_owned());
    }
    Err(format!("is {}: it should be {WHAT}", value::shown(raw)))
}

/// Whether it is no time at all, in any spelling: then Ollama unloads the model at once.
pub(super) fn is_none(text: &str) -> bool {
    !text.contains(|c: char| matches!(c, '1'..='9'))
}

/// Whether Go reads it as a time: `1h30m`, `-1s`.
fn is_go_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let of_a_number = |c: char| c.is_ascii_digit() || c == '.';
    while let Some((number, after)) = split(rest, |c| !of_a_number(c)) {
        let (unit, after) = split(after, of_a_number).unwrap_or((after, ""));
        if number.parse::<f64>().is_err() || !UNITS.contains(&unit) {
            return false;
        }
        if after.is_empty() {
            return true;
        }
        rest = after;
    }
    false
}

fn split(text: &str, at: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    text.split_at_checked(text.find(at)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_ollama_can_read() {
        let check = |json: &str, expected: Option<&str>| {
            let read = read(serde_json::from_str(json).unwrap());
            assert_eq!(read.ok().as_deref(), expected, "{json}");
        };
        check("\"30m\"", Some("30m"));
        check("\"1h30m\"", Some("1h30m"));
        check("\"1.5h\"", Some("1.5h"));
        check("\"-1s\"", Some("-1s"));
        check("\"0\"", Some("0s"));
        check("300", Some("300s"));
        check("-1", Some("-1s"));
        check("\"-1\"", Some("-1s"));
        check("\"300\"", Some("300s"));
        check("\"1h30\"", None);
        check("1.5", None);
        check("\"30 m\"", None);
        check("\"m\"", None);
        check("\".s\"", None);
        check("\"\"", None);
        check("\"-\"", None);
        check("\"1d\"", None);
        check("true", None);
    }
}
