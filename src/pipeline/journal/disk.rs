//! Disk I/O of a slot, in tasks whose results come back. A panic in one is an error like any other.

use std::future::pending;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::append_buffer::AppendBuffer;
use crate::pipeline::forwarding::{OffsetWrite, OffsetsWritten};
use crate::pipeline::task::Tasks;
use crate::pipeline::watermarks::Queue;
use crate::spool::{Position, ReadBatch, Segments, SpoolStatus, read};
use crate::util::panics::catch_io;
use crate::util::threads::Threads;

pub struct Disk {
    segments: Arc<Mutex<Segments>>,
    path: PathBuf,
    threads: Threads,
    tasks: Tasks<DiskResult>,
}

/// The result of a task.
pub enum DiskResult {
    Appended(Unsent, io::Result<Range<Position>>, SpoolStatus),
    Synced(i64, io::Result<()>),
    Read(Queue, Position, io::Result<ReadBatch>),
    Released(io::Result<()>, SpoolStatus),
    OffsetsWritten(OffsetsWritten),
}

/// A buffer that was on its way to the disk.
pub struct Unsent(pub AppendBuffer);

impl Disk {
    pub fn new(segments: Segments, threads: &Threads) -> Self {
        Self {
            path: segments.slot().path().to_owned(),
            segments: Arc::new(Mutex::new(segments)),
            threads: threads.clone(),
            tasks: Tasks::new(),
        }
    }

    pub fn append(&mut self, buffer: AppendBuffer) {
        self.run(move |segments| {
            let mut segments = lock(segments);
            let mut has_ended = false;
            let result = catch_io(|| {
                let result = segments.append(&buffer.frames, buffer.last);
                has_ended = true;
                result
            });
            if !has_ended {
                // It may be there in part.
                segments.roll();
            }
            DiskResult::Appended(Unsent(buffer), result, segments.status())
        });
    }

    /// Records up to `up_to` are appended.
    pub fn sync(&mut self, up_to: i64) {
        self.run(move |segments| {
            // Not under the lock: the next append need not wait.
            let result = catch_io(|| {
                let unsynced = lock(segments).take_unsynced();
                unsynced.sync()
            });
            if result.is_err() {
                lock(segments).roll();
            }
            DiskResult::Synced(up_to, result)
        });
    }

    pub fn release(
        &mut self,
        release: impl FnOnce(&mut Segments) -> io::Result<()> + Send + 'static,
    ) {
        self.run(move |segments| {
            let mut segments = lock(segments);
            let result = catch_io(|| release(&mut segments));
            DiskResult::Released(result, segments.status())
        });
    }

    /// Reads for a queue, see [`read`].
    pub fn read(
        &mut self,
        queue: Queue,
        from: Position,
        until: Position,
        near: Option<i64>,
        budget: usize,
    ) {
        let path = self.path.clone();
        self.run(move |segments| {
            let piece = catch_io(|| read(&path, from, until, near, budget));
            if piece.as_ref().is_ok_and(|piece| piece.damaged > 0) {
                lock(segments).mark_damaged(from.segment);
            }
            DiskResult::Read(queue, until, piece)
        });
    }

    /// Writes the offsets of destinations.
    pub fn write_offsets(&mut self, offsets: OffsetWrite) {
        self.run(move |segments| DiskResult::OffsetsWritten(offsets.write(lock(segments).slot())));
    }

    /// Another process writes under our id: later records are kept under another.
    pub fn rename_writer(&self, writer: &str) {
        let (segments, writer) = (Arc::clone(&self.segments), writer.to_owned());
        let rename = move || lock(&segments).rename_writer(&writer);
        tokio::spawn(self.threads.run(rename));
    }

    /// Every record of the slot is done: the process that takes it next gets an id of its own.
    pub fn leave(&self) {
        let _ = lock(&self.segments).slot().retire();
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> DiskResult {
        self.tasks.next().await
    }

    fn run(&mut self, work: impl FnOnce(&Mutex<Segments>) -> DiskResult + Send + 'static) {
        let segments = Arc::clone(&self.segments);
        let work = self.threads.run(move || work(&segments));
        self.tasks.spawn(async {
            match work.await {
                Ok(result) => result,
                // Nothing outside of what is caught panics.
                Err(_) => pending().await,
            }
        });
    }
}

fn lock(segments: &Mutex<Segments>) -> MutexGuard<'_, Segments> {
    segments.lock().unwrap_or_else(PoisonError::into_inner)
}
