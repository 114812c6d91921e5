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
use super::writer::Writer;
use crate::instance::context::Context;
use crate::pipeline::watermarks::Queue;
use crate::spool::NextWriter;
use crate::util::backoff::Backoff;
use crate::util::random::Random;

pub struct Account {
    rules: Rules,
    pub queue: Queue,
    /// As which new databases are entered.
    pub writer: Writer,
    pub ledger: Box<Ledger>,
    /// Closed batches, in the order of their records.
    closed: VecDeque<TotalsBatch>,
    pending: Pending,
    /// In flight, or failed and to be retried as it was.
    pub batch: Option<TotalsBatch>,
    change: Option<Change>,
    /// The last record that this process has added, or left out.
    added_up_to: i64,
    /// When contributions are added at the latest.
    flush_at: Option<Instant>,
    /// Contributions up to this record are added as soon as the records are written.
    due_up_to: Option<i64>,
    backoff: Backoff,
}

/// A change of the id under which an account adds.
enum Change {
    /// Once it has left its id, it goes on under this one.
    Wanted(String),
    /// It has left its id. It adds nothing until the disk has the next one.
    Unstored(NextWriter),
}

impl Change {
    fn is_unstored(&self) -> bool {
        matches!(self, Change::Unstored(_))
    }
}

impl Account {
    pub fn new(
        (queue, writer): (Queue, Writer),
        ledger: Ledger,
        rules: Rules,
        context: &Context,
    ) -> Self {
        Self {
            rules,
            queue,
            writer,
            ledger: Box::new(ledger),
            closed: VecDeque::new(),
            pending: Pending::new(),
            batch: None,
            change: None,
            added_up_to: 0,
            flush_at: None,
            due_up_to: None,
            backoff: Backoff::new(&context.random),
        }
    }

    /// Returns the bytes that the contribution takes while it waits.
    pub fn add(&mut self, contribution: Contribution) -> usize {
        let is_recovered = contribution.seq < self.writer.first;
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

    /// Another process adds under its id.
    pub fn want_another_id(&mut self, random: &Random) {
        self.change
            .get_or_insert_with(|| Change::Wanted(random.id()));
    }

    /// Leaves its id, if it is to and there is something to add, but nothing that may have been sent under it: no
    /// batch, and no record of a process before this one. Those come before all others.
    pub fn leave_id(&mut self) {
        let first = self.writer.first;
        let is_ours = |seq: i64| seq >= first;
        if self.batch.is_some() || !self.first_uncommitted().is_some_and(is_ours) {
            return;
        }
        if let Some(Change::Wanted(next)) = &mut self.change {
            let writer = std::mem::take(next);
            let after = self.added_up_to.max(first - 1);
            self.change = Some(Change::Unstored(NextWriter { writer, after }));
        }
    }

    /// What the disk has to keep before anything is added.
    pub fn unstored(&self) -> Option<&NextWriter> {
        match &self.change {
            Some(Change::Unstored(next)) => Some(next),
            Some(Change::Wanted(_)) | None => None,
        }
    }

    /// The disk has it.
    pub fn stored(&mut self) {
        if let Some(Change::Unstored(next)) = self.change.take_if(|one| one.is_unstored()) {
            self.writer = self.writer.followed_by(next);
            self.ledger.change_writer(&self.writer, self.queue);
        }
    }

    /// Whether there are records for a new batch.
    fn takes_any(&self) -> bool {
        let below = match self.change {
            None => i64::MAX,
            Some(Change::Wanted(_)) => self.writer.first,
            Some(Change::Unstored(_)) => i64::MIN,
        };
        self.first_uncommitted().is_some_and(|seq| seq < below)
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

    /// The batch to send now, if one is to be sent: the one that failed, or a new one if it is time. Records of
    /// the queue are written up to `written`; `is_urgent` does not wait.
    pub fn next_batch(
        &mut self,
        written: i64,
        is_urgent: bool,
        now: Instant,
        flush_at: Instant,
    ) -> Option<TotalsBatch> {
        if let Some(batch) = &mut self.batch {
            (self.rules.resent)(batch, &mut self.pending);
        } else if !self.takes_any() {
            return None;
        } else if let Some(closed) = self.closed.pop_front() {
            self.batch = Some(closed);
        } else if self.is_due(written, is_urgent, now, flush_at) {
            self.flush_at = None;
            self.due_up_to = self.due_up_to.filter(|due| *due > written);
            self.batch = Some(self.pending.take_batch());
        }
        self.batch.clone().filter(|_| self.backoff.is_over(now))
    }

    fn is_due(&mut self, written: i64, is_urgent: bool, now: Instant, flush_at: Instant) -> bool {
        let flush_at = *self.flush_at.get_or_insert(flush_at);
        flush_at <= now || is_urgent || self.due_up_to.is_some_and(|due| due <= written)
    }

    /// The batch is added.
    pub fn complete(&mut self) -> Option<TotalsBatch> {
        self.backoff.succeed();
        let batch = self.batch.take();
        let last = batch.as_ref().map_or(0, |batch| batch.last);
        self.added_up_to = self.added_up_to.max(last);
        batch
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

    /// When a retry or a flush is due.
    pub fn wake_at(&self) -> Option<Instant> {
        match &self.batch {
            Some(_) => self.backoff.until(),
            None => self.flush_at.filter(|_| self.takes_any()),
        }
    }
}
