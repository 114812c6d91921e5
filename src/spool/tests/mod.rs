//! Tests of the spool on a real disk: segments that are truncated or damaged, slots that are copied or
//! restored.

use std::path::{Path, PathBuf};

mod segments;
mod slots;

use tempfile::TempDir;

use super::files::segment_name;
use super::segment_format;
use super::*;
use crate::record::target::Target;

const TARGET: Target = Target(7);
const MUCH: u64 = 1 << 30;
/// The size of a segment, so that there are several.
const SMALL: u64 = 2_000;

struct Spool {
    folder: TempDir,
}

impl Spool {
    fn new() -> Spool {
        Spool {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn slot(&self, number: u64) -> PathBuf {
        self.path().join(number.to_string())
    }

    fn open(&self) -> Segments {
        Segments::new(claim(self.path(), TARGET).expect("a slot"), MUCH, SMALL)
    }

    /// Appends so many records, one at a time, and gives up the slot.
    fn with_records(count: i64) -> Spool {
        let spool = Spool::new();
        let mut segments = spool.open();
        let first = segments.slot().first_seq();
        for number in 0..count {
            write(&mut segments, first + number);
        }
        spool
    }
}

fn body_of(seq: i64) -> Vec<u8> {
    format!("record {seq} ").repeat(1 + seq as usize % 3).into()
}

fn write(segments: &mut Segments, seq: i64) {
    let mut frames = Vec::new();
    segment_format::append(&mut frames, seq, |body| body.extend(body_of(seq)));
    segments
        .append(&frames, Version::First, seq)
        .expect("appended");
}

/// The numbers of all readable records, and the bytes of damage.
fn read_all(slot: &Path, from: Position, until: Position, budget: usize) -> (Vec<i64>, u64) {
    let (mut seqs, mut damaged, mut next) = (Vec::new(), 0, Some(from));
    while let Some(from) = next {
        let near = seqs.last().copied();
        let batch = read(slot, from, until, near, budget, false).expect("readable");
        for (seq, body) in batch.frames() {
            assert_eq!(body, body_of(seq), "a record is as it was written");
            seqs.push(seq);
        }
        damaged += batch.damaged;
        assert!(batch.next.is_none_or(|next| next > from), "it goes on");
        next = batch.next;
    }
    (seqs, damaged)
}

fn all_of(segments: &Segments) -> Vec<i64> {
    let Some(from) = segments.beginning() else {
        return Vec::new();
    };
    let (seqs, damaged) = read_all(segments.slot().path(), from, segments.end(), 300);
    assert_eq!(damaged, 0);
    seqs
}

/// Each release deletes one segment.
fn release_all(segments: &mut Segments, done: i64) {
    let mut before = None;
    while before != Some(segments.status().bytes) {
        before = Some(segments.status().bytes);
        segments.release(done, true).expect("released");
    }
}

fn segment(spool: &Spool, number: u64) -> PathBuf {
    spool.slot(0).join(segment_name(number))
}
