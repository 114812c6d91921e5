//! Reporting: it looks once a minute whether days are to be reported, and reports them in the background.
//!
//! No record and no `stop()` waits for it: a run ends at its next step when the database is left, and what it had
//! begun is due at the next look. It opens no database of its own. After an error it waits, longer each time.
//! Where rights are missing, reports are off, which one line says, and everything else goes on; it is looked again
//! whether they are there once an hour.

mod progress;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::messages;
use super::task::{Tasks, run_to_end};
use crate::instance::reports_status::{ReportsState, ReportsStatus};
use crate::instance::shared::Shared;
use crate::reports::Settings;
use crate::reports::job::{self, Outcome};
use crate::reports::looks::Looks;
use crate::store::{Result, Store, StoreError, is_unauthorized};
use crate::util::clock::system_ms;
use progress::Follower;

/// Waits after an error: the first, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(300);
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);
/// Transient errors in a row that are not: they take half an hour.
const TRANSIENT_FAILURES: u32 = 3;

pub struct Reporting {
    shared: Arc<Shared>,
    settings: Arc<Settings>,
    looks: Arc<Looks>,
    /// When it is looked next; `None` before the database is there.
    due: Option<Instant>,
    run: Option<Arc<Follower>>,
    tasks: Tasks<Ran>,
    /// The wait after the next error.
    wait: Duration,
    /// Errors since a run succeeded.
    failures: u32,
    /// Rights were missing at the last look.
    is_refused: bool,
}

/// The result of a run.
pub struct Ran(Result<Outcome>);

impl Ran {
    pub fn error(&self) -> Option<&StoreError> {
        self.0.as_ref().err()
    }
}

impl Reporting {
    pub fn new(shared: &Arc<Shared>) -> Self {
        if !shared.config.reports.are_on {
            change(shared, |status| status.state = ReportsState::Off);
        }
        Self {
            settings: Arc::new(Settings::new(&shared.config)),
            shared: Arc::clone(shared),
            looks: Arc::default(),
            due: None,
            run: None,
            tasks: Tasks::new(),
            wait: FIRST_WAIT,
            failures: 0,
            is_refused: false,
        }
    }

    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Begins a run if it is time. An instance that is about to end begins none.
    pub fn poll<S: Store>(&mut self, store: &Arc<S>, is_here: bool, now: Instant) {
        if !is_here {
            return self.interrupt();
        }
        let first = self.shared.context.limits.reports_first;
        let due = *self.due.get_or_insert(now + first);
        if due > now || !self.tasks.is_empty() || !self.is_on() {
            return;
        }
        let follower = Arc::new(Follower::new(&self.shared));
        let (store, settings) = (Arc::clone(store), Arc::clone(&self.settings));
        let looks = Arc::clone(&self.looks);
        let owner = self.shared.incarnation.get().to_string();
        let watcher = Arc::clone(&follower);
        let running = run_to_end("reports", async move {
            job::run(store.as_ref(), &settings, &looks, &owner, watcher.as_ref()).await
        });
        self.run = Some(follower);
        self.tasks.spawn(async move { Ran(running.await) });
    }

    fn is_on(&self) -> bool {
        self.shared.config.reports.are_on
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> Ran {
        self.tasks.next().await
    }

    pub fn handle(&mut self, ran: Ran, now: Instant) {
        self.due = Some(now + self.shared.context.limits.reports_every);
        let follower = self.run.take();
        let is_allowed = matches!(ran.0, Ok(Outcome::Done | Outcome::Elsewhere));
        if is_allowed && std::mem::take(&mut self.is_refused) {
            change(&self.shared, |status| status.state = ReportsState::Waiting);
            self.shared.log.info(messages::REPORTS_ON);
        }
        match ran.0 {
            Ok(Outcome::Left) => {}
            Ok(Outcome::Elsewhere) => change(&self.shared, |status| {
                if status.state == ReportsState::Waiting {
                    status.state = ReportsState::Building;
                }
            }),
            Ok(Outcome::Done) => {
                (self.wait, self.failures) = (FIRST_WAIT, 0);
                if let Some(follower) = follower {
                    follower.ended();
                }
                change(&self.shared, |status| {
                    status.state = ReportsState::Current;
                    status.last_success_ms = Some(system_ms() as u64);
                });
            }
            Err(error) if is_unauthorized(&error) => {
                self.due = Some(now + LONGEST_WAIT);
                change(&self.shared, |status| status.state = ReportsState::Off);
                if !std::mem::replace(&mut self.is_refused, true) {
                    self.shared.log.info(messages::reports_unauthorized(&error));
                }
            }
            Err(error) => {
                self.due = Some(now + self.wait);
                self.wait = (self.wait * 2).min(LONGEST_WAIT);
                change(&self.shared, |status| status.state = ReportsState::Failing);
                self.shared
                    .health
                    .error(format!("reports: {}", error.message));
                self.failures += 1;
                if self.failures == told_at(&error) {
                    self.shared.log.warn(messages::reports_failed(&error));
                }
            }
        }
    }

    /// Ends the run at its next step.
    fn interrupt(&self) {
        if let Some(run) = &self.run {
            run.leave();
        }
    }

    /// The database is left.
    pub fn leave_database(&mut self) {
        self.interrupt();
        self.tasks.detach();
        (self.run, self.due) = (None, None);
        self.looks = Arc::default();
        (self.wait, self.failures) = (FIRST_WAIT, 0);
        self.is_refused = false;
        let state = match self.shared.config.reports.are_on {
            true => ReportsState::Waiting,
            false => ReportsState::Off,
        };
        change(&self.shared, |status| {
            *status = ReportsStatus {
                state,
                ..ReportsStatus::default()
            }
        });
    }

    /// When it is looked next.
    pub fn wake_at(&self) -> Option<Instant> {
        self.due.filter(|_| self.tasks.is_empty() && self.is_on())
    }
}

/// The failure of an episode that is told. While the database is away, that is told already.
fn told_at(error: &StoreError) -> u32 {
    match error.is_of_connection() {
        true => TRANSIENT_FAILURES,
        false => 1,
    }
}

fn change(shared: &Shared, change: impl FnOnce(&mut ReportsStatus)) {
    shared.reports.change(change);
}
