//! Events of funnels: there are none.

use std::ops::Range;

use super::FakeStore;
use crate::store::error::Result;
use crate::store::funnels::{FunnelStore, NamedEvent};

impl FunnelStore for FakeStore {
    async fn clock_ms(&self) -> Result<i64> {
        Ok(0)
    }

    async fn named_events(
        &self,
        _: &[String],
        _: Range<i64>,
        _: impl FnMut(NamedEvent) + Send,
    ) -> Result<()> {
        Ok(())
    }
}
