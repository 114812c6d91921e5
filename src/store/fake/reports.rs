//! Reports: the fake store has no days to report.

use std::time::Duration;

use bson::Document;

use super::FakeStore;
use crate::config::Excluded;
use crate::record::day::Day;
use crate::store::error::{Result, StoreError};
use crate::store::reports::{
    DaySessions, DayUsers, EventPass, EventRow, Mark, Report, ReportStore, Revenue, Sources,
};

impl ReportStore for FakeStore {
    async fn server_ms(&self) -> Result<i64> {
        match self.state().refuses_reports.clone() {
            Some(error) => Err(error),
            None => Ok(super::presence::FAKE_NOW_MS),
        }
    }

    async fn take_lease(&self, _: &str, _: &str, _: Duration) -> Result<bool> {
        Ok(true)
    }

    async fn sources(&self) -> Result<Sources> {
        self.state().report_looks += 1;
        Ok(Sources::default())
    }

    async fn marks(&self) -> Result<Vec<Mark>> {
        Ok(Vec::new())
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

    async fn day_events(&self, _: &Day, _: &EventPass) -> Result<Vec<EventRow>> {
        Err(none())
    }

    async fn day_totals(&self, _: &Day) -> Result<Option<Document>> {
        Err(none())
    }

    async fn revenue(&self, _: &Day, _: &Day) -> Result<Revenue> {
        Err(none())
    }

    async fn totals_between(&self, _: &Day, _: &Day, _: &str) -> Result<Vec<Document>> {
        Err(none())
    }

    async fn note_late(&self, days: &[Day]) -> Result<()> {
        self.state().late_days.extend(days.iter().cloned());
        Ok(())
    }

    async fn put_report(&self, _: Report) -> Result<bool> {
        Err(none())
    }

    async fn reports(&self, _: &Day, _: &Day, _: &[&str]) -> Result<Vec<Document>> {
        Ok(Vec::new())
    }
}

fn none() -> StoreError {
    StoreError::permanent("the fake store has no days to report")
}
