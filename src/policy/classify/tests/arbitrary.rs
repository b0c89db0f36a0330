//! No error body, however odd, makes a reader panic, and each means something.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::provider::anthropic;

/// A member name that some reader looks for.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "choices",
        "code",
        "detail",
        "details",
        "error",
        "error_code",
        "error_type",
        "finish_reason",
        "message",
        "metadata",
        "param",
        "patterns",
        "quotaId",
        "raw_status_code",
        "reason",
        "reasons",
        "retryDelay",
        "status",
        "status_code",
        "type",
        "violations",
        "x_groq",
    ])
    .prop_map(str::to_owned)
}

/// Any JSON, of members that are looked for and of texts that are known.
fn json_value() -> impl Strategy<Value = Value> {
    let known: Vec<&str> = ROWS.iter().flat_map(|row| row.seek.written()).collect();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,40}".prop_map(Value::from),
        prop::sample::select(known).prop_map(Value::from),
        "[0-9.]{0,30}(ms|s|m|h|d)?".prop_map(Value::from),
        "(try again in |Limit )[0-9.]{0,30}(s|, Requested )[0-9]{0,30}".prop_map(Value::from),
        "prompt is too long: [0-9]{0,30} tokens".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Reads it in every way that there is.
fn read_all(status: u16, body: &[u8]) {
    let reading = Reading {
        model: "m",
        request_id: "r",
        created: 0,
        choices: 1,
        usage_chunk: UsageChunk::Wanted,
        origin: Origin::Target,
        names: Names::none(),
        company: Company::for_host(""),
    };
    let mut faults = vec![anthropic::fault(status, body)];
    faults.extend(serde_json::from_slice(body).map(|error| anthropic::inside(&error)));
    for dialect in PROVIDERS {
        faults.push(dialect.fault(status, body));
        faults.extend(dialect.read(body, &reading).err());
        for begin in [&b""[..], b"data: "] {
            let mut emit = |event: Event<'_>| {
                if let Event::Failed(fault) = event {
                    faults.push(fault);
                }
            };
            let mut decoder = dialect.decoder(&reading);
            decoder.feed(begin, &mut emit);
            decoder.feed(body, &mut emit);
            decoder.feed(b"\n\n", &mut emit);
            decoder.finish(&mut emit);
        }
    }
    for fault in faults {
        let ours = classify(&fault, Wording::Ours);
        assert_ne!(
            (ours.reason, ours.action),
            (Reason::Rejected, Action::Reject)
        );
        let callers = classify(&fault, Wording::Callers);
        assert_eq!((ours.reason, ours.health), (callers.reason, callers.health));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read(status: u16, body: Vec<u8>) {
        read_all(status, &body);
    }

    #[test]
    fn any_json_is_read(status in 200_u16..600, body in json_value()) {
        read_all(status, body.to_string().as_bytes());
    }
}
