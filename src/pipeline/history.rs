//! When the sessions that the replaced class has stored in a month are summed up, and what is told of
//! it.
//!
//! It begins with the first login of a day, so that it is over by the time somebody asks, and for
//! whoever asks for a month's figures. Nothing else waits for it: records are written and totals are
//! added meanwhile. It is given up when the place is left, and goes on when it is needed again.

use std::collections::{BTreeSet, HashSet};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::builder::{self, Report};
use super::messages;
use super::operations::{Kind, Operation};
use super::sessions::Standing;
use super::worker::Worker;
use crate::instance::error::Error;
use crate::instance::health::{self, HistoryState};
use crate::instance::listener::Level;
use crate::record::day::Day;
use crate::store::{Result, Store, StoreError};
use crate::util::backoff::Backoff;
use crate::util::random_id::random_id;

/// What takes less is not worth a line.
const QUIET: Duration = Duration::from_secs(2);
/// How often the operator is told how far it is.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// The history of one place.
pub(super) struct History {
    /// Of all builders of this instance: only one of them is at work.
    name: String,
    /// Days whose month, up to them, is to be summed up; and those where it is.
    wanted: BTreeSet<Day>,
    covered: HashSet<Day>,
    newest_login: Option<Day>,
    under_way: Option<UnderWay>,
    backoff: Backoff,
}

struct UnderWay {
    today: Day,
    reports: UnboundedReceiver<Report>,
    /// Since there is something to sum up, as far as is known.
    begun: Option<Begun>,
}

#[derive(Clone, Copy)]
struct Begun {
    at: Instant,
    /// When the operator was last told.
    told: Option<Instant>,
}

impl Default for History {
    fn default() -> Self {
        Self {
            name: random_id(),
            wanted: BTreeSet::new(),
            covered: HashSet::new(),
            newest_login: None,
            under_way: None,
            backoff: Backoff::default(),
        }
    }
}

impl History {
    /// The place is left. A builder that is at work there ends by itself.
    pub(super) fn forget(&mut self) {
        *self = Self {
            name: std::mem::take(&mut self.name),
            ..Self::default()
        };
    }

    /// A login or logout of this day is written.
    pub(super) fn meet(&mut self, day: Option<&Day>) {
        if day.is_some() && self.newest_login.as_ref() != day {
            self.newest_login = day.cloned();
            self.want(day.cloned());
        }
    }

    fn want(&mut self, day: Option<Day>) {
        self.wanted
            .extend(day.filter(|day| !self.covered.contains(day)));
    }

    /// Whether the month up to this day is summed up.
    pub(super) fn covers(&self, day: &Day) -> bool {
        self.covered.contains(day)
    }

    /// Whether old sessions are being looked for or summed up.
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    pub(super) fn retry_at(&self) -> Option<Instant> {
        let waits = self.under_way.is_none() && !self.wanted.is_empty();
        self.backoff.until().filter(|_| waits)
    }

    /// Resolves with what the builder says next; never, when there is none.
    pub(super) async fn report(&mut self) -> Report {
        match &mut self.under_way {
            Some(under_way) => under_way.reports.recv().await.unwrap_or_else(|| {
                let problem = "internal: a builder has ended without a word";
                Report::Ended(Err(StoreError::transient(problem)))
            }),
            None => pending().await,
        }
    }
}

impl<S: Store> Worker<S> {
    /// Starts to sum up what is wanted and not there.
    pub(super) fn build_history(&mut self, store: &Arc<S>, now: Instant) {
        let history = &mut self.history;
        for operation in &self.operations {
            if let Kind::Metrics(today) = &operation.kind {
                history.want(Some(today.clone()));
            }
        }
        if history.under_way.is_some() || !history.backoff.is_over(now) {
            return;
        }
        if let Some(today) = history.wanted.last().cloned() {
            let (store, baselines) = (Arc::clone(store), Arc::clone(&self.baselines));
            history.under_way = Some(UnderWay {
                reports: builder::start(store, baselines, &today, &history.name),
                today,
                begun: None,
            });
        }
    }

    pub(super) fn history_reported(&mut self, report: Report, now: Instant) {
        match report {
            Report::Standing(standing) => self.history_stands_at(standing, now),
            Report::Ended(outcome) => self.history_ended(outcome, now),
        }
    }

    fn history_stands_at(&mut self, standing: Standing, now: Instant) {
        let Some(under_way) = &mut self.history.under_way else {
            return;
        };
        let month = under_way.today.month();
        if standing.is_open && under_way.begun.is_none() {
            under_way.begun = Some(Begun {
                at: now,
                told: None,
            });
        }
        let line = under_way.begun.as_mut().and_then(|begun| {
            let due = begun
                .told
                .map_or(begun.at + QUIET, |told| told + TELL_EVERY);
            let line = messages::history_goes_on(month, standing, begun.told.is_none());
            (now >= due).then(|| {
                begun.told = Some(now);
                line
            })
        });
        let state = match standing.total {
            0 => HistoryState::None,
            _ if standing.is_open => HistoryState::Building,
            _ => HistoryState::Done,
        };
        self.shared.set_history(health::History {
            state,
            days_done: standing.done,
            days_total: standing.total,
        });
        if let Some(line) = line {
            self.shared.log(Level::Info, line);
        }
    }

    fn history_ended(&mut self, outcome: Result<()>, now: Instant) {
        let Some(UnderWay { today, begun, .. }) = self.history.under_way.take() else {
            return;
        };
        match outcome {
            Ok(()) => {
                self.history.backoff.succeed();
                self.history.wanted.remove(&today);
                if let Some(begun) = begun.filter(|begun| begun.told.is_some()) {
                    let days = self.shared.history().days_total;
                    let line = messages::history_done(today.month(), days, now - begun.at);
                    self.shared.log(Level::Info, line);
                }
                self.history.covered.insert(today);
            }
            Err(error) => {
                self.history.backoff.fail(now);
                self.shared.health.error(error.message.clone());
                if !error.transient {
                    self.history_is_refused(&today, error.message);
                }
            }
        }
    }

    /// Not tried again before somebody asks again, or on another day.
    fn history_is_refused(&mut self, today: &Day, message: String) {
        self.history.wanted.remove(today);
        self.shared
            .warn_once("history", || messages::history_refused(&message));
        let kind = Kind::Metrics(today.clone());
        let operations = std::mem::take(&mut self.operations).into_iter();
        let (refused, open): (Vec<Operation>, _) = operations.partition(|one| one.kind == kind);
        self.operations = open;
        for operation in refused {
            let message = message.clone();
            self.fail(operation.request, Error::Database { message });
        }
    }
}
