//! Purchases.

use super::FakeStore;
use crate::config::Collection;
use crate::store::error::{Result, StoreError};
use crate::store::purchases::{KeyedPurchase, Purchase, PurchaseStore};
use crate::store::records::Inserted;

impl PurchaseStore for FakeStore {
    async fn insert_purchases(&self, purchases: &[Purchase]) -> Result<Inserted> {
        if let Some(fault) = self.state().refuses_purchases {
            let error = StoreError::new(fault, "refused");
            return Err(error.on(Collection::Purchases));
        }
        self.request(|state| {
            let mut inserted = Inserted::default();
            for (index, purchase) in purchases.iter().enumerate() {
                if state.purchases.contains_key(&purchase.document) {
                    inserted.duplicates.push(index);
                }
                let there = state.purchases.entry(purchase.document);
                there.or_insert_with(|| purchase.clone());
            }
            inserted
        })
        .await
    }

    async fn find_purchases(&self, wanted: &[Purchase]) -> Result<Vec<KeyedPurchase>> {
        self.request(|state| {
            let found = wanted
                .iter()
                .filter_map(|one| state.purchases.get(&one.document))
                .filter(|_| !state.hides_keyed);
            found.map(KeyedPurchase::from).collect()
        })
        .await
    }
}
