//! What is cut from a conversation, over random conversations and over growing ones.
//!
//! Every message carries its place as its `name`, which fitting leaves alone; so what was sent is
//! held against what was said.

use std::collections::BTreeSet;

use pilotlight::openai::json::Object;
use pilotlight::openai::{ChatRequest, Message, Role};
use pilotlight::policy::fit::{self, Budget, Fitted, Ratio, TooLarge, Truncated};
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// What a few pieces tell of a conversation.
mod estimate;

/// How the cut table counts, held against the whole one.
mod table;

/// What stays the same while a conversation grows.
mod growth;

const MIDDLE: &str = "The middle of this text was left out";
const EARLIER: &str = "Earlier messages were left out";
const STEPS: &str = "The first steps after this message were left out";

/// A message to be.
#[derive(Clone, Debug)]
enum Said {
    System(String),
    User(String),
    /// A user message of parts: an image and two texts.
    Shown(String, String),
    Answer(String),
    /// A call of some tools, an argument of it, and their results.
    Call(String, Vec<String>),
    /// A call that nothing answers.
    LostCall,
    /// A result that nothing called for.
    LostResult(String),
}

/// The body of a request with what was `said`, and with a tool that is described by `tool`.
fn body(said: &[Said], tool: &str) -> String {
    let mut messages = Vec::new();
    for one in said {
        write(one, &mut messages);
    }
    let mut body = json!({"model": "m", "messages": messages});
    if !tool.is_empty() {
        let function = json!({"name": "f", "description": tool});
        body["tools"] = json!([{"type": "function", "function": function}]);
    }
    body.to_string()
}

fn write(said: &Said, messages: &mut Vec<Value>) {
    let name = messages.len().to_string();
    let plain = |role: &str, text: &str| json!({"role": role, "name": name, "content": text});
    let call = |ids: &[String], argument: &str| {
        let function = json!({"name": "f", "arguments": json!({"of": argument}).to_string()});
        let calls: Vec<Value> = ids
            .iter()
            .map(|id| json!({"id": id, "type": "function", "function": function}))
            .collect();
        json!({"role": "assistant", "name": name, "content": null, "tool_calls": calls})
    };
    let result = |name: String, id: &str, text: &str| json!({"role": "tool", "name": name, "tool_call_id": id, "content": text});
    match said {
        Said::System(text) => messages.push(plain("system", text)),
        Said::User(text) => messages.push(plain("user", text)),
        Said::Answer(text) => messages.push(plain("assistant", text)),
        Said::Shown(first, second) => {
            let url = format!("data:image/png;base64,{}", "A".repeat(5_000));
            messages.push(json!({"role": "user", "name": name, "content": [
                {"type": "text", "text": first},
                {"type": "image_url", "image_url": {"url": url}},
                {"type": "text", "text": second, "cache": 1.0},
            ]}));
        }
        Said::LostCall => messages.push(call(&[format!("lost{name}")], "")),
        Said::LostResult(text) => messages.push(result(name.clone(), "found", text)),
        Said::Call(argument, results) => {
            let ids: Vec<String> = (0..results.len())
                .map(|at| format!("c{name}-{at}"))
                .collect();
            messages.push(call(&ids, argument));
            for (id, text) in ids.iter().zip(results) {
                messages.push(result(messages.len().to_string(), id, text));
            }
        }
    }
}

fn budget(window: u32) -> Budget {
    Budget {
        window,
        room: window / 4,
        ratio: Ratio::default(),
        too_large: TooLarge::Probably,
    }
}

/// A message as JSON.
fn written(message: &Message<'_>) -> String {
    let content = message.content.as_deref().map_or("null", RawValue::get);
    let fields: Vec<String> = message
        .fields
        .0
        .iter()
        .map(|(name, value)| format!("{name}={}", value.get()))
        .collect();
    format!("{}:{content}:{}", message.role.as_str(), fields.join(","))
}

/// The place that a message had in what was said.
fn place(message: &Message<'_>) -> usize {
    message.fields.text("name").unwrap().parse().unwrap()
}

fn content<'m>(message: &'m Message<'_>) -> &'m str {
    message.content.as_deref().map_or("null", RawValue::get)
}

/// The ids of the calls that a message makes, and of the call that it is the result of.
fn calls_and_result(message: &Message<'_>) -> (Vec<String>, Option<String>) {
    let calls = message
        .fields
        .raw("tool_calls")
        .map_or_else(Vec::new, |calls| {
            serde_json::from_str::<Vec<&RawValue>>(calls.get())
                .unwrap()
                .into_iter()
                .map(|call| {
                    Object::parse(call.get())
                        .unwrap()
                        .text("id")
                        .unwrap()
                        .into_owned()
                })
                .collect()
        });
    let result = message
        .fields
        .text("tool_call_id")
        .map(std::borrow::Cow::into_owned);
    (calls, result)
}

/// Holds what became of `request` to every promise.
fn check(request: &ChatRequest<'_>, budget: &Budget) {
    match fit::fit(request, budget) {
        Fitted::Whole { counted } => {
            let count = fit::count(request, &request.messages);
            assert!(count <= budget.limit());
            assert!(counted.is_none_or(|counted| counted == count));
        }
        Fitted::Cut {
            messages,
            counted,
            truncated,
        } => {
            let counted = counted.unwrap();
            assert_eq!(counted, fit::count(request, &messages));
            assert!(
                counted <= budget.limit(),
                "{counted} is over {}",
                budget.limit()
            );
            check_what_is_left(&request.messages, &messages);
            check_calls(&request.messages, &messages);
            check_notes(&request.messages, &messages, truncated);
            let again = ChatRequest {
                messages,
                ..request.clone()
            };
            let refitted = fit::fit(&again, budget);
            assert!(matches!(refitted, Fitted::Whole { .. }), "{refitted:?}");
        }
        Fitted::TooLong => {
            let must: u32 = least(request);
            assert!(
                must > budget.limit() / 4,
                "{must} of {} would fit",
                budget.limit()
            );
        }
    }
}

/// Order, system, the first user message and the newest turn's ends.
fn check_what_is_left(said: &[Message<'_>], sent: &[Message<'_>]) {
    let places: Vec<usize> = sent.iter().map(place).collect();
    assert!(places.is_sorted_by(|one, next| one < next));
    for message in sent {
        let original = &said[place(message)];
        assert_eq!(original.role, message.role);
        let fields = |message: &Message<'_>| {
            written(&Message {
                content: None,
                ..message.clone()
            })
        };
        assert_eq!(fields(original), fields(message));
    }
    let sent_as_said = |at: usize| {
        let position = places.binary_search(&at).unwrap();
        written(&sent[position]) == written(&said[at])
    };
    let systems = said
        .iter()
        .enumerate()
        .filter(|(_, one)| one.role == Role::System);
    assert!(systems.map(|(at, _)| at).all(sent_as_said));

    let user = |message: &Message<'_>| message.role == Role::User;
    for pinned in [
        said.iter().position(user),
        said.iter().rposition(user),
        said.iter()
            .rposition(|message| message.role != Role::System),
    ] {
        assert!(pinned.is_none_or(|at| places.contains(&at)));
    }
}

/// A result stays if and only if its call does.
fn check_calls(said: &[Message<'_>], sent: &[Message<'_>]) {
    let pairs = |messages: &[Message<'_>]| {
        let (calls, results): (Vec<_>, Vec<_>) = messages.iter().map(calls_and_result).unzip();
        let calls: BTreeSet<String> = calls.into_iter().flatten().collect();
        let results: BTreeSet<String> = results.into_iter().flatten().collect();
        (calls, results)
    };
    let (said_calls, said_results) = pairs(said);
    let (sent_calls, sent_results) = pairs(sent);
    for id in said_calls.intersection(&said_results) {
        assert_eq!(sent_calls.contains(id), sent_results.contains(id), "{id}");
    }
}

/// A note stands wherever something is missing, and what is told is what was done.
fn check_notes(said: &[Message<'_>], sent: &[Message<'_>], truncated: Truncated) {
    let shortened = sent
        .iter()
        .filter(|message| content(message).contains(MIDDLE))
        .count();
    let dropped = said.len() - sent.len();
    assert_eq!(truncated.messages as usize, dropped + shortened);
    assert!(truncated.messages > 0 && truncated.tokens > 0);

    let notes = |note: &str| {
        sent.iter()
            .filter(|message| content(message).contains(note))
            .count()
    };
    let gaps = notes(EARLIER) + notes(STEPS);
    assert_eq!(gaps > 0, dropped > 0);
    for message in sent {
        let untouched = written(message) == written(&said[place(message)]);
        let text = content(message);
        let says_so = [MIDDLE, EARLIER, STEPS]
            .iter()
            .any(|note| text.contains(note));
        assert_eq!(untouched, !says_so);
    }
}

/// The tokens of what can neither go nor be cut, roughly.
fn least(request: &ChatRequest<'_>) -> u32 {
    let said = &request.messages;
    let user = |message: &Message<'_>| message.role == Role::User;
    let spoken = |message: &Message<'_>| {
        matches!(message.role, Role::Assistant | Role::User) && message.role != Role::System
    };
    let first = said.iter().position(user);
    let newest = said.iter().rposition(user);
    let last = said.iter().rposition(spoken).unwrap_or(0);
    let stays = |(at, message): &(usize, &Message<'_>)| {
        message.role == Role::System || Some(*at) == first || Some(*at) == newest || *at >= last
    };
    let left: Vec<Message<'_>> = said
        .iter()
        .enumerate()
        .filter(stays)
        .map(|(_, message)| {
            if message.role == Role::System || content(message).starts_with('[') {
                message.clone()
            } else {
                Message {
                    content: None,
                    ..message.clone()
                }
            }
        })
        .collect();
    fit::count(request, &left) + 64 * u32::try_from(left.len()).unwrap()
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn text() -> impl Strategy<Value = String> {
    let words = prop_oneof![
        5 => Just("the home box keeps the lamp lit, "),
        1 => Just("let lamp = Lamp::new(7);\n\tlamp.light()?;\n"),
        1 => Just("{\"id\": 73, \"ok\": true, \"at\": \"2026-11-21T06:54:28Z\"}\n"),
        1 => Just("家里的小灯从不熄灭。"),
        1 => Just("👩🏽‍🚀🔥é\u{301}🇩🇪 "),
        1 => Just("3141592653589793"),
        1 => Just("        \n"),
        1 => Just("\\\"\\u0000\\"),
    ];
    let length = prop_oneof![10 => 0..400_usize, 4 => 400..4_000_usize, 1 => 4_000..60_000_usize];
    (words, length).prop_map(|(words, length)| words.chars().cycle().take(length).collect())
}

fn first(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        1 => text().prop_map(Said::System),
        8 => text().prop_map(Said::User),
        1 => (text(), text()).prop_map(|(first, second)| Said::Shown(first, second)),
        8 => text().prop_map(Said::Answer),
        6 => (text(), prop::collection::vec(text(), 1..4))
            .prop_map(|(argument, results)| Said::Call(first(&argument, 300), results)),
        1 => Just(Said::LostCall),
        1 => text().prop_map(Said::LostResult),
    ]
}

fn conversation() -> impl Strategy<Value = Vec<Said>> {
    prop::collection::vec(said(), 1..40)
}

/// Conversations as they usually are: a system message, then turns.
fn usual() -> impl Strategy<Value = Vec<Said>> {
    let call = (text(), prop::collection::vec(text(), 1..3))
        .prop_map(|(argument, results)| Said::Call(first(&argument, 100), results));
    let round = prop_oneof![2 => text().prop_map(Said::Answer), 1 => call];
    let turn = (
        text().prop_map(Said::User),
        prop::collection::vec(round, 0..4),
    )
        .prop_map(|(user, rounds)| [vec![user], rounds].concat());
    let turns = prop::collection::vec(turn, 1..15);
    let system = text().prop_map(|text| Said::System(first(&text, 200)));
    (system, turns).prop_map(|(system, turns)| [vec![system], turns.concat()].concat())
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn whatever_is_said_fits_and_keeps_its_promises(
        said in conversation(),
        tool in prop_oneof![Just(String::new()), text()],
        window in 256..20_000_u32,
        real in 500..4_000_u64,
    ) {
        let body = body(&said, &first(&tool, 500));
        let request = ChatRequest::parse(&body).unwrap();
        let ratio = Ratio::default().learned(1_000, real);
        check(&request, &Budget { ratio, ..budget(window) });
    }

    #[test]
    fn a_usual_conversation_is_never_too_long(said in usual(), window in 2_048..20_000_u32) {
        let body = body(&said, "");
        let request = ChatRequest::parse(&body).unwrap();
        let budget = budget(window);
        check(&request, &budget);
        prop_assert!(!matches!(fit::fit(&request, &budget), Fitted::TooLong));
    }
}
