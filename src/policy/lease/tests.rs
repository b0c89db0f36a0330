//! The lock under every order of events: a model in virtual time, with crashes at every step.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SLOTS: u32 = 2;
const LEASE: u64 = 100;

fn ask(owner: &str, wait_ms: u64) -> Ask {
    Ask {
        owner: owner.to_owned(),
        request: format!("req_{owner}"),
        slots: 1,
        lease_ms: LEASE,
        wait_ms,
        queue: 3,
        replaces: Vec::new(),
    }
}

fn granted(settled: &[Settled]) -> Vec<&str> {
    settled
        .iter()
        .filter_map(|one| match one {
            Settled::Granted(lease) => Some(lease.owner.as_str()),
            Settled::Late(_) => None,
        })
        .collect()
}

#[test]
fn one_holds_the_others_wait_in_the_order_of_coming() {
    let mut lock = Lock::default();
    assert!(matches!(lock.ask(ask("a", 0), 0), Standing::Granted(_)));
    assert_eq!(lock.ask(ask("b", 0), 1), Standing::Busy);
    assert_eq!(lock.ask(ask("b", 50), 1), Standing::Queued(0));
    assert_eq!(lock.ask(ask("c", 50), 2), Standing::Queued(1));
    assert_eq!(lock.ask(ask("d", 50), 3), Standing::Queued(2));
    assert_eq!(
        lock.ask(ask("e", 50), 4),
        Standing::Busy,
        "the queue is full"
    );
    assert!(lock.settle(5).is_empty());
    assert!(lock.release("a", 0));
    // Whoever comes between a release and its settling does not overtake.
    assert_eq!(lock.ask(ask("f", 0), 5), Standing::Busy);
    assert_eq!(granted(&lock.settle(5)), ["b"]);
    assert_eq!(lock.next_at(), Some(52), "c gives up");
    assert_eq!(lock.settle(52), [Settled::Late("c".to_owned())]);
    assert!(lock.release("b", 0));
    assert_eq!(granted(&lock.settle(52)), ["d"]);
}

#[test]
fn a_holder_that_vanished_is_replaced_when_its_lease_ends() {
    let mut lock = Lock::default();
    lock.ask(ask("a", 0), 0);
    lock.ask(ask("b", 1_000), 1);
    assert_eq!(lock.next_at(), Some(LEASE));
    assert!(lock.settle(LEASE - 1).is_empty());
    assert_eq!(granted(&lock.settle(LEASE)), ["b"]);
    assert!(!lock.release("a", 0), "a late release does nothing");
    assert_eq!(lock.renew("a", LEASE, LEASE), None);
    assert_eq!(lock.seen(LEASE).holders.len(), 1);
    assert_eq!(lock.ask(ask("c", 0), LEASE + 1), Standing::Busy);
}

#[test]
fn a_holder_that_renews_stays() {
    let mut lock = Lock::default();
    lock.ask(ask("a", 0), 0);
    lock.ask(ask("b", 1_000), 1);
    for now in (50..1_000).step_by(50) {
        assert!(lock.renew("a", LEASE, now).is_some());
        assert!(lock.settle(now).is_empty(), "{now}");
    }
    assert_eq!(
        lock.settle(1_001),
        [Settled::Late("b".to_owned())],
        "b has waited as long as it would"
    );
}

#[test]
fn a_message_that_comes_twice_changes_nothing() {
    let mut lock = Lock::default();
    let first = lock.ask(ask("a", 0), 0);
    assert_eq!(lock.ask(ask("a", 0), 7), first);
    lock.ask(ask("b", 90), 8);
    assert_eq!(lock.ask(ask("b", 90), 9), Standing::Queued(0));
    assert_eq!(lock.seen(9).queue.len(), 1);
    assert!(lock.release("b", 0));
    assert!(!lock.release("b", 0));
    assert!(lock.release("a", 0));
    assert!(!lock.release("a", 0));
    assert_eq!(lock.seen(0), Seen::default());
}

#[test]
fn who_gives_back_with_its_ask_is_not_busy_with_itself() {
    let mut lock = Lock::default();
    lock.ask(ask("a", 0), 0);
    let again = Ask {
        replaces: vec!["a".to_owned()],
        ..ask("b", 0)
    };
    assert!(matches!(lock.ask(again, 1), Standing::Granted(_)));
    assert!(!lock.release("a", 2), "what says so may come later");
    assert_eq!(lock.seen(2).holders[0].owner, "b");
}

#[test]
fn what_was_given_back_before_it_was_asked_for_is_not_lent() {
    let mut lock = Lock::default();
    assert!(!lock.release("a", 0));
    assert_eq!(lock.ask(ask("a", 50), 1), Standing::Busy);
    assert!(matches!(lock.ask(ask("b", 0), 1), Standing::Granted(_)));
}

#[test]
fn a_forced_release_lets_the_next_one_in() {
    let mut lock = Lock::default();
    lock.ask(ask("a", 0), 0);
    lock.ask(ask("b", 90), 1);
    assert_eq!(lock.free(), 1);
    assert_eq!(granted(&lock.settle(2)), ["b"]);
    assert!(!lock.release("a", 0), "its lease is another's now");
    assert_eq!(lock.seen(2).holders[0].request, "req_b");
}

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Ask {
        wait: u64,
    },
    /// The holder at this position is done.
    Release(usize),
    /// It says that it lives.
    Renew(usize),
    /// Somebody who waits goes away.
    Leave(usize),
    /// A release of one whose lease is over.
    LateRelease(usize),
    /// The object that keeps the lock is restarted: what is written stays, and nobody waits any more.
    Crash,
    Free,
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u64..300).prop_map(|wait| Step::Ask { wait }),
        3 => (0_usize..4).prop_map(Step::Release),
        1 => (0_usize..4).prop_map(Step::Renew),
        1 => (0_usize..4).prop_map(Step::Leave),
        1 => (0_usize..4).prop_map(Step::LateRelease),
        1 => Just(Step::Crash),
        1 => Just(Step::Free),
        4 => (0_u64..120).prop_map(Step::Pass),
    ];
    proptest::collection::vec(step, 0..80)
}

/// What must be true of a lock whatever happens, seen from outside.
#[derive(Default)]
struct Model {
    lock: Lock,
    now: u64,
    asked: u32,
    /// Who holds, with the end of its lease.
    holders: BTreeMap<String, u64>,
    /// Who waits, in the order of coming, with the end of its patience.
    waiting: Vec<(String, u64)>,
    gone: Vec<String>,
    last_number: u64,
}

impl Model {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Ask { wait } => self.ask(*wait),
            Step::Release(at) => {
                if let Some(owner) = nth(self.holders.keys(), *at) {
                    assert!(
                        self.lock.release(&owner, self.now),
                        "nobody's lease is lost"
                    );
                    self.holders.remove(&owner);
                    self.gone.push(owner);
                }
            }
            Step::Renew(at) => {
                if let Some(owner) = nth(self.holders.keys(), *at) {
                    let lease = self.lock.renew(&owner, LEASE, self.now);
                    assert!(lease.is_some(), "nobody's lease is lost");
                    self.holders.insert(owner, self.now + LEASE);
                }
            }
            Step::Leave(at) => {
                if let Some(owner) = nth(self.waiting.iter().map(|(owner, _)| owner), *at) {
                    assert!(
                        self.lock.release(&owner, self.now),
                        "nobody's place is lost"
                    );
                    self.waiting.retain(|(other, _)| *other != owner);
                    self.gone.push(owner);
                }
            }
            Step::LateRelease(at) => {
                if let Some(owner) = nth(self.gone.iter(), *at) {
                    let before = self.lock.seen(self.now);
                    assert!(!self.lock.release(&owner, self.now));
                    assert_eq!(self.lock.renew(&owner, LEASE, self.now), None);
                    assert_eq!(
                        self.lock.seen(self.now),
                        before,
                        "what is over changes nothing"
                    );
                }
            }
            Step::Crash => {
                let kept = serde_json::to_string(&self.lock).unwrap();
                self.lock = serde_json::from_str(&kept).unwrap();
                self.lock.forget_queue();
                self.gone
                    .extend(self.waiting.drain(..).map(|(owner, _)| owner));
            }
            Step::Free => {
                self.lock.free();
                self.gone
                    .extend(std::mem::take(&mut self.holders).into_keys());
            }
            Step::Pass(ms) => self.now += ms,
        }
        self.settle();
    }

    fn ask(&mut self, wait_ms: u64) {
        self.asked += 1;
        let owner = format!("o{:04}", self.asked);
        let ask = Ask {
            slots: SLOTS,
            wait_ms,
            ..ask(&owner, 0)
        };
        match self.lock.ask(ask, self.now) {
            Standing::Granted(lease) => {
                assert!(self.waiting.is_empty(), "nobody is overtaken");
                self.grant(&lease);
            }
            Standing::Queued(place) => {
                assert_eq!(place, self.waiting.len());
                self.waiting.push((owner, self.now + wait_ms));
            }
            Standing::Busy => {
                let full = self.waiting.len() == 3;
                assert!(wait_ms == 0 || full);
                assert!(full || self.valid() == 2 || !self.waiting.is_empty());
                self.gone.push(owner);
            }
        }
    }

    fn settle(&mut self) {
        if let Some(at) = self.lock.next_at() {
            // It is woken in time.
            let due = self.waiting.iter().map(|(_, until)| *until).min();
            assert!(due.is_none_or(|due| at <= due));
        }
        for settled in self.lock.settle(self.now) {
            match settled {
                Settled::Granted(lease) => {
                    assert_eq!(self.waiting[0].0, lease.owner, "the first comes first");
                    self.waiting.remove(0);
                    self.grant(&lease);
                }
                Settled::Late(owner) => {
                    let at = self.waiting.iter().position(|(other, _)| *other == owner);
                    let (owner, until) = self.waiting.remove(at.expect("it waited"));
                    assert!(until <= self.now, "nobody is sent away early");
                    self.gone.push(owner);
                }
            }
        }
        let late = self.waiting.iter().find(|(_, until)| *until <= self.now);
        assert_eq!(late, None, "nobody waits past its limit");
        assert!(
            self.waiting.is_empty() || self.valid() == 2,
            "nobody waits for a slot that is free"
        );
        assert!(self.lock.holders.len() <= 2, "never more than the slots");
        assert_eq!(self.lock.queue.len(), self.waiting.len());
        // Those whose time is over hold on only until somebody wants the slot.
        let known: Vec<_> = self
            .lock
            .holders
            .iter()
            .map(|it| it.owner.clone())
            .collect();
        let now = self.now;
        let gone = &mut self.gone;
        self.holders.retain(|owner, expires| {
            let stays = known.contains(owner);
            assert!(stays || *expires <= now, "no lease ends early");
            if !stays {
                gone.push(owner.clone());
            }
            stays
        });
    }

    fn grant(&mut self, lease: &Lease) {
        assert!(lease.number > self.last_number, "numbers only grow");
        self.last_number = lease.number;
        assert_eq!(lease.expires, self.now + LEASE);
        assert!(self.valid() < 2, "never more holders than slots");
        self.holders.insert(lease.owner.clone(), lease.expires);
    }

    /// How many hold a lease that is not over.
    fn valid(&self) -> usize {
        let valid = |expires: &&u64| self.now < **expires;
        self.holders.values().filter(valid).count()
    }
}

fn nth<'a>(mut owners: impl Iterator<Item = &'a String>, at: usize) -> Option<String> {
    owners.nth(at).cloned()
}

proptest! {
    #[test]
    fn never_two_owners_of_a_slot_and_nobody_is_lost_or_starved(steps in steps()) {
        let mut model = Model::default();
        for step in &steps {
            model.step(step);
        }
        // Whatever happened, when everybody is silent all who wait are settled in time.
        let longest = model.now + 300 + LEASE * 4;
        while let Some(at) = model.lock.next_at() {
            assert!(at <= longest);
            model.now = model.now.max(at);
            model.settle();
        }
        prop_assert!(model.waiting.is_empty());
    }
}
