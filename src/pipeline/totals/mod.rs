//! Totals: contributions of written records are added to the daily documents, one batch at a time, once
//! per flush interval or as soon as somebody waits for them.

mod batch;
mod ledger;
mod rules;
mod users;
mod writer;

use std::sync::Arc;

use tokio::time::Instant;

use super::legacy::Baselines;
use super::messages;
use super::task::{Failed, Tasks};
use super::watermarks::Queue;
use crate::instance::shared::Shared;
use crate::store::{Result, Store};
use crate::util::backoff::Backoff;
pub use batch::{Amount, CONTRIBUTION_COST, Contribution};
use batch::{Pending, TotalsBatch};
use ledger::{Attempted, Ledger, Warnings};
pub use rules::Rules;
pub use writer::Writer;

pub struct Totals {
    shared: Arc<Shared>,
    rules: Rules,
    /// The writer that new databases are entered as.
    writer: Writer,
    ledger: Box<Ledger>,
    pending: Pending,
    /// In flight, or failed and to be retried as it was.
    batch: Option<TotalsBatch>,
    /// When contributions that are ready are added at the latest.
    flush_at: Option<Instant>,
    /// Contributions up to this record are added as soon as they are ready.
    due_up_to: Option<i64>,
    backoff: Backoff,
    tasks: Tasks<Result<Attempted>>,
}

impl Totals {
    pub fn new(
        shared: &Arc<Shared>,
        rules: Rules,
        writer: Writer,
        baselines: &Arc<Baselines>,
    ) -> Self {
        let context = shared.context.clone();
        let backoff = Backoff::new(&context.random);
        let ledger = Ledger::new(context, rules, writer.clone(), Arc::clone(baselines));
        Self {
            shared: Arc::clone(shared),
            rules,
            writer,
            ledger: Box::new(ledger),
            pending: Pending::default(),
            batch: None,
            flush_at: None,
            due_up_to: None,
            backoff,
            tasks: Tasks::new(),
        }
    }

    pub fn add(&mut self, queue: Queue, contribution: Contribution) {
        self.pending.add(queue, contribution);
    }

    /// The host's flush interval is over: contributions up to this record do not wait any longer.
    pub fn flush(&mut self, up_to: i64) {
        self.due_up_to = Some(up_to);
    }

    pub fn writer_id(&self) -> &str {
        &self.ledger.writer().id
    }

    /// The number of the oldest record whose contribution is not added.
    pub fn first_uncommitted(&self) -> Option<i64> {
        let in_flight = self.batch.as_ref().map(|batch| batch.first);
        in_flight.into_iter().chain(self.pending.first()).min()
    }

    /// Adds the contributions of records up to `written`, if it is time; at once if `is_urgent`.
    pub fn poll<S: Store>(&mut self, store: &Arc<S>, written: i64, is_urgent: bool, now: Instant) {
        if !self.backoff.is_over(now) {
            return;
        }
        let is_due = self.is_due(written, is_urgent, now);
        if !self.tasks.is_empty() {
            return;
        }
        if self.batch.is_none() && is_due {
            self.take_batch(written);
        }
        if let Some(batch) = self.batch.clone() {
            let attempt = ledger::attempt(Arc::clone(store), self.ledger.clone(), batch);
            self.tasks.spawn(attempt);
        }
    }

    fn is_due(&mut self, written: i64, is_urgent: bool, now: Instant) -> bool {
        if !self.pending.is_ready(written) {
            return false;
        }
        let interval = self.shared.config.flush_interval;
        let flush_at = *self.flush_at.get_or_insert(now + interval);
        let is_due = |up_to: i64| up_to <= written && self.pending.is_ready(up_to);
        flush_at <= now || is_urgent || self.due_up_to.is_some_and(is_due)
    }

    fn take_batch(&mut self, written: i64) {
        self.flush_at = None;
        // Records that are written later wait for the next interval.
        self.due_up_to = self.due_up_to.map(|due| due.min(written));
        // Recovered records are not mixed with our own.
        let last_recovered = self.writer.first - 1;
        let is_recovered = self.pending.is_ready(last_recovered);
        let up_to = match is_recovered {
            true => written.min(last_recovered),
            false => written,
        };
        self.batch = Some(self.pending.take_batch(up_to, is_recovered));
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> TotalsResult {
        TotalsResult(self.tasks.next().await)
    }

    /// Completes the batch, or keeps it to be retried after the error that is returned.
    pub fn handle(
        &mut self,
        TotalsResult(attempted): TotalsResult,
        now: Instant,
    ) -> std::result::Result<(), Failed> {
        let result = match attempted {
            Ok(attempted) => {
                self.warn(&attempted.warnings);
                self.ledger = attempted.ledger;
                self.batch = Some(attempted.batch);
                attempted.result
            }
            Err(error) => {
                let batch = self.batch.as_mut();
                batch.into_iter().for_each(TotalsBatch::mark_uncertain);
                Err(error)
            }
        };
        match result {
            Ok(()) => {
                self.complete();
                Ok(())
            }
            Err(error) => {
                self.backoff.fail(now);
                let records = self.batch.as_ref().map_or(0, |batch| batch.records);
                Err(Failed {
                    error,
                    records: records as usize,
                })
            }
        }
    }

    fn complete(&mut self) {
        self.backoff.succeed();
        self.shared.database.change(|db| db.connected = true);
        if let Some(batch) = self.batch.take() {
            self.shared.memory.release(batch.cost);
            self.shared.health.complete(batch.records);
        }
    }

    /// The new id, once after another process was found to write under the one before.
    pub fn take_new_writer(&mut self) -> Option<String> {
        let id = &self.ledger.writer().id;
        if *id == self.writer.id {
            return None;
        }
        self.writer.id.clone_from(id);
        Some(id.clone())
    }

    fn warn(&self, warnings: &Warnings) {
        let health = &self.shared.health;
        for (day, field) in &warnings.left_out {
            health.warn("total_left_out", 1);
            self.shared
                .log
                .warn_once("total_left_out", || messages::total_left_out(day, field));
        }
        for day in &warnings.restored {
            health.warn("day_restored", 1);
            self.shared
                .log
                .warn_once("day_restored", || messages::day_restored(day));
        }
        health.count(|counts| counts.cas_conflicts += warnings.cas_conflicts);
        for (day, records) in &warnings.uncertain {
            health.warn("totals_uncertain", *records);
            self.shared
                .log
                .warn_once("totals_uncertain", || messages::totals_uncertain(day));
        }
    }

    pub fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The database is left. A batch in flight goes to the next one, where its fate is looked up.
    pub fn leave_database(&mut self, baselines: &Arc<Baselines>) {
        let was_in_flight = !self.tasks.is_empty();
        self.tasks.detach();
        match &mut self.batch {
            Some(batch) => {
                if was_in_flight {
                    batch.mark_uncertain();
                }
                self.ledger.leave_database(Arc::clone(baselines));
            }
            None => {
                let context = self.shared.context.clone();
                let writer = self.writer.in_next_database(&context);
                *self.ledger = Ledger::new(context, self.rules, writer, Arc::clone(baselines));
            }
        }
        self.backoff.succeed();
    }

    /// The worker ends: a batch in flight runs to its end.
    pub fn close(&mut self) {
        self.tasks.detach();
    }

    /// When a flush or a retry is due.
    pub fn wake_at(&self) -> Option<Instant> {
        match &self.batch {
            _ if !self.tasks.is_empty() => None,
            Some(_) => self.backoff.until(),
            None => self.flush_at,
        }
    }
}

/// The result of an attempt at a batch.
pub struct TotalsResult(Result<Attempted>);
