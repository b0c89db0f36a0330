//! A conversation on its way into a window: what each stretch of it costs, counted when asked.
//!
//! # Why lazily
//!
//! Counting is what fitting costs. A stretch is counted from its newest message backwards and no
//! further than the window goes, and each message once; so a long conversation costs what its
//! window costs.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

use crate::openai::{ChatRequest, Message, Role};
use crate::policy::fit::meter::Meter;
use crate::policy::fit::turns::{self, Turns, Unit};
use crate::policy::fit::{size, text};

/// A conversation that is too large as it is.
///
/// Results of tools from before the newest round are taken in their short form throughout.
#[derive(Debug)]
pub(super) struct Talk<'r, 'a> {
    entries: Vec<Entry<'r, 'a>>,
    /// The conversation, taken apart.
    pub(super) turns: Turns,
    /// How its texts are measured.
    pub(super) meter: Meter,
    /// Costs above this are not told apart.
    limit: u32,
    /// The longest text that an old result of a tool keeps, in bytes.
    longest_result: usize,
}

#[derive(Debug)]
struct Entry<'r, 'a> {
    message: &'r Message<'a>,
    kind: Kind,
    cost: OnceCell<u32>,
    short: OnceCell<Option<Message<'a>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Stays in its place and is never cut.
    System,
    /// The result of a tool, from before the newest round.
    OldResult,
    /// Anything else.
    Spoken,
}

impl<'r, 'a> Talk<'r, 'a> {
    /// Takes the messages of `request` apart, for a window of which `limit` tokens are free for them.
    pub(super) fn new(
        request: &'r ChatRequest<'a>,
        meter: Meter,
        limit: u32,
        longest_result: usize,
    ) -> Self {
        let messages = &request.messages;
        let turns = turns::turns(messages, request.ours_from);
        let callers = |unit: &&Unit| request.ours_from.is_none_or(|from| unit.start < from);
        let newest = turns.newest.rounds.iter().rev().find(callers);
        let newest = newest.or(turns.newest.front.as_ref());
        let newest = newest.map_or(0, |unit| unit.start);
        let entry = |(at, message): (usize, &'r Message<'a>)| Entry {
            message,
            kind: match message.role {
                Role::Developer | Role::System => Kind::System,
                Role::Function | Role::Tool if at < newest => Kind::OldResult,
                Role::Assistant | Role::Function | Role::Tool | Role::User => Kind::Spoken,
            },
            cost: OnceCell::new(),
            short: OnceCell::new(),
        };
        Self {
            entries: messages.iter().enumerate().map(entry).collect(),
            turns,
            meter,
            limit,
            longest_result,
        }
    }

    /// How many messages there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The messages as they came.
    pub(super) fn originals(&self) -> impl Iterator<Item = &'r Message<'a>> {
        self.entries.iter().map(|entry| entry.message)
    }

    /// The tokens of all messages as they are; `None` when they are over the limit.
    pub(super) fn whole(&self) -> Option<u32> {
        let mut total = self.system();
        for entry in self.entries.iter().rev() {
            let cost = match entry.kind {
                Kind::System => 0,
                Kind::Spoken => self.cost_of(entry),
                Kind::OldResult => size::message(entry.message, self.meter, self.limit)?,
            };
            total = total.saturating_add(cost);
            if total > self.limit {
                return None;
            }
        }
        Some(total)
    }

    /// The tokens of all system messages.
    pub(super) fn system(&self) -> u32 {
        let system = self
            .entries
            .iter()
            .filter(|entry| entry.kind == Kind::System);
        self.sum(system)
    }

    /// The tokens of a stretch, without its system messages.
    pub(super) fn cost(&self, stretch: &Range<usize>) -> u32 {
        self.sum(self.spoken(stretch).map(|(_, entry)| entry).rev())
    }

    /// The size of a stretch in bytes, roughly: it depends on its messages alone.
    pub(super) fn bytes(&self, stretch: &Range<usize>) -> u64 {
        self.spoken(stretch)
            .map(|(_, entry)| match entry.kind {
                Kind::OldResult => size::bytes(entry.message, self.longest_result),
                Kind::Spoken | Kind::System => size::bytes(entry.message, usize::MAX),
            })
            .sum()
    }

    /// How many of the oldest `groups` have to go so that the rest, after which `after` tokens
    /// follow, fits into `room`.
    ///
    /// A group counts as if its results were still uncut, where that was more than all that came
    /// after it: so the cut was made when it was the newest, and must not move back. That it would
    /// otherwise fit is worth no more than a quarter of the room.
    pub(super) fn too_many(&self, groups: &[Unit], after: u32, room: u32) -> usize {
        let mut kept = after;
        for (at, group) in groups.iter().enumerate().rev() {
            let uncut = self.shortened_by(group).min(room / 4);
            kept = kept.max(uncut).saturating_add(self.cost(group));
            if kept > room {
                return at + 1;
            }
        }
        0
    }

    /// How many more tokens a stretch had, roughly, before its results were shortened.
    fn shortened_by(&self, stretch: &Range<usize>) -> u32 {
        let old = self
            .spoken(stretch)
            .filter(|(_, entry)| entry.kind == Kind::OldResult);
        let bytes: u64 = old
            .map(|(_, entry)| {
                size::bytes(entry.message, usize::MAX)
                    - size::bytes(entry.message, self.longest_result)
            })
            .sum();
        u32::try_from(bytes / 4).unwrap_or(u32::MAX)
    }

    /// The messages of a unit, with their places, without those of the system.
    pub(super) fn messages(
        &self,
        unit: &Unit,
    ) -> impl DoubleEndedIterator<Item = (usize, &Message<'a>)> {
        self.spoken(unit).map(|(at, entry)| (at, self.sent(entry)))
    }

    /// The message at a place as it is sent: borrowed when as it came.
    pub(super) fn message(&self, at: usize) -> Option<Cow<'_, Message<'a>>> {
        let entry = self.entries.get(at)?;
        Some(match self.short(entry) {
            Some(short) => Cow::Owned(short.clone()),
            None => Cow::Borrowed(entry.message),
        })
    }

    /// The tokens of the message at a place as it is sent.
    pub(super) fn cost_at(&self, at: usize) -> u32 {
        self.entries.get(at).map_or(0, |entry| self.cost_of(entry))
    }

    fn spoken(
        &self,
        stretch: &Range<usize>,
    ) -> impl DoubleEndedIterator<Item = (usize, &Entry<'r, 'a>)> {
        let entries = self.entries.get(stretch.clone()).unwrap_or_default();
        let places = stretch.clone().zip(entries);
        places.filter(|(_, entry)| entry.kind != Kind::System)
    }

    fn sum<'e>(&self, entries: impl Iterator<Item = &'e Entry<'r, 'a>>) -> u32
    where
        'r: 'e,
        'a: 'e,
    {
        let mut total = 0_u32;
        for entry in entries {
            total = total.saturating_add(self.cost_of(entry));
            if total > self.limit {
                break;
            }
        }
        total
    }

    fn cost_of(&self, entry: &Entry<'_, 'a>) -> u32 {
        *entry.cost.get_or_init(|| {
            size::message(self.sent(entry), self.meter, self.limit)
                .unwrap_or(self.limit.saturating_add(1))
        })
    }

    fn sent<'e>(&self, entry: &'e Entry<'_, 'a>) -> &'e Message<'a> {
        self.short(entry).unwrap_or(entry.message)
    }

    fn short<'e>(&self, entry: &'e Entry<'_, 'a>) -> Option<&'e Message<'a>> {
        let short = || {
            text::rewrite(entry.message, &mut |text| {
                text::within_bytes(text, self.longest_result)
            })
        };
        match entry.kind {
            Kind::OldResult => entry.short.get_or_init(short).as_ref(),
            Kind::Spoken | Kind::System => None,
        }
    }
}
