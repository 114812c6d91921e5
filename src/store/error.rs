//! Errors of a store: what refused a request, and whether a repetition may help.

use std::fmt;

use crate::config::Collection;

/// The server's code where a user lacks a right, or a connection has none.
const UNAUTHORIZED: i32 = 13;
/// The server's code where a request has taken longer than its time limit.
const TOO_LONG: i32 = 50;
/// The server's codes that say that it, its primary, the network or the connection is not there.
const AWAY: [i32; 15] = [
    6, 7, 89, 91, 133, 189, 216, 279, 9001, 10058, 10107, 11600, 11602, 13435, 13436,
];

/// The reason why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// Without secrets; may be shown to users.
    pub message: String,
    pub fault: Fault,
    /// The server's code, if the server has answered with one.
    pub code: Option<i32>,
    /// The collection that the request was for.
    pub collection: Option<Collection>,
    /// The action for which the user of the connection lacks a privilege.
    pub missing_privilege: Option<String>,
}

/// What a request failed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The moment: the same request may succeed later.
    Moment,
    /// The connection: no request succeeds on it until its settings or the users of the server are changed.
    Connection,
    /// The collection, or the rights on it: nothing succeeds there until the operator has changed it.
    Collection,
    /// The content of what was sent: the same request would be refused again.
    Content,
    /// A code that is not known.
    Unknown,
}

impl StoreError {
    pub fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            fault,
            code: None,
            collection: None,
            missing_privilege: None,
        }
    }

    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(Fault::Moment, message)
    }

    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(Fault::Unknown, message)
    }

    /// The error of a request for this collection, unless it was for another.
    pub fn on(self, collection: Collection) -> Self {
        Self {
            collection: self.collection.or(Some(collection)),
            ..self
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        self.fault == Fault::Moment
    }

    /// Whether the same request may succeed later on this connection, or on the one that takes its place.
    pub fn may_succeed_later(&self) -> bool {
        self.is_transient() || self.is_unauthenticated()
    }

    /// Whether it says nothing about the collection or the content.
    pub fn is_of_connection(&self) -> bool {
        matches!(self.fault, Fault::Moment | Fault::Connection)
    }

    /// Whether the server is there, and has answered a request of this connection.
    pub fn is_answer(&self) -> bool {
        let is_there = self.code.is_some_and(|code| !AWAY.contains(&code));
        is_there && self.fault != Fault::Connection
    }

    /// Whether it says something about the documents that were to be read: a read of others may succeed at once.
    pub fn is_of_documents(&self) -> bool {
        self.code == Some(TOO_LONG) || !self.is_of_connection() && !is_unauthorized(self)
    }

    /// Whether the connection has no user any more.
    pub fn is_unauthenticated(&self) -> bool {
        self.code == Some(UNAUTHORIZED) && self.fault == Fault::Connection
    }
}

/// Whether the user of the connection lacks a right.
pub fn is_unauthorized(error: &StoreError) -> bool {
    error.code == Some(UNAUTHORIZED) && error.fault == Fault::Collection
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

pub type Result<T> = std::result::Result<T, StoreError>;
