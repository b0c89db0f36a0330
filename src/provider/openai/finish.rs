//! What a `finish_reason` means, and OpenAI's words in the place of others.

use serde_json::value::RawValue;

use crate::openai::Finish;
use crate::openai::answer::ChoiceParts;
use crate::openai::json::{Object, Writer};

const WORD: &str = "finish_reason";

/// What a choice's `finish_reason` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The upstream failed.
    Failed,
    /// Nothing: the choice goes on.
    NotYet,
    /// It ended, in a company's own word for one of OpenAI's.
    Renamed(Finish),
    /// It ended, in OpenAI's word.
    Same(Finish),
    /// It ended, in a word that nobody documents.
    Unknown,
}

impl Ending {
    /// Reads what `choice` says.
    pub(super) fn of(choice: &ChoiceParts<'_>) -> Self {
        choice
            .finish_reason
            .as_deref()
            .map_or(Self::NotYet, Self::named)
    }

    /// `eos` is Together's, `model_length` Mistral's, `error` Mistral's and OpenRouter's. An empty
    /// string or the string `null` stands in every chunk of some versions of `SGLang`, Ollama and
    /// `KoboldCpp`. Gemini puts what was filtered after a colon (`content_filter: PROHIBITED_CONTENT`);
    /// of calls it filters those that it could not read, and answers with nothing.
    fn named(word: &str) -> Self {
        match word {
            "stop" => Self::Same(Finish::Stop),
            "length" => Self::Same(Finish::Length),
            "tool_calls" => Self::Same(Finish::ToolCalls),
            "content_filter" => Self::Same(Finish::ContentFilter),
            "function_call" => Self::Same(Finish::FunctionCall),
            "eos" => Self::Renamed(Finish::Stop),
            "model_length" => Self::Renamed(Finish::Length),
            "error" => Self::Failed,
            "" | "null" => Self::NotYet,
            _ if word.starts_with("content_filter:") => Self::Renamed(Finish::ContentFilter),
            _ if word.starts_with("function_call_filter:") => Self::Failed,
            _ => Self::Unknown,
        }
    }

    /// The JSON that says the same to the caller, where `word` itself would not: to OpenAI's SDKs
    /// any string is an end.
    fn in_place_of(word: &str) -> Option<String> {
        match Self::named(word) {
            Self::NotYet => Some("null".to_owned()),
            Self::Renamed(finish) => Some(format!("\"{}\"", finish.as_str())),
            Self::Failed | Self::Same(_) | Self::Unknown => None,
        }
    }
}

/// The answer or chunk `json` with its finish reasons in OpenAI's words, if `choices`, which are
/// its own, have others. All else stays as the upstream wrote it.
pub(super) fn in_openai_words(json: &[u8], choices: &[ChoiceParts<'_>]) -> Option<Vec<u8>> {
    choices
        .iter()
        .filter_map(|choice| choice.finish_reason.as_deref())
        .find_map(Ending::in_place_of)?;
    reworded(json).ok()
}

fn reworded(json: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(json.len());
    let mut answer = Writer::new(&mut out);
    let Object(members) = serde_json::from_slice(json)?;
    for (name, value) in members {
        if name == "choices" {
            list(answer.name(&name), value)?;
        } else {
            answer.raw(&name, value.get());
        }
    }
    answer.end();
    Ok(out)
}

fn list(out: &mut Vec<u8>, choices: &RawValue) -> Result<(), serde_json::Error> {
    let choices: Vec<Object<'_>> = serde_json::from_str(choices.get())?;
    let mut separator = b'[';
    for choice in &choices {
        out.push(separator);
        separator = b',';
        write_choice(out, choice);
    }
    out.push(b']');
    Ok(())
}

fn write_choice(out: &mut Vec<u8>, choice: &Object<'_>) {
    let word = choice
        .text(WORD)
        .and_then(|word| Ending::in_place_of(&word));
    let mut object = Writer::new(out);
    for (name, value) in &choice.0 {
        match &word {
            Some(word) if name == WORD => object.raw(name, word),
            _ => object.raw(name, value.get()),
        };
    }
    object.end();
}
