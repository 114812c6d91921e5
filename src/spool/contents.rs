//! Contents of a slot: the segments of one writer and one target, from the oldest on, and the writer id, if it
//! may be used again.
//!
//! A segment without a complete header holds nothing and is deleted; a damaged one is renamed. Segments
//! of another writer, another target or a later version, and all behind them, are left for the next scan.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::files;
use super::segment_format::{self, HEADER, Header, Parsed, Unreadable};
use super::totals_file::TotalsFile;
use super::writer_file::{Changed, WriterFile};
use crate::record::target::Target;

pub struct Contents {
    pub segments: Vec<Segment>,
    /// The slot holds nothing else.
    pub is_complete: bool,
    /// Totals that wait, and whether the file of them could not be read.
    pub totals: Option<Box<TotalsFile>>,
    pub are_totals_damaged: bool,
    /// The writer of the segments or, without segments, of a valid writer file.
    pub writer: Option<String>,
    /// The queues that had another id in the end.
    pub changed: Changed,
    /// The writer file is valid here, so this process may use the id.
    pub is_valid: bool,
    /// Numbers up to this one may have been used.
    pub bound: i64,
    /// The number of the next segment.
    pub next_number: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    pub number: u64,
    pub bytes: u64,
    /// No record in it has a higher number.
    pub last: i64,
    /// Parts of it could not be read.
    pub is_damaged: bool,
}

impl Contents {
    pub fn scan(slot: &Path, target: Target) -> io::Result<Contents> {
        let file = WriterFile::read(slot);
        let totals = TotalsFile::read(slot);
        let are_totals_damaged = totals.is_err();
        let totals = totals.ok().flatten();
        let is_foreign = totals.as_ref().is_some_and(|file| !file.is_for(target));
        let totals = totals.filter(|_| !is_foreign);
        let mut contents = Contents {
            segments: Vec::new(),
            is_complete: !is_foreign,
            // Segments of another writer are left for the next scan.
            writer: totals.as_ref().map(|file| file.writer.clone()),
            totals: totals.map(Box::new),
            are_totals_damaged,
            changed: Changed::new(),
            is_valid: false,
            bound: file.as_ref().map_or(0, |file| file.bound),
            next_number: 1,
        };
        for number in files::segments_in(slot)? {
            if is_foreign {
                break;
            }
            if !contents.add(slot, number, target)? {
                contents.is_complete = false;
                break;
            }
            contents.next_number = number + 1;
        }
        if let Some(file) = file {
            contents.use_writer(slot, file);
        }
        Ok(contents)
    }

    /// False for a segment that does not belong to those before it.
    fn add(&mut self, slot: &Path, number: u64, target: Target) -> io::Result<bool> {
        let path = slot.join(files::segment_name(number));
        let beginning = beginning(&path)?;
        let header = match Header::read(&beginning) {
            Ok(header) => header,
            Err(Unreadable::Unfinished) => return fs::remove_file(path).map(|()| true),
            Err(Unreadable::Damaged) => return files::keep_damaged(&path).map(|()| true),
            Err(Unreadable::OtherVersion) => return Ok(false),
        };
        let writer = self.writer.get_or_insert(header.writer.clone());
        if header.target != target || *writer != header.writer {
            return Ok(false);
        }
        if let Parsed::Frame { seq, .. } = segment_format::parse(&beginning[HEADER..]) {
            self.limit(seq - 1);
        }
        self.segments.push(Segment {
            number,
            bytes: fs::symlink_metadata(&path)?.len(),
            last: i64::MAX,
            is_damaged: false,
        });
        Ok(true)
    }

    fn use_writer(&mut self, slot: &Path, file: WriterFile) {
        let is_of_segments = self.writer.as_ref().is_none_or(|w| *w == file.writer);
        self.is_valid = is_of_segments && file.is_valid(slot);
        if self.is_valid {
            self.writer = Some(file.writer.clone());
        }
        // Also in a copy its records are added under the ids that they had.
        if self.writer == Some(file.writer) {
            self.changed = file.changed;
        }
    }

    /// No record that was found has a higher number than `last`.
    pub fn limit(&mut self, last: i64) {
        for segment in &mut self.segments {
            segment.last = segment.last.min(last);
        }
    }
}

/// The header and the first frame of a segment, if that is short.
fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    const SHORT: u64 = 64 << 10;
    let mut bytes = Vec::new();
    files::open(path)?.take(SHORT).read_to_end(&mut bytes)?;
    Ok(bytes)
}
