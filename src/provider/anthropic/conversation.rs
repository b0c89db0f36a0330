//! The conversation as Anthropic takes it: what the system says first, and what is said in turn.
//!
//! # What becomes of a message
//!
//! - Leading `system` and `developer` messages become the top-level `system`: one text, or blocks where one
//!   of them marks the cache.
//! - What the model thought goes back before what it said, and only beside something that it said.
//! - A message with nothing in it is left out: Anthropic refuses an empty text, and nothing was said.
//! - A result whose call is not in the turn before (it was cut away, or never was) is told as the user's
//!   text, with the tool's name: Anthropic refuses a result without its call.
//!
//! What stands where is decided in `place.rs`.

use std::borrow::Cow;

use crate::openai::json::{self, Writer};
use crate::openai::{Message, Role};
use crate::provider::anthropic::block::{self, Block, Voice, What, write_content};
use crate::provider::anthropic::place::{self, Said, Speaker, Turn};
use crate::provider::anthropic::thought::{Former, Thought};
use crate::provider::anthropic::{IDS, NAMES};
use crate::provider::portable::{self, turns};
use crate::provider::{Ask, Unsupported, UpstreamRequest};

/// What joins the texts of leading system messages.
const BETWEEN: &str = "\\n\\n";

/// What says of a message, or of its last block, that the prompt is to be cached up to there.
const MARK: &str = "cache_control";

/// What the user says after a message that the model is to go on with, where the model cannot be made to
/// do so by ending the conversation with it.
const GO_ON: &str = "Your message above is not complete. Write the rest of it, from exactly where it \
     stops. Do not repeat any of it, do not start over, do not comment.";

/// A conversation.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    /// What the system says first: texts.
    pub(super) system: Vec<Block<'a>>,
    /// What is said in turn; never two turns of one speaker, and the first is the user's.
    pub(super) turns: Vec<Turn<'a>>,
}

/// What becomes of a conversation's last message where it is the model's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastWord {
    /// The model goes on with it.
    GoneOnWith,
    /// The user asks for the rest of it.
    Told,
}

/// Whether what the model thought is told it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replay {
    /// It is not: it is not to think.
    No,
    /// It is.
    Yes,
}

impl<'a> Conversation<'a> {
    /// Reads the conversation; what is not told of it is noted in `sent`.
    pub(super) fn read(ask: &Ask<'a>, sent: &mut UpstreamRequest) -> Result<Self, Unsupported> {
        let turns = turns(ask.messages, &IDS, &NAMES)?;
        let is_leading = |turn: &&portable::Turn<'_>| turn.message.role.is_systems();
        let leading = turns.iter().take_while(is_leading).count();
        let mut system = Vec::new();
        for turn in turns.iter().take(leading) {
            system.extend(texts(turn.message, sent)?);
        }
        let mut said = Vec::with_capacity(turns.len());
        for turn in turns.into_iter().skip(leading) {
            said.extend(say(turn, sent)?);
        }
        Ok(Self {
            system,
            turns: place::turns(said, ask.abilities),
        })
    }

    /// Sees to the end of a conversation whose last word is the model's own: what it is to go on with must
    /// not end in white space, and a model that cannot go on with it is asked to.
    pub(super) fn close(&mut self, last_word: LastWord) {
        let Some(turn) = self.turns.last_mut() else {
            return;
        };
        if turn.speaker != Speaker::Model {
            return;
        }
        let Some(What::Text(json)) = turn.blocks.last_mut().map(|block| &mut block.what) else {
            // A call without its result: nothing that anybody says can stand here.
            return;
        };
        match last_word {
            LastWord::GoneOnWith => {
                if let Ok(text) = serde_json::from_str::<String>(json) {
                    let Block { what, .. } = Block::text(text.trim_end());
                    if let What::Text(trimmed) = what {
                        *json = trimmed;
                    }
                }
            }
            LastWord::Told => self.turns.push(Turn {
                speaker: Speaker::User,
                blocks: vec![Block::text(GO_ON)],
                results: 0,
            }),
        }
    }

    /// The names of the tools that were called, each once.
    pub(super) fn called(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for block in self.turns.iter().flat_map(|turn| &turn.blocks) {
            if let What::Call(call) = &block.what
                && !names.contains(&call.name.as_ref())
            {
                names.push(&call.name);
            }
        }
        names
    }

    /// Whether anything is there that the model thought.
    pub(super) fn remembers(&self) -> bool {
        let mut blocks = self.turns.iter().flat_map(|turn| &turn.blocks);
        blocks.any(Block::is_thought)
    }

    /// Whether the model is in the midst of calling tools, and did not think first.
    pub(super) fn is_thoughtless(&self) -> bool {
        let mut latest = self.turns.iter().rev();
        let ends_with_results = latest.next().is_some_and(|turn| turn.results > 0);
        let first = latest
            .find(|turn| turn.speaker == Speaker::Model)
            .and_then(|turn| turn.blocks.first());
        ends_with_results && first.is_some_and(|block| !block.is_thought())
    }

    /// Writes what the system says first, with a text of ours at its end; nothing where there is none.
    pub(super) fn write_system(&self, request: &mut Writer<'_>, ours: Option<&str>) {
        let ours = ours.map(Block::text);
        let blocks = || self.system.iter().chain(&ours);
        if blocks().next().is_none() {
            return;
        }
        if blocks().any(|block| block.cache_control.is_some()) {
            return write_content(request.name("system"), blocks());
        }
        let inner = |block: &'_ Block<'_>| match &block.what {
            What::Text(json) => json::inside(json).unwrap_or_default().to_owned(),
            What::Call(_)
            | What::Document(_)
            | What::Image(_)
            | What::Result { .. }
            | What::Thought(_) => String::new(),
        };
        let texts: Vec<String> = blocks().map(inner).collect();
        request.raw("system", &format!("\"{}\"", texts.join(BETWEEN)));
    }

    /// Writes what is said in turn.
    pub(super) fn write_turns(&self, out: &mut Vec<u8>, replay: Replay) {
        out.push(b'[');
        for (at, turn) in self.turns.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            let mut message = Writer::new(out);
            message.text("role", turn.speaker.as_str());
            let is_told = |block: &&Block<'_>| replay == Replay::Yes || !block.is_thought();
            write_content(message.name("content"), turn.blocks.iter().filter(is_told));
            message.end();
        }
        out.push(b']');
    }
}

/// The texts of a message of the system's.
fn texts<'a>(
    message: &'a Message<'a>,
    sent: &mut UpstreamRequest,
) -> Result<Vec<Block<'a>>, Unsupported> {
    portable::note_rest(message, &[MARK], sent);
    content(message, Voice::Own, sent)
}

/// The blocks of a message's content.
fn content<'a>(
    message: &'a Message<'a>,
    voice: Voice,
    sent: &mut UpstreamRequest,
) -> Result<Vec<Block<'a>>, Unsupported> {
    let content = message.content.as_deref();
    let mut blocks = content.map_or(Ok(Vec::new()), |raw| block::read(raw, voice, sent))?;
    if let (Some(mark), Some(last)) = (message.fields.present(MARK), blocks.last_mut()) {
        last.cache_control = Some(mark);
    }
    Ok(blocks)
}

/// What a message says; nothing where it is empty.
fn say<'a>(
    turn: portable::Turn<'a>,
    sent: &mut UpstreamRequest,
) -> Result<Option<Said<'a>>, Unsupported> {
    let message = turn.message;
    let said = match message.role {
        Role::Developer | Role::System => Said::Blocks(Speaker::System, texts(message, sent)?),
        Role::User => {
            portable::note_rest(message, &[MARK], sent);
            Said::Blocks(Speaker::User, content(message, Voice::Outer, sent)?)
        }
        Role::Assistant => Said::Blocks(Speaker::Model, own(turn, sent)?),
        Role::Tool => {
            portable::note_rest(message, &[MARK, "name", "tool_call_id"], sent);
            let mut blocks = content(message, Voice::Outer, sent)?;
            // Marks within a result are not allowed, only on it.
            let marks = blocks.iter_mut().filter_map(|it| it.cache_control.take());
            let cache_control = marks.last();
            let (id, name) = turn.answers.map_or((Cow::Borrowed(""), None), |answers| {
                (answers.id, answers.name)
            });
            Said::Result {
                id,
                name: name.or_else(|| message.fields.text("name")),
                blocks,
                cache_control,
            }
        }
        Role::Function => return Err(Unsupported("messages.role")),
    };
    let is_empty = matches!(&said, Said::Blocks(_, blocks) if blocks.is_empty());
    Ok((!is_empty).then_some(said))
}

/// What the model said, with what it thought before, and the tools that it called.
fn own<'a>(
    turn: portable::Turn<'a>,
    sent: &mut UpstreamRequest,
) -> Result<Vec<Block<'a>>, Unsupported> {
    let message = turn.message;
    portable::refuse_foreign(message)?;
    let mut said = content(message, Voice::Own, sent)?;
    if let Some(refusal) = message.fields.raw("refusal")
        && refusal.get().starts_with('"')
        && !block::is_blank(refusal)
    {
        said.push(Block::plain(What::Text(Cow::Borrowed(refusal.get()))));
    }
    for call in &turn.calls {
        call.object()?;
    }
    portable::note_signatures(&turn.calls, sent);
    let calls = turn.calls.into_iter().map(What::Call).map(Block::plain);
    said.extend(calls);
    let former = if said.is_empty() {
        Former::default()
    } else {
        Former::of(&message.fields)
    };
    let mut told = vec![MARK, "refusal", "tool_calls"];
    told.extend(former.told());
    portable::note_rest(message, &told, sent);
    let thought = |thought: Thought<'a>| Block::plain(What::Thought(thought));
    let mut blocks: Vec<_> = former.thoughts.into_iter().map(thought).collect();
    blocks.append(&mut said);
    Ok(blocks)
}
