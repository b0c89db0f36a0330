//! The scripted companies: each says the same in its own bytes.
//!
//! The bytes are those of the official SDKs' types and of recorded answers: Gemini's calls without an
//! `index` and with a signature, Mistral's ids of nine characters and its lists of content,
//! OpenRouter's comments, Groq's `x_groq`, Together's `eos`, vLLM's and Kimi's ids, the events of
//! Anthropic and of OpenAI's Responses, Ollama's lines.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::said::{Kind, Said};
use super::{anthropic, chat, lines, responses};
use crate::rules::Rules;
use crate::upstream::{Reply, Upstream};

/// A company, or a kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Company {
    OpenAi,
    Groq,
    Together,
    OpenRouter,
    LlamaCpp,
    Vllm,
    Mistral,
    Gemini,
    Anthropic,
    Responses,
    Ollama,
}

/// How an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Whole,
    Streamed,
}

impl Company {
    pub(super) const ALL: [Self; 11] = [
        Self::OpenAi,
        Self::Groq,
        Self::Together,
        Self::OpenRouter,
        Self::LlamaCpp,
        Self::Vllm,
        Self::Mistral,
        Self::Gemini,
        Self::Anthropic,
        Self::Responses,
        Self::Ollama,
    ];

    /// What it holds its callers to.
    pub(super) fn rules(self) -> Rules {
        match self {
            Self::OpenAi => Rules::OpenAi,
            Self::Groq => Rules::Groq,
            Self::Together => Rules::Together,
            Self::OpenRouter => Rules::OpenRouter,
            Self::LlamaCpp | Self::Vllm => Rules::Compatible,
            Self::Mistral => Rules::Mistral,
            Self::Gemini => Rules::Gemini,
            Self::Anthropic => Rules::Anthropic,
            Self::Responses => Rules::Responses,
            Self::Ollama => Rules::Ollama,
        }
    }

    /// The id that it gives to the call of this number.
    pub(super) fn id(self, number: usize) -> String {
        match self {
            Self::OpenAi | Self::Responses => format!("call_{number:024}"),
            Self::Groq => format!("fc_1f1ea7b6-0000-4000-8000-{number:012}"),
            // As Kimi's chat template has them.
            Self::Together => format!("functions.weather:{number}"),
            // Those of the company behind it.
            Self::OpenRouter => format!("toolu_vrtx_01{number:022}"),
            Self::LlamaCpp => format!("Xq{number:030}"),
            Self::Vllm => format!("chatcmpl-tool-{number:032x}"),
            Self::Mistral => format!("D{number:08}"),
            Self::Gemini => format!("function-call-{number:020}"),
            Self::Anthropic => format!("toolu_01{number:022}"),
            Self::Ollama => format!("call_{number:08}"),
        }
    }

    /// An upstream of its own, which says these things one after the other, and then again.
    pub(super) fn saying(self, said: Vec<Said>) -> Upstream {
        let asked = AtomicUsize::new(0);
        Upstream::answering(move |seen| {
            let number = asked.fetch_add(1, Ordering::Relaxed);
            let told = said.get(number % said.len().max(1));
            let told = told.expect("a turn of its own");
            // Ollama streams unless it is told not to.
            let wanted = match (&seen.json()["stream"], self) {
                (Value::Bool(true), _) | (Value::Null, Self::Ollama) => Wanted::Streamed,
                _ => Wanted::Whole,
            };
            self.reply(told, wanted)
        })
    }

    /// Its answer, as the upstream plays it.
    fn reply(self, said: &Said, wanted: Wanted) -> Reply {
        let body = self.body(said, wanted);
        match wanted {
            Wanted::Whole => Reply::whole(200, &[("content-type", "application/json")], &body),
            Wanted::Streamed => {
                let kind = if self == Self::Ollama {
                    "application/x-ndjson"
                } else {
                    "text/event-stream"
                };
                let head = Reply::chunked(200, &[("content-type", kind)]);
                let events = body.split_inclusive("\n\n");
                events.fold(head, Reply::chunk).end()
            }
        }
    }

    /// The body of its answer.
    pub(super) fn body(self, said: &Said, wanted: Wanted) -> String {
        match (self, wanted) {
            (Self::Anthropic, Wanted::Whole) => anthropic::whole(said).to_string(),
            (Self::Anthropic, Wanted::Streamed) => anthropic::streamed(said),
            (Self::Responses, Wanted::Whole) => responses::whole(said).to_string(),
            (Self::Responses, Wanted::Streamed) => responses::streamed(said),
            (Self::Ollama, Wanted::Whole) => lines::whole(said).to_string(),
            (Self::Ollama, Wanted::Streamed) => lines::streamed(said),
            (chat, Wanted::Whole) => chat::whole(chat, said).to_string(),
            (chat, Wanted::Streamed) => chat::streamed(chat, said),
        }
    }
}

#[test]
fn what_every_company_is_scripted_to_say_is_whole_and_has_its_end() {
    for company in Company::ALL {
        for kind in Kind::ALL {
            let said = kind.said(4);
            let whole = company.body(&said, Wanted::Whole);
            let streamed = company.body(&said, Wanted::Streamed);

            let whole: Value = serde_json::from_str(&whole).expect("a whole answer is JSON");
            let end = match company.rules() {
                Rules::Anthropic => "event: message_stop",
                Rules::Responses => "event: response.completed",
                Rules::Ollama => "\"done\":true",
                Rules::OpenAi
                | Rules::Groq
                | Rules::Together
                | Rules::OpenRouter
                | Rules::Compatible
                | Rules::Mistral
                | Rules::Gemini => "data: [DONE]",
            };
            assert!(
                streamed
                    .trim_end()
                    .lines()
                    .rev()
                    .take(2)
                    .any(|line| line.contains(end))
            );
            for text in [whole.to_string(), streamed] {
                let ids = said.calls.iter().map(|call| company.id(call.number));
                for id in ids {
                    assert!(text.contains(&id), "{company:?}, {kind:?}: {text}");
                }
            }
        }
    }
}
