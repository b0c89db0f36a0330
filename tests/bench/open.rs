//! Callers that stay: so many streams, all open at once, each in the middle of its answer.

use std::fs;
use std::io::{BufReader, Read as _, Write as _, stdin};
use std::net::TcpStream;

use crate::Result;
use crate::call::request;
use crate::wire::Head;

/// Opens one stream after another, each read until it says the mark; prints a line of JSON when all are
/// open, and lets go of them when standard input closes.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    let [address, path, body, connections, mark] = args else {
        return Err("bench open takes five words".into());
    };
    let request = request(address, path, &fs::read(body)?);
    let open: Vec<TcpStream> = (0..connections.parse::<u32>()?)
        .map(|_| open(address, &request, mark.as_bytes()))
        .collect::<Result<_>>()?;
    println!("{{\"open\":{}}}", open.len());
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn open(address: &str, request: &[u8], mark: &[u8]) -> Result<TcpStream> {
    let mut connection = TcpStream::connect(address)?;
    connection.write_all(request)?;
    let mut reader = BufReader::new(connection.try_clone()?);
    let head = Head::read(&mut reader)?.ok_or("the connection ended without an answer")?;
    head.body_until(mark, &mut reader)?;
    Ok(connection)
}
