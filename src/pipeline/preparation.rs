//! What a place needs before totals can be written to it, and the indexes that it gets beside that.
//!
//! Totals wait for one unique index, on a small collection. The others may take minutes on a big one,
//! and nothing waits for them but `stop()`. Where the one cannot be had, totals wait until the operator
//! has mended that; events and sessions go on.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::attempt::attempt;
use super::messages;
use super::worker::{Outcome, Worker};
use crate::instance::listener::Level;
use crate::store::{Prepared, Result, Store, StoreError};
use crate::util::backoff::Backoff;

type Remarks = Vec<(Level, String)>;

/// How often it is looked whether the operator has mended what blocks the totals.
const BLOCKED: Duration = Duration::from_secs(3);

pub(super) enum Preparation {
    Needed(Backoff),
    UnderWay(Backoff),
    /// Nothing but the operator can change that; looked at again at this time.
    Blocked(Instant),
    Done,
}

impl Default for Preparation {
    fn default() -> Self {
        Self::Needed(Backoff::default())
    }
}

impl Preparation {
    /// Whether to begin now; it is under way then.
    fn begins(&mut self, now: Instant) -> bool {
        match self {
            Self::Needed(backoff) if backoff.is_over(now) => {
                *self = Self::UnderWay(std::mem::take(backoff));
                true
            }
            Self::Blocked(until) if *until <= now => {
                *self = Self::UnderWay(Backoff::default());
                true
            }
            _ => false,
        }
    }

    fn failed(&mut self, now: Instant) {
        if let Self::UnderWay(backoff) = self {
            backoff.fail(now);
            *self = Self::Needed(std::mem::take(backoff));
        }
    }

    /// When the next attempt may begin, if one is needed.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        match self {
            Self::Needed(backoff) => backoff.until(),
            Self::Blocked(until) => Some(*until),
            _ => None,
        }
    }
}

/// The indexes that no total relies on. When the place is left, their task is forgotten.
#[derive(Default)]
pub(super) struct Indexing {
    state: Preparation,
    tasks: JoinSet<Result<Remarks>>,
}

impl Indexing {
    pub(super) fn is_under_way(&self) -> bool {
        matches!(self.state, Preparation::UnderWay(_))
    }

    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.state.retry_at()
    }

    /// Resolves when they are made or cannot be; never, when they are not being made.
    pub(super) async fn outcome(&mut self) -> Result<Remarks> {
        match self.tasks.join_next().await {
            Some(Ok(outcome)) => outcome,
            Some(Err(error)) => Err(StoreError::transient(format!("internal: {error}"))),
            None => pending().await,
        }
    }
}

impl Drop for Indexing {
    /// The driver's futures must run to their end.
    fn drop(&mut self) {
        self.tasks.detach_all();
    }
}

impl<S: Store> Worker<S> {
    pub(super) fn prepare(&mut self, store: &Arc<S>, now: Instant) {
        if self.preparation.begins(now) {
            let store = Arc::clone(store);
            let preparing = attempt(async move { store.prepare().await });
            self.tasks
                .spawn(async { Outcome::Prepared(preparing.await) });
        }
    }

    pub(super) fn prepared(&mut self, outcome: Result<Prepared>, now: Instant) {
        match outcome {
            Ok(Prepared::Ready(remarks)) => {
                self.preparation = Preparation::Done;
                self.shared.set_connected(true);
                self.say(remarks);
                if self.shared.set_blocked(None) {
                    let line = messages::TOTALS_GO_ON.to_owned();
                    self.shared.log(Level::Info, line);
                }
            }
            Ok(Prepared::Blocked(why)) => {
                self.preparation = Preparation::Blocked(now + BLOCKED);
                self.shared.set_connected(true);
                self.shared
                    .warn_once("blocked", || messages::totals_blocked(&why));
                self.shared.health.error(why.clone());
                self.shared.set_blocked(Some(why));
            }
            Err(error) => {
                self.shared
                    .warn_once("outage", || messages::cannot_write(&error.message));
                self.shared.health.error(error.message);
                self.preparation.failed(now);
            }
        }
    }

    pub(super) fn index(&mut self, store: &Arc<S>, now: Instant) {
        if self.indexing.state.begins(now) {
            let store = Arc::clone(store);
            self.indexing
                .tasks
                .spawn(async move { store.create_indexes().await });
        }
    }

    pub(super) fn indexed(&mut self, outcome: Result<Remarks>, now: Instant) {
        match outcome {
            Ok(remarks) => {
                self.indexing.state = Preparation::Done;
                self.say(remarks);
            }
            Err(error) => {
                self.shared.health.error(error.message);
                self.indexing.state.failed(now);
            }
        }
    }

    fn say(&self, remarks: Remarks) {
        for (level, remark) in remarks {
            self.shared.log(level, remark);
        }
    }
}
