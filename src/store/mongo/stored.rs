//! Stored events, found by the index on `ts`, and sessions of their users, found by that on days and users.

use std::collections::BTreeSet;

use bson::oid::ObjectId;
use bson::{DateTime, Document, RawDocument, RawDocumentBuf, doc};
use mongodb::options::Hint;

use super::client::MongoStore;
use super::error::without_index;
use crate::record::day::{DAY_MS, Day};
use crate::store::error::Result;
use crate::store::reports::PASS_LIMIT;
use crate::store::stored::{StoredEvents, StoredPage, StoredStore};

/// Events of a page, and their bytes, after which no further event is read.
const PAGE: i64 = 1_000;
const PAGE_BYTES: usize = 4 << 20;

impl StoredStore for MongoStore {
    async fn stored_events(&self, wanted: &StoredEvents) -> Result<StoredPage> {
        let [from, to] = [wanted.from_ms, wanted.to_ms].map(DateTime::from_millis);
        let passed = wanted.passed.iter();
        let passed: Vec<ObjectId> = passed.flat_map(ObjectId::parse_str).collect();
        // Other `_id`s are of no event of a game.
        let mut filter = doc! {
            "ts": { "$gte": from, "$lt": to }, "_id": { "$type": "objectId", "$nin": passed },
        };
        if !wanted.names.is_empty() {
            filter.insert("event", doc! { "$in": &wanted.names });
        }
        let finding = self.events.find(filter).sort(doc! { "ts": 1 }).limit(PAGE);
        let finding = finding.hint(Hint::Keys(doc! { "ts": 1 }));
        let found = finding.max_time(PASS_LIMIT).await;
        let mut found = found.map_err(|error| without_index(error, self.events.name(), "ts"))?;
        let (mut page, mut bytes) = (StoredPage::default(), 0);
        while bytes < PAGE_BYTES && found.advance().await? {
            let event = found.current().to_owned();
            bytes += event.as_bytes().len();
            page.events.push(event);
        }
        page.is_last = bytes < PAGE_BYTES && page.events.len() < PAGE as usize;
        if wanted.with_sessions {
            page.sessions = self.sessions_at(&page.events).await?;
        }
        Ok(page)
    }
}

impl MongoStore {
    /// The sessions in which these events may have happened.
    async fn sessions_at(&self, events: &[RawDocumentBuf]) -> Result<Vec<Document>> {
        let users: BTreeSet<&str> = events.iter().filter_map(|one| user_of(one)).collect();
        let times = events.iter().filter_map(|one| one.get_datetime("ts").ok());
        let times = times.map(DateTime::timestamp_millis);
        // Logins of the day before as well.
        let days = times.flat_map(|ms| [ms - DAY_MS, ms]).map(Day::of);
        let days: BTreeSet<Day> = days.collect();
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let days: Vec<&str> = days.iter().map(Day::as_str).collect();
        let users: Vec<&str> = users.into_iter().collect();
        let stages = [
            doc! { "$match": { "day": { "$in": days }, "userId": { "$in": users } } },
            doc! { "$project": { "userId": 1, "loginAt": 1, "logoutAt": 1 } },
        ];
        self.rows(&self.sessions, &stages, doc! { "day": 1, "userId": 1 })
            .await
    }
}

fn user_of(event: &RawDocument) -> Option<&str> {
    event.get_str("userId").ok()
}
