//! Records on their way to the disk: what is appended at once.

use super::cursors::LaneKind;
use crate::record::item::Item;
use crate::spool::record_codec;
use crate::spool::segment_format::{self, Parsed};
use crate::util::clock::system_ms;

/// Size from which a chunk gets no more, in bytes.
const FULL: usize = if cfg!(test) { 500 } else { 4 << 20 };

/// Records with their numbers, as they are on disk.
pub type Records = Vec<(i64, Vec<u8>)>;

#[derive(Default)]
pub struct Chunk {
    pub frames: Vec<u8>,
    pub records: u64,
    /// The number of the newest.
    pub last: i64,
    /// Bytes of the queue that are free once it is on disk, of each lane: what is nowhere else.
    parked: [usize; 2],
}

impl Chunk {
    pub fn add(&mut self, seq: i64, item: &Item<'_>) {
        segment_format::append(&mut self.frames, seq, |body| {
            record_codec::write(body, item, system_ms());
        });
        self.records += 1;
        self.last = seq;
    }

    /// What was added last is nowhere else.
    pub fn park(&mut self, kind: LaneKind, bytes: usize) {
        self.parked[kind as usize] += bytes;
    }

    pub fn parked(&self) -> usize {
        self.parked.iter().sum()
    }

    /// The records of a lane are somewhere else again; how many bytes they take.
    pub fn take_parked(&mut self, kind: LaneKind) -> usize {
        std::mem::take(&mut self.parked[kind as usize])
    }

    pub fn is_full(&self) -> bool {
        self.frames.len() >= FULL
    }

    /// Whether some of it is nowhere else.
    pub fn is_needed(&self) -> bool {
        self.parked() > 0
    }

    pub fn records(&self) -> Records {
        let (mut records, mut at) = (Vec::new(), 0);
        while let Parsed::Frame { seq, length } = segment_format::parse(&self.frames[at..]) {
            let body = segment_format::body(&self.frames[at..at + length]);
            records.push((seq, body.to_vec()));
            at += length;
        }
        records
    }
}
