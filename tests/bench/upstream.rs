//! A cloud that answers at once and always the same.
//!
//! The path says how: `/plain/...` with a short body, `/text/...` with a long one,
//! `/every/MICROSECONDS/...` by a stream with that much time between its chunks, `/pause/...` by a
//! stream that never goes on after its text, until the other end leaves. What is long has as many
//! pieces of text as the request's `max_completion_tokens`. Each chunk is written by itself, as a model
//! writes it. A prompt is told to have a token for every four bytes, because the gateway learns from
//! what it is told.

use std::io::{BufRead as _, BufReader, Read as _, Write as _, stdin};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::Result;
use crate::answers::{self, Answers, STREAM_HEAD};
use crate::wire::Head;

/// The field that says how long an answer is to be, as every Worker writes it.
const LENGTH: &[u8] = br#""max_completion_tokens":"#;

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

fn answer_all(mut connection: TcpStream, answers: &Answers) -> Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(64 * 1024, connection.try_clone()?);
    let mut body = Vec::new();
    while let Some(head) = Head::read(&mut reader)? {
        head.body(&mut reader, &mut body)?;
        let prompt_tokens = body.len() / 4;
        let path = head.first_line.split(' ').nth(1).unwrap_or_default();
        let mut folders = path.split('/').skip(1);
        match folders.next() {
            Some("text") => {
                connection.write_all(&answers::text(length(&body)?, prompt_tokens))?;
            }
            Some("every") => {
                let pause = Duration::from_micros(folders.next().unwrap_or_default().parse()?);
                connection.write_all(STREAM_HEAD)?;
                let chunks = answers.pieces(length(&body)?).chain(answers.end());
                write_each(&mut connection, chunks, pause)?;
            }
            Some("pause") => {
                connection.write_all(STREAM_HEAD)?;
                let chunks = answers.pieces(length(&body)?);
                write_each(&mut connection, chunks, Duration::ZERO)?;
                reader.fill_buf()?;
                return Ok(());
            }
            _ => connection.write_all(&answers::short(prompt_tokens))?,
        }
    }
    Ok(())
}

fn write_each<'a>(
    connection: &mut TcpStream,
    chunks: impl Iterator<Item = &'a [u8]>,
    pause: Duration,
) -> Result<()> {
    for chunk in chunks {
        if !pause.is_zero() {
            thread::sleep(pause);
        }
        connection.write_all(chunk)?;
    }
    Ok(())
}

/// How many pieces of text a request asks for.
fn length(body: &[u8]) -> Result<usize> {
    let at = body.windows(LENGTH.len()).position(|word| word == LENGTH);
    let from = at.ok_or("a request does not say how long its answer is to be")? + LENGTH.len();
    let digits: String = body
        .iter()
        .skip(from)
        .map(|byte| char::from(*byte))
        .take_while(char::is_ascii_digit)
        .collect();
    Ok(digits.parse()?)
}
