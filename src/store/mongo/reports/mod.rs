//! Reports (`gsoreports`, `gsoplayers`), and what they are made of.
//!
//! Only commands, options and operators of MongoDB 4.2 that are in version 1 of the Stable API are used. What
//! reads many documents names its index; where that index is missing, the server chooses.
//!
//! | module | responsibility |
//! |---|---|
//! | `reading` | how the documents of a day are read, and from which member |
//! | `days` | which days there are, and their reports |
//! | `users`, `sessions`, `events` | the pipelines of a day |
//! | `revenue` | the purchases of some days |
//! | `funnels` | events in their order, and the cohorts of funnels |

mod days;
mod events;
mod funnels;
mod reading;
mod revenue;
mod sessions;
mod users;

use std::time::Duration;

use bson::{DateTime, Document, doc};
use mongodb::options::ReturnDocument;

use super::client::MongoStore;
use super::codes::DUPLICATE_KEY;
use super::error::code_of;
use crate::config::Excluded;
use crate::record::day::Day;
use crate::store::error::Result;
use crate::store::reports::{
    DaySessions, DayUsers, EventPass, EventRow, Mark, Report, ReportStore, Revenue, Sources,
};

/// A lease that ends later than so long from now was taken by a clock that was wrong.
const MOST_HELD_MS: i64 = 600_000;

impl ReportStore for MongoStore {
    async fn server_ms(&self) -> Result<i64> {
        // The one of its own, not this one.
        MongoStore::server_ms(self).await
    }

    /// By the server's clock, which all processes share.
    async fn take_lease(&self, name: &str, owner: &str, time: Duration) -> Result<bool> {
        let owner = doc! { "$literal": owner };
        let is_mine = doc! { "$or": [
            { "$eq": ["$owner", &owner] },
            { "$lte": [{ "$ifNull": ["$until", DateTime::from_millis(0)] }, "$$NOW"] },
            { "$gt": ["$until", { "$add": ["$$NOW", MOST_HELD_MS] }] },
        ] };
        let until = doc! { "$add": ["$$NOW", time.as_millis() as i64] };
        let lease = doc! {
            "owner": { "$cond": [&is_mine, &owner, "$owner"] },
            "until": { "$cond": [&is_mine, until, "$until"] },
        };
        let holder = self
            .kept_reports
            .find_one_and_update(doc! { "_id": name }, vec![doc! { "$set": lease }])
            .upsert(true)
            .return_document(ReturnDocument::After)
            .await;
        let is_owner =
            |holder: Document| holder.get_str("owner").ok() == owner.get_str("$literal").ok();
        match holder {
            Ok(holder) => Ok(holder.is_some_and(is_owner)),
            // Another process inserted it at the same moment.
            Err(error) if code_of(&error) == Some(DUPLICATE_KEY) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn events_kept_ms(&self) -> Result<Option<i64>> {
        // The one of its own, not this one.
        MongoStore::events_kept_ms(self).await
    }

    async fn sources(&self, since: Option<&Day>) -> Result<Sources> {
        self.read_sources(since).await
    }

    async fn marks(&self, since: Option<&Day>) -> Result<Vec<Mark>> {
        self.read_marks(since).await
    }

    async fn lowers_first_days(&self, day: &Day) -> Result<bool> {
        self.has_later_players(day).await
    }

    async fn merge_first_days(&self, day: &Day) -> Result<()> {
        self.merge_players(day).await
    }

    async fn day_users(&self, day: &Day, excluded: &Excluded) -> Result<DayUsers> {
        self.read_users(day, excluded).await
    }

    async fn day_sessions(&self, day: &Day, excluded: &Excluded) -> Result<DaySessions> {
        self.read_sessions(day, excluded).await
    }

    async fn day_events(
        &self,
        day: &Day,
        pass: &EventPass,
        each: impl FnMut(EventRow) + Send,
    ) -> Result<()> {
        self.read_events(day, pass, each).await
    }

    async fn day_totals(&self, day: &Day) -> Result<Option<Document>> {
        let found = self.daily.find_one(doc! { "day": day.as_str() }).await?;
        Ok(found)
    }

    async fn revenue(&self, from: &Day, to: &Day, limit: Duration) -> Result<Revenue> {
        self.read_revenue(from, to, limit).await
    }

    async fn totals_between(&self, from: &Day, to: &Day, total: &str) -> Result<Vec<Document>> {
        self.find_totals(from, to, total).await
    }

    async fn payers(&self, day: &Day, within: Duration) -> Result<i64> {
        self.count_payers(day, within).await
    }

    async fn note_late(&self, days: &[Day]) -> Result<()> {
        for day in days {
            self.mark_late(day, "at").await?;
        }
        Ok(())
    }

    async fn note_lowered(&self, day: &Day) -> Result<()> {
        self.mark_late(day, "lowered").await
    }

    async fn note_unread(&self, day: &Day, has_first_days: bool) -> Result<()> {
        self.mark_unread(day, has_first_days).await
    }

    async fn put_report(&self, report: Report) -> Result<bool> {
        self.replace_report(report).await
    }

    async fn reports(&self, from: &Day, to: &Day, parts: &[&str]) -> Result<Vec<Document>> {
        self.find_reports(from, to, parts).await
    }
}
