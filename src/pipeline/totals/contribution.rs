//! A contribution: the share of one record in the totals of its day.

use std::sync::Arc;

use crate::record::counters::Counter;
use crate::record::day::Day;

/// Bytes that a contribution takes where it is kept by itself, and a user in a sum, without the name.
pub const KEPT_COST: usize = 64;

/// The share of one written record.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    pub seq: i64,
    pub day: Day,
    pub amount: Amount,
}

impl Contribution {
    /// Bytes it takes where it is kept by itself. Less than its record took: that held the user too.
    pub fn cost(&self) -> usize {
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
