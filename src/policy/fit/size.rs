//! What a message costs: its parts, their bound in bytes, and their count in tokens.
//!
//! # Why two sizes
//!
//! Bytes are there for nothing and no text has more tokens than bytes, so they decide wherever they
//! can. Tokens cost CPU and are counted only for what may be sent. An image is never its bytes:
//! whatever its address or data URL is long, a model sees about a constant. Files and sound are less
//! than their bytes, too, and reckoned generously: who is wrong about them hears it from the upstream.

use serde_json::value::RawValue;

use crate::openai::json::Object;
use crate::openai::{ChatRequest, Message};
use crate::policy::fit::meter::Meter;

/// A prompt's own frame: its start, the cue for the answer, a template's built-in system text.
const FRAME: u32 = 32;

/// What a chat template writes around a message.
pub(super) const AROUND_MESSAGE: u32 = 8;

/// What a chat template says about tools before it lists them.
const ABOUT_TOOLS: u32 = 128;

/// An image, as vision models see it: between some 250 and 1,600 tokens.
const IMAGE: u32 = 1_000;

/// Of a file in base64, the bytes a token: a page of a PDF is some 50 kB and 1,500 to 3,000 tokens
/// (<https://docs.anthropic.com/en/docs/build-with-claude/pdf-support>).
const FILE_BYTES: usize = 16;

/// Of sound in base64, the bytes a token: a second is at least 10 kB and 10 to 32 tokens
/// (<https://ai.google.dev/gemini-api/docs/audio>).
const SOUND_BYTES: usize = 512;

/// A part of a message, by how it is counted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'r> {
    /// A JSON string that the model reads.
    Text(&'r RawValue),
    /// JSON that the model reads and that is never cut: tool calls.
    Calls(&'r RawValue),
    /// A file with what is in it.
    File(&'r RawValue),
    /// An image.
    Image,
    /// Sound with what is in it.
    Sound(&'r RawValue),
    /// Anything else, by its bytes.
    Other(&'r RawValue),
}

impl Part<'_> {
    /// No fewer than the part's tokens.
    pub(super) fn bound(self) -> u64 {
        match self {
            Self::Text(raw) | Self::Calls(raw) => raw.get().len() as u64,
            Self::File(_) | Self::Image | Self::Other(_) | Self::Sound(_) => self.fixed().into(),
        }
    }

    /// The tokens of a part that is not text.
    pub(super) fn fixed(self) -> u32 {
        let by = |raw: &RawValue, bytes| u32::try_from(raw.get().len() / bytes).unwrap_or(u32::MAX);
        match self {
            Self::Text(_) | Self::Calls(_) => 0,
            Self::File(raw) => by(raw, FILE_BYTES),
            Self::Image => IMAGE,
            Self::Other(raw) => by(raw, 4),
            Self::Sound(raw) => by(raw, SOUND_BYTES),
        }
    }

    /// The part's tokens; `None` once they are more than `limit`.
    fn tokens(self, meter: Meter, limit: u32) -> Option<u32> {
        match self {
            Self::Text(raw) => meter.string(raw, limit),
            Self::Calls(raw) => meter.text(raw.get(), limit),
            Self::File(_) | Self::Image | Self::Other(_) | Self::Sound(_) => {
                Some(self.fixed()).filter(|tokens| *tokens <= limit)
            }
        }
    }
}

/// The parts of a message.
pub(super) fn parts<'r>(message: &'r Message<'_>) -> Vec<Part<'r>> {
    let mut parts = Vec::with_capacity(1 + message.fields.0.len());
    if let Some(content) = message.content.as_deref() {
        if content.get().starts_with('"') {
            parts.push(Part::Text(content));
        } else {
            match serde_json::from_str::<Vec<&RawValue>>(content.get()) {
                Ok(list) => parts.extend(list.into_iter().map(content_part)),
                Err(_) => parts.push(Part::Calls(content)),
            }
        }
    }
    for (name, value) in &message.fields.0 {
        parts.push(match name.as_ref() {
            "tool_calls" | "function_call" => Part::Calls(value),
            _ => Part::Other(value),
        });
    }
    parts
}

fn content_part(raw: &RawValue) -> Part<'_> {
    let Ok(part) = Object::parse(raw.get()) else {
        return Part::Other(raw);
    };
    if let Some(text) = text_of(&part) {
        Part::Text(text)
    } else if part.raw("image_url").is_some() {
        Part::Image
    } else if holds(&part, "file", "file_data") {
        Part::File(raw)
    } else if holds(&part, "input_audio", "data") {
        Part::Sound(raw)
    } else {
        Part::Other(raw)
    }
}

/// Whether a part has an object of this name with that in it.
fn holds(part: &Object<'_>, name: &str, what: &str) -> bool {
    let inner = part.object(name);
    inner.is_some_and(|inner| inner.present(what).is_some())
}

/// The text of a content part, if it is a text part.
pub(super) fn text_of<'a>(part: &Object<'a>) -> Option<&'a RawValue> {
    let text = part.raw("text")?;
    text.get().starts_with('"').then_some(text)
}

/// No fewer than the tokens of the whole request.
pub(super) fn bound(request: &ChatRequest<'_>) -> u64 {
    let tools = request
        .tools()
        .map_or(0, |tools| u64::from(ABOUT_TOOLS) + tools.get().len() as u64);
    let of_message = |message| {
        let parts = parts(message).into_iter().map(Part::bound);
        u64::from(AROUND_MESSAGE) + parts.sum::<u64>()
    };
    u64::from(FRAME) + tools + request.messages.iter().map(of_message).sum::<u64>()
}

/// The tokens of what stands around the messages but for the tools themselves.
pub(super) fn frame(request: &ChatRequest<'_>) -> u32 {
    match request.tools() {
        Some(_) => FRAME + ABOUT_TOOLS,
        None => FRAME,
    }
}

/// The tokens of what stands around the messages, the frame and the tools; `None` once they are
/// more than `limit`.
pub(super) fn around(request: &ChatRequest<'_>, meter: Meter, limit: u32) -> Option<u32> {
    let frame = frame(request);
    let left = limit.checked_sub(frame)?;
    match request.tools() {
        Some(tools) => Some(frame + meter.text(tools.get(), left)?),
        None => Some(frame),
    }
}

/// A message's tokens; `None` once they are more than `limit`.
pub(super) fn message(message: &Message<'_>, meter: Meter, limit: u32) -> Option<u32> {
    sum(parts(message), meter, limit)
}

/// The tokens of all of a message but its texts; `None` once they are more than `limit`.
pub(super) fn without_texts(message: &Message<'_>, meter: Meter, limit: u32) -> Option<u32> {
    let parts = parts(message).into_iter();
    sum(
        parts.filter(|part| !matches!(part, Part::Text(_))),
        meter,
        limit,
    )
}

/// The tokens of each of a message's texts, where those over `limit` count as one more than that.
pub(super) fn texts(message: &Message<'_>, meter: Meter, limit: u32) -> Vec<u32> {
    let texts = parts(message)
        .into_iter()
        .filter(|part| matches!(part, Part::Text(_)));
    texts
        .map(|text| text.tokens(meter, limit).unwrap_or(limit.saturating_add(1)))
        .collect()
}

/// A message's size in bytes, at four a token for what is not text, and with texts that are longer
/// than `longest` taken for that long.
pub(super) fn bytes(message: &Message<'_>, longest: usize) -> u64 {
    let of_part = |part: Part<'_>| match part {
        Part::Text(raw) => raw.get().len().min(longest) as u64,
        Part::Calls(raw) => raw.get().len() as u64,
        Part::File(_) | Part::Image | Part::Other(_) | Part::Sound(_) => {
            u64::from(part.fixed()) * 4
        }
    };
    u64::from(AROUND_MESSAGE) * 4 + parts(message).into_iter().map(of_part).sum::<u64>()
}

fn sum<'r>(parts: impl IntoIterator<Item = Part<'r>>, meter: Meter, limit: u32) -> Option<u32> {
    let mut left = limit.checked_sub(AROUND_MESSAGE)?;
    for part in parts {
        left -= part.tokens(meter, left)?;
    }
    Some(limit - left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens;

    const BY: Meter = Meter::Counted;

    const REQUEST: &str = r#"{
        "model": "m",
        "tools": [{"type": "function", "function": {"name": "now"}}],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "file", "file": {"file_id": "f-0123456789"}}
            ]},
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "now"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "\u00e9\ud83d"}
        ]
    }"#;

    fn request() -> ChatRequest<'static> {
        ChatRequest::parse(REQUEST).unwrap()
    }

    #[test]
    fn no_message_has_more_tokens_than_its_bound() {
        let request = request();
        let counted: u32 = request
            .messages
            .iter()
            .map(|one| message(one, BY, 10_000).unwrap())
            .sum();
        let all = around(&request, BY, 10_000).unwrap() + counted;
        assert!(u64::from(all) <= bound(&request));
    }

    #[test]
    fn an_image_is_a_constant_and_other_parts_are_a_quarter_of_their_bytes() {
        let request = request();
        let file = r#"{"type": "file", "file": {"file_id": "f-0123456789"}}"#.len();
        let file = u32::try_from(file).unwrap();
        let parts = parts(&request.messages[1]);
        assert_eq!(parts.len(), 3);
        assert!(matches!(parts[0], Part::Text(_)));
        assert_eq!(parts[1].bound(), 1_000);
        assert_eq!(parts[2].tokens(BY, 50), Some(file / 4));
        assert_eq!(
            without_texts(&request.messages[1], BY, 5_000),
            Some(AROUND_MESSAGE + 1_000 + file / 4)
        );
    }

    #[test]
    fn what_a_picture_a_file_or_a_sound_holds_is_not_counted_as_text() {
        let data = "A".repeat(1_000_000);
        let costs = |part: &str| {
            let body =
                format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{part}]}}]}}"#);
            bound(&ChatRequest::parse(&body).unwrap())
        };
        let image = format!(
            r#"{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{data}"}}}}"#
        );
        assert!(costs(&image) < 2_000);
        let file = format!(
            r#"{{"type":"file","file":{{"file_data":"data:application/pdf;base64,{data}"}}}}"#
        );
        assert!((50_000..70_000).contains(&costs(&file)));
        let sound =
            format!(r#"{{"type":"input_audio","input_audio":{{"data":"{data}","format":"mp3"}}}}"#);
        assert!((1_500..2_500).contains(&costs(&sound)));
        assert!(costs(&format!(r#"{{"type":"other","other":"{data}"}}"#)) > 250_000);
    }

    #[test]
    fn tool_calls_are_counted_as_the_text_that_they_are() {
        let request = request();
        let calls = r#"[{"id": "c", "function": {"name": "now"}}]"#;
        let expected = AROUND_MESSAGE + tokens::count(calls);
        assert_eq!(message(&request.messages[2], BY, 500), Some(expected));
        assert_eq!(without_texts(&request.messages[2], BY, 500), Some(expected));
    }

    #[test]
    fn counts_end_at_their_limit() {
        let request = request();
        let all = message(&request.messages[0], BY, 500).unwrap();
        assert_eq!(message(&request.messages[0], BY, all), Some(all));
        assert_eq!(message(&request.messages[0], BY, all - 1), None);
        assert_eq!(message(&request.messages[0], BY, 3), None);
        assert_eq!(texts(&request.messages[0], BY, 1), [2]);
        let around_it = around(&request, BY, 500).unwrap();
        assert_eq!(around(&request, BY, around_it), Some(around_it));
        assert_eq!(around(&request, BY, around_it - 1), None);
    }

    #[test]
    fn bytes_take_long_texts_for_shorter() {
        let request = request();
        let whole = bytes(&request.messages[0], usize::MAX);
        assert_eq!(
            bytes(&request.messages[0], 5),
            whole - r#""Be brief.""#.len() as u64 + 5
        );
    }
}
