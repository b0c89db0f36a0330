//! Conversations with tools in which every turn is answered by another target: each company gets a
//! history that the others made, kept and sent again by the SDKs that people use.
//!
//! A caller asks one target after the other and runs the tools that they call. What it read is
//! compared with what was said ([`said`]); what each scripted company was sent is held to that
//! company's rules ([`crate::rules`]).
//!
//! A new dialect or company is one row of [`targets`].

use serde_json::{Value, json};

use crate::gateway::{Setup, with};
use crate::homebox::HomeBox;
use crate::leash::Leash;
use crate::upstream::PATIENCE;

use caller::{Caller, LANGCHAIN, OPENAI_NODE, OPENAI_PYTHON, VERCEL_COMPATIBLE, VERCEL_OPENAI};
use doubles::Doubles;
use said::{Kind, Said};
use targets::{Double, TARGETS, Target};

mod anthropic;
mod caller;
mod chat;
mod company;
mod doubles;
mod lines;
mod responses;
mod said;
mod targets;

#[test]
fn openais_sdk_for_python_talks_to_all_targets_in_one_conversation() {
    converse(OPENAI_PYTHON, &rounds());
}

#[test]
fn langchain_talks_to_all_targets_in_one_conversation() {
    converse(LANGCHAIN, &rounds());
}

#[test]
fn openais_sdk_for_node_talks_to_all_targets_in_one_conversation() {
    converse(OPENAI_NODE, &rounds());
}

#[test]
fn vercels_ai_sdk_talks_to_all_targets_in_one_conversation() {
    converse(VERCEL_COMPATIBLE, &rounds());
}

#[test]
fn vercels_ai_sdk_for_openai_talks_to_all_targets_in_one_conversation() {
    converse(VERCEL_OPENAI, &rounds());
}

#[test]
fn the_box_at_home_takes_its_turn_in_every_conversation() {
    let Some(home) = HomeBox::start("a conversation with tools at a real Ollama") else {
        return;
    };
    home.create_model(HOME_MODEL, MODELFILE);
    for caller in [OPENAI_PYTHON, LANGCHAIN, OPENAI_NODE, VERCEL_COMPATIBLE] {
        converse(caller, &at_home(&home));
    }
}

/// One turn of the conversation: who is asked.
enum Asked<'a> {
    /// A target, which says what is of this kind.
    Double(&'static Target, Kind),
    /// The box at home, which says what it will.
    Home(&'a HomeBox),
}

/// Round all targets, so often that each answers in every kind of turn.
fn rounds<'a>() -> Vec<Asked<'a>> {
    let rounds = (0..Kind::ALL.len()).flat_map(|round| {
        let kinds = Kind::ALL.iter().cycle().skip(round);
        TARGETS
            .iter()
            .zip(kinds)
            .map(|(target, kind)| Asked::Double(target, *kind))
    });
    rounds.collect()
}

/// The box at home between others, after the results of two calls.
fn at_home(home: &HomeBox) -> Vec<Asked<'_>> {
    let double = |at, kind| Asked::Double(&TARGETS[at], kind);
    vec![
        double(0, Kind::Call),
        double(1, Kind::Calls),
        Asked::Home(home),
        double(2, Kind::Bare),
    ]
}

/// Each conversation is held whole and streamed.
const CONVERSATIONS: usize = 2;

/// Holds a conversation of these turns.
fn converse(caller: Caller, turns: &[Asked<'_>]) {
    let turns: Vec<Turn<'_>> = turns.iter().enumerate().map(Turn::new).collect();
    let doubles = Doubles::start(&turns);
    let gateway = Setup::new(config(&doubles, &turns))
        .secret("PILOTLIGHT_KEYS", "across=pl-across-long-secret")
        .secret("UPSTREAM_KEY", "sk-upstream-secret")
        .start();

    let url = format!("http://{}/v1", gateway.address());
    let told: Value = turns.iter().map(Turn::told).collect();
    let told = [&*url, "pl-across-long-secret", &told.to_string()];
    let Some(command) = caller.command(told) else {
        return;
    };
    let ran = Leash::start(&command).finish(PATIENCE * 4);

    let broken = doubles.broken_rules();
    let printed = ran.unwrap_or_else(|printed| {
        panic!("{caller:?} is surprised:\n{printed}\nrules broken: {broken:#?}")
    });
    assert!(printed.ends_with("all well"), "{caller:?}: {printed}");
    assert!(broken.is_empty(), "{caller:?}: rules broken: {broken:#?}");
    // Every turn was answered by its target, at the first attempt.
    for (name, count) in doubles.counts() {
        let its = turns.iter().filter(|turn| turn.model() == name).count();
        assert_eq!(count, its * CONVERSATIONS, "{caller:?}: {name}");
    }
}

fn config(doubles: &Doubles, turns: &[Turn<'_>]) -> Value {
    let homes = turns.iter().filter_map(|turn| match turn.asked {
        Asked::Home(home) => Some(with(home.target(), json!({ "model": HOME_MODEL }))),
        Asked::Double(..) => None,
    });
    let homes = homes.map(|table| (HOME.to_owned(), table));
    let tables: serde_json::Map<_, _> = doubles.tables().chain(homes).collect();
    json!({
        "default_route": "auto",
        "defaults": { "attempts": 1 },
        "targets": tables,
        "routes": { "auto": [turns[0].model()] },
    })
}

/// A turn of a conversation, and what is said in it.
struct Turn<'a> {
    asked: &'a Asked<'a>,
    /// `None` where the double does not decide it.
    said: Option<Said>,
}

impl<'a> Turn<'a> {
    fn new((number, asked): (usize, &'a Asked<'a>)) -> Self {
        let said = match asked {
            // No turn has more calls than two.
            Asked::Double(_, kind) => Some(kind.said(number * 2)),
            Asked::Home(_) => None,
        };
        Self { asked, said }
    }

    fn model(&self) -> &'static str {
        match self.asked {
            Asked::Double(target, _) => target.name,
            Asked::Home(_) => HOME,
        }
    }

    /// What the caller is told of it: whom to ask, what it has to read, and how many tokens were
    /// used at least.
    fn told(&self) -> Value {
        let tokens = match self.asked {
            Asked::Double(target, _) => match target.double {
                Double::Scripted(_) => said::TOKENS,
                // It counts nothing in some of its dialects.
                Double::Aimock => 0,
            },
            Asked::Home(_) => 1,
        };
        let said = self.said.as_ref().map(Said::expected);
        json!({ "model": self.model(), "said": said, "tokens": tokens })
    }
}

const HOME: &str = "home";

/// The model at home under a template with a place for tools: Ollama gives none to a model whose
/// template has no such place. It says one word, which is enough here: the SDK for Python takes an
/// answer that is cut at its limit for an error.
const HOME_MODEL: &str = "smol-with-tools";
const MODELFILE: &str = r#"FROM smol
PARAMETER temperature 0
PARAMETER seed 7
PARAMETER stop " "
PARAMETER stop "<|im_end|>"
TEMPLATE """{{ if .Tools }}<|im_start|>system
{{ .Tools }}<|im_end|>
{{ end }}{{ range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}{{ range .ToolCalls }}<tool_call>{"name": "{{ .Function.Name }}", "arguments": {{ .Function.Arguments }}}</tool_call>{{ end }}<|im_end|>
{{ end }}<|im_start|>assistant
"""
"#;
