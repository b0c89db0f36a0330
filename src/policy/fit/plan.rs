//! The plan of a cut, decided from costs, and its carrying out.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::openai::Message;
use crate::policy::fit::shrink::{self, NOTE, Shrunk, Texts};
use crate::policy::fit::talk::Talk;
use crate::policy::fit::text::{self, EARLIER, Side};
use crate::policy::fit::turns::{Turn, Unit};
use crate::policy::fit::{Fitted, Truncated, grid, size};

/// What becomes of each message of a conversation; of those not named, nothing.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    dropped: Vec<Unit>,
    replaced: BTreeMap<usize, Message<'a>>,
    notes: Vec<(usize, Side, &'static str)>,
}

/// Decides what goes so that the rest costs no more than `room`; `None` when it cannot.
pub(super) fn plan<'a>(talk: &Talk<'_, 'a>, room: u32, step: u64) -> Option<Plan<'a>> {
    let turns = &talk.turns;
    let groups: Vec<Unit> = turns
        .preamble
        .iter()
        .cloned()
        .chain(turns.middle.iter().map(Turn::span))
        .collect();
    let newest_cost = talk.cost(&turns.newest.span());
    let first_cost = turns
        .first
        .as_ref()
        .map_or(0, |first| talk.cost(&first.span()));

    if let Some(room) = room.checked_sub(first_cost)
        && newest_cost <= room
        && talk.too_many(&groups, newest_cost, room) == 0
    {
        return Some(Plan::default());
    }

    let room = room.checked_sub(2 * NOTE)?;
    let besides_newest = room.saturating_sub(newest_cost);
    for (most_of_first, texts) in [
        (room / 2, Texts::Whole),
        (room / 4, Texts::Whole),
        (besides_newest, Texts::Whole),
        (room / 4, Texts::Cut),
        (room / 2, Texts::Cut),
        (room - room / 4, Texts::Cut),
    ] {
        let first = match &turns.first {
            Some(first) => shrink::old_turn(talk, first, most_of_first, step / 2),
            None => Some(Shrunk::default()),
        };
        let Some(first) = first else { continue };
        let Some(room) = room.checked_sub(first.cost) else {
            continue;
        };
        let Some(newest) = shrink::turn(talk, &turns.newest, room, texts, step) else {
            continue;
        };
        if !newest.is_whole() {
            let gone = groups.len();
            return Some(Plan::of(talk, vec![first, newest], groups, gone));
        }
        let bytes: Vec<u64> = groups.iter().map(|group| talk.bytes(group)).collect();
        let gone = grid::cut(&bytes, talk.too_many(&groups, newest.cost, room), step);
        return Some(
            match last_kept_in_part(talk, &groups, gone, (newest.cost, room), step) {
                Some(part) => Plan::of(talk, vec![first, part, newest], groups, gone - 1),
                None => Plan::of(talk, vec![first, newest], groups, gone),
            },
        );
    }
    None
}

/// The last of the first `gone` groups without its oldest rounds, where that is a turn of more than
/// half the `room`: without it, most of the room could be left unused and nothing be known of a
/// long work. After the groups come `after` tokens.
fn last_kept_in_part<'a>(
    talk: &Talk<'_, 'a>,
    groups: &[Unit],
    gone: usize,
    (after, room): (u32, u32),
    step: u64,
) -> Option<Shrunk<'a>> {
    let at = gone.checked_sub(1 + talk.turns.preamble.len())?;
    let turn = talk.turns.middle.get(at)?;
    let kept: u32 = groups.iter().skip(gone).map(|group| talk.cost(group)).sum();
    let is_long = talk.cost(&turn.span()) > room / 2;
    let left = room.checked_sub(after + kept)?;
    is_long.then(|| shrink::turn(talk, turn, left, Texts::Whole, step))?
}

impl<'a> Plan<'a> {
    /// What was `shrunk` as it then is, and nothing of the first `gone` of the groups.
    fn of(
        talk: &Talk<'_, 'a>,
        shrunk: Vec<Shrunk<'a>>,
        mut groups: Vec<Unit>,
        gone: usize,
    ) -> Self {
        let turns = &talk.turns;
        let mut plan = Self::default();
        let middle_gone = gone.saturating_sub(turns.preamble.len());
        let after_preamble = turns.first.as_ref().unwrap_or(&turns.newest);
        let after_middle = turns.middle.get(middle_gone).unwrap_or(&turns.newest);
        for (dropped, next) in [
            (gone.min(turns.preamble.len()), after_preamble),
            (middle_gone, after_middle),
        ] {
            if dropped > 0
                && let Some(at) = next
                    .front
                    .as_ref()
                    .and_then(|unit| shrink::user_in(talk, unit))
            {
                plan.notes.push((at, Side::Before, EARLIER));
            }
        }
        groups.truncate(gone);
        plan.dropped = groups;
        for part in shrunk {
            plan.dropped.extend(part.dropped);
            plan.replaced.extend(part.replaced);
            plan.notes.extend(part.notes);
        }
        plan
    }

    /// Makes the messages; `None` when they turn out to cost more than `limit`.
    pub(super) fn carry_out(mut self, talk: &Talk<'_, 'a>, limit: u32) -> Option<Sent<'a>> {
        let mut goes = vec![false; talk.len()];
        for unit in &self.dropped {
            if let Some(places) = goes.get_mut(unit.clone()) {
                places.fill(true);
            }
        }
        let mut sent = Sent::default();
        for (at, (original, goes)) in talk.originals().zip(goes).enumerate() {
            let before = size::bytes(original, usize::MAX);
            if goes && !original.role.is_systems() {
                sent.changed += 1;
                sent.bytes_out += before;
                continue;
            }
            let mut message = match self.replaced.remove(&at) {
                Some(new) => Cow::Owned(new),
                None => talk.message(at)?,
            };
            if let Cow::Owned(short) = &message {
                sent.changed += 1;
                sent.bytes_out += before.saturating_sub(size::bytes(short, usize::MAX));
            }
            for (_, side, note) in self.notes.iter().filter(|(place, ..)| *place == at) {
                message = Cow::Owned(text::noted(&message, *side, note));
            }
            let left = limit.checked_sub(sent.tokens)?;
            sent.tokens += match &message {
                Cow::Borrowed(_) => Some(talk.cost_at(at)).filter(|cost| *cost <= left),
                Cow::Owned(message) => size::message(message, talk.meter, left),
            }?;
            sent.bytes += size::bytes(&message, usize::MAX);
            sent.messages.push(message.into_owned());
        }
        Some(sent)
    }
}

/// A plan carried out.
#[derive(Debug, Default)]
pub(super) struct Sent<'a> {
    pub(super) messages: Vec<Message<'a>>,
    tokens: u32,
    bytes: u64,
    /// How many messages were dropped or shortened, and by how many bytes in all.
    changed: u32,
    bytes_out: u64,
}

impl<'a> Sent<'a> {
    /// What became of the conversation, around which `around` tokens stand.
    pub(super) fn told(self, around: u32) -> Fitted<'a> {
        let counted = around + self.tokens;
        if self.changed == 0 {
            return Fitted::Whole {
                counted: Some(counted),
            };
        }
        let tokens = self.bytes_out * u64::from(self.tokens) / self.bytes.max(1);
        Fitted::Cut {
            messages: self.messages,
            counted: Some(counted),
            truncated: Truncated {
                messages: self.changed,
                tokens: u32::try_from(tokens).unwrap_or(u32::MAX).max(1),
            },
        }
    }
}
