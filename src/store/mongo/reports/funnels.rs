//! Cohorts of funnels (`gsoreports`), and their events (`gsoevents`), found by the index on `event` or that on
//! `ts`, whichever has less to read.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use bson::{Bson, DateTime, Document, RawDocument, doc};
use mongodb::options::Hint;
use tokio::task::yield_now;

use crate::config::Excluded;
use crate::record::day::{DAY_MS, Day};
use crate::record::document::number_in;
use crate::store::error::Result;
use crate::store::funnels::{FunnelStore, NamedEvent};
use crate::store::mongo::client::MongoStore;
use crate::store::mongo::cursor::collect;
use crate::store::mongo::error::{is_duplicate_id, without_index};
use crate::store::reports::{AHEAD_MS, PASS_LIMIT};

/// Events that are sorted in memory, 16 bytes each. Of more, the index on `ts` gives the order.
const MOST_SORTED: i64 = 1_000_000;
/// After so many events other tasks get their turn.
const TURN: usize = 10_000;
/// A declared funnel gets a new cohort every day. One whose newest cohort is so much older than the newest of all
/// is not declared any more.
const CURRENT_MS: i64 = 2 * DAY_MS;

impl FunnelStore for MongoStore {
    async fn named_events(
        &self,
        names: &[String],
        span: Range<i64>,
        excluded: &Excluded,
        limit: Duration,
        mut each: impl FnMut(NamedEvent) + Send,
    ) -> Result<()> {
        let [start, end] = [span.start, span.end].map(DateTime::from_millis);
        let named = doc! { "event": { "$in": names } };
        let within = doc! { "ts": { "$gte": start, "$lt": end } };
        let by_name = self.count(&named, "event", MOST_SORTED + 1, limit).await?;
        let is_by_name = by_name <= MOST_SORTED
            && by_name <= self.count(&within, "ts", by_name.max(1), limit).await?;
        let mut filter = named;
        filter.extend(within);
        let (field, order) = match is_by_name {
            true => ("event", None),
            false => ("ts", Some(doc! { "ts": 1 })),
        };
        let found = self
            .events
            .find(filter)
            .projection(doc! { "_id": 0, "userId": 1, "event": 1, "ts": 1 })
            .hint(Hint::Keys(doc! { field: 1 }))
            .batch_size(TURN as u32)
            .max_time(limit);
        let found = match order {
            Some(order) => found.sort(order).await,
            None => found.await,
        };
        let mut found = found.map_err(|error| without_index(error, self.events.name(), field))?;
        let mut reader = Reader::new(names, excluded);
        let mut unsorted = Vec::new();
        let mut turn = 0;
        while found.advance().await? {
            if let Some(event) = reader.event(found.current()) {
                match is_by_name {
                    true => unsorted.push(event),
                    false => each(event),
                }
            }
            turn += 1;
            if turn % TURN == 0 {
                yield_now().await;
            }
        }
        unsorted.sort_unstable_by_key(|event| event.at_ms);
        for part in unsorted.chunks(TURN) {
            part.iter().copied().for_each(&mut each);
            yield_now().await;
        }
        Ok(())
    }

    async fn kept_funnels(&self, key: &str, from: &Day, to: &Day) -> Result<Vec<(Day, Document)>> {
        let range = doc! { "$gte": kept_id(key, from), "$lte": kept_id(key, to) };
        let found = collect(self.kept_reports.find(doc! { "_id": range })).await?;
        let prefix = format!("f:{key}:");
        let day = |document: Document| {
            let day = document.get_str("_id").ok()?.strip_prefix(&prefix)?;
            Some((Day::existing(day)?, document))
        };
        Ok(found.into_iter().filter_map(day).collect())
    }

    async fn declared_funnels(&self) -> Result<Document> {
        let stages = [
            doc! { "$match": { "_id": { "$gte": "f:", "$lt": "f;" } } },
            doc! { "$project": { "name": 1, "steps": 1, "windowS": 1, "asOf": 1 } },
            doc! { "$sort": { "asOf": 1 } },
            doc! { "$group": {
                "_id": "$name", "steps": { "$last": "$steps" }, "windowS": { "$last": "$windowS" },
                "asOf": { "$last": "$asOf" },
            } },
            doc! { "$sort": { "_id": 1 } },
        ];
        let finding = self.kept_reports.aggregate(stages).max_time(PASS_LIMIT);
        let found = collect(finding.hint(Hint::Keys(doc! { "_id": 1 }))).await?;
        let as_of = |funnel: &Document| Some(funnel.get_datetime("asOf").ok()?.timestamp_millis());
        let newest = found.iter().filter_map(as_of).max();
        let is_current = |funnel: &&Document| as_of(funnel) >= newest.map(|at| at - CURRENT_MS);
        let definition = |funnel: &Document| {
            let field = |name| funnel.get(name).cloned().unwrap_or(Bson::Null);
            doc! { "name": field("_id"), "steps": field("steps"), "windowS": field("windowS") }
        };
        let funnels = found.iter().filter(is_current).map(definition);
        Ok(doc! { "funnels": funnels.collect::<Vec<Document>>() })
    }

    async fn keep_funnel(
        &self,
        key: &str,
        day: &Day,
        as_of_ms: i64,
        cohort: Document,
    ) -> Result<()> {
        let [as_of, ahead] = [as_of_ms, as_of_ms + AHEAD_MS].map(DateTime::from_millis);
        let earlier = doc! {
            "_id": kept_id(key, day),
            "$or": [
                { "asOf": { "$lt": as_of } },
                { "asOf": { "$gt": ahead } },
                { "asOf": { "$not": { "$type": "date" } } },
            ],
        };
        let keeping = self
            .kept_reports
            .update_one(earlier, doc! { "$set": cohort });
        match keeping.upsert(true).await {
            Ok(_) => Ok(()),
            Err(error) if is_duplicate_id(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn kept_id(key: &str, day: &Day) -> String {
    format!("f:{key}:{}", day.as_str())
}

impl MongoStore {
    /// How many events there are, by the index alone; counts no further than to `most`.
    async fn count(
        &self,
        filter: &Document,
        field: &str,
        most: i64,
        limit: Duration,
    ) -> Result<i64> {
        let stages = [
            doc! { "$match": filter },
            doc! { "$limit": most },
            doc! { "$count": "n" },
        ];
        let counting = self.events.aggregate(stages).max_time(limit);
        let counted = collect(counting.hint(Hint::Keys(doc! { field: 1 }))).await;
        let counted = counted.map_err(|error| without_index(error, self.events.name(), field))?;
        let number = counted.first().and_then(|count| count.get("n"));
        Ok(number.and_then(number_in).unwrap_or(0.0) as i64)
    }
}

/// Reads events, and numbers their users.
struct Reader<'a> {
    names: &'a [String],
    excluded: &'a Excluded,
    /// `None` for those who are excluded.
    users: HashMap<String, Option<u32>>,
}

impl<'a> Reader<'a> {
    fn new(names: &'a [String], excluded: &'a Excluded) -> Self {
        Self {
            names,
            excluded,
            users: HashMap::new(),
        }
    }

    /// `None` for what is no event of these names, or of a user who is excluded.
    fn event(&mut self, document: &RawDocument) -> Option<NamedEvent> {
        let event = document.get_str("event").ok()?;
        let name = self.names.iter().position(|name| name == event)?;
        let user = match document.get_str("userId").ok() {
            Some(user) => Some(self.number_of(user)?),
            None => None,
        };
        Some(NamedEvent {
            at_ms: document.get_datetime("ts").ok()?.timestamp_millis(),
            name: name as u8,
            user,
        })
    }

    fn number_of(&mut self, user: &str) -> Option<u32> {
        if let Some(number) = self.users.get(user) {
            return *number;
        }
        let number = self.users.len() as u32;
        let number = (!self.excluded.has(user)).then_some(number);
        self.users.insert(user.to_owned(), number);
        number
    }
}
