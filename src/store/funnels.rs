//! Events of funnels, and the cohorts of declared ones (`gsoreports`). Every time is the server's.

use std::ops::Range;
use std::time::Duration;

use bson::Document;

use super::Reply;
use crate::config::Excluded;
use crate::record::day::Day;

pub trait FunnelStore {
    /// Calls `each` for every event of these names that happened within the span, in the order of their times,
    /// but for those of excluded users. The database takes at most `limit` for one pass.
    fn named_events(
        &self,
        names: &[String],
        span: Range<i64>,
        excluded: &Excluded,
        limit: Duration,
        each: impl FnMut(NamedEvent) + Send,
    ) -> impl Reply<()>;

    /// The kept cohorts of a funnel from one day to another.
    fn kept_funnels(&self, key: &str, from: &Day, to: &Day) -> impl Reply<Vec<(Day, Document)>>;

    /// `{ funnels: [{ name, steps, windowS }] }`: the funnels whose cohorts are kept up to date, each name with its
    /// newest definition.
    fn declared_funnels(&self) -> impl Reply<Document>;

    /// Keeps the cohort of a day, unless one is there that was begun later.
    fn keep_funnel(&self, key: &str, day: &Day, as_of_ms: i64, cohort: Document) -> impl Reply<()>;
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
