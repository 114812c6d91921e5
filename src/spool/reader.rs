//! Reader of segments, in batches. It skips damaged bytes and counts them; the incomplete frame or the
//! zeros that a crash leaves at the end of a segment are not damage.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use super::files::{self, segment_name, segments_in};
use super::segment_format::{self, HEADER, Parsed};

/// A position in the segments of a slot: the beginning of a frame. That of the first frame of a segment may
/// have offset 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub segment: u64,
    pub offset: u64,
}

impl Position {
    /// The beginning of a segment.
    pub fn start_of(segment: u64) -> Position {
        Position { segment, offset: 0 }
    }
}

/// Consecutive frames of one segment.
#[derive(Debug, Default)]
pub struct ReadBatch {
    bytes: Vec<u8>,
    frames: Vec<(i64, Range<usize>)>,
    /// The position to read on from; `None` at the end.
    pub next: Option<Position>,
    /// Bytes that should be frames and are not.
    pub damaged: u64,
}

impl ReadBatch {
    /// The records, each with its number.
    pub fn frames(&self) -> impl Iterator<Item = (i64, &[u8])> {
        let frames = self.frames.iter();
        frames.map(|(seq, range)| (*seq, segment_format::body(&self.bytes[range.clone()])))
    }

    /// The number of the last record.
    pub fn last(&self) -> Option<i64> {
        self.frames.last().map(|(seq, _)| *seq)
    }
}

/// Reads about `budget` bytes of one segment, at least one frame if there is one. `until` is the end of the
/// appended records; `near` is the number of a record close by, if one is known.
pub fn read(
    slot: &Path,
    from: Position,
    until: Position,
    near: Option<i64>,
    budget: usize,
) -> io::Result<ReadBatch> {
    let mut batch = ReadBatch::default();
    let stopped_at = match files::open(&slot.join(segment_name(from.segment))) {
        Ok(file) => {
            let end = file.metadata()?.len();
            let mut segment = OpenSegment {
                file,
                end: match from.segment == until.segment {
                    true => end.min(until.offset),
                    false => end,
                },
                // Records of the segment before may be much older.
                near: near.filter(|_| from.offset > HEADER as u64),
            };
            segment.read(from.offset.max(HEADER as u64), budget, &mut batch)?
        }
        // Deleted, or no segment has had this number.
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    batch.next = match stopped_at {
        Some(offset) => Some(Position { offset, ..from }),
        None => after(slot, from.segment, until)?,
    };
    Ok(batch)
}

/// The beginning of the segment after this one.
fn after(slot: &Path, segment: u64, until: Position) -> io::Result<Option<Position>> {
    let numbers = match segments_in(slot) {
        // Somebody deleted the slot.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        numbers => numbers?,
    };
    let next = numbers.into_iter().find(|number| *number > segment);
    let beginning = next.map(Position::start_of);
    Ok(beginning.filter(|beginning| *beginning < until))
}

struct OpenSegment {
    file: File,
    end: u64,
    /// The number of a record close by.
    near: Option<i64>,
}

impl OpenSegment {
    /// Reads frames from an offset; returns the offset to read on from, `None` at the end.
    fn read(
        &mut self,
        start: u64,
        budget: usize,
        batch: &mut ReadBatch,
    ) -> io::Result<Option<u64>> {
        let left = self.end.saturating_sub(start);
        batch.bytes = self.bytes(start, left.min(budget as u64))?;
        let mut at = 0;
        while (at as u64) < left {
            match segment_format::parse(&batch.bytes[at..]) {
                Parsed::Frame { seq, length } => {
                    batch.frames.push((seq, at..at + length));
                    at += length;
                }
                Parsed::Truncated(length) if (at + length) as u64 <= left => {
                    if at > 0 {
                        return Ok(Some(start + at as u64));
                    }
                    batch.bytes = self.bytes(start, length as u64)?;
                }
                parsed => return self.skip(start + at as u64, parsed, batch),
            }
        }
        Ok(None)
    }

    fn bytes(&mut self, start: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(length as usize);
        self.file.seek(SeekFrom::Start(start))?;
        (&self.file).take(length).read_to_end(&mut bytes)?;
        // Somebody may have truncated the file meanwhile.
        bytes.resize(length as usize, 0);
        Ok(bytes)
    }

    /// The offset of the next frame behind damage; `None` when there is none. A truncated frame, or zeros,
    /// at the end are left by a crash.
    fn skip(
        &mut self,
        start: u64,
        parsed: Parsed,
        batch: &mut ReadBatch,
    ) -> io::Result<Option<u64>> {
        let rest = self.bytes(start, self.end - start)?;
        let near = batch.last().or(self.near);
        if let Some(next) = (1..rest.len()).find(|at| segment_format::is_frame(&rest[*at..], near))
        {
            batch.damaged += next as u64;
            return Ok(Some(start + next as u64));
        }
        let is_left_by_crash =
            matches!(parsed, Parsed::Truncated(_)) || rest.iter().all(|byte| *byte == 0);
        if !is_left_by_crash {
            batch.damaged += rest.len() as u64;
        }
        Ok(None)
    }
}
