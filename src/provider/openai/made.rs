//! Which calls a choice has made so far, and which of them a piece belongs to.

/// The calls of a choice.
#[derive(Debug, Default)]
pub(super) struct Made(Vec<Seen>);

/// A call, as the upstream tells it.
#[derive(Debug)]
struct Seen {
    id: Option<String>,
    index: Option<u64>,
}

/// Whether a call begins with this piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begins {
    /// It goes on.
    No,
    /// It does.
    Yes,
}

impl Made {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which call a piece belongs to, and whether it is the first of it.
    ///
    /// An id is a call's own, and so is a name without one. What has no name, and no id that is known,
    /// goes on with the last call of its index, or else with the last one.
    pub(super) fn place(
        &mut self,
        id: Option<&str>,
        index: Option<u64>,
        is_named: bool,
    ) -> (usize, Begins) {
        let same = |seen: &Seen| id.is_some() && seen.id.as_deref() == id;
        let of_index = |seen: &Seen| index.is_some() && seen.index == index;
        let known = self.0.iter().position(same).or_else(|| {
            let last = self.0.len().checked_sub(1);
            let goes_on = self.0.iter().rposition(of_index).or(last);
            goes_on.filter(|_| !is_named)
        });
        if let Some(place) = known {
            return (place, Begins::No);
        }
        self.0.push(Seen {
            id: id.map(str::to_owned),
            index,
        });
        (self.0.len().saturating_sub(1), Begins::Yes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[(&str, Option<u64>, &str)], expected: &[usize]) {
        let mut made = Made::default();
        let mut begun = 0;
        for ((id, index, name), expected) in pieces.iter().zip(expected) {
            let id = Some(*id).filter(|id| !id.is_empty());
            let (place, begins) = made.place(id, *index, !name.is_empty());
            assert_eq!(place, *expected, "{pieces:?}");
            assert_eq!(begins == Begins::Yes, place == begun, "{pieces:?}");
            begun += usize::from(begins == Begins::Yes);
        }
    }

    #[test]
    fn an_id_or_a_name_begins_a_call_and_anything_else_goes_on_with_one() {
        check(
            &[("a", None, "f"), ("b", None, "f"), ("a", None, "")],
            &[0, 1, 0],
        );
        check(
            &[("", None, "f"), ("", None, ""), ("", None, "f")],
            &[0, 0, 1],
        );
        check(
            &[("a", Some(0), "f"), ("b", Some(0), "f"), ("", Some(0), "")],
            &[0, 1, 1],
        );
        check(
            &[
                ("a", Some(3), "f"),
                ("b", Some(5), "f"),
                ("", Some(3), ""),
                ("", None, ""),
            ],
            &[0, 1, 0, 1],
        );
        check(&[("a", None, "f"), ("b", None, "")], &[0, 0]);
        check(&[("", None, "")], &[0]);
    }
}
