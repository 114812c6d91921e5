//! Warnings about a batch that was written: what of it the totals do not hold, and what was found on the way.

use crate::instance::shared::Shared;
use crate::pipeline::messages;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Warnings {
    /// Counters that did not take their amount, by day, and how often: not a number, or beyond 2^53.
    pub left_out: Vec<(String, &'static str, u64)>,
    /// Users whose marker the server refuses, each with its reason: they are not counted.
    pub refused_users: Vec<String>,
    /// Days whose entry held a lower number than this writer had written.
    pub restored: Vec<String>,
    /// Days whose share of the batch stays out of the totals, each with the number of its records.
    pub uncertain: Vec<(String, u64)>,
    /// Why share files cannot be read.
    pub unreadable: Vec<String>,
    /// How often C matched nothing.
    pub cas_conflicts: u64,
}

impl Warnings {
    /// Counts and logs them.
    pub fn report(&self, shared: &Shared) {
        let (health, log) = (&shared.health, &shared.log);
        for (day, field, times) in &self.left_out {
            health.warn("total_left_out", *times);
            log.warn_once("total_left_out", || messages::total_left_out(day, field));
        }
        for message in &self.refused_users {
            health.drop_records("refused_by_server", 1);
            log.warn_once("refused_by_server", || messages::user_not_counted(message));
            health.error(message.clone());
        }
        for day in &self.restored {
            health.warn("day_restored", 1);
            log.warn_once("day_restored", || messages::day_restored(day));
        }
        health.count(|counts| counts.cas_conflicts += self.cas_conflicts);
        for error in &self.unreadable {
            log.warn_once("shares_lost", || messages::shares_lost(error));
        }
        for (day, records) in &self.uncertain {
            health.warn("totals_uncertain", *records);
            log.warn_once("totals_uncertain", || messages::totals_uncertain(day));
        }
    }
}
