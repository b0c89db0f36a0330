//! What every upstream's errors mean: one row for each thing that is said, with whose it is.
//!
//! # How it is read
//!
//! Not from top to bottom, but kind by kind, the surest first: codes, how a text begins, words
//! anywhere, codes that say little by themselves, statuses. Within a kind the first row that matches
//! wins; of several codes the most telling is asked first. `mod.rs` does that, and knows no company.
//!
//! What no body tells (a connection that breaks, a time-out, a stream that ends before its answer) is a
//! [`Reason`] already, and [`of`] has its verdict.
//!
//! Sources: <https://platform.openai.com/docs/guides/error-codes>,
//! <https://platform.claude.com/docs/en/api/errors> and the error types of Anthropic's Python SDK 2.11,
//! <https://docs.mistral.ai/resources/error-glossary>,
//! <https://ai.google.dev/gemini-api/docs/troubleshooting>, <https://docs.together.ai/docs/error-codes>,
//! <https://console.groq.com/docs/errors>, <https://openrouter.ai/docs/api-reference/errors>, and bodies
//! pasted into public issues.

use std::ops::RangeInclusive;

use crate::policy::breaker::Health;
use crate::policy::classify::row::{ANY, Row, Seek, Wait, code, hint, opening, row, status, words};
use crate::policy::classify::{Action, Verdict, of};
use crate::reason::Reason;

const INSIDE: &[RangeInclusive<u16>] = &[200..=200];
const BAD_REQUEST: &[RangeInclusive<u16>] = &[400..=400];
const FORBIDDEN: &[RangeInclusive<u16>] = &[403..=403];
const MISSING: &[RangeInclusive<u16>] = &[404..=404];
const THROTTLED: &[RangeInclusive<u16>] = &[429..=429];

/// Those with which a target says that it is its own fault, and an error inside an answer.
const BROKEN: &[RangeInclusive<u16>] = &[200..=200, 408..=409, 499..=599];

/// How long a target is left alone whose quota of a day is used up, at least, in milliseconds. It comes
/// back at midnight in California, which only a clock could tell; a probe now and then finds out.
const LONG_MS: u64 = 15 * 60_000;

/// The rows.
pub(super) static ROWS: &[Row] = &[
    // --- Codes.
    //
    // OpenRouter's, of one request: what is left of the account pays for a shorter answer, and nobody
    // who asks for a long one may shut it for all.
    row(
        Seek::CodeAnd(&["payment_required", "402"], &["or fewer max_tokens"]),
        Verdict {
            health: Health::Unknown,
            ..of(Reason::SpendLimit)
        },
    ),
    // OpenRouter's budget for requests under way: it says when there is room again.
    code(&["payment_required", "402"], of(Reason::Throttled)).where_told(),
    code(
        &[
            // OpenAI's; the type is `insufficient_quota` for all of them.
            "insufficient_quota",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
            // Anthropic's: the tier's limit of a month, the contract's, and whom a request is billed to.
            "enforced_spend_limit_reached",
            "contract_spend_limit_reached",
            "linked_organization_billing_unavailable",
            "linked_organization_spend_limit_reached",
            "billing_error",
            // OpenRouter's.
            "payment_required",
        ],
        of(Reason::SpendLimit),
    ),
    // Gemini's, of a file of its own that a caller names in an address: whose it is, it does not tell.
    Row {
        statuses: FORBIDDEN,
        ..row(
            Seek::CodeAnd(&["permission_denied"], &["to access the file"]),
            of(Reason::Rejected),
        )
    },
    code(
        &[
            // OpenAI's, Groq's, Together's.
            "invalid_api_key",
            "unsupported_country_region_territory",
            // Gemini's.
            "api_key_invalid",
            // OpenRouter's, and Gemini's status of a 403.
            "authentication",
            "permission_denied",
            // Groq's and Anthropic's: the account is closed.
            "organization_restricted",
            "organization_on_hold",
            // Anthropic's: the workspace's own encryption key is off.
            "cmek_key_disabled",
        ],
        of(Reason::Credential),
    ),
    // OpenAI's limits of single fields, whose words are like those of a window.
    code(&["string_above_max_length"], of(Reason::Rejected)),
    code(
        &[
            // OpenAI's, Groq's, OpenRouter's, and llama.cpp's.
            "context_length_exceeded",
            "token_limit_exceeded",
            "string_too_long",
            "exceed_context_size_error",
        ],
        of(Reason::ContextOverflow),
    ),
    // Mistral's: too long, an unknown model, an id of a tool call, capacity. Others number other things.
    code(&["3051"], of(Reason::ContextOverflow)).with(BAD_REQUEST),
    code(&["1500"], of(Reason::ModelMissing)).with(BAD_REQUEST),
    code(&["3280"], of(Reason::Rejected)).with(BAD_REQUEST),
    code(&["3505"], out_of_capacity()).with(THROTTLED),
    code(
        &[
            // OpenAI's, Groq's, Mistral's.
            "model_not_found",
            "model_decommissioned",
            "invalid_model",
            "unknown_model",
        ],
        of(Reason::ModelMissing),
    ),
    // Groq's: the model, not the caller, wrote what cannot be parsed. Another draw may do.
    code(
        &["tool_use_failed", "json_validate_failed"],
        Verdict {
            reason: Reason::EngineError,
            action: Action::Retry,
            health: Health::Unknown,
        },
    ),
    // OpenAI's and Mistral's: this target cannot take the field; others may.
    code(
        &[
            "unsupported_parameter",
            "unsupported_value",
            "extra_forbidden",
            // OpenAI's, of thoughts that were sealed for another account.
            "invalid_encrypted_content",
        ],
        of(Reason::Unsupported),
    ),
    code(
        &[
            // OpenAI's, and Azure's.
            "content_policy_violation",
            "content_filter",
            "cyber_policy",
            "bio_policy",
            // OpenRouter's; the first is our word for it.
            "moderation",
            "refusal",
        ],
        of(Reason::ContentPolicy),
    ),
    // OpenAI's: the load grew too fast.
    code(&["slow_down"], cool(10_000)),
    // Groq's, of its flexible tier.
    code(&["capacity_exceeded"], cool(5_000)),
    // Gemini's quotas. The first is our word for one of a day: what it says of waiting is then the
    // minute's. Without a word on waiting it is a day's as well, or an account without billing.
    code(&["quota_per_day"], cool(LONG_MS)),
    Row {
        wait: Wait::Untold,
        ..row(
            Seek::CodeAnd(&["resource_exhausted"], &["check your plan and billing"]),
            cool(LONG_MS),
        )
    },
    Row {
        wait: Wait::Untold,
        ..code(&["resource_exhausted"], cool(10_000))
    },
    code(&["resource_exhausted"], of(Reason::Throttled)),
    code(
        &[
            // OpenAI's, Anthropic's (529, also inside an answer), OpenRouter's.
            "server_is_overloaded",
            "overloaded_error",
            "provider_overloaded",
            "provider_unavailable",
            "unmapped",
        ],
        of(Reason::Overloaded),
    ),
    // --- How a text begins.
    //
    // Anthropic's empty account, and the limits that its owner has set.
    opening(
        &[
            "your credit balance is too low",
            "you have reached your specified api usage limits",
            "you have reached your specified workspace api usage limits",
        ],
        of(Reason::SpendLimit),
    )
    .with(BAD_REQUEST),
    // OpenAI's, and whoever copied it.
    opening(&["you exceeded your current quota"], of(Reason::SpendLimit)).with(THROTTLED),
    // Gemini's, Groq's, Anthropic's.
    opening(
        &[
            "api key not valid",
            "api key expired",
            "organization has been restricted",
            "this organization has been disabled",
            // Gemini's free tier ends at borders. The same code tells of files that are not ready yet.
            "user location is not supported",
            "gemini api free tier is not available",
        ],
        of(Reason::Credential),
    )
    .with(BAD_REQUEST),
    // Mistral's, which has no code in most bodies: the model has no room, whoever asks.
    opening(&["service tier capacity exceeded"], out_of_capacity()).with(THROTTLED),
    // OpenAI's: what a caller names is not there. Of a model it says so with a code.
    opening(
        &["file ", "item with id ", "no such file"],
        of(Reason::Rejected),
    )
    .with(MISSING),
    // OpenAI's: a name of 64 characters, and no window.
    opening(&["invalid 'user'"], of(Reason::Rejected)).with(BAD_REQUEST),
    // --- Words anywhere. None may say that the operator must act, unless the status says so already.
    //
    // OpenAI's, Groq's, Together's: one request above the tokens of a minute, never to succeed with this
    // key, however long one waits.
    words(&["request too large for"], of(Reason::TooLong)),
    Row {
        statuses: &[413..=413, 429..=429],
        ..row(Seek::AboveLimit, of(Reason::TooLong))
    },
    words(
        &[
            // OpenAI's, and of those that copied it.
            "this model's maximum context length is",
            "context_length_exceeded",
            "input tokens exceed the configured limit",
            "exceeds the context window of this model",
            "please reduce the length of the messages",
            // Anthropic's.
            "prompt is too long",
            "prompt: length",
            "exceed context limit",
            // Mistral's.
            "too large for model with",
            // Gemini's; the second counts bytes.
            "exceeds the maximum number of tokens allowed",
            "request payload size exceeds",
            // Of servers behind Together and OpenRouter: vLLM, TGI, SGLang, llama.cpp, and others.
            "requested token count exceeds the model's maximum context length",
            "model's maximum context limit",
            "is longer than the model's context length",
            "`inputs` tokens + `max_new_tokens` must be",
            "exceeds the available context size",
            "maximum input length is * tokens",
            "input too long: * input tokens, limit is",
            "current length is * while limit is",
        ],
        of(Reason::ContextOverflow),
    ),
    // Together's, whose 403 is no key's: input and `max_tokens` together are above the window
    // (<https://support.together.ai/articles/1067567273-error-codes-explanations-and-solutions>).
    words(
        &[
            "max_tokens",
            "max_new_tokens",
            "context length",
            "input token",
        ],
        of(Reason::ContextOverflow),
    )
    .with(FORBIDDEN),
    // Anthropic's and Mistral's: the key is good, and not for this model.
    words(
        &[
            "access to model",
            "access to the model",
            "access to this model",
            "model * is not available",
            "model not available",
            "use model",
            "use the model",
            "use this model",
        ],
        of(Reason::ModelMissing),
    )
    .with(FORBIDDEN),
    words(
        &[
            // OpenRouter has the model, but nowhere with what the request asks for: an image,
            // tools, a parameter, a provider or a policy of the caller's choice. It says so with a
            // 404.
            "no endpoints found that",
            "no endpoints found matching your data policy",
            "no endpoints available matching your guardrail",
            "no allowed providers are available",
            // OpenAI's.
            "function tools with reasoning_effort are not supported",
            "unrecognized request argument",
            // Anthropic's.
            "is deprecated for this model",
            "is not supported for this model",
            "does not support assistant message prefill",
            "forces tool use is not compatible with this model",
            "extra inputs are not permitted",
            // Groq's.
            "property '*' is unsupported",
            // Gemini's: a field, and what a conversation of another company's lacks.
            "unknown name \"",
            "thought_signature",
            "thought signature",
            "function response parts",
            "function call turn",
        ],
        of(Reason::Unsupported),
    )
    .with(&[200..=200, 400..=499]),
    words(
        &[
            // OpenAI's.
            "violating our usage policy",
            "rejected as a result of our safety system",
            // Anthropic's, Azure's.
            "content filtering policy",
            "content management policy",
        ],
        of(Reason::ContentPolicy),
    ),
    // --- Codes that say less than words do.
    //
    // Groq's: no wait makes the request smaller.
    hint(&["rate_limit_exceeded"], of(Reason::TooLong)).with(&[413..=413]),
    hint(
        &[
            // OpenAI's, Groq's, OpenRouter's; Mistral's; Anthropic's.
            "rate_limit_exceeded",
            "rate_limited",
            "rate_limit_error",
            "ramp_limit_exceeded",
        ],
        of(Reason::Throttled),
    ),
    hint(&["1300"], of(Reason::Throttled)).with(THROTTLED),
    // Gemini's, where something before it answers 500 in its place.
    hint(&["429"], of(Reason::Throttled)).with(&[500..=599]),
    // Anthropic's types, and the same of those who speak its language and another.
    hint(
        &["authentication_error", "permission_error"],
        of(Reason::Credential),
    )
    .with(&[200..=200, 400..=499]),
    hint(&["not_found_error", "not_found"], of(Reason::ModelMissing)).with(&[200..=200, 404..=404]),
    hint(
        &["request_too_large", "payload_too_large"],
        of(Reason::TooLong),
    ),
    // OpenAI's and OpenRouter's, where they come inside an answer and no status says as much.
    hint(
        &[
            "invalid_request_error",
            "invalid_request",
            "invalid_prompt",
            "max_tokens_exceeded",
            "precondition_failed",
            "unprocessable",
            "invalid_image",
            "image_too_large",
            "image_too_small",
            "unsupported_image_format",
            "image_not_found",
            "image_download_failed",
        ],
        of(Reason::Rejected),
    )
    .with(INSIDE),
    hint(
        &[
            // OpenAI's, Anthropic's, OpenRouter's.
            "server_error",
            "service_unavailable_error",
            "api_error",
            "timeout_error",
            "server",
            "timeout",
        ],
        of(Reason::Overloaded),
    )
    .with(BROKEN),
    // --- The status alone.
    Row {
        wait: Wait::Told,
        ..status(&[402..=402], of(Reason::Throttled))
    },
    status(&[402..=402], of(Reason::SpendLimit)),
    status(&[401..=401, 403..=403], of(Reason::Credential)),
    status(&[404..=404], of(Reason::ModelMissing)),
    status(&[413..=413], of(Reason::TooLong)),
    status(THROTTLED, of(Reason::Throttled)),
    // Groq's, of its flexible tier.
    status(&[498..=498], cool(5_000)),
    status(INSIDE, of(Reason::InStreamError)),
    status(BROKEN, of(Reason::Overloaded)),
    // No API of this kind has them.
    status(&[405..=405, 407..=407], of(Reason::NotAnApi)),
    status(&[400..=499], of(Reason::Rejected)),
    status(ANY, of(Reason::NotAnApi)),
];

/// It is left alone for so many milliseconds, or for longer where it asks for that.
const fn cool(ms: u64) -> Verdict {
    Verdict {
        reason: Reason::Throttled,
        action: Action::Next,
        health: Health::Throttled(Some(ms)),
    }
}

/// The model has no room, and asking at once again finds none.
const fn out_of_capacity() -> Verdict {
    Verdict {
        action: Action::Next,
        ..of(Reason::Overloaded)
    }
}
