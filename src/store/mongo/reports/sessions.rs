//! The sessions of a day and their lengths.

use std::collections::BTreeMap;

use bson::{Bson, Document, doc};

use super::reading::{counted, sessions_of};
use crate::config::Excluded;
use crate::record::day::Day;
use crate::record::document::number_in;
use crate::store::error::Result;
use crate::store::mongo::client::MongoStore;
use crate::store::reports::DaySessions;

/// Longer sessions are taken for something else: 68 years.
const LONGEST_S: i64 = i32::MAX as i64;

impl MongoStore {
    pub(super) async fn read_sessions(
        &self,
        day: &Day,
        excluded: &Excluded,
    ) -> Result<DaySessions> {
        let is_open = doc! { "$eq": [{ "$ifNull": ["$logoutAt", null] }, null] };
        let is_length = doc! { "$and": [
            { "$in": [{ "$type": "$durationS" }, ["int", "long", "double"]] },
            { "$gt": ["$durationS", 0] },
            { "$lte": ["$durationS", LONGEST_S] },
            { "$not": [&is_open] },
        ] };
        let length = doc! { "$cond": [is_length, "$durationS", null] };
        let stages = [
            doc! { "$match": sessions_of(day.as_str(), excluded) },
            doc! { "$project": { "_id": 0, "o": is_open, "s": length } },
            doc! { "$group": {
                "_id": { "o": "$o", "s": { "$trunc": "$s" } },
                "n": { "$sum": 1 }, "s": { "$sum": "$s" },
            } },
        ];
        let rows = self
            .rows(&self.sessions, &stages, doc! { "day": 1 })
            .await?;
        Ok(summed(&rows))
    }
}

fn summed(rows: &[Document]) -> DaySessions {
    let mut sessions = DaySessions::default();
    let mut lengths: BTreeMap<i64, i64> = BTreeMap::new();
    for row in rows {
        let Ok(key) = row.get_document("_id") else {
            continue;
        };
        let count = counted(row, "n");
        sessions.count += count;
        if key.get("o") == Some(&Bson::Boolean(true)) {
            sessions.open += count;
        } else if let Some(length) = key.get("s").and_then(number_in) {
            *lengths.entry(length as i64).or_default() += count;
            sessions.seconds += row.get("s").and_then(number_in).unwrap_or_default();
        }
    }
    sessions.lengths = lengths.into_iter().collect();
    sessions
}
