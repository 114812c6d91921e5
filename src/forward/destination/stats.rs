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
    /// Why an event was refused last.
    pub last_refusal: Option<LastError>,
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
        self.last_error = later(self.last_error.take(), other.last_error);
        self.last_refusal = later(self.last_refusal.take(), other.last_refusal);
    }
}

fn later(one: Option<LastError>, other: Option<LastError>) -> Option<LastError> {
    [one, other]
        .into_iter()
        .flatten()
        .max_by_key(|error| error.at)
}

/// A reading for `getHealth()` and for the sample of presence.
pub struct Report {
    pub name: String,
    pub format: &'static str,
    pub queued: u64,
    pub queued_bytes: u64,
    pub circuit: CircuitState,
    pub oldest_waiting: Option<Duration>,
    /// From the acceptance of an event to the response that took it, of the last request that was taken.
    pub lag: Option<Duration>,
    pub counts: Counts,
}
