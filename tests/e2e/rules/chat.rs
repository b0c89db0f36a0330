//! The rules of the companies that speak OpenAI's chat completions.

use serde_json::Value;

use super::{Broken, Called, GEMINI_SIGNATURE, Rules, Step, arguments, is_made_of, list, text};

/// Where Gemini's own signature is lost, its documentation has this instead.
const GEMINI_DUMMY: &str = "skip_thought_signature_validator";

/// What a company takes.
struct Form {
    body: Body,
    /// The members of messages beside `role` and `content`: of an answer, of a tool's result, and of
    /// all others.
    answer: &'static [&'static str],
    result: &'static [&'static str],
    other: &'static [&'static str],
    /// The members of a call beside `id`, `type` and `function`.
    call: &'static [&'static str],
    /// What answers and results may say.
    content: Content,
    roles: &'static [&'static str],
    /// Whether it takes a call's id.
    id: fn(&str) -> bool,
}

/// Which members a body may have.
#[derive(Clone, Copy)]
enum Body {
    /// These and no others: it refuses what it does not know.
    Only(&'static [&'static str]),
    /// All but these.
    Without(&'static [&'static str]),
}

/// What a message's content may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Text,
    TextOrParts,
}

const ROLES: &[&str] = &["assistant", "system", "tool", "user"];
const ROLES_OF_OPENAI: &[&str] = &["assistant", "developer", "system", "tool", "user"];

fn form(rules: Rules) -> Form {
    let usual = Form {
        body: Body::Without(&[]),
        answer: &["tool_calls"],
        result: &["tool_call_id"],
        other: &["name"],
        call: &[],
        content: Content::TextOrParts,
        roles: ROLES,
        id: |id| !id.is_empty(),
    };
    match rules {
        Rules::OpenAi => Form {
            answer: &["audio", "function_call", "name", "refusal", "tool_calls"],
            roles: ROLES_OF_OPENAI,
            // "string too long. Expected a string with maximum length 40".
            id: |id| !id.is_empty() && id.len() <= 40,
            ..usual
        },
        Rules::Groq => Form {
            body: Body::Without(GROQ),
            answer: &["function_call", "reasoning", "tool_calls"],
            other: &[],
            content: Content::Text,
            ..usual
        },
        Rules::Together => Form {
            body: Body::Without(TOGETHER),
            answer: &["name", "reasoning", "tool_calls"],
            content: Content::Text,
            ..usual
        },
        Rules::OpenRouter => Form {
            answer: &[
                "audio",
                "name",
                "reasoning",
                "reasoning_details",
                "refusal",
                "tool_calls",
            ],
            roles: ROLES_OF_OPENAI,
            ..usual
        },
        Rules::Mistral => Form {
            body: Body::Only(MISTRAL),
            answer: &["prefix", "tool_calls"],
            result: &["name", "tool_call_id"],
            other: &[],
            call: &["index"],
            content: Content::Text,
            // "must be a-z, A-Z, 0-9, with a length of 9".
            id: |id| id.len() == 9 && is_made_of(id, 9, ""),
            ..usual
        },
        Rules::Gemini => Form {
            body: Body::Only(GEMINI),
            result: &["name", "tool_call_id"],
            other: &[],
            call: &["extra_content"],
            ..usual
        },
        Rules::Compatible => Form {
            answer: &[
                "function_call",
                "name",
                "reasoning_content",
                "refusal",
                "tool_calls",
            ],
            call: &["index"],
            ..usual
        },
        Rules::Anthropic | Rules::Responses | Rules::Ollama => usual,
    }
}

/// All that Mistral takes, which refuses what it does not know.
const MISTRAL: &[&str] = &[
    "frequency_penalty",
    "guardrails",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_mode",
    "random_seed",
    "reasoning_effort",
    "response_format",
    "safe_prompt",
    "service_tier",
    "stop",
    "stream",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
];

/// All that Gemini takes, which refuses what it does not know.
const GEMINI: &[&str] = &[
    "extra_body",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "model",
    "n",
    "reasoning_effort",
    "response_format",
    "stop",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
];

/// What Groq refuses, or says that it does not support.
const GROQ: &[&str] = &[
    "logit_bias",
    "logprobs",
    "metadata",
    "store",
    "stream_options",
    "top_logprobs",
];

/// What Together has no words for.
const TOGETHER: &[&str] = &[
    "max_completion_tokens",
    "parallel_tool_calls",
    "store",
    "stream_options",
    "user",
];

/// Looks at the form; tells the history.
pub(super) fn steps(rules: Rules, body: &Value, broken: &mut Broken) -> Vec<Step> {
    let form = form(rules);
    members(form.body, body, broken);
    for tool in list(&body["tools"]) {
        let name = text(&tool["function"]["name"]);
        let fits = is_made_of(&name, 64, "_-");
        broken.unless(fits, || format!("{name:?} is a tool's name"));
    }
    let mut steps = Vec::new();
    for message in list(&body["messages"]) {
        let role = text(&message["role"]);
        let known = form.roles.contains(&role.as_str());
        broken.unless(known, || format!("{role:?} is no role"));
        keys(&form, &role, message, broken);
        content(&form, &role, &message["content"], broken);
        if rules == Rules::Groq {
            no_nulls(message, broken);
        }
        if rules == Rules::Gemini {
            signature(message, broken);
        }
        steps.push(match role.as_str() {
            "user" => Step::User,
            "assistant" => Step::Answer(calls(&form, message, broken)),
            "tool" => Step::Outcome {
                id: Some(text(&message["tool_call_id"])),
                content: message["content"].to_string(),
            },
            _ => Step::System,
        });
    }
    steps
}

fn members(taken: Body, body: &Value, broken: &mut Broken) {
    match taken {
        Body::Only(known) => broken.only("the body", body, known),
        Body::Without(refused) => {
            for name in refused {
                let absent = body.get(name).is_none();
                broken.unless(absent, || format!("no `{name}` in the body"));
            }
        }
    }
}

fn keys(form: &Form, role: &str, message: &Value, broken: &mut Broken) {
    let more = match role {
        "assistant" => form.answer,
        "tool" => form.result,
        _ => form.other,
    };
    let known = [&["role", "content"], more].concat();
    broken.only(&format!("the {role}'s message"), message, &known);
}

fn content(form: &Form, role: &str, content: &Value, broken: &mut Broken) {
    let text = content.is_string() || (role == "assistant" && content.is_null());
    let any = content.is_array() && (form.content == Content::TextOrParts || role == "user");
    broken.unless(text || any, || {
        format!("the {role}'s content is not {content}")
    });
}

/// Groq refuses members that are null.
fn no_nulls(message: &Value, broken: &mut Broken) {
    for (name, value) in message.as_object().into_iter().flatten() {
        let fits = name == "content" || !value.is_null();
        broken.unless(fits, || format!("`{name}` is not null"));
    }
}

/// The calls of an answer.
fn calls(form: &Form, message: &Value, broken: &mut Broken) -> Vec<Called> {
    let calls = &message["tool_calls"];
    let some = calls.as_array().is_some_and(|calls| !calls.is_empty());
    broken.unless(some || message.get("tool_calls").is_none(), || {
        format!("`tool_calls` is a list of some, not {calls}")
    });
    let says = !message["content"].is_null();
    broken.unless(some || says, || "an answer has content".into());
    let called = list(calls).map(|call| {
        let id = text(&call["id"]);
        broken.unless((form.id)(&id), || format!("{id:?} is no id"));
        let typed = call["type"] == "function";
        broken.unless(typed, || format!("a call has a type: {call}"));
        let known = [&["id", "type", "function"], form.call].concat();
        broken.only("a call", call, &known);
        broken.only(
            "a call's function",
            &call["function"],
            &["name", "arguments"],
        );
        Called {
            id: Some(id),
            name: text(&call["function"]["name"]),
            arguments: arguments(&call["function"]["arguments"], broken),
        }
    });
    called.collect()
}

/// Gemini's first call of several carries its signature: Gemini's own where the caller kept it.
fn signature(message: &Value, broken: &mut Broken) {
    for call in list(&message["tool_calls"]).take(1) {
        let signature = text(&call["extra_content"]["google"]["thought_signature"]);
        let signed = signature.starts_with(GEMINI_SIGNATURE) || signature == GEMINI_DUMMY;
        broken.unless(signed, || format!("the first call is signed: {call}"));
    }
}
