//! The scripted upstream: a provider, a home box or Cloudflare's edge before it, in every way that
//! one of them can fail, on raw TCP.
//!
//! It plays one reply per request, in order, and the last one again for every further request; or it
//! makes up each reply from the request. It records every request, so that a test can say what the
//! upstream saw: how often it was asked, when, with what, and whether the gateway hung up.

use std::fmt::Write as _;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use socket2::SockRef;

use crate::http::{Body, Head};

/// How long a test waits for something that ought to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// One thing that the upstream does on a connection.
#[derive(Clone, Debug)]
enum Step {
    /// Sends bytes.
    Write(Vec<u8>),
    /// Waits.
    Pause(Duration),
    /// Waits until the test says so.
    Await(Gate),
    /// Says to the test that all before was taken.
    Open(Gate),
    /// Says nothing more until the gateway hangs up.
    Hold,
    /// Ends the connection with a reset instead of in order.
    Reset,
}

/// What the upstream does with one request: steps, after which it ends the connection in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply(Vec<Step>);

impl Reply {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A whole answer.
    pub(crate) fn whole(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let length = body.len().to_string();
        let framing = ("content-length", length.as_str());
        Self::new()
            .head(status, headers, framing)
            .bytes(body.as_bytes())
    }

    /// The head of an answer that comes in chunks.
    pub(crate) fn chunked(status: u16, headers: &[(&str, &str)]) -> Self {
        Self::new().head(status, headers, ("transfer-encoding", "chunked"))
    }

    /// Sends bytes as they are.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        self.then(Step::Write(bytes.to_vec()))
    }

    /// Sends one chunk.
    pub(crate) fn chunk(self, text: &str) -> Self {
        self.bytes(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
    }

    /// Ends an answer that came in chunks.
    pub(crate) fn end(self) -> Self {
        self.bytes(b"0\r\n\r\n")
    }

    /// Waits.
    pub(crate) fn pause(self, time: Duration) -> Self {
        self.then(Step::Pause(time))
    }

    /// Waits for the gate to open.
    pub(crate) fn after(self, gate: &Gate) -> Self {
        self.then(Step::Await(gate.clone()))
    }

    /// Opens the gate.
    pub(crate) fn opening(self, gate: &Gate) -> Self {
        self.then(Step::Open(gate.clone()))
    }

    /// Is silent until the gateway hangs up.
    pub(crate) fn hold(self) -> Self {
        self.then(Step::Hold)
    }

    /// Resets the connection.
    pub(crate) fn reset(self) -> Self {
        self.then(Step::Reset)
    }

    /// This, and then what `other` does.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    fn head(self, status: u16, headers: &[(&str, &str)], framing: (&str, &str)) -> Self {
        let mut head = format!("HTTP/1.1 {status} Scripted\r\nconnection: close\r\n");
        for (name, value) in headers.iter().chain([&framing]) {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        self.bytes(head.as_bytes()).bytes(b"\r\n")
    }

    fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }
}

/// Something that a scripted upstream waits for and a test does, or the other way round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// Lets all pass, now and later.
    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    /// Whether it is open.
    pub(crate) fn is_open(&self) -> bool {
        *self.0.0.lock().unwrap()
    }

    /// Waits until it is open.
    pub(crate) fn pass(&self) {
        let closed = self.0.0.lock().unwrap();
        let passed = self.0.1.wait_timeout_while(closed, PATIENCE, |open| !*open);
        drop(passed);
    }
}

/// A request as the upstream saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// When it was there, whole.
    pub(crate) at: Instant,
    pub(crate) head: Head,
    pub(crate) body: String,
    /// When the gateway hung up on a silent upstream.
    pub(crate) left: Option<Instant>,
}

impl Seen {
    /// `POST /v1/chat/completions`.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.head.word(0), self.head.word(1))
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the gateway sends JSON")
    }
}

/// A scripted upstream, listening.
#[derive(Debug)]
pub(crate) struct Upstream {
    address: SocketAddr,
    record: Arc<Record>,
}

#[derive(Debug, Default)]
struct Record {
    seen: Mutex<Vec<Seen>>,
    news: Condvar,
}

impl Upstream {
    /// Plays these replies, the last one for ever.
    pub(crate) fn playing(replies: impl Into<Vec<Reply>>) -> Self {
        let replies = replies.into();
        Self::start(move |number, _| replies.get(number).or(replies.last()).cloned())
    }

    /// Plays the reply that `answer` makes up from the request.
    pub(crate) fn answering(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(move |_, seen| Some(answer(seen)))
    }

    /// `script` is told the request and its number; where it has no reply the connection is closed.
    fn start(script: impl Fn(usize, &Seen) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let script = Arc::new(script);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let record = Arc::<Record>::default();
        let shared = Arc::clone(&record);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let record = Arc::clone(&shared);
                let script = Arc::clone(&script);
                thread::spawn(move || serve(connection, &*script, &record));
            }
        });
        Self { address, record }
    }

    /// An address on which nothing listens.
    pub(crate) fn nowhere() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }

    /// Its address, without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.record.seen.lock().unwrap().clone()
    }

    /// The only request so far.
    pub(crate) fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "one request was to be seen: {seen:#?}");
        seen[0].clone()
    }

    /// How many requests came so far.
    pub(crate) fn count(&self) -> usize {
        self.record.seen.lock().unwrap().len()
    }

    /// Waits until the gateway has hung up on the request of this number, counted from 0.
    pub(crate) fn wait_left(&self, number: usize) -> Instant {
        self.wait("the gateway to hang up", |seen| seen.get(number)?.left)
    }

    /// Waits until so many requests have come.
    pub(crate) fn wait_count(&self, count: usize) {
        self.wait("a request", |seen| (seen.len() >= count).then_some(()));
    }

    fn wait<T>(&self, what: &str, found: impl Fn(&[Seen]) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        let mut seen = self.record.seen.lock().unwrap();
        loop {
            if let Some(found) = found(&seen) {
                return found;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain for {what}: {seen:#?}");
            seen = self.record.news.wait_timeout(seen, left).unwrap().0;
        }
    }
}

impl Record {
    /// Keeps a request; answers its number.
    fn keep(&self, seen: Seen) -> usize {
        let mut all = self.seen.lock().unwrap();
        all.push(seen);
        self.news.notify_all();
        all.len() - 1
    }

    fn left(&self, number: usize) {
        self.seen.lock().unwrap()[number].left = Some(Instant::now());
        self.news.notify_all();
    }
}

fn serve(connection: TcpStream, script: &impl Fn(usize, &Seen) -> Option<Reply>, record: &Record) {
    connection.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(connection);
    let Some(head) = Head::read(&mut reader) else {
        return;
    };
    let mut body = Body::of_request(&head, reader);
    let seen = Seen {
        at: Instant::now(),
        body: String::from_utf8_lossy(&body.rest()).into_owned(),
        head,
        left: None,
    };
    let number = record.keep(seen.clone());
    let Some(reply) = script(number, &seen) else {
        return;
    };
    play(&reply, body.into_connection(), || record.left(number));
}

fn play(reply: &Reply, mut connection: TcpStream, left: impl Fn()) {
    for step in &reply.0 {
        match step {
            Step::Write(bytes) => {
                if connection.write_all(bytes).is_err() {
                    return left();
                }
            }
            Step::Pause(time) => thread::sleep(*time),
            Step::Await(gate) => gate.pass(),
            Step::Open(gate) => gate.open(),
            Step::Hold => {
                let _end = connection.read(&mut [0]);
                return left();
            }
            Step::Reset => {
                // With no time to linger, closing discards what is unsent and sends a reset.
                SockRef::from(&connection)
                    .set_linger(Some(Duration::ZERO))
                    .unwrap();
                return;
            }
        }
    }
}
