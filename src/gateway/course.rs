//! Which target is asked when: in the route's order first, and then those once more that may do better.

use std::collections::VecDeque;

use crate::gateway::hold::Patience;
use crate::gateway::job::Job;
use crate::gateway::open::Heard;
use crate::platform::Platform;
use crate::reason::Reason;

/// Which target is asked when.
pub(super) struct Course {
    /// Those to be asked, in order.
    pub(super) queue: VecDeque<usize>,
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
        std::mem::replace(&mut self.rounds, Rounds::Second) == Rounds::First
    }

    pub(super) fn next<W: Platform>(&mut self, job: &Job<'_, W>) -> Option<Turn> {
        let Some(at) = self.queue.pop_front().or_else(|| self.again.pop_front()) else {
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
        let alone = self.queue.is_empty() && self.again.is_empty() && self.busy.is_empty();
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

    /// Notes what a target had to say, where its box may have been busy.
    pub(super) fn was<W: Platform>(
        &mut self,
        job: &Job<'_, W>,
        at: usize,
        patience: Patience,
        heard: &Heard<W>,
    ) {
        if matches!(heard, Heard::Busy) {
            self.were_busy(job, &[at], patience);
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
