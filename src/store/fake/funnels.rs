//! Events of funnels: there are none.

use std::ops::Range;

use bson::Document;

use super::FakeStore;
use crate::config::Excluded;
use crate::record::day::Day;
use crate::store::error::Result;
use crate::store::funnels::{FunnelStore, NamedEvent};

impl FunnelStore for FakeStore {
    async fn events_kept_ms(&self) -> Result<Option<i64>> {
        Ok(None)
    }

    async fn named_events(
        &self,
        _: &[String],
        _: Range<i64>,
        _: &Excluded,
        _: impl FnMut(NamedEvent) + Send,
    ) -> Result<()> {
        Ok(())
    }

    async fn kept_funnels(&self, _: &str, _: &Day, _: &Day) -> Result<Vec<(Day, Document)>> {
        Ok(Vec::new())
    }

    async fn keep_funnel(&self, _: &str, _: &Day, _: i64, _: Document) -> Result<()> {
        Ok(())
    }
}
