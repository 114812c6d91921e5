//! Funnels of the last days for `getFunnel()`.

use bson::{Bson, DateTime, Document, doc};

use crate::config::Funnel;
use crate::record::day::Day;
use crate::record::document::number;
use crate::reports::funnel::{Cohorts, Outcome, StepEvent, Steps, median};
use crate::store::{FunnelStore, NamedEvent, Result};

const DAY_MS: i64 = 86_400_000;

/// Reads the cohorts of the last days, today by the server's clock among them.
pub async fn read<S: FunnelStore>(store: &S, funnel: &Funnel, days: u32) -> Result<Document> {
    let now_ms = store.clock_ms().await?;
    let today_ms = now_ms.div_euclid(DAY_MS) * DAY_MS;
    let first_ms = today_ms - i64::from(days - 1) * DAY_MS;
    let begins: Vec<i64> = (0..i64::from(days))
        .map(|day| first_ms + day * DAY_MS)
        .collect();
    let window_ms = i64::from(funnel.window_s) * 1_000;
    let steps = Steps::new(&funnel.steps, window_ms);
    let spans = begins.iter().map(|begin| *begin..begin + DAY_MS);
    let mut cohorts = Cohorts::new(&steps, spans);
    let span = steps.span(&(first_ms..today_ms + DAY_MS));
    let each = |event: NamedEvent| match event.user {
        None => cohorts.add_without_user(event.at_ms),
        Some(user) => cohorts.add(StepEvent {
            at_ms: event.at_ms,
            user,
            name: event.name,
        }),
    };
    store.named_events(&steps.names, span, each).await?;
    let outcomes = cohorts.finish();
    let mut all = Outcome::default();
    outcomes.iter().for_each(|outcome| all.add(outcome));
    let days = begins.iter().zip(&outcomes).map(|(begin, outcome)| {
        doc! {
            "day": Day::of(*begin).as_str(),
            "state": state(now_ms, begin + DAY_MS, window_ms),
            "users": users(outcome),
            "medianS": medians(outcome),
            "withoutUser": number(outcome.without_user as f64),
        }
    });
    Ok(doc! {
        "steps": rows(funnel, &all),
        "windowS": number(f64::from(funnel.window_s)),
        "withoutUser": number(all.without_user as f64),
        "days": days.collect::<Vec<Document>>(),
        "asOf": DateTime::from_millis(now_ms),
    })
}

/// Whether the numbers of a cohort may change: events of it happen, or come late.
fn state(now_ms: i64, end_ms: i64, window_ms: i64) -> &'static str {
    match now_ms {
        now if now < end_ms => "open",
        now if now < end_ms + window_ms + DAY_MS => "settling",
        _ => "final",
    }
}

/// A row for each step; a share of nobody is null.
fn rows(funnel: &Funnel, all: &Outcome) -> Vec<Document> {
    let users: Vec<usize> = all.users().collect();
    let share = |part: usize, of: usize| match of {
        0 => Bson::Null,
        of => number(part as f64 / of as f64),
    };
    let steps = funnel.steps.iter().zip(&all.times_ms).enumerate();
    let row = |(at, (event, times)): (usize, (&String, &Vec<i64>))| {
        doc! {
            "event": event,
            "users": number(times.len() as f64),
            "ofFirst": share(times.len(), users[0]),
            "ofPrevious": share(times.len(), users[at.saturating_sub(1)]),
            "medianS": median_s(times),
        }
    };
    steps.map(row).collect()
}

fn users(outcome: &Outcome) -> Vec<Bson> {
    outcome.users().map(|users| number(users as f64)).collect()
}

fn medians(outcome: &Outcome) -> Vec<Bson> {
    outcome
        .times_ms
        .iter()
        .map(|times| median_s(times))
        .collect()
}

fn median_s(times: &[i64]) -> Bson {
    median(times).map_or(Bson::Null, |median| number(median as f64 / 1_000.0))
}
