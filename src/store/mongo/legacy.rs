//! What days held before this package wrote to them (`gsouniques`): one baseline document per day.
//!
//! Old sessions are summed up in two steps, so that the month's markers, of which there may be
//! millions, are read once and not once per day. Each old user gets a marker of the month, day after
//! day, and the day's baseline says `marked`. When all have it, one pass counts the markers that each day
//! made. A marker says for ever which day made it and old sessions do not change, so either step can be
//! interrupted, repeated or done by two processes at once, and gives the same numbers.
//!
//! Each step reads the baselines first and the rest in the same session: just after an election a read may
//! not show yet what was there before, but in a session it shows no less than the read before it. What
//! is old is read after a write in the session, which is later than all that the replaced class wrote,
//! however few members have that yet; a majority read without it could miss its last sessions.

use std::collections::HashMap;

use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};
use mongodb::error::{Error as DriverError, ErrorKind, WriteFailure};
use mongodb::options::ReturnDocument;
use mongodb::{ClientSession, SessionCursor};

use super::{
    Baseline, DUPLICATE_KEY, MongoStore, Result, Sums, WRITE_TIMEOUT, store_error, unexpected,
};
use crate::record::day::Day;
use crate::store::{CLAIM_TTL, LEGACY_STEP_TIMEOUT, MARKER_TTL_MS, Period, StoreError};

/// How often baselines are read: before they are inserted, after it, and once more.
const LOOKS: u32 = 3;

impl MongoStore {
    pub(super) async fn read_or_insert_baselines(&self, days: &[Day]) -> Result<Vec<Baseline>> {
        let session = &mut self.session().await?;
        for _ in 0..LOOKS {
            let known = self.read_baselines(days, session).await?;
            let missing: Vec<&Day> = days.iter().filter(|d| !known.contains_key(*d)).collect();
            if missing.is_empty() {
                return Ok(days.iter().map(|day| known[day]).collect());
            }
            self.pass_old_writes(missing[0], session).await?;
            let mut newest = HashMap::new();
            for day in &missing {
                newest.extend(self.newest_session(day, session).await?);
            }
            let documents = missing.into_iter().map(|day| {
                let (cutoff, state) = match newest.get(day.as_str()) {
                    Some(cutoff) => (*cutoff, "building"),
                    None => (Baseline::EMPTY.cutoff, "done"),
                };
                doc! {
                    "_id": baseline_id(day), "cut": cutoff, "state": state,
                    "mau": 0, "seconds": 0, "closed": 0,
                }
            });
            self.insert_new(documents.collect()).await?;
        }
        Err(not_yet_known())
    }

    pub(super) async fn session(&self) -> Result<ClientSession> {
        self.client.start_session().await.map_err(store_error)
    }

    pub(super) async fn read_baselines(
        &self,
        days: &[Day],
        session: &mut ClientSession,
    ) -> Result<HashMap<Day, Baseline>> {
        let ids: Vec<Document> = days.iter().map(baseline_id).collect();
        let found = self
            .uniques
            .find(doc! { "_id": { "$in": ids } })
            .session(&mut *session)
            .await;
        let mut baselines = HashMap::new();
        for document in collect(found, session).await? {
            let (name, baseline) =
                baseline(&document).ok_or_else(|| unexpected("a readable baseline"))?;
            if let Some(day) = days.iter().find(|day| day.as_str() == name) {
                baselines.insert(day.clone(), baseline);
            }
        }
        Ok(baselines)
    }

    /// Ends when a majority knows what was written before it, and reads in the session show that.
    async fn pass_old_writes(&self, day: &Day, session: &mut ClientSession) -> Result<()> {
        let free = doc! { "by": "", "x": DateTime::from_millis(0) };
        let write = doc! { "$currentDate": { "at": true }, "$setOnInsert": free };
        let written = self
            .uniques
            .update_one(claim_id(day), write)
            .upsert(true)
            .session(session)
            .await;
        match written {
            Ok(_) => Ok(()),
            Err(error) if is_duplicate(&error) => Err(not_yet_known()),
            Err(error) => Err(store_error(error)),
        }
    }

    /// The highest session id of a day, if it has sessions. Grouped, not sorted: the index of days
    /// answers it, while a sort may walk through all sessions in the order of their ids.
    async fn newest_session(
        &self,
        day: &Day,
        session: &mut ClientSession,
    ) -> Result<Option<(String, ObjectId)>> {
        let found = self
            .sessions
            .aggregate([
                doc! { "$match": { "day": day.as_str() } },
                doc! { "$group": { "_id": null, "cut": { "$max": "$_id" } } },
            ])
            .max_time(WRITE_TIMEOUT)
            .session(&mut *session)
            .await;
        let found = collect(found, session).await?;
        let cutoff = found.first().and_then(|max| max.get_object_id("cut").ok());
        Ok(cutoff.map(|cutoff| (day.as_str().to_owned(), cutoff)))
    }

    /// By the server's clock, which all processes share.
    pub(super) async fn claim_month(&self, day: &Day, builder: &str) -> Result<bool> {
        let free = doc! { "$or": [
            { "$eq": ["$by", builder] },
            { "$lte": [{ "$ifNull": ["$x", DateTime::from_millis(0)] }, "$$NOW"] },
        ] };
        let until = doc! { "$add": ["$$NOW", CLAIM_TTL.as_millis() as i64] };
        let claim = doc! {
            "by": { "$cond": [&free, builder, "$by"] },
            // Its name is that of the markers' expiry: what is over is removed.
            "x": { "$cond": [&free, until, "$x"] },
        };
        let holder = self
            .uniques
            .find_one_and_update(claim_id(day), vec![doc! { "$set": claim }])
            .upsert(true)
            .return_document(ReturnDocument::After)
            .await;
        match holder {
            Ok(Some(holder)) => Ok(holder.get_str("by").is_ok_and(|by| by == builder)),
            Ok(None) => Ok(false),
            // Somebody else was the first at the same moment.
            Err(error) if is_duplicate(&error) => Ok(false),
            Err(error) => Err(store_error(error)),
        }
    }

    pub(super) async fn mark_old_sessions(&self, day: &Day, cutoff: ObjectId) -> Result<()> {
        let session = &mut self.session().await?;
        let known = self
            .read_baselines(std::slice::from_ref(day), session)
            .await?;
        if known.is_empty() {
            return Err(not_yet_known());
        }
        let old = doc! { "day": day.as_str(), "_id": { "$lte": cutoff } };
        self.mark_old_users(day, &old, session).await?;
        let (seconds, closed) = self.sum_durations(old, session).await?;
        let marked = doc! { "marked": true, "seconds": seconds, "closed": closed };
        self.change_baseline(
            doc! { "_id": baseline_id(day), "state": "building" },
            marked,
        )
        .await
    }

    async fn mark_old_users(
        &self,
        day: &Day,
        old: &Document,
        session: &mut ClientSession,
    ) -> Result<()> {
        let month = Period::Month(day);
        let now = DateTime::now().timestamp_millis();
        let end = month.end_ms().unwrap_or(now).max(now);
        let marker = doc! {
            "_id": { "p": month.name(), "u": "$_id" },
            "w": writer(day), "s": { "$literal": 0_i64 }, "d": day.as_str(),
            "x": DateTime::from_millis(end.saturating_add(MARKER_TTL_MS)),
        };
        let done = self
            .sessions
            .aggregate([
                doc! { "$match": old },
                doc! { "$group": { "_id": "$userId" } },
                doc! { "$project": marker },
                doc! { "$merge": {
                    "into": self.uniques.name(), "on": "_id",
                    "whenMatched": "keepExisting", "whenNotMatched": "insert",
                } },
            ])
            .max_time(LEGACY_STEP_TIMEOUT)
            .allow_disk_use(true)
            .session(&mut *session)
            .await;
        collect(done, session).await.map(drop)
    }

    /// Seconds and number of those sessions that lasted longer than 0 s.
    async fn sum_durations(
        &self,
        mut sessions: Document,
        session: &mut ClientSession,
    ) -> Result<(f64, f64)> {
        sessions.insert("durationS", doc! { "$gt": 0 });
        let found = self
            .sessions
            .aggregate([
                doc! { "$match": sessions },
                doc! { "$group": {
                    "_id": null,
                    "seconds": { "$sum": { "$toDouble": "$durationS" } },
                    "closed": { "$sum": { "$toDouble": 1 } },
                } },
            ])
            .max_time(LEGACY_STEP_TIMEOUT)
            .session(&mut *session)
            .await;
        let found = collect(found, session).await?;
        let number = |name| found.first().and_then(|sums| sums.get_f64(name).ok());
        Ok((
            number("seconds").unwrap_or(0.0),
            number("closed").unwrap_or(0.0),
        ))
    }

    pub(super) async fn sum_marked(&self, days: &[Day]) -> Result<()> {
        let session = &mut self.session().await?;
        let known = self.read_baselines(days, session).await?;
        if !days
            .iter()
            .all(|day| known.get(day).is_some_and(|baseline| baseline.marked))
        {
            return Err(not_yet_known());
        }
        let made = self.count_markers(days, session).await?;
        for day in days {
            let mau = made.get(&writer(day)).copied().unwrap_or(0.0);
            let marked = doc! { "_id": baseline_id(day), "state": "building", "marked": true };
            self.change_baseline(marked, doc! { "state": "done", "mau": mau })
                .await?;
        }
        match days.last() {
            Some(day) => self.end_claim(day).await,
            None => Ok(()),
        }
    }

    /// The work is done: the next to have some, on a later day, need not wait.
    async fn end_claim(&self, day: &Day) -> Result<()> {
        let over = vec![doc! { "$set": { "x": "$$NOW" } }];
        let ended = self.uniques.update_one(claim_id(day), over).await;
        ended.map(drop).map_err(store_error)
    }

    /// How many markers of the month each of the days made.
    async fn count_markers(
        &self,
        days: &[Day],
        session: &mut ClientSession,
    ) -> Result<HashMap<String, f64>> {
        let Some(month) = days.first().map(|day| Period::Month(day).name()) else {
            return Ok(HashMap::new());
        };
        let writers: Vec<String> = days.iter().map(writer).collect();
        let found = self
            .uniques
            .aggregate([
                doc! { "$match": {
                    "_id": {
                        "$gte": { "p": &month, "u": Bson::MinKey },
                        "$lte": { "p": &month, "u": Bson::MaxKey },
                    },
                    "w": { "$in": writers },
                } },
                doc! { "$group": { "_id": "$w", "made": { "$sum": { "$toDouble": 1 } } } },
            ])
            .max_time(LEGACY_STEP_TIMEOUT)
            .session(&mut *session)
            .await;
        let mut made = HashMap::new();
        for document in collect(found, session).await? {
            if let (Ok(writer), Ok(count)) = (document.get_str("_id"), document.get_f64("made")) {
                made.insert(writer.to_owned(), count);
            }
        }
        Ok(made)
    }

    async fn change_baseline(&self, which: Document, values: Document) -> Result<()> {
        let changed = self.uniques.update_one(which, doc! { "$set": values });
        changed.await.map(drop).map_err(store_error)
    }
}

fn is_duplicate(error: &DriverError) -> bool {
    let code = match error.kind.as_ref() {
        ErrorKind::Command(command) => command.code,
        ErrorKind::Write(WriteFailure::WriteError(refusal)) => refusal.code,
        _ => return false,
    };
    code == DUPLICATE_KEY
}

async fn collect(
    cursor: std::result::Result<SessionCursor<Document>, DriverError>,
    session: &mut ClientSession,
) -> Result<Vec<Document>> {
    let mut cursor = cursor.map_err(store_error)?;
    let mut documents = Vec::new();
    while cursor.advance(session).await.map_err(store_error)? {
        documents.push(cursor.deserialize_current().map_err(store_error)?);
    }
    Ok(documents)
}

pub(super) fn not_yet_known() -> StoreError {
    StoreError::transient("a majority does not know what days held before yet")
}

fn claim_id(day: &Day) -> Document {
    doc! { "_id": { "p": "history", "m": day.month() } }
}

fn baseline_id(day: &Day) -> Document {
    doc! { "p": "base", "d": day.as_str() }
}

/// The maker of the markers of a day's old users; no process can have this name.
fn writer(day: &Day) -> String {
    format!("base:{}", day.as_str())
}

fn baseline(document: &Document) -> Option<(&str, Baseline)> {
    let day = document.get_document("_id").ok()?.get_str("d").ok()?;
    let number = |name: &str| match document.get(name) {
        Some(Bson::Int32(value)) => Some(f64::from(*value)),
        Some(Bson::Double(value)) => Some(*value),
        _ => None,
    };
    let sums = Sums {
        mau: number("mau")?,
        session_seconds: number("seconds")?,
        sessions_closed: number("closed")?,
    };
    let is_done = document.get_str("state").ok()? == "done";
    let baseline = Baseline {
        cutoff: document.get_object_id("cut").ok()?,
        marked: is_done || document.get_bool("marked").unwrap_or(false),
        sums: is_done.then_some(sums),
    };
    Some((day, baseline))
}
