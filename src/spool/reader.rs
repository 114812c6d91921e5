//! Reader of segments, in batches. It skips damaged bytes and counts them; the incomplete frame or the
//! zeros that a crash leaves at the end of a segment are not damage. What the disk cannot read is an error, which
//! may go by; to who has waited for long enough it is damage, unless the disk reads nothing of the file: then the
//! disk is away, not the file damaged.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use super::files::{self, segment_name, segments_in};
use super::segment_format::{self, HEADER, Parsed};

/// Bytes that a disk can read or not.
const BLOCK: u64 = 4 << 10;

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

/// Whether the disk cannot read what is there.
pub fn is_of_disk(error: &io::Error) -> bool {
    #[cfg(unix)]
    let codes = {
        use rustix::io::Errno;
        [Errno::IO, Errno::BADMSG].map(Errno::raw_os_error)
    };
    // ERROR_CRC, ERROR_SECTOR_NOT_FOUND and ERROR_IO_DEVICE.
    #[cfg(windows)]
    let codes = [23, 27, 1117];
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}

/// Reads about `budget` bytes of one segment, at least one frame if there is one. `until` is the end of the
/// appended records; `near` is the number of a record close by, if one is known. What the disk cannot read is
/// damage if `is_final`.
pub fn read(
    slot: &Path,
    from: Position,
    until: Position,
    near: Option<i64>,
    budget: usize,
    is_final: bool,
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
                is_final,
                has_gap: false,
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

struct OpenSegment<F> {
    file: F,
    end: u64,
    /// The number of a record close by.
    near: Option<i64>,
    /// What the disk cannot read is damage.
    is_final: bool,
    /// Whether there was some of that in what was read last.
    has_gap: bool,
}

impl<F: Read + Seek> OpenSegment<F> {
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
        self.has_gap = false;
        match self.all_bytes(start, length) {
            Err(error) if self.is_final && is_of_disk(&error) => self.readable_bytes(start, length),
            bytes => bytes,
        }
    }

    fn all_bytes(&mut self, start: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(length as usize);
        self.file.seek(SeekFrom::Start(start))?;
        let file = self.file.by_ref();
        file.take(length).read_to_end(&mut bytes)?;
        // Somebody may have truncated the file meanwhile.
        bytes.resize(length as usize, 0);
        Ok(bytes)
    }

    /// With zeros in place of what the disk cannot read, if it reads anything here or at the beginning of the file.
    fn readable_bytes(&mut self, start: u64, length: u64) -> io::Result<Vec<u8>> {
        let (mut bytes, end) = (Vec::with_capacity(length as usize), start + length);
        let mut is_there = false;
        while (bytes.len() as u64) < length {
            let at = start + bytes.len() as u64;
            let block = (BLOCK - at % BLOCK).min(end - at);
            match self.all_bytes(at, block) {
                Err(error) if is_of_disk(&error) => {
                    self.has_gap = true;
                    bytes.resize(bytes.len() + block as usize, 0);
                }
                read => {
                    bytes.extend(read?);
                    is_there = true;
                }
            }
        }
        if !is_there {
            self.all_bytes(0, HEADER as u64)?;
        }
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
        if !is_left_by_crash || self.has_gap {
            batch.damaged += rest.len() as u64;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Of a disk that cannot read: `EIO`, or `ERROR_IO_DEVICE` of Windows.
    const UNREADABLE: i32 = if cfg!(windows) { 1117 } else { 5 };
    /// `EACCES`, or `ERROR_ACCESS_DENIED`.
    const DENIED: i32 = if cfg!(windows) { 5 } else { 13 };

    /// A file of which the disk cannot read a part.
    struct Bad {
        bytes: Cursor<Vec<u8>>,
        bad: Range<u64>,
    }

    impl Read for Bad {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let at = self.bytes.position();
            if self.bad.contains(&at) {
                return Err(io::Error::from_raw_os_error(UNREADABLE));
            }
            let good = self.bad.start.checked_sub(at).unwrap_or(u64::MAX);
            let length = buffer.len().min(good as usize);
            self.bytes.read(&mut buffer[..length])
        }
    }

    impl Seek for Bad {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.bytes.seek(to)
        }
    }

    /// Records of about 1 KiB.
    const RECORDS: i64 = 40;

    fn segment(bad: Range<u64>, is_final: bool) -> OpenSegment<Bad> {
        let mut bytes = vec![0; HEADER];
        for seq in 1..=RECORDS {
            segment_format::append(&mut bytes, seq, |body| body.resize(body.len() + 1_000, 7));
        }
        let end = bytes.len() as u64;
        let bytes = Cursor::new(bytes);
        OpenSegment {
            file: Bad { bytes, bad },
            end,
            near: None,
            is_final,
            has_gap: false,
        }
    }

    /// The numbers of the records that are read, and the bytes of damage.
    fn read_all(mut segment: OpenSegment<Bad>) -> io::Result<(Vec<i64>, u64)> {
        let (mut at, mut seqs, mut damaged) = (Some(HEADER as u64), Vec::new(), 0);
        while let Some(start) = at {
            let mut batch = ReadBatch::default();
            at = segment.read(start, 8 << 10, &mut batch)?;
            seqs.extend(batch.frames().map(|(seq, _)| seq));
            damaged += batch.damaged;
        }
        Ok((seqs, damaged))
    }

    #[test]
    fn an_error_is_of_the_disk_only_if_it_cannot_read() {
        assert!(is_of_disk(&io::Error::from_raw_os_error(UNREADABLE)));
        assert!(!is_of_disk(&io::Error::from_raw_os_error(DENIED)));
        assert!(!is_of_disk(&io::Error::other("no file")));
    }

    #[test]
    fn what_the_disk_cannot_read_is_an_error_and_damage_in_the_end() {
        let end = segment(0..0, false).end;
        for (bad, lost) in [(12_288..20_480, 8..=10), (end - 5_000..end, 5..=9)] {
            let error = read_all(segment(bad.clone(), false)).expect_err("unreadable");
            assert!(is_of_disk(&error));
            let (seqs, damaged) = read_all(segment(bad.clone(), true)).expect("read");
            let missing = RECORDS as usize - seqs.len();
            assert!(lost.contains(&missing), "{missing} records at {bad:?}");
            assert!(damaged >= bad.end - bad.start, "{damaged} at {bad:?}");
            assert!(seqs.is_sorted());
        }
        assert_eq!(read_all(segment(0..0, true)).expect("read").1, 0);
        let error = read_all(segment(0..end, true)).expect_err("a disk that is away");
        assert!(is_of_disk(&error));
    }
}
