//! The `openai` dialect: chat completions, as OpenAI and every compatible server speak them.
//!
//! It is the caller's own language, so most bytes pass as they are. What differs from company to
//! company is data in [`super::company`]. Implements
//! <https://platform.openai.com/docs/api-reference/chat>.

mod decode;
mod fault;
mod write;

use crate::openai::Finish;
use crate::openai::answer::{self, AnswerParts, MessageParts};
use crate::provider::{Ask, Completion, Decoder, Fault, Provider, Reading, Unsupported};
use crate::reason::Reason;

/// The dialect.
#[derive(Debug)]
pub struct OpenAi;

impl Provider for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn url(&self, base_url: &str) -> String {
        format!("{}/chat/completions", base_url.trim_end_matches('/'))
    }

    fn write(&self, ask: &Ask<'_>) -> Result<Vec<u8>, Unsupported> {
        write::body(ask)
    }

    fn read(&self, body: &[u8], ask: &Reading<'_>) -> Result<Completion, Fault> {
        completion(body, ask)
    }

    fn decoder(&self, _ask: &Reading<'_>) -> Box<dyn Decoder> {
        Box::new(decode::ChunkDecoder::default())
    }

    fn fault(&self, status: u16, body: &[u8]) -> Fault {
        fault::read(status, body)
    }
}

fn completion(body: &[u8], ask: &Reading<'_>) -> Result<Completion, Fault> {
    let parts: AnswerParts<'_> =
        serde_json::from_slice(body).map_err(|_| fault::not_an_answer(body))?;
    if let Some(error) = parts.error.filter(|error| truthy(error.get())) {
        return Err(fault::inside(error.get()));
    }
    let Some(first) = parts.choices.as_deref().and_then(<[_]>::first) else {
        return Err(Fault::known(Reason::Empty));
    };
    let mut json = body.trim_ascii().to_vec();
    let mut finish = None;
    match first.finish_reason.as_deref().map(finish_of) {
        Some(Ending::Failed) => return Err(Fault::known(Reason::InStreamError)),
        Some(Ending::Same(known)) => finish = Some(known),
        Some(Ending::Renamed(known)) => {
            finish = Some(known);
            json = renamed(&json);
        }
        // A word of the server's own: it ended, and the caller reads the word itself.
        Some(Ending::Unknown) => {}
        None => return Err(Fault::known(Reason::StreamCut)),
    }
    let speaks = first
        .message
        .as_ref()
        .is_some_and(MessageParts::says_something);
    let wrote = parts.usage.is_some_and(|usage| usage.completion_tokens > 0);
    if !speaks && !wrote && matches!(finish, Some(Finish::Stop) | None) {
        return Err(Fault::known(Reason::Empty));
    }
    if parts.model.is_none() {
        let mut model = Vec::new();
        crate::openai::json::write_string(&mut model, ask.model);
        answer::insert(&mut json, "model", &String::from_utf8_lossy(&model));
    }
    Ok(Completion {
        json,
        finish,
        usage: parts.usage,
    })
}

/// What a `finish_reason` on the wire means.
enum Ending {
    /// The upstream failed.
    Failed,
    /// A company's own word for one of OpenAI's.
    Renamed(Finish),
    /// OpenAI's word.
    Same(Finish),
    /// A word that nobody documents.
    Unknown,
}

/// `eos` is Together's, `model_length` Mistral's, `error` Mistral's and OpenRouter's.
fn finish_of(word: &str) -> Ending {
    match word {
        "stop" => Ending::Same(Finish::Stop),
        "length" => Ending::Same(Finish::Length),
        "tool_calls" => Ending::Same(Finish::ToolCalls),
        "content_filter" => Ending::Same(Finish::ContentFilter),
        "function_call" => Ending::Same(Finish::FunctionCall),
        "eos" => Ending::Renamed(Finish::Stop),
        "model_length" => Ending::Renamed(Finish::Length),
        "error" => Ending::Failed,
        _ => Ending::Unknown,
    }
}

/// The same object with the companies' own finish reasons in OpenAI's words.
fn renamed(json: &[u8]) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(json) else {
        return json.to_vec();
    };
    let choices = value
        .get_mut("choices")
        .and_then(serde_json::Value::as_array_mut);
    for choice in choices.into_iter().flatten() {
        if let Some(word) = choice.get_mut("finish_reason")
            && let Some(Ending::Renamed(finish)) = word.as_str().map(finish_of)
        {
            *word = finish.as_str().into();
        }
    }
    serde_json::to_vec(&value).unwrap_or_else(|_| json.to_vec())
}

/// Whether an `error` member means one; some servers send `"error": null` or `""` with every answer.
fn truthy(json: &str) -> bool {
    !matches!(json, "null" | "false" | "\"\"" | "{}" | "0")
}
