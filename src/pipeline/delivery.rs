//! The forwarder and its part of the spool. What is forwarded waits in memory, within the bounds of each
//! destination; with a spool it is on disk, too, and a cursor says how far each destination has come
//! with it. So a death costs no event that was on disk: the next process reads back what was not settled,
//! and sends it under the same ids.
//!
//! A segment is kept until all destinations are done with it, but only while it leaves half of the spool
//! to records that wait for the database: a dead receiver does not fill the disk for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{AbortHandle, spawn_blocking};
use tokio::time::{Instant, sleep};

use super::intake::{Event, Item};
use super::spooled::{self, Spooled};
use super::spooling::system_ms;
use crate::forward::{Forwarding, Source, refill};
use crate::shared::Shared;
use crate::spool::{Cursor, Position, Segments, read, read_cursor, write_cursor};

/// How often cursors are kept at the most: what was settled since is sent again after a death.
const PAUSE: Duration = Duration::from_millis(20);
/// What is read back at once, in bytes.
const READ: usize = 1 << 20;
/// Before a disk that cannot be read is tried again.
const RETRY: Duration = Duration::from_secs(1);

pub struct Delivery {
    shared: Arc<Shared>,
    forwarding: Forwarding,
    kept: Option<Kept>,
}

/// The cursors on disk.
struct Kept {
    slot: PathBuf,
    /// In the order of the destinations, as they were written last.
    cursors: Vec<Cursor>,
    is_writing: bool,
    due: Instant,
    refilling: Option<AbortHandle>,
}

/// Cursors to be written.
pub struct Advance {
    slot: PathBuf,
    changed: Vec<(String, Cursor)>,
}

impl Advance {
    pub fn write(self) -> std::io::Result<()> {
        let mut changed = self.changed.into_iter();
        changed.try_for_each(|(name, cursor)| write_cursor(&self.slot, &name, cursor))
    }
}

impl Delivery {
    /// Must be called on the runtime.
    pub fn start(shared: &Arc<Shared>, spool: Option<&Segments>) -> Self {
        // Before anything can be sent.
        let kept = spool.filter(|_| !shared.receivers.is_empty());
        let kept = kept.map(|segments| Kept::begin(shared, segments));
        Self {
            forwarding: Forwarding::start(shared),
            shared: Arc::clone(shared),
            kept,
        }
    }

    pub fn forward(&self, event: &Event<'_>) {
        if let Some(source) = source_of(event) {
            self.forwarding.forward(&source);
        }
    }

    pub fn hurry(&mut self, is_hurried: bool) {
        self.forwarding.hurry(is_hurried);
    }

    /// Lets go of what waits in memory.
    pub fn abandon(&self) {
        let receivers = self.shared.receivers.iter();
        receivers.for_each(|receiver| receiver.abandon());
    }

    /// The number up to which every destination is done with all events, when `last` is that of the newest;
    /// `None` while what was left is read back.
    pub fn settled_up_to(&self, last: i64) -> Option<i64> {
        let receivers = self.shared.receivers.iter();
        let cursors = receivers.map(|receiver| receiver.cursor(last));
        let lowest = |cursor: Option<Cursor>| cursor?.into_iter().min();
        cursors
            .map(lowest)
            .try_fold(i64::MAX, |low, one| Some(low.min(one?)))
    }

    /// What is to be written now of the cursors, when `last` is the number of the newest record.
    pub fn advance(&mut self, last: i64, now: Instant) -> Option<Advance> {
        let kept = self.kept.as_mut()?;
        if kept.is_writing || kept.due > now {
            return None;
        }
        let mut changed = Vec::new();
        for (receiver, written) in self.shared.receivers.iter().zip(&mut kept.cursors) {
            let cursor = receiver.cursor(last)?;
            if cursor != *written {
                *written = cursor;
                changed.push((receiver.settings.name.clone(), cursor));
            }
        }
        if changed.is_empty() {
            return None;
        }
        kept.is_writing = true;
        kept.due = now + PAUSE;
        Some(Advance {
            slot: kept.slot.clone(),
            changed,
        })
    }

    /// The last advance is written, or was given up: the next one says the same and more.
    pub fn advanced(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.is_writing = false;
        }
    }

    pub fn wake_at(&self, now: Instant) -> Option<Instant> {
        let due = self.kept.as_ref().map(|kept| kept.due);
        due.filter(|due| *due > now)
    }
}

impl Kept {
    fn begin(shared: &Arc<Shared>, segments: &Segments) -> Self {
        let slot = segments.slot();
        let read = |name: &str| read_cursor(slot.path(), name);
        let receivers = shared.receivers.iter();
        let cursors: Vec<Cursor> = receivers.map(|one| read(&one.settings.name)).collect();
        let mut kept = Self {
            slot: slot.path().to_owned(),
            cursors,
            is_writing: false,
            due: Instant::now(),
            refilling: None,
        };
        let lowest = kept.cursors.iter().flatten().min().copied();
        let left = slot.found().iter().find(|one| Some(one.last) > lowest);
        if let Some(left) = left {
            for (receiver, cursor) in shared.receivers.iter().zip(&kept.cursors) {
                receiver.begin_refill(*cursor);
            }
            let from = Position {
                segment: left.number,
                offset: 0,
            };
            let refilling = refill_all(Arc::clone(shared), kept.slot.clone(), from, segments.end());
            kept.refilling = Some(tokio::spawn(refilling).abort_handle());
        }
        kept
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(refilling) = &self.refilling {
            refilling.abort();
        }
    }
}

/// Reads what was left once, from one end to the other, and offers it to the destinations.
async fn refill_all(shared: Arc<Shared>, slot: PathBuf, from: Position, until: Position) {
    let (mut next, mut last) = (Some(from), None);
    while let Some(from) = next {
        let path = slot.clone();
        let piece = spawn_blocking(move || read(&path, from, until, last, READ)).await;
        let Ok(Ok(piece)) = piece else {
            // The lanes of the database read the same, and tell of it.
            sleep(RETRY).await;
            continue;
        };
        for (seq, body) in piece.frames() {
            // A disk may show one record twice.
            if Some(seq) > last {
                refill_one(&shared, seq, body);
                last = Some(seq);
            }
        }
        next = piece.next;
    }
    let receivers = shared.receivers.iter();
    receivers.for_each(|receiver| receiver.end_refill());
    shared.wake_worker();
}

fn refill_one(shared: &Shared, seq: i64, body: &[u8]) {
    let Some(Spooled {
        item: Item::Event(event),
        handed_over_ms,
    }) = spooled::read(seq, body)
    else {
        return;
    };
    if let Some(source) = source_of(&event) {
        let age = Duration::from_millis((system_ms() - handed_over_ms).try_into().unwrap_or(0));
        let now = Instant::now();
        // Some systems know no moment before their start.
        refill(shared, &source, now.checked_sub(age).unwrap_or(now));
    }
}

fn source_of<'a>(event: &Event<'a>) -> Option<Source<'a>> {
    let webhook = event.webhook?;
    Some(Source {
        seq: event.seq,
        document: webhook.id,
        time_ms: event.time_ms,
        elements: event.elements,
        body: webhook.body,
    })
}
