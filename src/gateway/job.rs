//! What one request is, for everything that works on it.

use std::future::Future;
use std::rc::Rc;

use crate::config::settings::{StreamInside, Truncate, Watch};
use crate::config::{Config, Mode, Place, Target};
use crate::gateway::account::Account;
use crate::gateway::attempt::Staged;
use crate::gateway::door::Door;
use crate::gateway::isolate::Isolate;
use crate::openai::{ChatRequest, Delivery, UsageChunk};
use crate::platform::Platform;
use crate::policy::breaker::{Health, Permit};
use crate::policy::cost::Tariff;
use crate::policy::drill::{self, Drill};
use crate::policy::privacy::Ground;
use crate::provider::{Names, company};
use crate::stream::relay::Keep;

/// How a stream goes to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passing {
    /// Chunk by chunk, each looked at.
    Watched,
    /// By the runtime alone.
    Untouched,
}

/// One request on its way through the chain.
pub(super) struct Job<'a, W: Platform> {
    pub(super) world: &'a W,
    pub(super) isolate: &'a Rc<Isolate>,
    pub(super) config: &'a Config,
    pub(super) request: &'a ChatRequest<'a>,
    pub(super) id: &'a str,
    pub(super) started: u64,
    pub(super) deadline: u64,
    /// The caller's word on cutting, which can only be stricter than the target's.
    pub(super) truncate: Truncate,
    /// What becomes of an answer that breaks off.
    pub(super) mode: Mode,
    /// Why only targets at home may see it, where that is so.
    pub(super) private: Option<Ground>,
    /// The drill that it takes part in.
    pub(super) drill: Option<Drill>,
    pub(super) door: &'a Door<W>,
    pub(super) account: &'a Rc<Account>,
}

impl<W: Platform> Job<'_, W> {
    /// How a target is asked, which need not be how the caller is answered.
    pub(super) fn asking(&self, target: &Target) -> Delivery {
        let inside = match target.settings.stream_inside {
            StreamInside::AtHome => {
                target.place == Place::Home || target.provider.wholes() == Delivery::Streamed
            }
            StreamInside::Yes => true,
            StreamInside::No => false,
        };
        match self.request.delivery {
            Delivery::Whole if !inside => Delivery::Whole,
            Delivery::Streamed | Delivery::Whole => Delivery::Streamed,
        }
    }

    /// What the target asks for its work.
    pub(super) fn tariff(&self, target: &Target) -> Tariff {
        Tariff::of(self.config, target, self.request)
    }

    /// Whether the target has to tell what it used, so that the caller or the log can be told.
    pub(super) fn usage_told(&self, target: &Target) -> UsageChunk {
        match self.passing(target) {
            Passing::Untouched => self.request.usage_chunk,
            Passing::Watched => UsageChunk::Wanted,
        }
    }

    /// Whether a stream of the target's goes to the caller without being looked at.
    pub(super) fn passing(&self, target: &Target) -> Passing {
        let untouched = target.settings.watch == Watch::No
            && self.mode == Mode::Error
            && self.request.delivery == Delivery::Streamed
            && self.needs_no_other_words(target);
        if untouched {
            Passing::Untouched
        } else {
            Passing::Watched
        }
    }

    /// Whether a stream of the target's is what the caller should get, as far as can be told before: in
    /// OpenAI's dialect, with nothing to be put right that is needed, and every tool called by the
    /// caller's name.
    fn needs_no_other_words(&self, target: &Target) -> bool {
        let rule = target.provider.tool_names(target.company);
        target.provider.name() == company::DIALECT
            && target.company.answers_plainly()
            && rule.is_none_or(|rule| Names::of_tools(self.request, &rule).is_empty())
    }

    /// How a target fails in the drill that the request takes part in.
    pub(super) fn fault(&self, target: &Target) -> Option<drill::Fault> {
        self.drill.as_ref()?.fault(&target.name)
    }

    /// Whether a target is really sent what it is asked, and does not fail in a drill before.
    pub(super) fn is_sent(&self, target: &Target) -> bool {
        match self.fault(target) {
            None | Some(drill::Fault::Cut) => true,
            Some(drill::Fault::Overloaded | drill::Fault::Silence | drill::Fault::Throttled) => {
                false
            }
        }
    }

    /// Whether what becomes of a target is a drill's doing.
    pub(super) fn staged(&self, target: &Target) -> Staged {
        match self.fault(target) {
            Some(_) => Staged::Yes,
            None => Staged::No,
        }
    }

    /// Whether another target may have to go on with what is written.
    pub(super) fn keep(&self) -> Keep {
        match self.mode {
            Mode::Takeover if self.request.choices == 1 => Keep::Text,
            Mode::Error | Mode::Hold | Mode::Takeover => Keep::Nothing,
        }
    }

    /// Tells a target's breaker what a request told, and the other isolates after the answer, never
    /// before.
    ///
    /// A target that is asked twice in one request fails once.
    pub(super) fn tell_breaker(&self, target: &Target, permit: Permit, health: Health) {
        let again = health == Health::Failed && !self.account.fails_first(&target.name);
        // What a drill does says nothing of the target.
        let staged = self.staged(target) == Staged::Yes;
        let health = if again || staged {
            Health::Unknown
        } else {
            health
        };
        let (now, chance) = (self.world.now(), self.world.random());
        let told = self.isolate.record(target, permit, health, now, chance);
        super::tell_isolates(self.world, target, told);
    }

    /// Waits for work during which the caller hears nothing; a caller of a stream is told now and then
    /// that it is still worth waiting.
    pub(super) async fn waiting<T>(&self, work: impl Future<Output = T>) -> T {
        match self.request.delivery {
            Delivery::Streamed => self.door.waiting(self.config.heartbeat_ms, work).await,
            Delivery::Whole => work.await,
        }
    }
}
