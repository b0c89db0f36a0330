//! One request, from start to finish. Read this first.
//!
//! ```text
//! handle   preflight, health, configuration, key            -> or an error in OpenAI's shape
//! chat     type, size, JSON; route; what has to stay at home; deadline; breakers' news
//! chain    target by target, until an answer is whole       (chain.rs, course.rs)
//!   open     shape, enter, admit, write, send, judge: first words (open.rs, shape.rs, hold.rs, leave.rs, own.rs, ask.rs,
//!            attempt.rs, failed.rs)
//!   deliver  the rest of it; where it breaks, the next target goes on (deliver.rs)
//! conclude disclosure, the error that is left to tell, one log line
//! ```
//!
//! The head of a stream's answer goes to the caller through the door (door.rs) when the first words are
//! here, and the work goes on after it. Between requests, a cron looks at the boxes at home (watch.rs),
//! so that no request has to find out that one is away.
//!
//! **Invariant:** no word reaches the caller before an attempt has succeeded, and no answer is passed
//! off as whole that its upstream did not end.

pub mod answer;
pub mod attempt;
pub mod exhausted;
pub mod isolate;
pub mod watch;

mod account;
mod admin;
mod ask;
mod boxes;
mod chain;
mod course;
mod deliver;
mod door;
mod failed;
mod front;
mod hold;
mod job;
mod journal;
mod leave;
mod models;
mod open;
mod own;
mod record;
mod redact;
mod shape;
mod spent;
mod stage;

use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::Poll;

use futures::FutureExt as _;
use futures::future::{Either, select};

pub use answer::{Answer, AnswerBody};
pub use front::Head;
pub use isolate::Isolate;

use crate::auth;
use crate::config::{Config, Context, Pii, Target};
use crate::error::{Downstream, ErrorAnswer};
use crate::gateway::account::Account;
use crate::gateway::answer::Disclosure;
use crate::gateway::attempt::Attempt;
use crate::gateway::chain::{Disclosed, Ending};
use crate::gateway::door::{Door, Slot};
use crate::gateway::isolate::Hearsay;
use crate::gateway::job::Job;
use crate::gateway::journal::{Journal, Outcome};
use crate::openai::ChatRequest;
use crate::openai::answer::insert;
use crate::platform::{BodyError, Platform};
use crate::policy::breaker::Shared;
use crate::policy::privacy::{self, Ground};
use crate::policy::{pii, route};
use crate::reason::Reason;
use crate::stream::relay::Tally;

/// How long a request waits for what other isolates tell, when nothing is known.
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
                let nothing = Account::default();
                let tell = |told: Disclosure<'_>| told.to_json();
                nothing.disclosing(&id, None, || 0, tell)
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
        front::Endpoint::Chat => {
            let order = Order {
                head: head.clone(),
                id: id.to_owned(),
                caller: admit()?.map(str::to_owned),
            };
            until_answered(world, isolate, order).await
        }
        front::Endpoint::Admin => {
            auth::admit_operator(config, head.authorization.as_deref())?;
            admin::serve(world, isolate, config, head).await
        }
        front::Endpoint::Health => Ok(Answer::json(200, front::healthy())),
        front::Endpoint::Models => {
            admit()?;
            let windows = windows(world, isolate, config).await;
            Ok(Answer::json(200, models::list(config, &windows)))
        }
        front::Endpoint::Model(name) => {
            admit()?;
            let windows = windows(world, isolate, config).await;
            Ok(Answer::json(200, models::one(config, &name, &windows)?))
        }
    }
}

/// The targets' windows as they are known now, with what others told where that makes a difference.
async fn windows<W: Platform>(
    world: &W,
    isolate: &Rc<Isolate>,
    config: &Config,
) -> Vec<Option<u32>> {
    let found = |target: &Target| target.context == Context::Auto;
    if config.targets.iter().any(found) {
        hear_news(world, isolate, config, world.now()).await;
    }
    let window = |target: &Target| isolate.window(target, world.now());
    config.targets.iter().map(window).collect()
}

/// A chat request before its body has been read.
struct Order {
    head: Head,
    id: String,
    /// The name of the key's holder.
    caller: Option<String>,
}

/// Works on a chat request until the caller can be answered. A stream's head is answered as soon as
/// there is something to say; the work goes on after it.
async fn until_answered<W: Platform>(
    world: &W,
    isolate: &Rc<Isolate>,
    order: Order,
) -> Result<Answer<W::Stream>, ErrorAnswer> {
    let slot = Slot::<W>::default();
    let door = Door::new(world.clone(), Rc::clone(&slot));
    let mut work = Box::pin(chat(world.clone(), Rc::clone(isolate), order, door));
    let done = poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if slot.borrow().is_some() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await;
    let head = slot.borrow_mut().take();
    match (head, done) {
        (Some(head), None) => {
            world.after(work.map(|_| ()));
            Ok(head)
        }
        (Some(head), Some(_)) => Ok(head),
        (None, Some(Ok(Some(answer)))) => Ok(answer),
        (None, Some(Err(error))) => Err(error),
        // A stream that ends has a head.
        (None, Some(Ok(None)) | None) => Ok(journal::nothing()),
    }
}

/// Serves a chat request; `None` when the caller has been answered through the door.
async fn chat<W: Platform>(
    world: W,
    isolate: Rc<Isolate>,
    order: Order,
    door: Door<W>,
) -> Result<Option<Answer<W::Stream>>, ErrorAnswer> {
    let Ok(config) = &isolate.config else {
        return Ok(None);
    };
    let started = world.now();
    let head = &order.head;
    front::check_wishes(head)?;
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
    let account = Rc::<Account>::default();
    let drill = record::drill_of(&world, &isolate, config, head.drill.as_deref()).await?;
    if let Some(drill) = &drill {
        account.takes_part(&drill.id);
    }
    let private = privacy::ground(chosen.privacy, front::privacy(head)?, || match config.pii {
        Pii::Ignored => None,
        Pii::StaysHome => pii::find_in_body(text).map(pii::Kind::label),
    });
    let targets = match private {
        None => chosen.order.clone(),
        Some(ground) => kept_home(config, &chosen.order, ground, &account),
    };
    let job = Job {
        world: &world,
        isolate: &isolate,
        config,
        request: &request,
        id: &order.id,
        started,
        deadline: started.saturating_add(front::time_allowed(head, config)?),
        truncate: front::truncate(head)?,
        mode: front::mode(head)?.unwrap_or(chosen.mode),
        private,
        drill,
        door: &door,
        account: &account,
    };
    let journal = Journal {
        id: &order.id,
        route: chosen.name,
        order: &chosen.order,
        caller: order.caller.as_deref(),
        delivery: request.delivery,
        started,
    };
    hear_news(&world, &isolate, config, started).await;
    let ending = chain::run(&job, &targets).await;
    Ok(conclude(&job, ending, &journal).await)
}

/// The targets that may see a private request; the others are noted as passed over.
fn kept_home(config: &Config, order: &[usize], ground: Ground, account: &Account) -> Vec<usize> {
    account.stays_home(ground);
    let (at_home, struck) = privacy::part(config, order);
    let struck = struck.iter().filter_map(|at| config.targets.get(*at));
    struck.for_each(|target| account.note(Attempt::skipped(&target.name, Reason::Private)));
    at_home
}

/// Tells the caller how it ended, where that has not been told, and writes the log line.
async fn conclude<W: Platform>(
    job: &Job<'_, W>,
    ending: Ending,
    journal: &Journal<'_>,
) -> Option<Answer<W::Stream>> {
    match ending {
        Ending::Whole {
            answerer,
            mut completion,
            disclosed,
        } => {
            let (finish, usage) = (completion.finish, completion.usage);
            let answer = job.account.disclosing(
                job.id,
                Some(&answerer),
                || 0,
                |told| {
                    over(
                        job,
                        journal,
                        &told,
                        Outcome::Answered,
                        Tally { finish, usage },
                    );
                    if disclosed == Disclosed::NotYet {
                        insert(&mut completion.json, "pilotlight", &told.to_json());
                    }
                    let mut answer = Answer::json(200, completion.json);
                    told.put_headers(&mut answer);
                    told.put_cost(&mut answer);
                    answer
                },
            );
            Some(answer)
        }
        Ending::Streamed { answerer, tally } => {
            job.account.disclosing(
                job.id,
                Some(&answerer),
                || 0,
                |told| {
                    over(job, journal, &told, Outcome::Answered, tally);
                },
            );
            None
        }
        Ending::Broke { reason, tally } => {
            let error = job.account.disclosing(
                job.id,
                None,
                || 0,
                |told| {
                    over(job, journal, &told, Outcome::Broke, tally);
                    exhausted::broken(reason, told.to_json())
                },
            );
            say_last(job, &error).await;
            None
        }
        Ending::Nobody { refused } => nobody(job, refused, journal).await,
        Ending::CallerLeft { tally } => {
            job.account.disclosing(
                job.id,
                None,
                || 0,
                |told| {
                    over(job, journal, &told, Outcome::CallerLeft, tally);
                },
            );
            Some(journal::nothing())
        }
    }
}

/// Writes the log line and tells the ledger.
fn over<W: Platform>(
    job: &Job<'_, W>,
    journal: &Journal<'_>,
    told: &Disclosure<'_>,
    outcome: Outcome,
    tally: Tally,
) {
    journal.write(job.world, told, outcome, tally);
    record::record(job, journal, told, outcome);
}

/// No target answered.
async fn nobody<W: Platform>(
    job: &Job<'_, W>,
    refused: Option<exhausted::Refusal>,
    journal: &Journal<'_>,
) -> Option<Answer<W::Stream>> {
    let (told, answer) = job.account.disclosing(
        job.id,
        None,
        || 0,
        |disclosed| {
            let mut told =
                exhausted::explain(disclosed.attempts, refused, job.private, job.world.now());
            told.error.pilotlight = Some(disclosed.to_json());
            let outcome = Outcome::Failed(told.error.status);
            over(job, journal, &disclosed, outcome, Tally::default());
            let mut answer = Answer::error(&told.error);
            // Everything worth trying has been tried: an SDK that tries again multiplies the load.
            answer.header("x-should-retry", "false");
            if let Some(ms) = told.retry_after_ms {
                answer.header("retry-after", ms.div_ceil(1_000).to_string());
            }
            disclosed.put_headers(&mut answer);
            (told, answer)
        },
    );
    if !job.door.is_open() {
        return Some(answer);
    }
    say_last(job, &told.error).await;
    None
}

/// Ends a stream with what OpenAI's SDKs raise on: an event with an `error`, and no `[DONE]` after it.
async fn say_last<W: Platform>(job: &Job<'_, W>, error: &ErrorAnswer) {
    let mut event = b"data: ".to_vec();
    event.extend_from_slice(&error.to_json());
    event.extend_from_slice(b"\n\n");
    // The caller may have left; there is nobody left to tell then.
    if job.door.write(&event).await.is_ok() {
        job.door.close().await;
    }
}

/// Reads what other isolates told, when it is due: in the background, unless nothing at all is known,
/// and then for a moment only.
async fn hear_news<W: Platform>(world: &W, isolate: &Rc<Isolate>, config: &Config, now: u64) {
    match isolate.hearsay(now) {
        Hearsay::Fresh => {}
        Hearsay::Aging => world.after(read_news(world, isolate, config)),
        Hearsay::Unknown => {
            let read = Box::pin(read_news(world, isolate, config));
            let patience = Box::pin(world.sleep(HEARSAY_WAIT_MS));
            if let Either::Right((_, read)) = select(read, patience).await {
                world.after(read);
            }
        }
    }
}

fn read_news<W: Platform>(
    world: &W,
    isolate: &Rc<Isolate>,
    config: &Config,
) -> impl Future<Output = ()> + use<W> {
    let names: Vec<String> = config
        .targets
        .iter()
        .map(|target| target.name.clone())
        .collect();
    let servers: Vec<String> = boxes::servers(config)
        .map(|server| server.name.clone())
        .collect();
    let (reader, keeper) = (world.clone(), Rc::clone(isolate));
    async move {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
        if let Some(told) = reader.shared(&names, &servers).await {
            keeper.hear(&told, reader.now());
        }
    }
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
