//! What an isolate has to tell the ledger and has not yet: numbered, so that nothing is counted twice.
//!
//! Many requests end while one message is on its way. Their entries wait here and go with the next, so
//! a busy isolate sends few messages. One request at a time does the sending, for all.

use std::collections::VecDeque;

use crate::ledger::entry::Entry;

/// The most entries that wait. An object that cannot be reached for so long costs the oldest.
const MOST: usize = 5_000;

/// The most entries in one message.
const BATCH: usize = 500;

/// How long at least from one message to the next, in milliseconds: what ends meanwhile goes with it.
const BETWEEN_MS: u64 = 1_000;

/// Whoever has been sending for longer than this is gone, in milliseconds: the runtime ends what goes
/// on for 30 s after an answer.
const GONE_MS: u64 = 30_000;

/// How long nobody sends after somebody did in vain, in milliseconds.
const PAUSE_MS: u64 = 5_000;

/// How often it is told that the ledger cannot be reached, in milliseconds.
const COMPLAINT_MS: u64 = 60_000;

/// What waits to be told.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: VecDeque<(u64, Entry)>,
    /// How many entries there have been.
    count: u64,
    /// Since when somebody sends.
    sending: Option<u64>,
    /// When somebody last sent.
    sent: Option<u64>,
    /// When somebody last sent in vain.
    gave_up: Option<u64>,
    lost: u64,
    /// When it was last told that the ledger cannot be reached.
    complained: Option<u64>,
}

impl Outbox {
    /// Takes an entry.
    pub fn put(&mut self, entry: Entry) {
        if self.waiting.len() >= MOST {
            self.waiting.pop_front();
            self.lost = self.lost.saturating_add(1);
        }
        self.count = self.count.saturating_add(1);
        self.waiting.push_back((self.count, entry));
    }

    /// Whether whoever asks is the one to send; it then goes on until [`Outbox::batch`] has nothing
    /// more, or says that it gives up.
    pub fn is_to_send(&mut self, now: u64) -> bool {
        let since = |at: Option<u64>| at.map_or(u64::MAX, |at| now.saturating_sub(at));
        let free = since(self.sending) >= GONE_MS && since(self.gave_up) >= PAUSE_MS;
        if free {
            self.sending = Some(now);
        }
        free
    }

    /// How long to wait before the next entries are sent, in milliseconds: not at all when they fill a
    /// message.
    pub fn pause_ms(&self, now: u64) -> u64 {
        if self.waiting.len() >= BATCH {
            return 0;
        }
        let next = self.sent.map_or(0, |at| at.saturating_add(BETWEEN_MS));
        next.saturating_sub(now)
    }

    /// The next entries to be sent, oldest first, with their numbers; none when all is told, and then
    /// the next who asks is the one to send.
    pub fn batch(&mut self, now: u64) -> Vec<(u64, Entry)> {
        self.sending = (!self.waiting.is_empty()).then_some(now);
        self.sent = self.sending.or(self.sent);
        self.waiting.iter().take(BATCH).cloned().collect()
    }

    /// All up to this number are written.
    pub fn told(&mut self, number: u64) {
        self.waiting.retain(|(this, _)| *this > number);
    }

    /// Whoever sends gives up; what waits goes with the next. Returns how many entries have been lost
    /// since that was last told, once a minute.
    pub fn give_up(&mut self, now: u64) -> Option<u64> {
        self.sending = None;
        self.gave_up = Some(now);
        let is_due = self
            .complained
            .is_none_or(|at| now.saturating_sub(at) >= COMPLAINT_MS);
        is_due.then(|| {
            self.complained = Some(now);
            std::mem::take(&mut self.lost)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::entry::Ended;

    fn entry(id: &str) -> Entry {
        Entry {
            id: id.to_owned(),
            at: 0,
            route: "auto".to_owned(),
            ended: Ended::Answered,
            status: 200,
            private: false,
            first_ms: None,
            total_ms: 1,
            targets: Vec::new(),
            reference: None,
            drill: None,
        }
    }

    fn numbers(batch: &[(u64, Entry)]) -> Vec<u64> {
        batch.iter().map(|(number, _)| *number).collect()
    }

    #[test]
    fn one_sends_for_all_and_what_is_not_written_is_sent_again() {
        let mut outbox = Outbox::default();
        outbox.put(entry("a"));
        assert!(outbox.is_to_send(0));
        outbox.put(entry("b"));
        assert!(!outbox.is_to_send(5), "another does");
        assert_eq!(numbers(&outbox.batch(5)), [1, 2]);
        assert_eq!(outbox.give_up(5), Some(0));
        outbox.put(entry("c"));
        assert!(!outbox.is_to_send(5_004), "not at once");
        assert!(outbox.is_to_send(5_005));
        assert_eq!(numbers(&outbox.batch(5_005)), [1, 2, 3]);
        outbox.told(2);
        assert_eq!(numbers(&outbox.batch(5_006)), [3]);
        outbox.told(3);
        assert!(outbox.batch(5_007).is_empty());
        assert!(outbox.is_to_send(5_007));
    }

    #[test]
    fn what_ends_within_a_second_goes_with_one_message() {
        let mut outbox = Outbox::default();
        outbox.put(entry("a"));
        assert_eq!(outbox.pause_ms(0), 0, "the first goes at once");
        outbox.batch(0);
        assert_eq!(outbox.pause_ms(300), 700);
        assert_eq!(outbox.pause_ms(1_000), 0);
    }

    #[test]
    fn who_vanished_while_it_sent_is_replaced() {
        let mut outbox = Outbox::default();
        outbox.put(entry("a"));
        assert!(outbox.is_to_send(0));
        assert!(!outbox.is_to_send(29_999));
        assert!(outbox.is_to_send(30_000));
    }

    #[test]
    fn what_cannot_be_told_is_bounded_and_its_loss_is_known() {
        let mut outbox = Outbox::default();
        for number in 0..5_010 {
            outbox.put(entry(&number.to_string()));
        }
        assert_eq!(outbox.give_up(0), Some(10));
        assert_eq!(outbox.give_up(59_999), None, "it is told once a minute");
        assert_eq!(outbox.give_up(60_000), Some(0));
        let batch = outbox.batch(0);
        assert_eq!((batch.len(), batch[0].0), (500, 11));
    }
}
