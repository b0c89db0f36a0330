//! Hedging: a target whose first word is late is raced by the next, and the call of whoever loses is
//! ended at once.

use serde_json::{Value, json};

use crate::gateway::{Gateway, Setup, asking, chain, cloud, with};
use crate::upstream::{Gate, Reply, Upstream};
use crate::wire;

fn hedged(first: &Upstream, second: &Upstream) -> Gateway {
    let impatient = with(cloud(first), json!({ "hedge_after": "200ms" }));
    Setup::new(chain(&[("first", impatient), ("second", cloud(second))])).start()
}

fn outcomes(log_line: &str) -> Vec<String> {
    let line: Value = serde_json::from_str(log_line).unwrap();
    let attempts = line["attempts"].as_array().unwrap();
    let outcome = |attempt: &Value| attempt["outcome"].as_str().unwrap().to_owned();
    attempts.iter().map(outcome).collect()
}

#[test]
fn a_silent_target_is_hung_up_on_when_the_next_one_speaks() {
    // No headers, or headers and no word.
    for silence in [Reply::new().hold(), wire::said(&[]).hold()] {
        let gate = Gate::default();
        let first = Upstream::playing([silence]);
        let reply = wire::said(&["So"])
            .after(&gate)
            .and(wire::said_on(&["on."]));
        let second = Upstream::playing([reply]);
        let gateway = hedged(&first, &second);

        let mut answer = gateway.stream(&asking("Hi"));

        assert_eq!(answer.first_words(), "So");
        // The second has not come to its end yet.
        first.wait_left(0);
        gate.open();
        let rest = answer.streamed();
        assert_eq!(rest.text(), "on.");
        assert!(rest.done, "{rest:?}");
        let told = rest.head.header("x-pilotlight-attempts");
        assert_eq!(told, Some("first:outpaced,second:ok"));
        assert_eq!((first.count(), second.count()), (1, 1));
        assert_eq!(outcomes(&gateway.log_lines(1)[0]), ["outpaced", "ok"]);
    }
}

#[test]
fn a_hedge_that_is_slower_still_is_hung_up_on() {
    for silence in [Reply::new().hold(), wire::said(&[]).hold()] {
        let gates = [Gate::default(), Gate::default()];
        let reply = Reply::new()
            .after(&gates[0])
            .and(wire::said(&["La"]))
            .after(&gates[1])
            .and(wire::said_on(&["te."]));
        let first = Upstream::playing([reply]);
        let second = Upstream::playing([silence]);
        let gateway = hedged(&first, &second);

        let rest = std::thread::scope(|scope| {
            scope.spawn(|| {
                second.wait_count(1);
                gates[0].open();
            });
            let mut answer = gateway.stream(&asking("Hi"));
            assert_eq!(answer.first_words(), "La");
            second.wait_left(0);
            gates[1].open();
            answer.streamed()
        });

        assert_eq!(rest.text(), "te.");
        assert!(rest.done, "{rest:?}");
        let told = rest.head.header("x-pilotlight-attempts");
        assert_eq!(told, Some("first:ok,second:outpaced"));
        assert_eq!((first.count(), second.count()), (1, 1));
    }
}

#[test]
fn a_caller_who_does_not_stream_is_hedged_too() {
    let first = Upstream::playing([Reply::new().hold()]);
    let second = Upstream::playing([wire::completion("Soon.")]);
    let gateway = hedged(&first, &second);

    let answer = gateway.chat(&asking("Hi"));

    assert_eq!(answer.text(), "Soon.");
    assert_eq!(answer.attempts(), ["first:outpaced", "second:ok"]);
    first.wait_left(0);
}

#[test]
fn a_target_that_was_outpaced_goes_on_where_the_faster_one_breaks() {
    let whole = [
        "The one that was late ",
        "has the whole ",
        "answer at last.",
    ];
    let first = Upstream::playing([Reply::new().hold(), wire::stream(&whole)]);
    let second = Upstream::playing([wire::said(&whole[..2]).reset()]);
    let gateway = hedged(&first, &second);

    let answer = gateway.stream(&asking("Hi")).streamed();

    assert_eq!(answer.text(), whole.concat());
    assert!(answer.done, "{answer:?}");
    first.wait_left(0);
    assert_eq!((first.count(), second.count()), (2, 1));
    let told = &answer.disclosure().unwrap()["pilotlight"];
    assert_eq!(told["parts"][0]["target"], "second", "{told}");
    assert_eq!(told["parts"][1]["target"], "first", "{told}");
}
