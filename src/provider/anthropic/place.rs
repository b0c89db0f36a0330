//! Who speaks when: Anthropic's rules for the order of what is said.
//!
//! - What one speaker says in a row is one turn; the API would put it together itself.
//! - The results of a turn's calls stand first in the next turn, which is the user's. A result without its
//!   call there is told as text.
//! - The first turn is the user's. Where it would be the model's, one of ours stands before it.
//! - Only some models take instructions of the system's in the midst (`late_system`), and they only after a
//!   turn of the user's and before one of the model's, or at the end. Everywhere else such an instruction
//!   becomes the user's text between `<system>` and `</system>`, which tells it from the user's words.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::models::{Abilities, Ability, Known};
use crate::openai::json;
use crate::provider::anthropic::block::{Block, What};
use crate::provider::portable::{self, GO_AHEAD, OPENING};

/// Who speaks, in Anthropic's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    Model,
    System,
    User,
}

impl Speaker {
    /// The word on the wire.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "assistant",
            Self::System => "system",
            Self::User => "user",
        }
    }
}

/// What one message says.
#[derive(Debug)]
pub(super) enum Said<'a> {
    /// Blocks, at least one.
    Blocks(Speaker, Vec<Block<'a>>),
    /// What a tool gave.
    Result {
        /// Its call's id.
        id: Cow<'a, str>,
        /// The tool's name, where it is known.
        name: Option<Cow<'a, str>>,
        /// What it is made of.
        blocks: Vec<Block<'a>>,
        /// What it says of the prompt's cache.
        cache_control: Option<&'a RawValue>,
    },
}

/// What one speaker says in a row.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    /// Who speaks.
    pub(super) speaker: Speaker,
    /// What is said; never nothing.
    pub(super) blocks: Vec<Block<'a>>,
    /// How many of them are results, which stand first.
    pub(super) results: usize,
}

/// Puts what is said in turns.
pub(super) fn turns(said: Vec<Said<'_>>, abilities: Abilities) -> Vec<Turn<'_>> {
    let followers = followers(&said);
    let mut turns = Turns::default();
    for (said, next) in said.into_iter().zip(followers) {
        match said {
            Said::Blocks(Speaker::System, blocks) => {
                let before = turns.done.last().map(|turn| turn.speaker);
                let fits = matches!(next, Follower::Model | Follower::Nobody)
                    && matches!(before, Some(Speaker::User | Speaker::System))
                    && abilities.of(Ability::LateSystem) == Known::Yes;
                if fits {
                    turns.add(Speaker::System, blocks);
                } else {
                    turns.add(Speaker::User, blocks.into_iter().map(marked).collect());
                }
            }
            Said::Blocks(speaker, blocks) => turns.add(speaker, blocks),
            Said::Result {
                id,
                name,
                blocks,
                cache_control,
            } => {
                if turns.waits_for(&id) {
                    turns.answer(Block {
                        what: What::Result {
                            id,
                            content: blocks,
                        },
                        cache_control,
                    });
                } else {
                    turns.add(
                        Speaker::User,
                        orphan(name.as_deref(), blocks, cache_control),
                    );
                }
            }
        }
    }
    turns.done.splice(0..0, opening(turns.done.first()));
    turns.done
}

/// Who speaks after a message, the system aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follower {
    Model,
    Nobody,
    /// The user, or a tool.
    Outer,
}

/// Who speaks after each message.
fn followers(said: &[Said<'_>]) -> Vec<Follower> {
    let mut next = Follower::Nobody;
    let follower = |said: &Said<'_>| {
        let here = next;
        next = match said {
            Said::Blocks(Speaker::System, _) => here,
            Said::Blocks(Speaker::Model, _) => Follower::Model,
            Said::Blocks(Speaker::User, _) | Said::Result { .. } => Follower::Outer,
        };
        here
    };
    let mut followers: Vec<_> = said.iter().rev().map(follower).collect();
    followers.reverse();
    followers
}

/// The turn before the first one, where that is not the user's.
fn opening<'a>(first: Option<&Turn<'a>>) -> Option<Turn<'a>> {
    let words = match first.map(|turn| turn.speaker) {
        Some(Speaker::User) => return None,
        Some(Speaker::Model | Speaker::System) => OPENING,
        None => GO_AHEAD,
    };
    Some(Turn {
        speaker: Speaker::User,
        blocks: vec![Block::text(words)],
        results: 0,
    })
}

/// An instruction as the user's text.
fn marked(mut block: Block<'_>) -> Block<'_> {
    if let What::Text(json) = &mut block.what
        && let Some(inner) = json::inside(json)
    {
        *json = Cow::Owned(format!("\"{}\"", portable::marked(inner)));
    }
    block
}

/// A result without its call, as the user's text.
fn orphan<'a>(
    name: Option<&str>,
    blocks: Vec<Block<'a>>,
    cache_control: Option<&'a RawValue>,
) -> Vec<Block<'a>> {
    let tool = match name {
        Some(name) => format!("The tool `{name}`"),
        None => "A tool".to_owned(),
    };
    let gave = if blocks.is_empty() {
        "gave nothing."
    } else {
        "gave this result:"
    };
    let mut told = vec![Block::text(&format!("{tool} {gave}"))];
    told.extend(blocks);
    if let Some(last) = told.last_mut() {
        last.cache_control = cache_control;
    }
    told
}

/// Turns that are being put together.
#[derive(Default)]
struct Turns<'a> {
    done: Vec<Turn<'a>>,
    /// The calls of the model's last turn that have no result yet.
    waiting: Vec<Cow<'a, str>>,
}

impl<'a> Turns<'a> {
    fn add(&mut self, speaker: Speaker, blocks: Vec<Block<'a>>) {
        let goes_on = self.done.last().is_some_and(|turn| turn.speaker == speaker);
        if speaker == Speaker::Model {
            if !goes_on {
                self.waiting.clear();
            }
            let called = blocks.iter().filter_map(|block| match &block.what {
                What::Call(call) => Some(call.id.clone()),
                What::Document(_)
                | What::Image(_)
                | What::Result { .. }
                | What::Text(_)
                | What::Thought(_) => None,
            });
            self.waiting.extend(called);
        }
        match self.done.last_mut() {
            Some(turn) if goes_on => turn.blocks.extend(blocks),
            _ => self.done.push(Turn {
                speaker,
                blocks,
                results: 0,
            }),
        }
    }

    /// Whether a result for this call can stand here. It is waited for no more.
    fn waits_for(&mut self, id: &str) -> bool {
        // After an instruction of the system's there is no turn of the user's to stand in.
        if self
            .done
            .last()
            .is_none_or(|turn| turn.speaker == Speaker::System)
        {
            return false;
        }
        let found = self.waiting.iter().position(|one| one == id);
        found.map(|at| self.waiting.swap_remove(at)).is_some()
    }

    /// Puts a result before whatever else the user says.
    fn answer(&mut self, result: Block<'a>) {
        match self.done.last_mut() {
            Some(turn) if turn.speaker == Speaker::User => {
                turn.blocks
                    .insert(turn.results.min(turn.blocks.len()), result);
                turn.results = turn.results.saturating_add(1);
            }
            _ => self.done.push(Turn {
                speaker: Speaker::User,
                blocks: vec![result],
                results: 1,
            }),
        }
    }
}
