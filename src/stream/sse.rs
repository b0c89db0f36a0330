//! Server-sent events out of bytes that come in any pieces.
//!
//! Implements the event stream format of <https://html.spec.whatwg.org/multipage/server-sent-events.html>
//! as far as chat APIs use it: `data` lines, comments, LF and CRLF line ends. A lone CR, which the
//! format also allows as a line end, is not one here: no provider sends it, and it would hide
//! whether a line is finished until the next byte is there.

use std::borrow::Cow;

/// An event may be as long as this, in bytes; a longer one is a fault of the upstream.
const LONGEST: usize = 16 * 1024 * 1024;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// Its data, lines joined by LF.
    pub data: Cow<'a, str>,
    /// The event as it stood in the stream, when it is one `data` line and nothing else and may be
    /// passed on untouched.
    pub wire: Option<&'a [u8]>,
}

/// What cannot be taken as events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// An event is longer than 16 MiB.
    TooLong,
    /// The data is not UTF-8.
    NotText,
}

/// Splits a stream into events. Holds at most one unfinished event.
#[derive(Debug, Default)]
pub struct SseDecoder {
    held: Vec<u8>,
}

impl SseDecoder {
    /// Takes the next bytes and hands out the events that they complete.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        emit: &mut dyn FnMut(SseEvent<'_>),
    ) -> Result<(), Unreadable> {
        if self.held.is_empty() {
            let rest = events(bytes, 0, emit)?;
            self.held.extend_from_slice(rest);
        } else {
            // What is held has been looked through. To look again with every piece of a long event
            // would take time that grows with the square of its length.
            let seen = self.held.len();
            self.held.extend_from_slice(bytes);
            let rest = events(&self.held, seen, emit)?.len();
            let used = self.held.len().saturating_sub(rest);
            self.held.drain(..used);
        }
        if self.held.len() > LONGEST {
            return Err(Unreadable::TooLong);
        }
        Ok(())
    }

    /// Takes the end of the stream and returns the bytes that no event came of.
    ///
    /// The format drops an event without its empty line. Servers that close right after the last
    /// line mean it all the same, so a finished `data` line counts as an event here, also one below the
    /// event's name.
    pub fn finish(&mut self, emit: &mut dyn FnMut(SseEvent<'_>)) -> Result<Vec<u8>, Unreadable> {
        let held = std::mem::take(&mut self.held);
        let is_named = held.starts_with(b"event:") && held.windows(6).any(|at| at == b"\ndata:");
        if held.starts_with(b"data:") || is_named {
            event(&held, emit)?;
            return Ok(Vec::new());
        }
        Ok(held)
    }
}

/// Emits the whole events at the head of `bytes` and returns the rest. No event ends within the
/// first `seen` bytes.
fn events<'a>(
    mut bytes: &'a [u8],
    mut seen: usize,
    emit: &mut dyn FnMut(SseEvent<'_>),
) -> Result<&'a [u8], Unreadable> {
    while let Some((block, rest)) = split_block(bytes, seen) {
        event(block, emit)?;
        (bytes, seen) = (rest, 0);
    }
    Ok(bytes)
}

/// Splits after the first empty line that ends beyond the first `seen` bytes.
fn split_block(bytes: &[u8], seen: usize) -> Option<(&[u8], &[u8])> {
    let mut rest = bytes.iter().enumerate().skip(seen);
    let (at, _) =
        rest.find(|(at, byte)| **byte == b'\n' && bytes.get(..*at).is_some_and(at_line_start))?;
    bytes.split_at_checked(at + 1)
}

/// Whether a line feed after `head` would end an empty line.
fn at_line_start(head: &[u8]) -> bool {
    let line = head.strip_suffix(b"\r").unwrap_or(head);
    line.is_empty() || line.ends_with(b"\n")
}

/// Emits the event that `block` holds, if it holds any data.
fn event(block: &[u8], emit: &mut dyn FnMut(SseEvent<'_>)) -> Result<(), Unreadable> {
    let text = std::str::from_utf8(block).map_err(|_| Unreadable::NotText)?;
    if let Some(data) = text
        .strip_prefix("data: ")
        .and_then(|rest| rest.strip_suffix("\n\n"))
        && !data.contains(['\n', '\r'])
    {
        emit(SseEvent {
            data: Cow::Borrowed(data),
            wire: Some(block),
        });
        return Ok(());
    }
    let mut lines = text.lines().filter_map(|line| {
        let value = line.strip_prefix("data:")?;
        Some(value.strip_prefix(' ').unwrap_or(value))
    });
    let Some(first) = lines.next() else {
        return Ok(());
    };
    let mut data = Cow::Borrowed(first);
    for line in lines {
        let data = data.to_mut();
        data.push('\n');
        data.push_str(line);
    }
    emit(SseEvent { data, wire: None });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(pieces: &[&[u8]]) -> (Vec<(String, bool)>, Vec<u8>) {
        let mut decoder = SseDecoder::default();
        let mut found = Vec::new();
        let mut emit = |event: SseEvent<'_>| {
            found.push((event.data.into_owned(), event.wire.is_some()));
        };
        for piece in pieces {
            decoder.feed(piece, &mut emit).unwrap();
        }
        let rest = decoder.finish(&mut emit).unwrap();
        (found, rest)
    }

    #[test]
    fn events_are_found_however_the_bytes_are_cut() {
        let stream = ": hello\n\ndata: {\"a\":1}\n\nevent: x\r\ndata:{\"b\":\"ü\"}\r\n\r\n\
                      data: one\ndata: two\n\nid: 7\n\ndata: [DONE]\n\n"
            .as_bytes();
        let expected: Vec<String> = ["{\"a\":1}", "{\"b\":\"ü\"}", "one\ntwo", "[DONE]"]
            .map(str::to_owned)
            .to_vec();
        for cut in 0..=stream.len() {
            let (head, tail) = stream.split_at(cut);
            let (found, rest) = decode(&[head, tail]);
            let data: Vec<String> = found.into_iter().map(|(data, _)| data).collect();
            assert_eq!(data, expected, "cut at {cut}");
            assert!(rest.is_empty());
        }
    }

    /// Looked through again with every piece, this would take hours.
    #[test]
    fn a_long_event_in_many_pieces_is_looked_through_once() {
        let text = "x".repeat(LONGEST - 100);
        let stream = format!("data: {text}\n\ndata: [DONE]\n\n");
        let (found, rest) = decode(&stream.as_bytes().chunks(16).collect::<Vec<_>>());
        assert_eq!(found.len(), 2);
        assert!(found[0].0 == text);
        assert!(rest.is_empty());
    }

    #[test]
    fn only_a_plain_event_may_be_passed_on_untouched() {
        let (found, _) = decode(&[b"data: a\n\ndata:b\n\ndata: c\r\n\r\n: x\ndata: d\n\n"]);
        let plain: Vec<bool> = found.into_iter().map(|(_, plain)| plain).collect();
        assert_eq!(plain, [true, false, false, false]);
    }

    #[test]
    fn a_last_data_line_without_its_empty_line_counts_and_other_bytes_are_returned() {
        assert_eq!(decode(&[b"data: [DONE]"]).0, [("[DONE]".to_owned(), false)]);
        assert_eq!(
            decode(&[b"{\"error\":1}"]),
            (Vec::new(), b"{\"error\":1}".to_vec())
        );
    }

    #[test]
    fn a_last_data_line_counts_below_the_name_of_its_event() {
        let end = "event: message_stop\r\ndata: {}";
        assert_eq!(decode(&[end.as_bytes()]).0, [("{}".to_owned(), false)]);
        let (found, rest) = decode(&[b"event: message_stop\ndat"]);
        assert!(found.is_empty() && !rest.is_empty());
    }

    #[test]
    fn data_that_is_not_text_is_told() {
        let mut decoder = SseDecoder::default();
        let result = decoder.feed(b"data: \xff\xfe\n\n", &mut |_| {});
        assert_eq!(result, Err(Unreadable::NotText));
    }
}
