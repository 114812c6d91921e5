//! Event documents. An `_id` chosen before the first attempt makes an insert repeatable.

use std::future::Future;

use super::error::Result;
use crate::record::document::Batch;

pub trait EventStore {
    /// Inserts events. Documents already there under their own `_id` count as inserted.
    ///
    /// Events of one batch become visible in any order. An error means that any part of the batch may
    /// be stored.
    fn insert_events(&self, batch: &Batch) -> impl Future<Output = Result<Inserted>> + Send;
}

/// The outcome of an insert: all documents are stored but the dropped ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inserted {
    /// In the order of the documents.
    pub dropped: Vec<Dropped>,
    /// Documents already there, from an attempt whose reply was lost.
    pub duplicates: u64,
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
