//! Documents of events and sessions. Events are inserted once; sessions are inserted at login and closed once
//! at logout. An `_id` chosen before the first attempt makes an insert repeatable.

use super::Reply;
use super::claims::Claim;
use crate::instance::incarnation::Incarnation;
use crate::record::document::Batch;
use crate::record::item::Close;

pub trait RecordStore {
    /// Inserts events. Documents already there under their own `_id` count as inserted.
    ///
    /// Events of one batch become visible in any order. An error means that any part of the batch may
    /// be stored.
    fn insert_events(&self, batch: &Batch) -> impl Reply<Inserted>;

    /// Inserts sessions, in the same way.
    fn insert_sessions(&self, batch: &Batch) -> impl Reply<Inserted>;

    /// Closes sessions that are open, or have the logout time that was only estimated.
    ///
    /// Repeating a close gives [`CloseOutcome::Applied`] again, unless the session was closed with
    /// another logout time in between.
    fn close_sessions(&self, closes: &[Close]) -> impl Reply<Closed>;
}

/// The outcome of an insert: all documents are stored but the dropped ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inserted {
    /// In the order of the documents.
    pub dropped: Vec<Dropped>,
    /// Positions of documents already there, from an attempt whose reply was lost, or of an earlier delivery
    /// with the same dedupe key.
    pub duplicates: Vec<usize>,
}

/// A document that the server refuses for its content, and would refuse again. It is lost and counted;
/// the rest of its batch is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Position in the documents that were given.
    pub index: usize,
    /// The server's reason.
    pub message: String,
}

/// What became of closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// One per close, in order.
    pub outcomes: Vec<CloseOutcome>,
    /// The claims of the incarnations of these sessions, and of those that they name as their next. A claim
    /// that was there before one of these closes was applied is among them.
    pub claims: Vec<Claim>,
    /// Those of them whose claim is there and cannot be read.
    pub unreadable: Vec<Incarnation>,
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
