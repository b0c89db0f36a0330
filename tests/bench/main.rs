//! The two ends of the benchmark (`npm run bench`): the upstream that answers, and the callers.
//!
//! # Why not written in JavaScript like the rest of it
//!
//! The Worker under test, its callers and its upstream share the cores of one machine. Ends that cost
//! as much as the Worker would hide what it costs. These cost about a tenth of it: one thread a
//! connection, blocking reads, answers that are ready-made.
//!
//! `bench upstream` prints its port and serves until its standard input closes. `bench call` makes
//! calls and prints how many it made and how long they took. `bench open` opens streams, says so, and
//! keeps them open until its standard input closes.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it is a program that measures, in real time"
)]

mod answers;
mod call;
mod open;
mod upstream;
mod wire;

use std::env;
use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["upstream"] => upstream::serve(),
        ["call", rest @ ..] => call::run(rest),
        ["open", rest @ ..] => open::run(rest),
        _ => Err(
            "bench upstream | bench call ADDRESS PATH BODY CONNECTIONS for SECONDS | \
                  bench call ADDRESS PATH BODY CONNECTIONS each COUNT | \
                  bench open ADDRESS PATH BODY CONNECTIONS MARK"
                .into(),
        ),
    }
}
