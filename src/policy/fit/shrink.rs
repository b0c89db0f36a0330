//! One turn made to fit: its oldest rounds go first, then its texts lose their middle.
//!
//! # Why half and half
//!
//! A message of the user's that takes more than half of the turn's room is cut to half as soon as
//! its turn does not fit, and not as much as the newest round happens to need: it stands at the
//! turn's start, and all that follows is read anew whenever it changes.

use crate::openai::{Message, Role};
use crate::policy::fit::grid;
use crate::policy::fit::size;
use crate::policy::fit::talk::Talk;
use crate::policy::fit::text::{self, EARLIER, STEPS, Side};
use crate::policy::fit::turns::{Turn, Unit};

/// More tokens than a note takes.
pub(super) const NOTE: u32 = 24;

/// The fewest tokens that a cut text is left with.
const SHORTEST: u32 = 48;

/// Whether texts may lose their middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Texts {
    Cut,
    Whole,
}

/// What becomes of a stretch of the conversation.
#[derive(Debug, Default)]
pub(super) struct Shrunk<'a> {
    /// What it then costs.
    pub(super) cost: u32,
    /// What goes.
    pub(super) dropped: Vec<Unit>,
    /// What is sent in place of the messages at these places.
    pub(super) replaced: Vec<(usize, Message<'a>)>,
    /// What is added to the messages at these places.
    pub(super) notes: Vec<(usize, Side, &'static str)>,
}

impl Shrunk<'_> {
    /// Whether nothing of the stretch was changed.
    pub(super) fn is_whole(&self) -> bool {
        self.dropped.is_empty() && self.replaced.is_empty()
    }
}

/// Makes `turn` cost no more than `most`; `None` when it cannot be.
///
/// The front and the last round stay, and texts are cut only in `Texts::Cut`. `step` is the grid's.
pub(super) fn turn<'a>(
    talk: &Talk<'_, 'a>,
    turn: &Turn,
    most: u32,
    texts: Texts,
    step: u64,
) -> Option<Shrunk<'a>> {
    let Some((last, earlier)) = turn.rounds.split_last() else {
        return unit(talk, turn.front.as_ref()?, most, texts);
    };
    let cost = talk.cost(&turn.span());
    if cost <= most {
        return Some(Shrunk {
            cost,
            ..Shrunk::default()
        });
    }
    let ends = |most_of_front| {
        let front = match &turn.front {
            Some(front) => unit(talk, front, most_of_front, texts)?,
            None => Shrunk::default(),
        };
        let room = most.checked_sub(front.cost + NOTE)?;
        Some((front, unit(talk, last, room, texts)?, room))
    };
    // Where half is too little for the front, or leaves too little for a round that cannot be cut.
    let besides_last = most.saturating_sub(NOTE + talk.cost(last));
    let less: &[u32] = match texts {
        Texts::Cut => &[besides_last, most / 4, most / 8],
        Texts::Whole => &[],
    };
    let (front, last, room) =
        ends(most / 2).or_else(|| less.iter().find_map(|less| ends(*less)))?;
    let gone = if last.is_whole() {
        let needed = talk.too_many(earlier, last.cost, room);
        let bytes: Vec<u64> = earlier.iter().map(|round| talk.bytes(round)).collect();
        grid::cut(&bytes, needed, step)
    } else {
        earlier.len()
    };
    let (dropped, kept) = earlier.split_at_checked(gone)?;
    let kept_cost: u32 = kept.iter().map(|round| talk.cost(round)).sum();
    let mut replaced = front.replaced;
    replaced.extend(last.replaced);
    Some(Shrunk {
        cost: front.cost + NOTE + last.cost + kept_cost,
        dropped: dropped.to_vec(),
        replaced,
        notes: match dropped {
            [] => Vec::new(),
            [..] => steps_note(talk, turn, gone).into_iter().collect(),
        },
    })
}

/// Like [`turn`], for a turn that was answered long ago: all of its rounds may go.
pub(super) fn old_turn<'a>(
    talk: &Talk<'_, 'a>,
    old: &Turn,
    most: u32,
    step: u64,
) -> Option<Shrunk<'a>> {
    turn(talk, old, most, Texts::Cut, step).or_else(|| {
        let front = unit(
            talk,
            old.front.as_ref()?,
            most.checked_sub(NOTE)?,
            Texts::Cut,
        )?;
        Some(Shrunk {
            cost: front.cost + NOTE,
            dropped: old.rounds.clone(),
            notes: steps_note(talk, old, old.rounds.len())
                .into_iter()
                .collect(),
            ..front
        })
    })
}

/// The place of the user's message in a unit.
pub(super) fn user_in(talk: &Talk<'_, '_>, unit: &Unit) -> Option<usize> {
    talk.messages(unit)
        .find(|(_, message)| message.role == Role::User)
        .map(|(at, _)| at)
}

/// Says that the first `gone` rounds of a turn are missing: behind its user message, or else in
/// front of what is kept.
fn steps_note(
    talk: &Talk<'_, '_>,
    turn: &Turn,
    gone: usize,
) -> Option<(usize, Side, &'static str)> {
    match &turn.front {
        Some(front) => Some((user_in(talk, front)?, Side::After, STEPS)),
        None => Some((turn.rounds.get(gone)?.start, Side::Before, EARLIER)),
    }
}

/// Makes one unit cost no more than `most`: its longest texts lose their middle.
fn unit<'a>(talk: &Talk<'_, 'a>, unit: &Unit, most: u32, texts: Texts) -> Option<Shrunk<'a>> {
    let cost = talk.cost(unit);
    if cost <= most {
        return Some(Shrunk {
            cost,
            ..Shrunk::default()
        });
    }
    if texts == Texts::Whole {
        return None;
    }
    let mut left = most;
    let mut sizes = Vec::new();
    for (_, message) in talk.messages(unit) {
        left -= size::without_texts(message, talk.meter, left)?;
        sizes.extend(size::texts(message, talk.meter, most));
    }
    let longest = level(sizes, left);
    if longest < SHORTEST {
        return None;
    }
    let mut cut = |text: &str| talk.meter.within(text, longest);
    let shorter = |(at, message)| Some((at, text::rewrite(message, &mut cut)?));
    Some(Shrunk {
        cost: most,
        replaced: talk.messages(unit).filter_map(shorter).collect(),
        ..Shrunk::default()
    })
}

/// The largest size to which all larger ones can be cut so that together they are no more than
/// `room`.
fn level(mut sizes: Vec<u32>, room: u32) -> u32 {
    sizes.sort_unstable();
    let mut left = room;
    for (size, others) in sizes.iter().zip((1..=sizes.len()).rev()) {
        let even = u32::try_from(others).map_or(0, |others| left / others);
        if *size > even {
            return even;
        }
        left -= size;
    }
    u32::MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens;

    #[test]
    fn notes_cost_less_than_is_kept_for_them() {
        for note in [EARLIER, STEPS, text::MIDDLE] {
            assert!(tokens::count(note) + 4 <= NOTE);
        }
    }

    #[test]
    fn the_level_cuts_the_large_and_spares_the_small() {
        for (sizes, room, expected) in [
            (vec![10, 500, 900], 1_010, 500),
            (vec![10, 400, 900], 1_010, 600),
            (vec![900, 900], 1_000, 500),
            (vec![100], 100, u32::MAX),
            (vec![101], 100, 100),
            (vec![5, 5], 3, 1),
            (vec![], 0, u32::MAX),
        ] {
            assert_eq!(level(sizes, room), expected);
        }
    }
}
