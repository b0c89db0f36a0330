//! What is said in one turn of the conversation: the same at every company, in its own bytes.

use serde_json::{Value, json};

/// What every scripted company says that was used, in all.
pub(super) const TOKENS: u64 = 13;

/// The kinds of turns, in the order in which they follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One call, and no text.
    Call,
    /// Text, and two calls at once.
    Calls,
    /// A call without arguments.
    Bare,
    /// Text only.
    Text,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Call, Self::Calls, Self::Bare, Self::Text];

    /// What is said in a turn of this kind; the calls are told apart by a number of their own, which
    /// begins with `first`.
    pub(super) fn said(self, first: usize) -> Said {
        let weather = |number| Call {
            number,
            name: "weather",
            arguments: json!({ "city": format!("Oslo {number}") }),
        };
        let now = Call {
            number: first,
            name: "now",
            arguments: json!({}),
        };
        let (text, calls) = match self {
            Self::Call => ("", vec![weather(first)]),
            Self::Calls => ("I look at both.", vec![weather(first), weather(first + 1)]),
            Self::Bare => ("", vec![now]),
            Self::Text => ("It is fine weather.", Vec::new()),
        };
        Said { text, calls }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Said {
    /// Its text; empty where there is none.
    pub(super) text: &'static str,
    pub(super) calls: Vec<Call>,
}

/// A call of a tool.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Its number in the conversation, which its id is made from.
    pub(super) number: usize,
    pub(super) name: &'static str,
    /// An object.
    pub(super) arguments: Value,
}

impl Call {
    /// The arguments as the JSON text that OpenAI's form has.
    pub(super) fn text(&self) -> String {
        self.arguments.to_string()
    }

    /// That text in two pieces.
    pub(super) fn pieces(&self) -> [String; 2] {
        let text = self.text();
        let (head, tail) = text.split_at(text.len() / 2);
        [head.to_owned(), tail.to_owned()]
    }
}

impl Said {
    /// What a caller has to have read.
    pub(super) fn expected(&self) -> Value {
        let calls = self.calls.iter();
        let calls = calls.map(|call| json!({ "name": call.name, "arguments": call.arguments }));
        json!({ "text": self.text, "calls": calls.collect::<Vec<_>>() })
    }

    /// The answer as a fixture of aimock.
    pub(super) fn fixture(&self) -> Value {
        let mut fixture = json!({});
        if !self.text.is_empty() {
            fixture["content"] = self.text.into();
        }
        if !self.calls.is_empty() {
            fixture["toolCalls"] = self.expected()["calls"].clone();
        }
        fixture
    }
}
