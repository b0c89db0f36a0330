//! The targets of the config: each one's keys, settings and credentials, put together.
//!
//! A target whose secret is not set, or whose service is not bound, is sound: the gateway passes it
//! over and says so. Only when none is left that can be asked is that a mistake.

use std::slice;

use crate::config::address;
use crate::config::boxes;
use crate::config::draft::{self, Draft};
use crate::config::model;
use crate::config::price;
use crate::config::root;
use crate::config::row;
use crate::config::secret;
use crate::config::settings;
use crate::config::table::{self, Table};
use crate::config::way;
use crate::config::{Context, Environment, Key, Mistake, Place, Secret, Settings, Target, Way};
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

/// What targets need of the environment and is not there, by name.
#[derive(Default)]
struct Absent {
    secrets: Vec<String>,
    bindings: Vec<String>,
}

/// Reads the tables `defaults` and `targets`.
pub(super) fn read(
    root: &Table<'_>,
    environment: &Environment<'_>,
    mistakes: &mut Vec<Mistake>,
) -> Targets {
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
    let mut absent = Absent::default();
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
            let read = target(name, &table, &bases, environment, &mut absent, mistakes);
            targets.sound.extend(read);
        }
    }
    if targets.names.is_empty() {
        mistakes.push(Mistake::new("targets", format!("is empty: {EXAMPLE}")));
    }
    targets.sound.sort_by(|a, b| a.name.cmp(&b.name));
    boxes::name_boxes(&mut targets.sound);
    boxes::check_names(&targets.sound, mistakes);
    boxes::check_slots(&targets.sound, mistakes);
    check_some_can_be_asked(&targets, absent, mistakes);
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
    environment: &Environment<'_>,
    absent: &mut Absent,
    mistakes: &mut Vec<Mistake>,
) -> Option<Target> {
    let known = [row::names(draft::ROWS), row::names(settings::ROWS)].concat();
    let elsewhere = [(row::names(root::ROWS), "at the top level of the config")];
    table.check_names(&known, &elsewhere, mistakes);
    table.check_needed(draft::ROWS, mistakes);
    way::check(table, mistakes);

    let mut draft = Draft::default();
    table.read(draft::ROWS, slice::from_mut(&mut draft), mistakes);
    let mut settings = match draft.place {
        Place::Cloud => bases.cloud.clone(),
        Place::Home => bases.home.clone(),
    };
    table.read(settings::ROWS, slice::from_mut(&mut settings), mistakes);
    settings::check(table, &settings, mistakes);
    let model = model::of_target(table, &draft, mistakes);
    let usual = draft.provider.and_then(Provider::default_context);
    let usual = usual.or(model.window);
    let context = match (draft.context, usual) {
        (Context::Unknown, Some(usual)) => Context::Tokens(usual),
        (context, _) => context,
    };
    check_room(table, context, &settings, mistakes);
    boxes::check(table, &draft, &settings, mistakes);

    let price = price::of_target(table, &draft, model, mistakes);
    let secrets = environment.secret;
    let (key, access) = credentials(table, &draft, secrets, &mut absent.secrets, mistakes);
    let way = way::read(&draft, environment.bound);
    if let Way::Missing(name) = &way {
        absent.bindings.push(name.clone());
    }
    let (url, company) = address(table, &draft, mistakes)?;
    Some(Target {
        name: name.to_owned(),
        provider: draft.provider?,
        company,
        url,
        way,
        model: draft.model?,
        key,
        access,
        context,
        place: draft.place,
        box_name: draft.box_name,
        abilities: model.abilities,
        max_output: model.max_output,
        price,
        watts: draft.watts,
        server: None,
        warm: draft.warm,
        settings,
    })
}

fn check_room(
    table: &Table<'_>,
    context: Context,
    settings: &Settings,
    mistakes: &mut Vec<Mistake>,
) {
    if let (Context::Tokens(context), Some(output)) = (context, settings.max_output)
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
    if draft.binding.is_some() {
        let company = draft.company.unwrap_or_else(|| provider.company(way::HOST));
        return Some((way::url(provider.paths())?, company));
    }
    let address = address::base_url(draft.base_url.as_deref()?).ok()?;
    if let Err(problem) = address::without_added_path(&address, &provider.url("")) {
        mistakes.push(Mistake::new(table.at("base_url"), problem));
    }
    if draft.place == Place::Home && company::is_cloud(address.host) {
        let problem = format!(
            "is true, but {} is a cloud's: what is private would leave home",
            address.host
        );
        mistakes.push(Mistake::new(table.at("home"), problem));
    }
    let company = draft
        .company
        .unwrap_or_else(|| provider.company(address.host));
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

/// Tells a config that is sound and that nothing could answer, for want of secrets and bindings.
fn check_some_can_be_asked(targets: &Targets, absent: Absent, mistakes: &mut Vec<Mistake>) {
    let cannot = |target: &Target| {
        matches!(target.key, Key::Missing(_)) || matches!(target.way, Way::Missing(_))
    };
    let all_are_read = targets.sound.len() == targets.names.len();
    if !all_are_read || targets.sound.is_empty() || !targets.sound.iter().all(cannot) {
        return;
    }
    let secrets = listed(absent.secrets).map(|(first, names)| {
        format!(
            "these secrets are not set: {names}. Set one with `npx wrangler secret put {first}`, or \
             for use on this machine write {first}=... in .dev.vars"
        )
    });
    let bindings = listed(absent.bindings).map(|(first, names)| {
        format!(
            "no service is bound under these names: {names}. Bind one in wrangler.toml with \
             [[vpc_services]], binding = \"{first}\" and the service_id of your Workers VPC service"
        )
    });
    let why: Vec<String> = secrets.into_iter().chain(bindings).collect();
    let problem = format!(
        "has no target that can be asked, because {}",
        why.join("; and ")
    );
    mistakes.push(Mistake::new("targets", problem));
}

/// The first of these names, and all of them in order; `None` where there is none.
fn listed(mut names: Vec<String>) -> Option<(String, String)> {
    let first = names.first()?.clone();
    names.sort_unstable();
    names.dedup();
    Some((first, names.join(", ")))
}
