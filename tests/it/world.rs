//! A world that does what a test says, in a time that only moves when everything waits.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use pilotlight::config::{self, Mistake, Target};
use pilotlight::gateway::{self, AnswerBody, Head, Isolate};
use pilotlight::platform::{
    BodyError, Broken, Call, CallerLeft, HEARTBEAT, Pace, Platform, Pumped, Reply, ReplyBody,
    ReplyHeaders, SendError, Taking,
};
use pilotlight::policy::breaker::Shared;
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
    pub(crate) reads: Cell<u32>,
    pub(crate) kv: Cell<Kv>,
}

/// The scripted world of one isolate.
#[derive(Clone)]
pub(crate) struct World(Rc<Inner>);

struct Inner {
    now: Rc<Cell<u64>>,
    timers: RefCell<Vec<u64>>,
    tasks: RefCell<Vec<Task>>,
    script: RefCell<BTreeMap<String, VecDeque<Step>>>,
    /// What a target's server has to be looked at, by target.
    lies: RefCell<BTreeMap<String, String>>,
    seen: RefCell<Vec<Seen>>,
    log: RefCell<Vec<String>>,
    request: RefCell<Vec<u8>>,
    sent: Rc<RefCell<Vec<u8>>>,
    reads_before_leaving: Cell<Option<u32>>,
    chance: Cell<u64>,
    store: Rc<Store>,
    isolate: Rc<Isolate>,
}

impl World {
    /// One isolate with this configuration; every secret is set unless `unset` names it.
    pub(crate) fn new(config: &Value) -> Self {
        let parsed = config::parse(&config.to_string(), &|name| {
            (name != "PILOTLIGHT_KEYS" && !name.starts_with("UNSET"))
                .then(|| format!("value-of-{name}"))
        });
        Self::with(parsed)
    }

    pub(crate) fn with(parsed: Result<config::Config, Vec<Mistake>>) -> Self {
        let store = Store {
            values: RefCell::default(),
            reads: Cell::new(0),
            kv: Cell::new(Kv::Works),
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
            tasks: RefCell::default(),
            script: RefCell::default(),
            lies: RefCell::default(),
            seen: RefCell::default(),
            log: RefCell::default(),
            request: RefCell::default(),
            sent: Rc::default(),
            reads_before_leaving: Cell::new(None),
            chance: Cell::new(1),
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

    /// The caller leaves after so many writes.
    pub(crate) fn caller_leaves_after(&self, writes: u32) {
        self.0.reads_before_leaving.set(Some(writes));
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
            let mut context = Context::from_waker(Waker::noop());
            running.retain_mut(|task| task.as_mut().poll(&mut context) == Poll::Pending);
            if !self.0.tasks.borrow().is_empty() {
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

    async fn pause(&self, ms: u64) {
        let slept = self.sleep(ms).await;
        slept.expect("nobody leaves in a scripted world");
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
        std::future::poll_fn(|_| {
            if self.now() >= until {
                return Poll::Ready(());
            }
            self.0.timers.borrow_mut().push(until);
            Poll::Pending
        })
        .await;
        Ok(())
    }

    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        let body = self.0.request.borrow().clone();
        if body.len() > limit {
            return Err(BodyError::TooLarge);
        }
        Ok(body)
    }

    async fn send(&self, call: Call<'_>) -> Result<Reply<Self::Body>, SendError> {
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
            Step::CallerLeaves { after } => {
                self.pause(after).await;
                Err(SendError::CallerLeft)
            }
            Step::Silence => {
                self.pause(call.timeout_ms).await;
                Err(SendError::TimedOut)
            }
            Step::Reply { after, .. } if after >= call.timeout_ms => {
                self.pause(call.timeout_ms).await;
                Err(SendError::TimedOut)
            }
            Step::Reply {
                after,
                status,
                headers,
                body,
            } => {
                self.pause(after).await;
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
            match body.pop_front() {
                None => return Ok(None),
                Some(Piece::Bytes(text)) => return Ok(Some(text.into_bytes())),
                Some(Piece::Reset) => return Err(Broken::Reset),
                Some(Piece::Wait(ms)) if ms >= left => {
                    self.pause(left).await;
                    body.push_front(Piece::Wait(ms - left));
                    return Err(Broken::TimedOut);
                }
                Some(Piece::Wait(ms)) => {
                    self.pause(ms).await;
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

    async fn look(&self, target: &Target, url: &str, timeout_ms: u64) -> Option<Vec<u8>> {
        let lies = self.0.lies.borrow().get(&target.name).cloned();
        assert!(url.ends_with("/api/ps"), "{url}");
        if lies.is_none() {
            self.pause(timeout_ms).await;
        }
        lies.map(String::into_bytes)
    }

    fn after(&self, work: impl Future<Output = ()> + 'static) {
        self.0.tasks.borrow_mut().push(Box::pin(work));
    }

    async fn shared_breakers(&self, targets: &[&str]) -> Option<Vec<(String, Shared)>> {
        let store = &self.0.store;
        store.reads.set(store.reads.get() + 1);
        match store.kv.get() {
            Kv::Works => {}
            Kv::Down => return None,
            Kv::Slow(ms) => self.pause(ms).await,
        }
        let values = store.values.borrow();
        Some(
            targets
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), *values.get(*name)?)))
                .collect(),
        )
    }

    async fn share_breaker(&self, target: &str, shared: &Shared) {
        if self.0.store.kv.get() != Kv::Down {
            self.0
                .store
                .values
                .borrow_mut()
                .insert(target.to_owned(), *shared);
        }
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
        | Step::Stream(_)) => other,
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
