//! The loss report: what was accepted, what became of it, and why something was not stored.
//!
//! Counts are changed from the JavaScript thread and from the worker; all of them are read together
//! for one report. The lock is held for single additions only.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::util::clock::system_ms;

/// A warning about one reason is not repeated within this time; a quieter time ends the episode.
const EPISODE: Duration = Duration::from_secs(60);

/// Everything `getHealth()` reports that is counted rather than read from the pipeline.
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
    /// Additions to totals whose compare-and-set matched nothing, so that their result was looked up.
    pub cas_conflicts: u64,
    /// Accepted, then lost, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Never accepted, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Accepted, but not in full: an amount that counted 0, a body that could not be forwarded.
    pub warnings: BTreeMap<&'static str, u64>,
    pub last_error: Option<LastError>,
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

/// How the summing up of the sessions that were stored before stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct History {
    pub state: HistoryState,
    /// Days of the month with such sessions, those of them that are summed up, and all.
    pub days_done: u32,
    pub days_total: u32,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum HistoryState {
    #[default]
    None,
    Building,
    Done,
}

/// The names of [`HistoryState`] in the public interface, in its order.
pub const HISTORY_STATES: [&str; 3] = ["none", "building", "done"];

impl HistoryState {
    pub fn name(self) -> &'static str {
        HISTORY_STATES[self as usize]
    }
}

/// What is on disk, and what came from there.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct SpoolReport {
    pub state: SpoolState,
    /// What the segments of this instance take.
    pub bytes: u64,
    /// Records of processes before this one.
    pub recovered: u64,
    /// Records of processes that crashed and were not replaced.
    pub recovered_from_others: u64,
    /// Records that the disk did not take.
    pub not_spooled: u64,
    /// Records that did not go to their write queue at once, since memory was half full.
    pub spilled: u64,
    /// Bytes that could not be read.
    pub damaged_bytes: u64,
    /// Every record that is not written yet will be found on disk.
    pub holds_records: bool,
    /// Every event that is not forwarded yet will be found on disk.
    pub holds_events: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum SpoolState {
    #[default]
    Ok,
    /// The disk takes nothing; records are in memory only.
    Full,
    /// The folder could not be used when the instance was made, and memory is to do.
    Off,
}

/// The names of [`SpoolState`] in the public interface, in its order.
pub const SPOOL_STATES: [&str; 3] = ["ok", "full", "off"];

impl SpoolState {
    pub fn name(self) -> &'static str {
        SPOOL_STATES[self as usize]
    }
}

/// Whether totals are added; the names are part of the public interface.
pub const TOTALS_STATES: [&str; 2] = ["ok", "blocked"];

#[derive(Debug, Default)]
pub struct Health {
    counts: Mutex<Counts>,
    warned: Mutex<BTreeMap<String, Instant>>,
}

impl Health {
    pub fn counts(&self) -> Counts {
        self.lock().clone()
    }

    pub fn accept(&self, records: u64) {
        self.lock().accepted += records;
    }

    pub fn write(&self, records: u64) {
        self.lock().written += records;
    }

    pub fn retry(&self, records: u64) {
        self.lock().retried += records;
    }

    pub fn reject(&self, reason: &'static str, records: u64) {
        *self.lock().rejected.entry(reason).or_default() += records;
    }

    pub fn drop_records(&self, reason: &'static str, records: u64) {
        *self.lock().dropped.entry(reason).or_default() += records;
    }

    pub fn warn(&self, reason: &'static str, times: u64) {
        *self.lock().warnings.entry(reason).or_default() += times;
    }

    pub fn duplicates(&self, documents: u64) {
        self.lock().duplicates += documents;
    }

    pub fn cas_conflicts(&self, additions: u64) {
        self.lock().cas_conflicts += additions;
    }

    /// Remembers an error for the report. The message must not hold secrets.
    pub fn error(&self, message: String) {
        self.lock().last_error = Some(LastError::now(message));
    }

    /// The last error, if it is not older than this.
    pub fn error_since(&self, start: Instant) -> Option<String> {
        let counts = self.lock();
        let recent = counts.last_error.as_ref().filter(|error| error.at >= start);
        recent.map(|error| error.message.clone())
    }

    /// True once per episode of a reason: the first time, and again after a quiet minute.
    pub fn begins_episode(&self, reason: &str, now: Instant) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        match warned.get_mut(reason) {
            Some(last) => now.duration_since(std::mem::replace(last, now)) >= EPISODE,
            None => warned.insert(reason.to_owned(), now).is_none(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_episode_is_warned_about_once_and_again_after_a_quiet_minute() {
        let health = Health::default();
        let start = Instant::now();
        assert!(health.begins_episode("queue_full", start));
        assert!(!health.begins_episode("queue_full", start + Duration::from_secs(59)));
        assert!(!health.begins_episode("queue_full", start + Duration::from_secs(118)));
        assert!(health.begins_episode("stopped", start));
        assert!(health.begins_episode("queue_full", start + Duration::from_secs(178)));
    }
}
