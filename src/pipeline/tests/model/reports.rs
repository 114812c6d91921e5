//! Reports are no part of the model: they are off.

use std::time::Duration;

use bson::Document;

use super::world::Handle;
use crate::config::Excluded;
use crate::record::day::Day;
use crate::store::{
    DaySessions, DayUsers, EventPass, EventRow, Mark, Report, ReportStore, Result, Revenue,
    Sources, StoreError,
};

impl ReportStore for Handle {
    async fn server_ms(&self) -> Result<i64> {
        Err(none())
    }

    async fn take_lease(&self, _: &str, _: &str, _: Duration) -> Result<bool> {
        Err(none())
    }

    async fn sources(&self) -> Result<Sources> {
        Err(none())
    }

    async fn marks(&self) -> Result<Vec<Mark>> {
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

    async fn note_late(&self, _: &[Day]) -> Result<()> {
        Err(none())
    }

    async fn put_report(&self, _: Report) -> Result<bool> {
        Err(none())
    }

    async fn reports(&self, _: &Day, _: &Day, _: &[&str]) -> Result<Vec<Document>> {
        Err(none())
    }
}

fn none() -> StoreError {
    StoreError::permanent("reports are off")
}
