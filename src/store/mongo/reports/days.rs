//! The days that there are, and their reports.

use bson::{DateTime, Document, doc};

use super::reading::day_in;
use crate::record::day::Day;
use crate::record::document::number_in;
use crate::store::error::{Result, StoreError};
use crate::store::mongo::client::MongoStore;
use crate::store::mongo::cursor::collect;
use crate::store::mongo::error::is_duplicate_id;
use crate::store::reports::{
    AHEAD_MS, Late, Mark, OPEN_STATE, REPORT_VERSION, Report, Sources, Unread,
};

impl MongoStore {
    pub(super) async fn read_sources(&self, since: Option<&Day>) -> Result<Sources> {
        let (session_days, oldest_event_ms, late) = tokio::try_join!(
            self.session_days(since),
            self.oldest_event_ms(),
            self.late_days(),
        )?;
        Ok(Sources {
            session_days,
            oldest_event_ms,
            late,
        })
    }

    /// Out of the index alone: the server skips from day to day.
    async fn session_days(&self, since: Option<&Day>) -> Result<Vec<Day>> {
        let first = since.map_or("0", Day::as_str);
        let stages = [
            doc! { "$match": { "day": { "$gte": first, "$lt": ":" } } },
            doc! { "$sort": { "day": 1 } },
            doc! { "$group": { "_id": "$day" } },
        ];
        let rows = self
            .rows(&self.sessions, &stages, doc! { "day": 1 })
            .await?;
        let days = rows
            .iter()
            .filter_map(|row| row.get("_id").and_then(day_in));
        let mut days: Vec<Day> = days.collect();
        days.sort();
        Ok(days)
    }

    async fn oldest_event_ms(&self) -> Result<Option<i64>> {
        let stages = [
            doc! { "$match": { "ts": { "$gte": DateTime::MIN, "$lt": DateTime::MAX } } },
            doc! { "$sort": { "ts": 1 } },
            doc! { "$limit": 1 },
            doc! { "$project": { "_id": 0, "ts": 1 } },
        ];
        let rows = self.rows(&self.events, &stages, doc! { "ts": 1 }).await?;
        let oldest = rows.first().and_then(|row| row.get_datetime("ts").ok());
        Ok(oldest.map(|time| time.timestamp_millis()))
    }

    async fn late_days(&self) -> Result<Vec<Late>> {
        let late = doc! { "_id": { "$gte": "late:", "$lt": "late;" } };
        let found = collect(self.kept_reports.find(late)).await?;
        let day = |document: &Document| {
            let id = document.get_str("_id").ok()?;
            let time = |field| {
                let time = document.get_datetime(field).ok();
                time.map(|time| time.timestamp_millis())
            };
            let unread = |at_ms| Unread {
                at_ms,
                has_first_days: document.get_bool("firstDays").unwrap_or(false),
            };
            Some(Late {
                day: Day::existing(id.strip_prefix("late:")?)?,
                at_ms: time("at"),
                lowered_ms: time("lowered"),
                unread: time("unread").map(unread),
            })
        };
        Ok(found.iter().filter_map(day).collect())
    }

    /// Sets this time of a late day to the server's.
    pub(super) async fn mark_late(&self, day: &Day, field: &str) -> Result<()> {
        self.note(day, doc! { "$currentDate": { field: true } })
            .await
    }

    pub(super) async fn mark_unread(&self, day: &Day, has_first_days: bool) -> Result<()> {
        let first_days = doc! { "firstDays": has_first_days };
        self.note(
            day,
            doc! { "$currentDate": { "unread": true }, "$set": first_days },
        )
        .await
    }

    async fn note(&self, day: &Day, update: Document) -> Result<()> {
        let id = format!("late:{}", day.as_str());
        let noting = self.kept_reports.update_one(doc! { "_id": id }, update);
        match noting.upsert(true).await {
            Ok(_) => Ok(()),
            // Another process notes it at the same moment.
            Err(error) if is_duplicate_id(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn read_marks(&self, since: Option<&Day>) -> Result<Vec<Mark>> {
        let first = format!("d:{}", since.map_or("", Day::as_str));
        let reports = doc! { "_id": { "$gte": first, "$lt": "d;" } };
        let found = self.kept_reports.find(reports);
        let found = collect(found.projection(doc! { "v": 1, "asOf": 1, "tookMs": 1 })).await?;
        Ok(found.iter().filter_map(mark).collect())
    }

    /// One command; a report that was begun later than this one, or is of a later version, stays.
    pub(super) async fn replace_report(&self, report: Report) -> Result<bool> {
        let as_of = DateTime::from_millis(report.as_of_ms);
        let ahead = DateTime::from_millis(report.as_of_ms.saturating_add(AHEAD_MS));
        let earlier = doc! {
            "_id": format!("d:{}", report.day.as_str()),
            "v": { "$not": { "$gt": REPORT_VERSION } },
            "$or": [
                { "asOf": { "$lt": as_of } },
                { "asOf": { "$gt": ahead } },
                { "asOf": { "$not": { "$type": "date" } } },
            ],
        };
        let is_number = doc! { "$in": [{ "$type": "$runs" }, ["int", "long", "double"]] };
        let mut fields = doc! {
            "v": REPORT_VERSION, "asOf": as_of,
            "runs": { "$add": [{ "$cond": [is_number, "$runs", 0] }, 1] },
        };
        for (name, value) in report.set_new {
            let there = format!("${name}");
            // What an open report says is of a part of the day.
            let kept = doc! { "$cond": [{ "$eq": ["$state", OPEN_STATE] }, null, there] };
            fields.insert(name, doc! { "$ifNull": [kept, { "$literal": value }] });
        }
        fields.insert("presence", kept_presence(&report.presence));
        for (name, value) in report.set {
            fields.insert(name, doc! { "$literal": value });
        }
        let update = self
            .kept_reports
            .update_one(earlier, vec![doc! { "$set": fields }])
            .upsert(true);
        match update.await {
            Ok(_) => Ok(true),
            Err(error) if is_duplicate_id(&error) => Ok(false),
            Err(error) => Err(StoreError::from(error)),
        }
    }

    pub(super) async fn find_reports(
        &self,
        from: &Day,
        to: &Day,
        parts: &[&str],
    ) -> Result<Vec<Document>> {
        let (from, to) = (format!("d:{}", from.as_str()), format!("d:{}", to.as_str()));
        let mut wanted = doc! { "v": 1, "asOf": 1, "state": 1, "options": 1 };
        wanted.extend(parts.iter().map(|part| ((*part).to_owned(), 1.into())));
        let found = self
            .kept_reports
            .find(doc! { "_id": { "$gte": from, "$lte": to } });
        Ok(collect(found.sort(doc! { "_id": 1 }).projection(wanted)).await?)
    }
}

/// The presence of the new report, or that of the old one, which alone knows samples of the whole day.
fn kept_presence(new: &Document) -> Document {
    let new_one = doc! { "$literal": new };
    match new.get_str("source") {
        Ok("samples") => new_one,
        _ => {
            let is_sampled = doc! { "$eq": ["$presence.source", "samples"] };
            let is_over = doc! { "$ne": ["$state", OPEN_STATE] };
            doc! { "$cond": [{ "$and": [is_sampled, is_over] }, "$presence", new_one] }
        }
    }
}

fn mark(document: &Document) -> Option<Mark> {
    let id = document.get_str("_id").ok()?;
    let number = |name| document.get(name).and_then(number_in);
    Some(Mark {
        day: Day::existing(id.strip_prefix("d:")?)?,
        version: number("v")? as i32,
        as_of_ms: document.get_datetime("asOf").ok()?.timestamp_millis(),
        took_ms: number("tookMs").unwrap_or_default() as i64,
    })
}
