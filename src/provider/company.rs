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
    /// Which message fields it takes beyond `role` and `content`.
    pub message_fields: &'static [&'static str],
    /// What it calls the limit of the answer's length.
    pub max_tokens: &'static str,
    /// Whether `developer` messages keep their role or become `system`.
    pub developer: Developer,
    /// Whether it takes `stream_options.include_usage`.
    pub stream_options: StreamOptions,
    /// The most choices (`n`) that it gives.
    pub max_choices: u32,
}

/// Which request fields a company takes.
#[derive(Clone, Copy, Debug)]
pub enum Fields {
    /// Those of this list.
    Only(&'static [&'static str]),
    /// Any: it ignores or documents as extensible what others call unknown.
    Any,
}

/// What becomes of the `developer` role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Developer {
    /// It stays.
    Kept,
    /// It becomes `system`.
    System,
}

/// Whether `stream_options` is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamOptions {
    /// It is, so that a stream ends with its usage.
    Sent,
    /// It is not; the company refuses it or tells usage anyway.
    Left,
}

/// Every company; the last is any other server.
static COMPANIES: [&Company; 5] = [&OPENAI, &GROQ, &TOGETHER, &OPENROUTER, &COMPATIBLE];

/// Clouds that are no company of this dialect's.
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

    /// The company of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        COMPANIES.iter().copied().find(|one| one.name == name)
    }

    /// The names of all companies.
    pub fn names() -> impl Iterator<Item = &'static str> {
        COMPANIES.iter().map(|one| one.name)
    }
}

/// <https://platform.openai.com/docs/api-reference/chat/create>, as in its Python SDK 3.52.
static OPENAI: Company = Company {
    name: "openai",
    hosts: &["api.openai.com"],
    fields: Fields::Only(&[
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "metadata",
        "modalities",
        "moderation",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    ]),
    message_fields: &[
        "audio",
        "function_call",
        "name",
        "refusal",
        "tool_call_id",
        "tool_calls",
    ],
    max_tokens: "max_completion_tokens",
    developer: Developer::Kept,
    stream_options: StreamOptions::Sent,
    max_choices: 128,
};

/// <https://console.groq.com/docs/openai> lists what is refused (`logprobs`, `logit_bias`,
/// `top_logprobs`, `messages[].name`, `n` above 1); the rest is as in its Python SDK 1.7.
static GROQ: Company = Company {
    name: "groq",
    hosts: &["api.groq.com"],
    fields: Fields::Only(&[
        "citation_options",
        "compound_custom",
        "disable_tool_validation",
        "documents",
        "function_call",
        "functions",
        "include_reasoning",
        "parallel_tool_calls",
        "reasoning_effort",
        "reasoning_format",
        "response_format",
        "search_settings",
        "seed",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
        "user",
    ]),
    message_fields: &["function_call", "tool_call_id", "tool_calls"],
    max_tokens: "max_completion_tokens",
    developer: Developer::System,
    stream_options: StreamOptions::Left,
    max_choices: 1,
};

/// <https://docs.together.ai/reference/chat-completions>, as in its Python SDK 3.1.
static TOGETHER: Company = Company {
    name: "together",
    hosts: &["api.together.ai", "api.together.xyz"],
    fields: Fields::Only(&[
        "chat_template_kwargs",
        "compliance",
        "frequency_penalty",
        "logit_bias",
        "min_p",
        "n",
        "presence_penalty",
        "reasoning",
        "reasoning_effort",
        "repetition_penalty",
        "response_format",
        "safety_model",
        "seed",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    ]),
    message_fields: &["name", "tool_call_id", "tool_calls"],
    max_tokens: "max_tokens",
    developer: Developer::System,
    stream_options: StreamOptions::Left,
    max_choices: 128,
};

/// <https://openrouter.ai/docs/api-reference/chat-completion>, as in its Python SDK 1.3; usage
/// comes with every stream.
static OPENROUTER: Company = Company {
    name: "openrouter",
    hosts: &["openrouter.ai"],
    fields: Fields::Only(&[
        "cache_control",
        "deferred_tools",
        "frequency_penalty",
        "image_config",
        "logit_bias",
        "logprobs",
        "metadata",
        "min_p",
        "modalities",
        "parallel_tool_calls",
        "plugins",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_options",
        "provider",
        "reasoning",
        "reasoning_effort",
        "repetition_penalty",
        "response_format",
        "seed",
        "service_tier",
        "session_id",
        "stop",
        "stop_server_tools_when",
        "temperature",
        "tool_choice",
        "tools",
        "top_a",
        "top_k",
        "top_logprobs",
        "top_p",
        "trace",
        "user",
    ]),
    message_fields: &[
        "audio",
        "name",
        "reasoning_details",
        "refusal",
        "tool_call_id",
        "tool_calls",
    ],
    max_tokens: "max_completion_tokens",
    developer: Developer::Kept,
    stream_options: StreamOptions::Left,
    max_choices: 1,
};

/// llama.cpp, vLLM, LM Studio and whatever else speaks the dialect.
static COMPATIBLE: Company = Company {
    name: "compatible",
    hosts: &[],
    fields: Fields::Any,
    message_fields: &[
        "function_call",
        "name",
        "reasoning_content",
        "refusal",
        "tool_call_id",
        "tool_calls",
    ],
    max_tokens: "max_tokens",
    developer: Developer::System,
    stream_options: StreamOptions::Sent,
    max_choices: 128,
};

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
    }

    #[test]
    fn a_name_means_one_company() {
        for name in Company::names() {
            assert_eq!(Company::named(name).unwrap().name, name);
        }
        assert_eq!(Company::names().count(), COMPANIES.len());
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
            let gives_choices =
                !matches!(company.fields, Fields::Only(list) if !list.contains(&"n"));
            assert_eq!(company.max_choices > 1, gives_choices, "{}", company.name);
        }
    }
}
