//! The admin API: how it stands, and what an operator can do about it.
//!
//! It has a key of its own, because whoever may ask a model need not be allowed to stop one. Nothing in
//! it ever shows a prompt, an answer or a key.

mod breakers;
mod drill;
mod locks;
mod query;
mod status;

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::config::Config;
use crate::error::{Downstream, ErrorAnswer};
use crate::gateway::answer::Answer;
use crate::gateway::front::Head;
use crate::gateway::isolate::Isolate;
use crate::gateway::journal;
use crate::ledger::message::Message;
use crate::platform::{BodyError, Platform};

/// The first part of all its paths.
pub(super) const PREFIX: &str = "/admin/";

/// The longest body that it reads, in bytes.
const LONGEST_BODY: usize = 64 * 1024;

/// How many failed requests are told of when nobody says how many.
const FAILURES: u32 = 100;

/// What it can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wish<'a> {
    Status,
    Reset(Cow<'a, str>),
    Trip(Cow<'a, str>),
    FreeLock(Cow<'a, str>),
    Ledger,
    Failures,
    BeginDrill,
    Drill,
    EndDrill,
}

/// The wishes that a path stands for, each with its method.
fn wishes(path: &str) -> Vec<(&'static str, Wish<'_>)> {
    let path = path.trim_end_matches('/');
    let parts: Vec<&str> = path.split('/').skip(2).collect();
    let named = |name| percent_decode_str(name).decode_utf8_lossy();
    match parts.as_slice() {
        ["status"] => vec![("GET", Wish::Status)],
        ["ledger"] => vec![("GET", Wish::Ledger)],
        ["failures"] => vec![("GET", Wish::Failures)],
        ["drill"] => vec![
            ("GET", Wish::Drill),
            ("POST", Wish::BeginDrill),
            ("DELETE", Wish::EndDrill),
        ],
        ["breakers", target, "reset"] => vec![("POST", Wish::Reset(named(target)))],
        ["breakers", target, "trip"] => vec![("POST", Wish::Trip(named(target)))],
        ["locks", name] => vec![("DELETE", Wish::FreeLock(named(name)))],
        _ => Vec::new(),
    }
}

/// The methods that a path takes, for the header `Allow`.
pub(super) fn allowed(path: &str) -> Option<String> {
    let methods: Vec<&str> = wishes(path).into_iter().map(|(method, _)| method).collect();
    (!methods.is_empty()).then(|| methods.join(", "))
}

/// Serves a request whose key has been found right.
pub(super) async fn serve<W: Platform>(
    world: &W,
    isolate: &Isolate,
    config: &Config,
    head: &Head,
) -> Result<Answer<W::Stream>, ErrorAnswer> {
    let wish = wish(head)?;
    let body = match wish {
        Wish::Status => status::status(world, isolate, config).await,
        Wish::Reset(target) => breakers::reset(world, isolate, config, &target)?,
        Wish::Trip(target) => {
            let body = body(world).await?;
            breakers::trip(world, isolate, config, &target, &body)?
        }
        Wish::FreeLock(name) => locks::free(world, config, &name).await?,
        Wish::Ledger => {
            let query = query::ledger(head.query.as_deref().unwrap_or_default(), world.now())?;
            asked(world, &Message::Report(query)).await?
        }
        Wish::Failures => {
            let most = query::most(head.query.as_deref().unwrap_or_default(), FAILURES)?;
            asked(world, &Message::Failures(most)).await?
        }
        Wish::BeginDrill => {
            let body = body(world).await?;
            drill::begin(world, isolate, config, &body).await?
        }
        Wish::Drill => drill::report(world, head.query.as_deref().unwrap_or_default()).await?,
        Wish::EndDrill => drill::end(world, isolate).await?,
    };
    let mut answer = Answer::json(200, body);
    answer.header("cache-control", "no-store");
    Ok(answer)
}

fn wish(head: &Head) -> Result<Wish<'_>, ErrorAnswer> {
    let wishes = wishes(&head.path);
    if wishes.is_empty() {
        return Err(Downstream {
            status: 404,
            code: Some("unknown_url"),
            param: None,
            message: format!(
                "there is nothing at {}; there are GET /admin/status, POST \
                 /admin/breakers/{{target}}/reset and /trip, DELETE /admin/locks/{{box}}, GET \
                 /admin/ledger?from&to&by, GET /admin/failures, and POST, GET and DELETE /admin/drill",
                head.path
            ),
        }
        .into());
    }
    let methods = allowed(&head.path).unwrap_or_default();
    let found = wishes
        .into_iter()
        .find(|(method, _)| *method == head.method);
    found.map(|(_, wish)| wish).ok_or_else(|| {
        Downstream {
            status: 405,
            code: Some("method_not_allowed"),
            param: None,
            message: format!("{} takes {methods}, not {}", head.path, head.method),
        }
        .into()
    })
}

async fn body<W: Platform>(world: &W) -> Result<String, ErrorAnswer> {
    let bytes = world
        .body(LONGEST_BODY)
        .await
        .map_err(|error| match error {
            BodyError::TooLarge => Downstream::body(format!(
                "the request body is larger than {LONGEST_BODY} bytes"
            )),
            BodyError::Broken => Downstream::body("the request body broke off".to_owned()),
        })?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Downstream::body("the request body is not UTF-8".to_owned()))?;
    Ok(text)
}

/// What the ledger answers.
async fn asked<W: Platform>(world: &W, message: &Message) -> Result<Vec<u8>, ErrorAnswer> {
    let told = world.ledger(message).await;
    told.map(String::into_bytes).ok_or_else(no_ledger)
}

fn no_ledger() -> ErrorAnswer {
    unreachable("ledger_unreachable", "the ledger", "LEDGER")
}

/// A Durable Object does not answer.
fn unreachable(code: &str, what: &str, binding: &str) -> ErrorAnswer {
    ErrorAnswer {
        status: 503,
        kind: "service_unavailable_error",
        code: Some(code.to_owned()),
        param: None,
        message: format!(
            "{what} does not answer: is the Durable Object {binding} in wrangler.toml, as it is shipped?"
        ),
        pilotlight: None,
    }
}

fn no_such(what: &'static str, name: &str, known: &[&str]) -> ErrorAnswer {
    Downstream {
        status: 404,
        code: Some("not_found"),
        param: Some(what.to_owned()),
        message: format!(
            "there is no {what} '{name}'; there are: {}",
            known.join(", ")
        ),
    }
    .into()
}

/// Writes down what an operator did.
fn log<W: Platform>(world: &W, did: &str, to: &str) {
    journal::event(world, "admin", |line| {
        line.text("did", did).text("to", to);
    });
}
