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

use tokio::time::Instant;

use super::messages;
use super::task::Tasks;
use crate::forward::{Destinations, PartitionOffsets};
use crate::instance::shared::Shared;
use crate::spool::{
    Position, Segments, SharedSegments, Slot, cursors_in, read_cursor, remove_cursor, write_cursor,
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
    kept: Option<KeptOffsets>,
}

/// The offsets on disk.
struct KeptOffsets {
    segments: SharedSegments,
    /// As they were written last.
    offsets: Offsets,
    /// A process before this one has written records up to this one to the database.
    written_before: i64,
    due: Instant,
    long_due: Instant,
    writes: Tasks<io::Result<Offsets>>,
    _replay: Tasks<()>,
}

#[derive(Clone, PartialEq)]
struct Offsets {
    /// In the order of the destinations.
    destinations: Vec<PartitionOffsets>,
    database: i64,
}

/// The result of a write.
pub struct OffsetsWritten(io::Result<Offsets>);

impl Offsets {
    fn read(shared: &Shared, destinations: &Destinations, slot: &Path) -> Self {
        let [database] = offsets_of(shared, slot, DATABASE);
        let names = destinations.iter().map(|destination| destination.name());
        Self {
            destinations: names.map(|name| offsets_of(shared, slot, name)).collect(),
            database,
        }
    }

    /// Writes those that differ from what is on disk; an error with one keeps no other from it.
    fn write(&self, on_disk: &Self, destinations: &Destinations, slot: &Slot) -> io::Result<()> {
        let write = |name: &str, offsets: &[i64]| {
            slot.verify()?;
            write_cursor(slot.path(), name, offsets)
        };
        let mut result = Ok(());
        let pairs = self.destinations.iter().zip(&on_disk.destinations);
        for (destination, (offsets, before)) in destinations.iter().zip(pairs) {
            if offsets != before {
                result = result.and(write(destination.name(), offsets));
            }
        }
        match self.database == on_disk.database {
            true => result,
            false => result.and(write(DATABASE, &[self.database])),
        }
    }
}

impl Forwarding {
    /// Must be called on the runtime.
    pub fn start(
        shared: &Arc<Shared>,
        destinations: &Arc<Destinations>,
        spool: Option<&SharedSegments>,
    ) -> Self {
        // Before anything can be sent.
        let kept = spool.and_then(|spool| {
            forget_others(shared, destinations, spool.lock().slot().path());
            (!destinations.is_empty()).then(|| KeptOffsets::begin(shared, destinations, spool))
        });
        destinations.start(shared.config.authorities.as_ref());
        Self {
            destinations: Arc::clone(destinations),
            shared: Arc::clone(shared),
            kept,
        }
    }

    /// A process before this one has written records up to this one to the database.
    pub fn written_before(&self) -> i64 {
        self.kept.as_ref().map_or(0, |kept| kept.written_before)
    }

    /// Discards the events in memory.
    pub fn discard(&mut self) {
        self.kept = None;
        let destinations = self.destinations.iter();
        destinations.for_each(|destination| destination.discard());
    }

    /// Writes the offsets that have changed. `last` is the newest record, and records up to `written` are in
    /// the database. With `at_once` it is the last occasion.
    pub fn poll(&mut self, last: i64, written: i64, at_once: bool, now: Instant) {
        let Some(kept) = &mut self.kept else {
            return;
        };
        let may_wait = !at_once && self.destinations.are_persisted();
        let is_due = kept.long_due <= now || kept.due <= now && !may_wait;
        if !kept.writes.is_empty() || !is_due {
            return;
        }
        let destinations = self.destinations.iter().zip(&kept.offsets.destinations);
        let offsets = Offsets {
            // None is known during a replay.
            destinations: destinations
                .map(|(destination, before)| destination.offsets(last).unwrap_or(*before))
                .collect(),
            // Less while recovered records are read back.
            database: written.max(kept.written_before),
        };
        if offsets == kept.offsets {
            return;
        }
        (kept.due, kept.long_due) = (now + PAUSE, now + LONG_PAUSE);
        let (segments, on_disk) = (kept.segments.clone(), kept.offsets.clone());
        let destinations = Arc::clone(&self.destinations);
        let write = self.shared.context.disk.run(move || {
            catch_io(|| offsets.write(&on_disk, &destinations, segments.lock().slot()))?;
            Ok(offsets)
        });
        kept.writes.spawn(async { write.await? });
    }

    /// Resolves with the next result; never, without a spool. Cancel-safe.
    pub async fn next(&mut self) -> OffsetsWritten {
        match &mut self.kept {
            Some(kept) => OffsetsWritten(kept.writes.next().await),
            None => std::future::pending().await,
        }
    }

    pub fn handle(&mut self, OffsetsWritten(result): OffsetsWritten, now: Instant) {
        let Some(kept) = &mut self.kept else {
            return;
        };
        match result {
            Ok(offsets) => {
                kept.offsets = offsets;
                kept.set_persisted(&self.destinations);
            }
            Err(error) => {
                (kept.due, kept.long_due) = (now + LONG_PAUSE, now + LONG_PAUSE);
                let reason = "cursor_not_written";
                let line = || messages::spool_failed(reason, &error);
                self.shared.log.warn_once(reason, line);
                self.shared.health.error(format!("spool: {error}"));
            }
        }
    }

    pub fn wake_at(&self, now: Instant) -> Option<Instant> {
        let kept = self.kept.as_ref()?;
        let dues = [kept.due, kept.long_due].into_iter();
        dues.filter(|due| *due > now).min()
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        self.destinations.close();
    }
}

impl KeptOffsets {
    fn begin(
        shared: &Arc<Shared>,
        destinations: &Arc<Destinations>,
        spool: &SharedSegments,
    ) -> Self {
        let segments = spool.lock();
        let offsets = Offsets::read(shared, destinations, segments.slot().path());
        let kept = Self {
            segments: spool.clone(),
            written_before: offsets.database,
            due: Instant::now(),
            long_due: Instant::now(),
            writes: Tasks::new(),
            _replay: replay_after(&offsets, shared, destinations, &segments),
            offsets,
        };
        kept.set_persisted(destinations);
        kept
    }

    fn set_persisted(&self, destinations: &Destinations) {
        for (destination, offsets) in destinations.iter().zip(&self.offsets.destinations) {
            destination.set_persisted(*offsets);
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

/// Begins to replay recovered events that a destination is not done with, if there are any.
fn replay_after(
    offsets: &Offsets,
    shared: &Arc<Shared>,
    destinations: &Arc<Destinations>,
    segments: &Segments,
) -> Tasks<()> {
    let mut tasks = Tasks::new();
    let (slot, lowest) = (segments.slot(), offsets.destinations.iter().flatten().min());
    if let Some(from) = slot.found().iter().find(|one| Some(&one.last) > lowest) {
        for (destination, offsets) in destinations.iter().zip(&offsets.destinations) {
            destination.begin_replay(*offsets);
        }
        let from = Position::start_of(from.number);
        let replay = Replay::new(shared, destinations, slot.path(), from, segments.end());
        tasks.spawn(replay.run());
    }
    tasks
}
