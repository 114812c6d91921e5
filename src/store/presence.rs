//! Presence: what each instance says of itself every 20 s, and how many players were online in past minutes
//! (`gsoreports`). Every time is the server's, unless it is said to be the host's.
//!
//! | document | content |
//! |---|---|
//! | `now:<incarnation>` | the newest sample, see below |
//! | `p:<hour>:<incarnation>` | `m: {<minute>: n}`, the last sample of each minute; `x` |
//! | `dead:<incarnation>` | a claim to close the sessions of an instance that died |
//!
//! The newest sample has `n` players, `seq`, `t`, `from`, `to`, `h`, `at` and `resumes`; at the end `ended`, `left` and
//! `x`; `closed` and `x` once its claim is done.
//!
//! Documents may have more fields than these: they are kept, and what cannot be read is passed over. The server
//! deletes a document at `x`.

use std::collections::BTreeMap;
use std::time::Duration;

use bson::Document;

use super::Reply;
use crate::instance::incarnation::Incarnation;
use crate::record::day::Day;

/// How old the newest sample of an instance may be whose players are online.
const FRESH_MS: u64 = 45_000;

pub trait PresenceStore {
    /// Makes sure that the server deletes documents at their `x`. An error where it would not.
    fn prepare_presence(&self) -> impl Reply<()>;

    /// Stores a sample, unless a later one of its incarnation is stored.
    fn write_sample(&self, sample: &Sample) -> impl Reply<()>;

    /// The newest sample of each instance, as the primary knows it.
    fn presence(&self) -> impl Reply<Presence>;

    /// The samples of a day, and of the hours before and after it.
    fn samples(&self, day: &Day) -> impl Reply<Samples>;

    /// How many more sessions were open at the end of each minute of a day than at its begin, of the sessions
    /// of that day and the day before that have a logout. Minute -1 stands for all time before. The database takes
    /// at most `limit` for one pass.
    fn session_changes(&self, day: &Day, limit: Duration) -> impl Reply<Minutes>;
}

/// A number for each minute of a day, counted from its begin, beyond its ends too.
pub type Minutes = BTreeMap<i64, i64>;

/// The players of each instance in the minutes in which it was seen.
pub type Samples = BTreeMap<Incarnation, Minutes>;

/// What an instance says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub incarnation: Incarnation,
    /// Counts the samples of an incarnation.
    pub seq: i64,
    /// Players who are logged in through the instance.
    pub online: i64,
    /// The host's clock, ms since 1970.
    pub host_ms: i64,
    /// The earliest that it has shown since the instance is, or before, and the latest that a sample has found.
    pub from_ms: i64,
    pub to_ms: i64,
    /// Its state of health, for other processes; at most 4 KiB.
    pub health: Document,
    /// No other sample follows.
    pub is_last: bool,
    /// Players who are still logged in when no other sample follows.
    pub left: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Presence {
    /// The server's clock, ms since 1970.
    pub now_ms: i64,
    pub instances: Vec<Seen>,
}

/// The newest sample of an instance, as others see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub incarnation: Incarnation,
    pub seq: i64,
    /// The host's clock then, ms since 1970, and the earliest and the latest that it has shown.
    pub host_ms: Option<i64>,
    pub from_ms: Option<i64>,
    pub to_ms: Option<i64>,
    pub online: i64,
    /// When it was stored, ms since 1970.
    pub at_ms: i64,
    pub has_ended: bool,
    /// It has ended without leaving anybody logged in, or its sessions are closed, or its release would not open them
    /// again: nothing is to be done.
    pub is_settled: bool,
    /// Its sessions are or were closed, as those of an instance that died.
    pub is_claimed: bool,
    /// `instanceName`.
    pub name: Option<String>,
}

impl Presence {
    /// The instances whose players are online.
    pub fn here(&self) -> impl Iterator<Item = &Seen> {
        self.instances
            .iter()
            .filter(|seen| seen.is_here(self.now_ms))
    }
}

impl Seen {
    /// Whether its players are online. After a fail-over to a slower clock the sample may be from the future.
    pub fn is_here(&self, now_ms: i64) -> bool {
        !self.has_ended && !self.is_claimed && now_ms.abs_diff(self.at_ms) <= FRESH_MS
    }
}
