//! What written records add to the totals, gathered until it may be added.
//!
//! A record counts only when all records before it are written: the number of the last one stands
//! for all of them in the daily document, so that totals may lag the events but never lead.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::users::Logins;
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::store::Delta;

/// Bytes a contribution takes while it waits, without its user.
pub const CONTRIBUTION_COST: usize = 64;

/// The share of one written record.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    pub seq: i64,
    pub day: Day,
    pub what: What,
}

impl Contribution {
    /// Bytes it takes while it waits. Less than its record took: that held the user too.
    pub fn cost(&self) -> usize {
        let user = match &self.what {
            What::Login(user) => user.len(),
            What::Amount(..) | What::Closed(_) => 0,
        };
        CONTRIBUTION_COST + user
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Amount(Counter, f64),
    Login(Arc<str>),
    /// A closed session, in seconds.
    Closed(f64),
}

/// What one group adds to one day.
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
    /// Sent, and the outcome is not known.
    Uncertain,
    Done,
}

/// Everything from `first` up to `last`, by day in their order.
#[derive(Debug, Clone)]
pub struct Group {
    pub first: i64,
    pub last: i64,
    pub records: u64,
    /// What its contributions took.
    pub cost: usize,
    /// Amounts that would have made a sum inexact, by day.
    pub left_out: Vec<(Day, Counter)>,
    /// Its records, if a process before us has left them.
    pub left_by_others: Option<Vec<Contribution>>,
    pub days: BTreeMap<Day, DayPart>,
}

/// Contributions in two runs, each in the order of its lane.
#[derive(Debug, Default)]
pub struct Totals {
    events: VecDeque<Contribution>,
    sessions: VecDeque<Contribution>,
}

impl Totals {
    pub fn add_event(&mut self, contribution: Contribution) {
        self.events.push_back(contribution);
    }

    pub fn add_session(&mut self, contribution: Contribution) {
        self.sessions.push_back(contribution);
    }

    /// Whether something up to this record waits to be added.
    pub fn is_ready(&self, up_to: i64) -> bool {
        let ready = |run: &VecDeque<Contribution>| run.front().is_some_and(|c| c.seq <= up_to);
        ready(&self.events) || ready(&self.sessions)
    }

    /// Takes everything up to this record; `left_by_others` when a process before us has left it.
    pub fn take_group(&mut self, up_to: i64, left_by_others: bool) -> Group {
        let mut group = Group {
            first: up_to,
            last: up_to,
            records: 0,
            cost: 0,
            left_out: Vec::new(),
            left_by_others: left_by_others.then(Vec::new),
            days: BTreeMap::new(),
        };
        for run in [&mut self.events, &mut self.sessions] {
            let count = run.partition_point(|c| c.seq <= up_to);
            for contribution in run.drain(..count) {
                group.add(contribution);
            }
        }
        // Another copy of what was left may hold more: nothing is said of what is not here.
        let left = group.left_by_others.iter().flatten();
        group.last = left.map(|one| one.seq).max().unwrap_or(up_to);
        group
    }
}

impl Group {
    /// What has become of it is not known.
    pub fn doubt(&mut self) {
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
            && let What::Amount(counter, _) = contribution.what
        {
            self.left_out.push((contribution.day.clone(), counter));
        }
        if let Some(left) = &mut self.left_by_others {
            left.push(contribution);
        }
    }
}

impl DayPart {
    /// False when an amount would make a sum inexact.
    pub fn add(&mut self, contribution: &Contribution) -> bool {
        self.records += 1;
        match &contribution.what {
            What::Amount(counter, amount) => return self.delta.add(*counter, *amount),
            What::Login(user) => {
                self.delta.add(Counter::SessionCount, 1.0);
                self.users
                    .entry(Arc::clone(user))
                    .or_insert(contribution.seq);
            }
            What::Closed(seconds) => {
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
            what: What::Amount(Counter::CreditsEarned, amount),
        }
    }

    fn login(seq: i64, user: &str) -> Contribution {
        Contribution {
            seq,
            day: Day::of(0),
            what: What::Login(user.into()),
        }
    }

    #[test]
    fn a_group_of_records_that_were_left_ends_with_the_last_of_them() {
        let mut totals = Totals::default();
        totals.add_event(earned(1, 5.0));
        totals.add_session(login(3, "a"));
        assert_eq!(totals.take_group(9, true).last, 3);
    }

    #[test]
    fn a_group_holds_what_is_written_up_to_its_last_record_and_nothing_after_it() {
        let mut totals = Totals::default();
        totals.add_event(earned(1, 5.0));
        totals.add_event(earned(4, 7.0));
        totals.add_session(login(2, "a"));
        totals.add_session(login(3, "a"));
        totals.add_session(login(6, "b"));
        let group = totals.take_group(4, false);
        assert_eq!((group.last, group.records), (4, 4));
        let part = &group.days[&Day::of(0)];
        let amounts: Vec<_> = part.delta.amounts().collect();
        assert_eq!(
            amounts,
            [(Counter::CreditsEarned, 12.0), (Counter::SessionCount, 2.0)]
        );
        assert_eq!(
            part.users.clone().into_iter().collect::<Vec<_>>(),
            [("a".into(), 2)]
        );
        assert!(!totals.is_ready(5));
        assert!(totals.is_ready(6));
    }

    #[test]
    fn only_sessions_longer_than_zero_seconds_count_for_the_mean() {
        let mut totals = Totals::default();
        for (seq, seconds) in [(1, 60.0), (2, 0.0), (3, -1.0)] {
            let what = What::Closed(seconds);
            let day = Day::of(0);
            totals.add_session(Contribution { seq, day, what });
        }
        let group = totals.take_group(3, false);
        let delta = &group.days[&Day::of(0)].delta;
        assert_eq!((delta.session_seconds, delta.sessions_closed), (60.0, 1.0));
        let total: Vec<_> = delta.amounts().collect();
        assert_eq!(total, [(Counter::TotalSessionS, 59.0)]);
    }
}
