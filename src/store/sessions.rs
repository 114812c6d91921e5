//! Session documents: inserted at login, closed once at logout.

use std::future::Future;

use super::error::Result;
use super::events::Inserted;
use crate::record::document::Batch;
use crate::record::item::Close;

pub trait SessionStore {
    /// Inserts sessions. Documents already there under their own `_id` count as inserted.
    fn insert_sessions(&self, batch: &Batch) -> impl Future<Output = Result<Inserted>> + Send;

    /// Closes sessions; one outcome per close, in order.
    ///
    /// Repeating a close gives [`CloseOutcome::Applied`] again, unless the session was closed with
    /// another logout time in between.
    fn close_sessions(
        &self,
        closes: &[Close],
    ) -> impl Future<Output = Result<Vec<CloseOutcome>>> + Send;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloseOutcome {
    /// The session has this logout time, from this attempt or an earlier one.
    Applied,
    /// There is no such session, or it has another logout time.
    NoMatch,
    /// The server refuses the change for its content, for this reason.
    Dropped(String),
}
