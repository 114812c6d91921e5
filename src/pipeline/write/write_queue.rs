//! A write queue: batches of records on their way to one collection. Results are reported in the order of
//! the records, and a batch that failed is retried exactly as it was.
//!
//! A lone record leaves at once. While a batch is in flight, records collect, so batches grow with the
//! load. Further batches are in flight beside it only when they are sealed: full, or the last of their
//! day or of a database.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use crate::util::backoff::Backoff;

/// Records that are written together, in their order.
pub trait Records: Default {
    /// The numbers of the first and the last; `None` while there are none.
    fn numbers(&self) -> Option<(i64, i64)>;
    fn count(&self) -> usize;
    /// Bytes they take in the queue.
    fn bytes(&self) -> usize;
    /// Whether everything before them must be written first.
    fn follows_all(&self) -> bool {
        false
    }
    /// No record will be added any more.
    fn seal(&mut self) {}
}

/// Bounds of one batch.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimit {
    pub records: usize,
    pub bytes: usize,
}

/// A batch that was sent.
struct Sent<B, R> {
    number: u64,
    batch: Arc<B>,
    state: State<R>,
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
    backoff: Backoff,
}

impl<B: Records, R> WriteQueue<B, R> {
    pub fn new(limit: BatchLimit, in_flight: usize, backoff: Backoff) -> Self {
        Self {
            limit,
            in_flight,
            sent: VecDeque::new(),
            sealed: VecDeque::new(),
            open: B::default(),
            last_number: 0,
            backoff,
        }
    }

    /// The batch to which a record of so many bytes is to be added, if the batch will have it.
    pub fn batch_for(&mut self, bytes: usize, fits: impl FnOnce(&B) -> bool) -> &mut B {
        if self.is_open_full() || self.open.bytes() + bytes > self.limit.bytes || !fits(&self.open)
        {
            self.seal();
        }
        &mut self.open
    }

    /// Later records go into another batch than earlier ones.
    pub fn seal(&mut self) {
        if self.open.count() > 0 {
            self.open.seal();
            self.sealed.push_back(std::mem::take(&mut self.open));
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
        if !self.backoff.is_over(now) {
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
        let next = self.sealed.front()?;
        let (_, last) = next.numbers()?;
        let is_first = self.sent.is_empty();
        if last > up_to || next.follows_all() && !is_first {
            return None;
        }
        let batch = Arc::new(self.sealed.pop_front()?);
        self.last_number += 1;
        self.sent.push_back(Sent {
            number: self.last_number,
            batch: Arc::clone(&batch),
            state: State::InFlight,
        });
        Some((self.last_number, batch))
    }

    /// A batch is written; returns what can be reported now, in the order of the records.
    pub fn written(&mut self, number: u64, result: R) -> Vec<(Arc<B>, R)> {
        self.backoff.succeed();
        if let Some(sent) = self.sent(number) {
            sent.state = State::Written(result);
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
        self.sent(number).map_or(0, |sent| {
            sent.state = State::Failed;
            sent.batch.count()
        })
    }

    fn sent(&mut self, number: u64) -> Option<&mut Sent<B, R>> {
        self.sent.iter_mut().find(|sent| sent.number == number)
    }

    /// Batches in flight are to be sent again at once, to another database; their results will not be
    /// reported.
    pub fn resend(&mut self) {
        for sent in &mut self.sent {
            if matches!(sent.state, State::InFlight) {
                sent.state = State::Failed;
            }
        }
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
mod tests {
    use super::*;

    const ALL: i64 = i64::MAX;

    /// Numbers of records of ten bytes each.
    #[derive(Debug, Default, Clone, PartialEq)]
    struct Numbers(Vec<i64>);

    /// Batches with this record follow all.
    const FOLLOWER: i64 = 8;

    impl Records for Numbers {
        fn numbers(&self) -> Option<(i64, i64)> {
            Some((*self.0.first()?, *self.0.last()?))
        }
        fn count(&self) -> usize {
            self.0.len()
        }
        fn bytes(&self) -> usize {
            10 * self.0.len()
        }
        fn follows_all(&self) -> bool {
            self.0.contains(&FOLLOWER)
        }
    }

    type TestQueue = WriteQueue<Numbers, &'static str>;

    fn push(queue: &mut TestQueue, seq: i64) {
        queue.batch_for(10, |_| true).0.push(seq);
    }

    fn queue(records: usize, bytes: usize, in_flight: usize) -> TestQueue {
        let limit = BatchLimit { records, bytes };
        let mut queue = WriteQueue::new(limit, in_flight, Backoff::default());
        (1..=5).for_each(|seq| push(&mut queue, seq));
        queue
    }

    fn sent(queue: &mut TestQueue, up_to: i64) -> Option<(u64, usize)> {
        let batch = queue.take_batch(Instant::now(), up_to);
        batch.map(|(number, records)| (number, records.count()))
    }

    #[test]
    fn batches_are_bounded_by_records_and_by_bytes() {
        assert_eq!(sent(&mut queue(3, 1000, 1), ALL), Some((1, 3)));
        assert_eq!(sent(&mut queue(100, 25, 1), ALL), Some((1, 2)));
        assert_eq!(sent(&mut queue(100, 1, 1), ALL), Some((1, 1)));
        assert_eq!(sent(&mut queue(100, 1000, 1), ALL), Some((1, 5)));
    }

    #[test]
    fn a_batch_holds_no_records_from_both_sides_of_a_seal() {
        let mut queue = queue(100, 1000, 1);
        queue.seal();
        push(&mut queue, 6);
        assert_eq!(sent(&mut queue, 5), Some((1, 5)));
        assert_eq!(queue.written(1, "first").len(), 1);
        assert_eq!(sent(&mut queue, 5), None);
        assert_eq!(sent(&mut queue, 6), Some((2, 1)));
        queue.batch_for(10, |_| false).0.push(7);
        queue.batch_for(10, |open| open.0 != [7]).0.push(8);
        assert_eq!(queue.written(2, "second").len(), 1);
        assert_eq!(sent(&mut queue, ALL), Some((3, 1)));
    }

    #[test]
    fn further_batches_are_in_flight_only_if_they_are_full_and_there_is_room() {
        let mut narrow = queue(2, 1000, 1);
        assert_eq!(sent(&mut narrow, ALL), Some((1, 2)));
        assert_eq!(sent(&mut narrow, ALL), None);
        let mut wide = queue(2, 1000, 3);
        assert_eq!(sent(&mut wide, ALL), Some((1, 2)));
        assert_eq!(sent(&mut wide, ALL), Some((2, 2)));
        assert_eq!(sent(&mut wide, ALL), None, "one record is no full batch");
        push(&mut wide, 6);
        assert_eq!(sent(&mut wide, ALL), Some((3, 2)));
        push(&mut wide, 7);
        for (number, result) in [(1, "first"), (2, "second"), (3, "third")] {
            assert_eq!(wide.written(number, result).len(), 1);
        }
        assert_eq!(sent(&mut wide, ALL), Some((4, 1)), "it leaves when alone");
    }

    #[test]
    fn results_are_reported_in_the_order_of_the_records() {
        let mut queue = queue(2, 1000, 2);
        assert_eq!(sent(&mut queue, ALL), Some((1, 2)));
        assert_eq!(sent(&mut queue, ALL), Some((2, 2)));
        assert!(queue.written(2, "second").is_empty());
        assert_eq!(queue.first_unwritten(), Some(1));
        let reported = queue.written(1, "first");
        let results: Vec<_> = reported.iter().map(|(_, result)| *result).collect();
        assert_eq!(results, ["first", "second"]);
        assert_eq!(queue.first_unwritten(), Some(5));
    }

    #[test]
    fn a_failed_batch_is_retried_as_it_was_after_its_backoff() {
        let now = Instant::now();
        let mut queue = queue(2, 1000, 2);
        let batch = queue.take_batch(now, ALL).expect("a batch");
        assert_eq!(queue.failed(1, now), 2);
        push(&mut queue, 6);
        assert_eq!(queue.first_unwritten(), Some(1));
        assert_eq!(queue.take_batch(now, ALL), None);
        let later = queue.retry_at().expect("a backoff");
        assert_eq!(queue.take_batch(later, ALL), Some(batch.clone()));
        queue.resend();
        assert_eq!(
            queue.take_batch(now, ALL),
            Some(batch),
            "at once, elsewhere"
        );
    }

    #[test]
    fn a_batch_that_follows_all_waits_until_every_record_before_it_is_written() {
        let limit = BatchLimit {
            records: 2,
            bytes: 1000,
        };
        let mut queue = WriteQueue::new(limit, 3, Backoff::default());
        for seq in [1, 2, FOLLOWER, 9, 10, 11] {
            push(&mut queue, seq);
        }
        assert_eq!(sent(&mut queue, ALL), Some((1, 2)));
        assert_eq!(sent(&mut queue, ALL), None);
        queue.written(1, "");
        assert_eq!(sent(&mut queue, ALL), Some((2, 2)), "it follows");
        assert_eq!(
            sent(&mut queue, ALL),
            Some((3, 2)),
            "a batch behind it does not wait"
        );
    }
}
