//! Summary of the health of an instance, for processes that can only know what is stored.

use bson::{Bson, Document, doc};

use crate::forward::{Destinations, Report};
use crate::instance::database_status::TOTALS_STATES;
use crate::instance::shared::Shared;

/// Bytes of a summary at most: destinations that do not fit are left out.
const LARGEST: usize = 4 << 10;
/// Characters of an error.
const LONGEST_ERROR: usize = 200;

pub fn of(shared: &Shared, destinations: &Destinations) -> Document {
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
    let reports = destinations.iter().map(|one| of_destination(one.report()));
    append(&mut summary, reports.collect());
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

fn of_destination(report: Report) -> Document {
    let counts = report.counts;
    let error = counts.last_error.map(|error| error.message);
    let error: Option<String> = error.map(|text| text.chars().take(LONGEST_ERROR).collect());
    let oldest = report.oldest_waiting.unwrap_or_default();
    doc! {
        "name": report.name,
        "queued": report.queued as i64,
        "oldestWaitingMs": oldest.as_millis() as i64,
        "sent": counts.sent as i64,
        "retried": counts.retried as i64,
        "refused": counts.refused as i64,
        "circuit": report.circuit.name(),
        "lastError": error,
    }
}
