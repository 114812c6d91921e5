//! Statements about the sessions of the replaced class.

use bson::oid::ObjectId;

use super::owned;
use crate::pipeline::tests::model::flaws::Flaw;
use crate::pipeline::tests::model::world::Handle;
use crate::record::day::Day;
use crate::store::{Baseline, LegacyStore, Result};

impl LegacyStore for Handle {
    async fn baselines(&self, days: &[Day]) -> Result<Vec<Baseline>> {
        self.read_or_insert_baselines(days).await
    }

    async fn insert_baselines(&self, cutoffs: &[(Day, ObjectId)]) -> Result<bool> {
        let baseline = |(day, cutoff): &(Day, ObjectId)| {
            (day.as_str().to_owned(), Baseline::with_cutoff(*cutoff))
        };
        let baselines: Vec<_> = cutoffs.iter().map(baseline).collect();
        self.write(move |state, _| state.insert_baselines(&baselines) < baselines.len() as u64)
            .await
    }

    async fn legacy_users(
        &self,
        day: &Day,
        users: &[&str],
        cutoff: ObjectId,
    ) -> Result<Vec<String>> {
        if self.is(Flaw::MarkerAloneDecides) {
            return Ok(Vec::new());
        }
        let (day, mut users) = (day.clone(), owned(users));
        self.read(move |state| {
            let is_old = |user: &String| {
                let mut old = state.sessions_up_to(day.as_str(), cutoff);
                old.any(|session| session.user == *user)
            };
            users.retain(is_old);
            users
        })
        .await
    }

    async fn claim_legacy(&self, day: &Day, builder: &str) -> Result<bool> {
        self.claim_month(day, builder).await
    }

    async fn mark_baseline(&self, day: &Day, cutoff: ObjectId) -> Result<()> {
        self.mark_old_sessions(day, cutoff).await
    }

    async fn sum_baselines(&self, days: &[Day]) -> Result<()> {
        self.sum_marked(days).await
    }
}
