//! Between the pipeline and its spool: what is handed over goes to the disk before it goes to the
//! database, and comes back from there when there is more of it than memory should hold.
//!
//! ```text
//!  intake ──► chunk ──► append ──► sync ──► lanes may send it
//!    └─► lane, unless it is behind                 ▲
//!        a lane that is behind reads back ─────────┘
//! ```
//!
//! A lane is behind when there are records on disk that it has not had: those of a process before us,
//! or those that came while memory was full. Each lane has its own place on disk, so that logins never
//! wait behind events. All work on the disk runs on threads that may block, one append and one sync
//! at a time: what comes meanwhile shares the next.
//!
//! A disk that takes nothing more is no reason to refuse records: they wait in memory as without a
//! spool. Only what a lane must read back has to get onto the disk, and is tried again.

use std::collections::VecDeque;
use std::future::pending;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::chunk::{Chunk, Records};
use super::cursors::{Cursors, LaneKind};
use super::delivery::{Advance, Advanced};
use crate::record::item::Item;
use crate::spool::{Appended, ClosedSegment, Position, ReadBatch, Segments, SpoolStatus, read};

/// How often records are synced while the database takes none, and how long a disk that took nothing
/// is left alone.
const PAUSE: Duration = Duration::from_millis(500);

pub struct Spooling {
    segments: Arc<Mutex<Segments>>,
    path: PathBuf,
    /// What is to be appended, in order; the last may still grow.
    chunks: VecDeque<Chunk>,
    is_appending: bool,
    /// The disk took nothing, and is tried again then.
    full_until: Option<Instant>,
    /// Records up to this one are on disk, or were given up on.
    appended: i64,
    /// The newest that was given up on.
    given_up: i64,
    /// Records up to this one are done with, but for events that wait for a destination.
    let_go: i64,
    synced: i64,
    is_syncing: bool,
    sync_due: Instant,
    end: Position,
    /// How far each lane has read.
    pub cursors: Cursors,
    status: SpoolStatus,
    is_releasing: bool,
    release_due: Instant,
    tasks: JoinSet<Done>,
}

/// What a task on the disk brought back.
pub enum Done {
    Appended(Unsent, io::Result<Appended>, SpoolStatus),
    Synced(i64, io::Result<()>),
    Read(LaneKind, Position, io::Result<ReadBatch>),
    Released(io::Result<()>, SpoolStatus),
    Advanced(Advanced),
}

/// A chunk that was on its way to the disk.
pub struct Unsent(Chunk);

/// What became of a chunk.
pub enum Kept {
    /// It is on disk; so many bytes of the queue are free.
    OnDisk { parked: usize, was_full: bool },
    /// Its records are in memory only.
    InMemory { records: u64, error: io::Error },
    /// It is tried again.
    Waits { error: io::Error },
}

impl Spooling {
    /// On a slot with the records of processes before us, if there are any.
    pub fn new(segments: Segments) -> Self {
        let behind = segments.beginning();
        let first = segments.slot().first_seq();
        Self {
            path: segments.slot().path().to_owned(),
            chunks: VecDeque::new(),
            is_appending: false,
            full_until: None,
            appended: first - 1,
            given_up: 0,
            let_go: 0,
            synced: if behind.is_some() { 0 } else { first - 1 },
            is_syncing: false,
            sync_due: Instant::now(),
            end: segments.end(),
            cursors: Cursors::new(first, behind),
            status: segments.status(),
            is_releasing: false,
            release_due: Instant::now(),
            tasks: JoinSet::new(),
            segments: Arc::new(Mutex::new(segments)),
        }
    }

    /// Takes a record on its way to its lane; false when the lane will read it back. With `is_much`
    /// memory holds enough.
    pub fn take(&mut self, seq: i64, item: &Item<'_>, is_much: bool) -> bool {
        if self.chunks.back().is_none_or(Chunk::is_full) {
            self.chunks.push_back(Chunk::default());
        }
        let Some(chunk) = self.chunks.back_mut() else {
            return true;
        };
        chunk.add(seq, item);
        let kind = LaneKind::of(item);
        if is_much && self.full_until.is_none() {
            self.cursors.fall_behind(kind, seq);
        }
        let is_behind = self.cursors.behind(kind).is_some();
        if is_behind {
            chunk.park(kind, item.cost());
            self.cursors.parked(kind, seq, item);
        }
        !is_behind
    }

    /// Records up to this one may be sent.
    pub fn sendable(&self) -> i64 {
        self.synced
    }

    /// Nothing is left for the disk to take.
    pub fn is_appended(&self) -> bool {
        self.chunks.is_empty() && !self.is_appending
    }

    pub fn is_empty(&self) -> bool {
        self.status.bytes == 0
    }

    pub fn status(&self) -> &SpoolStatus {
        &self.status
    }

    pub fn is_full(&self) -> bool {
        self.full_until.is_some()
    }

    /// Gives the disk what has come. While it takes nothing, what need not be on disk is given up on.
    pub fn append(&mut self, now: Instant) -> Option<Kept> {
        if self.is_appending {
            return None;
        }
        let is_needed = self.chunks.front()?.is_needed();
        if is_needed && self.full_until.is_some_and(|until| until > now) {
            return None;
        }
        let chunk = self.chunks.pop_front()?;
        if self.full_until.is_some_and(|until| until > now) {
            self.give_up(&chunk);
            return Some(Kept::InMemory {
                records: chunk.records,
                error: ErrorKind::StorageFull.into(),
            });
        }
        self.is_appending = true;
        let segments = Arc::clone(&self.segments);
        self.tasks.spawn_blocking(move || {
            let mut segments = lock(&segments);
            let outcome = segments.append(&chunk.frames, chunk.last);
            Done::Appended(Unsent(chunk), outcome, segments.status())
        });
        None
    }

    pub fn appended(
        &mut self,
        Unsent(chunk): Unsent,
        outcome: io::Result<Appended>,
        status: SpoolStatus,
        now: Instant,
    ) -> Kept {
        self.is_appending = false;
        self.note(status);
        let error = match outcome {
            Ok(appended) => {
                self.appended = chunk.last;
                self.end = appended.end;
                self.cursors.appended(appended.start);
                return Kept::OnDisk {
                    parked: chunk.parked(),
                    was_full: self.full_until.take().is_some(),
                };
            }
            Err(error) => error,
        };
        self.full_until = Some(now + PAUSE);
        if chunk.is_needed() {
            self.chunks.push_front(chunk);
            return Kept::Waits { error };
        }
        self.give_up(&chunk);
        Kept::InMemory {
            records: chunk.records,
            error,
        }
    }

    fn give_up(&mut self, chunk: &Chunk) {
        self.appended = chunk.last;
        self.given_up = chunk.last;
    }

    /// Unlinks segments up to this record even if events in them wait for a destination.
    pub fn let_go(&mut self, done: i64) {
        self.let_go = self.let_go.max(done);
    }

    /// The record up to which no event is kept for destinations that have come so far.
    pub fn events_done(&self, forwarded: i64) -> i64 {
        forwarded.max(self.let_go)
    }

    /// Whether all records after this one will be found on disk.
    pub fn holds_after(&self, written: i64) -> bool {
        self.full_until.is_none() && self.given_up <= written
    }

    /// Whether all events after this one will be found on disk.
    pub fn holds_events_after(&self, forwarded: i64) -> bool {
        self.holds_after(forwarded) && self.let_go <= forwarded
    }

    /// Whether to sync now; at once when that is what the database waits for.
    pub fn wants_sync(&self, now: Instant, at_once: bool) -> bool {
        let is_due = at_once || self.sync_due <= now;
        self.appended > self.synced && !self.is_syncing && is_due
    }

    pub fn sync(&mut self, now: Instant) {
        self.is_syncing = true;
        self.sync_due = now + PAUSE;
        let (segments, up_to) = (Arc::clone(&self.segments), self.appended);
        self.tasks.spawn_blocking(move || {
            // Not under the lock: the next append need not wait.
            let unsynced = lock(&segments).take_unsynced();
            let outcome = unsynced.and_then(|unsynced| unsynced.sync());
            if outcome.is_err() {
                lock(&segments).roll();
            }
            Done::Synced(up_to, outcome)
        });
    }

    pub fn synced(&mut self, up_to: i64) {
        self.is_syncing = false;
        self.synced = up_to;
    }

    /// Unlinks what is done with, as far as segments are closed; once nothing is left to do, the one
    /// that is appended to is closed if it is long, or if `all` are to go.
    pub fn release(&mut self, done: i64, all: bool, now: Instant) {
        let is_idle = done >= self.appended && !self.is_appending;
        let closes = is_idle && self.status.bytes > 0 && (all || self.status.is_worth_closing);
        let is_old = self.status.oldest_closed.is_some_and(|last| last <= done);
        let is_due = self.release_due <= now && !self.is_releasing;
        if !is_due || !(closes || is_old) {
            return;
        }
        self.release_by(move |segments| segments.release(done, closes));
    }

    /// Unlinks one segment, whatever is before it.
    pub fn release_one(&mut self, segment: ClosedSegment, now: Instant) {
        if self.release_due <= now && !self.is_releasing {
            self.release_by(move |segments| segments.release_one(segment.number));
        }
    }

    fn release_by(
        &mut self,
        release: impl FnOnce(&mut Segments) -> io::Result<()> + Send + 'static,
    ) {
        self.is_releasing = true;
        let segments = Arc::clone(&self.segments);
        self.tasks.spawn_blocking(move || {
            let mut segments = lock(&segments);
            let outcome = release(&mut segments);
            Done::Released(outcome, segments.status())
        });
    }

    /// Answers whether the disk takes records again, which nobody would find out while there are none.
    pub fn released(&mut self, is_done: bool, status: SpoolStatus, now: Instant) -> bool {
        self.is_releasing = false;
        self.note(status);
        if !is_done {
            self.release_due = now + PAUSE;
            return false;
        }
        // There is room again.
        self.full_until = self.full_until.map(|_| now);
        self.is_appended() && self.full_until.take().is_some()
    }

    /// While the disk takes nothing: what waits for it and is nowhere else, for a lane that has had all
    /// that is on disk; with the bytes of the queue that it held. The lane is not behind any more.
    pub fn take_back(&mut self, kind: LaneKind) -> Option<(Records, usize)> {
        if self.full_until.is_none() || self.is_appending || !self.cursors.is_at(kind, self.end) {
            return None;
        }
        let (mut records, mut bytes) = (Vec::new(), 0);
        for chunk in &mut self.chunks {
            records.extend(chunk.records());
            bytes += chunk.take_parked(kind);
        }
        Some((records, bytes))
    }

    fn note(&mut self, status: SpoolStatus) {
        if status.version >= self.status.version {
            self.status = status;
        }
    }

    /// Begins to read on for a lane, if there is more for it.
    pub fn read(&mut self, kind: LaneKind, budget: usize, now: Instant) {
        let Some((from, near)) = self.cursors.begin_reading(kind, self.end, now) else {
            return;
        };
        let (path, until, segments) = (self.path.clone(), self.end, Arc::clone(&self.segments));
        self.tasks.spawn_blocking(move || {
            let piece = read(&path, from, until, near, budget);
            if piece.as_ref().is_ok_and(|piece| piece.damaged > 0) {
                lock(&segments).mark_damaged(from.segment);
            }
            Done::Read(kind, until, piece)
        });
    }

    /// A lane has had what was read up to there. If that was everything, it is not behind any more;
    /// how many of its records did not come back.
    pub fn placed(&mut self, kind: LaneKind, piece: &ReadBatch, until: Position) -> u64 {
        self.cursors.placed(kind, piece, until);
        let is_end = piece.next.is_none() && until == self.end && self.is_appended();
        if is_end {
            self.cursors.catch_up(kind)
        } else {
            0
        }
    }

    /// Keeps how far destinations have come.
    pub fn keep(&mut self, advance: Advance) {
        let segments = Arc::clone(&self.segments);
        self.tasks.spawn_blocking(move || {
            let segments = lock(&segments);
            Done::Advanced(advance.write(segments.slot()))
        });
    }

    /// Others write under our id: what comes now is recorded under another.
    pub fn rename_writer(&self, writer: &str) {
        let (segments, writer) = (Arc::clone(&self.segments), writer.to_owned());
        tokio::task::spawn_blocking(move || lock(&segments).rename_writer(&writer));
    }

    /// All records of a slot are written: whoever takes it next begins anew.
    pub fn leave(&self) {
        let _ = lock(&self.segments).slot().retire();
    }

    /// When something is due that is not now.
    pub fn wake_at(&self, now: Instant) -> Option<Instant> {
        let sync = (self.appended > self.synced).then_some(self.sync_due);
        let append = self.full_until.filter(|_| !self.chunks.is_empty());
        let all = [sync, append, Some(self.release_due), self.cursors.wake_at()];
        all.into_iter().flatten().filter(|due| *due > now).min()
    }

    /// Resolves with what the next task brings back.
    pub async fn done(&mut self) -> Done {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(done)) => return done,
                // Only a defect of this package makes a task panic.
                Some(Err(_)) => {}
                None => pending().await,
            }
        }
    }
}

fn lock(segments: &Mutex<Segments>) -> MutexGuard<'_, Segments> {
    segments.lock().unwrap_or_else(PoisonError::into_inner)
}
