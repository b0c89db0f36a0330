//! The rows: what each company documents, where it differs from [`PLAIN`].
//!
//! A new company is a row here and a folder of `tests/fixtures/openai`.

use crate::openai::Role;
use crate::provider::company::{
    CacheControl, Closing, Company, Developer, Fields, Kinds, Mend, Opening, Prefill, ResultName,
    Reworded, Schemas, Signatures, Sound, Stop, StreamOptions, ThinkingTools, Wordless,
};
use crate::provider::portable::{Alphabet, First, IdRule, NO_ARGUMENTS, NameRule};

/// Every company; the last is any other server.
pub(super) static COMPANIES: &[&Company] = &[
    &OPENAI,
    &GROQ,
    &TOGETHER,
    &OPENROUTER,
    &MISTRAL,
    &GEMINI,
    &ANTHROPIC,
    &COMPATIBLE,
];

/// What a company is like as far as its row says nothing else.
pub(super) const PLAIN: Company = Company {
    name: "",
    hosts: &[],
    fields: Fields::Only(&[]),
    renamed: &[],
    reworded: &[],
    ascii: &[],
    always: &[],
    heeding: None,
    message_fields: &["tool_call_id", "tool_calls"],
    result_name: ResultName::Callers,
    strings: &[],
    parts: Kinds::Only(&["image_url", "text"]),
    sound: Sound::Object,
    cache_control: CacheControl::Left,
    tools: Kinds::Only(&["function"]),
    tool_names: Some(NameRule::OPENAI),
    call_ids: IdRule {
        shortest: 1,
        ..IdRule::ANY
    },
    schemas: Schemas::AsWritten,
    signatures: Signatures::None,
    no_effort: None,
    own_effort: None,
    thinking_tools: ThinkingTools::Its,
    max_tokens: "max_tokens",
    developer: Developer::System,
    opening: Opening::Anybody,
    closing: Closing::Anybody,
    wordless: Wordless::Sent,
    prefill: Prefill::Silent,
    stream_options: StreamOptions::Left,
    stop: Stop::Either,
    max_choices: 1,
    max_stops: 4,
    max_tools: usize::MAX,
    mends: &[Mend::Tiers],
};

/// The roles whose contents are texts alone.
const TEXTS: &[Role] = &[Role::Assistant, Role::System, Role::Tool];

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
    result_name: ResultName::Untold,
    parts: Kinds::Any,
    tools: Kinds::Only(&["custom", "function"]),
    // <https://platform.openai.com/docs/api-reference/chat/create> has no such limit, its answers do:
    // `string too long. Expected a string with maximum length 40`.
    call_ids: IdRule {
        longest: 40,
        ..PLAIN.call_ids
    },
    thinking_tools: ThinkingTools::Ours,
    // Its words for tiers are those of its own reference.
    mends: &[],
    ..PLAIN
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
    strings: TEXTS,
    parts: Kinds::Only(&["document", "image_url", "text"]),
    tools: Kinds::Only(&["browser_search", "code_interpreter", "function"]),
    max_tools: 128,
    ..PLAIN
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
    // Else it cuts the conversation and tells nobody.
    always: &[("context_length_exceeded_behavior", "\"error\"")],
    strings: TEXTS,
    no_effort: Some(("reasoning", r#"{"enabled":false}"#)),
    parts: Kinds::Only(&["audio_url", "image_url", "input_audio", "text", "video_url"]),
    stop: Stop::List,
    max_stops: usize::MAX,
    ..PLAIN
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
    // Whom it asks may ignore what it does not know, unless this is said. Tools and limits of length
    // it heeds anyway (<https://openrouter.ai/docs/features/provider-routing>).
    heeding: Some(("provider", "require_parameters")),
    parts: Kinds::Only(&[
        "file",
        "image_url",
        "input_audio",
        "input_video",
        "text",
        "video_url",
    ]),
    result_name: ResultName::Untold,
    cache_control: CacheControl::Sent,
    // Its own tools, which it runs itself, are many. OpenAI's custom ones it does not document.
    tools: Kinds::But(&["custom"]),
    own_effort: Some("reasoning"),
    ..PLAIN
};

/// <https://docs.mistral.ai/api/endpoint/chat>, as in its Python SDK 3.7. It refuses what it does not
/// know, and its `service_tier` has words of its own. Ids of calls have nine letters and digits.
static MISTRAL: Company = Company {
    name: "mistral",
    hosts: &[
        "api.mistral.ai",
        "api.eu.mistral.ai",
        "api.us.mistral.ai",
        "codestral.mistral.ai",
    ],
    fields: Fields::Only(&[
        "frequency_penalty",
        "guardrails",
        "logprobs",
        "metadata",
        "min_tokens",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_mode",
        "random_seed",
        "reasoning_effort",
        "repetition_penalty",
        "response_format",
        "safe_prompt",
        "seed",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_logprobs",
        "top_p",
    ]),
    renamed: &[("seed", "random_seed")],
    ascii: &["prompt_cache_key"],
    reworded: &[Reworded {
        field: "tool_choice",
        from: "\"required\"",
        to: "\"any\"",
    }],
    result_name: ResultName::Calls,
    strings: TEXTS,
    parts: Kinds::Only(&["image_url", "input_audio", "text"]),
    sound: Sound::Text,
    call_ids: IdRule {
        alphabet: Alphabet::Letters,
        shortest: 9,
        longest: 9,
    },
    schemas: Schemas::Bare(Some(NO_ARGUMENTS)),
    closing: Closing::NotSystem,
    wordless: Wordless::Left,
    prefill: Prefill::Prefix,
    max_choices: 128,
    max_stops: usize::MAX,
    mends: &[Mend::Calls, Mend::Contents, Mend::Tiers],
    ..PLAIN
};

/// <https://ai.google.dev/gemini-api/docs/openai>. It refuses fields that it does not know, among them
/// `seed` and the penalties; the rest of its own is in `extra_body`.
static GEMINI: Company = Company {
    name: "gemini",
    hosts: &["generativelanguage.googleapis.com"],
    fields: Fields::Only(&[
        "extra_body",
        "n",
        "reasoning_effort",
        "response_format",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
    ]),
    result_name: ResultName::Calls,
    strings: TEXTS,
    parts: Kinds::Only(&["image_url", "input_audio", "text"]),
    tool_names: Some(NameRule {
        longest: 64,
        first: First::Letter,
    }),
    schemas: Schemas::Bare(None),
    // Models before the third do not ask for signatures
    // (<https://ai.google.dev/gemini-api/docs/thought-signatures>).
    signatures: Signatures::Google(&["gemini-1", "gemini-2"]),
    opening: Opening::User,
    closing: Closing::NotSystem,
    stream_options: StreamOptions::Sent,
    max_choices: 8,
    max_stops: 5,
    mends: &[Mend::Calls, Mend::Messages, Mend::Stops, Mend::Tiers],
    ..PLAIN
};

/// A dialect of its own (`anthropic`). What stands here is what its OpenAI front takes
/// (<https://platform.claude.com/docs/en/api/openai-sdk>), where a target asks that.
pub(super) static ANTHROPIC: Company = Company {
    name: "anthropic",
    hosts: &["api.anthropic.com"],
    fields: Fields::Only(&[
        "parallel_tool_calls",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
    ]),
    max_tokens: "max_completion_tokens",
    developer: Developer::Kept,
    stream_options: StreamOptions::Sent,
    ..PLAIN
};

/// llama.cpp, vLLM, LM Studio and whatever else speaks the dialect.
pub(super) static COMPATIBLE: Company = Company {
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
    parts: Kinds::Any,
    cache_control: CacheControl::Sent,
    tools: Kinds::Any,
    tool_names: None,
    prefill: Prefill::Template,
    max_stops: usize::MAX,
    ..PLAIN
};
