//! The companies that speak the `openai` dialect, and where each differs: data, one row a company.
//!
//! # Why an allow-list
//!
//! Some servers refuse fields that they do not know, some ignore them, some do something else with
//! them. So a body is built from the fields that a company documents, and an unknown company is
//! taken to be a server that ignores what it does not know (llama.cpp, vLLM and LM Studio do).
//!
//! # What a list leaves out on purpose
//!
//! Fields that a company documents as unsupported; those that mean something else there than in
//! OpenAI's reference (Together's `logprobs` is a number, Groq's `service_tier` has words of its
//! own), because a caller writes OpenAI's; and those that would undo the operator's choice of a
//! model (OpenRouter's `models`). A model's private thoughts go back only to the company whose form
//! they have: `reasoning_details` is OpenRouter's alone.

mod rows;
mod ways;

pub use ways::{
    CacheControl, Closing, Developer, Fields, Kinds, Mend, Opening, Prefill, ResultName, Reworded,
    Schemas, Signatures, Sound, Stop, StreamOptions, ThinkingTools, Wordless,
};

use crate::openai::Role;
use crate::provider::portable::{IdRule, NameRule};

use rows::{COMPANIES, COMPATIBLE};

/// The company whose dialect is its own.
pub fn anthropic() -> &'static Company {
    &rows::ANTHROPIC
}

/// The dialect that the companies of this table speak.
pub const DIALECT: &str = "openai";

/// A company, or a kind of server, that speaks the `openai` dialect.
#[derive(Debug)]
pub struct Company {
    /// Its name in the config's `company`.
    pub name: &'static str,
    /// The hosts that mean this company when the config names none.
    pub hosts: &'static [&'static str],
    /// Which request fields it takes beyond those that the dialect writes itself.
    pub fields: Fields,
    /// Fields that it takes by another name: OpenAI's, and its own.
    pub renamed: &'static [(&'static str, &'static str)],
    /// Values that it takes in other words.
    pub reworded: &'static [Reworded],
    /// Fields whose texts may only be ASCII.
    pub ascii: &'static [&'static str],
    /// Fields that every request to it has, with their JSON texts.
    pub always: &'static [(&'static str, &'static str)],
    /// An object among its fields, and the member of it that is `true` where fields may not be ignored.
    pub heeding: Option<(&'static str, &'static str)>,
    /// Which message fields it takes beyond `role` and `content`.
    pub message_fields: &'static [&'static str],
    /// Which tool a result's `name` tells.
    pub result_name: ResultName,
    /// The roles whose contents are strings, never lists of parts.
    pub strings: &'static [Role],
    /// Which kinds of parts a content may have.
    pub parts: Kinds,
    /// How sound is sent in a part.
    pub sound: Sound,
    /// Whether Anthropic's `cache_control` is taken in parts and tools.
    pub cache_control: CacheControl,
    /// Which kinds of tools it takes.
    pub tools: Kinds,
    /// What names of tools look like. `None` where any will do: tools and calls stay as they are
    /// written.
    pub tool_names: Option<NameRule>,
    /// What ids of calls look like, where there is a rule for names.
    pub call_ids: IdRule,
    /// How schemas are written.
    pub schemas: Schemas,
    /// What signs the calls that a model made while it thought.
    pub signatures: Signatures,
    /// What it is told in place of the effort `none`: a field and its JSON text.
    pub no_effort: Option<(&'static str, &'static str)>,
    /// Its own field for how much is thought, which is never sent beside `reasoning_effort`.
    pub own_effort: Option<&'static str>,
    /// Whether a model that refuses tools while it thinks has to be told not to.
    pub thinking_tools: ThinkingTools,
    /// What it calls the limit of the answer's length.
    pub max_tokens: &'static str,
    /// Whether `developer` messages keep their role or become `system`.
    pub developer: Developer,
    /// Who has to speak first. Where nobody does, a turn of ours stands there.
    pub opening: Opening,
    /// Who may speak last. A system's message that may not is the user's text.
    pub closing: Closing,
    /// What becomes of an assistant's message without a word.
    pub wordless: Wordless,
    /// How it is told to go on with a message of the assistant's.
    pub prefill: Prefill,
    /// Whether it takes `stream_options.include_usage`.
    pub stream_options: StreamOptions,
    /// How `stop` is written.
    pub stop: Stop,
    /// The most choices (`n`) that it gives.
    pub max_choices: u32,
    /// The most texts that it stops at.
    pub max_stops: usize,
    /// The most tools that it can be offered.
    pub max_tools: usize,
    /// What has to be put right in its answers.
    pub mends: &'static [Mend],
}

/// Clouds beside the hosts of the rows.
static OTHER_CLOUDS: [&str; 25] = [
    "aliyuncs.com",
    "amazonaws.com",
    "anthropic.com",
    "azure.com",
    "bigmodel.cn",
    "cerebras.ai",
    "cloudflare.com",
    "cohere.ai",
    "cohere.com",
    "deepinfra.com",
    "deepseek.com",
    "fireworks.ai",
    "github.ai",
    "googleapis.com",
    "huggingface.co",
    "mistral.ai",
    "moonshot.ai",
    "nebius.com",
    "novita.ai",
    "nvidia.com",
    "ollama.com",
    "perplexity.ai",
    "sambanova.ai",
    "siliconflow.com",
    "x.ai",
];

/// Whether a host is known to be a cloud's, and so nobody's home.
pub fn is_cloud(host: &str) -> bool {
    let companies = COMPANIES.iter().flat_map(|one| one.hosts.iter().copied());
    companies
        .chain(OTHER_CLOUDS)
        .any(|known| is_at(host, known))
}

/// Whether a host is this one or below it.
fn is_at(host: &str, known: &str) -> bool {
    let host = host.to_ascii_lowercase();
    // A name that ends in a dot is the same name.
    let host = host.strip_suffix('.').unwrap_or(&host);
    let below = host.strip_suffix(known);
    below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

impl Company {
    /// The company of a host, also by a host below one of its own (`eu.api.openai.com`); a plain
    /// compatible server when it is nobody's.
    pub fn for_host(host: &str) -> &'static Self {
        let is_its = |known: &&str| is_at(host, known);
        let found = COMPANIES.iter().find(|one| one.hosts.iter().any(is_its));
        found.copied().unwrap_or(&COMPATIBLE)
    }

    /// Whether callers can read its answers as they are, but for words that only a strict client minds.
    pub fn answers_plainly(&self) -> bool {
        self.mends.iter().all(|mend| *mend == Mend::Tiers)
    }

    /// Whether it takes a request field, by whatever name.
    pub fn takes(&self, field: &str) -> bool {
        match self.fields {
            Fields::Any => true,
            Fields::Only(list) => list.contains(&field),
        }
    }

    /// The company of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        COMPANIES.iter().copied().find(|one| one.name == name)
    }

    /// The names of all companies.
    pub fn names() -> impl Iterator<Item = &'static str> {
        COMPANIES.iter().map(|one| one.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_means_its_company_and_every_other_host_a_compatible_server() {
        let check =
            |host: &str, name: &str| assert_eq!(Company::for_host(host).name, name, "{host}");
        check("api.openai.com", "openai");
        check("eu.api.openai.com", "openai");
        check("API.Groq.com", "groq");
        check("api.together.ai", "together");
        check("api.together.xyz", "together");
        check("openrouter.ai", "openrouter");
        check("notopenrouter.ai", "compatible");
        check("openrouter.ai.example.com", "compatible");
        check("127.0.0.1", "compatible");
        check("", "compatible");
        check("api.mistral.ai", "mistral");
        check("api.eu.mistral.ai", "mistral");
        check("mistral.ai.example.com", "compatible");
        check("generativelanguage.googleapis.com", "gemini");
        check("storage.googleapis.com", "compatible");
        assert!(is_cloud("storage.googleapis.com") && is_cloud("console.mistral.ai"));
    }

    #[test]
    fn a_name_means_one_company() {
        for name in Company::names() {
            assert_eq!(Company::named(name).unwrap().name, name);
        }
        let names: std::collections::BTreeSet<_> = Company::names().collect();
        assert_eq!(names.len(), COMPANIES.len());
        assert!(Company::named("opneai").is_none());
    }

    #[test]
    fn no_list_holds_what_the_dialect_writes_itself() {
        let written = [
            "content",
            "max_completion_tokens",
            "max_tokens",
            "messages",
            "model",
            "role",
            "stream",
            "stream_options",
        ];
        for company in COMPANIES {
            let fields = match company.fields {
                Fields::Only(list) => list,
                Fields::Any => &[],
            };
            for list in [fields, company.message_fields] {
                assert!(list.is_sorted(), "{}: {list:?}", company.name);
                assert!(!list.iter().any(|name| written.contains(name)), "{list:?}");
            }
            assert_eq!(
                company.max_choices > 1,
                company.takes("n"),
                "{}",
                company.name
            );
        }
    }

    #[test]
    fn what_a_row_renames_or_rewords_it_takes() {
        for company in COMPANIES {
            for (openais, its) in company.renamed {
                assert!(company.takes(openais) && company.takes(its), "{openais}");
            }
            for word in company.reworded {
                assert!(company.takes(word.field), "{word:?}");
            }
            for (always, _) in company.always {
                assert!(!company.takes(always), "{always}");
            }
            if let Some((field, _)) = company.heeding {
                assert!(company.takes(field), "{field}");
            }
            for kinds in [company.parts, company.tools] {
                assert!(!matches!(kinds, Kinds::Only(list) if !list.is_sorted()));
            }
        }
    }
}
