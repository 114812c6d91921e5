//! Segments of a slot: append, sync, delete. Their total size is bounded; a full spool refuses records and
//! takes them again when segments were deleted.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::files;
use super::position::Position;
use super::segment_format::{HEADER, Header};
use super::slot::Slot;
use crate::util::failpoint::failpoint;

/// Size at which a segment is closed, in bytes.
pub const SEGMENT_BYTES: u64 = 16 << 20;
/// Size from which a segment is closed when all its records are done, in bytes. It bounds the records that
/// are read again after a crash.
const DONE_SEGMENT: u64 = 64 << 10;

pub struct Segments {
    slot: Slot,
    max_bytes: u64,
    /// Size at which a segment is closed.
    segment_bytes: u64,
    /// From the oldest to the newest, the active one included.
    all: VecDeque<Segment>,
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

struct Segment {
    number: u64,
    bytes: u64,
    /// No record in it has a higher number.
    last: i64,
    is_damaged: bool,
}

struct Active {
    file: Arc<File>,
    number: u64,
    end: u64,
}

/// The position of appended records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    pub start: Position,
    pub end: Position,
}

/// The size of the segments, and what can be deleted.
#[derive(Debug, Clone, Default)]
pub struct SpoolStatus {
    /// Grows with each change: of two statuses the one with the higher version is newer.
    pub version: u64,
    pub bytes: u64,
    /// The highest number in the oldest segment that is not appended to any more.
    pub oldest_closed: Option<i64>,
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
        let found = slot.found().iter().map(|found| Segment {
            number: found.number,
            bytes: found.bytes,
            last: found.last,
            is_damaged: false,
        });
        Self {
            all: found.collect(),
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

    /// The position of the oldest record, if there are segments.
    pub fn beginning(&self) -> Option<Position> {
        self.all
            .front()
            .map(|oldest| Position::start_of(oldest.number))
    }

    /// The position of the next record, unless it begins another segment.
    pub fn end(&self) -> Position {
        match (&self.active, self.all.back()) {
            (Some(active), _) => Position {
                segment: active.number,
                offset: active.end,
            },
            (None, Some(newest)) => Position::start_of(newest.number + 1),
            (None, None) => Position::start_of(self.next_number),
        }
    }

    pub fn status(&self) -> SpoolStatus {
        let active = self.active.as_ref();
        SpoolStatus {
            version: self.version,
            bytes: self.bytes(),
            oldest_closed: self
                .all
                .front()
                .filter(|oldest| active.is_none_or(|active| active.number != oldest.number))
                .map(|oldest| oldest.last),
            is_worth_closing: active.is_some_and(|active| active.end >= DONE_SEGMENT),
            closed: match self.bytes() > self.max_bytes / 2 {
                true => self.closed(),
                false => Arc::default(),
            },
        }
    }

    fn closed(&self) -> Arc<[ClosedSegment]> {
        let active = self.active.as_ref().map(|active| active.number);
        let mut after = i64::MIN;
        let closed = self.all.iter().map(|segment| ClosedSegment {
            number: segment.number,
            bytes: segment.bytes,
            after: std::mem::replace(&mut after, segment.last),
            last: segment.last,
        });
        closed.filter(|one| Some(one.number) != active).collect()
    }

    fn bytes(&self) -> u64 {
        self.all.iter().map(|segment| segment.bytes).sum()
    }

    /// Reserves numbers and begins a segment, so that the first record neither waits nor fails for that.
    pub fn prepare(&mut self) -> io::Result<()> {
        self.slot.reserve(self.slot.first_seq())?;
        self.active().map(drop)
    }

    /// Appends whole frames, of which the last has this number. After an error none of them is stored.
    pub fn append(&mut self, frames: &[u8], last: i64) -> io::Result<Appended> {
        failpoint!("append:before");
        self.version += 1;
        if self.bytes() + frames.len() as u64 > self.max_bytes {
            return Err(ErrorKind::StorageFull.into());
        }
        self.slot.reserve(last)?;
        let active = self.active()?;
        let start = active.end;
        if let Err(error) = (&*active.file).write_all(frames) {
            // Otherwise the next frames would follow a part of these.
            if active.file.set_len(start).is_err() {
                self.active = None;
            }
            return Err(error);
        }
        active.end += frames.len() as u64;
        let (number, end, file) = (active.number, active.end, Arc::clone(&active.file));
        if let Some(segment) = self.all.back_mut() {
            segment.bytes = end;
            segment.last = last;
        }
        if !self.unsynced.iter().any(|other| Arc::ptr_eq(other, &file)) {
            self.unsynced.push(file);
        }
        failpoint!("append:after");
        let at = |offset| Position {
            segment: number,
            offset,
        };
        Ok(Appended {
            start: at(start),
            end: at(end),
        })
    }

    /// The segment to append to.
    fn active(&mut self) -> io::Result<&mut Active> {
        let segment_bytes = self.segment_bytes;
        let is_full = |active: &Active| active.end >= segment_bytes;
        let active = match self.active.take() {
            Some(active) if !is_full(&active) => active,
            _ => self.begin()?,
        };
        Ok(self.active.insert(active))
    }

    fn begin(&mut self) -> io::Result<Active> {
        self.slot.restore()?;
        let number = self.next_number;
        let path = self.slot.path().join(files::segment_name(number));
        let mut file = files::create_new(&path)?;
        failpoint!("begin");
        self.next_number += 1;
        if let Err(error) = file.write_all(&self.header().to_bytes()) {
            drop(fs::remove_file(&path));
            return Err(error);
        }
        self.is_folder_unsynced = true;
        self.all.push_back(Segment {
            number,
            bytes: HEADER as u64,
            last: i64::MIN,
            is_damaged: false,
        });
        Ok(Active {
            file: Arc::new(file),
            number,
            end: HEADER as u64,
        })
    }

    fn header(&self) -> Header {
        Header {
            writer: self.slot.writer().to_owned(),
            target: self.slot.target(),
        }
    }

    /// The files to sync since the last call, so that the next append need not wait for the sync.
    pub fn take_unsynced(&mut self) -> io::Result<Unsynced> {
        if self
            .active
            .as_ref()
            .is_some_and(|active| files::is_removed(&active.file))
        {
            // Somebody deleted the file: records in it would be lost with this process.
            self.active = None;
        }
        let folder = std::mem::take(&mut self.is_folder_unsynced);
        let folder = folder.then(|| self.slot.path().to_owned());
        if std::mem::take(&mut self.are_found_unsynced) {
            for found in self.slot.found() {
                let path = self.slot.path().join(files::segment_name(found.number));
                self.unsynced.extend(File::open(path).ok().map(Arc::new));
            }
        }
        Ok(Unsynced {
            files: std::mem::take(&mut self.unsynced),
            folder,
        })
    }

    /// The next record begins another segment. To be called after a failed sync: the kernel may have
    /// discarded what it could not write, and later syncs of the file would not say so.
    pub fn roll(&mut self) {
        self.active = None;
    }

    /// The next record begins a segment of this writer.
    pub fn rename_writer(&mut self, writer: &str) -> io::Result<()> {
        self.active = None;
        self.slot.rename_writer(writer)
    }

    /// Keeps this segment under another name when it is done, since parts of it could not be read.
    pub fn mark_damaged(&mut self, segment: u64) {
        for one in self.all.iter_mut().filter(|one| one.number == segment) {
            one.is_damaged = true;
        }
    }

    /// Deletes the oldest segment if its records up to `done` are all there are. One at a time, since
    /// appends wait for it. The active segment is deleted only with `active`.
    pub fn release(&mut self, done: i64, active: bool) -> io::Result<()> {
        self.version += 1;
        let Some(oldest) = self.all.front() else {
            return Ok(());
        };
        let is_active = self.active.as_ref().map(|one| one.number) == Some(oldest.number);
        if oldest.last > done || is_active && !active {
            return Ok(());
        }
        if is_active {
            self.active = None;
        }
        self.delete(0)
    }

    /// Deletes the segment with this number, which is not appended to any more.
    pub fn release_one(&mut self, number: u64) -> io::Result<()> {
        self.version += 1;
        let index = self.all.iter().position(|one| one.number == number);
        index.map_or(Ok(()), |index| self.delete(index))
    }

    /// A damaged segment is renamed instead.
    fn delete(&mut self, index: usize) -> io::Result<()> {
        failpoint!("release:before");
        let Some(segment) = self.all.get(index) else {
            return Ok(());
        };
        let path = self.slot.path().join(files::segment_name(segment.number));
        let removed = match segment.is_damaged {
            true => files::keep_damaged(&path),
            false => fs::remove_file(&path),
        };
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => self.all.remove(index),
        };
        failpoint!("release:after");
        Ok(())
    }
}
