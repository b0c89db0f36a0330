//! What the upstream answers: always the same words, in one body or in chunks.
//!
//! A chunk is about 190 bytes, of which some 8 are text (` word123`), as where a model is served that
//! sends each token by itself.

/// The most pieces of text that a stream has.
const PIECES: usize = 1_000;

/// The words of an answer that nobody asked to be long, as JSON has them.
const SHORT: &str = "Yes \u{2014} a flame that stays lit costs little, and \\\"little\\\" adds up.\\n\\n\
                     1. Turn it down.\\n2. Leave it on.\\n";

/// The head of a streamed answer.
pub(crate) const STREAM_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// Streams as they go over the wire, ready-made.
pub(crate) struct Answers {
    pieces: Vec<Vec<u8>>,
    end: Vec<Vec<u8>>,
}

impl Answers {
    /// Makes them.
    pub(crate) fn new() -> Self {
        let usage = r#""choices":[],"usage":{"prompt_tokens":120,"completion_tokens":1000}"#;
        let marker = [event("[DONE]"), b"0\r\n\r\n".to_vec()].concat();
        Self {
            pieces: words(PIECES)
                .map(|word| event(&choice(&format!(r#"{{"content":"{word}"}}"#), "null")))
                .collect(),
            end: vec![
                event(&choice("{}", r#""stop""#)),
                event(&chunk(usage)),
                marker,
            ],
        }
    }

    /// So many pieces of text, each as an HTTP chunk of its own.
    pub(crate) fn pieces(&self, count: usize) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().take(count).map(Vec::as_slice)
    }

    /// The finish reason, the usage and the marker.
    pub(crate) fn end(&self) -> impl Iterator<Item = &[u8]> {
        self.end.iter().map(Vec::as_slice)
    }
}

/// A short answer in one body, to a prompt of so many tokens.
pub(crate) fn short(prompt_tokens: usize) -> Vec<u8> {
    whole(SHORT, prompt_tokens, 36)
}

/// The text of a stream of so many pieces, in one body.
pub(crate) fn text(pieces: usize, prompt_tokens: usize) -> Vec<u8> {
    let pieces = pieces.min(PIECES);
    whole(&words(pieces).collect::<String>(), prompt_tokens, pieces)
}

fn whole(text: &str, prompt_tokens: usize, completion_tokens: usize) -> Vec<u8> {
    let json = format!(
        r#"{{"id":"chatcmpl-b3nch","object":"chat.completion","created":1790000000,"model":"small-2026-06-01","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":{prompt_tokens},"completion_tokens":{completion_tokens},"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0,"audio_tokens":0}}}},"service_tier":"default","system_fingerprint":"fp_b3nch"}}"#
    );
    let length = json.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{json}")
        .into_bytes()
}

fn words(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!(" word{number}"))
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
