//! What must hold, whatever went wrong.
//!
//! At every moment: a day's totals are what the old class left and what the records say that its
//! writers' entries stand for, no more and no less, and the documents of those records are stored.
//! When all is written: no record is stored twice, every record of a process that lived is stored and
//! totalled, and of one that died no more is missing than it had not settled; distinct users are
//! exact but for those whose login a dead process stored and did not total. Of all deliveries under one dedupe
//! key one is stored, and it counts once, with what is stored of it. A purchase is stored with its event, and
//! before the marker of its key.
//! What a process that was taken for dead has left open is closed and counted once, a real logout replaces that, and
//! nobody who is online is closed.

mod estimates;
mod keys;
mod users;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bson::{Bson, Document};

use super::options::own_counter;
use super::server::{Daily, Event, State};
use super::truth::{KEYED, Record, Truth, What};
use crate::record::counters::Counter;
use crate::store::Sums;

pub type Verdict = Result<(), String>;

/// A look at one state of the database, with what is looked up in it again and again.
struct Look<'a> {
    state: &'a State,
    truth: &'a Truth,
    events: HashSet<i32>,
    /// Records whose purchase is stored.
    purchases: HashSet<i32>,
    /// By their keys.
    keyed: BTreeMap<u8, &'a Event>,
    sessions: BTreeMap<i32, Option<(i64, f64)>>,
}

pub fn moment(state: &State, truth: &Truth) -> Verdict {
    Look::at(state, truth)?.totals_do_not_lead()
}

pub fn end(state: &State, truth: &Truth) -> Verdict {
    let look = Look::at(state, truth)?;
    look.totals_do_not_lead()?;
    look.everything_is_stored()?;
    look.everything_is_totalled()?;
    look.keyed_events_are_totalled()?;
    look.users_are_counted()?;
    look.the_dead_are_offline()
}

pub fn nobody_online_is_closed(state: &State, truth: &Truth) -> Verdict {
    Look::at(state, truth)?.nobody_online_is_closed()
}

/// What metrics show in the middle of a run.
pub fn metrics_do_not_lead(truth: &Truth, day: usize, shown: &Document) -> Verdict {
    let day = &truth.days[day];
    let tracked = |of: &dyn Fn(&str) -> bool| {
        let mut users = truth.old_users(of);
        let records = truth.records.iter().filter(|record| of(&record.day));
        users.extend(records.filter_map(Record::login));
        users.len()
    };
    at_most(
        "dau shown",
        number(shown, "dau"),
        tracked(&|of| of == day.as_str()),
    )?;
    let of_month = |of: &str| of.starts_with(day.month());
    at_most("mau shown", number(shown, "mau"), tracked(&of_month))
}

/// Metrics say what the documents say.
pub fn metrics(state: &State, truth: &Truth, day: usize, shown: &Document) -> Verdict {
    let day = &truth.days[day];
    let sums = Look::at(state, truth)?.month(day.month());
    let daily = state.days.get(day.as_str());
    let dau = daily.map_or(0.0, |daily| daily.total(Counter::Dau));
    let mean_s = match sums.sessions_closed {
        0.0 => 0.0,
        closed => sums.session_seconds / closed,
    };
    let minutes = (mean_s / 60.0 + 0.5).floor();
    for (name, expected) in [("dau", dau), ("mau", sums.mau), ("avgSessionMin", minutes)] {
        let found = number(shown, name);
        if found != expected {
            return Err(format!(
                "{name} of {} is shown as {found}, not {expected}",
                day.as_str()
            ));
        }
    }
    Ok(())
}

fn number(shown: &Document, name: &str) -> f64 {
    match shown.get(name) {
        Some(Bson::Int32(value)) => (*value).into(),
        Some(Bson::Double(value)) => *value,
        _ => f64::NAN,
    }
}

impl<'a> Look<'a> {
    /// Fails if a record is stored twice.
    fn at(state: &'a State, truth: &'a Truth) -> Result<Look<'a>, String> {
        let mut look = Look {
            state,
            truth,
            events: HashSet::new(),
            purchases: HashSet::new(),
            keyed: BTreeMap::new(),
            sessions: BTreeMap::new(),
        };
        for (id, event) in state.events.iter() {
            let record = event.record;
            if state.purchases.contains_key(id) {
                look.purchases.insert(record);
            }
            if !look.events.insert(record) {
                return Err(format!("event {record} is stored twice"));
            }
            if let Some(key) = truth.record(record).key()
                && look.keyed.insert(key, event).is_some()
            {
                return Err(format!("two events with the key {key} are stored"));
            }
        }
        for session in state.sessions.values() {
            let end = session.logout_ms.map(|at| (at, session.seconds));
            if look.sessions.insert(session.record, end).is_some() {
                return Err(format!("session {} is stored twice", session.record));
            }
        }
        Ok(look)
    }

    fn is_stored(&self, record: &Record) -> bool {
        match record.what {
            What::Event { stored, .. } => {
                let is_recorded = !record.is_purchase() || self.purchases.contains(&record.id);
                !stored || self.events.contains(&record.id) && is_recorded
            }
            What::Keyed { key } => self.keyed.contains_key(&key),
            What::Login { .. } => self.sessions.contains_key(&record.id),
            What::Logout {
                login,
                logout_ms,
                seconds,
            } => self.sessions.get(&login) == Some(&Some((logout_ms, seconds))),
        }
    }

    fn is_totalled(&self, record: &Record) -> bool {
        if record.key().is_some() {
            // See `keyed_events_are_totalled`.
            return true;
        }
        let daily = self.state.days.get(&record.day);
        daily.is_some_and(|daily| daily.records.contains(&record.id))
    }

    fn totals_do_not_lead(&self) -> Verdict {
        for (day, daily) in self.state.days.iter() {
            let mut expected = self
                .truth
                .initial
                .days
                .get(day)
                .cloned()
                .unwrap_or_default();
            let mut users = self.truth.old_users(|of| of == day);
            let of_day = self.truth.records.iter().filter(|r| r.day == *day);
            let of_day = of_day.filter(|record| record.key().is_none());
            for record in of_day.filter(|record| self.is_totalled(record)) {
                if !self.is_stored(record) {
                    return Err(format!("totalled, but not stored: {record:?}"));
                }
                expected.add(&record.delta());
                users.extend(record.login());
            }
            expected.add(&self.estimates_of(day));
            match self.truth.is_clashed {
                // Nobody knows which records of a batch that stands for them were left out.
                true => no_higher_totals(day, daily, &expected)?,
                false => same_totals(day, daily, &expected)?,
            }
            self.keyed_totals_do_not_lead(day, daily)?;
            at_most(
                &format!("dau of {day}"),
                daily.total(Counter::Dau),
                users.len(),
            )?;
        }
        self.purchases_are_marked_as_they_are_stored()?;
        self.mau_does_not_lead()
    }

    fn months(&self) -> BTreeSet<&'a str> {
        self.truth.days.iter().map(|day| day.month()).collect()
    }

    /// The sums of a month, as far as its baselines are summed up.
    fn month(&self, month: &str) -> Sums {
        let mut sums = self.state.month_sums(month);
        let baselines = self
            .state
            .baselines
            .iter()
            .filter(|(day, _)| day.starts_with(month));
        for baseline in baselines.filter_map(|(_, baseline)| baseline.sums) {
            sums.mau += baseline.mau;
            sums.session_seconds += baseline.session_seconds;
            sums.sessions_closed += baseline.sessions_closed;
        }
        sums
    }

    fn everything_is_stored(&self) -> Verdict {
        let left = self.truth.dead().collect();
        self.all_but("stored", left, |record| self.is_stored(record))
    }

    fn everything_is_totalled(&self) -> Verdict {
        self.all_but("totalled", self.truth.untotalled(), |record| {
            self.is_totalled(record) || !self.is_stored(record) || self.truth.is_excused(record)
        })
    }

    /// All records but so many of each process.
    fn all_but(
        &self,
        what: &str,
        mut left: BTreeMap<usize, u64>,
        is: impl Fn(&Record) -> bool,
    ) -> Verdict {
        for record in self.truth.records.iter().filter(|record| !is(record)) {
            match left.get_mut(&record.process) {
                Some(left) if *left > 0 => *left -= 1,
                _ => return Err(format!("not {what}: {record:?}")),
            }
        }
        Ok(())
    }

    /// The mean of a month is exact over old sessions and what is totalled.
    fn durations_are_summed(&self, month: &str, sums: Sums) -> Verdict {
        let mut expected = Sums::default();
        let initial = self.truth.initial.sessions.values();
        let old = initial.filter(|s| s.day.starts_with(month) && s.logout_ms.is_some());
        let totalled = self
            .truth
            .records
            .iter()
            .filter(|record| record.day.starts_with(month) && self.is_totalled(record));
        let months = self.state.days.keys().filter(|day| day.starts_with(month));
        for estimated in months.map(|day| self.estimates_of(day)) {
            expected.session_seconds += estimated.session_seconds;
            expected.sessions_closed += estimated.sessions_closed;
        }
        let new = totalled.filter_map(|record| match record.what {
            What::Logout { seconds, .. } => Some(seconds),
            _ => None,
        });
        for seconds in old
            .map(|session| session.seconds)
            .chain(new)
            .filter(|s| *s > 0.0)
        {
            expected.session_seconds += seconds;
            expected.sessions_closed += 1.0;
        }
        let found = (sums.session_seconds, sums.sessions_closed);
        let wanted = (expected.session_seconds, expected.sessions_closed);
        if found != wanted && !self.truth.is_clashed {
            return Err(format!(
                "sessions of {month} sum up to {found:?}, not {wanted:?}"
            ));
        }
        Ok(())
    }
}

fn same_totals(day: &str, found: &Daily, expected: &Daily) -> Verdict {
    let is_by_itself = |counter: &Counter| [Counter::Dau, KEYED].contains(counter);
    let counters = Counter::BUILT_IN.into_iter().chain([own_counter()]);
    for counter in counters.filter(|one| !is_by_itself(one)) {
        let (found, expected) = (found.total(counter), expected.total(counter));
        if found != expected {
            let field = counter.field();
            return Err(format!(
                "{field} of {day} is {found}; its records say {expected}"
            ));
        }
    }
    let durations = |daily: &Daily| (daily.sums.session_seconds, daily.sums.sessions_closed);
    let (found, expected) = (durations(found), durations(expected));
    if found != expected {
        return Err(format!(
            "durations of {day} are {found:?}; its records say {expected:?}"
        ));
    }
    Ok(())
}

fn no_higher_totals(day: &str, found: &Daily, expected: &Daily) -> Verdict {
    for (counter, total) in &found.totals {
        let is_by_itself = [Counter::Dau, KEYED].contains(counter);
        if !is_by_itself && *total > expected.total(*counter) {
            let field = counter.field();
            return Err(format!("{field} of {day} is {total}, which leads"));
        }
    }
    match found.sums.sessions_closed > expected.sums.sessions_closed {
        true => Err(format!("sessions of {day} are closed twice")),
        false => Ok(()),
    }
}

fn at_most(name: &str, count: f64, most: usize) -> Verdict {
    if count > most as f64 {
        return Err(format!("{name} is {count}, and there are {most}"));
    }
    Ok(())
}
