//! Sessions: a batch of logins and logouts is written.
//!
//! No session of a day is stored before the day's baseline is known. Sessions that were stored before this
//! package are told from its own by `_id` alone, so a new session must lie above the baseline's cutoff.

use bson::oid::ObjectId;

use crate::pipeline::legacy::Baselines;
use crate::pipeline::totals::{Amount, Contribution};
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::record::document::Batch;
use crate::record::item::Close;
use crate::record::item::{SessionChange, SessionItem};
use crate::store::{CloseOutcome, Result, Store};
use crate::util::failpoint::failpoint;
use crate::util::fnv::fnv1a;

/// The result of one login or logout.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionResult {
    /// Stored; `None` when it has no share of the totals (closed by somebody else, or gone).
    Written(Option<Contribution>),
    /// The server refuses the document for its content.
    Dropped(String),
}

/// The result of a batch.
#[derive(Debug, Default)]
pub struct Written {
    /// In the order of the items.
    pub results: Vec<SessionResult>,
    /// Sessions that were stored already.
    pub duplicates: u64,
}

/// Writes logins, then logouts; can be repeated until it succeeds.
pub async fn write<S: Store>(
    store: &S,
    baselines: &Baselines,
    batch: &[SessionItem],
) -> Result<Written> {
    let days: Vec<Day> = batch.iter().map(|item| item.day.clone()).collect();
    let baselines = baselines.of(store, &days).await?;
    let cutoffs: Vec<ObjectId> = baselines.iter().map(|baseline| baseline.cutoff).collect();
    let mut results: Vec<SessionResult> = batch
        .iter()
        .map(|item| SessionResult::Written(Some(share(item))))
        .collect();
    failpoint!("sessions:before");
    let duplicates = insert(store, batch, &cutoffs, &mut results).await?;
    failpoint!("sessions:inserted");
    close(store, batch, &cutoffs, &mut results).await?;
    failpoint!("sessions:closed");
    Ok(Written {
        results,
        duplicates,
    })
}

async fn insert<S: Store>(
    store: &S,
    batch: &[SessionItem],
    cutoffs: &[ObjectId],
    results: &mut [SessionResult],
) -> Result<u64> {
    let (mut documents, mut places) = (Batch::default(), Vec::new());
    for (place, (item, cutoff)) in batch.iter().zip(cutoffs).enumerate() {
        if let SessionChange::Login {
            id,
            login_ms,
            elements,
            ..
        } = &item.change
        {
            documents.add_session(above(*id, *cutoff), elements, &item.day, *login_ms);
            places.push(place);
        }
    }
    if documents.is_empty() {
        return Ok(0);
    }
    let inserted = store.insert_sessions(&documents).await?;
    for refused in inserted.dropped {
        if let Some(place) = places.get(refused.index) {
            results[*place] = SessionResult::Dropped(refused.message);
        }
    }
    Ok(inserted.duplicates)
}

async fn close<S: Store>(
    store: &S,
    batch: &[SessionItem],
    cutoffs: &[ObjectId],
    results: &mut [SessionResult],
) -> Result<()> {
    let (mut closes, mut places) = (Vec::new(), Vec::new());
    for (place, (item, cutoff)) in batch.iter().zip(cutoffs).enumerate() {
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
        results[place] = match closed {
            CloseOutcome::Applied => continue,
            CloseOutcome::NoMatch => SessionResult::Written(None),
            CloseOutcome::Dropped(message) => SessionResult::Dropped(message),
        };
    }
    Ok(())
}

/// The share of the totals of an item that is written.
fn share(item: &SessionItem) -> Contribution {
    let amount = match &item.change {
        SessionChange::Login { is_late: true, .. } => Amount::Counted(Counter::SessionCount, 1.0),
        SessionChange::Login { user, .. } => Amount::Login(user.clone()),
        SessionChange::Logout(close) => Amount::Closed(close.duration_s),
    };
    Contribution {
        seq: item.seq,
        day: item.day.clone(),
        amount,
    }
}

/// The id under which a session is stored: its own, or one just above the cutoff when the host's clock is
/// behind. The same for every retry, restart and process.
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
