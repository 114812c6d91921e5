//! Indexes of the collections, under the names that mongoose gives them. An index that exists with other
//! options is kept.

mod creation;
mod models;

use std::collections::BTreeSet;
use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::IndexModel;
use mongodb::error::ErrorKind;
use mongodb::options::{CommitQuorum, CreateIndexOptions};

use super::client::MongoStore;
use super::cursor::collect;
use crate::config::Collection as Kind;
use crate::instance::listener::Level;
use crate::store::error::{Result, StoreError};
use crate::store::lifecycle::{Identities, Lifecycle, Prepared};
use crate::util::foreign_text;
pub(super) use creation::existing;
use creation::{Refusal, create, create_all, same_keys};
use models::{EVENT_TTL, makes_days_unique};
pub(super) use models::{expiring, of_events, of_purchases, of_sessions, plain, unique_day};

/// Days with several documents of which a log line gives the names.
const DAYS_NAMED: usize = 10;
/// MongoDB 4.4.
const WIRE_VERSION_OF_QUORUM: i32 = 9;

impl Lifecycle for MongoStore {
    async fn prepare(&self) -> Result<Prepared> {
        let quorum = self.quorum().await?;
        let created = create(&self.daily, unique_day(), &quorum).await?;
        let Some(refusal) = created else {
            return Ok(Prepared::Ready(Vec::new()));
        };
        let existing = existing(&self.daily).await?;
        let known = existing.as_deref().unwrap_or_default();
        if !known.iter().any(makes_days_unique) {
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

    async fn create_indexes(&self, of: &BTreeSet<Kind>) -> Result<Vec<(Level, String)>> {
        let quorum = &self.quorum().await?;
        let wanted = |kind, indexes| match of.contains(&kind) {
            true => indexes,
            false => Vec::new(),
        };
        if of.contains(&Kind::Daily) {
            // Again, as the collection may be another one by now. What keeps it from being made is said by
            // `prepare`.
            create(&self.daily, unique_day(), quorum).await?;
        }
        let of_daily = wanted(Kind::Daily, vec![plain(doc! { "month": 1 })]);
        let of_uniques = wanted(Kind::Uniques, vec![expiring("x", Duration::ZERO)]);
        let (daily, sessions, events, uniques, purchases) = tokio::join!(
            create_all(&self.daily, of_daily, quorum),
            create_all(
                &self.sessions,
                wanted(Kind::Sessions, of_sessions()),
                quorum
            ),
            create_all(&self.events, wanted(Kind::Events, of_events()), quorum),
            create_all(&self.uniques, of_uniques, quorum),
            create_all(
                &self.purchases,
                wanted(Kind::Purchases, of_purchases()),
                quorum
            ),
        );
        let time_series = self.time_series().await;
        Ok([
            daily?,
            sessions?,
            events?,
            uniques?,
            purchases?,
            time_series,
        ]
        .concat())
    }

    async fn identities(&self) -> Result<Option<Identities>> {
        let names = self.names();
        let named: Vec<&str> = names.iter().map(|(_, name)| *name).collect();
        let listing = self.database.list_collections();
        let listed = collect(listing.filter(doc! { "name": { "$in": named } })).await;
        let listed = match listed.map_err(StoreError::from) {
            Ok(listed) => listed,
            Err(error) if error.is_of_connection() => return Err(error),
            Err(_) => return Ok(None),
        };
        let identity = |(collection, name): (Kind, &str)| {
            let found = listed.iter().find(|found| found.name == name)?;
            let uuid = found.info.uuid.as_ref()?;
            Some((collection, uuid.bytes.as_slice().try_into().ok()?))
        };
        Ok(Some(names.into_iter().filter_map(identity).collect()))
    }

    async fn close(&self) {
        self.client.clone().shutdown().immediate(true).await;
    }
}

impl MongoStore {
    /// A line about each time series collection: they take several documents with one `_id`. No line where
    /// the user may not know.
    async fn time_series(&self) -> Vec<(Level, String)> {
        let names = [self.events.name(), self.sessions.name()];
        let command = doc! {
            "listCollections": 1, "nameOnly": true, "authorizedCollections": true,
            "filter": { "type": "timeseries", "name": { "$in": names.to_vec() } },
        };
        let found = collect(self.database.run_cursor_command(command)).await;
        let found = found.unwrap_or_default();
        let names = found.iter().filter_map(|one| one.get_str("name").ok());
        let line = |name: &str| {
            format!(
                "{name} is a time series collection, in which no _id is unique: records that are sent again \
                 after a lost reply may be stored twice, totals stay exact; use an ordinary collection"
            )
        };
        names.map(|name| (Level::Warn, line(name))).collect()
    }

    fn names(&self) -> [(Kind, &str); 5] {
        [
            (Kind::Events, self.events.name()),
            (Kind::Sessions, self.sessions.name()),
            (Kind::Daily, self.daily.name()),
            (Kind::Uniques, self.uniques.name()),
            (Kind::Purchases, self.purchases.name()),
        ]
    }

    /// Days with several daily documents.
    pub(super) async fn days_of_several_documents(&self) -> mongodb::error::Result<Vec<Bson>> {
        let finding = self.daily.aggregate([
            doc! { "$group": { "_id": "$day", "documents": { "$sum": 1 } } },
            doc! { "$match": { "documents": { "$gt": 1 } } },
            doc! { "$sort": { "_id": 1 } },
        ]);
        let found = collect(finding).await?.into_iter();
        let day = |mut row: Document| row.remove("_id").unwrap_or(Bson::Null);
        Ok(found.map(day).collect())
    }

    /// Names days that have several documents, and says how to repair them; `None` if no day has.
    async fn double_days(&self) -> Result<Option<String>> {
        let name = |day: &Bson| match day {
            Bson::String(day) => foreign_text::shown(day),
            other => foreign_text::shown(&other.to_string()),
        };
        let days = self.days_of_several_documents().await?;
        let mut days: Vec<String> = days.iter().map(name).collect();
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

    /// Makes sure that reports expire. An error where they do not.
    pub(super) async fn expire_reports(&self) -> Result<()> {
        let quorum = self.quorum().await?;
        let index = expiring("x", Duration::ZERO);
        let Some(refusal) = create(&self.reports, index, &quorum).await? else {
            return Ok(());
        };
        let existing = existing(&self.reports).await?.unwrap_or_default();
        let is_expiring = |index: &IndexModel| {
            let options = index.options.as_ref();
            same_keys(&index.keys, &doc! { "x": 1 })
                && options.is_some_and(|options| options.expire_after.is_some())
        };
        match existing.iter().any(is_expiring) {
            true => Ok(()),
            false => Err(refusal.failure),
        }
    }

    /// How long events are kept, by their index; `None` for ever. Where the user may not list indexes, it is
    /// the time of the index that this package makes.
    pub(super) async fn events_kept_ms(&self) -> Result<Option<i64>> {
        let Some(indexes) = existing(&self.events).await? else {
            return Ok(Some(EVENT_TTL.as_millis() as i64));
        };
        let after = indexes.iter().filter_map(|index| {
            let is_of_time = same_keys(&index.keys, &doc! { "ts": 1 });
            index.options.as_ref()?.expire_after.filter(|_| is_of_time)
        });
        Ok(after.map(|after| after.as_millis() as i64).next())
    }

    /// What the server says of itself; `None` where it does not know the command, as the first releases of 4.2
    /// and 4.4.
    pub(super) async fn hello(&self) -> Result<Option<Document>> {
        match self.database.run_command(doc! { "hello": 1 }).await {
            Ok(hello) => Ok(Some(hello)),
            Err(error) if matches!(*error.kind, ErrorKind::Command(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The commit quorum of an index: a majority of members. By default it is all of them, so that one
    /// member that is down would block it. A server without a replica set refuses the option.
    async fn quorum(&self) -> Result<Option<CreateIndexOptions>> {
        let Some(hello) = self.hello().await? else {
            return Ok(None);
        };
        let is_cluster = hello.contains_key("setName")
            || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid");
        let knows = hello.get_i32("maxWireVersion").unwrap_or_default() >= WIRE_VERSION_OF_QUORUM;
        let options = CreateIndexOptions::builder().commit_quorum(CommitQuorum::Majority);
        Ok((is_cluster && knows).then(|| options.build()))
    }
}
