//! HTTP/1.1 as both ends need it: a head, then a body with a length or in chunks.

use std::io::{BufRead, Read as _};

use crate::Result;

/// What is read of a head.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) first_line: String,
    length: usize,
    chunked: bool,
}

impl Head {
    /// Reads a head; `None` when the connection ends before it.
    pub(crate) fn read(from: &mut impl BufRead) -> Result<Option<Self>> {
        let mut head = Self::default();
        if from.read_line(&mut head.first_line)? == 0 {
            return Ok(None);
        }
        let mut line = String::with_capacity(128);
        loop {
            line.clear();
            from.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                return Ok(Some(head));
            };
            if name.eq_ignore_ascii_case("content-length") {
                head.length = value.trim().parse()?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                head.chunked = true;
            }
        }
    }

    /// Reads the body that follows into `body`, over what was there.
    pub(crate) fn body(&self, from: &mut impl BufRead, body: &mut Vec<u8>) -> Result<()> {
        body.clear();
        if !self.chunked {
            return exactly(self.length, from, body);
        }
        let mut line = String::with_capacity(16);
        while chunk(from, &mut line, body)? > 0 {}
        Ok(())
    }

    /// Reads the chunked body that follows until `mark` is in it.
    pub(crate) fn body_until(&self, mark: &[u8], from: &mut impl BufRead) -> Result<()> {
        let (mut line, mut body) = (String::new(), Vec::new());
        while self.chunked && chunk(from, &mut line, &mut body)? > 0 {
            if body.windows(mark.len()).any(|window| window == mark) {
                return Ok(());
            }
        }
        let told = String::from_utf8_lossy(&body);
        Err(format!("an answer without its mark: {}{told}", self.first_line).into())
    }
}

/// Reads a chunk and adds it to `body`; answers its length, which is 0 at the end. `line` is room to read
/// lines in.
fn chunk(from: &mut impl BufRead, line: &mut String, body: &mut Vec<u8>) -> Result<usize> {
    line.clear();
    from.read_line(line)?;
    let length = usize::from_str_radix(line.trim_end(), 16)?;
    exactly(length, from, body)?;
    // The line end after the chunk, and after the last one the one that ends the body.
    line.clear();
    from.read_line(line)?;
    Ok(length)
}

fn exactly(length: usize, from: &mut impl BufRead, body: &mut Vec<u8>) -> Result<()> {
    if from.take(length as u64).read_to_end(body)? < length {
        return Err("the connection ended within a body".into());
    }
    Ok(())
}
