//! Batches: contributions of the records of one queue, summed up until they may be added to the totals.
//!
//! A record is handed over when all records of its queue before it are written: in the daily document the
//! number of the last one stands for all of them, so totals may lag the records but never lead.
//!
//! A batch that was ever sent keeps its bounds and its sums until its fate is known. Everything that was
//! never sent is one sum, however long the totals are blocked, so that it takes no more memory than its
//! days and its users. Contributions that a process before this one has left are kept one by one beside their
//! sum, until they are saved on disk: that process may have sent any part of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::contribution::{Amount, Contribution, KEPT_COST};
use super::recovered::Recovered;
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::store::Delta;

/// Users, each with the first of the batch's records that logged them in.
pub type Logins = BTreeMap<Arc<str>, i64>;

/// Users who cannot be counted, each with the reason.
pub type Refused = BTreeMap<String, String>;

/// From so many contributions on, recovered ones are a batch of their own: if a part of them was added before, all
/// of them are read again within one attempt.
const MOST_RECOVERED: u64 = 500_000;

/// The share of one batch in the totals of one day.
#[derive(Debug, Default, Clone)]
pub struct DayPart {
    pub delta: Delta,
    /// Users who logged in, each with the number of the first login.
    pub users: Logins,
    /// Those of them who cannot be counted, each with the reason, as it was last sent.
    pub refused: Refused,
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
    /// Bytes that its sum takes.
    cost: usize,
    /// How many amounts would have made a sum inexact, by day and counter.
    pub left_out: BTreeMap<(Day, Counter), u64>,
    /// Its contributions, if they were recovered from a process before this one.
    pub recovered: Option<Recovered>,
    /// A process before this one has closed it: that process added all of it, or nothing.
    pub is_whole: bool,
    pub days: BTreeMap<Day, DayPart>,
}

impl TotalsBatch {
    pub fn new(recovered: Option<Recovered>) -> Self {
        Self {
            first: i64::MAX,
            last: i64::MIN,
            records: 0,
            cost: 0,
            left_out: BTreeMap::new(),
            recovered,
            is_whole: false,
            days: BTreeMap::new(),
        }
    }

    /// That a process before this one has closed.
    pub fn whole(first: i64, last: i64, days: BTreeMap<Day, DayPart>) -> Self {
        let users = days.values().flat_map(|part| part.users.keys());
        Self {
            first,
            last,
            records: days.values().map(|part| part.records).sum(),
            cost: users.map(|user| KEPT_COST + user.len()).sum(),
            is_whole: true,
            days,
            ..Self::new(None)
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.cost + self.unsaved_bytes()
    }

    /// Bytes of contributions that are kept one by one.
    pub fn unsaved_bytes(&self) -> usize {
        self.recovered.as_ref().map_or(0, Recovered::bytes)
    }

    /// The number of users of whom it was reported that they are not counted.
    pub fn refused(&self) -> u64 {
        let refused = self.days.values().map(|part| part.refused.len() as u64);
        refused.sum()
    }

    /// Whether both can be one batch. Neither may have been sent.
    pub fn merges_with(&self, later: &Self) -> bool {
        match &self.recovered {
            Some(_) => later.recovered.is_some() && self.records < MOST_RECOVERED,
            None => !self.is_whole && later.recovered.is_none(),
        }
    }

    /// Takes in a batch of later records; returns the bytes that both take less than each by itself.
    pub fn merge(&mut self, later: Self) -> usize {
        self.first = self.first.min(later.first);
        self.last = self.last.max(later.last);
        self.records += later.records;
        self.cost += later.cost;
        for (key, times) in later.left_out {
            *self.left_out.entry(key).or_default() += times;
        }
        if let (Some(recovered), Some(later)) = (&self.recovered, &later.recovered) {
            recovered.append(later);
        }
        let mut less = 0;
        for (day, part) in later.days {
            let own = self.days.entry(day.clone()).or_default();
            let shared = part
                .users
                .keys()
                .filter(|user| own.users.contains_key(*user));
            less += shared.map(|user| KEPT_COST + user.len()).sum::<usize>();
            for counter in own.merge(part) {
                *self.left_out.entry((day.clone(), counter)).or_default() += 1;
            }
        }
        self.cost -= less;
        less
    }

    /// It was sent, and the result is not known.
    pub fn mark_uncertain(&mut self) {
        for part in self.days.values_mut() {
            if part.progress == Progress::Open {
                part.progress = Progress::Uncertain;
            }
        }
    }

    /// Returns the bytes that it takes in addition.
    pub fn add(&mut self, contribution: Contribution) -> usize {
        self.records += 1;
        self.first = self.first.min(contribution.seq);
        self.last = self.last.max(contribution.seq);
        let part = match self.days.get_mut(&contribution.day) {
            Some(part) => part,
            None => self.days.entry(contribution.day.clone()).or_default(),
        };
        let in_sum = match &contribution.amount {
            Amount::Login(user) if !part.users.contains_key(user) => KEPT_COST + user.len(),
            _ => 0,
        };
        if !part.add(&contribution)
            && let Amount::Counted(counter, _) = contribution.amount
        {
            let day = contribution.day.clone();
            *self.left_out.entry((day, counter)).or_default() += 1;
        }
        self.cost += in_sum;
        let Some(recovered) = &self.recovered else {
            return in_sum;
        };
        let all = contribution.cost();
        recovered.push(contribution, all - in_sum);
        all
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
            Amount::Closed { seconds, counted } => {
                self.delta.add(Counter::TotalSessionS, seconds - counted);
                // Only sessions that last longer than 0 s count for the mean.
                let is_counted = |seconds: f64| f64::from(u8::from(seconds > 0.0));
                self.delta.session_seconds += seconds.max(0.0) - counted.max(0.0);
                self.delta.sessions_closed += is_counted(*seconds) - is_counted(*counted);
            }
        }
        true
    }

    /// Takes in the share of later records; returns the counters whose sum would not be exact with it.
    pub fn merge(&mut self, later: Self) -> Vec<Counter> {
        let mut inexact = Vec::new();
        for (counter, amount) in later.delta.amounts() {
            if !self.delta.add(counter, amount) {
                inexact.push(counter);
            }
        }
        self.delta.session_seconds += later.delta.session_seconds;
        self.delta.sessions_closed += later.delta.sessions_closed;
        self.records += later.records;
        for (user, seq) in later.users {
            self.users.entry(user).or_insert(seq);
        }
        inexact
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::totals::pending::Pending;

    #[test]
    fn only_sessions_longer_than_zero_seconds_count_for_the_mean() {
        let mut pending = Pending::new();
        for (seq, seconds, counted) in [(1, 60.0, 0.0), (2, 0.0, 0.0), (3, -1.0, 0.0)] {
            let amount = Amount::Closed { seconds, counted };
            let day = Day::of(0);
            pending.add(Contribution { seq, day, amount }, false);
        }
        let batch = pending.take_batch();
        let delta = &batch.days[&Day::of(0)].delta;
        assert_eq!((delta.session_seconds, delta.sessions_closed), (60.0, 1.0));
        let total: Vec<_> = delta.amounts().collect();
        assert_eq!(total, [(Counter::TotalSessionS, 59.0)]);
    }

    #[test]
    fn a_logout_that_replaces_an_estimate_adds_the_difference() {
        for (seconds, counted, closed) in [
            (70.0, 60.0, 0.0),
            (50.0, 60.0, 0.0),
            (50.0, 0.0, 1.0),
            (0.0, 60.0, -1.0),
            (0.0, 0.0, 0.0),
        ] {
            let mut part = DayPart::default();
            let (seq, day, amount) = (1, Day::of(0), Amount::Closed { seconds, counted });
            part.add(&Contribution { seq, day, amount });
            let total: Vec<_> = part.delta.amounts().collect();
            assert_eq!(total, [(Counter::TotalSessionS, seconds - counted)]);
            let sums = (part.delta.session_seconds, part.delta.sessions_closed);
            assert_eq!(
                sums,
                (seconds - counted, closed),
                "{seconds} after {counted}"
            );
        }
    }
}
