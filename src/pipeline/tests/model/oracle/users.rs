//! Distinct users: none is counted twice, and of those who are certain none is missing.

use std::collections::BTreeSet;

use super::{Look, Verdict, at_most};
use crate::pipeline::tests::model::truth::Record;
use crate::record::counters::Counter;

impl Look<'_> {
    pub fn mau_does_not_lead(&self) -> Verdict {
        for month in self.months() {
            let mut users = self.truth.old_users(|day| day.starts_with(month));
            let of_month = self
                .truth
                .records
                .iter()
                .filter(|r| r.day.starts_with(month));
            let totalled = of_month.filter(|record| self.is_totalled(record));
            users.extend(totalled.filter_map(Record::login));
            at_most(
                &format!("mau of {month}"),
                self.month(month).mau,
                users.len(),
            )?;
        }
        Ok(())
    }

    pub fn users_are_counted(&self) -> Verdict {
        for (day, daily) in self.state.days.iter() {
            let name = format!("dau of {day}");
            self.counted(&name, daily.total(Counter::Dau), |of| of == day)?;
        }
        for month in self.months() {
            let sums = self.month(month);
            self.counted(&format!("mau of {month}"), sums.mau, |day| {
                day.starts_with(month)
            })?;
            self.durations_are_summed(month, sums)?;
        }
        Ok(())
    }

    fn counted(&self, name: &str, count: f64, of: impl Fn(&str) -> bool) -> Verdict {
        let sessions = self.state.sessions.values().filter(|s| of(&s.day));
        let users: BTreeSet<&str> = sessions.map(|session| session.user.as_str()).collect();
        at_most(name, count, users.len())?;
        let excused = self.excused(of);
        let least = users.difference(&excused).count();
        if count < least as f64 && !self.truth.is_clashed {
            return Err(format!(
                "{name} is {count}, and at least {least} are certain"
            ));
        }
        Ok(())
    }

    /// Users whom a dead process may have marked without counting them, and those whose count went
    /// away when a backup was put back.
    fn excused(&self, of: impl Fn(&str) -> bool) -> BTreeSet<&str> {
        let stored = self
            .truth
            .records
            .iter()
            .filter(|r| of(&r.day) && self.is_stored(r));
        let lost = |r: &&Record| !self.is_totalled(r) || self.truth.restored.contains(&r.id);
        stored.filter(lost).filter_map(Record::login).collect()
    }
}
