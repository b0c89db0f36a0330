//! A caller that sees everything: heads, bodies, events one by one, and how they ended.

use std::fmt::Write as _;
use std::io::{BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use socket2::SockRef;

use crate::http::{Body, Ended, Head};
use crate::upstream::PATIENCE;

/// A request to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A request without a body.
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            line: format!("{method} {path} HTTP/1.1"),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A chat request.
    pub(crate) fn chat(body: &Value) -> Self {
        Self::new("POST", "/v1/chat/completions")
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    /// With one more header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this body.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it and waits for the head of the answer.
    pub(crate) fn send(&self, to: SocketAddr) -> Incoming {
        let mut reader = BufReader::new(self.post(to));
        let head = Head::read(&mut reader).expect("the gateway answers");
        let body = Body::of_answer(&head, reader);
        Incoming {
            head,
            body,
            text: String::new(),
        }
    }

    /// Sends it, waits for something else than the answer, and leaves.
    pub(crate) fn send_and_leave(&self, to: SocketAddr, wait: impl FnOnce()) {
        let connection = self.post(to);
        wait();
        leave(&connection);
    }

    /// Sends it and waits for all of the answer, for so long; who waits in vain hangs up. The answer as it
    /// is on the wire.
    pub(crate) fn send_within(&self, to: SocketAddr, limit: Duration) -> Option<String> {
        let until = Instant::now() + limit;
        let mut connection = self.post(to);
        let mut answer = Vec::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let mut piece = [0; 4_096];
            let read = if left.is_zero() {
                Err(ErrorKind::TimedOut.into())
            } else {
                connection.set_read_timeout(Some(left)).unwrap();
                connection.read(&mut piece)
            };
            match read {
                Ok(0) => return Some(String::from_utf8(answer).unwrap()),
                Ok(length) => answer.extend_from_slice(&piece[..length]),
                Err(_) => {
                    leave(&connection);
                    return None;
                }
            }
        }
    }

    /// Sends it where nothing may be listening yet.
    pub(crate) fn try_send(&self, to: SocketAddr) -> Option<Incoming> {
        TcpStream::connect(to).ok()?;
        Some(self.send(to))
    }

    fn post(&self, to: SocketAddr) -> TcpStream {
        let mut connection = TcpStream::connect(to).unwrap();
        connection.set_nodelay(true).unwrap();
        // Ten times the patience of anything else: a home box reads its prompt slowly.
        connection.set_read_timeout(Some(PATIENCE * 10)).unwrap();
        let mut head = format!("{}\r\nconnection: close\r\n", self.line);
        if !self.headers.iter().any(|(name, _)| name == "host") {
            let _ = write!(head, "host: {to}\r\n");
        }
        if !self.body.is_empty() {
            let _ = write!(head, "content-length: {}\r\n", self.body.len());
        }
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        connection.write_all(head.as_bytes()).unwrap();
        // A gateway that refuses a large body may have answered and closed before it was all sent.
        let _sent = connection.write_all(&self.body);
        connection
    }
}

/// Leaves with a reset. After an orderly end workerd would go on, since the caller might only have
/// no more to say.
fn leave(connection: &TcpStream) {
    let socket = SockRef::from(connection);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
}

/// An answer whose body is still coming.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) head: Head,
    body: Body,
    text: String,
}

impl Incoming {
    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.head.word(1).parse().unwrap()
    }

    /// The next event's data; `None` at the end. Comments are no events.
    pub(crate) fn event(&mut self) -> Option<String> {
        loop {
            let block = self.block()?;
            if block.is_empty() || block.starts_with(':') {
                continue;
            }
            let data = block.strip_prefix("data: ").map(str::to_owned);
            return Some(data.expect("every event is one line of data"));
        }
    }

    /// The next event or comment, up to its empty line; `None` at the end.
    pub(crate) fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = rest.to_owned();
                return Some(block);
            }
            self.more()?;
        }
    }

    /// The next so many bytes, whatever they are.
    pub(crate) fn raw(&mut self, length: usize) -> String {
        while self.text.len() < length {
            self.more().expect("the answer is longer");
        }
        let rest = self.text.split_off(length);
        std::mem::replace(&mut self.text, rest)
    }

    fn more(&mut self) -> Option<()> {
        let piece = self.body.piece()?;
        self.text.push_str(std::str::from_utf8(&piece).unwrap());
        Some(())
    }

    /// Events up to the first that says something.
    pub(crate) fn first_words(&mut self) -> String {
        loop {
            let event = self.event().expect("the stream says something");
            let words = content(&serde_json::from_str(&event).unwrap());
            if !words.is_empty() {
                return words;
            }
        }
    }

    /// Leaves.
    pub(crate) fn leave(self) {
        leave(&self.body.into_connection());
    }

    /// The whole answer, from here on.
    pub(crate) fn whole(mut self) -> Answer {
        let rest = String::from_utf8(self.body.rest()).unwrap();
        let body = std::mem::take(&mut self.text) + &rest;
        Answer {
            status: self.status(),
            head: self.head,
            body,
        }
    }

    /// The whole stream, from here on.
    pub(crate) fn streamed(mut self) -> Streamed {
        let mut chunks = Vec::new();
        let mut done = 0;
        while let Some(event) = self.event() {
            assert_eq!(done, 0, "nothing comes after [DONE]: {event}");
            match event.as_str() {
                "[DONE]" => done += 1,
                json => chunks.push(serde_json::from_str(json).unwrap()),
            }
        }
        assert_eq!(self.text, "", "the last event is whole");
        Streamed {
            status: self.status(),
            head: self.head,
            chunks,
            done: done == 1,
            ended: self.body.ended.unwrap(),
        }
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Head,
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The text of the first choice.
    pub(crate) fn text(&self) -> String {
        let text = self.json()["choices"][0]["message"]["content"].clone();
        let text = text.as_str().map(str::to_owned);
        text.unwrap_or_else(|| panic!("no answer: {self:?}"))
    }

    /// What was tried, as the body tells it: `target:outcome`.
    pub(crate) fn attempts(&self) -> Vec<String> {
        attempts(&self.json())
    }
}

/// A whole stream.
#[derive(Debug)]
pub(crate) struct Streamed {
    pub(crate) status: u16,
    pub(crate) head: Head,
    pub(crate) chunks: Vec<Value>,
    /// Whether `[DONE]` came.
    pub(crate) done: bool,
    pub(crate) ended: Ended,
}

impl Streamed {
    /// All that was said.
    pub(crate) fn text(&self) -> String {
        self.chunks.iter().map(content).collect()
    }

    /// The last finish reason.
    pub(crate) fn finish_reason(&self) -> Option<&str> {
        let mut chunks = self.chunks.iter().rev();
        chunks.find_map(|chunk| chunk["choices"][0]["finish_reason"].as_str())
    }

    /// The error event, which can only be the last.
    pub(crate) fn error(&self) -> Option<&Value> {
        self.chunks.last()?.get("error")
    }

    /// The chunk that tells how the answer came about.
    pub(crate) fn disclosure(&self) -> Option<&Value> {
        let mut chunks = self.chunks.iter();
        chunks.find(|chunk| chunk.get("pilotlight").is_some())
    }

    /// The tokens used.
    pub(crate) fn usage(&self) -> Option<&Value> {
        let mut chunks = self.chunks.iter();
        chunks.find_map(|chunk| chunk.get("usage").filter(|usage| usage.is_object()))
    }
}

/// What was tried, in an answer, a chunk or an error: `target:outcome`.
pub(crate) fn attempts(json: &Value) -> Vec<String> {
    let told = json.get("error").unwrap_or(json);
    let attempts = told["pilotlight"]["attempts"].as_array();
    let attempts = attempts.unwrap_or_else(|| panic!("no attempts in {json}"));
    let word = |attempt: &Value, name: &str| attempt[name].as_str().unwrap().to_owned();
    attempts
        .iter()
        .map(|attempt| format!("{}:{}", word(attempt, "target"), word(attempt, "outcome")))
        .collect()
}

fn content(chunk: &Value) -> String {
    let text = chunk["choices"][0]["delta"]["content"].as_str();
    text.unwrap_or_default().to_owned()
}
