//! Who stands behind the targets of a conversation, and what they saw of it.

use serde_json::{Value, json};

use super::company::Company;
use super::said::Said;
use super::targets::{Double, TARGETS, Target};
use super::{CONVERSATIONS, Turn};
use crate::aimock::Aimock;
use crate::rules;
use crate::upstream::Upstream;

/// All that stand behind the targets of a conversation.
pub(super) struct Doubles {
    scripted: Vec<(&'static Target, Company, Upstream)>,
    mocked: Vec<&'static Target>,
    /// Where any target needs it.
    mock: Option<Aimock>,
}

impl Doubles {
    /// Starts all of them, each to say what it says in its turns.
    pub(super) fn start(turns: &[Turn<'_>]) -> Self {
        let mut scripted = Vec::new();
        let mut mocked = Vec::new();
        let mut fixtures = Vec::new();
        for target in TARGETS {
            let its = turns.iter().filter(|turn| turn.model() == target.name);
            let said: Vec<Said> = its.filter_map(|turn| turn.said.clone()).collect();
            match target.double {
                _ if said.is_empty() => {}
                Double::Scripted(company) => scripted.push((target, company, company.saying(said))),
                Double::Aimock => {
                    mocked.push(target);
                    let said = said.iter().cycle().take(said.len() * CONVERSATIONS);
                    fixtures.extend(said.enumerate().map(|(number, said)| {
                        json!({
                            "match": { "model": target.name, "sequenceIndex": number },
                            "response": said.fixture(),
                        })
                    }));
                }
            }
        }
        let mock = (!fixtures.is_empty()).then(|| Aimock::start(&fixtures));
        Self {
            scripted,
            mocked,
            mock,
        }
    }

    /// The tables of `targets` for them.
    pub(super) fn tables(&self) -> impl Iterator<Item = (String, Value)> {
        let scripted = self.scripted.iter();
        let scripted = scripted.map(|(target, _, upstream)| (*target, upstream.url()));
        let mocks = self.mock.iter();
        let mocked = mocks.flat_map(|mock| self.mocked.iter().map(|it| (*it, mock.url())));
        let all = scripted.chain(mocked);
        all.map(|(target, url)| (target.name.to_owned(), target.table(&url)))
    }

    /// The rules that what they were sent breaks.
    pub(super) fn broken_rules(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (target, company, upstream) in &self.scripted {
            for (number, seen) in upstream.seen().iter().enumerate() {
                let broken = rules::broken(company.rules(), seen);
                let named = broken
                    .iter()
                    .map(|rule| format!("{} #{number}: {rule}", target.name));
                found.extend(named);
            }
        }
        found
    }

    /// How often each was asked.
    pub(super) fn counts(&self) -> Vec<(&'static str, usize)> {
        let scripted = self.scripted.iter();
        let scripted = scripted.map(|(target, _, upstream)| (target.name, upstream.count()));
        let journal = self.mock.as_ref().map(Aimock::journal).unwrap_or_default();
        let mocked = self.mocked.iter().map(|target| {
            let asked = journal
                .iter()
                .filter(|entry| entry["body"]["model"] == target.name);
            (target.name, asked.count())
        });
        scripted.chain(mocked).collect()
    }
}
