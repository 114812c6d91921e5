//! Baselines: what each day held before this package wrote to it, as far as this process has read it.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bson::oid::ObjectId;

use crate::record::day::Day;
use crate::store::{Baseline, Result, Store};

/// The baselines of the days seen so far. They do not change once they are summed up, unless their collection
/// was dropped.
#[derive(Debug, Default)]
pub struct Baselines {
    known: Mutex<HashMap<Day, Baseline>>,
    /// How often they were restored.
    generation: AtomicU64,
}

impl Baselines {
    pub fn get(&self, day: &Day) -> Option<Baseline> {
        self.lock().get(day).copied()
    }

    /// A baseline that was read before it was summed up may arrive after the one with its sums.
    fn remember(&self, day: &Day, baseline: Baseline) {
        let mut known = self.lock();
        if known.get(day).is_none_or(|known| known.sums.is_none()) {
            known.insert(day.clone(), baseline);
        }
    }

    /// Reads the baselines of these days unless they are known, and returns them in order.
    pub async fn of<S: Store>(&self, store: &S, days: &[Day]) -> Result<Vec<Baseline>> {
        let unknown: HashSet<&Day> = days.iter().filter(|day| self.get(day).is_none()).collect();
        self.read(store, unknown.into_iter().cloned().collect())
            .await?;
        Ok(days.iter().filter_map(|day| self.get(day)).collect())
    }

    /// Those of these days that are not summed up, as the database knows them now.
    pub async fn not_summed_up<S: Store>(
        &self,
        store: &S,
        days: &[Day],
    ) -> Result<Vec<(Day, Baseline)>> {
        let is_open = |day: &&Day| self.get(day).is_none_or(|baseline| baseline.sums.is_none());
        self.read(store, days.iter().filter(is_open).cloned().collect())
            .await?;
        let open = days.iter().filter(is_open);
        Ok(open
            .filter_map(|day| Some((day.clone(), self.get(day)?)))
            .collect())
    }

    async fn read<S: Store>(&self, store: &S, days: Vec<Day>) -> Result<()> {
        if !days.is_empty() {
            let baselines = store.baselines(&days).await?;
            for (day, baseline) in days.iter().zip(baselines) {
                self.remember(day, baseline);
            }
        }
        Ok(())
    }

    /// Gives the days seen so far their cutoffs again, where the database has lost them. Sessions up to a cutoff
    /// are summed up anew, those that are left.
    pub async fn restore<S: Store>(&self, store: &S) -> Result<()> {
        let cutoffs: Vec<(Day, ObjectId)> = {
            let known = self.lock();
            let cutoffs = known.iter().map(|(day, known)| (day.clone(), known.cutoff));
            cutoffs.collect()
        };
        if cutoffs.is_empty() || !store.insert_baselines(&cutoffs).await? {
            return Ok(());
        }
        // No day is unknown meanwhile: its sessions are no legacy ones.
        for known in self.lock().values_mut() {
            *known = Baseline::with_cutoff(known.cutoff);
        }
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Changes when they are restored.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub fn mark(&self, day: &Day) {
        if let Some(baseline) = self.lock().get_mut(day) {
            baseline.marked = true;
        }
    }

    /// The progress of these days; `None` while one of them is unknown.
    pub fn progress(&self, days: &[Day]) -> Option<LegacyProgress> {
        let known = self.lock();
        let mut progress = LegacyProgress::default();
        for day in days {
            let baseline = known.get(day)?;
            if baseline.has_legacy_sessions() {
                progress.total += 1;
                progress.done += u32::from(baseline.marked);
                progress.is_open |= baseline.sums.is_none();
            }
        }
        Some(progress)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Day, Baseline>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The progress of summing up the days of a month.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct LegacyProgress {
    /// Days that have old sessions.
    pub total: u32,
    /// Those of them whose old users have their markers, which is nearly all of the work.
    pub done: u32,
    /// Sums are missing.
    pub is_open: bool,
}
