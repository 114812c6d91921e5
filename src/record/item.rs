//! Items: records with the decisions that are made at their hand-over. A number, an `_id`, a
//! day and an amount are given once and stay the same through every retry, restart and process.

use std::sync::Arc;

use bson::oid::ObjectId;

use super::counters::Counter;
use super::day::Day;
use super::purchase::Price;

/// Memory a record takes beside its frame, in bytes: ids, queue slots, allocations, what is in flight
/// twice. That of a login or logout; an event takes less.
pub const RECORD_OVERHEAD: usize = 160;

/// An event as it comes in.
#[derive(Debug)]
pub struct Event<'a> {
    pub seq: i64,
    pub cost: usize,
    /// The `_id` of its document; `None` for an event that only counts.
    pub document: Option<ObjectId>,
    pub elements: &'a [u8],
    pub day: Day,
    pub time_ms: i64,
    pub counted: Option<(Counter, f64)>,
    /// Of a purchase.
    pub price: Option<Price>,
    pub webhook: Option<Webhook<'a>>,
    /// The open session of its user, where a destination wants to know; not after a restart.
    pub session: Option<ObjectId>,
    pub key: Option<Keyed<'a>>,
}

/// The dedupe key of an event; see [`super::key`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyed<'a> {
    pub event: &'a str,
    pub key: &'a str,
    /// Of this record alone: it tells which delivery of the event counts.
    pub delivery: ObjectId,
}

/// The part of an event that is forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Webhook<'a> {
    /// That of its document, if it has one.
    pub id: ObjectId,
    /// As `JSON.stringify` made it.
    pub body: &'a [u8],
}

/// A login or a logout on its way into the database.
#[derive(Debug, Clone)]
pub struct SessionItem {
    pub seq: i64,
    pub cost: usize,
    pub ack: u32,
    /// The day of the login.
    pub day: Day,
    pub change: SessionChange,
}

#[derive(Debug, Clone)]
pub enum SessionChange {
    Login {
        id: ObjectId,
        user: Arc<str>,
        login_ms: i64,
        elements: Box<[u8]>,
        /// Handed over so long ago that who logged in then is not counted any more.
        is_late: bool,
    },
    Logout(Close),
}

/// The decision about a record.
pub enum Item<'a> {
    Event(Event<'a>),
    Session(SessionItem),
    /// A logout of somebody who is not logged in: nothing to write.
    Nothing {
        ack: u32,
        cost: usize,
    },
}

impl Item<'_> {
    /// Bytes it takes in the queue.
    pub fn cost(&self) -> usize {
        match self {
            Item::Event(event) => event.cost,
            Item::Session(item) => item.cost,
            Item::Nothing { cost, .. } => *cost,
        }
    }
}

/// The end of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Close {
    pub session: ObjectId,
    /// Only where a destination wants to know.
    pub user: Option<Arc<str>>,
    pub logout_ms: i64,
    /// Whole seconds; negative when the host's clock went back.
    pub duration_s: f64,
    /// The logout time that others have estimated, where it is to be replaced.
    pub estimate_ms: Option<i64>,
}

/// How long a session lasts, as it is stored: like `Math.round(ms / 1000)`, and 0 where the host's clock
/// went back.
pub fn duration_s(login_ms: i64, logout_ms: i64) -> f64 {
    let ms = logout_ms.saturating_sub(login_ms);
    (ms.max(0) as f64 / 1000.0 + 0.5).floor()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_as_javascript_rounds_and_are_never_negative() {
        for (ms, seconds) in [(0, 0.0), (499, 0.0), (500, 1.0), (1499, 1.0), (1500, 2.0)] {
            assert_eq!(duration_s(0, ms), seconds, "{ms} ms");
        }
        for ms in [-1, -500, -1501, i64::MIN] {
            assert_eq!(duration_s(0, ms).to_bits(), 0.0_f64.to_bits(), "{ms} ms");
        }
    }
}
