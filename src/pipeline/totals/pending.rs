//! Pending contributions: those that were never sent. They are one sum, but for those that a process before this
//! one has left.

use super::batch::TotalsBatch;
use super::contribution::Contribution;
use super::recovered::Recovered;

#[derive(Debug)]
pub struct Pending {
    recovered: TotalsBatch,
    sum: TotalsBatch,
}

impl Pending {
    pub fn new() -> Self {
        Self {
            recovered: TotalsBatch::new(Some(Recovered::default())),
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

    /// Bytes of contributions that are kept one by one.
    pub fn unsaved_bytes(&self) -> usize {
        self.recovered.unsaved_bytes()
    }

    /// Takes everything; recovered contributions first, and by themselves.
    pub fn take_batch(&mut self) -> TotalsBatch {
        let (batch, empty) = match self.recovered.records {
            0 => (&mut self.sum, TotalsBatch::new(None)),
            _ => (
                &mut self.recovered,
                TotalsBatch::new(Some(Recovered::default())),
            ),
        };
        std::mem::replace(batch, empty)
    }
}

#[cfg(test)]
mod tests {
    use super::super::contribution::{Amount, KEPT_COST};
    use super::*;
    use crate::record::counters::Counter;
    use crate::record::day::Day;

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
        assert_eq!(recovered.bytes(), 2 * KEPT_COST + 1);
        assert_eq!(recovered.unsaved_bytes(), KEPT_COST);
        let one_by_one = recovered.recovered.expect("one by one");
        one_by_one
            .begin_saving(|| "file".into())
            .expect("documents");
        assert_eq!(
            (one_by_one.end_saving(true), one_by_one.bytes()),
            (KEPT_COST, 0)
        );
        let sum = pending.take_batch();
        assert_eq!((sum.first, sum.last), (9, 9));
        assert!(sum.recovered.is_none());
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
        assert_eq!(batch.bytes(), KEPT_COST + 3);
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
        assert_eq!(batches[0].bytes(), 3 * (KEPT_COST + 3));
    }
}
