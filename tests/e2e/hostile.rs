//! What a hostile reading found of the lock and the ledger, on the built Worker.

use std::io::Write as _;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::admin::{operator, serving};
use crate::gateway::{Setup, asking, chain, cloud, home, with};
use crate::upstream::Upstream;
use crate::wire;

#[test]
fn a_request_does_not_find_a_box_busy_with_itself() {
    let error = wire::api(500, &json!({ "error": "broken" }));
    let attic = Upstream::playing([error, wire::ollama_stream(&["Large."])]);
    let spare = Upstream::playing([wire::completion("Cloud.")]);
    let once = |name: &str| with(home(&attic), json!({ "model": name, "attempts": 1 }));
    let gateway = Setup::new(chain(&[
        ("small", once("small")),
        ("large", once("large")),
        ("cloud", cloud(&spare)),
    ]))
    .start();
    let answer = gateway.chat(&asking("Hi"));
    assert_eq!(answer.text(), "Large.", "{:?}", answer.attempts());
}

#[test]
fn absurd_counts_do_not_break_the_ledgers_reports() {
    let absurd = json!({
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "hi" },
                      "finish_reason": "stop" }],
        "usage": { "prompt_tokens": i64::MAX, "completion_tokens": 1 },
    });
    let one = Upstream::playing([wire::api(200, &absurd)]);
    let mut config = chain(&[("cloud", cloud(&one))]);
    config["routes"]["other"] = json!(["cloud"]);
    let gateway = serving(config);
    for model in ["auto", "other"] {
        let answer = gateway.chat(&with(asking("Hi"), json!({ "model": model })));
        assert_eq!(answer.status, 200);
    }
    thread::sleep(Duration::from_secs(1));
    let told = operator(&gateway, "GET", "/admin/ledger", "");
    assert_eq!(told.status, 200, "{}", told.body);
    assert_eq!(told.json()["total"]["requests"], 2);
}

#[test]
fn a_caller_who_does_not_read_keeps_the_box_no_longer_than_its_deadline() {
    let word = "many words ".repeat(2_000);
    let words: Vec<&str> = (0..1_000).map(|_| word.as_str()).collect();
    let attic = Upstream::playing([wire::ollama_stream(&words)]);
    let gateway = serving(chain(&[(
        "box",
        with(home(&attic), json!({ "lease": "10s" })),
    )]));
    let question = with(asking("Hi"), json!({ "stream": true })).to_string();
    let mut caller = TcpStream::connect(gateway.address()).unwrap();
    write!(
        caller,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         x-pilotlight-timeout: 5\r\ncontent-length: {}\r\n\r\n{question}",
        question.len()
    )
    .unwrap();
    thread::sleep(Duration::from_secs(25));
    let status = operator(&gateway, "GET", "/admin/status", "").json();
    let lock = &status["boxes"][0]["lock"];
    assert_eq!(lock["holders"], json!([]), "{}", Value::clone(lock));
    drop(caller);
}

#[test]
fn callers_who_leave_at_any_moment_leave_nobody_at_the_box() {
    let attic = Upstream::answering(|_| wire::ollama_stream(&["Home."]));
    let gateway = serving(chain(&[("box", home(&attic))]));
    for at in 0..400_u64 {
        let request = crate::caller::Request::chat(&with(
            asking("Hi"),
            json!({ "stream": at.is_multiple_of(2) }),
        ));
        let stay = Duration::from_micros(at * 37 % 6_000);
        request.send_and_leave(gateway.address(), || thread::sleep(stay));
    }
    thread::sleep(Duration::from_secs(3));
    let status = operator(&gateway, "GET", "/admin/status", "").json();
    let lock = &status["boxes"][0]["lock"];
    assert_eq!((&lock["holders"], &lock["queue"]), (&json!([]), &json!([])));
    assert_eq!(gateway.chat(&asking("Hi")).status, 200);
}
