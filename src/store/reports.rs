//! Reports: what is read of a day to report it, and the reports themselves (`gsoreports`, `gsoplayers`). Every
//! time is the server's.
//!
//! | document | content |
//! |---|---|
//! | `d:<day>` of `gsoreports` | the report of a day |
//! | `late:<day>` | sessions of that day came after its report was final, last `at`; `lowered` when first days of users
//!   became earlier by it; `unread` when it could not be reported, with `firstDays` false where those are not known |
//! | `lease`, `lease:<work>` | who makes reports, and until when |
//! | `<user id>` of `gsoplayers` | `f`, the first day on which that user logged in |

use std::collections::BTreeMap;
use std::time::Duration;

use bson::Document;

use super::Reply;
use crate::config::{Excluded, Reports};
use crate::record::day::Day;

/// The version of the reports that this version makes and reads.
pub const REPORT_VERSION: i32 = 1;
/// The state of a report that was made before its day was over.
pub const OPEN_STATE: &str = "open";

/// A report or cohort from further ahead was made by a clock that was wrong, and is replaced.
pub const AHEAD_MS: i64 = 300_000;

/// Time limit of the database for one pass over the documents of some days that nobody waits for.
pub const PASS_LIMIT: Duration = Duration::from_secs(600);

pub trait ReportStore {
    /// The server's clock, ms since 1970.
    fn server_ms(&self) -> impl Reply<i64>;

    /// Takes or renews a lease, if nobody else has it; whether `owner` has it now. With a time of zero it is
    /// given back.
    fn take_lease(&self, name: &str, owner: &str, time: Duration) -> impl Reply<bool>;

    /// How long events are kept; `None` for ever.
    fn events_kept_ms(&self) -> impl Reply<Option<i64>>;

    /// What there is to report, of days since this one.
    fn sources(&self, since: Option<&Day>) -> impl Reply<Sources>;

    /// The days since this one that are reported, and when each was begun.
    fn marks(&self, since: Option<&Day>) -> impl Reply<Vec<Mark>>;

    /// Whether this day is earlier than the noted first day of one of its users.
    fn lowers_first_days(&self, day: &Day) -> impl Reply<bool>;

    /// Notes the first day of the users of this day, where it is their first.
    fn merge_first_days(&self, day: &Day) -> impl Reply<()>;

    /// The users of a day, whose first days are known.
    fn day_users(&self, day: &Day, excluded: &Excluded) -> impl Reply<DayUsers>;

    fn day_sessions(&self, day: &Day, excluded: &Excluded) -> impl Reply<DaySessions>;

    /// Calls `each` for the events of a day, grouped, the largest groups first.
    fn day_events(
        &self,
        day: &Day,
        pass: &EventPass,
        each: impl FnMut(EventRow) + Send,
    ) -> impl Reply<()>;

    /// The daily document.
    fn day_totals(&self, day: &Day) -> impl Reply<Option<Document>>;

    /// The purchases from one day to another. The database takes at most `limit` for one pass.
    fn revenue(&self, from: &Day, to: &Day, limit: Duration) -> impl Reply<Revenue>;

    /// This total and the day of each daily document from one day to another.
    fn totals_between(&self, from: &Day, to: &Day, total: &str) -> impl Reply<Vec<Document>>;

    /// Users who paid on the day, in any currency; the server looks for them no longer than this.
    fn payers(&self, day: &Day, within: Duration) -> impl Reply<i64>;

    /// Notes that sessions of these days have come after their reports may have been final.
    fn note_late(&self, days: &[Day]) -> impl Reply<()>;

    /// Notes that late sessions of this day make first days earlier, which changes the reports of all days after it.
    fn note_lowered(&self, day: &Day) -> impl Reply<()>;

    /// Notes that this day cannot be reported, and whether the first days of its users are known all the same.
    fn note_unread(&self, day: &Day, has_first_days: bool) -> impl Reply<()>;

    /// Puts the report of a day in place of one that was begun earlier. False if a later one is there.
    fn put_report(&self, report: Report) -> impl Reply<bool>;

    /// These parts of the reports from one day to another, oldest first.
    fn reports(&self, from: &Day, to: &Day, parts: &[&str]) -> impl Reply<Vec<Document>>;
}

/// What there is to report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The days that have sessions, oldest first.
    pub session_days: Vec<Day>,
    /// The time of the oldest event, ms since 1970.
    pub oldest_event_ms: Option<i64>,
    /// All days of which something is noted.
    pub late: Vec<Late>,
}

/// A day of which sessions came late, or that could not be reported. Times are ms since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    pub day: Day,
    /// When the last of the sessions came.
    pub at_ms: Option<i64>,
    /// When the first day of a user became earlier.
    pub lowered_ms: Option<i64>,
    pub unread: Option<Unread>,
}

/// A day could not be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread {
    /// The last time, ms since 1970.
    pub at_ms: i64,
    /// The first days of its users are known all the same.
    pub has_first_days: bool,
}

/// A report that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub day: Day,
    pub version: i32,
    /// When it was begun, ms since 1970.
    pub as_of_ms: i64,
    /// How long it took.
    pub took_ms: i64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct DayUsers {
    /// Users by the day of their first login, where it is known.
    pub by_first_day: Vec<(Option<String>, i64)>,
    /// Users by the number of their sessions.
    pub per_user: Vec<(i64, i64)>,
    /// Users of the 7 and of the 30 days that end with this day.
    pub wau: i64,
    pub mau30: i64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct DaySessions {
    pub count: i64,
    /// Without a logout.
    pub open: i64,
    /// Sessions longer than 0 s, by whole seconds, shortest first.
    pub lengths: Vec<(i64, i64)>,
    /// Their sum.
    pub seconds: f64,
}

/// How the events of a day are grouped.
#[derive(Debug, Clone, Default)]
pub struct EventPass {
    /// The events that have an amount, and the field of `data` that holds it.
    pub amounts: Vec<(String, String)>,
    /// The fields of `data` of which the first with a text is the reason or the item of such an event.
    pub reason_fields: Vec<String>,
    pub item_fields: Vec<String>,
    pub excluded: Excluded,
}

/// Events of one name, reason and item, of which all or none are excluded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventRow {
    pub event: Option<String>,
    pub reason: Option<String>,
    pub item: Option<String>,
    /// The amount of each, where it is a text.
    pub text: Option<String>,
    pub is_excluded: bool,
    pub count: i64,
    /// The sum of the amounts that are numbers.
    pub amount: f64,
}

/// Purchases of some days.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Revenue {
    /// The day of the first purchase that is stored.
    pub first_day: Option<Day>,
    pub rows: Vec<RevenueRow>,
    /// Users by the day of their first payment ever.
    pub new_payers: BTreeMap<Day, i64>,
}

/// Purchases of one day and currency.
#[derive(Debug, Clone, PartialEq)]
pub struct RevenueRow {
    pub day: Day,
    pub currency: Option<String>,
    /// In minor units of the currency; refunds are negative.
    pub cents: f64,
    /// Purchases of more than 0, and users who have made any.
    pub payments: i64,
    pub payers: i64,
}

/// A report to be stored.
#[derive(Debug, Clone)]
pub struct Report {
    pub day: Day,
    pub as_of_ms: i64,
    /// Fields that replace those that are there.
    pub set: Document,
    /// Fields where no report was there, or one of a part of the day.
    pub set_new: Document,
    /// Who was online. One of sessions does not replace one of samples, which are deleted after some days.
    pub presence: Document,
}

impl EventPass {
    pub fn new(reports: &Reports, amounts: Vec<(String, String)>) -> Self {
        Self {
            amounts,
            reason_fields: reports.reason_fields.clone(),
            item_fields: reports.item_fields.clone(),
            excluded: reports.excluded.clone(),
        }
    }
}
