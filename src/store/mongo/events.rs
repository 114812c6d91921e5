//! Inserts of events.

use super::client::MongoStore;
use crate::record::document::Batch;
use crate::store::error::Result;
use crate::store::events::{EventStore, Inserted};

impl EventStore for MongoStore {
    async fn insert_events(&self, batch: &Batch) -> Result<Inserted> {
        self.insert(self.events.name(), batch).await
    }
}
