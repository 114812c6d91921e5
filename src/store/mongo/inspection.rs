//! What there is to know of the database. It only reads, and what the user may not know is null.

use std::collections::HashSet;
use std::time::Duration;

use bson::{Bson, DateTime, Document, doc};
use mongodb::IndexModel;
use mongodb::options::IndexOptions;

use super::client::MongoStore;
use super::codes::UNAUTHORIZED;
use super::cursor::collect;
use super::error::code_of;
use super::indexes::{existing, expiring, of_events, of_purchases, of_sessions, plain, unique_day};
use super::presence::{named, seen};
use crate::instance::incarnation::Incarnation;
use crate::record::document::{number, number_in};
use crate::store::error::Result;
use crate::store::inspection::InspectionStore;
use crate::util::clock::system_ms;

const NO_COLLECTION: i32 = 26;

impl InspectionStore for MongoStore {
    async fn facts(&self) -> Result<Document> {
        let server_ms = self.server_ms().await?;
        let host_ms = system_ms();
        let hello = self.hello().await?.unwrap_or_default();
        let build = self.database.run_command(doc! { "buildInfo": 1 }).await;
        let field =
            |document: &Document, name: &str| document.get(name).cloned().unwrap_or(Bson::Null);
        let mut collections = Vec::new();
        for (key, name) in self.keyed_names() {
            collections.push(self.facts_of(key, name).await?);
        }
        Ok(doc! {
            "serverTime": DateTime::from_millis(server_ms),
            "hostTime": DateTime::from_millis(host_ms),
            "database": self.database.name(),
            "server": {
                "version": build.map_or(Bson::Null, |build| field(&build, "version")),
                "setName": field(&hello, "setName"),
                "isRouter": hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid"),
            },
            "user": self.rights().await,
            "collections": collections,
            "doubleDays": self.days_of_several().await?,
        })
    }

    async fn instances(&self) -> Result<Document> {
        let now_ms = self.server_ms().await?;
        let found = self.reports.find(doc! { "$or": [
            { "_id": { "$gte": "now:", "$lt": "now;" } },
            { "_id": { "$gte": "dead:", "$lt": "dead;" } },
        ] });
        let found = collect(found.projection(doc! { "sessions": 0 })).await?;
        let dead: HashSet<Incarnation> = found
            .iter()
            .filter_map(|document| named(document, "dead:"))
            .collect();
        let instance = |document: &Document| {
            let incarnation = named(document, "now:")?;
            let seen = seen(document, incarnation, dead.contains(&incarnation))?;
            Some(doc! {
                "id": incarnation.to_string(),
                "name": seen.name.as_deref(),
                "players": number(seen.online as f64),
                "at": DateTime::from_millis(seen.at_ms),
                "hostTime": document.get("t").cloned().unwrap_or(Bson::Null),
                "isHere": seen.is_here(now_ms),
                "hasEnded": seen.has_ended,
                "isDead": seen.is_claimed,
                "health": document.get_document("h").cloned().unwrap_or_default(),
            })
        };
        let instances: Vec<Document> = found.iter().filter_map(instance).collect();
        Ok(doc! { "now": DateTime::from_millis(now_ms), "instances": instances })
    }
}

impl MongoStore {
    /// By their keys in the options.
    fn keyed_names(&self) -> [(&'static str, &str); 7] {
        [
            ("events", self.events.name()),
            ("sessions", self.sessions.name()),
            ("daily", self.daily.name()),
            ("uniques", self.uniques.name()),
            ("reports", self.reports.name()),
            ("players", self.players.name()),
            ("purchases", self.purchases.name()),
        ]
    }

    /// `{ key, name, exists, indexes, expected, documents, bytes, indexBytes }`.
    async fn facts_of(&self, key: &str, name: &str) -> Result<Document> {
        let indexes = match existing(&self.database.collection::<Document>(name)).await {
            Ok(indexes) => indexes,
            Err(error) if error.is_of_connection() => return Err(error),
            // A view has none.
            Err(_) => None,
        };
        let shown = |indexes: Vec<IndexModel>| indexes.iter().map(index).collect::<Vec<_>>();
        let mut facts = doc! {
            "key": key,
            "name": name,
            "indexes": indexes.map(shown),
            "expected": shown(expected(key)),
        };
        facts.extend(self.size_of(name).await);
        Ok(facts)
    }

    /// `{ exists, documents, bytes, indexBytes }`, of all shards.
    async fn size_of(&self, name: &str) -> Document {
        let stages = [
            doc! { "$collStats": { "storageStats": {} } },
            doc! { "$group": {
                "_id": null,
                "documents": { "$sum": "$storageStats.count" },
                "bytes": { "$sum": "$storageStats.storageSize" },
                "indexBytes": { "$sum": "$storageStats.totalIndexSize" },
            } },
        ];
        let collection = self.database.collection::<Document>(name);
        let rows = collect(collection.aggregate(stages)).await;
        let exists = match &rows {
            Ok(rows) => Some(!rows.is_empty()),
            Err(error) => (code_of(error) == Some(NO_COLLECTION)).then_some(false),
        };
        let row = rows.ok().and_then(|rows| rows.into_iter().next());
        let sum = |name: &str| {
            let sum = row
                .as_ref()
                .and_then(|row| row.get(name))
                .and_then(number_in);
            sum.map_or(Bson::Null, number)
        };
        doc! {
            "exists": exists,
            "documents": sum("documents"),
            "bytes": sum("bytes"),
            "indexBytes": sum("indexBytes"),
        }
    }

    /// `{ names, privileges }` of the user of the connection; no names where the server asks for no password.
    async fn rights(&self) -> Bson {
        let status = doc! { "connectionStatus": 1, "showPrivileges": true };
        let Ok(status) = self.database.run_command(status).await else {
            return Bson::Null;
        };
        let Ok(info) = status.get_document("authInfo") else {
            return Bson::Null;
        };
        let list = |name: &str| info.get_array(name).cloned().unwrap_or_default();
        let named = |user: &Bson| Some(user.as_document()?.get_str("user").ok()?.to_owned());
        let names: Vec<String> = list("authenticatedUsers")
            .iter()
            .filter_map(named)
            .collect();
        Bson::Document(doc! { "names": names, "privileges": list("authenticatedUserPrivileges") })
    }

    /// Days with several daily documents; null if the user may not read them.
    async fn days_of_several(&self) -> Result<Bson> {
        match self.days_of_several_documents().await {
            Ok(days) => Ok(Bson::Array(days)),
            Err(error) if code_of(&error) == Some(UNAUTHORIZED) => Ok(Bson::Null),
            Err(error) => Err(error.into()),
        }
    }
}

/// `{ keys, unique, partial, expireAfterS }`.
fn index(index: &IndexModel) -> Document {
    let option = |of: fn(&IndexOptions) -> bool| index.options.as_ref().is_some_and(of);
    let after = index
        .options
        .as_ref()
        .and_then(|options| options.expire_after);
    doc! {
        "keys": &index.keys,
        "unique": option(|options| options.unique == Some(true)),
        "partial": option(|options| options.partial_filter_expression.is_some()),
        "expireAfterS": after.map_or(Bson::Null, |after| number(after.as_secs_f64())),
    }
}

/// The indexes of the collection with this key in the options, as this package makes them.
fn expected(key: &str) -> Vec<IndexModel> {
    match key {
        "daily" => vec![unique_day(), plain(doc! { "month": 1 })],
        "sessions" => of_sessions(),
        "events" => of_events(),
        "uniques" | "reports" => vec![expiring("x", Duration::ZERO)],
        "purchases" => of_purchases(),
        _ => Vec::new(),
    }
}
