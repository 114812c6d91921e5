//! Opening and closing of a store: indexes before the first write, connections after the last; and whether
//! its collections are still those that have these indexes.

use std::collections::{BTreeMap, BTreeSet};

use super::Reply;
use crate::config::Collection;
use crate::instance::listener::Level;

/// The UUID of each collection that is there. It is another one after the collection was dropped, renamed or
/// restored.
pub type Identities = BTreeMap<Collection, [u8; 16]>;

pub trait Lifecycle {
    /// Makes sure that there is the unique index without which a day could get two documents.
    fn prepare(&self) -> impl Reply<Prepared>;

    /// Creates the other indexes of these collections that are missing; on big ones that takes long. Returns log
    /// lines about those that cannot be created.
    fn create_indexes(&self, of: &BTreeSet<Collection>) -> impl Reply<Vec<(Level, String)>>;

    /// Which collections there are; `None` when the server does not tell, as where the user lacks the right.
    fn identities(&self) -> impl Reply<Option<Identities>>;

    /// Closes the connections.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// Whether totals may be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prepared {
    /// With log lines for the operator.
    Ready(Vec<(Level, String)>),
    /// A day could get two documents: why, and what to do about it.
    Blocked(String),
}
