//! A cloud that answers at once and always the same.
//!
//! `/plain/...` is answered whole, `/every/MICROSECONDS/...` by a stream with that much time between
//! its chunks. Each chunk is written by itself, as a model writes it. A prompt is told to have a token
//! for every four bytes, because the gateway learns from what it is told.

use std::io::{BufReader, Read as _, Write as _, stdin};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::Result;
use crate::wire::Head;

/// How many pieces of text a streamed answer has.
const PIECES: usize = 1_000;

/// Where the number of a prompt's tokens goes; as long as the number is written, blanks before it.
const TOKENS: &str = "   TOKENS";

/// Serves until standard input closes.
pub(crate) fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    let answers = Arc::new(Answers::new());
    thread::spawn(move || {
        for connection in listener.incoming().map_while(std::result::Result::ok) {
            let answers = Arc::clone(&answers);
            // A caller that breaks off is the caller's business.
            thread::spawn(move || answer_all(connection, &answers));
        }
    });
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

struct Answers {
    whole: [String; 2],
    stream_head: &'static [u8],
    pieces: Vec<Vec<u8>>,
}

fn answer_all(mut connection: TcpStream, answers: &Answers) -> Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(64 * 1024, connection.try_clone()?);
    let mut body = Vec::new();
    while let Some(head) = Head::read(&mut reader)? {
        head.body(&mut reader, &mut body)?;
        let path = head.first_line.split(' ').nth(1).unwrap_or_default();
        match path.strip_prefix("/every/") {
            None => connection.write_all(&answers.whole(body.len() / 4))?,
            Some(rest) => {
                let pause = rest.split('/').next().unwrap_or_default().parse()?;
                stream(&mut connection, answers, Duration::from_micros(pause))?;
            }
        }
    }
    Ok(())
}

fn stream(connection: &mut TcpStream, answers: &Answers, pause: Duration) -> Result<()> {
    connection.write_all(answers.stream_head)?;
    for piece in &answers.pieces {
        if !pause.is_zero() {
            thread::sleep(pause);
        }
        connection.write_all(piece)?;
    }
    Ok(())
}

impl Answers {
    fn new() -> Self {
        let text = "Yes \u{2014} a flame that stays lit costs little, and \\\"little\\\" adds up.\\n\\n\
                    1. Turn it down.\\n2. Leave it on.\\n";
        let json = format!(
            r#"{{"id":"chatcmpl-b3nch","object":"chat.completion","created":1790000000,"model":"small-2026-06-01","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":{TOKENS},"completion_tokens":36,"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0,"audio_tokens":0}}}},"service_tier":"default","system_fingerprint":"fp_b3nch"}}"#
        );
        let length = json.len();
        let whole = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{json}"
        );
        let (before, after) = whole.split_once(TOKENS).unwrap_or_default();
        Self {
            whole: [before, after].map(str::to_owned),
            stream_head: b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                           transfer-encoding: chunked\r\n\r\n",
            pieces: pieces(),
        }
    }

    /// The whole answer to a prompt of so many tokens.
    fn whole(&self, tokens: usize) -> Vec<u8> {
        let [before, after] = &self.whole;
        format!("{before}{tokens:>9}{after}").into_bytes()
    }
}

fn pieces() -> Vec<Vec<u8>> {
    let mut pieces: Vec<Vec<u8>> = (0..PIECES)
        .map(|number| {
            event(&choice(
                &format!(r#"{{"content":" word{number}"}}"#),
                "null",
            ))
        })
        .collect();
    pieces.push(event(&choice("{}", r#""stop""#)));
    let usage = r#""choices":[],"usage":{"prompt_tokens":120,"completion_tokens":1000}"#;
    pieces.push(event(&chunk(usage)));
    let mut last = event("[DONE]");
    last.extend_from_slice(b"0\r\n\r\n");
    pieces.push(last);
    pieces
}

fn choice(delta: &str, finish: &str) -> String {
    chunk(&format!(
        r#""choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]"#
    ))
}

fn chunk(members: &str) -> String {
    format!(
        r#"{{"id":"chatcmpl-b3nch","object":"chat.completion.chunk","created":1790000000,"model":"small-2026-06-01",{members}}}"#
    )
}

/// An event as an HTTP chunk of its own.
fn event(data: &str) -> Vec<u8> {
    let event = format!("data: {data}\n\n");
    format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
}
