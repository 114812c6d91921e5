//! Batches: contributions of the records of one queue, summed up until they may be added to the totals.
//!
//! A record is handed over when all records of its queue before it are written: in the daily document the
//! number of the last one stands for all of them, so totals may lag the records but never lead.
//!
//! A batch that was ever sent keeps its bounds and its sums until its fate is known. Everything that was
//! never sent is one sum, however long the totals are blocked, so that it takes no more memory than its
//! days and its users. Contributions that a process before this one has left are kept one by one: that
//! process may have sent any part of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::store::Delta;

/// Users, each with the first of the batch's records that logged them in.
pub type Logins = BTreeMap<Arc<str>, i64>;

/// Bytes that a contribution takes where it is kept by itself, and a user in a sum, without the name.
const KEPT_COST: usize = 64;

/// The share of one written record.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    pub seq: i64,
    pub day: Day,
    pub amount: Amount,
}

impl Contribution {
    /// Bytes it takes where it is kept by itself. Less than its record took: that held the user too.
    fn cost(&self) -> usize {
        let user = match &self.amount {
            Amount::Login(user) => user.len(),
            Amount::Counted(..) | Amount::Closed { .. } => 0,
        };
        KEPT_COST + user
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Amount {
    Counted(Counter, f64),
    Login(Arc<str>),
    /// A closed session: how long it lasted, and how much of that the totals hold already, because its end
    /// was estimated before.
    Closed {
        seconds: f64,
        counted: f64,
    },
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
    /// Bytes that it takes.
    pub cost: usize,
    /// How many amounts would have made a sum inexact, by day and counter.
    pub left_out: BTreeMap<(Day, Counter), u64>,
    /// Its contributions, if they were recovered from a process before this one.
    pub recovered: Option<Vec<Contribution>>,
    /// A process before this one has closed it: that process added all of it, or nothing.
    pub is_whole: bool,
    pub days: BTreeMap<Day, DayPart>,
}

impl TotalsBatch {
    fn new(recovered: Option<Vec<Contribution>>) -> Self {
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

    pub fn of_recovered(contributions: impl Iterator<Item = Contribution>) -> Self {
        let mut batch = Self::new(Some(Vec::new()));
        for contribution in contributions {
            batch.add(contribution);
        }
        batch
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

    /// Whether both can be one batch. Neither may have been sent.
    pub fn merges_with(&self, later: &Self) -> bool {
        !self.is_whole && self.recovered.is_some() == later.recovered.is_some()
    }

    /// Takes in a batch of later records; returns the bytes that both take less than each by itself.
    pub fn merge(&mut self, later: Self) -> usize {
        let mut less = 0;
        let is_sum = self.recovered.is_none();
        self.first = self.first.min(later.first);
        self.last = self.last.max(later.last);
        self.records += later.records;
        for (key, times) in later.left_out {
            *self.left_out.entry(key).or_default() += times;
        }
        if let (Some(recovered), Some(later)) = (&mut self.recovered, later.recovered) {
            recovered.extend(later);
        }
        for (day, part) in later.days {
            let own = self.days.entry(day.clone()).or_default();
            for (counter, amount) in part.delta.amounts() {
                if !own.delta.add(counter, amount) {
                    *self.left_out.entry((day.clone(), counter)).or_default() += 1;
                }
            }
            own.delta.session_seconds += part.delta.session_seconds;
            own.delta.sessions_closed += part.delta.sessions_closed;
            own.records += part.records;
            for (user, seq) in part.users {
                match own.users.contains_key(&user) {
                    true if is_sum => less += KEPT_COST + user.len(),
                    true => {}
                    false => {
                        own.users.insert(user, seq);
                    }
                }
            }
        }
        self.cost += later.cost - less;
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
    fn add(&mut self, contribution: Contribution) -> usize {
        self.records += 1;
        self.first = self.first.min(contribution.seq);
        self.last = self.last.max(contribution.seq);
        let part = match self.days.get_mut(&contribution.day) {
            Some(part) => part,
            None => self.days.entry(contribution.day.clone()).or_default(),
        };
        let mut cost = match &contribution.amount {
            Amount::Login(user) if !part.users.contains_key(user) => KEPT_COST + user.len(),
            _ => 0,
        };
        if !part.add(&contribution)
            && let Amount::Counted(counter, _) = contribution.amount
        {
            let day = contribution.day.clone();
            *self.left_out.entry((day, counter)).or_default() += 1;
        }
        if let Some(recovered) = &mut self.recovered {
            cost = contribution.cost();
            recovered.push(contribution);
        }
        self.cost += cost;
        cost
    }
}

/// Contributions that were never sent.
#[derive(Debug)]
pub struct Pending {
    recovered: TotalsBatch,
    sum: TotalsBatch,
}

impl Pending {
    pub fn new() -> Self {
        Self {
            recovered: TotalsBatch::new(Some(Vec::new())),
            sum: TotalsBatch::new(None),
        }
    }

    /// Adds a contribution, which a process before this one has left if `is_recovered`; returns the bytes
    /// that it takes.
    pub fn add(&mut self, contribution: Contribution, is_recovered: bool) -> usize {
        match is_recovered {
            true => self.recovered.add(contribution),
            false => self.sum.add(contribution),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.recovered.records + self.sum.records == 0
    }

    /// The number of the oldest contribution.
    pub fn first(&self) -> Option<i64> {
        (!self.is_empty()).then(|| self.recovered.first.min(self.sum.first))
    }

    /// Takes everything; recovered contributions first, and by themselves.
    pub fn take_batch(&mut self) -> TotalsBatch {
        let (batch, empty) = match self.recovered.records {
            0 => (&mut self.sum, TotalsBatch::new(None)),
            _ => (&mut self.recovered, TotalsBatch::new(Some(Vec::new()))),
        };
        std::mem::replace(batch, empty)
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
    fn recovered_contributions_are_a_batch_of_their_own_and_keep_each_record() {
        let mut pending = Pending::new();
        assert!(pending.add(earned(1, 5.0), true) > 0);
        assert!(pending.add(login(3, "a"), true) > 0);
        pending.add(login(9, "a"), false);
        assert_eq!(pending.first(), Some(1));
        let recovered = pending.take_batch();
        assert_eq!((recovered.first, recovered.last), (1, 3));
        assert_eq!(recovered.recovered.map(|all| all.len()), Some(2));
        let sum = pending.take_batch();
        assert_eq!((sum.first, sum.last, sum.recovered), (9, 9, None));
        assert!(pending.is_empty());
    }

    #[test]
    fn what_was_never_sent_is_one_sum_that_takes_only_its_users() {
        let mut pending = Pending::new();
        assert_eq!(pending.add(earned(1, 5.0), false), 0);
        assert_eq!(pending.add(login(2, "ann"), false), KEPT_COST + 3);
        for seq in 3..1_000_003 {
            assert_eq!(pending.add(earned(seq, 1.0), false), 0);
            assert_eq!(pending.add(login(seq, "ann"), false), 0);
        }
        let batch = pending.take_batch();
        assert_eq!(
            (batch.first, batch.last, batch.records),
            (1, 1_000_002, 2_000_002)
        );
        assert_eq!(batch.cost, KEPT_COST + 3);
        let part = &batch.days[&Day::of(0)];
        let amounts: Vec<_> = part.delta.amounts().collect();
        let sums = [
            (Counter::CreditsEarned, 1_000_005.0),
            (Counter::SessionCount, 1_000_001.0),
        ];
        assert_eq!(amounts, sums);
        let users = part.users.clone().into_iter().collect::<Vec<_>>();
        assert_eq!(users, [("ann".into(), 2)], "with the first login");
    }

    #[test]
    fn a_user_of_two_sums_takes_memory_once_when_they_are_one() {
        let mut pending = Pending::new();
        let mut batches = [["ann", "bob"], ["bob", "cid"]].map(|users| {
            for (seq, user) in (1..).zip(users) {
                pending.add(login(seq, user), false);
            }
            pending.take_batch()
        });
        let later = batches[1].clone();
        assert_eq!(batches[0].merge(later), KEPT_COST + 3);
        assert_eq!(batches[0].cost, 3 * (KEPT_COST + 3));
    }

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
