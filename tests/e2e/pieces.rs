//! Tool calls on their way to the caller: each when it is complete, or in the pieces in which it comes.

use serde_json::{Value, json};

use crate::caller::{Incoming, Streamed};
use crate::gateway::{Gateway, Setup, asking, chain, cloud};
use crate::upstream::{Gate, Upstream};
use crate::wire;

fn gateway(targets: &[(&str, &Upstream)], tool_calls: &str) -> Gateway {
    let targets: Vec<(&str, Value)> = targets
        .iter()
        .map(|(name, upstream)| (*name, cloud(upstream)))
        .collect();
    let mut config = chain(&targets);
    config["defaults"]["tool_calls"] = tool_calls.into();
    config["heartbeat"] = "300ms".into();
    Setup::new(config).start()
}

/// The arguments in the next event; `None` where a comment comes instead.
fn arguments(answer: &mut Incoming) -> Option<String> {
    loop {
        let block = answer.block().expect("the stream goes on");
        let data = block.strip_prefix("data: ")?;
        let chunk: Value = serde_json::from_str(data).unwrap();
        let call = &chunk["choices"][0]["delta"]["tool_calls"][0];
        if let Some(arguments) = call["function"]["arguments"].as_str() {
            return Some(arguments.to_owned());
        }
    }
}

/// The arguments of all calls, end to end.
fn all_arguments(answer: &Streamed) -> String {
    let calls = answer
        .chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].as_array());
    let pieces = calls
        .flatten()
        .filter_map(|call| call["function"]["arguments"].as_str());
    pieces.collect()
}

#[test]
fn a_call_that_may_go_out_in_pieces_goes_out_as_it_comes() {
    let gates = [Gate::default(), Gate::default()];
    let [head, tail] = wire::call(0, "weather", ["{\"city\":", "\"Oslo\"}"]);
    let reply = wire::said(&[])
        .chunk(&head)
        .after(&gates[0])
        .chunk(&tail)
        .after(&gates[1])
        .and(wire::called());
    let upstream = Upstream::playing([reply]);
    let gateway = gateway(&[("cloud", &upstream)], "streamed");

    let mut answer = gateway.stream(&asking("Weather?"));

    assert_eq!(arguments(&mut answer).as_deref(), Some("{\"city\":"));
    gates[0].open();
    assert_eq!(arguments(&mut answer).as_deref(), Some("\"Oslo\"}"));
    gates[1].open();
    let rest = answer.streamed();
    assert_eq!(rest.finish_reason(), Some("tool_calls"));
    assert!(rest.done, "{rest:?}");
}

#[test]
fn a_call_that_goes_out_whole_waits_for_its_end() {
    let gate = Gate::default();
    let [head, tail] = wire::call(0, "weather", ["{\"city\":", "\"Oslo\"}"]);
    let reply = wire::said(&["I look. "]).chunk(&head).after(&gate);
    let upstream = Upstream::playing([reply.chunk(&tail).and(wire::called())]);
    let gateway = gateway(&[("cloud", &upstream)], "whole");

    let mut answer = gateway.stream(&asking("Weather?"));

    assert_eq!(answer.first_words(), "I look. ");
    assert_eq!(arguments(&mut answer), None, "only a comment comes");
    gate.open();
    let rest = answer.streamed();
    assert_eq!(all_arguments(&rest), "{\"city\":\"Oslo\"}");
    assert_eq!(rest.finish_reason(), Some("tool_calls"));
    assert!(rest.done, "{rest:?}");
}

#[test]
fn a_break_in_a_call_whose_pieces_are_out_ends_in_an_error() {
    let [head, tail] = wire::call(0, "weather", ["{\"city\":", "\"Oslo\"}"]);
    let [second, _] = wire::call(1, "tide", ["{\"har", "bour\":1}"]);
    let rows = [
        ("", wire::said(&[]).chunk(&head), "{\"city\":"),
        (
            "I look. ",
            wire::said(&["I look. "]).chunk(&head),
            "{\"city\":",
        ),
        (
            "",
            wire::said(&[]).chunk(&head).chunk(&tail).chunk(&second),
            "{\"city\":\"Oslo\"}{\"har",
        ),
    ];
    for (text, reply, so_far) in rows {
        let broken = Upstream::playing([reply.reset()]);
        let next = Upstream::playing([wire::stream(&["never"])]);
        let gateway = gateway(&[("cloud", &broken), ("next", &next)], "streamed");

        let answer = gateway.stream(&asking("Weather?")).streamed();

        assert_eq!(answer.text(), text);
        assert_eq!(all_arguments(&answer), so_far);
        let error = answer.error().expect("an error event");
        assert_eq!(error["code"], "stream_cut", "{error}");
        assert!(
            !answer.done && answer.finish_reason().is_none(),
            "{answer:?}"
        );
        let line: Value = serde_json::from_str(&gateway.log_lines(1)[0]).unwrap();
        assert_eq!(line["outcome"], "broke", "{line}");
        assert_eq!((broken.count(), next.count()), (1, 0));
    }
}

#[test]
fn a_break_in_a_call_that_is_not_out_is_mended() {
    let [head, tail] = wire::call(0, "weather", ["{\"city\":", "\"Oslo\"}"]);
    let broken = Upstream::playing([wire::said(&["I look. "]).chunk(&head).reset()]);
    let whole = wire::said(&["I look. "]).chunk(&head).chunk(&tail);
    let next = Upstream::playing([whole.and(wire::called())]);
    let gateway = gateway(&[("cloud", &broken), ("next", &next)], "whole");

    let answer = gateway.stream(&asking("Weather?")).streamed();

    assert_eq!(answer.text(), "I look. ");
    assert_eq!(all_arguments(&answer), "{\"city\":\"Oslo\"}");
    assert_eq!(answer.finish_reason(), Some("tool_calls"));
    assert!(answer.done, "{answer:?}");
    let ids: Vec<&Value> = answer.chunks.iter().map(|chunk| &chunk["id"]).collect();
    assert!(ids.iter().all(|id| **id == json!("chatcmpl-1")), "{ids:?}");
}
