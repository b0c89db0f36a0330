//! Numbers from which everything random is decided.
//!
//! # Why not a strategy for each thing
//!
//! A lawful conversation has a memory: results answer calls, ids come again. So it is written by plain
//! code that draws numbers, and proptest only makes the numbers: fewer and smaller ones make a shorter
//! and plainer request, which is what a failure shrinks to.

use std::slice::Iter;

/// Numbers to draw; after the last one, zeros.
#[derive(Debug)]
pub(super) struct Tape<'t>(Iter<'t, u16>);

impl<'t> Tape<'t> {
    /// One that draws these.
    pub(super) fn new(numbers: &'t [u16]) -> Self {
        Self(numbers.iter())
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or_default()) % end
    }

    /// True once in `often` times.
    pub(super) fn once_in(&mut self, often: usize) -> bool {
        self.below(often) == often - 1
    }

    /// One of these.
    pub(super) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}
