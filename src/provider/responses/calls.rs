//! The calls of a streamed answer, and which of them an event means.

use crate::provider::responses::item::Call;

/// The calls that have been told, in their order.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Begun>);

/// A call that has been told.
#[derive(Debug)]
struct Begun {
    /// The JSON text of its id.
    id: String,
    item: Option<String>,
    index: Option<u64>,
    arguments: Arguments,
}

/// Whether anything of a call's arguments has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arguments {
    Told,
    Untold,
}

impl Calls {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a call whose id is `id`, as JSON. `index` is its place in the output.
    pub(super) fn add(&mut self, id: &str, call: &Call<'_>, index: Option<u64>) {
        self.0.push(Begun {
            id: id.to_owned(),
            item: call.item.as_deref().map(str::to_owned),
            index,
            arguments: Arguments::Untold,
        });
    }

    /// The place of a call among the calls, where it has been told.
    pub(super) fn find(&self, call: &Call<'_>, index: Option<u64>) -> Option<usize> {
        match call.id {
            Some(id) => self.0.iter().position(|known| known.id == id),
            None => self.at(index, call.item.as_deref()),
        }
    }

    /// The call that an event about arguments means: by its place in the output, or by the id of its
    /// item, which some servers change from event to event; else the last.
    pub(super) fn meant(&self, index: Option<u64>, item: Option<&str>) -> Option<usize> {
        let found = self.at(index, item);
        found.or_else(|| self.0.len().checked_sub(1))
    }

    /// Whether nothing of a call's arguments has been told.
    pub(super) fn is_untold(&self, at: usize) -> bool {
        let call = self.0.get(at);
        call.is_some_and(|call| call.arguments == Arguments::Untold)
    }

    /// Notes that some of a call's arguments are told.
    pub(super) fn tell(&mut self, at: usize) {
        if let Some(call) = self.0.get_mut(at) {
            call.arguments = Arguments::Told;
        }
    }

    fn at(&self, index: Option<u64>, item: Option<&str>) -> Option<usize> {
        let by_index = |call: &Begun| index.is_some() && call.index == index;
        let by_item = |call: &Begun| item.is_some() && call.item.as_deref() == item;
        let found = self.0.iter().rposition(by_index);
        found.or_else(|| self.0.iter().rposition(by_item))
    }
}
