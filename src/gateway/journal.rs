//! One JSON log line per request: what was asked for, what was tried, who answered, what it used.
//!
//! **Invariant:** never a prompt, an answer or a key.

use crate::error::ErrorAnswer;
use crate::gateway::answer::{Disclosure, attempts_json};
use crate::openai::json::Writer;
use crate::openai::{Delivery, Finish, Usage};
use crate::platform::Platform;
use crate::stream::relay::Tally;

/// A request that was refused before any target was thought of.
pub(super) fn refused<W: Platform>(world: &W, id: &str, path: &str, error: &ErrorAnswer) {
    let mut line = Vec::with_capacity(256);
    let mut object = Writer::new(&mut line);
    object
        .text("event", "request")
        .text("id", id)
        .text("path", path.get(..LONGEST_PATH).unwrap_or(path))
        .text("outcome", "refused")
        .number("status", error.status.into());
    if let Some(code) = &error.code {
        object.text("code", code);
    }
    if let Some(param) = &error.param {
        object.text("param", param);
    }
    object.end();
    world.log(&String::from_utf8_lossy(&line));
}

/// How much of a path is logged, in bytes: paths are the caller's to choose.
const LONGEST_PATH: usize = 100;

/// What the log line says of a request before it is over.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    pub(super) id: String,
    pub(super) route: String,
    /// The name of the key's holder.
    pub(super) caller: Option<String>,
    pub(super) delivery: Delivery,
    pub(super) started: u64,
}

impl Journal {
    /// A whole answer.
    pub(super) fn whole<W: Platform>(
        &self,
        world: &W,
        disclosure: &Disclosure<'_>,
        finish: Option<Finish>,
        usage: Option<Usage>,
    ) {
        self.write(world, disclosure, "answered", 200, Tally { finish, usage });
    }

    /// No answer.
    pub(super) fn nobody<W: Platform>(&self, world: &W, disclosure: &Disclosure<'_>, status: u16) {
        self.write(world, disclosure, "failed", status, Tally::default());
    }

    /// A caller that left before there was an answer.
    pub(super) fn left<W: Platform>(&self, world: &W, disclosure: &Disclosure<'_>) {
        let status = super::CALLER_LEFT;
        self.write(world, disclosure, "caller_left", status, Tally::default());
    }

    /// A stream that has come to its end, in one way or another.
    pub(super) fn streamed<W: Platform>(
        &self,
        world: &W,
        disclosure: &Disclosure<'_>,
        outcome: &'static str,
        tally: Tally,
    ) {
        self.write(world, disclosure, outcome, 200, tally);
    }

    fn write<W: Platform>(
        &self,
        world: &W,
        disclosure: &Disclosure<'_>,
        outcome: &'static str,
        status: u16,
        tally: Tally,
    ) {
        let mut line = Vec::with_capacity(512);
        let mut object = Writer::new(&mut line);
        object
            .text("event", "request")
            .text("id", &self.id)
            .text("route", &self.route)
            .text("outcome", outcome)
            .number("status", status.into())
            .raw(
                "stream",
                match self.delivery {
                    Delivery::Streamed => "true",
                    Delivery::Whole => "false",
                },
            )
            .number("ms", world.now().saturating_sub(self.started));
        if let Some(caller) = &self.caller {
            object.text("caller", caller);
        }
        if let Some((target, model)) = disclosure.answered {
            object.text("target", target).text("model", model);
        }
        attempts_json(object.name("attempts"), disclosure.attempts);
        if let Some(finish) = tally.finish {
            object.text("finish_reason", finish.as_str());
        }
        if let Some(usage) = tally.usage {
            object
                .number("tokens_in", usage.prompt_tokens)
                .number("tokens_out", usage.completion_tokens);
        }
        if let Some(truncated) = disclosure.omitted.truncated {
            object
                .number("dropped_messages", truncated.messages.into())
                .number("dropped_tokens", truncated.tokens.into());
        }
        if !disclosure.omitted.dropped.is_empty() {
            object.text("dropped_fields", &disclosure.omitted.dropped.join(","));
        }
        object.end();
        world.log(&String::from_utf8_lossy(&line));
    }
}
