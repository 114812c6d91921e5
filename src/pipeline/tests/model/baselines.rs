//! How the store makes the baseline of a day, statement by statement as the real one does: a process may
//! die after each, and others may do the same beside it.

use std::collections::BTreeSet;

use bson::oid::ObjectId;
use tokio::time::Instant;

use super::flaws::Flaw;
use super::seen::Sight;
use super::server::State;
use super::world::Handle;
use crate::record::day::Day;
use crate::store::{Baseline, Marker, Period, Result, StoreError};

impl Handle {
    pub async fn read_or_insert_baselines(&self, days: &[Day]) -> Result<Vec<Baseline>> {
        loop {
            let known = self.read_baselines(days).await?;
            let missing: BTreeSet<&Day> = days
                .iter()
                .zip(&known)
                .filter_map(|(day, baseline)| baseline.is_none().then_some(day))
                .collect();
            if missing.is_empty() {
                return Ok(known.into_iter().flatten().collect());
            }
            let missing: Vec<Day> = missing.into_iter().cloned().collect();
            let baselines = self
                .read(move |state| new_baselines(state, &missing))
                .await?;
            self.write(move |state, seen| {
                seen[Sight::Duplicate] += state.insert_baselines(&baselines);
            })
            .await?;
        }
    }

    async fn read_baselines(&self, days: &[Day]) -> Result<Vec<Option<Baseline>>> {
        let days = days.to_vec();
        let skips = self.is(Flaw::CutOnlyBeforeTotals);
        let read = move |state: &State| {
            let baseline = |day: &Day| match skips && has_totals_of_ours(state, day) {
                true => Some(Baseline::EMPTY),
                false => state.baselines.get(day.as_str()).copied(),
            };
            days.iter().map(baseline).collect()
        };
        if self.is(Flaw::LocalBaselines) {
            return self.read_local(read).await;
        }
        self.read(read).await
    }

    pub async fn claim_month(&self, day: &Day, builder: &str) -> Result<bool> {
        let (month, builder) = (day.month().to_owned(), builder.to_owned());
        self.write(move |state, seen| {
            let holds = state.claim(&month, &builder, Instant::now());
            seen[Sight::ClaimRefused] += u64::from(!holds);
            holds
        })
        .await
    }

    pub async fn mark_old_sessions(&self, day: &Day, cutoff: ObjectId) -> Result<()> {
        self.mark_old_users(day, cutoff).await?;
        let of_day = day.as_str().to_owned();
        let (seconds, closed) = self
            .read(move |state| state.sum_durations(&of_day, cutoff))
            .await?;
        let day = day.clone();
        self.write(move |state, _| state.mark_baseline(day.as_str(), seconds, closed))
            .await
    }

    pub async fn sum_marked(&self, days: &[Day]) -> Result<()> {
        let all = days.to_vec();
        let count = move |state: &State| {
            let is_marked = |day: &Day| state.baselines.get(day.as_str()).is_some_and(|b| b.marked);
            let made = |day: &Day| state.count_marked(&Period::Month(day).name(), &writer(day));
            let marked = all.iter().all(is_marked);
            marked.then(|| all.iter().map(made).collect::<Vec<f64>>())
        };
        // In one session, a count sees what made the baselines say that they are marked.
        let made = match self.is(Flaw::CountedBehind) {
            true => Some(self.count_behind(days).await?),
            false => self.read(count).await?,
        };
        let made = made.ok_or_else(|| StoreError::transient("not marked yet"))?;
        for (day, mau) in days.iter().zip(made) {
            let day = day.as_str().to_owned();
            self.write(move |state, _| state.finish_baseline(&day, mau))
                .await?;
        }
        match days.last() {
            Some(day) => self.end_claim(day).await,
            None => Ok(()),
        }
    }

    async fn count_behind(&self, days: &[Day]) -> Result<Vec<f64>> {
        let days = days.to_vec();
        self.read(move |state| {
            let made = |day: &Day| state.count_marked(&Period::Month(day).name(), &writer(day));
            days.iter().map(made).collect()
        })
        .await
    }

    async fn end_claim(&self, day: &Day) -> Result<()> {
        let month = day.month().to_owned();
        self.write(move |state, _| state.end_claim(&month)).await
    }

    /// The server may stop between any two of them.
    async fn mark_old_users(&self, day: &Day, cutoff: ObjectId) -> Result<()> {
        let of_day = day.clone();
        let users = self
            .read(move |state| old_users(state, &of_day, cutoff))
            .await?;
        for user in users {
            let marker = Marker {
                period: Period::Month(day).name(),
                user,
                writer: writer(day),
                seq: 0,
                day: day.as_str().to_owned(),
                expires_ms: i64::MAX,
            };
            self.write(move |state, seen| {
                seen[Sight::Duplicate] += state.insert_markers(&[marker]);
            })
            .await?;
        }
        Ok(())
    }
}

/// The maker of a day's old markers.
fn writer(day: &Day) -> String {
    format!("base:{}", day.as_str())
}

fn new_baselines(state: &State, days: &[Day]) -> Vec<(String, Baseline)> {
    let baseline = |day: &Day| {
        let baseline = match state.newest_session(day.as_str()) {
            Some(cutoff) => Baseline {
                cutoff,
                marked: false,
                sums: None,
            },
            None => Baseline::EMPTY,
        };
        (day.as_str().to_owned(), baseline)
    };
    days.iter().map(baseline).collect()
}

fn old_users(state: &State, day: &Day, cutoff: ObjectId) -> BTreeSet<String> {
    let old = state.sessions_up_to(day.as_str(), cutoff);
    old.map(|session| session.user.clone()).collect()
}

fn has_totals_of_ours(state: &State, day: &Day) -> bool {
    let daily = state.days.get(day.as_str());
    daily.is_some_and(|daily| !daily.writers.is_empty())
}
