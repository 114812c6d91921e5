//! Sessions: logins and logouts are written.
//!
//! No session of a day is stored before the day's baseline is known. Sessions that were stored before this
//! package are told from its own by `_id` alone, so a new session must lie above the baseline's cutoff.

use bson::oid::ObjectId;

use super::batches::Written;
use crate::config::Collection;
use crate::pipeline::closing::Closing;
use crate::pipeline::legacy::Baselines;
use crate::record::day::Day;
use crate::record::document::Batch;
use crate::record::item::{Close, SessionChange, SessionItem};
use crate::store::{CloseOutcome, Fault, Result, Store, StoreError};
use crate::util::failpoint::failpoint;

/// Stores the sessions of logins; can be repeated until it succeeds.
pub async fn write_logins<S: Store>(
    store: &S,
    baselines: &Baselines,
    logins: &[SessionItem],
) -> Result<Written> {
    let cutoffs = cutoffs(store, baselines, logins).await?;
    let mut documents = Batch::default();
    for (item, cutoff) in logins.iter().zip(cutoffs) {
        if let SessionChange::Login {
            id,
            login_ms,
            elements,
            ..
        } = &item.change
        {
            documents.add_session(above(*id, cutoff), elements, &item.day, *login_ms);
        }
    }
    failpoint!("sessions:before");
    let inserted = store.insert_sessions(&documents).await?;
    failpoint!("sessions:inserted");
    let dropped = inserted.dropped.into_iter();
    Ok(Written {
        dropped: dropped.map(|one| (one.index, one.message)).collect(),
        duplicates: inserted.duplicates.len() as u64,
        ..Written::default()
    })
}

/// Closes the sessions of logouts, which are stored; can be repeated until it succeeds. Where the end of a
/// session was estimated before, the logout replaces the estimate. Where it cannot be read what was estimated, it is
/// not known what the totals hold of the session, and nothing is added.
pub async fn write_logouts<S: Store>(
    store: &S,
    baselines: &Baselines,
    closing: &Closing,
    logouts: &[SessionItem],
) -> Result<Written> {
    let cutoffs = cutoffs(store, baselines, logouts).await?;
    let mut closes = Vec::new();
    for (item, cutoff) in logouts.iter().zip(cutoffs) {
        if let SessionChange::Logout(close) = &item.change {
            closes.push(Close {
                session: above(close.session, cutoff),
                ..close.clone()
            });
        }
    }
    let mut closed = store.close_sessions(&closes).await?;
    let mut written = Written::default();
    if !closed.claims.is_empty() || !closed.unreadable.is_empty() {
        let (claims, unreadable) = (closed.claims, closed.unreadable);
        let estimates = closing.estimates(store, claims, unreadable).await?;
        for (place, close) in closes.iter_mut().enumerate() {
            if estimates.lacks(close.session) {
                written.uncertain.push(place);
            } else if let Some(estimate) = estimates.of(close.session) {
                close.estimate_ms = Some(estimate.logout_ms);
                written.replaced.push((place, estimate.seconds));
            }
        }
        closed = store.close_sessions(&closes).await?;
    }
    failpoint!("sessions:closed");
    for (place, outcome) in closed.outcomes.into_iter().enumerate() {
        match outcome {
            CloseOutcome::Applied | CloseOutcome::NoMatch if written.uncertain.contains(&place) => {
                written.unmatched.push(place);
            }
            CloseOutcome::Applied => {}
            CloseOutcome::NoMatch => written.unmatched.push(place),
            CloseOutcome::Dropped(message) => written.dropped.push((place, message)),
        }
    }
    Ok(written)
}

/// The cutoff of each item's day.
async fn cutoffs<S: Store>(
    store: &S,
    baselines: &Baselines,
    batch: &[SessionItem],
) -> Result<Vec<ObjectId>> {
    let days: Vec<Day> = batch.iter().map(|item| item.day.clone()).collect();
    let baselines = baselines.of(store, &days).await;
    let baselines = baselines.map_err(|error| match error.fault {
        Fault::Moment | Fault::Connection => error,
        // It says nothing of the sessions.
        Fault::Collection | Fault::Content | Fault::Unknown => StoreError {
            fault: Fault::Collection,
            ..error.on(Collection::Uniques)
        },
    })?;
    Ok(baselines.iter().map(|baseline| baseline.cutoff).collect())
}

/// The id under which a session is stored: its own, or one above the cutoff when the host's clock is behind.
/// The same for every retry, restart and process; its incarnation and its place stay, and sessions of
/// different seconds get different ones.
fn above(id: ObjectId, cutoff: ObjectId) -> ObjectId {
    if id > cutoff {
        return id;
    }
    let mut bytes = id.bytes();
    let [cutoff, second] =
        [cutoff.bytes(), bytes].map(|[t1, t2, t3, t4, ..]| u32::from_be_bytes([t1, t2, t3, t4]));
    let behind = cutoff - second;
    let second = cutoff.saturating_add(1).saturating_add(behind);
    bytes[..4].copy_from_slice(&second.to_be_bytes());
    ObjectId::from_bytes(bytes)
}

/// The ids under which sessions of these days are stored.
pub async fn stored_ids<S: Store>(
    store: &S,
    baselines: &Baselines,
    sessions: &[(ObjectId, Day)],
) -> Result<Vec<ObjectId>> {
    let days: Vec<Day> = sessions.iter().map(|(_, day)| day.clone()).collect();
    let baselines = baselines.of(store, &days).await?;
    let ids = sessions.iter().map(|(id, _)| *id);
    let stored = ids.zip(baselines).map(|(id, day)| above(id, day.cutoff));
    Ok(stored.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_of_a_slow_clock_gets_the_same_id_above_the_cut_each_time() {
        let cutoff = ObjectId::from_bytes([0x60, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9]);
        let slow = |second| ObjectId::from_bytes([0x60, 0, 0, second, 1, 2, 3, 4, 5, 6, 7, 8]);
        let moved = above(slow(7), cutoff);
        assert!(moved > cutoff);
        assert_eq!(moved, above(slow(7), cutoff));
        assert_eq!(moved.bytes(), [0x60, 0, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(above(slow(9), cutoff).bytes()[3], 10);
        assert_ne!(moved, above(slow(8), cutoff));
        assert_eq!(above(slow(10), cutoff), slow(10));
    }
}
