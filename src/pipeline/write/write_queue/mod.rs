//! A write queue: batches of records on their way to one collection. Results are reported in the order of
//! the records, and a batch that failed is retried exactly as it was.
//!
//! A lone record leaves at once. While a batch is in flight, records collect, so batches grow with the
//! load. Further batches are in flight beside it only when they are sealed: full, or the last of a
//! database.
//!
//! **Refusals.** A batch that the server refuses as a whole for its content is split in halves, which are
//! sent by themselves, until the record that is refused stands alone. It is dropped when the collection is
//! proven to take others, and after a bounded number of attempts in any case: no content is retried for
//! ever. A code that nobody knows gets a few attempts first, and a record that is refused with it alone is
//! sent again for a while, since it may be about the moment.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::store::{Fault, StoreError};
use crate::util::backoff::Backoff;

/// A lone record that is refused with a code that nobody knows is sent again for so long at least. What is written with
/// it waits no longer than two seconds.
const ALONE: Duration = Duration::from_millis(700);

/// Records that are written together, in their order.
pub trait Records: Sized {
    /// The numbers of the first and the last; `None` while there are none.
    fn numbers(&self) -> Option<(i64, i64)>;
    fn count(&self) -> usize;
    /// Bytes they take in the queue.
    fn bytes(&self) -> usize;
    /// Whether there is anything to send.
    fn has_documents(&self) -> bool {
        true
    }
    /// An empty batch for the records behind these.
    fn next(&self) -> Self;
    /// Its first half and the other, each with at least one record.
    fn halves(&self) -> (Self, Self);
    /// No record will be added any more.
    fn seal(&mut self) {}
}

/// Bounds of one batch.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimit {
    pub records: usize,
    pub bytes: usize,
}

/// How sure it is that a refusal is about the content of the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspicion {
    Content,
    /// The error code says nothing.
    Unknown,
}

impl Suspicion {
    /// Whether a batch may have been refused for its content, as a whole.
    pub fn of(error: &StoreError) -> Option<Self> {
        match error.fault {
            Fault::Content => Some(Self::Content),
            Fault::Unknown => Some(Self::Unknown),
            Fault::Moment | Fault::Connection | Fault::Collection => None,
        }
    }

    /// Attempts before the batch is split.
    fn attempts_whole(self) -> u32 {
        match self {
            Suspicion::Content => 1,
            Suspicion::Unknown => 3,
        }
    }

    /// Attempts at a lone record before it is dropped although the collection took no other: within about
    /// 1.5 s, and within about 20 s.
    fn attempts_alone(self) -> u32 {
        match self {
            Suspicion::Content => 6,
            Suspicion::Unknown => 12,
        }
    }
}

/// What becomes of a batch that was refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is sent again, whole or in halves: so many records.
    Retried(usize),
    /// It is one record, and dropped.
    Dropped,
}

/// A batch that was sent.
struct Sent<B, R> {
    number: u64,
    batch: Arc<B>,
    state: State<R>,
    /// Refusals of the whole batch.
    refusals: u32,
    /// Batches that were stored when it was refused first.
    stored_before: Option<u64>,
    /// When it was refused alone first.
    alone_since: Option<Instant>,
}

enum State<R> {
    InFlight,
    /// To be retried exactly as it was.
    Failed,
    /// An older batch is not written yet.
    Written(R),
}

pub struct WriteQueue<B, R> {
    limit: BatchLimit,
    /// Batches in flight at most.
    in_flight: usize,
    /// In the order of their records.
    sent: VecDeque<Sent<B, R>>,
    /// Sealed batches, in the order of their records.
    sealed: VecDeque<B>,
    /// The batch that the newest records are added to.
    open: B,
    last_number: u64,
    /// Batches that this database has stored.
    stored: u64,
    backoff: Backoff,
}

impl<B: Records, R> WriteQueue<B, R> {
    pub fn new(limit: BatchLimit, in_flight: usize, backoff: Backoff, empty: B) -> Self {
        Self {
            limit,
            in_flight,
            sent: VecDeque::new(),
            sealed: VecDeque::new(),
            open: empty,
            last_number: 0,
            stored: 0,
            backoff,
        }
    }

    /// The batch to which a record of so many bytes is to be added.
    pub fn batch_for(&mut self, bytes: usize) -> &mut B {
        if self.is_open_full() || self.open.bytes() + bytes > self.limit.bytes {
            self.seal();
        }
        &mut self.open
    }

    /// Later records go into another batch than earlier ones.
    pub fn seal(&mut self) {
        if self.open.count() > 0 {
            self.open.seal();
            let next = self.open.next();
            let open = std::mem::replace(&mut self.open, next);
            self.sealed.push_back(open);
        }
    }

    /// Seals the open batch, if nothing else is on its way.
    pub fn seal_if_idle(&mut self) {
        if self.sent.is_empty() && self.sealed.is_empty() {
            self.seal();
        }
    }

    /// Whether nothing is sent because something failed.
    pub fn is_backing_off(&self, now: Instant) -> bool {
        !self.backoff.is_over(now)
    }

    fn is_open_full(&self) -> bool {
        self.open.count() >= self.limit.records || self.open.bytes() >= self.limit.bytes
    }

    /// The number of the oldest record whose result is not reported.
    pub fn first_unwritten(&self) -> Option<i64> {
        let oldest = match (self.sent.front(), self.sealed.front()) {
            (Some(sent), _) => sent.batch.as_ref(),
            (None, Some(batch)) => batch,
            (None, None) => &self.open,
        };
        oldest.numbers().map(|(first, _)| first)
    }

    /// The next batch to write, of records up to this one, if one may be sent now.
    pub fn take_batch(&mut self, now: Instant, up_to: i64) -> Option<(u64, Arc<B>)> {
        let in_flight = |sent: &&Sent<B, R>| matches!(sent.state, State::InFlight);
        if !self.backoff.is_over(now)
            || self.sent.iter().filter(in_flight).count() >= self.in_flight
        {
            return None;
        }
        let failed = |sent: &&mut Sent<B, R>| matches!(sent.state, State::Failed);
        if let Some(sent) = self.sent.iter_mut().find(failed) {
            sent.state = State::InFlight;
            return Some((sent.number, Arc::clone(&sent.batch)));
        }
        let is_idle = self.sent.is_empty() && self.sealed.is_empty();
        let may_leave = self.open.numbers().is_some_and(|(_, last)| last <= up_to);
        if is_idle && may_leave || self.is_open_full() {
            self.seal();
        }
        (self.sent.len() < self.in_flight)
            .then(|| self.next_batch(up_to))
            .flatten()
    }

    fn next_batch(&mut self, up_to: i64) -> Option<(u64, Arc<B>)> {
        let (_, last) = self.sealed.front()?.numbers()?;
        if last > up_to {
            return None;
        }
        let batch = self.sealed.pop_front()?;
        let sent = self.next_sent(batch, State::InFlight);
        let batch = (sent.number, Arc::clone(&sent.batch));
        self.sent.push_back(sent);
        Some(batch)
    }

    fn next_sent(&mut self, batch: B, state: State<R>) -> Sent<B, R> {
        self.last_number += 1;
        Sent {
            number: self.last_number,
            batch: Arc::new(batch),
            state,
            refusals: 0,
            stored_before: None,
            alone_since: None,
        }
    }

    /// A batch is stored; returns what can be reported now, in the order of the records.
    pub fn written(&mut self, number: u64, result: R) -> Vec<(Arc<B>, R)> {
        self.backoff.succeed();
        let index = self.index_of(number);
        if index.is_some_and(|index| self.sent[index].batch.has_documents()) {
            self.stored += 1;
        }
        self.done(number, result)
    }

    /// A batch needs no further attempt; returns what can be reported now, in the order of the records.
    pub fn done(&mut self, number: u64, result: R) -> Vec<(Arc<B>, R)> {
        if let Some(index) = self.index_of(number) {
            self.sent[index].state = State::Written(result);
        }
        let mut reported = Vec::new();
        while let Some(sent) = self.sent.pop_front() {
            match sent.state {
                State::Written(result) => reported.push((sent.batch, result)),
                _ => {
                    self.sent.push_front(sent);
                    break;
                }
            }
        }
        reported
    }

    /// A batch is to be retried; returns how many records it has.
    pub fn failed(&mut self, number: u64, now: Instant) -> usize {
        self.backoff.fail(now);
        self.index_of(number).map_or(0, |index| {
            self.sent[index].state = State::Failed;
            self.sent[index].batch.count()
        })
    }

    /// The server refuses a batch as a whole.
    pub fn refused(&mut self, number: u64, suspicion: Suspicion, now: Instant) -> Refused {
        let stored = self.stored;
        let Some(index) = self.index_of(number) else {
            return Refused::Retried(0);
        };
        let sent = &mut self.sent[index];
        sent.refusals += 1;
        let before = *sent.stored_before.get_or_insert(stored);
        let count = sent.batch.count();
        if sent.refusals < suspicion.attempts_whole() {
            return Refused::Retried(self.failed(number, now));
        }
        if count > 1 {
            self.split(index, suspicion.attempts_whole() - 1);
            return Refused::Retried(count);
        }
        let alone_since = *sent.alone_since.get_or_insert(now);
        let is_proven = match suspicion {
            Suspicion::Content => stored > 0,
            // The collection took others since then, and it is not of the moment.
            Suspicion::Unknown => stored > before && now >= alone_since + ALONE,
        };
        if is_proven || sent.refusals >= suspicion.attempts_alone() {
            return Refused::Dropped;
        }
        Refused::Retried(self.failed(number, now))
    }

    /// Halves are sent at once: they are another request.
    fn split(&mut self, index: usize, refusals: u32) {
        let whole = &self.sent[index];
        let (stored_before, (first, second)) = (whole.stored_before, whole.batch.halves());
        let [first, second] = [first, second].map(|half| Sent {
            refusals,
            stored_before,
            ..self.next_sent(half, State::Failed)
        });
        self.sent[index] = first;
        self.sent.insert(index + 1, second);
    }

    fn index_of(&self, number: u64) -> Option<usize> {
        self.sent.iter().position(|sent| sent.number == number)
    }

    /// Batches in flight are to be sent again at once, to another database; their results will not be
    /// reported.
    pub fn resend(&mut self) {
        for sent in &mut self.sent {
            if matches!(sent.state, State::InFlight) {
                sent.state = State::Failed;
            }
            (sent.refusals, sent.stored_before, sent.alone_since) = (0, None, None);
        }
        self.stored = 0;
        self.backoff.succeed();
    }

    /// When the backoff ends, if there is a batch to retry.
    pub fn retry_at(&self) -> Option<Instant> {
        let failed = |sent: &Sent<B, R>| matches!(sent.state, State::Failed);
        let waits = self.sent.iter().any(failed);
        waits.then(|| self.backoff.until()).flatten()
    }
}

#[cfg(test)]
mod tests;
