//! Appends records, and unlinks what is done with.

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
/// Size from which a segment is closed when everything in it is done with, in bytes, so that little has
/// to be read again after a death.
const DONE_SEGMENT: u64 = 64 << 10;

/// The segments of a slot.
pub struct Segments {
    slot: Slot,
    max_bytes: u64,
    /// Size at which a segment is closed.
    segment_bytes: u64,
    /// From the oldest to the newest, the active one included.
    all: VecDeque<Segment>,
    active: Option<Active>,
    next_number: u64,
    /// Files with what has not been synced, and whether one of them is new.
    unsynced: Vec<Arc<File>>,
    is_folder_unsynced: bool,
    /// Whoever wrote what was there may not have come to sync it.
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

/// Where records were appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    pub start: Position,
    pub end: Position,
}

/// What the segments take, and when something can be unlinked.
#[derive(Debug, Clone, Default)]
pub struct SpoolStatus {
    /// Grows with each change: of two the higher is the newer.
    pub version: u64,
    pub bytes: u64,
    /// The highest number in the oldest segment that is not appended to any more.
    pub oldest_closed: Option<i64>,
    /// Everything may be unlinked that is done with, the active segment included.
    pub is_worth_closing: bool,
    /// Once half of the bound is taken: the segments that are not appended to any more.
    pub closed: Arc<[ClosedSegment]>,
}

/// A segment that is not appended to any more, with records above the one number and not above the other.
#[derive(Debug, Clone, Copy)]
pub struct ClosedSegment {
    pub number: u64,
    pub bytes: u64,
    pub after: i64,
    pub last: i64,
}

/// What has to be synced.
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
    /// Those that are in the slot will only be read.
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

    /// Where reading begins, if there is something to read.
    pub fn beginning(&self) -> Option<Position> {
        let oldest = self.all.front()?;
        Some(Position {
            segment: oldest.number,
            offset: 0,
        })
    }

    /// Where the next record will be, unless another segment is begun.
    pub fn end(&self) -> Position {
        match &self.active {
            Some(active) => Position {
                segment: active.number,
                offset: active.end,
            },
            None => Position {
                segment: self
                    .all
                    .back()
                    .map_or(self.next_number, |one| one.number + 1),
                offset: 0,
            },
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

    /// Does what the first record would have to wait for, or would fail of.
    pub fn prepare(&mut self) -> io::Result<()> {
        self.slot.reserve(self.slot.first_seq())?;
        self.active().map(drop)
    }

    /// Appends whole frames, of which the last has this number. After an error nothing of them is there.
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
            // Else the next frames would follow a part of these.
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

    /// What was appended since the last call, to be synced without holding up the next append.
    pub fn take_unsynced(&mut self) -> io::Result<Unsynced> {
        if self
            .active
            .as_ref()
            .is_some_and(|active| files::is_removed(&active.file))
        {
            // What is appended to it is gone with the process.
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

    /// A file that could not be synced is not trusted again: the next record begins another.
    pub fn roll(&mut self) {
        self.active = None;
    }

    /// The next record begins a segment of this writer.
    pub fn rename_writer(&mut self, writer: &str) -> io::Result<()> {
        self.active = None;
        self.slot.rename_writer(writer)
    }

    /// Something in this segment could not be read.
    pub fn mark_damaged(&mut self, segment: u64) {
        for one in self.all.iter_mut().filter(|one| one.number == segment) {
            one.is_damaged = true;
        }
    }

    /// Unlinks the oldest segment if its records are all done with, one at a time since appends wait for
    /// it; with `active`, also the one that is appended to.
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
        self.unlink(0)
    }

    /// Unlinks the segment with this number, which is not appended to any more.
    pub fn release_one(&mut self, number: u64) -> io::Result<()> {
        self.version += 1;
        let place = self.all.iter().position(|one| one.number == number);
        place.map_or(Ok(()), |place| self.unlink(place))
    }

    /// One with damage is kept under another name.
    fn unlink(&mut self, index: usize) -> io::Result<()> {
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
