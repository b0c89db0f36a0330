//! The targets of the config: each one's keys, settings and credentials, put together.
//!
//! A target whose secret is not set is sound: the gateway passes it over and says so. Only when
//! none is left that can be asked is that a mistake.

use std::slice;

use crate::config::address;
use crate::config::draft::{self, Draft};
use crate::config::price;
use crate::config::root;
use crate::config::row;
use crate::config::secret;
use crate::config::settings;
use crate::config::table::{self, Table};
use crate::config::{Key, Mistake, Place, Secret, Settings, Target};
use crate::provider::Provider;
use crate::provider::company::{self, Company};

/// Looks a secret up by its name.
type Secrets<'s> = &'s dyn Fn(&str) -> Option<String>;

/// The built-in settings with the config's `defaults` applied, for each place.
struct Bases {
    cloud: Settings,
    home: Settings,
}

/// The targets, as far as they could be read.
pub(super) struct Targets {
    /// Every name that is written, in order, of sound targets and others.
    pub(super) names: Vec<String>,
    /// The sound ones, in the order of their names.
    pub(super) sound: Vec<Target>,
}

/// Reads the tables `defaults` and `targets`.
pub(super) fn read(root: &Table<'_>, secrets: Secrets<'_>, mistakes: &mut Vec<Mistake>) -> Targets {
    let bases = bases(root, mistakes);
    let mut targets = Targets {
        names: Vec::new(),
        sound: Vec::new(),
    };
    let what = "a table with a table for each target";
    let Some(raw) = root.raw("targets") else {
        mistakes.push(Mistake::new("targets", format!("is missing: {EXAMPLE}")));
        return targets;
    };
    let Some(table) = Table::open(root.at("targets"), raw, what, mistakes) else {
        return targets;
    };
    let mut unset = Vec::new();
    for (name, raw) in table.members() {
        let path = table.at(name);
        if !table::is_name(name) {
            mistakes.push(Mistake::new(
                path.as_str(),
                format!("should be {}", table::NAME),
            ));
        }
        targets.names.push(name.to_owned());
        if let Some(table) = Table::open(path, raw, "a table with a target's keys", mistakes) {
            targets
                .sound
                .extend(target(name, &table, &bases, secrets, &mut unset, mistakes));
        }
    }
    if targets.names.is_empty() {
        mistakes.push(Mistake::new("targets", format!("is empty: {EXAMPLE}")));
    }
    targets.sound.sort_by(|a, b| a.name.cmp(&b.name));
    check_some_can_be_asked(&targets, &unset, mistakes);
    targets
}

const EXAMPLE: &str = "write at least one target, such as [vars.PILOTLIGHT.targets.home] with \
                       provider = \"ollama\", base_url = \"http://127.0.0.1:11434\", \
                       model = \"llama3.2\"";

fn bases(root: &Table<'_>, mistakes: &mut Vec<Mistake>) -> Bases {
    let mut both = [Place::Cloud, Place::Home].map(Settings::built_in);
    let table = root
        .raw("defaults")
        .and_then(|raw| Table::open(root.at("defaults"), raw, "a table of settings", mistakes));
    if let Some(table) = table {
        let elsewhere = [
            (row::names(draft::ROWS), "in a target's own table"),
            (row::names(root::ROWS), "at the top level of the config"),
        ];
        table.check_names(&row::names(settings::ROWS), &elsewhere, mistakes);
        table.read(settings::ROWS, &mut both, mistakes);
        settings::check(&table, &both[0], mistakes);
    }
    let [cloud, home] = both;
    Bases { cloud, home }
}

/// Reads one target; `None` only with a mistake.
fn target(
    name: &str,
    table: &Table<'_>,
    bases: &Bases,
    secrets: Secrets<'_>,
    unset: &mut Vec<String>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Target> {
    let known = [row::names(draft::ROWS), row::names(settings::ROWS)].concat();
    let elsewhere = [(row::names(root::ROWS), "at the top level of the config")];
    table.check_names(&known, &elsewhere, mistakes);
    table.check_needed(draft::ROWS, mistakes);

    let mut draft = Draft::default();
    table.read(draft::ROWS, slice::from_mut(&mut draft), mistakes);
    let mut settings = match draft.place {
        Place::Cloud => bases.cloud.clone(),
        Place::Home => bases.home.clone(),
    };
    table.read(settings::ROWS, slice::from_mut(&mut settings), mistakes);
    settings::check(table, &settings, mistakes);
    let usual = draft.provider.and_then(Provider::default_context);
    let context = draft.context.or(usual);
    check_room(table, context, &settings, mistakes);

    let price = price::of_target(table, &draft, mistakes);
    let (key, access) = credentials(table, &draft, secrets, unset, mistakes);
    let (url, company) = address(table, &draft, mistakes)?;
    Some(Target {
        name: name.to_owned(),
        provider: draft.provider?,
        company,
        url,
        model: draft.model?,
        key,
        access,
        context,
        place: draft.place,
        price,
        watts: draft.watts,
        settings,
    })
}

fn check_room(
    table: &Table<'_>,
    context: Option<u32>,
    settings: &Settings,
    mistakes: &mut Vec<Mistake>,
) {
    if let (Some(context), Some(output)) = (context, settings.max_output)
        && output >= context
    {
        let problem = format!(
            "is {context}, all of which max_output ({output}) keeps for the answer: write more"
        );
        mistakes.push(Mistake::new(table.at("context"), problem));
    }
}

/// The full address and the company, once provider and base URL are known.
fn address(
    table: &Table<'_>,
    draft: &Draft,
    mistakes: &mut Vec<Mistake>,
) -> Option<(String, &'static Company)> {
    let provider = draft.provider?;
    if draft.company.is_some() && provider.name() != company::DIALECT {
        let problem = format!(
            "means nothing to provider \"{}\", only to \"{}\": leave it out",
            provider.name(),
            company::DIALECT
        );
        mistakes.push(Mistake::new(table.at("company"), problem));
    }
    let address = address::base_url(draft.base_url.as_deref()?).ok()?;
    if let Err(problem) = address::without_added_path(&address, &provider.url("")) {
        mistakes.push(Mistake::new(table.at("base_url"), problem));
    }
    let company = draft
        .company
        .unwrap_or_else(|| Company::for_host(address.host));
    Some((provider.url(address.base), company))
}

/// The credentials; a secret that is not set is noted in `unset`.
fn credentials(
    table: &Table<'_>,
    draft: &Draft,
    secrets: Secrets<'_>,
    unset: &mut Vec<String>,
    mistakes: &mut Vec<Mistake>,
) -> (Key, Option<(Secret, Secret)>) {
    let mut missing = None;
    let mut look_up = |at: &str, name: &Option<String>| {
        let name = name.as_ref()?;
        match secret::value(name, secrets) {
            Ok(Some(value)) => return Some(Secret::new(value)),
            Ok(None) => {
                unset.push(name.clone());
                missing.get_or_insert_with(|| name.clone());
            }
            Err(problem) => mistakes.push(Mistake::new(table.at(at), problem)),
        }
        None
    };
    let key = look_up("key", &draft.key);
    let id = look_up("access_id", &draft.access_id);
    let token = look_up("access_secret", &draft.access_secret);

    let halves = ["access_id", "access_secret"];
    for (here, other) in [(halves[0], halves[1]), (halves[1], halves[0])] {
        if table.raw(here).is_none() && table.raw(other).is_some() {
            let problem =
                format!("is missing: {other} is half of a service token, and this the other");
            mistakes.push(Mistake::new(table.at(here), problem));
        }
    }
    let key = match (missing, key) {
        (Some(name), _) => Key::Missing(name),
        (None, Some(key)) => Key::Present(key),
        (None, None) => Key::None,
    };
    (key, id.zip(token))
}

/// Tells a config that is sound and that nothing could answer, for want of secrets.
fn check_some_can_be_asked(targets: &Targets, unset: &[String], mistakes: &mut Vec<Mistake>) {
    let cannot = |target: &Target| matches!(target.key, Key::Missing(_));
    let all_are_read = targets.sound.len() == targets.names.len();
    let Some(first) = unset.first() else {
        return;
    };
    if all_are_read && targets.sound.iter().all(cannot) {
        let mut names: Vec<_> = unset.iter().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let problem = format!(
            "has no target that can be asked, because these secrets are not set: {}. Set one with \
             `npx wrangler secret put {first}`, or for use on this machine write {first}=... in \
             .dev.vars",
            names.join(", ")
        );
        mistakes.push(Mistake::new("targets", problem));
    }
}
