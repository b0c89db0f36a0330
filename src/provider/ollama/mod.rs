//! The `ollama` dialect: Ollama's own chat API, `POST /api/chat`.
//!
//! # Why not Ollama's `/v1`
//!
//! Its OpenAI front can set neither `num_ctx` nor `keep_alive` nor `truncate`, so it cuts long
//! prompts without a word; it ignores `max_completion_tokens`; and it turns an error in the middle
//! of a stream into an empty chunk and an orderly end (`middleware/openai.go`, `openai/openai.go`).
//! A gateway that must tell what was dropped, and must never pass a broken answer off as whole,
//! cannot use it.
//!
//! Implements <https://docs.ollama.com/api/chat> as Ollama v0.30 to v0.33 speak it
//! (<https://github.com/ollama/ollama>: `api/types.go`, `server/routes.go`, `llm/llama_server.go`),
//! and reads the error texts of earlier versions too.

mod answer;
mod decode;
mod fault;
mod line;
mod messages;
mod presence;
mod watched;
mod write;

use crate::provider::{
    Ask, Completion, Decoder, Fault, Presence, Provider, Reading, Unsupported, UpstreamRequest,
    Watched,
};

/// The dialect.
#[derive(Debug)]
pub struct Ollama;

impl Provider for Ollama {
    fn name(&self) -> &'static str {
        "ollama"
    }

    fn url(&self, base_url: &str) -> String {
        format!("{}/api/chat", base_url.trim_end_matches('/'))
    }

    fn paths(&self) -> &'static [&'static str] {
        &["/api/chat", "/api/ps", "/api/tags", "/api/version"]
    }

    fn default_context(&self) -> Option<u32> {
        Some(write::DEFAULT_CONTEXT)
    }

    fn write(&self, ask: &Ask<'_>) -> Result<UpstreamRequest, Unsupported> {
        write::request(ask)
    }

    fn read(&self, body: &[u8], ask: &Reading<'_>) -> Result<Completion, Fault> {
        answer::completion(body, ask)
    }

    fn decoder(&self, ask: &Reading<'_>) -> Box<dyn Decoder> {
        Box::new(decode::LineDecoder::new(ask))
    }

    fn presence_url(&self, url: &str) -> Option<String> {
        presence::url(url)
    }

    fn presence(&self, body: &[u8], model: &str) -> Presence {
        presence::read(body, model)
    }

    fn watched(&self) -> Option<&dyn Watched> {
        Some(self)
    }

    fn fault(&self, status: u16, body: &[u8]) -> Fault {
        fault::read(status, body)
    }
}
