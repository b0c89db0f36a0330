//! The key-value store that gateways share, as workerd asks for it over HTTP: one that counts, and
//! one that fails.
//!
//! The requests are those of workerd's own binding (`src/workerd/api/kv.c++`), and the answers those
//! that Cloudflare's simulator gives (`packages/miniflare/src/workers/kv/namespace.worker.ts`).

use std::collections::BTreeMap;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use crate::http::{Body, Head};

/// How a store behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It stores.
    Sound,
    /// It takes every request and never answers.
    Silent,
    /// It answers everything with 500.
    Broken,
    /// It closes every connection.
    Gone,
}

/// A store, listening.
#[derive(Clone, Debug)]
pub(crate) struct Kv {
    address: SocketAddr,
    shelf: Arc<Mutex<Shelf>>,
}

#[derive(Debug, Default)]
struct Shelf {
    values: BTreeMap<String, Vec<u8>>,
    asked: Vec<(Instant, String)>,
}

impl Kv {
    /// An empty store.
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shelf = Arc::<Mutex<Shelf>>::default();
        let shared = Arc::clone(&shelf);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let shelf = Arc::clone(&shared);
                thread::spawn(move || serve(connection, manner, &shelf));
            }
        });
        Self { address, shelf }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// When it was read.
    pub(crate) fn reads(&self) -> Vec<Instant> {
        self.times("POST")
    }

    /// When it was written.
    pub(crate) fn writes(&self) -> Vec<Instant> {
        self.times("PUT")
    }

    /// The value under a key.
    pub(crate) fn value(&self, key: &str) -> Option<serde_json::Value> {
        let values = &self.shelf.lock().unwrap().values;
        serde_json::from_slice(values.get(key)?).ok()
    }

    fn times(&self, wanted: &str) -> Vec<Instant> {
        let all = &self.shelf.lock().unwrap().asked;
        all.iter()
            .filter(|(_, method)| method == wanted)
            .map(|(at, _)| *at)
            .collect()
    }
}

fn serve(connection: TcpStream, manner: Manner, shelf: &Mutex<Shelf>) {
    let mut reader = BufReader::new(connection);
    let Some(head) = Head::read(&mut reader) else {
        return;
    };
    let mut body = Body::of_request(&head, reader);
    let sent = body.rest();
    let mut connection = body.into_connection();
    let mut shelf = shelf.lock().unwrap();
    shelf.asked.push((Instant::now(), head.word(0).to_owned()));
    let (status, answer) = match manner {
        Manner::Gone => return,
        Manner::Silent => {
            drop(shelf);
            let _end = connection.read(&mut [0]);
            return;
        }
        Manner::Broken => (500, Vec::new()),
        Manner::Sound => carry_out(&mut shelf, &head, sent),
    };
    let length = answer.len();
    let head =
        format!("HTTP/1.1 {status} Kv\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    let _written = connection.write_all(&[head.as_bytes(), &answer].concat());
}

fn carry_out(shelf: &mut Shelf, head: &Head, sent: Vec<u8>) -> (u16, Vec<u8>) {
    let path = head.word(1);
    let key = path.split('?').next().unwrap_or(path);
    // A slash is the one character of a breaker's key that is encoded.
    let key = key.trim_start_matches('/').replace("%2F", "/");
    match head.word(0) {
        "POST" if key == "bulk/get" => (200, bulk(shelf, &sent)),
        "PUT" => {
            shelf.values.insert(key, sent);
            (200, Vec::new())
        }
        method => panic!("the store does not know {method} {path}"),
    }
}

fn bulk(shelf: &Shelf, sent: &[u8]) -> Vec<u8> {
    let request: serde_json::Value = serde_json::from_slice(sent).unwrap();
    let keys = request["keys"].as_array().unwrap().iter();
    let found = keys.map(|key| {
        let key = key.as_str().unwrap().to_owned();
        let value = shelf.values.get(&key);
        let text = value.map(|bytes| String::from_utf8(bytes.clone()).unwrap());
        (key, text)
    });
    serde_json::to_vec(&found.collect::<BTreeMap<_, _>>()).unwrap()
}
