//! Markers of dedupe keys.

use bson::Bson;
use bson::oid::ObjectId;

use super::FakeStore;
use crate::record::day::Day;
use crate::record::document::number_in;
use crate::store::error::Result;
use crate::store::keys::{KeyMarker, KeyStore, KeyedEvent};
use crate::store::records::Inserted;

impl KeyStore for FakeStore {
    async fn find_keys(&self, wanted: &[KeyMarker]) -> Result<Vec<KeyMarker>> {
        self.request(|state| {
            let id = |one: &KeyMarker| (one.event.clone(), one.key.clone());
            let found = wanted.iter().filter_map(|one| state.keys.get(&id(one)));
            found.cloned().collect()
        })
        .await
    }

    async fn insert_keys(&self, markers: &[KeyMarker]) -> Result<Inserted> {
        self.request(|state| {
            let mut inserted = Inserted::default();
            for (index, marker) in markers.iter().enumerate() {
                let id = (marker.event.clone(), marker.key.clone());
                if state.keys.contains_key(&id) {
                    inserted.duplicates.push(index);
                }
                state.keys.entry(id).or_insert_with(|| marker.clone());
            }
            inserted
        })
        .await
    }

    async fn find_keyed_events(&self, ids: &[ObjectId]) -> Result<Vec<KeyedEvent>> {
        self.request(|state| {
            let event = |id: &ObjectId| {
                let document = state.events.get(id).filter(|_| !state.hides_keyed)?;
                Some(KeyedEvent {
                    id: *id,
                    day: document.get_str("day").ok().and_then(Day::named),
                    amount: document.get("amount").and_then(number_in),
                })
            };
            ids.iter().filter_map(event).collect()
        })
        .await
    }
}
