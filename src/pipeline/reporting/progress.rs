//! Progress of a run: in the health report, and in the log where it takes long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::instance::published::Published;
use crate::instance::reports_status::ReportsState;
use crate::instance::shared::Shared;
use crate::pipeline::messages;
use crate::record::day::Day;
use crate::reports::job::{Progress, Watcher};

/// A run that takes less is not worth a log line.
const QUIET: Duration = Duration::from_secs(2);
/// How often the progress is logged.
const LOG_EVERY: Duration = Duration::from_secs(10);

pub struct Follower {
    shared: Arc<Shared>,
    has_left: AtomicBool,
    begun: Instant,
    said: Published<Said>,
}

#[derive(Clone, Default)]
struct Said {
    at: Option<Instant>,
    /// The days that were missing at first.
    missing: Option<u32>,
}

impl Follower {
    pub fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            has_left: AtomicBool::new(false),
            begun: Instant::now(),
            said: Published::default(),
        }
    }

    pub fn leave(&self) {
        self.has_left.store(true, Ordering::Release);
    }

    /// Every day that was due is reported.
    pub fn ended(&self) {
        if self.said.get().at.is_some() {
            let days = self.shared.reports.get().days_total;
            let line = messages::reports_done(days, self.begun.elapsed());
            self.shared.log.info(line);
        }
    }
}

impl Watcher for Follower {
    fn progress(&self, progress: Progress) {
        if self.has_left() {
            return;
        }
        let missing = progress.total - progress.done;
        // Rights that were missing are there when a day is reported.
        let has_reported = self.said.get().missing.is_some_and(|first| missing < first);
        self.shared.reports.change(|status| {
            (status.days_done, status.days_total) = (progress.done, progress.total);
            if missing > 0 && (has_reported || status.state != ReportsState::Off) {
                status.state = ReportsState::Building;
            }
        });
        let is_first = self.said.change(|said| {
            let missing = *said.missing.get_or_insert(missing);
            let due = said.at.map_or(self.begun + QUIET, |at| at + LOG_EVERY);
            let is_due = missing > 0 && Instant::now() >= due;
            is_due.then(|| said.at.replace(Instant::now()).is_none())
        });
        if let Some(is_first) = is_first {
            let line = messages::reports_progress(progress.done, progress.total, is_first);
            self.shared.log.info(line);
        }
    }

    fn ahead(&self, reports: usize, day: &Day, as_of_ms: i64) {
        let line = messages::reports_ahead(reports, day, as_of_ms);
        self.shared.log.warn(line);
    }

    fn has_left(&self) -> bool {
        self.has_left.load(Ordering::Acquire)
    }
}
