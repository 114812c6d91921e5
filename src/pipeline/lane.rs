//! A queue whose head is written group by group, one group at a time, in order.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use super::backoff::Backoff;

/// Something with a place in the order of all records.
pub trait Numbered {
    fn seq(&self) -> i64;
    /// Bytes it takes in the queue.
    fn cost(&self) -> usize;
}

/// Bounds of one group.
#[derive(Debug, Clone, Copy)]
pub struct GroupLimit {
    pub records: usize,
    pub bytes: usize,
}

pub struct Lane<T> {
    limit: GroupLimit,
    queue: VecDeque<T>,
    /// In flight, or failed and to be repeated exactly as it was.
    group: Option<Arc<Vec<T>>>,
    is_in_flight: bool,
    backoff: Backoff,
}

impl<T: Numbered> Lane<T> {
    pub fn new(limit: GroupLimit) -> Self {
        Self {
            limit,
            queue: VecDeque::new(),
            group: None,
            is_in_flight: false,
            backoff: Backoff::default(),
        }
    }

    pub fn push(&mut self, item: T) {
        self.queue.push_back(item);
    }

    /// The number of the oldest record that is not known to be written.
    pub fn first_unwritten(&self) -> Option<i64> {
        let group = self.group.as_ref().and_then(|group| group.first());
        group.or(self.queue.front()).map(T::seq)
    }

    /// The next group to write, of records up to this one, if none is in flight and no wait is on.
    pub fn take_group(&mut self, now: Instant, up_to: i64) -> Option<Arc<Vec<T>>> {
        if self.is_in_flight || !self.backoff.is_over(now) {
            return None;
        }
        if self.group.is_none() {
            self.group = self.next_group(up_to);
        }
        self.is_in_flight = self.group.is_some();
        self.group.clone()
    }

    fn next_group(&mut self, up_to: i64) -> Option<Arc<Vec<T>>> {
        let (mut count, mut bytes) = (0, 0);
        let items = self.queue.iter().take(self.limit.records);
        for item in items.take_while(|item| item.seq() <= up_to) {
            bytes += item.cost();
            if count > 0 && bytes > self.limit.bytes {
                break;
            }
            count += 1;
        }
        (count > 0).then(|| Arc::new(self.queue.drain(..count).collect()))
    }

    /// The group in flight is written.
    pub fn written(&mut self) -> Arc<Vec<T>> {
        self.is_in_flight = false;
        self.backoff.succeed();
        self.group.take().unwrap_or_default()
    }

    /// The group in flight is to be repeated; returns how many records it has.
    pub fn failed(&mut self, now: Instant) -> usize {
        self.is_in_flight = false;
        self.backoff.fail(now);
        self.group.as_ref().map_or(0, |group| group.len())
    }

    /// What is in flight is to be repeated at once, elsewhere; its outcome will not be told.
    pub fn abandon(&mut self) {
        self.is_in_flight = false;
        self.backoff.succeed();
    }

    /// When a wait ends, if the lane has something to repeat.
    pub fn retry_at(&self) -> Option<Instant> {
        let waits = self.group.is_some() && !self.is_in_flight;
        waits.then(|| self.backoff.until()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: i64 = i64::MAX;

    #[derive(Debug, Clone, PartialEq)]
    struct Item(i64);

    impl Numbered for Item {
        fn seq(&self) -> i64 {
            self.0
        }
        fn cost(&self) -> usize {
            10
        }
    }

    fn lane(records: usize, bytes: usize) -> Lane<Item> {
        let mut lane = Lane::new(GroupLimit { records, bytes });
        (1..=5).for_each(|seq| lane.push(Item(seq)));
        lane
    }

    #[test]
    fn one_group_is_in_flight_at_a_time_and_bounded_by_records_and_bytes() {
        let now = Instant::now();
        let mut by_records = lane(3, 1000);
        assert_eq!(by_records.take_group(now, ALL).map(|g| g.len()), Some(3));
        assert_eq!(by_records.take_group(now, ALL), None);
        by_records.written();
        assert_eq!(by_records.take_group(now, ALL).map(|g| g.len()), Some(2));
        let mut by_bytes = lane(100, 25);
        assert_eq!(by_bytes.take_group(now, ALL).map(|g| g.len()), Some(2));
        let mut one_big = lane(100, 1);
        assert_eq!(one_big.take_group(now, ALL).map(|g| g.len()), Some(1));
    }

    #[test]
    fn a_group_holds_records_up_to_the_given_one_only() {
        let now = Instant::now();
        let mut lane = lane(100, 1000);
        assert_eq!(lane.take_group(now, 3).map(|g| g.len()), Some(3));
        lane.written();
        assert_eq!(lane.take_group(now, 3), None);
        assert_eq!(lane.take_group(now, ALL).map(|g| g.len()), Some(2));
    }

    #[test]
    fn a_failed_group_is_repeated_as_it_was_after_its_wait() {
        let now = Instant::now();
        let mut lane = lane(2, 1000);
        let group = lane.take_group(now, ALL).expect("a group");
        assert_eq!(lane.failed(now), 2);
        lane.push(Item(6));
        assert_eq!(lane.first_unwritten(), Some(1));
        assert_eq!(lane.take_group(now, ALL), None);
        let later = lane.retry_at().expect("a wait");
        assert_eq!(lane.take_group(later, ALL), Some(group));
    }
}
