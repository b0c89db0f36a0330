//! An operator begins a drill, looks at what callers got, and ends it before its time.

use serde_json::value::RawValue;

use crate::config::Config;
use crate::error::{Downstream, ErrorAnswer};
use crate::gateway::admin::{asked, log, query};
use crate::gateway::isolate::Isolate;
use crate::ledger::message::Message;
use crate::openai::json::{self, Object};
use crate::platform::Platform;
use crate::policy::drill::{Drill, Fault, Scope};

/// The longest that a drill may last, in milliseconds: a day.
const LONGEST_MS: u64 = 86_400_000;

/// What a drill is, as it has to be written.
const EXAMPLE: &str = "such as {\"targets\": [\"openai\"], \"fault\": \"503\", \"for\": \"10m\"} for \
                       requests that carry its id, or with \"share\": 0.1 for a tenth of all as well";

/// Begins the drill that `body` describes; any other ends.
pub(super) async fn begin<W: Platform>(
    world: &W,
    isolate: &Isolate,
    config: &Config,
    body: &str,
) -> Result<Vec<u8>, ErrorAnswer> {
    let drill = read(config, body, world.now(), world.random())?;
    let told = asked(world, &Message::Begin(drill.clone())).await?;
    log(world, "begin_drill", &drill.id);
    isolate.drills(Some(drill));
    Ok(told)
}

/// Ends the drill that goes on.
pub(super) async fn end<W: Platform>(world: &W, isolate: &Isolate) -> Result<Vec<u8>, ErrorAnswer> {
    let told = asked(world, &Message::End).await?;
    log(world, "end_drill", "");
    isolate.drills(None);
    Ok(told)
}

/// What callers got: in the last drill, or in the one whose `id` is asked for.
pub(super) async fn report<W: Platform>(world: &W, text: &str) -> Result<Vec<u8>, ErrorAnswer> {
    query::known(text, &["id"])?;
    let id = query::value(text, "id");
    let told = asked(world, &Message::Drilled(id.clone())).await?;
    if told == b"null" {
        let message = match id {
            Some(id) => format!("there was no drill '{id}', or it was long ago"),
            None => format!("there was no drill yet; POST one here, {EXAMPLE}"),
        };
        return Err(Downstream {
            status: 404,
            code: Some("not_found"),
            param: None,
            message,
        }
        .into());
    }
    Ok(told)
}

fn read(config: &Config, body: &str, now: u64, chance: f64) -> Result<Drill, Downstream> {
    let wrong = |field: &'static str, problem: String| Downstream::field(field, problem);
    let object = Object::parse(body)
        .map_err(|error| Downstream::body(format!("the body is no drill ({error}): {EXAMPLE}")))?;
    let known = ["targets", "fault", "for", "share"];
    if let Some((name, _)) = object
        .0
        .iter()
        .find(|(name, _)| !known.contains(&name.as_ref()))
    {
        return Err(Downstream {
            param: Some(name.to_string()),
            ..Downstream::body(format!("'{name}' is not part of a drill: {EXAMPLE}"))
        });
    }
    let targets = targets(config, object.present("targets"))?;
    let faults: Vec<&str> = Fault::ALL.iter().map(|fault| fault.as_str()).collect();
    let fault = object.present("fault").and_then(json::string);
    let fault = fault.as_deref().and_then(Fault::named).ok_or_else(|| {
        wrong(
            "fault",
            format!("'fault' should be one of \"{}\"", faults.join("\", \"")),
        )
    })?;
    let lasts = object.present("for").and_then(crate::config::time_of);
    let lasts = lasts
        .filter(|ms| (1..=LONGEST_MS).contains(ms))
        .ok_or_else(|| {
            wrong(
                "for",
                "'for' should be a time up to 24h, such as \"10m\"".to_owned(),
            )
        })?;
    let scope = match object.present("share") {
        None => Scope::Marked,
        Some(raw) => {
            let share = raw.get().parse().ok();
            let share = share.filter(|share: &f64| *share > 0.0 && *share <= 1.0);
            Scope::Share(share.ok_or_else(|| {
                wrong(
                    "share",
                    "'share' should be a number above 0, up to 1".to_owned(),
                )
            })?)
        }
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number from 0 up to 2^32"
    )]
    let id = format!("drill_{:08x}", (chance * 4_294_967_296.0) as u64);
    Ok(Drill {
        id,
        targets,
        fault,
        scope,
        since: now,
        until: now.saturating_add(lasts),
    })
}

fn targets(config: &Config, raw: Option<&RawValue>) -> Result<Vec<String>, Downstream> {
    let known: Vec<&str> = config.targets.iter().map(|target| &*target.name).collect();
    let wrong = |problem: String| Downstream::field("targets", problem);
    let names: Option<Vec<String>> = raw.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let names = names.filter(|names| !names.is_empty()).ok_or_else(|| {
        wrong("'targets' should be a list of the targets that are to fail".to_owned())
    })?;
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(wrong(format!(
            "'targets' holds '{name}', which is no target; there are: {}",
            known.join(", ")
        )));
    }
    Ok(names)
}
