//! Opening and closing of a store: indexes before the first write, connections after the last.

use super::Reply;
use crate::instance::listener::Level;

pub trait Lifecycle {
    /// Makes sure that there is the unique index without which a day could get two documents.
    fn prepare(&self) -> impl Reply<Prepared>;

    /// Creates the other indexes that are missing; on big collections that takes long. Returns log lines
    /// about those that cannot be created.
    fn create_indexes(&self) -> impl Reply<Vec<(Level, String)>>;

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
