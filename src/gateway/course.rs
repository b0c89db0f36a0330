//! Which target is asked when: in the route's order first, and then those once more that may do better.
//!
//! # Why a small window waits
//!
//! A conversation that is too long for a target would have to be cut for it, while another may take it
//! whole. So those with a larger window are asked first, and the small ones, with the conversation cut,
//! when nobody else is left: a light that is small is better than none.

use std::collections::VecDeque;

use crate::config::{Place, Target};
use crate::gateway::hold::Patience;
use crate::gateway::job::Job;
use crate::gateway::leave;
use crate::gateway::open::Heard;
use crate::gateway::shape::Cutting;
use crate::platform::Platform;
use crate::reason::Reason;

/// Which target is asked when.
pub(super) struct Course {
    /// Those to be asked, in order.
    pub(super) queue: VecDeque<usize>,
    /// Those that the conversation has to be cut for, to be asked when nobody else is left.
    small: VecDeque<usize>,
    /// All that ever stood there.
    put_off: Vec<usize>,
    /// Those that broke, to be asked once more when nobody else is left.
    again: VecDeque<usize>,
    /// Those whose boxes were busy, to be waited for when nobody else is left.
    busy: Vec<usize>,
    /// Those whose boxes were busy and that were passed over because another box came next.
    passed: Vec<usize>,
    /// The boxes that were waited for.
    waited: Vec<String>,
    /// Those that have been given their second chance.
    spent: Vec<usize>,
    rounds: Rounds,
}

/// How often the order is gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rounds {
    First,
    Second,
}

/// Whose turn it is.
pub(super) enum Turn {
    /// This target's; how long it is waited for where its box is busy.
    One(usize, Patience),
    /// The first of these that has a free slot at its box.
    AnyOf(Vec<usize>, Patience),
}

impl Course {
    pub(super) fn new(order: &[usize]) -> Self {
        Self {
            queue: order.iter().copied().collect(),
            small: VecDeque::new(),
            put_off: Vec::new(),
            again: VecDeque::new(),
            busy: Vec::new(),
            passed: Vec::new(),
            waited: Vec::new(),
            spent: Vec::new(),
            rounds: Rounds::First,
        }
    }

    /// Whether the order may be gone through again. Targets that all break an answer would be asked for
    /// ever otherwise.
    pub(super) fn begins_anew(&mut self) -> bool {
        self.put_off.clear();
        std::mem::replace(&mut self.rounds, Rounds::Second) == Rounds::First
    }

    pub(super) fn next<W: Platform>(&mut self, job: &Job<'_, W>) -> Option<Turn> {
        let next = self
            .queue
            .pop_front()
            .or_else(|| self.small.pop_front())
            .or_else(|| self.again.pop_front());
        let Some(at) = next else {
            let mut busy = std::mem::take(&mut self.busy);
            busy.append(&mut self.passed);
            return (!busy.is_empty()).then_some(Turn::AnyOf(busy, Patience::Long));
        };
        // Where another box comes next, that one may be free.
        let name_of = |at: usize| {
            let target = job.config.targets.get(at)?;
            target.box_name.as_ref().filter(|_| job.is_sent(target))
        };
        let next = self.queue.front().and_then(|next| name_of(*next));
        let here = name_of(at);
        // And nobody waits twice in a row for the same.
        let waited = here.is_some_and(|name| self.waited.contains(name));
        if waited || here.is_some() && next.is_some() && next != here {
            return Some(Turn::One(at, Patience::None));
        }
        // Who has nobody else can as well wait at once.
        let others = [&self.queue, &self.small, &self.again];
        let alone = others.iter().all(|list| list.is_empty()) && self.busy.is_empty();
        let patience = if alone {
            Patience::Long
        } else {
            Patience::Usual
        };
        if here.is_none() || self.passed.is_empty() {
            return Some(Turn::One(at, patience));
        }
        let mut boxes = std::mem::take(&mut self.passed);
        boxes.push(at);
        Some(Turn::AnyOf(boxes, patience))
    }

    /// When the conversation is cut for a target that it is too long for: later where one is still to be
    /// asked that may take it whole, as far as can be told. A cloud of whose window nothing is known may.
    pub(super) fn cutting<W: Platform>(&self, job: &Job<'_, W>, at: usize) -> Cutting {
        if self.put_off.contains(&at) {
            return Cutting::Now;
        }
        let target_at = |at: usize| job.config.targets.get(at);
        let window = |target: &Target| job.isolate.window(target, job.world.now());
        let here = target_at(at).and_then(window);
        let is_larger = |other: &Target| match (window(other), here) {
            (Some(there), Some(here)) => there > here,
            (None, _) => other.place == Place::Cloud,
            (Some(_), None) => false,
        };
        let mut others = self.queue.iter().filter_map(|other| target_at(*other));
        let is_there = others.any(|other| is_larger(other) && leave::refused(job, other).is_none());
        if is_there {
            Cutting::Later
        } else {
            Cutting::Now
        }
    }

    /// A target is too small for the conversation: it is asked when nobody else is left.
    pub(super) fn puts_off(&mut self, at: usize) {
        self.small.push_back(at);
        self.put_off.push(at);
    }

    /// Notes what a target had to say, where its box may have been busy or its window too small.
    pub(super) fn was<W: Platform>(
        &mut self,
        job: &Job<'_, W>,
        at: usize,
        patience: Patience,
        heard: &Heard<W>,
    ) {
        match heard {
            Heard::Busy => self.were_busy(job, &[at], patience),
            Heard::PutOff => self.puts_off(at),
            Heard::Answer(_) | Heard::CallerLeft | Heard::Nothing | Heard::Refusal => {}
        }
    }

    /// Notes that boxes were busy, and how long they were waited for.
    pub(super) fn were_busy<W: Platform>(
        &mut self,
        job: &Job<'_, W>,
        boxes: &[usize],
        patience: Patience,
    ) {
        let list = match patience {
            Patience::None => &mut self.passed,
            Patience::Usual => &mut self.busy,
            Patience::Long => return,
        };
        for at in boxes {
            if !list.contains(at) {
                list.push(*at);
            }
        }
        if patience == Patience::Usual {
            let names = boxes.iter().filter_map(|at| job.config.targets.get(*at));
            self.waited
                .extend(names.filter_map(|target| target.box_name.clone()));
        }
    }

    /// A target broke: it is asked once more, at once where all that was wrong is how it went on, else
    /// when nobody else is left.
    pub(super) fn broke(&mut self, at: usize, reason: Reason) {
        if self.spent.contains(&at) {
            return;
        }
        self.spent.push(at);
        if reason == Reason::NoSplice {
            self.queue.push_front(at);
        } else {
            self.again.push_back(at);
        }
    }
}
