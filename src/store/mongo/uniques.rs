//! Distinct users (`gsouniques`): a marker per user and period, and the bases of days that hold
//! sessions from before.

use std::collections::HashMap;

use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};

use super::{Base, Marker, MongoStore, Result, Sums, store_error, unexpected};
use crate::calendar::Day;
use crate::store::{MARKER_LIFE_MS, Period, SetAside, StoreError};

const OLDEST: ObjectId = ObjectId::from_bytes([0; 12]);

impl MongoStore {
    pub(super) async fn read_markers(&self, period: &str, users: &[&str]) -> Result<Vec<Marker>> {
        let ids: Vec<Document> = users.iter().map(|user| marker_id(period, user)).collect();
        let mut found = self
            .uniques
            .find(doc! { "_id": { "$in": ids } })
            .await
            .map_err(store_error)?;
        let mut markers = Vec::new();
        while found.advance().await.map_err(store_error)? {
            let document = found.deserialize_current().map_err(store_error)?;
            markers.push(marker(&document).ok_or_else(|| unexpected("a readable marker"))?);
        }
        Ok(markers)
    }

    pub(super) async fn write_markers(&self, markers: &[Marker]) -> Result<()> {
        let documents = markers.iter().map(|marker| {
            doc! {
                "_id": marker_id(&marker.period, &marker.user),
                "w": &marker.writer,
                "s": marker.seq,
                "d": &marker.day,
                "x": DateTime::from_millis(marker.expires_ms),
            }
        });
        self.insert_new(documents.collect()).await
    }

    /// Inserts into `gsouniques`; what is there already stays.
    async fn insert_new(&self, documents: Vec<Document>) -> Result<()> {
        let name = self.uniques.name();
        let refused = self.insert_documents(name, documents).await?;
        match refused.into_iter().next() {
            None => Ok(()),
            Some(SetAside { message, .. }) => Err(StoreError {
                message,
                transient: false,
            }),
        }
    }

    pub(super) async fn old_users(
        &self,
        day: &Day,
        users: &[&str],
        cut: ObjectId,
    ) -> Result<Vec<String>> {
        let old = doc! { "day": day.as_str(), "userId": { "$in": users }, "_id": { "$lte": cut } };
        let found = self
            .sessions
            .distinct("userId", old)
            .await
            .map_err(store_error)?;
        let names = found.into_iter().filter_map(|user| match user {
            Bson::String(user) => Some(user),
            _ => None,
        });
        Ok(names.collect())
    }

    pub(super) async fn read_or_insert_bases(&self, days: &[Day]) -> Result<Vec<Base>> {
        loop {
            let known = self.read_bases(days).await?;
            let missing: Vec<&Day> = days.iter().filter(|d| !known.contains_key(*d)).collect();
            if missing.is_empty() {
                return Ok(days.iter().map(|day| known[day]).collect());
            }
            let mut documents = Vec::with_capacity(missing.len());
            for day in missing {
                let cut = self.newest_session(day).await?;
                let state = if cut == OLDEST { "done" } else { "building" };
                documents.push(doc! {
                    "_id": base_id(day), "cut": cut, "state": state,
                    "mau": 0, "seconds": 0, "closed": 0,
                });
            }
            self.insert_new(documents).await?;
        }
    }

    async fn read_bases(&self, days: &[Day]) -> Result<HashMap<Day, Base>> {
        let ids: Vec<Document> = days.iter().map(base_id).collect();
        let mut found = self
            .uniques
            .find(doc! { "_id": { "$in": ids } })
            .await
            .map_err(store_error)?;
        let mut bases = HashMap::new();
        while found.advance().await.map_err(store_error)? {
            let document = found.deserialize_current().map_err(store_error)?;
            let (name, base) = base(&document).ok_or_else(|| unexpected("a readable base"))?;
            if let Some(day) = days.iter().find(|day| day.as_str() == name) {
                bases.insert(day.clone(), base);
            }
        }
        Ok(bases)
    }

    /// The highest session id of a day; zero when the day has none.
    async fn newest_session(&self, day: &Day) -> Result<ObjectId> {
        let newest = self
            .sessions
            .find_one(doc! { "day": day.as_str() })
            .sort(doc! { "_id": -1 })
            .projection(doc! { "_id": 1 })
            .await
            .map_err(store_error)?;
        Ok(newest
            .and_then(|session| session.get_object_id("_id").ok())
            .unwrap_or(OLDEST))
    }

    /// Markers first, then the sums over the same sessions, then the one change of state: whoever
    /// runs this again gets the same result.
    pub(super) async fn sum_old_sessions(&self, day: &Day, cut: ObjectId) -> Result<Sums> {
        let old = doc! { "day": day.as_str(), "_id": { "$lte": cut } };
        let writer = format!("base:{}", day.as_str());
        self.mark_old_users(day, &old, &writer).await?;
        let sums = Sums {
            mau: self.count_marked(day, &writer).await?,
            ..self.sum_durations(&old).await?
        };
        self.uniques
            .update_one(
                doc! { "_id": base_id(day), "state": "building" },
                doc! { "$set": {
                    "state": "done", "mau": sums.mau,
                    "seconds": sums.session_seconds, "closed": sums.sessions_closed,
                } },
            )
            .await
            .map_err(store_error)?;
        Ok(sums)
    }

    async fn mark_old_users(&self, day: &Day, old: &Document, writer: &str) -> Result<()> {
        let month = Period::Month(day).name();
        let now = DateTime::now().timestamp_millis();
        let end = Period::Month(day).end_ms().unwrap_or(now).max(now);
        let marker = doc! {
            "_id": { "p": month, "u": "$_id" },
            "w": writer, "s": { "$literal": 0_i64 }, "d": day.as_str(),
            "x": DateTime::from_millis(end.saturating_add(MARKER_LIFE_MS)),
        };
        let mut done = self
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
            .allow_disk_use(true)
            .await
            .map_err(store_error)?;
        while done.advance().await.map_err(store_error)? {}
        Ok(())
    }

    async fn count_marked(&self, day: &Day, writer: &str) -> Result<f64> {
        let month = Period::Month(day).name();
        self.uniques
            .count_documents(doc! {
                "_id": {
                    "$gte": { "p": &month, "u": Bson::MinKey },
                    "$lte": { "p": &month, "u": Bson::MaxKey },
                },
                "w": writer,
            })
            .await
            .map(|count| count as f64)
            .map_err(store_error)
    }

    async fn sum_durations(&self, old: &Document) -> Result<Sums> {
        let mut timed = old.clone();
        timed.insert("durationS", doc! { "$gt": 0 });
        let mut found = self
            .sessions
            .aggregate([
                doc! { "$match": timed },
                doc! { "$group": {
                    "_id": null,
                    "seconds": { "$sum": { "$toDouble": "$durationS" } },
                    "closed": { "$sum": { "$toDouble": 1 } },
                } },
            ])
            .await
            .map_err(store_error)?;
        let mut sums = Sums::default();
        if found.advance().await.map_err(store_error)? {
            let document = found.deserialize_current().map_err(store_error)?;
            sums.session_seconds = document.get_f64("seconds").unwrap_or(0.0);
            sums.sessions_closed = document.get_f64("closed").unwrap_or(0.0);
        }
        Ok(sums)
    }
}

fn marker_id(period: &str, user: &str) -> Document {
    doc! { "p": period, "u": user }
}

fn base_id(day: &Day) -> Document {
    doc! { "p": "base", "d": day.as_str() }
}

fn marker(document: &Document) -> Option<Marker> {
    let id = document.get_document("_id").ok()?;
    Some(Marker {
        period: id.get_str("p").ok()?.to_owned(),
        user: id.get_str("u").ok()?.to_owned(),
        writer: document.get_str("w").ok()?.to_owned(),
        seq: document.get_i64("s").ok()?,
        day: document.get_str("d").ok()?.to_owned(),
        expires_ms: document.get_datetime("x").ok()?.timestamp_millis(),
    })
}

fn base(document: &Document) -> Option<(&str, Base)> {
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
    let base = Base {
        cut: document.get_object_id("cut").ok()?,
        sums: (document.get_str("state").ok()? == "done").then_some(sums),
    };
    Some((day, base))
}
