//! Forwarding: events go to the destinations from memory, within the bounds of each. With a spool they are on
//! disk, too, and an offset per destination says up to where it is done. So a crash loses no event that was
//! on disk: the next process replays the events after the offsets, under the same ids.
//!
//! A segment is retained while events in it wait, but only as long as that leaves half of the spool to
//! records that wait for the database: a dead destination does not fill the disk. The database has an offset,
//! too, so that records that are retained for a destination alone are not written again.

mod replay;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::messages;
use crate::forward::{Destinations, PartitionOffsets};
use crate::instance::shared::Shared;
use crate::record::item::Event;
use crate::spool::{
    ClosedSegment, Position, Segments, Slot, cursors_in, read_cursor, remove_cursor, write_cursor,
};
use crate::util::panics::catch_io;
use replay::Replay;

/// How often offsets are written at the most: events that were acknowledged since are sent again after a
/// crash.
const PAUSE: Duration = Duration::from_millis(20);
/// The same while no event is acknowledged, and only record numbers go on.
const LONG_PAUSE: Duration = Duration::from_secs(1);
/// The name of the database's offset. No destination can have a name like that.
const DATABASE: &str = "@mongodb";

pub struct Forwarding {
    shared: Arc<Shared>,
    destinations: Arc<Destinations>,
    offsets: Option<Offsets>,
}

/// The offsets on disk.
struct Offsets {
    /// As they were written last, in the order of the destinations, and that of the database.
    destinations: Vec<PartitionOffsets>,
    database: i64,
    /// A process before this one has written records up to this one to the database.
    written_before: i64,
    is_writing: bool,
    due: Instant,
    long_due: Instant,
    replay: Option<AbortHandle>,
}

/// Offsets to be written, each with its name.
pub struct OffsetWrite(Vec<(String, Offset)>);

/// Offsets that were written.
pub struct OffsetsWritten {
    written: Vec<Offset>,
    pub error: Option<io::Error>,
}

enum Offset {
    Database(i64),
    /// With the index of the destination.
    Destination(usize, PartitionOffsets),
}

impl Offset {
    fn values(&self) -> &[i64] {
        match self {
            Offset::Database(committed) => std::slice::from_ref(committed),
            Offset::Destination(_, offsets) => offsets,
        }
    }
}

/// A way to free disk space that is taken for destinations.
pub enum Space {
    /// No event in this segment waits any more.
    Release(ClosedSegment),
    /// Events up to this record wait in memory only from now on.
    Unretain(i64),
}

impl OffsetWrite {
    pub fn write(self, slot: &Slot) -> OffsetsWritten {
        let mut result = OffsetsWritten {
            written: Vec::new(),
            error: None,
        };
        for (name, offset) in self.0 {
            let written = catch_io(|| {
                slot.verify()?;
                write_cursor(slot.path(), &name, offset.values())
            });
            match written {
                Ok(()) => result.written.push(offset),
                Err(error) => result.error = Some(error),
            }
        }
        result
    }
}

impl Forwarding {
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
        let offsets = spool.filter(|_| !destinations.is_empty());
        let offsets = offsets.map(|segments| Offsets::begin(shared, destinations, segments));
        destinations.start(shared.config.authorities.as_ref());
        Self {
            destinations: Arc::clone(destinations),
            shared: Arc::clone(shared),
            offsets,
        }
    }

    pub fn destinations(&self) -> &Arc<Destinations> {
        &self.destinations
    }

    pub fn forward(&self, event: &Event<'_>) {
        self.destinations.forward(event);
    }

    pub fn expedite(&self, is_urgent: bool) {
        self.destinations.expedite(is_urgent);
    }

    /// Discards the events in memory.
    pub fn discard(&mut self) {
        self.offsets = None;
        let destinations = self.destinations.iter();
        destinations.for_each(|destination| destination.discard());
    }

    /// Whether a process before this one has written this record to the database.
    pub fn was_written(&self, seq: i64) -> bool {
        self.offsets
            .as_ref()
            .is_some_and(|offsets| seq <= offsets.written_before)
    }

    /// The record up to which every destination is done with all events, when `last` is the newest; `None`
    /// while recovered events are replayed.
    pub fn forwarded_up_to(&self, last: i64) -> Option<i64> {
        let destinations = self.destinations.iter();
        let offsets = destinations.map(|destination| destination.offsets(last));
        let lowest = |offsets: Option<PartitionOffsets>| offsets?.into_iter().min();
        offsets
            .map(lowest)
            .try_fold(i64::MAX, |low, one| Some(low.min(one?)))
    }

    /// Once segments wait for destinations alone: a segment in which no event waits any more, or all up to
    /// the oldest when segments with waiting events take half of the disk. `closed` are the closed segments.
    pub fn free_space(&self, closed: &[ClosedSegment], committed: i64) -> Vec<Space> {
        let written = closed.iter().filter(|one| one.last <= committed);
        let (waiting, empty): (Vec<&ClosedSegment>, Vec<&ClosedSegment>) =
            written.partition(|one| self.waits_in(**one));
        let mut space = Vec::new();
        space.extend(empty.first().map(|segment| Space::Release(**segment)));
        let bytes: u64 = waiting.iter().map(|one| one.bytes).sum();
        if bytes > self.shared.config.max_spool_bytes / 2 {
            space.extend(waiting.first().map(|oldest| Space::Unretain(oldest.last)));
        }
        space
    }

    fn waits_in(&self, segment: ClosedSegment) -> bool {
        let mut destinations = self.destinations.iter();
        destinations.any(|destination| destination.has_queued_between(segment.after, segment.last))
    }

    /// The offsets to write now. `last` is the newest record, and records up to `written` are in the database.
    /// With `at_once` it is the last occasion.
    pub fn changed_offsets(
        &mut self,
        last: i64,
        written: i64,
        now: Instant,
        at_once: bool,
    ) -> Option<OffsetWrite> {
        let offsets = self.offsets.as_mut()?;
        let is_news = || {
            self.destinations
                .iter()
                .any(|destination| !destination.is_persisted())
        };
        let is_due = offsets.long_due <= now || offsets.due <= now && (at_once || is_news());
        if offsets.is_writing || !is_due {
            return None;
        }
        let mut changed = Vec::new();
        for (index, destination) in self.destinations.iter().enumerate() {
            let now = destination.offsets(last);
            if let Some(now) = now.filter(|now| offsets.destinations.get(index) != Some(now)) {
                let name = destination.name().to_owned();
                changed.push((name, Offset::Destination(index, now)));
            }
        }
        // Less while recovered records are read back.
        let database = written.max(offsets.written_before);
        if database != offsets.database {
            changed.push((DATABASE.to_owned(), Offset::Database(database)));
        }
        if changed.is_empty() {
            return None;
        }
        offsets.is_writing = true;
        (offsets.due, offsets.long_due) = (now + PAUSE, now + LONG_PAUSE);
        Some(OffsetWrite(changed))
    }

    pub fn offsets_written(&mut self, result: &OffsetsWritten) {
        let Some(offsets) = &mut self.offsets else {
            return;
        };
        offsets.is_writing = false;
        if result.error.is_some() {
            offsets.due = Instant::now() + LONG_PAUSE;
            offsets.long_due = offsets.due;
        }
        for offset in &result.written {
            match *offset {
                Offset::Database(committed) => offsets.database = committed,
                Offset::Destination(index, of_partitions) => {
                    offsets.destinations[index] = of_partitions;
                    if let Some(destination) = self.destinations.iter().nth(index) {
                        destination.set_persisted(of_partitions);
                    }
                }
            }
        }
    }

    pub fn wake_at(&self, now: Instant) -> Option<Instant> {
        let offsets = self.offsets.as_ref()?;
        let dues = [offsets.due, offsets.long_due].into_iter();
        dues.filter(|due| *due > now).min()
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        self.destinations.close();
    }
}

impl Offsets {
    fn begin(shared: &Arc<Shared>, destinations: &Arc<Destinations>, segments: &Segments) -> Self {
        let slot = segments.slot();
        let of_destinations = destinations
            .iter()
            .map(|destination| offsets_of(shared, slot.path(), destination.name()));
        let [database] = offsets_of(shared, slot.path(), DATABASE);
        let mut offsets = Self {
            destinations: of_destinations.collect(),
            database,
            written_before: database,
            is_writing: false,
            due: Instant::now(),
            long_due: Instant::now(),
            replay: None,
        };
        for (destination, cursor) in destinations.iter().zip(&offsets.destinations) {
            destination.set_persisted(*cursor);
        }
        let lowest = offsets.destinations.iter().flatten().min().copied();
        let recovered = slot.found().iter().find(|one| Some(one.last) > lowest);
        if let Some(recovered) = recovered {
            for (destination, cursor) in destinations.iter().zip(&offsets.destinations) {
                destination.begin_replay(*cursor);
            }
            let from = Position {
                segment: recovered.number,
                offset: 0,
            };
            let replay = Replay::new(shared, destinations, slot.path(), from, segments.end());
            offsets.replay = Some(tokio::spawn(replay.run()).abort_handle());
        }
        offsets
    }
}

impl Drop for Offsets {
    fn drop(&mut self) {
        if let Some(replay) = &self.replay {
            replay.abort();
        }
    }
}

fn offsets_of<const N: usize>(shared: &Shared, slot: &Path, name: &str) -> [i64; N] {
    read_cursor(slot, name).unwrap_or_else(|error| {
        shared.log.warn(messages::cursor_not_read(name, &error));
        [0; N]
    })
}

/// Events that wait for a destination that is not among the settings any more are not forwarded.
fn forget_others(shared: &Shared, destinations: &Destinations, slot: &Path) {
    let is_known = |name: &String| {
        let mut destinations = destinations.iter();
        name == DATABASE || destinations.any(|destination| destination.name() == name)
    };
    for name in cursors_in(slot).unwrap_or_default() {
        if !is_known(&name) && remove_cursor(slot, &name).is_ok() {
            shared.log.warn(messages::destination_forgotten(&name));
        }
    }
}
