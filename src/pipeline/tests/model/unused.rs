//! What the model asks of no store.

use std::ops::Range;

use bson::raw::RawArrayBuf;
use bson::{Bson, Document};

use super::world::Handle;
use crate::config::Excluded;
use crate::record::day::Day;
use crate::store::{
    FunnelStore, Minutes, NamedEvent, Page, Personal, PersonalStore, Presence, PresenceStore,
    Result, Sample, Samples, User,
};

impl PresenceStore for Handle {
    async fn prepare_presence(&self) -> Result<()> {
        Ok(())
    }

    async fn write_sample(&self, _: &Sample) -> Result<()> {
        Ok(())
    }

    async fn presence(&self) -> Result<Presence> {
        Ok(Presence {
            now_ms: 0,
            instances: Vec::new(),
        })
    }

    async fn samples(&self, _: &Day) -> Result<Samples> {
        Ok(Samples::new())
    }

    async fn session_changes(&self, _: &Day) -> Result<Minutes> {
        Ok(Minutes::new())
    }
}

impl PersonalStore for Handle {
    async fn personal_ids(&self, _: Personal, _: &User) -> Result<RawArrayBuf> {
        Ok(RawArrayBuf::new())
    }

    async fn personal_documents(&self, _: Personal, _: Vec<Bson>) -> Result<Page> {
        Ok(Page::default())
    }

    async fn erase(&self, _: Personal, _: &User, _: Option<&str>) -> Result<u64> {
        Ok(0)
    }
}

impl FunnelStore for Handle {
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
