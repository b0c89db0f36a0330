//! Lines out of bytes that come in any pieces, for streams of one JSON value a line.
//!
//! # Why bytes and not text
//!
//! A piece may end anywhere, inside a UTF-8 sequence too, but a line feed is never part of one. So
//! lines are cut as bytes, and whether a line is text is told where it is read as JSON.

/// A line may be as long as this, in bytes; a longer one is a fault of the upstream.
const LONGEST: usize = 16 * 1024 * 1024;

/// A line is longer than 16 MiB. The lines before it have been handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Splits a stream into lines. Holds at most one unfinished line.
#[derive(Debug, Default)]
pub struct Lines {
    held: Vec<u8>,
}

impl Lines {
    /// Takes the next bytes and hands out the lines that they complete, without the white space
    /// around them. A line of nothing but white space is none.
    pub fn feed(&mut self, bytes: &[u8], emit: &mut dyn FnMut(&[u8])) -> Result<(), TooLong> {
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        let unfinished = pieces.next_back().unwrap_or_default();
        for piece in pieces {
            if self.held.len().saturating_add(piece.len()) > LONGEST {
                return Err(TooLong);
            }
            if self.held.is_empty() {
                line(piece, emit);
            } else {
                self.held.extend_from_slice(piece);
                line(&self.held, emit);
                self.held.clear();
            }
        }
        if self.held.len().saturating_add(unfinished.len()) > LONGEST {
            return Err(TooLong);
        }
        self.held.extend_from_slice(unfinished);
        Ok(())
    }

    /// Takes the end of the bytes: a last line needs no line feed.
    pub fn finish(&mut self, emit: &mut dyn FnMut(&[u8])) {
        line(&std::mem::take(&mut self.held), emit);
    }
}

fn line(bytes: &[u8], emit: &mut dyn FnMut(&[u8])) {
    let line = bytes.trim_ascii();
    if !line.is_empty() {
        emit(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut splitter = Lines::default();
        let mut found = Vec::new();
        let mut emit = |line: &[u8]| found.push(line.to_vec());
        for piece in pieces {
            splitter.feed(piece, &mut emit).unwrap();
        }
        splitter.finish(&mut emit);
        found
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_are_cut() {
        let stream = "{\"a\":\"ü🔥\"}\n\n \r\n{\"b\":1}\r\n{\"last\":\"é\"}".as_bytes();
        let expected = ["{\"a\":\"ü🔥\"}", "{\"b\":1}", "{\"last\":\"é\"}"].map(str::as_bytes);
        assert_eq!(lines(&stream.chunks(1).collect::<Vec<_>>()), expected);
        for cut in 0..=stream.len() {
            let (head, tail) = stream.split_at(cut);
            assert_eq!(lines(&[head, tail]), expected, "cut at {cut}");
        }
    }

    /// Looked through again with every piece, this would take hours.
    #[test]
    fn a_long_line_in_many_pieces_is_looked_through_once() {
        let mut stream = vec![b'x'; LONGEST];
        stream.extend_from_slice(b"\n{}\n");
        let found = lines(&stream.chunks(16).collect::<Vec<_>>());
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].len(), LONGEST);
    }

    #[test]
    fn nothing_is_no_line() {
        for stream in ["", "\n", "\n\n \t\r\n"] {
            assert!(lines(&[stream.as_bytes()]).is_empty(), "{stream:?}");
        }
    }

    #[test]
    fn a_line_beyond_the_bound_fails_whole_or_in_pieces_after_those_before_it() {
        let mut stream = b"first\n".to_vec();
        stream.resize(stream.len() + LONGEST, b'x');
        let fits = lines(&[stream.as_slice(), b"\n"]);
        assert_eq!(fits.len(), 2);
        stream.push(b'x');
        for (size, end) in [(stream.len() + 1, "\n"), (1 << 20, "\n"), (1 << 20, "")] {
            let mut long = stream.clone();
            long.extend_from_slice(end.as_bytes());
            let mut splitter = Lines::default();
            let mut found = Vec::new();
            let mut emit = |line: &[u8]| found.push(line.to_vec());
            let result = long
                .chunks(size)
                .try_for_each(|piece| splitter.feed(piece, &mut emit));
            assert_eq!(result, Err(TooLong));
            assert_eq!(found, [b"first"]);
        }
    }
}
