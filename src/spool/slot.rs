//! A slot: a folder that belongs to one process at a time, with the segments of one writer id.
//!
//! The slot is locked, and the kernel frees the lock when the process dies. The next process takes over a
//! free slot with its records and its writer id, so that there are as many ids as processes that run at
//! once, however often they restart.
//!
//! Two processes must not use one id. `writer.json` says where the id is valid: on which machine, since
//! which boot, as which file. A copied or restored folder fails this check. Its records are written under
//! their old id, which repeats nothing; new records get another id. Where two processes use one id all the same,
//! the one that finds out goes on under others, queue by queue; the slot and its segments keep the id that they have.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use bson::Document;

use super::contents::{Contents, Segment};
use super::cursor_file::{cursors_in, remove_cursor};
use super::files;
use super::shares_file;
use super::totals_file::{self, KeptTotals, TotalsFile};
use super::writer_file::{Changed, NextWriter, WriterFile};
use crate::record::sequence::first_seq;
use crate::record::target::Target;
use crate::util::clock::system_ms;
use crate::util::failpoint::failpoint;
use crate::util::random::random_id;

const LOCK: &str = "owner.lock";
/// Numbers that are reserved at once.
const STEP: i64 = 1 << 30;

/// A slot that belongs to this process until this is dropped.
pub struct Slot {
    path: PathBuf,
    lock: File,
    target: Target,
    writer: String,
    first_seq: i64,
    /// As they were found, but for the bound of numbers.
    contents: Contents,
}

impl Slot {
    /// `None` when another process has it.
    pub fn open(path: PathBuf, target: Target) -> io::Result<Option<Slot>> {
        let Some(lock) = lock(&path)? else {
            return Ok(None);
        };
        files::remove_unfinished(&path)?;
        let mut contents = Contents::scan(&path, target)?;
        let has_totals = contents.totals.is_some() || contents.are_totals_damaged;
        if contents.is_complete && !has_totals {
            // A crash has left them.
            shares_file::remove_others(&path, &[])?;
        }
        // In whole steps of a millisecond, so that a number tells to which process it belongs.
        let now = first_seq(system_ms());
        let first_seq = (now.max(contents.bound) >> 20).saturating_add(1) << 20 | 1;
        contents.limit(first_seq - 1);
        Ok(Some(Slot {
            path,
            lock,
            target,
            writer: contents.writer.clone().unwrap_or_else(random_id),
            first_seq,
            contents,
        }))
    }

    /// Whether new records may follow those that were found.
    pub fn takes_records(&self) -> bool {
        let found = &self.contents;
        found.is_complete && (found.is_valid || self.is_empty())
    }

    /// Whether no process before this one has left anything.
    pub fn is_empty(&self) -> bool {
        self.contents.segments.is_empty() && self.contents.totals.is_none()
    }

    /// The totals that a process before this one could not add.
    pub fn take_totals(&mut self) -> Option<Document> {
        self.contents.totals.take().map(|file| file.totals)
    }

    /// There were such totals, and they cannot be read.
    pub fn are_totals_damaged(&self) -> bool {
        self.contents.are_totals_damaged
    }

    /// What keeps the totals that wait, or nothing, in place of what is kept. It syncs, and nothing else of the
    /// slot has to wait for that. It fails when the slot is another process's by now, whose totals it would
    /// replace.
    pub fn keep_totals(
        &self,
        totals: Option<KeptTotals>,
    ) -> impl FnOnce() -> io::Result<()> + use<> {
        let (path, writer, target) = (self.path.clone(), self.writer.clone(), self.target);
        let is_ours = self.verify();
        move || {
            is_ours?;
            match totals {
                Some(kept) => {
                    let file = TotalsFile::new(writer, target, kept.totals, kept.version);
                    let shares: Vec<_> = kept.shares.iter().map(|one| one.0.clone()).collect();
                    let mut all = kept.shares.into_iter();
                    let written = all
                        .try_for_each(|(path, content)| shares_file::write(&path, content))
                        .and_then(|()| file.write(&path));
                    match written {
                        // What is left is removed the next time.
                        Ok(()) => drop(shares_file::remove_others(&path, &kept.files)),
                        Err(_) if file.may_be_in(&path) => {}
                        // Else they would fill a disk that takes no totals.
                        Err(_) => shares.iter().for_each(|path| drop(fs::remove_file(path))),
                    }
                    written
                }
                None => {
                    totals_file::remove(&path)?;
                    shares_file::remove_others(&path, &[])
                }
            }
        }
    }

    /// The number of the first record of this process: higher than any that was used under this id.
    pub fn first_seq(&self) -> i64 {
        self.first_seq
    }

    /// Reserves numbers up to `last` before they are written, so that no later process uses them.
    pub fn reserve(&mut self, last: i64) -> io::Result<()> {
        if last <= self.contents.bound {
            return Ok(());
        }
        let bound = last.saturating_add(STEP);
        self.write_writer(bound, &self.contents.changed)?;
        self.contents.bound = bound;
        Ok(())
    }

    fn write_writer(&self, bound: i64, changed: &Changed) -> io::Result<()> {
        WriterFile::write(&self.path, &self.writer, bound, changed)
    }

    /// Creates the folder and its lock again if they were removed.
    pub fn restore(&mut self) -> io::Result<()> {
        if self.verify().is_ok() {
            return Ok(());
        }
        files::create_folder(&self.path)?;
        let lock = lock(&self.path)?.filter(|_| {
            let contents = Contents::scan(&self.path, self.target);
            contents.is_ok_and(|contents| contents.segments.is_empty() && contents.totals.is_none())
        });
        self.lock = lock.ok_or_else(lost)?;
        self.write_writer(self.contents.bound, &self.contents.changed)
    }

    /// Queues go on under other ids. After an error the disk may have taken it nevertheless.
    pub fn change_writers(&mut self, changed: &Changed) -> io::Result<()> {
        self.restore()?;
        let mut all = self.contents.changed.clone();
        all.extend(changed.clone());
        failpoint!("change:before");
        self.write_writer(self.contents.bound, &all)?;
        failpoint!("change:after");
        self.contents.changed = all;
        Ok(())
    }

    /// The id under which a queue has gone on, if it has another than the slot.
    pub fn next_writer(&self, queue: &str) -> Option<&NextWriter> {
        self.contents.changed.get(queue)
    }

    /// Ends the use of the id if it is not valid here, once its records are written: neither the id nor a
    /// cursor under its numbers is used again.
    pub fn retire(&self) -> io::Result<()> {
        if self.contents.is_valid {
            return Ok(());
        }
        for name in cursors_in(&self.path)? {
            remove_cursor(&self.path, &name)?;
        }
        WriterFile::remove(&self.path)
    }

    /// Fails when the folder was removed, and another process may have made its own in its place.
    pub fn verify(&self) -> io::Result<()> {
        match files::is_same(&self.lock, &self.path.join(LOCK)) {
            true => Ok(()),
            false => Err(lost()),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number that is the name of the folder.
    pub fn number(&self) -> u64 {
        let name = self.path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse().ok()).unwrap_or(0)
    }

    pub fn target(&self) -> Target {
        self.target
    }

    pub fn writer(&self) -> &str {
        &self.writer
    }

    /// No process has used the id before.
    pub fn is_new_writer(&self) -> bool {
        self.contents.writer.is_none()
    }

    /// The segments of earlier processes, from the oldest to the newest.
    pub fn found(&self) -> &[Segment] {
        &self.contents.segments
    }

    pub fn next_number(&self) -> u64 {
        self.contents.next_number
    }
}

/// Locks a folder against other processes; `None` when one has it.
fn lock(slot: &Path) -> io::Result<Option<File>> {
    // A link may lead anywhere.
    if !fs::symlink_metadata(slot)?.is_dir() {
        return Ok(None);
    }
    files::check_owner(slot)?;
    let file = files::open_or_create(&slot.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn lost() -> io::Error {
    io::Error::other("the folder of the slot was removed, or replaced by another process")
}
