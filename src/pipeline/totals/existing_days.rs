//! Existing days: whose daily document is there, so that it is made sure of once and not by each account.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::record::day::Day;
use crate::store::{Result, Store};

/// Copies share what they know.
#[derive(Clone, Default)]
pub struct ExistingDays(Arc<Mutex<BTreeSet<Day>>>);

impl ExistingDays {
    /// Makes sure that the document of a day is there.
    pub async fn ensure<S: Store>(&self, store: &S, day: &Day) -> Result<()> {
        if !self.lock().contains(day) {
            store.ensure_day(day).await?;
            self.lock().insert(day.clone());
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Day>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
