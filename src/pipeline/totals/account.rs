//! An account: the totals of one queue. It has its pending contributions, its batch that was sent, and its
//! ledger; no queue waits for the account of another.
//!
//! What is saved on disk is closed: contributions that come later are added by themselves, or with all of a
//! closed batch that was never sent. So whichever file a crash leaves, this process has sent every batch in it
//! as a whole, or not at all.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::batch::TotalsBatch;
use super::contribution::Contribution;
use super::ledger::Ledger;
use super::pending::Pending;
use super::rules::Rules;
use crate::instance::context::Context;
use crate::util::backoff::Backoff;

pub struct Account {
    rules: Rules,
    pub ledger: Box<Ledger>,
    /// Closed batches, in the order of their records.
    closed: VecDeque<TotalsBatch>,
    pending: Pending,
    /// In flight, or failed and to be retried as it was.
    pub batch: Option<TotalsBatch>,
    /// When contributions are added at the latest.
    flush_at: Option<Instant>,
    /// Contributions up to this record are added as soon as the records are written.
    due_up_to: Option<i64>,
    backoff: Backoff,
}

impl Account {
    pub fn new(ledger: Ledger, rules: Rules, context: &Context) -> Self {
        Self {
            rules,
            ledger: Box::new(ledger),
            closed: VecDeque::new(),
            pending: Pending::new(),
            batch: None,
            flush_at: None,
            due_up_to: None,
            backoff: Backoff::new(&context.random),
        }
    }

    /// Returns the bytes that the contribution takes while it waits.
    pub fn add(&mut self, contribution: Contribution, is_recovered: bool) -> usize {
        self.pending.add(contribution, is_recovered)
    }

    /// Contributions up to this record do not wait any longer.
    pub fn flush(&mut self, up_to: i64) {
        self.due_up_to = Some(up_to);
    }

    /// The number of the oldest record whose contribution is not added.
    pub fn first_uncommitted(&self) -> Option<i64> {
        let first = self.batches().map(|batch| batch.first);
        first.chain(self.pending.first()).min()
    }

    /// Whether nothing waits under the name that it has.
    pub fn is_settled(&self) -> bool {
        self.batch.is_none() && self.closed.is_empty()
    }

    /// Takes batches that a process before this one has closed.
    pub fn load(&mut self, closed: VecDeque<TotalsBatch>) {
        self.closed = closed;
    }

    /// Closes everything that waits; returns the bytes that it takes less.
    pub fn close(&mut self) -> usize {
        self.flush_at = None;
        let mut less = 0;
        while !self.pending.is_empty() {
            let batch = self.pending.take_batch();
            match self.closed.back_mut() {
                Some(last) if last.merges_with(&batch) => less += last.merge(batch),
                _ => self.closed.push_back(batch),
            }
        }
        less
    }

    /// Bytes of contributions that are kept one by one, while they cannot be added.
    pub fn unsaved_bytes(&self) -> usize {
        if self.backoff.until().is_none() {
            return 0;
        }
        let closed: usize = self.batches().map(TotalsBatch::unsaved_bytes).sum();
        closed + self.pending.unsaved_bytes()
    }

    /// What is closed.
    pub fn batches(&self) -> impl Iterator<Item = &TotalsBatch> {
        self.batch.iter().chain(&self.closed)
    }

    /// The batch to send now, if one is to be sent: the one that failed, or a new one if it is time and
    /// `takes_new`. Records of the queue are written up to `written`; `is_urgent` does not wait.
    pub fn next_batch(
        &mut self,
        written: i64,
        is_urgent: bool,
        takes_new: bool,
        now: Instant,
        flush_at: Instant,
    ) -> Option<TotalsBatch> {
        if let Some(batch) = &mut self.batch {
            (self.rules.resent)(batch, &mut self.pending);
        } else if let Some(closed) = self.closed.pop_front() {
            self.batch = Some(closed);
        } else if self.is_due(written, is_urgent, now, flush_at) && takes_new {
            self.flush_at = None;
            self.due_up_to = self.due_up_to.filter(|due| *due > written);
            self.batch = Some(self.pending.take_batch());
        }
        self.batch.clone().filter(|_| self.backoff.is_over(now))
    }

    fn is_due(&mut self, written: i64, is_urgent: bool, now: Instant, flush_at: Instant) -> bool {
        if self.pending.is_empty() {
            return false;
        }
        let flush_at = *self.flush_at.get_or_insert(flush_at);
        flush_at <= now || is_urgent || self.due_up_to.is_some_and(|due| due <= written)
    }

    /// The batch is added.
    pub fn complete(&mut self) -> Option<TotalsBatch> {
        self.backoff.succeed();
        self.batch.take()
    }

    /// The batch is to be sent again; returns the number of its records.
    pub fn fail(&mut self, now: Instant) -> u64 {
        self.backoff.fail(now);
        self.batch.as_ref().map_or(0, |batch| batch.records)
    }

    /// The database is left. A batch that was sent goes to the next one, where its fate is looked up;
    /// without one the account begins anew under `ledger`.
    pub fn leave_database(&mut self, ledger: Ledger) {
        match &self.batch {
            Some(_) => self.ledger.move_to(ledger),
            None => *self.ledger = ledger,
        }
        self.backoff.succeed();
    }

    /// When a retry is due, or a flush if `takes_new`.
    pub fn wake_at(&self, takes_new: bool) -> Option<Instant> {
        match &self.batch {
            Some(_) => self.backoff.until(),
            None => self.flush_at.filter(|_| takes_new),
        }
    }
}
