//! The spool as a queue: records are appended and synced before they may be sent, read back when there were
//! more of them than memory should hold, and released once they are committed and forwarded.
//!
//! ```text
//!  ingest ──► append buffer ──► append ──► sync ──► may be sent
//!    └─► write queue, unless it is behind                ▲
//!        a queue that is behind reads back ──────────────┘
//! ```
//!
//! A write queue is behind when there are records on disk that it does not have: those of a process before
//! this one, or those that came while memory was full. Each queue has a position of its own on disk, so
//! that logins never wait behind events. All disk I/O runs on threads that may block, with one append and
//! one sync at a time; records that come meanwhile share the next.
//!
//! A disk that takes nothing more is no reason to reject records: they wait in memory as without a spool.
//! Only records that a queue must read back have to get onto the disk, and their append is retried.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::append_buffer::{AppendBuffer, Records};
use super::disk::{Disk, DiskResult, Unsent};
use super::read_positions::ReadPositions;
use crate::instance::shared::Shared;
use crate::pipeline::forwarding::OffsetWrite;
use crate::pipeline::watermarks::{Queue, Stage, Watermarks};
use crate::record::item::Item;
use crate::spool::{ClosedSegment, Position, ReadBatch, Segments, SpoolStatus};

/// How often records are synced while the database takes none, and how long a disk that took nothing is
/// left alone.
const PAUSE: Duration = Duration::from_millis(500);

pub struct SpoolQueue {
    shared: Arc<Shared>,
    disk: Disk,
    /// Records to append, in order; the last buffer may still grow.
    buffers: VecDeque<AppendBuffer>,
    is_appending: bool,
    /// Records that did not go to their write queue at once, since memory was half full.
    spilled: u64,
    /// The disk took nothing, and the append is retried then.
    full_until: Option<Instant>,
    is_syncing: bool,
    sync_due: Instant,
    end: Position,
    pub positions: ReadPositions,
    status: SpoolStatus,
    is_releasing: bool,
    release_due: Instant,
}

/// The fate of a buffer.
pub enum Kept {
    /// It is on disk; so many bytes of memory are free.
    OnDisk { spilled: usize, was_full: bool },
    /// Its records are in memory only.
    InMemory { records: u64, error: io::Error },
    /// Its append is retried.
    Waits { error: io::Error },
}

impl SpoolQueue {
    /// On a slot, with the records of processes before this one, if there are any.
    pub fn new(shared: &Arc<Shared>, segments: Segments) -> Self {
        let beginning = segments.beginning();
        let first = segments.slot().first_seq();
        Self {
            shared: Arc::clone(shared),
            buffers: VecDeque::new(),
            is_appending: false,
            spilled: 0,
            full_until: None,
            is_syncing: false,
            sync_due: Instant::now(),
            end: segments.end(),
            positions: ReadPositions::new(first, beginning, &shared.context.random),
            status: segments.status(),
            is_releasing: false,
            release_due: Instant::now(),
            disk: Disk::new(segments, &shared.context.disk),
        }
    }

    /// Takes a record on its way to its write queue; false when the queue will read it back.
    pub fn append_later(&mut self, seq: i64, item: &Item<'_>) -> bool {
        let full = self.shared.context.limits.append_bytes;
        let is_full = |buffer: &AppendBuffer| buffer.frames.len() >= full;
        if self.buffers.back().is_none_or(is_full) {
            self.buffers.push_back(AppendBuffer::default());
        }
        let Some(buffer) = self.buffers.back_mut() else {
            return true;
        };
        buffer.add(seq, item, self.shared.context.clock.now_ms());
        let queue = Queue::of(item);
        if self.shared.memory.is_half_full() && self.full_until.is_none() {
            self.positions.fall_behind(queue, seq);
        }
        let is_behind = self.positions.next_unread(queue).is_some();
        if is_behind {
            buffer.spill(queue, item.cost());
            self.positions.spill(queue, seq, item);
            self.spilled += 1;
        }
        !is_behind
    }

    /// Whether no record waits to be appended.
    pub fn is_appended(&self) -> bool {
        self.buffers.is_empty() && !self.is_appending
    }

    pub fn is_empty(&self) -> bool {
        self.status.bytes == 0
    }

    pub fn status(&self) -> &SpoolStatus {
        &self.status
    }

    pub fn spilled(&self) -> u64 {
        self.spilled
    }

    pub fn is_full(&self) -> bool {
        self.full_until.is_some()
    }

    /// Appends the oldest buffer. While the disk takes nothing, records that need not be on disk stay in
    /// memory only.
    pub fn append(&mut self, marks: &mut Watermarks, now: Instant) -> Option<Kept> {
        if self.is_appending {
            return None;
        }
        let is_needed = self.buffers.front()?.is_needed();
        if is_needed && self.full_until.is_some_and(|until| until > now) {
            return None;
        }
        let buffer = self.buffers.pop_front()?;
        if self.full_until.is_some_and(|until| until > now) {
            return Some(keep_in_memory(
                &buffer,
                ErrorKind::StorageFull.into(),
                marks,
            ));
        }
        self.is_appending = true;
        self.disk.append(buffer);
        None
    }

    pub fn appended(
        &mut self,
        Unsent(buffer): Unsent,
        result: io::Result<Range<Position>>,
        status: SpoolStatus,
        marks: &mut Watermarks,
        now: Instant,
    ) -> Kept {
        self.is_appending = false;
        self.update(status);
        let error = match result {
            Ok(appended) => {
                marks.advance(Stage::Appended, buffer.last);
                self.end = appended.end;
                self.positions.appended(appended.start);
                return Kept::OnDisk {
                    spilled: buffer.spilled(),
                    was_full: self.full_until.take().is_some(),
                };
            }
            Err(error) => error,
        };
        self.full_until = Some(now + PAUSE);
        if buffer.is_needed() {
            self.buffers.push_front(buffer);
            return Kept::Waits { error };
        }
        keep_in_memory(&buffer, error, marks)
    }

    /// Whether all records after this one are on disk.
    pub fn holds_after(&self, up_to: i64, marks: &Watermarks) -> bool {
        self.full_until.is_none() && marks.get(Stage::NotSpooled) <= up_to
    }

    /// Whether to sync now; at once when the database waits for it.
    pub fn wants_sync(&self, is_urgent: bool, marks: &Watermarks, now: Instant) -> bool {
        let is_due = is_urgent || self.sync_due <= now;
        is_unsynced(marks) && !self.is_syncing && is_due
    }

    pub fn sync(&mut self, marks: &Watermarks, now: Instant) {
        self.is_syncing = true;
        self.sync_due = now + PAUSE;
        self.disk.sync(marks.get(Stage::Appended));
    }

    /// Also after an error, since the next records go into another file: a database that takes records
    /// is worth more than a disk that does not.
    pub fn synced(&mut self, up_to: i64, marks: &mut Watermarks) {
        self.is_syncing = false;
        marks.advance(Stage::Synced, up_to);
    }

    /// Unlinks closed segments whose records are done up to `done`. Once nothing is left to do, the open
    /// one is closed if it is long, or if `all` are to go.
    pub fn release(&mut self, done: i64, all: bool, marks: &Watermarks, now: Instant) {
        let is_idle = done >= marks.get(Stage::Appended) && !self.is_appending;
        let closes = is_idle && self.status.bytes > 0 && (all || self.status.is_worth_closing);
        let is_old = self.status.oldest_closed.is_some_and(|last| last <= done);
        let is_due = self.release_due <= now && !self.is_releasing;
        if !is_due || !(closes || is_old) {
            return;
        }
        self.is_releasing = true;
        self.disk
            .release(move |segments| segments.release(done, closes));
    }

    /// Unlinks one segment, whatever is before it.
    pub fn release_one(&mut self, segment: ClosedSegment, now: Instant) {
        if self.release_due <= now && !self.is_releasing {
            self.is_releasing = true;
            self.disk
                .release(move |segments| segments.release_one(segment.number));
        }
    }

    /// Returns whether the disk takes records again, which no append would find out while there is none.
    pub fn released(&mut self, is_done: bool, status: SpoolStatus, now: Instant) -> bool {
        self.is_releasing = false;
        self.update(status);
        if !is_done {
            self.release_due = now + PAUSE;
            return false;
        }
        // There is room again.
        self.full_until = self.full_until.map(|_| now);
        self.is_appended() && self.full_until.take().is_some()
    }

    /// While the disk takes nothing: the spilled records of a queue that has read everything on disk, with
    /// the bytes that they take in memory.
    pub fn take_back(&mut self, queue: Queue) -> Option<(Records, usize)> {
        if self.full_until.is_none() || self.is_appending || !self.positions.is_at(queue, self.end)
        {
            return None;
        }
        let (mut records, mut bytes) = (Vec::new(), 0);
        for buffer in &mut self.buffers {
            records.extend(buffer.records());
            bytes += buffer.take_spilled(queue);
        }
        Some((records, bytes))
    }

    fn update(&mut self, status: SpoolStatus) {
        if status.version >= self.status.version {
            self.status = status;
        }
    }

    /// Begins to read on for a queue, if there is more to read.
    pub fn read(&mut self, queue: Queue, now: Instant) {
        let budget = self.shared.memory.read_back_bytes;
        let Some((from, near)) = self.positions.begin_reading(queue, self.end, now) else {
            return;
        };
        self.disk.read(queue, from, self.end, near, budget);
    }

    /// A queue has the records that were read up to there. If these were all, it is not behind any more;
    /// returns how many of its records did not come back.
    pub fn enqueued(&mut self, queue: Queue, piece: &ReadBatch, until: Position) -> u64 {
        self.positions.enqueued(queue, piece, until);
        let is_end = piece.next.is_none() && until == self.end && self.is_appended();
        if is_end {
            self.positions.catch_up(queue)
        } else {
            0
        }
    }

    /// Writes the offsets of destinations.
    pub fn write_offsets(&mut self, offsets: OffsetWrite) {
        self.disk.write_offsets(offsets);
    }

    /// Another process writes under our id: later records are kept under another.
    pub fn rename_writer(&self, writer: &str) {
        self.disk.rename_writer(writer);
    }

    /// Every record of the slot is done: the process that takes it next gets an id of its own.
    pub fn leave(&self) {
        self.disk.leave();
    }

    /// When something is due later than now.
    pub fn wake_at(&self, marks: &Watermarks, now: Instant) -> Option<Instant> {
        let sync = is_unsynced(marks).then_some(self.sync_due);
        let append = self.full_until.filter(|_| !self.buffers.is_empty());
        let all = [
            sync,
            append,
            Some(self.release_due),
            self.positions.wake_at(),
        ];
        all.into_iter().flatten().filter(|due| *due > now).min()
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> DiskResult {
        self.disk.next().await
    }
}

fn is_unsynced(marks: &Watermarks) -> bool {
    marks.get(Stage::Appended) > marks.get(Stage::Synced)
}

fn keep_in_memory(buffer: &AppendBuffer, error: io::Error, marks: &mut Watermarks) -> Kept {
    marks.advance(Stage::Appended, buffer.last);
    marks.advance(Stage::NotSpooled, buffer.last);
    Kept::InMemory {
        records: buffer.records,
        error,
    }
}
