//! Totals that several processes add at the same time, once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::batch::{DayPart, TotalsBatch};
use super::contribution::Contribution;
use super::existing_days::ExistingDays;
use super::ledger::Ledger;
use super::rules::Rules;
use super::warnings::Warnings;
use super::writer::Writer;
use crate::instance::context::Context;
use crate::pipeline::watermarks::Queue;
use crate::record::day::Day;
use crate::store::{Result, Store};

/// Adds contributions other than logins under a writer id of their own, once, whoever else adds the very same
/// under it.
pub async fn add_once<S: Store>(
    store: &S,
    context: &Context,
    rules: Rules,
    writer: &str,
    contributions: impl Iterator<Item = Contribution>,
) -> Result<()> {
    let mut days: BTreeMap<Day, DayPart> = BTreeMap::new();
    let (mut first, mut last) = (i64::MAX, i64::MIN);
    for one in contributions {
        (first, last) = (first.min(one.seq), last.max(one.seq));
        days.entry(one.day.clone()).or_default().add(&one);
    }
    // Without any, there is no day to add to.
    let mut batch = TotalsBatch::whole(first, last, days);
    let (writer, queue) = (Writer::of_claim(writer), Queue::Logouts);
    // Baselines are about users.
    let (baselines, days) = (Arc::default(), ExistingDays::default());
    let mut ledger = Ledger::new(context.clone(), rules, &writer, queue, &baselines, &days);
    ledger
        .write(store, &mut batch, &mut Warnings::default())
        .await
}
