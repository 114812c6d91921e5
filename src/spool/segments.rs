//! Segments of a slot: append, sync, delete. Their total size is bounded; a full spool refuses records and
//! takes them again when segments were deleted.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bson::Document;

use super::contents::Segment;
use super::files;
use super::reader::Position;
use super::segment_format::{HEADER, Header, Version};
use super::slot::Slot;
use super::writer_file::Changed;
use crate::util::failpoint::failpoint;

/// Size at which a segment is closed, in bytes.
pub const SEGMENT_BYTES: u64 = 16 << 20;
/// Size from which a segment is closed when all its records are done, in bytes. It bounds the records that
/// are read again after a crash.
const DONE_SEGMENT: u64 = 64 << 10;

/// Below every record number: the highest number in a segment without records.
pub const NO_RECORD: i64 = i64::MIN;

pub struct Segments {
    slot: Slot,
    max_bytes: u64,
    /// Size at which a segment is closed.
    segment_bytes: u64,
    /// Those that are not appended to any more, from the oldest to the newest.
    closed: VecDeque<Segment>,
    /// The one to append to.
    active: Option<Active>,
    next_number: u64,
    /// Files that were written to since the last sync.
    unsynced: Vec<Arc<File>>,
    /// One of them is new.
    is_folder_unsynced: bool,
    /// Earlier processes may have died before they synced the segments that were found.
    are_found_unsynced: bool,
    version: u64,
}

struct Active {
    file: Arc<File>,
    version: Version,
    segment: Segment,
}

impl Active {
    fn end(&self) -> Position {
        Position {
            segment: self.segment.number,
            offset: self.segment.bytes,
        }
    }
}

/// The size of the segments, and what can be deleted.
#[derive(Debug, Clone, Default)]
pub struct SpoolStatus {
    /// Grows with each change: of two statuses the one with the higher version is newer.
    pub version: u64,
    pub bytes: u64,
    /// The highest number in the oldest segment that is not appended to any more.
    pub oldest_closed: Option<i64>,
    /// The highest number in the active segment, or [`NO_RECORD`].
    pub last_active: Option<i64>,
    /// The active segment is long enough to be deleted, too, once all its records are done.
    pub is_worth_closing: bool,
    /// The segments that are not appended to any more, once half of the bound is taken.
    pub closed: Arc<[ClosedSegment]>,
}

/// A segment that is not appended to any more. Its records have numbers above `after` and up to `last`.
#[derive(Debug, Clone, Copy)]
pub struct ClosedSegment {
    pub number: u64,
    pub bytes: u64,
    pub after: i64,
    pub last: i64,
}

/// Files to sync.
pub struct Unsynced {
    files: Vec<Arc<File>>,
    folder: Option<PathBuf>,
}

impl Unsynced {
    /// Waits until the disk has it.
    pub fn sync(self) -> io::Result<()> {
        for file in &self.files {
            failpoint!("sync");
            file.sync_data()?;
        }
        match self.folder {
            Some(folder) => files::sync_folder(&folder),
            None => Ok(()),
        }
    }
}

impl Segments {
    /// Segments that were found in the slot will only be read.
    pub fn new(slot: Slot, max_bytes: u64, segment_bytes: u64) -> Self {
        Self {
            closed: slot.found().iter().copied().collect(),
            next_number: slot.next_number(),
            slot,
            max_bytes,
            segment_bytes,
            active: None,
            unsynced: Vec::new(),
            is_folder_unsynced: false,
            are_found_unsynced: true,
            version: 0,
        }
    }

    pub fn slot(&self) -> &Slot {
        &self.slot
    }

    /// The totals that a process before this one could not add.
    pub fn take_totals(&mut self) -> Option<Document> {
        self.slot.take_totals()
    }

    /// From the oldest to the newest, the active one last.
    fn all(&self) -> impl Iterator<Item = &Segment> {
        let active = self.active.iter().map(|active| &active.segment);
        self.closed.iter().chain(active)
    }

    /// The position of the oldest record, if there are segments.
    pub fn beginning(&self) -> Option<Position> {
        let oldest = self.all().next();
        oldest.map(|oldest| Position::start_of(oldest.number))
    }

    /// The position of the next record, unless it begins another segment.
    pub fn end(&self) -> Position {
        let active = self.active.as_ref().map(Active::end);
        active.unwrap_or(Position::start_of(self.next_number))
    }

    pub fn status(&self) -> SpoolStatus {
        let active = self.active.as_ref();
        SpoolStatus {
            version: self.version,
            bytes: self.bytes(),
            oldest_closed: self.closed.front().map(|oldest| oldest.last),
            last_active: active.map(|active| active.segment.last),
            is_worth_closing: active.is_some_and(|active| active.segment.bytes >= DONE_SEGMENT),
            closed: match self.bytes() > self.max_bytes / 2 {
                true => self.closed(),
                false => Arc::default(),
            },
        }
    }

    fn closed(&self) -> Arc<[ClosedSegment]> {
        let mut after = i64::MIN;
        let closed = self.closed.iter().map(|segment| ClosedSegment {
            number: segment.number,
            bytes: segment.bytes,
            after: std::mem::replace(&mut after, segment.last),
            last: segment.last,
        });
        closed.collect()
    }

    fn bytes(&self) -> u64 {
        self.all().map(|segment| segment.bytes).sum()
    }

    /// Reserves numbers and begins a segment, so that the first record neither waits nor fails for that.
    pub fn prepare(&mut self) -> io::Result<()> {
        self.slot.reserve(self.slot.first_seq())?;
        self.active(Version::First).map(drop)
    }

    /// Appends whole frames that need this version, of which the last has this number; returns their position.
    /// After an error none of them is stored.
    pub fn append(
        &mut self,
        frames: &[u8],
        version: Version,
        last: i64,
    ) -> io::Result<Range<Position>> {
        failpoint!("append:before");
        self.version += 1;
        if self.bytes() + frames.len() as u64 > self.max_bytes {
            return Err(ErrorKind::StorageFull.into());
        }
        self.slot.reserve(last)?;
        let active = self.active(version)?;
        if let Err(error) = (&*active.file).write_all(frames) {
            // Otherwise the next frames would follow a part of these.
            if active.file.set_len(active.segment.bytes).is_err() {
                self.roll();
            }
            return Err(error);
        }
        let start = active.end();
        active.segment.bytes += frames.len() as u64;
        active.segment.last = last;
        let (end, file) = (active.end(), Arc::clone(&active.file));
        if !self.unsynced.iter().any(|other| Arc::ptr_eq(other, &file)) {
            self.unsynced.push(file);
        }
        failpoint!("append:after");
        Ok(start..end)
    }

    /// The segment to append frames of this version to.
    fn active(&mut self, version: Version) -> io::Result<&mut Active> {
        let segment_bytes = self.segment_bytes;
        let is_over =
            |active: &Active| active.segment.bytes >= segment_bytes || active.version < version;
        if self.active.as_ref().is_some_and(is_over) {
            self.roll();
        }
        let active = match self.active.take() {
            Some(active) => active,
            None => self.begin(version)?,
        };
        Ok(self.active.insert(active))
    }

    fn begin(&mut self, version: Version) -> io::Result<Active> {
        self.slot.restore()?;
        let number = self.next_number;
        let path = self.path_of(number);
        let mut file = files::create_new(&path)?;
        failpoint!("begin");
        self.next_number += 1;
        let header = Header {
            version,
            writer: self.slot.writer().to_owned(),
            target: self.slot.target(),
        };
        if let Err(error) = file.write_all(&header.to_bytes()) {
            drop(fs::remove_file(&path));
            return Err(error);
        }
        self.is_folder_unsynced = true;
        Ok(Active {
            file: Arc::new(file),
            version,
            segment: Segment {
                number,
                bytes: HEADER as u64,
                last: NO_RECORD,
                is_damaged: false,
            },
        })
    }

    fn path_of(&self, segment: u64) -> PathBuf {
        self.slot.path().join(files::segment_name(segment))
    }

    /// The files to sync since the last call, so that the next append need not wait for the sync.
    pub fn take_unsynced(&mut self) -> Unsynced {
        let is_lost = |active: &Active| {
            let path = self.path_of(active.segment.number);
            !files::is_same(&active.file, &path)
        };
        if self.active.as_ref().is_some_and(is_lost) {
            // Somebody deleted the file: records in it would be lost with this process.
            self.roll();
        }
        if std::mem::take(&mut self.are_found_unsynced) {
            let found = self.slot.found().iter();
            let files =
                found.filter_map(|found| files::open_to_sync(&self.path_of(found.number)).ok());
            let files: Vec<_> = files.map(Arc::new).collect();
            self.unsynced.extend(files);
        }
        let is_folder_unsynced = std::mem::take(&mut self.is_folder_unsynced);
        Unsynced {
            files: std::mem::take(&mut self.unsynced),
            folder: is_folder_unsynced.then(|| self.slot.path().to_owned()),
        }
    }

    /// The next record begins another segment. To be called after a failed sync: the kernel may have
    /// discarded what it could not write, and later syncs of the file would not say so.
    pub fn roll(&mut self) {
        let active = self.active.take();
        self.closed.extend(active.map(|active| active.segment));
    }

    pub fn change_writers(&mut self, changed: &Changed) -> io::Result<()> {
        self.slot.change_writers(changed)
    }

    /// Keeps this segment under another name when it is done, since parts of it could not be read.
    pub fn mark_damaged(&mut self, segment: u64) {
        let active = self.active.iter_mut().map(|active| &mut active.segment);
        let mut all = self.closed.iter_mut().chain(active);
        if let Some(segment) = all.find(|one| one.number == segment) {
            segment.is_damaged = true;
        }
    }

    /// Deletes the oldest segment if its records up to `done` are all there are. One at a time, since
    /// appends wait for it. The active segment is deleted only with `active`.
    pub fn release(&mut self, done: i64, active: bool) -> io::Result<()> {
        self.version += 1;
        let is_active_done = |active: &Active| active.segment.last <= done;
        if active && self.closed.is_empty() && self.active.as_ref().is_some_and(is_active_done) {
            self.roll();
        }
        match self.closed.front() {
            Some(oldest) if oldest.last <= done => self.delete(0),
            _ => Ok(()),
        }
    }

    /// Deletes the segment with this number, which is not appended to any more.
    pub fn release_one(&mut self, number: u64) -> io::Result<()> {
        self.version += 1;
        let index = self.closed.iter().position(|one| one.number == number);
        index.map_or(Ok(()), |index| self.delete(index))
    }

    /// A damaged segment is renamed instead.
    fn delete(&mut self, index: usize) -> io::Result<()> {
        failpoint!("release:before");
        let segment = self.closed[index];
        let path = self.path_of(segment.number);
        files::unless_missing(match segment.is_damaged {
            true => files::keep_damaged(&path),
            false => fs::remove_file(&path),
        })?;
        self.closed.remove(index);
        failpoint!("release:after");
        Ok(())
    }
}
