//! Totals of days.

use bson::RawDocumentBuf;

use super::FakeStore;
use crate::record::day::Day;
use crate::store::error::Result;
use crate::store::totals::{Added, AppliedSeq, Delta, MonthView, SeqAdvance, TotalsStore};

impl TotalsStore for FakeStore {
    async fn ensure_day(&self, day: &Day) -> Result<()> {
        self.request(|state| {
            state.days.entry(day.as_str().to_owned()).or_default();
        })
        .await
    }

    async fn add(&self, day: &Day, advance: SeqAdvance<'_>, delta: &Delta) -> Result<Added> {
        let slow_add = self.state().slow_add;
        tokio::time::sleep(slow_add).await;
        self.request(|state| {
            state.adds += 1;
            let misses = state.always_misses;
            let Some(daily) = state.days.get_mut(day.as_str()).filter(|_| !misses) else {
                return Added::Conflict;
            };
            if daily.writers.get(advance.writer).copied() != advance.previous {
                return Added::Conflict;
            }
            for (counter, amount) in delta.amounts() {
                *daily.totals.entry(counter).or_default() += amount;
            }
            daily.mau += delta.mau;
            daily.session_seconds += delta.session_seconds;
            daily.sessions_closed += delta.sessions_closed;
            daily
                .writers
                .insert(advance.writer.to_owned(), advance.last);
            Added::Applied {
                left_out: Vec::new(),
            }
        })
        .await
    }

    async fn applied_seq(&self, day: &Day, writer: &str) -> Result<AppliedSeq> {
        self.request(|state| {
            state.reads += 1;
            // Every other read is as old as the one before it.
            if state.reads % 2 == 0 {
                state.committed = state.days.clone();
            }
            match state.committed.get(day.as_str()) {
                None => AppliedSeq::NoDocument,
                Some(daily) => AppliedSeq::At(daily.writers.get(writer).copied()),
            }
        })
        .await
    }

    async fn confirm(&self, day: &Day, writer: &str, seq: Option<i64>) -> Result<bool> {
        self.request(|state| {
            let daily = state.days.get(day.as_str());
            daily.is_some_and(|daily| daily.writers.get(writer).copied() == seq)
        })
        .await
    }

    async fn month(&self, today: &Day) -> Result<MonthView> {
        self.request(|state| {
            let month = state
                .days
                .iter()
                .filter(|(day, _)| day.starts_with(today.month()));
            let mut view = MonthView::default();
            for (_, daily) in month {
                view.sums.mau += daily.mau;
                view.sums.session_seconds += daily.session_seconds;
                view.sums.sessions_closed += daily.sessions_closed;
            }
            view
        })
        .await
    }

    async fn newest_days(&self, _: u32) -> Result<Vec<RawDocumentBuf>> {
        self.request(|_| Vec::new()).await
    }
}
