//! Distinct users: a marker per user and period, written by the login that was the first. A marker never
//! changes.

use super::Reply;
use super::records::Dropped;
use crate::record::day::Day;

/// Markers outlive their period by 35 days.
pub const MARKER_TTL_MS: i64 = 35 * 86_400_000;

pub trait UniquesStore {
    /// The markers of these users in one period, as a majority knows them.
    fn find_markers(&self, period: &str, users: &[&str]) -> impl Reply<Vec<Marker>>;

    /// Inserts markers; those already there stay as they are. Returns those that the server refuses for
    /// their content.
    fn insert_markers(&self, markers: &[Marker]) -> impl Reply<Vec<Dropped>>;
}

/// A time in which users are counted once.
#[derive(Debug, Clone, Copy)]
pub enum Period<'a> {
    Day(&'a Day),
    /// The month of this day.
    Month(&'a Day),
}

impl Period<'_> {
    /// `d:YYYY-MM-DD` or `m:YYYY-MM`.
    pub fn name(&self) -> String {
        match self {
            Period::Day(day) => format!("d:{}", day.as_str()),
            Period::Month(day) => format!("m:{}", day.month()),
        }
    }

    pub fn day(&self) -> &Day {
        match self {
            Period::Day(day) | Period::Month(day) => day,
        }
    }

    /// The first moment after it, in ms since 1970; `None` outside the calendar.
    pub fn end_ms(&self) -> Option<i64> {
        match self {
            Period::Day(day) => day.end_ms(),
            Period::Month(day) => day.end_of_month_ms(),
        }
    }
}

/// The first login of a user in a day or a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The name of its [`Period`].
    pub period: String,
    pub user: String,
    pub writer: String,
    pub seq: i64,
    /// The day of the login that made it.
    pub day: String,
    /// The time from which the server may delete it, ms since 1970.
    pub expires_ms: i64,
}
