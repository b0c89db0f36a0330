use super::*;
use crate::provider::PROVIDERS;
use crate::provider::Reading;

fn relay(usage_chunk: UsageChunk) -> Relay {
    relay_of(1, usage_chunk)
}

#[derive(Debug)]
struct Told;

impl Disclose for Told {
    fn json(&self, _: &Written) -> String {
        "{\"target\":\"t\"}".to_owned()
    }
}

fn terms(choices: u32, usage_chunk: UsageChunk, keep: Keep) -> Terms {
    Terms {
        choices,
        usage_chunk,
        calls: Calls::Whole,
        keep,
        disclose: Box::new(Told),
    }
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
    Relay::new(decoder, terms(choices, usage_chunk, Keep::Text))
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
