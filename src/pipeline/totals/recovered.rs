//! Contributions that a process before this one has left, one by one: that process may have sent any part of
//! them. They stay in memory until they are saved on disk. From then on only their sum does, and they are read
//! again if a part of them turns out to be added.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::contribution::Contribution;
use super::shares;
use crate::spool::shares_file;
use crate::util::panics::catch_io;
use crate::util::threads::Threads;

/// Copies are the same.
#[derive(Debug, Clone, Default)]
pub struct Recovered(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// Files with the first of them.
    files: Vec<PathBuf>,
    /// The file in which the others are being saved.
    next: Option<PathBuf>,
    unsaved: Vec<Contribution>,
    /// What those take.
    bytes: usize,
    /// Since when they cannot be read.
    unreadable_since: Option<Instant>,
}

/// How long what the disk cannot read is tried again, before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(60);

impl Recovered {
    /// That a process before this one has saved.
    pub fn in_files(files: Vec<PathBuf>) -> Self {
        let kept = Kept {
            files,
            ..Kept::default()
        };
        Self(Arc::new(Mutex::new(kept)))
    }

    /// Takes one that takes so many bytes; not while they are being saved.
    pub fn push(&self, contribution: Contribution, bytes: usize) {
        let mut kept = self.lock();
        kept.unsaved.push(contribution);
        kept.bytes += bytes;
    }

    /// Takes later ones; not while they are being saved.
    pub fn append(&self, later: &Self) {
        let later = std::mem::take(&mut *later.lock());
        let mut kept = self.lock();
        kept.files.extend(later.files);
        kept.unsaved.extend(later.unsaved);
        kept.bytes += later.bytes;
    }

    /// The bytes of those that are in memory.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// The file to save those in that are not saved, if there are any.
    pub fn begin_saving(
        &self,
        new_path: impl FnOnce() -> PathBuf,
    ) -> bson::error::Result<Option<(PathBuf, Vec<u8>)>> {
        let mut kept = self.lock();
        if kept.unsaved.is_empty() {
            return Ok(None);
        }
        let bytes = shares::to_bytes(&kept.unsaved)?;
        let path = new_path();
        kept.next = Some(path.clone());
        Ok(Some((path, bytes)))
    }

    /// They are saved, or are not; returns the bytes that they take less.
    pub fn end_saving(&self, is_done: bool) -> usize {
        let mut kept = self.lock();
        let Some(path) = kept.next.take().filter(|_| is_done) else {
            return 0;
        };
        kept.files.push(path);
        kept.unsaved = Vec::new();
        std::mem::take(&mut kept.bytes)
    }

    /// The files in which all of them are, once they are saved.
    pub fn files(&self) -> Vec<PathBuf> {
        let kept = self.lock();
        kept.files.iter().chain(&kept.next).cloned().collect()
    }

    /// Passes on all of them, file by file. After an error of the kind [`ErrorKind::InvalidData`] there is no use in
    /// another attempt.
    pub async fn each(
        &self,
        threads: &Threads,
        each: impl FnMut(&[Contribution]),
    ) -> io::Result<()> {
        let read = self.read(threads, each).await;
        let mut kept = self.lock();
        let Err(error) = read else {
            kept.unreadable_since = None;
            return Ok(());
        };
        let since = *kept.unreadable_since.get_or_insert_with(Instant::now);
        let is_lost = error.kind() == ErrorKind::NotFound || since.elapsed() >= PATIENCE;
        Err(match is_lost {
            true => io::Error::new(ErrorKind::InvalidData, error),
            false => error,
        })
    }

    async fn read(
        &self,
        threads: &Threads,
        mut each: impl FnMut(&[Contribution]),
    ) -> io::Result<()> {
        let (files, unsaved) = {
            let kept = self.lock();
            (kept.files.clone(), kept.unsaved.clone())
        };
        for file in files {
            let read = threads.run(move || catch_io(|| shares::read(&shares_file::read(&file)?)));
            each(&read.await??);
        }
        each(&unsaved);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
