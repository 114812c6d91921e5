//! Events and sessions.

use std::collections::BTreeMap;

use bson::Document;
use bson::oid::ObjectId;

use super::FakeStore;
use crate::record::document::Batch;
use crate::record::item::Close;
use crate::store::error::{Fault, Result, StoreError};
use crate::store::records::{CloseOutcome, Closed, Dropped, Inserted, RecordStore};

impl RecordStore for FakeStore {
    async fn insert_events(&self, batch: &Batch) -> Result<Inserted> {
        self.request(|state| {
            let mut inserted = Inserted::default();
            for (index, document) in batch.documents().into_iter().enumerate() {
                let user = document.get_str("userId").unwrap_or_default();
                if state.refused_users.contains(user) {
                    let message = "refused".to_owned();
                    inserted.dropped.push(Dropped { index, message });
                } else if !insert(&mut state.events, document) {
                    inserted.duplicates.push(index);
                }
            }
            inserted
        })
        .await
    }

    async fn insert_sessions(&self, batch: &Batch) -> Result<Inserted> {
        let slow_logins = self.state().slow_logins;
        tokio::time::sleep(slow_logins).await;
        self.request(|state| {
            for document in batch.documents() {
                insert(&mut state.sessions, document);
            }
            Inserted::default()
        })
        .await
    }

    async fn close_sessions(&self, closes: &[Close]) -> Result<Closed> {
        if self.state().refuses_logouts {
            return Err(StoreError::new(Fault::Collection, "refused"));
        }
        self.request(|state| {
            let close = |close: &Close| {
                let Some(session) = state.sessions.get_mut(&close.session) else {
                    return CloseOutcome::NoMatch;
                };
                let logout = bson::DateTime::from_millis(close.logout_ms);
                let known = session.get_datetime("logoutAt").ok().copied();
                let matches = known.is_none_or(|known| known == logout);
                if matches {
                    session.insert("logoutAt", logout);
                    session.insert("durationS", close.duration_s);
                }
                if matches {
                    CloseOutcome::Applied
                } else {
                    CloseOutcome::NoMatch
                }
            };
            Closed {
                outcomes: closes.iter().map(close).collect(),
                claims: Vec::new(),
                unreadable: Vec::new(),
            }
        })
        .await
    }
}

/// Whether it was not there yet.
fn insert(into: &mut BTreeMap<ObjectId, Document>, document: Document) -> bool {
    let id = document.get_object_id("_id").expect("an _id");
    let is_new = !into.contains_key(&id);
    into.entry(id).or_insert(document);
    is_new
}
