//! The typed events of a streamed response, and what the caller is told of each.
//!
//! # What is not relied on
//!
//! `event:` lines, sequence numbers, a `[DONE]`, and that a server tells in pieces: one that gives an
//! item's text or arguments only when the item is done, or only in the last event, is understood too.
//! Events of other kinds mean nothing here, a `keepalive` for one.

use crate::openai::UsageChunk;
use crate::openai::json::Object;
use crate::provider::completion::{Called, Chunks};
use crate::provider::responses::answer::{self, EMPTY_LINE};
use crate::provider::responses::calls::Calls;
use crate::provider::responses::detail;
use crate::provider::responses::heard::{Heard, Kind, Place};
use crate::provider::responses::item::{Call, Item, Said, Thought};
use crate::provider::responses::piece::{self, Piece};
use crate::provider::responses::response::{Response, told_error};
use crate::provider::{Bearable, Event, Fault, Garbage, Names, Reading};
use crate::reason::Reason;
use crate::stream::sse::SseEvent;

/// How far the answer has come.
#[derive(Debug)]
pub(super) struct Answer {
    chunks: Chunks,
    names: Names,
    usage_chunk: UsageChunk,
    pub(super) stage: Stage,
    texts: Heard,
    thoughts: Heard,
    /// Which piece of which thought was told last.
    thinking: Option<Place>,
    calls: Calls,
    /// How many entries of `reasoning_details` there are.
    details: u64,
    pub(super) garbage: Garbage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing has been understood.
    Unbegun,
    /// An event has.
    Begun,
    /// The answer is whole or has failed: what follows means nothing.
    Over,
}

impl Answer {
    pub(super) fn new(ask: &Reading<'_>) -> Self {
        Self {
            chunks: Chunks::new(ask),
            names: ask.names.clone(),
            usage_chunk: ask.usage_chunk,
            stage: Stage::Unbegun,
            texts: Heard::default(),
            thoughts: Heard::default(),
            thinking: None,
            calls: Calls::default(),
            details: 0,
            garbage: Garbage::default(),
        }
    }

    /// Takes an event.
    pub(super) fn told(&mut self, event: &SseEvent<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        let data = event.data.trim();
        if self.stage == Stage::Over || data == "[DONE]" {
            return;
        }
        let event = Object::parse(data).unwrap_or_default();
        let Some(kind) = event.text("type") else {
            if event.present("error").is_some() {
                self.fail(told_error(&event), emit);
            } else if self.garbage.more() == Bearable::No {
                self.fail(Fault::known(Reason::NotAnApi), emit);
            }
            return;
        };
        self.garbage = Garbage::default();
        self.stage = Stage::Begun;
        self.event(&kind, &event, emit);
    }

    fn event(&mut self, kind: &str, event: &Object<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        match kind {
            "response.created" | "response.in_progress" | "response.queued" => {
                let response = Response(event.object("response").unwrap_or_default());
                response.sign(&mut self.chunks.letterhead);
            }
            "response.output_item.added" => {
                let item = event.object("item").unwrap_or_default();
                if let Item::Call(call) = Item::read(&item) {
                    self.begin(&call, event.number("output_index"), emit);
                }
            }
            "response.output_text.delta" => self.text(event, "delta", emit),
            "response.output_text.done" if self.texts.is_silent() => {
                self.text(event, "text", emit);
            }
            "response.refusal.delta" => self.refusal(event, "delta", emit),
            "response.refusal.done" if self.texts.is_silent() => {
                self.refusal(event, "refusal", emit);
            }
            "response.reasoning_summary_text.delta" => {
                self.think(Kind::Summary, event, "summary_index", emit);
            }
            "response.reasoning_text.delta" => {
                self.think(Kind::Words, event, "content_index", emit);
            }
            "response.function_call_arguments.delta" => {
                if let (Some(at), Some(json)) = (self.meant(event), event.spoken("delta")) {
                    self.argue(at, json, emit);
                }
            }
            "response.function_call_arguments.done" => {
                let at = self.meant(event).filter(|at| self.calls.is_untold(*at));
                if let (Some(at), Some(json)) = (at, event.spoken("arguments")) {
                    self.argue(at, json, emit);
                }
            }
            "response.output_item.done" => {
                let item = event.object("item").unwrap_or_default();
                let index = event.number("output_index");
                self.done(&Item::read(&item), index, emit);
            }
            "response.completed" => self.end("completed", event, emit),
            "response.incomplete" => self.end("incomplete", event, emit),
            "response.failed" => self.end("failed", event, emit),
            "response.cancelled" => self.end("cancelled", event, emit),
            "error" => self.fail(told_error(event), emit),
            _ => {}
        }
    }

    /// Tells the text in a member of an event.
    fn text(&mut self, event: &Object<'_>, name: &str, emit: &mut dyn FnMut(Event<'_>)) {
        if let Some(text) = event.spoken(name) {
            self.texts.more();
            self.tell(&Piece::Text(text, &event.objects("logprobs")), emit);
        }
    }

    fn refusal(&mut self, event: &Object<'_>, name: &str, emit: &mut dyn FnMut(Event<'_>)) {
        if let Some(text) = event.spoken(name) {
            self.texts.more();
            self.tell(&Piece::Refusal(text), emit);
        }
    }

    /// An item is done: what was not told of it in pieces is told now.
    fn done(&mut self, item: &Item<'_>, index: Option<u64>, emit: &mut dyn FnMut(Event<'_>)) {
        match item {
            Item::Call(call) => {
                let at = self.begin(call, index, emit);
                if self.calls.is_untold(at) && answer::arguments(call) != "\"\"" {
                    self.argue(at, answer::arguments(call), emit);
                }
            }
            Item::Message(said) if self.texts.settle() => self.say(said, emit),
            Item::Message(_) | Item::Other => {}
            Item::Reasoning(thought) => {
                if self.thoughts.settle() {
                    self.think_aloud(thought, emit);
                }
                self.seal(thought, emit);
            }
        }
    }

    fn say(&mut self, said: &Said<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        let mut tokens = said.logprobs.as_slice();
        for text in &said.texts {
            self.texts.more();
            self.tell(&Piece::Text(text, std::mem::take(&mut tokens)), emit);
        }
        for text in &said.refusals {
            self.texts.more();
            self.tell(&Piece::Refusal(text), emit);
        }
        self.texts.settle();
    }

    /// Tells a piece of a thought, with an empty line before each piece but the first.
    fn think(
        &mut self,
        kind: Kind,
        event: &Object<'_>,
        part: &str,
        emit: &mut dyn FnMut(Event<'_>),
    ) {
        let Some(text) = event.spoken("delta") else {
            return;
        };
        let place = (kind, event.number("output_index"), event.number(part));
        let goes_on = self.thinking.is_none_or(|last| last == place);
        self.thinking = Some(place);
        self.think_on(text, goes_on, emit);
    }

    fn think_aloud(&mut self, thought: &Thought<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        for text in thought.aloud() {
            self.think_on(text, self.thoughts.is_none(), emit);
        }
        self.thoughts.settle();
    }

    fn think_on(&mut self, text: &str, goes_on: bool, emit: &mut dyn FnMut(Event<'_>)) {
        self.thoughts.more();
        match text.strip_prefix('"').filter(|_| !goes_on) {
            Some(rest) => {
                let text = format!("\"{EMPTY_LINE}{rest}");
                self.tell(&Piece::Thought(&text), emit);
            }
            None => self.tell(&Piece::Thought(text), emit),
        }
    }

    fn seal(&mut self, thought: &Thought<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        let mut entries = Vec::new();
        self.details = detail::write_entries(&mut entries, thought, self.details);
        if !entries.is_empty() {
            let entries = String::from_utf8_lossy(&entries);
            self.tell(&Piece::Details(&entries), emit);
        }
    }

    /// The place of a call among the calls; one that is new is told.
    fn begin(
        &mut self,
        call: &Call<'_>,
        index: Option<u64>,
        emit: &mut dyn FnMut(Event<'_>),
    ) -> usize {
        if let Some(at) = self.calls.find(call, index) {
            return at;
        }
        let at = self.calls.len();
        let letterhead = &self.chunks.letterhead;
        let id = call
            .id
            .map_or_else(|| letterhead.call_id(at), str::to_owned);
        let name = self.names.callers(&call.name).to_owned();
        let piece = Piece::Call {
            at,
            id: &id,
            name: &name,
            arguments: "\"\"",
        };
        self.tell(&piece, emit);
        self.calls.add(&id, call, index);
        at
    }

    /// The call that an event about arguments means.
    fn meant(&self, event: &Object<'_>) -> Option<usize> {
        let item = event.text("item_id");
        self.calls
            .meant(event.number("output_index"), item.as_deref())
    }

    fn argue(&mut self, at: usize, json: &str, emit: &mut dyn FnMut(Event<'_>)) {
        self.calls.tell(at);
        self.tell(&Piece::Arguments { at, json }, emit);
    }

    fn end(&mut self, status: &str, event: &Object<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        let response = Response(event.object("response").unwrap_or_default());
        response.sign(&mut self.chunks.letterhead);
        if status != "failed" && status != "cancelled" {
            self.fill_in(&response, emit);
        }
        let ending = match response.ending(status, Called::after(self.calls.len())) {
            Ok(ending) => ending,
            Err(fault) => return self.fail(fault, emit),
        };
        let usage = response.usage();
        self.chunks.end(Some(ending), usage, emit);
        if let Some(usage) = usage.filter(|_| self.usage_chunk == UsageChunk::Wanted) {
            self.chunks.usage(usage, emit);
        }
        self.stage = Stage::Over;
        emit(Event::Done);
    }

    /// Tells what only the last event tells.
    fn fill_in(&mut self, response: &Response<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        let is_silent = self.texts.is_none();
        let is_thoughtless = self.thoughts.is_none() && self.details == 0;
        for (at, item) in (0..).zip(response.items()) {
            match &item {
                Item::Call(_) => self.done(&item, Some(at), emit),
                Item::Message(said) if is_silent => self.say(said, emit),
                Item::Reasoning(thought) if is_thoughtless => {
                    self.think_aloud(thought, emit);
                    self.seal(thought, emit);
                }
                Item::Message(_) | Item::Other | Item::Reasoning(_) => {}
            }
        }
    }

    fn tell(&mut self, piece: &Piece<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        piece::tell(piece, &mut self.chunks, emit);
    }

    /// Ends the answer with a fault, unless it has ended.
    pub(super) fn fail(&mut self, fault: Fault, emit: &mut dyn FnMut(Event<'_>)) {
        if self.stage != Stage::Over {
            self.stage = Stage::Over;
            emit(Event::Failed(fault));
        }
    }
}
