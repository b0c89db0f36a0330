use super::*;
use crate::provider::Company;
use crate::provider::Names;
use crate::provider::Origin;
use crate::provider::PROVIDERS;
use crate::provider::Reading;

fn relay(usage_chunk: UsageChunk) -> Relay {
    relay_of(1, usage_chunk)
}

#[derive(Debug)]
struct Told;

impl Disclose for Told {
    fn json(&self, _: &Written, _: Option<Usage>) -> String {
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
        origin: Origin::Any,
        company: Company::for_host(""),
        names: Names::none(),
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
    relay.end();
    let out = String::from_utf8(relay.take()).unwrap();
    assert_eq!(out, format!("{expected}{END}"));
}

/// Tells in the `pilotlight` object what is known of the usage.
#[derive(Debug)]
struct Used;

impl Disclose for Used {
    fn json(&self, _: &Written, usage: Option<Usage>) -> String {
        usage.map_or("null".to_owned(), |usage| usage.prompt_tokens.to_string())
    }
}

/// What has been written after each of these events.
fn after_each(wish: UsageChunk, choices: u32, events: &[&str]) -> Vec<String> {
    let mut relay = relay_of(choices, wish);
    relay.answer.terms.disclose = Box::new(Used);
    let mut fed = |event: &&str| {
        relay.hold(event.as_bytes());
        String::from_utf8(relay.take()).unwrap()
    };
    events.iter().map(&mut fed).collect()
}

#[test]
fn the_chunk_that_ends_an_answer_waits_for_its_usage_and_for_nothing_else() {
    let told = |json: &str, used: &str| {
        let (head, _) = json.rsplit_once('}').unwrap();
        format!("{head},\"pilotlight\":{used}}}\n\n")
    };
    let (stop, usage) = (told(STOP, "3"), told(USAGE, "3"));
    let check = |wish, events: &[&str], expected: &[&str]| {
        assert_eq!(after_each(wish, 1, events), expected, "{events:?}");
    };
    let all = [TEXT, STOP, USAGE, END];
    check(UsageChunk::Unwanted, &all, &[TEXT, "", &stop, END]);
    let both = format!("{stop}{usage}");
    check(UsageChunk::Wanted, &all, &[TEXT, "", &both, END]);

    // Nobody tells it.
    let untold = format!("{}{END}", told(STOP, "null"));
    check(UsageChunk::Wanted, &[TEXT, STOP, END], &[TEXT, "", &untold]);
    check(
        UsageChunk::Wanted,
        &[TEXT, STOP, ": ping\n\n"],
        &[TEXT, "", ""],
    );

    // It stands in the chunk itself.
    let with_usage = STOP.replace("]}", "],\"usage\":{\"prompt_tokens\":4}}");
    let at_once = told(&with_usage, "4");
    check(
        UsageChunk::Unwanted,
        &[TEXT, &with_usage],
        &[TEXT, &at_once],
    );

    // A chunk that says something goes out at once.
    let last_word = TEXT.replace("}}]", "},\"finish_reason\":\"stop\"}]");
    let said = told(&last_word, "null");
    check(UsageChunk::Wanted, &[&last_word, USAGE], &[&said, &usage]);

    // Usage beside a choice, after the end, as OpenRouter has it.
    let beside = ROLE.replace("]}", "],\"usage\":{\"prompt_tokens\":3}}");
    let both = format!("{stop}{}", told(&beside, "3"));
    check(
        UsageChunk::Wanted,
        &[TEXT, STOP, &beside],
        &[TEXT, "", &both],
    );
}

#[test]
fn a_break_after_the_end_lets_the_chunk_go_that_waits() {
    let mut relay = relay(UsageChunk::Unwanted);
    relay.hold(format!("{TEXT}{STOP}").as_bytes());
    assert_eq!(*relay.standing(), Standing::Finished);
    assert_eq!(relay.take(), TEXT.as_bytes());
    relay.broke(Reason::Stalled);
    let out = String::from_utf8(relay.take()).unwrap();
    assert!(out.contains("finish_reason") && out.ends_with(END), "{out}");
}

#[test]
fn only_the_last_of_several_choices_tells_who_answered() {
    let says = |index: u32, rest: &str| {
        format!("data: {{\"choices\":[{{\"index\":{index},{rest}}}]}}\n\n")
    };
    let text = says(0, r#""delta":{"content":"hi"}"#);
    let stop = |index| says(index, r#""delta":{},"finish_reason":"stop""#);
    let events = [&*text, &stop(0), &stop(1), USAGE];
    let written = after_each(UsageChunk::Unwanted, 2, &events);
    assert_eq!(written[1], stop(0));
    assert_eq!(written[2], "");
    assert!(written[3].contains("\"pilotlight\":3"), "{written:?}");
}

#[test]
fn only_so_much_is_held_before_the_first_content() {
    const NOTHING: &str = "data: {\"choices\":[{\"delta\":{}}]}\n\n";
    let mut relay = relay(UsageChunk::Unwanted);
    let fits = LONGEST_PRELUDE / NOTHING.len();
    for _ in 0..fits {
        relay.hold(NOTHING.as_bytes());
    }
    assert_eq!(*relay.standing(), Standing::Waiting);
    relay.hold(NOTHING.as_bytes());
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

#[test]
fn what_signs_a_thought_is_one_and_spoils_no_going_on() {
    const SIGNED: &str = "data: {\"choices\":[{\"delta\":{\"reasoning_details\":[{\"type\":\
         \"reasoning.text\",\"text\":\"\",\"signature\":\"s\",\"index\":0}]}}]}\n\n";
    const CALL: &str = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\
         \"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n";
    for chunks in [[SIGNED, TEXT].concat(), [TEXT, CALL, SIGNED].concat()] {
        let mut relay = relay(UsageChunk::Unwanted);
        relay.hold(chunks.as_bytes());
        relay.broke(Reason::StreamCut);
        assert_eq!(relay.take_written().text().as_deref(), Some("hi"));
    }
}

#[test]
fn a_call_that_ends_without_arguments_is_passed_on_with_those_of_an_empty_object() {
    const CALL: &str = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\
         \"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n";
    const END: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n";
    let mut relay = relay(UsageChunk::Unwanted);
    relay.hold([CALL, END].concat().as_bytes());
    let out = String::from_utf8(relay.take()).unwrap();
    assert!(
        out.contains(r#""function":{"name":"f","arguments":"{}"}"#),
        "{out}"
    );
    assert_eq!(*relay.standing(), Standing::Finished);
}
