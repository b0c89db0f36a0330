//! One request, from start to finish. Read this first.
//!
//! ```text
//! handle   preflight, health, configuration, key            -> or an error in OpenAI's shape
//! chat     type, size, JSON; route; deadline; breakers' news
//! chain    target by target: admit, shape, write, send, judge (chain.rs, attempt.rs)
//! answer   disclosure in headers and body
//! relay    the rest of a stream, after the answer has begun (relaying.rs)
//! ```
//!
//! **Invariant:** no byte reaches the caller before an attempt has succeeded, and no answer is passed
//! off as whole that its upstream did not end.

pub mod answer;
pub mod attempt;
pub mod exhausted;
pub mod isolate;

mod chain;
mod front;
mod journal;
mod models;
mod redact;
mod relaying;

use std::future::Future;
use std::rc::Rc;

use futures::future::{Either, select};

pub use answer::{Answer, AnswerBody};
pub use front::Head;
pub use isolate::Isolate;

use crate::auth;
use crate::config::{Config, Target};
use crate::error::{Downstream, ErrorAnswer};
use crate::gateway::answer::{Disclosure, Omitted};
use crate::gateway::chain::{Ending, Job, Kind, Outcome};
use crate::gateway::isolate::Hearsay;
use crate::gateway::journal::Journal;
use crate::openai::ChatRequest;
use crate::openai::answer::insert;
use crate::platform::{BodyError, Platform};
use crate::policy::breaker::{Health, Permit, Shared};
use crate::policy::route;

/// The status for the log where the caller closed the connection, as nginx has it.
const CALLER_LEFT: u16 = 499;

/// How long a request waits for what other isolates tell of the breakers, when nothing is known.
const HEARSAY_WAIT_MS: u64 = 100;

/// Serves one request.
pub async fn handle<W: Platform>(
    world: &W,
    isolate: &Rc<Isolate>,
    head: &Head,
) -> Answer<W::Stream> {
    let id = request_id(world);
    let mut answer = match serve(world, isolate, head, &id).await {
        Ok(answer) => answer,
        Err(mut error) => {
            journal::refused(world, &id, &head.path, &error);
            error.pilotlight.get_or_insert_with(|| {
                Disclosure {
                    request_id: &id,
                    answered: None,
                    attempts: &[],
                    omitted: &Omitted::default(),
                }
                .to_json()
            });
            let mut answer = Answer::error(&error);
            if error.status == 405
                && let Some(method) = front::allowed(head)
            {
                answer.header("allow", method);
            }
            answer
        }
    };
    answer.header("x-pilotlight-request-id", &id);
    answer.header("x-request-id", &id);
    if let Ok(config) = &isolate.config {
        front::put_cors(&mut answer, config, head);
    }
    answer
}

async fn serve<W: Platform>(
    world: &W,
    isolate: &Rc<Isolate>,
    head: &Head,
    id: &str,
) -> Result<Answer<W::Stream>, ErrorAnswer> {
    let config = match &isolate.config {
        Ok(config) => config,
        Err(mistakes) => return Err(front::misconfigured(mistakes)),
    };
    if head.method == "OPTIONS" {
        return Ok(front::preflight());
    }
    let arrival = auth::Arrival {
        host: &head.host,
        client_ip: head.client_ip.as_deref(),
    };
    let admit = || auth::admit(config, head.authorization.as_deref(), arrival);
    match front::endpoint(head)? {
        front::Endpoint::Chat => chat(world, isolate, config, head, id, admit()?).await,
        front::Endpoint::Health => Ok(Answer::json(200, front::healthy())),
        front::Endpoint::Models => {
            admit()?;
            Ok(Answer::json(200, models::list(config)))
        }
        front::Endpoint::Model(name) => {
            admit()?;
            Ok(Answer::json(200, models::one(config, &name)?))
        }
    }
}

async fn chat<W: Platform>(
    world: &W,
    isolate: &Rc<Isolate>,
    config: &Config,
    head: &Head,
    id: &str,
    caller: auth::Caller<'_>,
) -> Result<Answer<W::Stream>, ErrorAnswer> {
    let started = world.now();
    front::check_body_headers(head, config.max_body)?;
    let body = world
        .body(config.max_body)
        .await
        .map_err(|error| match error {
            BodyError::TooLarge => front::too_large(config.max_body),
            BodyError::Broken => Downstream::body("the request body broke off".to_owned()),
        })?;
    let text = std::str::from_utf8(&body)
        .map_err(|_| Downstream::body("the request body is not UTF-8".to_owned()))?;
    let request = ChatRequest::parse(text)?;
    let chosen = route::choose(config, &request.model);
    let job = Job {
        world,
        isolate,
        request: &request,
        id,
        started,
        deadline: started.saturating_add(front::time_allowed(head, config)?),
        truncate: front::truncate(head)?,
    };
    hear_breakers(world, isolate, config, started).await;
    let ending = chain::run(&job, &config.targets, &chosen.order).await;
    let journal = Journal {
        id: id.to_owned(),
        route: chosen.name.to_owned(),
        caller: caller.map(str::to_owned),
        delivery: request.delivery,
        started,
    };
    Ok(conclude(&job, config, ending, journal))
}

/// Turns the chain's ending into an answer, and writes the log line or leaves it to the relay.
fn conclude<W: Platform>(
    job: &Job<'_, W>,
    config: &Config,
    ending: Ending<W::Body>,
    journal: Journal,
) -> Answer<W::Stream> {
    let Ending { attempts, outcome } = ending;
    let (at, served) = match outcome {
        Outcome::Answered { at, answer } => (at, answer),
        Outcome::Nobody { refused } => return nobody(job, &attempts, refused, &journal),
        Outcome::CallerLeft => return left(job, &attempts, &journal),
    };
    let Some(target) = config.targets.get(at) else {
        return nobody(job, &attempts, None, &journal);
    };
    let disclosure = Disclosure {
        request_id: job.id,
        answered: Some((&target.name, &target.model)),
        attempts: &attempts,
        omitted: &served.omitted,
    };
    let mut answer = match served.kind {
        Kind::Whole(mut completion) => {
            insert(&mut completion.json, "pilotlight", &disclosure.to_json());
            journal.whole(job.world, &disclosure, completion.finish, completion.usage);
            Answer::json(200, completion.json)
        }
        Kind::Stream {
            relay,
            body,
            permit,
        } => relaying::begin(
            job.world,
            job.isolate,
            relaying::Stream {
                at,
                permit,
                relay,
                body,
                counted: served.counted,
                deadline: job.deadline,
                account: relaying::Account {
                    attempts: attempts.clone(),
                    omitted: served.omitted.clone(),
                    journal,
                },
            },
        ),
    };
    disclosure.put_headers(&mut answer);
    answer
}

/// No target answered.
fn nobody<W: Platform>(
    job: &Job<'_, W>,
    attempts: &[attempt::Attempt],
    refused: Option<String>,
    journal: &Journal,
) -> Answer<W::Stream> {
    let mut told = exhausted::explain(attempts, refused, job.world.now());
    let disclosure = Disclosure {
        request_id: job.id,
        answered: None,
        attempts,
        omitted: &Omitted::default(),
    };
    told.error.pilotlight = Some(disclosure.to_json());
    journal.nobody(job.world, &disclosure, told.error.status);
    let mut answer = Answer::error(&told.error);
    // Everything worth trying has been tried: an SDK that tries again multiplies the load.
    answer.header("x-should-retry", "false");
    if let Some(ms) = told.retry_after_ms {
        answer.header("retry-after", ms.div_ceil(1_000).to_string());
    }
    disclosure.put_headers(&mut answer);
    answer
}

/// The caller has left: nobody hears the answer, and it is only logged.
fn left<W: Platform>(
    job: &Job<'_, W>,
    attempts: &[attempt::Attempt],
    journal: &Journal,
) -> Answer<W::Stream> {
    let disclosure = Disclosure {
        request_id: job.id,
        answered: None,
        attempts,
        omitted: &Omitted::default(),
    };
    journal.left(job.world, &disclosure);
    Answer {
        status: CALLER_LEFT,
        headers: Vec::new(),
        body: AnswerBody::Empty,
    }
}

/// Reads what other isolates told of the breakers, when it is due: in the background, unless nothing at
/// all is known, and then for a moment only.
async fn hear_breakers<W: Platform>(world: &W, isolate: &Rc<Isolate>, config: &Config, now: u64) {
    match isolate.hearsay(now) {
        Hearsay::Fresh => {}
        Hearsay::Aging => world.after(read_breakers(world, isolate, config)),
        Hearsay::Unknown => {
            let read = Box::pin(read_breakers(world, isolate, config));
            let patience = Box::pin(world.sleep(HEARSAY_WAIT_MS));
            if let Either::Right(((), read)) = select(read, patience).await {
                world.after(read);
            }
        }
    }
}

fn read_breakers<W: Platform>(
    world: &W,
    isolate: &Rc<Isolate>,
    config: &Config,
) -> impl Future<Output = ()> + use<W> {
    let names: Vec<String> = config
        .targets
        .iter()
        .map(|target| target.name.clone())
        .collect();
    let (reader, keeper) = (world.clone(), Rc::clone(isolate));
    async move {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if let Some(told) = reader.shared_breakers(&names).await {
            keeper.hear(&told, reader.now());
        }
    }
}

/// Tells a target's breaker what a request told, and the other isolates after the answer.
fn tell_breaker<W: Platform>(
    world: &W,
    isolate: &Rc<Isolate>,
    target: &Target,
    permit: Permit,
    health: Health,
) {
    let told = isolate.record(target, permit, health, world.now(), world.random());
    tell_isolates(world, target, told);
}

/// Tells the other isolates of a breaker, after the answer and never before.
fn tell_isolates<W: Platform>(world: &W, target: &Target, told: Option<Shared>) {
    if let Some(shared) = told {
        let (teller, name) = (world.clone(), target.name.clone());
        world.after(async move { teller.share_breaker(&name, &shared).await });
    }
}

/// 80 random bits.
fn request_id<W: Platform>(world: &W) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number from 0 up to 2^40"
    )]
    let forty_bits = || (world.random() * f64::from(1_u32 << 20) * f64::from(1_u32 << 20)) as u64;
    format!("req_{:010x}{:010x}", forty_bits(), forty_bits())
}
