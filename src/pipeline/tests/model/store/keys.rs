//! Statements about markers of keys, the events that have one, and purchases.

use bson::oid::ObjectId;

use super::{count_duplicates, inserted};
use crate::pipeline::tests::model::flaws::Flaw;
use crate::pipeline::tests::model::seen::{Seen, Sight};
use crate::pipeline::tests::model::server::State;
use crate::pipeline::tests::model::world::Handle;
use crate::store::{
    Inserted, KeyMarker, KeyStore, KeyedEvent, KeyedPurchase, Purchase, PurchaseStore, Result,
};

impl KeyStore for Handle {
    async fn find_keys(&self, wanted: &[KeyMarker]) -> Result<Vec<KeyMarker>> {
        let wanted = wanted.to_vec();
        if !self.is(Flaw::KeyMarkerFirst) {
            return self.read(move |state| state.find_keys(&wanted)).await;
        }
        let insert = move |state: &mut State, _: &mut Seen| {
            state.insert_keys(&wanted);
            let mut found = state.find_keys(&wanted);
            // What a delivery has marked it goes on to store.
            let is_own = |one: &KeyMarker| wanted.iter().any(|own| own.delivery == one.delivery);
            found.retain(|one| !is_own(one));
            found
        };
        self.write(insert).await
    }

    async fn insert_keys(&self, markers: &[KeyMarker]) -> Result<Inserted> {
        let markers = markers.to_vec();
        let is_read_back = !self.is(Flaw::KeyNotReadBack) && !self.is(Flaw::KeyMarkerFirst);
        let postponed = self.lock().memory.postponed(&markers);
        let made = self
            .write(move |state, seen| {
                let there = state.insert_keys(&markers);
                count_duplicates(seen, there.len() as u64);
                seen[Sight::Redelivery] += there.len() as u64;
                inserted(if is_read_back { there } else { Vec::new() })
            })
            .await?;
        if !postponed.is_empty() {
            self.write(move |state, _| drop(state.insert_purchases(&postponed)))
                .await?;
        }
        Ok(made)
    }

    async fn find_keyed_events(&self, ids: &[ObjectId]) -> Result<Vec<KeyedEvent>> {
        let ids = ids.to_vec();
        let mut found = self
            .read(move |state| state.find_keyed_events(&ids))
            .await?;
        if self.is(Flaw::KeyedAmountNotRead) {
            found.iter_mut().for_each(|event| event.amount = None);
        }
        Ok(found)
    }
}

impl PurchaseStore for Handle {
    async fn insert_purchases(&self, purchases: &[Purchase]) -> Result<Inserted> {
        let purchases = match self.is(Flaw::PurchaseAfterMarker) {
            true => self.lock().memory.postpone(purchases),
            false => purchases.to_vec(),
        };
        let is_read_back = !self.is(Flaw::PurchaseNotRead);
        self.write(move |state, seen| {
            let there = state.insert_purchases(&purchases);
            count_duplicates(seen, there.len() as u64);
            inserted(if is_read_back { there } else { Vec::new() })
        })
        .await
    }

    async fn find_purchases(&self, wanted: &[Purchase]) -> Result<Vec<KeyedPurchase>> {
        let wanted = wanted.to_vec();
        self.lock().seen[Sight::Repurchase] += 1;
        self.read(move |state| state.find_purchases(&wanted)).await
    }
}
