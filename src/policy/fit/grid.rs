//! Where a growing conversation is cut, so that it is cut at the same place the next time.
//!
//! # Why a grid
//!
//! A box at home reads a cached prompt many times faster than a new one, and a prompt is cached up
//! to the first byte that differs. Cutting no more than needed would move the cut, and so change
//! the prompt's start, with every turn. So cuts are only made where a grid over the bytes from the
//! oldest group on says so. Where its lines fall depends on what stands before them, which never
//! changes while a conversation grows; nothing has to be remembered between requests. For some
//! turns after each cut there is then room left, and the cut stays.

/// How often the grid may be halved before a cut is made exactly where it is needed.
const HALVINGS: u32 = 2;

/// How many of the oldest groups to drop when at least `needed` must go.
///
/// `bytes` are the sizes of the groups that may go, oldest first, and `step` the grid's.
pub(super) fn cut(bytes: &[u64], needed: usize, step: u64) -> usize {
    if needed == 0 {
        return 0;
    }
    (0..=HALVINGS)
        .find_map(|halvings| line_after(bytes, needed, step >> halvings))
        .unwrap_or(needed)
}

/// The first end of a group, from the `needed`th on, that is the first one in its cell of the grid.
fn line_after(bytes: &[u64], needed: usize, step: u64) -> Option<usize> {
    let mut before = 0_u64;
    for (dropped, size) in (1..).zip(bytes) {
        let after = before.saturating_add(*size);
        if dropped >= needed && after.checked_div(step)? > before.checked_div(step)? {
            return Some(dropped);
        }
        before = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_when_nothing_must() {
        assert_eq!(cut(&[10, 10], 0, 10), 0);
    }

    #[test]
    fn the_cut_waits_for_the_next_line() {
        let bytes = [30; 10];
        assert_eq!(cut(&bytes, 1, 100), 4);
        assert_eq!(cut(&bytes, 4, 100), 4);
        assert_eq!(cut(&bytes, 5, 100), 7);
    }

    #[test]
    fn the_cut_does_not_move_while_the_conversation_grows() {
        let bytes = [30; 50];
        for groups in 8..50 {
            assert_eq!(cut(&bytes[..groups], 5, 100), 7);
        }
    }

    #[test]
    fn the_grid_is_halved_where_it_has_no_line() {
        assert_eq!(cut(&[30; 3], 1, 100), 2);
        assert_eq!(cut(&[15; 3], 1, 100), 2);
    }

    #[test]
    fn without_any_line_the_cut_is_exact() {
        assert_eq!(cut(&[1; 5], 2, 1000), 2);
        assert_eq!(cut(&[1; 5], 5, 1000), 5);
        assert_eq!(cut(&[1; 5], 3, 0), 3);
    }

    #[test]
    fn a_group_larger_than_the_step_is_a_line() {
        assert_eq!(cut(&[500, 500], 1, 100), 1);
    }
}
