//! Whose records are whose: slots, their locks, and the ids under which records are numbered.
//!
//! A slot belongs to one process at a time, by a lock that the kernel frees when the process dies. The
//! next one takes over a free slot with its records and its writer id, so that ids count the processes
//! that run at once, not their restarts.
//!
//! An id must not be used by two. `writer.json` says where it is valid: on which machine, since which
//! boot, as which file. In a copy that was made of the folder this does not hold, and in one that was
//! put back neither. The records of such a slot are written under their old id, which repeats nothing;
//! new ones get another id.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::cursor_file::{cursors_in, remove_cursor};
use super::files;
use super::segment_format::{self, HEADER, Header, Parsed, Unreadable};
use super::writer_file::WriterFile;
use crate::record::sequence::first_seq;
use crate::record::target::Target;
use crate::util::clock::system_ms;
use crate::util::random::random_id;

const LOCK: &str = "owner.lock";
/// Numbers that are reserved at once.
const STEP: i64 = 1 << 30;
/// Slots that may be there; a process that finds as many locked has gone wrong.
const MOST_SLOTS: u32 = 10_000;

/// A slot that is ours until it is dropped.
pub struct Slot {
    path: PathBuf,
    /// Locked.
    lock: File,
    target: Target,
    writer: String,
    /// Nobody has used the id before.
    is_new_writer: bool,
    /// The id was given here.
    is_valid: bool,
    /// Numbers up to this one may have been used.
    bound: i64,
    first_seq: i64,
    found: Vec<FoundSegment>,
    next_number: u64,
}

/// A segment that was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundSegment {
    pub number: u64,
    pub bytes: u64,
    /// No record in it has a higher number.
    pub last: i64,
}

/// Takes a slot for the records of this process: one that was left with records, else an empty one,
/// else a new one.
pub fn claim(spool: &Path, target: Target) -> io::Result<Slot> {
    files::create_folder(spool)?;
    let mut empty = None;
    for number in files::slots_in(spool)? {
        let Some((slot, found)) = Slot::free(spool, number, target) else {
            continue;
        };
        if found.segments.is_empty() && found.is_whole {
            empty.get_or_insert(slot);
        } else if found.is_whole && found.is_valid {
            return slot.taken(found);
        }
    }
    match empty {
        Some(slot) => {
            let found = slot.look()?;
            slot.taken(found)
        }
        None => new_slot(spool, target),
    }
}

/// Takes a slot whose process has died, to write its records and nothing else.
/// Of several that of the next number `after` one, and then from the first on.
pub fn claim_abandoned(spool: &Path, target: Target, after: u64) -> io::Result<Option<Slot>> {
    let mut numbers = files::slots_in(spool)?;
    let next = numbers.partition_point(|number| *number <= after);
    numbers.rotate_left(next);
    for number in numbers {
        let Some((slot, found)) = Slot::free(spool, number, target) else {
            continue;
        };
        if !found.segments.is_empty() {
            return slot.taken(found).map(Some);
        }
    }
    Ok(None)
}

fn new_slot(spool: &Path, target: Target) -> io::Result<Slot> {
    for number in 0..MOST_SLOTS {
        let path = spool.join(number.to_string());
        match fs::create_dir(&path) {
            Ok(()) => {
                files::restrict(&path)?;
                // Somebody who looks for a slot may be quicker.
                if let Some(slot) = Slot::lock(path, target)? {
                    let found = slot.look()?;
                    return slot.taken(found);
                }
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("there are too many slots"))
}

/// What is in a slot.
struct Contents {
    /// Of one writer and our target, from the oldest; none if the oldest is of another target.
    segments: Vec<FoundSegment>,
    /// Nothing else is there.
    is_whole: bool,
    writer: Option<String>,
    /// The id was given here, and so may be used on.
    is_valid: bool,
    bound: i64,
    next_number: u64,
}

impl Slot {
    /// A slot that nobody has, with what is in it. One that cannot be read, or is another user's, is as
    /// good as taken.
    fn free(spool: &Path, number: u64, target: Target) -> Option<(Slot, Contents)> {
        let slot = Slot::lock(spool.join(number.to_string()), target).ok()??;
        let contents = slot.look().ok()?;
        Some((slot, contents))
    }

    /// `None` when another process has it.
    fn lock(path: PathBuf, target: Target) -> io::Result<Option<Slot>> {
        // A link may lead anywhere.
        if !fs::symlink_metadata(&path)?.is_dir() {
            return Ok(None);
        }
        let lock = files::open(&path.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(Some(Slot {
            path,
            lock,
            target,
            writer: String::new(),
            is_new_writer: true,
            is_valid: false,
            bound: 0,
            first_seq: 0,
            found: Vec::new(),
            next_number: 1,
        }))
    }

    fn look(&self) -> io::Result<Contents> {
        let file = WriterFile::read(&self.path);
        let mut contents = Contents {
            segments: Vec::new(),
            is_whole: true,
            writer: None,
            is_valid: false,
            bound: file.as_ref().map_or(0, |file| file.bound),
            next_number: 1,
        };
        for number in files::segments_in(&self.path)? {
            contents.next_number = number + 1;
            let path = self.path.join(files::segment_name(number));
            let beginning = beginning(&path)?;
            let header = match Header::read(&beginning) {
                Ok(header) => header,
                // It holds nothing.
                Err(Unreadable::Unfinished) => {
                    fs::remove_file(path)?;
                    continue;
                }
                Err(Unreadable::NoSegment) => {
                    files::keep_damaged(&path)?;
                    continue;
                }
                Err(Unreadable::Version(_)) => {
                    contents.is_whole = false;
                    break;
                }
            };
            let writer = contents.writer.get_or_insert(header.writer.clone());
            if header.target != self.target || *writer != header.writer {
                contents.is_whole = false;
                break;
            }
            if let Parsed::Frame { seq, .. } =
                segment_format::parse(beginning.get(HEADER..).unwrap_or(&[]))
            {
                set_last(&mut contents.segments, seq - 1);
            }
            contents.segments.push(FoundSegment {
                number,
                bytes: fs::metadata(&path)?.len(),
                last: i64::MAX,
            });
        }
        contents.is_valid = file.as_ref().is_some_and(|file| {
            let is_of_segments = contents.writer.as_ref().is_none_or(|w| *w == file.writer);
            is_of_segments && file.is_valid(&self.path)
        });
        if contents.is_valid {
            contents.writer = file.map(|file| file.writer);
        }
        Ok(contents)
    }

    fn taken(mut self, contents: Contents) -> io::Result<Slot> {
        let keeps = contents.is_valid || !contents.segments.is_empty();
        self.is_new_writer = !keeps;
        self.is_valid = contents.is_valid;
        self.writer = match contents.writer {
            Some(writer) if keeps => writer,
            _ => random_id(),
        };
        self.bound = contents.bound;
        self.found = contents.segments;
        self.next_number = contents.next_number;
        let now = first_seq(system_ms());
        // In whole steps of a millisecond, so that a number tells to which process it belongs.
        self.first_seq = (now.max(self.bound) >> 20).saturating_add(1) << 20 | 1;
        set_last(&mut self.found, self.first_seq - 1);
        Ok(self)
    }

    /// The number of the first record of this process: higher than any that was used under this id.
    pub fn first_seq(&self) -> i64 {
        self.first_seq
    }

    /// Before numbers up to `last` are written: no later process may use them.
    pub fn reserve(&mut self, last: i64) -> io::Result<()> {
        if last <= self.bound {
            return Ok(());
        }
        let bound = last.saturating_add(STEP);
        WriterFile::write(&self.path, &self.writer, bound)?;
        self.bound = bound;
        Ok(())
    }

    /// Makes the folder anew if somebody has removed it; its lock is gone with it.
    pub fn restore(&mut self) -> io::Result<()> {
        if self.verify().is_ok() {
            return Ok(());
        }
        files::create_folder(&self.path)?;
        let slot = Slot::lock(self.path.clone(), self.target)?;
        let slot = slot.ok_or_else(|| io::Error::other("another process has taken the slot"))?;
        if !slot.look()?.segments.is_empty() {
            return Err(io::Error::other("the slot is no longer ours"));
        }
        self.lock = slot.lock;
        WriterFile::write(&self.path, &self.writer, self.bound)
    }

    pub fn rename_writer(&mut self, writer: &str) -> io::Result<()> {
        writer.clone_into(&mut self.writer);
        WriterFile::write(&self.path, writer, self.bound)
    }

    /// Its records are written. The id of a copy is not used again, nor are cursors under its numbers.
    pub fn retire(&self) -> io::Result<()> {
        if self.is_valid {
            return Ok(());
        }
        for name in cursors_in(&self.path)? {
            remove_cursor(&self.path, &name)?;
        }
        WriterFile::remove(&self.path)
    }

    /// Fails when somebody has removed the folder, where another process may have made its own.
    pub fn verify(&self) -> io::Result<()> {
        match files::is_same(&self.lock, &self.path.join(LOCK)) {
            true => Ok(()),
            false => Err(io::Error::other("the slot is no longer ours")),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// That of its folder.
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

    pub fn is_new_writer(&self) -> bool {
        self.is_new_writer
    }

    pub fn found(&self) -> &[FoundSegment] {
        &self.found
    }

    pub fn next_number(&self) -> u64 {
        self.next_number
    }
}

/// The records before those of a segment have lower numbers.
fn set_last(segments: &mut [FoundSegment], last: i64) {
    for segment in segments {
        segment.last = segment.last.min(last);
    }
}

/// The header and the first frame of a segment, if it is short.
fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    const SHORT: u64 = 64 << 10;
    let mut bytes = Vec::new();
    File::open(path)?.take(SHORT).read_to_end(&mut bytes)?;
    Ok(bytes)
}
