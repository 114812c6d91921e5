//! Late days: days of which sessions are stored or closed after their reports may have been final.

use std::collections::BTreeSet;

use crate::record::day::{DAY_MS, Day};
use crate::store::{Result, Store};

/// Sessions that are stored or closed so long after the begin of their day are noted: the last report of it may be
/// there.
const LATE_AFTER_MS: i64 = 5 * DAY_MS;

/// Notes the days of sessions that were stored or closed late, so that they are reported again. What keeps that from
/// being noted keeps no record from being written, unless it passes.
pub async fn note_late<S: Store>(
    store: &S,
    days: impl Iterator<Item = &Day> + Send,
    now_ms: i64,
) -> Result<()> {
    let is_late = |day: &&Day| {
        day.start_ms()
            .is_some_and(|start| start + LATE_AFTER_MS < now_ms)
    };
    // The sessions of a batch are of few days, and the begin of a day is computed from its text.
    let distinct: BTreeSet<&Day> = days.collect();
    let days: Vec<Day> = distinct.into_iter().filter(is_late).cloned().collect();
    if days.is_empty() {
        return Ok(());
    }
    match store.note_late(&days).await {
        Err(error) if error.is_of_connection() => Err(error),
        _ => Ok(()),
    }
}
