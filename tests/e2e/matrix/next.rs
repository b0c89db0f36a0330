//! The target that takes over: it answers whatever it is asked.
//!
//! Asked to go on with an answer, it does so in one of the three ways in which models do, in turn from
//! cell to cell: it begins with the words that were quoted to it, it begins all over, or it goes on
//! right there.

use serde_json::Value;

use super::cell::Cell;
use super::dialect::{Answer, OPENAI};
use crate::upstream::{Reply, Seen};
use crate::wire;

/// How many characters a piece of its stream has: words are cut anywhere.
const PIECE: usize = 5;

/// What the next target of a cell answers.
pub(super) fn reply(cell: &Cell, seen: &Seen) -> Reply {
    let asked = seen.json();
    let whole = cell.place.text();
    let text = match GoOn::asked_for(&asked) {
        Some(go_on) => match Style::of(cell) {
            Style::Anchor => {
                let begun = go_on.partial.trim_end();
                go_on.anchor().to_owned() + rest(&whole, begun)
            }
            Style::Anew => whole,
            Style::Rest => rest(&whole, &go_on.partial).to_owned(),
        },
        None => whole,
    };
    let answer = cell.place.answer(&text);
    if asked["stream"] == true {
        stream(&cell.next(), &answer, &asked)
    } else {
        wire::api(200, &(OPENAI.whole)(&cell.next(), &answer))
    }
}

/// A request to go on with an answer that broke off.
pub(super) struct GoOn {
    /// The answer so far.
    pub(super) partial: String,
    /// What is to be done with it; it quotes the last words.
    pub(super) instruction: String,
}

impl GoOn {
    /// What a request asks to go on with: its last message but one is an assistant's text, the last
    /// one a user's instruction.
    pub(super) fn asked_for(request: &Value) -> Option<Self> {
        let [.., partial, instruction] = request["messages"].as_array()?.as_slice() else {
            return None;
        };
        let said = |message: &Value, role: &str| {
            let text = message["content"].as_str().filter(|text| !text.is_empty());
            text.filter(|_| message["role"] == role).map(str::to_owned)
        };
        Some(Self {
            partial: said(partial, "assistant")?,
            instruction: said(instruction, "user")?,
        })
    }

    /// The last words of the answer so far that the instruction quotes; nothing if it quotes none.
    pub(super) fn anchor(&self) -> &str {
        let begun = self.partial.trim_end();
        let mut tails = begun.char_indices().map(|(at, _)| begun.split_at(at).1);
        let quoted = tails.find(|tail| self.instruction.contains(tail));
        quoted.unwrap_or_default()
    }
}

/// How a model goes on.
enum Style {
    /// With the quoted words first.
    Anchor,
    /// From the beginning.
    Anew,
    /// With what comes next.
    Rest,
}

impl Style {
    fn of(cell: &Cell) -> Self {
        match cell.number % 3 {
            0 => Self::Anchor,
            1 => Self::Anew,
            _ => Self::Rest,
        }
    }
}

/// What comes after `begun`; all of it, should the gateway have told of words that nobody said.
fn rest<'a>(whole: &'a str, begun: &str) -> &'a str {
    whole.strip_prefix(begun).unwrap_or(whole)
}

fn stream(who: &str, answer: &Answer<'_>, asked: &Value) -> Reply {
    let letters: Vec<char> = answer.text.chars().collect();
    let pieces = letters.chunks(PIECE).map(String::from_iter);
    let said = pieces.fold((OPENAI.begin)(who), |reply, piece| {
        reply.chunk(&(OPENAI.text)(who, &piece))
    });
    let calls = answer.calls.iter().enumerate();
    let called = calls.fold(said, |reply, (at, call)| {
        let [first, second] = (OPENAI.call)(who, at, call);
        reply.chunk(&first).chunk(&second)
    });
    let finished = called.chunk(&(OPENAI.finish)(who, answer.finish()));
    let counts = asked["stream_options"]["include_usage"] == true;
    let terminal = if counts {
        (OPENAI.terminal)(who)
    } else {
        "data: [DONE]\n\n".to_owned()
    };
    finished.chunk(&terminal).end()
}
