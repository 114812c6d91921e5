//! `getFunnel()`: how many users come how far.

use std::collections::BTreeMap;
use std::time::Duration;

use bson::{Bson, DateTime, Document, doc};

use super::keeping::Subject;
use super::kept::{self, Kept};
use super::query::FunnelQuery;
use crate::config::{Excluded, Funnel};
use crate::record::day::{DAY_MS, Day};
use crate::record::document::number;
use crate::reports::access::Access;
use crate::reports::answers::mark;
use crate::reports::basis;
use crate::store::{FunnelStore, ReportStore, Result};

/// Reads the cohorts of the days. Without reports nothing is kept, and only days are known whose events are there.
/// Who may only read keeps nothing either, and knows what others have kept; where it is not known who is left out,
/// that is all it knows, and `isKeptOnly` says so.
pub async fn answer<S: FunnelStore + ReportStore>(
    store: &S,
    excluded: Option<&Excluded>,
    query: &FunnelQuery,
    access: Access,
    limit: Duration,
) -> Result<Document> {
    let now_ms = store.server_ms().await?;
    let nobody = Excluded::default();
    let subject = Subject {
        funnel: &query.funnel,
        excluded: excluded.unwrap_or(&nobody),
        now_ms,
        events_kept_ms: store.events_kept_ms().await?,
        limit,
    };
    let today = now_ms.div_euclid(DAY_MS) * DAY_MS;
    let to = query.to.as_ref().and_then(Day::start_ms).unwrap_or(today);
    let from = to - i64::from(query.days - 1) * DAY_MS;
    let begins: Vec<i64> = (from..=to).step_by(DAY_MS as usize).collect();
    let cohorts = match (query.name.as_deref(), access) {
        _ if excluded.is_none() => subject.kept(store, from, to).await?,
        (Some(name), Access::Make) => subject.current(store, name, from, to).await?,
        (Some(_), Access::Read) => subject.seen(store, from, to).await?,
        _ => {
            let known = begins
                .iter()
                .copied()
                .filter(|begin| subject.has_events(*begin));
            subject.compute(store, &known.collect::<Vec<i64>>()).await?
        }
    };
    let newest = cohorts
        .values()
        .rev()
        .find_map(|kept| kept.basis.as_deref());
    let is_other = |kept: &Kept| basis::differ(kept.basis.as_deref(), newest);
    let rows = begins.iter().map(|begin| {
        let kept = cohorts.get(begin);
        let mut row = row(*begin, kept, &subject);
        mark(&mut row, kept.is_some_and(is_other));
        row
    });
    let mut answer = doc! {
        "steps": steps(&query.funnel, &cohorts),
        "windowS": number(f64::from(query.funnel.window_s)),
        "withoutUser": sum(cohorts.values().map(|kept| kept.without_user)),
        "days": rows.collect::<Vec<Document>>(),
        "asOf": DateTime::from_millis(now_ms),
    };
    mark(&mut answer, cohorts.values().any(is_other));
    if excluded.is_none() {
        answer.insert("isKeptOnly", true);
    }
    Ok(answer)
}

/// A row for each day; what is not known is null.
fn row(begin: i64, kept: Option<&Kept>, subject: &Subject<'_>) -> Document {
    let as_of_ms = kept.map_or(subject.now_ms, |kept| kept.as_of_ms);
    let state = kept::state(begin, as_of_ms, subject.funnel, subject.events_kept_ms);
    let known = |value: fn(&Kept) -> Bson| kept.map_or(Bson::Null, value);
    doc! {
        "day": Day::of(begin).as_str(),
        "state": state.name(),
        "asOf": kept.map_or(Bson::Null, |kept| DateTime::from_millis(kept.as_of_ms).into()),
        "users": known(|kept| list(kept.users.iter().map(|users| number(*users as f64)))),
        "medianS": known(|kept| list(kept.median_ms.iter().map(|ms| seconds(ms.map(|ms| ms as f64))))),
        "withoutUser": known(|kept| number(kept.without_user as f64)),
    }
}

/// A row for each step, over the days that are known; a share of nobody is null.
fn steps(funnel: &Funnel, cohorts: &BTreeMap<i64, Kept>) -> Vec<Document> {
    let all: Vec<&Kept> = cohorts.values().collect();
    let users_of = |step: usize| -> i64 { all.iter().map(|kept| kept.users[step]).sum() };
    let share = |part: i64, of: i64| match of {
        0 => Bson::Null,
        of => number(part as f64 / of as f64),
    };
    let row = |(step, event): (usize, &String)| {
        let users = users_of(step);
        doc! {
            "event": event,
            "users": number(users as f64),
            "ofFirst": share(users, users_of(0)),
            "ofPrevious": share(users, users_of(step.saturating_sub(1))),
            "medianS": seconds(kept::median_of(&all, step)),
        }
    };
    funnel.steps.iter().enumerate().map(row).collect()
}

fn sum(values: impl Iterator<Item = i64>) -> Bson {
    number(values.sum::<i64>() as f64)
}

fn list(values: impl Iterator<Item = Bson>) -> Bson {
    Bson::Array(values.collect())
}

fn seconds(ms: Option<f64>) -> Bson {
    ms.map_or(Bson::Null, |ms| number(ms / 1_000.0))
}
