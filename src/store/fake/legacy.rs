//! Baselines of days with old sessions.

use bson::oid::ObjectId;
use tokio::time::Instant;

use super::FakeStore;
use crate::record::day::Day;
use crate::store::error::Result;
use crate::store::legacy::{Baseline, CLAIM_TTL, LegacyStore};

impl LegacyStore for FakeStore {
    async fn baselines(&self, days: &[Day]) -> Result<Vec<Baseline>> {
        self.request(|state| {
            let baseline = |day: &Day| state.baselines.get(day.as_str()).copied();
            let known = days
                .iter()
                .map(|day| baseline(day).unwrap_or(Baseline::EMPTY));
            known.collect()
        })
        .await
    }

    async fn insert_baselines(&self, cutoffs: &[(Day, ObjectId)]) -> Result<bool> {
        self.request(|state| {
            let before = state.baselines.len();
            for (day, cutoff) in cutoffs {
                let there = state.baselines.entry(day.as_str().to_owned());
                there.or_insert(Baseline::with_cutoff(*cutoff));
            }
            state.baselines.len() > before
        })
        .await
    }

    async fn legacy_users(&self, _: &Day, _: &[&str], _: ObjectId) -> Result<Vec<String>> {
        self.request(|_| Vec::new()).await
    }

    async fn claim_legacy(&self, _: &Day, builder: &str) -> Result<bool> {
        self.request(|state| {
            let now = Instant::now();
            let other = state.claim.as_ref().filter(|(by, _)| by != builder);
            let is_free = other.is_none_or(|(_, until)| *until <= now);
            if is_free {
                state.claim = Some((builder.to_owned(), now + CLAIM_TTL));
            }
            is_free
        })
        .await
    }

    async fn mark_baseline(&self, day: &Day, _: ObjectId) -> Result<()> {
        let takes = self.state().slow_mark;
        tokio::time::sleep(takes).await;
        if let Some(error) = self.state().refuses_marks.clone() {
            return Err(error);
        }
        self.request(|state| {
            state.marks += 1;
            let baseline = state.baselines.get_mut(day.as_str()).expect("a known day");
            baseline.marked = true;
        })
        .await
    }

    async fn sum_baselines(&self, days: &[Day]) -> Result<()> {
        self.request(|state| {
            for day in days {
                let baseline = state.baselines.get_mut(day.as_str()).expect("a known day");
                assert!(baseline.marked, "{day:?} is summed up before it is marked");
                baseline.sums = Some(state.old);
            }
            state.claim = None;
        })
        .await
    }
}
