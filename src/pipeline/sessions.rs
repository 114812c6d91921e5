//! Writes a group of logins and logouts.
//!
//! No session of a day is stored before the day's baseline is known: what a day held before this package
//! wrote to it is told apart by `_id` alone, so a new session must lie above the baseline's cutoff.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use bson::oid::ObjectId;

use super::totals::{Contribution, What};
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::record::document::Batch;
use crate::record::item::{Close, SessionChange, SessionItem};
use crate::store::{Baseline, CloseOutcome, Result, Store};
use crate::util::failpoint::failpoint;
use crate::util::fnv::fnv1a;

/// The baselines of the days seen so far. They do not change once they are summed up.
#[derive(Debug, Default)]
pub struct Baselines {
    known: Mutex<HashMap<Day, Baseline>>,
}

impl Baselines {
    pub fn get(&self, day: &Day) -> Option<Baseline> {
        self.lock().get(day).copied()
    }

    /// What was read before it was summed up may arrive after it was.
    fn remember(&self, day: &Day, baseline: Baseline) {
        let mut known = self.lock();
        if known.get(day).is_none_or(|known| known.sums.is_none()) {
            known.insert(day.clone(), baseline);
        }
    }

    /// Makes sure that the baselines of these days are known, and returns them in order.
    pub async fn of<S: Store>(&self, store: &S, days: &[Day]) -> Result<Vec<Baseline>> {
        let unknown: HashSet<&Day> = days.iter().filter(|day| self.get(day).is_none()).collect();
        self.read(store, unknown.into_iter().cloned().collect())
            .await?;
        Ok(days.iter().filter_map(|day| self.get(day)).collect())
    }

    /// Of these days those that are not summed up, as the database knows them now.
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

    pub fn mark(&self, day: &Day) {
        if let Some(baseline) = self.lock().get_mut(day) {
            baseline.marked = true;
        }
    }

    /// How far these days are; `None` while one of them is unknown.
    pub fn standing(&self, days: &[Day]) -> Option<Standing> {
        let known = self.lock();
        let mut standing = Standing::default();
        for day in days {
            let baseline = known.get(day)?;
            if baseline.has_legacy_sessions() {
                standing.total += 1;
                standing.done += u32::from(baseline.marked);
                standing.is_open |= baseline.sums.is_none();
            }
        }
        Some(standing)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Day, Baseline>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far the days of a month are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Days that have old sessions.
    pub total: u32,
    /// Those of them whose old users have their markers, which is nearly all of the work.
    pub done: u32,
    /// Sums are missing.
    pub is_open: bool,
}

/// What became of one login or logout.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Stored; `None` when it has no share of the totals (closed by somebody else, or gone).
    Written(Option<Contribution>),
    /// The server refuses the document for its content.
    Dropped(String),
}

/// What became of a group.
#[derive(Debug, Default)]
pub struct Written {
    /// Of each item.
    pub outcomes: Vec<Outcome>,
    /// Sessions that were there already.
    pub duplicates: u64,
}

/// Writes logins, then logouts; can be repeated until it succeeds.
pub async fn write<S: Store>(
    store: &S,
    baselines: &Baselines,
    group: &[SessionItem],
) -> Result<Written> {
    let days: Vec<Day> = group.iter().map(|item| item.day.clone()).collect();
    let baselines = baselines.of(store, &days).await?;
    let cutoffs: Vec<ObjectId> = baselines.iter().map(|baseline| baseline.cutoff).collect();
    let mut outcomes: Vec<Outcome> = group
        .iter()
        .map(|item| Outcome::Written(Some(share(item))))
        .collect();
    failpoint!("sessions:before");
    let duplicates = insert(store, group, &cutoffs, &mut outcomes).await?;
    failpoint!("sessions:inserted");
    close(store, group, &cutoffs, &mut outcomes).await?;
    failpoint!("sessions:closed");
    Ok(Written {
        outcomes,
        duplicates,
    })
}

async fn insert<S: Store>(
    store: &S,
    group: &[SessionItem],
    cutoffs: &[ObjectId],
    outcomes: &mut [Outcome],
) -> Result<u64> {
    let (mut batch, mut places) = (Batch::default(), Vec::new());
    for (place, (item, cutoff)) in group.iter().zip(cutoffs).enumerate() {
        if let SessionChange::Login {
            id,
            login_ms,
            elements,
            ..
        } = &item.change
        {
            batch.add_session(above(*id, *cutoff), elements, &item.day, *login_ms);
            places.push(place);
        }
    }
    if batch.is_empty() {
        return Ok(0);
    }
    let inserted = store.insert_sessions(&batch).await?;
    for refused in inserted.dropped {
        if let Some(place) = places.get(refused.index) {
            outcomes[*place] = Outcome::Dropped(refused.message);
        }
    }
    Ok(inserted.duplicates)
}

async fn close<S: Store>(
    store: &S,
    group: &[SessionItem],
    cutoffs: &[ObjectId],
    outcomes: &mut [Outcome],
) -> Result<()> {
    let (mut closes, mut places) = (Vec::new(), Vec::new());
    for (place, (item, cutoff)) in group.iter().zip(cutoffs).enumerate() {
        if let SessionChange::Logout(close) = &item.change {
            closes.push(Close {
                session: above(close.session, *cutoff),
                ..close.clone()
            });
            places.push(place);
        }
    }
    if closes.is_empty() {
        return Ok(());
    }
    let closed = store.close_sessions(&closes).await?;
    for (place, closed) in places.into_iter().zip(closed) {
        outcomes[place] = match closed {
            CloseOutcome::Applied => continue,
            CloseOutcome::NoMatch => Outcome::Written(None),
            CloseOutcome::Dropped(message) => Outcome::Dropped(message),
        };
    }
    Ok(())
}

/// What an item adds to the totals once it is written.
fn share(item: &SessionItem) -> Contribution {
    let what = match &item.change {
        SessionChange::Login { is_late: true, .. } => What::Amount(Counter::SessionCount, 1.0),
        SessionChange::Login { user, .. } => What::Login(user.clone()),
        SessionChange::Logout(close) => What::Closed(close.duration_s),
    };
    Contribution {
        seq: item.seq,
        day: item.day.clone(),
        what,
    }
}

/// The id under which a session of ours is stored: its own, or one just above the cutoff when the
/// host's clock is behind. The same for every retry, restart and process.
fn above(id: ObjectId, cutoff: ObjectId) -> ObjectId {
    if id > cutoff {
        return id;
    }
    let cutoff = cutoff.bytes();
    let second = u32::from_be_bytes([cutoff[0], cutoff[1], cutoff[2], cutoff[3]]).saturating_add(1);
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&second.to_be_bytes());
    bytes[4..].copy_from_slice(&fnv1a(&id.bytes()).to_be_bytes());
    ObjectId::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_of_a_slow_clock_gets_the_same_id_above_the_cut_each_time() {
        let cutoff = ObjectId::from_bytes([0x60, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9]);
        let old = ObjectId::from_bytes([0x5f; 12]);
        let moved = above(old, cutoff);
        assert!(moved > cutoff);
        assert_eq!(moved, above(old, cutoff));
        assert_eq!(moved.bytes()[..4], [0x60, 0, 0, 1]);
        assert_ne!(moved, above(ObjectId::from_bytes([0x5e; 12]), cutoff));
        let new = ObjectId::from_bytes([0x61; 12]);
        assert_eq!(above(new, cutoff), new);
    }
}
