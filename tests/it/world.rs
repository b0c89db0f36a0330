//! A world that does what a test says, in a time that only moves when everything waits.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use pilotlight::config::{self, Environment, Mistake, Passage, Target};
use pilotlight::gateway::{self, AnswerBody, Head, Isolate};
use pilotlight::ledger::{self, entry::Entry};
use pilotlight::platform::{
    BodyError, Broken, Call, CallerLeft, HEARTBEAT, Pace, Platform, Pumped, Reply, ReplyBody,
    ReplyHeaders, SendError, Taking, Told,
};
use pilotlight::policy::boxes::Boxes;
use pilotlight::policy::boxes::sighting::Look;
use pilotlight::policy::breaker::{Cause, Shared};
use pilotlight::policy::drill::Drill;
use pilotlight::policy::lease::{self, Ask, Lease, Lock, Message, Settled};
use pilotlight::stream::relay::{Fed, Relay, Sound, Standing};
use serde_json::Value;

/// 2026-11-21 04:00:00 UTC.
pub(crate) const START: u64 = 1_795_233_600_000;

/// What a target does with one call.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Answers after a time.
    Reply {
        after: u64,
        status: u16,
        headers: ReplyHeaders,
        body: String,
    },
    /// Answers with this text, at once, streamed or whole as it is asked.
    Answer(String),
    /// Streams, piece by piece, after its headers at once.
    Stream(Vec<Piece>),
    /// Refuses the connection.
    Refuse,
    /// Throws this text, as a bound service does.
    Throw(&'static str),
    /// Never answers.
    Silence,
    /// Does not answer before the caller has left.
    CallerLeaves { after: u64 },
}

/// A piece of a stream.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Bytes(String),
    Wait(u64),
    Reset,
}

/// One call as a target saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) target: String,
    /// Milliseconds since the test's start.
    pub(crate) at: u64,
    pub(crate) body: Value,
}

/// How Workers KV behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kv {
    Works,
    Down,
    /// Answers after so many milliseconds.
    Slow(u64),
}

/// What the caller got.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    /// How long it took until the answer began, in milliseconds.
    pub(crate) ms: u64,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The data of each event.
    pub(crate) fn events(&self) -> Vec<&str> {
        self.body
            .split("\n\n")
            .filter_map(|event| event.strip_prefix("data: "))
            .collect()
    }

    /// The text of all deltas.
    pub(crate) fn text(&self) -> String {
        self.events()
            .iter()
            .filter_map(|data| serde_json::from_str::<Value>(data).ok())
            .filter_map(|chunk| {
                chunk["choices"][0]["delta"]["content"]
                    .as_str()
                    .map(str::to_owned)
            })
            .collect()
    }
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// What all isolates share.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) values: RefCell<BTreeMap<String, Shared>>,
    /// What operators said, by target.
    pub(crate) trips: RefCell<BTreeMap<String, Shared>>,
    pub(crate) boxes: RefCell<Boxes>,
    /// How often the boxes were written.
    pub(crate) box_writes: Cell<u32>,
    pub(crate) reads: Cell<u32>,
    pub(crate) kv: Cell<Kv>,
    /// The locks of the boxes, by name.
    pub(crate) locks: RefCell<BTreeMap<String, Lock>>,
    /// What the locks were told, but for looks.
    pub(crate) said: RefCell<Vec<Message>>,
    pub(crate) locking: Cell<Locking>,
    /// What the ledger was told: the entries, once each.
    pub(crate) entries: RefCell<Vec<Entry>>,
    /// The drill that goes on.
    pub(crate) drill: RefCell<Option<Drill>>,
    /// Whether the ledger answers.
    pub(crate) ledger: Cell<Ledger>,
    /// What became of those who waited, until they hear of it.
    settled: RefCell<BTreeMap<String, Option<Lease>>>,
}

/// How the ledger behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ledger {
    Works,
    Down,
}

/// How the locks behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locking {
    Works,
    Down,
    /// They take a message and never answer.
    Silent,
}

/// The scripted world of one isolate.
#[derive(Clone)]
pub(crate) struct World(Rc<Inner>);

struct Inner {
    now: Rc<Cell<u64>>,
    timers: RefCell<Vec<u64>>,
    /// Those who sleep. Some futures poll only what was woken.
    sleepers: RefCell<Vec<Waker>>,
    tasks: RefCell<Vec<Task>>,
    script: RefCell<BTreeMap<String, VecDeque<Step>>>,
    /// What a target's server has to be looked at, by target.
    lies: RefCell<BTreeMap<String, String>>,
    /// What lies at an address, for whoever looks; the last is repeated for ever.
    views: RefCell<BTreeMap<String, VecDeque<Look>>>,
    looked: RefCell<Vec<String>>,
    seen: RefCell<Vec<Seen>>,
    log: RefCell<Vec<String>>,
    request: RefCell<Vec<u8>>,
    sent: Rc<RefCell<Vec<u8>>>,
    reads_before_leaving: Cell<Option<u32>>,
    /// When the caller's connection is gone.
    leaves_at: Cell<Option<u64>>,
    /// How long a caller takes to read what is written to it.
    reads_for: Cell<u64>,
    /// How long a message to a lock is on its way.
    lock_delay: Cell<u64>,
    chance: Cell<u64>,
    /// Whether something has happened that others may be waiting for.
    stirred: Cell<bool>,
    store: Rc<Store>,
    isolate: Rc<Isolate>,
}

impl World {
    /// One isolate with this configuration; every secret is set and every service is bound, unless its
    /// name begins with `UNSET`.
    pub(crate) fn new(config: &Value) -> Self {
        let environment = Environment {
            secret: &|name| {
                (name != "PILOTLIGHT_KEYS" && !name.starts_with("UNSET"))
                    .then(|| format!("value-of-{name}"))
            },
            bound: &|name| !name.starts_with("UNSET"),
        };
        Self::with(config::parse_in(&config.to_string(), &environment))
    }

    pub(crate) fn with(parsed: Result<config::Config, Vec<Mistake>>) -> Self {
        let store = Store {
            values: RefCell::default(),
            trips: RefCell::default(),
            boxes: RefCell::default(),
            box_writes: Cell::new(0),
            reads: Cell::new(0),
            kv: Cell::new(Kv::Works),
            locks: RefCell::default(),
            said: RefCell::default(),
            locking: Cell::new(Locking::Works),
            entries: RefCell::default(),
            drill: RefCell::default(),
            ledger: Cell::new(Ledger::Works),
            settled: RefCell::default(),
        };
        Self::beside(parsed, Rc::new(store), Rc::new(Cell::new(START)))
    }

    /// Another isolate of the same deployment.
    pub(crate) fn sibling(&self, config: &Value) -> Self {
        let parsed = config::parse(&config.to_string(), &|_| None);
        Self::beside(parsed, Rc::clone(&self.0.store), Rc::clone(&self.0.now))
    }

    fn beside(
        parsed: Result<config::Config, Vec<Mistake>>,
        store: Rc<Store>,
        now: Rc<Cell<u64>>,
    ) -> Self {
        Self(Rc::new(Inner {
            now,
            timers: RefCell::default(),
            sleepers: RefCell::default(),
            tasks: RefCell::default(),
            script: RefCell::default(),
            lies: RefCell::default(),
            views: RefCell::default(),
            looked: RefCell::default(),
            seen: RefCell::default(),
            log: RefCell::default(),
            request: RefCell::default(),
            sent: Rc::default(),
            reads_before_leaving: Cell::new(None),
            leaves_at: Cell::new(None),
            reads_for: Cell::new(0),
            lock_delay: Cell::new(0),
            chance: Cell::new(1),
            stirred: Cell::new(false),
            store,
            isolate: Rc::new(Isolate::new(parsed)),
        }))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// What a target does with its next calls; the last step is repeated for ever.
    pub(crate) fn script(&self, target: &str, steps: impl IntoIterator<Item = Step>) -> &Self {
        self.0
            .script
            .borrow_mut()
            .insert(target.to_owned(), steps.into_iter().collect());
        self
    }

    /// What a target's server says of itself; one that says nothing hangs.
    pub(crate) fn lies(&self, target: &str, text: &str) {
        self.0
            .lies
            .borrow_mut()
            .insert(target.to_owned(), text.to_owned());
    }

    /// What a look at this address shows, from the next one on; the last is repeated for ever.
    pub(crate) fn shows(&self, url: &str, looks: impl IntoIterator<Item = Look>) {
        self.0
            .views
            .borrow_mut()
            .insert(url.to_owned(), looks.into_iter().collect());
    }

    /// The addresses that were looked at, in order.
    pub(crate) fn looked(&self) -> Vec<String> {
        self.0.looked.borrow().clone()
    }

    pub(crate) fn isolate(&self) -> &Isolate {
        &self.0.isolate
    }

    /// Makes a round of the watch, as a cron does.
    pub(crate) fn round(&self) {
        let (world, isolate) = (self.clone(), Rc::clone(&self.0.isolate));
        self.after(async move { gateway::watch::watch(&world, &isolate).await });
        self.run();
    }

    /// The caller leaves after so many writes.
    pub(crate) fn caller_leaves_after(&self, writes: u32) {
        self.0.reads_before_leaving.set(Some(writes));
    }

    /// The caller of the next request is gone after so many milliseconds.
    pub(crate) fn caller_is_gone_after(&self, ms: u64) {
        self.0.leaves_at.set(Some(self.now() + ms));
    }

    /// The caller takes so long to read what is written to it at once.
    pub(crate) fn caller_reads_for(&self, ms: u64) {
        self.0.reads_for.set(ms);
    }

    /// Messages to locks take so long to get there.
    pub(crate) fn delays_locks(&self, ms: u64) {
        self.0.lock_delay.set(ms);
    }

    fn has_left(&self) -> bool {
        self.0.leaves_at.get().is_some_and(|at| self.now() >= at)
    }

    /// The request that is sent next is sent once more by another caller, after a time, with this head.
    pub(crate) fn also(&self, after: u64, head: Head) -> Rc<RefCell<Option<Got>>> {
        let slot = Rc::new(RefCell::new(None));
        let (fill, world) = (Rc::clone(&slot), self.clone());
        let isolate = Rc::clone(&self.0.isolate);
        self.after(async move {
            // Nobody leaves before it has begun.
            let _ = world.sleep(after).await;
            let began = world.now();
            let answer = gateway::handle(&world, &isolate, &head).await;
            let AnswerBody::Bytes(bytes) = answer.body else {
                panic!("only whole answers are told apart");
            };
            let headers = answer.headers.into_iter();
            *fill.borrow_mut() = Some(Got {
                status: answer.status,
                headers: headers
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect(),
                body: String::from_utf8(bytes).unwrap(),
                ms: world.now() - began,
            });
        });
        slot
    }

    pub(crate) fn advance(&self, ms: u64) {
        self.0.now.set(self.0.now.get() + ms);
    }

    /// Milliseconds since the test's start.
    pub(crate) fn elapsed(&self) -> u64 {
        self.now() - START
    }

    pub(crate) fn seen(&self, target: &str) -> Vec<Seen> {
        let seen = self.0.seen.borrow();
        seen.iter()
            .filter(|call| call.target == target)
            .cloned()
            .collect()
    }

    /// The log lines of requests, as they were written.
    pub(crate) fn log_lines(&self) -> Vec<String> {
        self.0.log.borrow().clone()
    }

    /// The log lines of requests.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.0
            .log
            .borrow()
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Sends a chat request.
    pub(crate) fn chat(&self, body: &Value) -> Got {
        self.ask(&chat_head(), &body.to_string())
    }

    /// Sends a request and runs everything that follows from it to its end.
    pub(crate) fn ask(&self, head: &Head, body: &str) -> Got {
        *self.0.request.borrow_mut() = body.as_bytes().to_vec();
        self.0.sent.borrow_mut().clear();
        let began = self.now();
        let isolate = Rc::clone(&self.0.isolate);
        let (world, head) = (self.clone(), head.clone());
        let slot = Rc::new(RefCell::new(None));
        let fill = Rc::clone(&slot);
        self.after(async move {
            let answer = gateway::handle(&world, &isolate, &head).await;
            *fill.borrow_mut() = Some((answer, world.now()));
        });
        self.run();
        let (answer, at) = slot.borrow_mut().take().expect("the gateway answered");
        let body = match answer.body {
            AnswerBody::Bytes(bytes) => bytes,
            AnswerBody::Empty => Vec::new(),
            AnswerBody::Stream(()) => self.0.sent.borrow().clone(),
        };
        Got {
            status: answer.status,
            headers: answer
                .headers
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            body: String::from_utf8(body).unwrap(),
            ms: at - began,
        }
    }

    /// Runs all tasks; when all of them wait, time jumps to the next timer.
    fn run(&self) {
        let mut running: Vec<Task> = Vec::new();
        loop {
            running.append(&mut self.0.tasks.borrow_mut());
            let sleepers = std::mem::take(&mut *self.0.sleepers.borrow_mut());
            sleepers.into_iter().for_each(Waker::wake);
            let mut context = Context::from_waker(Waker::noop());
            running.retain_mut(|task| task.as_mut().poll(&mut context) == Poll::Pending);
            if !self.0.tasks.borrow().is_empty() || self.0.stirred.take() {
                continue;
            }
            if running.is_empty() {
                return;
            }
            let now = self.now();
            let mut timers = self.0.timers.borrow_mut();
            timers.retain(|at| *at > now);
            let next = timers
                .iter()
                .min()
                .copied()
                .expect("everything waits for nothing");
            self.0.now.set(next);
        }
    }

    /// Somebody else is at a box for so long.
    pub(crate) fn occupies(&self, name: &str, ms: u64) {
        let mut locks = self.0.store.locks.borrow_mut();
        let lock = locks.entry(name.to_owned()).or_default();
        let other = format!("other{}", lock.seen(self.now()).holders.len());
        lock.ask(
            Ask {
                owner: other.clone(),
                request: other,
                slots: u32::MAX,
                lease_ms: ms,
                wait_ms: 0,
                queue: 0,
                replaces: Vec::new(),
            },
            self.now(),
        );
    }

    /// Who is at a box, and who waits for it.
    pub(crate) fn at_box(&self, name: &str) -> (usize, usize) {
        let locks = self.0.store.locks.borrow();
        let seen = locks.get(name).map(|lock| lock.seen(self.now()));
        seen.map_or((0, 0), |seen| (seen.holders.len(), seen.queue.len()))
    }

    fn settle(&self, name: &str) {
        let mut locks = self.0.store.locks.borrow_mut();
        let Some(lock) = locks.get_mut(name) else {
            return;
        };
        for one in lock.settle(self.now()) {
            let (owner, lease) = match one {
                Settled::Granted(lease) => (lease.owner.clone(), Some(lease)),
                Settled::Late(owner) => (owner, None),
            };
            self.0.store.settled.borrow_mut().insert(owner, lease);
            self.0.stirred.set(true);
        }
    }

    async fn queued(&self, name: &str, owner: &str) -> lease::Reply {
        std::future::poll_fn(|_| {
            self.settle(name);
            if let Some(lease) = self.0.store.settled.borrow_mut().remove(owner) {
                return Poll::Ready(lease.map_or(lease::Reply::Busy, lease::Reply::Yours));
            }
            let next = self
                .0
                .store
                .locks
                .borrow()
                .get(name)
                .and_then(Lock::next_at);
            self.0.timers.borrow_mut().extend(next);
            Poll::Pending
        })
        .await
    }

    /// Waits, though no longer than the caller does.
    async fn pause(&self, ms: u64) -> Result<(), CallerLeft> {
        self.sleep(ms).await
    }

    fn next_step(&self, target: &str) -> Step {
        let mut script = self.0.script.borrow_mut();
        let steps = script
            .get_mut(target)
            .unwrap_or_else(|| panic!("'{target}' was asked, but the test has no script for it"));
        if steps.len() > 1 {
            steps.pop_front().unwrap()
        } else {
            steps.front().cloned().expect("a script has a step")
        }
    }
}

impl Platform for World {
    type Body = VecDeque<Piece>;
    type Outlet = Rc<RefCell<Vec<u8>>>;
    type Stream = ();

    fn now(&self) -> u64 {
        self.0.now.get()
    }

    fn random(&self) -> f64 {
        // A fixed sequence, so that every run of a test is the same.
        let next = self
            .0
            .chance
            .get()
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.0.chance.set(next);
        f64::from(u32::try_from(next >> 33).unwrap()) / f64::from(1_u32 << 31)
    }

    async fn sleep(&self, ms: u64) -> Result<(), CallerLeft> {
        let until = self.now() + ms;
        std::future::poll_fn(|context| {
            if self.has_left() {
                return Poll::Ready(Err(CallerLeft));
            }
            if self.now() >= until {
                return Poll::Ready(Ok(()));
            }
            self.0.timers.borrow_mut().push(until);
            self.0.timers.borrow_mut().extend(self.0.leaves_at.get());
            self.0.sleepers.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        let body = self.0.request.borrow().clone();
        if body.len() > limit {
            return Err(BodyError::TooLarge);
        }
        Ok(body)
    }

    async fn send(&self, call: Call<'_>) -> Result<Reply<Self::Body>, SendError> {
        assert_ne!(call.target.passage(&call.target.url), Passage::Barred);
        if self.has_left() {
            return Err(SendError::CallerLeft);
        }
        let target = call.target.name.clone();
        self.0.seen.borrow_mut().push(Seen {
            target: target.clone(),
            at: self.now() - START,
            body: serde_json::from_slice(call.body).expect("an upstream is sent JSON"),
        });
        match self.next_step(&target) {
            Step::Answer(text) => Ok(match call.taking {
                Taking::Open => Reply {
                    status: 200,
                    headers: ReplyHeaders::default(),
                    body: ReplyBody::Open(streamed(&[&text]).into()),
                },
                Taking::Whole => Reply {
                    status: 200,
                    headers: json_headers(),
                    body: ReplyBody::Whole(completion(&text).into_bytes()),
                },
            }),
            Step::Refuse => Err(SendError::Unreachable),
            Step::Throw(text) => Err(SendError::Thrown(text.to_owned())),
            Step::CallerLeaves { after } => {
                self.pause(after).await.map_err(|_| SendError::CallerLeft)?;
                Err(SendError::CallerLeft)
            }
            Step::Silence => {
                let slept = self.pause(call.timeout_ms).await;
                slept.map_err(|_| SendError::CallerLeft)?;
                Err(SendError::TimedOut)
            }
            Step::Reply { after, .. } if after >= call.timeout_ms => {
                let slept = self.pause(call.timeout_ms).await;
                slept.map_err(|_| SendError::CallerLeft)?;
                Err(SendError::TimedOut)
            }
            Step::Reply {
                after,
                status,
                headers,
                body,
            } => {
                self.pause(after).await.map_err(|_| SendError::CallerLeft)?;
                let body = match call.taking {
                    Taking::Open if status == 200 => {
                        ReplyBody::Open(VecDeque::from([Piece::Bytes(body)]))
                    }
                    Taking::Open | Taking::Whole => ReplyBody::Whole(body.into_bytes()),
                };
                Ok(Reply {
                    status,
                    headers,
                    body,
                })
            }
            Step::Stream(pieces) => Ok(Reply {
                status: 200,
                headers: ReplyHeaders::default(),
                body: ReplyBody::Open(pieces.into()),
            }),
        }
    }

    async fn read(
        &self,
        body: &mut Self::Body,
        timeout_ms: u64,
    ) -> Result<Option<Vec<u8>>, Broken> {
        let mut left = timeout_ms;
        loop {
            if self.has_left() {
                return Err(Broken::CallerLeft);
            }
            match body.pop_front() {
                None => return Ok(None),
                Some(Piece::Bytes(text)) => return Ok(Some(text.into_bytes())),
                Some(Piece::Reset) => return Err(Broken::Reset),
                Some(Piece::Wait(ms)) if ms >= left => {
                    self.pause(left).await.map_err(|_| Broken::CallerLeft)?;
                    body.push_front(Piece::Wait(ms - left));
                    return Err(Broken::TimedOut);
                }
                Some(Piece::Wait(ms)) => {
                    self.pause(ms).await.map_err(|_| Broken::CallerLeft)?;
                    left -= ms;
                }
            }
        }
    }

    fn outlet(&self) -> (Self::Outlet, ()) {
        (Rc::clone(&self.0.sent), ())
    }

    async fn write(&self, outlet: &Self::Outlet, bytes: &[u8]) -> Result<(), CallerLeft> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.0.reads_for.get() > 0 {
            self.sleep(self.0.reads_for.get()).await?;
        }
        if self.has_left() {
            return Err(CallerLeft);
        }
        if let Some(left) = self.0.reads_before_leaving.get() {
            if left == 0 {
                return Err(CallerLeft);
            }
            self.0.reads_before_leaving.set(Some(left - 1));
        }
        outlet.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }

    async fn close(&self, _outlet: Self::Outlet) {}

    async fn pump(
        &self,
        mut body: Self::Body,
        outlet: &Self::Outlet,
        relay: &Rc<RefCell<Relay>>,
        pace: Pace,
    ) -> Pumped {
        let (mut heard, mut told) = (self.now(), self.now());
        loop {
            let patience = match relay.borrow().standing() {
                Standing::Finished => pace.coda_ms,
                Standing::Committed
                | Standing::Complete
                | Standing::Failed(_)
                | Standing::Waiting => pace.stall_ms,
            };
            let stalls_at = heard + patience;
            let beats_at = told + pace.heartbeat_ms;
            let until = stalls_at.min(pace.deadline).min(beats_at);
            let bytes = match self.read(&mut body, until.saturating_sub(self.now())).await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Pumped::Ended,
                Err(Broken::CallerLeft) => return Pumped::CallerLeft,
                Err(Broken::Reset) => return Pumped::Reset,
                Err(Broken::TimedOut) if self.now() >= pace.deadline => return Pumped::Deadline,
                Err(Broken::TimedOut) if self.now() >= stalls_at => return Pumped::Stalled,
                Err(Broken::TimedOut) => {
                    if self.write(outlet, HEARTBEAT.as_bytes()).await.is_err() {
                        return Pumped::CallerLeft;
                    }
                    told = self.now();
                    continue;
                }
            };
            told = self.now();
            let fed = relay.borrow_mut().feed(&bytes);
            let out = match fed {
                Fed::Same => bytes,
                Fed::Other => relay.borrow_mut().take(),
            };
            if relay.borrow().sound() == Sound::Heard
                || *relay.borrow().standing() == Standing::Finished
            {
                heard = self.now();
            }
            if self.write(outlet, &out).await.is_err() {
                return Pumped::CallerLeft;
            }
            if !relay.borrow().wants_more() {
                return Pumped::Enough;
            }
        }
    }

    async fn pass(&self, mut body: Self::Body, outlet: &Self::Outlet, deadline: u64) -> Pumped {
        loop {
            match self
                .read(&mut body, deadline.saturating_sub(self.now()))
                .await
            {
                Ok(Some(bytes)) => {
                    if self.write(outlet, &bytes).await.is_err() {
                        return Pumped::CallerLeft;
                    }
                }
                Ok(None) => return Pumped::Ended,
                Err(Broken::CallerLeft) => return Pumped::CallerLeft,
                Err(Broken::Reset) => return Pumped::Reset,
                Err(Broken::TimedOut) => return Pumped::Deadline,
            }
        }
    }

    async fn look(&self, target: &Target, url: &str, timeout_ms: u64) -> Look {
        assert_ne!(target.passage(url), Passage::Barred);
        self.0.looked.borrow_mut().push(url.to_owned());
        let view = {
            let mut views = self.0.views.borrow_mut();
            views.get_mut(url).map(|looks| {
                if looks.len() > 1 {
                    looks.pop_front().unwrap()
                } else {
                    looks.front().cloned().expect("a view has a look")
                }
            })
        };
        let lies = || self.0.lies.borrow().get(&target.name).cloned();
        let look = match view {
            Some(look) => look,
            None => lies().map_or(Look::Nothing, |text| Look::Body(text.into_bytes())),
        };
        if look == Look::Nothing {
            let _ = self.pause(timeout_ms).await;
        }
        look
    }

    fn after(&self, work: impl Future<Output = ()> + 'static) {
        self.0.tasks.borrow_mut().push(Box::pin(work));
    }

    async fn shared(&self, targets: &[&str], servers: &[&str]) -> Option<Told> {
        let store = &self.0.store;
        store.reads.set(store.reads.get() + 1);
        match store.kv.get() {
            Kv::Works => {}
            Kv::Down => return None,
            Kv::Slow(ms) => drop(self.pause(ms).await),
        }
        let values = store.values.borrow();
        let trips = store.trips.borrow();
        let of = |values: &BTreeMap<String, Shared>, name: &str| {
            Some((name.to_owned(), *values.get(name)?))
        };
        let own = targets.iter().filter_map(|name| of(&values, name));
        let operators = targets.iter().filter_map(|name| of(&trips, name));
        let mut boxes = store.boxes.borrow().clone();
        boxes
            .0
            .retain(|server, _| servers.contains(&server.as_str()));
        Some(Told {
            breakers: own.chain(operators).collect(),
            boxes,
        })
    }

    async fn share_boxes(&self, boxes: &Boxes) {
        let store = &self.0.store;
        store.box_writes.set(store.box_writes.get() + 1);
        if store.kv.get() != Kv::Down {
            *store.boxes.borrow_mut() = boxes.clone();
        }
    }

    async fn share_breaker(&self, target: &str, shared: &Shared) {
        if self.0.store.kv.get() != Kv::Down {
            let store = &self.0.store;
            let values = if shared.cause == Cause::Tripped {
                &store.trips
            } else {
                &store.values
            };
            values.borrow_mut().insert(target.to_owned(), *shared);
        }
    }

    async fn lock(&self, name: &str, message: &Message) -> Option<lease::Reply> {
        let store = Rc::clone(&self.0.store);
        if self.0.lock_delay.get() > 0 {
            let there = self.now() + self.0.lock_delay.get();
            // What is on its way gets there, whoever leaves.
            std::future::poll_fn(|context| {
                if self.now() >= there {
                    return Poll::Ready(());
                }
                self.0.timers.borrow_mut().push(there);
                self.0.sleepers.borrow_mut().push(context.waker().clone());
                Poll::Pending
            })
            .await;
        }
        store.said.borrow_mut().push(message.clone());
        match store.locking.get() {
            Locking::Works => {}
            Locking::Silent if matches!(message, Message::Ask(_)) => std::future::pending().await,
            Locking::Down | Locking::Silent => return None,
        }
        let now = self.now();
        let heard = {
            let mut locks = store.locks.borrow_mut();
            let lock = locks.entry(name.to_owned()).or_default();
            match message {
                Message::Ask(ask) => match lock.ask(ask.clone(), now) {
                    lease::Standing::Granted(lease) => Some(lease::Reply::Yours(lease)),
                    lease::Standing::Busy => Some(lease::Reply::Busy),
                    lease::Standing::Queued(_) => None,
                },
                Message::Renew { owner, lease_ms } => {
                    let renewed = lock.renew(owner, *lease_ms, now);
                    Some(renewed.map_or(lease::Reply::NotYours, lease::Reply::Yours))
                }
                Message::Release { owner } if lock.release(owner, now) => {
                    Some(lease::Reply::Released)
                }
                Message::Release { .. } => Some(lease::Reply::NotYours),
                Message::Free => Some(lease::Reply::Freed(lock.free())),
                Message::Look => Some(lease::Reply::Seen(lock.seen(now))),
            }
        };
        self.settle(name);
        self.0.stirred.set(true);
        match (heard, message) {
            (None, Message::Ask(ask)) => Some(self.queued(name, &ask.owner).await),
            (heard, _) => heard,
        }
    }

    async fn gather(&self, _ms: u64) {}

    async fn ledger(&self, message: &ledger::message::Message) -> Option<String> {
        let store = &self.0.store;
        if store.ledger.get() == Ledger::Down {
            return None;
        }
        let told = match message {
            ledger::message::Message::Tell(tell) => {
                let mut entries = store.entries.borrow_mut();
                for (_, entry) in &tell.entries {
                    if entries.iter().all(|known| known.id != entry.id) {
                        entries.push(entry.clone());
                    }
                }
                let drill = store.drill.borrow().clone();
                ledger::message::Told {
                    number: tell.entries.last().map_or(0, |(number, _)| *number),
                    drill: drill.filter(|drill| self.now() < drill.until),
                }
            }
            ledger::message::Message::Begin(drill) => {
                *store.drill.borrow_mut() = Some(drill.clone());
                return Some(serde_json::to_string(drill).unwrap());
            }
            ledger::message::Message::End => {
                *store.drill.borrow_mut() = None;
                return Some("null".to_owned());
            }
            other @ (ledger::message::Message::Report(_)
            | ledger::message::Message::Failures(_)
            | ledger::message::Message::Drilled(_)) => {
                return Some(serde_json::to_string(other).unwrap());
            }
        };
        Some(serde_json::to_string(&told).unwrap())
    }

    fn log(&self, line: &str) {
        self.0.log.borrow_mut().push(line.to_owned());
    }
}

/// The head of a lawful chat request from this machine.
pub(crate) fn chat_head() -> Head {
    Head {
        method: "POST".to_owned(),
        path: "/v1/chat/completions".to_owned(),
        host: "localhost".to_owned(),
        content_type: Some("application/json".to_owned()),
        ..Head::default()
    }
}

/// An answer in OpenAI's shape.
pub(crate) fn ok(text: &str) -> Step {
    Step::Answer(text.to_owned())
}

/// A completion in OpenAI's shape.
fn completion(text: &str) -> String {
    format!(
        r#"{{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{{"index":0,
        "message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}],
        "usage":{{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}}}"#
    )
}

fn json_headers() -> ReplyHeaders {
    ReplyHeaders {
        content_type: Some("application/json".to_owned()),
        ..ReplyHeaders::default()
    }
}

pub(crate) fn reply(status: u16, body: &str) -> Step {
    Step::Reply {
        after: 0,
        status,
        headers: json_headers(),
        body: body.to_owned(),
    }
}

/// An error in OpenAI's envelope.
pub(crate) fn error(status: u16, code: &str) -> Step {
    reply(
        status,
        &format!(r#"{{"error":{{"message":"told by upstream","type":"t","code":"{code}"}}}}"#),
    )
}

/// The same with other headers.
pub(crate) fn with_headers(step: Step, change: impl FnOnce(&mut ReplyHeaders)) -> Step {
    match step {
        Step::Reply {
            after,
            status,
            mut headers,
            body,
        } => {
            change(&mut headers);
            Step::Reply {
                after,
                status,
                headers,
                body,
            }
        }
        other @ (Step::Answer(_)
        | Step::CallerLeaves { .. }
        | Step::Refuse
        | Step::Silence
        | Step::Stream(_)
        | Step::Throw(_)) => other,
    }
}

/// A streamed answer of these words, one chunk each, with the end that OpenAI sends.
pub(crate) fn streamed(words: &[&str]) -> Vec<Piece> {
    let mut pieces = vec![piece(
        r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
    )];
    pieces.extend(words.iter().map(|word| text_piece(word)));
    pieces.push(piece(
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    ));
    pieces.push(piece(
        r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#,
    ));
    pieces.push(piece("[DONE]"));
    pieces
}

pub(crate) fn text_piece(word: &str) -> Piece {
    piece(&format!(
        r#"{{"choices":[{{"index":0,"delta":{{"content":"{word}"}}}}]}}"#
    ))
}

pub(crate) fn piece(data: &str) -> Piece {
    Piece::Bytes(format!("data: {data}\n\n"))
}
