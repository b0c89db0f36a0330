//! The `openai` dialect: chat completions, as OpenAI and every compatible server speak them.
//!
//! It is the caller's own language, so most bytes pass as they are. What differs from company to
//! company is data in [`super::company`]. Implements
//! <https://platform.openai.com/docs/api-reference/chat>.

mod calls;
mod content;
mod decode;
pub(super) mod fault;
mod finish;
mod flat;
mod format;
mod made;
mod mend;
mod messages;
mod order;
mod schema;
mod tools;
mod write;

use crate::openai::Finish;
use crate::openai::answer::{self, AnswerParts, ChoiceParts, MessageParts};
use crate::provider::openai::finish::Ending;
use crate::provider::openai::mend::{Form, Mender};
use crate::provider::{
    Ask, Company, Completion, Decoder, Fault, NameRule, Provider, Reading, Unsupported,
    UpstreamRequest,
};
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

    fn paths(&self) -> &'static [&'static str] {
        &["/v1/chat/completions"]
    }

    fn tool_names(&self, company: &Company) -> Option<NameRule> {
        company.tool_names
    }

    fn write(&self, ask: &Ask<'_>) -> Result<UpstreamRequest, Unsupported> {
        write::request(ask)
    }

    fn read(&self, body: &[u8], ask: &Reading<'_>) -> Result<Completion, Fault> {
        completion(body, ask)
    }

    fn decoder(&self, ask: &Reading<'_>) -> Box<dyn Decoder> {
        Box::new(decode::ChunkDecoder::new(ask))
    }

    fn fault(&self, status: u16, body: &[u8]) -> Fault {
        fault::read(status, body)
    }
}

fn completion(body: &[u8], ask: &Reading<'_>) -> Result<Completion, Fault> {
    let parts: AnswerParts<'_> =
        serde_json::from_slice(body).map_err(|_| fault::not_an_answer(body))?;
    if let Some(error) = parts.told_error() {
        return Err(fault::inside(error));
    }
    let json = std::str::from_utf8(body).ok();
    let mended = json.and_then(|json| Mender::new(ask).mended(json, &parts, Form::Whole));
    match &mended {
        Some(json) => {
            let parts = serde_json::from_str(json).map_err(|_| fault::not_an_answer(body))?;
            finished(json.as_bytes(), &parts, ask)
        }
        None => finished(body, &parts, ask),
    }
}

/// The completion that `body`, whose parts are `parts`, is.
fn finished(body: &[u8], parts: &AnswerParts<'_>, ask: &Reading<'_>) -> Result<Completion, Fault> {
    let choices = parts.choices.as_deref().unwrap_or_default();
    if choices.is_empty() {
        return Err(Fault::known(Reason::Empty));
    }
    let finish = ended(choices, ask.choices).map_err(Fault::known)?;
    let usage = parts.usage();
    let speaks = choices
        .iter()
        .filter_map(|choice| choice.message.as_ref())
        .any(MessageParts::says_something);
    let wrote = usage.is_some_and(|usage| usage.completion_tokens > 0);
    if !speaks && !wrote && matches!(finish, Some(Finish::Stop) | None) {
        return Err(Fault::known(Reason::Empty));
    }
    let mut json =
        finish::in_openai_words(body, choices).unwrap_or_else(|| body.trim_ascii().to_vec());
    if parts.model.is_none() {
        let mut model = Vec::new();
        crate::openai::json::write_string(&mut model, ask.model);
        answer::insert(&mut json, "model", &String::from_utf8_lossy(&model));
    }
    Ok(Completion {
        json,
        finish,
        usage,
    })
}

/// Why the first choice ended, if all of them did and there are as many as were asked for.
fn ended(choices: &[ChoiceParts<'_>], asked: u32) -> Result<Option<Finish>, Reason> {
    let mut first = None;
    for choice in choices {
        let finish = match Ending::of(choice) {
            Ending::Failed => return Err(Reason::InStreamError),
            Ending::NotYet => return Err(Reason::StreamCut),
            Ending::Same(finish) | Ending::Renamed(finish) => Some(finish),
            // A word of the server's own: it ended, and the caller reads the word itself.
            Ending::Unknown => None,
        };
        first.get_or_insert(finish);
    }
    if choices.len() < asked as usize {
        return Err(Reason::StreamCut);
    }
    Ok(first.flatten())
}
