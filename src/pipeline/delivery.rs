//! The forwarder and its part of the spool. What is forwarded waits in memory, within the bounds of each
//! destination; with a spool it is on disk, too, and a cursor says how far each destination has come
//! with it. So a death costs no event that was on disk: the next process reads back what was not settled,
//! and sends it under the same ids.
//!
//! A segment is kept while events in it wait, but only as long as that leaves half of the spool to records
//! that wait for the database: a dead receiver does not fill the disk for it. What is written there
//! already, and kept for a receiver alone, has a cursor, too, so that it is not written again.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{AbortHandle, spawn_blocking};
use tokio::time::{Instant, sleep};

use super::messages;
use super::spooling::Spooling;
use crate::forward::{Destinations, PartitionOffsets};
use crate::instance::listener::Level;
use crate::instance::shared::Shared;
use crate::record::item::{Event, Item};
use crate::spool::record_codec::{self, Spooled};
use crate::spool::{
    ClosedSegment, Position, Segments, Slot, cursors_in, read, read_cursor, remove_cursor,
    write_cursor,
};
use crate::util::clock::system_ms;

/// How often cursors are kept at the most: what was acknowledged since is sent again after a death.
const PAUSE: Duration = Duration::from_millis(20);
/// The same while nothing is acknowledged and only numbers go on.
const LONG_PAUSE: Duration = Duration::from_secs(1);
/// What is read back at once, in bytes.
const READ: usize = 1 << 20;
/// Before a disk that cannot be read is tried again, and how often that is.
const RETRY: Duration = Duration::from_secs(1);
const TRIES: u32 = 30;
/// The cursor of the database. No destination has a name like that.
const DATABASE: &str = "@mongodb";

pub struct Delivery {
    shared: Arc<Shared>,
    destinations: Arc<Destinations>,
    kept: Option<Kept>,
}

/// The cursors on disk.
struct Kept {
    /// In the order of the destinations, as they were written last, and that of the database.
    cursors: Vec<PartitionOffsets>,
    database: i64,
    /// Records up to this one a process before us has written to the database.
    written_before: i64,
    is_writing: bool,
    due: Instant,
    long_due: Instant,
    refilling: Option<AbortHandle>,
}

/// Cursors to be written, each with its name.
pub struct Advance(Vec<(String, Cursor)>);

/// Those that were written.
pub struct Advanced {
    written: Vec<Cursor>,
    pub error: Option<io::Error>,
}

enum Cursor {
    Database(i64),
    /// With the place of the destination.
    Destination(usize, PartitionOffsets),
}

impl Cursor {
    fn offsets(&self) -> &[i64] {
        match self {
            Cursor::Database(written) => std::slice::from_ref(written),
            Cursor::Destination(_, offsets) => offsets,
        }
    }
}

impl Advance {
    pub fn write(self, slot: &Slot) -> Advanced {
        let mut advanced = Advanced {
            written: Vec::new(),
            error: None,
        };
        for (name, cursor) in self.0 {
            let written = slot
                .verify()
                .and_then(|()| write_cursor(slot.path(), &name, cursor.offsets()));
            match written {
                Ok(()) => advanced.written.push(cursor),
                Err(error) => advanced.error = Some(error),
            }
        }
        advanced
    }
}

impl Delivery {
    /// Must be called on the runtime.
    pub fn start(
        shared: &Arc<Shared>,
        destinations: &Arc<Destinations>,
        spool: Option<&Segments>,
    ) -> Self {
        if let Some(segments) = spool {
            forget_others(shared, destinations, segments.slot().path());
        }
        // Before anything can be sent.
        let kept = spool.filter(|_| !destinations.is_empty());
        let kept = kept.map(|segments| Kept::begin(shared, destinations, segments));
        destinations.start();
        Self {
            destinations: Arc::clone(destinations),
            shared: Arc::clone(shared),
            kept,
        }
    }

    pub fn destinations(&self) -> &Arc<Destinations> {
        &self.destinations
    }

    pub fn forward(&self, event: &Event<'_>) {
        self.destinations.forward(event);
    }

    pub fn hurry(&mut self, is_hurried: bool) {
        self.destinations.expedite(is_hurried);
    }

    /// Lets go of what waits in memory.
    pub fn abandon(&mut self) {
        self.kept = None;
        let receivers = self.destinations.iter();
        receivers.for_each(|receiver| receiver.discard());
    }

    /// Whether a process before us has written this record to the database.
    pub fn was_written(&self, seq: i64) -> bool {
        self.kept
            .as_ref()
            .is_some_and(|kept| seq <= kept.written_before)
    }

    /// The number up to which every destination is done with all events, when `last` is that of the newest;
    /// `None` while what was left is read back.
    pub fn settled_up_to(&self, last: i64) -> Option<i64> {
        let receivers = self.destinations.iter();
        let cursors = receivers.map(|receiver| receiver.offsets(last));
        let lowest = |cursor: Option<PartitionOffsets>| cursor?.into_iter().min();
        cursors
            .map(lowest)
            .try_fold(i64::MAX, |low, one| Some(low.min(one?)))
    }

    /// Once half of the disk is taken: lets go of a segment that is kept for a destination and in which
    /// none of its events waits any more, or of the oldest when those in which some do take as much.
    pub fn make_room(&self, spool: &mut Spooling, settled: i64, now: Instant) {
        let closed = Arc::clone(&spool.status().closed);
        let written = closed.iter().filter(|one| one.last <= settled);
        let (waiting, empty): (Vec<&ClosedSegment>, Vec<&ClosedSegment>) =
            written.partition(|one| self.waits_in(**one));
        if let Some(empty) = empty.first() {
            spool.release_one(**empty, now);
        }
        let bytes: u64 = waiting.iter().map(|one| one.bytes).sum();
        if bytes > self.shared.config.max_spool_bytes / 2
            && let Some(oldest) = waiting.first()
        {
            // Its events wait in memory only.
            spool.let_go(oldest.last);
        }
    }

    fn waits_in(&self, segment: ClosedSegment) -> bool {
        let mut receivers = self.destinations.iter();
        receivers.any(|receiver| receiver.has_queued_between(segment.after, segment.last))
    }

    /// What is to be written now of the cursors, when `last` is the number of the newest record, and records
    /// up to `written` are in the database. With `at_once` it is the last occasion.
    pub fn advance(
        &mut self,
        last: i64,
        written: i64,
        now: Instant,
        at_once: bool,
    ) -> Option<Advance> {
        let kept = self.kept.as_mut()?;
        let is_news = || {
            self.destinations
                .iter()
                .any(|receiver| !receiver.is_persisted())
        };
        let is_due = kept.long_due <= now || kept.due <= now && (at_once || is_news());
        if kept.is_writing || !is_due {
            return None;
        }
        let mut changed = Vec::new();
        for (place, receiver) in self.destinations.iter().enumerate() {
            let cursor = receiver.offsets(last);
            if let Some(cursor) = cursor.filter(|cursor| kept.cursors.get(place) != Some(cursor)) {
                let name = receiver.name().to_owned();
                changed.push((name, Cursor::Destination(place, cursor)));
            }
        }
        // Less while what was left is read back.
        let database = written.max(kept.written_before);
        if database != kept.database {
            changed.push((DATABASE.to_owned(), Cursor::Database(database)));
        }
        if changed.is_empty() {
            return None;
        }
        kept.is_writing = true;
        (kept.due, kept.long_due) = (now + PAUSE, now + LONG_PAUSE);
        Some(Advance(changed))
    }

    pub fn advanced(&mut self, advanced: &Advanced) {
        let Some(kept) = &mut self.kept else {
            return;
        };
        kept.is_writing = false;
        if advanced.error.is_some() {
            kept.due = Instant::now() + LONG_PAUSE;
            kept.long_due = kept.due;
        }
        for cursor in &advanced.written {
            match *cursor {
                Cursor::Database(written) => kept.database = written,
                Cursor::Destination(place, offsets) => {
                    kept.cursors[place] = offsets;
                    if let Some(receiver) = self.destinations.iter().nth(place) {
                        receiver.set_persisted(offsets);
                    }
                }
            }
        }
    }

    pub fn wake_at(&self, now: Instant) -> Option<Instant> {
        let kept = self.kept.as_ref()?;
        let dues = [kept.due, kept.long_due].into_iter();
        dues.filter(|due| *due > now).min()
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.destinations.close();
    }
}

impl Kept {
    fn begin(shared: &Arc<Shared>, destinations: &Arc<Destinations>, segments: &Segments) -> Self {
        let slot = segments.slot();
        let receivers = destinations.iter();
        let cursors: Vec<PartitionOffsets> = receivers
            .map(|one| cursor_of(shared, slot.path(), one.name()))
            .collect();
        let [database] = cursor_of(shared, slot.path(), DATABASE);
        let mut kept = Self {
            cursors,
            database,
            written_before: database,
            is_writing: false,
            due: Instant::now(),
            long_due: Instant::now(),
            refilling: None,
        };
        for (receiver, cursor) in destinations.iter().zip(&kept.cursors) {
            receiver.set_persisted(*cursor);
        }
        let lowest = kept.cursors.iter().flatten().min().copied();
        let left = slot.found().iter().find(|one| Some(one.last) > lowest);
        if let Some(left) = left {
            for (receiver, cursor) in destinations.iter().zip(&kept.cursors) {
                receiver.begin_replay(*cursor);
            }
            let from = Position {
                segment: left.number,
                offset: 0,
            };
            let path = slot.path().to_owned();
            let refilling = refill_all(
                Arc::clone(shared),
                Arc::clone(destinations),
                path,
                from,
                segments.end(),
            );
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

fn cursor_of<const N: usize>(shared: &Shared, slot: &Path, name: &str) -> [i64; N] {
    read_cursor(slot, name).unwrap_or_else(|error| {
        shared.log(Level::Warn, messages::cursor_not_read(name, &error));
        [0; N]
    })
}

/// What waits for a destination that is not among the settings any more is not forwarded.
fn forget_others(shared: &Shared, destinations: &Destinations, slot: &Path) {
    let is_known = |name: &String| {
        let mut receivers = destinations.iter();
        name == DATABASE || receivers.any(|receiver| receiver.name() == name)
    };
    for name in cursors_in(slot).unwrap_or_default() {
        if !is_known(&name) && remove_cursor(slot, &name).is_ok() {
            shared.log(Level::Warn, messages::destination_forgotten(&name));
        }
    }
}

/// Reads what was left once, from one end to the other, and offers it to the destinations.
async fn refill_all(
    shared: Arc<Shared>,
    destinations: Arc<Destinations>,
    slot: PathBuf,
    from: Position,
    until: Position,
) {
    let (mut next, mut last, mut failures) = (Some(from), None, 0);
    while let Some(from) = next {
        let path = slot.clone();
        let piece = spawn_blocking(move || read(&path, from, until, last, READ)).await;
        let piece = match piece {
            Ok(Ok(piece)) => piece,
            _ if failures < TRIES => {
                failures += 1;
                sleep(RETRY).await;
                continue;
            }
            _ => {
                shared.log(Level::Warn, messages::NOT_READ_BACK.to_owned());
                break;
            }
        };
        for (seq, body) in piece.frames() {
            // A disk may show one record twice.
            if Some(seq) > last {
                refill_one(&destinations, seq, body);
                last = Some(seq);
            }
        }
        next = piece.next;
    }
    destinations.end_replay();
    shared.wake_worker();
}

fn refill_one(destinations: &Destinations, seq: i64, body: &[u8]) {
    let Some(Spooled {
        item: Item::Event(event),
        handed_over_ms,
    }) = record_codec::read(seq, body)
    else {
        return;
    };
    let age = Duration::from_millis((system_ms() - handed_over_ms).try_into().unwrap_or(0));
    let now = Instant::now();
    // Some systems know no moment before their start.
    destinations.replay(&event, now.checked_sub(age).unwrap_or(now));
}
