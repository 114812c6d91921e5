//! What callers wait for: `flush`, `getMetrics`, `getLast30Days`, `stop`, and the promises of logins
//! and logouts, each with its time limit.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::instance::error::Error;
use crate::record::day::Day;

/// A request of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    Flush,
    /// The JavaScript clock at the call, ms since 1970.
    Metrics {
        now_ms: i64,
    },
    Last30Days,
    Stop,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Flush,
    Metrics(Day),
    Last30Days,
    Stop,
}

impl Request {
    pub fn kind(&self) -> Kind {
        match self {
            Request::Flush => Kind::Flush,
            Request::Metrics { now_ms } => Kind::Metrics(Day::of(*now_ms)),
            Request::Last30Days => Kind::Last30Days,
            Request::Stop => Kind::Stop,
        }
    }
}

impl Kind {
    /// The public method's name.
    fn name(&self) -> &'static str {
        match self {
            Kind::Flush => "flush()",
            Kind::Metrics(_) => "getMetrics()",
            Kind::Last30Days => "getLast30Days()",
            Kind::Stop => "stop()",
        }
    }
}

/// A request on its way.
#[derive(Debug)]
pub struct Operation {
    pub request: u32,
    pub kind: Kind,
    /// It waits until every record up to this one is settled.
    pub target: i64,
    pub deadline: Instant,
    pub limit: Duration,
    pub phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// For records to be settled.
    Waiting,
    /// A read is under way.
    Reading,
    /// A read failed and is repeated after this time.
    Again(Instant),
}

impl Operation {
    pub fn begun(&self) -> Instant {
        self.deadline - self.limit
    }

    /// The error of its time limit.
    pub fn timeout(&self, cause: Option<String>, waits_for_history: bool) -> Error {
        let after_ms = self.limit.as_millis() as u64;
        if waits_for_history {
            return Error::HistoryBuilding { after_ms };
        }
        Error::Timeout {
            operation: self.kind.name(),
            after_ms,
            cause,
        }
    }
}

/// Promises of logins and logouts that are still open.
#[derive(Debug, Default)]
pub struct Acknowledgements {
    open: HashSet<u32>,
    /// In the order of their deadlines.
    deadlines: VecDeque<(Instant, u32)>,
}

impl Acknowledgements {
    pub fn expect(&mut self, ack: u32, deadline: Instant) {
        if ack != 0 {
            self.open.insert(ack);
            self.deadlines.push_back((deadline, ack));
        }
    }

    /// Closes a promise; false when it is closed already, or was none.
    pub fn close(&mut self, ack: u32) -> bool {
        self.open.remove(&ack)
    }

    /// The promises whose time is over.
    pub fn expire(&mut self, now: Instant) -> Vec<u32> {
        let mut expired = Vec::new();
        while let Some((deadline, ack)) = self.deadlines.front().copied() {
            if deadline > now && self.open.contains(&ack) {
                break;
            }
            self.deadlines.pop_front();
            if self.open.remove(&ack) {
                expired.push(ack);
            }
        }
        expired
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.front().map(|(deadline, _)| *deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_closes_once_by_its_acknowledgement_or_by_its_deadline() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut acks = Acknowledgements::default();
        acks.expect(0, now);
        acks.expect(1, now + second);
        acks.expect(2, now + second);
        acks.expect(3, now + 2 * second);
        assert!(acks.close(1));
        assert!(!acks.close(1));
        assert_eq!(acks.expire(now), [0; 0]);
        assert_eq!(acks.expire(now + second), [2]);
        assert!(!acks.close(2));
        assert_eq!(acks.next_deadline(), Some(now + 2 * second));
    }
}
