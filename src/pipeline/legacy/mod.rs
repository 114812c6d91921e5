//! Legacy: sessions that the replaced class has stored in a month are summed up once, in the background.
//!
//! It begins with the first login of a day, so that it is done by the time somebody asks, and for a caller
//! of `getMetrics()`. Nothing else waits for it: records are written and totals are added meanwhile. It
//! stops when the database is left, and goes on when it is needed again.

mod baselines;
mod builder;

use std::collections::{BTreeSet, HashMap};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::messages;
use crate::instance::database_status::{History, HistoryState};
use crate::instance::shared::Shared;
use crate::record::day::Day;
use crate::store::{Result, Store, StoreError};
use crate::util::backoff::Backoff;
pub use baselines::Baselines;
use baselines::LegacyProgress;
pub use builder::Report;

/// Work that takes less is not worth a log line.
const QUIET: Duration = Duration::from_secs(2);
/// How often the progress is logged.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// The baselines of one database, and the building of them.
pub struct Legacy {
    shared: Arc<Shared>,
    baselines: Arc<Baselines>,
    /// Of all builders of this instance, only one of which is at work.
    builder_name: Option<String>,
    /// Days whose month is to be summed up to them, and days where it is, by the generation of baselines.
    wanted: BTreeSet<Day>,
    covered: HashMap<Day, u64>,
    newest_login: Option<Day>,
    build: Option<Build>,
    backoff: Backoff,
}

struct Build {
    today: Day,
    /// The generation of the baselines that it has begun with.
    generation: u64,
    reports: UnboundedReceiver<Report>,
    /// Since it is known that there is something to sum up.
    begun: Option<Instant>,
    logged: Option<Instant>,
}

/// Summing up was refused in a way that a retry will not change.
pub struct Refused {
    pub today: Day,
    pub message: String,
}

impl Legacy {
    pub fn new(shared: &Arc<Shared>) -> Self {
        Self {
            baselines: Arc::default(),
            builder_name: None,
            wanted: BTreeSet::new(),
            covered: HashMap::new(),
            newest_login: None,
            build: None,
            backoff: Backoff::new(&shared.context.random),
            shared: Arc::clone(shared),
        }
    }

    pub fn baselines(&self) -> &Arc<Baselines> {
        &self.baselines
    }

    /// The database is left. A builder that is at work there ends by itself.
    pub fn leave_database(&mut self) {
        *self = Self {
            builder_name: self.builder_name.take(),
            ..Self::new(&self.shared)
        };
    }

    /// A session of this day is written.
    pub fn observe_login(&mut self, day: Option<Day>) {
        if day.is_some() && self.newest_login != day {
            self.newest_login.clone_from(&day);
            self.want(day);
        }
    }

    /// The month up to these days is needed.
    pub fn want(&mut self, days: impl IntoIterator<Item = Day>) {
        for day in days {
            if !self.covers(&day) {
                self.wanted.insert(day);
            }
        }
    }

    /// Whether the month up to this day is summed up.
    pub fn covers(&self, day: &Day) -> bool {
        self.covered.get(day) == Some(&self.baselines.generation())
    }

    pub fn is_building(&self) -> bool {
        self.build.is_some()
    }

    pub fn retry_at(&self) -> Option<Instant> {
        let waits = self.build.is_none() && !self.wanted.is_empty();
        self.backoff.until().filter(|_| waits)
    }

    /// Starts a builder for the newest day that is wanted, unless nothing is to be written.
    pub fn poll<S: Store>(&mut self, store: &Arc<S>, now: Instant) {
        let may_build = self.build.is_none() && !self.shared.config.is_reader;
        if !may_build || !self.backoff.is_over(now) {
            return;
        }
        if let Some(today) = self.wanted.last().cloned() {
            let (store, baselines) = (Arc::clone(store), Arc::clone(&self.baselines));
            let random = &self.shared.context.random;
            let name = self.builder_name.get_or_insert_with(|| random.id());
            self.build = Some(Build {
                generation: baselines.generation(),
                reports: builder::start(store, baselines, &today, name),
                today,
                begun: None,
                logged: None,
            });
        }
    }

    /// Resolves with the next report of the builder; never, while there is none. Cancel-safe.
    pub async fn next(&mut self) -> Report {
        match &mut self.build {
            Some(build) => build.reports.recv().await.unwrap_or_else(|| {
                let problem = "internal: a builder ended without a result";
                Report::Ended(Err(StoreError::transient(problem)))
            }),
            None => pending().await,
        }
    }

    pub fn handle(&mut self, report: Report, now: Instant) -> Option<Refused> {
        match report {
            Report::Progress(progress) => {
                self.report_progress(progress, now);
                None
            }
            Report::Ended(result) => self.end(result, now),
        }
    }

    fn report_progress(&mut self, progress: LegacyProgress, now: Instant) {
        let Some(build) = &mut self.build else {
            return;
        };
        if progress.is_open {
            build.begun.get_or_insert(now);
        }
        let state = match progress.total {
            0 => HistoryState::None,
            _ if progress.is_open => HistoryState::Building,
            _ => HistoryState::Done,
        };
        let history = History {
            state,
            days_done: progress.done,
            days_total: progress.total,
        };
        self.shared.database.change(|db| db.history = history);
        let Some(begun) = build.begun else {
            return;
        };
        let due = build.logged.map_or(begun + QUIET, |at| at + LOG_EVERY);
        if now >= due {
            let is_first = build.logged.replace(now).is_none();
            let month = build.today.month();
            let line = messages::legacy_progress(month, progress.done, progress.total, is_first);
            self.shared.log.info(line);
        }
    }

    fn end(&mut self, result: Result<()>, now: Instant) -> Option<Refused> {
        let build = self.build.take()?;
        let today = build.today;
        match result {
            Ok(()) => {
                self.backoff.succeed();
                self.wanted.remove(&today);
                if let (Some(begun), Some(_)) = (build.begun, build.logged) {
                    let days = self.shared.database.get().history.days_total;
                    let line = messages::legacy_done(today.month(), days, now - begun);
                    self.shared.log.info(line);
                }
                self.covered.insert(today, build.generation);
                None
            }
            Err(error) => {
                self.backoff.fail(now);
                self.shared.health.error(error.message.clone());
                (!error.may_succeed_later()).then(|| self.refuse(today, error.message))
            }
        }
    }

    /// It is not retried before somebody asks again, or on another day.
    fn refuse(&mut self, today: Day, message: String) -> Refused {
        self.wanted.remove(&today);
        self.shared
            .log
            .warn_once("history", || messages::legacy_refused(&message));
        Refused { today, message }
    }
}
