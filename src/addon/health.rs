//! Health report of JavaScript: counts and gauges of one moment.
//!
//! Field names are part of the public interface; `index.d.ts` documents them.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;

use napi_derive::napi;

use crate::config::Collection;
use crate::forward::Report;
use crate::instance::database_status::{History, Refusal, TOTALS_STATES};
use crate::instance::health::LastError;
use crate::instance::reports_status::ReportsStatus;
use crate::instance::spool_report::SpoolReport;
use crate::pipeline::Pipeline;
use crate::util::panics;

#[napi(object, object_from_js = false)]
pub struct HealthReport {
    pub connected: bool,
    pub accepted: f64,
    pub queued: f64,
    pub queued_bytes: f64,
    pub written: f64,
    pub retried: f64,
    pub duplicates: f64,
    pub redelivered: f64,
    pub cas_conflicts: f64,
    pub estimated_logouts: f64,
    pub dropped: HashMap<String, f64>,
    pub rejected: HashMap<String, f64>,
    pub warnings: HashMap<String, f64>,
    pub defects: f64,
    pub active_sessions: f64,
    pub totals: String,
    pub refused_collections: Vec<RefusedCollectionReport>,
    pub history: HistoryReport,
    pub reports: ReportsReport,
    /// Only with `spoolDir`.
    pub spool: Option<SpoolHealth>,
    pub destinations: Vec<DestinationReport>,
    pub last_error: Option<LastErrorReport>,
}

#[napi(object, object_from_js = false)]
pub struct RefusedCollectionReport {
    /// The key of the collection in the options.
    pub collection: String,
    /// System clock, ms since 1970.
    pub since_ms: f64,
    pub code: Option<i32>,
    pub missing_privilege: Option<String>,
    pub message: String,
}

impl RefusedCollectionReport {
    fn of((collection, refusal): (Collection, Refusal)) -> Self {
        Self {
            collection: collection.key().to_owned(),
            since_ms: refusal.since_ms as f64,
            code: refusal.code,
            missing_privilege: refusal.missing_privilege,
            message: refusal.message,
        }
    }
}

#[napi(object, object_from_js = false)]
pub struct HistoryReport {
    pub state: String,
    pub days_done: u32,
    pub days_total: u32,
}

#[napi(object, object_from_js = false)]
pub struct ReportsReport {
    pub state: String,
    pub days_done: u32,
    pub days_total: u32,
    /// System clock, ms since 1970.
    pub last_success_ms: Option<f64>,
}

impl ReportsReport {
    fn of(status: ReportsStatus) -> Self {
        Self {
            state: status.state.name().to_owned(),
            days_done: status.days_done,
            days_total: status.days_total,
            last_success_ms: status.last_success_ms.map(|ms| ms as f64),
        }
    }
}

#[napi(object, object_from_js = false)]
pub struct SpoolHealth {
    pub state: String,
    pub bytes: f64,
    pub recovered: f64,
    pub recovered_from_others: f64,
    pub not_spooled: f64,
    pub damaged_bytes: f64,
}

impl SpoolHealth {
    fn of(report: SpoolReport) -> Self {
        Self {
            state: report.state.name().to_owned(),
            bytes: report.bytes as f64,
            recovered: report.recovered as f64,
            recovered_from_others: report.recovered_from_others as f64,
            not_spooled: report.not_spooled as f64,
            damaged_bytes: report.damaged_bytes as f64,
        }
    }
}

#[napi(object, object_from_js = false)]
pub struct DestinationReport {
    pub name: String,
    pub format: String,
    pub queued: f64,
    pub queued_bytes: f64,
    pub sent: f64,
    pub retried: f64,
    pub refused: f64,
    pub expired: f64,
    pub dropped: HashMap<String, f64>,
    pub circuit: String,
    pub oldest_waiting_ms: f64,
    pub last_error: Option<LastErrorReport>,
}

#[napi(object, object_from_js = false)]
pub struct LastErrorReport {
    pub message: String,
    /// System clock, ms since 1970.
    pub at_ms: f64,
}

impl HealthReport {
    pub fn of(pipeline: &Pipeline) -> Self {
        let shared = pipeline.shared();
        let database = shared.database.get();
        let counts = shared.health.counts();
        Self {
            connected: database.connected,
            accepted: counts.accepted as f64,
            queued: counts.queued() as f64,
            queued_bytes: shared.memory.used() as f64,
            written: counts.written as f64,
            retried: counts.retried as f64,
            duplicates: counts.duplicates as f64,
            redelivered: counts.redelivered as f64,
            cas_conflicts: counts.cas_conflicts as f64,
            estimated_logouts: counts.estimated_logouts as f64,
            dropped: by_reason(&counts.dropped),
            rejected: by_reason(&counts.rejected),
            warnings: by_reason(&counts.warnings),
            defects: panics::caught() as f64,
            active_sessions: shared.active_sessions.load(Ordering::Acquire) as f64,
            totals: TOTALS_STATES[usize::from(database.are_totals_blocked())].to_owned(),
            refused_collections: database
                .refused
                .into_iter()
                .map(RefusedCollectionReport::of)
                .collect(),
            history: HistoryReport::of(database.history),
            reports: ReportsReport::of(shared.reports.get()),
            spool: shared.spool.get().map(SpoolHealth::of),
            destinations: pipeline
                .destinations()
                .iter()
                .map(|receiver| DestinationReport::of(receiver.report()))
                .collect(),
            last_error: counts.last_error.map(LastErrorReport::of),
        }
    }
}

impl DestinationReport {
    fn of(report: Report) -> Self {
        let waiting = report.oldest_waiting.unwrap_or_default();
        let counts = report.counts;
        Self {
            name: report.name,
            format: report.format.to_owned(),
            queued: report.queued as f64,
            queued_bytes: report.queued_bytes as f64,
            sent: counts.sent as f64,
            retried: counts.retried as f64,
            refused: counts.refused as f64,
            expired: counts.expired as f64,
            dropped: by_reason(&counts.dropped),
            circuit: report.circuit.name().to_owned(),
            oldest_waiting_ms: waiting.as_millis() as f64,
            last_error: counts.last_error.map(LastErrorReport::of),
        }
    }
}

impl LastErrorReport {
    fn of(error: LastError) -> Self {
        Self {
            message: error.message,
            at_ms: error.at_ms as f64,
        }
    }
}

impl HistoryReport {
    fn of(history: History) -> Self {
        Self {
            state: history.state.name().to_owned(),
            days_done: history.days_done,
            days_total: history.days_total,
        }
    }
}

fn by_reason(counts: &BTreeMap<&'static str, u64>) -> HashMap<String, f64> {
    let entries = counts.iter();
    entries
        .map(|(reason, count)| ((*reason).to_owned(), *count as f64))
        .collect()
}
