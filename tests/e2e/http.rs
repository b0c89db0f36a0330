//! HTTP/1.1 as both ends of these tests read it: a head, then a body with a length, in chunks, or up
//! to the end of the connection.
//!
//! # Why not a client and a server from a crate
//!
//! What matters here lies below what such crates show: which bytes came in which chunk, whether a
//! body ended in order or broke off, who closed the connection and when.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::net::TcpStream;

/// The first line of a message and its headers; header names are in lower case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    pub(crate) first_line: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    /// Reads a head; `None` when the connection ends before it.
    pub(crate) fn read(from: &mut BufReader<TcpStream>) -> Option<Self> {
        let first_line = line(from)?;
        let mut headers = Vec::new();
        loop {
            let line = line(from)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':')?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Some(Self {
            first_line,
            headers,
        })
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// One word of the first line, counted from 0.
    pub(crate) fn word(&self, position: usize) -> &str {
        self.first_line.split(' ').nth(position).unwrap_or_default()
    }
}

/// How a body came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// As its framing says.
    InOrder,
    /// The connection broke before that.
    Broken,
}

/// How a body is framed, and how much of it is still to come.
#[derive(Debug)]
enum Framing {
    Chunked,
    Length(usize),
    UntilClose,
}

/// A body that is read piece by piece.
#[derive(Debug)]
pub(crate) struct Body {
    from: BufReader<TcpStream>,
    framing: Framing,
    /// How it ended, once it has.
    pub(crate) ended: Option<Ended>,
}

impl Body {
    /// The body of a request.
    pub(crate) fn of_request(head: &Head, from: BufReader<TcpStream>) -> Self {
        Self::new(head, from, Framing::Length(0))
    }

    /// The body of an answer.
    pub(crate) fn of_answer(head: &Head, from: BufReader<TcpStream>) -> Self {
        Self::new(head, from, Framing::UntilClose)
    }

    fn new(head: &Head, from: BufReader<TcpStream>, otherwise: Framing) -> Self {
        let length = head.header("content-length").map(str::parse);
        let framing = match (head.header("transfer-encoding"), length) {
            (Some("chunked"), _) => Framing::Chunked,
            (_, Some(Ok(length))) => Framing::Length(length),
            _ => otherwise,
        };
        let ended = matches!(framing, Framing::Length(0)).then_some(Ended::InOrder);
        Self {
            from,
            framing,
            ended,
        }
    }

    /// The next bytes, as they come; `None` once the body has ended.
    pub(crate) fn piece(&mut self) -> Option<Vec<u8>> {
        if self.ended.is_some() {
            return None;
        }
        let (bytes, ended) = match self.framing {
            Framing::Chunked => self.chunk(),
            Framing::Length(left) => self.counted(left),
            Framing::UntilClose => self.unbounded(),
        };
        self.ended = ended;
        (!bytes.is_empty()).then_some(bytes)
    }

    /// All bytes that are still to come.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(piece) = self.piece() {
            all.extend_from_slice(&piece);
        }
        all
    }

    /// The connection below, for whoever has read enough.
    pub(crate) fn into_connection(self) -> TcpStream {
        self.from.into_inner()
    }

    fn chunk(&mut self) -> (Vec<u8>, Option<Ended>) {
        let broken = (Vec::new(), Some(Ended::Broken));
        let Some(size) = line(&mut self.from) else {
            return broken;
        };
        let Ok(size) = usize::from_str_radix(size.split(';').next().unwrap_or(""), 16) else {
            return broken;
        };
        let mut bytes = vec![0; size];
        let read = self.from.read_exact(&mut bytes).is_ok() && line(&mut self.from).is_some();
        match (read, size) {
            (false, _) => broken,
            (true, 0) => (bytes, Some(Ended::InOrder)),
            (true, _) => (bytes, None),
        }
    }

    fn counted(&mut self, left: usize) -> (Vec<u8>, Option<Ended>) {
        let bytes = self.available(left);
        let left = left - bytes.len();
        self.framing = Framing::Length(left);
        let ended = match (left, bytes.is_empty()) {
            (0, _) => Some(Ended::InOrder),
            (_, true) => Some(Ended::Broken),
            (_, false) => None,
        };
        (bytes, ended)
    }

    fn unbounded(&mut self) -> (Vec<u8>, Option<Ended>) {
        let bytes = self.available(usize::MAX);
        let ended = bytes.is_empty().then_some(Ended::InOrder);
        (bytes, ended)
    }

    fn available(&mut self, limit: usize) -> Vec<u8> {
        let Ok(buffer) = patiently(self.from.fill_buf()) else {
            return Vec::new();
        };
        let bytes = buffer[..buffer.len().min(limit)].to_vec();
        self.from.consume(bytes.len());
        bytes
    }
}

/// A line without its end; `None` when the connection ends first.
fn line(from: &mut BufReader<TcpStream>) -> Option<String> {
    let mut text = String::new();
    patiently(from.read_line(&mut text)).ok()?;
    Some(text.strip_suffix("\r\n")?.to_owned())
}

/// A time-out of the test's own is no event of the connection: it fails the test.
fn patiently<T>(read: std::io::Result<T>) -> std::io::Result<T> {
    if let Err(error) = &read {
        let waited = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        assert!(!waited, "nothing came for as long as the test waits");
    }
    read
}
