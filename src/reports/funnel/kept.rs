//! Kept cohorts: what became of the cohort of a day, stored under the definition of its funnel. It stays when the
//! events are gone.

use std::collections::BTreeMap;

use bson::{Bson, DateTime, Document, doc};
use ring::digest::{Context, SHA256};

use super::{Outcome, median};
use crate::config::{Excluded, Funnel};
use crate::record::day::DAY_MS;
use crate::record::document::{number, number_in};
use crate::reports::basis;
use crate::reports::due::{self, State};
use crate::reports::lengths;
use crate::util::bytes::hex;

/// The version of the documents that this version makes and reads.
const VERSION: i32 = 1;
/// Half the width of a bucket.
const MIDDLE: f64 = 1.05;

#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub as_of_ms: i64,
    /// How long it took to compute.
    pub took_ms: i64,
    /// Users who reached each step.
    pub users: Vec<i64>,
    /// The median of their shortest times, in ms.
    pub median_ms: Vec<Option<i64>>,
    /// Their number by bucket of these times.
    pub buckets: Vec<Vec<(i32, i64)>>,
    pub without_user: i64,
    /// The hash of who is left out; `None` in cohorts of builds that stored none.
    pub basis: Option<String>,
}

impl Kept {
    pub fn of(outcome: &Outcome, as_of_ms: i64, took_ms: i64, excluded: &Excluded) -> Self {
        let times = &outcome.times_ms;
        let buckets = |times: &Vec<i64>| {
            let each: Vec<(i64, i64)> = times.iter().map(|time| (*time, 1)).collect();
            lengths::buckets(&each)
        };
        Self {
            as_of_ms,
            took_ms,
            users: times.iter().map(|times| times.len() as i64).collect(),
            median_ms: times.iter().map(|times| median(times)).collect(),
            buckets: times.iter().map(buckets).collect(),
            without_user: outcome.without_user as i64,
            basis: Some(basis::of_users(excluded)),
        }
    }

    pub fn document(&self, name: &str, funnel: &Funnel, state: State) -> Document {
        let pair = |(bucket, users): &(i32, i64)| {
            Bson::Array(vec![Bson::Int32(*bucket), number(*users as f64)])
        };
        let buckets = |buckets: &Vec<(i32, i64)>| Bson::Array(buckets.iter().map(pair).collect());
        doc! {
            "v": VERSION, "name": name, "steps": &funnel.steps,
            "windowS": number(f64::from(funnel.window_s)),
            "users": numbers(self.users.iter().copied().map(Some)),
            "medianMs": numbers(self.median_ms.iter().copied()),
            "times": self.buckets.iter().map(buckets).collect::<Vec<Bson>>(),
            "withoutUser": number(self.without_user as f64),
            "state": state.name(), "asOf": DateTime::from_millis(self.as_of_ms),
            "tookMs": number(self.took_ms as f64), basis::FIELD: self.basis.as_deref(),
        }
    }

    /// `None` for what this version did not make for a funnel of so many steps.
    pub fn read(document: &Document, steps: usize) -> Option<Self> {
        let list = |name| {
            document
                .get_array(name)
                .ok()
                .filter(|list| list.len() == steps)
        };
        let users: Option<Vec<i64>> = list("users")?.iter().map(whole).collect();
        let buckets: Option<Vec<Vec<(i32, i64)>>> = list("times")?.iter().map(pairs).collect();
        (whole(document.get("v")?)? == i64::from(VERSION)).then_some(())?;
        Some(Self {
            as_of_ms: document.get_datetime("asOf").ok()?.timestamp_millis(),
            took_ms: whole(document.get("tookMs")?)?,
            users: users?,
            median_ms: list("medianMs")?.iter().map(whole).collect(),
            buckets: buckets?,
            without_user: whole(document.get("withoutUser")?)?,
            basis: document.get_str(basis::FIELD).ok().map(str::to_owned),
        })
    }
}

fn numbers(values: impl Iterator<Item = Option<i64>>) -> Vec<Bson> {
    values
        .map(|value| value.map_or(Bson::Null, |value| number(value as f64)))
        .collect()
}

fn whole(value: &Bson) -> Option<i64> {
    number_in(value).map(|number| number as i64)
}

fn pairs(value: &Bson) -> Option<Vec<(i32, i64)>> {
    let pair = |pair: &Bson| match pair.as_array()?.as_slice() {
        [bucket, users] => Some((whole(bucket)? as i32, whole(users)?)),
        _ => None,
    };
    value.as_array()?.iter().map(pair).collect()
}

/// The name of a definition in the `_id`s of its days: another definition has another one.
pub fn key(funnel: &Funnel) -> String {
    let mut hash = Context::new(&SHA256);
    hash.update(&funnel.window_s.to_le_bytes());
    for step in &funnel.steps {
        hash.update(&(step.len() as u32).to_le_bytes());
        hash.update(step.as_bytes());
    }
    hex(&hash.finish().as_ref()[..8])
}

/// The state of the cohort of a day that was computed at this moment: final a day after its last window, as events
/// may come late, or at the last run point that finds all of them.
pub fn state(start: i64, as_of: i64, funnel: &Funnel, events_kept_ms: Option<i64>) -> State {
    let window_ms = i64::from(funnel.window_s) * 1_000;
    let is_final = as_of >= start + DAY_MS + window_ms + DAY_MS
        || due::has_last_events(start, as_of, events_kept_ms);
    match due::state(start, as_of, events_kept_ms) {
        State::Settling if is_final => State::Final,
        state => state,
    }
}

/// The median over several days, in ms, within 5 % or 1 ms; exact for one day.
pub fn median_of(days: &[&Kept], step: usize) -> Option<f64> {
    if let [one] = days {
        return one.median_ms[step].map(|median| median as f64);
    }
    let mut buckets: BTreeMap<i64, i64> = BTreeMap::new();
    for (bucket, users) in days.iter().flat_map(|day| &day.buckets[step]) {
        *buckets.entry(i64::from(*bucket)).or_default() += users;
    }
    let buckets: Vec<(i64, i64)> = buckets.into_iter().collect();
    match lengths::percentile(&buckets, 50)? {
        0 => Some(0.0),
        bucket => Some((lengths::bound(bucket as i32) / MIDDLE).round()),
    }
}
