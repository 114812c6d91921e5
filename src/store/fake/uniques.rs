//! Markers of users.

use super::FakeStore;
use crate::config::Collection;
use crate::store::error::{Fault, Result, StoreError};
use crate::store::records::Dropped;
use crate::store::uniques::{Marker, UniquesStore};

impl UniquesStore for FakeStore {
    async fn find_markers(&self, period: &str, users: &[&str]) -> Result<Vec<Marker>> {
        self.request(|state| {
            let id = |user: &&str| (period.to_owned(), (*user).to_owned());
            let found = users.iter().filter_map(|user| state.markers.get(&id(user)));
            found.cloned().collect()
        })
        .await
    }

    async fn insert_markers(&self, markers: &[Marker]) -> Result<Vec<Dropped>> {
        if self.state().refuses_markers {
            let error = StoreError::new(Fault::Collection, "refused");
            return Err(error.on(Collection::Uniques));
        }
        self.request(|state| {
            let mut dropped = Vec::new();
            for (index, marker) in markers.iter().enumerate() {
                if state.refused_users.contains(&marker.user) {
                    let message = "refused".to_owned();
                    dropped.push(Dropped { index, message });
                    continue;
                }
                let id = (marker.period.clone(), marker.user.clone());
                state.markers.entry(id).or_insert_with(|| marker.clone());
            }
            dropped
        })
        .await
    }
}
