//! The other end of an instance: who made it, and hears from it.

use crate::instance::error::Error;

/// What an instance tells its host.
#[derive(Debug)]
pub enum Message {
    /// These logins and logouts are done, or have waited for `ackTimeoutMs`.
    Acknowledged(Vec<u32>),
    /// A request succeeded; reads carry one BSON document.
    Done {
        request: u32,
        result: Option<Vec<u8>>,
    },
    Failed {
        request: u32,
        error: Error,
    },
    Log {
        level: Level,
        text: String,
    },
    /// No connection is known; the host may look for one and answer with `Pipeline::connect` or
    /// `Pipeline::nothing_found`.
    ConnectionWanted,
    /// The instance has failed, or fails for now; nothing it was asked for will be answered.
    Died,
    /// A connection is known now; none is wanted any more.
    ConnectionKnown,
    /// It is the one that the host has offered beside its own.
    OtherAdopted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Info,
    Warn,
    Error,
}

/// Where messages go; called from any thread, must not block.
pub trait Listener: Send + Sync + 'static {
    fn deliver(&self, message: Message);
}
