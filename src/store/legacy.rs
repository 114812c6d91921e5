//! Legacy data: the sessions that a day held before this package wrote to it. Each day has a baseline,
//! whose cutoff tells legacy sessions from later ones. The cutoff never changes, and the sums do not
//! once they are there.

use std::time::Duration;

use bson::oid::ObjectId;

use super::Reply;
use super::totals::Sums;
use crate::record::day::Day;

/// Life of a claim to sum up legacy sessions, after its holder last renewed it.
pub const CLAIM_TTL: Duration = Duration::from_secs(10);

/// Time limit of one step of summing up, also for the server; then the step is repeated. Marking the users
/// of a day with 43 000 sessions took about 2 s.
pub const LEGACY_STEP_TIMEOUT: Duration = Duration::from_secs(1_800);

pub trait LegacyStore {
    /// The days' baselines in the order given, inserted where missing.
    fn baselines(&self, days: &[Day]) -> impl Reply<Vec<Baseline>>;

    /// Inserts baselines with these cutoffs, where the day has none; returns whether any had none.
    fn insert_baselines(&self, cutoffs: &[(Day, ObjectId)]) -> impl Reply<bool>;

    /// Those of the users who have a session of the day at or below the cutoff.
    fn legacy_users(&self, day: &Day, users: &[&str], cutoff: ObjectId) -> impl Reply<Vec<String>>;

    /// Whether `builder` holds the claim to sum up the month of this day, for the next [`CLAIM_TTL`].
    /// A claim spares double work; no result depends on it.
    fn claim_legacy(&self, day: &Day, builder: &str) -> impl Reply<bool>;

    /// Gives the users of a day's legacy sessions their markers of the month, where they have none.
    /// Safe to interrupt, to repeat and to run in several processes.
    fn mark_baseline(&self, day: &Day, cutoff: ObjectId) -> impl Reply<()>;

    /// Sums up days of one month that are marked, and ends the claim. As safe as [`Self::mark_baseline`].
    fn sum_baselines(&self, days: &[Day]) -> impl Reply<()>;
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Baseline {
    /// Sessions at or below it are legacy; zero when there were none.
    pub cutoff: ObjectId,
    /// The users of the legacy sessions have their markers.
    pub marked: bool,
    /// Sums of the legacy sessions; `None` while they are not summed up yet.
    pub sums: Option<Sums>,
}

impl Baseline {
    /// Of a day without legacy sessions.
    pub const EMPTY: Baseline = Baseline {
        cutoff: ObjectId::from_bytes([0; 12]),
        marked: true,
        sums: Some(Sums {
            mau: 0.0,
            session_seconds: 0.0,
            sessions_closed: 0.0,
        }),
    };

    /// Of a day that is not summed up yet, unless it has no legacy sessions.
    pub fn with_cutoff(cutoff: ObjectId) -> Self {
        match cutoff == Self::EMPTY.cutoff {
            true => Self::EMPTY,
            false => Self {
                cutoff,
                marked: false,
                sums: None,
            },
        }
    }

    pub fn has_legacy_sessions(&self) -> bool {
        self.cutoff != Self::EMPTY.cutoff
    }
}
