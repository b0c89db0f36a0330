//! Callers: so many connections, each with one call after another.
//!
//! Every answer is read whole and looked at. One that is not what was asked for ends the run, because
//! an error would be counted as a quick answer.

use std::fs;
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::wire::Head;

/// What every answer holds, streamed or not, whoever passed it on.
const MARK: &[u8] = br#""finish_reason":"stop""#;

/// How far from an answer's end the mark is looked for.
const REACH: usize = 4_096;

/// How long each connection goes on calling.
#[derive(Clone, Copy)]
enum Until {
    Calls(u32),
    Elapsed(Duration),
}

/// Calls as the arguments say, and prints a line of JSON.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    let [address, path, body, connections, word, number] = args else {
        return Err("bench call takes six words".into());
    };
    let until = match *word {
        "for" => Until::Elapsed(Duration::from_secs_f64(number.parse()?)),
        "each" => Until::Calls(number.parse()?),
        _ => return Err("bench call: for SECONDS, or each COUNT".into()),
    };
    let request = request(address, path, &fs::read(body)?);
    let began = Instant::now();
    let calls = thread::scope(|scope| {
        let callers: Vec<_> = (0..connections.parse::<u32>()?)
            .map(|_| scope.spawn(|| call(address, &request, began, until)))
            .collect();
        callers.into_iter().try_fold(0, |total, caller| {
            let made = caller.join().map_err(|_| "a caller panicked")??;
            Ok::<u64, Box<dyn std::error::Error + Send + Sync>>(total + made)
        })
    })?;
    let seconds = began.elapsed().as_secs_f64();
    println!("{{\"calls\":{calls},\"seconds\":{seconds}}}");
    Ok(())
}

/// A call as its bytes.
pub(crate) fn request(address: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer pl-9c41e07b52d64f3f8a6e\r\n\
         content-type: application/json\r\naccept: application/json\r\n\
         user-agent: OpenAI/Python 3.52.0\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn call(address: &str, request: &[u8], began: Instant, until: Until) -> Result<u64> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(64 * 1024, connection.try_clone()?);
    let mut body = Vec::new();
    let mut calls = 0;
    loop {
        let enough = match until {
            Until::Calls(most) => calls >= u64::from(most),
            Until::Elapsed(most) => began.elapsed() >= most,
        };
        if enough {
            return Ok(calls);
        }
        connection.write_all(request)?;
        let head = Head::read(&mut reader)?.ok_or("the connection ended without an answer")?;
        head.body(&mut reader, &mut body)?;
        check(&head, &body)?;
        calls += 1;
    }
}

fn check(head: &Head, body: &[u8]) -> Result<()> {
    let from = body.len().saturating_sub(REACH);
    let end = body.get(from..).unwrap_or_default();
    let marked = end.windows(MARK.len()).any(|window| window == MARK);
    if marked && head.first_line.contains(" 200 ") {
        return Ok(());
    }
    let told = String::from_utf8_lossy(end);
    Err(format!(
        "not the answer that was asked for: {}{told}",
        head.first_line
    )
    .into())
}
