//! Stored events, read back in the order of their times, with the sessions that they happened in.

use bson::{Document, RawDocumentBuf};

use super::Reply;

pub trait StoredStore {
    /// The first events that are wanted, as many as go into a page.
    fn stored_events(&self, wanted: &StoredEvents) -> impl Reply<StoredPage>;
}

/// Which events are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvents {
    /// Ms since 1970, the first of it and the first after it.
    pub from_ms: i64,
    pub to_ms: i64,
    /// Their names; none for all.
    pub names: Vec<String>,
    /// The `_id`s of events at `from_ms` that are passed over, as hexadecimal digits.
    pub passed: Vec<String>,
    /// Whether sessions are wanted.
    pub with_sessions: bool,
}

/// A part of the events, bounded in number and bytes.
#[derive(Debug, Default)]
pub struct StoredPage {
    pub events: Vec<RawDocumentBuf>,
    /// Those of their users that began on the days of the events or the day before: `{ _id, userId, loginAt,
    /// logoutAt }`.
    pub sessions: Vec<Document>,
    /// No event follows in the range.
    pub is_last: bool,
}
