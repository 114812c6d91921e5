//! A queue whose head is written group by group, and whose outcomes come in the order of the records.
//!
//! A lone record leaves at once. While a group is in flight, records collect, so groups grow with the
//! load; further groups are in flight beside it only when they are full.

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

/// Records that are written together.
struct Group<T, O> {
    number: u64,
    records: Arc<Vec<T>>,
    state: State<O>,
}

enum State<O> {
    InFlight,
    /// To be repeated exactly as it was.
    Failed,
    /// An older group is not written yet.
    Written(O),
}

pub struct Lane<T, O> {
    limit: GroupLimit,
    /// Groups in flight at most.
    width: usize,
    queue: VecDeque<T>,
    queued_bytes: usize,
    /// In the order of their records.
    groups: VecDeque<Group<T, O>>,
    last_number: u64,
    backoff: Backoff,
}

/// A group and its number.
pub type Numbering<T> = (u64, Arc<Vec<T>>);

impl<T: Numbered, O> Lane<T, O> {
    pub fn new(limit: GroupLimit, width: usize) -> Self {
        Self {
            limit,
            width,
            queue: VecDeque::new(),
            queued_bytes: 0,
            groups: VecDeque::new(),
            last_number: 0,
            backoff: Backoff::default(),
        }
    }

    pub fn push(&mut self, item: T) {
        self.queued_bytes += item.cost();
        self.queue.push_back(item);
    }

    /// The number of the oldest record whose outcome is not told.
    pub fn first_unwritten(&self) -> Option<i64> {
        let group = self.groups.front().and_then(|group| group.records.first());
        group.or(self.queue.front()).map(T::seq)
    }

    /// The next group to write, of records up to this one, if there is room and no wait is on.
    pub fn take_group(&mut self, now: Instant, up_to: i64) -> Option<Numbering<T>> {
        if !self.backoff.is_over(now) {
            return None;
        }
        let failed = |group: &&mut Group<T, O>| matches!(group.state, State::Failed);
        if let Some(group) = self.groups.iter_mut().find(failed) {
            group.state = State::InFlight;
            return Some((group.number, Arc::clone(&group.records)));
        }
        let may_begin =
            self.groups.is_empty() || self.groups.len() < self.width && self.has_full_group();
        may_begin.then(|| self.next_group(up_to)).flatten()
    }

    fn has_full_group(&self) -> bool {
        self.queue.len() >= self.limit.records || self.queued_bytes >= self.limit.bytes
    }

    fn next_group(&mut self, up_to: i64) -> Option<Numbering<T>> {
        let (mut count, mut bytes) = (0, 0);
        let items = self.queue.iter().take(self.limit.records);
        for item in items.take_while(|item| item.seq() <= up_to) {
            if count > 0 && bytes + item.cost() > self.limit.bytes {
                break;
            }
            bytes += item.cost();
            count += 1;
        }
        if count == 0 {
            return None;
        }
        self.queued_bytes -= bytes;
        self.last_number += 1;
        let records = Arc::new(self.queue.drain(..count).collect());
        self.groups.push_back(Group {
            number: self.last_number,
            records: Arc::clone(&records),
            state: State::InFlight,
        });
        Some((self.last_number, records))
    }

    /// A group is written; returns what can be told now, in the order of the records.
    pub fn written(&mut self, number: u64, outcome: O) -> Vec<(Arc<Vec<T>>, O)> {
        self.backoff.succeed();
        if let Some(group) = self.group(number) {
            group.state = State::Written(outcome);
        }
        let mut told = Vec::new();
        while let Some(group) = self.groups.pop_front() {
            match group.state {
                State::Written(outcome) => told.push((group.records, outcome)),
                _ => {
                    self.groups.push_front(group);
                    break;
                }
            }
        }
        told
    }

    /// A group is to be repeated; returns how many records it has.
    pub fn failed(&mut self, number: u64, now: Instant) -> usize {
        self.backoff.fail(now);
        self.group(number).map_or(0, |group| {
            group.state = State::Failed;
            group.records.len()
        })
    }

    fn group(&mut self, number: u64) -> Option<&mut Group<T, O>> {
        self.groups.iter_mut().find(|group| group.number == number)
    }

    /// What is in flight is to be repeated at once, elsewhere; its outcome will not be told.
    pub fn abandon(&mut self) {
        for group in &mut self.groups {
            if matches!(group.state, State::InFlight) {
                group.state = State::Failed;
            }
        }
        self.backoff.succeed();
    }

    /// When a wait ends, if the lane has something to repeat.
    pub fn retry_at(&self) -> Option<Instant> {
        let failed = |group: &Group<T, O>| matches!(group.state, State::Failed);
        let waits = self.groups.iter().any(failed);
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

    fn lane(records: usize, bytes: usize, width: usize) -> Lane<Item, &'static str> {
        let mut lane = Lane::new(GroupLimit { records, bytes }, width);
        (1..=5).for_each(|seq| lane.push(Item(seq)));
        lane
    }

    fn taken(lane: &mut Lane<Item, &'static str>, up_to: i64) -> Option<(u64, usize)> {
        let group = lane.take_group(Instant::now(), up_to);
        group.map(|(number, records)| (number, records.len()))
    }

    #[test]
    fn groups_are_bounded_by_records_and_by_bytes() {
        assert_eq!(taken(&mut lane(3, 1000, 1), ALL), Some((1, 3)));
        assert_eq!(taken(&mut lane(100, 25, 1), ALL), Some((1, 2)));
        assert_eq!(taken(&mut lane(100, 1, 1), ALL), Some((1, 1)));
        assert_eq!(taken(&mut lane(100, 1000, 1), 3), Some((1, 3)));
        assert_eq!(taken(&mut lane(100, 1000, 1), 0), None);
    }

    #[test]
    fn further_groups_are_in_flight_only_if_they_are_full_and_there_is_room() {
        let mut narrow = lane(2, 1000, 1);
        assert_eq!(taken(&mut narrow, ALL), Some((1, 2)));
        assert_eq!(taken(&mut narrow, ALL), None);
        let mut wide = lane(2, 1000, 3);
        assert_eq!(taken(&mut wide, ALL), Some((1, 2)));
        assert_eq!(taken(&mut wide, ALL), Some((2, 2)));
        assert_eq!(taken(&mut wide, ALL), None, "one record is no full group");
        assert_eq!(wide.written(1, "first").len(), 1);
        assert_eq!(wide.written(2, "second").len(), 1);
        assert_eq!(taken(&mut wide, ALL), Some((3, 1)), "it leaves when alone");
    }

    #[test]
    fn outcomes_are_told_in_the_order_of_the_records() {
        let mut lane = lane(2, 1000, 2);
        assert_eq!(taken(&mut lane, ALL), Some((1, 2)));
        assert_eq!(taken(&mut lane, ALL), Some((2, 2)));
        assert!(lane.written(2, "second").is_empty());
        assert_eq!(lane.first_unwritten(), Some(1));
        let told = lane.written(1, "first");
        let outcomes: Vec<_> = told.iter().map(|(_, outcome)| *outcome).collect();
        assert_eq!(outcomes, ["first", "second"]);
        assert_eq!(lane.first_unwritten(), Some(5));
    }

    #[test]
    fn a_failed_group_is_repeated_as_it_was_after_its_wait() {
        let now = Instant::now();
        let mut lane = lane(2, 1000, 2);
        let group = lane.take_group(now, ALL).expect("a group");
        assert_eq!(lane.failed(1, now), 2);
        lane.push(Item(6));
        assert_eq!(lane.first_unwritten(), Some(1));
        assert_eq!(lane.take_group(now, ALL), None);
        let later = lane.retry_at().expect("a wait");
        assert_eq!(lane.take_group(later, ALL), Some(group.clone()));
        lane.abandon();
        assert_eq!(lane.take_group(now, ALL), Some(group), "at once, elsewhere");
    }
}
