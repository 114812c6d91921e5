//! Statistics of a destination.

use std::collections::BTreeMap;
use std::time::Duration;

use super::circuit_breaker::CircuitState;
use crate::instance::health::LastError;

/// Events by their outcome.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    pub sent: u64,
    pub retried: u64,
    pub refused: u64,
    pub expired: u64,
    pub dropped: BTreeMap<&'static str, u64>,
    pub last_error: Option<LastError>,
}

impl Counts {
    pub fn drop_events(&mut self, reason: &'static str, events: u64) {
        if events > 0 {
            *self.dropped.entry(reason).or_default() += events;
        }
    }

    pub fn add(&mut self, other: Counts) {
        self.sent += other.sent;
        self.retried += other.retried;
        self.refused += other.refused;
        self.expired += other.expired;
        for (reason, events) in other.dropped {
            self.drop_events(reason, events);
        }
        let errors = [self.last_error.take(), other.last_error];
        self.last_error = errors.into_iter().flatten().max_by_key(|error| error.at);
    }
}

/// A reading for `getHealth()`.
pub struct Report {
    pub name: String,
    pub format: &'static str,
    pub queued: u64,
    pub queued_bytes: u64,
    pub circuit: CircuitState,
    pub oldest_waiting: Option<Duration>,
    pub counts: Counts,
}
