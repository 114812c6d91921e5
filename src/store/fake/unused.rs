//! What no test asks of a store in memory: documents of users, stored events, events of funnels, and reports.

use std::ops::Range;
use std::time::Duration;

use bson::raw::RawArrayBuf;
use bson::{Bson, Document};

use super::FakeStore;
use crate::config::Excluded;
use crate::record::day::Day;
use crate::store::error::{Result, StoreError};
use crate::store::funnels::{FunnelStore, NamedEvent};
use crate::store::inspection::InspectionStore;
use crate::store::personal::{Page, Personal, PersonalStore, User};
use crate::store::reports::{
    DaySessions, DayUsers, EventPass, EventRow, Mark, Report, ReportStore, Revenue, Sources,
};
use crate::store::stored::{StoredEvents, StoredPage, StoredStore};

/// A store that holds nothing to read or to report.
pub trait Unused: Sync {
    /// The server's clock, as reports ask for it.
    fn clock(&self) -> Result<i64> {
        Err(none())
    }

    /// It is looked what there is to report, of all days or of the last ones.
    fn looked(&self, _is_whole: bool) {}

    /// Sessions of these days came late.
    fn noted(&self, _: &[Day]) {}
}

impl Unused for FakeStore {
    fn clock(&self) -> Result<i64> {
        match self.state().refuses_reports.clone() {
            Some(error) => Err(error),
            None => Ok(super::presence::FAKE_NOW_MS),
        }
    }

    fn looked(&self, is_whole: bool) {
        let state = &mut *self.state();
        state.report_looks += 1;
        state.whole_looks += u64::from(is_whole);
    }

    fn noted(&self, days: &[Day]) {
        self.state().late_days.extend(days.iter().cloned());
    }
}

impl<S: Unused> PersonalStore for S {
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

impl<S: Unused> StoredStore for S {
    async fn stored_events(&self, _: &StoredEvents) -> Result<StoredPage> {
        Ok(StoredPage::default())
    }
}

impl<S: Unused> FunnelStore for S {
    async fn named_events(
        &self,
        _: &[String],
        _: Range<i64>,
        _: &Excluded,
        _: Duration,
        _: impl FnMut(NamedEvent) + Send,
    ) -> Result<()> {
        Ok(())
    }

    async fn kept_funnels(&self, _: &str, _: &Day, _: &Day) -> Result<Vec<(Day, Document)>> {
        Ok(Vec::new())
    }

    async fn declared_funnels(&self) -> Result<Document> {
        Ok(Document::new())
    }

    async fn keep_funnel(&self, _: &str, _: &Day, _: i64, _: Document) -> Result<()> {
        Ok(())
    }
}

impl<S: Unused> InspectionStore for S {
    async fn facts(&self) -> Result<Document> {
        Ok(Document::new())
    }

    async fn instances(&self) -> Result<Document> {
        Ok(Document::new())
    }
}

impl<S: Unused> ReportStore for S {
    async fn server_ms(&self) -> Result<i64> {
        self.clock()
    }

    async fn take_lease(&self, _: &str, _: &str, _: Duration) -> Result<bool> {
        Ok(true)
    }

    async fn events_kept_ms(&self) -> Result<Option<i64>> {
        Ok(None)
    }

    async fn sources(&self, since: Option<&Day>) -> Result<Sources> {
        self.looked(since.is_none());
        Ok(Sources::default())
    }

    async fn marks(&self, _: Option<&Day>) -> Result<Vec<Mark>> {
        Ok(Vec::new())
    }

    async fn lowers_first_days(&self, _: &Day) -> Result<bool> {
        Err(none())
    }

    async fn merge_first_days(&self, _: &Day) -> Result<()> {
        Err(none())
    }

    async fn day_users(&self, _: &Day, _: &Excluded) -> Result<DayUsers> {
        Err(none())
    }

    async fn day_sessions(&self, _: &Day, _: &Excluded) -> Result<DaySessions> {
        Err(none())
    }

    async fn day_events(
        &self,
        _: &Day,
        _: &EventPass,
        _: impl FnMut(EventRow) + Send,
    ) -> Result<()> {
        Err(none())
    }

    async fn day_totals(&self, _: &Day) -> Result<Option<Document>> {
        Err(none())
    }

    async fn revenue(&self, _: &Day, _: &Day, _: Duration) -> Result<Revenue> {
        Err(none())
    }

    async fn totals_between(&self, _: &Day, _: &Day, _: &str) -> Result<Vec<Document>> {
        Err(none())
    }

    async fn payers(&self, _: &Day, _: Duration) -> Result<i64> {
        Ok(0)
    }

    async fn note_late(&self, days: &[Day]) -> Result<()> {
        self.noted(days);
        Ok(())
    }

    async fn note_unread(&self, _: &Day, _: bool) -> Result<()> {
        Ok(())
    }

    async fn note_lowered(&self, _: &Day) -> Result<()> {
        Err(none())
    }

    async fn put_report(&self, _: Report) -> Result<bool> {
        Err(none())
    }

    async fn reports(&self, _: &Day, _: &Day, _: &[&str]) -> Result<Vec<Document>> {
        Ok(Vec::new())
    }
}

fn none() -> StoreError {
    StoreError::permanent("this store has no days to report")
}
