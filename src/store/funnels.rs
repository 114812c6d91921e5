//! Events of funnels, as they are stored.

use std::ops::Range;

use super::Reply;

pub trait FunnelStore {
    /// The server's clock, ms since 1970.
    fn clock_ms(&self) -> impl Reply<i64>;

    /// Calls `each` for every event of these names that happened within the span, in the order of their times.
    fn named_events(
        &self,
        names: &[String],
        span: Range<i64>,
        each: impl FnMut(NamedEvent) + Send,
    ) -> impl Reply<()>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedEvent {
    /// Ms since 1970.
    pub at_ms: i64,
    /// The position of its name among those that were asked for.
    pub name: u8,
    /// A number that no other user has in this answer; `None` for an event without a user.
    pub user: Option<u32>,
}
