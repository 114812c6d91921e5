//! Inserts of events and sessions, and closes of sessions.

use std::collections::{BTreeSet, HashMap};

use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};
use mongodb::ClientSession;

use super::client::{MongoStore, WRITE_TIMEOUT};
use super::cursor::collect_in;
use super::write_command::{raw, write_command};
use crate::instance::incarnation::Incarnation;
use crate::record::document::{Batch, number};
use crate::record::item::Close;
use crate::store::error::Result;
use crate::store::records::{CloseOutcome, Closed, Dropped, Inserted, RecordStore};

impl RecordStore for MongoStore {
    async fn insert_events(&self, batch: &Batch) -> Result<Inserted> {
        self.insert(self.events.name(), batch).await
    }

    async fn insert_sessions(&self, batch: &Batch) -> Result<Inserted> {
        self.insert(self.sessions.name(), batch).await
    }

    /// Closes all with one command. Its reply gives only the number of matches: if that is too low, the
    /// logout times are read back.
    async fn close_sessions(&self, closes: &[Close]) -> Result<Closed> {
        let updates: Vec<Document> = closes.iter().map(update).collect();
        let mut command = write_command("update", self.sessions.name());
        command.insert("updates", updates);
        let session = &mut self.session().await?;
        let reply = self.send(raw(&command)?, Some(session)).await?;
        let mut outcomes = vec![CloseOutcome::Applied; closes.len()];
        let mut matches = closes.len();
        for Dropped { index, message } in reply.dropped()? {
            if let Some(outcome) = outcomes.get_mut(index) {
                *outcome = CloseOutcome::Dropped(message);
                matches -= 1;
            }
        }
        if reply.done() != Some(matches) {
            let logouts = self
                .logout_times(closes.iter().map(|close| close.session), session)
                .await?;
            for (close, outcome) in closes.iter().zip(&mut outcomes) {
                let is_closed = logouts.get(&close.session) == Some(&close.logout_ms);
                if *outcome == CloseOutcome::Applied && !is_closed {
                    *outcome = CloseOutcome::NoMatch;
                }
            }
        }
        let of: BTreeSet<Incarnation> = closes
            .iter()
            .map(|close| Incarnation::of(close.session))
            .collect();
        let (claims, unreadable) = self.claims_in(of.into_iter().collect(), session).await?;
        Ok(Closed {
            outcomes,
            claims,
            unreadable,
        })
    }
}

impl MongoStore {
    /// The logout times of those of the sessions that have one. Reads in the session of a write show its
    /// changes.
    pub(super) async fn logout_times(
        &self,
        ids: impl Iterator<Item = ObjectId>,
        session: &mut ClientSession,
    ) -> Result<HashMap<ObjectId, i64>> {
        let ids: Vec<ObjectId> = ids.collect();
        let found = self
            .sessions
            .clone_with_type::<Document>()
            .find(doc! { "_id": { "$in": ids } })
            .projection(doc! { "logoutAt": 1 })
            .max_time(WRITE_TIMEOUT)
            .session(&mut *session)
            .await?;
        let found = collect_in(found, session).await?;
        let time = |document: &Document| {
            let logout = document.get_datetime("logoutAt").ok()?;
            let id = document.get_object_id("_id").ok()?;
            Some((id, logout.timestamp_millis()))
        };
        Ok(found.iter().filter_map(time).collect())
    }
}

/// Matches the session while it is open or has the estimate, and after this close was applied.
fn update(close: &Close) -> Document {
    let logout = DateTime::from_millis(close.logout_ms);
    let mut before = vec![Bson::Null, logout.into()];
    before.extend(close.estimate_ms.map(|ms| DateTime::from_millis(ms).into()));
    doc! {
        "q": { "_id": close.session, "logoutAt": { "$in": before } },
        "u": { "$set": { "logoutAt": logout, "durationS": number(close.duration_s) } },
    }
}
