//! Markers of dedupe keys (`gsouniques`), and events that have one.

use std::time::Instant;

use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};

use super::client::{MongoStore, WRITE_TIMEOUT};
use super::cursor::collect;
use crate::config::Collection;
use crate::record::day::Day;
use crate::record::document::{number, number_in};
use crate::store::error::{Result, StoreError};
use crate::store::keys::{KEY_TTL_MS, KeyMarker, KeyStore, KeyedEvent, UNKNOWN_DELIVERY};
use crate::store::records::Inserted;

/// The first part of the `_id` of a marker, before the name of the event.
const PERIOD: &str = "k:";

impl KeyStore for MongoStore {
    async fn find_keys(&self, wanted: &[KeyMarker]) -> Result<Vec<KeyMarker>> {
        let ids: Vec<Document> = wanted.iter().map(marker_id).collect();
        let found = self.find_unique(ids).await?;
        Ok(found.iter().filter_map(marker).collect())
    }

    async fn insert_keys(&self, markers: &[KeyMarker]) -> Result<Inserted> {
        let expires_ms = self.clock_ms().await?.saturating_add(KEY_TTL_MS);
        let documents = markers.iter().map(|marker| {
            doc! {
                "_id": marker_id(marker),
                "o": marker.delivery,
                "d": marker.day.as_str(),
                "a": marker.amount.map_or(Bson::Null, number),
                "x": DateTime::from_millis(expires_ms),
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

impl MongoStore {
    /// The server's clock, ms since 1970, as this process goes on from when it first asked.
    async fn clock_ms(&self) -> Result<i64> {
        let asking = || async { Ok::<_, StoreError>((self.server_ms().await?, Instant::now())) };
        let (server_ms, at) = self.clock.get_or_try_init(asking).await?;
        Ok(server_ms.saturating_add(at.elapsed().as_millis() as i64))
    }
}

fn marker_id(marker: &KeyMarker) -> Document {
    doc! { "p": format!("{PERIOD}{}", marker.event), "u": &marker.key }
}

/// One that does not say which delivery counts is of another than ours, which is counted.
fn marker(document: &Document) -> Option<KeyMarker> {
    let id = document.get_document("_id").ok()?;
    let made = made(document);
    let (delivery, day) = made.unwrap_or_else(|| (UNKNOWN_DELIVERY, Day::of(0)));
    Some(KeyMarker {
        event: id.get_str("p").ok()?.strip_prefix(PERIOD)?.to_owned(),
        key: id.get_str("u").ok()?.to_owned(),
        delivery,
        day,
        amount: document.get("a").and_then(number_in),
    })
}

/// The delivery that counts, and its day.
fn made(document: &Document) -> Option<(ObjectId, Day)> {
    let day = Day::named(document.get_str("d").ok()?)?;
    Some((document.get_object_id("o").ok()?, day))
}

fn event(document: &Document) -> Option<KeyedEvent> {
    Some(KeyedEvent {
        id: document.get_object_id("_id").ok()?,
        day: document.get_str("day").ok().and_then(Day::existing),
        amount: document.get("amount").and_then(number_in),
    })
}
