//! What is known of a target's model: as the table of models has it, and as the config says otherwise.
//!
//! # Why the config has the last word
//!
//! The table knows models at their companies' own hosts, and is never quite up to date. What runs at
//! home or behind somebody's proxy only its operator knows. So each word that the config writes holds,
//! and the table's for the rest.

use serde_json::value::RawValue;

use crate::config::Mistake;
use crate::config::address;
use crate::config::draft::Draft;
use crate::config::spelling;
use crate::config::table::Table;
use crate::config::value;
use crate::models::{self, Ability, Effort, Model, Thinking};
use crate::openai::json;

/// What a list of abilities is, as a phrase.
pub(super) const ABILITIES: &str = "a list of abilities, such as [\"images\", \"tools\"]";

/// What a list of efforts is, as a phrase.
pub(super) const EFFORTS: &str = "a list of efforts, such as [\"low\", \"medium\", \"high\"]";

/// Whether a model thinks, as a phrase.
pub(super) const THINKING: &str = "\"none\", \"budget\", \"optional\" or \"always\"";

/// Reads a list of abilities.
///
/// # Errors
///
/// What is wrong and what would be right.
pub(super) fn abilities(raw: &RawValue) -> Result<Vec<Ability>, String> {
    let known = Ability::ALL.map(Ability::as_str);
    listed(raw, ABILITIES, ("ability", &known), Ability::named)
}

/// Reads whether a model thinks.
///
/// # Errors
///
/// What is wrong and what would be right.
pub(super) fn thinking(raw: &RawValue) -> Result<Thinking, String> {
    let word = json::string(raw).filter(|word| !word.is_empty());
    word.and_then(|word| Thinking::named(&word))
        .ok_or_else(|| format!("is {}: it should be {THINKING}", value::shown(raw)))
}

/// Reads a list of efforts, which is not empty.
///
/// # Errors
///
/// What is wrong and what would be right.
pub(super) fn efforts(raw: &RawValue) -> Result<Vec<Effort>, String> {
    let known = Effort::ALL.map(Effort::as_str);
    let efforts = listed(raw, EFFORTS, ("effort", &known), Effort::named)?;
    if efforts.is_empty() {
        return Err(format!("is empty: it should be {EFFORTS}"));
    }
    Ok(efforts)
}

/// Reads a list of words of a kind: what one is called, and all that there are.
fn listed<T>(
    raw: &RawValue,
    what: &str,
    (noun, known): (&str, &[&str]),
    named: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, String> {
    let items: Vec<&RawValue> = serde_json::from_str(raw.get())
        .map_err(|_| format!("is {}: it should be {what}", value::shown(raw)))?;
    let read = |item: &RawValue| {
        let word = json::string(item)
            .ok_or_else(|| format!("holds {}: it should be {what}", value::shown(item)))?;
        named(&word).ok_or_else(|| {
            let guess = spelling::nearest(&word, known);
            let guess = guess.map_or(String::new(), |name| format!("did you mean \"{name}\"? "));
            format!(
                "holds {}, which is no {noun}: {guess}(known: {})",
                value::quoted(&word),
                known.join(", ")
            )
        })
    };
    items.into_iter().map(read).collect()
}

/// What is known of a target's model.
pub(super) fn of_target(table: &Table<'_>, draft: &Draft, mistakes: &mut Vec<Mistake>) -> Model {
    check(table, draft, mistakes);
    let mut model = of_table(draft).unwrap_or_default();
    for ability in &draft.can {
        model.abilities = model.abilities.with(*ability);
    }
    for ability in &draft.cannot {
        model.abilities = model.abilities.without(*ability);
    }
    if let Some(thinking) = draft.thinking {
        model.abilities.thinking = thinking;
    }
    if !draft.efforts.is_empty() {
        let none = model.abilities.without_efforts();
        let efforts = draft.efforts.iter();
        model.abilities = efforts.fold(none, |abilities, effort| abilities.taking(*effort));
    }
    model
}

/// What the table knows of a target's model, which depends on whose it is.
///
/// It is only asked about hosts that are the company's own: whoever else speaks by its rules has models
/// and prices of his own, and so have its hosts for a region.
fn of_table(draft: &Draft) -> Option<Model> {
    let address = address::base_url(draft.base_url.as_deref()?).ok()?;
    let company = draft.provider?.company(address.host);
    let is_its = |host: &&str| host.eq_ignore_ascii_case(address.host);
    let written = draft.company.is_none_or(|it| it.name == company.name);
    if !written || !company.hosts.iter().any(is_its) {
        return None;
    }
    models::known(company.name, draft.model.as_deref()?)
}

/// Tells words that contradict each other.
fn check(table: &Table<'_>, draft: &Draft, mistakes: &mut Vec<Mistake>) {
    if let Some(both) = draft.can.iter().find(|one| draft.cannot.contains(one)) {
        let problem = format!(
            "holds \"{}\", which `can` holds too: leave one of them out",
            both.as_str()
        );
        mistakes.push(Mistake::new(table.at("cannot"), problem));
    }
    let thinks = |effort: &Effort| *effort != Effort::None;
    if draft.thinking == Some(Thinking::None) && draft.efforts.iter().any(thinks) {
        let problem = "means nothing to a model with thinking = \"none\": leave it out";
        mistakes.push(Mistake::new(table.at("efforts"), problem.to_owned()));
    }
}
