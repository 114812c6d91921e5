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

use std::future::pending;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::cursors::{Cursors, LaneKind};
use super::intake::Item;
use super::spooled;
use crate::spool::frame;
use crate::spool::{Appended, Piece, Position, Segments, Status, read};

/// How often records are synced while the database takes none, and how long a disk that took nothing
/// is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// What goes to the disk next.
#[derive(Default)]
struct Chunk {
    frames: Vec<u8>,
    records: u64,
    last: i64,
    /// Some of it is nowhere else.
    is_needed: bool,
    /// Bytes of the queue that are free once it is on disk.
    parked: usize,
}

pub struct Spooling {
    segments: Arc<Mutex<Segments>>,
    path: PathBuf,
    chunk: Chunk,
    is_appending: bool,
    /// The disk took nothing, and is tried again then.
    full_until: Option<Instant>,
    /// Records up to this one are on disk, or were given up on.
    appended: i64,
    synced: i64,
    is_syncing: bool,
    sync_due: Instant,
    end: Position,
    /// How far each lane has read.
    pub cursors: Cursors,
    status: Status,
    is_releasing: bool,
    release_due: Instant,
    tasks: JoinSet<Done>,
}

/// What a task on the disk brought back.
pub enum Done {
    Appended(Unsent, io::Result<Appended>, Status),
    Synced(i64, io::Result<()>),
    Read(LaneKind, Position, io::Result<Piece>),
    Released(io::Result<()>, Status),
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
            chunk: Chunk::default(),
            is_appending: false,
            full_until: None,
            appended: first - 1,
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
        let chunk = &mut self.chunk;
        frame::append(&mut chunk.frames, seq, |body| {
            spooled::write(body, item, system_ms());
        });
        chunk.records += 1;
        chunk.last = seq;
        let kind = LaneKind::of(item);
        if is_much && self.full_until.is_none() {
            self.cursors.fall_behind(kind, seq);
        }
        let is_behind = self.cursors.behind(kind).is_some();
        if is_behind {
            chunk.is_needed = true;
            chunk.parked += item.cost();
        }
        !is_behind
    }

    /// Records up to this one may be sent.
    pub fn sendable(&self) -> i64 {
        self.synced
    }

    /// Nothing is left for the disk to take.
    pub fn is_appended(&self) -> bool {
        self.chunk.records == 0 && !self.is_appending
    }

    pub fn is_empty(&self) -> bool {
        self.status.bytes == 0
    }

    pub fn status(&self) -> Status {
        self.status
    }

    pub fn is_full(&self) -> bool {
        self.full_until.is_some()
    }

    /// Gives the disk what has come. While it takes nothing, what need not be on disk is given up on.
    pub fn append(&mut self, now: Instant) -> Option<Kept> {
        if self.is_appending || self.chunk.records == 0 {
            return None;
        }
        if self.full_until.is_some_and(|until| until > now) {
            if self.chunk.is_needed {
                return None;
            }
            let chunk = std::mem::take(&mut self.chunk);
            self.appended = chunk.last;
            return Some(Kept::InMemory {
                records: chunk.records,
                error: ErrorKind::StorageFull.into(),
            });
        }
        self.is_appending = true;
        let chunk = std::mem::take(&mut self.chunk);
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
        status: Status,
        now: Instant,
    ) -> Kept {
        self.is_appending = false;
        self.status = status;
        let error = match outcome {
            Ok(appended) => {
                self.appended = chunk.last;
                self.end = appended.end;
                self.cursors.appended(appended.start);
                return Kept::OnDisk {
                    parked: chunk.parked,
                    was_full: self.full_until.take().is_some(),
                };
            }
            Err(error) => error,
        };
        self.full_until = Some(now + PAUSE);
        if chunk.is_needed {
            let newer = std::mem::replace(&mut self.chunk, chunk);
            self.chunk.follow(newer);
            return Kept::Waits { error };
        }
        self.appended = chunk.last;
        Kept::InMemory {
            records: chunk.records,
            error,
        }
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
                lock(&segments).distrust();
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
        let is_idle = done >= self.appended && self.is_appended();
        let closes = is_idle && self.status.bytes > 0 && (all || self.status.is_worth_closing);
        let is_old = self.status.oldest_closed.is_some_and(|last| last <= done);
        let is_due = self.release_due <= now && !self.is_releasing;
        if !is_due || !(closes || is_old) {
            return;
        }
        self.is_releasing = true;
        let segments = Arc::clone(&self.segments);
        self.tasks.spawn_blocking(move || {
            let mut segments = lock(&segments);
            let outcome = segments.release(done, closes);
            Done::Released(outcome, segments.status())
        });
    }

    pub fn released(&mut self, is_done: bool, status: Status, now: Instant) {
        self.is_releasing = false;
        self.status = status;
        if is_done {
            // There is room again.
            self.full_until = self.full_until.map(|_| now);
        } else {
            self.release_due = now + PAUSE;
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
                lock(&segments).note_damage(from.segment);
            }
            Done::Read(kind, until, piece)
        });
    }

    /// A lane has had what was read up to there.
    pub fn placed(&mut self, kind: LaneKind, piece: &Piece, until: Position) {
        let is_end = piece.next.is_none() && until == self.end && self.is_appended();
        self.cursors.placed(kind, piece, until, is_end);
    }

    /// Others write under our id: what comes now is recorded under another.
    pub fn rename_writer(&self, writer: &str) {
        let (segments, writer) = (Arc::clone(&self.segments), writer.to_owned());
        tokio::task::spawn_blocking(move || lock(&segments).rename_writer(&writer));
    }

    /// All records of a slot are written: whoever takes it next begins anew.
    pub fn leave(&self) {
        let _ = lock(&self.segments).slot().leave();
    }

    pub fn wake_at(&self) -> Option<Instant> {
        let sync = (self.appended > self.synced && !self.is_syncing).then_some(self.sync_due);
        let append = self.full_until.filter(|_| self.chunk.records > 0);
        [sync, append, self.cursors.wake_at()]
            .into_iter()
            .flatten()
            .min()
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

impl Chunk {
    fn follow(&mut self, newer: Chunk) {
        if newer.records > 0 {
            self.frames.extend(newer.frames);
            self.records += newer.records;
            self.last = newer.last;
            self.is_needed |= newer.is_needed;
            self.parked += newer.parked;
        }
    }
}

fn lock(segments: &Mutex<Segments>) -> MutexGuard<'_, Segments> {
    segments.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Never the host's clock, which it may fake.
pub fn system_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| d.as_millis() as i64)
}
