//! Markers of dedupe keys (`gsouniques`), and events that have one.

use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};

use super::client::{MongoStore, WRITE_TIMEOUT};
use super::cursor::collect;
use super::error::unexpected;
use crate::config::Collection;
use crate::record::day::Day;
use crate::record::document::{number, number_in};
use crate::store::error::Result;
use crate::store::keys::{KeyMarker, KeyStore, KeyedEvent};
use crate::store::records::Inserted;

/// The first part of the `_id` of a marker, before the name of the event.
const PERIOD: &str = "k:";

impl KeyStore for MongoStore {
    async fn find_keys(&self, wanted: &[KeyMarker]) -> Result<Vec<KeyMarker>> {
        let ids: Vec<Document> = wanted.iter().map(marker_id).collect();
        let found = self.find_unique(ids).await?;
        let markers: Option<Vec<KeyMarker>> = found.iter().map(marker).collect();
        markers.ok_or_else(|| unexpected("a readable marker").on(Collection::Uniques))
    }

    async fn insert_keys(&self, markers: &[KeyMarker]) -> Result<Inserted> {
        let documents = markers.iter().map(|marker| {
            doc! {
                "_id": marker_id(marker),
                "o": marker.delivery,
                "d": marker.day.as_str(),
                "a": marker.amount.map_or(Bson::Null, number),
                "x": DateTime::from_millis(marker.expires_ms),
            }
        });
        let name = self.uniques.name();
        let inserted = self.insert_documents(name, documents.collect()).await;
        inserted.map_err(|error| error.on(Collection::Uniques))
    }

    async fn find_keyed_events(&self, ids: &[ObjectId]) -> Result<Vec<KeyedEvent>> {
        let events = self.events.clone_with_type::<Document>();
        let finding = events
            .find(doc! { "_id": { "$in": ids } })
            .projection(doc! { "day": 1, "amount": 1 })
            .max_time(WRITE_TIMEOUT);
        Ok(collect(finding).await?.iter().filter_map(event).collect())
    }
}

fn marker_id(marker: &KeyMarker) -> Document {
    doc! { "p": format!("{PERIOD}{}", marker.event), "u": &marker.key }
}

fn marker(document: &Document) -> Option<KeyMarker> {
    let id = document.get_document("_id").ok()?;
    Some(KeyMarker {
        event: id.get_str("p").ok()?.strip_prefix(PERIOD)?.to_owned(),
        key: id.get_str("u").ok()?.to_owned(),
        delivery: document.get_object_id("o").ok()?,
        day: Day::named(document.get_str("d").ok()?)?,
        amount: document.get("a").and_then(number_in),
        expires_ms: document.get_datetime("x").ok()?.timestamp_millis(),
    })
}

fn event(document: &Document) -> Option<KeyedEvent> {
    Some(KeyedEvent {
        id: document.get_object_id("_id").ok()?,
        day: Day::named(document.get_str("day").ok()?)?,
        amount: document.get("amount").and_then(number_in),
    })
}
