//! The cells of the matrix: everything that can go wrong at one target, everywhere in its answer, for
//! every way of asking, and what the caller is to get.

use std::fmt::{self, Display, Formatter};

use super::dialect::{Counts, DIALECTS, Dialect};
use super::place::{Place, Reached};

/// One cell.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    /// Its position among all cells, by which its targets and its route are named.
    pub(super) number: usize,
    /// What the first target speaks.
    pub(super) dialect: &'static Dialect,
    pub(super) mode: Mode,
    pub(super) delivery: Delivery,
    pub(super) place: Place,
    pub(super) fault: Fault,
}

/// What is to become of an answer that breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Takeover,
    Hold,
    Error,
}

/// How the caller is answered, and how the targets are asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// A stream for the caller.
    Streamed,
    /// One body for the caller, put together from a stream (`stream_inside = true`).
    Inside,
    /// One body all the way (`stream_inside = false`).
    Whole,
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The connection is reset.
    Reset,
    /// The answer ends in order, too early.
    CleanEnd,
    /// The connection is closed in the middle of the framing.
    FramingCut,
    /// Nothing more comes.
    Silence,
    /// Only comments and empty pieces come.
    Pings,
    /// An error comes where the answer should go on.
    ErrorInside,
    /// All that comes from there on is no JSON.
    Garbage,
    /// Status 429.
    Throttled,
    /// Status 500.
    Broken,
    /// A page, with status 200.
    Page,
    /// No headers in time.
    NoHeaders,
}

/// What the caller gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// The first target's answer, which was complete.
    Complete,
    /// An answer that the first target began and the next one ended.
    Spliced,
    /// The next target's answer.
    Whole,
    /// An error.
    Error,
}

/// Every cell.
pub(super) fn all() -> Vec<Cell> {
    let mut cells = Vec::new();
    for dialect in DIALECTS {
        for mode in Mode::ALL {
            for delivery in Delivery::ALL {
                for place in Place::ALL {
                    for fault in Fault::ALL {
                        if happens(delivery, place, fault) {
                            let number = cells.len();
                            cells.push(Cell {
                                number,
                                dialect,
                                mode,
                                delivery,
                                place,
                                fault,
                            });
                        }
                    }
                }
            }
        }
    }
    cells
}

/// Whether there is such a cell.
fn happens(delivery: Delivery, place: Place, fault: Fault) -> bool {
    let in_body = place == Place::Body;
    let before = place == Place::Before;
    let streams = delivery != Delivery::Whole;
    match fault {
        Fault::Throttled | Fault::Broken | Fault::Page | Fault::NoHeaders => before,
        Fault::Reset | Fault::CleanEnd | Fault::FramingCut | Fault::Silence => {
            before || streams != in_body
        }
        // A body has no room for anything but itself.
        Fault::ErrorInside | Fault::Garbage => before || (streams && !in_body),
        Fault::Pings => streams && !in_body,
    }
}

impl Cell {
    /// What the caller is to get: any of these.
    pub(super) fn expected(&self) -> &'static [Outcome] {
        let in_words = match (self.mode, self.delivery) {
            (Mode::Takeover, Delivery::Streamed) => &[Outcome::Spliced][..],
            // Nothing is with the caller yet: to go on and to begin anew are both sound.
            (Mode::Takeover, Delivery::Inside) => &[Outcome::Whole, Outcome::Spliced],
            (Mode::Error, Delivery::Streamed) => &[Outcome::Error],
            // Nothing is with the caller, so there is nothing to be told of.
            (Mode::Takeover, Delivery::Whole)
            | (Mode::Hold, _)
            | (Mode::Error, Delivery::Inside | Delivery::Whole) => &[Outcome::Whole],
        };
        match self.place.reached() {
            Reached::Nothing => &[Outcome::Whole],
            Reached::Words => in_words,
            Reached::Everything => &[Outcome::Complete],
        }
    }

    /// The model that the first target is asked for, and its name.
    pub(super) fn first(&self) -> String {
        format!("first-{}", self.number)
    }

    /// The model that the next target is asked for, and its name.
    pub(super) fn next(&self) -> String {
        format!("next-{}", self.number)
    }

    /// The route over both.
    pub(super) fn route(&self) -> String {
        format!("cell-{}", self.number)
    }

    /// Whether the caller asks for the usage in its stream.
    pub(super) fn counts(&self) -> bool {
        self.delivery == Delivery::Streamed && self.number.is_multiple_of(2)
    }

    /// Whether the target that ended the answer has told its usage.
    pub(super) fn counted(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Complete => self.dialect.counts == Counts::WithFinish,
            Outcome::Spliced | Outcome::Whole => true,
            Outcome::Error => false,
        }
    }

    /// Whether the first target stays on the line until the gateway hangs up.
    pub(super) fn stays(&self) -> bool {
        match self.fault {
            Fault::Silence | Fault::Pings | Fault::NoHeaders => true,
            Fault::ErrorInside | Fault::Garbage => self.delivery != Delivery::Whole,
            Fault::Reset
            | Fault::CleanEnd
            | Fault::FramingCut
            | Fault::Throttled
            | Fault::Broken
            | Fault::Page => false,
        }
    }
}

impl Display for Cell {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            dialect,
            mode,
            delivery,
            place,
            fault,
            ..
        } = self;
        let (mode, delivery) = (mode.word(), delivery.word());
        let (place, fault) = (place.word(), fault.word());
        let name = dialect.name;
        write!(f, "{name} {mode} {delivery} {place} {fault}")
    }
}

impl Mode {
    pub(super) const ALL: [Self; 3] = [Self::Takeover, Self::Hold, Self::Error];

    /// The word in configs and headers.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Takeover => "takeover",
            Self::Hold => "hold",
            Self::Error => "error",
        }
    }
}

impl Delivery {
    pub(super) const ALL: [Self; 3] = [Self::Streamed, Self::Inside, Self::Whole];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Streamed => "streamed",
            Self::Inside => "inside",
            Self::Whole => "whole",
        }
    }
}

impl Fault {
    pub(super) const ALL: [Self; 11] = [
        Self::Reset,
        Self::CleanEnd,
        Self::FramingCut,
        Self::Silence,
        Self::Pings,
        Self::ErrorInside,
        Self::Garbage,
        Self::Throttled,
        Self::Broken,
        Self::Page,
        Self::NoHeaders,
    ];

    /// Whether only a time-out tells of it.
    pub(super) fn is_waited_for(self) -> bool {
        matches!(self, Self::Silence | Self::Pings | Self::NoHeaders)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::CleanEnd => "clean-end",
            Self::FramingCut => "framing-cut",
            Self::Silence => "silence",
            Self::Pings => "pings",
            Self::ErrorInside => "error-inside",
            Self::Garbage => "garbage",
            Self::Throttled => "429",
            Self::Broken => "500",
            Self::Page => "page",
            Self::NoHeaders => "no-headers",
        }
    }
}

impl Outcome {
    pub(super) fn letter(self) -> &'static str {
        match self {
            Self::Complete => "C",
            Self::Spliced => "S",
            Self::Whole => "W",
            Self::Error => "E",
        }
    }
}
