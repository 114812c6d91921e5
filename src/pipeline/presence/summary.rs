//! Summary of the health of an instance, for processes that can only know what is stored.

use bson::{Bson, Document, doc};
use tokio::time::Instant;

use crate::forward::{Destinations, Report};
use crate::instance::database_status::TOTALS_STATES;
use crate::instance::health::LastError;
use crate::instance::shared::Shared;

/// Bytes of a summary at most: destinations that do not fit are left out.
const LARGEST: usize = 4 << 10;
/// Characters of an error.
const LONGEST_ERROR: usize = 200;

/// What destinations had taken at the summary before, so that each summary says how fast they take events.
#[derive(Default)]
pub struct Rates {
    before: Option<(Instant, Vec<u64>)>,
}

impl Rates {
    /// Events per second since the summary before; nothing in the first one.
    fn next(&mut self, sent: Vec<u64>, now: Instant) -> Vec<Option<f64>> {
        let before = self.before.replace((now, sent.clone()));
        let rate = |(index, sent): (usize, u64)| {
            let (then, before) = before.as_ref()?;
            let seconds = now.saturating_duration_since(*then).as_secs_f64();
            let events = sent.saturating_sub(*before.get(index)?) as f64;
            (seconds > 0.0).then(|| (events / seconds * 100.0).round() / 100.0)
        };
        sent.into_iter().enumerate().map(rate).collect()
    }
}

pub fn of(shared: &Shared, destinations: &Destinations, rates: &mut Rates) -> Document {
    let counts = shared.health.counts();
    let totals = usize::from(shared.database.get().are_totals_blocked());
    let mut summary = doc! {
        "version": env!("CARGO_PKG_VERSION"),
        "instance": shared.config.instance_name.as_deref(),
        "queued": counts.queued() as i64,
        "accepted": counts.accepted as i64,
        "written": counts.written as i64,
        "dropped": counts.dropped.values().sum::<u64>() as i64,
        "totals": TOTALS_STATES[totals],
        "spool": shared.spool.get().map(|spool| spool.state.name()),
    };
    let reports: Vec<Report> = destinations.iter().map(|one| one.report()).collect();
    let sent = reports.iter().map(|report| report.counts.sent).collect();
    let rates = rates.next(sent, Instant::now());
    let reports = reports.into_iter().zip(rates);
    append(&mut summary, reports.map(of_destination).collect());
    summary
}

/// Adds as many destinations as fit.
fn append(summary: &mut Document, mut destinations: Vec<Document>) {
    loop {
        let list = destinations.iter().cloned().map(Bson::Document).collect();
        summary.insert("destinations", Bson::Array(list));
        let size = bson::serialize_to_vec(&*summary).map_or(0, |bytes| bytes.len());
        if size <= LARGEST || destinations.pop().is_none() {
            return;
        }
    }
}

fn of_destination((report, rate): (Report, Option<f64>)) -> Document {
    let counts = report.counts;
    let not_sent = counts.expired + counts.dropped.values().sum::<u64>();
    let beginning = |error: Option<LastError>| -> Option<String> {
        Some(error?.message.chars().take(LONGEST_ERROR).collect())
    };
    let oldest = report.oldest_waiting.unwrap_or_default();
    doc! {
        "name": report.name,
        "queued": report.queued as i64,
        "oldestWaitingMs": oldest.as_millis() as i64,
        "sent": counts.sent as i64,
        "retried": counts.retried as i64,
        "refused": counts.refused as i64,
        "notSent": not_sent as i64,
        "sentPerS": rate,
        "lagMs": report.lag.map(|lag| lag.as_millis() as i64),
        "circuit": report.circuit.name(),
        "lastRefusal": beginning(counts.last_refusal),
        "lastError": beginning(counts.last_error),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_rate_is_that_of_the_time_since_the_summary_before() {
        let start = Instant::now();
        let later = start + Duration::from_secs(20);
        let mut rates = Rates::default();
        assert_eq!(rates.next(vec![5, 0], start), [None, None]);
        assert_eq!(rates.next(vec![30, 0], later), [Some(1.25), Some(0.0)]);
        assert_eq!(rates.next(vec![31, 0], later), [None, None]);
    }
}
