//! The edge to the database: what the pipeline asks of a store, and nothing about how it is done.
//!
//! Every write can be repeated without changing the outcome; the answer to doubt is to repeat it.

#[cfg(test)]
pub(crate) mod fake;
mod mongo;

pub use mongo::{Connection, MongoStore, check, target_id};

use std::fmt;
use std::future::Future;
use std::time::Duration;

use bson::RawDocumentBuf;
use bson::oid::ObjectId;

use crate::instance::listener::Level;
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::record::document::Batch;
use crate::record::item::Close;

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// Without secrets; may be shown to users.
    pub message: String,
    /// Whether the same request may succeed later. Writes are repeated either way.
    pub transient: bool,
}

impl StoreError {
    pub fn transient(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            transient: true,
        }
    }

    /// The connections have lost their user, who was dropped and may be there again: they stay so, and
    /// only new ones are of use.
    pub fn is_unauthenticated(&self) -> bool {
        self.message.contains("requires authentication")
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

pub type Result<T> = std::result::Result<T, StoreError>;

/// A document that the server refuses for its content: set aside, so that the rest is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Position in the documents that were given.
    pub index: usize,
    pub message: String,
}

/// What became of documents that were inserted: all are there but those set aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inserted {
    /// In the order of the documents.
    pub set_aside: Vec<SetAside>,
    /// How many were there already, from an attempt whose answer was lost.
    pub duplicates: u64,
}

/// Whole numbers up to 2^53 are exact in a double; no total goes beyond it.
pub const LARGEST_TOTAL: f64 = 9_007_199_254_740_992.0;

/// What became of a close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// The session is closed by it, the first time or repeated.
    ByThis,
    /// Closed by somebody else, or gone.
    NotByThis,
    /// The server refuses the change for its content.
    Refused(String),
}

/// What a group adds to one day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delta {
    amounts: [Option<f64>; Counter::ALL.len()],
    /// New distinct users of the month.
    pub mau: f64,
    /// Over closed sessions that lasted longer than 0 s.
    pub session_seconds: f64,
    pub sessions_closed: f64,
}

impl Delta {
    /// False when the sum would lie beyond [`LARGEST_TOTAL`]: it stays as it is.
    pub fn add(&mut self, counter: Counter, amount: f64) -> bool {
        let sum = self.amounts[counter as usize].get_or_insert(0.0);
        let fits = (*sum + amount).abs() <= LARGEST_TOTAL;
        if fits {
            *sum += amount;
        }
        fits
    }

    /// The counters that were touched, with what to add (0 included).
    pub fn amounts(&self) -> impl Iterator<Item = (Counter, f64)> {
        let amounts = Counter::ALL.into_iter().zip(self.amounts);
        amounts.filter_map(|(counter, amount)| Some((counter, amount?)))
    }
}

/// The identity under which this process adds to totals, and the number of its last applied record.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    pub writer: &'a str,
    /// The last record of this writer that the day holds; `None` when it holds none yet.
    pub previous: Option<i64>,
    /// The last record of the group.
    pub last: i64,
}

/// What became of an addition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// Applied now, but for these counters: not a number, or beyond 2^53.
    Applied { left_out: Vec<Counter> },
    /// Nothing matched: applied before, or the day does not stand where it was believed to.
    Missed,
}

/// Where a writer stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    NoDocument,
    At(Option<i64>),
}

/// How long somebody who sums up old sessions is believed to be at it after he was last heard of.
pub const CLAIM_LIFE: Duration = Duration::from_secs(10);

/// How long one step of summing up may take, at the server too, before it is begun anew; marking the
/// users of a day with 43 000 sessions took about 2 s.
pub const HISTORY_STEP_LIMIT: Duration = Duration::from_secs(1_800);

/// Markers outlive their period by 35 days.
pub const MARKER_LIFE_MS: i64 = 35 * 86_400_000;

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
    /// When the server may forget it, ms since 1970.
    pub expires_ms: i64,
}

/// What a day held before this package wrote to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Base {
    /// Sessions at or below it are the old ones; zero when there were none.
    pub cut: ObjectId,
    /// The users of the old sessions have their markers.
    pub marked: bool,
    /// Sums of the old sessions; `None` while they are not summed up yet.
    pub sums: Option<Sums>,
}

impl Base {
    /// Of a day without old sessions.
    pub const EMPTY: Base = Base {
        cut: ObjectId::from_bytes([0; 12]),
        marked: true,
        sums: Some(Sums {
            mau: 0.0,
            session_seconds: 0.0,
            sessions_closed: 0.0,
        }),
    };

    pub fn has_old_sessions(&self) -> bool {
        self.cut != Self::EMPTY.cut
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sums {
    pub mau: f64,
    pub session_seconds: f64,
    pub sessions_closed: f64,
}

/// What `getMetrics` reads: today's document without book-keeping, and the month's sums.
#[derive(Debug, Clone, Default)]
pub struct MonthView {
    pub today: Option<RawDocumentBuf>,
    pub sums: Sums,
}

/// Whether totals may be added at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prepared {
    /// With remarks for the operator.
    Ready(Vec<(Level, String)>),
    /// A day could have two documents: why, and what to do about it.
    Blocked(String),
}

/// A place where records and totals are kept.
pub trait Store: Send + Sync + 'static {
    /// Makes sure that there is the unique index without which a day could be made twice.
    fn prepare(&self) -> impl Future<Output = Result<Prepared>> + Send;

    /// Creates what other indexes are missing; on big collections that takes long.
    fn create_indexes(&self) -> impl Future<Output = Result<Vec<(Level, String)>>> + Send;

    /// Documents already there under their own `_id` count as inserted.
    fn insert_events(&self, batch: &Batch) -> impl Future<Output = Result<Inserted>> + Send;

    /// Documents already there under their own `_id` count as inserted.
    fn insert_sessions(&self, batch: &Batch) -> impl Future<Output = Result<Inserted>> + Send;

    /// What became of each close.
    fn close_sessions(&self, closes: &[Close]) -> impl Future<Output = Result<Vec<Closed>>> + Send;

    /// Makes sure the daily document exists, with every counter.
    fn ensure_day(&self, day: &Day) -> impl Future<Output = Result<()>> + Send;

    /// Adds to the day's totals if the writer stands at `step.previous` there.
    fn add(
        &self,
        day: &Day,
        step: Step<'_>,
        delta: &Delta,
    ) -> impl Future<Output = Result<Added>> + Send;

    /// Where the writer stands, as a majority knows it.
    fn standing(&self, day: &Day, writer: &str) -> impl Future<Output = Result<Standing>> + Send;

    /// Whether the writer stands at `seq`, acknowledged durably by a majority.
    fn confirm(
        &self,
        day: &Day,
        writer: &str,
        seq: Option<i64>,
    ) -> impl Future<Output = Result<bool>> + Send;

    /// The markers of these users in one period, as a majority knows them.
    fn find_markers(
        &self,
        period: &str,
        users: &[&str],
    ) -> impl Future<Output = Result<Vec<Marker>>> + Send;

    /// Markers already there are left as they are.
    fn insert_markers(&self, markers: &[Marker]) -> impl Future<Output = Result<()>> + Send;

    /// Those of the users who have a session of the day at or below the cut.
    fn users_up_to(
        &self,
        day: &Day,
        users: &[&str],
        cut: ObjectId,
    ) -> impl Future<Output = Result<Vec<String>>> + Send;

    /// The days' bases in the order given, inserted where missing. A cut never changes, and sums do
    /// not once they are there.
    fn bases(&self, days: &[Day]) -> impl Future<Output = Result<Vec<Base>>> + Send;

    /// Whether `builder` is the one who sums up the month of this day, for the next
    /// [`CLAIM_LIFE`]. It spares double work and nothing relies on it.
    fn claim_history(&self, day: &Day, builder: &str) -> impl Future<Output = Result<bool>> + Send;

    /// Gives the users of a day's old sessions their markers of the month, where they have none; can
    /// be interrupted, repeated and run by several processes.
    fn mark_base(&self, day: &Day, cut: ObjectId) -> impl Future<Output = Result<()>> + Send;

    /// Sums up days of one month that are marked; the same holds for it. Ends the claim.
    fn sum_bases(&self, days: &[Day]) -> impl Future<Output = Result<()>> + Send;

    /// The daily documents of the month of `today`.
    fn month(&self, today: &Day) -> impl Future<Output = Result<MonthView>> + Send;

    /// The newest daily documents without book-keeping, newest first.
    fn newest_days(&self, count: u32) -> impl Future<Output = Result<Vec<RawDocumentBuf>>> + Send;

    /// Closes its connections.
    fn close(&self) -> impl Future<Output = ()> + Send;
}
