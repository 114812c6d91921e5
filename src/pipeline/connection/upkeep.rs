//! The upkeep of the open database: it is prepared for totals, its indexes are made, and both is done again when
//! its collections are not those any more that were prepared.
//!
//! Totals wait for one unique index, on a small collection. The other indexes may take minutes on a big
//! one, and nothing but `stop()` waits for them. Where the unique index cannot be made, totals wait until
//! the operator has removed the cause; events and sessions go on.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::time::Instant;

use super::facts::{Facts, Indexed, Lines, make_indexes};
use super::preparation::Preparation;
use crate::config::Collection;
use crate::instance::shared::Shared;
use crate::pipeline::messages;
use crate::pipeline::refusal::refused;
use crate::pipeline::task::{Tasks, attempt, run_to_end};
use crate::store::{Fault, Identities, Prepared, Result, Store, StoreError};

pub struct Upkeep {
    shared: Arc<Shared>,
    preparation: Preparation,
    indexing: Preparation,
    facts: Facts,
    /// The collections whose indexes the next pass makes, and those of the one that is under way.
    due: BTreeSet<Collection>,
    passing: BTreeSet<Collection>,
    /// Whether purchases were stored.
    has_purchases: bool,
    tasks: Tasks<UpkeepResult>,
    index_tasks: Tasks<UpkeepResult>,
}

/// The result of a task.
pub enum UpkeepResult {
    Prepared(Result<Prepared>),
    Indexed(Result<Indexed>),
    Looked(Result<Option<Identities>>),
}

impl UpkeepResult {
    pub fn error(&self) -> Option<&StoreError> {
        match self {
            Self::Prepared(result) => result.as_ref().err(),
            Self::Indexed(result) => result.as_ref().err(),
            Self::Looked(result) => result.as_ref().err(),
        }
    }
}

impl Upkeep {
    pub fn new(shared: &Arc<Shared>) -> Self {
        let random = &shared.context.random;
        Self {
            preparation: Preparation::new(random),
            indexing: Preparation::new(random),
            facts: Facts::default(),
            due: Collection::ALL.into(),
            passing: BTreeSet::new(),
            has_purchases: false,
            tasks: Tasks::new(),
            index_tasks: Tasks::new(),
            shared: Arc::clone(shared),
        }
    }

    /// Whether totals may be added.
    pub fn is_prepared(&self) -> bool {
        self.preparation.is_done()
    }

    pub fn is_preparing(&self) -> bool {
        self.preparation.is_under_way()
    }

    pub fn is_indexing(&self) -> bool {
        self.indexing.is_under_way()
    }

    /// Whether nothing is under way but the making of indexes.
    pub fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Begins to prepare the open database for totals, and to make its indexes; or to look whether it is still
    /// prepared. `restore` writes markers and baselines again, whose collection may be another one. An instance
    /// that only reads takes the database as it is.
    pub fn poll<S: Store, R>(&mut self, store: &Arc<S>, restore: impl FnOnce() -> R, now: Instant)
    where
        R: Future<Output = Result<()>> + Send + 'static,
    {
        if self.shared.config.is_reader {
            return;
        }
        if self.preparation.begin(now) {
            let store = Arc::clone(store);
            let preparing = attempt(async move { store.prepare().await });
            self.tasks
                .spawn(async { UpkeepResult::Prepared(preparing.await) });
        }
        if !self.due.is_empty() && self.indexing.is_done() {
            self.indexing = Preparation::new(&self.shared.context.random);
        }
        if self.indexing.begin(now) {
            self.passing = std::mem::take(&mut self.due);
            let (store, of, has_purchases) =
                (Arc::clone(store), self.passing.clone(), self.has_purchases);
            let may_be_lost = self.facts.has_changed(Collection::Uniques);
            let restoring = may_be_lost.then(restore);
            let indexing = run_to_end("indexes", async move {
                if let Some(restoring) = restoring {
                    restoring.await?;
                }
                make_indexes(&store, of, has_purchases).await
            });
            self.index_tasks
                .spawn(async { UpkeepResult::Indexed(indexing.await) });
        }
        if self.indexing.is_done() && self.facts.begin(now) {
            let store = Arc::clone(store);
            let looking = attempt(async move { store.identities().await });
            self.tasks
                .spawn(async { UpkeepResult::Looked(looking.await) });
        }
    }

    /// Records or totals were written.
    pub fn written(&mut self, now: Instant) {
        self.facts.written(now);
    }

    /// Purchases were stored.
    pub fn purchased(&mut self) {
        if !std::mem::replace(&mut self.has_purchases, true) {
            self.due.insert(Collection::Purchases);
        }
    }

    /// A day that was there is gone.
    pub fn suspect(&mut self, now: Instant) {
        self.facts.suspect(now);
    }

    /// The collections that are there now. Those that are not the ones that were prepared are prepared again.
    fn looked(&mut self, found: Option<Identities>) {
        let tells = found.is_some();
        if self.facts.look(found) {
            match tells {
                true => self.due.extend(self.facts.changed()),
                false => self.due = Collection::ALL.into(),
            }
            if self.due.contains(&Collection::Daily) {
                self.preparation = Preparation::new(&self.shared.context.random);
            }
        }
    }

    fn indexed(&mut self, mut indexed: Indexed, now: Instant) {
        self.log(std::mem::take(&mut indexed.lines));
        let again = self.facts.restored(indexed);
        match again.is_empty() {
            true => self.indexing.succeed(),
            false => self.pass_again(again, now),
        }
    }

    fn pass_again(&mut self, of: BTreeSet<Collection>, now: Instant) {
        self.due.extend(of);
        self.indexing.fail(now);
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> UpkeepResult {
        tokio::select! {
            result = self.tasks.next() => result,
            result = self.index_tasks.next() => result,
        }
    }

    pub fn handle(&mut self, result: UpkeepResult, now: Instant) {
        match result {
            UpkeepResult::Prepared(Ok(Prepared::Ready(lines))) => self.ready(lines),
            UpkeepResult::Prepared(Ok(Prepared::Blocked(why))) => self.blocked(why, now),
            UpkeepResult::Prepared(Err(error)) => {
                match error.fault {
                    Fault::Collection => refused(&self.shared, Collection::Daily, &error),
                    Fault::Moment | Fault::Connection | Fault::Content | Fault::Unknown => {
                        let log = &self.shared.log;
                        log.warn_once("outage", || messages::cannot_write(&error.message));
                    }
                }
                self.shared.health.error(error.message);
                self.preparation.fail(now);
            }
            UpkeepResult::Indexed(Ok(indexed)) => self.indexed(indexed, now),
            UpkeepResult::Looked(Ok(found)) => self.looked(found),
            // Writes say what is wrong with the database.
            UpkeepResult::Looked(Err(_)) => self.facts.failed(now),
            UpkeepResult::Indexed(Err(error)) => {
                self.shared.health.error(error.message);
                self.facts.pass_failed();
                let of = std::mem::take(&mut self.passing);
                self.pass_again(of, now);
            }
        }
    }

    fn ready(&mut self, lines: Lines) {
        self.preparation.succeed();
        self.shared.accepted(Collection::Daily);
        self.log(lines);
        let blocked = self.shared.database.change(|database| {
            database.connected = true;
            database.blocked.take()
        });
        if blocked.is_some() {
            self.shared.log.info(messages::TOTALS_UNBLOCKED);
        }
    }

    fn blocked(&mut self, why: String, now: Instant) {
        self.preparation.block(now);
        self.shared
            .log
            .warn_once("blocked", || messages::totals_blocked(&why));
        self.shared.health.error(why.clone());
        self.shared.database.change(|database| {
            database.connected = true;
            database.blocked = Some(why);
        });
    }

    fn log(&self, lines: Lines) {
        let log = &self.shared.log;
        for (level, line) in lines {
            if log.begins_episode(&line, std::time::Instant::now()) {
                log.line(level, line);
            }
        }
    }

    /// The database is left. What is under way runs to its end, and its results are ignored.
    pub fn close(&mut self) {
        self.tasks.detach();
        self.index_tasks.detach();
    }

    /// When something is due.
    pub fn wake_at(&self) -> Option<Instant> {
        let wakes = [
            self.preparation.retry_at(),
            self.indexing.retry_at(),
            self.facts.wake_at().filter(|_| self.indexing.is_done()),
        ];
        wakes.into_iter().flatten().min()
    }
}
