//! Keeping: the cohorts of declared funnels are stored per day, and brought up to date as long as their events are
//! there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::kept::{self, Kept};
use super::{Cohorts, Outcome, StepEvent, Steps};
use crate::config::{Excluded, Funnel};
use crate::record::day::{DAY_MS, Day};
use crate::reports::due;
use crate::store::{AHEAD_MS, FunnelStore, NamedEvent, Result};

/// How long a cohort of an open day is fresh, and how many times as long as it took.
const FRESH_MS: i64 = 10_000;
const FRESH_TIMES: i64 = 20;

/// A funnel, and what is to be known to read it.
pub struct Subject<'a> {
    pub funnel: &'a Funnel,
    pub excluded: &'a Excluded,
    pub now_ms: i64,
    pub events_kept_ms: Option<i64>,
    /// How long one pass over its events may take.
    pub limit: Duration,
}

impl Subject<'_> {
    /// What becomes of the cohorts of these days, by their begins.
    pub async fn compute<S: FunnelStore>(
        &self,
        store: &S,
        begins: &[i64],
    ) -> Result<BTreeMap<i64, Kept>> {
        let (Some(first), Some(last)) = (begins.first(), begins.last()) else {
            return Ok(BTreeMap::new());
        };
        let begun = Instant::now();
        let steps = Steps::new(&self.funnel.steps, i64::from(self.funnel.window_s) * 1_000);
        let mut cohorts = Cohorts::new(&steps, begins.iter().map(|begin| *begin..begin + DAY_MS));
        let each = |event: NamedEvent| match event.user {
            None => cohorts.add_without_user(event.at_ms),
            Some(user) => cohorts.add(StepEvent {
                at_ms: event.at_ms,
                user,
                name: event.name,
            }),
        };
        let span = steps.span(&(*first..last + DAY_MS));
        store
            .named_events(&steps.names, span, self.excluded, self.limit, each)
            .await?;
        let outcomes: Vec<Outcome> = cohorts.finish();
        let took_ms = begun.elapsed().as_millis() as i64;
        let kept = |outcome| Kept::of(outcome, self.now_ms, took_ms, self.excluded);
        Ok(begins
            .iter()
            .copied()
            .zip(outcomes.iter().map(kept))
            .collect())
    }

    /// The kept cohorts of the days from one begin to another, those that are due brought up to date.
    pub async fn current<S: FunnelStore>(
        &self,
        store: &S,
        name: &str,
        from: i64,
        to: i64,
    ) -> Result<BTreeMap<i64, Kept>> {
        let mut days = self.kept(store, from, to).await?;
        let due = self.due(&days, from, to);
        days.extend(self.keep(store, name, &due).await?);
        Ok(days)
    }

    /// The same without storing them.
    pub async fn seen<S: FunnelStore>(
        &self,
        store: &S,
        from: i64,
        to: i64,
    ) -> Result<BTreeMap<i64, Kept>> {
        let mut days = self.kept(store, from, to).await?;
        let due = self.due(&days, from, to);
        days.extend(self.compute(store, &due).await?);
        Ok(days)
    }

    pub async fn kept<S: FunnelStore>(
        &self,
        store: &S,
        from: i64,
        to: i64,
    ) -> Result<BTreeMap<i64, Kept>> {
        let key = kept::key(self.funnel);
        let stored = store
            .kept_funnels(&key, &Day::of(from), &Day::of(to))
            .await?;
        let kept = stored.iter().filter_map(|(day, document)| {
            let kept = Kept::read(document, self.funnel.steps.len())?;
            Some((day.start_ms()?, kept))
        });
        Ok(kept.collect())
    }

    /// The begins of the days that are to be computed, now or again.
    pub fn due(&self, kept: &BTreeMap<i64, Kept>, from: i64, to: i64) -> Vec<i64> {
        let today = self.now_ms.div_euclid(DAY_MS) * DAY_MS;
        let begins = (from..=to.min(today)).step_by(DAY_MS as usize);
        begins
            .filter(|begin| self.is_due(*begin, kept.get(begin)))
            .collect()
    }

    /// Computes and stores the cohorts of these days.
    pub async fn keep<S: FunnelStore>(
        &self,
        store: &S,
        name: &str,
        begins: &[i64],
    ) -> Result<BTreeMap<i64, Kept>> {
        let key = kept::key(self.funnel);
        let computed = self.compute(store, begins).await?;
        for (begin, cohort) in &computed {
            let state = kept::state(*begin, self.now_ms, self.funnel, self.events_kept_ms);
            let document = cohort.document(name, self.funnel, state);
            store
                .keep_funnel(&key, &Day::of(*begin), self.now_ms, document)
                .await?;
        }
        Ok(computed)
    }

    /// Whether all events of a day are there.
    pub fn has_events(&self, begin: i64) -> bool {
        due::has_events(begin, self.now_ms, self.events_kept_ms)
    }

    fn is_due(&self, begin: i64, kept: Option<&Kept>) -> bool {
        let as_of = kept.map(|kept| kept.as_of_ms);
        self.has_events(begin)
            && match due::is_young(begin, self.now_ms) {
                false => due::is_due(begin, as_of, self.now_ms, self.events_kept_ms),
                true => kept.is_none_or(|kept| {
                    let fresh_ms = FRESH_MS.max(FRESH_TIMES * kept.took_ms);
                    !(-AHEAD_MS..fresh_ms).contains(&(self.now_ms - kept.as_of_ms))
                }),
            }
    }
}
