//! The loss report: what was accepted, what became of it, and why something was not stored.
//!
//! Counts are changed from the JavaScript thread and from the worker, and are read together.

use std::collections::BTreeMap;
use std::time::Instant;

use super::published::Published;
use crate::util::clock::system_ms;

/// Everything `getHealth()` reports that is counted.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Records taken over from `track`, `onLogin` and `onLogout`.
    pub accepted: u64,
    /// Records written to the database, totals included.
    pub written: u64,
    /// Writes repeated after an error, in records.
    pub retried: u64,
    /// Documents that were there already when they were sent again.
    pub duplicates: u64,
    /// Events that came again under their dedupe key.
    pub redelivered: u64,
    /// Additions to totals whose compare-and-set matched nothing, so that their result was looked up.
    pub cas_conflicts: u64,
    /// Sessions of instances that died, closed at the last moment that these were seen.
    pub estimated_logouts: u64,
    /// Accepted, then lost, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Never accepted, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Accepted, but not in full: an amount that counted 0, a body that could not be forwarded.
    pub warnings: BTreeMap<&'static str, u64>,
    pub last_error: Option<LastError>,
}

impl Counts {
    /// Accepted records that are committed or dropped.
    pub fn done(&self) -> u64 {
        self.written + self.dropped.values().sum::<u64>()
    }

    /// Accepted records that are neither.
    pub fn queued(&self) -> u64 {
        self.accepted.saturating_sub(self.done())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastError {
    pub message: String,
    /// System clock, ms since 1970.
    pub at_ms: u64,
    pub at: Instant,
}

impl LastError {
    /// The message must not hold secrets.
    pub fn now(message: String) -> Self {
        Self {
            message,
            at_ms: system_ms() as u64,
            at: Instant::now(),
        }
    }
}

#[derive(Debug, Default)]
pub struct Health(Published<Counts>);

impl Health {
    pub fn counts(&self) -> Counts {
        self.0.get()
    }

    pub fn queued(&self) -> u64 {
        self.0.change(|counts| counts.queued())
    }

    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        self.0.change(change);
    }

    /// Counts records before they are passed on, so that nobody who waits for them misses them.
    pub fn accept(&self, records: u64) {
        self.count(|counts| counts.accepted += records);
    }

    /// Counts records whose document and share of the totals are stored.
    pub fn complete(&self, records: u64) {
        self.count(|counts| counts.written += records);
    }

    /// Counts records that are lost.
    pub fn drop_records(&self, reason: &'static str, records: u64) {
        if records > 0 {
            self.count(|counts| *counts.dropped.entry(reason).or_default() += records);
        }
    }

    /// Counts all records as lost that are neither committed nor dropped.
    pub fn drop_queued(&self, reason: &'static str) {
        self.count(|counts| {
            let queued = counts.queued();
            *counts.dropped.entry(reason).or_default() += queued;
        });
    }

    pub fn reject(&self, reason: &'static str, records: u64) {
        self.count(|counts| *counts.rejected.entry(reason).or_default() += records);
    }

    pub fn warn(&self, reason: &'static str, times: u64) {
        self.count(|counts| *counts.warnings.entry(reason).or_default() += times);
    }

    /// Remembers an error for the report. The message must not hold secrets.
    pub fn error(&self, message: String) {
        self.count(|counts| counts.last_error = Some(LastError::now(message)));
    }

    /// The last error, if it is not older than this.
    pub fn error_since(&self, start: Instant) -> Option<String> {
        let error = self.counts().last_error?;
        (error.at >= start).then_some(error.message)
    }
}
