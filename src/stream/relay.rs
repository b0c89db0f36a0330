//! What goes to the caller of what an upstream streams: a state machine, bytes in and bytes out.
//!
//! The relay decides three things: when an answer is under way (its first content is here, so that
//! the attempt has succeeded and the next bytes may go out), when it is complete, and when it has
//! failed. It adds the `pilotlight` object to the chunks that end an answer, and drops the chunk with
//! usage where the caller did not ask for one.
//!
//! # Why bytes pass as they are
//!
//! Nearly every chunk of an OpenAI-dialect stream is already what the caller should get. The relay
//! then says "the same" and the platform writes the very chunk that it read, so that watching a
//! stream costs next to nothing over not watching it.
//!
//! **Invariant:** an answer is complete only when every choice's finish reason came from upstream.
//! Nothing here ever makes one up.

use crate::openai::answer;
use crate::openai::{Finish, Usage, UsageChunk};
use crate::reason::{Fault, Reason};
use crate::stream::event::{Carries, Chunk, Decoder, Event};

/// The end of a stream that is whole.
const DONE: &[u8] = b"data: [DONE]\n\n";

/// What is held before the first content may be as long as this, in bytes.
const LONGEST_PRELUDE: usize = 1024 * 1024;

/// Relays one stream.
#[derive(Debug)]
pub struct Relay {
    decoder: Box<dyn Decoder>,
    answer: Progress,
}

/// What the caller wants and what it has got.
#[derive(Debug)]
struct Progress {
    usage_chunk: UsageChunk,
    open_choices: u32,
    disclosure: String,
    out: Vec<u8>,
    begun: Begun,
    sounded: Sound,
    standing: Standing,
    tally: Tally,
}

/// Whether the upstream has sent anything at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    No,
    Yes,
}

/// What is known of the answer for the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Why the last choice ended.
    pub finish: Option<Finish>,
    /// What the answer used, where told.
    pub usage: Option<Usage>,
}

/// How an answer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No content yet: the next target can still be asked.
    Waiting,
    /// Content is here; the answer is under way.
    Committed,
    /// Every choice has ended; only usage or the terminal marker may follow.
    Finished,
    /// The end, marker and all.
    Complete,
    /// It failed.
    Failed(Fault),
}

/// What to write to the caller after [`Relay::feed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fed {
    /// The bytes that were fed, as they were.
    Same,
    /// What [`Relay::take`] returns, which may be nothing.
    Other,
}

/// Whether bytes said anything. Comments, pings and empty deltas are no sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// They did.
    Heard,
    /// They did not.
    Silent,
}

impl Relay {
    /// A relay for one answer of `choices` choices. `disclosure` is the JSON of the `pilotlight` object.
    pub fn new(
        decoder: Box<dyn Decoder>,
        choices: u32,
        usage_chunk: UsageChunk,
        disclosure: String,
    ) -> Self {
        Self {
            decoder,
            answer: Progress {
                usage_chunk,
                open_choices: choices,
                disclosure,
                out: Vec::new(),
                begun: Begun::No,
                sounded: Sound::Silent,
                standing: Standing::Waiting,
                tally: Tally::default(),
            },
        }
    }

    /// Takes the next bytes of the upstream.
    ///
    /// What is to be written gathers until [`Relay::take`]; [`Fed::Same`] only ever comes when
    /// nothing else waits to be written.
    pub fn feed(&mut self, bytes: &[u8]) -> Fed {
        let nothing_waits = self.answer.out.is_empty();
        self.hold(bytes);
        if nothing_waits && self.answer.out == bytes {
            self.answer.out.clear();
            return Fed::Same;
        }
        Fed::Other
    }

    /// Takes the next bytes like [`Relay::feed`], and keeps what is to be written until
    /// [`Relay::take`] in any case.
    pub fn hold(&mut self, bytes: &[u8]) {
        let Self { decoder, answer } = self;
        answer.sounded = Sound::Silent;
        answer.begun = Begun::Yes;
        decoder.feed(bytes, &mut |event| answer.event(event));
    }

    /// Takes the end of the upstream's bytes.
    pub fn end(&mut self) {
        let Self { decoder, answer } = self;
        decoder.finish(&mut |event| answer.event(event));
        if answer.is_open() {
            answer.over(match answer.begun {
                Begun::Yes => decoder.cut(),
                Begun::No => Reason::Empty,
            });
        }
    }

    /// Takes a break: the connection broke, or a time limit passed. An answer whose choices have all
    /// ended is complete all the same.
    pub fn broke(&mut self, reason: Reason) {
        if self.answer.is_open() {
            self.answer.over(reason);
        }
    }

    /// What waits to be written to the caller.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.answer.out)
    }

    /// How the answer stands.
    pub fn standing(&self) -> &Standing {
        &self.answer.standing
    }

    /// Whether the last bytes said anything.
    pub fn sound(&self) -> Sound {
        self.answer.sounded
    }

    /// Whether the upstream can say anything more that matters.
    pub fn wants_more(&self) -> bool {
        self.answer.is_open()
    }

    /// What is known of the answer for the log.
    pub fn tally(&self) -> Tally {
        self.answer.tally
    }
}

impl Progress {
    fn is_open(&self) -> bool {
        match self.standing {
            Standing::Waiting | Standing::Committed | Standing::Finished => true,
            Standing::Complete | Standing::Failed(_) => false,
        }
    }

    fn event(&mut self, event: Event<'_>) {
        if !self.is_open() {
            return;
        }
        match event {
            Event::Chunk(chunk) => self.chunk(&chunk),
            Event::Done => self.over(Reason::StreamCut),
            Event::Failed(fault) => self.standing = Standing::Failed(fault),
        }
    }

    fn chunk(&mut self, chunk: &Chunk<'_>) {
        self.tally.usage = chunk.usage.or(self.tally.usage);
        match (chunk.carries, self.usage_chunk) {
            (Carries::UsageOnly, UsageChunk::Unwanted) => {}
            (Carries::Content, _) => {
                self.sounded = Sound::Heard;
                self.write(chunk);
            }
            (Carries::Nothing | Carries::UsageOnly, _) => self.write(chunk),
        }
        for finish in &chunk.finished {
            self.tally.finish = finish.or(self.tally.finish);
            self.open_choices = self.open_choices.saturating_sub(1);
        }
        self.standing = match (&self.standing, chunk.carries) {
            (Standing::Committed, _) | (Standing::Waiting, Carries::Content) => {
                if self.open_choices == 0 {
                    Standing::Finished
                } else {
                    Standing::Committed
                }
            }
            (Standing::Waiting, _) if self.open_choices == 0 => self.ended_without_content(),
            (same, _) => (*same).clone(),
        };
        if self.standing == Standing::Waiting && self.out.len() > LONGEST_PRELUDE {
            // Chunks for ever with nothing in them are no more an answer than one event without end.
            self.standing = Standing::Failed(Fault::known(Reason::NotAnApi));
        }
    }

    /// An answer that ended before it said anything is one when the upstream has a reason, or counts
    /// tokens that it wrote; a bare `stop` is what a cold or broken server sends.
    fn ended_without_content(&self) -> Standing {
        let wrote = self
            .tally
            .usage
            .is_some_and(|usage| usage.completion_tokens > 0);
        match self.tally.finish {
            Some(Finish::Stop) | None if !wrote => Standing::Waiting,
            _ => Standing::Finished,
        }
    }

    fn write(&mut self, chunk: &Chunk<'_>) {
        let closes = !chunk.finished.is_empty() || chunk.carries == Carries::UsageOnly;
        if !closes && let Some(wire) = chunk.wire {
            self.out.extend_from_slice(wire);
            return;
        }
        let mut json = one_line(chunk.json);
        if closes {
            answer::insert(&mut json, "pilotlight", &self.disclosure);
        }
        self.out.extend_from_slice(b"data: ");
        self.out.extend_from_slice(&json);
        self.out.extend_from_slice(b"\n\n");
    }

    /// Nothing more comes. `cut` says what that means for an answer that had not ended.
    fn over(&mut self, cut: Reason) {
        self.standing = match self.standing {
            Standing::Finished => {
                self.out.extend_from_slice(DONE);
                Standing::Complete
            }
            Standing::Waiting if self.open_choices == 0 => {
                Standing::Failed(Fault::known(Reason::Empty))
            }
            Standing::Waiting | Standing::Committed => Standing::Failed(Fault::known(cut)),
            Standing::Complete | Standing::Failed(_) => return,
        };
    }
}

/// The same JSON without line ends, which would end the `data` line. They stand only between its
/// tokens: inside a string they are escaped.
fn one_line(json: &str) -> Vec<u8> {
    let end_of_line = |byte: u8| matches!(byte, b'\n' | b'\r');
    json.bytes()
        .map(|byte| if end_of_line(byte) { b' ' } else { byte })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::PROVIDERS;
    use crate::provider::Reading;

    fn relay(usage_chunk: UsageChunk) -> Relay {
        relay_of(1, usage_chunk)
    }

    fn relay_of(choices: u32, usage_chunk: UsageChunk) -> Relay {
        let openai = PROVIDERS
            .iter()
            .find(|provider| provider.name() == "openai")
            .unwrap();
        let decoder = openai.decoder(&Reading {
            model: "m",
            request_id: "r",
            created: 0,
            choices,
            usage_chunk,
        });
        Relay::new(
            decoder,
            choices,
            usage_chunk,
            "{\"target\":\"t\"}".to_owned(),
        )
    }

    const ROLE: &str =
        "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
    const TEXT: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n";
    const STOP: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    const USAGE: &str =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n";
    const END: &str = "data: [DONE]\n\n";

    #[test]
    fn only_content_commits() {
        let mut relay = relay(UsageChunk::Unwanted);
        relay.hold(b": ping\n\n");
        relay.hold(ROLE.as_bytes());
        assert_eq!(*relay.standing(), Standing::Waiting);
        relay.hold(TEXT.as_bytes());
        assert_eq!(*relay.standing(), Standing::Committed);
        assert_eq!(relay.take(), format!("{ROLE}{TEXT}").into_bytes());
    }

    #[test]
    fn plain_chunks_pass_as_they_are_once_nothing_waits() {
        let mut relay = relay(UsageChunk::Unwanted);
        assert_eq!(relay.feed(TEXT.as_bytes()), Fed::Same);
        let two = format!("{TEXT}{TEXT}");
        assert_eq!(relay.feed(two.as_bytes()), Fed::Same);
        assert_eq!(relay.feed(&TEXT.as_bytes()[..20]), Fed::Other);
        assert_eq!(relay.take(), b"");
        assert_eq!(relay.feed(&TEXT.as_bytes()[20..]), Fed::Other);
        assert_eq!(relay.take(), TEXT.as_bytes());
    }

    #[test]
    fn the_end_carries_the_disclosure_and_usage_only_where_asked() {
        for (wish, usage_lines) in [(UsageChunk::Wanted, 1), (UsageChunk::Unwanted, 0)] {
            let mut relay = relay(wish);
            relay.feed(format!("{ROLE}{TEXT}{STOP}{USAGE}{END}").as_bytes());
            let out = String::from_utf8(relay.take()).unwrap();
            assert_eq!(*relay.standing(), Standing::Complete);
            assert!(out.contains(r#""finish_reason":"stop"}],"pilotlight":{"target":"t"}}"#));
            assert_eq!(out.matches("prompt_tokens").count(), usage_lines);
            assert!(out.ends_with(END));
            assert_eq!(relay.tally().usage.unwrap().prompt_tokens, 3);
        }
    }

    #[test]
    fn a_cut_is_never_taken_for_an_end() {
        for stream in [
            String::new(),
            ROLE.to_owned(),
            format!("{ROLE}{TEXT}"),
            END.to_owned(),
        ] {
            let mut relay = relay(UsageChunk::Unwanted);
            relay.feed(stream.as_bytes());
            relay.end();
            assert_eq!(
                *relay.standing(),
                Standing::Failed(Fault::known(Reason::StreamCut)),
                "{stream}"
            );
            assert!(!String::from_utf8(relay.take()).unwrap().contains("[DONE]"));
        }
    }

    #[test]
    fn a_finished_answer_needs_no_marker() {
        let mut relay = relay(UsageChunk::Unwanted);
        relay.feed(format!("{TEXT}{STOP}").as_bytes());
        relay.broke(Reason::Stalled);
        assert_eq!(*relay.standing(), Standing::Complete);
        assert!(String::from_utf8(relay.take()).unwrap().ends_with(END));
    }

    #[test]
    fn an_end_with_nothing_in_it_is_an_answer_only_when_its_tokens_are_counted() {
        let check = |stream: String, expected: &Standing| {
            let mut relay = relay(UsageChunk::Unwanted);
            relay.feed(stream.as_bytes());
            relay.end();
            assert_eq!(relay.standing(), expected, "{stream}");
        };
        check(format!("{ROLE}{STOP}{USAGE}{END}"), &Standing::Complete);
        check(
            format!("{ROLE}{STOP}{END}"),
            &Standing::Failed(Fault::known(Reason::Empty)),
        );
        let filtered = STOP.replace("stop", "content_filter");
        check(format!("{filtered}{END}"), &Standing::Complete);
    }

    #[test]
    fn an_error_inside_the_stream_fails_it() {
        let mut relay = relay(UsageChunk::Unwanted);
        relay.feed(
            format!("{TEXT}data: {{\"error\":{{\"message\":\"x\",\"code\":502}}}}\n\n").as_bytes(),
        );
        assert!(matches!(relay.standing(), Standing::Failed(fault) if fault.status == 502));
        assert!(!relay.wants_more());
    }

    #[test]
    fn a_choice_that_says_its_end_twice_does_not_stand_for_another() {
        let says = |index: &str, rest: &str| {
            format!("data: {{\"choices\":[{{\"index\":{index},{rest}}}]}}\n\n")
        };
        let text = |index| says(index, r#""delta":{"content":"hi"}"#);
        let stop = |index: &&str| says(index, r#""delta":{},"finish_reason":"stop""#);
        let begun = [text("0"), text("1")].concat();
        let check = |ends: &[&str], expected: &Standing| {
            let ends: String = ends.iter().map(stop).collect();
            let mut relay = relay_of(2, UsageChunk::Unwanted);
            relay.feed(format!("{begun}{ends}{END}").as_bytes());
            assert_eq!(relay.standing(), expected, "{ends}");
        };
        let cut = Standing::Failed(Fault::known(Reason::StreamCut));
        check(&["0", "1"], &Standing::Complete);
        check(&["1", "0.0"], &Standing::Complete);
        check(&["0", "0", "1"], &Standing::Complete);
        check(&["0", "0"], &cut);
        check(&["0", "0.0", "null"], &cut);
        check(&["1", "2"], &cut);
    }

    #[test]
    fn an_event_of_several_lines_is_written_on_as_one() {
        let mut relay = relay(UsageChunk::Unwanted);
        let (text, stop) = (
            "{\"choices\":[{\"delta\":\n{\"content\":\"hi\"}}]}",
            "{\"choices\":\r[{\n\"finish_reason\":\"stop\"}]}",
        );
        for json in [text, stop] {
            let lines: Vec<String> = json
                .split('\n')
                .map(|line| format!("data: {line}\n"))
                .collect();
            relay.feed(format!("{}\n", lines.concat()).as_bytes());
        }
        let expected = "data: {\"choices\":[{\"delta\": {\"content\":\"hi\"}}]}\n\n\
            data: {\"choices\": [{ \"finish_reason\":\"stop\"}],\"pilotlight\":{\"target\":\"t\"}}\n\n";
        assert_eq!(String::from_utf8(relay.take()).unwrap(), expected);
    }

    #[test]
    fn only_so_much_is_held_before_the_first_content() {
        let mut relay = relay(UsageChunk::Unwanted);
        let fits = LONGEST_PRELUDE / ROLE.len();
        for _ in 0..fits {
            relay.hold(ROLE.as_bytes());
        }
        assert_eq!(*relay.standing(), Standing::Waiting);
        relay.hold(ROLE.as_bytes());
        assert_eq!(
            *relay.standing(),
            Standing::Failed(Fault::known(Reason::NotAnApi))
        );
    }

    #[test]
    fn a_long_piece_with_content_in_it_is_not_too_long() {
        let mut relay = relay(UsageChunk::Unwanted);
        let text = TEXT.replace("hi", &"hi".repeat(LONGEST_PRELUDE));
        relay.hold(format!("{ROLE}{text}{TEXT}").as_bytes());
        assert_eq!(*relay.standing(), Standing::Committed);
    }
}
