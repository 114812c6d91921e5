//! Indexes before the first write, and the end of the connections.

use bson::{Bson, Document, doc};
use mongodb::error::ErrorKind;
use mongodb::options::{CommitQuorum, CreateIndexOptions};

use super::client::MongoStore;
use super::cursor::collect;
use super::indexes::{self, Refusal};
use crate::instance::listener::Level;
use crate::store::error::Result;
use crate::store::lifecycle::{Lifecycle, Prepared};

/// Days with several documents of which a log line gives the names.
const DAYS_NAMED: usize = 10;
/// MongoDB 4.4.
const WIRE_VERSION_OF_QUORUM: i32 = 9;

impl Lifecycle for MongoStore {
    async fn prepare(&self) -> Result<Prepared> {
        let quorum = self.quorum().await?;
        let created = indexes::create(&self.daily, indexes::unique_day(), quorum).await?;
        let Some(refusal) = created else {
            return Ok(Prepared::Ready(Vec::new()));
        };
        let existing = indexes::existing(&self.daily).await?;
        let known = existing.as_deref().unwrap_or_default();
        if !known.iter().any(indexes::makes_days_unique) {
            if let Some(days) = self.double_days().await? {
                return Ok(Prepared::Blocked(days));
            }
            // A user who may not list indexes is believed to have it: the replaced class creates it.
            if existing.is_some() {
                return Ok(Prepared::Blocked(self.no_index(&refusal)));
            }
        }
        let lines = refusal.log_line(known).into_iter();
        Ok(Prepared::Ready(lines.collect()))
    }

    async fn create_indexes(&self) -> Result<Vec<(Level, String)>> {
        let quorum = &self.quorum().await?;
        let (daily, sessions, events, uniques) = tokio::join!(
            indexes::create_all(&self.daily, indexes::daily(), quorum),
            indexes::create_all(&self.sessions, indexes::sessions(), quorum),
            indexes::create_all(&self.events, indexes::events(), quorum),
            indexes::create_all(&self.uniques, indexes::uniques(), quorum),
        );
        Ok([daily?, sessions?, events?, uniques?].concat())
    }

    async fn close(&self) {
        self.client.clone().shutdown().immediate(true).await;
    }
}

impl MongoStore {
    /// Names days that have several documents, and says how to repair them; `None` if no day has.
    async fn double_days(&self) -> Result<Option<String>> {
        let found = self.daily.aggregate([
            doc! { "$group": { "_id": "$day", "documents": { "$sum": 1 } } },
            doc! { "$match": { "documents": { "$gt": 1 } } },
            doc! { "$sort": { "_id": 1 } },
        ]);
        let found = collect(found.await?).await?;
        let name = |document: &Document| match document.get("_id") {
            Some(Bson::String(day)) => day.clone(),
            other => other.map_or("null".to_owned(), Bson::to_string),
        };
        let mut days: Vec<String> = found.iter().map(name).collect();
        if days.is_empty() {
            return Ok(None);
        }
        let more = days.len().saturating_sub(DAYS_NAMED);
        days.truncate(DAYS_NAMED);
        let (name, days) = (self.daily.name(), days.join(", "));
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more days"),
        };
        Ok(Some(format!(
            "{name} has several documents for {days}{more}. For each day, add the numbers of the others to \
             one of them and delete the others"
        )))
    }

    fn no_index(&self, refusal: &Refusal) -> String {
        let name = self.daily.name();
        let repair = match refusal.is_options_conflict() {
            true => "Drop the index that is in its way, and create it",
            false => "Grant the privilege, or create it",
        };
        format!(
            "{name} has no unique index on day, and it cannot be created: {}. {repair}: \
             db.{name}.createIndex({{ day: 1 }}, {{ unique: true }})",
            refusal.failure
        )
    }

    /// The commit quorum of an index: a majority of members. By default it is all of them, so that one
    /// member that is down would block it. A server without a replica set refuses the option.
    async fn quorum(&self) -> Result<Option<CreateIndexOptions>> {
        let hello = match self.database.run_command(doc! { "hello": 1 }).await {
            Ok(hello) => hello,
            // The first releases of 4.2 and 4.4 do not know the command.
            Err(error) if matches!(*error.kind, ErrorKind::Command(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let is_cluster = hello.contains_key("setName")
            || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid");
        let knows = hello.get_i32("maxWireVersion").unwrap_or_default() >= WIRE_VERSION_OF_QUORUM;
        let options = CreateIndexOptions::builder().commit_quorum(CommitQuorum::Majority);
        Ok((is_cluster && knows).then(|| options.build()))
    }
}
