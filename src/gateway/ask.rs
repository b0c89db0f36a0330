//! One target, asked as often as it may be.
//!
//! What is sent is written here, by the target's dialect, from the request as it was shaped for the
//! target; what became of an attempt that failed is for `failed.rs` to say.

use std::fmt;
use std::rc::Rc;

use crate::config::Target;
use crate::gateway::account::{Account, Answerer, Entry};
use crate::gateway::answer::{Disclosure, Omitted};
use crate::gateway::attempt::{self, Failure, Plan, Success};
use crate::gateway::boxes::window;
use crate::gateway::failed::{again, cannot_think, corrected, goes_on, note, refused_effort};
use crate::gateway::job::{Job, Passing};
use crate::gateway::leave::Admitted;
use crate::gateway::open::{Heard, Opened};
use crate::gateway::shape::{self, Cutting, Misfit, Shaped};
use crate::gateway::spent::Used;
use crate::openai::{ChatRequest, Delivery, Usage, UsageChunk};
use crate::platform::Platform;
use crate::policy::classify::{Action, Wording};
use crate::policy::cost::Tariff;
use crate::provider::{Ask, Ending, Names, Origin, Reading, UpstreamRequest};
use crate::reason::Reason;
use crate::stream::relay::{Calls, Disclose, Terms};
use crate::stream::splice::Asked;
use crate::stream::written::Written;

/// What one target is to do.
pub(super) struct Errand<'a> {
    pub(super) target: &'a Target,
    pub(super) request: &'a ChatRequest<'a>,
    pub(super) written: Option<&'a Written>,
    pub(super) asked: Asked,
    pub(super) cutting: Cutting,
}

/// Asks it until it answers or must not be asked again.
pub(super) async fn ask<'e, W: Platform>(
    job: &Job<'_, W>,
    at: usize,
    errand: &'e Errand<'_>,
    mut shaped: Shaped<'e>,
    admitted: Admitted<'_, '_, W>,
) -> Heard<W> {
    let Errand {
        target, request, ..
    } = errand;
    let Admitted { leave, attempts } = admitted;
    let mut refitted = false;
    let mut number = 1;
    loop {
        let entry = job.account.begin(&target.name, job.world.now());
        let failure = match once(job, errand, &shaped, entry).await {
            Ok((answer, omitted)) => {
                job.account.answers(entry, job.world.now());
                return Heard::Answer(Box::new(Opened {
                    at,
                    answerer: Answerer {
                        entry,
                        target: target.name.clone(),
                        model: target.model.clone(),
                        omitted,
                    },
                    permit: leave.keep(),
                    counted: shaped.counted,
                    answer,
                    hold: None,
                }));
            }
            Err(failure) => failure,
        };
        note(job, target, &failure, entry);
        if failure.verdict.reason == Reason::CallerLeft {
            return Heard::CallerLeft;
        }
        if !refitted && let Some(fitting) = corrected(job, errand, &shaped, &failure) {
            refitted = true;
            match shape::shape(job, request, target, fitting) {
                Ok(refit) if refit.omitted.truncated != shaped.omitted.truncated => {
                    shaped = refit;
                    continue;
                }
                // The same once more would be refused once more.
                Ok(_) => {}
                // That it is too long it has said itself.
                Err(Misfit::PutOff) => return Heard::PutOff,
                Err(Misfit::Skipped(skipped)) => {
                    job.account.note(skipped);
                    return Heard::Nothing;
                }
            }
        }
        if let Some(effort) = refused_effort(&shaped, &failure) {
            if cannot_think(&failure) {
                job.isolate.refuse_effort(&target.name, &effort);
            }
            shaped.leave_effort();
            continue;
        }
        let wait = again(job, target, &failure, (number, attempts));
        let Some(wait) = wait else {
            leave.settle(failure.verdict.health.with_wait(failure.wait_ms));
            return match failure.verdict.action {
                Action::Reject if !goes_on(target, &failure) => Heard::Refusal,
                Action::Next | Action::Reject | Action::Retry => Heard::Nothing,
            };
        };
        if job.world.sleep(wait).await.is_err() {
            return Heard::CallerLeft;
        }
        number += 1;
    }
}

/// One attempt.
async fn once<W: Platform>(
    job: &Job<'_, W>,
    errand: &Errand<'_>,
    shaped: &Shaped<'_>,
    entry: Entry,
) -> Result<(Success<W::Body>, Omitted), Failure> {
    let target = errand.target;
    let delivery = match errand.written {
        Some(_) => Delivery::Streamed,
        None => job.asking(target),
    };
    let (UpstreamRequest { body, dropped }, names) = write(job, errand, shaped, delivery)?;
    let omitted = shaped.omitted.with(dropped);
    let usage_chunk = match job.request.delivery {
        Delivery::Streamed => job.request.usage_chunk,
        // The answer that is put together tells what it used.
        Delivery::Whole => UsageChunk::Wanted,
    };
    let plan = Plan {
        target,
        body: &body,
        delivery,
        reading: Reading {
            model: &target.model,
            request_id: job.id,
            created: job.started / 1_000,
            choices: job.request.choices,
            usage_chunk,
            origin: match job.private {
                Some(_) => Origin::Target,
                None => Origin::Any,
            },
            company: target.company,
            names: &names,
        },
        wording: wording(target, &omitted),
        deadline: job.deadline,
        started: job.world.now(),
        written: errand.written,
        asked: errand.asked,
        passing: job.passing(target),
        fault: job.fault(target),
    };
    let terms = || Terms {
        choices: job.request.choices,
        usage_chunk,
        calls: match job.passing(target) {
            Passing::Untouched => Calls::Streamed,
            Passing::Watched => target.settings.tool_calls,
        },
        keep: job.keep(),
        disclose: Box::new(Discloser {
            world: job.world.clone(),
            tariff: job.tariff(target),
            account: Rc::clone(job.account),
            request_id: job.id.to_owned(),
            answerer: Answerer {
                entry,
                target: target.name.clone(),
                model: target.model.clone(),
                omitted: omitted.clone(),
            },
        }),
    };
    let begun = || job.account.hears(entry, job.world.now());
    let answer = attempt::attempt(job.world, plan, terms, begun).await?;
    Ok((answer, omitted))
}

/// Writes what one attempt sends; with the tools that have other names in it.
fn write<W: Platform>(
    job: &Job<'_, W>,
    errand: &Errand<'_>,
    shaped: &Shaped<'_>,
    delivery: Delivery,
) -> Result<(UpstreamRequest, Names), Failure> {
    let target = errand.target;
    let ask = Ask {
        request: errand.request,
        messages: &shaped.messages,
        delivery,
        usage_chunk: job.usage_told(target),
        ending: match errand.asked {
            Asked::Anchored | Asked::Anew => Ending::Usual,
            Asked::Prefilled => Ending::Prefill,
        },
        model: &target.model,
        company: target.company,
        context: shaped.window,
        window: window(target),
        max_tokens: shape::most_tokens(errand.request, target),
        max_output: target.max_output,
        abilities: target.abilities,
        left_out: &shaped.left_out,
        effort: shaped.effort.as_deref(),
        keep_alive: target.settings.keep_alive.as_deref(),
    };
    let written = target.provider.write(&ask).map_err(Failure::unsupported)?;
    let names = match target.provider.tool_names(target.company) {
        Some(rule) => Names::of_tools(errand.request, &rule),
        None => Names::default(),
    };
    Ok((written, names))
}

/// Writes the `pilotlight` object at a stream's end.
struct Discloser<W> {
    world: W,
    tariff: Tariff,
    account: Rc<Account>,
    request_id: String,
    answerer: Answerer,
}

impl<W> fmt::Debug for Discloser<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discloser")
            .field("answerer", &self.answerer)
            .finish_non_exhaustive()
    }
}

impl<W: Platform> Disclose for Discloser<W> {
    fn json(&self, written: &Written, usage: Option<Usage>) -> String {
        let Answerer { entry, target, .. } = &self.answerer;
        let (used, now) = (Used::told(usage), self.world.now());
        self.account.spends(*entry, target, used, self.tariff, now);
        let until = || written.characters();
        let tell = |told: Disclosure<'_>| told.to_json();
        self.account
            .disclosing(&self.request_id, Some(&self.answerer), until, tell)
    }
}

/// Whose words the target gets. At OpenAI itself, uncut and with nothing left out, a refusal is the
/// caller's to hear. Anywhere else it may be the translation's fault or the server's own limit, and the
/// next target is asked, however many have refused: a refusal costs little, and each may have another
/// reason.
fn wording(target: &Target, omitted: &Omitted) -> Wording {
    let is_openai = target.provider.name() == "openai" && target.company.name == "openai";
    if is_openai && omitted.truncated.is_none() && omitted.dropped.is_empty() {
        Wording::Callers
    } else {
        Wording::Ours
    }
}
