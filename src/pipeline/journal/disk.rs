//! The disk: appends, syncs, reads and deletes, on threads that may block. There is one append and one sync
//! at a time; records that come meanwhile share the next. A panic in a task is an error like any other.

use std::future::pending;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::append_buffer::AppendBuffer;
use super::read_back::NextPiece;
use crate::instance::context::Context;
use crate::pipeline::task::Tasks;
use crate::pipeline::watermarks::Queue;
use crate::spool::{
    Changed, KeptTotals, Position, ReadBatch, Segments, SharedSegments, SpoolStatus, read,
};
use crate::util::panics::catch_io;
use crate::util::threads::Threads;

/// How often records are synced while the database takes none, and how long a disk that took nothing is
/// left alone.
pub const PAUSE: Duration = Duration::from_millis(500);

pub struct Disk {
    segments: SharedSegments,
    path: PathBuf,
    threads: Threads,
    /// For appends alone, which wait for no sync and no read.
    appends: Threads,
    status: SpoolStatus,
    is_appending: bool,
    is_syncing: bool,
    is_releasing: bool,
    sync_due: Instant,
    release_due: Instant,
    tasks: Tasks<(DiskResult, Option<SpoolStatus>)>,
}

pub enum DiskResult {
    Appended(AppendBuffer, io::Result<Range<Position>>),
    /// Up to this record.
    Synced(i64, io::Result<()>),
    /// With the end of the spool when the read began.
    Read(Queue, Position, io::Result<ReadBatch>),
    Released(io::Result<()>),
    TotalsKept(io::Result<()>),
    WritersChanged(io::Result<()>),
}

/// What the disk was to keep; false if it may not have done so.
pub enum Kept {
    Totals(bool),
    Writers(bool),
}

impl Disk {
    pub fn new(shared: SharedSegments, segments: &Segments, context: &Context) -> Self {
        let now = Instant::now();
        Self {
            path: segments.slot().path().to_owned(),
            threads: context.disk.clone(),
            appends: context.appends.clone(),
            status: segments.status(),
            segments: shared,
            is_appending: false,
            is_syncing: false,
            is_releasing: false,
            sync_due: now,
            release_due: now,
            tasks: Tasks::new(),
        }
    }

    pub fn status(&self) -> &SpoolStatus {
        &self.status
    }

    pub fn is_appending(&self) -> bool {
        self.is_appending
    }

    /// Begins to append; only while nothing is appended.
    pub fn append(&mut self, buffer: AppendBuffer) {
        self.is_appending = true;
        self.change(&self.appends.clone(), move |segments| {
            let append = || Ok(segments.append(&buffer.frames, buffer.version, buffer.last));
            let appended = catch_io(append).unwrap_or_else(|panicked| {
                // It may be there in part.
                segments.roll();
                Err(panicked)
            });
            DiskResult::Appended(buffer, appended)
        });
    }

    /// Whether to sync now; at once when the database waits for it.
    pub fn wants_sync(&self, is_urgent: bool, now: Instant) -> bool {
        !self.is_syncing && (is_urgent || self.sync_due <= now)
    }

    /// Syncs what is appended up to this record.
    pub fn sync(&mut self, up_to: i64, now: Instant) {
        self.is_syncing = true;
        self.sync_due = now + PAUSE;
        self.run(move |segments| {
            // Not under the lock: the next append need not wait.
            let result = catch_io(|| {
                let unsynced = segments.lock().take_unsynced();
                unsynced.sync()
            });
            if result.is_err() {
                segments.lock().roll();
            }
            (DiskResult::Synced(up_to, result), None)
        });
    }

    pub fn read(&mut self, queue: Queue, piece: NextPiece, until: Position, budget: usize) {
        let NextPiece {
            from,
            near,
            is_final,
        } = piece;
        let path = self.path.clone();
        self.run(move |segments| {
            let piece = catch_io(|| read(&path, from, until, near, budget, is_final));
            if piece.as_ref().is_ok_and(|piece| piece.damaged > 0) {
                segments.lock().mark_damaged(from.segment);
            }
            (DiskResult::Read(queue, until, piece), None)
        });
    }

    pub fn release(
        &mut self,
        now: Instant,
        release: impl FnOnce(&mut Segments) -> io::Result<()> + Send + 'static,
    ) {
        if self.release_due <= now && !self.is_releasing {
            self.is_releasing = true;
            self.change(&self.threads.clone(), move |segments| {
                DiskResult::Released(catch_io(|| release(segments)))
            });
        }
    }

    /// Keeps totals that wait in place of those that are kept, or none.
    pub fn keep_totals(&mut self, totals: Option<KeptTotals>) {
        self.run(move |segments| {
            // Not under the lock: appends need not wait for it.
            let kept = catch_io(|| {
                let keep = segments.lock().slot().keep_totals(totals);
                keep()
            });
            (DiskResult::TotalsKept(kept), None)
        });
    }

    fn change(
        &mut self,
        threads: &Threads,
        change: impl FnOnce(&mut Segments) -> DiskResult + Send + 'static,
    ) {
        self.run_on(threads, move |segments| {
            let mut segments = segments.lock();
            let result = change(&mut segments);
            (result, Some(segments.status()))
        });
    }

    fn run(
        &mut self,
        work: impl FnOnce(&SharedSegments) -> (DiskResult, Option<SpoolStatus>) + Send + 'static,
    ) {
        self.run_on(&self.threads.clone(), work);
    }

    fn run_on(
        &mut self,
        threads: &Threads,
        work: impl FnOnce(&SharedSegments) -> (DiskResult, Option<SpoolStatus>) + Send + 'static,
    ) {
        let segments = self.segments.clone();
        let work = threads.run(move || work(&segments));
        self.tasks.spawn(async {
            match work.await {
                Ok(result) => result,
                // Nothing outside of what is caught panics.
                Err(_) => pending().await,
            }
        });
    }

    /// Keeps the ids under which queues go on.
    pub fn change_writers(&mut self, changed: Changed) {
        self.run(move |segments| {
            let change = || segments.lock().change_writers(&changed);
            (DiskResult::WritersChanged(catch_io(change)), None)
        });
    }

    /// Every record of the slot is done: the process that takes it next gets an id of its own.
    pub fn retire(&self) {
        let _ = self.segments.lock().slot().retire();
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> DiskResult {
        let (result, status) = self.tasks.next().await;
        if let Some(status) = status.filter(|status| status.version >= self.status.version) {
            self.status = status;
        }
        match &result {
            DiskResult::Appended(..) => self.is_appending = false,
            DiskResult::Synced(..) => self.is_syncing = false,
            DiskResult::Released(result) => {
                self.is_releasing = false;
                if result.is_err() {
                    self.release_due = Instant::now() + PAUSE;
                }
            }
            DiskResult::Read(..) | DiskResult::TotalsKept(_) | DiskResult::WritersChanged(_) => {}
        }
        result
    }

    /// When records that are not synced are, and when a deletion that failed is retried.
    pub fn wake_at(&self, is_synced: bool) -> [Option<Instant>; 2] {
        let sync = (!is_synced).then_some(self.sync_due);
        [sync, Some(self.release_due)]
    }
}
