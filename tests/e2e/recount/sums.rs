//! Two tables that must be the same: what the ledger tells, and what comes of adding up what the
//! upstreams did and what the callers got.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::calls::{Ended, Got};
use super::script::{Act, Count, Deeds};
use super::{HOME, PRICES, ROUTES};

/// What there is of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    asked: u64,
    answers: u64,
    failovers: u64,
    tokens_in: u64,
    cached_in: u64,
    tokens_out: u64,
    untold: u64,
    /// In picodollars.
    cost: u128,
    unpriced: u64,
    reference: u128,
    unreferenced: u64,
    /// How many times were counted: to the first word, and to the end.
    times: [u64; 2],
    reasons: BTreeMap<String, u64>,
}

/// What there is of a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Ends {
    pub(super) requests: u64,
    answered: u64,
    broke: u64,
    failed: u64,
    caller_left: u64,
    private: u64,
    at_home: u64,
    drilled: u64,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) targets: BTreeMap<(String, String), Line>,
    pub(super) routes: BTreeMap<String, Ends>,
    pub(super) all: (Ends, Line),
    /// Answers, tokens read and tokens written at home.
    pub(super) kept_home: [u64; 3],
}

impl Table {
    /// Adds up what happened.
    pub(super) fn recounted(all: &[Got], deeds: &Deeds) -> Self {
        let mut table = Self::default();
        for got in all.iter().filter(|got| got.ended != Ended::Refused) {
            table.add(got, deeds);
        }
        for line in table.targets.values() {
            table.all.1.plus(line);
        }
        // Reasons are told by target alone.
        table.all.1.reasons.clear();
        table
    }

    fn add(&mut self, got: &Got, deeds: &Deeds) {
        let done = |target: &str| {
            let key = (got.number, target.to_owned());
            deeds.get(&key).map(Vec::as_slice).unwrap_or_default()
        };
        let tried = tried(got, deeds);
        let answerer = tried.iter().find(|(_, outcome)| outcome == "ok");
        let at_home = answerer.is_some_and(|(target, _)| HOME.contains(&target.as_str()));
        for ends in [
            self.routes.entry(got.route.to_owned()).or_default(),
            &mut self.all.0,
        ] {
            ends.requests += 1;
            *match got.ended {
                Ended::Answered => &mut ends.answered,
                Ended::Broke => &mut ends.broke,
                Ended::Failed => &mut ends.failed,
                Ended::Left => &mut ends.caller_left,
                Ended::Refused => panic!("it is not counted"),
            } += 1;
            ends.private += u64::from(got.private);
            ends.at_home += u64::from(at_home && got.ended == Ended::Answered);
        }
        let mut names: Vec<&str> = tried.iter().map(|(target, _)| target.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let all_used: Vec<Act> = names.iter().flat_map(|it| done(it)).copied().collect();
        for name in names {
            let key = (got.route.to_owned(), name.to_owned());
            let line = self.targets.entry(key).or_default();
            let outcomes = tried.iter().filter(|(target, _)| target == name);
            let is_its = answerer.is_some_and(|(target, _)| target == name);
            let mut went_on = false;
            for (_, outcome) in outcomes.filter(|(_, outcome)| outcome != "ok") {
                *line.reasons.entry(outcome.clone()).or_default() += 1;
                // Who was struck, or left alone by a caller, has sent nobody on.
                went_on |= !matches!(outcome.as_str(), "caller_left" | "private");
            }
            line.asked += u64::from(!done(name).is_empty());
            line.answers += u64::from(is_its);
            line.failovers += u64::from(!is_its && went_on);
            let used = summed(done(name));
            if let Some(count) = used {
                line.tokens_in += count.read;
                line.cached_in += count.cached;
                line.tokens_out += count.wrote;
            }
            match cost(name, used) {
                Some(cost) => line.cost += cost,
                None => line.unpriced += 1,
            }
            if is_its {
                line.untold += u64::from(used.is_none());
                match reference(got.route, summed(&all_used)) {
                    Some(cost) => line.reference += cost,
                    None => line.unreferenced += 1,
                }
                line.times[0] += u64::from(got.streamed);
                line.times[1] += 1;
            }
            if HOME.contains(&name) {
                self.kept_home[0] += u64::from(is_its);
                self.kept_home[1] += used.map_or(0, |count| count.read);
                self.kept_home[2] += used.map_or(0, |count| count.wrote);
            }
        }
    }

    /// Reads what the ledger tells.
    pub(super) fn told(text: &str) -> Self {
        let told: Told<'_> = serde_json::from_str(text).unwrap();
        let mut table = Self::default();
        for row in &told.targets {
            let key = (row.route.clone(), row.target.clone());
            assert!(table.targets.insert(key, row.line()).is_none());
        }
        for row in &told.routes {
            let ends: Ends = serde_json::from_str(row.get()).unwrap();
            let named: Named = serde_json::from_str(row.get()).unwrap();
            assert!(table.routes.insert(named.route, ends).is_none());
        }
        let text = told.total.get();
        let ends = serde_json::from_str(text).unwrap();
        let row: Row<'_> = serde_json::from_str(text).unwrap();
        let kept: Kept = serde_json::from_str(text).unwrap();
        table.all = (ends, row.line());
        let kept = kept.kept_home;
        table.kept_home = [kept.answers, kept.tokens_in, kept.tokens_out];
        table
    }
}

/// What was tried; held against what the targets that were asked know of it.
fn tried(got: &Got, deeds: &Deeds) -> Vec<(String, String)> {
    let mut did: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let first = (got.number, String::new());
    let of_it = deeds
        .range(first..)
        .take_while(|((number, _), _)| *number == got.number);
    for ((_, target), acts) in of_it {
        did.insert(target, acts.iter().map(|act| act.outcome()).collect());
    }
    if got.ended == Ended::Left {
        let pairs = did.iter().flat_map(|(target, acts)| {
            let pair = move |act: &&str| ((*target).to_owned(), (*act).to_owned());
            acts.iter().map(pair)
        });
        return pairs.collect();
    }
    let mut told: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (target, outcome) in &got.tried {
        // These are not the target's own doing: it was not asked.
        if !["breaker_open", "home_busy", "private"].contains(&outcome.as_str()) {
            told.entry(target).or_default().push(outcome);
        }
    }
    assert_eq!(told, did, "what was told and what was done: {got:?}");
    got.tried.clone()
}

/// The tokens of one target in one request; `None` where it did not count all that it used.
fn summed(acts: &[Act]) -> Option<Count> {
    let nothing = Count {
        read: 0,
        cached: 0,
        wrote: 0,
    };
    acts.iter()
        .filter(|act| act.used_any())
        .try_fold(nothing, |sum, act| {
            let told = act.told()?;
            Some(Count {
                read: sum.read + told.read,
                cached: sum.cached + told.cached,
                wrote: sum.wrote + told.wrote,
            })
        })
}

/// What that costs, in picodollars.
fn cost(target: &str, used: Option<Count>) -> Option<u128> {
    let nothing = used.is_some_and(|count| (count.read, count.wrote) == (0, 0));
    if HOME.contains(&target) || nothing {
        return Some(0);
    }
    priced(target, used?)
}

fn priced(target: &str, used: Count) -> Option<u128> {
    let (_, price) = PRICES.iter().find(|(name, _)| *name == target)?;
    let [read, wrote, cached] = (*price)?;
    // Dollars for a million tokens, with six places, are picodollars for one.
    let times = |price: u128, count: u64| price * u128::from(count);
    let fresh = used.read - used.cached;
    Some(times(read, fresh) + times(cached, used.cached) + times(wrote, used.wrote))
}

/// What it would have cost at the route's first target in the cloud.
fn reference(route: &str, used: Option<Count>) -> Option<u128> {
    let listed = ROUTES.iter().find(|(name, _)| *name == route);
    let targets = listed.map_or(vec![route], |(_, targets)| targets.to_vec());
    let cloud = targets.into_iter().find(|target| !HOME.contains(target))?;
    priced(cloud, used?)
}

impl Line {
    fn plus(&mut self, other: &Self) {
        self.asked += other.asked;
        self.answers += other.answers;
        self.failovers += other.failovers;
        self.tokens_in += other.tokens_in;
        self.cached_in += other.cached_in;
        self.tokens_out += other.tokens_out;
        self.untold += other.untold;
        self.cost += other.cost;
        self.unpriced += other.unpriced;
        self.reference += other.reference;
        self.unreferenced += other.unreferenced;
        self.times[0] += other.times[0];
        self.times[1] += other.times[1];
    }
}

#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    total: &'a RawValue,
    targets: Vec<Row<'a>>,
    routes: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(default)]
    route: String,
    #[serde(default)]
    target: String,
    asked: u64,
    answers: u64,
    failovers: u64,
    tokens_in: u64,
    cached_in: u64,
    tokens_out: u64,
    untold: u64,
    #[serde(borrow)]
    cost_usd: &'a RawValue,
    unpriced: u64,
    reference_cost_usd: &'a RawValue,
    unreferenced: u64,
    first_ms: Times,
    total_ms: Times,
    #[serde(default)]
    reasons: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Times {
    buckets: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Named {
    route: String,
}

#[derive(Deserialize)]
struct Kept {
    kept_home: Home,
}

#[derive(Deserialize)]
struct Home {
    answers: u64,
    tokens_in: u64,
    tokens_out: u64,
}

impl Row<'_> {
    fn line(&self) -> Line {
        let known = |raw: &RawValue, unknown: u64| {
            let amount = picodollars(raw.get());
            assert!(amount.is_some() || unknown > 0, "{}", raw.get());
            amount.unwrap_or(0)
        };
        Line {
            asked: self.asked,
            answers: self.answers,
            failovers: self.failovers,
            tokens_in: self.tokens_in,
            cached_in: self.cached_in,
            tokens_out: self.tokens_out,
            untold: self.untold,
            cost: known(self.cost_usd, self.unpriced),
            unpriced: self.unpriced,
            reference: known(self.reference_cost_usd, self.unreferenced),
            unreferenced: self.unreferenced,
            times: [&self.first_ms, &self.total_ms].map(|times| times.buckets.values().sum()),
            reasons: self.reasons.clone(),
        }
    }
}

/// An amount in dollars, digit by digit; `None` for `null`.
fn picodollars(text: &str) -> Option<u128> {
    if text == "null" {
        return None;
    }
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    assert!(part.len() <= 12, "{text}");
    Some(format!("{whole}{part:0<12}").parse().unwrap())
}
