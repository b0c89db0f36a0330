//! The promise of every dialect: whatever lawful conversation it is given, what it writes is by the rules
//! of who is asked, and nothing of it is lost without a word.

use pilotlight::models::{Abilities, Ability};
use pilotlight::openai::{ChatRequest, Delivery};
use pilotlight::policy::able;
use pilotlight::provider::{Ask, Company, Ending, PROVIDERS, Provider, UpstreamRequest, Window};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::lawful::models::{
    CLAUDE_MIDDLE, CLAUDE_NEW, CLAUDE_OLD, GPT, GPT_ALWAYS, PLAIN, UNKNOWN,
};
use crate::lawful::request::{Lawful, request};
use crate::lawful::rules::Broken;
use crate::lawful::told::Places;

mod anthropic;
mod blocks;
mod chat;
mod gemini;
mod groq;
mod mistral;
mod models;
mod ollama;
mod openai;
mod openrouter;
mod request;
mod responses;
mod rules;
mod talk;
mod tape;
mod together;
mod told;

/// Who is held to the promise. One that does not exist yet is passed over.
const DIALECTS: &[&str] = &[
    "anthropic",
    "ollama",
    "responses",
    "openai",
    "compatible",
    "groq",
    "together",
    "openrouter",
    "mistral",
    "gemini",
];

/// Who is asked in which dialect, and by which rules.
const KNOWN: &[Dialect] = &[
    OLLAMA, OPENAI, COMPATIBLE, GROQ, TOGETHER, OPENROUTER, MISTRAL, GEMINI, ANTHROPIC, RESPONSES,
];

/// A dialect as one company takes it.
#[derive(Debug)]
struct Dialect {
    /// Its name in the list above.
    name: &'static str,
    provider: &'static str,
    company: &'static str,
    models: &'static [Abilities],
    broken: fn(&Value, Abilities) -> Broken,
    places: Places,
}

const OLLAMA: Dialect = Dialect {
    name: "ollama",
    provider: "ollama",
    company: "compatible",
    models: &[UNKNOWN, PLAIN],
    broken: ollama::broken,
    places: &[
        ("frequency_penalty", &["/options/frequency_penalty"]),
        ("max_tokens", &["/options/num_predict"]),
        ("min_p", &["/options/min_p"]),
        ("presence_penalty", &["/options/presence_penalty"]),
        ("reasoning_effort", &["/think"]),
        ("response_format", &["/format"]),
        ("seed", &["/options/seed"]),
        ("stop", &["/options/stop"]),
        ("temperature", &["/options/temperature"]),
        ("top_k", &["/options/top_k"]),
        ("top_p", &["/options/top_p"]),
    ],
};

const OPENAI: Dialect = Dialect {
    name: "openai",
    provider: "openai",
    company: "openai",
    models: &[UNKNOWN, GPT, GPT_ALWAYS, PLAIN],
    broken: openai::broken,
    // Where sampling is fixed, 1 is what it is fixed at: it need not be told.
    places: &[
        ("temperature", &["/temperature", "=1"]),
        ("top_p", &["/top_p", "=1"]),
    ],
};

const COMPATIBLE: Dialect = Dialect {
    name: "compatible",
    company: "compatible",
    models: &[UNKNOWN, PLAIN],
    broken: openai::broken_compatible,
    ..OPENAI
};

const GROQ: Dialect = Dialect {
    name: "groq",
    company: "groq",
    models: &[UNKNOWN, PLAIN],
    broken: groq::broken,
    ..OPENAI
};

const TOGETHER: Dialect = Dialect {
    name: "together",
    company: "together",
    models: &[UNKNOWN, PLAIN],
    broken: together::broken,
    ..OPENAI
};

const OPENROUTER: Dialect = Dialect {
    name: "openrouter",
    company: "openrouter",
    models: &[UNKNOWN, PLAIN],
    broken: openrouter::broken,
    ..OPENAI
};

const MISTRAL: Dialect = Dialect {
    name: "mistral",
    company: "mistral",
    models: &[UNKNOWN, PLAIN],
    broken: mistral::broken,
    places: &[("seed", &["/random_seed"])],
    ..OPENAI
};

const GEMINI: Dialect = Dialect {
    name: "gemini",
    company: "gemini",
    models: &[UNKNOWN, PLAIN],
    broken: gemini::broken,
    ..OPENAI
};

const ANTHROPIC: Dialect = Dialect {
    name: "anthropic",
    provider: "anthropic",
    company: "anthropic",
    models: &[UNKNOWN, CLAUDE_NEW, CLAUDE_MIDDLE, CLAUDE_OLD, PLAIN],
    broken: anthropic::broken,
    places: &[
        (
            "parallel_tool_calls",
            &["/tool_choice/disable_parallel_tool_use"],
        ),
        (
            "reasoning_effort",
            &[
                "/output_config/effort",
                "/thinking/budget_tokens",
                "/thinking",
            ],
        ),
        ("response_format", &["/output_config/format", "/system"]),
        ("safety_identifier", &["/metadata/user_id"]),
        ("stop", &["/stop_sequences"]),
        ("temperature", &["/temperature", "=1"]),
        ("top_p", &["/top_p", "=1"]),
        ("user", &["/metadata/user_id"]),
    ],
};

const RESPONSES: Dialect = Dialect {
    name: "responses",
    provider: "responses",
    company: "openai",
    models: &[UNKNOWN, GPT, GPT_ALWAYS, PLAIN],
    broken: responses::broken,
    places: &[
        ("logprobs", &["/include"]),
        ("max_tokens", &["/max_output_tokens"]),
        ("reasoning_effort", &["/reasoning/effort"]),
        ("response_format", &["/text/format"]),
        ("temperature", &["/temperature", "=1"]),
        ("top_p", &["/top_p", "=1"]),
        ("verbosity", &["/text/verbosity"]),
    ],
};

impl Dialect {
    /// The dialect and the company, where both exist.
    fn found(&self) -> Option<(&'static dyn Provider, &'static Company)> {
        let provider = PROVIDERS.iter().find(|one| one.name() == self.provider)?;
        let is_shared = provider.name() == "openai";
        let company = match Company::named(self.company) {
            Some(company) => company,
            None if is_shared => return None,
            None => provider.company("api.example.com"),
        };
        Some((*provider, company))
    }

    /// What is wrong with how a model is asked.
    fn wrong(&self, lawful: &Lawful, abilities: Abilities, max_output: Option<u32>) -> Broken {
        let Some((provider, company)) = self.found() else {
            return Broken::new();
        };
        let written = lawful.body.to_string();
        let request = ChatRequest::parse(&written).unwrap();
        let able = match able::judge(&request, abilities) {
            Ok(able) => able,
            Err(path) => return told::groundless(lawful, path),
        };
        let left_out = able.left_out();
        let delivery = match request.delivery {
            Delivery::Streamed => Delivery::Streamed,
            Delivery::Whole => provider.wholes(),
        };
        let ask = Ask {
            request: &request,
            messages: &request.messages,
            delivery,
            usage_chunk: request.usage_chunk,
            ending: Ending::Usual,
            model: "m",
            company,
            context: None,
            window: Window::Found,
            max_tokens: request.max_tokens,
            max_output,
            abilities,
            left_out: &left_out,
            effort: able.effort.as_deref(),
            keep_alive: None,
        };
        let UpstreamRequest { body, dropped } = match provider.write(&ask) {
            Ok(written) => written,
            Err(refused) => return told::groundless(lawful, refused.0),
        };
        let again = provider.write(&ask).unwrap().body;
        if again != body {
            return vec!["another body each time".to_owned()];
        }
        let named = able.named.iter().chain(&dropped);
        let named: Vec<String> = named.map(|name| name.clone().into_owned()).collect();
        let Ok(body) = serde_json::from_slice::<Value>(&body) else {
            return vec![format!("no JSON: {}", String::from_utf8_lossy(&body))];
        };
        let streamed = body["stream"] == true;
        let mut broken = (self.broken)(&body, abilities);
        broken.extend(told::lost(lawful, &body, &named, self.places));
        broken.extend(told::unheard(lawful, &body));
        if streamed != (delivery == Delivery::Streamed) {
            broken.push(format!("stream: {streamed}"));
        }
        if !broken.is_empty() {
            broken.push(format!("in {body}, named {named:?}"));
        }
        broken
    }
}

/// Random lawful requests.
fn lawful() -> impl Strategy<Value = Lawful> {
    let steps = vec(vec(any::<u16>(), 0..24), 1..7);
    let fields = vec(vec(any::<u16>(), 0..24), 0..7);
    (steps, fields).prop_map(|(steps, fields)| request(&steps, &fields))
}

/// Holds all models of a dialect to the promise.
fn keeps_its_promise(
    dialect: &Dialect,
    lawful: &Lawful,
    max_output: Option<u32>,
) -> Result<(), TestCaseError> {
    for (at, abilities) in dialect.models.iter().enumerate() {
        let wrong = dialect.wrong(lawful, *abilities, max_output);
        let words = format!("{}, model {at}", dialect.name);
        prop_assert!(
            wrong.is_empty(),
            "{words}: {wrong:#?}\nasked: {}",
            lawful.body
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn whatever_is_asked_each_body_is_by_the_rules_and_nothing_is_lost_in_silence(
        lawful in lawful(),
        max_output in prop_oneof![Just(None), Just(Some(8_192)), Just(Some(600))],
    ) {
        for dialect in KNOWN.iter().filter(|known| DIALECTS.contains(&known.name)) {
            keeps_its_promise(dialect, &lawful, max_output)?;
        }
    }
}

#[test]
fn every_name_in_the_list_is_known() {
    for name in DIALECTS {
        assert!(KNOWN.iter().any(|known| known.name == *name), "{name}");
    }
}

#[test]
fn the_random_requests_have_everything_in_them() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let drawn = (0..600).map(|_| lawful().new_tree(&mut runner).unwrap().current());
    let all: String = drawn.map(|lawful| lawful.body.to_string()).collect();
    for word in [
        "\"developer\"",
        "\"image_url\"",
        "https://example.com",
        "application/pdf",
        "input_audio",
        "\"refusal\"",
        "\"ttl\":\"1h\"",
        "sig-anthropic",
        "enc-openai",
        "sig-google",
        "\"content\":null",
        "\"content\":\"\"",
        "chatcmpl-tool",
        "functions.look_up:",
        "allowed_tools",
        "\"strict\":null",
        "$defs",
        "\"logprobs\":true",
        "ann@example.com",
        "\"reasoning_effort\":\"minimal\"",
        "web_search_options",
        "x_unheard_of",
    ] {
        assert!(all.contains(word), "{word}");
    }
}

/// Tools that a model does not take are not told to it, and a word that forbids them is not lost alone.
#[test]
fn a_model_without_tools_is_told_of_none() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"tool_choice":"none",
        "tools":[{"type":"function","function":{"name":"f"}}]}"#;
    let request = ChatRequest::parse(body).unwrap();
    let abilities = Abilities::UNKNOWN.without(Ability::Tools);
    let able = able::judge(&request, abilities).unwrap();
    assert_eq!(able.named, ["tools"]);
    for dialect in KNOWN {
        let (provider, company) = dialect.found().unwrap();
        let written = provider.write(&Ask {
            request: &request,
            messages: &request.messages,
            delivery: Delivery::Streamed,
            usage_chunk: request.usage_chunk,
            ending: Ending::Usual,
            model: "m",
            company,
            context: None,
            window: Window::Found,
            max_tokens: None,
            max_output: None,
            abilities,
            left_out: &able.left_out(),
            effort: None,
            keep_alive: None,
        });
        let body: Value = serde_json::from_slice(&written.unwrap().body).unwrap();
        assert!(body.get("tools").is_none(), "{}: {body}", dialect.name);
        assert!(
            body.get("tool_choice").is_none(),
            "{}: {body}",
            dialect.name
        );
    }
}
