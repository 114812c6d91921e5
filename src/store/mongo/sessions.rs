//! Inserts of sessions, and their closes.

use std::collections::HashMap;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use mongodb::ClientSession;

use super::client::{MongoStore, WRITE_TIMEOUT};
use super::error::store_error;
use super::write_command::{dropped, integer, raw, write_command};
use crate::record::document::{Batch, number};
use crate::record::item::Close;
use crate::store::error::Result;
use crate::store::events::{Dropped, Inserted};
use crate::store::sessions::{CloseOutcome, SessionStore};

impl SessionStore for MongoStore {
    async fn insert_sessions(&self, batch: &Batch) -> Result<Inserted> {
        self.insert(self.sessions.name(), batch).await
    }

    /// Closes all with one command. Its reply gives only the number of matches: if that is too low, the
    /// logout times are read back.
    async fn close_sessions(&self, closes: &[Close]) -> Result<Vec<CloseOutcome>> {
        let updates: Vec<Document> = closes
            .iter()
            .map(|close| doc! { "q": filter(close), "u": update(close) })
            .collect();
        let mut command = write_command("update", self.sessions.name());
        command.insert("updates", updates);
        let session = &mut self.session().await?;
        let reply = self.send(raw(&command)?, Some(session)).await?;
        let mut outcomes = vec![CloseOutcome::Applied; closes.len()];
        let mut matches = closes.len() as i64;
        for Dropped { index, message } in dropped(&reply)? {
            if let Some(outcome) = outcomes.get_mut(index) {
                *outcome = CloseOutcome::Dropped(message);
                matches -= 1;
            }
        }
        if integer(&reply, "n") == Some(matches) {
            return Ok(outcomes);
        }
        let logouts = self.logout_times(closes, session).await?;
        for (close, outcome) in closes.iter().zip(&mut outcomes) {
            let is_closed = logouts.get(&close.session) == Some(&close.logout_ms);
            if *outcome == CloseOutcome::Applied && !is_closed {
                *outcome = CloseOutcome::NoMatch;
            }
        }
        Ok(outcomes)
    }
}

impl MongoStore {
    /// The logout times of those of the sessions that have one. Reads in the session of a write show its
    /// changes.
    async fn logout_times(
        &self,
        closes: &[Close],
        session: &mut ClientSession,
    ) -> Result<HashMap<ObjectId, i64>> {
        let ids: Vec<ObjectId> = closes.iter().map(|close| close.session).collect();
        let found = self
            .sessions
            .find(doc! { "_id": { "$in": ids } })
            .projection(doc! { "logoutAt": 1 })
            .max_time(WRITE_TIMEOUT)
            .session(&mut *session)
            .await;
        let mut found = found.map_err(store_error)?;
        let mut times = HashMap::new();
        while let Some(document) = found.next(session).await {
            let document = document.map_err(store_error)?;
            let id = document.get_object_id("_id");
            let logout = document.get_datetime("logoutAt");
            if let (Ok(id), Ok(logout)) = (id, logout) {
                times.insert(id, logout.timestamp_millis());
            }
        }
        Ok(times)
    }
}

/// Matches the session while it is open, and after this close was applied.
fn filter(close: &Close) -> Document {
    let logout = DateTime::from_millis(close.logout_ms);
    doc! { "_id": close.session, "logoutAt": { "$in": [null, logout] } }
}

fn update(close: &Close) -> Document {
    let logout = DateTime::from_millis(close.logout_ms);
    doc! { "$set": { "logoutAt": logout, "durationS": number(close.duration_s) } }
}
