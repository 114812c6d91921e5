//! How the documents of a day are read: through a named index, from the primary or from a secondary that knows
//! what has been written before.

use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::options::{AggregateOptions, Hint, ReadPreference};
use mongodb::{ClientSession, Collection};

use crate::config::Excluded;
use crate::record::day::Day;
use crate::record::document::number_in;
use crate::store::error::Result;
use crate::store::mongo::client::MongoStore;
use crate::store::mongo::codes::BAD_VALUE;
use crate::store::mongo::error::code_of;
use crate::store::reports::PASS_LIMIT;

/// Sorts behind every text that begins with what stands before it.
const LAST_CHARACTER: char = '\u{10FFFF}';

impl MongoStore {
    /// The rows of a pipeline that reads through the index with these keys.
    pub(in crate::store::mongo) async fn rows<T: Send + Sync>(
        &self,
        collection: &Collection<T>,
        stages: &[Document],
        index: Document,
    ) -> Result<Vec<Document>> {
        self.rows_within(PASS_LIMIT, collection, stages, index)
            .await
    }

    /// [`Self::rows`] for somebody who waits so long.
    pub(in crate::store::mongo) async fn rows_within<T: Send + Sync>(
        &self,
        limit: Duration,
        collection: &Collection<T>,
        stages: &[Document],
        index: Document,
    ) -> Result<Vec<Document>> {
        let mut all = Vec::new();
        self.each_row(limit, collection, stages, index, |row| all.push(row))
            .await?;
        Ok(all)
    }

    /// The same one by one, for pipelines that have many.
    pub(super) async fn each_row<T: Send + Sync>(
        &self,
        limit: Duration,
        collection: &Collection<T>,
        stages: &[Document],
        index: Document,
        mut each: impl FnMut(Document) + Send,
    ) -> Result<()> {
        let session = &mut self.session().await?;
        let options = self.pass(session, limit).await?;
        let mut hinted = options.clone();
        hinted.hint = Some(Hint::Keys(index));
        let reading = collection.aggregate(stages.to_vec()).with_options(hinted);
        let mut cursor = match reading.session(&mut *session).await {
            // There is no such index.
            Err(error) if code_of(&error) == Some(BAD_VALUE) => {
                let reading = collection.aggregate(stages.to_vec()).with_options(options);
                reading.session(&mut *session).await?
            }
            found => found?,
        };
        while cursor.advance(session).await? {
            each(cursor.deserialize_current()?);
        }
        Ok(())
    }

    /// The options of a pass. Where a secondary may answer it, the session has read from the primary before, so
    /// that a member that lags behind waits until it has caught up.
    async fn pass(&self, session: &mut ClientSession, limit: Duration) -> Result<AggregateOptions> {
        let mut options = AggregateOptions::default();
        options.allow_disk_use = Some(true);
        options.max_time = Some(limit);
        if self.reads_secondaries {
            let lease = self.kept_reports.find_one(doc! { "_id": "lease" });
            lease.session(&mut *session).await?;
            let preference = ReadPreference::SecondaryPreferred {
                options: Default::default(),
            };
            options.selection_criteria = Some(preference.into());
        }
        Ok(options)
    }
}

/// The sessions of these days whose users count.
pub fn sessions_of(days: impl Into<Bson>, excluded: &Excluded) -> Document {
    let mut users = doc! { "day": days, "userId": { "$gte": "" } };
    if !excluded.is_empty() {
        let mut refused = vec![doc! { "userId": { "$in": &excluded.ids } }];
        refused.extend(excluded.prefixes.iter().map(|prefix| {
            doc! { "userId": { "$gte": prefix, "$lt": end_of(prefix) } }
        }));
        users.insert("$nor", refused);
    }
    users
}

/// Whether the user of an event is left out, as an expression.
pub fn is_excluded(excluded: &Excluded) -> Bson {
    if excluded.is_empty() {
        return Bson::Document(doc! { "$literal": false });
    }
    let ids = doc! { "$in": ["$userId", { "$literal": &excluded.ids }] };
    let prefixes = excluded.prefixes.iter().map(|prefix| {
        doc! { "$and": [
            { "$gte": ["$userId", { "$literal": prefix }] },
            { "$lt": ["$userId", { "$literal": end_of(prefix) }] },
        ] }
    });
    let any: Vec<Document> = [ids].into_iter().chain(prefixes).collect();
    Bson::Document(doc! { "$or": any })
}

fn end_of(prefix: &str) -> String {
    format!("{prefix}{LAST_CHARACTER}")
}

/// A number that a pipeline has counted.
pub fn counted(row: &Document, name: &str) -> i64 {
    row.get(name).and_then(number_in).unwrap_or_default() as i64
}

pub fn day_in(value: &Bson) -> Option<Day> {
    value.as_str().and_then(Day::existing)
}
