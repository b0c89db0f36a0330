//! One JSON log line per request: what was asked for, what was tried, who answered, what it used.
//!
//! **Invariant:** never a prompt, an answer or a key.

use crate::error::ErrorAnswer;
use crate::gateway::answer::{Answer, AnswerBody, Disclosure, attempts_json};
use crate::gateway::spent::Bill;
use crate::openai::Delivery;
use crate::openai::json::Writer;
use crate::platform::Platform;
use crate::stream::relay::Tally;

/// Writes one line about something that happened: `write` adds what there is to tell.
pub(super) fn event<W: Platform>(world: &W, name: &str, write: impl FnOnce(&mut Writer<'_>)) {
    let mut line = Vec::with_capacity(512);
    let mut object = Writer::new(&mut line);
    object.text("event", name);
    write(&mut object);
    object.end();
    world.log(&String::from_utf8_lossy(&line));
}

/// A request that was refused before any target was thought of.
pub(super) fn refused<W: Platform>(world: &W, id: &str, path: &str, error: &ErrorAnswer) {
    event(world, "request", |line| {
        line.text("id", id)
            .text("path", path.get(..LONGEST_PATH).unwrap_or(path))
            .text("outcome", "refused")
            .number("status", error.status.into());
        if let Some(code) = &error.code {
            line.text("code", code);
        }
        if let Some(param) = &error.param {
            line.text("param", param);
        }
    });
}

/// How much of a path is logged, in bytes: paths are the caller's to choose.
const LONGEST_PATH: usize = 100;

/// The status for the log where the caller closed the connection, as nginx has it.
const CALLER_LEFT: u16 = 499;

/// What goes back to a caller that has left.
pub(super) fn nothing<S>() -> Answer<S> {
    Answer {
        status: CALLER_LEFT,
        headers: Vec::new(),
        body: AnswerBody::Empty,
    }
}

/// What the log line says of a request before it is over.
#[derive(Clone, Debug)]
pub(super) struct Journal<'a> {
    pub(super) id: &'a str,
    pub(super) route: &'a str,
    /// The route's targets, before anything was struck from them.
    pub(super) order: &'a [usize],
    /// The name of the key's holder.
    pub(super) caller: Option<&'a str>,
    pub(super) delivery: Delivery,
    pub(super) started: u64,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// With a whole answer.
    Answered,
    /// With an answer that broke off, and the caller was told so.
    Broke,
    /// With nobody there to hear it.
    CallerLeft,
    /// Without an answer: with an error of this status, in the stream where it had begun.
    Failed(u16),
}

impl Outcome {
    const fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Broke => "broke",
            Self::CallerLeft => "caller_left",
            Self::Failed(_) => "failed",
        }
    }

    pub(super) const fn status(self) -> u16 {
        match self {
            Self::Answered | Self::Broke => 200,
            Self::CallerLeft => CALLER_LEFT,
            Self::Failed(status) => status,
        }
    }
}

impl Journal<'_> {
    /// Writes the line.
    pub(super) fn write<W: Platform>(
        &self,
        world: &W,
        disclosure: &Disclosure<'_>,
        outcome: Outcome,
        tally: Tally,
    ) {
        event(world, "request", |line| {
            self.tell(line, disclosure, outcome, tally);
            line.number("ms", world.now().saturating_sub(self.started));
        });
    }

    fn tell(
        &self,
        object: &mut Writer<'_>,
        disclosure: &Disclosure<'_>,
        outcome: Outcome,
        tally: Tally,
    ) {
        object
            .text("id", self.id)
            .text("route", self.route)
            .text("outcome", outcome.label())
            .number("status", outcome.status().into())
            .raw(
                "stream",
                match self.delivery {
                    Delivery::Streamed => "true",
                    Delivery::Whole => "false",
                },
            );
        if let Some(caller) = self.caller {
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
        if let Some(drill) = disclosure.drill {
            object.text("drill", drill);
        }
        if let Some(ground) = disclosure.private {
            object.text("private", &ground.to_string());
        }
        if let Some(cost) = Bill::of(disclosure.spent).to_json() {
            object.raw("cost_usd", &cost);
        }
        if let Some(truncated) = disclosure.omitted.truncated {
            object
                .number("dropped_messages", truncated.messages.into())
                .number("dropped_tokens", truncated.tokens.into());
        }
        if !disclosure.omitted.dropped.is_empty() {
            object.text("dropped_fields", &disclosure.omitted.dropped.join(","));
        }
    }
}
