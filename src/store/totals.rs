//! Daily totals: one document per day. Each keeps the sequence number of the last record that each
//! writer applied to it, and an addition is a compare-and-set on that number. So repeating an addition
//! adds nothing.

use std::collections::BTreeMap;

use bson::RawDocumentBuf;

use super::Reply;
use crate::record::counters::Counter;
use crate::record::day::Day;

/// Whole numbers up to 2^53 are exact in a double; no total goes beyond it.
pub const LARGEST_TOTAL: f64 = 9_007_199_254_740_992.0;

pub trait TotalsStore {
    /// Makes sure that the daily document exists; a new one begins with every counter that is known here.
    fn ensure_day(&self, day: &Day) -> impl Reply<()>;

    /// Adds to the day's totals and sets the writer's applied number to `advance.last`, both or
    /// neither, if that number is `advance.previous`.
    fn add(&self, day: &Day, advance: SeqAdvance<'_>, delta: &Delta) -> impl Reply<Added>;

    /// The writer's applied number, as a majority knows it. It may lag behind the primary's.
    fn applied_seq(&self, day: &Day, writer: &str) -> impl Reply<AppliedSeq>;

    /// Whether the writer's applied number is `seq` on the primary, acknowledged durably by a majority.
    fn confirm(&self, day: &Day, writer: &str, seq: Option<i64>) -> impl Reply<bool>;

    /// The document of today, and sums over the daily documents of its month.
    fn month(&self, today: &Day) -> impl Reply<MonthView>;

    /// The newest daily documents without book-keeping, newest first.
    fn newest_days(&self, count: u32) -> impl Reply<Vec<RawDocumentBuf>>;
}

/// The amounts that a batch adds to one day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delta {
    amounts: BTreeMap<Counter, f64>,
    /// New distinct users of the month.
    pub mau: f64,
    /// Over closed sessions that lasted longer than 0 s.
    pub session_seconds: f64,
    pub sessions_closed: f64,
}

impl Delta {
    /// False when the sum would lie beyond [`LARGEST_TOTAL`]: it stays as it is.
    pub fn add(&mut self, counter: Counter, amount: f64) -> bool {
        let sum = self.amounts.entry(counter).or_insert(0.0);
        let fits = (*sum + amount).abs() <= LARGEST_TOTAL;
        if fits {
            *sum += amount;
        }
        fits
    }

    /// The counters that were touched, with what to add (0 included).
    pub fn amounts(&self) -> impl Iterator<Item = (Counter, f64)> {
        self.amounts.iter().map(|(counter, sum)| (*counter, *sum))
    }
}

/// The move of a writer's applied number on a day.
#[derive(Debug, Clone, Copy)]
pub struct SeqAdvance<'a> {
    pub writer: &'a str,
    /// The last record of this writer that the day holds; `None` when it holds none yet.
    pub previous: Option<i64>,
    /// The last record of the batch.
    pub last: i64,
}

/// The outcome of an addition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// Applied now, but for these counters: not a number, or beyond 2^53.
    Applied { left_out: Vec<Counter> },
    /// The compare-and-set failed: it was applied before, or the writer's applied number is another.
    Conflict,
}

/// The number of the last record that a writer applied to a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppliedSeq {
    NoDocument,
    /// `None` when the writer has applied nothing.
    At(Option<i64>),
}

/// The reading of `getMetrics`: today's document without book-keeping, and the month's sums.
#[derive(Debug, Clone, Default)]
pub struct MonthView {
    pub today: Option<RawDocumentBuf>,
    pub sums: Sums,
}

/// Sums over days that no single counter holds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sums {
    pub mau: f64,
    pub session_seconds: f64,
    pub sessions_closed: f64,
}
