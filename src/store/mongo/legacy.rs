//! Legacy sessions: found, marked and summed up. `gsouniques` has a baseline document for each day, and for
//! each month a claim to sum them up.
//!
//! They are summed up in two steps, so that the month's markers, of which there may be millions, are
//! read once and not once per day. Each legacy user gets a marker of the month, day after day, and the
//! day's baseline says `marked`. When all are marked, one pass counts the markers that each day made.
//! A marker says for ever which day made it, and legacy sessions do not change. So either step can be
//! interrupted, repeated or done by two processes at once, and gives the same numbers.
//!
//! Each step reads the baselines first and the rest in the same session: just after an election a read
//! may not show yet what was there before, but in a session it shows no less than the read before it.
//! Legacy sessions are read after a write in the session, which is later than all that the replaced
//! class wrote, however few members have that yet. A majority read without it could miss the last ones.

use std::collections::HashMap;
use std::slice;
use std::time::Duration;

use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};
use mongodb::options::ReturnDocument;
use mongodb::{ClientSession, Collection};

use super::baseline::{baseline, baseline_id, cutoff_at_least, new_baseline, unreadable};
use super::client::{MongoStore, WRITE_TIMEOUT};
use super::codes::DUPLICATE_KEY;
use super::cursor::collect_in;
use super::error::{code_of, is_duplicate_id};
use crate::config;
use crate::record::day::Day;
use crate::store::error::{Result, StoreError};
use crate::store::legacy::{Baseline, CLAIM_TTL, LEGACY_STEP_TIMEOUT, LegacyStore};
use crate::store::uniques::{MARKER_TTL_MS, Period};
use crate::util::clock::system_ms;

/// Reads of baselines: before they are inserted, after that, and once more.
const READS: u32 = 3;

impl LegacyStore for MongoStore {
    async fn baselines(&self, days: &[Day]) -> Result<Vec<Baseline>> {
        self.baselines_of(days).await.map_err(of_uniques)
    }

    async fn insert_baselines(&self, cutoffs: &[(Day, ObjectId)]) -> Result<bool> {
        let documents = cutoffs
            .iter()
            .map(|(day, cutoff)| new_baseline(day, *cutoff));
        let inserting = self.insert_documents(self.uniques.name(), documents.collect());
        let inserted = inserting.await.map_err(of_uniques)?;
        Ok(inserted.duplicates.len() < cutoffs.len())
    }

    async fn legacy_users(
        &self,
        day: &Day,
        users: &[&str],
        cutoff: ObjectId,
    ) -> Result<Vec<String>> {
        let legacy =
            doc! { "day": day.as_str(), "userId": { "$in": users }, "_id": { "$lte": cutoff } };
        let session = &mut self.session().await?;
        let passed = self.pass_baseline(day, cutoff_at_least, session).await;
        passed.map_err(of_uniques)?;
        let found = self
            .sessions
            .distinct("userId", legacy)
            .max_time(WRITE_TIMEOUT)
            .session(session)
            .await
            .map_err(of_sessions)?;
        let names = found.iter().filter_map(Bson::as_str);
        Ok(names.map(str::to_owned).collect())
    }

    /// Expires by the server's clock, which all processes share.
    async fn claim_legacy(&self, day: &Day, builder: &str) -> Result<bool> {
        let free = doc! { "$or": [
            { "$eq": ["$by", builder] },
            { "$lte": [{ "$ifNull": ["$x", DateTime::from_millis(0)] }, "$$NOW"] },
        ] };
        let until = doc! { "$add": ["$$NOW", CLAIM_TTL.as_millis() as i64] };
        let claim = doc! {
            "by": { "$cond": [&free, builder, "$by"] },
            // Named as the expiry of markers, so that the same index removes it.
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
            // Another process inserted it at the same moment.
            Err(error) if code_of(&error) == Some(DUPLICATE_KEY) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn mark_baseline(&self, day: &Day, cutoff: ObjectId) -> Result<()> {
        let session = &mut self.session().await?;
        self.pass_baseline(day, baseline, session).await?;
        let legacy = doc! { "day": day.as_str(), "_id": { "$lte": cutoff } };
        self.mark_legacy_users(day, &legacy, session).await?;
        let (seconds, closed) = self.sum_durations(legacy, session).await?;
        let marked = doc! { "marked": true, "seconds": seconds, "closed": closed };
        let open = doc! { "_id": baseline_id(day), "state": "building" };
        self.change_baseline(open, marked).await
    }

    async fn sum_baselines(&self, days: &[Day]) -> Result<()> {
        let session = &mut self.session().await?;
        let known = self.read_baselines(days, baseline, session).await?;
        let is_marked = |day| known.get(day).is_some_and(|baseline| baseline.marked);
        if !days.iter().all(is_marked) {
            return Err(not_yet_known());
        }
        let made = self.count_markers(days, session).await?;
        for day in days {
            let mau = made.get(&legacy_writer(day)).copied().unwrap_or(0.0);
            let marked = doc! { "_id": baseline_id(day), "state": "building", "marked": true };
            let done = doc! { "state": "done", "mau": mau };
            self.change_baseline(marked, done).await?;
        }
        if let Some(day) = days.last() {
            // So that the next claim, for a later day, need not wait.
            let over = vec![doc! { "$set": { "x": "$$NOW" } }];
            self.uniques.update_one(claim_id(day), over).await?;
        }
        Ok(())
    }
}

impl MongoStore {
    async fn baselines_of(&self, days: &[Day]) -> Result<Vec<Baseline>> {
        let session = &mut self.session().await?;
        for _ in 0..READS {
            let known = self.read_baselines(days, cutoff_at_least, session).await?;
            let missing: Vec<&Day> = days.iter().filter(|d| !known.contains_key(*d)).collect();
            if missing.is_empty() {
                return Ok(days.iter().map(|day| known[day]).collect());
            }
            self.pass_old_writes(missing[0], session).await?;
            let mut documents = Vec::new();
            for day in missing {
                let newest = self.newest_session(day, session).await?;
                documents.push(new_baseline(day, newest.unwrap_or(Baseline::EMPTY.cutoff)));
            }
            let refused = self.insert_new(documents, false).await?;
            if let Some(refused) = refused.into_iter().next() {
                return Err(StoreError::permanent(refused.message));
            }
        }
        Err(not_yet_known())
    }

    async fn read_baselines(
        &self,
        days: &[Day],
        read: fn(&Document) -> Option<Baseline>,
        session: &mut ClientSession,
    ) -> Result<HashMap<Day, Baseline>> {
        let ids: Vec<Document> = days.iter().map(baseline_id).collect();
        let found = self
            .uniques
            .find(doc! { "_id": { "$in": ids } })
            .session(&mut *session)
            .await?;
        let mut baselines = HashMap::new();
        for document in collect_in(found, session).await? {
            let id = document.get_document("_id");
            let name = id.and_then(|id| id.get_str("d")).unwrap_or_default();
            if let Some(day) = days.iter().find(|day| day.as_str() == name) {
                let baseline = read(&document).ok_or_else(|| unreadable(day))?;
                baselines.insert(day.clone(), baseline);
            }
        }
        Ok(baselines)
    }

    /// Fails unless the baseline of the day is there, and can be read.
    async fn pass_baseline(
        &self,
        day: &Day,
        read: fn(&Document) -> Option<Baseline>,
        session: &mut ClientSession,
    ) -> Result<()> {
        let days = slice::from_ref(day);
        let known = self.read_baselines(days, read, session).await?;
        match known.contains_key(day) {
            true => Ok(()),
            false => Err(not_yet_known()),
        }
    }

    async fn change_baseline(&self, which: Document, values: Document) -> Result<()> {
        let changing = self.uniques.update_one(which, doc! { "$set": values });
        Ok(changing.await.map(drop)?)
    }

    /// Writes in the session. Afterwards a majority knows all earlier writes, and reads in the session
    /// show them.
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
            // Another process inserts it at the same moment.
            Err(error) if is_duplicate_id(&error) => Err(not_yet_known()),
            Err(error) => Err(error.into()),
        }
    }

    /// The highest session id of a day, if it has sessions. Grouped, not sorted: the index of days
    /// answers it, while a sort may walk through all sessions in the order of their ids.
    async fn newest_session(
        &self,
        day: &Day,
        session: &mut ClientSession,
    ) -> Result<Option<ObjectId>> {
        let stages = [
            doc! { "$match": { "day": day.as_str() } },
            doc! { "$group": { "_id": null, "newest": { "$max": "$_id" } } },
        ];
        let found = aggregate(&self.sessions, stages, WRITE_TIMEOUT, session).await;
        let found = found.map_err(of_sessions)?;
        let newest = found.first().map(|max| max.get_object_id("newest"));
        Ok(newest.and_then(|newest| newest.ok()))
    }

    async fn mark_legacy_users(
        &self,
        day: &Day,
        legacy: &Document,
        session: &mut ClientSession,
    ) -> Result<()> {
        let month = Period::Month(day);
        let now = system_ms();
        let end = month.end_ms().unwrap_or(now).max(now);
        let marker = doc! {
            "_id": { "p": month.name(), "u": "$_id" },
            "w": legacy_writer(day), "s": { "$literal": 0_i64 }, "d": day.as_str(),
            "x": DateTime::from_millis(end.saturating_add(MARKER_TTL_MS)),
        };
        let stages = [
            doc! { "$match": legacy },
            doc! { "$group": { "_id": "$userId" } },
            doc! { "$project": marker },
            doc! { "$merge": {
                "into": self.uniques.name(), "on": "_id",
                "whenMatched": "keepExisting", "whenNotMatched": "insert",
            } },
        ];
        aggregate(&self.sessions, stages, LEGACY_STEP_TIMEOUT, session).await?;
        Ok(())
    }

    /// Total seconds and number of those of the sessions that lasted longer than 0 s.
    async fn sum_durations(
        &self,
        mut sessions: Document,
        session: &mut ClientSession,
    ) -> Result<(f64, f64)> {
        sessions.insert("durationS", doc! { "$gt": 0 });
        let stages = [
            doc! { "$match": sessions },
            doc! { "$group": {
                "_id": null,
                "seconds": { "$sum": { "$toDouble": "$durationS" } },
                "closed": { "$sum": { "$toDouble": 1 } },
            } },
        ];
        let found = aggregate(&self.sessions, stages, LEGACY_STEP_TIMEOUT, session).await?;
        let number = |name| found.first().and_then(|sums| sums.get_f64(name).ok());
        let [seconds, closed] = ["seconds", "closed"].map(|name| number(name).unwrap_or(0.0));
        Ok((seconds, closed))
    }

    /// The number of markers of the month by the legacy writer that made them.
    async fn count_markers(
        &self,
        days: &[Day],
        session: &mut ClientSession,
    ) -> Result<HashMap<String, f64>> {
        let Some(month) = days.first().map(|day| Period::Month(day).name()) else {
            return Ok(HashMap::new());
        };
        let writers: Vec<String> = days.iter().map(legacy_writer).collect();
        let stages = [
            doc! { "$match": {
                "_id": {
                    "$gte": { "p": &month, "u": Bson::MinKey },
                    "$lte": { "p": &month, "u": Bson::MaxKey },
                },
                "w": { "$in": writers },
            } },
            doc! { "$group": { "_id": "$w", "made": { "$sum": { "$toDouble": 1 } } } },
        ];
        let found = aggregate(&self.uniques, stages, LEGACY_STEP_TIMEOUT, session).await?;
        let made = |one: &Document| {
            Some((
                one.get_str("_id").ok()?.to_owned(),
                one.get_f64("made").ok()?,
            ))
        };
        Ok(found.iter().filter_map(made).collect())
    }
}

async fn aggregate<T: Send + Sync>(
    collection: &Collection<T>,
    stages: impl IntoIterator<Item = Document>,
    limit: Duration,
    session: &mut ClientSession,
) -> Result<Vec<Document>> {
    let found = collection
        .aggregate(stages)
        .max_time(limit)
        .allow_disk_use(true)
        .session(&mut *session)
        .await?;
    Ok(collect_in(found, session).await?)
}

fn of_uniques(error: StoreError) -> StoreError {
    error.on(config::Collection::Uniques)
}

fn of_sessions(error: impl Into<StoreError>) -> StoreError {
    error.into().on(config::Collection::Sessions)
}

fn not_yet_known() -> StoreError {
    StoreError::transient(
        "a majority does not know the baseline of a day yet: its records wait until it does",
    )
}

fn claim_id(day: &Day) -> Document {
    doc! { "_id": { "p": "history", "m": day.month() } }
}

/// The writer of the markers of a day's legacy users; no process can have this name.
fn legacy_writer(day: &Day) -> String {
    format!("base:{}", day.as_str())
}
