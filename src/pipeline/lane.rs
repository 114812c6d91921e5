//! Records are added to groups as they come; groups are written, and their outcomes come in the order of
//! the records.
//!
//! A lone record leaves at once. While a group is in flight, records collect, so groups grow with the
//! load; further groups are in flight beside it only when they are complete: full, or the last of their
//! day or of a place.

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
    fn complete(&mut self) {}
}

/// Bounds of one group.
#[derive(Debug, Clone, Copy)]
pub struct GroupLimit {
    pub records: usize,
    pub bytes: usize,
}

/// A group that was taken to be written.
struct Taken<G, O> {
    number: u64,
    group: Arc<G>,
    state: State<O>,
}

enum State<O> {
    InFlight,
    /// To be repeated exactly as it was.
    Failed,
    /// An older group is not written yet.
    Written(O),
}

pub struct Lane<G, O> {
    limit: GroupLimit,
    /// Groups in flight at most.
    width: usize,
    /// In the order of their records.
    taken: VecDeque<Taken<G, O>>,
    /// Complete groups, in the order of their records.
    complete: VecDeque<G>,
    /// What the newest records are added to.
    open: G,
    last_number: u64,
    backoff: Backoff,
}

impl<G: Records, O> Lane<G, O> {
    pub fn new(limit: GroupLimit, width: usize) -> Self {
        Self {
            limit,
            width,
            taken: VecDeque::new(),
            complete: VecDeque::new(),
            open: G::default(),
            last_number: 0,
            backoff: Backoff::default(),
        }
    }

    /// The group to which a record of so many bytes is to be added, if the group will have it.
    pub fn group_for(&mut self, bytes: usize, fits: impl FnOnce(&G) -> bool) -> &mut G {
        if self.is_open_full() || self.open.bytes() + bytes > self.limit.bytes || !fits(&self.open)
        {
            self.complete();
        }
        &mut self.open
    }

    /// Later records go into another group than earlier ones.
    pub fn complete(&mut self) {
        if self.open.count() > 0 {
            self.open.complete();
            self.complete.push_back(std::mem::take(&mut self.open));
        }
    }

    /// Lets what has come leave by itself, if nothing else is on its way.
    pub fn cut(&mut self) {
        if self.taken.is_empty() && self.complete.is_empty() {
            self.complete();
        }
    }

    /// Whether nothing is sent because something failed.
    pub fn is_pausing(&self, now: Instant) -> bool {
        !self.backoff.is_over(now)
    }

    fn is_open_full(&self) -> bool {
        self.open.count() >= self.limit.records || self.open.bytes() >= self.limit.bytes
    }

    /// The number of the oldest record whose outcome is not told.
    pub fn first_unwritten(&self) -> Option<i64> {
        let oldest = match (self.taken.front(), self.complete.front()) {
            (Some(taken), _) => taken.group.as_ref(),
            (None, Some(group)) => group,
            (None, None) => &self.open,
        };
        oldest.numbers().map(|(first, _)| first)
    }

    /// The next group to write, of records up to this one, if there is room and no wait is on.
    pub fn take_group(&mut self, now: Instant, up_to: i64) -> Option<(u64, Arc<G>)> {
        if !self.backoff.is_over(now) {
            return None;
        }
        let failed = |taken: &&mut Taken<G, O>| matches!(taken.state, State::Failed);
        if let Some(taken) = self.taken.iter_mut().find(failed) {
            taken.state = State::InFlight;
            return Some((taken.number, Arc::clone(&taken.group)));
        }
        let is_idle = self.taken.is_empty() && self.complete.is_empty();
        let may_leave = self.open.numbers().is_some_and(|(_, last)| last <= up_to);
        if is_idle && may_leave || self.is_open_full() {
            self.complete();
        }
        (self.taken.len() < self.width)
            .then(|| self.next_group(up_to))
            .flatten()
    }

    fn next_group(&mut self, up_to: i64) -> Option<(u64, Arc<G>)> {
        let next = self.complete.front()?;
        let (_, last) = next.numbers()?;
        let is_first = self.taken.is_empty();
        if last > up_to || next.follows_all() && !is_first {
            return None;
        }
        let group = Arc::new(self.complete.pop_front()?);
        self.last_number += 1;
        self.taken.push_back(Taken {
            number: self.last_number,
            group: Arc::clone(&group),
            state: State::InFlight,
        });
        Some((self.last_number, group))
    }

    /// A group is written; returns what can be told now, in the order of the records.
    pub fn written(&mut self, number: u64, outcome: O) -> Vec<(Arc<G>, O)> {
        self.backoff.succeed();
        if let Some(taken) = self.taken(number) {
            taken.state = State::Written(outcome);
        }
        let mut told = Vec::new();
        while let Some(taken) = self.taken.pop_front() {
            match taken.state {
                State::Written(outcome) => told.push((taken.group, outcome)),
                _ => {
                    self.taken.push_front(taken);
                    break;
                }
            }
        }
        told
    }

    /// A group is to be repeated; returns how many records it has.
    pub fn failed(&mut self, number: u64, now: Instant) -> usize {
        self.backoff.fail(now);
        self.taken(number).map_or(0, |taken| {
            taken.state = State::Failed;
            taken.group.count()
        })
    }

    fn taken(&mut self, number: u64) -> Option<&mut Taken<G, O>> {
        self.taken.iter_mut().find(|taken| taken.number == number)
    }

    /// What is in flight is to be repeated at once, elsewhere; its outcome will not be told.
    pub fn abandon(&mut self) {
        for taken in &mut self.taken {
            if matches!(taken.state, State::InFlight) {
                taken.state = State::Failed;
            }
        }
        self.backoff.succeed();
    }

    /// When a wait ends, if the lane has something to repeat.
    pub fn retry_at(&self) -> Option<Instant> {
        let failed = |taken: &Taken<G, O>| matches!(taken.state, State::Failed);
        let waits = self.taken.iter().any(failed);
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

    /// Groups with this record follow all.
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

    type TestLane = Lane<Numbers, &'static str>;

    fn push(lane: &mut TestLane, seq: i64) {
        lane.group_for(10, |_| true).0.push(seq);
    }

    fn lane(records: usize, bytes: usize, width: usize) -> TestLane {
        let mut lane = Lane::new(GroupLimit { records, bytes }, width);
        (1..=5).for_each(|seq| push(&mut lane, seq));
        lane
    }

    fn taken(lane: &mut TestLane, up_to: i64) -> Option<(u64, usize)> {
        let group = lane.take_group(Instant::now(), up_to);
        group.map(|(number, records)| (number, records.count()))
    }

    #[test]
    fn groups_are_bounded_by_records_and_by_bytes() {
        assert_eq!(taken(&mut lane(3, 1000, 1), ALL), Some((1, 3)));
        assert_eq!(taken(&mut lane(100, 25, 1), ALL), Some((1, 2)));
        assert_eq!(taken(&mut lane(100, 1, 1), ALL), Some((1, 1)));
        assert_eq!(taken(&mut lane(100, 1000, 1), ALL), Some((1, 5)));
    }

    #[test]
    fn a_group_holds_no_records_from_both_sides_of_a_border() {
        let mut lane = lane(100, 1000, 1);
        lane.complete();
        push(&mut lane, 6);
        assert_eq!(taken(&mut lane, 5), Some((1, 5)));
        assert_eq!(lane.written(1, "first").len(), 1);
        assert_eq!(taken(&mut lane, 5), None);
        assert_eq!(taken(&mut lane, 6), Some((2, 1)));
        lane.group_for(10, |_| false).0.push(7);
        lane.group_for(10, |open| open.0 != [7]).0.push(8);
        assert_eq!(lane.written(2, "second").len(), 1);
        assert_eq!(taken(&mut lane, ALL), Some((3, 1)));
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
        push(&mut wide, 6);
        assert_eq!(taken(&mut wide, ALL), Some((3, 2)));
        push(&mut wide, 7);
        for (number, outcome) in [(1, "first"), (2, "second"), (3, "third")] {
            assert_eq!(wide.written(number, outcome).len(), 1);
        }
        assert_eq!(taken(&mut wide, ALL), Some((4, 1)), "it leaves when alone");
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
        push(&mut lane, 6);
        assert_eq!(lane.first_unwritten(), Some(1));
        assert_eq!(lane.take_group(now, ALL), None);
        let later = lane.retry_at().expect("a wait");
        assert_eq!(lane.take_group(later, ALL), Some(group.clone()));
        lane.abandon();
        assert_eq!(lane.take_group(now, ALL), Some(group), "at once, elsewhere");
    }

    #[test]
    fn a_group_that_follows_all_waits_until_what_is_before_it_is_written() {
        let limit = GroupLimit {
            records: 2,
            bytes: 1000,
        };
        let mut lane = Lane::new(limit, 3);
        for seq in [1, 2, FOLLOWER, 9, 10, 11] {
            push(&mut lane, seq);
        }
        assert_eq!(taken(&mut lane, ALL), Some((1, 2)));
        assert_eq!(taken(&mut lane, ALL), None);
        lane.written(1, "");
        assert_eq!(taken(&mut lane, ALL), Some((2, 2)), "it follows");
        assert_eq!(
            taken(&mut lane, ALL),
            Some((3, 2)),
            "what follows does not wait"
        );
    }
}
