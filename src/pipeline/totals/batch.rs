//! Contributions of written records to the totals, collected until a batch of them may be added.
//!
//! A record counts only when all records before it are written: in the daily document the number of the
//! last one stands for all of them, so totals may lag the events but never lead.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::pipeline::watermarks::Queue;
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::store::Delta;

/// Users, each with the first of the batch's records that logged them in.
pub type Logins = BTreeMap<Arc<str>, i64>;

/// Bytes a contribution takes while it waits, without its user.
pub const CONTRIBUTION_COST: usize = 64;

/// The share of one written record.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    pub seq: i64,
    pub day: Day,
    pub amount: Amount,
}

impl Contribution {
    /// Bytes it takes while it waits. Less than its record took: that held the user too.
    pub fn cost(&self) -> usize {
        let user = match &self.amount {
            Amount::Login(user) => user.len(),
            Amount::Counted(..) | Amount::Closed(_) => 0,
        };
        CONTRIBUTION_COST + user
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Amount {
    Counted(Counter, f64),
    Login(Arc<str>),
    /// A closed session, in seconds.
    Closed(f64),
}

/// The share of one batch in the totals of one day.
#[derive(Debug, Default, Clone)]
pub struct DayPart {
    pub delta: Delta,
    /// Users who logged in, each with the number of the first login.
    pub users: Logins,
    pub records: u64,
    pub progress: Progress,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    #[default]
    Open,
    /// Sent, and the result is not known.
    Uncertain,
    Done,
}

/// Everything from `first` up to `last`, by day in their order.
#[derive(Debug, Clone)]
pub struct TotalsBatch {
    pub first: i64,
    pub last: i64,
    pub records: u64,
    /// Bytes that its contributions take.
    pub cost: usize,
    /// Amounts that would have made a sum inexact, by day.
    pub left_out: Vec<(Day, Counter)>,
    /// Its contributions, if they were recovered from a process before this one.
    pub recovered: Option<Vec<Contribution>>,
    pub days: BTreeMap<Day, DayPart>,
}

/// Contributions in two runs, each in the order of its write queue.
#[derive(Debug, Default)]
pub struct Pending {
    events: VecDeque<Contribution>,
    sessions: VecDeque<Contribution>,
}

impl Pending {
    pub fn add(&mut self, queue: Queue, contribution: Contribution) {
        match queue {
            Queue::Events => self.events.push_back(contribution),
            Queue::Sessions => self.sessions.push_back(contribution),
        }
    }

    /// The number of the oldest contribution.
    pub fn first(&self) -> Option<i64> {
        let fronts = [self.events.front(), self.sessions.front()];
        fronts.into_iter().flatten().map(|one| one.seq).min()
    }

    /// Whether there is a contribution up to this record.
    pub fn is_ready(&self, up_to: i64) -> bool {
        self.first().is_some_and(|first| first <= up_to)
    }

    /// Takes everything up to this record, which a process before this one has left if `is_recovered`.
    pub fn take_batch(&mut self, up_to: i64, is_recovered: bool) -> TotalsBatch {
        let mut batch = TotalsBatch {
            first: up_to,
            last: up_to,
            records: 0,
            cost: 0,
            left_out: Vec::new(),
            recovered: is_recovered.then(Vec::new),
            days: BTreeMap::new(),
        };
        for run in [&mut self.events, &mut self.sessions] {
            let count = run.partition_point(|c| c.seq <= up_to);
            for contribution in run.drain(..count) {
                batch.add(contribution);
            }
        }
        // Another copy of the slot may hold more records: the batch does not stand for those.
        let recovered = batch.recovered.iter().flatten();
        batch.last = recovered.map(|one| one.seq).max().unwrap_or(up_to);
        batch
    }
}

impl TotalsBatch {
    /// It was sent, and the result is not known.
    pub fn mark_uncertain(&mut self) {
        for part in self.days.values_mut() {
            if part.progress == Progress::Open {
                part.progress = Progress::Uncertain;
            }
        }
    }

    fn add(&mut self, contribution: Contribution) {
        self.records += 1;
        self.first = self.first.min(contribution.seq);
        self.cost += contribution.cost();
        let part = self.days.entry(contribution.day.clone()).or_default();
        if !part.add(&contribution)
            && let Amount::Counted(counter, _) = contribution.amount
        {
            self.left_out.push((contribution.day.clone(), counter));
        }
        if let Some(recovered) = &mut self.recovered {
            recovered.push(contribution);
        }
    }
}

impl DayPart {
    /// False when an amount would make a sum inexact.
    pub fn add(&mut self, contribution: &Contribution) -> bool {
        self.records += 1;
        match &contribution.amount {
            Amount::Counted(counter, amount) => return self.delta.add(*counter, *amount),
            Amount::Login(user) => {
                self.delta.add(Counter::SessionCount, 1.0);
                self.users
                    .entry(Arc::clone(user))
                    .or_insert(contribution.seq);
            }
            Amount::Closed(seconds) => {
                self.delta.add(Counter::TotalSessionS, *seconds);
                if *seconds > 0.0 {
                    self.delta.session_seconds += seconds;
                    self.delta.sessions_closed += 1.0;
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn earned(seq: i64, amount: f64) -> Contribution {
        Contribution {
            seq,
            day: Day::of(0),
            amount: Amount::Counted(Counter::CreditsEarned, amount),
        }
    }

    fn login(seq: i64, user: &str) -> Contribution {
        Contribution {
            seq,
            day: Day::of(0),
            amount: Amount::Login(user.into()),
        }
    }

    #[test]
    fn a_batch_of_recovered_records_ends_with_the_last_of_them() {
        let mut pending = Pending::default();
        pending.add(Queue::Events, earned(1, 5.0));
        pending.add(Queue::Sessions, login(3, "a"));
        assert_eq!(pending.take_batch(9, true).last, 3);
    }

    #[test]
    fn a_batch_holds_every_contribution_up_to_its_last_record_and_none_after_it() {
        let mut pending = Pending::default();
        pending.add(Queue::Events, earned(1, 5.0));
        pending.add(Queue::Events, earned(4, 7.0));
        pending.add(Queue::Sessions, login(2, "a"));
        pending.add(Queue::Sessions, login(3, "a"));
        pending.add(Queue::Sessions, login(6, "b"));
        let batch = pending.take_batch(4, false);
        assert_eq!((batch.last, batch.records), (4, 4));
        let part = &batch.days[&Day::of(0)];
        let amounts: Vec<_> = part.delta.amounts().collect();
        assert_eq!(
            amounts,
            [(Counter::CreditsEarned, 12.0), (Counter::SessionCount, 2.0)]
        );
        assert_eq!(
            part.users.clone().into_iter().collect::<Vec<_>>(),
            [("a".into(), 2)]
        );
        assert!(!pending.is_ready(5));
        assert!(pending.is_ready(6));
    }

    #[test]
    fn only_sessions_longer_than_zero_seconds_count_for_the_mean() {
        let mut pending = Pending::default();
        for (seq, seconds) in [(1, 60.0), (2, 0.0), (3, -1.0)] {
            let amount = Amount::Closed(seconds);
            let day = Day::of(0);
            pending.add(Queue::Sessions, Contribution { seq, day, amount });
        }
        let batch = pending.take_batch(3, false);
        let delta = &batch.days[&Day::of(0)].delta;
        assert_eq!((delta.session_seconds, delta.sessions_closed), (60.0, 1.0));
        let total: Vec<_> = delta.amounts().collect();
        assert_eq!(total, [(Counter::TotalSessionS, 59.0)]);
    }
}
