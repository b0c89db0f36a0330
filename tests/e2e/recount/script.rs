//! The upstreams of the recount: each does what the caller's own words tell it to, and keeps a record
//! of what it did.
//!
//! A prompt holds its number and, for each target, what that does when it is asked for the first time,
//! the second time and so on: `<<00123 down=503;well=cut/ok:17:5:3>>`. So whatever way a request takes,
//! what each target answers is known before, and nothing depends on who comes first.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::upstream::{Reply, Seen, Upstream};
use crate::wire;

/// The target that speaks Ollama's dialect.
pub(super) const BOX: &str = "box";

/// The text of every whole answer: long enough that a part of it is known again, and with an end.
pub(super) const TEXT: [&str; 5] = [
    "The ledger adds up what was asked,",
    " who answered and what it took,",
    " one hour after the other,",
    " and it forgets what was said,",
    " because nobody needs to know that.",
];

/// How much of it a target says that breaks off.
const BEGUN: usize = 3;

/// Tokens as an upstream counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) read: u64,
    pub(super) cached: u64,
    pub(super) wrote: u64,
}

/// What a target does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// It answers, and counts or does not.
    Answers(Option<Count>),
    /// It begins an answer and breaks off; it may have counted before.
    Breaks(Option<Count>),
    /// It ends without a word, and counts all the same.
    SaysNothing(Count),
    /// It is overloaded.
    Overloaded,
    /// It throttles.
    Throttles,
    /// It never says anything.
    Silent,
    /// It begins an answer and then says nothing more.
    Hangs,
}

impl Act {
    fn read(text: &str) -> Self {
        let mut parts = text.split(':');
        let name = parts.next().unwrap();
        let numbers: Vec<u64> = parts.map(|number| number.parse().unwrap()).collect();
        let count = match numbers.as_slice() {
            [] => None,
            [read, cached, wrote] => Some(Count {
                read: *read,
                cached: *cached,
                wrote: *wrote,
            }),
            _ => panic!("no act: {text}"),
        };
        match name {
            "ok" => Self::Answers(count),
            "cut" => Self::Breaks(count),
            "nothing" => Self::SaysNothing(count.unwrap()),
            "503" => Self::Overloaded,
            "429" => Self::Throttles,
            "silent" => Self::Silent,
            "hangs" => Self::Hangs,
            _ => panic!("no act: {text}"),
        }
    }

    /// The tokens that the upstream told.
    pub(super) fn told(self) -> Option<Count> {
        match self {
            Self::Answers(count) | Self::Breaks(count) => count,
            Self::SaysNothing(count) => Some(count),
            Self::Hangs | Self::Overloaded | Self::Silent | Self::Throttles => None,
        }
    }

    /// Whether it said a word or counted tokens, so that there is something to be paid for.
    pub(super) fn used_any(self) -> bool {
        match self {
            Self::Answers(_) | Self::Breaks(_) | Self::Hangs | Self::SaysNothing(_) => true,
            Self::Overloaded | Self::Silent | Self::Throttles => false,
        }
    }

    /// What the gateway should call it.
    pub(super) fn outcome(self) -> &'static str {
        match self {
            // It answered for as long as somebody listened.
            Self::Answers(_) | Self::Hangs => "ok",
            Self::Breaks(_) => "stream_cut",
            Self::SaysNothing(_) => "empty",
            Self::Overloaded => "overloaded",
            Self::Throttles => "throttled",
            Self::Silent => "caller_left",
        }
    }
}

/// What the upstreams did: for each request and target, in order.
pub(super) type Deeds = BTreeMap<(usize, String), Vec<Act>>;

/// The upstreams, which are one server with a path for each.
#[derive(Debug)]
pub(super) struct Scripted {
    upstream: Upstream,
    deeds: Arc<Mutex<Deeds>>,
}

impl Scripted {
    pub(super) fn start() -> Self {
        let deeds = Arc::<Mutex<Deeds>>::default();
        let record = Arc::clone(&deeds);
        let upstream = Upstream::answering(move |seen| {
            // What is private is only asked of a model of the box's own.
            if seen.head.word(0) == "GET" {
                return wire::ollama_tags("home-model");
            }
            let target = seen.head.word(1).split('/').nth(1).unwrap().to_owned();
            let (number, acts) = script(&seen.body, &target);
            let mut record = record.lock().unwrap();
            let done = record.entry((number, target.clone())).or_default();
            let act = *acts.get(done.len()).or(acts.last()).unwrap();
            done.push(act);
            drop(record);
            if target == BOX {
                ollama(act)
            } else {
                openai(act, seen)
            }
        });
        Self { upstream, deeds }
    }

    /// The address of one of them.
    pub(super) fn url(&self, target: &str) -> String {
        format!("{}/{target}", self.upstream.url())
    }

    /// What they did so far.
    pub(super) fn deeds(&self) -> Deeds {
        self.deeds.lock().unwrap().clone()
    }

    /// Whether a target has been asked for this request.
    pub(super) fn is_asked(&self, number: usize, target: &str) -> bool {
        let key = (number, target.to_owned());
        self.deeds.lock().unwrap().contains_key(&key)
    }
}

/// The words that make the targets do this.
pub(super) fn words(number: usize, acts: &[(&str, String)]) -> String {
    let mut text = format!("<<{number:05} ");
    for (target, act) in acts {
        let _ = write!(text, "{target}={act};");
    }
    text + ">>"
}

/// A request's number, and what a target is to do.
fn script(body: &str, target: &str) -> (usize, Vec<Act>) {
    let script = body.split_once("<<").unwrap().1.split_once(">>").unwrap().0;
    let (number, acts) = script.split_once(' ').unwrap();
    let mut acts = acts.split(';').filter_map(|part| part.split_once('='));
    let (_, mine) = acts
        .find(|(name, _)| *name == target)
        .unwrap_or_else(|| panic!("{target} was not to be asked: {script}"));
    let mine = mine.split('/').map(Act::read).collect();
    (number.parse().unwrap(), mine)
}

fn openai(act: Act, seen: &Seen) -> Reply {
    let streamed = seen.json()["stream"] == true;
    let no = |kind: &str| wire::openai_error(kind, kind, "No.");
    match act {
        Act::Overloaded => wire::api(503, &no("server_error")),
        // The breaker opens for as long as is asked for.
        Act::Throttles => {
            wire::api_with(429, &[("retry-after-ms", "5")], &no("rate_limit_exceeded"))
        }
        Act::Silent => Reply::new().hold(),
        Act::Hangs => wire::said(&TEXT[..BEGUN]).hold(),
        Act::Breaks(count) => {
            let counted = count.map(|count| with_usage(&json!({ "content": "" }), count));
            let begun = wire::said(&TEXT[..BEGUN]);
            // It ends without the chunk that ends a body: a break, and all before it is heard.
            counted
                .iter()
                .fold(begun, |reply, chunk| reply.chunk(&wire::event(chunk)))
        }
        Act::Answers(count) if streamed => ended(wire::said(&TEXT), count),
        Act::SaysNothing(count) if streamed => ended(wire::said(&[]), Some(count)),
        Act::Answers(count) => wire::api(200, &whole(&TEXT.concat(), count)),
        Act::SaysNothing(count) => wire::api(200, &whole("", Some(count))),
    }
}

fn ended(begun: Reply, count: Option<Count>) -> Reply {
    let Some(count) = count else {
        return begun.and(wire::stopped());
    };
    let stop = chunk(&json!({ "index": 0, "delta": {}, "finish_reason": "stop" }));
    let mut last = chunk(&Value::Null);
    last["choices"] = json!([]);
    last["usage"] = usage(count);
    begun
        .chunk(&wire::event(&stop))
        .chunk(&wire::event(&last))
        .chunk("data: [DONE]\n\n")
        .end()
}

fn with_usage(delta: &Value, count: Count) -> Value {
    let mut chunk = chunk(&json!({ "index": 0, "delta": delta, "finish_reason": null }));
    chunk["usage"] = usage(count);
    chunk
}

fn chunk(choice: &Value) -> Value {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "cloud-model-2026",
        "choices": [choice],
    })
}

fn whole(text: &str, count: Option<Count>) -> Value {
    let mut answer = json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "cloud-model-2026",
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": text },
            "finish_reason": "stop",
        }],
    });
    if let Some(count) = count {
        answer["usage"] = usage(count);
    }
    answer
}

fn usage(count: Count) -> Value {
    json!({
        "prompt_tokens": count.read,
        "completion_tokens": count.wrote,
        "total_tokens": count.read + count.wrote,
        "prompt_tokens_details": { "cached_tokens": count.cached },
    })
}

fn ollama(act: Act) -> Reply {
    let mut done = wire::ollama_done("");
    match act {
        Act::Answers(count) => {
            let fields = done.as_object_mut().unwrap();
            fields.remove("prompt_eval_count");
            fields.remove("eval_count");
            if let Some(count) = count {
                fields.insert("prompt_eval_count".to_owned(), count.read.into());
                fields.insert("eval_count".to_owned(), count.wrote.into());
            }
            wire::ollama_said(&TEXT).chunk(&wire::line(&done)).end()
        }
        Act::Breaks(None) => wire::ollama_said(&TEXT[..BEGUN]),
        Act::Overloaded => wire::api(503, &json!({ "error": "No." })),
        Act::Breaks(Some(_)) | Act::Hangs | Act::SaysNothing(_) | Act::Silent | Act::Throttles => {
            panic!("the box does no such thing: {act:?}")
        }
    }
}
