//! The keys of a target's table beside its settings, and what they read into.
//!
//! A draft is what stands there, each key on its own. What keys mean together, an address and a
//! dialect, a name and a secret, is `target`'s: it needs the whole draft, right or wrong.

use serde_json::value::RawValue;

use crate::config::address;
use crate::config::boxes;
use crate::config::model;
use crate::config::price;
use crate::config::row::{Field, NEEDED, Row};
use crate::config::secret;
use crate::config::spelling;
use crate::config::value;
use crate::config::way;
use crate::config::{Context, Place, Warm};
use crate::models::{Ability, Effort, Thinking};
use crate::price::Money;
use crate::provider::{Company, PROVIDERS, Provider};

/// A target's own keys, as they are written.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) provider: Option<&'static dyn Provider>,
    pub(super) base_url: Option<String>,
    pub(super) binding: Option<String>,
    pub(super) model: Option<String>,
    pub(super) key: Option<String>,
    pub(super) company: Option<&'static Company>,
    pub(super) context: Context,
    pub(super) can: Vec<Ability>,
    pub(super) cannot: Vec<Ability>,
    pub(super) thinking: Option<Thinking>,
    pub(super) efforts: Vec<Effort>,
    pub(super) place: Place,
    pub(super) price_in: Option<Money>,
    pub(super) price_out: Option<Money>,
    pub(super) price_cached: Option<Money>,
    pub(super) watts: Option<u32>,
    pub(super) box_name: Option<String>,
    pub(super) warm: Warm,
    pub(super) access_id: Option<String>,
    pub(super) access_secret: Option<String>,
}

const PROVIDER: &str = "the name of a dialect, such as \"openai\"";
const COMPANY: &str = "the name of a company, such as \"groq\"";
const MODEL: &str = "the model's name at the provider";

/// The keys of a target beside its settings.
pub(super) static ROWS: &[Row<Draft>] = &[
    Row {
        name: "provider",
        field: Field::Other {
            read: |raw, draft| {
                let known: Vec<_> = PROVIDERS.iter().map(|one| one.name()).collect();
                let name = one_of(raw, PROVIDER, "provider", &known)?;
                draft.provider = PROVIDERS.iter().copied().find(|one| one.name() == name);
                Ok(())
            },
            what: PROVIDER,
            default: NEEDED,
        },
        doc: "the dialect: `openai` (OpenAI, Groq, Together, OpenRouter, Mistral, Gemini, llama.cpp, \
              vLLM, LM Studio and others that speak its API), `responses` (OpenAI's newer API, where \
              its models call tools while they think), `anthropic` (its Messages API) or `ollama`",
    },
    Row {
        name: "base_url",
        field: Field::Text {
            of: |draft| &mut draft.base_url,
            read: |raw| {
                let url = value::text(raw, address::WHAT)?;
                Ok(address::base_url(&url)?.base.to_owned())
            },
            what: address::WHAT,
            default: "needed, or `binding`",
        },
        doc: "the address, up to where the dialect's own path begins",
    },
    Row {
        name: "binding",
        field: Field::Text {
            of: |draft| &mut draft.binding,
            read: way::name,
            what: way::WHAT,
            default: "none",
        },
        doc: "in place of `base_url`: the Workers VPC service through which it is reached without a \
              public hostname",
    },
    Row {
        name: "model",
        field: Field::Text {
            of: |draft| &mut draft.model,
            read: |raw| value::header_text(raw, MODEL),
            what: MODEL,
            default: NEEDED,
        },
        doc: "the model to ask for",
    },
    Row {
        name: "key",
        field: secret_name(|draft| &mut draft.key),
        doc: "the secret that holds the credential: its name, never its value",
    },
    Row {
        name: "company",
        field: Field::Other {
            read: |raw, draft| {
                let known: Vec<_> = Company::names().collect();
                let name = one_of(raw, COMPANY, "company", &known)?;
                draft.company = Company::named(name);
                Ok(())
            },
            what: COMPANY,
            default: "by the host of `base_url`",
        },
        doc: "whose rules about fields hold, for `provider = \"openai\"`: `openai`, `groq`, \
              `together`, `openrouter`, `mistral`, `gemini`, `anthropic`, or `compatible` for any \
              other server",
    },
    Row {
        name: "context",
        field: Field::Other {
            read: |raw, draft| {
                draft.context = boxes::context(raw)?;
                Ok(())
            },
            what: boxes::CONTEXT,
            default: "as known of company and model; of an Ollama 4096",
        },
        doc: "the window in tokens, prompt and answer together; longer conversations go to a target \
              with a larger one, or are cut to fit. An Ollama is told to use this window; with \
              `\"auto\"` one at home keeps the window that it has, which is looked up",
    },
    Row {
        name: "can",
        field: Field::Other {
            read: |raw, draft| {
                draft.can = model::abilities(raw)?;
                Ok(())
            },
            what: model::ABILITIES,
            default: "as known of company and model",
        },
        doc: "what the model can do, whatever is known of it: `audio`, `files`, `forced_tools`, \
              `images`, `json_schema`, `late_system`, `logprobs`, `prefill`, `sampling`, `seed`, \
              `stop`, `thinking_tools`, `tools`; what nobody knows is tried",
    },
    Row {
        name: "cannot",
        field: Field::Other {
            read: |raw, draft| {
                draft.cannot = model::abilities(raw)?;
                Ok(())
            },
            what: model::ABILITIES,
            default: "as known of company and model",
        },
        doc: "what the model cannot do, in the same words: a request that needs it goes to the next \
              target",
    },
    Row {
        name: "thinking",
        field: Field::Other {
            read: |raw, draft| {
                draft.thinking = Some(model::thinking(raw)?);
                Ok(())
            },
            what: model::THINKING,
            default: "as known of company and model",
        },
        doc: "whether the model thinks before it answers: never, when it is given a number of tokens \
              for it (Anthropic's older models), unless it is told not to, or always",
    },
    Row {
        name: "efforts",
        field: Field::Other {
            read: |raw, draft| {
                draft.efforts = model::efforts(raw)?;
                Ok(())
            },
            what: model::EFFORTS,
            default: "as known of company and model",
        },
        doc: "the words of `reasoning_effort` that the model takes, of `none`, `minimal`, `low`, \
              `medium`, `high`, `xhigh` and `max`; another word becomes the next lower one",
    },
    Row {
        name: "home",
        field: Field::Choice(&[
            ("false", |draft| draft.place = Place::Cloud),
            ("true", |draft| draft.place = Place::Home),
        ]),
        doc: "whether it runs on your own hardware: it may see what is private, is asked by as many \
              requests at once as it has `slots`, and is given more time",
    },
    Row {
        name: "price_in",
        field: tokens(
            |raw, draft| {
                draft.price_in = Some(price::of_tokens(raw)?);
                Ok(())
            },
            "as known of company and model; at home 0",
        ),
        doc: "what the prompt costs, with `price_out`; what an answer costs where it is not known is \
              told as `null`, never as 0",
    },
    Row {
        name: "price_out",
        field: tokens(
            |raw, draft| {
                draft.price_out = Some(price::of_tokens(raw)?);
                Ok(())
            },
            "as known of company and model; at home 0",
        ),
        doc: "what the answer costs, with `price_in`",
    },
    Row {
        name: "price_cached",
        field: tokens(
            |raw, draft| {
                draft.price_cached = Some(price::of_tokens(raw)?);
                Ok(())
            },
            "as `price_in`",
        ),
        doc: "what those tokens of the prompt cost that the company read from its cache, with the other two",
    },
    Row {
        name: "watts",
        field: Field::Limit {
            of: |draft| &mut draft.watts,
            range: 1..=100_000,
        },
        doc: "how much the box at home draws while it answers; with `kwh_price` it is what an answer costs",
    },
    Row {
        name: "box",
        field: Field::Text {
            of: |draft| &mut draft.box_name,
            read: boxes::name,
            what: boxes::NAME,
            default: "by the address",
        },
        doc: "the machine at home that it runs on, where several targets share one under several \
              addresses; targets of one box share its slots",
    },
    Row {
        name: "warm",
        field: Field::Choice(&[
            ("false", |draft| draft.warm = Warm::No),
            ("true", |draft| draft.warm = Warm::Yes),
        ]),
        doc: "whether an Ollama at home is made to load the model whenever it is found to be gone, or \
              about to go",
    },
    Row {
        name: "access_id",
        field: secret_name(|draft| &mut draft.access_id),
        doc: "the secret that holds the client id of a Cloudflare Access service token",
    },
    Row {
        name: "access_secret",
        field: secret_name(|draft| &mut draft.access_secret),
        doc: "the secret that holds its client secret",
    },
];

const fn tokens(
    read: fn(&RawValue, &mut Draft) -> Result<(), String>,
    default: &'static str,
) -> Field<Draft> {
    Field::Other {
        read,
        what: price::TOKENS,
        default,
    }
}

const fn secret_name(of: fn(&mut Draft) -> &mut Option<String>) -> Field<Draft> {
    Field::Text {
        of,
        read: secret::name,
        what: secret::WHAT,
        default: "none",
    }
}

/// The one of the known names that `raw` is.
fn one_of<'k>(
    raw: &RawValue,
    what: &str,
    noun: &str,
    known: &[&'k str],
) -> Result<&'k str, String> {
    let text = value::text(raw, what)?;
    known
        .iter()
        .copied()
        .find(|name| *name == text)
        .ok_or_else(|| {
            let list = known.join(", ");
            let guess = spelling::nearest(&text, known);
            let guess = guess.map_or(String::new(), |name| format!("did you mean \"{name}\"? "));
            format!(
                "is {}, which is no {noun}: {guess}(known: {list})",
                value::quoted(&text)
            )
        })
}
