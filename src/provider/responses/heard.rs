//! How much of an answer has been told in pieces, and which piece of a thought was last.

/// How many pieces have been told, and how many when the last item was done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heard {
    pieces: u64,
    settled: u64,
}

/// A piece of a thought: its kind, its item's index, and its own.
pub(super) type Place = (Kind, Option<u64>, Option<u64>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Summary,
    Words,
}

impl Heard {
    /// Another piece is told.
    pub(super) fn more(&mut self) {
        self.pieces = self.pieces.saturating_add(1);
    }

    /// Whether nothing at all has been told.
    pub(super) fn is_none(self) -> bool {
        self.pieces == 0
    }

    /// Whether nothing has been told since the last item was done.
    pub(super) fn is_silent(self) -> bool {
        self.pieces == self.settled
    }

    /// Whether nothing was told of the item that is done now.
    pub(super) fn settle(&mut self) -> bool {
        let silent = self.is_silent();
        self.settled = self.pieces;
        silent
    }
}
