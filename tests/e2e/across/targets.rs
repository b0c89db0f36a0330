//! The targets of the conversations, and who stands in for each.

use serde_json::{Value, json};

use super::company::Company;

/// A target, and who stands behind it.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) name: &'static str,
    /// Its dialect.
    provider: &'static str,
    /// The company, in a dialect that has several.
    company: Option<&'static str>,
    /// What follows the address in its base URL.
    base: &'static str,
    pub(super) double: Double,
}

/// Who stands in for a company.
#[derive(Clone, Copy, Debug)]
pub(super) enum Double {
    Scripted(Company),
    Aimock,
}

/// All of them, in the order in which they are asked.
#[rustfmt::skip]
pub(super) const TARGETS: &[Target] = &[
    scripted("openai", "openai", Some("openai"), "/v1", Company::OpenAi),
    scripted("groq", "openai", Some("groq"), "/openai/v1", Company::Groq),
    scripted("anthropic", "anthropic", None, "", Company::Anthropic),
    scripted("together", "openai", Some("together"), "/v1", Company::Together),
    aimock("aimock-openai", "openai", Some("openai"), "/v1"),
    scripted("mistral", "openai", Some("mistral"), "/v1", Company::Mistral),
    scripted("openrouter", "openai", Some("openrouter"), "/api/v1", Company::OpenRouter),
    scripted("ollama", "ollama", None, "", Company::Ollama),
    scripted("gemini", "openai", Some("gemini"), "/v1beta/openai", Company::Gemini),
    aimock("aimock-anthropic", "anthropic", None, ""),
    scripted("llama-cpp", "openai", Some("compatible"), "/v1", Company::LlamaCpp),
    scripted("responses", "responses", None, "/v1", Company::Responses),
    aimock("aimock-openrouter", "openai", Some("openrouter"), "/api/v1"),
    scripted("vllm", "openai", Some("compatible"), "/v1", Company::Vllm),
    aimock("aimock-responses", "responses", None, "/v1"),
    aimock("aimock-ollama", "ollama", None, ""),
];

const fn scripted(
    name: &'static str,
    provider: &'static str,
    company: Option<&'static str>,
    base: &'static str,
    double: Company,
) -> Target {
    Target {
        name,
        provider,
        company,
        base,
        double: Double::Scripted(double),
    }
}

const fn aimock(
    name: &'static str,
    provider: &'static str,
    company: Option<&'static str>,
    base: &'static str,
) -> Target {
    Target {
        name,
        provider,
        company,
        base,
        double: Double::Aimock,
    }
}

impl Target {
    /// The table of `targets` for it, at this address; the model has the target's name.
    pub(super) fn table(&self, url: &str) -> Value {
        let mut table = json!({
            "provider": self.provider,
            "base_url": format!("{url}{}", self.base),
            "model": self.name,
        });
        if let Some(company) = self.company {
            table["company"] = company.into();
        }
        if self.provider != "ollama" {
            table["key"] = "UPSTREAM_KEY".into();
        }
        table
    }
}
